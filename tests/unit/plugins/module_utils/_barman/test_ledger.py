# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger of a server, one record a line."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._barman import ledger as module
from ansible_collections.pgdr.barman.plugins.module_utils._barman.ledger import (
    LedgerRecord,
    append_record,
    ledger_file,
    new_record,
    parse_ledger,
    read_ledger,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError

NOW = datetime(2026, 11, 30, 12, 0, 0, 123456, tzinfo=UTC)


def drill(server: str = "app", *, hours: float = 0.0, passed: bool = True, **details: Any) -> LedgerRecord:
    return new_record("drill", server, NOW + timedelta(hours=hours), details, passed=passed)


def test_a_record_is_read_as_it_was_appended(tmp_path: Path) -> None:
    record = drill(backup_id="20261130T110000", phases={"restore": {"seconds": 1.5}})
    append_record(str(tmp_path), record)
    found = read_ledger(str(tmp_path), "app")
    assert found.records == (record,)
    assert found.unreadable == ()
    assert record.time == NOW.replace(microsecond=0)


def test_a_line_has_the_documented_keys_first(tmp_path: Path) -> None:
    append_record(str(tmp_path), drill(backup_id="x"))
    line = Path(ledger_file(str(tmp_path), "app")).read_text(encoding="utf-8")
    assert line.endswith("\n")
    value = json.loads(line)
    assert list(value) == ["version", "id", "kind", "server", "time", "result", "backup_id"]
    assert value["version"] == 1
    assert value["time"] == "2026-11-30T12:00:00+00:00"


def test_details_cannot_replace_the_keys_of_the_record() -> None:
    record = LedgerRecord("1", "drill", "app", NOW, "failed", {"result": "passed", "server": "other"})
    assert record.as_dict()["result"] == "failed"
    assert record.as_dict()["server"] == "app"


def test_every_record_has_another_id() -> None:
    assert len({drill().id for _unused in range(100)}) == 100


def test_the_time_is_in_utc() -> None:
    local = datetime(2026, 11, 30, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    assert new_record("gap", "app", local, {}, passed=False).as_dict()["time"] == "2026-11-30T12:00:00+00:00"


def test_no_ledger_is_an_empty_one(tmp_path: Path) -> None:
    found = read_ledger(str(tmp_path), "app")
    assert found.records == ()
    assert found.proven_restore(NOW) is None
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_only_its_owner_reads_the_ledger(tmp_path: Path) -> None:
    append_record(str(tmp_path), drill())
    path = ledger_file(str(tmp_path), "app")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_root_writes_as_the_owner(tmp_path: Path) -> None:
    for directory in [tmp_path, *tmp_path.parents[:3]]:
        if str(directory) != "/tmp":
            os.chmod(directory, 0o755)
    home = tmp_path / "barman"
    home.mkdir()
    os.chown(home, 65534, 65534)
    append_record(str(home), drill(), "nobody")
    assert os.stat(ledger_file(str(home), "app")).st_uid == 65534
    assert len(read_ledger(str(home), "app").records) == 1


def test_the_newest_drill_that_passed_is_the_proven_restore(tmp_path: Path) -> None:
    home = str(tmp_path)
    for record in [
        drill(hours=1, number=1),
        drill(hours=3, number=2),
        drill(hours=2, number=3),
        drill(hours=4, passed=False, number=4),
        new_record("gap", "app", NOW + timedelta(hours=5), {}, passed=True),
    ]:
        append_record(home, record)
    proven = read_ledger(home, "app").proven_restore(NOW + timedelta(hours=5))
    assert proven is not None
    assert proven.details["number"] == 2


def test_of_two_with_the_same_time_the_last_counts() -> None:
    records = [drill(number=1), drill(number=2)]
    found = module.newest(records)
    assert found is not None
    assert found.details["number"] == 2


def test_the_last_record_is_the_one_that_was_appended_last() -> None:
    ledger = module.Ledger((drill(hours=9000, number=1), drill(hours=-1, passed=False, number=2)))
    last = ledger.last("drill")
    assert last is not None
    assert last.details["number"] == 2
    assert ledger.last("gap") is None


def test_a_record_of_the_future_proves_nothing() -> None:
    past, soon, future = drill(hours=-1, number=1), drill(hours=1, number=2), drill(hours=1.01, number=3)
    assert module.Ledger((past, soon, future)).proven_restore(NOW) == soon
    assert module.Ledger((future,)).proven_restore(NOW) is None
    assert module.Ledger((past, future)).misdated("drill", NOW) == future
    assert module.Ledger((past, soon)).misdated("drill", NOW) is None


def test_each_server_has_a_file_of_its_own(tmp_path: Path) -> None:
    append_record(str(tmp_path), drill("app"))
    append_record(str(tmp_path), drill("a/b"))
    assert sorted(path.stem for path in tmp_path.rglob("*.jsonl")) == ["a_b", "app"]
    assert [record.server for record in read_ledger(str(tmp_path), "a/b").records] == ["a/b"]


def test_a_torn_line_is_reported_and_the_next_record_is_read(tmp_path: Path) -> None:
    home = str(tmp_path)
    append_record(home, drill(number=1))
    path = ledger_file(home, "app")
    with open(path, "ab") as stream:
        stream.write(b'{"version": 1, "id": "2026')
    torn = read_ledger(home, "app")
    assert [record.details["number"] for record in torn.records] == [1]
    assert [(line.number, line.reason) for line in torn.unreadable] == [(2, "the line is not whole")]
    append_record(home, drill(number=2))
    found = read_ledger(home, "app")
    assert [record.details["number"] for record in found.records] == [1, 2]
    assert [line.number for line in found.unreadable] == [2]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[]", "the line is no record"),
        ('{"version": 1, "id": "1", "kind": "drill", "server": "a", "time": "0001-01-01T00:00:00+23:00", "result": "passed"}', "out of range"),
        ("{}", "version is missing or not known"),
        ('{"version": 2}', "the record has version 2, and this release reads version 1"),
        ('{"version": 1, "id": "1", "kind": "other", "server": "a", "time": "2026-11-30T12:00:00+00:00", "result": "passed"}', "other"),
        ('{"version": 1, "id": "1", "kind": "drill", "server": "a", "time": "2026-11-30T12:00:00", "result": "passed"}', "no time zone"),
        ('{"version": 1, "id": "1", "kind": "drill", "server": "a", "time": "yesterday", "result": "passed"}', "yesterday"),
        ('{"version": 1, "id": "1", "kind": "drill", "server": "a", "time": 5, "result": "passed"}', "fromisoformat"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_record_is_reported(line: str, reason: str) -> None:
    found = parse_ledger(line + "\n" + json.dumps(drill().as_dict()))
    assert len(found.records) == 1
    assert found.unreadable[0].number == 1
    assert reason in found.unreadable[0].reason


def test_without_room_the_ledger_is_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = str(tmp_path)
    append_record(home, drill(number=1))
    before = Path(ledger_file(home, "app")).read_bytes()
    real = os.write

    def write(handle: int, data: bytes) -> int:
        if len(data) < 50:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(handle, bytes(data)[: len(data) - 20])

    monkeypatch.setattr(module.os, "write", write)
    with pytest.raises(HostError, match="No space left on device"):
        append_record(home, drill(number=2))
    monkeypatch.undo()
    assert Path(ledger_file(home, "app")).read_bytes() == before


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    home = str(tmp_path)
    append_record(home, drill())
    path = ledger_file(home, "app")
    os.unlink(path)
    target = tmp_path / "other"
    target.write_text("", encoding="utf-8")
    os.symlink(target, path)
    with pytest.raises(HostError, match="symbolic link"):
        append_record(home, drill())
    assert target.read_text(encoding="utf-8") == ""


def test_a_home_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="No such file"):
        append_record(str(tmp_path / "missing"), drill())


def _writer(home: str, number: int) -> None:
    for count in range(25):
        append_record(home, drill(writer=number, count=count, text="x" * 5000))


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    home = str(tmp_path)
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_writer, args=(home, number)) for number in range(4)]
    for writer in writers:
        writer.start()
    count = 0
    while any(writer.is_alive() for writer in writers):
        found = read_ledger(home, "app")
        assert found.unreadable == ()
        assert len(found.records) >= count
        count = len(found.records)
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    records = read_ledger(home, "app").records
    assert len(records) == 100
    for number in range(4):
        assert [one.details["count"] for one in records if one.details["writer"] == number] == list(range(25))


@given(st.binary(max_size=400), st.integers(min_value=0, max_value=400))
def test_no_damage_of_a_line_hides_another(damage: bytes, at: int) -> None:
    first, second, third = (json.dumps(drill(number=number).as_dict()) for number in range(3))
    broken = (second.encode()[:at] + damage.replace(b"\n", b"")).decode("utf-8", "replace")
    found = parse_ledger("\n".join([first, broken, third, ""]))
    numbers = [record.details.get("number") for record in found.records]
    assert numbers[0] == 0
    assert numbers[-1] == 2
    assert len(found.records) + len(found.unreadable) in (2, 3)
