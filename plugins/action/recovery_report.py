# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.report import Results, notes, problems, report

_REQUIRED = ("proof", "host", "restored", "test")
_OPTIONAL = ("quiet", "running", "answered", "record", "commit", "protection")


class ActionModule(ActionBase):
    """Makes a report of results of earlier tasks on the controller, and shows it; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            argument_spec={
                "recovery": {"type": "dict", "required": True},
                **{name: {"type": "dict", "required": True} for name in _REQUIRED},
                **{name: {"type": "dict", "default": {}} for name in _OPTIONAL},
                "unprotected": {"type": "list", "elements": "dict", "default": []},
                "new_backups": {"type": "list", "elements": "list", "default": []},
                "data_directory": {"type": "str", "default": ""},
                "started": {"type": "float", "default": 0.0},
            }
        )
        recovery = options["recovery"]
        results = Results(**{name: options[name] for name in (*_REQUIRED, *_OPTIONAL, "new_backups", "unprotected")})
        made = report(recovery, results, data_directory=options["data_directory"], started=options["started"])
        # As ansible.builtin.debug does, so that the report is shown without -v.
        result.update(
            changed=False,
            report=made,
            notes=notes(recovery, made),
            problems=problems(recovery, results, made),
            _ansible_verbose_always=True,
        )
        return result
