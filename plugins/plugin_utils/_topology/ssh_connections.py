# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SSH connections between the machines of the topology: those that last, and those that a recovery needs while it runs.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .model import BackupServer, PostgresServer, Topology
from .parse import as_source
from .relations import archiving_client
from .requirement_types import SshConnection, SshPurpose


def machines(topology: Topology) -> dict[str, tuple[str, ...]]:
    """Of each host, all hosts of the inventory that are the same machine: instances of PostgreSQL share its users and their keys.

    A host that Ansible does not manage is the same machine as itself only.
    """
    places: dict[tuple[str, str], dict[str, None]] = {}
    managed: list[PostgresServer | BackupServer] = [
        server for server in topology.postgres_servers.values() if server.manage
    ]
    managed += topology.backup_servers.values()
    for host in managed:
        for place in _places(host):
            places.setdefault(place, {})[host.host] = None
    found: dict[str, set[str]] = {server.host: {server.host} for server in topology.postgres_servers.values()}
    for host in managed:
        found.setdefault(host.host, set()).update(*(places[place] for place in _places(host)))
    return {host: tuple(sorted(together)) for host, together in found.items()}


def _places(host: PostgresServer | BackupServer) -> tuple[tuple[str, str], ...]:
    return (("ansible", host.reached_at or host.host), ("ssh", f"{host.address}:{host.ssh_port}"))


def by_machine(topology: Topology, connections: Iterable[SshConnection]) -> list[SshConnection]:
    """Connections between the same users of the same machines are one."""
    same = machines(topology)
    found: dict[tuple[Any, ...], SshConnection] = {}
    for connection in connections:
        from_hosts, to_hosts = same[connection["from_host"]], same[connection["to_host"]]
        key = (
            from_hosts,
            to_hosts,
            *(connection[name] for name in ("from_user", "to_user", "to_address", "to_port", "purpose")),
        )
        first = found.get(key)
        if first is None:
            found[key] = {**connection, "from_hosts": list(from_hosts), "to_hosts": list(to_hosts)}
            continue
        first["from_addresses"] = list(dict.fromkeys((*first["from_addresses"], *connection["from_addresses"])))
        if first["forced_command"] != connection["forced_command"]:
            first["forced_command"] = None
    return list(found.values())


def lasting_ssh_connections(topology: Topology) -> list[SshConnection]:
    """Every lasting SSH connection, each once."""
    connections: list[SshConnection] = []
    index = topology.index()
    archiving_from: dict[tuple[tuple[str, str], str, str], int] = {}
    archivers: list[tuple[PostgresServer, PostgresServer, BackupServer]] = []
    for server in topology.postgres_servers.values():
        backup = topology.backup_servers.get(server.backup_server or "")
        if backup is not None and server.method in ("rsync", "snapshot"):
            connection = _to_postgres(backup, server, "backup")
            if server.ssh_host_key:
                connection["host_key"] = server.ssh_host_key
            connections.append(connection)
        client = archiving_client(index, server)
        target = topology.backup_servers.get(client.backup_server or "") if client else None
        if client is not None and target is not None:
            archivers.append((server, client, target))
            for place in _places(server):
                key = (place, server.os_user, target.host)
                archiving_from[key] = archiving_from.get(key, 0) + 1
    for server, client, target in archivers:
        # Instances on one machine share a user and its key, so no single command can be forced for that key.
        alone = all(archiving_from[place, server.os_user, target.host] == 1 for place in _places(server))
        # The command that rsync runs on the other side depends on both versions.
        forced = alone and client.archive_method == "barman-wal-archive"
        connection = {
            "from_host": server.host,
            "from_user": server.os_user,
            "from_addresses": [as_source(server.address)],
            "to_host": target.host,
            "to_user": target.user,
            "to_address": target.address,
            "to_port": target.ssh_port,
            "purpose": "archiving",
            "forced_command": f"barman put-wal {client.name}" if forced else None,
        }
        if server.ssh_public_key:
            connection["public_key"] = server.ssh_public_key
        connections.append(connection)
    for pair in dict.fromkeys((passive_copy.target, passive_copy.source) for passive_copy in topology.passive_copies):
        connections.append(_between_backups(topology.backup_servers[pair[0]], topology.backup_servers[pair[1]]))
    return connections


def recovery_ssh_connections(topology: Topology) -> list[SshConnection]:
    """From each backup server that has a server's backups to that server, if Ansible manages that server."""
    connections = []
    index = topology.index()
    for server in topology.postgres_servers.values():
        entry = index.entry_of(server)
        backup = topology.backup_servers.get(entry.backup_server or "") if entry is not None else None
        if backup is not None and server.manage:
            connections.append(_to_postgres(backup, server, "recovery"))
    for passive_copy in topology.passive_copies:
        server = topology.postgres_servers[passive_copy.server]
        if not server.manage:
            continue
        connections.append(_to_postgres(topology.backup_servers[passive_copy.target], server, "recovery"))
    # One for each server, because a recovery authorizes it for that server alone.
    return [
        {**connection, "from_hosts": [connection["from_host"]], "to_hosts": [connection["to_host"]]}
        for connection in connections
    ]


def _to_postgres(backup: BackupServer, server: PostgresServer, purpose: SshPurpose) -> SshConnection:
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


def _between_backups(target: BackupServer, source: BackupServer) -> SshConnection:
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
