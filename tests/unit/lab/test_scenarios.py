# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scenarios' labs: each has its own name and addresses, and says the same as its inventory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from tests.lab.spec import clashes, parse

REPOSITORY = Path(__file__).parents[3]
SCENARIOS = sorted((REPOSITORY / "extensions/molecule").glob("*/lab.yml"))
LABS = [*SCENARIOS, REPOSITORY / "tests/quickstart/lab.yml"]


def hosts(group: dict[str, Any]) -> dict[str, str | None]:
    found = {name: (variables or {}).get("ansible_host") for name, variables in (group.get("hosts") or {}).items()}
    for child in (group.get("children") or {}).values():
        for name, address in hosts(child or {}).items():
            found[name] = address or found.get(name)
    return found


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.parent.name)
def test_the_inventory_has_the_labs_machines(path):
    lab = parse(path.read_text(), str(path))
    inventory = DataLoader().load_from_file(str(path.parent / "inventory.yml"))
    # Several instances of PostgreSQL on one machine are several hosts with one address.
    addresses = {machine.address for machine in lab.machines}
    # What Ansible does not touch has none.
    assert set(hosts(inventory["all"]).values()) - {None} <= addresses
    assert {
        name: address
        for name, address in hosts(inventory["all"]).items()
        if name in {machine.name for machine in lab.machines}
    } == {machine.name: machine.address for machine in lab.machines}


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.parent.name)
def test_a_scenarios_lab_is_called_after_it(path):
    assert parse(path.read_text(), str(path)).name == f"molecule-{path.parent.name}"


def test_all_labs_can_be_up_at_once():
    machines = [machine for path in LABS for machine in parse(path.read_text(), str(path)).machines]
    assert clashes(machines, machines) == []
    assert len({machine.address for machine in machines}) == len(machines)


def test_there_are_scenarios():
    assert SCENARIOS
