# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host import progress
from ansible_collections.pgdr.barman.plugins.module_utils._host.progress import Progress


def test_an_operation_is_visible_while_it_runs(tmp_path: Path) -> None:
    moments = iter([100.0, 107.0])
    operation = Progress(str(tmp_path), "backup", "pg", clock=lambda: next(moments))
    assert progress.running(str(tmp_path), lambda pid: True) == []
    operation.update("copying", bytes_done=5, bytes_total=10)
    assert progress.running(str(tmp_path), lambda pid: pid == os.getpid()) == [
        {
            "operation": "backup",
            "server": "pg",
            "pid": os.getpid(),
            "started": 100.0,
            "updated": 107.0,
            "phase": "copying",
            "phase_started": 107.0,
            "bytes_done": 5,
            "bytes_total": 10,
        }
    ]
    operation.close()
    assert progress.running(str(tmp_path), lambda pid: True) == []
    operation.close()


def test_one_whose_process_is_gone_is_not_reported(tmp_path: Path) -> None:
    Progress(str(tmp_path), "backup", "pg").update("copying")
    assert progress.running(str(tmp_path), lambda pid: False) == []


def test_oldest_first(tmp_path: Path) -> None:
    for server, started in (("a", 20.0), ("b", 10.0)):
        Progress(str(tmp_path), "check", server, clock=partial(float, started)).update("waiting")
    assert [state["server"] for state in progress.running(str(tmp_path), lambda pid: True)] == ["b", "a"]


def test_a_file_that_is_no_state_is_passed_over(tmp_path: Path) -> None:
    Progress(str(tmp_path), "backup", "pg").update("copying")
    directory = tmp_path / progress.DIRECTORY
    (directory / "broken.json").write_text("{")
    (directory / "list.json").write_text(json.dumps([1]))
    (directory / "other.json").write_text(json.dumps({"pid": 1}))
    assert [state["server"] for state in progress.running(str(tmp_path), lambda pid: True)] == ["pg"]


def test_a_server_name_is_no_path(tmp_path: Path) -> None:
    operation = Progress(str(tmp_path), "backup", "../../x")
    operation.update("copying")
    assert Path(operation.path).resolve().parent == (tmp_path / progress.DIRECTORY).resolve()


def test_this_process_exists() -> None:
    assert progress.process_exists(os.getpid())
    assert not progress.process_exists(2**22 + 1)


def test_progress_that_cannot_be_written_hinders_nothing(tmp_path: Path) -> None:
    (tmp_path / ".pgdr.barman").write_text("in the way")
    operation = Progress(str(tmp_path), "backup", "pg")
    operation.update("copying")
    operation.close()
    assert progress.running(str(tmp_path / "elsewhere"), lambda pid: True) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_a_link_of_the_users_leads_to_what_is_the_users_alone(tmp_path: Path) -> None:
    home, foreign = tmp_path / "home", tmp_path / "foreign"
    home.mkdir()
    foreign.mkdir(mode=0o755)
    for directory in (tmp_path, *(one for one in tmp_path.parents if one.stat().st_mode & 0o005 == 0)):
        directory.chmod(0o755)
    os.chown(home, 65534, 65534)
    (home / ".pgdr.barman").symlink_to(foreign)
    operation = Progress(str(home), "backup", "pg", "nobody")
    operation.update("copying")
    operation.close()
    assert list(foreign.iterdir()) == []
    (home / ".pgdr.barman").unlink()
    operation.update("copying")
    assert Path(operation.path).stat().st_uid == 65534
    assert os.geteuid() == 0


def test_for_people_times_are_iso_and_the_phase_has_its_own_duration(tmp_path: Path) -> None:
    moments = iter([100.0, 110.0, 130.0, 150.0])
    operation = Progress(str(tmp_path), "backup", "pg", clock=lambda: next(moments))
    for phase in ("starting", "copying", "copying"):
        operation.update(phase)
    (state,) = progress.running(str(tmp_path), lambda pid: True)
    shown = progress.described(state, datetime.fromtimestamp(190, UTC))
    assert (shown["duration"], shown["phase_duration"], shown["phase_started"]) == (90, 60, "1970-01-01T00:02:10+00:00")
    assert shown["updated"] == "1970-01-01T00:02:30+00:00"
