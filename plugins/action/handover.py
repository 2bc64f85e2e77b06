# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils import run_facts
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.handover import plan


class ActionModule(Action):
    """Reads what the hosts of the run handed on; connects to nothing and changes nothing."""

    ARGUMENTS = {"topology": {"type": "str", "default": "barman_topology"}}

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        resolved = run_facts.topology_of(arguments["topology"], variables)
        topology, requirements = resolved["topology"], resolved["requirements"]
        observed = run_facts.observed(
            [host for host in variables["ansible_play_hosts"] if host in requirements],
            variables["hostvars"],
            topology,
            # The playbooks set this fact. In another play, other plays may configure the PostgreSQL servers.
            whole="barman_backup_hosts" in variables["hostvars"].raw_get("localhost"),
        )
        plans = plan(topology, requirements, observed)
        return {
            "pending": any(found.steps or found.waiting for found in plans.values()),
            "hosts": {
                host: {
                    **run_facts.as_result(found),
                    "ssh_trust": run_facts.may_have_ssh_trust(requirements[host], variables["hostvars"][host]),
                }
                for host, found in plans.items()
            },
        }
