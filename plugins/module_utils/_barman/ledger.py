# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger of a server: its drills, verifications, gaps and first copy, one record a line.

This module util is private to the collection. The file <barman_home>/.pgdr.barman/ledger/<server>.jsonl is JSON Lines. Records are only
appended, under a lock, and are on the disk before the append returns. A line that a crash or a full disk cut off is reported, and the next
append begins on a line of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

from .._host.files import sync_directory
from .._host.identity import acting_as, open_as_owner
from .._host.process import HostError
from .._host.safe_files import check_regular, writing_as

VERSION = 1
DIRECTORY = ".pgdr.barman/ledger"

#: A restore drill, a verification of stored files, WAL that is missing, or the first copy to a passive node.
RecordKind = Literal["drill", "verification", "gap", "first_copy"]
RecordResult = Literal["passed", "failed"]

_KINDS: Mapping[str, RecordKind] = {
    "drill": "drill",
    "verification": "verification",
    "gap": "gap",
    "first_copy": "first_copy",
}
_RESULTS: Mapping[str, RecordResult] = {"passed": "passed", "failed": "failed"}
_SUFFIX = ".jsonl"
_CLOCK_TOLERANCE = timedelta(hours=1)
_OWN_KEYS = ("version", "id", "kind", "server", "time", "result")
_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class LedgerRecord:
    """One record. time: in UTC, to the second. details: the keys of its kind."""

    id: str
    kind: RecordKind
    server: str
    time: datetime
    result: RecordResult
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return self.result == "passed"

    def as_dict(self) -> dict[str, Any]:
        """The record as its line has it."""
        return {
            "version": VERSION,
            "id": self.id,
            "kind": self.kind,
            "server": self.server,
            "time": self.time.isoformat(timespec="seconds"),
            "result": self.result,
            **{key: value for key, value in self.details.items() if key not in _OWN_KEYS},
        }


@dataclass(frozen=True)
class UnreadableLine:
    """A line that is no record. number: counted from 1."""

    number: int
    reason: str


@dataclass(frozen=True)
class Ledger:
    """The records of a server, the oldest first as they were appended."""

    records: tuple[LedgerRecord, ...] = ()
    unreadable: tuple[UnreadableLine, ...] = ()

    def of_kind(self, kind: RecordKind) -> list[LedgerRecord]:
        return [record for record in self.records if record.kind == kind]

    def last(self, kind: RecordKind) -> LedgerRecord | None:
        """The record that was appended last, whatever its time is."""
        return next(reversed(self.of_kind(kind)), None)

    def last_passed(self, kind: RecordKind, now: datetime) -> LedgerRecord | None:
        """The newest record that passed. One with a time in the future proves nothing: the clock was wrong."""
        return newest(one for one in self.of_kind(kind) if one.passed and not is_in_the_future(one, now))

    def proven_restore(self, now: datetime) -> LedgerRecord | None:
        """The newest drill that passed."""
        return self.last_passed("drill", now)

    def misdated(self, kind: RecordKind, now: datetime) -> LedgerRecord | None:
        """The last record that passed and proves nothing, because its time is in the future."""
        future = [one for one in self.of_kind(kind) if one.passed and is_in_the_future(one, now)]
        return next(reversed(future), None)


def is_in_the_future(record: LedgerRecord, now: datetime) -> bool:
    """Whether the record's time is more than an hour after now."""
    return record.time - now > _CLOCK_TOLERANCE


def newest(records: Iterable[LedgerRecord]) -> LedgerRecord | None:
    """The record with the latest time; of two with the same time, the one that was appended last."""
    found: LedgerRecord | None = None
    for record in records:
        if found is None or record.time >= found.time:
            found = record
    return found


def new_id(now: datetime) -> str:
    """The id of a record, which no other has."""
    return f"{now.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def new_record(
    kind: RecordKind,
    server: str,
    now: datetime,
    details: Mapping[str, Any],
    *,
    passed: bool,
    record_id: str | None = None,
) -> LedgerRecord:
    """A record. now: with its time zone. record_id: a new one by default."""
    moment = now.astimezone(timezone.utc).replace(microsecond=0)
    return LedgerRecord(record_id or new_id(now), kind, server, moment, "passed" if passed else "failed", dict(details))


def ledger_file(home: str, server: str) -> str:
    return os.path.join(home, DIRECTORY, f"{server.replace(os.sep, '_')}{_SUFFIX}")


def append_record(home: str, record: LedgerRecord, owner: str | None = None) -> None:
    """Append the record; it is on the disk when this returns. owner: Barman's user, if root runs this. Raises HostError.

    If the line can't be written whole, the ledger is as it was before.
    """
    line = json.dumps(record.as_dict(), sort_keys=False, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    path = ledger_file(home, record.server)
    with writing_as(owner, path):
        for directory, mode in _directories(home):
            with contextlib.suppress(FileExistsError):
                os.mkdir(directory, mode)
                sync_directory(os.path.dirname(directory))
        handle = os.open(path, _APPEND, 0o600)
    # The handle has the owner's rights; the wait for another writer does not have to be that user.
    try:
        check_regular(path, os.fstat(handle))
        fcntl.flock(handle, fcntl.LOCK_EX)
        _append(handle, line)
    except OSError as exc:
        raise HostError(f"the ledger {path} can't be written: {exc.strerror}") from None
    finally:
        os.close(handle)
    with acting_as(owner):
        sync_directory(os.path.dirname(path))


def _directories(home: str) -> list[tuple[str, int]]:
    """The directories of the ledgers from the top, and their modes."""
    ledgers = os.path.join(home, DIRECTORY)
    return [(os.path.dirname(ledgers), 0o755), (ledgers, 0o700)]


def _append(handle: int, line: bytes) -> None:
    size = os.fstat(handle).st_size
    if size and os.pread(handle, 1, size - 1) != b"\n":
        line = b"\n" + line
    try:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(handle, size)
        raise


def read_ledger(home: str, server: str) -> Ledger:
    """The server's ledger; empty if there is none yet. Waits for a writer that is at it. Raises HostError."""
    path = ledger_file(home, server)
    try:
        with os.fdopen(open_as_owner(path), "rb") as stream:
            fcntl.flock(stream.fileno(), fcntl.LOCK_SH)
            data = stream.read()
    except FileNotFoundError:
        return Ledger()
    except OSError as exc:
        raise HostError(f"the ledger {path} can't be read: {exc.strerror}") from None
    return parse_ledger(data.decode("utf-8", "replace"))


def parse_ledger(text: str) -> Ledger:
    """The records in the text of a ledger, and the lines that are none."""
    records: list[LedgerRecord] = []
    unreadable: list[UnreadableLine] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            records.append(_record(json.loads(line)))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as exc:
            unreadable.append(UnreadableLine(number, _reason(exc)))
    return Ledger(tuple(records), tuple(unreadable))


def _reason(exc: Exception) -> str:
    if isinstance(exc, KeyError):
        return f"{exc.args[0]} is missing or not known"
    if isinstance(exc, json.JSONDecodeError):
        return "the line is not whole"
    return str(exc)


def _record(value: Any) -> LedgerRecord:
    if not isinstance(value, dict):
        raise TypeError("the line is no record")
    if value["version"] != VERSION:
        raise ValueError(f"the record has version {value['version']!r}, and this release reads version {VERSION}")
    time = datetime.fromisoformat(value["time"])
    if time.tzinfo is None:
        raise ValueError(f"the time {value['time']} has no time zone")
    return LedgerRecord(
        id=str(value["id"]),
        kind=_KINDS[value["kind"]],
        server=str(value["server"]),
        time=time.astimezone(timezone.utc),
        result=_RESULTS[value["result"]],
        details={key: one for key, one in value.items() if key not in _OWN_KEYS},
    )
