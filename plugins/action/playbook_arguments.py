# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action, problem_lines
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.playbook_arguments import convert
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.selection import SelectionError, select_for_run
from ansible_collections.pgdr.barman.plugins.plugin_utils.playbook_meta import MetaError, declared
from ansible_collections.pgdr.barman.plugins.plugin_utils.templates import PlayVariables


class ActionModule(Action):
    """Reads a playbook's variables on the controller; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "specification": {"type": "dict"},
        "playbook": {"type": "str"},
        "names": {"type": "list", "elements": "str"},
        "topology": {"type": "dict"},
        "requirements": {"type": "dict"},
        "entries": {"type": "str", "choices": ["any", "backed_up", "passive"], "default": "any"},
    }
    CONSTRAINTS = {
        "mutually_exclusive": [("specification", "playbook")],
        "required_one_of": [("specification", "playbook")],
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        try:
            specification = declared(arguments["specification"], arguments["playbook"], arguments["names"])
        except MetaError as error:
            raise AnsibleActionFail(str(error)) from error
        play = PlayVariables(variables, self._templar, self._loader)
        converted, problems = convert(specification, {name: play.read(name) for name in specification})
        problems = play.problems + problems
        selected: dict[str, Any] = {}
        if arguments["requirements"] is not None and not problems:
            try:
                selected = select_for_run(
                    converted,
                    arguments["topology"] or {},
                    arguments["requirements"],
                    hosts_in_run=variables["ansible_play_hosts_all"],
                    entries=arguments["entries"],
                )
            except SelectionError as error:
                problems += error.problems
        if problems:
            raise AnsibleActionFail(problem_lines(problems))
        return {**selected, "arguments": converted}
