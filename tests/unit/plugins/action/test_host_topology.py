# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's own part of a topology that is registered in a variable."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.action import host_topology
from tests.unit.plugins.action.running import failed_action, run_action
from tests.unit.plugins.plugin_utils._topology.inventories import backup, good, pg

FLEET = good(
    more_pg={"other": pg("198.51.100.22", barman_backup_server="elsewhere")},
    more_backup={"elsewhere": backup("198.51.100.12")},
)
WHOLE: dict[str, Any] = {"changed": False, "topology": FLEET.topology, "requirements": FLEET.requirements}


def variables(host: str, **registered: Any) -> dict[str, Any]:
    return {"inventory_hostname": host, "barman_topology": WHOLE, **registered}


def test_a_postgresql_server_gets_its_own_part() -> None:
    found = run_action(host_topology, variables("pg"))
    assert set(found) == {"changed", "topology", "requirements"}
    assert found["changed"] is False
    assert found["topology"]["postgres_servers"] == {"pg": FLEET.topology["postgres_servers"]["pg"]}
    assert set(found["topology"]["backup_servers"]) == {"backup", "elsewhere"}
    assert found["requirements"] == {"backup": {"barman": {"user": "barman"}}, "pg": FLEET.requirements["pg"]}


def test_a_backup_server_gets_the_whole() -> None:
    found = run_action(host_topology, variables("backup"))
    assert found == {"changed": False, "topology": FLEET.topology, "requirements": FLEET.requirements}


def test_a_host_without_a_part_gets_nothing() -> None:
    assert run_action(host_topology, variables("web")) == {"changed": False, "topology": {}, "requirements": {}}


def test_the_variable_may_have_another_name() -> None:
    found = run_action(host_topology, {"inventory_hostname": "pg", "mine": WHOLE}, registered="mine")
    assert list(found["topology"]["postgres_servers"]) == ["pg"]


@pytest.mark.parametrize("registered", [None, "{{ barman_topology }}", {}, {"skipped": True}])
def test_a_variable_without_a_topology_is_refused(registered: Any) -> None:
    message, result = failed_action(host_topology, variables("pg", mine=registered), registered="mine")
    assert message == (
        "pg: the variable mine has no topology; register pgdr.barman.topology in it first, with run_once"
    )
    assert result == {}
