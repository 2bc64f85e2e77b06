# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module advice_record: what is new since the last deployment, and the forecasts."""

from __future__ import annotations

import getpass
import stat
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.modules import advice_record
from tests.unit.plugins.modules.running import run_main

ONE = {"code": "no_monitoring", "subject": "backup-eu"}
TWO = {"code": "single_zone", "subject": "eu"}
FORECAST = {"kind": "backup", "server": "orders", "seconds": 1000.5, "bytes": 10, "time": "2026-11-30T12:00:00+00:00"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".pgdr.barman/advice.json"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    config = tmp_path / "barman.conf"
    config.write_text(f"[barman]\nbarman_home = {tmp_path}\nbarman_user = {getpass.getuser()}\n")
    return partial(run_main, advice_record.main, capsys, config_file=str(config), barman_user=getpass.getuser())


def test_what_the_last_deployment_showed_is_not_new(run: Any, file: Path) -> None:
    answer = run(findings=[ONE])
    assert (answer["changed"], answer["new_findings"], answer["path"]) == (True, [ONE], str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    answer = run(findings=[ONE])
    assert (answer["changed"], answer["new_findings"]) == (False, [])
    answer = run(findings=[TWO, ONE])
    assert (answer["changed"], answer["new_findings"]) == (True, [TWO])


def test_a_finding_that_was_mended_and_comes_again_is_new(run: Any) -> None:
    run(findings=[ONE])
    assert run(findings=[])["changed"]
    assert run(findings=[ONE])["new_findings"] == [ONE]


def test_the_order_of_the_findings_is_no_change(run: Any) -> None:
    run(findings=[ONE, TWO])
    assert not run(findings=[TWO, ONE, TWO])["changed"]


def test_forecasts_and_findings_leave_each_other_as_they_are(run: Any) -> None:
    run(findings=[ONE])
    assert run(forecasts=[FORECAST])["changed"]
    assert not run(forecasts=[FORECAST])["changed"]
    answer = run(findings=[ONE])
    assert (answer["changed"], answer["new_findings"], answer["forecasts"]) == (False, [], [FORECAST])


def test_without_arguments_the_record_is_read(run: Any, file: Path) -> None:
    answer = run()
    assert (answer["changed"], answer["forecasts"]) == (False, [])
    assert not file.parent.exists()
    run(forecasts=[FORECAST])
    assert run()["forecasts"] == [FORECAST]


def test_a_fleet_without_findings_has_no_file(run: Any, file: Path) -> None:
    assert not run(findings=[])["changed"]
    assert not file.exists()


def test_check_mode_writes_nothing_and_reports_the_change(run: Any, file: Path) -> None:
    answer = run(findings=[ONE], check_mode=True, diff=True)
    assert (answer["changed"], answer["new_findings"]) == (True, [ONE])
    assert answer["diff"]["before"] == ""
    assert "no_monitoring" in answer["diff"]["after"]
    assert not file.parent.exists()


@pytest.mark.parametrize("missing", ["user", "configuration"])
def test_before_the_first_deployment_everything_is_new_and_nothing_is_recorded(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, missing: str
) -> None:
    user = "no-such-user" if missing == "user" else getpass.getuser()
    config = tmp_path / "barman.conf"
    if missing == "user":
        config.write_text("[barman]\n")
    answer = run_main(advice_record.main, capsys, config_file=str(config), barman_user=user, findings=[ONE])
    assert (answer["changed"], answer["new_findings"], answer["path"]) == (False, [ONE], "")


@pytest.mark.parametrize(
    "content",
    ["x", "[" * 100_000, "[]", "{}", '{"version": 2}', '{"version": 1, "findings": [5], "forecasts": []}'],
)
def test_a_file_that_is_no_record_is_not_replaced(run: Any, file: Path, content: str) -> None:
    file.parent.mkdir()
    file.write_text(content)
    answer = run(findings=[ONE])
    assert answer["failed"]
    assert f"{file} is not the record of this collection" in answer["msg"]
    assert "Traceback" not in answer["msg"]
    assert file.read_text() == content
