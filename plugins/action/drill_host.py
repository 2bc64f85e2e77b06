# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action, problem_lines
from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.drill_places import (
    drill_host_problems,
    drill_places,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.value import RecoveryError
from ansible_collections.pgdr.barman.plugins.plugin_utils.recovery_arguments import RecoveryArguments, new_run
from ansible_collections.pgdr.barman.plugins.plugin_utils.templates import PlayVariables


class ActionModule(Action):
    """Reads the inventory on the controller; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "topology": {"type": "dict", "required": True},
        "requirements": {"type": "dict", "required": True},
        "arguments": {"type": "dict", "required": True},
        "selected": {"type": "dict", "required": True},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        play = PlayVariables(variables, self._templar, self._loader)
        given, requirements = arguments["arguments"], arguments["requirements"]
        inventory = RecoveryArguments(play, arguments["topology"], requirements)
        problems = drill_host_problems(
            given,
            requirements,
            inventory=variables["hostvars"],
            in_run=variables["ansible_play_hosts_all"],
        )
        host = None
        if not problems and given.get("barman_drill_host"):
            host = inventory.target_host(given["barman_drill_host"])
        problems += inventory.problems
        if problems:
            raise AnsibleActionFail(problem_lines(problems))
        try:
            return drill_places(given, arguments["selected"], arguments["topology"], requirements, host, run=new_run())
        except RecoveryError as error:
            raise AnsibleActionFail(problem_lines(error.problems)) from error
