# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a backup server operates in a run, and what came of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.action import operation as action
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from tests.unit.plugins.action.running import run_action
from tests.unit.plugins.plugin_utils._topology.inventories import backup, pg

HOST = "backup-a"
FLEET = build(
    {
        "streamed": pg("192.0.2.21", barman_backup_server=HOST),
        "archived": pg("192.0.2.22", barman_backup_server=HOST, barman_wal=["archiving"]),
        "copied": pg("192.0.2.23", barman_backup_server="backup-b", barman_passive_servers=[HOST]),
        "manual": pg("192.0.2.24", barman_backup_server=HOST, barman_synchronous=True, barman_manage_postgres=False),
        "synchronous": pg("192.0.2.25", barman_backup_server=HOST, barman_synchronous=True),
    },
    {HOST: backup("192.0.2.11"), "backup-b": backup("192.0.2.12")},
)
TOPOLOGY = {"topology": FLEET.topology, "requirements": FLEET.requirements}


def ran(entries: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    variables = {
        "inventory_hostname": HOST,
        "hostvars": {HOST: {"barman_entries": entries} if entries else {}},
        "backup_topology": "{{ barman_topology }}",
        "barman_topology": TOPOLOGY,
        "circle": "{{ circle }}",
        "empty": {},
        "words": "something else",
    }
    return run_action(action, variables, **{"topology": "backup_topology", **arguments})


def check(*, ok: bool, **checks: bool) -> dict[str, Any]:
    problems = [] if ok else ["server: it is broken", "and more"]
    return {"ok": ok, "problems": problems, "checks": {name: {"ok": good} for name, good in checks.items()}}


def test_what_is_operated() -> None:
    found = ran()
    assert set(found["servers"]) == {"streamed", "archived", "copied", "manual", "synchronous"}
    assert set(found["streaming"]) == {"streamed", "manual", "synchronous"}
    assert found["links"] == [["copied"]]
    assert set(found["synchronous"]) == {"manual", "synchronous"}
    assert found["manual"] == ["manual"]
    assert found["healthy"] == []
    assert not found.get("failed")


def test_selected_servers_only() -> None:
    found = ran(servers=["streamed", "copied"])
    assert set(found["servers"]) == {"streamed", "copied"}


def test_servers_of_another_backup_server_are_not_operated() -> None:
    held = {
        "name": "copied",
        "host": "copied",
        "active": True,
        "passive": False,
        "streaming": True,
        "slot_name": "barman",
    }
    found = ran({"unlisted": [held], "handing_over": {"copied": ["server"]}})
    assert "copied" not in found["servers"]
    assert [one["name"] for one in found["rename_slots"]] == ["copied"]


def test_failures_add_up_and_are_not_checked() -> None:
    first = ran(results=[{"servers": {"streamed": {"error": "no connection"}, "manual": {"error": None}}}])
    assert first["unhealthy"] == {"streamed": "no connection"}
    second = ran(previous=first, results=[{"servers": {"copied": {"error": None, "empty": True}}}])
    assert second["unhealthy"] == first["unhealthy"]
    assert second["empty"] == ["copied"]
    assert set(second["checkable"]) == {"archived", "manual", "synchronous"}


def test_skipped_results_have_no_failures() -> None:
    assert ran(results=[{"skipped": True, "changed": False}])["unhealthy"] == {}


def test_the_end_names_the_healthy_and_fails_for_the_others() -> None:
    first = ran(results=[{"servers": {"streamed": {"error": "no connection"}}}])
    checked = {
        "barman_checked": True,
        "servers": {
            "archived": check(ok=False, backup_present=True),
            "manual": check(ok=True, backup_present=False, synchronous_wal_receiver=True),
            "synchronous": check(ok=True, backup_present=True, empty_incoming_directory=False),
        },
    }
    found = ran(previous=first, checked=checked, final=True)
    assert set(found["healthy"]) == {"copied", "manual", "synchronous"}
    assert found["failed"]
    assert found["msg"] == "no connection; server: it is broken; and more"
    assert found["with_backup"] == ["archived", "synchronous"]
    assert found["incoming"] == ["synchronous"]
    assert found["confirmed"] == ["manual"]
    assert found["unconfirmed"] == []


def test_all_are_healthy_if_nothing_failed() -> None:
    found = ran(checked={"barman_checked": False, "servers": {}}, final=True)
    assert found["healthy"] == found["servers"]
    assert not found.get("failed")


@pytest.mark.parametrize("name", ["unknown", "empty", "circle", "words"])
def test_a_variable_without_a_topology_is_refused(name: str) -> None:
    with pytest.raises(AnsibleActionFail, match=f"^{name}.*has to be what pgdr.barman.topology returned"):
        ran(topology=name)
