# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured on each host: the arguments of module host_placement.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from typing import Any

from .._topology.model import BackupServer, PostgresServer, Topology
from .architecture import Architecture


def measurements(topology: Topology, seconds: float, size: int) -> dict[str, dict[str, Any]]:
    """By host. Of a server that Ansible does not manage, only what the backup server can measure."""
    architecture = Architecture(topology)
    found: dict[str, dict[str, Any]] = {}
    for server in topology.postgres_servers.values():
        if server.manage:
            found[server.host] = {
                "ssh_users": [server.os_user],
                "postgres": {
                    "port": server.local_port,
                    "login_user": server.variables["barman_postgres_superuser"],
                    **_socket(server),
                },
                "seconds": seconds,
            }
    for backup in topology.backup_servers.values():
        own = found.setdefault(backup.host, {"ssh_users": [], "seconds": seconds})
        own["paths"] = [backup.home]
        own["ssh_users"] = sorted({*own["ssh_users"], backup.user})
        own["barman_user"] = backup.user
        own["links"] = _links(architecture, backup)
        own["bytes"] = size
    for own in found.values():
        # A host of PostgreSQL alone runs nothing as that user.
        own.setdefault("barman_user", "barman")
    return found


def _socket(server: PostgresServer) -> dict[str, str]:
    directory = server.variables["barman_postgres_socket_directory"]
    return {"socket_directory": directory} if directory else {}


def _links(architecture: Architecture, backup: BackupServer) -> list[dict[str, Any]]:
    """To each server that is backed up from here, and to each source of passive copies."""
    links = [
        {
            "host": entry.server.host,
            "address": "" if entry.server.postgres_host.startswith("/") else entry.server.postgres_host,
            "port": entry.server.port,
            "server": entry.server.name,
            "kind": "postgres",
        }
        for entry in architecture.entries
        if entry.backup.host == backup.host
    ]
    for (source, target), servers in architecture.replications.items():
        if target == backup.host:
            there = architecture.topology.backup_servers[source]
            links.append(
                {
                    "host": source,
                    "address": there.address,
                    "port": there.ssh_port,
                    "server": servers[0].name,
                    "kind": "ssh",
                }
            )
    return links
