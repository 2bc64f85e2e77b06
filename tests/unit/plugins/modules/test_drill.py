# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules drill and drill_info as Ansible runs them."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.ledger import append_record, new_record
from ansible_collections.pgdr.barman.plugins.module_utils._drill import run as operation
from ansible_collections.pgdr.barman.plugins.modules import drill, drill_info
from tests.unit.plugins.module_utils._drill.drill_host import NOW, DrillHost
from tests.unit.plugins.modules.running import run_main


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DrillHost:
    made = DrillHost(tmp_path)
    made.server("app", "20261130T110000")
    monkeypatch.setattr(operation, "DrillEnvironment", lambda *unused, **more: made.environment())
    return made


def run(host: DrillHost, capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    given = {"bin_directory": str(host.root / "bin"), "priority": "normal", **arguments}
    return run_main(drill.main, capsys, config_file=str(host.files.main), barman_user=getpass.getuser(), **given)


def info(host: DrillHost, capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    return run_main(
        drill_info.main, capsys, config_file=str(host.files.main), barman_user=getpass.getuser(), **arguments
    )


def test_a_drill_is_run_and_read(host: DrillHost, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(host, capsys, queries=[{"query": "SELECT 1", "expect": 1, "server": "app"}], requested_by="dba")
    assert answer["changed"]
    assert answer["drills"]["app"]["result"] == "passed"
    assert (answer["problems"], answer["removed"], answer["left"]) == ([], [], [])
    assert host.verifications[0].queries[0].expected
    found = info(host, capsys, evidence="markdown")
    assert not found["changed"]
    assert found["servers"]["app"]["proven"]["id"] == answer["drills"]["app"]["id"]
    assert found["servers"]["app"]["forecast"]["drills"] == 1
    assert "dba" in found["evidence"]


def test_a_failed_drill_fails_with_what_is_known(host: DrillHost, capsys: pytest.CaptureFixture[str]) -> None:
    host.bytes = 1 << 60
    answer = run(host, capsys)
    assert answer["failed"]
    assert answer["drills"]["app"]["failed_phase"] == "choose"
    assert answer["problems"] == [answer["msg"]]


def test_check_mode_plans(host: DrillHost, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(host, capsys, check_mode=True)
    assert answer["drills"]["app"]["result"] == "planned"
    assert info(host, capsys)["servers"]["app"]["last"] is None


def test_wrong_arguments_fail_without_a_drill(host: DrillHost, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(host, capsys, target_time="soon")
    assert "target_time: 'soon' is not a time" in answer["msg"]
    assert answer["drills"] == {}


def test_lines_that_cannot_be_read_are_a_warning(host: DrillHost, capsys: pytest.CaptureFixture[str]) -> None:
    append_record(host.home, new_record("drill", "app", NOW, {}, passed=True))
    path = Path(host.home, ".pgdr.barman", "ledger", "app.jsonl")
    path.write_text(path.read_text() + '{"version"')
    found = info(host, capsys)
    assert found["servers"]["app"]["unreadable"] == [{"line": 2, "reason": "the line is not whole"}]
    assert "server 'app': line 2 of its ledger can't be read: the line is not whole" in str(found["warnings"])
    assert found["servers"]["app"]["forecast_reason"] == ""
