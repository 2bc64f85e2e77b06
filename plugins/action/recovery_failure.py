# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.failure import message, progress

_RESULTS = ("begun", "stopped", "started", "ended", "running")


class ActionModule(ActionBase):
    """Judges results of earlier tasks on the controller; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            argument_spec={
                "state": {"type": "str", "choices": ["assessed", "reported"], "default": "assessed"},
                "recovery": {"type": "dict", "required": True},
                **{name: {"type": "dict", "default": {}} for name in _RESULTS},
                "task": {"type": "str"},
                "error": {"type": "str"},
                "data_directory": {"type": "str"},
                "service": {"type": "str"},
                "record": {"type": "dict", "default": {}},
                "restarted": {"type": "dict", "default": {}},
            },
            required_if=[("state", "reported", ("task", "error", "data_directory", "service"))],
        )
        recovery = options["recovery"]
        found = progress(recovery["run"], **{name: options[name] for name in _RESULTS})
        result.update(changed=False, **asdict(found), record_state=found.record_state)
        if options["state"] == "reported":
            text = message(
                recovery,
                found,
                record_file=str(options["begun"].get("record_file", "")),
                **{
                    name: options[name]
                    for name in ("task", "error", "data_directory", "service", "record", "restarted")
                },
            )
            raise AnsibleActionFail(text, result=result)
        return result
