# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of the members of a cluster.

Each rule yields what is wrong. Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from .model import PostgresServer, Problem
from .rule import Facts, Findings

#: Parameters of libpq with which Barman's connections would not go to the primary.
_ROUTES = ("hostaddr", "load_balance_hosts", "target_session_attrs")


def member(facts: Facts, server: PostgresServer) -> Findings:
    primary = facts.pg.get(server.primary or "")
    if primary is not None and primary.cluster is not None:
        yield Problem(
            server.host,
            "barman_primary",
            f"names {primary.host}, a member of cluster {primary.cluster}, which is not its primary for ever",
            f"remove it, and write barman_cluster: {primary.cluster} for this standby",
        )
    if server.cluster is None:
        if "barman_cluster_manager" in server.given and server.cluster_manager != "none":
            yield Problem(
                server.host, "barman_cluster_manager", "has no effect without barman_cluster", "set barman_cluster"
            )
        return
    yield from _unsupported(server, server.cluster)
    for name in _ROUTES:
        if name in server.connection_options:
            yield Problem(
                server.host,
                "barman_connection_options",
                f"sets {name}, and the connections of a cluster go to its primary",
                "remove it",
            )


def _unsupported(server: PostgresServer, cluster: str) -> Findings:
    what = f"and {server.host} is a member of cluster {cluster}"
    if server.primary is not None:
        yield Problem(
            server.host,
            "barman_primary",
            f"is set, {what}, whose backups come from its primary, whichever that is",
            "remove barman_primary or barman_cluster",
        )
    if server.method != "postgres":
        yield Problem(
            server.host,
            "barman_backup_method",
            f"is {server.method}, which needs SSH to one host, {what}",
            "write postgres",
        )
    if server.archives:
        yield Problem(
            server.host,
            "barman_wal",
            f"has archiving, {what}, whose WAL is streamed only",
            "write [streaming]",
        )
    if server.synchronous:
        yield Problem(
            server.host,
            "barman_synchronous",
            f"is true, {what} whose commits would wait for Barman during every failover",
            "remove it",
        )
    if server.postgres_host.startswith("/"):
        yield Problem(
            server.host,
            "barman_postgres_host",
            f"is a socket's directory, {what}, and Barman connects to all members",
            "write an address",
        )


def addresses(facts: Facts) -> Findings:
    """Each member has an address of its own: a name or an address that moves with the primary is no member's."""
    for members in facts.index.members.values():
        known: dict[tuple[str, int], str] = {}
        for server in members:
            other = known.setdefault((server.postgres_host, server.port), server.host)
            if other != server.host:
                yield Problem(
                    server.host,
                    "barman_postgres_host",
                    f"is {server.postgres_host}:{server.port}, as that of {other}, and both are members of cluster {server.cluster}",
                    "write the address of this member alone, and none that moves with the primary",
                )
