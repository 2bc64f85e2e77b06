# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.plugin_utils import run_facts
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import operation
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import as_plain
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.observed_entries import Entries

_SPECIFICATION: dict[str, Any] = {
    "topology": {"type": "str", "default": "barman_topology"},
    "servers": {"type": "list", "elements": "str", "default": []},
    "previous": {"type": "dict", "default": {}},
    "results": {"type": "list", "elements": "dict", "default": []},
    "checked": {"type": "dict", "default": {}},
    "final": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Combines what other modules returned; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        _validation, arguments = self.validate_argument_spec(argument_spec=_SPECIFICATION)
        resolved = run_facts.topology_of(arguments["topology"], variables)
        previous, checked = arguments["previous"], arguments["checked"]
        host = variables["inventory_hostname"]
        entries = run_facts.entries_of(variables["hostvars"][host].get(run_facts.ENTRIES)) or Entries()
        state = operation.begin(
            resolved["topology"], resolved["requirements"], host, entries, selected=arguments["servers"]
        )
        results = arguments["results"]
        failed = {**previous.get("unhealthy", {}), **operation.failures(results)}
        copied = [name for one in results for name in operation.empty(one)]
        state = replace(state, failed=failed, empty=tuple(dict.fromkeys([*previous.get("empty", []), *copied])))
        if arguments["final"]:
            failed = {**state.failed, **operation.unhealthy(checked)}
            state = replace(state, failed=failed, healthy=tuple(one for one in state.servers if one not in failed))
        confirmed = operation.checks(checked, "synchronous_wal_receiver", ok=True)
        result.update(
            as_plain(state),
            changed=False,
            checkable=list(state.checkable),
            confirmed=confirmed,
            in_doubt=[one for one in state.manual if one not in state.failed and one not in confirmed],
            with_backup=operation.checks(checked, "backup_present", ok=True),
            incoming=operation.checks(checked, "empty_incoming_directory", ok=False),
        )
        # "failed" is Ansible's own key of a result.
        result["unhealthy"] = dict(result.pop("failed"))
        if arguments["final"] and result["unhealthy"]:
            result.update(failed=True, msg="; ".join(result["unhealthy"].values()))
        return result
