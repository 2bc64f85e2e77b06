# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stored units a verification reads, so that everything is read within a number of days.

This module util is private to the collection. Nothing here reads or writes files.

Each unit has a deadline: when it was last read, plus the days. A run reads what has the earliest deadlines. Its budget is the lowest steady
rate that meets every deadline, times the interval between runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .state import ReadState, StoredUnit

DAY = 86400.0
# A run can start later than the one before it, and takes some time.
_TOLERANCE = 0.25
_MEASURED = 3


@dataclass(frozen=True)
class ReadPlan:
    """units: in the order in which they are read. budget, total: bytes. unread_since: that of the unit that stays unread the longest; None for nothing."""

    units: tuple[StoredUnit, ...]
    budget: int
    total: int
    unread_since: float | None

    @property
    def bytes(self) -> int:
        return sum(unit.bytes for unit in self.units)


def interval_of(runs: Sequence[float], now: float) -> float:
    """The seconds between runs: the median of the last ones, so that one run at a prompt changes nothing. At first at least a day."""
    moments = [*(one for one in runs if one < now), now]
    gaps = sorted([later - earlier for earlier, later in zip(moments, moments[1:])][-_MEASURED:])
    if len(gaps) < _MEASURED:
        return max([DAY, *gaps])
    return gaps[_MEASURED // 2]


def plan_reads(
    units: Sequence[StoredUnit], state: ReadState, now: float, days: float, *, everything: bool = False
) -> ReadPlan:
    """The plan of a run that starts now."""
    total = sum(unit.bytes for unit in units)
    unread = {unit: _unread_since(unit, state, now) for unit in units}
    ordered = sorted(units, key=lambda unit: (unread[unit], unit.kind, unit.name))
    if everything:
        return ReadPlan(tuple(ordered), total, total, now if ordered else None)
    interval = interval_of(state.runs, now)
    horizon = now + interval * (1 + _TOLERANCE)
    deadlines = [unread[unit] + days * DAY for unit in ordered]
    budget, chosen = _budget(ordered, deadlines, now, interval), 0
    used = 0
    for unit, deadline in zip(ordered, deadlines):
        if chosen and deadline > horizon and used + unit.bytes > budget:
            break
        used += unit.bytes
        chosen += 1
    left = ordered[chosen:]
    oldest = min((unread[unit] for unit in left), default=now if ordered else None)
    return ReadPlan(tuple(ordered[:chosen]), budget, total, oldest)


def without(plan: ReadPlan, unread: Iterable[StoredUnit], state: ReadState, now: float) -> ReadPlan:
    """The plan after a run that could not read these units of it. state: before the run."""
    moments = [_unread_since(unit, state, now) for unit in unread]
    known = [] if plan.unread_since is None else [plan.unread_since]
    return replace(plan, unread_since=min([*known, *moments], default=None))


def _unread_since(unit: StoredUnit, state: ReadState, now: float) -> float:
    """A time in the future, of a file or of an earlier run with a wrong clock, proves nothing."""
    found = state.unread_since(unit)
    return found if found <= now else min(state.since, now)


def _budget(units: Sequence[StoredUnit], deadlines: Sequence[float], now: float, interval: float) -> int:
    """The bytes of a run. units: by their deadlines."""
    rate, sooner = 0.0, 0
    for unit, deadline in zip(units, deadlines):
        sooner += unit.bytes
        rate = max(rate, sooner / max(deadline - now - interval * _TOLERANCE, interval))
    return math.ceil(rate * interval)
