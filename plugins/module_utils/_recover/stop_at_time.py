# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a recovery to a time ends: at the first transaction that ended after it.

This module util is private to the collection. It reads the archive, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._barman.catalog import Backup
from .._postgres import wal
from .._postgres.wal_records import Event
from .recoverable_wal import end_lsn, end_segment
from .recovery_plan import PlanError, RecoveryStop
from .recovery_target import format_time
from .segment_scanner import find_on_branch
from .target_search import TRANSACTION_ENDS, TargetSearch, is_past, too_early, unreachable

# How many segments with transactions are read, from the end backwards, before a time is called unreachable.
# Times in the WAL are in order, unless a clock was set back.
_TIMED_SEGMENTS = 3


def stop_at_time(search: TargetSearch) -> RecoveryStop:
    time = search.target.time
    if time is None:
        raise PlanError("target_time: it is missing")
    fitting = [one for one in search.wal.backups if one.end_time is not None and one.end_time <= time]
    while fitting and _is_past_within(search, fitting[-1]):
        # The clocks of the two hosts differ: PostgreSQL would stop before the backup is consistent.
        fitting.pop()
    if not fitting:
        raise too_early(search)
    backup = fitting[-1]
    search.wal.reached_segment(backup)
    if search.now is not None and time > search.now:
        raise unreachable(search, backup, "it is in the future")
    segment, event = _find_stop(search, backup)
    _refuse_another_branch(search, backup, segment, event)
    reached = search.wal.reached_point(backup, event.lsn, event.lsn, segment)
    return RecoveryStop(backup, end=search.wal.end(backup).point, reached=reached, stop_lsn=event.lsn, last=segment)


def _is_past_within(search: TargetSearch, backup: Backup) -> bool:
    """Whether a transaction ended after the time, but before the backup was consistent."""
    segment, archive = end_segment(backup), search.wal.scanner.archive
    if segment not in archive.segments and segment not in archive.partials:
        return False
    scanned = search.wal.scanner.scan(segment)
    limit = end_lsn(backup)
    return scanned is not None and any(is_past(search.target, event) for event in scanned.events if event.lsn < limit)


def _find_stop(search: TargetSearch, backup: Backup) -> tuple[wal.Segment, Event]:
    """The first transaction after the backup that ended after the time, and its segment."""
    segments = search.wal.segments(end_segment(backup), backup)
    timed = _TimedSegments(search, segments, end_lsn(backup))
    newest = timed.newest_past()
    if newest is None:
        raise unreachable(search, backup, "no transaction in the archived WAL ended after it")
    segment = segments[timed.first_past(newest)]
    event = timed.past(segment)
    if event is None:
        raise PlanError(f"WAL segment {segment} of server '{search.server}' changed while it was read")
    return segment, event


class _TimedSegments:
    """The segments of a search, each read once."""

    def __init__(self, search: TargetSearch, segments: Sequence[wal.Segment], start: int) -> None:
        self._search = search
        self._segments = segments
        self._start = start
        self._read: dict[wal.Segment, tuple[bool, Event | None]] = {}

    def past(self, segment: wal.Segment) -> Event | None:
        """The first transaction of the segment that ended after the time."""
        return self._times(segment)[1]

    def _times(self, segment: wal.Segment) -> tuple[bool, Event | None]:
        """Whether a transaction ends in the segment, and the first one that ended after the time."""
        if segment not in self._read:
            scanned = self._search.wal.scanner.scan(segment)
            events = scanned.events if scanned else []
            ends = [event for event in events if event.kind in TRANSACTION_ENDS and event.lsn >= self._start]
            past = next((event for event in ends if is_past(self._search.target, event)), None)
            self._read[segment] = bool(ends), past
        return self._read[segment]

    def newest_past(self) -> int | None:
        """The number of the newest segment with a transaction that ended after the time; from the end backwards."""
        timed = 0
        total = len(self._segments)
        for index in range(total - 1, -1, -1):
            self._search.report("searching the WAL for the target", total - 1 - index, total)
            has_ends, past = self._times(self._segments[index])
            if past is not None:
                return index
            timed += has_ends
            if timed >= _TIMED_SEGMENTS:
                return None
        return None

    def first_past(self, newest: int) -> int:
        """The number of the first segment with such a transaction, by halving. newest: of a segment that has one."""
        best, low, high = newest, 0, newest
        while low < high:
            middle = (low + high) // 2
            index = middle
            while index < high and not self._times(self._segments[index])[0]:
                index += 1
            if index == high:
                high = middle
            elif self.past(self._segments[index]) is not None:
                best, high = index, middle
            else:
                low = index + 1
        return best


def _refuse_another_branch(search: TargetSearch, backup: Backup, segment: wal.Segment, stop: Event) -> None:
    """Raises PlanError if another timeline has commits at the time and the chosen one has none: it would silently end at the switch point."""
    if isinstance(search.target.timeline, int):
        return
    start = end_lsn(backup)
    switches = [part.end for part in search.wal.history if part.end is not None and start < part.end <= stop.lsn]
    if not switches:
        return
    own = search.wal.last_event_before(backup, stop.lsn, segment, (*TRANSACTION_ENDS, "restore_point"))
    if own is not None and own.lsn >= switches[-1]:
        return
    before = search.wal.last_event_before(backup, stop.lsn, segment)
    for timeline, switch in search.other_branches:
        first = find_on_branch(search.wal.scanner, timeline, switch, lambda event: event.kind == "commit")
        if first is None or is_past(search.target, first) or (before is not None and first.time <= before.time):
            continue
        current, last = search.wal.timeline, "none" if before is None else format_time(before.time)
        raise PlanError(
            f"{search.target} of server '{search.server}' lies on timeline {timeline}, after the switch point at WAL position {wal.format_lsn(switch)} "
            f"(last commit before it: {last}; first one after it: {format_time(first.time)}). Timeline {current}, which '{search.target.timeline}' means here, "
            f"has nothing of its own until then. Its first transaction after the switch point at {wal.format_lsn(switches[-1])} ended at "
            f"{format_time(stop.time)}, and the recovery would end at that switch point. Write 'target_timeline: {timeline}' for what was on timeline "
            f"{timeline} at that time, or a target_time from {format_time(stop.time)} on for timeline {current} "
            f"('target_timeline: {current}' recovers to the switch point)"
        )
