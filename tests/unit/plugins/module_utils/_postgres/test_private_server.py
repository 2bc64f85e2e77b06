# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.data_directory import (
    InstanceError,
    observe_data_directory,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.private_server import PrivateServer
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.server_address import QueryLocked, running_at

USER = getpass.getuser()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    (directory / "global").mkdir(parents=True)
    (directory / "global" / "pg_control").write_text("")
    (directory / "PG_VERSION").write_text("17\n")
    return directory


class FakeProcess:
    """A server that ends at the first of these signals."""

    def __init__(self, *ends_at: int, code: int = 0) -> None:
        self.pid = 1
        self.ends_at = ends_at
        self.code = code
        self.got: list[int] = []

    def poll(self) -> int | None:
        return self.code if set(self.got) & set(self.ends_at) else None

    def send_signal(self, sig: int) -> None:
        self.got.append(sig)


class World:
    """A private server whose process is played, and its clock."""

    def __init__(self, data: Path, process: FakeProcess) -> None:
        self.now = 0.0
        self.argv: list[str] = []
        self.answer = Completed([], 0, "")
        self.asked: list[Command] = []
        self.process = process
        self.data = data
        self.server = PrivateServer(
            str(data), "/bin", USER, "postgres", self._run, self._launch, lambda: self.now, self._pause
        )

    def _run(self, command: Command) -> Completed:
        self.asked.append(command)
        return self.answer

    def _pause(self, seconds: float) -> None:
        self.now += seconds

    def _launch(self, argv: Sequence[str], user: str, directory: str, log: str) -> FakeProcess:
        self.argv = list(argv)
        (self.data / "postmaster.opts").write_text("written by every start")
        return self.process


def test_a_server_is_private_and_leaves_nothing(data: Path) -> None:
    world = World(data, FakeProcess(signal.SIGINT))
    with world.server as server:
        server.start({"listen_addresses": "*", "hot_standby": "on"})
        directory = Path(server.directory)
        assert directory.stat().st_mode & 0o777 == 0o700
        settings = dict(one.split("=", 1) for one in world.argv[4::2])
        assert settings["listen_addresses"] == ""
        assert settings["unix_socket_directories"] == str(directory)
        assert settings["hot_standby"] == "on"
    assert world.process.got == [signal.SIGINT]
    assert not directory.exists()
    assert not (data / "postmaster.opts").exists()


@pytest.mark.parametrize(
    ("ends_at", "got"),
    [
        (signal.SIGQUIT, [signal.SIGINT, signal.SIGQUIT]),
        (signal.SIGKILL, [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL]),
    ],
)
def test_a_server_that_does_not_stop_is_made_to(data: Path, ends_at: int, got: list[int]) -> None:
    world = World(data, FakeProcess(ends_at))
    with world.server as server:
        server.start({})
        assert server.stop() is False
    assert world.process.got == got


def test_the_server_is_stopped_whatever_happens(data: Path) -> None:
    world = World(data, FakeProcess(signal.SIGINT))

    def interrupted() -> None:
        with world.server as server:
            server.start({})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert world.process.got == [signal.SIGINT]


def test_answers_are_rows_and_the_query_is_not_in_the_arguments(data: Path) -> None:
    world = World(data, FakeProcess(signal.SIGINT))
    world.answer = Completed([], 0, '1,"a, ""b""\nnext line",\x01NULL\x01,\n')
    with world.server as server:
        assert server.query("SELECT secret") == [["1", 'a, "b"\nnext line', None, ""]]
        command = world.asked[0]
        assert command.input == "SELECT secret\n;\n"
        assert not any("secret" in word for word in command.argv)
        assert "default_transaction_read_only=on" in command.env["PGOPTIONS"]
        world.answer = Completed([], 3, "", "ERROR:  no such table")
        with pytest.raises(InstanceError, match="no such table") as caught:
            server.query("SELECT 1;")
        assert not isinstance(caught.value, QueryLocked)


def test_a_lock_of_the_recovery_is_not_waited_for(data: Path) -> None:
    world = World(data, FakeProcess(signal.SIGINT))
    world.answer = Completed([], 3, "", "ERROR:  canceling statement due to lock timeout\nLINE 1: SELECT")
    with world.server as server, pytest.raises(QueryLocked):
        server.query("SELECT count(*) FROM dropped")
    assert "-c lock_timeout=2s" in world.asked[0].env["PGOPTIONS"]


def test_where_a_running_server_is_asked(data: Path) -> None:
    asked: list[Command] = []

    def runner(command: Command) -> Completed:
        asked.append(command)
        return Completed([], 0, "1\n")

    with pytest.raises(InstanceError, match="no PostgreSQL server runs with"):
        running_at(observe_data_directory(str(data)), "/bin", "postgres", runner)
    running = replace(observe_data_directory(str(data)), postmaster_pid=4711)
    (data / "postmaster.pid").write_text(f"4711\n{data}\n1763600000\n5433\n/run/postgresql\n*\n  1 2\nready   \n")
    assert running_at(running, "/bin", "admin", runner).query("SELECT 1", "shop") == [["1"]]
    assert {"--host=/run/postgresql", "--port=5433", "--username=admin", "--dbname=shop"} <= set(asked[0].argv)
    # Others may hold locks there for a moment.
    assert "-c lock_timeout=0" in asked[0].env["PGOPTIONS"]
    (data / "postmaster.pid").write_text(f"4711\n{data}\n1763600000\n5433\n\n*\n")
    with pytest.raises(InstanceError, match="it has no socket"):
        running_at(running, "/bin", "postgres", runner)
