# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are generated and committed: comparing them with what would be written, and writing them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.tools import examples


def outdated(expected: Mapping[Path, str], present: Iterable[Path]) -> list[str]:
    """The files that are missing, different, or of something that is gone. expected: texts by path. present: all that were generated."""
    changed = {path for path, text in expected.items() if not path.exists() or path.read_text() != text}
    return sorted(examples.relative(path) for path in changed | (set(present) - set(expected)))


def write(expected: Mapping[Path, str], present: Iterable[Path]) -> None:
    """Write the files, and remove those of something that is gone."""
    for path in set(present) - set(expected):
        path.unlink()
    for path, text in expected.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def main(arguments: list[str], target: str, expected: Mapping[Path, str], present: Iterable[Path]) -> int:
    """Write, or with --check only compare. target: that of make."""
    if arguments != ["--check"]:
        write(expected, present)
        return 0
    old = outdated(expected, present)
    if old:
        print(f"Not what `make {target}` would write: {', '.join(old)}")
    return 1 if old else 0
