# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Barman's options for each entry and for the [barman] section, as they follow from the topology.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .hooks import hook_options
from .model import BackupServer, PassiveCopy, PostgresServer, Topology

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
# Limits for a server that does not answer: libpq itself waits for minutes to connect, and for two hours once it is connected, and
# Barman's own check_timeout does not end that.
TIME_LIMITS = {"connect_timeout": "10", "keepalives_idle": "60", "keepalives_interval": "10", "keepalives_count": "6"}
# libpq tries the members of a cluster one after the other. A member without power answers nothing: neither the attempt to connect, nor what
# pg_receivewal sends, may wait for long.
TIME_LIMITS_OF_A_CLUSTER = {**TIME_LIMITS, "connect_timeout": "3", "tcp_user_timeout": "15000"}
# The same for SSH: a host that is cut off would hold up Barman's cron, and with it everything else that it does.
_SSH_OPTIONS = "-o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=30"
#: Options that a passive node must have as its source has them.
_SHARED_WITH_COPIES = (
    "compression",
    "compression_level",
    "custom_compression_filter",
    "custom_compression_magic",
    "custom_decompression_filter",
    "encryption",
    "encryption_key_id",
    "encryption_passphrase_command",
)


def conninfo(server: PostgresServer, members: Sequence[PostgresServer] = (), *, streaming: bool) -> str:
    """libpq's connection string to the server; without a password, which .pgpass holds.

    members: all members of its cluster. libpq connects to the one that is the primary.
    """
    peers = members or (server,)
    words = {
        "host": ",".join(peer.postgres_host for peer in peers),
        "port": ",".join(str(peer.port) for peer in peers),
        "user": server.streaming_user if streaming else server.user,
    }
    if not streaming:
        words["dbname"] = server.database
    if not server.postgres_host.startswith("/"):
        words["sslmode"] = server.sslmode
        for key in ("sslrootcert", "sslcert", "sslkey"):
            if getattr(server, key):
                words[key] = getattr(server, key)
        words.update(TIME_LIMITS_OF_A_CLUSTER if members else TIME_LIMITS)
    if members:
        words["target_session_attrs"] = "read-write"
    words.update(server.connection_options)
    return " ".join(f"{key}={quoted(value)}" for key, value in words.items())


def quoted(value: str) -> str:
    """A value of a connection string."""
    if value and not any(mark in value for mark in " '\\"):
        return value
    return "'{}'".format(value.replace("\\", "\\\\").replace("'", "\\'"))


def members_of(topology: Topology, server: PostgresServer) -> list[PostgresServer]:
    """The members of the server's cluster, itself among them; none without a cluster."""
    if server.cluster is None:
        return []
    return [one for one in topology.postgres_servers.values() if one.cluster == server.cluster]


def derived_options(topology: Topology, server: PostgresServer, backup: BackupServer) -> dict[str, Any]:
    """The options of the server's entry that follow from the variables, without barman_options."""
    members = members_of(topology, server)
    place = f"cluster {server.cluster}: {', '.join(one.host for one in members)}" if members else server.host
    primary = topology.postgres_servers.get(server.primary) if server.primary else None
    options: dict[str, Any] = {
        "description": f"PostgreSQL {server.version} on {place}",
        "conninfo": conninfo(server, members, streaming=False),
        "backup_method": server.method,
        "archiver": server.archives,
        "streaming_archiver": server.streams,
        "minimum_redundancy": server.minimum_redundancy,
    }
    if server.retention_policy:
        options["retention_policy"] = server.retention_policy
    if server.needs_replication:
        options["streaming_conninfo"] = conninfo(server, members, streaming=True)
    if server.streams:
        options["slot_name"] = server.slot_name
        options["create_slot"] = "auto"
    if server.synchronous:
        # No default of the [barman] section may replace this name, because PostgreSQL's synchronous_standby_names has it.
        options["streaming_archiver_name"] = receiver_name(server)
    if primary is not None:
        options["primary_conninfo"] = conninfo(primary, streaming=False)
        if server.streams:
            options["wal_conninfo"] = conninfo(primary, streaming=False)
            options["wal_streaming_conninfo"] = conninfo(primary, streaming=True)
    if server.method in ("rsync", "snapshot"):
        # Barman's default, but Barman warns in every command if it is not written.
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


def passive_options(topology: Topology, passive_copy: PassiveCopy) -> dict[str, Any]:
    """The options of the server's entry on a backup server that has a passive copy of it."""
    server = topology.postgres_servers[passive_copy.server]
    source = topology.backup_servers[passive_copy.source]
    target = topology.backup_servers[passive_copy.target]
    origin = topology.backup_servers[server.backup_server or passive_copy.source]
    original = entry_options(topology, server, origin)
    options: dict[str, Any] = {
        "description": f"{original['description']}, replicated from {passive_copy.source}",
        "primary_ssh_command": ssh_command(source.user, source.address, source.ssh_port),
    }
    for name in ("retention_policy", "minimum_redundancy"):
        if original.get(name) is not None:
            options[name] = original[name]
    for name in _SHARED_WITH_COPIES:
        value = original.get(name, origin.global_options.get(name))
        if value != target.global_options.get(name):
            # None is Barman's value for no value. It overrides the target's [barman] section.
            options[name] = "None" if value is None else value
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


def receiver_name(server: PostgresServer) -> str:
    """The application_name of the server's WAL receiver."""
    return str(server.options.get("streaming_archiver_name") or "barman_receive_wal")
