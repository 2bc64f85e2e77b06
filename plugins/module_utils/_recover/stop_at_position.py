# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a recovery to a position, to the end of the WAL, or to the first consistent point ends.

This module util is private to the collection. It reads the archive, and changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from .._barman.catalog import Backup
from .._postgres import wal
from .._postgres.wal_reader import Carry, Scan
from .recoverable_wal import begin_segment, end_lsn, end_segment
from .recovery_plan import PlanError, RecoveryStop
from .target_search import TargetSearch, too_early, unreachable

# A record that would begin where a page does begins after the page's header (xlog_internal.h, SizeOfXLogLongPHD).
_PAGE_HEADER = 40


def stop_at_end(search: TargetSearch) -> RecoveryStop:
    """The end of the archived WAL. Raises PlanError if the WAL after the newest backup has a gap."""
    backup = search.wal.backups[-1]
    last = search.wal.reached_segment(backup)
    gaps = search.wal.gaps(backup)
    end = search.wal.end(backup)
    if gaps:
        raise PlanError(
            "the WAL of server '{}' is not complete after backup {}: missing is {}. Nothing after it can be "
            "recovered; the last recoverable point is: {}. Recover to a time or an LSN until there".format(
                search.server, backup.backup_id, ", ".join(str(gap) for gap in gaps), end.point
            )
        )
    return RecoveryStop(backup, end=end.point, reached=end.point, stop_lsn=end.last_change, last=last)


def stop_at_consistency(search: TargetSearch) -> RecoveryStop:
    """The first consistent point: the end of the newest backup."""
    backup = search.wal.backups[-1]
    segment, lsn = end_segment(backup), end_lsn(backup)
    end = search.wal.end(backup).point
    if end.lsn is None or end.lsn < lsn:
        raise PlanError(
            f"backup {backup.backup_id} of server '{search.server}' is not usable yet: its WAL ends at "
            f"{backup.end_lsn} and the archive at {None if end.lsn is None else wal.format_lsn(end.lsn)}"
        )
    return RecoveryStop(
        backup, end=end, reached=search.wal.reached_point(backup, lsn, lsn, segment), stop_lsn=None, last=segment
    )


def stop_at_lsn(search: TargetSearch) -> RecoveryStop:
    """The first record that begins at the target's position or later."""
    lsn = search.target.lsn or 0
    fitting = [one for one in search.wal.backups if end_lsn(one) <= lsn]
    if not fitting:
        raise too_early(search)
    backup = fitting[-1]
    first = lsn // search.segment_size
    carry: Carry | None = None
    for segment in search.wal.segments(begin_segment(backup), backup):
        if segment.number(search.segment_size) < first:
            continue
        scanned = search.wal.scanner.scan(segment, carry)
        if scanned is None:
            break
        if scanned.last_record is not None and scanned.last_record >= lsn:
            # The first record that begins there or later stops the recovery, and is replayed unless the target is exclusive.
            before = _after_commit_at(scanned, lsn) if search.target.inclusive else lsn
            reached = search.wal.reached_point(backup, before, lsn, segment)
            stop, warnings = _before_a_shutdown(search, backup, scanned, lsn)
            return RecoveryStop(
                backup,
                end=search.wal.end(backup).point,
                reached=reached,
                stop_lsn=stop,
                last=segment,
                target=replace(search.target, lsn=stop),
                warnings=warnings,
            )
        carry = scanned.carry
        if carry is None:
            break
    raise unreachable(search, backup, "no record of the archived WAL begins there or later")


def _after_commit_at(scanned: Scan, lsn: int) -> int:
    """A position after the commit at the target's position, or after one that follows it at once: then no other record may lie between."""
    following = next((event for event in scanned.events if event.lsn >= lsn), None)
    if following is None or following.lsn - lsn > _PAGE_HEADER:
        return lsn
    return following.lsn + 1


def _before_a_shutdown(search: TargetSearch, backup: Backup, scanned: Scan, lsn: int) -> tuple[int, tuple[str, ...]]:
    """The position, or that of the record before if recovery would stop after a server's clean stop; and a warning.

    A server that was verified there starts after that record, never reaches it again, and so goes too far or fails.
    """
    shutdown = next((one for one in scanned.shutdowns if one.previous < lsn <= one.lsn), None)
    if shutdown is None or not search.target.inclusive:
        return lsn, ()
    change = shutdown.change
    for segment in reversed(search.wal.segments(begin_segment(backup), backup)):
        if change is not None:
            break
        if segment.begin_lsn(search.segment_size) < scanned.begin_lsn:
            earlier = search.wal.scanner.scan(segment)
            change = earlier.last_change if earlier is not None else None
    if change is None:
        return lsn, ()
    warning = (
        f"target_lsn: the record at {wal.format_lsn(shutdown.lsn)} is the checkpoint of a clean stop. The recovery "
        "stops before it, after the record "
        f"at {wal.format_lsn(change)}: the data is the same"
    )
    return change, (warning,)
