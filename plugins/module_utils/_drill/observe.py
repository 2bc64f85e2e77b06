# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drill reads of this host and of the server.

This module util is private to the collection.
"""

from __future__ import annotations

from .._barman.configuration import ServerConfiguration
from .._barman.disks import Disk, read_disk
from .._host.process import HostError
from .._postgres.connection import Connect
from .._postgres.wal_position import read_position


def file_system(path: str) -> Disk:
    """The file system on which the directory is, or will be. Raises HostError."""
    try:
        return read_disk(path)
    except OSError as exc:
        raise HostError(f"{exc.filename} can't be read: {exc.strerror}") from None


def server_position(server: ServerConfiguration, user: str, connect: Connect | None) -> int | None:
    """Where the running server writes its WAL now; None if it can't be asked, as a passive node can't."""
    if connect is None or server.passive or not server.conninfo:
        return None
    try:
        session = connect(server.conninfo, user, server.name)
        try:
            return read_position(session).lsn
        finally:
            session.close()
    except HostError:
        return None
