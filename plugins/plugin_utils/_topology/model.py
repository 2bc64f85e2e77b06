# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The typed values of the topology, and the inventory variables that it is read from.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._barman.versions import Version
from .hooks import ALL, S3, Declared, Hook

PG = "pg"
BACKUP = "backup"
BOTH = "both"

STREAMING = "streaming"
ARCHIVING = "archiving"

WAL_METHODS = (STREAMING, ARCHIVING)
BACKUP_METHODS = ("postgres", "rsync", "snapshot")
INCREMENTALS = ("none", "block", "link", "copy")
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
#: The modes in which a connection without TLS is refused.
SSL_MODES_REQUIRING = ("require", "verify-ca", "verify-full")


@dataclass(frozen=True)
class Variable:
    """One inventory variable: on which group's hosts it is read, its type, its default in words, its meaning."""

    name: str
    group: str
    type: str
    default: str
    meaning: str
    secret: bool = False


VARIABLES = (
    Variable("barman_pg_group", BOTH, "text", "pg", "The group of the PostgreSQL servers."),
    Variable("barman_backup_group", BOTH, "text", "backup", "The group of the backup servers."),
    Variable("barman_zone", BOTH, "text", "", "The place (data centre, region) where the host is."),
    Variable(
        "barman_address",
        BOTH,
        "address",
        "ansible_host, else the inventory name",
        "Where the other hosts of the topology reach this one.",
    ),
    Variable("barman_ssh_port", BOTH, "port", "22", "The port of the host's SSH server, as the other hosts reach it."),
    Variable(
        "barman_hooks",
        BOTH,
        "dictionary",
        "{}",
        "Hook scripts, by Barman's option: of this server, or on a backup server of all that it keeps. See architectures/hook-scripts.md.",
    ),
    Variable(
        "barman_s3",
        BOTH,
        "dictionary",
        "required with ready: s3 in barman_hooks",
        "The bucket to export to: url, and if needed endpoint_url, region, compression, encryption, jobs.",
    ),
    Variable(
        "barman_s3_access_key",
        BOTH,
        "text",
        "whatever the machine itself may do",
        "The access key's id for the bucket. Keep it in a vault.",
        secret=True,
    ),
    Variable(
        "barman_s3_secret_key",
        BOTH,
        "text",
        "required with barman_s3_access_key",
        "The access key's secret. Keep it in a vault.",
        secret=True,
    ),
    Variable(
        "barman_backup_server",
        PG,
        "text",
        "required",
        "The inventory name of the backup server that keeps this PostgreSQL server. Not needed on a primary that is "
        "kept through its standby only.",
    ),
    Variable(
        "barman_postgres_version", PG, "integer", "required", "PostgreSQL's major version, 13 to 18, without quotes."
    ),
    Variable("barman_server_name", PG, "text", "the inventory name", "The name that Barman gives the server."),
    Variable("barman_backup_method", PG, "postgres, rsync, snapshot", "postgres", "How base backups are taken."),
    Variable(
        "barman_wal",
        PG,
        "list of streaming, archiving",
        "[streaming]",
        "How WAL comes to Barman: one at least, or both.",
    ),
    Variable(
        "barman_archive_method",
        PG,
        "barman-wal-archive, rsync",
        "barman-wal-archive",
        "With archiving: what archive_command runs.",
    ),
    Variable(
        "barman_archive_compression",
        PG,
        "none, gzip, bzip2, xz, snappy, zstd, lz4",
        "none",
        "With archiving: how archive_command compresses WAL before it is sent. barman-wal-archive needs Barman 3.14 on both sides; rsync knows "
        "gzip, zstd and lz4.",
    ),
    Variable(
        "barman_archive_timeout",
        PG,
        "integer",
        "300 with archiving alone, else left as it is",
        "With archiving: after so many seconds a WAL segment is closed and archived that is not full yet; 0 for never.",
    ),
    Variable(
        "barman_passive_servers",
        PG,
        "list of texts",
        "[]",
        "Backup servers that relay this server's backups and WAL from the one that keeps it.",
    ),
    Variable(
        "barman_postgres_host",
        PG,
        "address",
        "barman_address",
        "Where PostgreSQL listens, as the backup server reaches it.",
    ),
    Variable("barman_postgres_port", PG, "port", "5432", "PostgreSQL's port."),
    Variable("barman_postgres_database", PG, "text", "postgres", "The database of the management connection."),
    Variable("barman_postgres_user", PG, "text", "barman", "The role of the management connection."),
    Variable("barman_streaming_user", PG, "text", "streaming_barman", "The role of the replication connections."),
    Variable(
        "barman_postgres_password",
        PG,
        "text",
        "required without barman_sslcert",
        "The password of barman_postgres_user. Keep it in a vault.",
        secret=True,
    ),
    Variable(
        "barman_streaming_password",
        PG,
        "text",
        "required without barman_sslcert, where there is a replication connection",
        "The password of barman_streaming_user. Keep it in a vault.",
        secret=True,
    ),
    Variable(
        "barman_sslmode",
        PG,
        "disable, allow, prefer, require, verify-ca, verify-full",
        "prefer",
        "libpq's sslmode. From require on, pg_hba lets in connections with TLS only.",
    ),
    Variable(
        "barman_sslrootcert",
        PG,
        "path",
        "",
        "The CA's certificate on the backup server, or system for its trusted CAs.",
    ),
    Variable("barman_sslcert", PG, "path", "", "Barman's client certificate, on the backup server."),
    Variable("barman_sslkey", PG, "path", "", "The client certificate's key, on the backup server."),
    Variable(
        "barman_connection_options",
        PG,
        "dictionary",
        "{}",
        "Further parameters of libpq for Barman's connections. By default it waits 10 seconds for a connection (connect_timeout: 10) and gives up a "
        "silent one after two minutes (keepalives_idle: 60, keepalives_interval: 10, keepalives_count: 6).",
    ),
    Variable("barman_slot_name", PG, "slot name", "barman", "The replication slot of the WAL receiver."),
    Variable(
        "barman_synchronous",
        PG,
        "boolean",
        "false",
        "Commits wait until Barman's WAL receiver has them (no committed transaction is lost).",
    ),
    Variable(
        "barman_incremental",
        PG,
        "none, block, link, copy",
        "none",
        "block: block-level increments of the postgres method, from PostgreSQL 17 on. link and copy: file-level reuse of "
        "the rsync method.",
    ),
    Variable(
        "barman_retention_policy",
        PG,
        "retention policy",
        "RECOVERY WINDOW OF 14 DAYS",
        "What Barman keeps: REDUNDANCY n, or RECOVERY WINDOW OF n DAYS (WEEKS, MONTHS). Empty: everything.",
    ),
    Variable(
        "barman_minimum_redundancy", PG, "integer", "1", "So many backups are never deleted, however old they are."
    ),
    Variable(
        "barman_backup_schedule",
        PG,
        "cron expression",
        "daily, at a minute between 00:00 and 03:59 derived from the server's name; weekly with block increments",
        "When full base backups are taken. Empty: never by schedule.",
    ),
    Variable(
        "barman_incremental_schedule",
        PG,
        "cron expression",
        "with block increments: the other days of the week, at the same minute",
        "When block-level increments are taken. Empty: never by schedule.",
    ),
    Variable(
        "barman_options",
        PG,
        "dictionary",
        "{}",
        "Further options of Barman for this server; they win over what is derived here, except for what identifies the "
        "server and its connections.",
    ),
    Variable(
        "barman_manage_postgres",
        PG,
        "boolean",
        "true",
        "false: Ansible does not touch PostgreSQL; what has to be done there is returned as SQL, pg_hba, settings and SSH.",
    ),
    Variable(
        "barman_primary",
        PG,
        "text",
        "",
        "On a standby: the inventory name of its primary. Backups are taken from the standby, WAL comes from the primary.",
    ),
    Variable("barman_postgres_os_user", PG, "text", "postgres", "The operating system's user that runs PostgreSQL."),
    Variable(
        "barman_ssh_public_key",
        PG,
        "public key",
        "",
        "With barman_manage_postgres false, and archiving: the SSH key of barman_postgres_os_user, which the backup server lets in.",
    ),
    Variable(
        "barman_ssh_host_key",
        PG,
        "public key",
        "",
        "With barman_manage_postgres false, and the rsync or snapshot method: a host key of its SSH server, by which the backup server knows it.",
    ),
    Variable(
        "barman_passive_of",
        BACKUP,
        "text",
        "",
        "The inventory name of a backup server: this one relays everything that that one keeps or relays.",
    ),
    Variable(
        "barman_addresses",
        BACKUP,
        "list of addresses",
        "[barman_address]",
        "The addresses or networks from which its connections come, as PostgreSQL and sshd see them.",
    ),
    Variable("barman_user", BACKUP, "text", "barman", "The operating system's user that runs Barman."),
    Variable("barman_home", BACKUP, "path", "/var/lib/barman", "Barman's home, where the backups are."),
    Variable(
        "barman_configuration_directory", BACKUP, "path", "/etc/barman.d", "Where the servers' configuration files are."
    ),
    Variable(
        "barman_hook_directory",
        BACKUP,
        "path",
        "/usr/local/lib/pgdr.barman",
        "Where the scripts of barman_hooks are put.",
    ),
    Variable(
        "barman_client_directory",
        BACKUP,
        "path",
        "/usr/lib/postgresql/{version}/bin",
        "Where the client tools of a PostgreSQL major version are; {version} stands for it. Empty: whatever the PATH "
        "finds.",
    ),
    Variable(
        "barman_version",
        BACKUP,
        "version",
        "",
        'The Barman version, in quotes as "3.13.3", that options are checked against before anything is done. Without '
        "it the newest known one; module server compares with the installed one whenever an entry changes.",
    ),
    Variable("barman_global_options", BACKUP, "dictionary", "{}", "Further options of Barman's [barman] section."),
    Variable(
        "barman_allow_empty", BACKUP, "boolean", "false", "true: that no PostgreSQL server is kept here is meant."
    ),
)

KNOWN_VARIABLES: Mapping[str, Variable] = {variable.name: variable for variable in VARIABLES}
#: What the playbooks read beside them. Some are nearly a variable's name, and mean what they say.
PLAYBOOK_VARIABLES = frozenset(
    (
        "barman_backup_at_once",
        "barman_backup_bandwidth_limit",
        "barman_backup_immediate_checkpoint",
        "barman_backup_incremental",
        "barman_backup_jobs",
        "barman_backup_max_age",
        "barman_backup_name",
        "barman_backup_timeout",
        "barman_backup_wait_timeout",
        "barman_check_ignore",
        "barman_check_timeout",
        "barman_recover_aws_region",
        "barman_recover_azure_resource_group",
        "barman_recover_backup_id",
        "barman_recover_backup_server",
        "barman_recover_confirmation_timeout",
        "barman_recover_confirmed",
        "barman_recover_data_directory",
        "barman_recover_tablespaces",
        "barman_recover_wal_directory",
        "barman_recover_start_jobs",
        "barman_recover_directory",
        "barman_recover_gcp_zone",
        "barman_recover_host",
        "barman_recover_jobs",
        "barman_recover_new_backup",
        "barman_recover_queries",
        "barman_recover_replace_other",
        "barman_recover_replace_system",
        "barman_recover_report",
        "barman_recover_server",
        "barman_recover_service",
        "barman_recover_snapshot_instance",
        "barman_recover_staging_location",
        "barman_recover_staging_path",
        "barman_recover_take_over",
        "barman_recover_target_immediate",
        "barman_recover_target_inclusive",
        "barman_recover_target_lsn",
        "barman_recover_target_name",
        "barman_recover_target_time",
        "barman_recover_target_timeline",
        "barman_recover_target_xid",
        "barman_recover_timeout",
        "barman_recover_verify_backup",
        "barman_recover_verify_wal",
        "barman_select",
        "barman_servers",
        "barman_sync_timeout",
    )
)
SECRET_VARIABLES = frozenset(variable.name for variable in VARIABLES if variable.secret)
#: Ansible's own variables that the topology reads.
ANSIBLE_VARIABLES = ("ansible_host", "ansible_port")


@dataclass(frozen=True)
class Unreadable:
    """Stands for a variable whose value could not be had: an undefined reference, a failed lookup, a wrong vault key."""

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
    """A PostgreSQL server that is kept, or the primary of one."""

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
    database: str
    user: str
    streaming_user: str
    has_password: bool
    has_streaming_password: bool
    sslmode: str
    sslrootcert: str
    sslcert: str
    sslkey: str
    connection_options: Mapping[str, str]
    method: str
    wal: tuple[str, ...]
    passive_servers: tuple[str, ...]
    slot_name: str
    synchronous: bool
    incremental: str
    retention_policy: str
    minimum_redundancy: int
    backup_schedule: str | None
    incremental_schedule: str | None
    options: Mapping[str, Any]
    manage: bool
    primary: str | None
    archive_method: str = "barman-wal-archive"
    archive_compression: str = "none"
    archive_timeout: int | None = None
    ssh_public_key: str = ""
    ssh_host_key: str = ""
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    s3: S3 | None = None
    has_s3_keys: tuple[bool, bool] = field(default=(False, False), repr=False)
    given: frozenset[str] = field(default=frozenset(), repr=False)
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
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    s3: S3 | None = None
    has_s3_keys: tuple[bool, bool] = field(default=(False, False), repr=False)
    given: frozenset[str] = field(default=frozenset(), repr=False)
    reached_at: str = field(default="", repr=False)

    @property
    def declared_hooks(self) -> Declared:
        return Declared(ALL, self.hooks, self.s3, *self.has_s3_keys)


@dataclass(frozen=True)
class Relay:
    """One server's backups and WAL, relayed from one backup server to another."""

    server: str
    source: str
    target: str
    level: str


@dataclass(frozen=True)
class Topology:
    """Everything that the inventory declares."""

    postgres_servers: Mapping[str, PostgresServer]
    backup_servers: Mapping[str, BackupServer]
    relays: tuple[Relay, ...]

    def index(self) -> Index:
        """The inverse relations, computed once."""
        kept: dict[str, list[PostgresServer]] = {}
        standbys: dict[str, list[PostgresServer]] = {}
        relayed: dict[str, list[Relay]] = {}
        relaying: dict[str, list[Relay]] = {}
        for server in self.postgres_servers.values():
            if server.backup_server is not None:
                kept.setdefault(server.backup_server, []).append(server)
            if server.primary is not None:
                standbys.setdefault(server.primary, []).append(server)
        for relay in self.relays:
            relayed.setdefault(relay.target, []).append(relay)
            relaying.setdefault(relay.source, []).append(relay)
        return Index(kept, standbys, relayed, relaying)


@dataclass(frozen=True)
class Index:
    """Who keeps, relays and follows whom."""

    kept: Mapping[str, list[PostgresServer]]
    standbys: Mapping[str, list[PostgresServer]]
    relayed: Mapping[str, list[Relay]]
    relaying: Mapping[str, list[Relay]]


def as_plain(value: Any) -> Any:
    """Dataclasses, tuples and mappings as the dictionaries and lists that Ansible hands on."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: as_plain(getattr(value, item.name)) for item in dataclasses.fields(value) if item.repr}
    if isinstance(value, Mapping):
        return {key: as_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(value)
    return value
