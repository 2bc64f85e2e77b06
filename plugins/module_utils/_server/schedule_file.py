# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The block of scheduled base backups in a file of cron.

This module util is private to the collection. A line ends with the commands that the backup role writes:
"barman -q backup [--incremental ID] SERVER", maybe with more commands after it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .._host.files import read_text, write_atomic
from .._host.marked_block import BEGIN, END, split_block
from .._host.process import HostError
from .._host.safe_files import remove_file

PATH = "/etc/cron.d/barman-backups"
MODE = 0o644
#: The first line of the block: cron's own PATH is /usr/bin:/bin, and Barman from PyPI is often in /usr/local/bin.
SEARCH_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_SERVER = re.compile(r"\bbarman -q backup (?:--incremental \S+ )?(?P<name>[^\s-]\S*)")


@dataclass(frozen=True)
class SchedulePlan:
    """The file's text before and after; None if there is no file. kept: the lines that stay for servers that are not declared."""

    before: str | None
    after: str | None
    kept: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return self.before != self.after


def plan(current: str | None, lines: Sequence[str], undeclared: Collection[str]) -> SchedulePlan:
    """The file with these lines in its block, and those of undeclared servers as they are. Raises HostError if the block has no end."""
    text = (current or "").splitlines()
    above, block, below = split_block(text, "it")
    kept = tuple(line for line in block or () if line not in lines and server_of(line) in undeclared)
    after = [*above, *block_of([*lines, *kept]), *below]
    if after == text:
        return SchedulePlan(current, current, kept)
    # A file that has nothing any more goes.
    return SchedulePlan(current, "".join(f"{line}\n" for line in after) or None, kept)


def block_of(lines: Sequence[str]) -> list[str]:
    """The block with these lines; nothing without any."""
    return [BEGIN, SEARCH_PATH, *lines, END] if lines else []


def is_current(path: str, lines: Sequence[str]) -> bool:
    """Whether the block has these lines and no others, so that nothing is to write whatever servers are undeclared. False if the file can't be read."""
    try:
        return not plan(read_text(path), lines, ()).changed
    except HostError:
        return False


def server_of(line: str) -> str | None:
    """The server whose backup that line takes."""
    found = None if line.startswith("#") else _SERVER.search(line)
    return found.group("name") if found else None


def ensure(path: str, lines: Sequence[str], undeclared: Collection[str], *, check_mode: bool) -> SchedulePlan:
    """Write the block with these lines. Raises HostError."""
    try:
        planned = plan(read_text(path), lines, undeclared)
    except HostError as exc:
        raise HostError(f"{path}: {exc}") from None
    if planned.changed and not check_mode:
        if planned.after is None:
            remove_file(path)
        else:
            write_atomic(path, planned.after, MODE, "root")
    return planned
