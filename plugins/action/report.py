# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.modules.report import ARGUMENTS
from ansible_collections.pgdr.barman.plugins.plugin_utils import report_results
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils.graphviz import require_graphviz
from ansible_collections.pgdr.barman.plugins.plugin_utils.run_results import report_result

_WRITTEN = ("file", "mode", "validate_only")


class ActionModule(Action):
    """Makes the page on the controller, and has the module of the same name write it on the task's host."""

    _requires_connection = True
    ARGUMENTS = ARGUMENTS

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        if not os.path.isabs(arguments["file"]):
            arguments["file"] = self._absolute(arguments["file"])
        require_graphviz()
        if arguments["validate_only"]:
            return self._write(arguments, variables, "")
        report = report_results.read_report(arguments, variables)
        written = self._write(arguments, variables, report_results.page_of(report, arguments, variables))
        return {**written, "result": report_result(report, written["file"], check_mode=bool(self._task.check_mode))}

    def _absolute(self, path: str) -> str:
        if getattr(self._connection, "transport", "") != "local":
            raise AnsibleActionFail(
                f"barman_report_file is {path}, and a path on another host than the controller has to be absolute. Nothing was changed."
            )
        return os.path.abspath(path)

    def _write(self, arguments: dict[str, Any], variables: dict[str, Any], text: str) -> dict[str, Any]:
        """Raises AnsibleActionFail."""
        values = {**{name: arguments[name] for name in _WRITTEN}, "content": text}
        result = self._execute_module(module_name="pgdr.barman.report", module_args=values, task_vars=variables)
        if result.get("failed") or result.get("unreachable"):
            raise AnsibleActionFail(f"The report was not written: {result.get('msg') or 'no reason is known'}")
        return {"changed": bool(result.get("changed")), "file": result["file"]}
