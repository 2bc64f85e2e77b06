# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action, problem_lines
from ansible_collections.pgdr.barman.plugins.plugin_utils.recovery_arguments import RecoveryArguments
from ansible_collections.pgdr.barman.plugins.plugin_utils.templates import PlayVariables


class ActionModule(Action):
    """Reads the arguments of the playbook recover on the controller; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "topology": {"type": "dict", "required": True},
        "requirements": {"type": "dict", "required": True},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        play = PlayVariables(variables, self._templar, self._loader)
        given = RecoveryArguments(play, arguments["topology"], arguments["requirements"])
        value = given.recovery()
        if value is None or given.problems:
            raise AnsibleActionFail(problem_lines(dict.fromkeys(given.problems)))
        return value
