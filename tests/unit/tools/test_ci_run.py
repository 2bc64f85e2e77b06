# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`.ci/run`: what it leaves behind, and how it ends. Its `make` and its Python are played."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

DOWN = "python -m tests.lab down --all --prefix molecule-"

ENDING = """\
#!/bin/sh
echo "make $*" >>noted
exit "$MAKE_ENDS_WITH"
"""

# It says that it is ready when both it and its child have their traps, and takes its time to end, as one that takes machines down does. Whatever is
# left of it would keep the output open.
GOING_ON = """\
#!/usr/bin/env bash
echo "make $*" >>noted
trap 'wait; sleep 0.2; echo "make was told to end" >>noted; exit 2' TERM
bash -c 'trap "echo its child was told to end >>noted; exit" TERM; sleep 10 & echo ready; wait' &
wait
"""

PYTHON = """\
#!/bin/sh
echo "python $*" >>noted
exit "${LAB_ENDS_WITH:-0}"
"""


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def start(directory: Path, make: str, **environment: str) -> subprocess.Popen[str]:
    """The repository's .ci/run in a directory of its own."""
    (directory / ".ci").mkdir()
    shutil.copy(REPOSITORY / ".ci" / "run", directory / ".ci" / "run")
    program(directory / "bin" / "make", make)
    program(directory / ".venv" / "bin" / "python", PYTHON)
    return subprocess.Popen(
        [directory / ".ci" / "run"],
        cwd="/",
        env={**os.environ, "PATH": f"{directory / 'bin'}:{os.environ['PATH']}", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def noted(directory: Path) -> list[str]:
    return (directory / "noted").read_text().splitlines()


@pytest.mark.parametrize(
    ("make", "lab", "rc"),
    [(0, 0, 0), (2, 0, 2), (0, 1, 1)],
    ids=["all is well", "a failing make", "machines that can't be taken down"],
)
def test_its_exit_code_and_that_the_machines_are_taken_down(make, lab, rc, tmp_path):
    with start(tmp_path, ENDING, MAKE_ENDS_WITH=str(make), LAB_ENDS_WITH=str(lab)) as process:
        output, _ = process.communicate(timeout=5)
    assert process.returncode == rc, output
    assert noted(tmp_path) == ["make test", DOWN]


def test_interrupted_it_ends_all_of_the_job_and_then_takes_the_machines_down(tmp_path):
    with start(tmp_path, GOING_ON) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        # To the end of the output: no process of the job has it open any more.
        output, _ = process.communicate(timeout=5)
    assert process.returncode == 143, output
    assert noted(tmp_path) == ["make test", "its child was told to end", "make was told to end", DOWN]


def test_without_an_environment_there_is_nothing_to_take_down(tmp_path):
    with start(tmp_path, "#!/bin/sh\nrm -r .venv\nexit 2\n") as process:
        process.communicate(timeout=5)
    assert process.returncode == 2
    assert not (tmp_path / "noted").exists()
