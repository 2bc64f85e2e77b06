# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of a playbook: read from text forms, validated, and with their defaults.

Private to the collection. Pure but for Ansible's own validation of argument specifications.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ...module_utils._barman.options import nearest
from .text_forms import TextError, is_absent, to_bool, to_dict, to_int, to_list, to_str

_CONVERT: Mapping[str, Callable[[Any], Any]] = {
    "bool": to_bool,
    "dict": to_dict,
    "int": to_int,
    "list": to_list,
    "path": to_str,
    "raw": lambda value: value,
    "str": to_str,
}


def convert(
    specification: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """The values of the arguments that are given or have a default, by name, and every problem.

    specification: an argument specification, each option with a type of _CONVERT. given: the variables' values; an empty text
    counts as absent.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, option in sorted(specification.items()):
        value = given.get(name)
        if value is None or (is_absent(value) and option["type"] != "raw"):
            continue
        try:
            values[name] = _CONVERT[option["type"]](value)
            elements = option.get("elements")
            if elements is not None:
                values[name] = [_element(elements, number, item) for number, item in enumerate(values[name], start=1)]
        except TextError as error:
            problems.append(f"{name} {error.message}; {error.instead}")
            continue
        if "options" in option:
            values[name], wrong = _items(name, option["options"], values[name])
            problems += wrong
    unconverted = {problem.split(" ", 1)[0] for problem in problems}
    known = {
        name: {
            **{key: value for key, value in option.items() if key != "options"},
            "required": bool(option.get("required")) and name not in unconverted,
        }
        for name, option in specification.items()
    }
    result = ArgumentSpecValidator(known).validate(values)
    problems += result.error_messages
    return {name: value for name, value in result.validated_parameters.items() if value is not None}, problems


def _items(name: str, options: Mapping[str, Mapping[str, Any]], items: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """The dictionaries of a list with the keys that these options declare, and every problem."""
    found: list[dict[str, Any]] = []
    problems: list[str] = []
    for number, item in enumerate(items, start=1):
        where = f"{name} item {number}"
        for key in item:
            if key not in options:
                like = nearest(str(key), options)
                hint = f"did you mean {like}?" if like else "leave it out."
                problems.append(f"{where} has the unknown key {key}; {hint} Its keys are {', '.join(options)}")
        values, wrong = convert(options, item)
        found.append(values)
        problems += [f"{where}: {problem}" for problem in wrong]
    return found, problems


def _element(kind: str, number: int, item: Any) -> Any:
    try:
        return _CONVERT[kind](item)
    except TextError as error:
        raise TextError(f"item {number} {error.message}", error.instead) from None
