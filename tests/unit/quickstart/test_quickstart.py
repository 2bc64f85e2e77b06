# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The quickstart's arithmetic, its judgement and its table."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.quickstart import __main__ as quickstart
from tests.quickstart.__main__ import (
    Commit,
    Failed,
    Proof,
    last_commit,
    lsn,
    print_proof,
    read_commit,
    rpo,
    table,
    verify,
)

WALDUMP = """\
rmgr: Transaction len (rec/tot):   1093/  1093, tx:        738, lsn: 0/00702A20, prev 0/007029D8, desc: COMMIT 2026-11-20 09:20:12.756869 UTC
rmgr: Transaction len (rec/tot):     34/    34, tx:       5195, lsn: 1/0D058C70, prev 1/0D058C30, desc: COMMIT 2026-11-20 09:20:12.760880 UTC; subxacts: 740
rmgr: Transaction len (rec/tot):     34/    34, tx:       5196, lsn: 1/0D058CA8, prev 1/0D058C70, desc: ABORT 2026-11-20 09:20:12.767716 UTC
"""
LAST = Commit(5195, 0x10D058C70, datetime(2026, 11, 20, 9, 20, 12, 760880, tzinfo=UTC))


def proof(**changes: Any) -> Proof:
    """What a run that went well measured."""
    values: dict[str, Any] = {
        "rows_before": 2000,
        "last_id": 2000,
        "target": "2026-11-20 09:20:10.5+00",
        "last_commit": LAST,
        "report": {
            "backup_id": "20261120T091900",
            "timeline": 2,
            "new_backup": "20261120T092100",
            "rto_seconds": 12.34,
            "last_recoverable": {"lsn": "1/0D058870", "time": "2026-11-20T09:20:12.510880+00:00"},
        },
        "rows_found": 2000,
        "rows_after_target": 0,
        "archived": ["00000002.history", "00000002000000010000000D", "00000002000000010000000E"],
    }
    return Proof(**{**values, **changes})


@pytest.mark.parametrize(
    ("text", "number"),
    [("0/0", 0), ("0/D058C70", 0x0D058C70), ("0/0D058C70", 0x0D058C70), ("1/0", 2**32), ("A/FFFFFFFF", 11 * 2**32 - 1)],
)
def test_a_position_in_the_wal(text, number):
    assert lsn(text) == number


def test_the_last_commit_is_the_one_that_counts():
    assert last_commit(WALDUMP) == LAST


@pytest.mark.parametrize("records", ["", WALDUMP.splitlines()[2]])
def test_where_nothing_was_committed_there_is_none(records):
    assert last_commit(records) is None


def test_a_whole_second_has_no_fraction():
    line = WALDUMP.splitlines()[0].replace(".756869", "")
    assert read_commit(line).time == datetime(2026, 11, 20, 9, 20, 12, tzinfo=UTC)


def test_a_time_that_is_not_utc_is_not_taken_for_it():
    with pytest.raises(Failed, match="is not as expected"):
        read_commit(WALDUMP.splitlines()[0].replace(" UTC", " CET"))


def test_what_was_lost_lies_between_the_disk_and_barman():
    assert rpo(LAST, {"lsn": "1/0D058870", "time": "2026-11-20T09:20:12.510880+00:00"}) == (0.25, 0x400)


def test_what_was_lost_counts_beyond_four_gigabytes_and_other_time_zones():
    assert rpo(LAST, {"lsn": "0/0D058C70", "time": "2026-11-20T10:20:11.760880+01:00"}) == (1.0, 2**32)


def test_nothing_was_lost_where_barman_has_more():
    assert rpo(LAST, {"lsn": "1/0D058C98", "time": "2026-11-20T09:20:12.760881+00:00"}) == (0.0, 0)


def test_a_run_that_went_well_is_accepted():
    verify(proof())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"rows_found": 1999}, "2000 rows were written before the point in time and 1999 are there"),
        ({"rows_found": 2001}, "2000 rows were written before the point in time and 2001 are there"),
        ({"rows_after_target": 3}, "3 rows from after it are there, and none should be"),
        ({"archived": []}, r"no WAL segment of timeline 2 is archived; there is \[\]"),
        ({"archived": ["00000002.history"]}, "no WAL segment of timeline 2 is archived"),
        ({"report": {**proof().report, "new_backup": None}}, "no new backup was taken"),
    ],
)
def test_a_promise_that_was_not_kept_is_a_failure(changes, why):
    with pytest.raises(Failed, match=why):
        verify(proof(**changes))


def test_the_table_is_complete():
    assert dict(table(proof())) == {
        "Recovered": "PostgreSQL 17 on pg, to 2026-11-20 09:20:10.5+00",
        "From": "backup 20261120T091900 and its WAL on backup",
        "Rows before the point": "2,000 of 2,000",
        "Rows after the point": "0",
        "New timeline": "2, archived up to 00000002000000010000000E",
        "New backup": "20261120T092100",
        "RPO": "0.250 s, 1,024 bytes: from the last commit on the destroyed disk back to the last one in Barman",
        "RTO": "12.3 s: from the start of the recovery to a server that takes writes",
    }


def test_the_table_is_aligned_and_has_the_next_steps(capsys):
    print_proof(proof())
    lines = capsys.readouterr().out.splitlines()
    rows = table(proof())
    # The titles, two spaces, and what they say: all in the same column.
    assert {line.index(text) for line, (_, text) in zip(lines[1:], rows, strict=False)} == {25}
    assert any(line.strip().startswith("make lab-down") for line in lines)


def called(monkeypatch, **codes: int) -> list[str]:
    """Which of the lab's commands are called; each ends with its code, and `down` says something."""
    commands: list[str] = []

    def run(argv, **_):
        command = argv[3]
        commands.append(command)
        return subprocess.CompletedProcess(argv, codes.get(command, 0), "", f"{command} said so\n")

    monkeypatch.setattr("subprocess.run", run)
    monkeypatch.setattr(quickstart, "play", lambda proof: commands.append("play"))
    return commands


def test_a_machine_that_cannot_run_the_lab_is_left_alone(monkeypatch, tmp_path):
    commands = called(monkeypatch, check=2)
    monkeypatch.setattr(quickstart, "STATE", tmp_path / "state")
    assert quickstart.main() == 2
    assert commands == ["check"]
    assert not (tmp_path / "state").exists()


def test_machines_that_cannot_be_removed_are_reported(monkeypatch, tmp_path, capsys):
    commands = called(monkeypatch, down=1)
    monkeypatch.setattr(quickstart, "STATE", tmp_path / "state")
    assert quickstart.main() == 1
    assert commands == ["check", "down"]
    assert capsys.readouterr().err == "down said so\n"


def test_a_step_that_fails_is_reported(monkeypatch, tmp_path, capsys):
    called(monkeypatch)
    monkeypatch.setattr(quickstart, "STATE", tmp_path / "state")

    def play(proof):
        raise Failed("the disk is full")

    monkeypatch.setattr(quickstart, "play", play)
    assert quickstart.main() == 1
    assert capsys.readouterr().err == "\nThe quickstart failed: the disk is full\n"


def test_logs_of_an_earlier_run_are_removed(monkeypatch, tmp_path):
    commands = called(monkeypatch)
    monkeypatch.setattr(quickstart, "STATE", tmp_path)
    (tmp_path / "lab.log").write_text("old")
    assert quickstart.main() == 0
    assert commands == ["check", "down", "play"]
    assert not list(tmp_path.iterdir())
