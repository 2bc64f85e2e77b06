# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a recovery returns.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._postgres import wal
from .destination_problems import RestoreSizes
from .destination_state import DestinationState
from .placement import Placement
from .recovery_plan import RecoveryPlan
from .recovery_target import format_time
from .request import RecoveryRequest

_CHANGE_KEYS = (("file", "filename"), ("line", "line"), ("setting", "key"), ("value", "value"))


@dataclass(frozen=True)
class RecoveryOutcome:
    """What a recovery did, or would do. recovery: what the module returns. destination: what was there before."""

    changed: bool
    recovery: dict[str, Any]
    moved_aside: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    destination: dict[str, Any] = field(default_factory=dict)


def recovery_facts(
    request: RecoveryRequest,
    plan: RecoveryPlan,
    sizes: RestoreSizes,
    tablespaces: Mapping[str, str],
    *,
    passive: bool,
) -> dict[str, Any]:
    """The facts that are known before the restore. tablespaces: name to new location. passive: the server is passive on this backup server."""
    backup = plan.backup
    return {
        "server": request.server,
        "backup_id": backup.backup_id,
        "backup_name": backup.name,
        "backup_end_time": format_time(backup.end_time),
        "system_identifier": backup.systemid,
        "postgres_version": backup.major_version,
        "destination": request.destination.directory,
        "host": request.destination.host,
        "target": request.target.as_dict(),
        "target_action": request.target_action,
        "timeline": plan.timeline,
        "timelines": [part.timeline for part in plan.history if part.timeline >= (backup.timeline or 1)],
        "begin_wal": str(plan.first),
        "end_wal": str(plan.last),
        "segments": len(plan.segments),
        "stop_lsn": None if plan.stop_lsn is None else wal.format_lsn(plan.stop_lsn),
        "reached": plan.reached.as_dict(),
        "last_recoverable": plan.end.as_dict(),
        "restore_points": [
            {"time": format_time(one.time), "lsn": wal.format_lsn(one.lsn), "taken": one.lsn == plan.stop_lsn}
            for one in plan.restore_points
        ],
        "snapshots": None if backup.snapshots is None else backup.snapshots.as_dict(),
        "passive": passive,
        "left_behind": list(plan.left_behind),
        "standby": request.standby,
        "partial_segment": None if plan.partial is None else {"name": str(plan.partial)},
        "tablespaces": dict(tablespaces),
        "tablespace_origins": {one.name: one.location for one in backup.tablespaces},
        "bytes": sizes.backup + sizes.wal,
        "backup_bytes": sizes.backup,
        "wal_bytes": sizes.wal,
        "staging_bytes": sizes.staged,
    }


def destination_facts(state: DestinationState, placement: Placement) -> dict[str, Any]:
    """What was at the destination, before anything was done."""
    directory = state.directory
    return {
        "running": state.running is not None,
        "process": state.running,
        "occupied": directory.occupied,
        "movable": directory.movable and not directory.link and not directory.mount,
        "missing": [one.path for one in placement.missing],
    }


def setting_changes(changes: Any) -> list[dict[str, Any]]:
    """The settings that Barman changed in the configuration files; it reports [file, line, key, value] each, or a dictionary."""
    if not isinstance(changes, list):
        return []
    keys = ("file", "line", "setting", "value")
    return [
        dict(zip(keys, one)) if isinstance(one, (list, tuple)) else {key: one.get(old) for key, old in _CHANGE_KEYS}
        for one in changes
        if isinstance(one, (list, tuple, dict))
    ]


def moved_text(moved: Sequence[Mapping[str, str]]) -> str:
    """For an error: where the old content is."""
    if not moved:
        return ""
    return f". What was there before is safe in: {', '.join(pair['to'] for pair in moved)}"
