# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.playbook_arguments import convert
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.selection import (
    SelectionError,
    choose,
    concerned,
    links,
    select,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils.playbook_meta import MetaError, specification

_SPECIFICATION: dict[str, Any] = {
    "specification": {"type": "dict"},
    "playbook": {"type": "str"},
    "names": {"type": "list", "elements": "str"},
    "topology": {"type": "dict"},
    "requirements": {"type": "dict"},
    "entries": {"type": "str", "choices": ["any", "backed_up", "passive"], "default": "any"},
}


class ActionModule(ActionBase):
    """Reads a playbook's variables on the controller; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            argument_spec=_SPECIFICATION,
            mutually_exclusive=[("specification", "playbook")],
            required_one_of=[("specification", "playbook")],
        )
        variables = task_vars or {}
        declared = _declared(options)
        given, unreadable = self._read(declared, variables)
        arguments, problems = convert(declared, given)
        problems = unreadable + problems
        if options["requirements"] is not None and not problems:
            try:
                result.update(_selected(options, arguments, variables["ansible_play_hosts_all"]))
            except SelectionError as error:
                problems += error.problems
        if problems:
            raise AnsibleActionFail("\n".join(("Nothing was changed.", *(f"- {problem}" for problem in problems))))
        result.update(changed=False, arguments=arguments)
        return result

    def _read(self, names: Mapping[str, Any], variables: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The variables' values, each templated by itself, so that one wrong expression hides no other."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        for name in names:
            if name not in variables:
                continue
            try:
                values[name] = self._templar.template(variables[name])
            except AnsibleError as error:
                problems.append(f"{name} cannot be read: {error.message}; correct the expression")
        return values, problems


def _declared(options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The argument specification that the options give or name."""
    try:
        declared = options["specification"] if options["playbook"] is None else specification(options["playbook"])
    except MetaError as error:
        raise AnsibleActionFail(f"playbook: {error}") from error
    names = list(declared) if options["names"] is None else options["names"]
    unknown = [name for name in names if name not in declared]
    if unknown:
        raise AnsibleActionFail(f"names: the specification has no {', '.join(unknown)}")
    return {name: declared[name] for name in names}


def _selected(options: Mapping[str, Any], arguments: Mapping[str, Any], hosts_in_run: list[str]) -> dict[str, Any]:
    """The servers to work on, by backup server of the run, as the action returns them. Raises SelectionError."""
    entries = {
        host: required["barman"]["servers"]
        for host, required in options["requirements"].items()
        if "barman" in required
    }
    names, expression = arguments.get("barman_servers"), arguments.get("barman_select")
    chosen = None
    if expression is not None:
        if names is not None:
            raise SelectionError("barman_servers and barman_select are both given. Leave one of them out")
        chosen = choose(expression, (options["topology"] or {}).get("postgres_servers", {}))
    selected = select(entries, hosts_in_run, names, options["entries"], chosen=chosen)
    return {"selected": selected, "links": links(entries, selected), "concerned": concerned(entries, selected)}
