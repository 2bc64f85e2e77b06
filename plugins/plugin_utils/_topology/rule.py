# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules of the topology have in common.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ...module_utils._barman import options as barman_options
from .model import BackupServer, Index, PostgresServer, Problem, Topology
from .parse import is_ip

#: What a rule yields: a problem, or the text of a warning.
Findings = Iterator[Problem | str]


@dataclass(frozen=True)
class Facts:
    """The topology as the rules read it."""

    topology: Topology
    index: Index
    #: Whether some PostgreSQL server names a backup server that does not exist, or none at all.
    has_loose_ends: bool

    @classmethod
    def of(cls, topology: Topology) -> Facts:
        index = topology.index()
        loose = any(
            (index.entry_of(server) is None and server.host not in index.standbys)
            or any(
                name not in topology.backup_servers for name in (server.backup_server, *server.passive_servers) if name
            )
            for server in topology.postgres_servers.values()
        )
        return cls(topology, index, loose)

    @property
    def pg(self) -> Mapping[str, PostgresServer]:
        return self.topology.postgres_servers

    def backup_of(self, server: PostgresServer) -> BackupServer | None:
        """The backup server that backs it up, or its cluster."""
        entry = self.index.entry_of(server)
        return None if entry is None else self.backups.get(entry.backup_server or "")

    @property
    def backups(self) -> Mapping[str, BackupServer]:
        return self.topology.backup_servers


def unknown_host(host: str, variable: str, name: str, known: Iterable[str], what: str) -> Findings:
    hosts = sorted(known)
    like = barman_options.nearest(name, hosts)
    if like is not None:
        instead = f"did you mean {like}?"
    elif hosts:
        instead = f"write one of {', '.join(hosts[:5])}{', …' if len(hosts) > 5 else ''}"
    else:
        instead = "put it into the inventory"
    yield Problem(host, variable, f"names {name}, which is not a {what} of the inventory", instead)


def is_loopback(host: str) -> bool:
    if host.rstrip(".") in ("localhost", "localhost.localdomain"):
        return True
    return is_ip(host) and ipaddress.ip_address(host).is_loopback
