# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the WAL segments of an archive contain, read one by one, and of timelines that the recovery does not follow.

This module util is private to the collection. It reads the archive, and changes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .._postgres import timeline_history, wal
from .._postgres.timelines import Branch
from .._postgres.wal_reader import Carry, Scan, WalReadError, scan
from .._postgres.wal_records import Event
from .recovery_plan import PlanError
from .recovery_target import format_time
from .windows import Point

#: Reports a phase, and how many of how many segments are done.
ReportProgress = Callable[[str, int, int], None]

#: The WAL of an idle server can go on for long without a transaction; no more segments than these are read to find one.
IDLE_SEGMENTS = 256
# How much of a timeline is read that is not recovered, from the switch point on.
_BRANCH_SEGMENTS = 1024
# The scans of as many segments are kept; each has every transaction's end.
_REMEMBERED_SCANS = 4


class ArchivedWal(Protocol):
    """The archive: the paths of its files, and each segment's bytes."""

    segments: dict[wal.Segment, str]
    partials: dict[wal.Segment, str]
    segment_size: int

    @property
    def histories(self) -> Mapping[int, str]:
        """The texts of the history files, by timeline."""

    @property
    def timelines(self) -> list[int]:
        """The timelines that the archive has."""

    def read(self, segment: wal.Segment) -> bytes:
        """Return the content of the segment."""


def no_progress(phase: str, done: int, total: int) -> None:
    """Reports nothing."""


class SegmentScanner:
    """Scans the WAL segments of an archive; the last few scans are remembered.

    system_identifier: of the backups; None if it is not known.
    """

    def __init__(self, server: str, archive: ArchivedWal, segment_size: int, system_identifier: str | None) -> None:
        self.server = server
        self.archive = archive
        self.segment_size = segment_size
        self._system_identifier = system_identifier
        self._scans: dict[wal.Segment, Scan | None] = {}

    def scan(self, segment: wal.Segment, carry: Carry | None = None) -> Scan | None:
        """The content of a segment; None if nothing was written to it yet. Raises PlanError if it can't be read."""
        if carry is not None:
            return self._scan_anew(segment, carry)
        if segment not in self._scans:
            while len(self._scans) >= _REMEMBERED_SCANS:
                del self._scans[next(iter(self._scans))]
            self._scans[segment] = self._scan_anew(segment, None)
        return self._scans[segment]

    def _scan_anew(self, segment: wal.Segment, carry: Carry | None) -> Scan | None:
        try:
            scanned = scan(self.archive.read(segment), carry)
        except WalReadError as exc:
            if segment in self.archive.partials:
                return None
            raise PlanError(f"WAL segment {segment} of server '{self.server}' can't be read: {exc}") from None
        expected = self._system_identifier
        if expected and expected.isdigit() and int(expected) != scanned.system_identifier:
            raise PlanError(
                f"WAL segment {segment} is of another PostgreSQL server (system identifier "
                f"{scanned.system_identifier}) than the backup ({expected})"
            )
        return scanned

    def segments_of(self, timeline: int, lsn: int = 0) -> list[wal.Segment]:
        """The segments of a timeline, complete or not, from that of a position on."""
        first = lsn // self.segment_size
        archived = {*self.archive.segments, *self.archive.partials}
        return sorted(one for one in archived if one.timeline == timeline and one.number(self.segment_size) >= first)


# Timelines that the recovery does not follow


@dataclass(frozen=True)
class BranchSummary:
    """A branch with its last commit. text: for messages. facts: for the module's result."""

    text: str
    facts: Mapping[str, Any]


def has_commit_after(scanner: SegmentScanner, branch: Branch, lsn: int) -> bool:
    """Whether a branch has a commit of its own after a position. A segment that can't be read may have one."""
    segments = scanner.segments_of(branch.timeline, lsn)
    for segment in segments[:IDLE_SEGMENTS]:
        try:
            scanned = scanner.scan(segment)
        except PlanError:
            return True
        if scanned is not None and any(event.kind == "commit" and event.lsn >= lsn for event in scanned.events):
            return True
    return len(segments) > IDLE_SEGMENTS


def last_commit(scanner: SegmentScanner, branch: Branch) -> Event | None:
    """The last commit of a branch after its switch point."""
    for segment in list(reversed(scanner.segments_of(branch.timeline)))[:IDLE_SEGMENTS]:
        with contextlib.suppress(PlanError):
            scanned = scanner.scan(segment)
            commits = [one for one in scanned.events if one.kind == "commit"] if scanned is not None else []
            if commits and commits[-1].lsn >= (branch.switch or 0):
                return commits[-1]
    return None


def summarize_branch(scanner: SegmentScanner, branch: Branch) -> BranchSummary:
    commit = last_commit(scanner, branch)
    point = Point() if commit is None else Point(commit.lsn, commit.time, commit.xid)
    text = (
        "no commit of its own"
        if commit is None
        else f"last commit {format_time(commit.time)} (transaction {commit.xid})"
    )
    facts = point.as_dict()
    return BranchSummary(
        f"{branch}, {text}",
        {**branch.as_dict(), "last_commit": {key: facts[key] for key in ("time", "xid", "lsn")}},
    )


def other_branches(
    scanner: SegmentScanner, history: tuple[timeline_history.TimelineSegment, ...]
) -> list[tuple[int, int]]:
    """The timelines with WAL that is not in the history, newest first: (timeline, switch point from the history or from its own parent)."""
    ends = {part.timeline: part.end for part in history}
    branches: list[tuple[int, int]] = []
    for timeline in sorted(scanner.archive.timelines, reverse=True):
        if timeline in ends:
            end = ends[timeline]
            if end is not None:
                branches.append((timeline, end))
            continue
        with contextlib.suppress(wal.WalError):
            own = timeline_history.history_of(timeline, scanner.archive.histories)
            branches.append((timeline, own[-1].begin))
    return branches


def scan_branch(scanner: SegmentScanner, timeline: int, switch: int) -> Iterator[Scan]:
    """The scans of another timeline's segments from its switch point on, up to the first one that can't be read."""
    carry: Carry | None = None
    for segment in scanner.segments_of(timeline, switch)[:_BRANCH_SEGMENTS]:
        if carry is not None and carry.next_lsn != segment.begin_lsn(scanner.segment_size):
            carry = None
        try:
            scanned = scanner.scan(segment, carry)
        except PlanError:
            return
        if scanned is None:
            return
        yield scanned
        carry = scanned.carry


def find_on_branch(
    scanner: SegmentScanner, timeline: int, switch: int, matches: Callable[[Event], bool]
) -> Event | None:
    """The first event of another timeline after its switch point that matches."""
    return next(
        (
            event
            for scanned in scan_branch(scanner, timeline, switch)
            for event in scanned.events
            if event.lsn >= switch and matches(event)
        ),
        None,
    )
