# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a recovery: its backup, its timeline history, the WAL that it reads, and where it ends.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._barman.catalog import Backup
from .._host.process import HostError
from .._postgres import timeline_history, wal
from .._postgres.wal_records import Event
from .recovery_target import CURRENT, END, RecoveryTarget
from .windows import Point


class PlanError(HostError):
    """The recovery is not possible as requested; the text has the reason and a remedy. details: the same as data."""

    def __init__(self, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = dict(details or {})


@dataclass(frozen=True)
class RecoveryStop:
    """Where a recovery to a target ends.

    end: where the WAL ends that can be recovered. reached: the position of the record that stops the recovery, and the last commit before it.
    stop_lsn: where that record begins; for the end of the WAL, the last record that is no checkpoint. last: the WAL segment in which that record
    is complete, PostgreSQL reads no further. target: the one for PostgreSQL if it differs from the requested one.
    restore_points: all of the target's name, in order; one begins at stop_lsn.
    """

    backup: Backup
    end: Point
    reached: Point
    stop_lsn: int | None
    last: wal.Segment
    target: RecoveryTarget | None = None
    restore_points: tuple[Event, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecoveryPlan:
    """A recovery that was proven to be possible.

    history: the timeline segments from the backup's timeline to the target's. has_history: whether the target's timeline has a history file, or
    needs none. first, last: the WAL segments that the recovery reads. end, reached, stop_lsn, restore_points: as in RecoveryStop.
    left_behind: sentences about commits of the server that are on another timeline than the recovery.
    """

    server: str
    backup: Backup
    target: RecoveryTarget
    timeline: int
    history: tuple[timeline_history.TimelineSegment, ...]
    first: wal.Segment
    last: wal.Segment
    end: Point
    reached: Point
    stop_lsn: int | None
    segment_size: int
    partial: wal.Segment | None = None
    warnings: tuple[str, ...] = ()
    has_history: bool = True
    restore_points: tuple[Event, ...] = ()
    left_behind: tuple[str, ...] = ()

    @property
    def target_timeline(self) -> str:
        """The value of recovery_target_timeline.

        PostgreSQL refuses a number without its history file, even if it is the backup's own timeline (validateRecoveryParameters in xlogrecovery.c).
        """
        return str(self.timeline) if self.has_history else CURRENT

    @property
    def segments(self) -> list[wal.Segment]:
        """The WAL segments that the recovery reads, in order."""
        return list(timeline_history.needed(self.first, self.last, self.history, self.segment_size))

    @property
    def identity(self) -> str:
        """A digest that is the same for two plans that lead to the same recovered server."""
        facts: dict[str, Any] = {
            "server": self.server,
            "systemid": self.backup.systemid,
            "backup": self.backup.backup_id,
            "target": self.target.as_dict(),
            "timeline": self.timeline,
        }
        if self.target.kind == END:
            facts["end"] = self.end.as_dict()
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
