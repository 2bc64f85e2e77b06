# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module commit_test: how it connects, and what it answers."""

from __future__ import annotations

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import commit_test as operation
from ansible_collections.pgdr.barman.plugins.modules import commit_test
from tests.unit.plugins.module_utils._postgres.test_commit_test import Server, Session
from tests.unit.plugins.modules.running import run_main


class Postgres:
    """A server, and the connections that were opened to it."""

    def __init__(self) -> None:
        self.server = Server("FIRST 1 (barman)")
        self.connections: list[tuple[str, str]] = []

    def connect(self, conninfo: str, user: str) -> Session:
        self.connections.append((conninfo, user))
        return self.server.session()


@pytest.fixture
def postgres(monkeypatch: pytest.MonkeyPatch) -> Postgres:
    found = Postgres()
    monkeypatch.setattr(operation, "require_psycopg", lambda: None)
    monkeypatch.setattr(operation, "connect", found.connect)
    return found


def test_a_commit_that_returns(postgres: Postgres, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(commit_test.main, capsys, login_port=5433)
    assert (answer["takes_writes"], answer["reason"], answer["changed"]) == (True, "", False)
    assert answer["synchronous_standby_names"] == "FIRST 1 (barman)"
    assert answer["senders"] == [{"application": "barman", "state": "streaming", "sync_state": "async"}]
    assert [user for _conninfo, user in postgres.connections] == ["postgres", "postgres"]
    assert all("port=5433" in conninfo for conninfo, _user in postgres.connections)
    assert (postgres.server.wrote, postgres.server.open) == (1, 0)


def test_a_server_that_takes_no_writes_is_an_answer_and_no_failure(
    postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    postgres.server.error = "the disk is full"
    answer = run_main(commit_test.main, capsys)
    assert (answer["takes_writes"], answer["reason"]) == (False, "the disk is full")


def test_check_mode_commits_nothing(postgres: Postgres, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(commit_test.main, capsys, check_mode=True)["takes_writes"] is None
    assert postgres.connections == []


def test_a_server_that_does_not_answer_is_a_failure(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def connect(conninfo: str, user: str) -> Session:
        raise HostError("no server there")

    monkeypatch.setattr(operation, "connect", connect)
    assert run_main(commit_test.main, capsys)["msg"] == "no server there"


def test_a_time_limit_of_nothing_is_refused(postgres: Postgres, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(commit_test.main, capsys, timeout=0)["msg"] == "timeout: 0 is not a positive number of seconds"
    assert postgres.connections == []
