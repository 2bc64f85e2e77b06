# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The architecture as the rules read it: what is declared, and what was measured of it.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...module_utils._barman.options import parse_retention
from .._topology import schedule
from .._topology.model import BackupServer, Index, PassiveCopy, PostgresServer, Topology
from .._topology.ssh_connections import machines
from .facts import DatabaseFacts, FileSystem, HostFacts, LinkFacts, whole
from .finding import Finding, Unmeasured

Findings = Iterator[Finding | Unmeasured]
"""What a rule yields."""


@dataclass(frozen=True)
class Entry:
    """A server that a backup server backs up. copies: its passive copies."""

    server: PostgresServer
    backup: BackupServer
    copies: tuple[PassiveCopy, ...]

    @property
    def has_snapshots(self) -> bool:
        """Whether the backups are snapshots of a cloud: they cross no network, and no drill restores them."""
        return self.server.method == "snapshot"

    @property
    def is_compressed(self) -> bool:
        """Whether the inventory declares compression of backups or of WAL."""
        return any("compression" in name for name in (*self.server.options, *self.backup.global_options))


@dataclass(frozen=True)
class Architecture:
    """facts: by host. reported: what module server_info returned, by backup server. drilled: what module drill_info returned, by backup server."""

    topology: Topology
    facts: Mapping[str, HostFacts] = field(default_factory=dict)
    reported: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    drilled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @cached_property
    def index(self) -> Index:
        return self.topology.index()

    @cached_property
    def machines(self) -> Mapping[str, tuple[str, ...]]:
        return machines(self.topology)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Every server that is backed up, with its backup server."""
        copies: dict[str, list[PassiveCopy]] = {}
        for one in self.topology.passive_copies:
            copies.setdefault(one.server, []).append(one)
        return tuple(
            Entry(server, backup, tuple(copies.get(server.host, ())))
            for server in self.topology.postgres_servers.values()
            for backup in [self.topology.backup_servers.get(server.backup_server or "")]
            if backup is not None
        )

    @cached_property
    def replications(self) -> Mapping[tuple[str, str], list[PostgresServer]]:
        """The servers that a passive node replicates, by source and target."""
        found: dict[tuple[str, str], list[PostgresServer]] = {}
        for one in self.topology.passive_copies:
            found.setdefault((one.source, one.target), []).append(self.topology.postgres_servers[one.server])
        return found

    def host(self, name: str) -> PostgresServer | BackupServer:
        return self.topology.backup_servers.get(name) or self.topology.postgres_servers[name]

    def kernel(self, host: str) -> str:
        return self.facts[host].kernel if host in self.facts else ""

    def hypervisor(self, host: str) -> str:
        """What the inventory declares, else what the host found out."""
        return self.host(host).hypervisor or (self.facts[host].hypervisor if host in self.facts else "")

    def home(self, backup: BackupServer) -> FileSystem | None:
        return self.facts[backup.host].file_systems.get(backup.home) if backup.host in self.facts else None

    def database(self, server: PostgresServer) -> DatabaseFacts | None:
        return self.facts[server.host].database if server.host in self.facts else None

    def data(self, server: PostgresServer) -> FileSystem | None:
        database = self.database(server)
        return None if database is None else self.facts[server.host].file_systems.get(database.data_directory)

    def link(self, host: str, other: str) -> LinkFacts:
        return self.facts[host].links.get(other, LinkFacts()) if host in self.facts else LinkFacts()

    def report_of(self, host: str, server: PostgresServer) -> Mapping[str, Any] | None:
        """What module server_info returned of the server on that backup server."""
        found = (self.reported.get(host) or {}).get("servers") or {}
        one = found.get(server.name)
        return one if isinstance(one, Mapping) else None

    def drill_of(self, host: str, server: PostgresServer) -> Mapping[str, Any]:
        found = ((self.drilled.get(host) or {}).get("servers") or {}).get(server.name)
        return found if isinstance(found, Mapping) else {}

    def disks(self, host: str) -> Sequence[Mapping[str, Any]]:
        return [one for one in (self.reported.get(host) or {}).get("disks") or () if isinstance(one, Mapping)]

    def last_backup(self, host: str, server: PostgresServer) -> Mapping[str, Any]:
        """The newest valid full backup; empty if there is none."""
        report = self.report_of(host, server) or {}
        full = [
            one
            for one in report.get("backups") or ()
            if isinstance(one, Mapping) and one.get("status") == "DONE" and one.get("type") != "incremental"
        ]
        return full[-1] if full else {}

    def size(self, entry: Entry) -> int | None:
        """The bytes that a full backup copies: those of the databases, else of the newest backup."""
        database = self.database(entry.server)
        if database is not None and database.size is not None:
            return database.size
        return whole(self.last_backup(entry.backup.host, entry.server).get("size"))

    def wal_rate(self, server: PostgresServer) -> float | None:
        """Of the server itself, or of the primary that it follows."""
        primary = self.topology.postgres_servers.get(server.primary or "")
        database = self.database(primary or server)
        return None if database is None else database.wal_rate


Rule = Callable[[Architecture], Findings]


def backup_interval(server: PostgresServer) -> int | None:
    """The most seconds between two full backups by schedule; None without one."""
    if not server.backup_schedule:
        return None
    minutes = schedule.longest_gap((schedule.parse_cron(server.backup_schedule),))
    return None if minutes is None else minutes * 60


def backups_retained(server: PostgresServer) -> int | None:
    """How many full backups the retention policy keeps; None without a limit, or if nobody can know."""
    policy = parse_retention(server.retention_policy)
    if policy is None:
        return None
    if policy.redundancy is not None:
        return max(policy.redundancy, server.minimum_redundancy)
    cron = schedule.parse_cron(server.backup_schedule) if server.backup_schedule else None
    found = schedule.redundancy_within(cron, policy.days or 0)
    return None if found is None else max(found, server.minimum_redundancy)


def wal_retained(server: PostgresServer) -> int | None:
    """The seconds of WAL that the retention policy keeps at least; None without a limit."""
    policy, interval = parse_retention(server.retention_policy), backup_interval(server)
    if policy is None:
        return None
    if policy.days is not None:
        return policy.days * 86400
    return None if interval is None else (policy.redundancy or 0) * interval
