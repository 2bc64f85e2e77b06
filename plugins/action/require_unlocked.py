# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.module_utils._host.run_lock import from_facts
from ansible_collections.pgdr.barman.plugins.plugin_utils.controller import ended, refusal, this_controller


class ActionModule(ActionBase):
    """Reads the locks in the hosts' local facts; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            argument_spec={"take_over": {"type": "list", "elements": "str", "default": []}}
        )
        variables = task_vars or {}
        here = this_controller()
        problems: list[str] = []
        warnings: list[str] = []
        void: set[str] = set()
        for host in variables["ansible_play_hosts_all"]:
            facts = variables["hostvars"][host].get("ansible_facts") or {}
            # Of all facts only this one keeps its prefix.
            locks = from_facts(facts.get("ansible_local"))
            over = ended(locks, here, arguments["take_over"])
            held = [one for one in locks if one.run not in over]
            if held:
                problems.append(refusal(host, held, here))
            warnings += [f"{host} has the lock of a run that has ended: {one}" for one in locks if one.run in over]
            void |= over
        if problems:
            alone = "Hosts without a lock can be selected with --limit."
            raise AnsibleActionFail(" ".join(["Nothing was changed.", *problems, alone]), result=result)
        if warnings:
            result["warnings"] = warnings
        result.update(changed=False, void=sorted(void))
        return result
