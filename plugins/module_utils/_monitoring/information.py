# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers of a backup host as the module server_info returns them.

This module util is private to the collection. Nothing here reads files or connects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from .._barman.catalog import Backup
from .._barman.cluster_members import addresses_of
from .._postgres import wal
from .declared import declared
from .fault import Fault
from .limits import Limits
from .observation import DiskUse, HostObservation, ServerObservation
from .recovery_window import RecoveryWindow


def server_facts(host: HostObservation, global_options: Mapping[str, str]) -> dict[str, Any]:
    """Each server's facts, by Barman's name."""
    return {name: _server(server, global_options, host.time) for name, server in host.servers.items()}


def disk_facts(disks: Sequence[DiskUse]) -> list[dict[str, Any]]:
    return [
        {
            "mountpoint": disk.mount,
            "free": disk.free,
            "size": disk.size,
            "days_left": None if disk.seconds_left == float("inf") else round(disk.seconds_left / 86400, 1),
        }
        for disk in disks
    ]


def fault_facts(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    return [
        {
            "name": fault.kind.name,
            "severity": fault.kind.severity,
            "subject": fault.subject,
            "message": fault.text,
            "remedy": fault.remedy,
        }
        for fault in faults
    ]


def _server(server: ServerObservation, global_options: Mapping[str, str], now: float) -> dict[str, Any]:
    entry, passive = server.entry, server.passive
    lag = passive.lag if passive is not None else None
    stream = server.state.stream if server.state is not None else None
    synchronous = stream is not None and stream.sync_state in ("sync", "quorum")
    increments = any(one.incremental for one in server.backups)
    failures = [str(check) for check in server.checks.failures()]
    return {
        "name": server.name,
        "description": entry.get("description"),
        "active": server.active,
        "passive": entry.passive,
        "problems": ([server.problem] if server.problem else []) + failures,
        "configuration": declared(entry, global_options, increments=increments, synchronous=synchronous),
        "backups": [_backup(one, now) for one in server.backups],
        "last_backup": None if server.last_backup is None else _backup(server.last_backup, now),
        "backup_maximum_age": int(Limits().backup_age(entry)) or None,
        "backup_running": server.backup_running,
        "wal": _wal(server, now),
        "postgresql": _postgresql(server),
        "cluster": _cluster(server),
        "receiver": _receiver(server),
        "archiver": _archiver(server),
        "passive_copy": None
        if passive is None
        else {
            "source": passive.source,
            "contact_time": iso(passive.contact),
            "problem": passive.problem or None,
            "lag": None if lag is None else lag.as_dict(),
        },
        "first_copy": _first_copy(server),
        "recovery_windows": [window_facts(one) for one in server.windows],
        "recovery_window": None if server.window is None else window_facts(server.window),
        "recovery_windows_unknown": server.windows_unknown or None,
        "last_proven_restore": _record(server, passed=True),
        "last_drill": _record(server, passed=False),
        "last_verification": None if server.last_verification is None else server.last_verification.as_dict(),
        "damaged_files": server.damaged_files,
        "unread_since": _utc(server.unread_since),
        "rpo": {
            "seconds": _rounded(server.rpo.seconds),
            "bytes": server.rpo.bytes,
            "unlimited": server.rpo.unlimited,
            "limit": server.rpo.limit.value,
        },
    }


def _backup(backup: Backup, now: float) -> dict[str, Any]:
    ended = backup.end_time
    return {
        "id": backup.backup_id,
        "name": backup.name,
        "type": backup.backup_type,
        "status": backup.status,
        "begin_time": _utc(backup.begin_time),
        "end_time": _utc(ended),
        "age": None if ended is None else max(0, int(now - ended.timestamp())),
        "duration": _rounded(backup.duration),
        "size": backup.size,
        "timeline": backup.timeline,
        "parent": backup.parent_backup_id,
        "keep": backup.keep,
        "error": backup.error,
    }


def _wal(server: ServerObservation, now: float) -> dict[str, Any] | None:
    facts = server.wal_facts
    if facts is None:
        return None
    return {
        "count": facts.archived,
        "last_archived": _text(facts.last_archived),
        "last_archived_time": iso(facts.last_archived_time),
        "last_archived_age": _age(facts.last_archived_time, now),
        "last_received_time": iso(facts.received_time),
        "last_received_age": _age(facts.received_time, now),
        "waiting": facts.waiting,
        "partial": _text(facts.partial),
        "timelines": list(facts.timelines),
        "gaps": [gap.as_dict() for gap in server.checks.gaps],
    }


def _postgresql(server: ServerObservation) -> dict[str, Any]:
    state = server.state
    return {
        "reach": server.reach,
        "error": server.unreachable or None,
        "version": None if state is None else state.version,
        "system_identifier": None if state is None else state.system_identifier,
        "in_recovery": None if state is None else state.in_recovery,
        "timeline": None if state is None else state.timeline,
        "lsn": None if state is None else wal.format_lsn(state.lsn),
        "synchronous_standbys": None if state is None else state.synchronous_standbys,
        "synchronous_standbys_required": None if state is None else state.required_standbys,
    }


def _cluster(server: ServerObservation) -> dict[str, Any] | None:
    addresses = [] if server.entry.passive else addresses_of(server.entry)
    if len(addresses) < 2:
        return None
    primaries = server.primaries
    return {
        "primary": _address(primaries[0]) if len(primaries) == 1 else None,
        "members": [_member(server, address) for address in addresses],
    }


def _member(server: ServerObservation, address: str) -> dict[str, Any]:
    member = server.members.get(address)
    slot = None if member is None else member.slot
    return {
        **_address(address),
        "answered": None if address not in server.members else member is not None,
        "primary": None if member is None else not member.in_recovery,
        "timeline": None if member is None else member.timeline,
        "patroni": None if member is None else member.patroni,
        "slot": None if slot is None else {"name": slot.name, "active": slot.active, "wal_status": slot.wal_status},
    }


def _address(text: str) -> dict[str, Any]:
    host, _colon, port = text.rpartition(":")
    return {"host": host, "port": int(port) if port.isdigit() else None}


def _receiver(server: ServerObservation) -> dict[str, Any] | None:
    if not server.streams:
        return None
    state = server.state
    stream = state.stream if state is not None else None
    slot = state.slot if state is not None else None
    return {
        "running": server.receiver_pid is not None,
        "streaming": server.receiver_streams if state is not None else None,
        "state": stream.state if stream is not None else None,
        "sync_state": stream.sync_state if stream is not None else None,
        "written_lsn": _lsn(stream.written if stream is not None else None),
        "flushed_lsn": _lsn(stream.flushed if stream is not None else None),
        "lag": _rounded(stream.write_lag if stream is not None else None),
        "slot": None
        if slot is None or state is None
        else {
            "name": slot.name,
            "active": slot.active,
            "wal_status": slot.wal_status,
            "retained_bytes": state.retained_bytes,
            "safe_bytes": state.safe_bytes,
        },
    }


def _archiver(server: ServerObservation) -> dict[str, Any] | None:
    if not server.archives or server.state is None:
        return None
    found = server.state.archiver
    return {
        "mode": found.mode,
        "failing": found.failing,
        "archived": found.archived,
        "last_archived": found.last_archived_wal,
        "last_archived_time": iso(found.last_archived),
        "failed": found.failed,
        "last_failed": found.last_failed_wal,
        "last_failed_time": iso(found.last_failed),
    }


def window_facts(window: RecoveryWindow) -> dict[str, Any]:
    """A recovery window, as modules return it."""
    return {
        "backups": list(window.backups),
        "begin_time": _utc(window.begin),
        "begin_lsn": window.begin_lsn,
        "end_time": iso(window.end),
        "last_wal": str(window.last_wal),
        "partial": window.partial,
        "missing": None if window.missing is None else str(window.missing),
    }


def _record(server: ServerObservation, *, passed: bool) -> dict[str, Any] | None:
    found = server.last_record("drill", passed=passed)
    return None if found is None else found.as_dict()


def _first_copy(server: ServerObservation) -> dict[str, Any] | None:
    """The newest one: after its backups were removed, a passive node copies everything again."""
    found = server.ledger.last("first_copy")
    if found is None:
        return None
    return {"time": _utc(found.time), **{name: found.details.get(name) for name in ("backups", "bytes", "seconds")}}


def iso(moment: float | None) -> str | None:
    """Seconds since the epoch as ISO 8601 in UTC."""
    return None if moment is None else _utc(datetime.fromtimestamp(moment, timezone.utc))


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(timezone.utc).isoformat(timespec="seconds")


def _age(moment: float | None, now: float) -> int | None:
    return None if moment is None else max(0, int(now - moment))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _text(value: wal.Segment | None) -> str | None:
    return None if value is None else str(value)


def _lsn(value: int | None) -> str | None:
    return None if value is None else wal.format_lsn(value)
