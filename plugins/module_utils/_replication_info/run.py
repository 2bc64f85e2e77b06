# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a PostgreSQL server replicates, and waiting until it does so again.

This module util is private to the collection.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .._host.process import HostError
from .._host.result import Result
from .._host.waiting import Probe, wait_for
from .._postgres.connection import ConnectionFailed, require_psycopg
from .._postgres.login import logged_in
from .._postgres.wal import is_lsn, parse_lsn

_INTERVAL = 1.0

# Of these a standby needs at least what its primary has (CheckRequiredParameterValues in xlogrecovery.c).
_REQUIRED_OF_STANDBYS = (
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_wal_senders",
    "max_worker_processes",
)
# The last line in the files is the one that a restart takes.
_QUERY = """
SELECT pg_catalog.pg_is_in_recovery() AS in_recovery,
    EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver WHERE status = 'streaming') AS streaming,
    (CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END)::text AS position,
    (SELECT jsonb_object_agg(known.name, jsonb_build_object('running', known.setting, 'pending',
            CASE WHEN known.source = 'command line' THEN known.setting ELSE coalesce(
                (SELECT file.setting FROM pg_catalog.pg_file_settings AS file WHERE file.name = known.name ORDER BY file.seqno DESC LIMIT 1),
                known.boot_val) END))
        FROM pg_catalog.pg_settings AS known WHERE known.name = ANY(%s))::text AS settings
"""


@dataclass(frozen=True)
class ReplicationState:
    """position: what a standby has replayed, or a primary has written; None if a standby has replayed nothing. settings: by name."""

    in_recovery: bool
    streaming: bool
    position: str | None
    settings: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class AwaitedState:
    """streaming: of a standby. replayed: up to this position of its primary; empty if that does not matter."""

    streaming: bool = False
    replayed: str = ""

    def lacking(self, state: ReplicationState) -> str:
        """What the server lacks, for a person; empty if it lacks nothing. A primary lacks nothing."""
        if not state.in_recovery:
            return ""
        if self.streaming and not state.streaming:
            return "the standby accepts connections, and does not stream from its primary"
        if self.replayed and (state.position is None or parse_lsn(state.position) < parse_lsn(self.replayed)):
            return f"the standby has replayed WAL up to {state.position or 'no position'}"
        return ""


def observe(params: Mapping[str, Any]) -> ReplicationState:
    """Raises HostError."""
    with logged_in(params) as session:
        row = session.query(_QUERY, [list(_REQUIRED_OF_STANDBYS)])[0]
    settings = {
        name: {
            "running": int(one["running"]),
            # A value with an error does not count: PostgreSQL does not start with it, and reports it.
            "pending": int(one["pending"]) if str(one["pending"]).strip().isdigit() else int(one["running"]),
        }
        for name, one in json.loads(row["settings"]).items()
    }
    return ReplicationState(bool(row["in_recovery"]), bool(row["streaming"]), row["position"], settings)


def replication_info(
    params: Mapping[str, Any],
    *,
    check_mode: bool,
    observing: Callable[[Mapping[str, Any]], ReplicationState] = observe,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Result:
    """The operation of the module replication_info. Raises HostError."""
    require_psycopg()
    if params["replayed"] and not is_lsn(params["replayed"]):
        raise HostError(f"replayed: '{params['replayed']}' is no position in the WAL, such as 0/3000148")
    # Check mode restarts nothing, so nothing comes back.
    awaited = AwaitedState() if check_mode else AwaitedState(params["streaming"], params["replayed"])

    def probe() -> Probe:
        try:
            state = observing(params)
        except ConnectionFailed as exc:
            if params["timeout"] <= 0:
                raise
            # A server that starts refuses connections, in its own language.
            return Probe(done=False, observed=str(exc))
        lacking = awaited.lacking(state)
        return Probe(done=not lacking, observed=lacking, value=state)

    what = "the standby to stream from its primary" if awaited.streaming else "the server to accept connections"
    if awaited.replayed:
        what = f"the standby to replay WAL up to {awaited.replayed}"
    found: ReplicationState = wait_for(what, probe, params["timeout"], interval=_INTERVAL, clock=clock, pause=pause)
    return Result(
        values={
            "in_recovery": found.in_recovery,
            "streaming": found.streaming,
            "position": found.position,
            "settings": {name: dict(one) for name, one in found.settings.items()},
        }
    )
