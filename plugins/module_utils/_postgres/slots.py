# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replication slots, and who streams WAL through them.

This module util is private to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass

from .connection import Session
from .wal import parse_lsn


@dataclass(frozen=True)
class Slot:
    """A physical replication slot. restart_lsn: None while it was never used. wal_status: reserved, extended, unreserved, lost."""

    name: str
    active: bool
    active_pid: int | None = None
    restart_lsn: int | None = None
    wal_status: str | None = None

    @property
    def lost(self) -> bool:
        return self.wal_status == "lost"


@dataclass(frozen=True)
class WalSender:
    """A WAL sender process on the server and whom it sends to. age: seconds since its client connected."""

    pid: int
    application: str
    client: str | None
    state: str | None
    sent_lsn: int | None = None
    flush_lsn: int | None = None
    age: float | None = None


def read_slot(session: Session, name: str) -> Slot | None:
    rows = session.query(
        "SELECT slot_name, active, active_pid, restart_lsn::text, wal_status FROM pg_catalog.pg_replication_slots "
        "WHERE slot_name = %s AND slot_type = 'physical'",
        [name],
    )
    if not rows:
        return None
    row = rows[0]
    return Slot(
        name=name,
        active=bool(row["active"]),
        active_pid=row["active_pid"],
        restart_lsn=_lsn(row["restart_lsn"]),
        wal_status=row["wal_status"],
    )


def read_senders(session: Session, application: str) -> list[WalSender]:
    """The senders to clients that call themselves so."""
    rows = session.query(
        "SELECT pid, application_name, client_addr::text, state, sent_lsn::text, flush_lsn::text, "
        "EXTRACT(EPOCH FROM pg_catalog.now() - backend_start)::float8 AS age "
        "FROM pg_catalog.pg_stat_replication WHERE application_name = %s",
        [application],
    )
    return [
        WalSender(
            pid=row["pid"],
            application=row["application_name"],
            client=row["client_addr"],
            state=row["state"],
            sent_lsn=_lsn(row["sent_lsn"]),
            flush_lsn=_lsn(row["flush_lsn"]),
            age=row["age"],
        )
        for row in rows
    ]


def who_has(session: Session, pid: int) -> str:
    """Who is behind a WAL sender's process, for a message."""
    rows = session.query(
        "SELECT application_name, client_addr::text FROM pg_catalog.pg_stat_activity WHERE pid = %s", [pid]
    )
    if not rows:
        return f"PID {pid} on that server"
    return "'{}' from {}, PID {} on that server".format(
        rows[0]["application_name"] or "a client without a name",
        rows[0]["client_addr"] or "the server itself",
        pid,
    )


def create_slot(replication: Session, name: str) -> None:
    """Make a physical slot that keeps WAL from now on, and not only from its first use."""
    replication.query(f"CREATE_REPLICATION_SLOT {_quoted(name)} PHYSICAL RESERVE_WAL")


def drop_slot(replication: Session, name: str) -> None:
    replication.query(f"DROP_REPLICATION_SLOT {_quoted(name)}")


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def _lsn(text: str | None) -> int | None:
    return None if text is None else parse_lsn(text)
