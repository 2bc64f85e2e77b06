# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.failure import message, progress

_RESULTS = ("begun", "stopped", "started", "ended", "running")
_REPORTED = ("task", "error", "data_directory", "service")


class ActionModule(Action):
    """Evaluates results of earlier tasks on the controller; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "state": {"type": "str", "choices": ["assessed", "reported"], "default": "assessed"},
        "recovery": {"type": "dict", "required": True},
        **{name: {"type": "dict", "default": {}} for name in (*_RESULTS, "record", "restarted")},
        **{name: {"type": "str"} for name in _REPORTED},
    }
    CONSTRAINTS = {"required_if": [("state", "reported", _REPORTED)]}

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        recovery = arguments["recovery"]
        found = progress(recovery["run"], **{name: arguments[name] for name in _RESULTS})
        values = {**asdict(found), "record_state": found.record_state}
        if arguments["state"] == "assessed":
            return values
        text = message(
            recovery,
            found,
            record_file=str(arguments["begun"].get("record_file", "")),
            **{name: arguments[name] for name in (*_REPORTED, "record", "restarted")},
        )
        raise AnsibleActionFail(text, result={"changed": False, **values})
