# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The actions of a decommission: what they read of the inventory and of the hosts."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.action import decommission, decommission_plan, decommission_result
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import decommission as core
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.decommission import Leaving
from ansible_collections.pgdr.barman.plugins.plugin_utils.inventory_variables import DeclaredVariables
from tests.unit.plugins.action.running import failed_action, run_action
from tests.unit.plugins.plugin_utils._topology.test_decommission import BACKUP, PG, topology

POSTGRES = {
    "synchronous_standby_names": '"barman_receive_wal"',
    "archive_command": "",
    "archive_mode": "off",
    "changes": ["drop the database role barman"],
    "left": [],
    "restart": ["listen_addresses"],
}
ENTRY = {
    "active": True,
    "passive": False,
    "streaming": True,
    "archiving": False,
    "slot_name": "barman",
    "users": ["barman"],
    "receiver_name": None,
}
ENTRIES = {
    "unlisted": [
        {**ENTRY, "name": "pg1", "host": "pg1"},
        {**ENTRY, "name": "old", "host": "old", "streaming": False, "slot_name": None},
    ]
}


def variables(leaving: Leaving, **hosts: dict[str, Any]) -> dict[str, Any]:
    """Those of the play, with what was registered on each host."""
    found = core.decommission(topology(), leaving)
    registered = {
        "names": leaving.names,
        "servers": list(leaving.servers),
        "work": core.as_dict(found),
        "unknown": list(found.unknown),
        "served": core.served(topology()),
        "manual": core.manual_texts(topology(), found),
        "unmanaged": list(found.manual),
    }
    return {
        "barman_decommission": registered,
        "ansible_play_hosts": list(hosts),
        "ansible_play_hosts_all": [*hosts],
        "hostvars": hosts,
    }


def pg1(**hosts: Any) -> dict[str, Any]:
    there: dict[str, Any] = {
        "pg1": {"barman_found_postgres": POSTGRES},
        "backup": {"barman_found_entries": ENTRIES, "barman_found_receivers": {"servers": {"pg1": {"error": None}}}},
    }
    return variables(Leaving(("pg1",)), **{**there, **hosts})


@pytest.fixture
def inventory(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The variables of a play on the inventory of test_decommission, which is not read again."""
    monkeypatch.setattr(decommission, "read_inventory", lambda *_arguments: DeclaredVariables(PG, BACKUP, []))
    return {"groups": {"pg": list(PG), "backup": list(BACKUP)}, "hostvars": {}}


def test_the_work_of_each_host_is_data(inventory: dict[str, Any]) -> None:
    found = run_action(decommission, inventory, servers=["pg2", "pg2", "gone"])
    assert (found["names"], found["servers"], found["unknown"]) == ("pg2,gone", ["pg2", "gone"], ["gone"])
    assert found["hosts"] == ["pg2", "backup", "passive"]
    assert found["work"]["pg2"]["postgres"]["archiving"]
    assert found["work"]["backup"]["barman"]["servers"] == ["pg2", "gone"]
    assert set(found["remaining"]["topology"]["postgres_servers"]) == {"pg1"}
    assert "pg2" in found["manual"]


def test_what_others_need_is_refused(inventory: dict[str, Any]) -> None:
    message, _result = failed_action(decommission, inventory, backup_server="backup")
    assert "backup backs up pg1, pg2. Move them first" in message


def test_the_plan_is_shown_with_the_question() -> None:
    found = run_action(decommission_plan, pg1(), backups="removed")
    assert found["hosts"]["pg1"]["steps"] == ["disable_synchronous", "release_postgres", "release_ssh"]
    # Ansible can't store a StrEnum in a variable, and warns.
    assert {type(one) for steps in found["hosts"].values() for one in steps["steps"]} == {str}
    backup = found["hosts"]["backup"]
    assert (backup["absent"], backup["stopped"]) == (["pg1"], [])
    assert backup["deactivated"] == [{"name": "pg1", "merge": True, "options": {"active": False}}]
    assert backup["removed"] == [{"name": "pg1", "state": "absent"}]
    assert backup["undeclared"] == ["old"]
    assert "pg1: drop the database role barman" in found["shown"]
    assert found["question"].endswith("The existing ones are removed. Type pg1 to begin")
    assert not found["confirmed"]


def test_another_name_is_no_confirmation() -> None:
    assert run_action(decommission_plan, pg1(), confirmed=" pg1, ")["confirmed"]
    message, found = failed_action(decommission_plan, pg1(), confirmed="pg2")
    assert "barman_decommission_confirmed: 'pg2' is not what this run decommissions, which is pg1" in message
    assert found["lines"] != []


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"unreachable": True, "msg": "no route to host"}, "Ansible does not reach it (no route to host)"),
        ({"failed": True, "msg": "connection refused", "error_kind": "refused"}, "connection refused"),
        ({"skipped": True}, "it was not asked in this run"),
    ],
)
def test_a_host_that_does_not_answer_has_manual_steps(result: dict[str, Any], reason: str) -> None:
    failed = {"servers": {"pg1": {"error": "connection refused", "error_kind": "refused"}}}
    backup = {"barman_found_entries": ENTRIES, "barman_found_receivers": failed}
    found = run_action(decommission_plan, pg1(pg1={"barman_found_postgres": result}, backup=backup))
    assert found["hosts"]["pg1"]["steps"] == []
    assert found["hosts"]["backup"]["stopped"] == ["pg1"]
    assert f"pg1 is not changed: {reason}" in found["left"]
    assert any(
        "pg_drop_replication_slot('barman')" in text and "pg1 could not be changed" in text for text in found["left"]
    )


def test_a_backup_server_that_does_not_answer_is_named() -> None:
    found = run_action(decommission_plan, pg1(backup={"barman_found_entries": {"unreachable": True, "msg": "x"}}))
    assert found["hosts"]["backup"]["steps"] == []
    assert "backup is not changed: Ansible does not reach it (x)" in found["left"]


def test_a_server_that_left_the_inventory_does_not_end_with_nothing_left() -> None:
    hosts: dict[str, Any] = {
        "backup": {"barman_found_entries": ENTRIES},
        "passive": {"barman_found_entries": {"unlisted": []}},
    }
    given = variables(Leaving(("old",)), **hosts)
    planned = run_action(decommission_plan, given)
    assert any("PostgreSQL of server 'old' (old)" in text for text in planned["left"])
    found = run_action(decommission_result, {**given, "barman_decommission_plan": planned})
    assert any('DROP ROLE "barman"' in text for text in found["shown"])


def test_the_result_names_packages_restarts_and_what_is_left() -> None:
    plan = {"hosts": {"pg1": {"steps": ["release_ssh"]}}, "left": ["shown"]}
    record = {"record": {"packages": ["barman-cli"]}, "left": ["/x/authorized_keys"]}
    hosts = {
        "pg1": {"barman_found_postgres": {**POSTGRES, "left": ["role x stays"]}, "barman_host_record": record},
        "backup": {},
    }
    given = {**variables(Leaving(("pg1",)), **hosts), "barman_decommission_plan": plan}
    given["ansible_play_hosts_all"] = ["pg1", "backup", "lost"]
    found = run_action(decommission_result, given)
    result = found["result"]
    assert (result["ok"], result["failed_hosts"], result["decommissioned"]) == (False, ["lost"], ["pg1"])
    assert result["packages"] == {"pg1": ["barman-cli"]}
    assert result["left"] == [
        "shown",
        "pg1: role x stays",
        "pg1: listen_addresses takes effect at a restart of PostgreSQL only. Restart it when it suits you, and run this again",
        "pg1: /x/authorized_keys stays, because it has lines of other owners, or a key that no deployment created",
    ]
    assert found["shown"][-1] == "pg1: these packages of a deployment stay: barman-cli"


def test_a_last_backup_of_a_killed_run_is_recognised_by_its_name() -> None:
    backup: dict[str, Any] = {
        "barman_found_entries": ENTRIES,
        "barman_found_receivers": {"servers": {"pg1": {"changed": False}}},
        "barman_found_backups": {"servers": {"pg1": {"backups": [{"backup_id": "20261130T120000", "name": "daily"}]}}},
    }
    message, _found = failed_action(decommission_plan, pg1(backup=backup), last_backup=True)
    assert "no last backup of 'pg1' can be taken" in message
    (latest,) = backup["barman_found_backups"]["servers"]["pg1"]["backups"]
    latest["name"] = run_action(decommission_plan, pg1())["backup_name"]
    found = run_action(decommission_plan, pg1(backup=backup), last_backup=True)
    assert found["hosts"]["backup"]["back_up"] == []
    assert any("is 20261130T120000. An earlier run has taken it" in text for text in found["left"])
