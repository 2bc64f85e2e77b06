# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL or a pooler, by the bytes that each of them answered; tests/integration has the programs themselves."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.pooler import (
    PROTOCOL_4,
    answers_as_postgres,
    is_pooled,
    is_postgres,
)

# PostgreSQL 15, PgBouncer 1.18. HAProxy 2.6 passes on what PostgreSQL answers.
POSTGRES = (
    b"E\x00\x00\x00\x83SFATAL\x00VFATAL\x00C0A000\x00Munsupported frontend protocol 4.0: server supports 3.0 to 3.0\x00"
    b"Fpostmaster.c\x00L2222\x00RProcessStartupPacket\x00\x00"
)
TRANSLATED = (
    b"E\x00\x00\x00\x35SFATAL\x00VFATAL\x00C0A000\x00Mnicht unterst\xc3\xbctztes Frontend-Protokoll 4.0\x00\x00"
)
PGBOUNCER = b"E\x00\x00\x00:SFATAL\x00C08P01\x00Mbad packet header: '0000000800040000'\x00\x00"
WORDS_OF_POSTGRES = b"E\x00\x00\x00\x25SFATAL\x00C08P01\x00MC0A000 unsupported\x00\x00"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (POSTGRES, True),
        (TRANSLATED, True),
        (PGBOUNCER, False),
        (WORDS_OF_POSTGRES, False),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False),
        (b"", False),
    ],
)
def test_an_answer_is_judged_by_its_code(answer: bytes, expected: bool) -> None:
    assert answers_as_postgres(answer) is expected


def test_a_pooler_announces_another_process() -> None:
    assert is_pooled(-170960795, 847)
    assert not is_pooled(841, 841)


def serve(*parts: bytes) -> tuple[str, Callable[[], bytes]]:
    """A server that reads a request and answers with these parts; its port, and what it read."""
    listener = socket.create_server(("127.0.0.1", 0))
    requests: list[bytes] = []

    def answer() -> None:
        connection, _address = listener.accept()
        with connection, listener:
            requests.append(connection.recv(100))
            for part in parts:
                connection.sendall(part)

    thread = threading.Thread(target=answer)
    thread.start()

    def request() -> bytes:
        thread.join(5)
        return requests[0]

    return str(listener.getsockname()[1]), request


def test_one_request_without_user_or_password_shows_what_answers() -> None:
    for parts, expected in (
        ((POSTGRES,), True),
        ((POSTGRES[:20], POSTGRES[20:]), True),
        ((PGBOUNCER,), False),
        ((), None),
    ):
        port, request = serve(*parts)
        assert is_postgres("127.0.0.1", port) is expected
        assert request() == PROTOCOL_4


def test_nothing_there_is_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    assert is_postgres("127.0.0.1", port) is None
    assert is_postgres("127.0.0.1", "5432,5433") is None
