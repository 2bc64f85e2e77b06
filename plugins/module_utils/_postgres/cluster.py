# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL servers of a host, as they are declared and as they are observed.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .control_file import ControlFile

#: PostgreSQL's own directory in a tablespace's location: its version and that of its catalog.
TABLESPACE_DIRECTORY = re.compile(r"PG_(\d+)_\d+")

#: How the directory begins that has the socket of the isolated server of a recovery's proof.
PROOF_PREFIX = "pgdr-recovery-test-"


@dataclass(frozen=True)
class DeclaredCluster:
    """What the caller knows of the server. None: not declared. service: as systemd names it, with its suffix."""

    port: int
    version: int | None = None
    cluster: str | None = None
    service: str | None = None
    data_directory: str | None = None
    socket_directory: str | None = None


@dataclass(frozen=True)
class RunningServer:
    """A server process of this host, whoever's it is.

    data_directory: where it really is. port, socket_directory, listen_address: as in postmaster.pid; None and empty if that file is
    gone. unit: the systemd unit that runs it. started_in: another unit, in whose control group it was started, such as sshd's.
    tablespaces: locations; tablespace_directories: its own directory in each of them.
    wal_directory: where pg_wal leads, if it is a link. foreign: its files are another file system's, as in a container.
    """

    pid: int
    data_directory: str
    port: int | None = None
    socket_directory: str = ""
    listen_address: str = ""
    version: int | None = None
    unit: str | None = None
    started_in: str | None = None
    config_file: str | None = None
    bin_directory: str | None = None
    owner: str | None = None
    tablespaces: tuple[str, ...] = ()
    tablespace_directories: tuple[str, ...] = ()
    wal_directory: str | None = None
    foreign: bool = False

    @property
    def directories(self) -> tuple[str, ...]:
        """What it uses. Several versions can share a tablespace's location: each has a directory of its own in it."""
        own = (self.data_directory, *self.tablespace_directories)
        return own if self.wal_directory is None else (*own, self.wal_directory)


@dataclass(frozen=True)
class DebianCluster:
    """A cluster that pg_lsclusters lists."""

    version: int
    name: str
    port: int
    data_directory: str
    config_directory: str
    socket_directory: str = ""

    @property
    def unit(self) -> str:
        return f"postgresql@{self.version}-{self.name}.service"

    def __str__(self) -> str:
        return f"{self.version}/{self.name}"


@dataclass(frozen=True)
class Unit:
    """A systemd unit that starts PostgreSQL. name: its own, not an alias. port: of its configuration, if that can be read.

    main_pid: its main process as systemd knows it; 0 without one.
    """

    name: str
    loaded: bool
    data_directory: str | None = None
    port: int | None = None
    main_pid: int = 0


@dataclass(frozen=True)
class ObservedHost:
    """The PostgreSQL servers of a host. clusters: None if the host has no pg_lsclusters. units: the ones that may be meant.

    declared_unit: the declared service as systemd knows it.
    """

    running: tuple[RunningServer, ...] = ()
    clusters: tuple[DebianCluster, ...] | None = None
    units: tuple[Unit, ...] = ()
    declared_unit: Unit | None = None

    @property
    def directories_in_use(self) -> tuple[str, ...]:
        return tuple(sorted({path for server in self.running for path in server.directories}))


@dataclass(frozen=True)
class Cluster:
    """The server that was identified. pid: None if it is down. config_directory: of Debian's cluster."""

    port: int
    data_directory: str
    service: str
    version: int | None = None
    cluster: str | None = None
    pid: int | None = None
    socket_directory: str | None = None
    config_file: str | None = None
    bin_directory: str | None = None
    owner: str | None = None
    tablespaces: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        return self.pid is not None


@dataclass(frozen=True)
class DirectoryContents:
    """What is in a data directory. entries: some names; control: None if global/pg_control can't be read."""

    entries: tuple[str, ...] = ()
    version: int | None = None
    control: ControlFile | None = None
    tablespaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Identification:
    """The server, or every reason why it can't be identified."""

    cluster: Cluster | None
    problems: tuple[str, ...] = ()
