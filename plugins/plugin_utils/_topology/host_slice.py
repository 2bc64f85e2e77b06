# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a single host gets of the topology, and which hosts have which part in it.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def hosts_by_part(
    requirements: Mapping[str, Mapping[str, Any]], pg: Iterable[str], backup: Iterable[str]
) -> dict[str, list[str]]:
    """The hosts that Ansible connects to, by their part and in the inventory's order, and the PostgreSQL servers with manual steps."""
    pg = list(pg)
    managed = [host for host in pg if requirements[host]["postgres"]["manage"]]
    connected = list(dict.fromkeys((*managed, *backup)))
    return {
        "pg": managed,
        "backup": list(backup),
        "all": connected,
        "ssh": [host for host in connected if requirements[host]["ssh_connections"]],
        "members": [host for host in managed if requirements[host]["postgres"]["members"]],
        "archiving": [host for host in managed if requirements[host]["postgres"]["archiving"]],
        "synchronous": [host for host in managed if requirements[host]["postgres"]["synchronous"]],
        "manual": [host for host in pg if not requirements[host]["postgres"]["manage"]],
    }


def host_slice(
    host: str, topology: Mapping[str, Any], requirements: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """The topology and the requirements in their own shape, with only what that host's roles read of them.

    An expression can cost as much as everything in its variable: before ansible-core 2.19 each one templates the variable as a whole. A backup
    server gets everything, because a handover needs the servers that it had before, wherever they are now.
    """
    own = requirements.get(host, {})
    if "postgres" not in own or "barman" in own:
        return {"topology": topology, "requirements": requirements} if own else {"topology": {}, "requirements": {}}
    postgres = own["postgres"]
    neighbours = (host, postgres["backed_up_as"], postgres["primary"], *postgres["standbys"])
    servers, backups = topology["postgres_servers"], topology["backup_servers"]
    known = {name: servers[name] for name in neighbours if name in servers}
    users = {
        backup: {"barman": {"user": backups[backup]["user"]}}
        for backup in {server["backup_server"] for server in known.values()}
        if backup in backups
    }
    return {
        "topology": {
            "postgres_servers": known,
            "backup_servers": {name: {"addresses": backup["addresses"]} for name, backup in backups.items()},
            "backup_addresses": topology["backup_addresses"],
        },
        "requirements": {**users, host: own},
    }
