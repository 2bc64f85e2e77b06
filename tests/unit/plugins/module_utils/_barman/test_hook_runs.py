# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman import hook_runs
from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import DONE, Backup
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import ServerConfiguration, read
from ansible_collections.pgdr.barman.plugins.module_utils._check.check import OURS, Check
from ansible_collections.pgdr.barman.plugins.module_utils._check.own_checks import CheckedServer, read_own_checks
from tests.unit.plugins.module_utils._wal_receiver.streaming_world import StreamingWorld

OLD, NEW = "20261119T120000", "20261120T120000"


class Host:
    """A backup server with one server and run-hook."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.runner = path / "run-hook"
        self.runner.touch()
        self.options: dict[str, str] = {}

    def hook(self, name: str) -> None:
        self.options[name] = f"{self.runner} --state '{self.path}' --attempts 3 -- /srv/hook"

    def ran(self, name: str, subject: str, status: str = "ok", **values: Any) -> None:
        self.hook(name)
        failures = {subject: values.get("message", "")} if status == "failed" else {}
        state = {"subject": subject, "status": status, "pid": 1, "message": "", "failures": failures, **values}
        (self.path / f"pg.{name}.json").write_text(json.dumps(state))

    @property
    def server(self) -> ServerConfiguration:
        return ServerConfiguration("pg", self.options, "/etc/barman.d/pg.conf")

    def trouble(self, *backups: str, alive: bool = False) -> list[str]:
        return hook_runs.trouble(self.server, [taken(name) for name in backups], lambda pid: alive)


def taken(backup_id: str, status: str = DONE) -> Backup:
    return Backup(backup_id, status, "")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_only_what_run_hook_runs_is_known(host: Host) -> None:
    host.options.update(pre_backup_script="/srv/hook", post_backup_script="'broken", pre_delete_script="run-hook")
    assert hook_runs.guarded(host.server) == []
    host.hook("post_backup_script")
    (only,) = hook_runs.guarded(host.server)
    assert (only.name, only.state) == ("post_backup_script", str(host.path / "pg.post_backup_script.json"))


def test_nothing_is_wrong_before_the_first_run(host: Host) -> None:
    host.hook("post_backup_script")
    assert host.trouble(NEW) == []


def test_nothing_is_wrong_after_a_success(host: Host) -> None:
    host.ran("post_backup_script", NEW)
    assert host.trouble(OLD, NEW) == []


def test_a_failure_is_reported(host: Host) -> None:
    host.ran("post_backup_script", NEW, "failed", message="no room; password=secret")
    assert host.trouble(NEW) == [f"post_backup_script: failed for {NEW}: no room; password=********"]


def test_many_failures_are_reported_in_short(host: Host) -> None:
    host.ran("pre_archive_retry_script", "E", failures=dict.fromkeys("ABCDE", ""))
    (text,) = host.trouble()
    assert text == "pre_archive_retry_script: failed for C; failed for D; failed for E; and 2 more"


def test_a_run_without_an_end(host: Host) -> None:
    host.ran("post_backup_script", NEW, "running")
    assert host.trouble(NEW, alive=True) == []
    assert host.trouble(NEW) == [f"post_backup_script: was interrupted for {NEW}"]


def test_a_backup_without_its_hook(host: Host) -> None:
    host.ran("post_backup_script", OLD)
    assert host.trouble(OLD, NEW) == [f"post_backup_script: has not run for {NEW}"]
    assert hook_runs.trouble(host.server, [taken(OLD), taken(NEW, "STARTED")]) == []


def test_a_passive_node_runs_no_hooks_of_backups(host: Host) -> None:
    host.ran("post_backup_script", OLD)
    host.options["primary_ssh_command"] = "ssh other"
    assert host.trouble(NEW) == []


def test_run_hook_is_gone(host: Host) -> None:
    host.ran("post_backup_script", NEW)
    host.runner.unlink()
    assert "run-hook does not exist" in host.trouble(NEW)[0]


def test_a_state_that_is_damaged_is_none(host: Host) -> None:
    host.hook("post_backup_script")
    for text in ("", "[", "[]", "{}", '{"subject": 1}'):
        (host.path / "pg.post_backup_script.json").write_text(text)
        assert host.trouble(NEW) == []


def test_hooks_of_one_backup(host: Host) -> None:
    host.ran("pre_backup_script", NEW, message="told")
    host.ran("post_backup_script", NEW, "failed", message="no room")
    host.ran("post_backup_retry_script", OLD)
    host.ran("pre_archive_script", "A", "failed")
    found = hook_runs.of_backup(host.server, NEW)
    assert found == {
        "pre_backup_script": {"ok": True, "message": "told"},
        "post_backup_script": {"ok": False, "message": "no room"},
        "post_backup_retry_script": {"ok": False, "message": "it did not run"},
    }
    text = hook_runs.failure(host.server, NEW, found)
    assert text is not None
    assert text.endswith(
        "failed: post_backup_retry_script: it did not run; post_backup_script: no room"
    ) or text.endswith("failed: post_backup_script: no room; post_backup_retry_script: it did not run")
    assert "can be recovered from" in text
    assert hook_runs.failure(host.server, NEW, {"pre_backup_script": found["pre_backup_script"]}) is None


def test_processes_are_looked_for(host: Host) -> None:
    host.ran("post_backup_script", NEW, "running", pid=os.getpid())
    assert hook_runs.trouble(host.server, [taken(NEW)]) == []


def test_the_check_is_there_where_there_are_hooks(tmp_path: Path) -> None:
    world = StreamingWorld(tmp_path)

    def check() -> Check | None:
        return read_own_checks(CheckedServer(world.barman, read(str(world.main)).server("main"))).checks.get(
            "hook_scripts"
        )

    assert check() is None
    with world.main.open("a") as main:
        main.write(f"post_backup_script = {tmp_path}/run-hook --state {tmp_path} -- /x\n")
    found = check()
    assert found is not None
    assert (found.ok, "run-hook does not exist" in found.hint, found.source) == (False, True, OURS)
    (tmp_path / "run-hook").touch()
    found = check()
    assert found is not None
    assert (found.ok, found.hint) == (True, "")
