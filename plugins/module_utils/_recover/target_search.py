# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A search for a recovery target in the archived WAL: what it reads, and why a target can't be reached.

This module util is private to the collection. It reads the archive, and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .._barman.catalog import Backup
from .._postgres import wal
from .._postgres.wal_records import Event
from .recoverable_wal import RecoverableWal
from .recovery_plan import PlanError
from .recovery_target import RecoveryTarget, format_time
from .segment_scanner import ReportProgress, find_on_branch, other_branches, scan_branch

#: The kinds of events that end a transaction.
TRANSACTION_ENDS = ("commit", "abort")


@dataclass(frozen=True)
class TargetSearch:
    """A search. backup_requested: the user gave the backup. ambiguous: several branches may be the server's. now: a later time can't be reached."""

    target: RecoveryTarget
    wal: RecoverableWal
    report: ReportProgress
    backup_requested: bool = False
    ambiguous: bool = False
    now: datetime | None = None

    @property
    def server(self) -> str:
        return self.wal.server

    @property
    def segment_size(self) -> int:
        return self.wal.scanner.segment_size

    @property
    def other_branches(self) -> list[tuple[int, int]]:
        return other_branches(self.wal.scanner, self.wal.history)


def is_past(target: RecoveryTarget, event: Event) -> bool:
    """Whether PostgreSQL stops at this record for a target time (recoveryStopsBefore and recoveryStopsAfter in xlogrecovery.c)."""
    if event.kind not in TRANSACTION_ENDS or target.time is None:
        return False
    return event.time > target.time or (event.time == target.time and not target.inclusive)


def is_target_record(target: RecoveryTarget, event: Event) -> bool:
    """Whether the record is the target's restore point, or ends its transaction."""
    if target.kind == "name":
        return event.kind == "restore_point" and event.name == target.name
    return event.kind in TRANSACTION_ENDS and event.xid == target.xid


def first_point(search: TargetSearch) -> str:
    oldest = search.wal.backups[0]
    return "{} (WAL position {}), the end of {} backup {}".format(
        format_time(oldest.end_time),
        oldest.end_lsn,
        "the chosen" if search.backup_requested else "the earliest",
        oldest.backup_id,
    )


def too_early(search: TargetSearch) -> PlanError:
    return PlanError(
        "{} of server '{}' can't be recovered: it is too early. The earliest possible point is {}{}".format(
            search.target,
            search.server,
            first_point(search),
            "; an earlier backup is needed: write auto as barman_recover_backup_id (option backup_id of the module)"
            if search.backup_requested
            else "",
        )
    )


def unreachable(search: TargetSearch, backup: Backup, reason: str) -> PlanError:
    # A later backup may make later points recoverable.
    last = (
        "The last recoverable point"
        if len(search.wal.windows()) <= 1
        else f"The last point from backup {backup.backup_id}"
    )
    text = f"{search.target} of server '{search.server}' can't be reached: {reason}. {last} is: {search.wal.end(backup).point}"
    gaps = search.wal.gaps(backup)
    if gaps:
        text += ". There is more WAL, but it can't be used, because these segments are missing: {}".format(
            ", ".join(str(gap) for gap in gaps)
        )
    return PlanError(text + _branch_with_target(search))


def _branch_with_target(search: TargetSearch) -> str:
    """For the error about a target that is not in the history: the timeline that has it."""
    own = {part.timeline for part in search.wal.history}
    for timeline, switch in search.other_branches:
        # Every branch has every time after its switch point: of those, only one that the server itself left is meant.
        if (search.target.kind != "time" or timeline in own) and _is_on_branch(search, timeline, switch):
            return (
                f". But it is on timeline {timeline}, after the switch point at WAL position "
                f"{wal.format_lsn(switch)}. To recover to that one, write "
                f"barman_recover_target_timeline={timeline} "
                "(option target_timeline of the module). The search was on timeline "
                f"{search.wal.timeline}"
            )
    return ""


def _is_on_branch(search: TargetSearch, timeline: int, switch: int) -> bool:
    """Whether another timeline has the target after its switch point."""
    scanner, lsn = search.wal.scanner, search.target.lsn
    if lsn is not None:
        return lsn >= switch and any(
            scanned.last_record is not None and scanned.last_record >= lsn
            for scanned in scan_branch(scanner, timeline, switch)
        )
    matches = is_past if search.target.kind == "time" else is_target_record
    return find_on_branch(scanner, timeline, switch, lambda event: matches(search.target, event)) is not None
