# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of the playbooks backup, check, repair and sync, from a variable of all hosts of the play."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.action import results_table
from tests.unit.plugins.action.running import failed_action, run_action
from tests.unit.plugins.plugin_utils.test_tables import ANSWER, COPY, DONE, INFORMATION, PLANNED, REQUIREMENTS, TOPOLOGY


def variables(**values: dict[str, Any]) -> dict[str, Any]:
    """Those of a play on two backup servers and one host that was lost. values: by name of the variable, that of each host that has it."""
    hosts = ["backup-eu", "backup-us", "lost"]
    hostvars = {host: {name: by_host[host] for name, by_host in values.items() if host in by_host} for host in hosts}
    return {"ansible_play_hosts": hosts[:2], "ansible_play_hosts_all": hosts, "hostvars": hostvars}


def test_backups() -> None:
    found = run_action(results_table, variables(jobs={**DONE, "lost": [["x", {}]]}), operation="backup", results="jobs")
    assert [line.split()[:2] for line in found["msg"][1:]] == [
        ["backup-eu", name] for name in ("pg", "old", "broken", "lost")
    ]
    assert found["failures"] == {
        "backup-eu": ["broken: no space", "lost: the backup ended without an answer"],
        "backup-us": [],
    }
    assert (found["changed"], found["_ansible_verbose_always"]) == (False, True)


def test_the_result_for_workflows_names_what_failed_and_the_hosts_that_were_lost() -> None:
    result = run_action(results_table, variables(jobs=DONE), operation="backup", results="jobs")["result"]
    assert (result["ok"], result["failed_hosts"]) == (False, ["lost"])
    assert [backup["ok"] for backup in result["backups"]] == [True, True, False, False]
    checked = {"backup-eu": {"servers": {"pg": {"ok": True, "checks": {}}}, "problems": []}}
    result = run_action(results_table, variables(checked=checked), operation="check", results="checked")["result"]
    assert result["servers"] == [{"backup_server": "backup-eu", "server": "pg", "ok": True, "failed_checks": []}]


def test_in_check_mode_no_backup_fails() -> None:
    found = run_action(results_table, variables(jobs=DONE), check_mode=True, operation="backup", results="jobs")
    assert found["failures"] == {"backup-eu": [], "backup-us": []}
    assert found["msg"][1].endswith("would be taken")


def test_checks() -> None:
    checked = {
        "backup-eu": {"servers": {"pg": {"ok": False, "checks": {}}}, "problems": ["pg: no backup"]},
        "backup-us": {"skipped": True},
    }
    found = run_action(results_table, variables(checked=checked), operation="check", results="checked")
    assert [line.split() for line in found["msg"][1:]] == [["backup-eu", "pg", "RED", "0"]]
    assert found["failures"] == {"backup-eu": ["pg: no backup"], "backup-us": []}


@pytest.mark.parametrize(("check_mode", "state"), [(False, "copied"), (True, "would be copied")])
def test_passive_copies(*, check_mode: bool, state: str) -> None:
    copies = {"backup-us": {"pg": {**COPY, "changed": True}}}
    found = run_action(
        results_table,
        variables(copies=copies, found=INFORMATION),
        check_mode=check_mode,
        operation="sync",
        results="copies",
        information="found",
        topology=TOPOLOGY,
        requirements=REQUIREMENTS,
    )
    assert found["msg"][1].endswith(f" {state}")
    assert found["failures"] == {"backup-us": []}


def test_a_failed_copy() -> None:
    copies = {"backup-us": {"pg": {**COPY, "error": "no answer"}}}
    given: dict[str, Any] = {
        "results": "copies",
        "information": "found",
        "topology": TOPOLOGY,
        "requirements": REQUIREMENTS,
    }
    found = run_action(results_table, variables(copies=copies, found=INFORMATION), operation="sync", **given)
    assert found["failures"] == {"backup-us": ["no answer"]}


def test_the_information_is_of_all_hosts_too() -> None:
    given: dict[str, Any] = {
        "results": "copies",
        "information": "found",
        "topology": TOPOLOGY,
        "requirements": REQUIREMENTS,
    }
    play = variables(copies={"backup-us": {"pg": COPY}}, found=INFORMATION)
    found = run_action(results_table, play, operation="sync", **given)
    assert found["msg"][1].endswith("not in the copy: 000000010000000000000007, which is still incomplete")


def test_copies_need_the_topology() -> None:
    message, _result = failed_action(results_table, variables(), operation="sync", results="copies")
    assert message == ("operation is sync but all of the following are missing: information, topology, requirements")


def test_drills() -> None:
    jobs = {
        "backup-eu": [["pg", {"failed": True, "msg": "no key", "drills": {"pg": {"result": "failed"}}}]],
        "backup-us": [],
    }
    found = run_action(results_table, variables(jobs=jobs), operation="drill", results="jobs")
    assert found["failures"] == {"backup-eu": ["no key"], "backup-us": []}
    assert [(one["server"], one["ok"]) for one in found["result"]["drills"]] == [("pg", False)]


def test_a_repair_returns_whom_to_repair_and_the_question() -> None:
    found = run_action(results_table, variables(lost=PLANNED), check_mode=True, operation="repair", results="lost")
    assert found["result"]["to_repair"] == {"backup-eu": ["pg"]}
    assert found["result"]["summary"] == (
        "Repair server 'pg' on backup-eu: reset the WAL receiver, take a full backup."
    )
    assert found["failures"] == {"backup-eu": ["server 'copy': it is a passive copy"], "backup-us": []}


def test_after_a_repair_the_result_has_the_backup() -> None:
    states = {"backup-eu": {"jobs": [{"servers": {"pg": ANSWER}}]}}
    found = run_action(
        results_table, variables(lost=PLANNED, states=states), operation="repair", results="lost", repaired="states"
    )
    by_name = {one["server"]: one for one in found["result"]["servers"]}
    assert by_name["pg"] == {
        "backup_server": "backup-eu",
        "server": "pg",
        "ok": True,
        "changed": True,
        "reasons": ["wal_removed"],
        "steps": ["reset the WAL receiver", "take a full backup"],
        "backup_id": "20261130T110000",
    }
    assert (found["result"]["to_repair"], found["result"]["summary"]) == ({}, "")
    assert not found["result"]["ok"]
