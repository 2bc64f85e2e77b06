# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.job_files import (
    JobFacts,
    KnownJob,
    boot_id,
    observe_data_directory,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError

UNFINISHED = {"started": True, "finished": False, "ansible_job_id": "j1.2"}


@contextmanager
def running(*arguments: str, session: bool = True) -> Iterator[int]:
    """A process that looks like Ansible's wrapper."""
    argv = [sys.executable, "-c", "import sys; sys.stdin.read()", *arguments]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=session) as process:
        assert process.stdin is not None
        # For a moment after the start of a program the kernel shows no arguments of it.
        while process.poll() is None and not Path(f"/proc/{process.pid}/cmdline").read_bytes():
            pass
        try:
            yield process.pid
        finally:
            process.stdin.close()


def facts(directory: Path, job: KnownJob) -> JobFacts:
    (found,) = observe_data_directory([job], str(directory))
    return found


def test_a_job_that_runs(tmp_path: Path) -> None:
    (tmp_path / "j4711.2").write_text(json.dumps(UNFINISHED))
    with running("j4711", "60", "AnsiballZ_backup.py", "_") as pid:
        assert facts(tmp_path, KnownJob("j4711.2")) == JobFacts(
            "j4711.2", finished=False, processes=[pid], session=pid, remaining=[]
        )


def test_a_process_that_only_mentions_the_id_is_none_of_its(tmp_path: Path) -> None:
    with running("j47119"), running("grep j4711"):
        assert facts(tmp_path, KnownJob("j4711.2")).processes == []


def test_the_work_that_outlives_the_wrapper_is_found_by_its_session(tmp_path: Path) -> None:
    with running("AnsiballZ_backup.py") as pid:
        assert facts(tmp_path, KnownJob("j4711.2", session=pid)) == JobFacts(
            "j4711.2", finished=False, processes=[], session=pid, remaining=[pid]
        )
    assert facts(tmp_path, KnownJob("j4711.2", session=pid)).remaining == []


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        (json.dumps(UNFINISHED), False),
        (json.dumps({**UNFINISHED, "finished": 0}), False),
        (json.dumps({"changed": True, "backup": {}}), True),
        (json.dumps({"failed": True, "msg": "Timeout exceeded", "child_pid": 3}), True),
        ("", False),
        ('{"changed": tr', False),
        ("[]", False),
        (None, False),
    ],
)
def test_a_result_is_complete_or_not(tmp_path: Path, text: str | None, finished: bool) -> None:
    if text is not None:
        (tmp_path / "j1.2").write_text(text)
    assert facts(tmp_path, KnownJob("j1.2")).finished is finished


@pytest.mark.parametrize("job_id", ["../../etc/passwd", "a/b", "..", ""])
def test_an_id_is_no_path(tmp_path: Path, job_id: str) -> None:
    with pytest.raises(HostError, match="is not the id"):
        observe_data_directory([KnownJob(job_id)], str(tmp_path))


def test_the_boot_id(tmp_path: Path) -> None:
    assert boot_id() == boot_id()
    assert boot_id()
    assert boot_id(str(tmp_path)) is None


def test_a_process_that_ends_meanwhile_is_passed_over(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    for pid, stat in ((1, "1 (a) b) S 0 1 77 0"), (2, "nonsense"), (3, "3 (z) Z 0 1 77 0")):
        (proc / str(pid)).mkdir(parents=True)
        (proc / str(pid) / "stat").write_text(stat)
        (proc / str(pid) / "cmdline").write_bytes(b"" if pid == 3 else b"python\0wrapper\0j9\0")
    os.mkdir(proc / "4")
    (found,) = observe_data_directory([KnownJob("j9.1")], str(tmp_path), str(proc))
    assert (found.processes, found.session) == ([1], 77)
