# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a recovery: what was left out, what is protected, and what a person should know."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.report import (
    Results,
    left_out_bytes,
    left_out_seconds,
    notes,
    problems,
    report,
)

RUN = "20261120T083000Z-f3a9c1"
RECOVERY: dict[str, Any] = {
    "run": RUN,
    "server": "pg",
    "name": "orders",
    "source": "backup",
    "source_user": "barman",
    "target": "pg",
    "in_place": True,
    "directory": "",
    "standby": "",
    "version": 17,
    "arguments": {},
}
PLAN: dict[str, Any] = {
    "backup_id": "20261120T070000",
    "backup_end_time": "2026-11-20T07:00:09+00:00",
    "target": {"kind": "lsn", "value": "0/50CA0B8"},
    "reached": {"time": "2026-11-20T08:14:25.500000+00:00", "lsn": "0/FFFFFFF0"},
    "last_recoverable": {"time": "2026-11-20T08:30:00+00:00", "lsn": "1/10"},
    "partial_segment": None,
    "bytes": 1048576,
    "duration": 1.5,
    "verified": {"backup": {"status": "verified"}, "wal": {"status": "skipped", "reason": "verify_wal is false"}},
    "passive": False,
    "tablespaces": {},
    "wal_directory": None,
    "postgres_version": 17,
}
TEST = {
    "checksums": {"status": "verified"},
    "log_excerpt": ["..."],
    "planned": {},
    "queries": [{"query": "a", "locked": True}, {"query": "b"}],
    "collation_mismatches": [],
}
RESULTS = Results(
    proof={"recovery": {"left_behind": ["17 commits"]}},
    host={"not_compared": []},
    restored={"recovery": PLAN},
    test={"test": TEST},
    running={"timeline": 2, "time": 130.04},
    record={"moved_aside": [], "record_file": "/srv/main.pgdr-recovery.json"},
    commit={"takes_writes": True, "reason": ""},
    protection={"protected": True, "protection": {"timeline": 2}, "missing": []},
    new_backups=[["orders", {"backup": {"id": "20261120T090000"}}]],
)


def made(results: Results = RESULTS, **recovery: Any) -> dict[str, Any]:
    return report({**RECOVERY, **recovery}, results, data_directory="/srv/main", started=100.0)


def test_a_recovery_in_place() -> None:
    found = made()
    assert (found["protected"], found["new_backup"], found["takes_writes"]) == (True, "20261120T090000", True)
    assert (found["timeline"], found["rto_seconds"], found["standby_to_build"]) == (2, 30.0, None)
    assert found["left_behind"] == ["17 commits"]
    assert found["verified"]["data_checksums"] == {"status": "verified"}
    assert set(found["test"]) == {"checksums", "queries", "collation_mismatches"}
    assert problems(RECOVERY, RESULTS, found) == []


def test_what_is_left_out_is_counted_across_the_halves_of_a_position() -> None:
    found = made()
    assert (found["left_out_seconds"], found["left_out_bytes"]) == (934.5, 32)


@pytest.mark.parametrize("missing", ["reached", "last_recoverable"])
def test_without_a_time_nobody_knows_the_seconds(missing: str) -> None:
    plan = {**PLAN, missing: {**PLAN[missing], "time": None}}
    assert left_out_seconds(plan) is None
    assert left_out_bytes(plan) == 32


def test_of_a_passive_copy_nobody_knows_what_its_source_had() -> None:
    found = made(replace(RESULTS, restored={"recovery": {**PLAN, "passive": True}}))
    assert (found["left_out_seconds"], found["left_out_bytes"], found["from_copy"]) == (None, None, True)


def test_queries_that_had_to_wait_have_their_later_answer() -> None:
    found = made(replace(RESULTS, answered={"test": {"queries": [{"query": "a", "answer": 1}]}}))
    assert found["test"]["queries"] == [{"query": "b"}, {"query": "a", "answer": 1}]


def test_a_failed_protection_is_a_problem_and_no_protection() -> None:
    results = replace(
        RESULTS,
        unprotected=[{"run": RUN, "reason": "pg is not protected"}, {}],
        new_backups=[["orders", {"msg": "failed"}]],
    )
    found = made(results)
    assert (found["protected"], found["protection"], found["new_backup"]) == (False, None, None)
    assert problems(RECOVERY, results, found) == ["pg is not protected"]


def test_results_of_another_recovery_do_not_count() -> None:
    results = replace(
        RESULTS, unprotected=[{"run": "another", "reason": "no"}], new_backups=[["billing", {"backup": {"id": "x"}}]]
    )
    found = made(results)
    assert (found["protected"], found["new_backup"]) == (True, None)
    assert problems(RECOVERY, results, found) == []


def test_a_copy_on_another_host_is_not_protected() -> None:
    found = made(in_place=False, target="spare")
    assert (found["host"], found["protected"], found["protection"], found["new_backup"]) == ("spare", False, None, None)


@pytest.mark.parametrize(
    ("commit", "reason"),
    [
        ({"takes_writes": False, "reason": "nobody receives"}, "nobody receives"),
        ({"failed": True, "msg": "no psycopg"}, "no psycopg"),
    ],
)
def test_a_server_that_takes_no_writes_is_a_problem(commit: dict[str, Any], reason: str) -> None:
    results = replace(RESULTS, commit=commit)
    found = made(results)
    assert (found["takes_writes"], found["takes_writes_reason"]) == (False, reason)
    assert problems(RECOVERY, results, found) == [f"pg is recovered and runs, and takes no writes: {reason}."]


def test_a_recovery_to_a_directory() -> None:
    results = replace(RESULTS, running={}, record={}, commit={}, protection={}, new_backups=[])
    recovery = {**RECOVERY, "directory": "/srv/copy", "target": "backup", "in_place": False}
    found = report(recovery, results)
    assert (found["directory"], found["owner"], found["postgres_version"], found["protected"]) == (
        "/srv/copy",
        "barman",
        17,
        False,
    )
    assert "host" not in found
    assert problems(recovery, results, found) == []
    assert notes(recovery, found)[0].startswith("The data of pg is in /srv/copy on backup")


def test_what_is_not_verified_and_what_is_sorted_otherwise_is_noted() -> None:
    collations = [{"database": "shop"}, {"database": "shop"}, {"database": "app"}]
    found = made(replace(RESULTS, test={"test": {**TEST, "collation_mismatches": collations}}))
    first, second = notes(RECOVERY, found)
    assert "than this host has: shop, app (the report" in first
    assert second.startswith("Not verified: verify_wal is false. Damage")


@pytest.mark.parametrize(
    "recovery",
    [{"arguments": {"barman_recover_replace_system": "7712"}}, {"in_place": False, "target": "spare"}],
    ids=["a host that was installed again", "another host"],
)
def test_a_new_machine_lacks_the_configuration_of_the_lost_one(recovery: dict[str, Any]) -> None:
    recovery = {**RECOVERY, **recovery}
    found = [note for note in notes(recovery, made()) if note.startswith("The server runs with the configuration")]
    assert len(found) == 1
    assert "pg_hba.conf" in found[0]
    assert not [note for note in notes(RECOVERY, made()) if note.startswith("The server runs with the configuration")]
