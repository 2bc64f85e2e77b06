# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Points in the WAL, and the windows of points that can be recovered.

This module util is private to the collection. Nothing here reads or writes files.

WAL that is missing ends what can be recovered from the backups before it. A later backup begins another window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .._postgres import timeline_history, wal
from .recovery_target import format_time


@dataclass(frozen=True)
class Point:
    """A point in the WAL: a position, and the last transaction committed until there."""

    lsn: int | None = None
    time: datetime | None = None
    xid: int | None = None
    segment: wal.Segment | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "lsn": None if self.lsn is None else wal.format_lsn(self.lsn),
            "time": format_time(self.time),
            "xid": self.xid,
            "segment": None if self.segment is None else str(self.segment),
        }

    def __str__(self) -> str:
        parts = []
        if self.time is not None:
            parts.append(f"last commit {format_time(self.time)} (transaction {self.xid})")
        else:
            parts.append("no commit")
        if self.lsn is not None:
            parts.append(f"WAL position {wal.format_lsn(self.lsn)}")
        if self.segment is not None:
            parts.append(f"segment {self.segment}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Window:
    """Points that can be recovered: from the end of a backup to the end of the WAL, or to the WAL that is missing.

    backups: those that it can be recovered from, oldest first. missing: what ends it; None for the end of the WAL.
    """

    backups: tuple[str, ...]
    begin_lsn: str
    begin_time: datetime | None
    end: Point
    missing: timeline_history.WalGap | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "backups": list(self.backups),
            "begin": {"time": format_time(self.begin_time), "lsn": self.begin_lsn},
            "end": self.end.as_dict(),
            "missing": None if self.missing is None else str(self.missing),
        }

    def __str__(self) -> str:
        return f"from {format_time(self.begin_time)} (WAL position {self.begin_lsn}, the end of backup {self.backups[0]}) to: {self.end}"


def as_text(windows: Sequence[Window]) -> str:
    """What can be recovered, as a sentence without its full stop."""
    return "What can be recovered: %s" % ("; ".join(map(str, windows)) or "nothing")
