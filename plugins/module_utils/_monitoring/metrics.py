# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The metrics of a backup host, for the textfile collector of Prometheus's node exporter.

This module util is private to the collection. Nothing here reads or writes files. The names follow Prometheus's conventions: base
units, a point in time as its Unix time, 0 for never. A backup's id, a position or a segment is no label, because each is new every day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Callable, Optional

from .._barman import catalog
from .._barman.cluster_members import ClusterMember
from .exposition import Family, MetricSample, MetricType, exposition
from .limits import Limits
from .observation import DiskUse, HostObservation, ServerObservation
from .sample_history import SAMPLED, STOPPED, SampleHistory

PREFIX = "pgdr_barman_"

#: None: the server has no such value, as a passive one has no replication slot.
ServerValue = Callable[[ServerObservation], Optional[float]]


@dataclass(frozen=True)
class ServerMetric:
    """A metric with one value for each server."""

    name: str
    help: str
    value: ServerValue
    type: MetricType = "gauge"


def _asked(server: ServerObservation) -> bool:
    return server.reach != "not_asked"


def _of_slot(value: ServerValue) -> ServerValue:
    """Of servers whose WAL is streamed; PostgreSQL has to have answered."""
    return lambda server: value(server) if server.streams and server.state is not None else None


def _of_archiver(value: ServerValue) -> ServerValue:
    return lambda server: value(server) if server.archives and server.state is not None else None


def _of_passive(value: ServerValue) -> ServerValue:
    return lambda server: value(server) if server.passive is not None else None


def _of_synchronous(value: ServerValue) -> ServerValue:
    return lambda server: value(server) if server.state is not None and not server.state.in_recovery else None


def _local(value: ServerValue) -> ServerValue:
    """Of servers whose WAL is on this host."""
    return lambda server: value(server) if server.wal_facts is not None else None


def moment(value: datetime | None) -> float:
    """A point in time as its Unix time; 0 for never."""
    return 0.0 if value is None else value.timestamp()


def _missing(server: ServerObservation, *, after_latest: bool) -> float:
    return float(sum(gap.count for gap in server.checks.gaps if gap.after_latest == after_latest))


def _rpo_seconds(server: ServerObservation) -> float | None:
    return float("inf") if server.rpo.unlimited else server.rpo.seconds


def _drill_time(server: ServerObservation, *, passed: bool) -> float:
    found = server.last_record("drill", passed=passed)
    return 0.0 if found is None else moment(found.time)


def _last_drill_passed(server: ServerObservation) -> float | None:
    found = server.last_record("drill")
    return None if found is None else float(found.passed)


def _last_verification_passed(server: ServerObservation) -> float | None:
    return None if server.last_verification is None else float(not server.verification_failure)


def _window(server: ServerObservation, *, start: bool) -> float:
    window = server.window
    if window is None:
        return 0.0
    return moment(window.begin) if start else window.end or 0.0


_METRICS: Sequence[ServerMetric] = (
    ServerMetric(
        "postgresql_up",
        "Whether PostgreSQL answered (1), with the system identifier of the newest backup.",
        lambda s: float(s.state is not None) if _asked(s) else None,
    ),
    ServerMetric(
        "backup_last_success_timestamp_seconds",
        "When the newest valid backup ended. 0: there is none.",
        lambda s: moment(s.last_backup.end_time if s.last_backup else None),
    ),
    ServerMetric(
        "backup_last_failure_timestamp_seconds",
        "When the newest failed backup began. 0: there is none.",
        lambda s: moment((s.last_failure.end_time or s.last_failure.begin_time) if s.last_failure else None),
    ),
    ServerMetric(
        "backup_last_size_bytes",
        "The size of the newest valid backup.",
        lambda s: float((s.last_backup.size if s.last_backup else 0) or 0),
    ),
    ServerMetric(
        "backup_last_duration_seconds",
        "How long the newest valid backup took.",
        lambda s: (s.last_backup.duration if s.last_backup else 0.0) or 0.0,
    ),
    ServerMetric(
        "backup_running",
        "Whether a backup is being taken, or has waited for its WAL for less than an hour.",
        lambda s: float(s.backup_running),
    ),
    ServerMetric(
        "recovery_window_start_timestamp_seconds",
        "The earliest time to which the newest recovery window can be recovered. 0: nothing can be.",
        _local(lambda s: _window(s, start=True)),
    ),
    ServerMetric(
        "recovery_window_end_timestamp_seconds",
        "The latest time to which the newest recovery window can be recovered. 0: nothing can be.",
        _local(lambda s: _window(s, start=False)),
    ),
    ServerMetric(
        "rpo_seconds",
        "The most seconds of commits that are lost if the PostgreSQL host is destroyed now. +Inf: everything is.",
        _rpo_seconds,
    ),
    ServerMetric(
        "rpo_bytes",
        "The most bytes of WAL that are lost if the PostgreSQL host is destroyed now. Absent if PostgreSQL does not answer.",
        lambda s: None if s.rpo.bytes is None else float(s.rpo.bytes),
    ),
    ServerMetric(
        "wal_last_archived_timestamp_seconds",
        "When the newest archived WAL segment was written. 0: there is none.",
        _local(lambda s: (s.wal_facts.last_archived_time if s.wal_facts else 0.0) or 0.0),
    ),
    ServerMetric(
        "wal_last_received_timestamp_seconds",
        "When WAL was last written on the backup server, archived or not. 0: never.",
        _local(lambda s: (s.wal_facts.received_time if s.wal_facts else 0.0) or 0.0),
    ),
    ServerMetric(
        "wal_waiting_segments",
        "Complete WAL segments that Barman has not archived yet.",
        _local(lambda s: float(s.wal_facts.waiting) if s.wal_facts else None),
    ),
    ServerMetric(
        "wal_waiting_oldest_timestamp_seconds",
        "When the oldest of these segments was written. 0: none waits.",
        _local(lambda s: (s.wal_facts.waiting_oldest_time if s.wal_facts else 0.0) or 0.0),
    ),
    ServerMetric(
        "wal_missing_segments",
        "WAL segments that are missing after the newest valid backup. Nothing after them can be recovered.",
        _local(lambda s: _missing(s, after_latest=True)),
    ),
    ServerMetric(
        "wal_missing_older_segments",
        "WAL segments that are missing between older backups.",
        _local(lambda s: _missing(s, after_latest=False)),
    ),
    ServerMetric(
        "receiver_streaming",
        "Whether the WAL receiver runs and PostgreSQL streams to it.",
        lambda s: float(s.receiver_streams) if s.streams and _asked(s) else None,
    ),
    ServerMetric(
        "receiver_lag_seconds",
        "PostgreSQL's write_lag of the WAL receiver.",
        _of_slot(lambda s: (s.state.stream.write_lag if s.state and s.state.stream else 0.0) or 0.0),
    ),
    ServerMetric(
        "slot_present",
        "Whether the replication slot exists.",
        _of_slot(lambda s: float(s.state is not None and s.state.slot is not None)),
    ),
    ServerMetric(
        "slot_active",
        "Whether a client uses the replication slot.",
        _of_slot(lambda s: float(bool(s.state and s.state.slot and s.state.slot.active))),
    ),
    ServerMetric(
        "slot_wal_lost",
        "Whether PostgreSQL has removed WAL that the replication slot needs (wal_status is lost).",
        _of_slot(lambda s: float(bool(s.state and s.state.slot and s.state.slot.lost))),
    ),
    ServerMetric(
        "slot_retained_bytes",
        "The WAL that the replication slot keeps on the PostgreSQL host.",
        _of_slot(lambda s: float(s.state.retained_bytes) if s.state else None),
    ),
    ServerMetric(
        "slot_safe_bytes",
        "The WAL that PostgreSQL can write before it invalidates the slot. Absent without max_slot_wal_keep_size.",
        _of_slot(lambda s: float(s.state.safe_bytes) if s.state and s.state.safe_bytes is not None else None),
    ),
    ServerMetric(
        "archiver_off",
        "Whether PostgreSQL archives nothing (archive_mode is off), although archive_command should deliver WAL.",
        _of_archiver(lambda s: float(s.archiver_off)),
    ),
    ServerMetric(
        "archiver_segment_size_bytes",
        "The size of PostgreSQL's WAL segments.",
        _of_archiver(lambda s: float(s.state.segment_size) if s.state else None),
    ),
    ServerMetric(
        "archiver_last_archived_timestamp_seconds",
        "When archive_command last succeeded. 0: never.",
        _of_archiver(lambda s: (s.state.archiver.last_archived if s.state else 0.0) or 0.0),
    ),
    ServerMetric(
        "archiver_last_failed_timestamp_seconds",
        "When archive_command last failed. 0: never.",
        _of_archiver(lambda s: (s.state.archiver.last_failed if s.state else 0.0) or 0.0),
    ),
    ServerMetric(
        "archiver_archived_total",
        "WAL files that archive_command archived since PostgreSQL's statistics were reset.",
        _of_archiver(lambda s: float(s.state.archiver.archived) if s.state else None),
        "counter",
    ),
    ServerMetric(
        "archiver_failed_total",
        "Failures of archive_command since PostgreSQL's statistics were reset.",
        _of_archiver(lambda s: float(s.state.archiver.failed) if s.state else None),
        "counter",
    ),
    ServerMetric(
        "archiver_undelivered_segments",
        "WAL segments that archive_command archived, as PostgreSQL reports it, and that are not on the backup server.",
        _of_archiver(lambda s: float(s.undelivered)),
    ),
    ServerMetric(
        "synchronous_standbys",
        "Connected standbys that commits wait for.",
        _of_synchronous(lambda s: float(s.state.synchronous_standbys) if s.state else None),
    ),
    ServerMetric(
        "synchronous_standbys_required",
        "Standbys that commits have to wait for (synchronous_standby_names). With fewer, commits hang.",
        _of_synchronous(lambda s: float(s.state.required_standbys) if s.state else None),
    ),
    ServerMetric(
        "passive_contact_timestamp_seconds",
        "When the source of a passive node last answered. 0: never.",
        _of_passive(lambda s: (s.passive.contact if s.passive else 0.0) or 0.0),
    ),
    ServerMetric(
        "passive_lag_seconds",
        "The time between the newest WAL of the source and the newest WAL of the passive node.",
        _of_passive(lambda s: s.passive.lag.seconds if s.passive and s.passive.lag else None),
    ),
    ServerMetric(
        "passive_overdue_seconds",
        "How long the oldest backup or WAL of the source has been missing on the passive node.",
        _of_passive(lambda s: s.passive.lag.overdue if s.passive and s.passive.lag else None),
    ),
    ServerMetric(
        "drill_last_success_timestamp_seconds",
        "When a restore drill last passed. 0: never.",
        lambda s: _drill_time(s, passed=True),
    ),
    ServerMetric(
        "drill_last_timestamp_seconds",
        "When a restore drill last ran. 0: never.",
        lambda s: _drill_time(s, passed=False),
    ),
    ServerMetric(
        "drill_success",
        "Whether the last restore drill passed. Absent before the first one.",
        _last_drill_passed,
    ),
    ServerMetric(
        "verification_last_timestamp_seconds",
        "When stored backups and WAL were last verified. 0: never.",
        lambda s: moment(s.last_verification.time if s.last_verification else None),
    ),
    ServerMetric(
        "verification_success",
        "Whether the last verification passed: no error, no damaged file, and no missing WAL after the newest backup. Absent before the first one.",
        _last_verification_passed,
    ),
    ServerMetric(
        "verification_failed_files",
        "The stored files that are damaged, by the last verification that no error ended.",
        lambda s: float(s.damaged_files),
    ),
    ServerMetric(
        "verification_unread_timestamp_seconds",
        "Since when the backup or WAL segment has not been read that was not read for the longest. 0: nothing is stored.",
        lambda s: moment(s.unread_since),
    ),
)


#: Of clusters, for each member. None: the member did not answer.
_MEMBER_METRICS: Sequence[tuple[str, str, Callable[[ClusterMember | None], float | None]]] = (
    (
        "cluster_member_up",
        "Whether the member of the cluster answered.",
        lambda member: float(member is not None),
    ),
    (
        "cluster_member_primary",
        "Whether the member is a primary (1) or a standby (0). Absent if it did not answer.",
        lambda member: None if member is None else float(not member.in_recovery),
    ),
    (
        "cluster_member_slot_present",
        "Whether the replication slot exists on the member. Absent if it did not answer.",
        lambda member: None if member is None else float(member.slot is not None),
    ),
    (
        "cluster_member_slot_active",
        "Whether a client uses the replication slot of the member. On the primary, Barman's WAL receiver does. Absent if it did not answer.",
        lambda member: None if member is None else float(member.slot is not None and member.slot.active),
    ),
)

_DISK_METRICS: Sequence[tuple[str, str, Callable[[DiskUse], float]]] = (
    ("disk_free_bytes", "The free space for Barman's user.", lambda disk: float(disk.free)),
    ("disk_size_bytes", "The size of the file system.", lambda disk: float(disk.size)),
    (
        "disk_exhaustion_seconds",
        "The seconds until the space is used up at the growth of the last week. +Inf: it does not grow, or too little is known.",
        lambda disk: disk.seconds_left,
    ),
)


def families(host: HostObservation, limits: Limits, history: SampleHistory | None = None) -> Iterator[Family]:
    """All metrics of the host. history: with this sample; without one, it is the first."""
    history = SampleHistory().with_sample(host) if history is None else history
    servers = host.servers.values()
    readable = [server for server in servers if not server.problem]
    # Of a server that Barman ignores, nothing else is to raise an alert.
    watched = [server for server in readable if server.active]
    yield _family(
        "server_readable",
        "Whether the server's files on the backup server can be read. 0: of its other metrics, server_info alone is there.",
        [(float(not server.problem), {"server": server.name}) for server in servers],
    )
    yield _family("server_info", "How the server is backed up.", [(1.0, _info(server)) for server in servers])
    yield _family(
        "active",
        "Whether Barman works for the server (1) or ignores it (0). 0: of its other metrics, server_info and server_readable alone are there.",
        [(float(server.active), {"server": server.name}) for server in readable],
    )
    for metric in (*_limit_metrics(limits), *_METRICS, *_history_metrics(history, host.time)):
        values = [(metric.value(server), {"server": server.name}) for server in watched]
        yield _family(metric.name, metric.help, values, metric.type)
    yield _family(
        "backups",
        "The number of backups in the catalog, by Barman's status.",
        [sample for server in watched for sample in _backup_counts(server)],
    )
    for name, text, of_member in _MEMBER_METRICS:
        yield _family(
            name,
            text,
            [
                (of_member(member), {"server": server.name, "member": address})
                for server in watched
                for address, member in server.members.items()
            ],
        )
    yield _family(
        "rpo_limit_info",
        "What limits the RPO now, as a label.",
        [(1.0, {"server": server.name, "limit": server.rpo.limit.value}) for server in watched],
    )
    yield _family(
        "check_ok",
        "The checks that this collection makes beside Barman's own: 1 for a check that passes.",
        [
            (float(check.ok), {"server": server.name, "check": key})
            for server in watched
            for key, check in server.checks.checks.items()
        ],
    )
    for name, text, value in _DISK_METRICS:
        yield _family(name, text, [(value(disk), {"mountpoint": disk.mount}) for disk in host.disks])
    yield _family("servers", "The number of servers in Barman's configuration.", [(float(len(host.servers)), {})])
    yield _family(SAMPLED, "When these metrics were made.", [(host.time, {})])
    yield _family(
        "metrics_start_timestamp_seconds",
        "When the process began that made these metrics. Cron starts one each minute.",
        [(history.started, {})],
    )
    yield _family("metrics_duration_seconds", "How long it took to make these metrics.", [(host.seconds, {})])


def metrics_text(host: HostObservation, limits: Limits | None = None, history: SampleHistory | None = None) -> str:
    """The file for the textfile collector."""
    return exposition(families(host, limits or Limits(), history))


def _history_metrics(history: SampleHistory, now: float) -> tuple[ServerMetric, ...]:
    return (
        ServerMetric(
            STOPPED,
            "Since when the WAL receiver has not been streaming, although PostgreSQL answers. 0: it streams.",
            history.stopped_since,
        ),
        ServerMetric(
            "receiver_missed_starts",
            "The runs of Barman's cron, one each minute, that did not start the stopped WAL receiver. 0: it streams, or cron has not run since it stopped.",
            lambda s: history.missed_starts(s, now),
        ),
    )


def _limit_metrics(limits: Limits) -> tuple[ServerMetric, ...]:
    return (
        ServerMetric(
            "backup_maximum_age_seconds",
            "The age at which the newest valid backup is too old. 0: there is no limit.",
            lambda s: limits.backup_age(s.entry),
        ),
        ServerMetric(
            "drill_maximum_age_seconds",
            "The age at which the last passed restore drill is too old. 0: there is no limit.",
            lambda s: limits.drill_age(s.entry),
        ),
        ServerMetric(
            "verification_maximum_age_seconds",
            "How long a backup or WAL segment may not be read. 0: there is no limit.",
            lambda s: limits.verification_age(s.entry),
        ),
    )


def _family(
    name: str, text: str, values: Sequence[tuple[float | None, Mapping[str, str]]], kind: MetricType = "gauge"
) -> Family:
    samples = [MetricSample(value, labels) for value, labels in values if value is not None]
    return Family(PREFIX + name, text, kind, samples)


def _info(server: ServerObservation) -> dict[str, str]:
    ways = [name for name, used in (("streaming", server.streams), ("archiving", server.archives)) if used]
    return {
        "server": server.name,
        "backup_method": "passive" if server.entry.passive else server.entry.get("backup_method") or "",
        "wal": ",".join(ways),
    }


def _backup_counts(server: ServerObservation) -> list[tuple[float, dict[str, str]]]:
    counts = {catalog.DONE: 0, catalog.FAILED: 0, catalog.WAITING_FOR_WALS: 0}
    for backup in server.backups:
        counts[backup.status] = counts.get(backup.status, 0) + 1
    return [
        (float(count), {"server": server.name, "status": status.lower()}) for status, count in sorted(counts.items())
    ]
