# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import socket
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.diagnosis import diagnose_connection
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.diagnosis_rules import Endpoint
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.reachability import Reach, probe, reach_of


@pytest.mark.parametrize(
    ("error", "reach"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name oder Dienst nicht bekannt"), Reach.NAME),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Verbindungsaufbau abgelehnt"), Reach.REFUSED),
        (OSError(errno.EHOSTUNREACH, "Keine Route zum Zielrechner"), Reach.NO_ROUTE),
        (OSError(errno.ENETUNREACH, ""), Reach.NO_ROUTE),
        (OSError(errno.ETIMEDOUT, ""), Reach.TIMEOUT),
        (TimeoutError("timed out"), Reach.TIMEOUT),
        (OSError(errno.EMFILE, ""), Reach.UNKNOWN),
        (OSError("no number"), Reach.UNKNOWN),
    ],
)
def test_the_system_s_codes_decide_and_no_words(error: OSError, reach: Reach) -> None:
    assert reach_of(error) is reach


def test_a_port_that_listens_and_one_that_does_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert probe("127.0.0.1", port) is Reach.CONNECTED
    assert probe("127.0.0.1", port) is Reach.REFUSED
    assert probe("no-such-host.invalid", port) is Reach.NAME


@pytest.mark.parametrize(
    ("host", "port"),
    [("/run/postgresql", "5432"), ("a,b", "5432"), ("", "5432"), ("the local socket", "5432"), ("a", "x")],
)
def test_what_is_no_single_address_is_not_tried(host: str, port: str) -> None:
    def never(*_arguments: Any) -> None:
        raise AssertionError

    assert probe(host, port, connect=never) is Reach.UNKNOWN


CLOSED = "server closed the connection unexpectedly"


@pytest.mark.parametrize(
    ("reach", "kind"),
    [
        (Reach.NAME, "unknown_host"),
        (Reach.REFUSED, "refused"),
        (Reach.NO_ROUTE, "unreachable"),
        (Reach.TIMEOUT, "timeout"),
        (Reach.CONNECTED, "closed"),
        (Reach.UNKNOWN, "closed"),
    ],
)
def test_a_host_that_is_away_is_never_a_server_that_closed_the_connection(reach: Reach, kind: str) -> None:
    found = diagnose_connection(CLOSED, Endpoint("198.51.100.9", user="barman"), reach=reach)
    assert found.kind == kind
    assert ("closed the connection" in found.message) is (kind == "closed")


def test_what_postgresql_itself_answered_stays_if_the_port_can_be_reached() -> None:
    found = diagnose_connection('FATAL: role "barman" does not exist', Endpoint("h"), reach=Reach.CONNECTED)
    assert found.kind == "unknown_role"
