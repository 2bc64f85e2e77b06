# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.plugin_utils.tables import (
    backup_failures,
    backup_table,
    check_table,
    sync_failures,
    sync_table,
)


class ActionModule(ActionBase):
    """Shows results of earlier tasks of all hosts; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            argument_spec={
                "operation": {"type": "str", "choices": ["backup", "check", "sync"], "required": True},
                "results": {"type": "str", "required": True},
                "information": {"type": "str"},
                "topology": {"type": "dict"},
                "requirements": {"type": "dict"},
            },
            required_if=[("operation", "sync", ("information", "topology", "requirements"))],
        )
        variables = task_vars or {}
        check_mode = bool(self._task.check_mode)
        results = _of_all_hosts(variables, options["results"])
        if options["operation"] == "backup":
            lines = backup_table(results, check_mode=check_mode)
            failures = backup_failures(results, check_mode=check_mode)
        elif options["operation"] == "check":
            lines = check_table(results)
            failures = {host: list(one.get("problems") or ()) for host, one in results.items()}
        else:
            lines = sync_table(
                results,
                _of_all_hosts(variables, options["information"]),
                topology=options["topology"],
                requirements=options["requirements"],
                check_mode=check_mode,
            )
            failures = sync_failures(results)
        # As ansible.builtin.debug does, so that the lines are shown without -v.
        result.update(changed=False, msg=lines, failures=failures, _ansible_verbose_always=True)
        return result


def _of_all_hosts(variables: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The variable of every host of the play that has it."""
    hosts = ((host, variables["hostvars"][host]) for host in variables["ansible_play_hosts"])
    return {host: own[name] for host, own in hosts if name in own}
