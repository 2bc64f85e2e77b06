# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A recovery: every check before anything is changed, the restore by Barman, and the proof that it is complete.

This module util is private to the collection. recover() is the entry point, and shows the order.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from .._barman.requirements_record import requirements_of
from .._host.lock import Held, exclusive
from .._host.paths import normal_path
from .._host.progress import Progress
from .._postgres.cluster_manager import refusal
from . import staging_area
from .content import created_tablespaces, is_current, not_verified, verify_source
from .destination import Destination
from .destination import aside as aside_name
from .destination_host import DestinationHost
from .destination_problems import (
    RestoreSizes,
    created_tablespace_problems,
    disk_problems,
    program_problems,
    space_problems,
    used_directory_problems,
)
from .destination_state import DestinationState
from .observe import mount_options, observe_destination
from .placement import Placement, place_all
from .prepare import (
    BackupSource,
    PreparedRecovery,
    RecoveryEnvironment,
    archive_received,
    observe_source,
    prepare_recovery,
    refuse_own_directories,
    restore_sizes,
)
from .proof import PROOF, PROVEN
from .request import MOVE_ASIDE, RecoverError, RecoveryRequest, tablespace_location
from .restore import RestoreJob, recovery_identity, restore
from .result import RecoveryOutcome, destination_facts, recovery_facts
from .segment_scanner import ReportProgress, no_progress
from .ssh_connection import SharedConnection
from .swap import Swap


def recover(request: RecoveryRequest, environment: RecoveryEnvironment, *, check_mode: bool) -> RecoveryOutcome:
    """Restore, or in check mode do everything but that. Raises HostError."""
    if not check_mode and not request.inspect:
        raise RecoverError("inspect: false is for check mode only; a recovery inspects its destination")
    progress = Progress(
        environment.home, "recover", request.server, environment.file_owner, environment.clock, environment.listener
    )
    report: ReportProgress = no_progress if check_mode else partial(_report, progress)
    try:
        with SharedConnection(request.destination, environment.runner, environment.user) as connection:
            refuse_own_directories(request, environment)
            report("planning", 0, 0)
            server = environment.configuration.server(request.server)
            if not check_mode and not server.passive:
                archive_received(server, environment.barman)
            source = observe_source(server, environment)
            prepared = prepare_recovery(request, source, environment, report)
            run = _Run(request, environment, source, prepared, connection, report)
            if not request.inspect:
                return _without_destination(run)
            with contextlib.ExitStack() as locks:
                if not check_mode:
                    _lock(locks, run)
                return _recover_to_destination(run, progress, check_mode=check_mode)
    finally:
        progress.close()


def _report(progress: Progress, phase: str, done: int, total: int) -> None:
    progress.update(phase, segments_done=done, segments_total=total)


@dataclass(frozen=True)
class _Run:
    """A recovery that has a plan."""

    request: RecoveryRequest
    environment: RecoveryEnvironment
    source: BackupSource
    prepared: PreparedRecovery
    connection: SharedConnection
    report: ReportProgress

    @property
    def destination(self) -> Destination:
        """The destination with every tablespace of the backup."""
        locations = {one.name: tablespace_location(one, self.request) for one in self.prepared.plan.backup.tablespaces}
        return replace(self.request.destination, tablespaces=locations)

    @property
    def host(self) -> DestinationHost:
        environment = self.environment
        return DestinationHost(self.destination, environment.runner, environment.user, self.connection.options())

    @property
    def sizes(self) -> RestoreSizes:
        return restore_sizes(self.prepared.plan, self.source, self.prepared.area)

    def facts(self, sizes: RestoreSizes) -> dict[str, Any]:
        return recovery_facts(
            self.request,
            self.prepared.plan,
            sizes,
            self.destination.tablespaces,
            passive=self.source.server.passive,
        )


def _without_destination(run: _Run) -> RecoveryOutcome:
    """The outcome in check mode if nothing is known of the destination."""
    facts = run.facts(run.sizes)
    verified, warnings = _verify(run)
    facts["wal_directory"] = run.request.wal_directory
    facts["verified"] = verified
    facts["created_tablespaces"] = created_tablespaces(verified)
    facts["requirements"] = _requirements(run, verified)
    return RecoveryOutcome(changed=True, recovery=facts, warnings=[*run.prepared.warnings, *warnings])


def _recover_to_destination(run: _Run, progress: Progress, *, check_mode: bool) -> RecoveryOutcome:
    request, plan, host = run.request, run.prepared.plan, run.host
    warnings = list(run.prepared.warnings)
    sizes = run.sizes
    facts = run.facts(sizes)
    state = observe_destination(host, plan.backup.major_version or 0, request.wal_directory)
    if _is_restored(run, state):
        recorded = dict(state.marker or {}).get("recovery")
        current = recorded if isinstance(recorded, dict) else facts
        return RecoveryOutcome(
            changed=False,
            recovery=current,
            moved_aside=[],
            warnings=warnings,
            destination=destination_facts(state, Placement()),
        )
    placement = _place(run, state, warnings, check_mode=check_mode)
    _refuse_too_little_space(run, state, sizes)
    verified, not_verified_warnings = _verify(run)
    warnings += not_verified_warnings
    facts["verified"] = verified
    facts["created_tablespaces"] = created_tablespaces(verified)
    _refuse(created_tablespace_problems(request, plan.backup, state, facts["created_tablespaces"]))
    facts["requirements"] = _requirements(run, verified) if check_mode else None
    swap = _swap(run, placement)
    facts["wal_directory"] = swap.wal_directory
    observed = destination_facts(state, placement)
    if check_mode:
        return RecoveryOutcome(
            changed=True,
            recovery=facts,
            moved_aside=planned_moves(placement, swap),
            warnings=warnings,
            destination=observed,
        )
    job = RestoreJob(
        request=request,
        prepared=run.prepared,
        archive=run.source.archive,
        host=host,
        connection=run.connection,
        placement=placement,
        swap=swap,
        facts=facts,
        default_jobs=int(run.source.server.get("parallel_jobs") or 1),
    )
    restored = restore(job, run.environment, progress)
    return RecoveryOutcome(
        changed=True,
        recovery=restored.facts,
        moved_aside=restored.moved,
        warnings=[*warnings, *restored.warnings],
        destination=observed,
    )


def _lock(locks: contextlib.ExitStack, run: _Run) -> None:
    """Hold each directory that is filled against another recovery on this host, whatever server it is of."""
    destination, environment = run.destination, run.environment
    for path in sorted({destination.directory, *destination.tablespaces.values()}):
        real = normal_path(path) if destination.host else os.path.realpath(path)
        where = real if destination.host is None else f"{real} on {destination.host}"
        try:
            locks.enter_context(exclusive(environment.home, f"recover {where}", environment.file_owner))
        except Held as exc:
            raise RecoverError(
                "destination: another recovery into {} is running on this host (process {}). Nothing was changed; "
                "wait for its end".format(where, "unknown" if exc.pid is None else exc.pid)
            ) from None


def _is_restored(run: _Run, state: DestinationState) -> bool:
    """Whether the destination holds exactly this recovery, nothing has promoted it, and no proof of it failed."""
    plan = run.prepared.plan
    return (
        state.marker is not None
        and state.marker.get("identity") == recovery_identity(run.request, plan)
        and state.marker.get(PROOF) in (None, PROVEN)
        and is_current(state.marker.get("archive"), plan, run.source.archive)
        and state.signal == ("standby" if run.request.standby else "recovery")
        and state.running is None
    )


def _place(run: _Run, state: DestinationState, warnings: list[str], *, check_mode: bool) -> Placement:
    """The placement of each directory. Raises RecoverError with everything that stands against it.

    In check mode a server may still run in what is to be moved aside: the user stops it, and has to know before.
    """
    request, backup = run.request, run.prepared.plan.backup
    if state.manager is not None:
        raise RecoverError(f"destination: {refusal(state.manager, request.destination.where)}")
    if backup.snapshots is not None:
        points = [disk.mount_point or "" for disk in backup.snapshots.disks]
        mounted = mount_options(run.host, points)
        _refuse(disk_problems(request, backup, state, mounted, run.prepared.other_snapshots))
        return Placement()
    if state.running is not None:
        runs = f"a PostgreSQL server runs in {request.destination.where} (process {state.running})"
        if not check_mode or request.existing != MOVE_ASIDE:
            raise RecoverError(f"destination: {runs}. It is not touched; stop it first")
        warnings.append(f"{runs}; it must be stopped before anything is restored")
    placement = place_all(state, request.existing, request.on_host, root_creates=check_mode and request.root_creates)
    _refuse(
        [
            *program_problems(request, state, run.prepared.area),
            *placement.problems,
            *used_directory_problems(request, backup, state),
        ]
    )
    return placement


def _refuse(problems: list[str]) -> None:
    if problems:
        raise RecoverError("\n".join(f"destination: {problem}" for problem in problems))


def _refuse_too_little_space(run: _Run, state: DestinationState, sizes: RestoreSizes) -> None:
    problems = space_problems(run.prepared.plan, state, sizes)
    if run.prepared.area is not None:
        here = run.destination.directory if run.destination.host is None else None
        room = staging_area.missing_room(run.prepared.area, sizes.data, here)
        problems += [f"staging_path: {room}"] if room else []
    if problems:
        raise RecoverError("\n".join(problems))


def _verify(run: _Run) -> tuple[dict[str, Any], list[str]]:
    """What was verified of the backup and the WAL, and warnings. Raises HostError if it is damaged, or Barman's user can't read it."""
    verified = verify_source(run.request, run.prepared.plan, run.source, run.environment, run.report)
    texts = not_verified(verified)
    return verified, [f"server '{run.request.server}': {text}" for text in texts]


def _requirements(run: _Run, verified: Mapping[str, Any]) -> dict[str, Any] | None:
    """For the comparison with the host to recover to; None if that was not requested."""
    if not run.request.requirements:
        return None
    environment, backup = run.environment, run.prepared.plan.backup
    wal = verified["wal"]
    managers = wal.get("resource_managers") if wal["status"] == "verified" else None
    found = requirements_of(
        environment.home,
        server=run.source.server,
        backup=backup,
        user=environment.user,
        connect=environment.connect,
        managers=managers,
    )
    return {**found, "created_tablespaces": created_tablespaces(verified)}


def _swap(run: _Run, placement: Placement) -> Swap:
    return Swap(
        run.destination,
        placement.swapped,
        run.request.aside_suffix or run.environment.now.strftime("%Y%m%dT%H%M%SZ"),
        run.prepared.plan.backup.major_version or 0,
        None if placement.wal is None else placement.wal.path,
    )


def planned_moves(placement: Placement, swap: Swap) -> list[dict[str, str]]:
    """From and to of the directories that a real run would move aside."""
    renamed = [{"from": one.path, "to": aside_name(one.path, swap.stamp)} for one in placement.renamed]
    return [*renamed, *({"from": path, "to": swap.aside(path)} for path in placement.displaced)]
