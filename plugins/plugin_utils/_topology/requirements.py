# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the topology to what each host must have. Nothing else computes it again.

The requirements of a host are a dictionary; a host in both groups has the keys of both.

    postgres:                       # on a PostgreSQL server
      server_name: pg-eu            # Barman's name; null for a primary that is kept through its standby only
      version: 17
      port: 5432
      database: postgres
      manage: true                  # false: nothing may be changed there, see manual
      os_user: postgres
      primary: null                 # on a standby, the inventory name of its primary: roles are made there
      standbys: []                  # on a primary, the inventory names of the standbys that name it
      kept_as: pg-eu                # whose entry in Barman has its data: a primary may be kept through a standby only
      users: {management: barman, streaming: streaming_barman}      # streaming may be null
      roles:                        # the same, with what each needs and the variable that has its password
        - {name: barman, replication: false, password: barman_postgres_password}
      privileges: {memberships: [pg_read_all_settings, ...], functions: ["pg_switch_wal()", ...]}
      hba_rules:
        - {type: hostssl, databases: postgres, users: barman, source: 198.51.100.11/32, method: scram-sha-256}
      hba_lines: [...]              # the same as lines of the file
      listens: true                 # whether a backup server on another machine connects to it
      settings:                     # minimum: at least; value: exactly; includes: names in a list that others share
        wal_level: {minimum: replica}
        max_wal_senders: {minimum: 4}
        max_replication_slots: {minimum: 1}
        summarize_wal: {value: "on"}
        archive_mode: {value: "on"}
        synchronous_standby_names: {includes: [barman_receive_wal]}
      packages: [barman-cli, zstd]  # by the names that Debian and Red Hat share
      slots: [barman]
      programs: [zstd]              # what unpacks its backups there; python_modules: what archive_command compresses with
      python_modules: []
      synchronous:                  # the receivers that commits wait for, and who runs them
        - {name: barman_receive_wal, server: pg-eu, backup_server: backup-eu}
      archiving:                    # where archive_command sends WAL, and how; null without. timeout null: left as it is
        {server: pg-eu, backup_server: backup-eu, address: 198.51.100.11, port: 22, user: barman,
         incoming_directory: /var/lib/barman/pg-eu/incoming, wals_directory: /var/lib/barman/pg-eu/wals,
         method: barman-wal-archive, compression: none, timeout: 300}
      pgpass: [...]                 # as below, for every connection that a backup server may have to it, the former one too
      variables:                    # what only the role reads of the inventory, parsed, with the defaults of the table (variables.py)
        {barman_restart_allowed: false, ...}
      manual: null                  # with manage: false the lines that a hand has to apply, see manual.py
    barman:                         # on a backup server
      user, home, configuration_directory
      global_options: {barman_home: /var/lib/barman, ...}
      given: [barman_home]          # the options that the inventory sets itself, here and of each server; the others are defaults
      servers:
        - {name: pg-eu, host: pg-eu, options: {conninfo: ..., ...}, given: [retention_policy], passive: false, streaming: true, archiving: false,
           slot_name: barman, synchronous: false, source: null, hops: 0}
        - {name: pg-us, host: pg-us, options: {primary_ssh_command: ..., ...}, passive: true, streaming: false,
           archiving: false, slot_name: null, synchronous: false, source: backup-us, hops: 1}
      client_versions: [17]
      programs: [zstd]              # what compresses and unpacks backups and WAL, beside gzip
      python_modules: [lz4]
      packages: [zstd, python3-lz4]
      variables: {barman_prune: false, ...}
      clouds: [aws]                 # the providers that take snapshots for it
      pgpass:
        - {host: pg-eu, address: 198.51.100.21, port: 5432, database: postgres, user: barman,
           password_variable: barman_postgres_password}      # the variable of the inventory host named by host
      schedules:
        - {server: pg-eu, type: full, minute: "17", hour: "2", day: "*", month: "*", weekday: "*"}
      schedule_lines: [...]         # the same as lines of cron
      increments:                   # scheduled block-level increments, by the version of Barman that they need
        - {barman_version: "3.11", servers: [pg-eu], compressed: false}
      hooks:                        # what the entries' hook options need; needed: false without any
        directory: /usr/local/lib/pgdr.barman
        needed: true
        ready: [s3, tar]
        scripts:                    # source (on the controller) or content; host: whose hook it is
          - {name: pg-eu.pre_backup_script, host: pg-eu, source: /srv/inventory/hooks/announce.sh}
        credentials_directory: /var/lib/barman/.pgdr.barman/credentials
        credentials:                # the host's barman_s3_access_key and barman_s3_secret_key
          - {profile: barman-pg-eu, host: pg-eu}
    ssh_edges:                      # the edges that begin or end on this machine. from_hosts, to_hosts: all hosts of the inventory that are that machine
      - {from_host, from_hosts: [...], from_user, from_addresses: [...], to_host, to_hosts: [...], to_user, to_address, to_port,
         purpose: backup|archiving|passive, forced_command: null,
         public_key: ..., host_key: ...}      # only where from_host, or to_host, is not managed and the inventory says them

No password is ever part of it: pgpass names the host and the variable that hold one.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ...module_utils._postgres import privileges
from . import retention, schedule
from .explicit_options import given_global_options, given_options
from .hooks import hook_options, hook_requirements
from .manual import manual
from .model import SSL_MODES_REQUIRING, BackupServer, Index, PostgresServer, Relay, Topology, as_plain
from .parse import as_source

#: What identifies a server or its connections: the option, and the variable that decides it.
IDENTITY_OPTIONS: Mapping[str, str] = {
    "archiver": "barman_wal",
    "backup_method": "barman_backup_method",
    "conninfo": "barman_postgres_host, barman_postgres_port, barman_postgres_user and barman_postgres_database",
    "primary_conninfo": "barman_primary",
    "primary_ssh_command": "barman_passive_servers or barman_passive_of",
    "reuse_backup": "barman_incremental",
    "slot_name": "barman_slot_name",
    "streaming_archiver": "barman_wal",
    "streaming_conninfo": "barman_postgres_host, barman_postgres_port and barman_streaming_user",
    "wal_conninfo": "barman_primary",
    "wal_streaming_conninfo": "barman_primary",
}
IDENTITY_GLOBAL_OPTIONS: Mapping[str, str] = {
    "barman_home": "barman_home",
    "barman_user": "barman_user",
    "configuration_files_directory": "barman_configuration_directory",
}
# A server that is silent is given up: libpq itself waits for minutes to connect, and for two hours once it is connected, and
# Barman's own check_timeout does not end libpq's waiting.
_TIME_LIMITS = {"connect_timeout": "10", "keepalives_idle": "60", "keepalives_interval": "10", "keepalives_count": "6"}

# The same for SSH: a host that is cut off would hold up Barman's cron, and with it everything else that it does.
_SSH_OPTIONS = "-o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=30"

# gzip is everywhere. What Barman runs, and what it imports, for each of the others.
_BACKUP_PROGRAMS = {"lz4", "zstd"}
_WAL_PROGRAMS = {"bzip2", "pigz"}
#: What listens only to this machine itself can't be reached by a backup server elsewhere.
LOOPBACK = ("127.", "::1/")
_MODULES = {"lz4": ("lz4",), "snappy": ("snappy",), "zstd": ("zstandard",)}

#: What a relay must read and write as the backup server does from which it takes.
_SHARED_WITH_RELAYS = (
    "compression",
    "compression_level",
    "custom_compression_filter",
    "custom_compression_magic",
    "custom_decompression_filter",
    "encryption",
    "encryption_key_id",
    "encryption_passphrase_command",
)


def requirements(topology: Topology) -> dict[str, dict[str, Any]]:
    """What each host must have, by inventory name."""
    index = topology.index()
    found: dict[str, dict[str, Any]] = {}
    for host in (*topology.postgres_servers, *topology.backup_servers):
        found[host] = {"ssh_edges": []}
    for server in topology.postgres_servers.values():
        found[server.host]["postgres"] = _postgres(topology, index, server)
    for backup in topology.backup_servers.values():
        found[backup.host]["barman"] = _barman(topology, index, backup)
    edges = ssh_edges(topology)
    for edge in _by_machine(topology, edges):
        for host in dict.fromkeys((*edge["from_hosts"], *edge["to_hosts"])):
            found[host]["ssh_edges"].append(edge)
    for server in topology.postgres_servers.values():
        if not server.manage:
            own = [edge for edge in edges if server.host in (edge["from_host"], edge["to_host"])]
            required = found[server.host]["postgres"]
            required["manual"] = manual(server, required, own)
    return found


def describe(topology: Topology) -> dict[str, Any]:
    """The topology itself as plain data, with the edges that are laid only for the time of a recovery."""
    described: dict[str, Any] = as_plain(topology)
    described["recovery_edges"] = recovery_edges(topology)
    return described


def conninfo(server: PostgresServer, streaming: bool) -> str:
    """libpq's connection string to the server; without a password, which .pgpass holds."""
    words = {
        "host": server.postgres_host,
        "port": str(server.port),
        "user": server.streaming_user if streaming else server.user,
    }
    if not streaming:
        words["dbname"] = server.database
    if not server.postgres_host.startswith("/"):
        words["sslmode"] = server.sslmode
        for key in ("sslrootcert", "sslcert", "sslkey"):
            if getattr(server, key):
                words[key] = getattr(server, key)
        words.update(_TIME_LIMITS)
    words.update(server.connection_options)
    return " ".join(f"{key}={_quoted(value)}" for key, value in words.items())


def _quoted(value: str) -> str:
    if value and not any(mark in value for mark in " '\\"):
        return value
    return "'%s'" % value.replace("\\", "\\\\").replace("'", "\\'")


def derived_options(topology: Topology, server: PostgresServer, backup: BackupServer) -> dict[str, Any]:
    """The options of the server's entry that follow from the variables, without barman_options."""
    primary = topology.postgres_servers.get(server.primary) if server.primary else None
    options: dict[str, Any] = {
        "description": f"PostgreSQL {server.version} on {server.host}",
        "conninfo": conninfo(server, streaming=False),
        "backup_method": server.method,
        "archiver": server.archives,
        "streaming_archiver": server.streams,
        "minimum_redundancy": server.minimum_redundancy,
    }
    if server.retention_policy:
        options["retention_policy"] = server.retention_policy
    if server.needs_replication:
        options["streaming_conninfo"] = conninfo(server, streaming=True)
    if server.streams:
        options["slot_name"] = server.slot_name
        options["create_slot"] = "auto"
    if server.synchronous:
        # Not to be left to a default of the [barman] section: PostgreSQL is told this name.
        options["streaming_archiver_name"] = receiver_name(server)
    if primary is not None:
        options["primary_conninfo"] = conninfo(primary, streaming=False)
        if server.streams:
            options["wal_conninfo"] = conninfo(primary, streaming=False)
            options["wal_streaming_conninfo"] = conninfo(primary, streaming=True)
    if server.method in ("rsync", "snapshot"):
        # Barman's default, but it warns in every command where it is not written.
        options["backup_options"] = "concurrent_backup"
        options["ssh_command"] = ssh_command(server.os_user, server.address, server.ssh_port)
    if server.incremental in ("link", "copy"):
        options["reuse_backup"] = server.incremental
    if backup.client_directory:
        options["path_prefix"] = backup.client_directory.replace("{version}", str(server.version))
    options.update(hook_options(server.declared_hooks, backup.hook_directory, backup.home))
    return options


def entry_options(topology: Topology, server: PostgresServer, backup: BackupServer) -> dict[str, Any]:
    """The options of the server's entry on the backup server that keeps it."""
    return {**derived_options(topology, server, backup), **server.options}


def relay_options(topology: Topology, relay: Relay) -> dict[str, Any]:
    """The options of the server's entry on a backup server that relays it."""
    server = topology.postgres_servers[relay.server]
    source = topology.backup_servers[relay.source]
    target = topology.backup_servers[relay.target]
    origin = topology.backup_servers[server.backup_server or relay.source]
    original = entry_options(topology, server, origin)
    options: dict[str, Any] = {
        "description": f"{original['description']}, relayed from {relay.source}",
        "primary_ssh_command": ssh_command(source.user, source.address, source.ssh_port),
    }
    for name in ("retention_policy", "minimum_redundancy"):
        if original.get(name) is not None:
            options[name] = original[name]
    for name in _SHARED_WITH_RELAYS:
        wanted = original.get(name, origin.global_options.get(name))
        if wanted != target.global_options.get(name):
            # Barman's word for "nothing", against what the target's [barman] section says.
            options[name] = "None" if wanted is None else wanted
    if target.client_directory:
        options["path_prefix"] = target.client_directory.replace("{version}", str(server.version))
    return options


def ssh_command(user: str, address: str, port: int) -> str:
    """The command with which Barman reaches another host; it may ask nothing."""
    port_option = f" -p {port}" if port != 22 else ""
    return f"ssh -q {_SSH_OPTIONS}{port_option} {user}@{address}"


def global_options(backup: BackupServer) -> dict[str, Any]:
    """The options of the [barman] section."""
    return {
        "barman_user": backup.user,
        "barman_home": backup.home,
        "configuration_files_directory": backup.configuration_directory,
        # The package keeps /var/log/barman for its own user.
        "log_file": f"/var/log/{backup.user}/barman.log",
        "log_level": "INFO",
        **hook_options(backup.declared_hooks, backup.hook_directory, backup.home),
        **backup.global_options,
    }


def directories(entry_name: str, options: Mapping[str, Any], backup: BackupServer) -> dict[str, str]:
    """The six directories of an entry, as Barman works them out."""
    top = str(options.get("backup_directory") or f"{backup.home}/{entry_name}").rstrip("/")
    below = {
        "basebackups_directory": "base",
        "errors_directory": "errors",
        "incoming_wals_directory": "incoming",
        "streaming_wals_directory": "streaming",
        "wals_directory": "wals",
    }
    found = {"backup_directory": top}
    for name, last in below.items():
        found[name] = str(options.get(name) or f"{top}/{last}").rstrip("/")
    return found


# --- on a PostgreSQL server -------------------------------------------------------------------------------------------


def _clients(index: Index, server: PostgresServer) -> list[PostgresServer]:
    """The servers for whose sake Barman comes to this one: itself, and its standbys."""
    itself = [server] if server.backup_server is not None else []
    return itself + list(index.standbys.get(server.host, ()))


def _kept_as(index: Index, server: PostgresServer) -> str:
    """The server whose entry in Barman has this one's data. A standby's has its primary's, for they are the same."""
    if server.backup_server is not None:
        return server.host
    return next((client.host for client in _clients(index, server) if client.backup_server is not None), server.host)


def _receivers(index: Index, server: PostgresServer) -> list[PostgresServer]:
    """The servers whose WAL is streamed from this one."""
    return [
        client
        for client in _clients(index, server)
        if client.streams and (client.primary or server.host) == server.host
    ]


def archiving_client(index: Index, server: PostgresServer) -> PostgresServer | None:
    """The server for whose entry this one's archive_command works."""
    for client in _clients(index, server):
        if client.archives and (client.primary or server.host) == server.host:
            return client
    return None


def _copies(server: PostgresServer) -> bool:
    """Whether base backups are taken from this server with the replication protocol."""
    return server.backup_server is not None and server.method == "postgres"


def _postgres(topology: Topology, index: Index, server: PostgresServer) -> dict[str, Any]:
    clients = _clients(index, server)
    receivers = _receivers(index, server)
    replicating = receivers + ([server] if _copies(server) and server not in receivers else [])
    streaming = server.streaming_user if replicating else None
    archiving = _archiving(topology, index, server)
    programs = sorted(_programs(server, _all_options(topology, server)) - _WAL_PROGRAMS)
    modules = sorted(_archiving_modules(index, server))
    rules = [
        *_hba_rules(server, server.database, server.user, server.has_password, _sources(topology, clients)),
        *_hba_rules(
            server, "replication", server.streaming_user, server.has_streaming_password, _sources(topology, replicating)
        ),
    ]
    return {
        "server_name": server.name if server.backup_server is not None else None,
        "version": server.version,
        "port": server.port,
        "database": server.database,
        "manage": server.manage,
        "os_user": server.os_user,
        "primary": server.primary,
        "standbys": [standby.host for standby in index.standbys.get(server.host, ())],
        "kept_as": _kept_as(index, server),
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


def _roles(server: PostgresServer, streaming: str | None) -> list[dict[str, Any]]:
    """The database roles, each once."""
    roles: list[dict[str, Any]] = [
        {"name": server.user, "replication": server.user == streaming, "password": "barman_postgres_password"},
        {"name": streaming, "replication": True, "password": "barman_streaming_password"},
    ]
    return roles if streaming and streaming != server.user else roles[:1]


def _hba_line(rule: Mapping[str, str]) -> str:
    """In quotes a name is a name and never a keyword; "replication" is meant as the keyword."""
    database = rule["databases"] if rule["databases"] == "replication" else '"%s"' % rule["databases"]
    return '%s %s "%s" %s %s' % (rule["type"], database, rule["users"], rule["source"], rule["method"])


def _sources(topology: Topology, clients: Iterable[PostgresServer]) -> list[str]:
    """The addresses from which the backup servers of these come, each once."""
    found: dict[str, None] = {}
    for client in clients:
        backup = topology.backup_servers.get(client.backup_server or "")
        found.update(dict.fromkeys(backup.addresses if backup else ()))
    return list(found)


def _privileges(server: PostgresServer) -> dict[str, list[str]]:
    least = privileges.least_privileges(server.version)
    return {"memberships": list(least.memberships), "functions": list(least.functions)}


def _hba_rules(
    server: PostgresServer, database: str, user: str, has_password: bool, sources: Iterable[str]
) -> Iterable[dict[str, str]]:
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


def _settings(topology: Topology, index: Index, server: PostgresServer) -> dict[str, dict[str, Any]]:
    receivers = _receivers(index, server)
    senders = _senders(index, server)
    primary = topology.postgres_servers.get(server.primary or "")
    if primary is not None:
        # A standby with fewer than its primary does not start.
        senders = max(senders, _senders(index, primary))
    settings: dict[str, dict[str, Any]] = {"wal_level": {"minimum": "replica"}}
    if senders:
        settings["max_wal_senders"] = {"minimum": senders}
    if receivers:
        settings["max_replication_slots"] = {"minimum": len(receivers)}
    if server.incremental == "block" and _copies(server):
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
    """A receiver and a copy each hold a WAL sender; Barman's own replication connection beside it needs another."""
    return 2 * len(_receivers(index, server)) + (2 if _copies(server) else 0)


def receiver_name(server: PostgresServer) -> str:
    """The application_name of the server's WAL receiver."""
    return str(server.options.get("streaming_archiver_name") or "barman_receive_wal")


def _archiving(topology: Topology, index: Index, server: PostgresServer) -> dict[str, Any] | None:
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


def _barman(topology: Topology, index: Index, backup: BackupServer) -> dict[str, Any]:
    kept = index.kept.get(backup.host, [])
    relayed = index.relayed.get(backup.host, [])
    entries = [_active_entry(topology, server, backup) for server in kept]
    sources = {(relay.server, relay.target): relay.source for relay in topology.relays}
    entries += [_passive_entry(topology, relay, sources) for relay in relayed]
    with_clients = [server for server in kept if server.method == "postgres" or server.streams]
    # A relay only needs them to put block-level increments together.
    with_clients += [
        server
        for server in (topology.postgres_servers[relay.server] for relay in relayed)
        if server.incremental == "block"
    ]
    needs = _needs(topology, index, [*kept, *(topology.postgres_servers[relay.server] for relay in relayed)])
    return {
        "user": backup.user,
        "home": backup.home,
        "configuration_directory": backup.configuration_directory,
        "global_options": global_options(backup),
        "given": given_global_options(backup),
        "servers": sorted(entries, key=lambda entry: str(entry["name"])),
        "client_versions": sorted({server.version for server in with_clients}),
        "packages": [*sorted(needs.programs), *(f"python3-{module}" for module in sorted(needs.modules))],
        "programs": sorted(needs.programs),
        "python_modules": sorted(needs.modules),
        "clouds": sorted({str(server.options["snapshot_provider"]) for server in kept if server.method == "snapshot"}),
        "pgpass": [line for server in kept for line in _pgpass(topology, server)],
        "variables": backup.variables,
        "schedules": [line for server in kept for line in _schedules(server)],
        "schedule_lines": [_cron_line(backup, server, line) for server in kept for line in _schedules(server)],
        "increments": list(_increments(backup, kept)),
        "hooks": hook_requirements(
            [(backup.host, backup.declared_hooks), *((server.host, server.declared_hooks) for server in kept)],
            backup.hook_directory,
            backup.home,
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


def _active_entry(topology: Topology, server: PostgresServer, backup: BackupServer) -> dict[str, Any]:
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


def _passive_entry(topology: Topology, relay: Relay, sources: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    server = topology.postgres_servers[relay.server]
    return {
        "name": server.name,
        "host": server.host,
        "options": relay_options(topology, relay),
        "given": given_options(server),
        "passive": True,
        "streaming": False,
        "archiving": False,
        "slot_name": None,
        "synchronous": False,
        "source": relay.source,
        # In a chain each copy needs the one before it.
        "hops": _hops(relay, sources),
    }


def _hops(relay: Relay, sources: Mapping[tuple[str, str], str]) -> int:
    """How many copies there are from the backup server that keeps the server to this one. sources: of server and target."""
    hops, host = 1, relay.source
    while (relay.server, host) in sources and hops <= len(sources):
        hops, host = hops + 1, sources[relay.server, host]
    return hops


def _pgpass(topology: Topology, server: PostgresServer, former: bool = False) -> Iterable[dict[str, Any]]:
    """A line for each connection to the server; former: also for those that it does not need any more, but may have had."""
    primary = topology.postgres_servers.get(server.primary) if server.primary else None
    connections = [(server, False)] + ([(server, True)] if former or server.needs_replication else [])
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


def _schedules(server: PostgresServer) -> Iterable[dict[str, str]]:
    for kind, text in (("full", server.backup_schedule), ("incremental", server.incremental_schedule)):
        if text and (kind == "full" or server.incremental == "block"):
            yield {"server": server.name, "type": kind, **schedule.parse_cron(text)._asdict()}


def _cron_line(backup: BackupServer, server: PostgresServer, when: Mapping[str, str]) -> str:
    """A line of /etc/cron.d.

    The backup's last WAL segment is closed afterwards, because on an idle server it would stay open, and the backup incomplete, for ever. Forcing that takes
    a role (pg_checkpoint) that PostgreSQL has from 15 on, and a primary.
    """
    times = " ".join(when[name] for name in ("minute", "hour", "day", "month", "weekday"))
    increment = " --incremental latest-full" if when["type"] == "incremental" else ""
    line = f"{times} {backup.user} barman -q backup{increment} {server.name}"
    if server.primary:
        return line
    return f"{line} && barman -q switch-wal{' --force' if server.version >= 15 else ''} {server.name}"


def _increments(backup: BackupServer, servers: Iterable[PostgresServer]) -> Iterable[dict[str, Any]]:
    """Scheduled block-level increments: Barman takes them since 3.11, and together with backup_compression since 3.15."""
    incremental = [server for server in servers if any(line["type"] == "incremental" for line in _schedules(server))]
    everywhere = bool(backup.global_options.get("backup_compression"))
    compressed = [one.name for one in incremental if everywhere or "backup_compression" in one.options]
    if incremental:
        yield {"barman_version": "3.11", "servers": [one.name for one in incremental], "compressed": False}
    if compressed:
        yield {"barman_version": "3.15", "servers": compressed, "compressed": True}


# --- SSH --------------------------------------------------------------------------------------------------------------


def machines(topology: Topology) -> dict[str, tuple[str, ...]]:
    """Of each host, all hosts of the inventory that are the same machine: instances of PostgreSQL share its users and their keys.

    One that Ansible may not touch is told by nobody but itself.
    """
    places: dict[tuple[str, str], dict[str, None]] = {}
    touched: list[PostgresServer | BackupServer] = [
        server for server in topology.postgres_servers.values() if server.manage
    ]
    touched += topology.backup_servers.values()
    for host in touched:
        for place in _places(host):
            places.setdefault(place, {})[host.host] = None
    found: dict[str, set[str]] = {server.host: {server.host} for server in topology.postgres_servers.values()}
    for host in touched:
        found.setdefault(host.host, set()).update(*(places[place] for place in _places(host)))
    return {host: tuple(sorted(together)) for host, together in found.items()}


def _places(host: PostgresServer | BackupServer) -> tuple[tuple[str, str], ...]:
    return (("ansible", host.reached_at or host.host), ("ssh", "%s:%d" % (host.address, host.ssh_port)))


def _by_machine(topology: Topology, edges: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Edges between the same users of the same machines are one."""
    same = machines(topology)
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for edge in edges:
        from_hosts, to_hosts = same[edge["from_host"]], same[edge["to_host"]]
        key = (
            from_hosts,
            to_hosts,
            *(edge[name] for name in ("from_user", "to_user", "to_address", "to_port", "purpose")),
        )
        first = found.get(key)
        if first is None:
            found[key] = {**edge, "from_hosts": list(from_hosts), "to_hosts": list(to_hosts)}
            continue
        first["from_addresses"] = list(dict.fromkeys((*first["from_addresses"], *edge["from_addresses"])))
        if first["forced_command"] != edge["forced_command"]:
            first["forced_command"] = None
    return list(found.values())


def ssh_edges(topology: Topology) -> list[dict[str, Any]]:
    """Every lasting SSH trust, each once."""
    edges: list[dict[str, Any]] = []
    index = topology.index()
    archiving_from: dict[tuple[tuple[str, str], str, str], int] = {}
    archivers: list[tuple[PostgresServer, PostgresServer, BackupServer]] = []
    for server in topology.postgres_servers.values():
        backup = topology.backup_servers.get(server.backup_server or "")
        if backup is not None and server.method in ("rsync", "snapshot"):
            told = {"host_key": server.ssh_host_key} if server.ssh_host_key else {}
            edges.append({**_to_postgres(backup, server, "backup"), **told})
        client = archiving_client(index, server)
        target = topology.backup_servers.get(client.backup_server or "") if client else None
        if client is not None and target is not None:
            archivers.append((server, client, target))
            for place in _places(server):
                key = (place, server.os_user, target.host)
                archiving_from[key] = archiving_from.get(key, 0) + 1
    for server, client, target in archivers:
        # Instances on one machine share a user and so a key: no single command can be forced on it.
        alone = all(archiving_from[place, server.os_user, target.host] == 1 for place in _places(server))
        edges.append(
            {
                "from_host": server.host,
                "from_user": server.os_user,
                "from_addresses": [as_source(server.address)],
                "to_host": target.host,
                "to_user": target.user,
                "to_address": target.address,
                "to_port": target.ssh_port,
                "purpose": "archiving",
                # What rsync asks for on the other side depends on both versions.
                "forced_command": f"barman put-wal {client.name}"
                if alone and client.archive_method == "barman-wal-archive"
                else None,
                **({"public_key": server.ssh_public_key} if server.ssh_public_key else {}),
            }
        )
    for pair in dict.fromkeys((relay.target, relay.source) for relay in topology.relays):
        edges.append(_between_backups(topology.backup_servers[pair[0]], topology.backup_servers[pair[1]]))
    return edges


def recovery_edges(topology: Topology) -> list[dict[str, Any]]:
    """From each backup server that has a server's backups to that server, where Ansible can lay it."""
    edges = []
    for server in topology.postgres_servers.values():
        backup = topology.backup_servers.get(server.backup_server or "")
        if backup is not None and server.manage:
            edges.append(_to_postgres(backup, server, "recovery"))
    for relay in topology.relays:
        server = topology.postgres_servers[relay.server]
        if not server.manage:
            continue
        edges.append(_to_postgres(topology.backup_servers[relay.target], server, "recovery"))
    # One for each server, because it is laid for that one alone.
    return [{**edge, "from_hosts": [edge["from_host"]], "to_hosts": [edge["to_host"]]} for edge in edges]


def _to_postgres(backup: BackupServer, server: PostgresServer, purpose: str) -> dict[str, Any]:
    return {
        "from_host": backup.host,
        "from_user": backup.user,
        "from_addresses": list(backup.addresses),
        "to_host": server.host,
        "to_user": server.os_user,
        "to_address": server.address,
        "to_port": server.ssh_port,
        "purpose": purpose,
        "forced_command": None,
    }


def _between_backups(target: BackupServer, source: BackupServer) -> dict[str, Any]:
    return {
        "from_host": target.host,
        "from_user": target.user,
        "from_addresses": list(target.addresses),
        "to_host": source.host,
        "to_user": source.user,
        "to_address": source.address,
        "to_port": source.ssh_port,
        "purpose": "passive",
        "forced_command": None,
    }
