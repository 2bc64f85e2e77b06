# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The architecture, from the inventory and from the facts that the playbook preflight registers. This plugin util is private to the collection."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible.parsing.dataloader import DataLoader

from ansible_collections.pgdr.barman.plugins.plugin_utils import controller_file
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.architecture import Architecture
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.facts import host_facts
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.forecast import is_record
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


class ForecastRecord(NamedTuple):
    """The file with the recorded forecasts. path: absolute, empty if nothing is recorded. text: None if there is no file yet."""

    path: str = ""
    text: str | None = None

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text) if self.text is not None else {}
        return found


def read_record(path: str | None) -> ForecastRecord:
    """The file that barman_preflight_record names. Raises AnsibleActionFail if it is no record of forecasts, or can't be written."""
    if not path:
        return ForecastRecord()
    absolute = os.path.abspath(path)
    return ForecastRecord(absolute, controller_file.current_text(absolute, _is_record, "barman_preflight_record"))


def write_record(record: ForecastRecord, document: Mapping[str, Any], *, check_mode: bool) -> bool:
    """Whether the document differs from that of the file, which is replaced then."""
    text = json.dumps(document, indent=4, sort_keys=True) + "\n"
    changed = bool(record.path) and document != record.document
    if changed and not check_mode:
        controller_file.write(record.path, text)
    return changed


def _is_record(text: str) -> bool:
    try:
        return is_record(json.loads(text))
    except (ValueError, RecursionError):
        return False
