# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads before the confirmation: which server, to which commit, and which commits would be missing."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.plan_text import plan_lines

LAST = {"time": "2026-11-20T08:30:00+00:00", "lsn": "0/6000248"}
VARIABLES: dict[str, Any] = {
    "barman_recovery": {
        "server": "pg-eu",
        "name": "pg-eu",
        "directory": "",
        "source": "backup-eu",
        "target": "pg-eu",
        "standby": "",
        "in_place": True,
        "port": 5433,
        "ssh": {"to_address": "198.51.100.21"},
        "recover": {},
        "arguments": {},
    },
    "barman_replaced": {
        "cluster": {
            "empty": False,
            "system_identifier": "7712",
            "timeline": 1,
            "running": True,
            "pid": 5993,
            "data_directory": "/var/lib/postgresql/17/prod",
            "service": "postgresql@17-prod.service",
        }
    },
    "barman_host": {"not_compared": [], "starts": ["subscriptions shop/orders"]},
    "barman_proof": {
        "moved_aside": [{"from": "/var/lib/postgresql/17/prod", "to": "/var/lib/postgresql/17/prod.20261120T083000Z"}],
        "recovery": {
            "postgres_version": 17,
            "destination": "/var/lib/postgresql/17/prod",
            "snapshots": None,
            "system_identifier": "7713",
            "tablespaces": {"fast": "/srv/fast"},
            "tablespace_origins": {"fast": "/srv/fast"},
            "wal_directory": None,
            "backup_id": "20261120T070000",
            "backup_end_time": "2026-11-20T07:00:09+00:00",
            "target": {"kind": "lsn", "value": "0/50CA0B8"},
            "timeline": 1,
            "reached": {"time": "2026-11-20T08:14:25+00:00", "lsn": "0/50CA0B8"},
            "last_recoverable": LAST,
            "passive": False,
            "bytes": 1048576,
            "verified": {
                "backup": {"status": "verified", "bytes": 1048576, "seconds": 1.5},
                "wal": {"status": "skipped", "reason": "verify_wal is false"},
            },
        },
    },
}


def shown(variables: dict[str, Any], recorded: list[str] | None = None) -> str:
    lines = plan_lines(
        variables["barman_recovery"],
        variables["barman_proof"],
        variables["barman_host"],
        cluster=variables["barman_replaced"]["cluster"],
        recorded=recorded or [],
    )
    return "\n".join(lines) + "\n"


@pytest.fixture
def variables() -> dict[str, Any]:
    return copy.deepcopy(VARIABLES)


def test_the_server_that_would_be_replaced_is_identified(variables: dict[str, Any]) -> None:
    text = shown(variables)
    assert (
        "Host:            pg-eu, address 198.51.100.21, port 5433, postgresql@17-prod.service\nSystem:          7713\n"
        in text
    )
    assert "Recover to:      /var/lib/postgresql/17/prod on pg-eu; what is there is moved aside" in text
    assert "Replaced:        system 7712, timeline 1, running (process 5993)" in text
    assert "Moved aside:     /var/lib/postgresql/17/prod, to /var/lib/postgresql/17/prod.<time>" in text
    assert "Tablespace:      fast, in /srv/fast" in text
    assert "Backup verified: 1.00 MB in 1.5 s" in text
    assert "WAL verified:    no, verify_wal is false" in text
    assert "Would start" not in text


def test_another_system_means_a_host_with_another_configuration(variables: dict[str, Any]) -> None:
    text = "Configuration:   of this host: pg_hba.conf and postgresql.conf outside of the data directory"
    assert text in shown(variables)
    cluster = variables["barman_replaced"]["cluster"]
    cluster["system_identifier"] = variables["barman_proof"]["recovery"]["system_identifier"]
    assert text not in shown(variables)
    cluster["empty"] = True
    assert text in shown(variables)


def test_a_backup_is_to_be_kept_before_unverified_content_is_backed_up(variables: dict[str, Any]) -> None:
    keep = "barman keep --target full pg-eu BACKUP_ID"
    assert keep in shown(variables)
    for found in variables["barman_proof"]["recovery"]["verified"].values():
        found.update({"status": "verified", "bytes": 1, "seconds": 1})
    assert keep not in shown(variables)


def test_the_commits_that_would_be_missing_are_reported_from_the_last_one(variables: dict[str, Any]) -> None:
    text = shown(variables)
    assert "Last commit:     2026-11-20T08:14:25+00:00, at 0/50CA0B8" in text
    assert "Missing commits: those after that one, up to 2026-11-20T08:30:00+00:00, at 0/6000248" in text
    assert "There would be" not in text


@pytest.mark.parametrize("target", [{"kind": "end", "value": None}, {"kind": "lsn", "value": LAST["lsn"]}])
def test_a_recovery_to_the_last_commit_misses_none(variables: dict[str, Any], target: dict[str, Any]) -> None:
    plan = variables["barman_proof"]["recovery"]
    plan["target"], plan["reached"] = target, LAST
    assert "Missing commits: none of those in the archived WAL" in shown(variables)


def test_a_copy_shows_what_it_would_start(variables: dict[str, Any]) -> None:
    variables["barman_recovery"]["in_place"] = False
    variables["barman_host"]["not_compared"] = ["the locales: nothing is recorded"]
    text = shown(variables)
    assert "Would start:     subscriptions shop/orders; settings prevent it (isolation_settings in the report)" in text
    assert (
        "Not compared:    the locales: nothing is recorded. The proof finds what this host lacks, after PostgreSQL was stopped"
        in text
    )
    variables["barman_recovery"]["arguments"]["barman_recover_start_jobs"] = True
    assert "barman_recover_start_jobs allows it" in shown(variables)


def test_what_earlier_recoveries_left_is_in_the_plan(variables: dict[str, Any]) -> None:
    assert "Recorded:        the data is in another directory\n" in shown(
        variables, ["the data is in another directory"]
    )


def test_directories_that_do_not_exist_are_created_by_root(variables: dict[str, Any]) -> None:
    variables["barman_proof"]["destination"] = {"missing": ["/srv/fast"]}
    assert "Created by root: /srv/fast\n" in shown(variables)


def test_an_empty_data_directory_is_not_replaced(variables: dict[str, Any]) -> None:
    variables["barman_replaced"]["cluster"]["empty"] = True
    assert "Replaced:        nothing, the data directory is empty\n" in shown(variables)


def test_a_wal_directory_is_the_requested_one_or_that_of_the_old_link(variables: dict[str, Any]) -> None:
    variables["barman_proof"]["recovery"]["wal_directory"] = "/srv/wal"
    assert "pg_wal:          a link to /srv/wal\n" in shown(variables)
    variables["barman_recovery"]["recover"]["wal_directory"] = "/srv/other"
    assert "pg_wal:          a link to /srv/other\n" in shown(variables)


def test_a_directory_of_the_backup_server_replaces_nothing(variables: dict[str, Any]) -> None:
    recovery, plan = variables["barman_recovery"], variables["barman_proof"]["recovery"]
    recovery.update(directory="/srv/copy", target="backup-eu", in_place=False)
    plan["destination"], plan["tablespaces"] = "/srv/copy", {"fast": "/srv/copy.tablespaces/fast"}
    lines = plan_lines(recovery, variables["barman_proof"], variables["barman_host"], recorded=["nothing of it"])
    assert "Recover to:      /srv/copy on backup-eu; it is not started there" in lines
    assert "Tablespace:      fast, in /srv/copy.tablespaces/fast" in lines
    assert not [line for line in lines if line.startswith(("Replaced", "Host", "Recorded"))]


def test_every_line_has_its_text_in_the_same_column(variables: dict[str, Any]) -> None:
    variables["barman_recovery"]["standby"] = "pg-2"
    variables["barman_proof"]["recovery"].update(passive=True, left_behind=["17 commits of timeline 2"])
    lines = plan_lines(
        variables["barman_recovery"],
        variables["barman_proof"],
        variables["barman_host"],
        cluster=variables["barman_replaced"]["cluster"],
    )
    assert all(line[16] == " " and line[17] != " " for line in lines), lines
    assert "Taken from:      its standby pg-2, which must be rebuilt afterwards" in lines
    assert "Missing commits: 17 commits of timeline 2" in lines
