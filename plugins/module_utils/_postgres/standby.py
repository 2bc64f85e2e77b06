# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A standby and its primary: how far the one follows the other, and where a copy of it would begin.

This module util is private to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass

from .connection import Session
from .wal import parse_lsn


@dataclass(frozen=True)
class Standby:
    """replayed: the last replayed position. timeline: that it follows, None if it does not report one. redo: the start of a copy of it.

    in_recovery: false once it was promoted, which is final.
    """

    replayed: int
    timeline: int | None
    redo: int
    in_recovery: bool = True


def read_standby(session: Session) -> Standby:
    # A standby that streams reports its timeline at once. If its WAL comes from an archive, the last page that was written has the timeline.
    row = session.query(
        "SELECT coalesce(pg_catalog.pg_last_wal_replay_lsn()::text, '0/0') AS replayed, "
        "coalesce((SELECT received_tli FROM pg_catalog.pg_stat_wal_receiver WHERE status = 'streaming'), "
        "(SELECT min_recovery_end_timeline FROM pg_catalog.pg_control_recovery())) AS timeline, "
        "(SELECT redo_lsn::text FROM pg_catalog.pg_control_checkpoint()) AS redo, pg_catalog.pg_is_in_recovery() AS in_recovery"
    )[0]
    return Standby(
        parse_lsn(row["replayed"]), int(row["timeline"] or 0) or None, parse_lsn(row["redo"]), bool(row["in_recovery"])
    )


def read_timeline(primary: Session) -> int:
    """The timeline that a server writes on."""
    row = primary.query("SELECT substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) AS timeline")[
        0
    ]
    return int(row["timeline"], 16)


def make_checkpoint(primary: Session) -> int:
    """Perform a checkpoint now; the WAL position after it.

    Before PostgreSQL 15 only a superuser may ask for one, but the begin of a backup makes one too.
    """
    if primary.version >= 15:
        primary.query("CHECKPOINT")
    else:
        primary.query("SELECT pg_catalog.pg_start_backup('pgdr.barman', true, false)")
        primary.query("SELECT pg_catalog.pg_stop_backup(false, false)")
    row = primary.query("SELECT pg_catalog.pg_current_wal_lsn()::text AS lsn")[0]
    return parse_lsn(row["lsn"])
