# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of a job that takes long: in a file, and on a page between two markers."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

INTERRUPTED = 130
T = TypeVar("T")


@dataclass(frozen=True)
class PageSection:
    """The part of a page that a job writes. command: the package of the job. page: relative to the repository."""

    name: str
    command: str
    page: str

    @property
    def begin(self) -> str:
        return f"<!-- {self.name}: begin (python -m {self.command} --output {self.page}) -->"

    @property
    def end(self) -> str:
        return f"<!-- {self.name}: end -->"

    def put(self, page: str, text: str) -> str:
        """The page with this text between the markers. Raises ValueError if it has none."""
        before, begin, rest = page.partition(self.begin)
        _, end, after = rest.partition(self.end)
        if not begin or not end:
            raise ValueError(f"the page has no lines '{self.begin}' and '{self.end}'")
        return f"{before}{begin}\n\n{text}\n{end}{after}"

    def write(self, path: Path | None, text: str) -> None:
        """Nothing without a page."""
        if path is not None:
            path.write_text(self.put(path.read_text(encoding="utf-8"), text), encoding="utf-8")


@dataclass(frozen=True)
class ResultsFile(Generic[T]):
    """The results of all cases. merged: the former results with those of this run in place of the same cases."""

    path: Path
    from_json: Callable[[Any], T]
    to_json: Callable[[T], Any]
    merged: Callable[[T, T], T]
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def save(self, now: T) -> T:
        """Write the results beside the former ones of other cases, and return all."""
        with self._lock:
            found = self.merged(self.from_json(json.loads(self.path.read_text(encoding="utf-8"))), now)
            text = json.dumps(self.to_json(found), indent=1, ensure_ascii=False)
            self.path.write_text(f"{text}\n", encoding="utf-8")
        return found


def exit_status(name: str, job: Callable[[], bool], *failures: type[Exception]) -> int:
    """0 if the job returns true. failures: what it raises if it can't go on, with the reason."""
    try:
        return 0 if job() else 1
    except failures as failure:
        print(f"{name}: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return INTERRUPTED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of each job that has machines, a file of results, and a section of a page."""
    parser.add_argument("--keep", action="store_true", help="leave the machines up")
    parser.add_argument("--render", action="store_true", help="run nothing, and show the former results")
    parser.add_argument(
        "--output", type=Path, metavar="PAGE", help="write the tables into this page, between its markers"
    )
