# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils import run_results, tables, verification_tables
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils.run_facts import lost_hosts, of_all_hosts

OPERATIONS = ["backup", "check", "drill", "repair", "sync", "verify"]


class ActionModule(Action):
    """Shows results of earlier tasks of all hosts; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "operation": {"type": "str", "choices": OPERATIONS, "required": True},
        "results": {"type": "str", "required": True},
        "repaired": {"type": "str"},
        "copies": {"type": "str"},
        "information": {"type": "str"},
        "topology": {"type": "dict"},
        "requirements": {"type": "dict"},
    }
    CONSTRAINTS = {"required_if": [("operation", "sync", ("information", "topology", "requirements"))]}
    SHOWS_RESULT = True

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        check_mode = bool(self._task.check_mode)
        results = of_all_hosts(arguments["results"], variables)
        lost = lost_hosts(results, variables)
        if arguments["operation"] == "backup":
            lines = tables.backup_table(results, check_mode=check_mode)
            failures = tables.backup_failures(results, check_mode=check_mode)
            returned = run_results.backup_result(results, lost, check_mode=check_mode)
        elif arguments["operation"] == "check":
            lines, failures = tables.check_table(results), tables.check_failures(results)
            returned = run_results.check_result(results, lost, check_mode=check_mode)
        elif arguments["operation"] == "drill":
            lines, failures = tables.drill_table(results), tables.drill_failures(results)
            returned = run_results.drill_result(results, lost, check_mode=check_mode)
        elif arguments["operation"] == "verify":
            copies = of_all_hosts(arguments["copies"], variables) if arguments["copies"] else {}
            lines, failures, returned = verification_tables.shown(results, copies, lost, check_mode=check_mode)
        elif arguments["operation"] == "repair":
            states = of_all_hosts(arguments["repaired"], variables) if arguments["repaired"] else {}
            repaired = tables.repaired(results, states)
            lines, failures = tables.repair_table(repaired, check_mode=check_mode), tables.repair_failures(repaired)
            returned = run_results.repair_result(repaired, lost, check_mode=check_mode)
        else:
            information = of_all_hosts(arguments["information"], variables)
            sync = {name: arguments[name] for name in ("topology", "requirements")}
            lines = tables.sync_table(results, information, check_mode=check_mode, **sync)
            failures = tables.sync_failures(results)
            returned = run_results.sync_result(results, lost, check_mode=check_mode)
        return {"msg": lines, "failures": failures, "result": returned}
