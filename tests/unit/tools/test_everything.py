# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make test`: the order of its stages, what runs side by side, and what is counted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO

import pytest

from tests.tools import everything
from tests.tools.stage import Tally


class Process:
    """A stage in place of its program: it prints its name, and counts unless it is to fail."""

    started: list[str]
    ended: list[str]
    terminated: list[str]
    fails: tuple[str, ...]
    interrupted: str

    def __init__(self, argv: list[str], stdout: IO[str] | None = None, **_arguments: object) -> None:
        self.stage = argv[2].rpartition(".")[2]
        self.started.append(self.stage)
        print(f"output of {self.stage}", file=stdout or sys.stdout)

    def wait(self) -> int:
        if self.stage == self.interrupted and not self.terminated:
            raise SystemExit(143)
        self.ended.append(self.stage)
        if self.stage in self.fails:
            return 3
        Tally(self.stage, passed=1).save()
        return 0

    def terminate(self) -> None:
        self.terminated.append(self.stage)


@pytest.fixture
def process(monkeypatch, tmp_path: Path) -> type[Process]:
    monkeypatch.setattr("tests.tools.stage.RESULTS", tmp_path)
    monkeypatch.setattr("subprocess.Popen", Process)
    for name in ("started", "ended", "terminated"):
        monkeypatch.setattr(Process, name, [], raising=False)
    monkeypatch.setattr(Process, "fails", (), raising=False)
    monkeypatch.setattr(Process, "interrupted", "", raising=False)
    return Process


def test_each_stage_runs_once_and_is_counted(process):
    tallies = everything.run_stages()
    assert process.started == ["check", "cores", "package", "molecule"]
    assert [tally.stage for tally in tallies] == process.started
    assert all(tally.passed == 1 for tally in tallies)
    assert set(everything.BESIDE) | set(everything.BESIDE.values()) <= set(everything.STAGES)


def test_a_stage_beside_another_starts_before_the_other_ends_and_prints_behind_it(process, monkeypatch, capsys):
    before: list[list[str]] = []
    wait = Process.wait

    def noting(one: Process) -> int:
        before.append([*process.started])
        return wait(one)

    monkeypatch.setattr(Process, "wait", noting)
    everything.run_stages()
    assert before[1] == ["check", "cores", "package"]
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert lines[2:6] == ["== cores", "output of cores", "== package", "output of package"]


def test_a_stage_that_could_not_count_has_failed_once(process, monkeypatch):
    monkeypatch.setattr(Process, "fails", ("package",))
    failures = {tally.stage: tally.failures for tally in everything.run_stages()}
    assert failures == {"check": [], "cores": [], "package": ["package ended with exit code 3"], "molecule": []}


def test_an_interrupted_run_ends_both(process, monkeypatch):
    monkeypatch.setattr(Process, "interrupted", "cores")
    with pytest.raises(SystemExit):
        everything.run_stages()
    assert process.terminated == ["cores", "package"]
    assert process.ended == ["check", "cores", "package"]
    assert "molecule" not in process.started
