# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of stored files, from the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read
from ansible_collections.pgdr.barman.plugins.module_utils._barman.ledger import (
    Ledger,
    append_record,
    ledger_file,
    new_record,
)
from ansible_collections.pgdr.barman.plugins.module_utils._barman.verification_record import (
    last_complete,
    unread_since,
)
from ansible_collections.pgdr.barman.plugins.module_utils._check.check import ServerChecks
from ansible_collections.pgdr.barman.plugins.module_utils._check.stored import stored_files, with_verification
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost
from tests.unit.plugins.module_utils._recover.recovery_world import backup

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAYS = 30 * 86400
KEPT = backup(2, 10)


def details(*damages: dict[str, Any], unread_days: float = 1) -> dict[str, Any]:
    unread = (NOW - timedelta(days=unread_days)).isoformat()
    return {"damages": list(damages), "damaged_files": len(damages), "unread_since": unread}


def check(found: dict[str, Any], *, passed: bool, seconds: float = DAYS) -> Any:
    record = new_record("verification", "app", NOW, found, passed=passed)
    return stored_files("app", Ledger((record,)), [KEPT], seconds, NOW)


DAMAGE = {"backup_id": KEPT.backup_id, "problem": "PG_VERSION is wrong"}
SEGMENT = {"backup_id": None, "problem": "a segment is wrong"}
DELETED = {"backup_id": "20200101T000000", "problem": "gone"}


@pytest.mark.parametrize(
    ("found", "ok", "hint"),
    [
        (details(), True, "the last verification is of 2026-11-30 12:00 UTC"),
        (details(DAMAGE), False, "found damaged files: PG_VERSION is wrong. Replace each file"),
        (details(SEGMENT, DELETED), False, "found damaged files: a segment is wrong. Replace"),
        (details(DELETED), True, ""),
        (details(*[SEGMENT] * 5), False, "a segment is wrong; and 2 more. Replace"),
        (details(unread_days=31), False, "has not been read since 2026-10-30 12:00 UTC, and 30 days are allowed"),
        ({}, True, ""),
        ({"damages": "nonsense"}, True, ""),
    ],
)  # fmt: skip
def test_the_check(found: dict[str, Any], hint: str, *, ok: bool) -> None:
    answer = check(found, passed=ok)
    assert answer.ok is ok
    assert hint in answer.hint
    assert ok or "pgdr.barman.verify -e barman_servers=app" in answer.hint
    assert ok or not answer.healable


def test_what_is_not_verified_is_named() -> None:
    reasons = {KEPT.backup_id: "it is encrypted, and only Barman can read it", "20200101T000000": "gone"}
    hint = f"not verified: backup {KEPT.backup_id} (it is encrypted, and only Barman can read it)"
    answer = check({**details(), "not_verified": reasons}, passed=True)
    assert answer.ok
    assert answer.hint.endswith(hint)
    for found in (details(unread_days=31), details(DAMAGE)):
        assert hint in check({**found, "not_verified": reasons}, passed=False).hint


ERROR = {"damages": [], "damaged_files": 0, "reason": "No space left on device"}


@pytest.mark.parametrize(
    ("earlier", "hints"),
    [
        ([], ["failed: No space left on device. Run"]),
        ([details()], ["failed: No space left on device. Run"]),
        ([details(DAMAGE)], ["failed: No space left", "found damaged files: PG_VERSION is wrong. Replace each file"]),
        ([details(DAMAGE), ERROR], ["failed: No space left", "2026-11-29 12:00 UTC found damaged files: PG_VERSION is wrong"]),
    ],
)  # fmt: skip
def test_a_verification_that_an_error_ended_fails_and_erases_nothing(
    earlier: list[dict[str, Any]], hints: list[str]
) -> None:
    day = NOW - timedelta(days=1)
    records = [new_record("verification", "app", day, one, passed=one == details()) for one in earlier]
    records.append(new_record("verification", "app", NOW, ERROR, passed=False))
    answer = stored_files("app", Ledger(tuple(records)), [KEPT], 0, NOW)
    assert not answer.ok
    assert all(hint in answer.hint for hint in hints)
    later = new_record("verification", "app", NOW, details(), passed=True)
    assert stored_files("app", Ledger((*records, later)), [KEPT], 0, NOW).ok


def test_a_verification_that_an_error_ended_read_nothing() -> None:
    read = new_record("verification", "app", NOW - timedelta(days=1), details(unread_days=31), passed=True)
    error = new_record("verification", "app", NOW, ERROR, passed=False)
    assert unread_since(last_complete(Ledger((read, error))), [KEPT]) == NOW - timedelta(days=31)
    assert KEPT.end_time is not None
    assert unread_since(last_complete(Ledger((error,))), [KEPT]) == KEPT.end_time


def test_missing_wal_fails_the_check() -> None:
    found = {**details(), "missing": [{"after_latest_backup": True}], "reason": "WAL segments 4 are missing"}
    assert "failed: WAL segments 4 are missing. Run" in check(found, passed=False).hint


def test_without_a_limit_the_age_does_not_matter() -> None:
    assert check(details(unread_days=900), passed=True, seconds=0).ok


def test_without_a_verification_the_backup_s_own_age_counts() -> None:
    assert KEPT.end_time is not None
    for seconds, ok in ((3600, False), (2 * 86400, True)):
        moment = KEPT.end_time + timedelta(days=1)
        assert stored_files("app", Ledger(), [KEPT], seconds, moment).ok is ok
    assert stored_files("app", Ledger(), [], 1, NOW).ok


def test_servers_that_were_verified_or_have_a_limit_have_the_check(tmp_path: Path) -> None:
    host = BarmanHost(tmp_path)
    for name in ("declared", "verified", "other", "unreadable"):
        host.server(name)
    home = str(host.home)
    append_record(home, new_record("verification", "verified", NOW, details(SEGMENT), passed=False))
    append_record(home, new_record("verification", "unreadable", NOW, details(), passed=True))
    Path(ledger_file(home, "unreadable")).unlink()
    Path(ledger_file(home, "unreadable")).mkdir()
    servers = {name: ServerChecks(name) for name in ("declared", "verified", "other", "unreadable")}
    configuration = read(str(host.main))
    found = with_verification(servers, {"declared": DAYS, "unreadable": DAYS}, configuration, NOW.timestamp())
    checks = {name: server.checks.get("stored_files") for name, server in found.items()}
    assert checks["other"] is None
    assert {name: check.ok for name, check in checks.items() if check is not None} == {
        "declared": True,
        "verified": False,
        "unreadable": False,
    }
    assert with_verification(servers, {}, configuration, NOW.timestamp())["unreadable"].checks == {}
