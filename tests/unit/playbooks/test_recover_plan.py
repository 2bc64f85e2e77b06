# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads before the confirmation: which server, to which commit, and which commits would be missing."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from tests.conftest import REPOSITORY
from tests.unit.ansible_core import trust_as_template

LAST = {"time": "2026-11-20T08:30:00+00:00", "lsn": "0/6000248"}
VARIABLES: dict[str, Any] = {
    "inventory_hostname": "pg-eu",
    "barman_data_directory": "/var/lib/postgresql/17/prod",
    "barman_service": "postgresql@17-prod.service",
    "barman_recovery": {
        "server": "pg-eu",
        "name": "pg-eu",
        "directory": "",
        "source": "backup-eu",
        "standby": "",
        "in_place": True,
        "port": 5433,
        "edge": {"to_address": "198.51.100.21"},
    },
    "barman_recover_arguments": {},
    "barman_given": {"arguments": {}},
    "barman_replaced": {
        "cluster": {"empty": False, "system_identifier": "7712", "timeline": 1, "running": True, "pid": 5993}
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


def shown(variables: dict[str, Any]) -> str:
    text = (REPOSITORY / "playbooks/templates/recover_plan.j2").read_text()
    templar = Templar(DataLoader(), variables=variables)
    return str(templar.template(trust_as_template(text)))


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


def test_a_backup_is_to_be_kept_before_unverified_content_is_backed_up(variables: dict[str, Any]) -> None:
    keep = "barman keep --target full pg-eu BACKUP_ID"
    assert keep in shown(variables)
    for found in variables["barman_proof"]["recovery"]["verified"].values():
        found.update({"status": "verified", "bytes": 1, "seconds": 1})
    assert keep not in shown(variables)


def test_the_commits_that_would_be_missing_are_told_from_the_last_one(variables: dict[str, Any]) -> None:
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
    assert "Would start:     subscriptions shop/orders; the copy is kept from it (kept_quiet in the report)" in text
    assert (
        "Not compared:    the locales: nothing is recorded. The proof finds what this host lacks, after PostgreSQL was stopped"
        in text
    )
    variables["barman_given"]["arguments"]["barman_recover_start_jobs"] = "true"
    assert "barman_recover_start_jobs lets it" in shown(variables)
