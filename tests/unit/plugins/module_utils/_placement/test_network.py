# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Round trips and throughput, over connections of this machine."""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._placement.network import (
    Limit,
    link_facts,
    postgres_throughput,
    round_trip,
    ssh_throughput,
)


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_round_trip_is_the_shortest_of_several_connections() -> None:
    times = iter(float(time) for time in (0, 3, 10, 11, 20, 25, 30, 37, 40, 44))
    with listening() as port:
        assert round_trip("127.0.0.1", port, lambda: next(times)) == 1.0


def test_a_refusal_is_an_answer() -> None:
    with listening() as port:
        pass
    found = round_trip("127.0.0.1", port)
    assert found is not None
    assert 0 < found < 1


def test_a_host_without_an_address_has_no_round_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: object, **more: object) -> None:
        raise socket.gaierror("unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert round_trip("db.example.org", 5432) is None


@pytest.mark.parametrize("address", ["db..example", f"{'d' * 64}.example", "db\0"])
def test_what_is_no_name_of_a_host_has_no_round_trip(address: str) -> None:
    assert round_trip(address, 5432) is None


def test_a_command_with_an_unbalanced_quote_is_refused() -> None:
    with pytest.raises(HostError, match="primary_ssh_command can't be read as a command: No closing quotation"):
        ssh_throughput("ssh 'barman@192.0.2.10", "barman", Limit(2, 1), Ssh().run)


class Session:
    """Sends blocks of a megabyte, one each 10 ms."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sent = 0
        self.ended = False
        self.sql = ""

    def clock(self) -> float:
        return self.now

    def copied_bytes(self, sql: str) -> Generator[int, None, None]:
        self.sql = sql
        try:
            for _number in range(100):
                self.now += 0.01
                self.sent += 1
                yield 1_000_000
        finally:
            self.ended = True

    def close(self) -> None:
        """Nothing is to be closed."""


def test_the_throughput_is_measured_until_the_time_is_over() -> None:
    session = Session()
    found = postgres_throughput(session, Limit(0.255, 64_000_000), session.clock)
    assert found == pytest.approx(1e8)
    assert session.sent == 26
    assert session.ended
    assert "generate_series(1, 8000)" in session.sql


def test_too_little_is_no_measurement() -> None:
    session = Session()
    assert postgres_throughput(session, Limit(0.001, 1), session.clock) is None


class Ssh:
    """Runs the commands of a passive node."""

    def __init__(self, received: str = "50000000", rc: int = 0) -> None:
        self.received = received
        self.rc = rc
        self.commands: list[Command] = []

    def run(self, command: Command) -> Completed:
        self.commands.append(command)
        login = command.argv[-1].endswith("true | wc -c")
        return Completed(command.argv, self.rc, "0\n" if login else self.received, "denied", 0.5 if login else 1.5)


def test_the_login_is_no_part_of_the_throughput() -> None:
    ssh = Ssh()
    assert ssh_throughput("ssh -q barman@192.0.2.10", "barman", Limit(2, 64_000_000), ssh.run) == 50_000_000
    assert [one.user for one in ssh.commands] == ["barman", "barman"]
    assert ssh.commands[1].argv[-1] == (
        "ssh -q barman@192.0.2.10 -o BatchMode=yes -o ConnectTimeout=5 'timeout 2 head -c 64000000 /dev/urandom' | wc -c"
    )


@pytest.mark.parametrize("ssh", [Ssh(rc=1), Ssh(received="0"), Ssh(received="")])
def test_ssh_that_sends_nothing_is_an_error(ssh: Ssh) -> None:
    with pytest.raises(HostError, match="denied"):
        ssh_throughput("ssh barman@192.0.2.10", "barman", Limit(2, 64_000_000), ssh.run)


def test_the_facts_of_a_link() -> None:
    assert link_facts(0.00012345678, 1234.5, "") == {"rtt": 0.000123, "throughput": 1234, "reason": ""}
    assert link_facts(None, None, "why") == {"rtt": None, "throughput": None, "reason": "why"}
