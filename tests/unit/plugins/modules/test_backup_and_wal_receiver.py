# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules backup and wal_receiver, as Ansible runs them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pgdr.barman.plugins.module_utils._backup import observe as backup_operation
from ansible_collections.pgdr.barman.plugins.module_utils._backup import run as backup_run
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Completed
from ansible_collections.pgdr.barman.plugins.module_utils._host.progress import running
from ansible_collections.pgdr.barman.plugins.module_utils._wal_receiver import observe as receiver_operation
from ansible_collections.pgdr.barman.plugins.module_utils._wal_receiver import run as receiver_run
from ansible_collections.pgdr.barman.plugins.modules import backup, wal_receiver
from tests.unit.plugins.module_utils._wal_receiver.streaming_world import MIB, StreamingWorld
from tests.unit.plugins.modules.running import run_main

ID = "20261120T080000"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StreamingWorld:
    found = StreamingWorld(tmp_path)
    for run in (backup_run, receiver_run):
        monkeypatch.setattr(run, "barman_from", lambda params: found.barman)
        monkeypatch.setattr(run, "connect", found.connect)
        monkeypatch.setattr(run, "require_psycopg", lambda: None)
    for operation in (backup_operation, receiver_operation):
        monkeypatch.setattr(operation, "command_line", found.command_line)
    return found


@pytest.fixture
def run_receiver(world: StreamingWorld, capsys: pytest.CaptureFixture[str]) -> Any:
    return partial(run_main, wal_receiver.main, capsys, config_file=str(world.main))


@pytest.fixture
def run_backup(world: StreamingWorld, capsys: pytest.CaptureFixture[str]) -> Any:
    return partial(run_main, backup.main, capsys, config_file=str(world.main), server="main")


class TestWalReceiver:
    def test_started_and_nothing_more(self, run_receiver: Any, world: StreamingWorld) -> None:
        promised = run_receiver(check_mode=True, diff=True)
        assert (promised["changed"], world.pid) == (True, None)
        done = run_receiver(diff=True)
        assert (done["changed"], world.pid) == (True, 4711)
        assert promised["diff"] == done["diff"]
        assert done["diff"]["before"]["main"]["receiver"] == "stopped"
        assert done["servers"]["main"]["receiver_pid"] == 4711
        for arguments in ({}, {"check_mode": True}):
            again = run_receiver(diff=True, **arguments)
            assert again["changed"] is False
            assert again["diff"] == {"before": {}, "after": {}}

    def test_every_key_of_the_documentation_is_there(self, run_receiver: Any) -> None:
        expected = set(documented(wal_receiver.RETURN)["servers"]["contains"])
        assert set(run_receiver()["servers"]["main"]) == expected

    def test_one_broken_server_does_not_keep_the_others(
        self, run_receiver: Any, world: StreamingWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (world.entry.parent / "a-broken.conf").write_text("[a-broken]\nconninfo = 'host=\nstreaming_archiver = on\n")
        (world.entry.parent / "z-passive.conf").write_text("[z-passive]\nprimary_ssh_command = ssh b@c\n")
        world.options["slot_name"] = "barman"
        connect = world.connect

        def some(conninfo: str, *rest: Any, **options: Any) -> Any:
            if "198.51.100.10" not in conninfo:
                world.unreachable = {False: "Connection refused"}
            try:
                return connect(conninfo, *rest, **options)
            finally:
                world.unreachable = {}

        monkeypatch.setattr(receiver_run, "connect", some)
        answer = run_receiver(servers=["a-broken", "main", "z-passive"])
        assert answer["failed"]
        assert world.pid == 4711
        assert answer["servers"]["main"]["error"] is None
        assert answer["servers"]["a-broken"]["error_kind"] == "refused"
        assert answer["servers"]["z-passive"]["error_kind"] == "configuration"
        assert len(answer["msg"].splitlines()) == 2
        assert answer["changed"] is True

    def test_a_server_that_is_not_there(self, run_receiver: Any) -> None:
        answer = run_receiver(servers=["nothing"])
        assert answer["msg"] == "Barman has no server 'nothing' on this host; it has: main"

    def test_missing_wal_is_warned_of(self, run_receiver: Any, world: StreamingWorld) -> None:
        run_receiver()
        world.backup(ID, 5, 5)
        world.stop_receiver()
        world.postgres.lsn += 10 * MIB
        world.postgres.oldest = 14
        answer = run_receiver(reset="when_needed")
        assert answer["servers"]["main"]["backup_needed"]
        assert "take a new base backup" in str(answer["warnings"])

    def test_absent(self, run_receiver: Any, world: StreamingWorld) -> None:
        run_receiver()
        assert run_receiver(state="absent", check_mode=True)["changed"]
        assert world.pid == 4711
        assert run_receiver(state="absent")["changed"]
        assert world.postgres.slots == {}
        assert world.senders() == []
        assert run_receiver(state="absent")["changed"] is False


class TestBackup:
    @pytest.fixture(autouse=True)
    def taking(self, world: StreamingWorld) -> None:
        world.ensure_receiver("started")

        def take(words: list[str]) -> Completed:
            self.states = running(str(world.home), lambda pid: True)
            now = datetime.now(UTC)
            world.backup(ID, 4, 5, end_time=now, begin_time=now)
            return Completed(words, 0, json.dumps({"backup_id": ID}))

        world.on_backup = take
        world.log.clear()

    def test_taken_with_its_progress(self, run_backup: Any, world: StreamingWorld) -> None:
        answer = run_backup()
        assert (answer["changed"], answer["backup"]["id"], answer["backup"]["status"]) == (True, ID, "DONE")
        assert [(state["operation"], state["server"], state["phase"]) for state in self.states] == [
            ("backup", "main", "starting")
        ]
        assert running(str(world.home), lambda pid: True) == []
        assert set(answer["backup"]) == set(documented(backup.RETURN)["backup"]["contains"])

    @pytest.mark.parametrize(
        ("state", "outcome"),
        [
            ({"subject": ID, "status": "ok", "message": "done"}, {"ok": True, "message": "done"}),
            ({"subject": ID, "status": "failed", "message": "no room"}, {"ok": False, "message": "no room"}),
            ({"subject": "20261101T000000", "status": "ok", "message": ""}, {"ok": False, "message": "it did not run"}),
        ],
    )
    def test_how_its_hook_went(
        self, run_backup: Any, world: StreamingWorld, tmp_path: Path, state: Any, outcome: Any
    ) -> None:
        with world.main.open("a") as main:
            main.write(f"post_backup_script = /usr/local/lib/pgdr.barman/run-hook --state {tmp_path} -- /x\n")
        (tmp_path / "main.post_backup_script.json").write_text(json.dumps({**state, "pid": 1, "failures": {}}))
        answer = run_backup()
        assert answer["hooks"] == {"post_backup_script": outcome}
        assert bool(answer.get("failed")) is not outcome["ok"]
        # The backup is there all the same.
        assert (answer["changed"], answer["backup"]["status"]) == (True, "DONE")
        if not outcome["ok"]:
            assert answer["msg"].endswith(f"post_backup_script: {outcome['message']}")
        assert run_backup(max_age="1h")["hooks"] == {}

    def test_a_recent_one_is_enough(self, run_backup: Any, world: StreamingWorld) -> None:
        assert run_backup(max_age="1h")["changed"] is True
        world.log.clear()
        for arguments in ({}, {"check_mode": True}):
            answer = run_backup(max_age="1h", **arguments)
            assert (answer["changed"], answer["backup"]["id"]) == (False, ID)
        assert world.log == []

    def test_check_mode(self, run_backup: Any, world: StreamingWorld) -> None:
        answer = run_backup(check_mode=True, max_age="1h")
        assert (answer["changed"], answer["backup"]) == (True, None)
        assert world.log == []
        assert run_backup(check_mode=True, jobs=4)["failed"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"max_age": "soon"}, "barman_backup_max_age (option max_age of the module): 'soon' is not a time span"),
            ({"server": "nothing"}, "Barman has no server 'nothing' on this host; it has: main"),
            ({"incremental": "latest"}, "incremental: backup 'latest' of server 'main' does not exist"),
        ],
    )
    def test_what_can_t_be(self, run_backup: Any, world: StreamingWorld, arguments: Any, message: str) -> None:
        answer = run_backup(**arguments)
        assert answer["failed"]
        assert message in answer["msg"]
        assert answer["backup"] is None
        assert not [entry for entry in world.log if entry.startswith("backup")]

    def test_a_failed_one_is_returned(self, run_backup: Any, world: StreamingWorld) -> None:
        def fail(words: list[str]) -> Completed:
            world.backup(ID, 4, 5, status="FAILED", error="failure copying files")
            return Completed(words, 1, json.dumps({"_ERROR": ["Backup failed copying files."]}))

        world.on_backup = fail
        answer = run_backup()
        assert (answer["failed"], answer["backup"]["status"]) == (True, "FAILED")
        assert running(str(world.home), lambda pid: True) == []


def documented(text: str) -> Any:
    return yaml.safe_load(text)
