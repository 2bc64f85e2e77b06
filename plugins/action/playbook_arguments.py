# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.playbook_arguments import convert
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.selection import SelectionError, select


class ActionModule(ActionBase):
    """Reads a playbook's variables on the controller; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            argument_spec={
                "specification": {"type": "dict", "required": True},
                "demands": {"type": "dict"},
                "entries": {"type": "str", "choices": ["any", "backed_up", "passive"], "default": "any"},
            }
        )
        variables = task_vars or {}
        given, unreadable = self._read(options["specification"], variables)
        arguments, problems = convert(options["specification"], given)
        problems = unreadable + problems
        if options["demands"] is not None and not problems:
            try:
                result["selected"] = select(
                    {
                        host: demanded["barman"]["servers"]
                        for host, demanded in options["demands"].items()
                        if "barman" in demanded
                    },
                    variables["ansible_play_hosts_all"],
                    arguments.get("barman_servers"),
                    options["entries"],
                )
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
