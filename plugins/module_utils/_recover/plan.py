# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan a recovery, and prove from the archive that its target can be reached.

This module util is private to the collection. It changes nothing. Its only input beside the arguments is the archive's
segments, which the given object reads.

Barman restores to impossible targets with success, and PostgreSQL then refuses to start. So the plan first finds the record that PostgreSQL needs.
For a time, that is a transaction that ended after it. For an LSN, it is a record that begins there or later. For a transaction or a restore point, it
is its own record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from .._barman.catalog import Backup
from .._postgres import timeline_history, wal
from .._postgres.timelines import Conflict, ServerTimeline
from .backup_candidates import AUTO, BackupCandidates, backups_in_history, candidate_backups
from .recoverable_wal import RecoverableWal, begin_segment
from .recovery_plan import PlanError, RecoveryPlan, RecoveryStop
from .recovery_target import END, IMMEDIATE, RecoveryTarget, TargetKind
from .segment_scanner import ArchivedWal, ReportProgress, SegmentScanner, no_progress
from .stop_at_position import stop_at_consistency, stop_at_end, stop_at_lsn
from .stop_at_record import stop_at_record
from .stop_at_time import stop_at_time
from .target_search import TargetSearch
from .timeline_choice import TimelineChoice, choose_timeline, conflict_error
from .windows import as_text

_FIND_STOP: Mapping[TargetKind, Callable[[TargetSearch], RecoveryStop]] = {
    "end": stop_at_end,
    "immediate": stop_at_consistency,
    "lsn": stop_at_lsn,
    "time": stop_at_time,
    "xid": stop_at_record,
    "name": stop_at_record,
}


def _not_known() -> ServerTimeline | None:
    return None


@dataclass(frozen=True)
class PlanRequest:
    """What to plan.

    of_snapshots: disks made from snapshots are there, so a backup of snapshots is chosen; else one of files, if there is any.
    server_timeline: finds out on which timeline the server is. now: a later target time can't be reached. report: called while the WAL is searched.
    """

    server: str
    target: RecoveryTarget
    backup_id: str = AUTO
    of_snapshots: bool = False
    now: datetime | None = None
    server_timeline: Callable[[], ServerTimeline | None] = field(default=_not_known)
    report: ReportProgress = field(default=no_progress)


def make_plan(request: PlanRequest, backups: Sequence[Backup], archive: ArchivedWal) -> RecoveryPlan:
    """The plan: a backup, and the proof that the target is reached. Raises PlanError."""
    candidates = candidate_backups(request.server, backups, request.backup_id, of_snapshots=request.of_snapshots)
    newest = candidates.newest
    scanner = SegmentScanner(request.server, archive, newest.segment_size, newest.systemid)
    choice = choose_timeline(request.target, candidates, scanner, request.server_timeline())
    try:
        history = _history(request.server, candidates, choice.timeline, archive)
        fitting = backups_in_history(request.server, candidates, history)
    except PlanError as exc:
        raise _with_conflict(scanner, choice, exc) from None
    recoverable = RecoverableWal(scanner, history, fitting)
    search = TargetSearch(
        target=request.target,
        wal=recoverable,
        report=request.report,
        backup_requested=candidates.requested,
        ambiguous=choice.conflict is not None,
        now=request.now,
    )
    stop = _find_stop(search, choice)
    if choice.conflict is not None and not _is_before_the_conflict(search, stop, choice.conflict):
        raise conflict_error(scanner, choice.conflict)
    return _plan(search, choice, stop, (*candidates.warnings, *choice.warnings))


def _history(
    server: str, candidates: BackupCandidates, timeline: int, archive: ArchivedWal
) -> list[timeline_history.TimelineSegment]:
    begins = {one.timeline or 1 for one in candidates.backups}
    start = timeline if timeline in begins else max(begins)
    try:
        return timeline_history.history_from(start, timeline, archive.histories)
    except wal.WalError as exc:
        raise PlanError(f"server '{server}': {exc}") from None


def _with_conflict(scanner: SegmentScanner, choice: TimelineChoice, exc: PlanError) -> PlanError:
    """The error, or that of the conflict if the user has to choose a timeline first."""
    if choice.conflict is None:
        return exc
    return conflict_error(scanner, choice.conflict, f"On timeline {choice.timeline}: {exc}")


def _find_stop(search: TargetSearch, choice: TimelineChoice) -> RecoveryStop:
    try:
        return _FIND_STOP[search.target.kind](search)
    except PlanError as exc:
        if choice.conflict is not None:
            raise _with_conflict(search.wal.scanner, choice, exc) from None
        windows = search.wal.windows()
        text = f". {as_text(windows)}" if len(windows) > 1 else ""
        raise PlanError(f"{exc}{text}", {"windows": [one.as_dict() for one in windows]}) from None


def _is_before_the_conflict(search: TargetSearch, stop: RecoveryStop, conflict: Conflict) -> bool:
    """Whether the recovery ends where all branches are the same, and uses the same backup on all of them."""
    if search.target.kind == END or (search.target.kind == IMMEDIATE and not search.backup_requested):
        # Which backup is the newest depends on the branch.
        return False
    lsn = stop.reached.lsn if stop.stop_lsn is None else stop.stop_lsn
    return lsn is not None and lsn < conflict.divergence


def _plan(search: TargetSearch, choice: TimelineChoice, stop: RecoveryStop, warnings: tuple[str, ...]) -> RecoveryPlan:
    archive = search.wal.scanner.archive
    return RecoveryPlan(
        server=search.server,
        backup=stop.backup,
        target=stop.target or search.target,
        timeline=choice.timeline,
        history=search.wal.history,
        first=begin_segment(stop.backup),
        last=stop.last,
        end=stop.end,
        reached=stop.reached,
        stop_lsn=stop.stop_lsn,
        segment_size=search.segment_size,
        partial=stop.last if stop.last in archive.partials else None,
        warnings=(*warnings, *stop.warnings, *choice.left_behind),
        has_history=choice.timeline == 1 or choice.timeline in archive.histories,
        restore_points=stop.restore_points,
        left_behind=choice.left_behind,
    )
