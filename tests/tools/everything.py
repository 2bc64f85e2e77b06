# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the project checks itself, and the closing count (`make test`)."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.tools.stage import REPOSITORY, Tally, environment, exit_on_signals

STAGES: dict[str, tuple[str, ...]] = {
    "check": (),
    "package": (),
    "cores": ("--short",),
    "molecule": (),
}
"""By stage, the arguments of its program. ansible-test sanity is a part of cores: the oldest and the newest release find all that those between them do."""


def run_stage(stage: str) -> Tally:
    """Run one stage to its end; one that could not count has failed once."""
    print(f"\n== {stage}", flush=True)
    Tally.forget(stage)
    started = time.monotonic()
    argv = [sys.executable, "-m", f"tests.tools.{stage}", *STAGES[stage]]
    process = subprocess.Popen(argv, cwd=REPOSITORY, env=environment())
    try:
        rc = process.wait()
    except BaseException:
        # It takes its machines down before it ends.
        process.terminate()
        process.wait()
        raise
    tally = Tally.load(stage) or Tally(stage, seconds=time.monotonic() - started)
    if rc != 0 and not tally.failures:
        tally.failures.append(f"{stage} ended with exit code {rc}")
    return tally


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
    tallies = [run_stage(stage) for stage in STAGES]
    print(summary(tallies), flush=True)
    return 1 if any(tally.failures for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
