# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a backup server is behind a server that it can't reach, or whose WAL does not arrive.

This module util is private to the collection.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

from .._barman.archive import Archive
from .._barman.command import Barman
from .._barman.configuration import ServerConfiguration
from .._barman.server import Server
from .._host.process import HostError
from .._postgres import wal
from .._postgres.connection import Connect
from .._postgres.slots import read_slot
from .._postgres.wal_position import read_position


@dataclass(frozen=True)
class LastReceived:
    """The newest WAL segment on this host. complete: whether it is a whole one. time: when it was last written, in seconds."""

    segment: wal.Segment
    complete: bool
    time: float

    def begin_of_missing(self, segment_size: int) -> int:
        """The first position that may be missing here. Of a partial segment nobody knows how much is there."""
        begin = self.segment.begin_lsn(segment_size)
        return begin + segment_size if self.complete else begin


def newest(archive: Archive, written: Callable[[str], float] = os.path.getmtime) -> LastReceived | None:
    """The newest segment that was received or archived; None if there is none."""
    files = [(segment, True, path) for segment, path in archive.segments.items()]
    files += [(segment, False, path) for segment, path in archive.partials.items()]
    if not files:
        return None
    segment, complete, path = max(files, key=lambda file: file[0])
    try:
        return LastReceived(segment, complete, written(path))
    except OSError:
        return None


@dataclass(frozen=True)
class ServerPosition:
    """lsn: the server's present write position. lost: the replication slot that PostgreSQL has invalidated; "" if it has not."""

    lsn: int
    lost: str = ""


def text(last: LastReceived | None, now: float, segment_size: int, current: ServerPosition | None) -> str:
    """How far the backups are behind. current: None if the server can't be asked."""
    if last is None:
        return "Barman has received no WAL yet, so nothing is safe here"
    moment = datetime.fromtimestamp(last.time, timezone.utc).strftime("%Y-%m-%d %H:%M:%S+00")
    found = "the last WAL received is{} segment {}, written at {}, {} s ago".format(
        "" if last.complete else " a part of",
        last.segment,
        moment,
        int(max(0, now - last.time)),
    )
    if current is None:
        return found + "; commits since then may be on that server alone"
    if current.lost:
        return found + (
            f"; PostgreSQL invalidated replication slot '{current.lost}', and does not keep the WAL that follows. "
            "Deploy with "
            "barman_receiver_reset=when_needed, and take a new backup"
        )
    missing = max(0, current.lsn - last.begin_of_missing(segment_size))
    return found + f"; up to {missing} bytes of WAL are on that server alone"


def lag_of(barman: Barman, server: ServerConfiguration, connect: Connect | None, now: float) -> str:
    """The text for a server; "" if its WAL is not on this host or can't be read. connect: None if it can't be asked."""
    try:
        if "://" in server.directory("wals_directory"):
            return ""
        view = Server(barman, server)
        last, size = newest(view.archive), view.segment_size
    except HostError:
        return ""
    return text(last, now, size, None if connect is None else _current(server, barman.user, connect))


def _current(server: ServerConfiguration, user: str, connect: Connect) -> ServerPosition | None:
    name = server.get("slot_name")
    try:
        session = connect(server.wal_conninfo, user, server.name)
        try:
            slot = read_slot(session, name) if name else None
            return ServerPosition(read_position(session).lsn, slot.name if slot is not None and slot.lost else "")
        finally:
            session.close()
    except HostError:
        return None
