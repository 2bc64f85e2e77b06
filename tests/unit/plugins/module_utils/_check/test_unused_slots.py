# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replication slots that nobody reads."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._check import run as check_run
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.questions import Answer, Question
from ansible_collections.pgdr.barman.plugins.modules import check
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost
from tests.unit.plugins.modules.running import run_main


class Servers:
    """The inactive slots of each server; an error for one that does not answer."""

    def __init__(self) -> None:
        self.slots: dict[str, list[str] | HostError] = {}
        self.asked: list[str] = []

    def __call__(self, questions: Mapping[str, Question], _user: str | None, _timeout: float) -> dict[str, Answer]:
        self.asked = sorted(questions)
        found = {name: self.slots.get(name, []) for name in questions}
        return {name: one if isinstance(one, HostError) else {"slots": one} for name, one in found.items()}


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Servers:
    host = BarmanHost(tmp_path)
    for name in ("pg", "pg2"):
        host.server(name, conninfo=f"host={name}", slot_name="barman" if name == "pg" else "barman_pg2")
        host.backup(name, "20260101T000000", 5)
        host.wal(name, [5, 6])
    found = Servers()
    monkeypatch.setattr(check_run, "barman_from", lambda params: host.barman)
    monkeypatch.setattr(check_run, "connect", None)
    monkeypatch.setattr(check_run, "psycopg_is_there", lambda: True)
    monkeypatch.setattr(check_run, "ask_all", found)
    return found


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    return partial(run_main, check.main, capsys, fail_on_error=False, servers=["pg", "pg2"])


def test_a_slot_of_a_former_backup_server_is_found_with_the_command(servers: Servers, run: Any) -> None:
    servers.slots = {"pg": ["barman_former", "barman"], "pg2": HostError("it does not answer")}
    answer = run(declared=["pg", "pg2"], declared_hosts=["pg", "pg2"])
    assert not answer["ok"]
    (problem,) = answer["servers"]["pg"]["problems"]
    assert "unused replication slots: nobody reads barman_former, and no entry" in problem
    assert "SELECT pg_drop_replication_slot('barman_former')" in problem
    assert answer["servers"]["pg2"]["ok"]
    assert servers.asked == ["pg", "pg2"]


def test_slots_of_other_entries_of_the_host_are_used(servers: Servers, run: Any) -> None:
    # Both servers can be standbys of one primary.
    servers.slots = {"pg": ["barman_pg2"], "pg2": ["barman"]}
    assert run(declared=["pg", "pg2"], declared_hosts=["pg", "pg2"])["ok"]


def test_it_can_be_ignored(servers: Servers, run: Any) -> None:
    servers.slots = {"pg": ["barman_former"]}
    assert run(declared=["pg", "pg2"], declared_hosts=["pg"], ignore=["unused replication slots"])["ok"]


def test_a_check_of_some_servers_asks_nobody(servers: Servers, run: Any) -> None:
    servers.slots = {"pg": ["barman_former"]}
    assert run()["ok"]
    assert servers.asked == []
