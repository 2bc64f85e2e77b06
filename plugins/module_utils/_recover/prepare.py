# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a recovery reads on the backup server, and the plan that follows from it.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from .._barman.archive import Archive, has_unarchived, read_archive
from .._barman.catalog import Backup, chain, read_backups
from .._barman.command import Barman, BarmanError
from .._barman.configuration import Configuration, ServerConfiguration
from .._barman.current_timeline import find_server_timeline
from .._barman.encryption import missing_key_problem
from .._barman.readable import refuse_unreadable
from .._host.files import walk
from .._host.process import HostError, Runner
from .._postgres import wal
from .._postgres.connection import Connect
from .._postgres.timelines import ServerTimeline
from . import staging_area
from .destination_problems import RestoreSizes, own_directory_problems
from .plan import PlanRequest, make_plan
from .recovery_plan import PlanError, RecoveryPlan
from .recovery_target import END, RecoveryTarget
from .request import RecoverError, RecoveryRequest
from .segment_scanner import ReportProgress
from .snapshots import PLACE_OPTIONS, instance_problems
from .staging_area import StagingArea
from .wal_verification import short_segments

_MOST_LISTED = 5


@dataclass(frozen=True)
class RecoveryEnvironment:
    """The input and output of a recovery: commands, files and time.

    connect: None if PostgreSQL can't be asked from this host. listener: called with each phase that starts.
    """

    barman: Barman
    configuration: Configuration
    runner: Runner
    connect: Connect | None = None
    clock: Callable[[], float] = time.time
    list_archive: Callable[[ServerConfiguration, Barman, int], Archive] = read_archive
    list_backups: Callable[[ServerConfiguration], list[Backup]] = read_backups
    readable: Callable[..., None] = refuse_unreadable
    listener: Callable[[str], None] | None = None

    @property
    def user(self) -> str:
        """Barman's operating system user."""
        return self.barman.user

    @property
    def home(self) -> str:
        return self.configuration.home

    @property
    def file_owner(self) -> str | None:
        """Who owns the files below Barman's home that root writes; None for the current user."""
        return self.barman.user if os.geteuid() == 0 else None

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), timezone.utc)


@dataclass(frozen=True)
class BackupSource:
    """What the backup server has of a server: its backups, and its WAL as it was at one moment."""

    server: ServerConfiguration
    backups: list[Backup]
    archive: Archive

    @property
    def basebackups(self) -> str:
        return self.server.directory("basebackups_directory")


@dataclass(frozen=True)
class PreparedRecovery:
    """A plan that fits the request's options. area: None if the backup needs no staging area. other_snapshots: the other backups of snapshots."""

    plan: RecoveryPlan
    area: StagingArea | None
    warnings: tuple[str, ...] = ()
    other_snapshots: tuple[Backup, ...] = ()


def refuse_own_directories(request: RecoveryRequest, environment: RecoveryEnvironment) -> None:
    """Raises RecoverError if the recovery would write into Barman's own directories."""
    destination = request.destination
    if destination.host is not None:
        return
    options = [
        ("destination", destination.directory),
        *((f"tablespaces: {name}", path) for name, path in sorted(destination.tablespaces.items())),
        ("tablespace_directory", request.tablespace_directory),
        ("wal_directory", request.wal_directory),
    ]
    home = environment.home
    backups = environment.configuration.server(request.server).directory("backup_directory")
    problems = own_directory_problems(
        # A symbolic link in the path must not hide where it leads.
        [(option, path, os.path.realpath(path)) for option, path in options if path is not None],
        (home, os.path.realpath(home)),
        (backups, os.path.realpath(backups)),
    )
    if problems:
        raise RecoverError("\n".join(problems))


def archive_received(server: ServerConfiguration, barman: Barman) -> None:
    """Run "barman archive-wal" if anything waits for it: Barman restores only what it has archived."""
    if not has_unarchived(server):
        return
    reply = barman.json("archive-wal", server.name, timeout=3600)
    if not reply.ok:
        raise BarmanError(f"'barman archive-wal {server.name}' failed: {reply.reason}", reply)


def observe_source(server: ServerConfiguration, environment: RecoveryEnvironment) -> BackupSource:
    """The backups and the archived WAL. Raises HostError if they can't be read."""
    backups = environment.list_backups(server)
    size = next((one.segment_size for one in reversed(backups) if one.copied), wal.DEFAULT_SEGMENT_SIZE)
    return BackupSource(server, backups, environment.list_archive(server, environment.barman, size))


def prepare_recovery(
    request: RecoveryRequest, source: BackupSource, environment: RecoveryEnvironment, report: ReportProgress
) -> PreparedRecovery:
    """The plan, checked against the request's options. Raises HostError with everything that does not fit."""
    plan = _plan(request, source, environment, report)
    problems = option_problems(request, plan, source.server)
    area: StagingArea | None = None
    if staging_area.needs_area(plan.backup):
        area = _find_area(request, plan.backup, source, environment.barman)
        problems += [
            f"backup {plan.backup.backup_id}: {text}"
            for text in staging_area.missing_here(area, source.server, plan.backup.major_version)
        ]
    problems += _key_problems(plan.backup, source, environment)
    if problems:
        raise RecoverError("\n".join(problems))
    if request.target.kind == END and not request.standby:
        # With the last record as its target, PostgreSQL proves that it reached it and can pause there. Barman before 3.12 recovers on the
        # backup's own timeline, without a new one, if it has no target.
        plan = end_as_lsn(plan)
    warnings = list(plan.warnings)
    if source.server.passive:
        warnings.append(
            f"server '{request.server}' is passive on this host: what its own backup server had not archived, or had "
            "not sent here, is not in the recovery. "
            f"Everything after this is lost: {plan.end}"
        )
    others = tuple(one for one in source.backups if one.snapshots is not None and one.copied and one != plan.backup)
    return PreparedRecovery(plan, area, tuple(warnings), others)


def _key_problems(backup: Backup, source: BackupSource, environment: RecoveryEnvironment) -> list[str]:
    found = [
        missing_key_problem(one, source.basebackups, environment.user, environment.runner)
        for one in chain(source.backups, backup)
    ]
    return [problem for problem in found if problem is not None]


def _plan(
    request: RecoveryRequest, source: BackupSource, environment: RecoveryEnvironment, report: ReportProgress
) -> RecoveryPlan:
    def server_timeline() -> ServerTimeline | None:
        return find_server_timeline(
            source.server, source.archive, source.backups, environment.user, environment.connect
        )

    plan_request = PlanRequest(
        server=request.server,
        target=request.target,
        backup_id=request.backup_id,
        of_snapshots=request.instance is not None,
        now=environment.now,
        server_timeline=server_timeline,
        report=report,
    )
    try:
        return make_plan(plan_request, source.backups, source.archive)
    except HostError as exc:
        damaged = list(short_segments(sorted(source.archive.segments), source.archive).values())
        if not damaged:
            raise
        raise PlanError(f"{exc}. There is damaged WAL: {'; '.join(damaged[:_MOST_LISTED])}") from None


def option_problems(request: RecoveryRequest, plan: RecoveryPlan, server: ServerConfiguration) -> list[str]:
    """The options that do not fit the plan's backup."""
    backup = plan.backup
    if backup.backup_type == "snapshot" and backup.snapshots is None:
        problems = [f"backup {backup.backup_id} is of snapshots, and Barman has noted none"]
    else:
        configured: Mapping[str, Any] = {
            option: server.get(option) for option in (*PLACE_OPTIONS.values(), "snapshot_zone")
        }
        problems = instance_problems(backup.backup_id, backup.snapshots, request.instance, configured)
    if backup.snapshots is not None and request.destination.tablespaces:
        problems.append(
            f"tablespaces: backup {backup.backup_id} is of snapshots, and a tablespace stays where it was on its "
            "disk; leave it out"
        )
    if request.standby and plan.timeline != backup.timeline:
        problems.append(
            f"standby_mode: backup {backup.backup_id} is on timeline {backup.timeline} and the server is on "
            f"{plan.timeline} now; take a new backup for a standby"
        )
    names = [one.name for one in backup.tablespaces]
    problems += [
        "tablespaces (playbook: barman_recover_tablespaces): backup {} has no tablespace '{}'; it has: {}".format(
            backup.backup_id, name, ", ".join(names) or "none"
        )
        for name in sorted(set(request.destination.tablespaces) - set(names))
    ]
    return problems


def _find_area(request: RecoveryRequest, backup: Backup, source: BackupSource, barman: Barman) -> StagingArea:
    return staging_area.find_area(
        chain(source.backups, backup),
        source.server,
        barman.version,
        request.destination.directory,
        remote=request.destination.host is not None,
        path=request.staging_path,
        location=request.staging_location,
    )


def end_as_lsn(plan: RecoveryPlan) -> RecoveryPlan:
    """The plan with the position of the last record as its target."""
    if plan.stop_lsn is None:
        raise PlanError(f"the end of the WAL of server '{plan.server}' was not found, so no server can stop there")
    return replace(plan, target=RecoveryTarget("lsn", lsn=plan.stop_lsn, timeline=plan.target.timeline))


def restore_sizes(plan: RecoveryPlan, source: BackupSource, area: StagingArea | None) -> RestoreSizes:
    """The bytes that the recovery restores."""
    data, tablespaces = _backup_bytes(plan.backup, source.basebackups)
    # Barman copies everything from the backup's begin on, up to the timeline, whatever the target is.
    first = str(plan.first)
    count = sum(1 for one in source.archive.segments if one.timeline <= plan.timeline and str(one) >= first)
    return RestoreSizes(
        data=data,
        wal=(count + (plan.partial is not None)) * plan.segment_size,
        tablespaces=tablespaces,
        packed=plan.backup.size or 0 if area is not None and not area.local else 0,
        staged=0 if area is None else _staged_bytes(chain(source.backups, plan.backup), data),
    )


def _staged_bytes(parts: Sequence[Backup], whole: int) -> int:
    """What Barman puts into the staging area before it restores. parts: the backup, and what it builds upon. whole: the restored bytes.

    It copies each part that is packed. Increments of packed parts are unpacked, each of them, and combined into a whole. What increments that are
    not packed are combined into is moved to the destination.
    """
    packed = [one.size or 0 for one in parts if one.compression or one.encryption]
    unpacked = len(parts) * whole if packed and len(parts) > 1 else 0
    return sum(packed) + unpacked


def _backup_bytes(backup: Backup, basebackups: str) -> tuple[int, dict[int, int]]:
    """The bytes of the restored data directory, and of each tablespace by OID. Those of snapshots are on their disks already."""
    if backup.snapshots is not None:
        return 0, {}
    base = os.path.join(basebackups, backup.backup_id)
    whole = max(backup.size or 0, backup.cluster_size or 0)
    if staging_area.needs_area(backup):
        return whole, {}
    data = _tree_bytes(os.path.join(base, "data"))
    if data == 0:
        return whole, {}
    return data, {one.oid: _tree_bytes(os.path.join(base, str(one.oid))) for one in backup.tablespaces}


def _tree_bytes(path: str) -> int:
    """The bytes of all files below it. Raises HostError if a directory can't be read."""
    total = 0
    for directory, _directories, names in walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(directory, name)).st_size
            except FileNotFoundError:
                continue
    return total
