# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shape of each host's requirements: dictionaries, because Ansible hands them on, with typed keys.

No password is ever part of it: a connection names the host and the variable that have one.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from ...module_utils._archive_command.command import ArchiveCompression, ArchiveMethod
from .model import ClusterManager

#: What an SSH connection is for.
SshPurpose = Literal["backup", "archiving", "passive", "recovery"]
PasswordVariable = Literal["barman_postgres_password", "barman_streaming_password"]


class DatabaseUsers(TypedDict):
    """Database roles. streaming: null if nothing is streamed."""

    management: str
    streaming: str | None


class DatabaseRole(TypedDict):
    """A role, what it needs, and the variable that has its password."""

    name: str
    replication: bool
    password: PasswordVariable


class RequiredPrivileges(TypedDict):
    """Predefined roles, and functions of pg_catalog with the types of their arguments, such as pg_switch_wal()."""

    memberships: list[str]
    functions: list[str]


class HbaRule(TypedDict):
    """A rule of pg_hba.conf, by the names of its columns. source: a network."""

    type: Literal["host", "hostssl"]
    databases: str
    users: str
    source: str
    method: Literal["scram-sha-256", "cert"]


class RequiredSetting(TypedDict):
    """One of: at least minimum; exactly value; includes these names, in a list that others share."""

    minimum: NotRequired[str | int]
    value: NotRequired[str]
    includes: NotRequired[list[str]]


class SynchronousReceiver(TypedDict):
    """A receiver that commits wait for. server: Barman's name. backup_server: the inventory name of the host that runs it."""

    name: str
    server: str
    backup_server: str | None


class Archiving(TypedDict):
    """Where archive_command sends WAL, and how. timeout: seconds, null leaves the setting as it is."""

    server: str
    backup_server: str
    address: str
    port: int
    user: str
    incoming_directory: str
    wals_directory: str
    method: ArchiveMethod
    compression: ArchiveCompression
    timeout: int | None


class PasswordLine(TypedDict):
    """A line of libpq's password file. password_variable: the variable of the inventory host that has the password."""

    host: str
    address: str
    port: int
    database: str
    user: str
    password_variable: PasswordVariable


class ManualPassword(TypedDict):
    """A password that a person types where psql asks for it: the role, the variable that has it, and the command of psql."""

    role: str
    variable: PasswordVariable
    psql: str


#: SSH trust that somebody else configures. options: what is before the key in authorized_keys. commands: to run there, as the user that runs
#: PostgreSQL; the last one prints the value of variable. given: whether the variable is set. file: with lines that have keys of other hosts; the
#: playbook deploy knows them when it has connected to these, and sets them as the fact.
ManualSsh = TypedDict(
    "ManualSsh",
    {
        "purpose": SshPurpose,
        "from": str,
        "to": str,
        "port": int,
        "options": str,
        "commands": list[str],
        "variable": Literal["barman_ssh_public_key", "barman_ssh_host_key"],
        "given": bool,
        "file": str,
        "fact": str,
    },
)


class ManualSteps(TypedDict):
    """What somebody does on a PostgreSQL server that Ansible does not manage: the same as role pg does on the others, line by line.

    database: the lines for psql are for this one, as a superuser. sql: the roles and their privileges. passwords: in the same session. pg_hba: the first
    lines of pg_hba.conf, because the first line that matches decides. settings: for postgresql.conf, or a provider's console. alter_system: the same for
    psql: it raises what is too low, and leaves the rest. restart: the settings among them that need a restart. dcs: with
    Patroni, the slot, the settings and pg_hba as lines of its configuration in the DCS. packages: for archive_command or the method rsync.
    """

    database: str
    sql: list[str]
    passwords: list[ManualPassword]
    pg_hba: list[str]
    settings: list[str]
    alter_system: list[str]
    restart: list[str]
    dcs: list[str]
    packages: list[str]
    ssh: list[ManualSsh]


class PostgresRequirements(TypedDict):
    """Of a PostgreSQL server.

    server_name: Barman's name, null for a primary that is backed up through its standby only. manage: if false, nothing may be changed there, see
    manual. cluster: of which it is a member; cluster_manager: what owns its configuration. primary: on a standby, the inventory name of its primary,
    where its roles are created. standbys: on a primary, the inventory names of its standbys. members: the other servers that replicate with it, and
    restart one after the other; none under Patroni. backed_up_as: the inventory name of the server whose entry in Barman has its data. hba_lines:
    hba_rules as lines of the file. listens: whether a backup server on another machine connects to it. packages: by the names that Debian and Red
    Hat share. programs: what unpacks its backups there. python_modules: what archive_command compresses with. pgpass: for every connection that a
    backup server may have to it, a former one too. variables: what only the role reads of the inventory, with the defaults of the table
    (variables.py).
    """

    server_name: str | None
    version: int
    port: int
    database: str
    manage: bool
    os_user: str
    cluster: str | None
    cluster_manager: ClusterManager
    primary: str | None
    standbys: list[str]
    members: list[str]
    backed_up_as: str
    users: DatabaseUsers
    roles: list[DatabaseRole]
    privileges: RequiredPrivileges
    hba_rules: list[HbaRule]
    hba_lines: list[str]
    listens: bool
    settings: dict[str, RequiredSetting]
    slots: list[str]
    packages: list[str]
    programs: list[str]
    python_modules: list[str]
    synchronous: list[SynchronousReceiver]
    archiving: Archiving | None
    pgpass: list[PasswordLine]
    manual: ManualSteps | None
    variables: Mapping[str, Any]


class EntryRequirement(TypedDict):
    """A server's entry in Barman's configuration.

    given: the options that the inventory sets itself; the others are defaults. source: of a passive copy, the backup server that it is copied
    from. hops: how many copies there are from the backup server that backs up the server to this one, 0 on that one.
    """

    name: str
    host: str
    options: Mapping[str, Any]
    given: list[str]
    passive: bool
    streaming: bool
    archiving: bool
    slot_name: str | None
    synchronous: bool
    source: str | None
    hops: int


class BackupSchedule(TypedDict):
    """When cron takes base backups of a server."""

    server: str
    type: Literal["full", "incremental"]
    minute: str
    hour: str
    day: str
    month: str
    weekday: str


class BlockIncrements(TypedDict):
    """Scheduled block-level increments, by the version of Barman that they need."""

    barman_version: str
    servers: list[str]
    compressed: bool


class HookScript(TypedDict):
    """A script: the text is its content, or in a file of the controller. host: whose hook it is."""

    name: str
    host: str
    source: NotRequired[str]
    content: NotRequired[str]


class HookCredentials(TypedDict):
    """A profile with barman_s3_access_key and barman_s3_secret_key of the host."""

    profile: str
    host: str


class HookRequirements(TypedDict):
    """What the entries' hook options need.

    needed: false without any hook. ready: the exports that come with the collection. sources: the files with the texts of scripts, of role hooks by
    their names, and of the controller by their paths.
    """

    directory: str
    needed: bool
    ready: list[str]
    sources: list[str]
    scripts: list[HookScript]
    credentials_directory: str
    credentials: list[HookCredentials]


class ProgramRequirements(TypedDict):
    """The program on a backup server. identity: of its code. settings: what its commands read. schedule_lines: those of cron."""

    identity: str
    settings: Mapping[str, Any]
    schedule_lines: list[str]


class DrillRequirements(TypedDict):
    """Restore drills of a backup server, as modules drill and check take them.

    directory: null for the default. queries: by Barman's name of the server. database_users: the superuser of each server.
    maximum_ages: seconds, of the servers that it backs up. schedule_lines: those of cron.
    """

    directory: str | None
    queries: dict[str, list[dict[str, Any]]]
    database_users: dict[str, str]
    maximum_ages: dict[str, int]
    schedule_lines: list[str]


class VerificationRequirements(TypedDict):
    """Verifications of the stored files of a backup server, as modules verify_backups and check take them.

    days, maximum_ages: of the servers that it backs up or replicates, and that declare days; maximum_ages: seconds. bandwidth_limit: kilobytes
    a second, null for none. schedule_lines: those of cron.
    """

    days: dict[str, int]
    maximum_ages: dict[str, int]
    bandwidth_limit: int | None
    schedule_lines: list[str]


class MonitoringRequirements(TypedDict):
    """Of a backup server that Prometheus or Nagios watches, or that sends messages itself.

    nrpe_lines, sudoers_lines: of the files of NRPE and sudo, empty without nagios.
    """

    prometheus: bool
    nagios: bool
    notify: bool
    metrics_file: str
    nrpe_lines: list[str]
    sudoers_lines: list[str]


class BarmanRequirements(TypedDict):
    """Of a backup server.

    given: the options that the inventory sets itself; the others are defaults. synchronous: the servers whose receivers commits wait for. programs: what
    compresses and unpacks backups and WAL, beside gzip. clouds: the providers that take snapshots for it. schedule_lines: schedules as lines of
    cron.
    """

    user: str
    home: str
    configuration_directory: str
    global_options: Mapping[str, Any]
    given: list[str]
    servers: list[EntryRequirement]
    synchronous: list[str]
    client_versions: list[int]
    programs: list[str]
    python_modules: list[str]
    packages: list[str]
    variables: Mapping[str, Any]
    clouds: list[str]
    pgpass: list[PasswordLine]
    schedules: list[BackupSchedule]
    schedule_lines: list[str]
    increments: list[BlockIncrements]
    drills: DrillRequirements
    verification: VerificationRequirements
    hooks: HookRequirements
    program: ProgramRequirements
    monitoring: MonitoringRequirements


class SshConnection(TypedDict):
    """An SSH connection that the topology requires: who connects, and as whom on which host.

    from_hosts, to_hosts: all hosts of the inventory that are that machine. public_key, host_key: only if from_host, or to_host, is not managed and the
    inventory has them. run, expires: of a recovery's connection alone.
    """

    from_host: str
    from_hosts: NotRequired[list[str]]
    from_user: str
    from_addresses: list[str]
    to_host: str
    to_hosts: NotRequired[list[str]]
    to_user: str
    to_address: str
    to_port: int
    purpose: SshPurpose
    forced_command: str | None
    public_key: NotRequired[str]
    host_key: NotRequired[str]
    run: NotRequired[str]
    expires: NotRequired[str]


class RequirementsOfHost(TypedDict):
    """Of a host. postgres: on a PostgreSQL server. barman: on a backup server. A host in both groups has both.

    ssh_connections: those from and to this machine. ssh_users: the users of this machine whose authorized_keys the collection writes.
    """

    postgres: NotRequired[PostgresRequirements]
    barman: NotRequired[BarmanRequirements]
    ssh_connections: list[SshConnection]
    ssh_users: list[str]
