# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords of entries that the inventory does not declare stay in the password file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import (
    Configuration,
    ServerConfiguration,
    read,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.password_file import PasswordConnection, plan
from ansible_collections.pgdr.barman.plugins.module_utils._server.entry_connections import (
    connections_of,
    undeclared_connections,
)
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost


def block(*lines: str) -> str:
    return "".join(f"{line}\n" for line in ("# BEGIN pgdr.barman", *lines, "# END pgdr.barman", "other:1:a:b:c"))


PG = "198.51.100.21:5432:postgres:barman:a\\:b"
PG2 = "198.51.100.22:5433:postgres:barman:secret two"
PG2_STREAMING = "198.51.100.22:5433:*:streaming_barman:secret three"


@pytest.fixture
def host(tmp_path: Path) -> BarmanHost:
    found = BarmanHost(tmp_path)
    found.server("pg", conninfo="host=198.51.100.21 user=barman dbname=postgres")
    found.server(
        "pg2",
        conninfo="host=198.51.100.22 port=5433 user=barman dbname=postgres",
        streaming_conninfo="host=198.51.100.22 port=5433 user=streaming_barman",
    )
    return found


def after(host: BarmanHost, lines: list[str]) -> str | None:
    stays = undeclared_connections(read(str(host.main), "nobody"), ["pg"], "barman")
    return plan(block(PG, PG2, PG2_STREAMING), lines, stays).after


def test_lines_of_an_undeclared_entry_stay_byte_for_byte(host: BarmanHost) -> None:
    assert after(host, [PG]) == block(PG, PG2, PG2_STREAMING)


def test_lines_of_an_entry_that_was_switched_off_go(host: BarmanHost) -> None:
    with (host.directory / "pg2.conf").open("a") as stream:
        stream.write("active = off\n")
    assert after(host, [PG]) == block(PG)


def test_a_new_password_of_a_declared_server_is_written(host: BarmanHost) -> None:
    assert after(host, [PG.replace("a\\:b", "new")]) == block(PG.replace("a\\:b", "new"), PG2, PG2_STREAMING)


@pytest.mark.parametrize(
    ("conninfo", "expected"),
    [
        ("host=a", [("a", "5432", "barman")]),
        ("host = a  port = 5433 user='the \\'one\\''", [("a", "5433", "the 'one'")]),
        ("hostaddr=192.0.2.1 user=x", [("192.0.2.1", "5432", "x")]),
        ("dbname=postgres", [("localhost", "5432", "barman")]),
        ("host=/run/postgresql", [("/run/postgresql", "5432", "barman"), ("localhost", "5432", "barman")]),
        ("host=a,b port=1,2", [("a", "1", "barman"), ("b", "2", "barman")]),
        ("host=a,b port=7", [("a", "7", "barman"), ("b", "7", "barman")]),
        ("", []),
    ],
)
def test_connections(conninfo: str, expected: list[tuple[str, str, str]]) -> None:
    found = sorted(connections_of(conninfo, "barman"), key=lambda item: item.host)
    assert found == [PasswordConnection(*item) for item in expected]


HOSTS = st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"])
USERS = st.sampled_from(["barman", "streaming_barman"])
CONNECTIONS = st.tuples(HOSTS, st.sampled_from(["5432", "5433"]), USERS)


@given(st.lists(CONNECTIONS, unique=True), st.sets(CONNECTIONS), st.dictionaries(st.sampled_from("abc"), CONNECTIONS))
def test_no_line_that_an_undeclared_entry_needs_is_ever_removed(there, desired, entries):
    def line(connection: tuple[str, str, str]) -> str:
        host, port, user = connection
        return "{}:{}:*:{}:pw".format(host.replace(":", "\\:"), port, user)

    servers = {
        name: ServerConfiguration(name, {"conninfo": "host={} port={} user={}".format(*connection)}, "")
        for name, connection in entries.items()
    }
    stays = undeclared_connections(Configuration("", {}, servers), ["a"], "barman")
    text = block(*map(line, there))
    lines = (plan(text, [line(item) for item in sorted(desired)], stays).after or "").splitlines()
    needed = {connection for name, connection in entries.items() if name != "a"}
    for connection in there:
        assert (line(connection) in lines) == (connection in needed or connection in desired)
