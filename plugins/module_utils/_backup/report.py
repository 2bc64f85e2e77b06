# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A base backup as the module returns it, and the error if there is none.

This module util is private to the collection.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from .._barman.catalog import Backup
from .._host.process import HostError


class BackupError(HostError):
    """There is no backup that can be recovered from; the text has the reason. backup: what there is of it."""

    def __init__(self, message: str, backup: Backup | None = None) -> None:
        super().__init__(message)
        self.backup = backup
        self.details = {"backup": None if backup is None else as_result(backup)}


def has_no_snapshots(backup: Backup) -> bool:
    """Whether it is of snapshots, and none is known. Barman waits for the provider to complete each before it goes on."""
    return backup.backup_type == "snapshot" and (backup.snapshots is None or not backup.snapshots.disks)


def as_result(backup: Backup) -> dict[str, Any]:
    """A backup as the module returns it."""
    throughput = None
    # What is in the catalog of snapshots is the backup's label.
    if backup.backup_type != "snapshot" and backup.size and backup.copy_seconds:
        throughput = int(backup.size / backup.copy_seconds)
    return {
        "id": backup.backup_id,
        "name": backup.name,
        "type": backup.backup_type,
        "status": backup.status,
        "parent": backup.parent_backup_id,
        "size": backup.size,
        "deduplicated_size": backup.deduplicated_size,
        "cluster_size": backup.cluster_size,
        "begin_time": _iso(backup.begin_time),
        "end_time": _iso(backup.end_time),
        "begin_wal": backup.begin_wal,
        "end_wal": backup.end_wal,
        "begin_lsn": backup.begin_lsn,
        "end_lsn": backup.end_lsn,
        "timeline": backup.timeline,
        "duration": backup.duration,
        "copy_duration": backup.copy_seconds,
        "throughput": throughput,
        "snapshots": None if backup.snapshots is None else backup.snapshots.as_dict(),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(timezone.utc).isoformat()
