# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a drill restores and checks: this host, or a drill host.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .._barman.disks import Disk
from .._host.process import Runner
from .._postgres.data_directory import find_bin_directory
from .._verify.reach import Waiting
from .._verify.request import VerificationRequest
from .._verify.run import VerificationEnvironment
from .observe import file_system
from .room_guard import RoomGuard
from .scratch import Scratch, ScratchDirectories
from .stopwatch import Stopwatch

# The path of a socket has at most 107 bytes.
_LONGEST_SOCKET_DIRECTORY = 80

Verify = Callable[[VerificationRequest, VerificationEnvironment], dict[str, Any]]


class Place(Protocol):
    """The host with the scratch directory. Every method raises HostError."""

    def recovery_options(self, scratch: Scratch) -> Mapping[str, Any]:
        """The options of the recovery for the host to restore to, and for the directory to unpack backups in."""

    def observe(self, path: str, version: int, bin_directory: str | None) -> Disk:
        """The file system of a directory that can be missing, on a host that has the programs of that PostgreSQL version."""

    def make(self, scratch: Scratch) -> None:
        """Make the scratch directory."""

    def remove(self, scratch: Scratch) -> None:
        """End the processes that use the scratch directory, and remove it."""

    def verify(self, request: VerificationRequest, scratch: Scratch, watch: Stopwatch) -> dict[str, Any]:
        """The facts of the restored cluster. watch: measures the phases."""


@dataclass(frozen=True)
class BackupServerPlace:
    """The backup server itself."""

    directories: ScratchDirectories
    runner: Runner
    verification: Verify

    def recovery_options(self, scratch: Scratch) -> Mapping[str, Any]:
        return {"staging_path": scratch.staging}

    def observe(self, path: str, version: int, bin_directory: str | None) -> Disk:
        found = file_system(path)
        find_bin_directory(version, bin_directory, self.runner)
        return found

    def make(self, scratch: Scratch) -> None:
        self.directories.make(scratch)

    def remove(self, scratch: Scratch) -> None:
        self.directories.remove(scratch)

    def verify(self, request: VerificationRequest, scratch: Scratch, watch: Stopwatch) -> dict[str, Any]:
        short = len(scratch.path) < _LONGEST_SOCKET_DIRECTORY
        surroundings = VerificationEnvironment(
            runner=self.runner,
            temporary=scratch.path if short else "/tmp",
            report=watch.enter,
            waiting=Waiting(pause=RoomGuard(scratch.path)),
        )
        return self.verification(request, surroundings)
