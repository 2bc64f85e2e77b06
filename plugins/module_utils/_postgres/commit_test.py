# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a server takes writes, tried with a commit that waits as those of the application do.

This module util is private to the collection. The commit writes a message to the WAL that nothing reads, and no data. Neither
statement_timeout nor transaction_timeout ends a commit that waits for a standby, so a second session cancels it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._host.process import HostError
from .._host.result import Result
from .connection import QueryFailed, Session, connect, require_psycopg
from .login import login_conninfo
from .synchronous import SynchronousSender, Synchrony, look

_WRITE = "SELECT pg_catalog.pg_logical_emit_message(true, 'pgdr.barman', 'commit test')"
_LOOK = (
    "SELECT pg_catalog.pg_backend_pid() AS pid, current_setting('transaction_read_only') = 'on' AS read_only, "
    "(SELECT source FROM pg_catalog.pg_settings WHERE name = 'default_transaction_read_only') AS source, "
    "quote_ident(current_database()) AS database, quote_ident(current_user) AS role"
)
# By pg_settings.source: what resets the setting there. Of postgresql.conf and the command line it is the default below.
_RESETS = {
    "global": "ALTER ROLE ALL RESET default_transaction_read_only",
    "database": "ALTER DATABASE %(database)s RESET default_transaction_read_only",
    "user": "ALTER ROLE %(role)s RESET default_transaction_read_only",
    "database user": "ALTER ROLE %(role)s IN DATABASE %(database)s RESET default_transaction_read_only",
}
_RESET = "ALTER SYSTEM RESET default_transaction_read_only, or postgresql.conf"
_WAITS_FOR = "SELECT wait_event_type, wait_event FROM pg_catalog.pg_stat_activity WHERE pid = %s"


@dataclass(frozen=True)
class CommitOutcome:
    """takes_writes: whether the commit returned in time. reason: why it did not, and what to do; empty if it did."""

    takes_writes: bool
    reason: str = ""
    synchronous_standby_names: str = ""
    senders: tuple[SynchronousSender, ...] = field(default_factory=tuple)

    def as_dict(self) -> dict[str, Any]:
        return {
            "takes_writes": self.takes_writes,
            "reason": self.reason,
            "synchronous_standby_names": self.synchronous_standby_names,
            "senders": [
                {"application": one.application, "state": one.state, "sync_state": one.sync_state}
                for one in self.senders
            ],
        }


def run_commit_test(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module commit_test; in check mode nothing is committed."""
    if params["timeout"] < 1:
        raise HostError(f"timeout: {params['timeout']} is not a positive number of seconds")
    require_psycopg()
    if check_mode:
        return Result(values={**CommitOutcome(takes_writes=False).as_dict(), "takes_writes": None})
    outcome = try_commit(lambda: connect(login_conninfo(params), params["user"]), params["timeout"])
    return Result(values=outcome.as_dict())


def try_commit(open_session: Callable[[], Session], timeout: float) -> CommitOutcome:
    """Commit in one session, and watch it from another. Raises HostError if the server can't be reached."""
    watcher = open_session()
    try:
        synchrony = look(watcher)
        writer = open_session()
        try:
            return _commit(writer, watcher, synchrony, timeout)
        finally:
            writer.close()
    finally:
        watcher.close()


def _commit(writer: Session, watcher: Session, synchrony: Synchrony, timeout: float) -> CommitOutcome:
    row = writer.query(_LOOK)[0]
    if synchrony.flushed is None:
        return _failed("the server is in recovery", synchrony)
    if row["read_only"]:
        return _failed(
            f"default_transaction_read_only is on. Set it to off ({_RESETS.get(row['source'], _RESET) % row})",
            synchrony,
        )
    errors: list[str] = []

    def write() -> None:
        try:
            writer.query(_WRITE)
        except QueryFailed as exc:
            errors.append(str(exc))

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    thread.join(timeout)
    if not thread.is_alive():
        return (
            _failed(errors[0], synchrony)
            if errors
            else CommitOutcome(
                takes_writes=True, reason="", synchronous_standby_names=synchrony.names, senders=synchrony.senders
            )
        )
    now = look(watcher)
    waits = watcher.query(_WAITS_FOR, (row["pid"],))
    event = waits[0]["wait_event"] if waits else None
    watcher.query("SELECT pg_catalog.pg_cancel_backend(%s)", (row["pid"],))
    thread.join(10)
    if thread.is_alive():
        raise HostError(f"the commit test of backend {row['pid']} does not end, although the module cancelled it")
    return _failed(hanging_text(event, now, timeout), now)


def hanging_text(event: str | None, synchrony: Synchrony, timeout: float) -> str:
    """Why a commit hangs, by the event that it waits for, and the way out."""
    if event != "SyncRep":
        return "a commit did not return within {:g} seconds; it waited for {}".format(
            timeout,
            event or "a reason that PostgreSQL does not report",
        )
    connected = ", ".join(f"{one.application} ({one.state}, {one.sync_state})" for one in synchrony.senders)
    return (
        "a commit did not return within {:g} seconds: it waits for synchronous_standby_names = '{}', and these "
        "standbys are connected: {}. Build the standbys of that list again from this server, or remove them from "
        "synchronous_standby_names"
    ).format(timeout, synchrony.names, connected or "none")


def _failed(reason: str, synchrony: Synchrony) -> CommitOutcome:
    return CommitOutcome(
        takes_writes=False, reason=reason, synchronous_standby_names=synchrony.names, senders=synchrony.senders
    )
