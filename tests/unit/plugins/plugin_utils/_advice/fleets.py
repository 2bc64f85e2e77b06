# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet that follows every recommendation, in which a test plants its problem."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.architecture import Architecture
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.facts import host_facts
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.resolve import resolve
from tests.unit.plugins.plugin_utils._topology.inventories import backup, pg

GIB = 1024**3
HOME = "/var/lib/barman"
DATA = "/var/lib/postgresql/17/main"
#: Declared by every host that follows the recommendations.
SCHEDULED = {
    "barman_drill_schedule": "0 5 * * 0",
    "barman_verification_schedule": "0 6 * * *",
    "barman_sslmode": "require",
    "barman_rpo": "5 MINUTES",
    "barman_rto": "4 HOURS",
}


def disk(mountpoint: str, device: str, name: str, size: int = 2000 * GIB) -> dict[str, Any]:
    return {
        "mountpoint": mountpoint,
        "kind": "ext4",
        "source": f"/dev/{name}1",
        "address": "",
        "device": device,
        "disks": [name],
        "size": size,
    }


def nfs(mountpoint: str, source: str) -> dict[str, Any]:
    return {
        **disk(mountpoint, "0:50", "", 4000 * GIB),
        "kind": "nfs4",
        "source": source,
        "address": "192.0.2.50",
        "disks": [],
    }


def postgres_placement(kernel: str) -> dict[str, Any]:
    return {
        "machine": {"kernel": kernel, "hypervisor": ""},
        "file_systems": {DATA: disk("/var/lib/postgresql", "8:17", "sdb")},
        "ssh_keys": {"postgres": [f"SHA256:{kernel}"]},
        "database": {
            "data_directory": DATA,
            "size": 100 * GIB,
            "wal_rate": 50_000.0,
            "checksums": True,
            "slot_limit": 50 * GIB,
        },
        "links": {},
    }


def backup_placement(kernel: str, *others: str) -> dict[str, Any]:
    return {
        "machine": {"kernel": kernel, "hypervisor": ""},
        "file_systems": {HOME: disk("/var/lib/barman", "8:33", "sdc", 4000 * GIB)},
        "ssh_keys": {"barman": [f"SHA256:{kernel}"]},
        "database": None,
        "links": {other: {"rtt": 0.001, "throughput": 120e6} for other in others},
    }


def reported(name: str) -> dict[str, Any]:
    """What module server_info returns of a healthy server, as far as the rules read it."""
    done = {
        "status": "DONE",
        "type": "full",
        "begin_time": "2026-11-29T02:00:00+00:00",
        "size": 100 * GIB,
        "duration": 1000.0,
    }
    return {
        "name": name,
        "backups": [done],
        "last_backup": done,
        "last_proven_restore": {"kind": "drill", "result": "passed"},
        "postgresql": {"reach": "answered", "synchronous_standbys": 2, "synchronous_standbys_required": 1},
        "receiver": {"slot": {"name": "barman"}},
        "rpo": {"seconds": 0.0, "unlimited": False, "limit": "none"},
    }


@dataclass
class Fleet:
    """Two zones: pg and a standby that is not backed up itself, backup-eu with it, and backup-us, which replicates backup-eu."""

    pg: dict[str, Any] = field(default_factory=dict)
    backup: dict[str, Any] = field(default_factory=dict)
    placements: dict[str, Any] = field(default_factory=dict)
    reported: dict[str, Any] = field(default_factory=dict)
    drilled: dict[str, Any] = field(default_factory=dict)

    def architecture(self) -> Architecture:
        outcome = build(self.pg, self.backup)
        assert outcome.problems == [], "\n".join(map(str, outcome.problems))
        facts = {host: host_facts(host, one) for host, one in self.placements.items()}
        return Architecture(resolve(self.pg, self.backup).topology, facts, self.reported, self.drilled)


def healthy_fleet() -> Fleet:
    """Nothing is to be found in it."""
    declared = {**SCHEDULED, "barman_zone": "eu", "barman_backup_server": "backup-eu"}
    orders = pg("198.51.100.21", **declared, barman_passive_servers=["backup-us"], barman_hypervisor="esx-1")
    member = {"barman_cluster": "shop", "barman_hypervisor": "esx-2"}
    return Fleet(
        pg={
            "orders": orders,
            "shop-1": pg("198.51.100.22", **declared, **member, barman_passive_servers=["backup-us"]),
            "shop-2": pg("198.51.100.23", **declared, **member, barman_passive_servers=["backup-us"]),
        },
        backup={
            "backup-eu": backup(
                "198.51.100.11", barman_zone="eu", barman_monitoring=["prometheus"], barman_hypervisor="esx-3"
            ),
            "backup-us": backup(
                "198.51.100.12", barman_zone="us", barman_monitoring=["nagios"], barman_hypervisor="esx-4"
            ),
        },
        placements={
            **{host: postgres_placement(f"kernel-{host}") for host in ("orders", "shop-1", "shop-2")},
            "backup-eu": backup_placement("kernel-eu", "orders", "shop-1", "shop-2"),
            "backup-us": backup_placement("kernel-us", "backup-eu"),
        },
        reported={
            host: {
                "servers": {name: reported(name) for name in ("orders", "shop")},
                "disks": [{"mountpoint": HOME, "days_left": None}],
            }
            for host in ("backup-eu", "backup-us")
        },
        drilled={"backup-eu": {"servers": {}}},
    )


Plant = Callable[[Fleet], Any]


def planted(plant: Plant) -> Fleet:
    fleet = copy.deepcopy(healthy_fleet())
    plant(fleet)
    return fleet
