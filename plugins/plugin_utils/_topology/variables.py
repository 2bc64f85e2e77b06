# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""THE table of the inventory's variables: the parser, the hints for misspelt names, the documentation and the roles read it, and nothing repeats it.

A new variable is one entry here. Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ...module_utils._archive_command import command as archive_command
from .kinds import (
    ADDRESS,
    BARMAN_VERSION,
    BOOLEAN,
    CONNECTION_OPTIONS,
    CRON,
    DATABASE,
    DICTIONARY,
    HOOKS,
    NAME,
    NETWORK,
    OPTIONAL_PATH,
    OS_USER,
    PATH,
    PORT,
    POSTGRES_HOST,
    POSTGRES_VERSION,
    RETENTION,
    ROLE,
    ROOT_CERTIFICATE,
    S3_BUCKET,
    SECRET,
    SERVER_NAME,
    SLOT_NAME,
    TEXT,
    WHOLE_NUMBER,
    Kind,
    list_of,
    one_of,
    public_key,
)
from .model import BACKUP_METHODS, INCREMENTALS, SSL_MODES, WAL_METHODS

Group = Literal["pg", "backup", "both"]

PG: Group = "pg"
BACKUP: Group = "backup"
BOTH: Group = "both"


@dataclass(frozen=True)
class Variable:
    """One variable that a person sets.

    group: the hosts on which it is read. value: what it is if nobody sets it; None if that follows from other variables. meaning: its sentence
    in the documentation. default: the default in words, if the value does not say it.
    """

    name: str
    group: Group
    kind: Kind
    value: Any
    meaning: str
    default: str | None = None

    @property
    def secret(self) -> bool:
        return self.kind is SECRET

    @property
    def default_in_words(self) -> str:
        return in_words(self.value) if self.default is None else self.default


def in_words(value: Any) -> str:
    """A value as the documentation shows it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[%s]" % ", ".join(map(str, value))
    return "" if value is None else str(value)


VARIABLES: tuple[Variable, ...] = (
    Variable("barman_pg_group", BOTH, TEXT, "pg", "The group of the PostgreSQL servers."),
    Variable("barman_backup_group", BOTH, TEXT, "backup", "The group of the backup servers."),
    Variable("barman_zone", BOTH, TEXT, "", "The place (data centre, region) where the host is."),
    Variable(
        "barman_address",
        BOTH,
        ADDRESS,
        None,
        "Where the other hosts of the topology reach this one.",
        default="ansible_host, else the inventory name",
    ),
    Variable("barman_ssh_port", BOTH, PORT, 22, "The port of the host's SSH server, as the other hosts reach it."),
    Variable(
        "barman_hooks",
        BOTH,
        HOOKS,
        {},
        "Hook scripts, by Barman's option: of this server, or on a backup server of all that it keeps. See architectures/hook-scripts.md.",
    ),
    Variable(
        "barman_s3",
        BOTH,
        S3_BUCKET,
        None,
        "The bucket to export to: url, and if needed endpoint_url, region, compression, encryption, jobs.",
        default="required with ready: s3 in barman_hooks",
    ),
    Variable(
        "barman_s3_access_key",
        BOTH,
        SECRET,
        None,
        "The access key's id for the bucket. Keep it in a vault.",
        default="whatever the machine itself may do",
    ),
    Variable(
        "barman_s3_secret_key",
        BOTH,
        SECRET,
        None,
        "The access key's secret. Keep it in a vault.",
        default="required with barman_s3_access_key",
    ),
    Variable(
        "barman_backup_server",
        PG,
        NAME,
        None,
        "The inventory name of the backup server that keeps this PostgreSQL server. Not needed on a primary that is kept through its standby only.",
        default="required",
    ),
    Variable(
        "barman_postgres_version",
        PG,
        POSTGRES_VERSION,
        None,
        "PostgreSQL's major version, 13 to 18, without quotes.",
        default="required",
    ),
    Variable(
        "barman_server_name",
        PG,
        SERVER_NAME,
        None,
        "The name that Barman gives the server.",
        default="the inventory name",
    ),
    Variable("barman_backup_method", PG, one_of(BACKUP_METHODS), "postgres", "How base backups are taken."),
    Variable(
        "barman_wal",
        PG,
        list_of(one_of(WAL_METHODS), "streaming"),
        ("streaming",),
        "How WAL comes to Barman: one at least, or both.",
    ),
    Variable(
        "barman_archive_method",
        PG,
        one_of(archive_command.METHODS),
        "barman-wal-archive",
        "With archiving: what archive_command runs.",
    ),
    Variable(
        "barman_archive_compression",
        PG,
        one_of(archive_command.COMPRESSIONS),
        "none",
        "With archiving: how archive_command compresses WAL before it is sent. barman-wal-archive needs Barman 3.14 on both sides; rsync knows gzip, zstd and lz4.",
    ),
    Variable(
        "barman_archive_timeout",
        PG,
        WHOLE_NUMBER,
        None,
        "With archiving: after so many seconds a WAL segment is closed and archived that is not full yet; 0 for never.",
        default="300 with archiving alone, else left as it is",
    ),
    Variable(
        "barman_passive_servers",
        PG,
        list_of(NAME, "backup-2"),
        (),
        "Backup servers that relay this server's backups and WAL from the one that keeps it.",
    ),
    Variable(
        "barman_postgres_host",
        PG,
        POSTGRES_HOST,
        None,
        "Where PostgreSQL listens, as the backup server reaches it.",
        default="barman_address",
    ),
    Variable("barman_postgres_port", PG, PORT, 5432, "PostgreSQL's port."),
    Variable("barman_postgres_database", PG, DATABASE, "postgres", "The database of the management connection."),
    Variable("barman_postgres_user", PG, ROLE, "barman", "The role of the management connection."),
    Variable("barman_streaming_user", PG, ROLE, "streaming_barman", "The role of the replication connections."),
    Variable(
        "barman_postgres_password",
        PG,
        SECRET,
        None,
        "The password of barman_postgres_user. Keep it in a vault.",
        default="required without barman_sslcert",
    ),
    Variable(
        "barman_streaming_password",
        PG,
        SECRET,
        None,
        "The password of barman_streaming_user. Keep it in a vault.",
        default="required without barman_sslcert, where there is a replication connection",
    ),
    Variable(
        "barman_sslmode",
        PG,
        one_of(SSL_MODES),
        "prefer",
        "libpq's sslmode. From require on, pg_hba lets in connections with TLS only.",
    ),
    Variable(
        "barman_sslrootcert",
        PG,
        ROOT_CERTIFICATE,
        "",
        "The CA's certificate on the backup server, or system for its trusted CAs.",
    ),
    Variable("barman_sslcert", PG, OPTIONAL_PATH, "", "Barman's client certificate, on the backup server."),
    Variable("barman_sslkey", PG, OPTIONAL_PATH, "", "The client certificate's key, on the backup server."),
    Variable(
        "barman_connection_options",
        PG,
        CONNECTION_OPTIONS,
        {},
        "Further parameters of libpq for Barman's connections. By default it waits 10 seconds for a connection (connect_timeout: 10) and gives up a silent one after two minutes (keepalives_idle: 60, keepalives_interval: 10, keepalives_count: 6).",
    ),
    Variable("barman_slot_name", PG, SLOT_NAME, "barman", "The replication slot of the WAL receiver."),
    Variable(
        "barman_synchronous",
        PG,
        BOOLEAN,
        False,
        "Commits wait until Barman's WAL receiver has them (no committed transaction is lost).",
    ),
    Variable(
        "barman_incremental",
        PG,
        one_of(INCREMENTALS),
        "none",
        "block: block-level increments of the postgres method, from PostgreSQL 17 on. link and copy: file-level reuse of the rsync method.",
    ),
    Variable(
        "barman_retention_policy",
        PG,
        RETENTION,
        "RECOVERY WINDOW OF 14 DAYS",
        "What Barman keeps: REDUNDANCY n, or RECOVERY WINDOW OF n DAYS (WEEKS, MONTHS). Empty: everything.",
    ),
    Variable(
        "barman_minimum_redundancy", PG, WHOLE_NUMBER, 1, "So many backups are never deleted, however old they are."
    ),
    Variable(
        "barman_backup_schedule",
        PG,
        CRON,
        None,
        "When full base backups are taken. Empty: never by schedule.",
        default="daily, at a minute between 00:00 and 03:59 derived from the server's name; weekly with block increments",
    ),
    Variable(
        "barman_incremental_schedule",
        PG,
        CRON,
        None,
        "When block-level increments are taken. Empty: never by schedule.",
        default="with block increments: the other days of the week, at the same minute",
    ),
    Variable(
        "barman_options",
        PG,
        DICTIONARY,
        {},
        "Further options of Barman for this server; they win over what is derived here, except for what identifies the server and its connections.",
    ),
    Variable(
        "barman_manage_postgres",
        PG,
        BOOLEAN,
        True,
        "false: Ansible does not touch PostgreSQL; what has to be done there is returned as SQL, pg_hba, settings and SSH.",
    ),
    Variable(
        "barman_primary",
        PG,
        TEXT,
        "",
        "On a standby: the inventory name of its primary. Backups are taken from the standby, WAL comes from the primary.",
    ),
    Variable("barman_postgres_os_user", PG, OS_USER, "postgres", "The operating system's user that runs PostgreSQL."),
    Variable(
        "barman_ssh_public_key",
        PG,
        public_key("~/.ssh/id_ed25519.pub of PostgreSQL's user"),
        "",
        "With barman_manage_postgres false, and archiving: the SSH key of barman_postgres_os_user, which the backup server lets in.",
    ),
    Variable(
        "barman_ssh_host_key",
        PG,
        public_key("/etc/ssh/ssh_host_ed25519_key.pub there"),
        "",
        "With barman_manage_postgres false, and the rsync or snapshot method: a host key of its SSH server, by which the backup server knows it.",
    ),
    Variable(
        "barman_passive_of",
        BACKUP,
        TEXT,
        "",
        "The inventory name of a backup server: this one relays everything that that one keeps or relays.",
    ),
    Variable(
        "barman_addresses",
        BACKUP,
        list_of(NETWORK, "198.51.100.11"),
        None,
        "The addresses or networks from which its connections come, as PostgreSQL and sshd see them.",
        default="[barman_address]",
    ),
    Variable("barman_user", BACKUP, OS_USER, "barman", "The operating system's user that runs Barman."),
    Variable("barman_home", BACKUP, PATH, "/var/lib/barman", "Barman's home, where the backups are."),
    Variable(
        "barman_configuration_directory", BACKUP, PATH, "/etc/barman.d", "Where the servers' configuration files are."
    ),
    Variable(
        "barman_hook_directory",
        BACKUP,
        PATH,
        "/usr/local/lib/pgdr.barman",
        "Where the scripts of barman_hooks are put.",
    ),
    Variable(
        "barman_client_directory",
        BACKUP,
        OPTIONAL_PATH,
        "/usr/lib/postgresql/{version}/bin",
        "Where the client tools of a PostgreSQL major version are; {version} stands for it. Empty: whatever the PATH finds.",
    ),
    Variable(
        "barman_version",
        BACKUP,
        BARMAN_VERSION,
        None,
        'The Barman version, in quotes as "3.13.3", that options are checked against before anything is done. Without it the newest known one; module server compares with the installed one whenever an entry changes.',
    ),
    Variable("barman_global_options", BACKUP, DICTIONARY, {}, "Further options of Barman's [barman] section."),
    Variable("barman_allow_empty", BACKUP, BOOLEAN, False, "true: that no PostgreSQL server is kept here is meant."),
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
