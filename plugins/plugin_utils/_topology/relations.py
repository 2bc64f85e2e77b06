# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which servers' WAL and backups come from a PostgreSQL server.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from .model import Index, PostgresServer


def clients_of(index: Index, server: PostgresServer) -> list[PostgresServer]:
    """The servers for whose sake Barman comes to this one: itself, or the one that has the entry of its cluster, and its standbys."""
    entry = index.entry_of(server)
    return ([] if entry is None else [entry]) + list(index.standbys.get(server.host, ()))


def backed_up_as(index: Index, server: PostgresServer) -> str:
    """The server whose entry in Barman has this one's data. A standby's has its primary's, for they are the same."""
    if server.backup_server is not None:
        return server.host
    return next((client.host for client in clients_of(index, server) if client.backup_server is not None), server.host)


def receivers_of(index: Index, server: PostgresServer) -> list[PostgresServer]:
    """The servers whose WAL is streamed from this one."""
    return [
        client
        for client in clients_of(index, server)
        if client.streams and (client.primary or server.host) == server.host
    ]


def archiving_client(index: Index, server: PostgresServer) -> PostgresServer | None:
    """The server for whose entry this one's archive_command works."""
    for client in clients_of(index, server):
        if client.archives and (client.primary or server.host) == server.host:
            return client
    return None


def has_base_backups(server: PostgresServer) -> bool:
    """Whether base backups are taken from this server with the replication protocol."""
    return server.method == "postgres" and (server.backup_server is not None or server.cluster is not None)


def replicating_with(index: Index, server: PostgresServer) -> list[str]:
    """The other servers that replicate with this one and restart one after the other. Under Patroni none, because it restarts them itself."""
    if server.cluster is not None:
        members = [] if server.cluster_manager == "patroni" else index.members.get(server.cluster, [])
        return [member.host for member in members if member.host != server.host]
    primary = server.primary or server.host
    standbys = [standby.host for standby in index.standbys.get(primary, ())]
    return [host for host in (primary, *standbys) if host != server.host] if standbys else []
