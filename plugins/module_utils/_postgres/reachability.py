# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a TCP port can be reached, by the system's error codes.

This module util is private to the collection. libpq's texts are translated and change with versions: a host that does not
answer can even be "server closed the connection unexpectedly".
"""

from __future__ import annotations

import enum
import errno
import socket
from typing import Any, Callable


class Reach(enum.Enum):
    """CONNECTED: something listens there. POOLER: what listens is not PostgreSQL itself. UNKNOWN: an error that does not concern the network."""

    CONNECTED = "connected"
    POOLER = "pooler"
    NAME = "name"
    REFUSED = "refused"
    NO_ROUTE = "no_route"
    TIMEOUT = "timeout"
    UNKNOWN = "unknown"

    @property
    def away(self) -> bool:
        """Whether no machine is there. One that refuses is there."""
        return self in (Reach.NAME, Reach.NO_ROUTE, Reach.TIMEOUT)


_ERRNOS = {
    errno.ECONNREFUSED: Reach.REFUSED,
    errno.EHOSTUNREACH: Reach.NO_ROUTE,
    errno.ENETUNREACH: Reach.NO_ROUTE,
    errno.EHOSTDOWN: Reach.NO_ROUTE,
    errno.ETIMEDOUT: Reach.TIMEOUT,
}


def reach_of(error: OSError) -> Reach:
    """The reachability that an error of a TCP connection shows."""
    if isinstance(error, socket.gaierror):
        return Reach.NAME
    # Before Python 3.10 a time limit is no TimeoutError.
    if isinstance(error, (socket.timeout, TimeoutError)):
        return Reach.TIMEOUT
    return _ERRNOS.get(error.errno or 0, Reach.UNKNOWN)


def probe(host: str, port: str, timeout: float = 5.0, connect: Callable[..., Any] = socket.create_connection) -> Reach:
    """Try a TCP connection. A socket directory, or several hosts, are UNKNOWN."""
    if not host or host.startswith(("/", "@", "the ")) or "," in host or not port.isdigit():
        return Reach.UNKNOWN
    try:
        connect((host, int(port)), timeout).close()
    except (OSError, OverflowError, UnicodeError) as exc:
        return reach_of(exc) if isinstance(exc, OSError) else Reach.UNKNOWN
    return Reach.CONNECTED
