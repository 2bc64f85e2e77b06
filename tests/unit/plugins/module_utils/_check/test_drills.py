# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of the last proven restore."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.ledger import (
    Ledger,
    LedgerRecord,
    append_record,
    ledger_file,
    new_record,
)
from ansible_collections.pgdr.barman.plugins.module_utils._check.check import ServerChecks
from ansible_collections.pgdr.barman.plugins.module_utils._check.drills import duration, restore_drill, with_drills
from ansible_collections.pgdr.barman.plugins.module_utils._drill.scratch import LOCK, Scratch, ScratchNotes
from ansible_collections.pgdr.barman.plugins.module_utils._host.lock import exclusive

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
MONTH = 30 * 86400


def drilled(days: float, *, passed: bool = True) -> LedgerRecord:
    details = {"backup_id": "20261130T110000"} if passed else {"failed_phase": "verify", "reason": "x" * 1000}
    return new_record("drill", "app", NOW - timedelta(days=days), details, passed=passed)


@pytest.mark.parametrize(
    ("records", "ok", "hint"),
    [
        ([], False, "no restore is proven. Run ansible-playbook pgdr.barman.drill -e barman_servers=app"),
        ([drilled(29)], True, "the last proven restore is of backup 20261130T110000 on 2026-11-01 12:00 UTC"),
        ([drilled(31)], False, "is older than 30 days (barman_drill_maximum_age)"),
        ([drilled(31), drilled(1)], True, "2026-11-29 12:00 UTC"),
        ([drilled(2), drilled(1, passed=False)], False, "the newest drill (2026-11-29 12:00 UTC) failed in phase verify"),
        ([drilled(2, passed=False), drilled(1)], True, ""),
        ([new_record("gap", "app", NOW, {}, passed=True)], False, "no restore is proven"),
        ([drilled(-30)], False, "no restore is proven: the drill that passed is dated 2026-12-30 12:00 UTC, which is more than 1 hour in the future"),
        ([drilled(-30), drilled(1, passed=False)], False, "the newest drill (2026-11-29 12:00 UTC) failed in phase verify"),
        ([drilled(-30), drilled(2)], True, "2026-11-28 12:00 UTC"),
        ([drilled(1), new_record("gap", "app", NOW, {}, passed=False)], True, ""),
    ],
)  # fmt: skip
def test_the_check(records: list[LedgerRecord], hint: str, *, ok: bool) -> None:
    found = restore_drill("app", Ledger(tuple(records)), MONTH, NOW)
    assert found.ok is ok
    assert hint in found.hint
    assert len(found.hint) < 600
    assert ok or not found.healable


def test_only_servers_with_a_maximum_age_have_the_check(tmp_path: Path) -> None:
    append_record(str(tmp_path), drilled(1))
    servers = {name: ServerChecks(name) for name in ("app", "other")}
    found = with_drills(servers, {"app": MONTH, "elsewhere": MONTH}, str(tmp_path), NOW.timestamp())
    assert found["app"].checks["restore_drill"].ok
    assert dict(found["other"].checks) == {}
    assert list(found) == ["app", "other"]


def test_a_ledger_that_cannot_be_read_is_no_proof(tmp_path: Path) -> None:
    Path(ledger_file(str(tmp_path), "app")).mkdir(parents=True)
    found = with_drills({"app": ServerChecks("app")}, {"app": MONTH}, str(tmp_path), NOW.timestamp())
    assert not found["app"].checks["restore_drill"].ok
    assert "can't be read" in found["app"].checks["restore_drill"].hint


def test_data_that_a_killed_drill_left_on_a_drill_host_is_named(tmp_path: Path) -> None:
    home = str(tmp_path)
    notes = ScratchNotes(home, None)
    for server, place in (("app", {"drill_host": "198.51.100.202"}), ("other", {"drill_host": "spare"}), ("here", {})):
        scratch = notes.planned("/srv/drills")
        notes.write(Scratch(scratch.path, scratch.note, {"server": server, **place}))
        append_record(home, new_record("drill", server, NOW, {"backup_id": "20261130T110000"}, passed=True))
    servers = {name: ServerChecks(name) for name in ("app", "other", "here", "fourth")}

    def found() -> dict[str, str]:
        answers = with_drills(servers, {"app": MONTH, "here": MONTH}, home, NOW.timestamp())
        checks = {name: answer.checks.get("restore_drill") for name, answer in answers.items()}
        return {name: check.hint for name, check in checks.items() if check is not None and not check.ok}

    assert sorted(found()) == ["app", "other"]
    assert "server 'app' left the restored cluster in /srv/drills/pgdr-drill-" in found()["app"]
    assert " on 198.51.100.202. Run a drill on that host" in found()["app"]
    with exclusive(home, LOCK):
        assert found() == {}


@pytest.mark.parametrize(
    ("seconds", "words"), [(86400, "1 day"), (172800, "2 days"), (36 * 3600, "36 hours"), (90, "90 seconds")]
)
def test_durations(seconds: int, words: str) -> None:
    assert duration(seconds) == words
