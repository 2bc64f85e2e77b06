# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The typed values of the topology.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ...module_utils._archive_command.command import ArchiveCompression, ArchiveMethod
from ...module_utils._barman.versions import Version
from .._advice.acceptance import Acceptance
from .hooks import ALL, S3, Declared, Hook

WalMethod = Literal["streaming", "archiving"]
BackupMethod = Literal["postgres", "rsync", "snapshot"]
Incremental = Literal["none", "block", "link", "copy"]
ClusterManager = Literal["none", "patroni", "repmgr"]
SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
#: Who declares a passive copy: the server, or the backup server that replicates another as a whole.
CopyLevel = Literal["server", "global"]

STREAMING: WalMethod = "streaming"
ARCHIVING: WalMethod = "archiving"

WAL_METHODS: tuple[WalMethod, ...] = (STREAMING, ARCHIVING)
BACKUP_METHODS: tuple[BackupMethod, ...] = ("postgres", "rsync", "snapshot")
INCREMENTALS: tuple[Incremental, ...] = ("none", "block", "link", "copy")
CLUSTER_MANAGERS: tuple[ClusterManager, ...] = ("none", "patroni", "repmgr")
SSL_MODES: tuple[SslMode, ...] = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
#: The modes in which a connection without TLS is refused.
SSL_MODES_REQUIRING: tuple[SslMode, ...] = ("require", "verify-ca", "verify-full")


@dataclass(frozen=True)
class Unreadable:
    """In place of a variable whose value could not be read: an undefined reference, a failed lookup, a wrong vault key."""

    reason: str


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake: on which host, in which variable, what is wrong, and what to write instead."""

    host: str
    variable: str
    message: str
    instead: str

    def __str__(self) -> str:
        where = f"{self.host}: {self.variable}" if self.host else self.variable
        end = "" if self.instead.endswith("?") else "."
        return f"{where}: {self.message}; {self.instead}{end}" if self.instead else f"{where}: {self.message}."


@dataclass(frozen=True)
class PostgresServer:
    """A PostgreSQL server that is kept, or the primary of one.

    cluster: of which this is a member. One member of a cluster has the entry in Barman, with its backup_server; that of the others is None.
    """

    host: str
    name: str
    backup_server: str | None
    version: int
    zone: str
    address: str
    ssh_port: int
    os_user: str
    postgres_host: str
    port: int
    local_port: int
    database: str
    user: str
    streaming_user: str
    has_password: bool
    has_streaming_password: bool
    sslmode: SslMode
    sslrootcert: str
    sslcert: str
    sslkey: str
    connection_options: Mapping[str, str]
    method: BackupMethod
    wal: tuple[WalMethod, ...]
    passive_servers: tuple[str, ...]
    slot_name: str
    synchronous: bool
    incremental: Incremental
    retention_policy: str
    minimum_redundancy: int
    backup_schedule: str | None
    incremental_schedule: str | None
    options: Mapping[str, Any]
    manage: bool
    primary: str | None
    cluster: str | None = None
    cluster_manager: ClusterManager = "none"
    archive_method: ArchiveMethod = "barman-wal-archive"
    archive_compression: ArchiveCompression = "none"
    archive_timeout: int | None = None
    ssh_public_key: str = ""
    ssh_host_key: str = ""
    drill_maximum_age: int | None = None
    drill_schedule: str | None = None
    drill_queries: tuple[Mapping[str, Any], ...] = ()
    verification_days: int | None = None
    verification_schedule: str | None = None
    rpo: int | None = None
    rto: int | None = None
    hypervisor: str = ""
    accepted_findings: tuple[Acceptance, ...] = field(default=(), repr=False)
    fail_on: tuple[str, ...] = field(default=(), repr=False)
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    s3: S3 | None = None
    has_s3_keys: tuple[bool, bool] = field(default=(False, False), repr=False)
    given: frozenset[str] = field(default=frozenset(), repr=False)
    #: What only a role reads of the inventory.
    variables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: Where Ansible reaches the host: several hosts of the inventory can be one machine.
    reached_at: str = field(default="", repr=False)

    @property
    def declared_hooks(self) -> Declared:
        return Declared(self.name, self.hooks, self.s3, *self.has_s3_keys)

    @property
    def streams(self) -> bool:
        """Whether WAL comes by streaming."""
        return STREAMING in self.wal

    @property
    def archives(self) -> bool:
        """Whether WAL comes by archive_command."""
        return ARCHIVING in self.wal

    @property
    def needs_replication(self) -> bool:
        """Whether Barman connects to this server with the replication protocol."""
        return self.method == "postgres" or (self.streams and self.primary is None)


@dataclass(frozen=True)
class BackupServer:
    """A backup server: a machine with Barman."""

    host: str
    zone: str
    address: str
    addresses: tuple[str, ...]
    ssh_port: int
    user: str
    home: str
    configuration_directory: str
    client_directory: str
    version: Version | None
    passive_of: str | None
    global_options: Mapping[str, Any]
    allow_empty: bool
    hook_directory: str = "/usr/local/lib/pgdr.barman"
    drill_directory: str = ""
    verification_bandwidth_limit: int | None = None
    hypervisor: str = ""
    accepted_findings: tuple[Acceptance, ...] = field(default=(), repr=False)
    fail_on: tuple[str, ...] = field(default=(), repr=False)
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    s3: S3 | None = None
    has_s3_keys: tuple[bool, bool] = field(default=(False, False), repr=False)
    has_webhook: bool = field(default=False, repr=False)
    given: frozenset[str] = field(default=frozenset(), repr=False)
    variables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    reached_at: str = field(default="", repr=False)

    @property
    def declared_hooks(self) -> Declared:
        return Declared(ALL, self.hooks, self.s3, *self.has_s3_keys)


@dataclass(frozen=True)
class PassiveCopy:
    """The copy of one server's backups and WAL that a backup server (target) replicates from another (source)."""

    server: str
    source: str
    target: str
    level: CopyLevel


@dataclass(frozen=True)
class Topology:
    """Everything that the inventory declares."""

    postgres_servers: Mapping[str, PostgresServer]
    backup_servers: Mapping[str, BackupServer]
    passive_copies: tuple[PassiveCopy, ...]

    def index(self) -> Index:
        """The inverse relations, computed once."""
        backed_up: dict[str, list[PostgresServer]] = {}
        standbys: dict[str, list[PostgresServer]] = {}
        copies_on: dict[str, list[PassiveCopy]] = {}
        members: dict[str, list[PostgresServer]] = {}
        for server in self.postgres_servers.values():
            if server.backup_server is not None:
                backed_up.setdefault(server.backup_server, []).append(server)
            if server.primary is not None:
                standbys.setdefault(server.primary, []).append(server)
            if server.cluster is not None:
                members.setdefault(server.cluster, []).append(server)
        for passive_copy in self.passive_copies:
            copies_on.setdefault(passive_copy.target, []).append(passive_copy)
        return Index(backed_up, standbys, copies_on, members)


@dataclass(frozen=True)
class Index:
    """By backup server: the servers that it backs up, and its passive copies. By primary: its standbys. By cluster: its members."""

    backed_up: Mapping[str, list[PostgresServer]]
    standbys: Mapping[str, list[PostgresServer]]
    copies_on: Mapping[str, list[PassiveCopy]]
    members: Mapping[str, list[PostgresServer]] = field(default_factory=dict)

    def entry_of(self, server: PostgresServer) -> PostgresServer | None:
        """The server whose entry in Barman backs this one up: itself, or a member of its cluster; None for a primary that only its standby is for."""
        if server.backup_server is not None:
            return server
        members = self.members.get(server.cluster or "", ())
        return next((member for member in members if member.backup_server is not None), None)


def as_plain(value: Any) -> Any:
    """Dataclasses, tuples and mappings as the dictionaries and lists that Ansible hands on. A member of an enum is its value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: as_plain(getattr(value, item.name)) for item in dataclasses.fields(value) if item.repr}
    if isinstance(value, Mapping):
        return {key: as_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(value)
    return value.value if isinstance(value, enum.Enum) else value
