# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a base backup has to be taken, and whether Barman can take it.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .._barman.catalog import Backup, CatalogError, chain, find
from .._barman.configuration import ServerConfiguration
from .._barman.versions import Version
from .backup_wal import lost_wal, missing_wal
from .report import BackupError, has_no_snapshots
from .request import BackupRequest

_RESERVED_NAMES = ("latest", "last", "oldest", "first", "latest-full", "last-full", "last-failed", "auto")
_PLAYBOOK_OPTIONS = ("jobs", "bandwidth_limit", "incremental", "wait_timeout")


@dataclass(frozen=True)
class BackupPlan:
    """What has to be done: nothing where existing is good; only its WAL is waited for where existing is not DONE yet."""

    existing: Backup | None = None
    parent: Backup | None = None

    @property
    def changes(self) -> bool:
        return self.existing is None or not self.existing.done


def make_plan(
    server: ServerConfiguration,
    request: BackupRequest,
    backups: Sequence[Backup],
    version: Callable[[], Version],
    now: datetime,
) -> BackupPlan:
    """Decide what has to be done. Raises BackupError with everything that speaks against it."""
    problems = _problems(server, request)
    parent: Backup | None = None
    if request.incremental is not None:
        found, parent = _parent(server, request.incremental, backups, version)
        problems += found
    if problems:
        raise BackupError("; ".join(problems))
    return BackupPlan(_recent(server, request, backups, now), parent)


def _problems(server: ServerConfiguration, request: BackupRequest) -> list[str]:
    name, method = server.name, server.get("backup_method") or "postgres"
    problems: list[str] = []
    if server.passive:
        problems.append(
            f"server '{name}' is passive on this host: its source backup server takes its backups, and this host "
            "copies "
            "them"
        )
    if not server.flag("active", default=True):
        problems.append(f"server '{name}' is inactive (active = false in {server.file}): Barman takes no backups of it")
    if request.name in _RESERVED_NAMES:
        problems.append(
            f"barman_backup_name (option backup_name of the module): '{request.name}' is one of Barman's own words: "
            "choose another one"
        )
    least = {"jobs": 1, "bandwidth_limit": 0, "retries": 0, "wait_timeout": 0}
    problems += [
        f"{_option(option)} must be {lowest} or more"
        for option, lowest in least.items()
        if getattr(request, option) is not None and getattr(request, option) < lowest
    ]
    if method == "postgres":
        if request.jobs is not None and request.jobs > 1:
            problems.append(
                "{} is for backup_method rsync, and pg_basebackup copies in one process: remove it".format(
                    _option("jobs")
                )
            )
        if request.reuse_backup not in (None, "off"):
            problems.append(
                "reuse_backup is for backup_method rsync: with postgres use {} (PostgreSQL 17 and later)".format(
                    _option("incremental")
                )
            )
    if method == "snapshot":
        options = {
            "jobs": request.jobs,
            "bandwidth_limit": request.bandwidth_limit,
            "reuse_backup": request.reuse_backup,
        }
        problems += [
            (
                f"{_option(option)} is for a backup that Barman copies, and the backups of server '{name}' are "
                "snapshots of its disks: remove "
                "it"
            )
            for option, value in options.items()
            if value not in (None, "off")
        ]
    if request.incremental is not None and method == "snapshot":
        problems.append(
            (
                "{} is for backup_method postgres and server '{}' has snapshot: remove it, because the provider stores "
                "only what changed"
            ).format(_option("incremental"), name)
        )
    elif request.incremental is not None and method != "postgres":
        problems.append(
            (
                "{} is for backup_method postgres and server '{}' has {}: set barman_incremental: link for it and "
                "deploy "
                "(option reuse_backup of the module)"
            ).format(_option("incremental"), name, method)
        )
    return problems


def _option(name: str) -> str:
    """An option as a playbook's user knows it; some are the module's alone."""
    variable = f"barman_backup_{name}"
    return f"{variable} (option {name} of the module)" if name in _PLAYBOOK_OPTIONS else name


def _parent(
    server: ServerConfiguration, requested: str, backups: Sequence[Backup], version: Callable[[], Version]
) -> tuple[list[str], Backup | None]:
    installed = version()
    if installed < (3, 11):
        return [
            "incremental needs Barman 3.11 or later and this host has {}".format(
                ".".join(str(part) for part in installed)
            )
        ], None
    try:
        parent = find(backups, requested, server.name)
    except CatalogError as exc:
        return [f"incremental: {exc}; take a full backup first"], None
    if not parent.done:
        return [f"incremental: backup {parent.backup_id} is {parent.status}, and no increment can build upon it"], None
    if parent.major_version is not None and parent.major_version < 17:
        return [f"incremental needs PostgreSQL 17 or later and server '{server.name}' has {parent.major_version}"], None
    try:
        built_on = chain(backups, parent)
    except CatalogError as exc:
        return [f"incremental: {exc}; take a full backup"], None
    compressed = [one.backup_id for one in built_on if one.compression]
    if installed < (3, 15) and (compressed or server.get("backup_compression")):
        return [
            "incremental needs Barman 3.15 or later together with compression ({}), and this host has {}".format(
                f"backup {compressed[0]} is compressed" if compressed else f"backup_compression in {server.file}",
                ".".join(str(part) for part in installed),
            )
        ], None
    return [], parent


def _recent(
    server: ServerConfiguration, request: BackupRequest, backups: Sequence[Backup], now: datetime
) -> Backup | None:
    """The newest backup that meets the request."""
    if request.max_age is None and request.name is None:
        return None
    for backup in sorted(backups, key=lambda item: item.backup_id, reverse=True):
        if not backup.copied or (request.name is not None and backup.name != request.name):
            continue
        age = backup.age(now)
        if request.max_age is not None and (age is None or age > request.max_age):
            continue
        if backup.done and (missing_wal(server, backup) or has_no_snapshots(backup)):
            continue
        if not backup.done and lost_wal(server, backup):
            continue
        return backup
    return None
