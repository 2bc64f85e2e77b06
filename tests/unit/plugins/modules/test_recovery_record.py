# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.modules import recovery_record
from tests.unit.plugins.modules.running import run_main


def test_nothing_is_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(recovery_record.main, capsys, data_directory=str(tmp_path / "main"))
    assert (answer["changed"], answer["record"], answer["messages"]) == (False, None, [])
    assert (answer["content"], answer["startable"], answer["guarded"]) == ("original", True, False)


def test_arguments_that_are_missing_or_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(recovery_record.main, capsys, data_directory=str(tmp_path / "main"), state="begun")
    assert "run, service" in answer["msg"]
    answer = run_main(recovery_record.main, capsys, data_directory="/")
    assert "'/' is not the absolute path of a data directory" in answer["msg"]


def test_the_record_is_beside_what_a_link_leads_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "disk" / "main").mkdir(parents=True)
    (tmp_path / "main").symlink_to(tmp_path / "disk" / "main")
    (tmp_path / "disk" / "main.pgdr-recovery.json").write_text("{}")
    answer = run_main(recovery_record.main, capsys, data_directory=str(tmp_path / "main"))
    assert f"{tmp_path}/disk/main.pgdr-recovery.json can't be understood" in answer["msg"]


def test_a_path_can_not_become_lines_of_a_unit(capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(recovery_record.main, capsys, data_directory="/srv/a\n[Service]\nExecStopPost=+/bin/sh")
    assert "has a character that is not printable" in answer["msg"]
