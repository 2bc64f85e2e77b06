# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.module_utils._host.run_lock import from_facts
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils.controller import ended, refusal, this_controller


class ActionModule(Action):
    """Reads the locks in the hosts' local facts; connects to nothing and changes nothing."""

    ARGUMENTS = {"take_over": {"type": "list", "elements": "str", "default": []}}

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
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
            raise AnsibleActionFail(" ".join(["Nothing was changed.", *problems, alone]))
        return {"void": sorted(void), **({"warnings": warnings} if warnings else {})}
