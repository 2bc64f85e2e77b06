# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much room there is where Barman keeps a server's files.

This module util is private to the collection.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .._host.sizes import human_size
from .configuration import ServerConfiguration
from .option_table import DISK_DIRECTORIES

#: The part of a file system that drills and exports leave free: the WAL that arrives meanwhile may need it.
RESERVE = 0.05


@dataclass(frozen=True)
class Disk:
    """The file system of a directory. free, size: bytes; free is what a user without privileges may take."""

    path: str
    free: int
    size: int

    @property
    def reserve(self) -> int:
        """The bytes that drills and exports leave free."""
        return int(self.size * RESERVE)

    def __str__(self) -> str:
        return f"{self.path} has {human_size(self.free)} free of {human_size(self.size)}"


def read_disk(path: str, statvfs: Callable[[str], Any] | None = None) -> Disk:
    """The file system that has the directory, or will have it. Raises OSError."""
    there = path
    while not os.path.isdir(there) and os.path.dirname(there) != there:
        there = os.path.dirname(there)
    found = (statvfs or os.statvfs)(there)
    return Disk(path, found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def disk_of(path: str, statvfs: Callable[[str], Any] | None = None) -> Disk | None:
    """As read_disk; None where it can't be asked."""
    try:
        return read_disk(path, statvfs)
    except OSError:
        return None


def full_disks(
    server: ServerConfiguration, segment_size: int, statvfs: Callable[[str], Any] | None = None
) -> list[Disk]:
    """The server's directories on this host without room for one more WAL segment; of each file system the first."""
    found: dict[tuple[int, int], Disk] = {}
    for option in DISK_DIRECTORIES:
        path = server.directory(option)
        disk = None if "://" in path else disk_of(path, statvfs)
        if disk is not None and disk.free < segment_size:
            found.setdefault((disk.free, disk.size), disk)
    return list(found.values())
