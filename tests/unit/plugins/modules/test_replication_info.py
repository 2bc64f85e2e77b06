# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a server replicates, and how long the module waits for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.connection import ConnectionFailed
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.diagnosis import Diagnosis
from ansible_collections.pgdr.barman.plugins.module_utils._replication_info import run
from ansible_collections.pgdr.barman.plugins.module_utils._replication_info.run import ReplicationState
from ansible_collections.pgdr.barman.plugins.modules import replication_info
from tests.unit.plugins.modules.running import run_main

SETTINGS = {"max_wal_senders": {"running": 3, "pending": 10}}
STARTING = ConnectionFailed(Diagnosis("starting", "it starts", "Wait", "PostgreSQL is starting up"))


def state(*, standby: bool = True, streaming: bool = False, position: str | None = "0/5000000") -> ReplicationState:
    return ReplicationState(standby, streaming, position, SETTINGS)


class Server:
    """One observation after the other; the last one stays."""

    def __init__(self, *observations: ReplicationState | ConnectionFailed) -> None:
        self.observations = list(observations)
        self.time = 0.0

    def __call__(self, params: Mapping[str, Any]) -> ReplicationState:
        found = self.observations.pop(0) if len(self.observations) > 1 else self.observations[0]
        if isinstance(found, ConnectionFailed):
            raise found
        return found

    def pause(self, seconds: float) -> None:
        self.time += seconds

    def info(
        self, *, streaming: bool = False, replayed: str = "", timeout: int = 0, check: bool = False
    ) -> Mapping[str, Any]:
        params = {"streaming": streaming, "replayed": replayed, "timeout": timeout}
        return run.replication_info(
            params, check_mode=check, observing=self, clock=lambda: self.time, pause=self.pause
        ).values


@pytest.fixture(autouse=True)
def _psycopg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "require_psycopg", lambda: None)


def test_an_observation() -> None:
    assert Server(state()).info() == {
        "in_recovery": True,
        "streaming": False,
        "position": "0/5000000",
        "settings": SETTINGS,
    }
    with pytest.raises(ConnectionFailed):
        Server(STARTING).info()


def test_a_standby_that_starts_and_streams() -> None:
    server = Server(STARTING, STARTING, state(), state(streaming=True))
    assert server.info(streaming=True, timeout=600)["streaming"]
    assert server.time == 3


def test_a_primary_is_up_if_it_accepts_connections() -> None:
    server = Server(STARTING, state(standby=False))
    assert not server.info(streaming=True, replayed="0/6000000", timeout=600)["in_recovery"]


def test_a_standby_that_does_not_stream() -> None:
    with pytest.raises(HostError) as caught:
        Server(state()).info(streaming=True, timeout=600)
    assert str(caught.value) == (
        "the standby to stream from its primary: not within 600 s; last observed: the standby accepts connections, and does not stream from its primary"
    )


def test_a_server_that_does_not_come_back() -> None:
    with pytest.raises(HostError, match=r"not within 600 s; last observed: PostgreSQL is starting up"):
        Server(STARTING).info(timeout=600)


def test_a_standby_that_replays() -> None:
    server = Server(state(position=None), state(position="0/4FFFFFF"), state(position="0/5000000"))
    assert server.info(replayed="0/5000000", timeout=600)["position"] == "0/5000000"
    with pytest.raises(HostError, match=r"replay WAL up to 0/6000000: not within 5 s"):
        Server(state()).info(replayed="0/6000000", timeout=5)
    with pytest.raises(HostError, match="is no position in the WAL"):
        Server(state()).info(replayed="latest")


def test_check_mode_waits_for_no_standby() -> None:
    assert not Server(state()).info(streaming=True, replayed="0/6000000", timeout=600, check=True)["streaming"]


class Session:
    row: Mapping[str, Any]

    def query(self, sql: str, params: Any = ()) -> list[Mapping[str, Any]]:
        return [self.row]


def test_what_the_module_returns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    written = {
        "max_wal_senders": {"running": "3", "pending": "10"},
        "max_connections": {"running": "100", "pending": "many"},
    }

    @contextmanager
    def logged_in(params: Mapping[str, Any]) -> Iterator[Session]:
        session = Session()
        session.row = {"in_recovery": False, "streaming": False, "position": "0/1", "settings": json.dumps(written)}
        yield session

    monkeypatch.setattr(run, "logged_in", logged_in)
    answer = run_main(replication_info.main, capsys)
    assert answer["settings"] == {**SETTINGS, "max_connections": {"running": 100, "pending": 100}}
    assert (answer["changed"], answer["in_recovery"]) == (False, False)
