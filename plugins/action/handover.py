# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.plugin_utils import run_facts
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.handover import plan


class ActionModule(ActionBase):
    """Reads what the hosts of the run handed on; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        _validation, arguments = self.validate_argument_spec(
            argument_spec={"topology": {"type": "str", "default": "barman_topology"}}
        )
        resolved = run_facts.topology_of(arguments["topology"], variables)
        topology, requirements = resolved["topology"], resolved["requirements"]
        observed = run_facts.observed(
            [host for host in variables["ansible_play_hosts"] if host in requirements],
            variables["hostvars"],
            topology,
            # The playbooks set this fact. In a play of somebody else's, others may see to the PostgreSQL servers.
            whole="barman_backup_hosts" in variables["hostvars"].raw_get("localhost"),
        )
        plans = plan(topology, requirements, observed)
        result.update(
            changed=False,
            pending=any(found.steps or found.waiting for found in plans.values()),
            hosts={
                host: {
                    **run_facts.as_result(found),
                    "ssh_trust": run_facts.may_have_ssh_trust(requirements[host], variables["hostvars"][host]),
                }
                for host, found in plans.items()
            },
        )
        return result
