# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times, durations and sizes as a report shows them.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))
_SIZES = ("bytes", "kB", "MB", "GB", "TB", "PB")


@dataclass(frozen=True)
class Moment:
    """iso: for the attribute datetime. text: in UTC. age: in words."""

    iso: str
    text: str
    age: str


def moment(value: Any, now: datetime) -> Moment | None:
    """A time in ISO 8601; None if there is none, or if it can't be read."""
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    if time.tzinfo is None:
        return None
    try:
        utc = time.astimezone(UTC)
    except OverflowError:  # It is before the year 1 or after 9999 in UTC.
        return None
    return Moment(
        utc.isoformat(timespec="seconds"), utc.strftime("%Y-%m-%d %H:%M:%S UTC"), age((now - utc).total_seconds())
    )


def age(seconds: float) -> str:
    if seconds < -60:
        return f"in {duration(-seconds)}"
    return f"{duration(max(0, round(seconds)))} ago"


def duration(seconds: float) -> str:
    """In the largest unit of which there are two or more."""
    for name, size in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}s"
    return f"{seconds:.0f} seconds" if seconds >= 10 or seconds == int(seconds) else f"{seconds:.1f} seconds"


def bytes_text(count: float) -> str:
    unit = 0
    while count >= 1000 and unit < len(_SIZES) - 1:
        count /= 1000
        unit += 1
    return f"{count:.0f} {_SIZES[unit]}" if unit == 0 or count >= 100 else f"{count:.1f} {_SIZES[unit]}"
