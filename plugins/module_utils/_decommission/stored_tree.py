# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is in the directories of a server: links that lead out of them, mount points, and the size.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator

from .._host.files import read_text
from .._host.paths import is_within
from .._host.process import HostError

MOUNTS = "/proc/self/mountinfo"
#: A directory with this file is a copy of PostgreSQL's own directory. Its links are those of the PostgreSQL server.
_POSTGRESQL = "PG_VERSION"
_BLOCK = 4096


def refuse_links(server: str, directories: Collection[str]) -> None:
    """Raises HostError for a link whose target is in none of the directories: a copy has the link only, and the removal leaves the target."""
    roots = [os.path.realpath(path) for path in directories]
    for path in directories:
        for link in _links(path):
            target = os.path.realpath(link)
            if link == path or (os.path.exists(target) and not any(is_within(root, target) for root in roots)):
                raise HostError(
                    f"server '{server}': {link} is a link to {target}. An export would have the link only, and a removal would leave the files there. "
                    "Nothing was removed. Replace the link by the directory or file itself (or by a mount point), and run this again"
                )


def _links(path: str) -> Iterator[str]:
    if os.path.islink(path):
        yield path
        return
    for directory, names, files in os.walk(path, onerror=_raise):
        if _POSTGRESQL in files:
            names.clear()
            continue
        yield from (one for one in (os.path.join(directory, name) for name in (*names, *files)) if os.path.islink(one))


def mount_points(path: str, table: str = MOUNTS) -> list[str]:
    """The mount points in the directory, and the directory itself if it is one. Raises HostError."""
    found = [
        # Spaces and other separators are octal there (proc(5)).
        re.sub(r"\\([0-7]{3})", lambda one: chr(int(one[1], 8)), line.split()[4])
        for line in (read_text(table) or "").splitlines()
        if len(line.split()) > 4
    ]
    real = os.path.realpath(path)
    return sorted({one for one in found if is_within(real, one)})


def size_of(paths: Collection[str]) -> int:
    """The bytes that a copy of the files and directories needs. A file with several names counts once. Raises HostError."""
    counted: set[tuple[int, int]] = set()
    total = 0
    for path in paths:
        for one in (path, *_content(path)):
            status = os.lstat(one)
            if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
                if (status.st_dev, status.st_ino) in counted:
                    continue
                counted.add((status.st_dev, status.st_ino))
            total += -(-max(status.st_size, 1) // _BLOCK) * _BLOCK
    return total


def _content(path: str) -> Iterator[str]:
    if os.path.isdir(path):
        for directory, names, files in os.walk(path, onerror=_raise):
            yield from (os.path.join(directory, name) for name in (*names, *files))


def _raise(exc: OSError) -> None:
    raise HostError(f"{exc.filename} can't be read: {exc.strerror}")
