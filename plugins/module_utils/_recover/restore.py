# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The restore itself: Barman copies, the WAL is completed, and the new directories are swapped with the old ones.

This module util is private to the collection. Whatever fails leaves a data directory from which no server can start, and the old content
under its new name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .._barman.archive import Archive
from .._barman.catalog import Backup
from .._barman.command import BarmanError, Reply
from .._host.process import HostError, Interrupted
from .._host.progress import Progress
from .._host.safe_files import temporary_directory, writing_as
from .._postgres import wal
from . import staging_area
from .barman_arguments import recover_arguments
from .content import archive_state
from .destination import WAL_DIRECTORY, Destination
from .destination_host import DestinationHost
from .observe import observe_restored
from .placement import Placement
from .prepare import PreparedRecovery, RecoveryEnvironment
from .recovery_plan import RecoveryPlan
from .recovery_target import format_time
from .request import RecoverError, RecoveryInterrupted, RecoveryRequest
from .restored_cluster import RestoredCluster, restored_problems
from .result import moved_text, setting_changes
from .ssh_connection import SharedConnection
from .swap import Swap

_PROGRESS_SECONDS = 10.0
# What rsync prints of each file, such as "<f+++++++++ PG_VERSION".
_LISTED = re.compile(r"^\s*[<>ch.*][fdLDS][.+?cstpoguax]{9} ")


@dataclass(frozen=True)
class RestoreJob:
    """A recovery that has passed every check. host: the destination with every tablespace. facts: what the module returns so far."""

    request: RecoveryRequest
    prepared: PreparedRecovery
    archive: Archive
    host: DestinationHost
    connection: SharedConnection
    placement: Placement
    swap: Swap
    facts: dict[str, Any]
    default_jobs: int = 1

    @property
    def plan(self) -> RecoveryPlan:
        return self.prepared.plan

    @property
    def wal_directory(self) -> str:
        return "pg_wal" if self.request.standby else WAL_DIRECTORY

    @property
    def identity(self) -> str:
        return recovery_identity(self.request, self.plan)


@dataclass(frozen=True)
class RestoreOutcome:
    """facts: what the module returns. moved: from and to of the directories that were moved aside."""

    facts: dict[str, Any]
    moved: list[dict[str, str]]
    warnings: list[str]


def recovery_identity(request: RecoveryRequest, plan: RecoveryPlan) -> str:
    """The same for two recoveries that restore the same data directory."""
    return f"{plan.identity} {request.target_action} {'standby' if request.standby else ''}"


def restore(job: RestoreJob, environment: RecoveryEnvironment, progress: Progress) -> RestoreOutcome:
    """Raises RecoverError, with what was left where."""
    moved: list[dict[str, str]] = []
    try:
        if job.placement.renamed:
            moved = job.host.move_aside(job.placement.renamed, job.swap.stamp)
        facts, warnings = _restore(job, environment, progress, moved)
    except HostError as exc:
        raise _error_like(exc, str(exc) + moved_text(moved)) from None
    return RestoreOutcome(facts, moved, warnings)


def _error_like(exc: HostError, text: str) -> RecoverError:
    """The error with another text. That a signal ended the recovery stays known."""
    return RecoveryInterrupted(text) if isinstance(exc, Interrupted) else RecoverError(text)


def _restore(
    job: RestoreJob, environment: RecoveryEnvironment, progress: Progress, moved: list[dict[str, str]]
) -> tuple[dict[str, Any], list[str]]:
    """Copy, complete, swap; the facts and Barman's warnings. What the swap moves aside is added to moved."""
    started = environment.clock()
    total = job.facts["bytes"]
    host = job.host
    if job.swap.staged:
        host = DestinationHost(job.swap.restored_to, environment.runner, environment.user, job.connection.options())
    try:
        reply = _copy(job, environment, host, progress)
        _finish_files(job, host)
        progress.update("completing the WAL", bytes_done=total, bytes_total=total)
        partial = _complete_wal(job, environment, host)
        restored = observe_restored(host, job.wal_directory)
        _refuse_incomplete(job, restored)
        if job.swap.needed:
            renamed = {one["from"]: one["to"] for one in moved}
            moved += job.swap.carry_out(job.host, renamed.get(job.host.destination.directory))
            host = job.host
            restored = observe_restored(host, job.wal_directory)
    except HostError as exc:
        left = "" if job.request.removed else f"{_left_text(job.plan.backup, host)}{_wal_text(job.swap)}"
        raise _error_like(exc, f"{exc}{left}") from None
    facts = _facts(job, environment, restored, reply, partial, environment.clock() - started)
    host.write_marker({"identity": job.identity, "archive": archive_state(job.plan, job.archive), "recovery": facts})
    # The configuration files that are missing are in the facts; outside of the data directory they are no problem.
    return facts, [line for line in reply.warnings if "missing_files" not in line]


def _copy(job: RestoreJob, environment: RecoveryEnvironment, host: DestinationHost, progress: Progress) -> Reply:
    """Run "barman recover"."""
    request = replace(job.request, destination=barman_destination(job.request, job.plan.backup, job.swap))
    options = job.connection.barman_options(request.jobs or job.default_jobs)
    tick = _progress_ticker(job, environment, host, progress)
    with staging_area.made(job.prepared.area, environment.user) as area:
        reply = environment.barman.json(
            *recover_arguments(request, job.plan, lambda: environment.barman.version, options, area),
            tick=tick,
            die_with_parent=True,
        )
    if not reply.ok:
        raise BarmanError(f"Barman could not recover: {_without_listing(reply.reason)}", reply)
    return reply


def _progress_ticker(
    job: RestoreJob, environment: RecoveryEnvironment, host: DestinationHost, progress: Progress
) -> Callable[[], None]:
    total = job.facts["bytes"]
    measured = environment.clock()
    progress.update("copying", bytes_done=0, bytes_total=total)

    def tick() -> None:
        nonlocal measured
        if environment.clock() - measured >= _PROGRESS_SECONDS:
            # The data on a disk made from a snapshot was never copied, so there is no progress to measure.
            done = None if job.plan.backup.snapshots is not None else _restored_bytes(host)
            progress.update("copying", bytes_done=done, bytes_total=total)
            measured = environment.clock()

    return tick


def _restored_bytes(host: DestinationHost) -> int:
    try:
        return host.size()
    except (HostError, OSError):
        # Only the progress is missing then; if the host is gone, the copy fails by itself.
        return 0


def barman_destination(request: RecoveryRequest, backup: Backup, swap: Swap) -> Destination:
    """The destination that Barman is given: it names only the tablespaces that do not go where they were."""
    if backup.snapshots is not None:
        return request.destination
    destination = swap.restored_to
    was = {one.name: one.location for one in backup.tablespaces}
    relocated = {name: path for name, path in destination.tablespaces.items() if path != was.get(name)}
    return replace(destination, tablespaces=relocated)


def _finish_files(job: RestoreJob, host: DestinationHost) -> None:
    if job.plan.backup.snapshots is not None:
        host.remove_runtime_files()
    host.close_tablespaces()
    if job.plan.backup.incremental:
        host.create_directories()
    if not job.request.standby:
        host.remove_standby()


def _complete_wal(job: RestoreJob, environment: RecoveryEnvironment, host: DestinationHost) -> dict[str, Any] | None:
    """Copy the WAL segments that the recovery needs and Barman did not copy; the facts of the partial one."""
    plan = job.plan
    sizes = observe_restored(host, job.wal_directory).wal
    missing = [one for one in plan.segments if sizes.get(str(one)) != plan.segment_size]
    if missing:
        with temporary_directory("pgdr-recover-", environment.user) as staging:
            paths = [_write_segment(job, environment, segment, staging) for segment in missing]
            completed = host.copy_in(paths, job.wal_directory)
            if not completed.ok:
                raise RecoverError(
                    "the WAL segments {} could not be copied to {}: {}".format(
                        ", ".join(str(one) for one in missing), job.request.destination.where, completed.text
                    )
                )
    if plan.partial is None:
        return None
    return {"name": str(plan.partial), "end_lsn": plan.end.as_dict()["lsn"], "bytes": plan.segment_size}


def _write_segment(job: RestoreJob, environment: RecoveryEnvironment, segment: wal.Segment, directory: str) -> str:
    """Write a whole segment; its path. Raises RecoverError if it is damaged."""
    plan, archive = job.plan, job.archive
    path = os.path.join(directory, str(segment))
    data = archive.read(segment)
    # The one that is being received is short, and PostgreSQL refuses a short file. Another one is damaged.
    if len(data) > plan.segment_size or (len(data) < plan.segment_size and segment in archive.segments):
        raise RecoverError(
            f"WAL segment {segment} of server '{plan.server}' is damaged ({archive.path(segment)}): it has "
            f"{len(data)} bytes, and a WAL segment has {plan.segment_size}"
        )
    with writing_as(environment.user, path), open(path, "xb") as stream:
        stream.write(data.ljust(plan.segment_size, b"\0"))
    return path


def _refuse_incomplete(job: RestoreJob, restored: RestoredCluster) -> None:
    problems = restored_problems(job.plan, restored, standby=job.request.standby)
    if problems:
        raise RecoverError(f"Barman reported success, but what it restored is not complete: {'; '.join(problems)}")


def _facts(
    job: RestoreJob,
    environment: RecoveryEnvironment,
    restored: RestoredCluster,
    reply: Reply,
    partial: dict[str, Any] | None,
    duration: float,
) -> dict[str, Any]:
    return {
        **job.facts,
        "partial_segment": partial,
        "duration": round(duration, 2),
        "throughput": round(job.facts["bytes"] / duration) if duration > 0 else None,
        "restore_command": restored.settings.get("restore_command"),
        "settings": dict(restored.settings),
        "changes": setting_changes(reply.data.get("changes")),
        "config_files_missing": list(restored.missing_files),
        "finished": format_time(environment.now),
    }


def _left_text(backup: Backup, host: DestinationHost) -> str:
    """For an error: what is at the destination now. No server can start from it if that can be prevented."""
    where = host.destination.where
    if backup.snapshots is not None:
        return f". The disks at {where} are as the snapshots were, but for what was copied until then: start no server, and run it again"
    if host.prevent_start():
        return f". What was copied until then is left in {where}; no server can be started from it"
    return f". What was copied until then is left in {where}: don't start a server from it"


def _wal_text(swap: Swap) -> str:
    """For an error: the old data directory has the link pg_wal, and the new one may have none."""
    if swap.wal_directory is None:
        return ""
    return (
        f". pg_wal was to be in {swap.wal_directory}: a later run needs that as barman_recover_wal_directory (option "
        "wal_directory of the module), if it does "
        "not find the link any more"
    )


def _without_listing(text: str) -> str:
    """An error without rsync's list of copied files."""
    return " ".join(line.strip() for line in text.splitlines() if not _LISTED.match(line) and line.strip())
