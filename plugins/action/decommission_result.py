# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils import decommission_facts, run_results
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils.run_facts import of_all_hosts


class ActionModule(Action):
    """Reads what the hosts of the run handed on; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "decommission": {"type": "str", "default": "barman_decommission"},
        "plan": {"type": "str", "default": "barman_decommission_plan"},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        decommission, planned = variables[arguments["decommission"]], variables[arguments["plan"]]
        packages = decommission_facts.packages(of_all_hosts(decommission_facts.RECORD, variables))
        left = [
            *planned["left"],
            *decommission_facts.left(
                of_all_hosts(decommission_facts.POSTGRES, variables),
                of_all_hosts(decommission_facts.RECORD, variables),
                planned["left"],
            ),
        ]
        result = run_results.decommission_result(
            decommission["names"].split(","),
            {host: one["steps"] for host, one in planned["hosts"].items()},
            set(variables["ansible_play_hosts_all"]) - set(variables["ansible_play_hosts"]),
            left,
            packages,
            check_mode=bool(self._task.check_mode),
        )
        shown = [f"{host}: these packages of a deployment stay: {', '.join(names)}" for host, names in packages.items()]
        return {"shown": [*left, *shown] or ["Nothing is left."], "result": result}
