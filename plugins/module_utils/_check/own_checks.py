# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks that Barman does not make: a list of functions of a server.

This module util is private to the collection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Optional

from .._barman import catalog, hook_runs
from .._barman.archive import Archive
from .._barman.catalog import Backup
from .._barman.command import Barman
from .._barman.configuration import ServerConfiguration
from .._barman.current_timeline import BranchReport, report_branches
from .._barman.disks import full_disks
from .._barman.readable import has_files
from .._barman.server import Server
from .._barman.wal_sizes import wrong_sizes
from .._host.process import HostError
from .._postgres import wal
from .._postgres.connection import Connect
from .._sync.lag import Here, PassiveState, passive_state, why_late
from . import gap_state
from .check import OURS, Check, MissingWal, ServerChecks, by_key
from .gaps import find_gaps
from .healing import gap_can_heal

BACKUP_PRESENT = "backup present"
WAL_CONTINUITY = "WAL continuity"
COPY_CURRENT = "copy up to date"
DISK_SPACE = "disk space"
INTERRUPTED = "interrupted backups"
HOOKS = "hook scripts"
CHAINS = "incremental backups"
FOREIGN_TIMELINES = "foreign timelines"
WAL_SIZES = "WAL file sizes"


class CheckedServer(Server):
    """A server, and what its checks share. connect: how PostgreSQL can be asked; None if it can't."""

    def __init__(self, barman: Barman, entry: ServerConfiguration, connect: Connect | None = None) -> None:
        super().__init__(barman, entry)
        self.connect = connect

    @cached_property
    def branches(self) -> BranchReport | None:
        """The branches in the archive; None if there is one timeline only, or if the archive is not on this host."""
        if not self.is_local:
            return None
        return report_branches(self.entry, self.archive, self.backups, self.barman.user, self.connect)

    @property
    def timeline(self) -> int | None:
        """The timeline that the server is on; None if that is not known."""
        server_timeline = None if self.branches is None else self.branches.server_timeline
        return None if server_timeline is None else server_timeline.timeline

    @cached_property
    def gaps(self) -> tuple[list[MissingWal], str | None]:
        """The WAL that is missing, and why that can't be known."""
        return self.gaps_in(self.backups, self.archive) if self.is_local else ([], None)

    def gaps_in(self, backups: Sequence[Backup], archive: Archive) -> tuple[list[MissingWal], str | None]:
        """The same for an archive that was read after the backups, so that it has the WAL of a backup that is DONE."""
        try:
            timeline = self.timeline
        except HostError as exc:
            # A history can't be read.
            return [], str(exc)
        return find_gaps(backups, archive, timeline, complete=not self.entry.passive)

    @cached_property
    def copy(self) -> PassiveState:
        """What its source reported last; of a passive server whose files are here."""
        return passive_state(self.entry, self.backups, self.archive, time.time())

    @property
    def unreadable_backups(self) -> list[str]:
        """The ids of copied backups whose files are gone."""
        directory = self.entry.directory("basebackups_directory")
        return [one.backup_id for one in self.backups if self.is_local and one.copied and not has_files(one, directory)]


def active(server: CheckedServer) -> Check | None:
    if server.entry.flag("active", default=True):
        return None
    return Check("active", ok=False, hint="Barman does nothing for this server: active is off", source=OURS)


def backup_present(server: CheckedServer) -> Check | None:
    newest, gone = catalog.latest(server.backups), server.unreadable_backups
    waiting = [backup.backup_id for backup in server.backups if backup.status == catalog.WAITING_FOR_WALS]
    if gone:
        hint = "the files of backup {} are missing in {}: restore them, or delete the backup with barman delete".format(
            ", ".join(gone),
            server.entry.directory("basebackups_directory"),
        )
    elif newest is not None:
        hint = f"the latest is {newest.backup_id}"
    elif waiting:
        hint = f"backup {waiting[-1]} still waits for its WAL"
    else:
        hint = "there is no valid backup yet"
    return Check(BACKUP_PRESENT, newest is not None and not gone, hint, OURS)


def interrupted_backups(server: CheckedServer) -> Check | None:
    """Barman leaves a backup that a power cut interrupted STARTED for ever, and does not count it as failed."""
    ids = [backup.backup_id for backup in server.backups if backup.interrupted]
    commands = ", ".join(f"barman delete {server.name} {backup_id}" for backup_id in ids)
    hint = f"they use disk space until they are deleted: {commands}" if ids else ""
    return Check(INTERRUPTED, not ids, hint, OURS)


def incremental_backups(server: CheckedServer) -> Check | None:
    """Barman deletes a full backup with its increments. If it was removed in another way, they are left, and of no use."""
    if not any(backup.incremental for backup in server.backups):
        return None
    broken = []
    for backup in server.backups:
        try:
            if backup.copied:
                catalog.chain(server.backups, backup)
        except catalog.CatalogError as exc:
            broken.append(str(exc))
    return Check(CHAINS, not broken, "; ".join(broken), OURS)


def wal_continuity(server: CheckedServer) -> Check | None:
    if not server.is_local:
        return Check(WAL_CONTINUITY, ok=True, hint="not checked: the WAL is not on this host", source=OURS)
    gaps, problem = server.gaps
    entry = server.entry
    streaming, archiving = entry.flag("streaming_archiver"), entry.flag("archiver")
    healable = gap_can_heal(passive=entry.passive, streaming=streaming, archiving=archiving)
    check = _continuity(catalog.latest(server.backups), gaps, problem, healable=healable)
    both = streaming and archiving and not entry.passive
    if not check.ok and check.healable and gaps and both and server.connect is not None:
        # Streaming or archive_command may still fill it.
        return replace(check, healable=not _gap_is_final(server, server.connect))
    return check


def disk_space(server: CheckedServer) -> Check | None:
    full = ", ".join(map(str, full_disks(server.entry, server.segment_size)))
    hint = f"{full}, and there is no space for one more WAL segment: free disk space" if full else ""
    return Check(DISK_SPACE, not full, hint, OURS)


def wal_sizes(server: CheckedServer, most: int = 3) -> Check | None:
    """A file that was cut off or replaced: Barman never reads the archived files again.

    A file that the latest backup does not need takes points before that backup away, and can't be healed by a new one.
    """
    if not server.is_local:
        return None
    newest, size = catalog.latest(server.backups), server.archive.segment_size
    wrong = wrong_sizes(server.entry, server.archive)
    first = 0 if newest is None or newest.begin_wal is None else wal.parse_segment(newest.begin_wal).number(size)
    needed = [text for segment, text in wrong.items() if segment.number(size) >= first]
    texts = needed or list(wrong.values())
    if not texts:
        return Check(WAL_SIZES, ok=True, source=OURS)
    more = [f"and {len(texts) - most} more"] if len(texts) > most else []
    listed = "; ".join([*texts[:most], *more])
    if not needed:
        return Check(
            WAL_SIZES,
            ok=True,
            hint=f"before the latest backup: {listed}. Recovery targets there can't be reached",
            source=OURS,
        )
    return Check(
        WAL_SIZES,
        ok=False,
        hint=f"{listed}. A recovery that needs such a file is refused. Replace it by an intact copy from a passive "
        "node or from PostgreSQL's pg_wal, or take a new backup",
        source=OURS,
        healable=False,
    )


def copy_current(server: CheckedServer) -> Check | None:
    if not server.entry.passive or not server.is_local:
        return None
    late = why_late(server.copy, Here(server.backups, server.archive), time.time())
    return Check(COPY_CURRENT, late is None, late or "", OURS)


def hook_scripts(server: CheckedServer) -> Check | None:
    if not hook_runs.guarded(server.entry):
        return None
    problems = hook_runs.trouble(server.entry, server.backups)
    # Barman runs a hook of the archive again with the next segment, and one of a backup with the next backup.
    healable = any("_archive_" in problem.partition(":")[0] for problem in problems)
    return Check(HOOKS, not problems, "; ".join(problems), OURS, healable)


def foreign_timelines(server: CheckedServer) -> Check | None:
    try:
        report = server.branches
    except HostError as exc:
        # A history can't be read, which WAL continuity reports.
        return Check(FOREIGN_TIMELINES, ok=True, hint=f"not checked: {exc}", source=OURS)
    if report is None:
        return None
    unknown = f"not checked: {report.unknown}" if report.unknown else ""
    return Check(FOREIGN_TIMELINES, not report.problem, report.problem or unknown, OURS)


#: Returns the check, or None if it does not apply. Raises HostError.
OwnCheck = Callable[[CheckedServer], Optional[Check]]

OWN_CHECKS: tuple[OwnCheck, ...] = (
    active,
    backup_present,
    interrupted_backups,
    incremental_backups,
    wal_continuity,
    disk_space,
    wal_sizes,
    copy_current,
    hook_scripts,
    foreign_timelines,
)


def read_own_checks(server: CheckedServer, chosen: Sequence[OwnCheck] = OWN_CHECKS) -> ServerChecks:
    """What Barman does not check. A server whose files can't be read has one failed check with the reason."""
    try:
        checks = [check for check in (one(server) for one in chosen) if check is not None]
        runs = any(not backup.done and backup.status != catalog.FAILED for backup in server.backups)
        return ServerChecks(
            server.name, by_key(checks), server.entry.flag("active", default=True), server.gaps[0], runs
        )
    except HostError as exc:
        return ServerChecks(server.name, by_key([Check(BACKUP_PRESENT, ok=False, hint=str(exc), source=OURS)]))


def _gap_is_final(server: CheckedServer, connect: Connect) -> bool:
    # PostgreSQL is asked first, and the archive is read again after that: what arrives meanwhile is no gap.
    def gaps_now() -> list[wal.Segment]:
        gaps, _problem = server.gaps_in(server.backups, server.archive_now())
        return [wal.parse_segment(gap.last) for gap in gaps if gap.after_latest]

    lasts = gaps_now()
    user = server.barman.user
    return gap_state.is_final(server.entry, lasts, server.segment_size, user, connect) and gaps_now() == lasts


def _continuity(newest: Backup | None, gaps: Sequence[MissingWal], problem: str | None, *, healable: bool) -> Check:
    lost = [gap for gap in gaps if gap.after_latest]
    older = [gap for gap in gaps if not gap.after_latest]
    if lost and newest is not None:
        return Check(
            WAL_CONTINUITY,
            ok=False,
            hint=f"{_listed(lost)} missing after backup {newest.backup_id}: nothing later can be recovered until a new "
            "backup is taken",
            source=OURS,
            healable=healable,
        )
    if problem:
        return Check(WAL_CONTINUITY, ok=False, hint=problem, source=OURS)
    if older:
        return Check(
            WAL_CONTINUITY,
            ok=True,
            hint=f"{_listed(older)} missing before the latest backup: recovery targets there can't be reached",
            source=OURS,
        )
    return Check(WAL_CONTINUITY, ok=True, hint="" if newest else "there is no valid backup yet", source=OURS)


def _listed(gaps: Sequence[MissingWal], most: int = 3) -> str:
    texts = [gap.first if gap.count == 1 else f"{gap.first} to {gap.last} ({gap.count})" for gap in gaps]
    more = [f"and {len(texts) - most} more"] if len(texts) > most else []
    return f"WAL segments {', '.join([*texts[:most], *more])}"
