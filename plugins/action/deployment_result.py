# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.texts import deployment_lines
from ansible_collections.pgdr.barman.plugins.plugin_utils.advice_facts import new_findings
from ansible_collections.pgdr.barman.plugins.plugin_utils.run_results import deploy_result


class ActionModule(Action):
    """Makes the result of a deployment on the controller; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "handover": {"type": "dict", "default": {}},
        "undeclared": {"type": "dict", "default": {}},
        "advice": {"type": "dict", "required": True},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        hosts, advice = variables["ansible_play_hosts"], arguments["advice"]
        result = deploy_result(
            hosts,
            set(variables["ansible_play_hosts_all"]) - set(hosts),
            {host: plan["waiting"] for host, plan in arguments["handover"].items()},
            arguments["undeclared"],
            advice["findings"],
            check_mode=bool(self._task.check_mode),
        )
        return {"result": result, "messages": deployment_lines(advice, new_findings(variables))}
