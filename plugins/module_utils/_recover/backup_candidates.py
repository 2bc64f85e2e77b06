# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backups of which a recovery chooses one.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .._barman.catalog import Backup, CatalogError, chain, find
from .._postgres import timeline_history, wal
from .recovery_plan import PlanError

AUTO = "auto"


@dataclass(frozen=True)
class BackupCandidates:
    """The backups to choose from, oldest first. requested: it is the one that the user gave."""

    backups: tuple[Backup, ...]
    requested: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def newest(self) -> Backup:
        return self.backups[-1]


def candidate_backups(
    server: str, backups: Sequence[Backup], backup_id: str, *, of_snapshots: bool
) -> BackupCandidates:
    """The requested backup, or every complete one. Raises PlanError if there is none.

    of_snapshots: choose among backups of snapshots; else among those of files, if there is any.
    """
    if backup_id != AUTO:
        return BackupCandidates((_requested_backup(server, backups, backup_id),), requested=True)
    complete: list[Backup] = []
    warnings: list[str] = []
    for one in sorted((one for one in backups if one.copied), key=lambda one: one.backup_id):
        try:
            chain(backups, one)
        except CatalogError as exc:
            warnings.append(f"server '{server}': {exc}; it is left out")
            continue
        complete.append(one)
    # If none is of that kind, the check of the plan's backup reports what it is.
    of_kind = [one for one in complete if (one.backup_type == "snapshot") == of_snapshots] or complete
    if not of_kind:
        raise PlanError(f"server '{server}' has no valid backup that could be recovered")
    return BackupCandidates(tuple(of_kind), warnings=tuple(warnings))


def _requested_backup(server: str, backups: Sequence[Backup], backup_id: str) -> Backup:
    try:
        requested = find(backups, backup_id, server)
    except CatalogError as exc:
        raise PlanError(str(exc)) from None
    if not requested.copied:
        raise PlanError(
            f"backup {requested.backup_id} of server '{server}' can't be recovered: its status is {requested.status}"
        )
    try:
        chain(backups, requested)
    except CatalogError as exc:
        raise PlanError(f"server '{server}': {exc}") from None
    return requested


def backups_in_history(
    server: str, candidates: BackupCandidates, history: Sequence[timeline_history.TimelineSegment]
) -> list[Backup]:
    """The candidates that ended before their timeline's switch point. Raises PlanError if there is none."""
    fitting: list[Backup] = []
    for one in candidates.backups:
        part = next((part for part in history if part.timeline == one.timeline), None)
        if part is None or not (one.begin_wal and one.end_wal and one.end_lsn):
            continue
        if part.end is None or wal.parse_lsn(one.end_lsn) <= part.end:
            fitting.append(one)
    if fitting:
        return fitting
    timeline = history[-1].timeline
    if candidates.requested:
        one = candidates.newest
        raise PlanError(
            f"backup {one.backup_id} is on timeline {one.timeline} at {one.end_lsn}, and that is not in the history "
            f"of timeline {timeline}: choose another backup "
            "or another target_timeline"
        )
    raise PlanError(
        "no backup of server '{}' is in the history of timeline {}; choose another target_timeline (backups are on: "
        "{})".format(server, timeline, ", ".join(sorted({str(one.timeline) for one in candidates.backups})))
    )
