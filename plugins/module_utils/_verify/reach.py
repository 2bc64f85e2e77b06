# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting the restored server in isolation until it pauses at its recovery target.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .._host.process import HostError
from .._host.waiting import Probe, WaitTimeout, wait_for
from .._postgres import wal
from .._postgres.data_directory import InstanceError
from .._postgres.private_server import PrivateServer
from .observe import PreparedDirectory
from .request import RecoveryVerificationError, VerificationRequest
from .server_log import (
    consistent_lsn,
    explain,
    final_refusal,
    has_lower_settings,
    has_stopped,
    last_log_line,
    raised_settings,
    stop_facts,
)

_STARTS = 4
_POLL_SECONDS = 0.3
_STATE = (
    "SELECT pg_is_in_recovery(), CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END, "
    "pg_last_wal_replay_lsn(), pg_last_xact_replay_timestamp(), "
    "greatest((SELECT min_recovery_end_timeline FROM pg_control_recovery()), "
    "(SELECT timeline_id FROM pg_control_checkpoint()))"
)


@dataclass(frozen=True)
class ReplayState:
    """Where the server is. time: of the last transaction that was replayed, as PostgreSQL writes it."""

    lsn: str | None
    time: str | None
    timeline: int
    in_recovery: bool


@dataclass(frozen=True)
class Waiting:
    """How to wait."""

    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


def reach_target(
    server: PrivateServer,
    request: VerificationRequest,
    prepared: PreparedDirectory,
    settings: dict[str, str],
    facts: dict[str, Any],
    waiting: Waiting,
) -> None:
    """Start the server, and wait until it is at its target. Adds to the facts. Raises HostError if it does not get there."""
    deadline = waiting.clock() + request.timeout
    for _start in range(_STARTS):
        before = len(server.log())
        server.start(settings)
        state = _wait(server, request, before, deadline, waiting)
        higher = raised_settings(server.log()[before:])
        if state is not None:
            facts.update(_reached_facts(server, state))
            if not state.in_recovery and not request.promote:
                raise RecoveryVerificationError(
                    "the server left recovery although it was to pause: hot standby was not possible at the target. "
                    "The "
                    "directory is a server of its own timeline now; recover again before you use it"
                )
            return
        # The primary's settings were raised after the backup, and hot standby needs at least the same.
        if not higher or all(settings.get(name) == value for name, value in higher.items()):
            break
        server.stop()
        settings.update(higher)
        facts["settings_needed"] = {**facts.get("settings_needed", {}), **higher}
    full = full_disks(prepared.path)
    raise RecoveryVerificationError(
        "the server did not reach its recovery target: {}{}".format(
            "".join(f"{one} is full. Free some room there. " for one in full), explain(server.log())
        )
    )


def _wait(
    server: PrivateServer, request: VerificationRequest, before: int, deadline: float, waiting: Waiting
) -> ReplayState | None:
    """The state at the target; None if the server ended, or needs higher settings. before: the lines of the log before this start."""
    try:
        state: ReplayState | None = wait_for(
            "the recovery's target was not reached",
            partial(_probe, server, request, before),
            max(1.0, deadline - waiting.clock()),
            interval=_POLL_SECONDS,
            clock=waiting.clock,
            pause=waiting.pause,
        )
    except WaitTimeout as exc:
        raise RecoveryVerificationError(
            f"{exc}. If it was going on, run the playbook with a longer barman_recover_timeout (option timeout of the "
            "module)"
        ) from None
    return state


def _probe(server: PrivateServer, request: VerificationRequest, before: int) -> Probe:
    if not server.running:
        return Probe(done=True, observed="the server ended", value=None)
    try:
        rows = server.query(_STATE, "template1")
    except InstanceError as exc:
        refusal = _refusal(server, request, before)
        if refusal is not None:
            raise refusal from None
        return Probe(done=False, observed=last_log_line(server.log()) or str(exc))
    # Read after the answer: what led to it is in the log by then. Lines before it are of an earlier start.
    log = server.log()[before:]
    in_recovery, paused, lsn, moment, timeline = rows[0]
    state = ReplayState(lsn, moment, int(timeline or 0), in_recovery == "t")
    observed = f"replayed to {lsn}, last transaction {moment}"
    if in_recovery == "f":
        return Probe(done=True, observed=observed, value=state)
    if paused == "t":
        if has_stopped(log):
            return Probe(not request.promote, observed, state)
        if has_lower_settings(log):
            return Probe(done=True, observed=observed, value=None)
    return Probe(done=False, observed=observed)


def _refusal(server: PrivateServer, request: VerificationRequest, before: int) -> HostError | None:
    """The error if the server refuses connections, and waiting can't change that."""
    refusal = final_refusal(server.log()[before:])
    if refusal is None:
        return None
    if refusal.login:
        return RecoveryVerificationError(
            f"barman_postgres_superuser (option database_user of the module): '{request.database_user}' can't log in "
            f"to the recovered server: {refusal.text}"
        )
    return RecoveryVerificationError(
        f"the recovered server can't be used on this host: PostgreSQL refuses connections with {refusal.text} "
        f"(SQLSTATE {refusal.code})"
    )


def end_recovery(server: PrivateServer, timeout: float, waiting: Waiting) -> None:
    """Let a server that pauses at its target end its recovery. Raises HostError if it does not get that far."""
    server.query("SELECT pg_catalog.pg_wal_replay_resume()", "template1")

    def probe() -> Probe:
        if not server.running:
            raise RecoveryVerificationError(f"the server ended at the end of its recovery: {explain(server.log())}")
        try:
            rows = server.query("SELECT pg_catalog.pg_is_in_recovery()", "template1")
        except InstanceError as exc:
            return Probe(done=False, observed=str(exc))
        return Probe(rows == [["f"]], "it is in recovery")

    try:
        wait_for(
            "the recovery did not end",
            probe,
            timeout,
            interval=_POLL_SECONDS,
            clock=waiting.clock,
            pause=waiting.pause,
        )
    except WaitTimeout as exc:
        raise RecoveryVerificationError(str(exc)) from None


def _reached_facts(server: PrivateServer, state: ReplayState) -> dict[str, Any]:
    log = server.log()
    consistent = consistent_lsn(log)
    return {
        "reached": {"lsn": state.lsn, "time": state.time, **stop_facts(log)},
        "timeline": state.timeline,
        "consistent": consistent is not None or state.lsn is not None,
        "consistent_lsn": consistent,
    }


def end_problem(prepared: PreparedDirectory, reached: str | None) -> str | None:
    """Why the recovery did not reach the end of its WAL, if that was its target. reached: the position."""
    end = prepared.end
    if end is None or end.end_lsn is None:
        return None
    lsn = wal.parse_lsn(reached or "0/0")
    planned: Mapping[str, Any] = prepared.planned.get("last_recoverable") or {}
    expected = max(end.end_lsn, wal.parse_lsn(planned["lsn"]) if planned.get("lsn") else 0)
    if lsn >= expected:
        return None
    return f"the recovery ended at {wal.format_lsn(lsn)}, {expected - lsn} bytes before the end of the WAL at {wal.format_lsn(expected)}"


def full_disks(data_directory: str, statvfs: Callable[[str], Any] = os.statvfs) -> list[str]:
    """The data directory, and pg_wal in it, if its file system has no room for one more WAL segment."""
    full: dict[int, str] = {}
    for path in (os.path.join(data_directory, "pg_wal"), data_directory):
        try:
            status, device = statvfs(path), os.stat(path).st_dev
        except OSError:
            continue
        if status.f_bavail * status.f_frsize < wal.DEFAULT_SEGMENT_SIZE:
            full.setdefault(device, f"the file system of {os.path.realpath(path)}")
    return list(full.values())
