# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: python -m tests.matrix."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.matrix import barman_cases, postgresql_cases, report
from tests.matrix.machines import HERE, Failed
from tests.tools.results import ResultsFile, add_arguments, exit_status

PARTS: dict[str, Callable[..., None]] = {"barman": barman_cases.run, "postgresql": postgresql_cases.run}
RESULTS = ResultsFile(HERE / "results.json", report.from_json, report.to_json, report.merged)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    return exit_status("matrix", lambda: run(options), Failed)


def run(options: argparse.Namespace) -> bool:
    """Whether something was run, and nothing failed. Raises Failed."""
    results: list[report.Result] = []

    def record(result: report.Result) -> None:
        results.append(result)
        RESULTS.save(results)

    with tempfile.TemporaryDirectory(prefix="pgdr-matrix-") as scratch:
        for part in () if options.render else options.part or PARTS:
            PARTS[part](Path(scratch), options.only, record, keep=options.keep)
    table = report.markdown(RESULTS.save(results))
    print(table)
    report.SECTION.write(options.output, table)
    failed = [one for one in results if one.outcome == "failed"]
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return not failed and bool(results or options.render)


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m tests.matrix", description="Run the versions that people run.")
    found.add_argument(
        "--part", action="append", choices=list(PARTS), help="this part alone; can be given several times"
    )
    found.add_argument(
        "--only", action="append", default=[], metavar="RELEASE", help="this release alone; several times"
    )
    add_arguments(found)
    return found


if __name__ == "__main__":
    sys.exit(main())
