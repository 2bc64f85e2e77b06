# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands against a recovery at its destination.

This module util is private to the collection. Every function decides on values and returns sentences; nothing here reads or writes files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .._barman.catalog import Backup
from .._host.paths import is_within
from .._host.sizes import human_size
from . import staging_area
from .destination_state import DestinationDirectory, DestinationState
from .directories_in_use import in_use_problems
from .recovery_plan import RecoveryPlan
from .request import RecoveryRequest
from .snapshots import data_problems, mount_problems
from .staging_area import StagingArea

# PostgreSQL keeps some restored segments and its own files beside what is copied.
_SPARE_BYTES = 128 * 1024 * 1024
# PostgreSQL keeps WAL that it has replayed until a restartpoint removes it: max_wal_size, of which this is the default.
_MAX_WAL_SIZE = 1024 * 1024 * 1024


@dataclass(frozen=True)
class RestoreSizes:
    """Bytes that are restored. data: the data directory. tablespaces: by OID. packed: the backup as it is unpacked there.

    staged: what is in the staging area while Barman restores, on whichever host that is; an upper bound.
    """

    data: int
    wal: int
    tablespaces: Mapping[int, int] = field(default_factory=dict)
    packed: int = 0
    staged: int = 0

    @property
    def backup(self) -> int:
        return self.data + sum(self.tablespaces.values())


def own_directory_problems(
    directories: Iterable[tuple[str, str, str]], home: tuple[str, str], backups: tuple[str, str]
) -> list[str]:
    """The directories of the recovery that are Barman's own, or have them. directories: (option, path, real path). home, backups: (path, real path)."""
    return [
        f"{option}: {path} is where Barman keeps its own files ({home[0]}, {backups[0]}); give another directory"
        for option, path, real in directories
        if is_within(real, home[1]) or is_within(real, backups[1]) or is_within(backups[1], real)
    ]


def program_problems(request: RecoveryRequest, state: DestinationState, area: StagingArea | None) -> list[str]:
    problems: list[str] = []
    if not state.rsync:
        problems.append(
            "the program rsync, which Barman copies with, is not installed%s. Install the package rsync there"
            % (request.on_host or " on this host")
        )
    if area is not None and not area.local:
        problems += staging_area.missing_there(area, state.programs, request.on_host.strip(), state.user)
    return problems


def used_directory_problems(request: RecoveryRequest, backup: Backup, state: DestinationState) -> list[str]:
    """Which directories to be filled a running server uses."""
    filled: list[tuple[str, int | None]] = [(one.real, None) for one in (state.directory, state.wal) if one is not None]
    filled += [(one.real, backup.major_version) for one in (*state.tablespaces.values(), *state.leftovers)]
    return in_use_problems(state.used, state.directory.real, filled, request.on_host)


def created_tablespace_problems(
    request: RecoveryRequest, backup: Backup, state: DestinationState, locations: Sequence[str]
) -> list[str]:
    """Which tablespaces that the replay creates another running server uses."""
    filled = [(path, backup.major_version) for path in locations]
    return [
        f"the WAL up to the target creates a tablespace there: {text}"
        for text in in_use_problems(state.used, state.directory.real, filled, request.on_host)
    ]


def disk_problems(
    request: RecoveryRequest,
    backup: Backup,
    state: DestinationState,
    mounted: Mapping[str, str],
    others: Sequence[Backup],
) -> list[str]:
    """Why the disks made from the backup's snapshots are not there, or not as they were.

    Barman itself asks the provider first whether these are the disks. mounted: mount options by mount point. others: the other backups of snapshots.
    """
    where = request.destination.where
    problems: list[str] = []
    if state.running is not None:
        problems.append(
            f"a PostgreSQL server runs in {where} (process {state.running}); stop it, and mount disks that are as the "
            "snapshots were: "
            "one from "
            "which a server was started can't be used"
        )
    problems += program_problems(request, state, None)
    if backup.snapshots is not None:
        problems += mount_problems(backup.snapshots, mounted, request.on_host)
    if state.version is None:
        problems.append(f"{where} is not a data directory; mount the disks made from the snapshots")
    elif state.version != str(backup.major_version):
        problems.append(f"{where} is of PostgreSQL {state.version}, and not {backup.major_version}")
    elif state.running is None:
        problems += _disk_content_problems(request, backup, state, others)
    if not state.directory.writable:
        problems.append(f"'{state.user}' can't write to {where}")
    return problems


def _disk_content_problems(
    request: RecoveryRequest, backup: Backup, state: DestinationState, others: Sequence[Backup]
) -> list[str]:
    where, control = request.destination.where, state.control
    if control is None:
        return [f"the file global/pg_control can't be read in {where} as '{state.user}'"]
    of = [one.backup_id for one in others if not data_problems(control, one.begin_lsn, one.end_lsn, one.systemid)]
    of_other = (
        f". It is of backup {of[-1]}: write that as barman_recover_backup_id (option backup_id of the module)"
        if of
        else ""
    )
    return [
        f"{where} is not what the snapshots of backup {backup.backup_id} hold: {text}{of_other}"
        for text in data_problems(control, backup.begin_lsn, backup.end_lsn, backup.systemid)
    ]


def space_problems(plan: RecoveryPlan, state: DestinationState, sizes: RestoreSizes) -> list[str]:
    """The file systems of the destination that are too small."""
    oids = {one.name: one.oid for one in plan.backup.tablespaces}
    replayed = max(_SPARE_BYTES, min(len(plan.segments) * plan.segment_size, _MAX_WAL_SIZE))
    main = sizes.data + sizes.wal + sizes.packed
    parts: list[tuple[DestinationDirectory, int]] = [
        (state.directory, main + (replayed if state.wal is None else _SPARE_BYTES)),
        *((place, sizes.tablespaces.get(oids[name], 0)) for name, place in state.tablespaces.items()),
    ]
    if state.wal is not None:
        parts.append((state.wal, replayed))
    # Directories can share a file system; the last one of each stands for it.
    needed: dict[str, tuple[int, DestinationDirectory]] = {}
    for place, size in parts:
        needed[place.device] = needed.get(place.device, (0, place))[0] + size, place
    return [
        f"destination: the file system of {place.path} has {human_size(place.free)} free, and the recovery needs "
        f"{human_size(size)}"
        for size, place in needed.values()
        if place.free is not None and place.free < size
    ]
