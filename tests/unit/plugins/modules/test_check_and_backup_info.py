# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._check import run as check_run
from ansible_collections.pgdr.barman.plugins.modules import backup_info, check
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost
from tests.unit.plugins.modules.running import run_main


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BarmanHost:
    found = BarmanHost(tmp_path)
    for name in ("a", "b"):
        found.server(name, conninfo=f"host={name}")
        found.backup(name, "20260101T000000", 5)
        found.wal(name, [5, 6])
    for module in (check_run, backup_info):
        monkeypatch.setattr(module, "barman_from", lambda params: found.barman)
    monkeypatch.setattr(check_run, "psycopg_is_there", lambda: False)
    return found


@pytest.fixture
def run_check(host: BarmanHost, capsys: pytest.CaptureFixture[str]) -> Any:
    return partial(run_main, check.main, capsys)


@pytest.fixture
def run_info(host: BarmanHost, capsys: pytest.CaptureFixture[str]) -> Any:
    return partial(run_main, backup_info.main, capsys)


class TestCheck:
    def test_good(self, run_check: Any) -> None:
        answer = run_check()
        assert (answer["ok"], answer["changed"], answer["problems"]) == (True, False, [])
        assert sorted(answer["servers"]) == ["a", "b"]

    def test_it_fails_with_the_reasons(self, run_check: Any, host: BarmanHost) -> None:
        host.failed = {"a": {"directories": "no space"}, "b": {"PostgreSQL": ""}}
        answer = run_check()
        assert answer["failed"]
        assert answer["msg"].startswith(
            "server 'a': directories: no space; server 'b': PostgreSQL: FAILED; the last WAL received is segment "
        )
        assert answer["servers"]["a"]["checks"]["directories"]["hint"] == "no space"

    def test_it_can_go_on(self, run_check: Any, host: BarmanHost) -> None:
        host.failed = {"a": {"directories": "no space"}}
        answer = run_check(fail_on_error=False)
        assert "failed" not in answer
        assert (answer["ok"], answer["problems"]) == (False, ["server 'a': directories: no space"])

    def test_ignored(self, run_check: Any, host: BarmanHost) -> None:
        host.failed = {"a": {"directories": "no space"}}
        assert run_check(ignore=["directories"])["ok"]

    def test_check_mode(self, run_check: Any, host: BarmanHost) -> None:
        host.backup("b", "20260101T000000", 5, status="FAILED")
        answer = run_check(check_mode=True)
        assert "failed" not in answer
        assert (answer["ok"], answer["barman_checked"], host.calls) == (False, False, [])
        assert "did not run it in check mode" in str(answer["warnings"])

    def test_an_unknown_server(self, run_check: Any) -> None:
        assert "Barman has no server 'x' on this host; it has: a, b" in run_check(servers=["x"])["msg"]

    def test_no_barman(self, run_check: Any, host: BarmanHost) -> None:
        host.main.unlink()
        assert "is Barman installed?" in run_check()["msg"]


class TestBackupInfo:
    def test_all(self, run_info: Any) -> None:
        answer = run_info()
        assert not answer["changed"]
        assert sorted(answer["servers"]) == ["a", "b"]
        assert answer["servers"]["a"]["backups"][0]["backup_id"] == "20260101T000000"

    def test_check_mode_is_no_different(self, run_info: Any) -> None:
        one, other = run_info(), run_info(check_mode=True)
        for answer in (one, other):
            for found in answer["servers"].values():
                del found["latest_backup_age"], found["wal"]["last_age"], found["backups"][0]["age"]
        assert one["servers"] == other["servers"]

    def test_one_server_one_backup(self, run_info: Any) -> None:
        answer = run_info(servers=["a"], backup_id="latest")
        assert [len(found["backups"]) for found in answer["servers"].values()] == [1]

    def test_unknown_backup(self, run_info: Any) -> None:
        assert "no server of this host has a backup 'x'" in run_info(backup_id="x")["msg"]

    def test_barman_does_not_answer(self, run_info: Any, host: BarmanHost) -> None:
        host.stderr = "ERROR: broken"
        assert "ERROR: broken" in str(run_info()["warnings"])
