# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An empty optional answer is the default: of every argument of every playbook, and of every variable of the inventory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.kinds import BACKUP, PG
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.playbook_arguments import convert
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.variables import (
    KNOWN_VARIABLES,
    SECRET_VARIABLES,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils.playbook_meta import specification
from tests.tools.examples import playbook_files

from .inventories import backup, pg

ARGUMENTS = {
    (path.stem, name): option for path in playbook_files() for name, option in specification(path.stem).items()
}
ABSENT = object()
EMPTY = (None, "", " ", "\n", " \r\n\t")

#: Empty is a value of these: everything is kept, never by schedule, an empty text of PostgreSQL's or Barman's own, or no primary, although an entry of
#: Barman that is adopted has one.
VALUES = {
    "barman_backup_schedule",
    "barman_incremental_schedule",
    "barman_retention_policy",
    "barman_client_directory",
    "barman_listen_addresses",
    "barman_primary",
}


def required(playbook: str) -> dict[str, Any]:
    return {name: "x" for name, option in specification(playbook).items() if option.get("required")}


@pytest.mark.parametrize("empty", EMPTY, ids=repr)
@pytest.mark.parametrize(("playbook", "name"), ARGUMENTS)
def test_an_empty_answer_is_the_default(playbook: str, name: str, empty: str | None) -> None:
    options, others = specification(playbook), {key: "x" for key in required(playbook) if key != name}
    assert convert(options, {**others, name: empty}) == convert(options, others)


@given(data=st.data())
def test_any_empty_answers_together_are_the_defaults(data: st.DataObject) -> None:
    playbook = data.draw(st.sampled_from(sorted({playbook for playbook, _name in ARGUMENTS})))
    options, others = specification(playbook), required(playbook)
    answers = {name: data.draw(st.sampled_from((ABSENT, *EMPTY)), label=name) for name in options if name not in others}
    given_answers = {name: value for name, value in answers.items() if value is not ABSENT}
    assert convert(options, {**others, **given_answers}) == convert(options, others)


def values(option: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of an argument's type that its text form can express."""
    words = st.from_regex(r"[a-z][a-z0-9_./-]{0,8}", fullmatch=True)
    if "choices" in option:
        return st.sampled_from(option["choices"])
    if "options" in option:
        return st.lists(st.fixed_dictionaries({"query": words, "expect": st.integers()}), min_size=1, max_size=2)
    return {
        "bool": st.booleans(),
        "int": st.integers(0, 10**6),
        "list": st.lists(words, min_size=1, max_size=3),
        "dict": st.dictionaries(words.filter(lambda word: "=" not in word), words, min_size=1, max_size=3),
    }.get(option["type"], words)


def text_forms(value: Any) -> list[str]:
    """How a person writes it into a survey."""
    if isinstance(value, bool):
        return [str(value), str(value).lower(), "yes" if value else "no"]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ["\n".join(value), ", ".join(value), json.dumps(value), "\r\n".join(value) + "\r\n"]
    if isinstance(value, dict):
        return [json.dumps(value), "\n".join(f"{key}={item}" for key, item in value.items())]
    return [json.dumps(value)] if isinstance(value, list) else [str(value), f" {value} "]


@settings(max_examples=10)
@given(data=st.data())
@pytest.mark.parametrize(("playbook", "name"), ARGUMENTS)
def test_a_text_answer_is_the_value(playbook: str, name: str, data: st.DataObject) -> None:
    options, others = specification(playbook), required(playbook)
    value = data.draw(values(options[name]))
    text = data.draw(st.sampled_from(text_forms(value)))
    found, problems = convert(options, {**others, name: text})
    assert problems == []
    assert found == convert(options, {**others, name: value})[0]


@pytest.mark.parametrize("empty", EMPTY[:3], ids=repr)
@pytest.mark.parametrize("name", sorted(set(KNOWN_VARIABLES) - SECRET_VARIABLES - VALUES))
def test_an_empty_variable_of_the_inventory_is_no_variable(name: str, empty: str | None) -> None:
    group = KNOWN_VARIABLES[name].group
    on_pg = {} if group == BACKUP else {name: empty}
    on_backup = {} if group == PG else {name: empty}
    without = {key: value for key, value in pg().items() if key not in on_pg}
    expected = build({"pg": without}, {"backup": backup()})
    assert build({"pg": {**without, **on_pg}}, {"backup": {**backup(), **on_backup}}) == expected


@pytest.mark.parametrize("name", sorted(VALUES))
def test_an_empty_value_that_has_a_meaning_is_kept(name: str) -> None:
    group = KNOWN_VARIABLES[name].group
    on_pg, on_backup = ({name: ""}, {}) if group == PG else ({}, {name: ""})
    found = build({"pg": pg(barman_incremental="block", **on_pg)}, {"backup": backup(**on_backup)})
    assert found.problems == []
    assert found != build({"pg": pg(barman_incremental="block")}, {"backup": backup()})
