# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the disk space lasts, from samples of the free space.

This module util is private to the collection. Nothing here reads files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: A time in seconds since the epoch, and the free bytes then.
Sample = tuple[float, int]

INTERVAL = 3600.0
KEPT = 7 * 86400.0
#: Before that, a single backup would be taken for growth.
SHORTEST = 6 * 3600.0


def with_sample(samples: Sequence[Sample], now: float, free: int) -> list[Sample]:
    """The samples of the last week, with one of now if the last one is an hour old."""
    kept = [one for one in samples if 0 <= now - one[0] <= KEPT]
    if not kept or now - kept[-1][0] >= INTERVAL:
        kept.append((now, free))
    return kept


def seconds_left(samples: Sequence[Sample], now: float, free: int) -> float:
    """The seconds until the space is used up at the mean growth of the samples; infinite if it does not grow, or is not known."""
    points = [*(one for one in samples if one[0] < now), (now, free)]
    if now - points[0][0] < SHORTEST:
        return float("inf")
    count = len(points)
    mean_time = sum(moment for moment, _free in points) / count
    mean_free = sum(there for _moment, there in points) / count
    spread = sum((moment - mean_time) ** 2 for moment, _free in points)
    slope = sum((moment - mean_time) * (there - mean_free) for moment, there in points) / spread
    return free / -slope if slope < 0 else float("inf")


def parse_samples(value: Any) -> dict[str, list[Sample]]:
    """The samples by mount point, from the JSON that was written; what is none is left out."""
    if not isinstance(value, Mapping):
        return {}
    found: dict[str, list[Sample]] = {}
    for mount, samples in value.items():
        try:
            found[str(mount)] = [(float(moment), int(free)) for moment, free in samples]
        except (TypeError, ValueError):
            continue
    return found
