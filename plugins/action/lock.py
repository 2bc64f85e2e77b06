# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.module_utils._host.run_lock import parse
from ansible_collections.pgdr.barman.plugins.plugin_utils.controller import ended, refusal, this_controller


class ActionModule(ActionBase):
    """Runs the module with this controller's process; if another run holds the lock, finds out whether that one has ended."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        here = this_controller()
        arguments = {**self._task.args, "controller": asdict(here)}
        result.update(self._execute_module(module_args=arguments, task_vars=task_vars))
        holders = [one for one in map(parse, result.get("holders") or ()) if one is not None]
        if not holders:
            return result
        void = ended(holders, here, [])
        if void == {one.run for one in holders}:
            arguments["take_over"] = [*_lines(arguments.get("take_over")), *sorted(void)]
            result = self._execute_module(module_args=arguments, task_vars=task_vars)
            holders = [one for one in map(parse, result.get("holders") or ()) if one is not None]
        if holders:
            where = str(self._task.delegate_to or (task_vars or {}).get("inventory_hostname", "this host"))
            still = [one for one in holders if one.run not in void] or holders
            result["msg"] = f"Nothing was changed: {refusal(where, still, here)}"
        return result


def _lines(value: Any) -> list[str]:
    """A list, also if it came as text."""
    if isinstance(value, str):
        return [one.strip() for one in value.split(",") if one.strip()]
    return [str(one) for one in value or ()]
