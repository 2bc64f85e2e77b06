# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a recovery to a transaction or to a restore point ends: at its record, which is found by reading the WAL.

This module util is private to the collection. It reads the archive, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._barman.catalog import Backup
from .._postgres import wal
from .._postgres.wal_reader import Carry
from .._postgres.wal_records import Event
from .recoverable_wal import end_lsn, end_segment
from .recovery_plan import RecoveryStop
from .recovery_target import format_time
from .segment_scanner import find_on_branch
from .target_search import TargetSearch, first_point, is_target_record, unreachable
from .windows import Point

# How much is read in search of other restore points of the same name: 64 GiB.
_NAMED_SEGMENTS = 4096


def stop_at_record(search: TargetSearch) -> RecoveryStop:
    """The newest backup before the target's record.

    The WAL after the newest backup is read first, then that between the one before and it, and so on.
    """
    limit: int | None = None
    usable = [one for one in search.wal.backups if search.wal.is_usable(one)]
    if not usable:
        search.wal.reached_segment(search.wal.backups[-1])
    for backup in reversed(usable):
        found = _find_record(search, backup, limit)
        if found is not None:
            return _stop(search, usable, backup, *found)
        limit = end_lsn(backup)
    reason = f"its record is not in the archived WAL after {first_point(search)}"
    raise unreachable(search, usable[-1], reason)


def _stop(
    search: TargetSearch, usable: Sequence[Backup], backup: Backup, segment: wal.Segment, event: Event
) -> RecoveryStop:
    warnings = _same_on_other_branches(search, event)
    points: tuple[Event, ...] = ()
    if event.kind == "restore_point":
        points, several = _restore_points(search, usable, backup, event)
        warnings += several
    if event.kind == "commit" and search.target.inclusive:
        reached = Point(event.lsn, event.time, event.xid, segment)
    else:
        reached = search.wal.reached_point(backup, event.lsn, event.lsn, segment)
    return RecoveryStop(
        backup,
        end=search.wal.end(backup).point,
        reached=reached,
        stop_lsn=event.lsn,
        last=segment,
        restore_points=points,
        warnings=tuple(warnings),
    )


def _find_record(search: TargetSearch, backup: Backup, limit: int | None) -> tuple[wal.Segment, Event] | None:
    """The target's record after the backup, up to the segment of a position."""
    segments = search.wal.segments(end_segment(backup), backup)
    start = end_lsn(backup)
    carry: Carry | None = None
    for count, segment in enumerate(segments):
        if limit is not None and segment.begin_lsn(search.segment_size) > limit:
            return None
        search.report("searching the WAL for the target", count, len(segments))
        scanned = search.wal.scanner.scan(segment, carry)
        if scanned is None:
            return None
        for event in scanned.events:
            if event.lsn >= start and is_target_record(search.target, event):
                return segment, event
        carry = scanned.carry
        if carry is None:
            return None
    return None


def _restore_points(
    search: TargetSearch, usable: Sequence[Backup], backup: Backup, taken: Event
) -> tuple[tuple[Event, ...], list[str]]:
    """Every restore point of the name in the history, in order; and warnings about several of them."""
    found: dict[int, Event] = {}
    left = _NAMED_SEGMENTS
    reached: set[wal.Segment] = set()
    for one in usable:
        # Backups without a gap in between reach the same segment, and the first one has all of it.
        if search.wal.reached_segment(one) in reached:
            continue
        reached.add(search.wal.reached_segment(one))
        start = end_lsn(one)
        carry: Carry | None = None
        for segment in search.wal.segments(end_segment(one), one)[:left]:
            search.report("searching the WAL for restore points of that name", _NAMED_SEGMENTS - left, _NAMED_SEGMENTS)
            left -= 1
            scanned = search.wal.scanner.scan(segment, carry)
            if scanned is None:
                break
            matching = [event for event in scanned.events if is_target_record(search.target, event)]
            found.update({event.lsn: event for event in matching if event.lsn >= start})
            carry = scanned.carry
            if carry is None:
                break
    found[taken.lsn] = taken
    points = tuple(found[lsn] for lsn in sorted(found))
    warnings = [_several_points(search, backup, points, taken)] if len(points) > 1 else []
    if left <= 0:
        warnings.append(
            f"server '{search.server}': only {_NAMED_SEGMENTS} WAL segments were searched for other restore points "
            f"'{taken.name}'"
        )
    return points, warnings


def _several_points(search: TargetSearch, backup: Backup, points: Sequence[Event], taken: Event) -> str:
    listed = ", ".join(f"{format_time(one.time)} at WAL position {wal.format_lsn(one.lsn)}" for one in points)
    return (
        f"server '{search.server}' has {len(points)} restore points '{taken.name}': {listed}. The recovery stops at "
        f"that of {format_time(taken.time)}, WAL position {wal.format_lsn(taken.lsn)}, the first "
        f"one after backup {backup.backup_id}. For another "
        "one, recover to its position: barman_recover_target_lsn in the playbook, target_lsn in the module"
    )


def _same_on_other_branches(search: TargetSearch, taken: Event) -> list[str]:
    """Warnings: transaction ids go on in the same way on every branch, and a restore point's name can be given twice."""
    if isinstance(search.target.timeline, int) or search.ambiguous:
        return []
    warnings: list[str] = []
    for timeline, switch in search.other_branches:
        other = find_on_branch(
            search.wal.scanner, timeline, switch, lambda event: is_target_record(search.target, event)
        )
        if other is not None:
            warnings.append(
                f"{search.target} of server '{search.server}' is taken on timeline {search.wal.timeline}: "
                f"{format_time(taken.time)}, WAL position {wal.format_lsn(taken.lsn)}. Another one is on timeline "
                f"{timeline}: {format_time(other.time)}, "
                f"WAL position {wal.format_lsn(other.lsn)}. To recover to that "
                "one, give its position in place of this target, and the timeline: "
                f"barman_recover_target_lsn={wal.format_lsn(other.lsn)} "
                f"barman_recover_target_timeline={timeline} in the "
                "playbook, target_lsn and target_timeline in the module"
            )
    return warnings
