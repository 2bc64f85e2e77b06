# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Barman has of each server: backups, WAL, and what runs now, as plain data.

This module util is private to the collection. It comes from Barman's files, so that a server that is down is no
hindrance; Barman runs once, and only for the retention status of the backups.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .._barman import catalog
from .._barman.archive import Archive
from .._barman.catalog import Backup, CatalogError
from .._barman.command import Barman
from .._barman.configuration import ServerConfiguration, read
from .._barman.server import Server
from .._check.gaps import find_gaps, history_after
from .._host import progress
from .._host.process import HostError
from .._postgres import timeline_history, wal

# What "list-backups" has for a backup that the policy needs, and for one without a status.
_UNTOLD = "-"

Statuses = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Information:
    """servers: the answer, by server. warnings: what could not be found out."""

    servers: Mapping[str, Mapping[str, Any]]
    warnings: Sequence[str] = field(default_factory=list)


def gather(
    barman: Barman,
    names: Sequence[str] | None,
    backup_id: str | None,
    now: datetime | None = None,
    alive: Callable[[int], bool] = progress.process_exists,
) -> Information:
    """Observe these servers (None: all). Raises HostError for an unknown server or backup."""
    configuration = read(barman.config_file, barman.user)
    chosen = sorted(configuration.servers) if names is None else list(dict.fromkeys(names))
    servers = [Server(barman, configuration.server(name)) for name in chosen]
    moment = now or datetime.now(timezone.utc)
    shown = {
        one.name: one.backups if backup_id is None else _chosen(one.backups, backup_id, one.name) for one in servers
    }
    if backup_id is not None and backup_id not in catalog.SHORTCUTS and not any(shown.values()):
        raise CatalogError(
            f"no server of this host has a backup '{backup_id}'; the module searched: {', '.join(chosen)}"
        )
    statuses, warnings = _retention(barman, [name for name, found in shown.items() if found])
    operations = progress.running(configuration.home, alive)
    answer = {
        server.name: _server_facts(server, shown[server.name], statuses, operations, moment) for server in servers
    }
    return Information(answer, warnings)


def installed_version(barman: Barman) -> tuple[str | None, list[str]]:
    """Barman's version, and a warning where it can't be run."""
    try:
        return ".".join(str(part) for part in barman.version), []
    except HostError as exc:
        return None, [f"Barman did not report its version: {exc}"]


def wal_facts(
    server: ServerConfiguration, archive: Archive, backups: Sequence[Backup], now: datetime
) -> dict[str, Any]:
    """The state of a server's WAL on this host."""
    directory = server.directory("wals_directory").rstrip("/") + "/"
    archived = sorted(segment for segment, path in archive.segments.items() if path.startswith(directory))
    last_time, _size = _file_facts(archive.segments[archived[-1]]) if archived else (None, 0)
    gaps, problem = find_gaps(backups, archive)
    partial = max(archive.partials, default=None)
    facts: dict[str, Any] = {
        "first": str(archived[0]) if archived else None,
        "last": str(archived[-1]) if archived else None,
        "count": len(archived),
        "size": sum(_file_facts(archive.segments[segment])[1] for segment in archived),
        "last_time": _iso(last_time),
        "last_age": _seconds(last_time, now),
        "waiting": len(archive.segments) - len(archived),
        "timelines": archive.timelines,
        "gaps": [gap.as_dict() for gap in gaps],
        "gaps_unknown": problem,
        "windows": windows_of(backups, archive),
        "partial": None,
    }
    if partial is not None:
        received, size = _file_facts(archive.partials[partial])
        facts["partial"] = {
            "name": str(partial),
            "size": size,
            "time": _iso(received),
            "age": _seconds(received, now),
        }
    return facts


def windows_of(backups: Sequence[Backup], archive: Archive) -> list[dict[str, Any]]:
    """From which backup up to which segment there is no gap, oldest first. No WAL is read for it."""
    found: dict[wal.Segment, dict[str, Any]] = {}
    for backup in sorted(backups, key=lambda one: one.backup_id):
        if not (backup.done and backup.begin_wal and backup.end_wal):
            continue
        begin, end = wal.parse_segment(backup.begin_wal), wal.parse_segment(backup.end_wal)
        try:
            history = history_after(begin, archive)
            reach = timeline_history.last_without_gap(archive.segments, begin, history, backup.segment_size)
            if reach is None or reach.number(backup.segment_size) < end.number(backup.segment_size):
                continue
            missing = timeline_history.gaps(archive.segments, begin, history, backup.segment_size)
        except HostError:
            # gaps_unknown has the reason.
            continue
        window = found.setdefault(
            reach,
            {
                "backups": [],
                "begin_time": _iso(backup.end_time),
                "begin_lsn": backup.end_lsn,
                "last_wal": str(reach),
                "missing": str(missing[0]) if missing else None,
            },
        )
        window["backups"].append(backup.backup_id)
    return list(found.values())


def _server_facts(
    view: Server,
    shown: Sequence[Backup],
    statuses: Statuses,
    operations: Sequence[Mapping[str, Any]],
    now: datetime,
) -> dict[str, Any]:
    server, newest = view.entry, catalog.latest(view.backups)
    facts: dict[str, Any] = {
        "description": server.get("description"),
        "active": server.flag("active", default=True),
        "passive": server.passive,
        "backup_directory": server.directory("backup_directory"),
        "latest_backup_id": newest.backup_id if newest else None,
        "latest_backup_age": _seconds(newest.end_time, now) if newest else None,
        "backups": [_backup(server, backup, statuses.get(server.name, {}), now) for backup in shown],
        "operations": [progress.described(state, now) for state in operations if _is_on(state, server.name)],
        "wal": None,
    }
    if "://" not in server.directory("wals_directory"):
        facts["wal"] = wal_facts(server, view.archive, view.backups, now)
    return facts


def _backup(server: ServerConfiguration, backup: Backup, statuses: Mapping[str, str], now: datetime) -> dict[str, Any]:
    return {
        **backup.as_dict(),
        "age": _seconds(backup.end_time, now),
        "retention_status": _retention_status(server, backup, statuses.get(backup.backup_id)),
    }


def _retention_status(server: ServerConfiguration, backup: Backup, reported: str | None) -> str | None:
    if reported != _UNTOLD:
        return reported
    return "VALID" if backup.copied and server.get("retention_policy") else None


def _is_on(state: Mapping[str, Any], name: str) -> bool:
    return bool(state.get("server") == name or name in state.get("servers", []))


def _chosen(backups: Sequence[Backup], requested: str, name: str) -> list[Backup]:
    try:
        return [catalog.find(backups, requested, name)]
    except CatalogError:
        return []


def _retention(barman: Barman, names: Sequence[str]) -> tuple[Statuses, list[str]]:
    """The retention status of each backup: VALID, OBSOLETE, KEEP:FULL and so on."""
    if not names:
        return {}, []
    try:
        reply = barman.expect("list-backups", *names, timeout=300)
    except HostError as exc:
        return {}, [f"Barman did not report which backups its retention policy needs: {exc}"]
    return {
        name: {item["backup_id"]: item.get("retention_status") for item in reply.data.get(name, [])} for name in names
    }, []


def _file_facts(path: str) -> tuple[datetime | None, int]:
    """When the file was last written, and its size; it may be gone since the directory was listed."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None, 0
    return datetime.fromtimestamp(found.st_mtime, timezone.utc), found.st_size


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _seconds(moment: datetime | None, now: datetime) -> int | None:
    return None if moment is None else max(0, int((now - moment).total_seconds()))
