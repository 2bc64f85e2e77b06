# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The times to which a server can be recovered, from the names of its WAL segments alone.

This module util is private to the collection. Nothing here reads files. WAL is not read, so the end of a window is the time at which
its last WAL was written on this host; the last commit is that old or older.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from .._barman.archive import Archive
from .._barman.catalog import Backup
from .._check.gaps import history_after
from .._postgres import wal
from .._postgres.timeline_history import TimelineSegment, WalGap, numbers_of, runs

#: The numbers of the segments that are there without a gap, first and last, in order.
Ranges = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class RecoveryWindow:
    """Any time between begin and end can be recovered.

    backups: those that it can be recovered from, oldest first. begin: the end of the first one. end: seconds since the epoch, None
    if it is not known. missing: the WAL that ends it; None for the end of the WAL. partial: whether the last segment is still received.
    """

    backups: tuple[str, ...]
    begin: datetime | None
    begin_lsn: str | None
    last_wal: wal.Segment
    end: float | None
    missing: WalGap | None = None
    partial: bool = False


def recovery_windows(
    backups: Sequence[Backup],
    archive: Archive,
    ranges: Mapping[int, Ranges],
    written: Callable[[str], float | None],
    present: int | None = None,
) -> list[RecoveryWindow]:
    """The windows of the valid backups, oldest first; windows that end at the same segment are one.

    ranges: those of the archive. written: when a file was last written, None if it is gone. present: the server's timeline, if it is known. Raises HostError.
    """
    found: dict[wal.Segment, RecoveryWindow] = {}
    for backup in sorted(backups, key=lambda one: one.backup_id):
        if not (backup.done and backup.begin_wal and backup.end_wal):
            continue
        begin, end = wal.parse_segment(backup.begin_wal), wal.parse_segment(backup.end_wal)
        reached, missing = reach(ranges, begin, history_after(begin, archive, present), backup.segment_size)
        if reached is None or reached.number(backup.segment_size) < end.number(backup.segment_size):
            continue
        known = found.get(reached)
        if known is None:
            last, partial = _last_file(archive, reached, missing, backup.segment_size)
            found[reached] = RecoveryWindow(
                (backup.backup_id,), backup.end_time, backup.end_lsn, reached, written(last), missing, partial
            )
        else:
            found[reached] = replace(known, backups=(*known.backups, backup.backup_id))
    return list(found.values())


def contiguous(archive: Archive) -> dict[int, Ranges]:
    """The ranges of complete segments of each timeline."""
    numbers = numbers_of(archive.segments, archive.segment_size)
    return {timeline: list(runs(sorted(found))) for timeline, found in numbers.items()}


def newest_segment(ranges: Mapping[int, Ranges], segment_size: int, timeline: int | None = None) -> wal.Segment | None:
    """The newest complete segment, of that timeline or of the newest one."""
    chosen = max(ranges, default=0) if timeline is None else timeline
    found = ranges.get(chosen)
    return wal.segment_of_number(chosen, found[-1][1], segment_size) if found else None


def reach(
    ranges: Mapping[int, Ranges],
    begin: wal.Segment,
    history: Sequence[TimelineSegment],
    segment_size: int = wal.DEFAULT_SEGMENT_SIZE,
) -> tuple[wal.Segment | None, WalGap | None]:
    """The newest segment that a recovery from begin reaches along a history, and the gap that stops it; None for the end of the WAL.

    The same as timeline_history.last_without_gap and the first of its gaps, in a time that does not grow with the WAL.
    """
    number = begin.number(segment_size)
    reached: wal.Segment | None = None
    for part in history:
        # A history proves that its WAL was written up to each switch point.
        final = None if part.end is None else part.end // segment_size - 1
        if part.timeline < begin.timeline or (final is not None and final < number):
            continue
        there = ranges.get(part.timeline, ())
        last = _end_of_range(there, number)
        if last is not None and final is not None:
            last = min(last, final)
        if last is not None:
            reached = wal.segment_of_number(part.timeline, last, segment_size)
            number = last + 1
        if last is None or last != final:
            following = _next_there(there, number, final)
            gap = None if following is None else _gap(part.timeline, number, following - 1, segment_size)
            return reached, gap
    return reached, None


def _end_of_range(ranges: Ranges, number: int) -> int | None:
    """The last number of the range that has this number; None if it is missing."""
    place = bisect.bisect_right(ranges, (number, float("inf"))) - 1
    return ranges[place][1] if place >= 0 and ranges[place][1] >= number else None


def _next_there(ranges: Ranges, number: int, final: int | None) -> int | None:
    """The number after a gap that begins here. final: the last one that was written on this timeline, None if it is not known."""
    place = bisect.bisect_left(ranges, (number, -1))
    following = ranges[place][0] if place < len(ranges) else None
    if final is None:
        return following
    return final + 1 if following is None else min(following, final + 1)


def _gap(timeline: int, first: int, last: int, segment_size: int) -> WalGap:
    return WalGap(
        wal.segment_of_number(timeline, first, segment_size),
        wal.segment_of_number(timeline, last, segment_size),
        last - first + 1,
    )


def _last_file(archive: Archive, reached: wal.Segment, missing: WalGap | None, segment_size: int) -> tuple[str, bool]:
    """The file that was written last in a window, and whether it is the segment that is still received."""
    following = archive.partials.get(reached.next(segment_size))
    if missing is None and following is not None:
        return following, True
    return archive.segments[reached], False
