# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of the metrics: no process writes the file again after its removal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host import metrics_file
from ansible_collections.pgdr.barman.plugins.module_utils._host.metrics_file import alone, remove_metrics, writers
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError

#: A run that has begun, and has not written yet: it says that it is there, and waits.
WAIT = "import sys; sys.stdout.write('begun'); sys.stdout.flush(); sys.stdin.read()"


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def start(processes: list[subprocess.Popen[str]], *arguments: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", WAIT, *arguments]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    processes.append(process)
    assert process.stdout is not None
    assert process.stdout.read(5) == "begun"
    return process


def reaped(monkeypatch: pytest.MonkeyPatch, processes: list[subprocess.Popen[str]]) -> None:
    """The processes of a test are its children, and stay until it asks for their end."""
    found = metrics_file.writers

    def writers_now(path: str, proc: str = "/proc") -> list[int]:
        for process in processes:
            process.poll()
        return found(path, proc)

    monkeypatch.setattr(metrics_file, "writers", writers_now)


def test_a_run_that_has_not_written_yet_is_ended(
    tmp_path: Path, started: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "pgdr_barman.prom")
    Path(path).write_text("pgdr_barman_up 1\n")
    ours = [
        start(started, "/usr/local/bin/pgdr-barman", "metrics", "--output", path, "--seconds", "86400"),
        start(started, "/bin/sh", f"systemd-cat /usr/local/bin/pgdr-barman metrics --output={path}"),
    ]
    others = [
        start(started, "/usr/local/bin/pgdr-barman", "metrics", "--output", path + ".other"),
        start(started, "/usr/local/bin/pgdr-barman", "metrics", "--remove", f"--output={path}"),
        start(started, "/usr/bin/tail", "-f", path),
    ]
    reaped(monkeypatch, started)
    assert writers(path) == sorted(one.pid for one in ours)
    remove_metrics(path, 1)
    assert list(tmp_path.iterdir()) == []
    assert [one.poll() is None for one in (*ours, *others)] == [False, False, True, True, True]
    # There is nothing to remove, which is no error.
    assert not remove_metrics(path, 1)
    assert not remove_metrics(str(tmp_path / "no/directory/x.prom"), 1)


def test_processes_are_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "pgdr_barman.prom")
    Path(path).write_text("")
    listed: list[str] = []

    def process_ids(proc: str) -> list[int]:
        listed.append(proc)
        return []

    monkeypatch.setattr(metrics_file, "process_ids", process_ids)
    assert remove_metrics(path, 1)
    assert listed == ["/proc"]


def test_the_program_that_a_shell_started_meanwhile_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell ends, and its child has not been in the first listing."""
    path = str(tmp_path / "pgdr_barman.prom")
    listings = [[11], [12], []]
    ended: list[int] = []
    monkeypatch.setattr(metrics_file, "writers", lambda *_arguments: listings.pop(0))
    monkeypatch.setattr("os.kill", lambda pid, _signal: ended.append(pid))
    assert remove_metrics(path, 1)
    assert ended == [11, 12]


def test_a_sample_that_is_under_way_is_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "pgdr_barman.prom")
    with alone(path, 1), pytest.raises(HostError, match=r"another run still writes metrics into .*, for 0\.1 s"):
        remove_metrics(path, 0.1)


def test_a_process_that_does_not_end_is_named(
    tmp_path: Path, started: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "pgdr_barman.prom")
    Path(path).write_text("")
    ours = start(started, "pgdr-barman", "metrics", "--output", path)
    monkeypatch.setattr(metrics_file, "_END", 0.1)
    monkeypatch.setattr("os.kill", lambda *_arguments: None)
    with pytest.raises(HostError, match=rf"is not removed: .*processes {ours.pid} run"):
        remove_metrics(path, 1)
    assert Path(path).exists()
