# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory names of the PostgreSQL servers of existing Barmans.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_ADDRESSES = ("ansible_host", "barman_address", "barman_postgres_host")


@dataclass(frozen=True)
class ServerAddress:
    """A server to name. noted: the inventory host in an entry that this collection wrote."""

    backup_server: str
    server: str
    host: str
    port: int
    noted: str | None = None


def inventory_names(
    servers: Iterable[ServerAddress],
    known: Mapping[str, Mapping[str, Any]],
    taken: Collection[str],
) -> dict[ServerAddress, str]:
    """Each server's inventory name.

    known: the hosts of the inventory with their variables. taken: names that no server gets, such as those of groups and backup servers.

    The name of a host with the same address comes first, then the host name in the connection string, then Barman's name.
    """
    addresses = list(servers)
    uses = Counter(one.host for one in addresses)
    used: set[str] = set(taken)
    found: dict[ServerAddress, str] = {}
    for one in sorted(addresses, key=lambda one: (one.noted is None, one.backup_server, one.server)):
        candidates = [one.noted, *_known_hosts(one, known, uses[one.host])]
        if uses[one.host] == 1 and _is_host_name(one.host):
            candidates.append(one.host)
        candidates += [one.server, f"{one.server}-{one.backup_server}", f"{one.server}-{one.port}"]
        numbered = (f"{one.server}-{number}" for number in range(2, len(addresses) + len(used) + 3))
        name = next(name for name in (*candidates, *numbered) if name and name not in used)
        used.add(name)
        found[one] = name
    return found


def _known_hosts(one: ServerAddress, known: Mapping[str, Mapping[str, Any]], uses: int) -> list[str]:
    """The hosts of the inventory with that address. If several servers share the address, the port has to be the same."""
    return [
        host
        for host, variables in sorted(known.items())
        if one.host in (host, *(variables.get(name) for name in _ADDRESSES))
        and (str(variables.get("barman_postgres_port") or (5432 if uses > 1 else one.port)) == str(one.port))
        and variables.get("barman_server_name", one.server) == one.server
    ]


def _is_host_name(text: str) -> bool:
    if text.startswith("/"):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return text != "localhost"
    return False
