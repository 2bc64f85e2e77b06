# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.plugin_utils import run_facts


class ActionModule(ActionBase):
    """Reads what the hosts of the run handed on; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        self.validate_argument_spec(argument_spec={})
        found = {
            host: run_facts.undeclared(host, variables["hostvars"][host]) for host in variables["ansible_play_hosts"]
        }
        result.update(changed=False, messages={host: messages for host, messages in found.items() if messages})
        return result
