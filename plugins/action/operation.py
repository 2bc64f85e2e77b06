# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils import run_facts
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import operation
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.observed_entries import Entries


class ActionModule(Action):
    """Combines what other modules returned; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "topology": {"type": "str", "default": "barman_topology"},
        "servers": {"type": "list", "elements": "str", "default": []},
        "previous": {"type": "dict", "default": {}},
        "results": {"type": "list", "elements": "dict", "default": []},
        "checked": {"type": "dict", "default": {}},
        "final": {"type": "bool", "default": False},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        resolved = run_facts.topology_of(arguments["topology"], variables)
        host, checked = variables["inventory_hostname"], arguments["checked"]
        entries = run_facts.entries_of(variables["hostvars"][host].get(run_facts.ENTRIES)) or Entries()
        state = operation.begin(
            resolved["topology"], resolved["requirements"], host, entries, selected=arguments["servers"]
        )
        state = operation.after(state, arguments["results"], previous=arguments["previous"])
        if not arguments["final"]:
            return operation.as_result(state, checked)
        state = operation.final(state, checked)
        failure = {"failed": True, "msg": "; ".join(state.failed.values())} if state.failed else {}
        return {**operation.as_result(state, checked), **failure}
