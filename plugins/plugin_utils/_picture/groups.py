# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which PostgreSQL servers a picture draws as one, because they have the same architecture.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .picture import HostKind, Mark

#: More PostgreSQL servers than that are drawn in groups.
MOST_SERVERS = 12
Servers = Mapping[str, Mapping[str, Any]]
Marks = Mapping[str, Sequence[Mark]]


@dataclass(frozen=True)
class Relations:
    """What the servers of a topology are to each other, and where their copies are. Each mapping is by inventory name."""

    servers: Servers
    standbys: Mapping[str, Sequence[str]]
    members: Mapping[str, Sequence[str]]
    copies: Mapping[str, Sequence[str]]
    exports: Mapping[str, Sequence[str]]

    def related(self, host: str) -> list[str]:
        """The server itself and all that share its WAL: its primary, the primary's standbys, and the members of its cluster."""
        primary = str(self.servers[host]["primary"] or host)
        cluster = self.servers[host]["cluster"]
        return list(
            dict.fromkeys((host, primary, *self.standbys.get(primary, ()), *self.members.get(str(cluster), ())))
        )

    def kind(self, host: str) -> HostKind:
        if self.servers[host]["primary"]:
            return "standby"
        return "member" if self.servers[host]["cluster"] else "postgres"


def relations_of(topology: Mapping[str, Any], exports: Mapping[str, Sequence[str]]) -> Relations:
    """topology: as module topology returns it. exports: where hooks export the backups of a server to, by its inventory name."""
    servers: Servers = topology["postgres_servers"]
    standbys: dict[str, list[str]] = {}
    members: dict[str, list[str]] = {}
    copies: dict[str, list[str]] = {}
    for host, server in servers.items():
        if server["primary"]:
            standbys.setdefault(str(server["primary"]), []).append(host)
        if server["cluster"]:
            members.setdefault(str(server["cluster"]), []).append(host)
    for one in topology["passive_copies"]:
        copies.setdefault(str(one["server"]), []).append(str(one["target"]))
    return Relations(servers, standbys, members, copies, exports)


def groups_of(relations: Relations, marks: Marks) -> list[list[str]]:
    """The inventory names that are drawn as one. Servers with marks are drawn each by itself, if they are few."""
    servers = relations.servers
    if len(servers) <= MOST_SERVERS:
        return [[host] for host in servers]
    marked = [host for host in servers if marks.get(host)]
    named = set(marked) if len(marked) <= MOST_SERVERS else set()
    own = {host: _own(host, relations, marks, named) for host in servers}
    found: dict[tuple[Any, ...], list[str]] = {}
    for host in servers:
        others = sorted(own[one] for one in relations.related(host) if one != host)
        found.setdefault((own[host], *others), []).append(host)
    return list(found.values())


def _own(host: str, relations: Relations, marks: Marks, named: set[str]) -> str:
    """What a server has to have in common with another one to be drawn with it."""
    server = relations.servers[host]
    worst = sorted({mark.kind for mark in marks.get(host, ())})
    return repr(
        (
            relations.kind(host),
            server["zone"],
            server["backup_server"],
            server["method"],
            list(server["wal"]),
            server["synchronous"],
            sorted(relations.copies.get(host, ())),
            sorted(relations.exports.get(host, ())),
            worst,
            host if host in named else "",
        )
    )
