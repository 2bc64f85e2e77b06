# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: python -m tests.matrix."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.matrix import barman_cases, postgresql_cases, report
from tests.matrix.machines import HERE, Failed

PARTS: dict[str, Callable[..., None]] = {"barman": barman_cases.run, "postgresql": postgresql_cases.run}
RESULTS = HERE / "results.json"
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    results: list[report.Result] = []

    def record(result: report.Result) -> None:
        results.append(result)
        save(results)

    try:
        with tempfile.TemporaryDirectory(prefix="pgdr-matrix-") as scratch:
            for part in () if options.render else options.part or PARTS:
                PARTS[part](Path(scratch), options.only, record, keep=options.keep)
    except Failed as failure:
        print(f"matrix: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("matrix: interrupted", file=sys.stderr)
        return INTERRUPTED
    table = report.markdown(save(results))
    print(table)
    if options.output is not None:
        page = options.output.read_text(encoding="utf-8")
        options.output.write_text(report.put_between_markers(page, table), encoding="utf-8")
    failed = [one for one in results if one.outcome == "failed"]
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not (results or options.render) else 0


def save(results: Sequence[report.Result]) -> list[report.Result]:
    """Write the results beside the former ones of other cases, and return all."""
    before = report.from_json(json.loads(RESULTS.read_text(encoding="utf-8")))
    found = report.merged(before, results)
    RESULTS.write_text(json.dumps(report.to_json(found), indent=1) + "\n", encoding="utf-8")
    return found


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m tests.matrix", description="Run the versions that people run.")
    found.add_argument(
        "--part", action="append", choices=list(PARTS), help="this part alone; can be given several times"
    )
    found.add_argument(
        "--only", action="append", default=[], metavar="RELEASE", help="this release alone; several times"
    )
    found.add_argument("--keep", action="store_true", help="leave the machines up")
    found.add_argument("--render", action="store_true", help="run nothing, and show the former results")
    found.add_argument(
        "--output", type=Path, metavar="PAGE", help="write the tables into this page, between its markers"
    )
    return found


if __name__ == "__main__":
    sys.exit(main())
