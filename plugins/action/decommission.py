# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.plugin_utils import inventory
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action, problem_lines
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import decommission
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.decommission import Leaving
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.requirements import describe
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.resolve import resolve
from ansible_collections.pgdr.barman.plugins.plugin_utils.inventory_variables import read_inventory
from ansible_collections.pgdr.barman.plugins.plugin_utils.program_identity import program_identity


class ActionModule(Action):
    """Reads the inventory's variables on the controller; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "pg_group": {"type": "str", "default": "pg"},
        "backup_group": {"type": "str", "default": "backup"},
        "servers": {"type": "list", "elements": "str", "default": []},
        "backup_server": {"type": "str", "default": ""},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        groups = variables["groups"]
        pg, backup = groups[arguments["pg_group"]], groups[arguments["backup_group"]]
        read = read_inventory(pg, backup, variables["hostvars"], self._loader)
        resolution = resolve(read.pg, read.backup)
        if resolution.problems:
            raise AnsibleActionFail(inventory.problems_message(resolution.problems, variables))
        leaving = Leaving(tuple(dict.fromkeys(arguments["servers"])), arguments["backup_server"])
        problems = decommission.problems(resolution.topology, leaving)
        if problems:
            raise AnsibleActionFail(problem_lines(problems))
        found = decommission.decommission(resolution.topology, leaving, program_identity())
        return {
            "names": leaving.names,
            "servers": list(leaving.servers),
            "work": decommission.as_dict(found),
            "hosts": list(found.work),
            "unknown": list(found.unknown),
            "served": decommission.served(resolution.topology),
            "manual": decommission.manual_texts(resolution.topology, found),
            "unmanaged": list(found.manual),
            "remaining": {"topology": describe(found.remaining), "requirements": found.requirements},
        }
