# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is at a recovery's destination, as values.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .._postgres.cluster_manager import ClusterManager
from .._postgres.control_file import ControlFile
from .directories_in_use import UsedDirectory

DirectoryKind = Literal["", "directory", "other", "unreadable"]


@dataclass(frozen=True)
class DestinationDirectory:
    """One directory to be filled: the data directory, or a tablespace's.

    kind: "" if it does not exist. entries: its content, without lost+found and what an earlier recovery moved aside. own: some of the
    content is the server's; others: some is not. stuck: entries that can't be moved. mounts: what is mounted
    below it. free: bytes of the file system. real: the path, links followed.
    """

    path: str
    kind: DirectoryKind = ""
    entries: str = ""
    writable: bool = False
    movable: bool = False
    link: bool = False
    mount: bool = False
    ancestor: str = ""
    free: int | None = None
    device: str = ""
    own: bool = False
    others: bool = False
    stuck: str = ""
    mounts: tuple[str, ...] = ()
    real: str = ""

    @property
    def occupied(self) -> bool:
        return self.kind in ("other", "unreadable") or bool(self.entries.strip())


@dataclass(frozen=True)
class DestinationState:
    """The destination before a recovery. running: the process id of a server that runs in it. wal: the directory that pg_wal is a link to.

    used: the directories that running servers use. leftovers: the locations of the old server's tablespaces that are none of the recovery's and have
    files of the old server. manager: the running cluster manager that owns the data directory.
    """

    directory: DestinationDirectory
    tablespaces: Mapping[str, DestinationDirectory] = field(default_factory=dict)
    leftovers: tuple[DestinationDirectory, ...] = ()
    user: str = ""
    rsync: bool = False
    programs: tuple[str, ...] = ()
    running: int | None = None
    version: str | None = None
    signal: str | None = None
    marker: Mapping[str, Any] | None = None
    control: ControlFile | None = None
    wal: DestinationDirectory | None = None
    used: tuple[UsedDirectory, ...] = ()
    manager: ClusterManager | None = None

    @property
    def directories(self) -> list[DestinationDirectory]:
        return [self.directory, *self.tablespaces.values()]
