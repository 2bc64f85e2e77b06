# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The architecture, from the inventory and from the facts that the playbook preflight registers. This plugin util is private to the collection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader

from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.architecture import Architecture
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.facts import host_facts
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import Topology
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.resolve import resolve
from ansible_collections.pgdr.barman.plugins.plugin_utils.inventory_variables import read_inventory
from ansible_collections.pgdr.barman.plugins.plugin_utils.run_facts import of_all_hosts

PLACEMENT = "barman_placement"
REPORTED = "barman_server_info"
DRILLED = "barman_drill_info"


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


def read_forecasts(path: str | None) -> dict[str, Any]:
    """The document with the recorded forecasts. Empty if there is no file yet."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise AnsibleActionFail(
            f"barman_preflight_record: {path} can't be read as recorded forecasts ({error}); name another file, or remove it"
        ) from None
    if not isinstance(found, dict):
        raise AnsibleActionFail(f"barman_preflight_record: {path} has no recorded forecasts; name another file")
    return found
