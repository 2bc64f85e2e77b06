# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members of a cluster: servers of which one is the primary, and that are one server in Barman.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from ...module_utils._server.program_files import Places
from .model import PostgresServer, Problem

#: What all members have to have in common, because Barman has it once: the field, and its variable.
SHARED: Mapping[str, str] = {
    "backup_server": "barman_backup_server",
    "name": "barman_server_name",
    "cluster_manager": "barman_cluster_manager",
    "version": "barman_postgres_version",
    "database": "barman_postgres_database",
    "user": "barman_postgres_user",
    "streaming_user": "barman_streaming_user",
    "sslmode": "barman_sslmode",
    "sslrootcert": "barman_sslrootcert",
    "sslcert": "barman_sslcert",
    "sslkey": "barman_sslkey",
    "connection_options": "barman_connection_options",
    "method": "barman_backup_method",
    "wal": "barman_wal",
    "passive_servers": "barman_passive_servers",
    "slot_name": "barman_slot_name",
    "synchronous": "barman_synchronous",
    "incremental": "barman_incremental",
    "retention_policy": "barman_retention_policy",
    "minimum_redundancy": "barman_minimum_redundancy",
    "backup_schedule": "barman_backup_schedule",
    "incremental_schedule": "barman_incremental_schedule",
    "drill_maximum_age": "barman_drill_maximum_age",
    "drill_schedule": "barman_drill_schedule",
    "drill_queries": "barman_drill_queries",
    "rpo": "barman_rpo",
    "rto": "barman_rto",
    "verification_days": "barman_verification_days",
    "verification_schedule": "barman_verification_schedule",
    "options": "barman_options",
    "hooks": "barman_hooks",
    "s3": "barman_s3",
}


def by_cluster(servers: Mapping[str, PostgresServer]) -> dict[str, list[PostgresServer]]:
    """The members of each cluster. The first one has the entry in Barman."""
    found: dict[str, list[PostgresServer]] = {}
    for server in servers.values():
        if server.cluster is not None:
            found.setdefault(server.cluster, []).append(server)
    return found


def disagreements(servers: Mapping[str, PostgresServer]) -> Iterator[Problem]:
    """What the members of a cluster have to have in common, and have not."""
    for cluster, (first, *others) in by_cluster(servers).items():
        for other in others:
            for field, variable in SHARED.items():
                own, common = getattr(other, field), getattr(first, field)
                if own == common:
                    continue
                words = (
                    f"is {own or 'empty'}, and {first.host} has {common or 'none'}"
                    if _is_short(own, common)
                    else f"differs from that of {first.host}"
                )
                yield Problem(
                    other.host,
                    variable,
                    f"{words}; both are members of cluster {cluster}, which is one server in Barman",
                    "write the same for all members, best in a group's variables",
                )


def with_one_entry(servers: Mapping[str, PostgresServer]) -> dict[str, PostgresServer]:
    """The servers, with a backup server for one member of each cluster only: the one that has the entry."""
    others = {member.host for members in by_cluster(servers).values() for member in members[1:]}
    return {
        host: dataclasses.replace(server, backup_server=None, passive_servers=()) if host in others else server
        for host, server in servers.items()
    }


def managed_slots(servers: Iterable[PostgresServer]) -> dict[str, bool]:
    """By Barman's name of each cluster among these, whether its manager makes the receiver's slot on all members."""
    return {server.name: server.cluster_manager == "patroni" for server in servers if server.cluster and server.streams}


def follow_lines(user: str, clusters: Mapping[str, bool]) -> list[str]:
    """The line of /etc/cron.d with which the backup server follows its clusters: each minute, for a minute."""
    if not clusters:
        return []
    return [f"* * * * * {user} {Places().command} follow --seconds 57 2>&1 | logger -t pgdr-barman"]


def _is_short(*values: object) -> bool:
    return all(value is None or isinstance(value, (str, int)) for value in values)
