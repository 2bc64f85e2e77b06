# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fast checks, side by side (`make check`)."""

from __future__ import annotations

import os
import sys
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.tools.stage import CACHE, REPOSITORY, Outcome, Stage, environment, run

JUNIT = CACHE / "results" / "unit.xml"

JOBS: dict[str, tuple[str, ...]] = {
    # The slow ones first, so that the others fill in beside them.
    # One more worker than processors: a tenth of the tests' time is waiting.
    "unit tests": ("pytest", "-q", "-n", "3", f"--junit-xml={JUNIT}", "tests/unit"),
    "ansible-lint": (
        *("env", f"PATH={REPOSITORY / 'tests' / 'tools' / 'lint'}{os.pathsep}{environment()['PATH']}"),
        *("ansible-lint", "--offline", "--strict", "--profile=production", "-q"),
    ),
    "mypy": ("mypy", "--package", "ansible_collections.pgdr.barman.plugins", "--package", "tests"),
    "documentation site": ("python", "-m", "tests.tools.site"),
    "managed hosts' Python": (
        *("vermin", "--quiet", "--violations", "--no-tips", "--backport", "dataclasses", "--target=3.9-"),
        *("plugins/modules", "plugins/module_utils", "roles/hooks/files"),
    ),
    "reuse": ("reuse", "lint", "--quiet"),
    "yamllint": ("yamllint", "--strict", "."),
    "changelog": ("antsibull-changelog", "lint"),
    "codespell": ("codespell",),
    "language": ("python", "-m", "tests.tools.language"),
    "ruff format": ("ruff", "format", "--check", "--output-format=concise", "."),
    "ruff check": ("ruff", "check", "--quiet", "--output-format=concise", "."),
}


def note_unit_tests(stage: Stage, outcome: Outcome) -> None:
    """Count the tests themselves; a run that could not count is a failure of its own."""
    try:
        suites = list(ElementTree.parse(JUNIT).getroot().iter("testsuite"))
    except (OSError, ElementTree.ParseError):
        stage.note_outcome(outcome)
        return
    cases = [case for suite in suites for case in suite.iter("testcase")]
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = [case for case in cases if case.find("skipped") is not None]
    passed = len(cases) - len(failed) - len(skipped)
    detail = f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped"
    if outcome.ok:
        stage.note_outcome(outcome, detail)
        stage.tally.passed += passed - 1
        return
    stage.note_outcome(outcome, detail)
    stage.tally.passed += passed
    if failed:
        stage.tally.failures.pop()
        stage.tally.failures.extend(f"{case.get('classname')}.{case.get('name')}" for case in failed)


def main() -> int:
    os.chdir(REPOSITORY)
    stage = Stage("check")
    JUNIT.parent.mkdir(parents=True, exist_ok=True)
    JUNIT.unlink(missing_ok=True)
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1)) as pool:
        waiting = [pool.submit(run, name, *argv) for name, argv in JOBS.items()]
        for done in as_completed(waiting):
            outcome = done.result()
            if outcome.name == "unit tests":
                note_unit_tests(stage, outcome)
            else:
                stage.note_outcome(outcome)
    return stage.finish()


if __name__ == "__main__":
    sys.exit(main())
