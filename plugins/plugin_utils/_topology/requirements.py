# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the topology to what each host must have. Nothing else computes it again.

requirement_types.py has the shape of the result.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from ...module_utils._postgres import privileges
from . import drills, retention, schedule
from .entries import directories, entry_options, global_options, members_of, passive_options, receiver_name
from .explicit_options import given_global_options, given_options
from .hook_requirements import hook_requirements
from .manual import manual
from .model import SSL_MODES_REQUIRING, BackupServer, Index, PassiveCopy, PostgresServer, Topology, as_plain
from .monitoring import monitoring_requirements
from .program import program_requirements
from .relations import archiving_client, backed_up_as, clients_of, has_base_backups, receivers_of, replicating_with
from .requirement_types import (
    Archiving,
    BackupSchedule,
    BarmanRequirements,
    BlockIncrements,
    DatabaseRole,
    DrillRequirements,
    EntryRequirement,
    HbaRule,
    PasswordLine,
    PostgresRequirements,
    RequiredPrivileges,
    RequiredSetting,
    RequirementsOfHost,
)
from .ssh_connections import by_machine, lasting_ssh_connections, recovery_ssh_connections
from .verification import verification_requirements

# gzip is everywhere. What Barman runs, and what it imports, for each of the others.
_BACKUP_PROGRAMS = {"lz4", "zstd"}
_WAL_PROGRAMS = {"bzip2", "pigz"}
#: What listens only to this machine itself can't be reached by a backup server elsewhere.
LOOPBACK = ("127.", "::1/")
_MODULES = {"lz4": ("lz4",), "snappy": ("snappy",), "zstd": ("zstandard",)}


def requirements(topology: Topology, program_identity: str = "") -> dict[str, RequirementsOfHost]:
    """What each host must have, by inventory name. program_identity: of the code that backup servers get."""
    index = topology.index()
    found: dict[str, RequirementsOfHost] = {}
    for host in (*topology.postgres_servers, *topology.backup_servers):
        found[host] = {"ssh_connections": [], "ssh_users": []}
    for server in topology.postgres_servers.values():
        found[server.host]["postgres"] = _postgres(topology, index, server)
        found[server.host]["ssh_users"].append(server.os_user)
    for backup in topology.backup_servers.values():
        found[backup.host]["barman"] = _barman(topology, index, backup, program_identity)
        found[backup.host]["ssh_users"].append(backup.user)
    connections = lasting_ssh_connections(topology)
    for connection in by_machine(topology, connections):
        for host in dict.fromkeys((*connection["from_hosts"], *connection["to_hosts"])):
            found[host]["ssh_connections"].append(connection)
    for server in topology.postgres_servers.values():
        if not server.manage:
            own = [
                connection
                for connection in connections
                if server.host in (connection["from_host"], connection["to_host"])
            ]
            required = found[server.host]["postgres"]
            required["manual"] = manual(server, required, own)
    return found


def describe(topology: Topology) -> dict[str, Any]:
    """The topology as plain data, with the SSH connections that are authorized only during a recovery, and the requirements of every host."""
    described: dict[str, Any] = as_plain(topology)
    described["recovery_ssh_connections"] = recovery_ssh_connections(topology)
    described["backed_up_hosts"] = [one.host for one in topology.postgres_servers.values() if one.backup_server]
    described["backup_addresses"] = list(
        dict.fromkeys(address for backup in topology.backup_servers.values() for address in backup.addresses)
    )
    return described


# --- on a PostgreSQL server -------------------------------------------------------------------------------------------


def _postgres(topology: Topology, index: Index, server: PostgresServer) -> PostgresRequirements:
    entry = index.entry_of(server)
    clients = clients_of(index, server)
    receivers = receivers_of(index, server)
    replicating = receivers + ([server] if has_base_backups(server) and server not in receivers else [])
    streaming = server.streaming_user if replicating else None
    archiving = _archiving(topology, index, server)
    programs = sorted(_programs(server, _all_options(topology, server)) - _WAL_PROGRAMS)
    modules = sorted(_archiving_modules(index, server))
    rules = [
        *_hba_rules(
            server, server.database, server.user, has_password=server.has_password, sources=_sources(topology, clients)
        ),
        *_hba_rules(
            server,
            "replication",
            server.streaming_user,
            has_password=server.has_streaming_password,
            sources=_sources(topology, replicating),
        ),
    ]
    return {
        "server_name": None if entry is None else entry.name,
        "version": server.version,
        "port": server.local_port,
        "database": server.database,
        "manage": server.manage,
        "os_user": server.os_user,
        "cluster": server.cluster,
        "cluster_manager": server.cluster_manager,
        "primary": server.primary,
        "standbys": [standby.host for standby in index.standbys.get(server.host, ())],
        "members": replicating_with(index, server),
        "backed_up_as": backed_up_as(index, server),
        "users": {"management": server.user, "streaming": streaming},
        "roles": _roles(server, streaming),
        "privileges": _privileges(server),
        "hba_rules": rules,
        "hba_lines": [_hba_line(rule) for rule in rules],
        "listens": any(not rule["source"].startswith(LOOPBACK) for rule in rules),
        "settings": _settings(topology, index, server),
        "slots": [client.slot_name for client in receivers],
        "packages": [
            *(["barman-cli"] if archiving and archiving["method"] == "barman-wal-archive" else []),
            *programs,
            *(f"python3-{module}" for module in modules),
        ],
        "programs": programs,
        "python_modules": modules,
        "synchronous": [
            {"name": receiver_name(client), "server": client.name, "backup_server": client.backup_server}
            for client in receivers
            if client.synchronous
        ],
        "archiving": archiving,
        "pgpass": list(_pgpass(topology, server, former=True)),
        "manual": None,
        "variables": server.variables,
    }


def _roles(server: PostgresServer, streaming: str | None) -> list[DatabaseRole]:
    """The database roles, each once."""
    roles: list[DatabaseRole] = [
        {"name": server.user, "replication": server.user == streaming, "password": "barman_postgres_password"}
    ]
    if streaming and streaming != server.user:
        roles.append({"name": streaming, "replication": True, "password": "barman_streaming_password"})
    return roles


def _hba_line(rule: HbaRule) -> str:
    """In quotes a name is a name and never a keyword; "replication" is meant as the keyword."""
    database = rule["databases"] if rule["databases"] == "replication" else f'"{rule["databases"]}"'
    return f'{rule["type"]} {database} "{rule["users"]}" {rule["source"]} {rule["method"]}'


def _sources(topology: Topology, clients: Iterable[PostgresServer]) -> list[str]:
    """The addresses from which the backup servers of these come, each once."""
    found: dict[str, None] = {}
    for client in clients:
        backup = topology.backup_servers.get(client.backup_server or "")
        found.update(dict.fromkeys(backup.addresses if backup else ()))
    return list(found)


def _privileges(server: PostgresServer) -> RequiredPrivileges:
    least = privileges.least_privileges(server.version)
    return {"memberships": list(least.memberships), "functions": list(least.functions)}


def _hba_rules(
    server: PostgresServer, database: str, user: str, *, has_password: bool, sources: Iterable[str]
) -> Iterable[HbaRule]:
    by_certificate = bool(server.sslcert) and not has_password
    requires_tls = by_certificate or server.sslmode in SSL_MODES_REQUIRING
    for source in sources:
        yield {
            "type": "hostssl" if requires_tls else "host",
            "databases": database,
            "users": user,
            "source": source,
            "method": "cert" if by_certificate else "scram-sha-256",
        }


def _settings(topology: Topology, index: Index, server: PostgresServer) -> dict[str, RequiredSetting]:
    receivers = receivers_of(index, server)
    senders = _senders(index, server)
    primary = topology.postgres_servers.get(server.primary or "")
    if primary is not None:
        # A standby with fewer than its primary does not start.
        senders = max(senders, _senders(index, primary))
    settings: dict[str, RequiredSetting] = {"wal_level": {"minimum": "replica"}}
    if senders:
        settings["max_wal_senders"] = {"minimum": senders}
    if receivers:
        settings["max_replication_slots"] = {"minimum": len(receivers)}
    if server.incremental == "block" and has_base_backups(server):
        settings["summarize_wal"] = {"value": "on"}
        summaries = retention.summaries_needed(server)
        if summaries is not None:
            settings["wal_summary_keep_time"] = {"minimum": summaries}
    if archiving_client(index, server) is not None:
        settings["archive_mode"] = {"value": "on"}
    synchronous = [receiver_name(client) for client in receivers if client.synchronous]
    if synchronous:
        settings["synchronous_standby_names"] = {"includes": synchronous}
    return settings


def _senders(index: Index, server: PostgresServer) -> int:
    """A receiver and a copy each hold a WAL sender; Barman's own replication connection beside it needs another. So does each declared standby.

    Barman's cron, check and the start of a receiver may connect at the same time: one more, unless copies leave room for it.
    Each member of a cluster can become the primary, and then all others stream from it.
    """
    receivers, standbys = len(receivers_of(index, server)), len(index.standbys.get(server.host, ()))
    members = sum(member.host != server.host for member in index.members.get(server.cluster or "", ()))
    return 2 * receivers + (2 if has_base_backups(server) else min(receivers, 1)) + standbys + members


def _archiving(topology: Topology, index: Index, server: PostgresServer) -> Archiving | None:
    client = archiving_client(index, server)
    backup = topology.backup_servers.get(client.backup_server or "") if client else None
    if client is None or backup is None:
        return None
    there = directories(client.name, entry_options(topology, client, backup), backup)
    return {
        "server": client.name,
        "backup_server": backup.host,
        "address": backup.address,
        "port": backup.ssh_port,
        "user": backup.user,
        "incoming_directory": there["incoming_wals_directory"],
        "wals_directory": there["wals_directory"],
        "method": client.archive_method,
        "compression": client.archive_compression,
        "timeout": client.archive_timeout,
    }


# --- on a backup server -----------------------------------------------------------------------------------------------


def _barman(topology: Topology, index: Index, backup: BackupServer, program_identity: str) -> BarmanRequirements:
    backed_up = index.backed_up.get(backup.host, [])
    copies = index.copies_on.get(backup.host, [])
    entries = [_active_entry(topology, server, backup) for server in backed_up]
    sources = {
        (passive_copy.server, passive_copy.target): passive_copy.source for passive_copy in topology.passive_copies
    }
    entries += [_passive_entry(topology, passive_copy, sources) for passive_copy in copies]
    with_clients = [server for server in backed_up if server.method == "postgres" or server.streams]
    # A passive node needs them only to combine block-level increments.
    with_clients += [
        server
        for server in (topology.postgres_servers[passive_copy.server] for passive_copy in copies)
        if server.incremental == "block"
    ]
    here = [*backed_up, *(topology.postgres_servers[passive_copy.server] for passive_copy in copies)]
    needs = _needs(topology, index, here)
    synchronous = sorted(server.name for server in backed_up if server.synchronous)
    drilled, verified = _drills(backup, backed_up, here), verification_requirements(backup, here)
    return {
        "user": backup.user,
        "home": backup.home,
        "configuration_directory": backup.configuration_directory,
        "global_options": global_options(backup),
        "given": given_global_options(backup),
        "servers": sorted(entries, key=lambda entry: str(entry["name"])),
        "synchronous": synchronous,
        "client_versions": sorted({server.version for server in with_clients}),
        "packages": [*sorted(needs.programs), *(f"python3-{module}" for module in sorted(needs.modules))],
        "programs": sorted(needs.programs),
        "python_modules": sorted(needs.modules),
        "clouds": sorted(
            {str(server.options["snapshot_provider"]) for server in backed_up if server.method == "snapshot"}
        ),
        "pgpass": [line for server in backed_up for line in _pgpass(topology, server)],
        "variables": backup.variables,
        "schedules": [line for server in backed_up for line in _schedules(server)],
        "schedule_lines": [_cron_line(backup, server, line) for server in backed_up for line in _schedules(server)],
        "increments": list(_increments(backup, backed_up)),
        "drills": drilled,
        "verification": verified,
        "hooks": hook_requirements(
            [(backup.host, backup.declared_hooks), *((server.host, server.declared_hooks) for server in backed_up)],
            backup.hook_directory,
            backup.home,
        ),
        "program": program_requirements(backup, synchronous, here, drilled, verified, program_identity),
        "monitoring": monitoring_requirements(backup, [str(entry["name"]) for entry in entries]),
    }


def _drills(
    backup: BackupServer, backed_up: Iterable[PostgresServer], here: Iterable[PostgresServer]
) -> DrillRequirements:
    return {
        "directory": backup.drill_directory or None,
        "queries": drills.queries_of((server.name, server.drill_queries) for server in here),
        "database_users": {server.name: str(server.variables["barman_postgres_superuser"]) for server in here},
        "maximum_ages": {
            server.name: server.drill_maximum_age for server in backed_up if server.drill_maximum_age is not None
        },
        "schedule_lines": drills.schedule_lines(
            backup.user, ((server.name, server.drill_schedule) for server in backed_up)
        ),
    }


class _Needs(NamedTuple):
    """What is to be installed for compression."""

    programs: set[str]
    modules: set[str]


def _needs(topology: Topology, index: Index, servers: Iterable[PostgresServer]) -> _Needs:
    found = _Needs(set(), set())
    for server in servers:
        options = _all_options(topology, server)
        found.programs.update(_programs(server, options))
        found.modules.update(_MODULES.get(str(options.get("compression")).lower(), ()))
        found.modules.update(_archiving_modules(index, server))
    return found


def _all_options(topology: Topology, server: PostgresServer) -> Mapping[str, Any]:
    """The server's own options, with the global ones of the backup server that keeps it beneath."""
    backup = topology.backup_servers.get(server.backup_server or "")
    return {**(backup.global_options if backup else {}), **server.options}


def _programs(server: PostgresServer, options: Mapping[str, Any]) -> set[str]:
    found = {str(options.get("compression")).lower()} & _WAL_PROGRAMS
    plain = str(options.get("backup_compression_format")).lower() == "plain"
    if server.method == "postgres" and not plain:
        found |= {str(options.get("backup_compression")).lower()} & _BACKUP_PROGRAMS
    return found


def _archiving_modules(index: Index, server: PostgresServer) -> set[str]:
    """What barman-wal-archive compresses with there, and Barman reads with here."""
    client = archiving_client(index, server)
    if client is None or client.archive_method != "barman-wal-archive":
        return set()
    return set(_MODULES.get(client.archive_compression, ()))


def _active_entry(topology: Topology, server: PostgresServer, backup: BackupServer) -> EntryRequirement:
    return {
        "name": server.name,
        "host": server.host,
        "options": entry_options(topology, server, backup),
        "given": given_options(server),
        "passive": False,
        "streaming": server.streams,
        "archiving": server.archives,
        "slot_name": server.slot_name if server.streams else None,
        "synchronous": server.synchronous,
        "source": None,
        "hops": 0,
    }


def _passive_entry(
    topology: Topology, passive_copy: PassiveCopy, sources: Mapping[tuple[str, str], str]
) -> EntryRequirement:
    server = topology.postgres_servers[passive_copy.server]
    return {
        "name": server.name,
        "host": server.host,
        "options": passive_options(topology, passive_copy),
        "given": given_options(server),
        "passive": True,
        "streaming": False,
        "archiving": False,
        "slot_name": None,
        "synchronous": False,
        "source": passive_copy.source,
        # In a chain each copy needs the one before it.
        "hops": _hops(passive_copy, sources),
    }


def _hops(passive_copy: PassiveCopy, sources: Mapping[tuple[str, str], str]) -> int:
    """How many copies there are from the backup server that keeps the server to this one. sources: of server and target."""
    hops, host = 1, passive_copy.source
    while (passive_copy.server, host) in sources and hops <= len(sources):
        hops, host = hops + 1, sources[passive_copy.server, host]
    return hops


def _pgpass(topology: Topology, server: PostgresServer, *, former: bool = False) -> Iterable[PasswordLine]:
    """A line for each connection to the server; former: also for those that it does not need any more, but may have had."""
    primary = topology.postgres_servers.get(server.primary) if server.primary else None
    connections: list[tuple[PostgresServer, bool]] = []
    for peer in [server] if former else (members_of(topology, server) or [server]):
        connections += [(peer, False)] + ([(peer, True)] if former or peer.needs_replication else [])
    if primary is not None:
        connections += [(primary, False)] + ([(primary, True)] if former or server.streams else [])
    for peer, streaming in connections:
        if not (peer.has_streaming_password if streaming else peer.has_password):
            continue
        yield {
            "host": peer.host,
            "address": peer.postgres_host,
            "port": peer.port,
            "database": "*" if streaming else peer.database,
            "user": peer.streaming_user if streaming else peer.user,
            "password_variable": "barman_streaming_password" if streaming else "barman_postgres_password",
        }


def _schedules(server: PostgresServer) -> Iterable[BackupSchedule]:
    if server.backup_schedule:
        yield _schedule(server, "full", schedule.parse_cron(server.backup_schedule))
    if server.incremental_schedule and server.incremental == "block":
        yield _schedule(server, "incremental", schedule.parse_cron(server.incremental_schedule))


def _schedule(server: PostgresServer, kind: Literal["full", "incremental"], cron: schedule.Cron) -> BackupSchedule:
    return {
        "server": server.name,
        "type": kind,
        "minute": cron.minute,
        "hour": cron.hour,
        "day": cron.day,
        "month": cron.month,
        "weekday": cron.weekday,
    }


def _cron_line(backup: BackupServer, server: PostgresServer, when: BackupSchedule) -> str:
    """A line of /etc/cron.d.

    The backup's last WAL segment is closed afterwards, because on an idle server it would stay open, and the backup incomplete, for ever. Forcing that takes
    a role (pg_checkpoint) that PostgreSQL has from 15 on, and a primary.
    """
    times = " ".join((when["minute"], when["hour"], when["day"], when["month"], when["weekday"]))
    increment = " --incremental latest-full" if when["type"] == "incremental" else ""
    line = f"{times} {backup.user} barman -q backup{increment} {server.name}"
    if server.primary:
        return line
    return f"{line} && barman -q switch-wal{' --force' if server.version >= 15 else ''} {server.name}"


def _increments(backup: BackupServer, servers: Iterable[PostgresServer]) -> Iterable[BlockIncrements]:
    """Scheduled block-level increments: Barman takes them since 3.11, and together with backup_compression since 3.15."""
    incremental = [server for server in servers if any(line["type"] == "incremental" for line in _schedules(server))]
    everywhere = bool(backup.global_options.get("backup_compression"))
    compressed = [one.name for one in incremental if everywhere or "backup_compression" in one.options]
    if incremental:
        yield {"barman_version": "3.11", "servers": [one.name for one in incremental], "compressed": False}
    if compressed:
        yield {"barman_version": "3.15", "servers": compressed, "compressed": True}
