# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stopping a WAL receiver, and handing its WAL over to archive_command.

This module util is private to the collection.
"""

from __future__ import annotations

from contextlib import nullcontext

from .._archive_command.archiver import ArchiverState, ArchiverWatch, read_archiver
from .._barman.archive import has_unarchived, read_archive
from .._barman.command import failure
from .._host.files import names_in
from .._host.process import HostError
from .._host.result import ServerOutcome
from .._host.waiting import Probe, WaitTimeout
from .._postgres import wal
from .._postgres.slots import Slot, drop_slot, read_slot
from .._postgres.wal_position import (
    read_position,
)
from .files import clear_directory
from .observe import ReceiverError, ReceiverHost
from .process import LockHeld, changing_alone, holding_lock, repeat_if_lock_held, stop_process
from .prove import close_current_segment
from .waiting_commits import refuse_waiting_commits, waiting_commits


def ensure_stopped(
    host: ReceiverHost, outcome: ServerOutcome, *, absent: bool, archiving_takes_over: bool, check_mode: bool
) -> None:
    """Stop it if it runs. absent: drop its slot, too. Raises HostError; then WAL is received as before."""

    def stop() -> None:
        stop_as_observed(host, outcome, absent=absent, archiving_takes_over=archiving_takes_over, check_mode=check_mode)

    with nullcontext() if check_mode else changing_alone(host):
        repeat_if_lock_held(host, stop)


def stop_as_observed(
    host: ReceiverHost, outcome: ServerOutcome, *, absent: bool, archiving_takes_over: bool, check_mode: bool
) -> None:
    """Do what the receiver's present state needs. Raises LockHeld if another process starts one, and HostError."""
    pid = host.pid()
    outcome.values = {"receiver_pid": pid}
    slot: Slot | None = None
    if absent and host.slot_name:
        slot = read_slot(host.sql(), host.slot_name)
        if slot is not None and slot.active and pid is None:
            raise ReceiverError(
                f"Barman server '{host.server.name}': the replication slot '{host.slot_name}' can't be dropped: it is "
                f"in use by {host.user_of(slot)}",
                "slot_active",
            )
    outcome.before = {"receiver": "started" if pid is not None else "stopped"}
    outcome.after = {"receiver": "stopped"}
    outcome.values = {
        "slot": slot.name if slot is not None and not absent else None,
        "receiver_pid": None,
        "commits_wait": None,
    }
    if absent:
        outcome.before["slot"] = host.slot_name if slot is not None else None
        outcome.after["slot"] = None
    takes_over = absent and archiving_takes_over and (slot is not None or bool(names_in(host.directory)))
    changes = pid is not None or slot is not None or takes_over
    if changes:
        outcome.values["commits_wait"] = waiting_commits(host, outcome)
    if check_mode or not changes:
        outcome.changed = changes
        return
    refuse_waiting_commits(host, outcome.values["commits_wait"])
    if pid is not None:
        stop_process(host)
        outcome.changed = True
    if not absent:
        return
    try:
        with holding_lock(host):
            if takes_over:
                outcome.values["last_archived"] = str(wait_for_archiving(host))
            elif has_unarchived(host.server):
                host.barman.text("archive-wal", host.server.name)
            if slot is not None:
                drop_when_free(host)
    except LockHeld:
        # That process receives.
        raise
    except HostError:
        if pid is not None:
            host.barman.detached("receive-wal", host.server.name)
            outcome.changed = False
        raise
    outcome.changed = True


def wait_for_archiving(host: ReceiverHost) -> wal.Segment:
    """Wait until archive_command has delivered all that was received and not archived, and the WAL after it. Nobody receives meanwhile."""
    name = host.server.name
    if not host.server.flag("archiver"):
        raise ReceiverError(
            (
                f"server '{name}': Barman archives nothing that archive_command delivers. Set barman_wal: [streaming, "
                f"archiving] for it and deploy (archiver = on in {host.server.file})"
            ),
            "configuration",
        )
    host.barman.text("archive-wal", name)
    closed, size = close_current_segment(host)
    if closed is None:
        raise ReceiverError(
            (
                f"server '{name}' is a standby. To verify that archiving takes over, the module must close a segment "
                "on its "
                f"primary: set barman_primary for it and deploy (primary_conninfo in {host.server.file})"
            ),
            "configuration",
        )
    left = [file.segment for file in map(wal.parse, names_in(host.directory)) if file is not None and file.segment]
    first = min((segment for segment in left if segment.timeline == closed.timeline), default=closed)
    needed = [
        wal.segment_of_number(closed.timeline, number, size)
        for number in range(first.number(size), closed.number(size) + 1)
    ]
    archived = host.server.directory("wals_directory").rstrip("/") + "/"
    watch = ArchiverWatch(lambda: read_archiver_state(host), host.clock)

    def probe() -> Probe:
        # What is received on purpose does not count: only what is archived, and came without the receiver.
        completed = host.barman.text("archive-wal", name)
        there = read_archive(host.server, host.barman, size).segments
        missing = [segment for segment in needed if not there.get(segment, "").startswith(archived)]
        if not missing:
            return Probe(done=True, observed="")
        watch.observe()
        if watch.final_problem:
            raise ReceiverError(
                f"server '{name}': archive_command can't deliver its WAL: {watch.final_problem}. Streaming continues, "
                "and its slot stays",
                "not_archived",
            )
        failed = "" if completed.ok else f"'barman archive-wal' failed: {failure(completed)}"
        notes = [f"missing: {', '.join(map(str, missing[:5]))}", watch.problem, failed]
        return Probe(done=False, observed="; ".join(note for note in notes if note))

    what = f"WAL of server '{name}' to arrive by archive_command up to segment {closed}"
    try:
        host.wait_for(what, probe, interval=0.5)
    except WaitTimeout as exc:
        raise ReceiverError(
            (
                f"{exc}. Streaming continues, and its slot stays. Find out why PostgreSQL does not archive "
                "(pg_stat_archiver)"
            ),
            "not_archived",
        ) from None
    clear_directory(host, frozenset(needed))
    return closed


def read_archiver_state(host: ReceiverHost) -> ArchiverState | None:
    """The archiver of the server that writes the WAL; None for a standby, whose WAL another server may archive."""
    try:
        session = host.sql()
        return None if read_position(session).in_recovery else read_archiver(session)
    except HostError:
        # The next one is asked with a new connection.
        host.close()
        raise


def drop_when_free(host: ReceiverHost) -> None:
    def probe() -> Probe:
        slot = read_slot(host.sql(), host.slot_name)
        return Probe(slot is None or not slot.active, "it is active", slot)

    what = f"the replication slot '{host.slot_name}' of server '{host.server.name}' to become free"
    if host.wait_for(what, probe, interval=0.1) is not None:
        drop_slot(host.replication(), host.slot_name)
