# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventories of 4, 60 and 300 PostgreSQL servers, with everything that a picture can show."""

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build

COMMON = {"barman_postgres_version": 17, "barman_postgres_password": "x", "barman_streaming_password": "x"}
Hosts = dict[str, dict[str, Any]]


def server(number: int, **variables: Any) -> dict[str, Any]:
    address = {"barman_address": f"198.51.{number // 200}.{number % 200 + 1}", "barman_zone": "eu"}
    return {**COMMON, **address, "barman_backup_server": "backup-eu", **variables}


def backup_server(number: int, zone: str, **variables: Any) -> dict[str, Any]:
    return {"barman_address": f"192.0.2.{number + 11}", "barman_zone": zone, "barman_allow_empty": True, **variables}


def topology_of(servers: Hosts, backups: Hosts) -> dict[str, Any]:
    built = build(servers, backups)
    assert built.problems == []
    return built.topology


def small() -> tuple[Hosts, Hosts]:
    """4 servers: streaming and archiving with a passive copy, rsync, a synchronous receiver, a backup from a standby."""
    servers = {
        "books": server(1, barman_wal=["streaming", "archiving"], barman_passive_servers=["backup-us"]),
        "ledger": server(2, barman_synchronous=True, barman_passive_servers=["backup-us"]),
        "orders-1": {**server(3), "barman_backup_server": None},
        "orders-2": server(4, barman_primary="orders-1", barman_backup_method="rsync", barman_wal=["archiving"]),
    }
    return servers, {"backup-eu": backup_server(0, "eu"), "backup-us": backup_server(1, "us")}


def medium() -> tuple[Hosts, Hosts]:
    """60 servers in three zones, with clusters, an export to S3, and one zone without a passive copy."""
    zones = ("berlin", "dublin", "paris")
    backups = {f"barman-{zone}": backup_server(number, zone) for number, zone in enumerate(zones)}
    servers: Hosts = {}
    for number in range(56):
        zone = zones[number % 3]
        near, far = f"barman-{zone}", f"barman-{zones[(number + 1) % 3]}"
        passive = [] if zone == "paris" else [far]
        wal = ["streaming", "archiving"] if number % 5 == 0 else ["streaming"]
        servers[f"pg-{zone}-{number:02}"] = server(
            number, barman_zone=zone, barman_backup_server=near, barman_passive_servers=passive, barman_wal=wal
        )
    for number in range(2):
        for member, zone in enumerate(("berlin", "dublin")):
            cluster = {"barman_cluster": f"shop-{number}", "barman_cluster_manager": "patroni", "barman_zone": zone}
            servers[f"shop-{number}-{member}"] = server(
                60 + number * 2 + member, barman_backup_server="barman-dublin", **cluster
            )
    return servers, backups


def large() -> tuple[Hosts, Hosts]:
    """300 servers in six zones."""
    zones = ("amsterdam", "berlin", "dublin", "milan", "oslo", "paris")
    backups = {f"barman-{zone}": backup_server(number, zone) for number, zone in enumerate(zones)}
    servers: Hosts = {}
    for number in range(300):
        zone, next_zone = zones[number % 6], zones[(number + 1) % 6]
        variables: dict[str, Any] = {"barman_zone": zone, "barman_backup_server": f"barman-{zone}"}
        if number % 4:
            variables["barman_passive_servers"] = [f"barman-{next_zone}"]
        if number % 7 == 0:
            variables.update(barman_backup_method="rsync", barman_wal=["archiving"])
        servers[f"pg-{number:03}"] = server(number, **variables)
    return servers, backups


FLEETS = {4: small, 60: medium, 300: large}
