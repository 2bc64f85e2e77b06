# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an address is PostgreSQL's own or that of a connection pooler, such as PgBouncer.

This module util is private to the collection. Both signs are codes of the protocol, and none is a text. A proxy that only forwards, such as HAProxy in
TCP mode, is PostgreSQL for both. Measured with PgBouncer 1.18, HAProxy 2.6 and PostgreSQL 15.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import Any, Callable

#: A startup packet with a version of the protocol that does not exist. It needs no user and no password.
PROTOCOL_4 = struct.pack("!II", 8, 4 << 16)
_FEATURE_NOT_SUPPORTED = "0A000"
_LONGEST = 8192


def is_pooled(announced: int, backend: int) -> bool:
    """Whether a pooler has the connection. announced: the process id that came with the connection. backend: pg_backend_pid().

    A pooler announces a key of its own for cancel requests, and the statement runs in any of its connections to PostgreSQL.
    """
    return announced != backend


def answers_as_postgres(answer: bytes) -> bool:
    """Whether it is PostgreSQL's answer to an unknown version of its protocol: the error 0A000 (ProcessStartupPacket in backend_startup.c).

    PgBouncer answers with 08P01.
    """
    return answer[:1] == b"E" and f"C{_FEATURE_NOT_SUPPORTED}".encode() in answer[5:].split(b"\0")


def is_postgres(
    host: str, port: str, timeout: float = 5.0, connect: Callable[..., Any] = socket.create_connection
) -> bool | None:
    """Whether PostgreSQL itself answers at an address; None if nothing answered.

    PostgreSQL logs the request as one line. So it is for a failed connection only.
    """
    if not port.isdigit():
        return None
    answer = b""
    with contextlib.suppress(OSError, OverflowError, UnicodeError), connect((host, int(port)), timeout) as connection:
        connection.settimeout(timeout)
        connection.sendall(PROTOCOL_4)
        while not _is_complete(answer):
            received = connection.recv(_LONGEST)
            if not received:
                break
            answer += received
    return answers_as_postgres(answer) if answer else None


def _is_complete(answer: bytes) -> bool:
    """Whether it has the length that its first message announces."""
    return len(answer) >= _LONGEST or (len(answer) > 4 and len(answer) > struct.unpack("!I", answer[1:5])[0])
