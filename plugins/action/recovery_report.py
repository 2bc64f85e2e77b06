# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.report import Results, notes, problems, report
from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.report_text import report_lines
from ansible_collections.pgdr.barman.plugins.plugin_utils.run_results import recover_result

_REQUIRED = ("proof", "host", "restored", "test")
_OPTIONAL = ("isolation", "running", "answered", "record", "commit", "protection")


class ActionModule(Action):
    """Makes a report of results of earlier tasks on the controller, and shows it; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "recovery": {"type": "dict", "required": True},
        **{name: {"type": "dict", "required": True} for name in _REQUIRED},
        **{name: {"type": "dict", "default": {}} for name in _OPTIONAL},
        "unprotected": {"type": "list", "elements": "dict", "default": []},
        "new_backups": {"type": "list", "elements": "list", "default": []},
        "data_directory": {"type": "str", "default": ""},
        "started": {"type": "float", "default": 0.0},
    }
    SHOWS_RESULT = True

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        recovery = arguments["recovery"]
        results = Results(**{name: arguments[name] for name in (*_REQUIRED, *_OPTIONAL, "new_backups", "unprotected")})
        made = report(recovery, results, data_directory=arguments["data_directory"], started=arguments["started"])
        found = problems(recovery, results, made)
        noted = notes(recovery, made)
        return {
            "report": made,
            "lines": report_lines(made, notes=noted, problems=found),
            "notes": noted,
            "problems": found,
            "result": recover_result(made, found),
        }
