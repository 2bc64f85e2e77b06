# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a PostgreSQL server that matters for its backups: one question, one row.

This module util is private to the collection. Nothing here connects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._barman.configuration import ServerConfiguration
from .._host.process import HostError
from .._postgres.questions import Question
from .._postgres.slots import Slot
from .._postgres.standby_names import StandbyNamesError, parse
from .._postgres.wal import parse_lsn

# $1: the replication slot, $2: the application name of the WAL receiver.
_SQL = """
SELECT pg_catalog.row_to_json(found)::text FROM (
  SELECT pg_catalog.pg_is_in_recovery() AS in_recovery,
    pg_catalog.current_setting('server_version_num')::int AS version,
    (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) AS system_identifier,
    CASE WHEN pg_catalog.pg_is_in_recovery()
      THEN coalesce(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
      ELSE pg_catalog.pg_current_wal_lsn() END::text AS lsn,
    CASE WHEN NOT pg_catalog.pg_is_in_recovery()
      THEN pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) END AS timeline,
    (SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'wal_segment_size') AS segment_size,
    pg_catalog.current_setting('archive_mode') AS archive_mode,
    pg_catalog.current_setting('synchronous_standby_names') AS synchronous_standby_names,
    (SELECT count(*) FROM pg_catalog.pg_stat_replication WHERE sync_state IN ('sync', 'quorum')) AS synchronous_standbys,
    archiver.archived_count, archiver.last_archived_wal,
    extract(epoch FROM archiver.last_archived_time)::float8 AS last_archived_time,
    archiver.failed_count, archiver.last_failed_wal,
    extract(epoch FROM archiver.last_failed_time)::float8 AS last_failed_time,
    slot.slot_name, slot.active, slot.active_pid, slot.restart_lsn::text AS restart_lsn, slot.wal_status, slot.safe_wal_size,
    sender.state, sender.sync_state, sender.write_lsn::text AS write_lsn, sender.flush_lsn::text AS flush_lsn,
    extract(epoch FROM sender.write_lag)::float8 AS write_lag
  FROM pg_catalog.pg_stat_archiver AS archiver
  LEFT JOIN pg_catalog.pg_replication_slots AS slot ON slot.slot_name = $1 AND slot.slot_type = 'physical'
  LEFT JOIN LATERAL (
    SELECT * FROM pg_catalog.pg_stat_replication AS one
    WHERE one.application_name = $2 AND (slot.active_pid IS NULL OR one.pid = slot.active_pid)
    ORDER BY one.backend_start DESC LIMIT 1
  ) AS sender ON true
) AS found
"""


@dataclass(frozen=True)
class ReceiverStream:
    """PostgreSQL's connection to Barman's WAL receiver. written, flushed: the positions that it confirmed. write_lag: seconds."""

    state: str
    sync_state: str
    written: int | None = None
    flushed: int | None = None
    write_lag: float | None = None

    @property
    def streaming(self) -> bool:
        return self.state in ("streaming", "catchup")


@dataclass(frozen=True)
class ArchiverCounts:
    """PostgreSQL's archiver. Times are seconds since the epoch, None for never."""

    mode: str
    archived: int = 0
    last_archived_wal: str | None = None
    last_archived: float | None = None
    failed: int = 0
    last_failed_wal: str | None = None
    last_failed: float | None = None

    @property
    def failing(self) -> bool:
        """Whether archive_command failed since it last succeeded."""
        return self.last_failed is not None and self.last_failed > (self.last_archived or 0.0)


@dataclass(frozen=True)
class PostgresState:
    """lsn: the position up to which it wrote (in recovery: received) WAL. timeline: None in recovery. version: such as 170011.

    slot: the WAL receiver's, None if it does not exist or has no name. safe_bytes: the WAL that PostgreSQL can write before it
    invalidates the slot, None without a limit. required_standbys: those that commits wait for.
    """

    version: int
    system_identifier: str
    in_recovery: bool
    lsn: int
    segment_size: int
    timeline: int | None
    archiver: ArchiverCounts
    slot: Slot | None = None
    safe_bytes: int | None = None
    stream: ReceiverStream | None = None
    synchronous_standbys: int = 0
    required_standbys: int = 0

    @property
    def retained_bytes(self) -> int:
        """The WAL that the slot keeps on the server."""
        start = None if self.slot is None else self.slot.restart_lsn
        return 0 if start is None else max(0, self.lsn - start)

    @property
    def streaming(self) -> bool:
        return self.stream is not None and self.stream.streaming


def question_for(entry: ServerConfiguration) -> Question:
    """The question to the server from which Barman receives WAL."""
    slot = entry.get("slot_name") if entry.flag("streaming_archiver") else None
    return Question(entry.name, entry.wal_conninfo, _SQL, (slot or None, entry.receiver_name))


def parse_state(row: Mapping[str, Any]) -> PostgresState:
    """The row as a value. Raises HostError if the server lacks what the question needs."""
    try:
        return _parse(row)
    except (KeyError, TypeError, ValueError) as exc:
        raise HostError(f"PostgreSQL's answer about its state is not complete: {exc}") from None


def _parse(row: Mapping[str, Any]) -> PostgresState:
    slot = None
    if row["slot_name"] is not None:
        slot = Slot(
            row["slot_name"], bool(row["active"]), row["active_pid"], _position(row["restart_lsn"]), row["wal_status"]
        )
    stream = None
    if row["state"] is not None:
        stream = ReceiverStream(
            row["state"],
            row["sync_state"] or "async",
            _position(row["write_lsn"]),
            _position(row["flush_lsn"]),
            row["write_lag"],
        )
    archiver = ArchiverCounts(
        row["archive_mode"],
        row["archived_count"],
        row["last_archived_wal"],
        row["last_archived_time"],
        row["failed_count"],
        row["last_failed_wal"],
        row["last_failed_time"],
    )
    return PostgresState(
        version=int(row["version"]),
        system_identifier=str(row["system_identifier"]),
        in_recovery=bool(row["in_recovery"]),
        lsn=_position(row["lsn"]) or 0,
        segment_size=int(row["segment_size"]),
        timeline=None if row["timeline"] is None else int(row["timeline"], 16),
        archiver=archiver,
        slot=slot,
        safe_bytes=row["safe_wal_size"],
        stream=stream,
        synchronous_standbys=int(row["synchronous_standbys"]),
        required_standbys=_required(row["synchronous_standby_names"]),
    )


def _position(text: str | None) -> int | None:
    return None if text is None else parse_lsn(text)


def _required(names: str) -> int:
    try:
        found = parse(names)
    except StandbyNamesError:
        return 0
    return found.number if found.names else 0
