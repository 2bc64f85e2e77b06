# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.commit_test import CommitOutcome, try_commit
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.connection import QueryFailed


class Server:
    """A server whose commits return, hang until they are cancelled, or fail."""

    def __init__(self, names: str = "", *, hangs: bool = False, error: str = "") -> None:
        self.names = names
        self.hangs = hangs
        self.error = error
        self.event = "SyncRep"
        self.read_only = False
        self.source = "configuration file"
        self.flushed: str | None = "0/5000000"
        self.cancelled = threading.Event()
        self.open = 0
        self.wrote = 0

    def session(self) -> Session:
        self.open += 1
        return Session(self)

    def tried(self) -> CommitOutcome:
        return try_commit(self.session, 0.05)


class Session:
    version = 17

    def __init__(self, server: Server) -> None:
        self.server = server

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        server = self.server
        if "pg_logical_emit_message" in sql:
            if server.hangs:
                assert server.cancelled.wait(5)
            if server.error:
                raise QueryFailed(server.error)
            server.wrote += 1
            return []
        if "pg_cancel_backend" in sql:
            assert list(params) == [4711]
            server.cancelled.set()
            return []
        if "pg_backend_pid" in sql:
            return [
                {
                    "pid": 4711,
                    "read_only": server.read_only,
                    "source": server.source,
                    "database": "shop",
                    "role": "postgres",
                }
            ]
        if "pg_stat_activity" in sql:
            return [{"wait_event_type": "IPC", "wait_event": server.event}]
        if "pg_stat_replication" in sql:
            return [{"application_name": "barman", "state": "streaming", "sync_state": "async", "flushed": None}]
        return [{"names": server.names, "commit": "on", "flushed": server.flushed}]

    def try_stream(self, lsn: int, timeline: int, patience: float = 5.0) -> None:
        raise AssertionError

    def close(self) -> None:
        self.server.open -= 1


def test_a_commit_that_returns_is_a_server_that_takes_writes() -> None:
    server = Server()
    outcome = server.tried()
    assert outcome.takes_writes
    assert outcome.reason == ""
    assert (server.wrote, server.open) == (1, 0)


def test_a_commit_that_hangs_is_cancelled_and_its_wait_event_is_reported() -> None:
    server = Server("FIRST 1 (replica)", hangs=True)
    outcome = server.tried()
    assert not outcome.takes_writes
    assert outcome.reason == (
        "a commit did not return within 0.05 seconds: it waits for synchronous_standby_names = 'FIRST 1 (replica)', and these standbys are connected: "
        "barman (streaming, async). Build the standbys of that list again from this server, or remove them from synchronous_standby_names"
    )
    assert server.cancelled.is_set()
    assert server.open == 0


def test_a_commit_that_hangs_for_another_reason_is_reported() -> None:
    server = Server(hangs=True)
    server.event = "WALWrite"
    assert server.tried().reason == "a commit did not return within 0.05 seconds; it waited for WALWrite"


def test_a_server_in_recovery_or_that_is_read_only_takes_none() -> None:
    server = Server()
    server.flushed = None
    assert server.tried().reason == "the server is in recovery"
    server = Server()
    server.read_only = True
    assert server.tried().reason.endswith(
        "Set it to off (ALTER SYSTEM RESET default_transaction_read_only, or postgresql.conf)"
    )
    server.source = "database"
    assert server.tried().reason.endswith("Set it to off (ALTER DATABASE shop RESET default_transaction_read_only)")
    assert server.wrote == 0


def test_an_error_is_the_reason() -> None:
    outcome = Server(error="PostgreSQL refused it: No space left on device").tried()
    assert not outcome.takes_writes
    assert outcome.reason == "PostgreSQL refused it: No space left on device"
