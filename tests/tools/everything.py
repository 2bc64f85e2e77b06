# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the project checks itself, and the closing count (`make test`)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from typing import IO

from tests.tools.stage import REPOSITORY, Tally, environment, exit_on_signals

STAGES: dict[str, tuple[str, ...]] = {
    "check": (),
    "package": (),
    "cores": ("--short",),
    "molecule": ("--short",),
}
"""By stage, the arguments of its program. ansible-test sanity is a part of cores: the oldest and the newest release find all that those between them do."""

BESIDE = {"package": "cores"}
"""A stage that uses one processor, and the stage that it runs beside. Its output follows that of the other stage."""


class Running:
    """A stage that runs."""

    def __init__(self, stage: str, output: IO[str] | None = None) -> None:
        Tally.forget(stage)
        self.stage = stage
        self.output = output
        self.started = time.monotonic()
        argv = [sys.executable, "-m", f"tests.tools.{stage}", *STAGES[stage]]
        self.process = subprocess.Popen(argv, cwd=REPOSITORY, env=environment(), stdout=output, stderr=output)

    def end(self) -> Tally:
        """Wait for its end, and count; a stage that could not count has failed once."""
        rc = self.process.wait()
        if self.output is not None:
            self.output.seek(0)
            print(self.output.read(), end="", flush=True)
        tally = Tally.load(self.stage) or Tally(self.stage, seconds=time.monotonic() - self.started)
        if rc != 0 and not tally.failures:
            tally.failures.append(f"{self.stage} ended with exit code {rc}")
        return tally


def run_stages() -> list[Tally]:
    """Run all stages, and count each."""
    tallies = []
    for stage in (stage for stage in STAGES if stage not in BESIDE):
        with ExitStack() as files:
            heading(stage)
            running = [Running(stage)]
            try:
                for other in (other for other, beside in BESIDE.items() if beside == stage):
                    running.append(Running(other, files.enter_context(tempfile.TemporaryFile("w+"))))
                tallies.append(running[0].end())
                for one in running[1:]:
                    heading(one.stage)
                    tallies.append(one.end())
            except BaseException:
                # A stage takes its machines down before it ends.
                for one in running:
                    one.process.terminate()
                for one in running:
                    one.process.wait()
                raise
    return tallies


def heading(stage: str) -> None:
    print(f"\n== {stage}", flush=True)


def summary(tallies: list[Tally]) -> str:
    lines = [""]
    for tally in tallies:
        lines.append(f"{tally.stage:<10} {tally.passed:5} passed {tally.failed:3} failed {tally.seconds:6.0f} s")
        for failure in tally.failures:
            lines += [f"    {failure}", *(f"        {line}" for line in tally.causes.get(failure, "").splitlines())]
        lines += [f"    skipped: {one}" for one in tally.skipped]
    passed = sum(tally.passed for tally in tallies)
    failed = sum(tally.failed for tally in tallies)
    skipped = sum(len(tally.skipped) for tally in tallies)
    return "\n".join([*lines, "", f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")])


def main() -> int:
    exit_on_signals()
    os.chdir(REPOSITORY)
    tallies = run_stages()
    print(summary(tallies), flush=True)
    return 1 if any(tally.failures for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
