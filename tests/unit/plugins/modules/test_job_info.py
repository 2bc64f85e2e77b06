# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module job_info on this machine, with a job's file as Ansible writes it."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.modules import job_info
from tests.unit.plugins.modules.running import run_main

JOB = "j123456789.42"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "async"
    path.mkdir()
    return path


@pytest.fixture
def run(directory: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    return partial(run_main, job_info.main, capsys, jobs=[{"id": JOB}], async_dir=str(directory))


def test_a_job_that_has_written_its_result_has_finished(directory: Path, run: Callable[..., dict[str, Any]]) -> None:
    (directory / JOB).write_text(json.dumps({"changed": True, "backup": {}}))
    answer = run()
    (job,) = answer["jobs"]
    assert (job["finished"], job["processes"], job["remaining"]) == (True, [], [])
    assert (answer["changed"], answer["operations"], answer["operations_unknown"]) == (False, [], None)
    assert answer["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_a_job_without_a_result_and_without_a_process_has_not_finished(
    directory: Path, run: Callable[..., dict[str, Any]]
) -> None:
    (directory / JOB).write_text(json.dumps({"started": 1, "finished": 0, "ansible_job_id": JOB}))
    (job,) = run(check_mode=True)["jobs"]
    assert (job["finished"], job["processes"]) == (False, [])


def test_operations_that_can_not_be_read_have_a_reason(tmp_path: Path, run: Callable[..., dict[str, Any]]) -> None:
    answer = run(servers=["pg"], config_file=str(tmp_path / "missing.conf"), barman_user=getpass.getuser())
    assert answer["operations"] == []
    assert "missing.conf" in answer["operations_unknown"]
    assert len(answer["jobs"]) == 1


def test_a_job_needs_its_id(run: Callable[..., dict[str, Any]]) -> None:
    assert "id" in run(jobs=[{"session": 1}])["msg"]
