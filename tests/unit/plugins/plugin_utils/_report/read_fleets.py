# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules return on the backup servers of a fleet, for the tests of the report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._report.report import HostResults
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from tests.unit.plugins.plugin_utils._picture.fleets import Hosts, backup_server, server, small

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def ago(**time: float) -> str:
    return (NOW - timedelta(**time)).isoformat(timespec="seconds")


def resolved(servers: Hosts, backups: Hosts) -> tuple[dict[str, Any], dict[str, Any]]:
    """The topology and the requirements of an inventory."""
    built = build(servers, backups)
    assert built.problems == []
    return built.topology, built.requirements


def two_hundred() -> tuple[Hosts, Hosts]:
    """200 servers on four backup servers, each with a passive copy."""
    zones = ("berlin", "dublin", "oslo", "paris")
    backups = {f"barman-{zone}": backup_server(number, zone) for number, zone in enumerate(zones)}
    servers: Hosts = {}
    for number in range(200):
        servers[f"pg-{number:03}"] = server(
            number, barman_zone=zones[number % 4], barman_backup_server=f"barman-{zones[number % 4]}"
        )
        if number % 2:
            servers[f"pg-{number:03}"]["barman_passive_servers"] = [f"barman-{zones[(number + 1) % 4]}"]
    return servers, backups


FLEETS = {4: small, 200: two_hundred}
WINDOW = {
    "backups": ["20261120T020000"],
    "begin_time": ago(days=14),
    "begin_lsn": "0/4000158",
    "end_time": ago(seconds=17),
    "last_wal": "00000001000000000000001C",
    "partial": True,
    "missing": None,
}
BACKUP = {"id": "20261120T020000", "type": "full", "status": "DONE", "end_time": ago(hours=6), "size": 11811160064}
DRILL = {
    **{"version": 1, "id": "x", "kind": "drill", "server": "pg", "time": ago(days=3), "result": "passed"},
    **{"backup_id": "20261117T020000", "rto_seconds": 36.1, "rpo": {"commit_time": ago(days=3, seconds=40)}},
}
FAILED_DRILL = {**DRILL, "time": ago(days=1), "result": "failed", "failed_phase": "replay", "reason": "WAL is missing"}
FORECAST = {"seconds": 36.1, "error_seconds": 2.4, "drills": 7}
STOPPED = {
    **{
        "name": "BarmanReceiverStopped",
        "severity": "critical",
        "subject": "pg",
        "message": "the WAL receiver does not run",
    },
    "remedy": "Run 'barman cron' as Barman's user, which starts it. 'barman receive-wal pg' shows why it ends.",
}
OLD_DRILL = {
    **{"name": "BarmanDrillTooOld", "severity": "warning", "subject": "pg"},
    "message": "the last proven restore is 72.0 hours old, and the limit is 24.0 hours",
    "remedy": "Run pgdr.barman.drill for pg, and find out why the schedule did not.",
}
FINDING = {
    **{
        "code": "no_second_copy",
        "subject": "books",
        "severity": "warning",
        "evidence": "backup-eu alone has the backups.",
    },
    **{
        "reason": "If it is lost, everything is lost.",
        "cost": "A second backup server.",
        "remedy": "barman_passive_servers",
    },
    "accepted": None,
}
ACCEPTED = {**FINDING, "subject": "ledger", "accepted": {"reason": "A test system", "until": "2027-01-01"}}


def facts(name: str, **changes: Any) -> dict[str, Any]:
    """A healthy server as server_info returns it."""
    healthy: dict[str, Any] = {
        "name": name,
        "problems": [],
        "faults": [],
        "configuration": {
            "barman_backup_method": "postgres",
            "barman_wal": ["streaming"],
            "barman_retention_policy": "RECOVERY WINDOW OF 14 DAYS",
        },
        "backups": [BACKUP],
        "last_backup": BACKUP,
        "wal": {"last_archived": "00000001000000000000001C", "last_archived_time": ago(seconds=59)},
        "postgresql": {"version": 170011},
        "recovery_windows": [WINDOW],
        "recovery_window": WINDOW,
        "recovery_windows_unknown": None,
        "last_proven_restore": DRILL,
        "last_verification": None,
        "rpo": {"seconds": 0.0, "bytes": 0, "unlimited": False, "limit": "none"},
    }
    return {**healthy, **changes}


def check(name: str, *, ok: bool = True, ignored: bool = False) -> dict[str, Any]:
    return {"name": name, "ok": ok, "hint": "" if ok else "it fails", "ignored": ignored, "source": "barman"}


def results_of(requirements: Mapping[str, Any], changes: Mapping[str, Mapping[str, Any]]) -> dict[str, HostResults]:
    """What the modules return on all backup servers. changes: to facts(), by Barman's name of a server."""
    found = {}
    for host, required in requirements.items():
        if "barman" not in required:
            continue
        names = [entry["name"] for entry in required["barman"]["servers"]]
        found[host] = HostResults(
            servers={
                "servers": {name: facts(name, **changes.get(name, {})) for name in names},
                "disk_faults": [],
                "time": ago(seconds=5),
            },
            checks={"servers": {name: {"ok": True, "checks": {"ssh": check("ssh")}} for name in names}},
            drills={
                "servers": {name: {"drills": [DRILL], "forecast": FORECAST, "forecast_reason": ""} for name in names}
            },
        )
    return found
