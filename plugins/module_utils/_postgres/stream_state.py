# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why PostgreSQL does not stream from a position: by positions, timelines and SQLSTATE, because messages are translated.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from .timeline_history import TimelineSegment

RefusalKind = Literal["other_timeline", "ahead", "wal_removed"]

#: undefined_file: PostgreSQL searched for the segment in pg_wal (walsender.c, WalSndSegmentOpen).
WAL_REMOVED = "58P01"


def refusal_kind(
    start: int, timeline: int, server_lsn: int, history: Sequence[TimelineSegment], sqlstate: str | None
) -> RefusalKind | None:
    """Why a server that refused does not stream from this start on this timeline; None if the state does not explain it.

    server_lsn: the end of its WAL. history: the timeline segments that lead to its timeline, its own included. All
    positions are bytes.
    """
    segments = [segment for segment in history if segment.timeline == timeline]
    if not segments:
        return "other_timeline"
    end = segments[0].end
    if end is not None and start >= end:
        return "other_timeline"
    if start > server_lsn:
        return "ahead"
    return "wal_removed" if sqlstate == WAL_REMOVED else None
