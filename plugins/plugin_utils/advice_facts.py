# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The architecture, from the inventory and from the facts that the playbooks preflight and deploy register. This plugin util is private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.parsing.dataloader import DataLoader

from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.architecture import Architecture
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.facts import host_facts
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.forecast import is_recorded_forecast
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import Topology
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.resolve import resolve
from ansible_collections.pgdr.barman.plugins.plugin_utils.inventory_variables import read_inventory
from ansible_collections.pgdr.barman.plugins.plugin_utils.run_facts import of_all_hosts

PLACEMENT = "barman_placement"
REPORTED = "barman_server_info"
DRILLED = "barman_drill_info"
RECORD = "barman_advice_record"


def declared_topology(
    arguments: Mapping[str, Any], variables: Mapping[str, Any], loader: DataLoader | None
) -> Topology:
    """The topology of the inventory, which the playbook validate has validated. arguments: pg_group and backup_group."""
    groups = variables["groups"]
    pg, backup = groups[arguments["pg_group"]], groups[arguments["backup_group"]]
    declared = read_inventory(pg, backup, variables["hostvars"], loader)
    return resolve(declared.pg, declared.backup).topology


def measured_architecture(topology: Topology, variables: Mapping[str, Any]) -> Architecture:
    """With the results of all hosts of the play. A task that was skipped or that failed leaves its values unmeasured."""
    placements, reported, drilled = (_results(name, variables) for name in (PLACEMENT, REPORTED, DRILLED))
    facts = {host: host_facts(host, one) for host, one in placements.items()}
    return Architecture(topology, facts, reported, drilled)


def _results(name: str, variables: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {
        host: one
        for host, one in of_all_hosts(name, variables).items()
        if isinstance(one, Mapping) and not one.get("skipped") and not one.get("failed") and not one.get("unreachable")
    }


def new_findings(variables: Mapping[str, Any]) -> set[tuple[str, str]] | None:
    """Code and subject of the open findings that the last deployment did not show. None if no host of the play has read the record."""
    found = _results(RECORD, variables)
    if not found:
        return None
    return {(one["code"], one["subject"]) for result in found.values() for one in result["new_findings"]}


def recorded_forecasts(variables: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """The forecasts of the record. None if no host of the play has read it, or if there is no Barman for it yet."""
    found = [result for result in _results(RECORD, variables).values() if result["path"]]
    if not found:
        return None
    return [one for result in found for one in result["forecasts"] if is_recorded_forecast(one)]
