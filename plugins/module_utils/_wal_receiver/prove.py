# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof that received WAL is archived.

This module util is private to the collection.
"""

from __future__ import annotations

from .._barman.command import failure
from .._host.waiting import Probe, WaitTimeout
from .._postgres import wal
from .._postgres.wal_position import (
    close_segment,
    identify,
    read_position,
)
from .observe import ReceiverError, ReceiverHost
from .plan import Archived
from .process import ReceiverLife


def prove(host: ReceiverHost, start_of_log: int) -> None:
    """Have a segment closed and see it arrive in the archive, as long as there is a receiver."""
    closed, size = close_current_segment(host)
    before = host.archived(size).newest
    life = ReceiverLife(host.clock)
    archiving = [""]

    def is_there(observed: Archived) -> bool:
        # Not by its age: the archive may have a newer timeline than the server is on.
        return observed.newest not in (None, before) if closed is None else closed in observed.archived

    def probe() -> Probe:
        observed = host.archived(size)
        life.note(host.pid())
        if not is_there(observed) and is_deliverable(host, size):
            completed = host.barman.text("archive-wal", host.server.name)
            archiving[0] = "" if completed.ok else f"; 'barman archive-wal' failed: {failure(completed)}"
            observed = host.archived(size)
        done = is_there(observed)
        if not done and life.ended:
            raise host.ended(start_of_log)
        runs = "" if life.runs else "no receiver runs, and "
        return Probe(done, f"{runs}the newest archived segment is {observed.newest or 'none'}{archiving[0]}")

    what = f"WAL segment {closed}" if closed is not None else "a WAL segment"
    try:
        host.wait_for(f"{what} of server '{host.server.name}' in the archive", probe, interval=0.2)
    except WaitTimeout as exc:
        hint = ""
        if closed is None:
            hint = (
                ". The server is a standby, and nothing was written on its primary meanwhile: set barman_primary for "
                "it "
                f"and deploy (primary_conninfo in {host.server.file})"
            )
        raise ReceiverError(
            f"Barman server '{host.server.name}': WAL streams, but it is not archived: {exc}{hint}",
            "not_archived",
        ) from None


def close_current_segment(host: ReceiverHost) -> tuple[wal.Segment | None, int]:
    """Have a segment closed: which one, None on a standby whose primary is not known; and a segment's size."""
    session, position = host.sql(), read_position(host.sql())
    identity = identify(host.replication())
    if position.in_recovery and host.server.get("primary_conninfo"):
        session = host.session(str(host.server.get("primary_conninfo")))
        position = read_position(session)
    if position.in_recovery:
        return None, position.segment_size
    return close_segment(session, identity.timeline, position.segment_size), position.segment_size


def is_deliverable(host: ReceiverHost, segment_size: int) -> bool:
    """Whether the receiver has a complete segment that Barman would archive now: it keeps the newest file."""
    names = [name for name, dummy in host.archived(segment_size).received]
    return len(names) > 1 and any(
        name == str(file.segment) for name, file in ((n, wal.parse(n)) for n in names) if file
    )
