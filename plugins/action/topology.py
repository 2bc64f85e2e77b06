# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import date
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.plugin_utils import inventory
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.acceptance import failing
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.texts import expired_facts, failure_lines
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.host_slice import hosts_by_part
from ansible_collections.pgdr.barman.plugins.plugin_utils.inventory_variables import read_inventory
from ansible_collections.pgdr.barman.plugins.plugin_utils.program_identity import program_identity


class ActionModule(Action):
    """Reads the inventory's variables on the controller; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "pg_group": {"type": "str", "default": "pg"},
        "backup_group": {"type": "str", "default": "backup"},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        groups, hostvars = variables["groups"], variables["hostvars"]
        problems = [
            *inventory.slice_of_a_job(variables),
            *inventory.unparsed_sources(hostvars),
            *inventory.missing_group("barman_pg_group", arguments["pg_group"], groups),
            *inventory.missing_group("barman_backup_group", arguments["backup_group"], groups),
        ]
        if problems:
            raise AnsibleActionFail(inventory.problems_message(problems, variables))
        pg, backup = groups[arguments["pg_group"]], groups[arguments["backup_group"]]
        declared = read_inventory(pg, backup, hostvars, self._loader)
        outcome = build(declared.pg, declared.backup, program_identity(), date.today())
        warnings = [*outcome.warnings, *declared.warnings, *inventory.shared_names([*pg, *backup], groups)]
        found = {"warnings": warnings} if warnings else {}
        if outcome.problems:
            raise AnsibleActionFail(inventory.problems_message(outcome.problems, variables), result=found)
        return {
            **found,
            "topology": outcome.topology,
            "requirements": outcome.requirements,
            "hosts": hosts_by_part(outcome.requirements, pg, backup),
            "advice": {
                "findings": [one.as_dict() for one in outcome.decided.findings],
                "open": [{"code": one.code, "subject": one.subject} for one in outcome.decided.open],
                "expired": expired_facts(outcome.decided.expired),
                "record_host": min((outcome.topology or {}).get("backup_servers") or (), default=""),
                "failures": failure_lines(failing(outcome.decided.findings, outcome.fail_on)),
            },
        }
