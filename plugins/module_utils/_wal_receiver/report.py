# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A receiver's state as the module returns it.

This module util is private to the collection.
"""

from __future__ import annotations

from typing import Any

from .._barman.catalog import read_backups
from .._postgres import wal
from .observe import ReceiverHost
from .plan import Observation, ReceiverPlan, continuity, receiver_position


def state_of(observed: Observation) -> dict[str, Any]:
    """What the diff shows."""
    return {
        "receiver": "started" if observed.works else "stopped",
        "slot": observed.slot.name if observed.slot is not None else None,
        "archive": "has WAL" if observed.archived.newest is not None else "empty",
    }


def planned_state(host: ReceiverHost, observed: Observation, plan: ReceiverPlan) -> dict[str, Any]:
    """What the diff shows for the time after the plan is applied."""
    state = state_of(observed)
    if plan.changes:
        state = {"receiver": "started", "slot": host.slot_name or None, "archive": "has WAL"}
    if plan.reset is not None:
        state["begins_at"] = str(plan.reset.start)
    return state


def values_of(
    host: ReceiverHost, observed: Observation, plan: ReceiverPlan, set_aside_directory: str | None = None
) -> dict[str, Any]:
    """What the module returns of a started receiver. set_aside_directory: the directory to which a reset moved files."""
    size = observed.position.segment_size
    slot = observed.slot
    values: dict[str, Any] = {
        "slot": slot.name if slot is not None else None,
        "restart_lsn": wal.format_lsn(slot.restart_lsn) if slot is not None and slot.restart_lsn else None,
        "wal_status": slot.wal_status if slot is not None else None,
        "receiver_pid": observed.pid,
        "timeline": None,
        "last_archived": str(observed.archived.newest) if observed.archived.newest is not None else None,
        "sync_state": None,
        "commits_wait": None,
        "reset": None,
        "backup_needed": False,
        "gap": [],
    }
    position = receiver_position(observed.archived.received, size)
    if position is not None:
        values["timeline"] = position.segment.timeline
    start = plan.reset.start if plan.reset is not None else position.segment if position is not None else None
    if start is not None:
        history = host.timeline_history(start.timeline, observed)
        complete, missing = continuity(observed.archived.segments, read_backups(host.server), history, start, size)
        values["backup_needed"] = not complete
        values["gap"] = [str(gap) for gap in missing]
    if plan.reset is not None:
        values["reset"] = {
            "reason": plan.reset.reason,
            "start": str(plan.reset.start),
            "set_aside": list(plan.reset.set_aside),
            "set_aside_directory": set_aside_directory,
        }
    return values
