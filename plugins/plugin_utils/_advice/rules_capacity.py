# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules about time and space: throughput, round trips, RPO, RTO, and the disks of backup servers.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...module_utils._host.sizes import human_size
from .._topology.model import BackupServer
from .architecture import Architecture, Entry, Findings, Rule, backup_interval, backups_retained, wal_retained
from .facts import number
from .finding import Unmeasured, finding
from .forecast import backup_forecast, recovery_forecast, wal_capacity

#: A network that is used more has no capacity for a backup, or for a peak.
_BUSY = 0.7
#: A backup that takes longer can't be repeated before the next one.
_HALF = 0.5
#: Seconds. Within a town, a round trip takes less.
_SLOW_COMMIT = 0.005
#: Barman archives no WAL on a full disk.
_FULL = 0.95
#: The days that a disk has to last if no window is declared.
_DAYS = 14


def wal(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        host = entry.server.host
        rate, capacity = architecture.wal_rate(entry.server), wal_capacity(architecture, entry)
        if rate is None or capacity is None:
            missing = "the WAL rate" if rate is None else "the throughput to the backup server"
            yield Unmeasured("wal_exceeds_throughput", host, missing)
        elif rate > _BUSY * capacity:
            evidence = f"{host} writes {human_size(rate)} of WAL a second, and {human_size(capacity)} a second reach {entry.backup.host}"
            yield finding("wal_exceeds_throughput", host, evidence)


def backup_time(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        interval, forecast = backup_interval(entry.server), backup_forecast(architecture, entry)
        if interval is None or entry.has_snapshots:
            continue
        if forecast is None:
            yield Unmeasured("backup_exceeds_interval", entry.server.host, "database size and throughput")
        elif forecast.seconds > _HALF * interval:
            yield finding(
                "backup_exceeds_interval",
                entry.server.host,
                f"a backup of {human_size(forecast.size)} takes {words(forecast.seconds)} ({forecast.basis}), and the next one is due after {words(interval)}",
            )


def replication(architecture: Architecture) -> Findings:
    """Each interval, a passive node copies a full backup and the WAL of each server."""
    entries = {entry.server.host: entry for entry in architecture.entries}
    for (source, target), servers in architecture.replications.items():
        throughput = architecture.link(target, source).throughput
        rates = [_growth(architecture, entries[one.host]) for one in servers if one.host in entries]
        known = [rate for rate in rates if rate is not None]
        if not throughput or not known:
            yield Unmeasured(
                "replication_exceeds_throughput", target, f"throughput from {source}, and the growth there"
            )
        elif sum(known) > _BUSY * throughput:
            evidence = f"{source} grows by {human_size(sum(known))} a second, and {human_size(throughput)} a second reach {target}"
            yield finding("replication_exceeds_throughput", target, evidence, source)


def _growth(architecture: Architecture, entry: Entry) -> float | None:
    size, interval, rate = architecture.size(entry), backup_interval(entry.server), architecture.wal_rate(entry.server)
    if size is None and rate is None:
        return None
    return (rate or 0.0) + (0.0 if size is None or not interval else size / interval)


def commits(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        if not entry.server.synchronous:
            continue
        rtt = architecture.link(entry.backup.host, entry.server.host).rtt
        if rtt is None:
            yield Unmeasured("slow_commits", entry.server.host, "the round-trip time")
        elif rtt > _SLOW_COMMIT:
            evidence = f"barman_synchronous is true, and a round trip to {entry.backup.host} takes {rtt * 1000:.1f} ms"
            yield finding("slow_commits", entry.server.host, evidence)


def recovery_time(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        server = entry.server
        if server.rto is None or entry.has_snapshots:
            continue
        forecast = recovery_forecast(architecture, entry)
        if forecast is None:
            yield Unmeasured("recovery_exceeds_rto", server.host, "a restore drill, or database size and throughput")
        elif forecast.seconds > server.rto:
            evidence = f"barman_rto is {words(server.rto)}, and a recovery of {human_size(forecast.size)} takes {words(forecast.seconds)} ({forecast.basis})"
            yield finding("recovery_exceeds_rto", server.host, evidence)


def recovery_point(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        server = entry.server
        if server.rpo is None:
            continue
        report = architecture.report_of(entry.backup.host, server)
        rpo = (report or {}).get("rpo")
        if not isinstance(rpo, Mapping):
            yield Unmeasured("rpo_not_met", server.host, "a deployment")
            continue
        seconds = number(rpo.get("seconds"))
        if rpo.get("unlimited"):
            yield finding("rpo_not_met", server.host, f"there is no valid backup (limit: {rpo.get('limit')})")
        elif seconds is None:
            yield Unmeasured("rpo_not_met", server.host, f"the RPO now (limit: {rpo.get('limit')})")
        elif seconds > server.rpo:
            evidence = (
                f"barman_rpo is {words(server.rpo)}, and {words(seconds)} would be lost now (limit: {rpo.get('limit')})"
            )
            yield finding("rpo_not_met", server.host, evidence)


def disk_space(architecture: Architecture) -> Findings:
    """What the policies need at most, without compression. A lower bound is enough for a finding, so unknown sizes are left out."""
    for backup in architecture.topology.backup_servers.values():
        home = architecture.home(backup)
        needed = [one for one in _needs(architecture, backup) if one is not None]
        if home is None or not home.size or not needed:
            yield Unmeasured("disk_too_small", backup.host, "the disk, and the size of a database or of a backup")
        elif sum(needed) > _FULL * home.size:
            evidence = (
                f"the retention policies need {human_size(sum(needed))}, and {home.path} has {human_size(home.size)}"
            )
            yield finding("disk_too_small", backup.host, evidence)


def _needs(architecture: Architecture, backup: BackupServer) -> Iterator[float | None]:
    """Of each server that is backed up, or replicated, there: the bytes of its backups and its WAL."""
    for entry in architecture.entries:
        if backup.host not in (entry.backup.host, *(one.target for one in entry.copies)):
            continue
        server = entry.server
        count = backups_retained(server)
        stored = number(architecture.last_backup(entry.backup.host, server).get("size"))
        size = stored if stored else (None if entry.is_compressed else architecture.size(entry))
        if size is None or count is None or server.method == "snapshot":
            yield None
            continue
        if server.incremental == "link":
            # Files that did not change are stored once.
            count = 1
        rate = 0.0 if entry.is_compressed else architecture.wal_rate(server) or 0.0
        yield size * count + rate * (wal_retained(server) or 0)


def disk_growth(architecture: Architecture) -> Findings:
    for backup in architecture.topology.backup_servers.values():
        disks = architecture.disks(backup.host)
        windows = [wal_retained(entry.server) for entry in architecture.entries if entry.backup.host == backup.host]
        needed = max([*(one / 86400 for one in windows if one), 0.0]) or _DAYS
        if not disks:
            yield Unmeasured("disk_full_soon", backup.host, "a deployment")
        for disk in disks:
            days = number(disk.get("days_left"))
            if days is not None and days < needed:
                evidence = (
                    f"{disk.get('mountpoint')} is full in {days:.1f} days, and the recovery window is {needed:.0f} days"
                )
                yield finding("disk_full_soon", backup.host, evidence, str(disk.get("mountpoint")))


def words(seconds: float) -> str:
    """A duration in its largest unit."""
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s" if seconds % 1 else f"{seconds:.0f} s"


CAPACITY_RULES: tuple[Rule, ...] = (
    wal,
    backup_time,
    replication,
    commits,
    recovery_time,
    recovery_point,
    disk_space,
    disk_growth,
)
