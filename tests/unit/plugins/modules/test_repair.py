# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of a repair, and what is left when a step fails."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.ledger import read_ledger
from ansible_collections.pgdr.barman.plugins.module_utils._check.check import Check
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.result import Result, ServerOutcome
from ansible_collections.pgdr.barman.plugins.module_utils._repair import run
from ansible_collections.pgdr.barman.plugins.module_utils._repair.plan import ReceiverFinding, RepairObservation
from ansible_collections.pgdr.barman.plugins.modules import repair
from tests.unit.plugins.modules.running import run_main

ME = pwd.getpwuid(os.geteuid()).pw_name
LOST = {"reset": {"reason": "wal_removed", "start": "000000010000000000000010"}, "backup_needed": True}


class RepairWorld:
    """A backup server whose operations only note that they were called."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.home = str(home)
        self.receiver = ReceiverFinding(LOST, changes=True)
        self.receiver_error: str | None = None
        self.lost_meanwhile = False
        self.backup_failure: str | None = None
        self.checks_after: list[Check] = [Check("WAL continuity", ok=True)]
        self.backup_params: dict[str, Any] = {}
        configuration = SimpleNamespace(home=self.home, server=self.server)
        monkeypatch.setattr(run, "require_psycopg", lambda: None)
        monkeypatch.setattr(run, "read", lambda _file, _user: configuration)
        monkeypatch.setattr(run, "observe", self.observe)
        monkeypatch.setattr(run, "ReceiverHost", lambda *_arguments: None)
        monkeypatch.setattr(run, "set_receiver", self.set_receiver)
        monkeypatch.setattr(run, "back_up", self.back_up)
        monkeypatch.setattr(run, "CheckedServer", lambda _barman, entry, _connect: entry)
        monkeypatch.setattr(run, "read_losses", lambda _server: self.checks_after)

    def server(self, name: str) -> SimpleNamespace:
        if name == "unknown":
            raise HostError("Barman has no server 'unknown'")
        return SimpleNamespace(name=name)

    def observe(
        self, _barman: Any, _configuration: Any, name: str, _connect: Any, _timeout: float
    ) -> RepairObservation:
        if name == "broken":
            raise HostError("server 'broken': no such directory")
        receiver = self.receiver if name == "pg" else ReceiverFinding({}, changes=False)
        return RepairObservation(name, passive=False, active=True, checks={}, receiver=receiver)

    def set_receiver(self, _host: Any, request: Any, *, check_mode: bool) -> ServerOutcome:
        assert request.may_reset
        assert not check_mode
        self.calls.append("reset")
        return ServerOutcome({"backup_needed": self.lost_meanwhile}, error=self.receiver_error)

    def back_up(self, params: dict[str, Any], *, check_mode: bool) -> Result:
        assert not check_mode
        self.calls.append("back up")
        self.backup_params = params
        return Result(changed=True, values={"backup": {"id": "20261130T110000"}}, failure=self.backup_failure)

    def results(self) -> list[str]:
        return [record.result for record in read_ledger(self.home, "pg").of_kind("gap")]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RepairWorld:
    return RepairWorld(tmp_path, monkeypatch)


def repaired(capsys: pytest.CaptureFixture[str], *servers: str, **arguments: Any) -> dict[str, Any]:
    return run_main(repair.main, capsys, servers=list(servers), barman_user=ME, **arguments)


def test_the_receiver_comes_before_the_backup_and_the_ledger_has_both_records(
    world: RepairWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = repaired(capsys, "pg", immediate_checkpoint=True)
    assert world.calls == ["reset", "back up"]
    assert answer["changed"]
    assert answer["servers"]["pg"]["backup"] == {"id": "20261130T110000"}
    records = read_ledger(world.home, "pg").of_kind("gap")
    assert [record.result for record in records] == ["failed", "passed"]
    assert records[0].details["reasons"][0]["code"] == "wal_removed"
    assert records[1].details == {"repairs": records[0].id, "backup": "20261130T110000"}
    assert world.backup_params["incremental"] is None
    assert world.backup_params["max_age"] is None
    assert world.backup_params["immediate_checkpoint"] is True


def test_check_mode_does_nothing(world: RepairWorld, capsys: pytest.CaptureFixture[str]) -> None:
    answer = repaired(capsys, "pg", check_mode=True)
    assert answer["changed"]
    assert answer["servers"]["pg"]["steps"] == ["reset the WAL receiver", "take a full backup"]
    assert world.calls == []
    assert world.results() == []


def test_a_server_that_has_lost_nothing_has_no_record(world: RepairWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert not repaired(capsys, "sound")["changed"]
    assert world.calls == []
    assert read_ledger(world.home, "sound").records == ()


def test_without_a_receiver_no_backup_is_taken(world: RepairWorld, capsys: pytest.CaptureFixture[str]) -> None:
    world.receiver_error = "the disk is full"
    answer = repaired(capsys, "pg")
    assert answer["msg"] == "the disk is full. No backup was taken"
    assert world.calls == ["reset"]
    assert world.results() == ["failed"]


def test_a_failed_backup_is_no_repair(world: RepairWorld, capsys: pytest.CaptureFixture[str]) -> None:
    world.backup_failure = "hook failed"
    assert repaired(capsys, "pg")["msg"] == "hook failed"
    assert world.results() == ["failed"]


def test_a_gap_after_the_new_backup_is_no_repair(world: RepairWorld, capsys: pytest.CaptureFixture[str]) -> None:
    world.checks_after = [Check("WAL continuity", ok=False, hint="one is missing")]
    answer = repaired(capsys, "pg")
    assert answer["msg"] == (
        "server 'pg': after the repair, something is still missing: WAL continuity: one is missing"
    )
    assert world.results() == ["failed"]


def test_a_receiver_that_only_has_to_be_started_is_no_loss(
    world: RepairWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world.receiver = ReceiverFinding({"backup_needed": False}, changes=True)
    assert repaired(capsys, "pg")["changed"]
    assert world.calls == ["reset"]
    assert world.results() == []


def test_wal_that_is_lost_after_the_plan_takes_a_backup_too(
    world: RepairWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world.receiver = ReceiverFinding({"backup_needed": False}, changes=True)
    world.lost_meanwhile = True
    answer = repaired(capsys, "pg")
    assert world.calls == ["reset", "back up"]
    assert answer["servers"]["pg"]["backup"] == {"id": "20261130T110000"}
    assert world.results() == ["failed", "passed"]


def test_a_started_receiver_is_proven_too(world: RepairWorld, capsys: pytest.CaptureFixture[str]) -> None:
    world.receiver = ReceiverFinding({"backup_needed": False}, changes=True)
    world.checks_after = [Check("WAL continuity", ok=False, hint="one is missing")]
    assert "after the repair, something is still missing" in repaired(capsys, "pg")["msg"]


def test_the_failure_of_one_server_does_not_stop_the_others(
    world: RepairWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = repaired(capsys, "broken", "pg")
    assert answer["msg"] == "server 'broken': no such directory"
    assert answer["servers"]["pg"]["error"] is None
    assert world.calls == ["reset", "back up"]


def test_an_unknown_server_stops_everything_before_it_begins(
    world: RepairWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    assert repaired(capsys, "pg", "unknown")["msg"] == "Barman has no server 'unknown'"
    assert world.calls == []
