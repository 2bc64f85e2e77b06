# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether WAL that is missing can still arrive if it comes by streaming and by archive_command.

This module util is private to the collection. Each of both delivers in order, so what both have passed does not come any more.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._archive_command.archiver import ArchiverState, read_archiver
from .._barman.configuration import ServerConfiguration
from .._host.files import names_in
from .._host.process import HostError
from .._postgres import wal
from .._postgres.connection import Connect
from .._postgres.wal_position import read_position


def both_have_passed(last: wal.Segment, received: Sequence[str], archiver: ArchiverState, segment_size: int) -> bool:
    """Whether the receiver and archive_command are both beyond a segment. received: the names in the receiver's directory.

    Only of our own archive_command is known that a segment is on the backup server when it ends.
    """
    files = [file for file in map(wal.parse, received) if file is not None and file.segment is not None]
    received_later = any(
        file.segment > last for file in files if file.segment and file.segment.timeline == last.timeline
    )
    return received_later and archiver.ours and archiver.has_passed(last.next(segment_size))


def is_final(
    server: ServerConfiguration, lasts: Sequence[wal.Segment], segment_size: int, user: str, connect: Connect
) -> bool:
    """Whether none of these last segments of gaps can arrive. False if PostgreSQL can't be asked, or is a standby."""
    received = names_in(server.directory("streaming_wals_directory"))
    try:
        session = connect(server.wal_conninfo, user, server.name)
        try:
            if read_position(session).in_recovery:
                return False
            archiver = read_archiver(session)
        finally:
            session.close()
    except HostError:
        return False
    return bool(lasts) and all(both_have_passed(last, received, archiver, segment_size) for last in lasts)
