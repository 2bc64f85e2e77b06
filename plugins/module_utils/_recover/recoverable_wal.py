# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archived WAL along one timeline history: how far recoveries from the backups on it can go.

This module util is private to the collection. It reads the archive, and changes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from .._barman.catalog import Backup
from .._postgres import timeline_history, wal
from .._postgres.wal_records import Event
from .recovery_plan import PlanError
from .segment_scanner import IDLE_SEGMENTS, SegmentScanner
from .windows import Point, Window


@dataclass(frozen=True)
class WalEnd:
    """The last point that can be recovered from a backup. last_change: where the last record begins that is no checkpoint.

    A server that was stopped while it paused at a checkpoint starts from there, and never reaches it again.
    """

    point: Point
    last_change: int | None


class RecoverableWal:
    """The archived WAL along a history. backups: those on the history, oldest first."""

    def __init__(
        self, scanner: SegmentScanner, history: Sequence[timeline_history.TimelineSegment], backups: Sequence[Backup]
    ) -> None:
        self.scanner = scanner
        self.history = tuple(history)
        self.backups = tuple(backups)
        self._archive = scanner.archive
        self._size = scanner.segment_size
        self._reached: dict[str, wal.Segment] = {}

    @property
    def server(self) -> str:
        return self.scanner.server

    @property
    def timeline(self) -> int:
        return self.history[-1].timeline

    def reached_segment(self, backup: Backup) -> wal.Segment:
        """The newest segment that a recovery from the backup reaches. Raises PlanError if the backup's own WAL has a gap."""
        if backup.backup_id not in self._reached:
            self._reached[backup.backup_id] = self._find_reached(backup)
        return self._reached[backup.backup_id]

    def _find_reached(self, backup: Backup) -> wal.Segment:
        begin, end = begin_segment(backup), end_segment(backup)
        complete = self._archive.segments
        reached = timeline_history.last_without_gap(complete, begin, self.history, self._size)
        following = begin if reached is None else self._successor(reached)
        if following is not None and following in self._archive.partials:
            reached = following
        if reached is None or reached.number(self._size) < end.number(self._size):
            present = [*complete, *([reached] if reached else [])]
            missing = timeline_history.gaps(present, begin, self.history, self._size, end)
            raise PlanError(
                "backup {} of server '{}' is not usable: WAL segments that it needs itself are not in the archive: "
                "{}".format(backup.backup_id, self.server, ", ".join(str(gap) for gap in missing))
            )
        return reached

    def _successor(self, segment: wal.Segment) -> wal.Segment | None:
        number = segment.number(self._size) + 1
        for part in self.history:
            final = None if part.end is None else part.end // self._size - 1
            if part.timeline >= segment.timeline and (final is None or number <= final):
                return wal.segment_of_number(part.timeline, number, self._size)
        return None

    def is_usable(self, backup: Backup) -> bool:
        try:
            self.reached_segment(backup)
        except PlanError:
            return False
        return True

    def gaps(self, backup: Backup) -> list[timeline_history.WalGap]:
        return timeline_history.gaps(self._archive.segments, begin_segment(backup), self.history, self._size)

    def segments(self, first: wal.Segment, backup: Backup) -> list[wal.Segment]:
        """The segments from first on that a recovery from the backup reads."""
        return list(timeline_history.needed(first, self.reached_segment(backup), self.history, self._size))

    def end(self, backup: Backup) -> WalEnd:
        end: int | None = None
        last: int | None = None
        change: int | None = None
        segment: wal.Segment | None = None
        for count, candidate in enumerate(reversed(self.segments(begin_segment(backup), backup))):
            scanned = self.scanner.scan(candidate)
            if scanned is None:
                continue
            if end is None and scanned.end_lsn is not None:
                # Records are aligned to 8 bytes, and so are the positions that PostgreSQL shows.
                end, last, segment = (scanned.end_lsn + 7) & ~7, scanned.last_record, candidate
            if change is None:
                change = scanned.last_change
            commit = _last(scanned.events, ("commit",))
            if commit is not None:
                return WalEnd(Point(end, commit.time, commit.xid, segment), change)
            if count >= IDLE_SEGMENTS:
                break
        return WalEnd(Point(end, None, None, segment), last if change is None else change)

    def last_event_before(
        self, backup: Backup, lsn: int, segment: wal.Segment, kinds: tuple[str, ...] = ("commit",)
    ) -> Event | None:
        """The last event of these kinds before a position, which is in that segment."""
        number = segment.number(self._size)
        earlier = [one for one in self.segments(begin_segment(backup), backup) if one.number(self._size) <= number]
        for one in list(reversed(earlier))[:IDLE_SEGMENTS]:
            scanned = self.scanner.scan(one)
            event = _last([event for event in scanned.events if event.lsn < lsn], kinds) if scanned else None
            if event is not None:
                return event
        return None

    def reached_point(self, backup: Backup, before: int, lsn: int, segment: wal.Segment) -> Point:
        """The point at lsn with the last commit before another position; segment: which has both."""
        commit = self.last_event_before(backup, before, segment)
        return Point(lsn, None, None, segment) if commit is None else Point(lsn, commit.time, commit.xid, segment)

    def windows(self) -> list[Window]:
        """What can be recovered along the history, oldest first. A backup that lacks WAL of its own begins no window."""
        groups: dict[wal.Segment, list[Backup]] = {}
        for backup in self.backups:
            with contextlib.suppress(PlanError):
                groups.setdefault(self.reached_segment(backup), []).append(backup)
        windows: list[Window] = []
        for backups in groups.values():
            first = backups[0]
            # A segment that can't be read ends no window that could be named.
            with contextlib.suppress(PlanError):
                gaps = self.gaps(first)
                windows.append(
                    Window(
                        tuple(one.backup_id for one in backups),
                        first.end_lsn or "",
                        first.end_time,
                        self.end(first).point,
                        gaps[0] if gaps else None,
                    )
                )
        return windows


def begin_segment(backup: Backup) -> wal.Segment:
    return wal.parse_segment(backup.begin_wal or "")


def end_segment(backup: Backup) -> wal.Segment:
    return wal.parse_segment(backup.end_wal or "")


def end_lsn(backup: Backup) -> int:
    return wal.parse_lsn(backup.end_lsn or "")


def _last(events: Sequence[Event], kinds: tuple[str, ...]) -> Event | None:
    return next((event for event in reversed(events) if event.kind in kinds), None)
