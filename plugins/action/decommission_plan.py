# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.plugin_utils import decommission_facts
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action, problem_lines
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.decommission_plan import (
    LAST_BACKUP_NAME,
    Choices,
    plan,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import as_plain


class ActionModule(Action):
    """Reads what the hosts of the run handed on; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "decommission": {"type": "str", "default": "barman_decommission"},
        "backups": {"type": "str", "choices": ["kept", "exported", "removed"], "default": "kept"},
        "last_backup": {"type": "bool", "default": False},
        "confirmed": {"type": "str", "default": ""},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        found: Mapping[str, Any] = variables[arguments["decommission"]]
        fleet = decommission_facts.fleet(found, variables["hostvars"], variables["ansible_play_hosts_all"])
        planned = plan(fleet, Choices(tuple(found["servers"]), arguments["backups"], arguments["last_backup"]))
        problems = [*planned.problems, *decommission_facts.wrong_names(arguments["confirmed"], found["names"])]
        if problems:
            raise AnsibleActionFail(problem_lines(problems), result={"lines": list(planned.lines)})
        left = [*planned.left, *decommission_facts.manual(found, fleet)]
        return {
            "shown": [*planned.lines, *(f"STAYS, OR IS TO BE DONE MANUALLY: {text}" for text in left)],
            "hosts": {
                host: {**as_plain(steps), **decommission_facts.entries(steps)} for host, steps in planned.hosts.items()
            },
            "lines": list(planned.lines),
            "left": left,
            "question": f"This ends the backups as shown. The existing ones are {arguments['backups']}. Type {found['names']} to begin",
            "confirmed": bool(arguments["confirmed"]),
            "backup_name": LAST_BACKUP_NAME,
        }
