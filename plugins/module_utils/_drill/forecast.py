# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a recovery would take now, from the drills that passed.

This module util is private to the collection. Nothing here reads or writes files.

Each phase is a line over the bytes that it works on: all bytes for the phases up to the restore, the WAL's for the replay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._barman.ledger import LedgerRecord
from .stopwatch import RECOVERY_PHASES

# Older ones were on other disks, and of another size.
_MOST_DRILLS = 20


@dataclass(frozen=True)
class RestoredBytes:
    """The bytes of a recovery."""

    backup: int
    wal: int

    def of_phase(self, phase: str) -> int:
        return self.wal if phase == "replay" else self.backup + self.wal


@dataclass(frozen=True)
class MeasuredDrill:
    """A drill that passed. phases: seconds."""

    bytes: RestoredBytes
    phases: Mapping[str, float]

    @property
    def seconds(self) -> float:
        return sum(self.phases.values())


def measured(records: Sequence[LedgerRecord]) -> list[MeasuredDrill]:
    """The last drills that passed and have what a forecast needs, the oldest first."""
    found: list[MeasuredDrill] = []
    for record in records:
        if record.kind != "drill" or not record.passed:
            continue
        try:
            size = RestoredBytes(int(record.details["backup_bytes"]), int(record.details["wal_bytes"]))
            seconds = record.details["phases"]
            phases = {phase: float(seconds.get(phase, 0.0)) for phase in RECOVERY_PHASES}
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        found.append(MeasuredDrill(size, phases))
    return found[-_MOST_DRILLS:]


def line(points: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """The seconds at 0 bytes, and those of each byte, by least squares; neither is negative. There must be a point."""
    if len({size for size, _seconds in points}) == 1:
        size, mean = points[0][0], sum(seconds for _size, seconds in points) / len(points)
        return (0.0, mean / size) if size > 0 else (mean, 0.0)
    middle = sum(size for size, _seconds in points) / len(points)
    mean = sum(seconds for _size, seconds in points) / len(points)
    spread = sum((size - middle) ** 2 for size, _seconds in points)
    slope = sum((size - middle) * (seconds - mean) for size, seconds in points) / spread
    if slope <= 0:
        return mean, 0.0
    start = mean - slope * middle
    if start >= 0:
        return start, slope
    return 0.0, sum(size * seconds for size, seconds in points) / sum(size * size for size, _seconds in points)


def predicted(drills: Sequence[MeasuredDrill], size: RestoredBytes) -> dict[str, float]:
    """The seconds of each phase for a recovery of that size. There must be a drill."""
    found: dict[str, float] = {}
    for phase in RECOVERY_PHASES:
        start, slope = line([(one.bytes.of_phase(phase), one.phases[phase]) for one in drills])
        found[phase] = round(start + slope * size.of_phase(phase), 2)
    return found


def forecast(drills: Sequence[MeasuredDrill], size: RestoredBytes) -> dict[str, Any] | None:
    """The RTO for that size; None without a drill.

    error_seconds: how far the forecast from the other drills is from each drill, at most; None for a single drill.
    """
    if not drills:
        return None
    phases = predicted(drills, size)
    errors = [
        abs(sum(predicted([*drills[:index], *drills[index + 1 :]], one.bytes).values()) - one.seconds)
        for index, one in enumerate(drills)
        if len(drills) > 1
    ]
    return {
        "seconds": round(sum(phases.values()), 2),
        "error_seconds": round(max(errors), 2) if errors else None,
        "phases": phases,
        "drills": len(drills),
        "backup_bytes": size.backup,
        "wal_bytes": size.wal,
    }
