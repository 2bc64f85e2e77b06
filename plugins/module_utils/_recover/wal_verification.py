# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether every WAL record that a recovery replays is intact.

This module util is private to the collection. A WAL file's name proves nothing about its content: a file may be short,
damaged, or a copy of another one. Each segment is read from the backup's begin to the recovery target. Verified are its
size, the long header (system identifier, segment size), each page's address and timeline, each record's link to the
record before it, and each record's CRC-32C.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from .._barman.archive import ArchiveError, UndecryptableWal
from .._host.process import HostError
from .._postgres import wal
from .._postgres.segment_content import ExpectedSegment, goes_on
from .._postgres.wal_reader import PAGE_SIZE, Carry, WalReadError, scan
from .._postgres.wal_records import Event, Records
from .recovery_target import format_time
from .segment_scanner import ReportProgress, no_progress

PHASE = "verifying the WAL"
_MOST_LISTED = 5
_HEAD = 16


class DamagedWal(HostError):
    """WAL that the recovery needs is damaged; the text has which segment, where, and what to do."""


class Wal(Protocol):
    """The archive: where each segment is, and its bytes."""

    segments: dict[wal.Segment, str]
    partials: dict[wal.Segment, str]
    segment_size: int

    def read(self, segment: wal.Segment) -> bytes:
        """Return the content of the segment."""


@dataclass(frozen=True)
class Replay:
    """What a recovery replays.

    segments: in order. stop_lsn: it ends with the first record that begins there or later. end_lsn: or if the WAL until
    there is replayed. Both are None if it goes on to the end of the WAL. switches: the switch point that each timeline
    begins with.
    """

    server: str
    segments: Sequence[wal.Segment]
    segment_size: int
    system_identifier: int | None
    stop_lsn: int | None = None
    end_lsn: int | None = None
    switches: Mapping[int, int] = field(default_factory=dict)

    @property
    def to_the_end(self) -> bool:
        return self.stop_lsn is None and self.end_lsn is None

    def ends(self, last_record: int | None, whole_until: int | None) -> bool:
        """Whether it ends in intact WAL. last_record, whole_until: where the last intact record begins and ends."""
        if self.stop_lsn is not None:
            return last_record is not None and last_record >= self.stop_lsn
        # Positions are multiples of 8.
        return self.end_lsn is not None and whole_until is not None and (whole_until + 7) & ~7 >= self.end_lsn


@dataclass(frozen=True)
class WalVerification:
    """What was verified.

    managers: the custom resource managers whose records the replay has. tablespaces: the locations of those that it creates. until: the
    last complete segment. digest: of the
    names, sizes and times of the files up to there. reused: how many segments an earlier run had verified.
    """

    segments: int
    records: int
    bytes: int
    seconds: float
    managers: tuple[int, ...] = ()
    tablespaces: tuple[str, ...] = ()
    until: str | None = None
    digest: str = ""
    reused: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "segments": self.segments,
            "records": self.records,
            "bytes": self.bytes,
            "seconds": self.seconds,
            "resource_managers": list(self.managers),
            "created_tablespaces": list(self.tablespaces),
            "until": self.until,
            "digest": self.digest,
            "reused": self.reused,
        }


def short_segments(segments: Sequence[wal.Segment], archive: Wal) -> dict[wal.Segment, str]:
    """A sentence for each complete, uncompressed segment that has not the size of a segment, in order.

    Only the segment that is being received may be short: PostgreSQL had not filled it.
    """
    problems: dict[wal.Segment, str] = {}
    for segment in segments:
        path = archive.segments.get(segment)
        if path is None:
            continue
        try:
            size = os.stat(path).st_size
            if size == archive.segment_size or _is_compressed(path):
                continue
        except FileNotFoundError:
            # Barman archives it at this moment.
            continue
        except OSError as exc:
            problems[segment] = f"{path} can't be read: {exc.strerror}"
            continue
        problems[segment] = f"{path} has {size} bytes, and a WAL segment has {archive.segment_size}"
    return problems


def refuse_short_segments(
    replay: Replay, archive: Wal, *, read_before: bool = False, report: ReportProgress = no_progress
) -> None:
    """Raises DamagedWal with all segments that are too short or too long.

    read_before: read the records before the first of them, so that the error has the last commit that can be recovered.
    """
    problems = short_segments(replay.segments, archive)
    if not problems:
        return
    more = [] if len(problems) <= _MOST_LISTED else [f"and {len(problems) - _MOST_LISTED} more"]
    listed = "; ".join([*list(problems.values())[:_MOST_LISTED], *more])
    last: Event | None = None
    if read_before:
        before = list(replay.segments)[: list(replay.segments).index(next(iter(problems)))]
        verifier = _Verifier(replace(replay, segments=before), archive, report, time.monotonic)
        try:
            verifier.run({})
        except DamagedWal as exc:
            raise DamagedWal(f"{str(exc).rstrip('.')}. This WAL is damaged, too: {listed}") from None
        except UndecryptableWal as exc:
            raise DamagedWal(f"WAL of server '{replay.server}' is damaged: {listed}. And {exc}") from None
        last = verifier.commit
    text = f"WAL of server '{replay.server}' is damaged: {listed}."
    if last is not None:
        text += f" The {_last_before(last)}."
    raise DamagedWal(f"{text} {_remedy(last)}")


def _last_before(commit: Event) -> str:
    return f"last commit before that is of {format_time(commit.time)} (transaction {commit.xid})"


def _is_compressed(path: str) -> bool:
    """Whether the file is in a format that is not plain WAL: compressed or encrypted."""
    with open(path, "rb") as stream:
        head = stream.read(_HEAD)
    # The magic number of every version of WAL is D1xx, lowest byte first.
    return len(head) == _HEAD and any(head) and head[1] != 0xD1


def verify_wal(
    replay: Replay,
    archive: Wal,
    report: ReportProgress = no_progress,
    earlier: Mapping[str, Any] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> WalVerification:
    """Read every record that is replayed. Raises DamagedWal, or UndecryptableWal if a segment can't be decrypted here.

    earlier: the as_dict() of a run before this one; the segments that it verified are not read again if their
    files are the same.
    """
    return _Verifier(replay, archive, report, clock).run(earlier or {})


def files_digest(archive: Wal, segments: Sequence[wal.Segment]) -> str:
    """The same as long as the files of these complete segments are."""
    facts: list[str] = []
    for segment in segments:
        try:
            status = os.stat(archive.segments.get(segment, ""))
            facts.append(f"{segment} {status.st_size} {status.st_mtime_ns}")
        except OSError:
            facts.append(f"{segment} -")
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


class _Verifier:
    def __init__(self, replay: Replay, archive: Wal, report: ReportProgress, clock: Callable[[], float]) -> None:
        self._replay = replay
        self._archive = archive
        self._report = report
        self._clock = clock
        self._commit: Event | None = None
        self._whole_until: int | None = None
        self._last_record: int | None = None
        self._records = 0
        self._bytes = 0
        self._managers: set[int] = set()
        self._tablespaces: set[str] = set()

    @property
    def commit(self) -> Event | None:
        """The last commit in what was read."""
        return self._commit

    def run(self, earlier: Mapping[str, Any]) -> WalVerification:
        started = self._clock()
        segments = self._replay.segments
        reused = self._reusable(earlier)
        carry: Carry | None = None
        done = reused
        for done, segment in enumerate(segments[reused:], reused + 1):
            self._report(PHASE, done - 1, len(segments))
            carry = self._verify(segment, carry)
            if carry is None:
                break
        self._report(PHASE, done, len(segments))
        complete = [one for one in segments[:done] if one in self._archive.segments]
        return WalVerification(
            segments=done,
            records=self._records + (int(earlier["records"]) if reused else 0),
            bytes=self._bytes,
            seconds=round(self._clock() - started, 2),
            managers=tuple(sorted(self._managers | set(earlier.get("resource_managers", ()) if reused else ()))),
            tablespaces=tuple(
                sorted(self._tablespaces | set(earlier.get("created_tablespaces", ()) if reused else ()))
            ),
            until=str(complete[-1]) if complete else None,
            digest=files_digest(self._archive, complete),
            reused=reused,
        )

    def _reusable(self, earlier: Mapping[str, Any]) -> int:
        """How many segments need not be read again. The last of them is, because the next one continues it."""
        names = [str(one) for one in self._replay.segments]
        until = earlier.get("until")
        if until not in names:
            return 0
        count = names.index(until) + 1
        if files_digest(self._archive, self._replay.segments[:count]) != earlier.get("digest"):
            return 0
        return count - 1

    def _verify(self, segment: wal.Segment, carry: Carry | None) -> Carry | None:
        """What the next segment continues; None if the recovery ends in this one."""
        try:
            data = self._archive.read(segment)
        except UndecryptableWal as exc:
            raise UndecryptableWal(
                f"{exc}. The segment may be intact. {self._before()} {_otherwise(self._commit)}"
            ) from None
        except ArchiveError as exc:
            raise self._damaged(segment, str(exc)) from None
        partial = segment not in self._archive.segments
        last = segment == self._replay.segments[-1]
        size = self._replay.segment_size
        if not partial and len(data) != size:
            raise self._damaged(segment, f"it has {len(data)} bytes, and a WAL segment has {size}")
        records = Records()
        try:
            scanned = scan(data, carry, records)
        except WalReadError as exc:
            if partial and last and not any(data[:PAGE_SIZE]):
                # Nothing was written to it yet.
                return None
            raise self._damaged(segment, str(exc)) from None
        problem = self._expected(segment).problem(scanned)
        if problem:
            raise self._damaged(segment, problem)
        self._managers |= records.managers
        stop = self._replay.stop_lsn
        # One in the data directory itself has no location of its own.
        self._tablespaces |= {
            path for lsn, path in records.tablespaces if path.startswith("/") and (stop is None or lsn < stop)
        }
        self._bytes += len(data)
        wrong = records.first_wrong()
        if wrong is not None and scanned.carry is None and wrong == records.lsns[-1]:
            # What was being written when the WAL ended.
            wrong = None
        end = scanned.end_lsn if wrong is None else wrong
        self._commit = records.last_commit(scanned.version, end) or self._commit
        self._records += len(records.lsns)
        self._whole_until = end or self._whole_until
        self._last_record = next((lsn for lsn in reversed(records.lsns) if lsn < (end or 0)), self._last_record)
        if self._replay.ends(self._last_record, self._whole_until):
            return None
        if wrong is not None:
            reason = f"the checksum of the record at {wal.format_lsn(wrong)} is wrong"
            begun = [one for one in self._replay.segments if one.begin_lsn(size) <= wrong][-1]
            if begun.begin_lsn(size) < segment.begin_lsn(size):
                reason += f". The record begins in segment {begun} ({self._path(begun)}): one of the files from that to this is damaged"
            raise self._damaged(segment, reason)
        if scanned.carry is not None:
            return scanned.carry
        if (
            not last
            or not self._replay.to_the_end
            or goes_on(data, scanned.begin_lsn, scanned.end_lsn or scanned.begin_lsn)
        ):
            raise self._damaged(segment, scanned.reason)
        return None

    def _expected(self, segment: wal.Segment) -> ExpectedSegment:
        replay = self._replay
        systems = frozenset(() if replay.system_identifier is None else (replay.system_identifier,))
        return ExpectedSegment(segment, replay.segment_size, systems, switch=replay.switches.get(segment.timeline, 0))

    def _path(self, segment: wal.Segment) -> str | None:
        return self._archive.segments.get(segment) or self._archive.partials.get(segment)

    def _damaged(self, segment: wal.Segment, reason: str) -> DamagedWal:
        return DamagedWal(
            f"WAL segment {segment} of server '{self._replay.server}' is damaged ({self._path(segment)}): {reason}. "
            f"{self._before()} {_remedy(self._commit)}"
        )

    def _before(self) -> str:
        """What was read before the segment with the problem."""
        commit = "no commit is before that" if self._commit is None else f"the {_last_before(self._commit)}"
        until = "the backup's begin" if self._whole_until is None else wal.format_lsn(self._whole_until)
        return f"The WAL is intact until {until}; {commit}."


def _remedy(commit: Event | None) -> str:
    text = (
        "Nothing was changed. Replace the file by an intact copy: a passive node or another backup server may have "
        "one, and PostgreSQL "
        "as long as the file is in its pg_wal"
    )
    return text if commit is None else f"{text}. {_to_commit(commit)}"


def _otherwise(commit: Event | None) -> str:
    return "Nothing was changed" if commit is None else f"Nothing was changed. {_to_commit(commit)}"


def _to_commit(commit: Event) -> str:
    return f"Or recover to that commit: barman_recover_target_lsn={wal.format_lsn(commit.lsn)} (option target_lsn of the module)"
