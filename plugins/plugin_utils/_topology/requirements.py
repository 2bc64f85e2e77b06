# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the topology to what each host must have. Nothing else computes it again.

The requirements of a host are a dictionary; a host in both groups has the keys of both.

    postgres:                       # on a PostgreSQL server
      server_name: pg-eu            # Barman's name; null for a primary that is backed up through its standby only
      version: 17
      port: 5432
      database: postgres
      manage: true                  # false: nothing may be changed there, see manual
      os_user: postgres
      primary: null                 # on a standby, the inventory name of its primary: roles are made there
      standbys: []                  # on a primary, the inventory names of the standbys that name it
      backed_up_as: pg-eu           # whose entry in Barman has its data: a primary may be backed up through a standby only
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
      synchronous: []               # the servers whose receivers commits wait for
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
        sources: [run_hook.py, export.py, /srv/inventory/hooks/announce.sh]   # files with texts: of role hooks, or of the controller
        scripts:                    # source (on the controller) or content; host: whose hook it is
          - {name: pg-eu.pre_backup_script, host: pg-eu, source: /srv/inventory/hooks/announce.sh}
        credentials_directory: /var/lib/barman/.pgdr.barman/credentials
        credentials:                # the host's barman_s3_access_key and barman_s3_secret_key
          - {profile: barman-pg-eu, host: pg-eu}
    ssh_edges:                      # the edges that begin or end on this machine. from_hosts, to_hosts: all hosts of the inventory that are that machine
      - {from_host, from_hosts: [...], from_user, from_addresses: [...], to_host, to_hosts: [...], to_user, to_address, to_port,
         purpose: backup|archiving|passive, forced_command: null,
         public_key: ..., host_key: ...}      # only where from_host, or to_host, is not managed and the inventory says them
    ssh_users: [postgres]             # the users of this machine whose authorized_keys the collection writes

No password is ever part of it: pgpass names the host and the variable that hold one.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ...module_utils._postgres import privileges
from . import retention, schedule
from .entries import directories, entry_options, global_options, passive_options, receiver_name
from .explicit_options import given_global_options, given_options
from .hook_requirements import hook_requirements
from .manual import manual
from .model import SSL_MODES_REQUIRING, BackupServer, Index, PassiveCopy, PostgresServer, Topology, as_plain
from .relations import archiving_client, backed_up_as, clients_of, has_base_backups, receivers_of
from .ssh_edges import by_machine, recovery_edges, ssh_edges

# gzip is everywhere. What Barman runs, and what it imports, for each of the others.
_BACKUP_PROGRAMS = {"lz4", "zstd"}
_WAL_PROGRAMS = {"bzip2", "pigz"}
#: What listens only to this machine itself can't be reached by a backup server elsewhere.
LOOPBACK = ("127.", "::1/")
_MODULES = {"lz4": ("lz4",), "snappy": ("snappy",), "zstd": ("zstandard",)}


def requirements(topology: Topology) -> dict[str, dict[str, Any]]:
    """What each host must have, by inventory name."""
    index = topology.index()
    found: dict[str, dict[str, Any]] = {}
    for host in (*topology.postgres_servers, *topology.backup_servers):
        found[host] = {"ssh_edges": [], "ssh_users": []}
    for server in topology.postgres_servers.values():
        found[server.host]["postgres"] = _postgres(topology, index, server)
        found[server.host]["ssh_users"].append(server.os_user)
    for backup in topology.backup_servers.values():
        found[backup.host]["barman"] = _barman(topology, index, backup)
        found[backup.host]["ssh_users"].append(backup.user)
    edges = ssh_edges(topology)
    for edge in by_machine(topology, edges):
        for host in dict.fromkeys((*edge["from_hosts"], *edge["to_hosts"])):
            found[host]["ssh_edges"].append(edge)
    for server in topology.postgres_servers.values():
        if not server.manage:
            own = [edge for edge in edges if server.host in (edge["from_host"], edge["to_host"])]
            required = found[server.host]["postgres"]
            required["manual"] = manual(server, required, own)
    return found


def describe(topology: Topology) -> dict[str, Any]:
    """The topology itself as plain data, with the edges that are laid only for the time of a recovery, and what every host needs of it."""
    described: dict[str, Any] = as_plain(topology)
    described["recovery_edges"] = recovery_edges(topology)
    described["backed_up_hosts"] = [one.host for one in topology.postgres_servers.values() if one.backup_server]
    described["backup_addresses"] = list(
        dict.fromkeys(address for backup in topology.backup_servers.values() for address in backup.addresses)
    )
    return described


# --- on a PostgreSQL server -------------------------------------------------------------------------------------------


def _postgres(topology: Topology, index: Index, server: PostgresServer) -> dict[str, Any]:
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
        "server_name": server.name if server.backup_server is not None else None,
        "version": server.version,
        "port": server.port,
        "database": server.database,
        "manage": server.manage,
        "os_user": server.os_user,
        "primary": server.primary,
        "standbys": [standby.host for standby in index.standbys.get(server.host, ())],
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


def _roles(server: PostgresServer, streaming: str | None) -> list[dict[str, Any]]:
    """The database roles, each once."""
    roles: list[dict[str, Any]] = [
        {"name": server.user, "replication": server.user == streaming, "password": "barman_postgres_password"},
        {"name": streaming, "replication": True, "password": "barman_streaming_password"},
    ]
    return roles if streaming and streaming != server.user else roles[:1]


def _hba_line(rule: Mapping[str, str]) -> str:
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


def _privileges(server: PostgresServer) -> dict[str, list[str]]:
    least = privileges.least_privileges(server.version)
    return {"memberships": list(least.memberships), "functions": list(least.functions)}


def _hba_rules(
    server: PostgresServer, database: str, user: str, *, has_password: bool, sources: Iterable[str]
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
    receivers = receivers_of(index, server)
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
    """A receiver and a copy each hold a WAL sender; Barman's own replication connection beside it needs another."""
    return 2 * len(receivers_of(index, server)) + (2 if has_base_backups(server) else 0)


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
    needs = _needs(
        topology, index, [*backed_up, *(topology.postgres_servers[passive_copy.server] for passive_copy in copies)]
    )
    return {
        "user": backup.user,
        "home": backup.home,
        "configuration_directory": backup.configuration_directory,
        "global_options": global_options(backup),
        "given": given_global_options(backup),
        "servers": sorted(entries, key=lambda entry: str(entry["name"])),
        "synchronous": sorted(server.name for server in backed_up if server.synchronous),
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
        "hooks": hook_requirements(
            [(backup.host, backup.declared_hooks), *((server.host, server.declared_hooks) for server in backed_up)],
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


def _passive_entry(
    topology: Topology, passive_copy: PassiveCopy, sources: Mapping[tuple[str, str], str]
) -> dict[str, Any]:
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


def _pgpass(topology: Topology, server: PostgresServer, *, former: bool = False) -> Iterable[dict[str, Any]]:
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
