# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The WAL position of a server, and closing a segment.

This module util is private to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass

from .connection import Session
from .timeline_history import TimelineSegment, parse_history
from .wal import Segment, parse_lsn, segment_of_number


@dataclass(frozen=True)
class WalPosition:
    """The position at which a server writes (or, in recovery, replays) its WAL."""

    lsn: int
    in_recovery: bool
    segment_size: int


@dataclass(frozen=True)
class Identity:
    """What a server reports on a replication connection."""

    system_identifier: str
    timeline: int
    lsn: int


def read_position(session: Session) -> WalPosition:
    row = session.query(
        "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_receive_lsn() "
        "ELSE pg_catalog.pg_current_wal_lsn() END::text AS lsn, pg_catalog.pg_is_in_recovery() AS in_recovery, "
        "(SELECT setting::int FROM pg_catalog.pg_settings WHERE name = 'wal_segment_size') AS segment_size"
    )[0]
    return WalPosition(parse_lsn(row["lsn"] or "0/0"), bool(row["in_recovery"]), int(row["segment_size"]))


def identify(replication: Session) -> Identity:
    row = replication.query("IDENTIFY_SYSTEM")[0]
    return Identity(str(row["systemid"]), int(row["timeline"]), parse_lsn(row["xlogpos"]))


def read_history(replication: Session, timeline: int) -> list[TimelineSegment]:
    """The history of the server's timeline."""
    if timeline == 1:
        return [TimelineSegment(1, 0, None)]
    row = replication.query(f"TIMELINE_HISTORY {timeline}")[0]
    return parse_history(timeline, str(row["content"]))


def write_marker(session: Session) -> None:
    """Write a record of a few bytes to the WAL, and flush it.

    A receiver delivers the newest complete segment only with the first bytes of the next one, so on an idle server
    a closed segment is not archived. synchronous_commit: this must not hang if a synchronous receiver is down.
    """
    session.query("SET synchronous_commit = local")
    session.query("SELECT pg_catalog.pg_logical_emit_message(true, 'pgdr.barman', '')")


def close_segment(session: Session, timeline: int, segment_size: int) -> Segment:
    """Close the current segment, also on an idle server, and return its name."""
    write_marker(session)
    row = session.query("SELECT pg_catalog.pg_switch_wal()::text AS lsn")[0]
    write_marker(session)
    # The switch returns the byte after its record, which may be the first one of the next segment.
    return segment_of_number(timeline, (parse_lsn(row["lsn"]) - 1) // segment_size, segment_size)
