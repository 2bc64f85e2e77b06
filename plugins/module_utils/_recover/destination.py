# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a recovery goes, as a value: a directory of this host, or of another one by SSH.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .._host.paths import normal_path
from .._host.process import HostError

MARKER = ".pgdr-recovery.json"
WAL_DIRECTORY = "barman_wal"

# pg_basebackup, pg_rewind and Barman's rsync leave out every name that begins with pgsql_tmp.
ASIDE_PREFIX = "pgsql_tmp.pgdr-moved-aside-"
RESTORE_PREFIX = "pgsql_tmp.pgdr-restore-"

# Barman writes the path unquoted into restore_command and recovery_end_command, which a shell runs.
_PATH = re.compile(r"/[A-Za-z0-9._+=@,/-]+\Z")
_HOST = re.compile(r"[A-Za-z0-9._:%-]+\Z")
_USER = re.compile(r"[A-Za-z0-9._-]+\Z")


class DestinationError(HostError):
    """The destination can't be reached, or a script failed there."""


@dataclass(frozen=True)
class Destination:
    """Where a recovery goes. tablespaces: name to location, for all that the backup has."""

    directory: str
    host: str | None = None
    user: str = "postgres"
    port: int | None = None
    ssh_options: tuple[str, ...] = ()
    tablespaces: Mapping[str, str] = field(default_factory=dict)

    def problems(self) -> list[str]:
        """The options that can't be used, whatever the host has."""
        problems = [
            problem
            for option, path in [("destination", self.directory), *self._locations()]
            for problem in path_problems(option, path)
        ]
        if self.host is not None and (not _HOST.match(self.host) or self.host.startswith("-")):
            problems.append(f"remote_host: '{self.host}' is neither a host name nor an address")
        if not _USER.match(self.user) or self.user.startswith("-"):
            problems.append(f"remote_user: '{self.user}' is not the name of a user")
        return problems

    def _locations(self) -> list[tuple[str, str]]:
        return [(f"tablespaces: {name}", path) for name, path in self.tablespaces.items()]

    @property
    def where(self) -> str:
        """For messages."""
        return self.directory if self.host is None else f"{self.directory} on {self.host}"

    def ssh(self, *options: str) -> list[str]:
        """The SSH command to the destination's host. The user's options come first, because ssh takes the first value of each."""
        if self.host is None:
            return []
        argv = ["ssh"]
        for option in (*self.ssh_options, "BatchMode=yes", "ConnectTimeout=15", "ServerAliveInterval=30", *options):
            argv += ["-o", option]
        if self.port is not None:
            argv += ["-p", str(self.port)]
        return [*argv, f"{self.user}@{self.host}"]


def path_problems(option: str, path: str) -> list[str]:
    """Why Barman can't be given the path."""
    if _PATH.match(path) and normal_path(path) != "/":
        return []
    return [
        f"{option}: '{path}' can't be used: Barman needs an absolute path of letters, digits and . _ + = @ , / -, "
        "without spaces"
    ]


def aside(path: str, stamp: str) -> str:
    """The name that a directory is moved aside to."""
    return f"{path.rstrip('/')}.{stamp}"
