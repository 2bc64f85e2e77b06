# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the part of a server's backups and WAL that is due, and noting what was read and what is damaged.

This module util is private to the collection.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from .._backup.stored_files import FileDamage
from .._barman.catalog import Backup, read_backups
from .._barman.locks import is_held
from .._check.check import MissingWal
from .._postgres import wal
from .backups import OWN, BackupReader
from .observe import StoredServer, signature_of
from .plan import ReadPlan
from .segments import read_segments, recorded_problems, small_files
from .state import ReadState, StoredDamage, StoredUnit
from .wal_program import PROGRAM, WalProgram

# So many segments are read before the state is written.
_SEGMENTS = 64

#: Takes the state to write it, and the bytes that were read.
Note = Callable[[ReadState, int], None]


@dataclass
class StoredReading:
    """What was read, and the state after that. programs: what read the backups. generated: the backups whose manifest Barman wrote now.

    wal_program: what read the WAL, "" if none was read. unread: the units of the plan that could not be verified.
    """

    state: ReadState
    backups: list[str] = field(default_factory=list)
    segments: int = 0
    files: int = 0
    bytes: int = 0
    damages: list[StoredDamage] = field(default_factory=list)
    generated: list[str] = field(default_factory=list)
    programs: list[str] = field(default_factory=list)
    wal_program: str = ""
    unread: list[StoredUnit] = field(default_factory=list)

    def replace_damages(self, unit: StoredUnit, found: Iterable[StoredDamage]) -> None:
        """After the unit was read. Until then its known damages stay, so that a run that an error ends erases none."""
        if any(one.unit == unit.name for one in self.damages):
            self.damages = [one for one in self.damages if one.unit != unit.name]
        self.damages += found


def kept_damages(stored: StoredServer, state: ReadState) -> tuple[list[StoredDamage], list[StoredUnit]]:
    """The damages of files that nobody changed since, and the units to read again because somebody did."""
    units = {unit.name: unit for unit in stored.units}
    kept: list[StoredDamage] = []
    again: dict[str, StoredUnit] = {}
    for damage in state.damages:
        unit = units.get(damage.unit)
        if unit is None:
            # The backup or the segment was deleted.
            continue
        if tuple(map(signature_of, damage.paths)) == damage.signatures:
            kept.append(damage)
        else:
            again[unit.name] = unit
    return [one for one in kept if one.unit not in again], list(again.values())


def with_units(plan: ReadPlan, more: Iterable[StoredUnit]) -> ReadPlan:
    """The plan, and these units."""
    known = {unit.name for unit in plan.units}
    return replace(plan, units=(*plan.units, *(unit for unit in more if unit.name not in known)))


def read_plan(
    stored: StoredServer,
    state: ReadState,
    plan: ReadPlan,
    kept: Sequence[StoredDamage],
    reader: BackupReader,
    program: WalProgram,
    now: float,
    note: Note,
) -> StoredReading:
    """Read the units of the plan. kept: the damages that are known. program: what reads WAL first.

    Raises HostError if a program can't be run, or the state can't be written.
    """
    names = {unit.name for unit in plan.units}
    known = [one for one in state.damages if one.unit in names]
    reading = StoredReading(state.with_run(now), damages=[*(one for one in kept if one.unit not in names), *known])
    for unit in plan.units:
        if unit.kind == "backup":
            _read_backup(stored, unit, reading, reader, now, known)
            _write(reading, note)
    segments = sorted(unit.segment for unit in plan.units if unit.segment is not None)
    units = {unit.segment: unit for unit in plan.units}
    done: list[StoredUnit] = []
    undecryptable: dict[str, str] = {}
    for read in read_segments(stored, segments, program.pace, program):
        unit = units[read.segment]
        if read.undecryptable:
            # It is tried again, and a known damage stays.
            undecryptable[unit.name] = read.undecryptable
            reading.unread.append(unit)
            continue
        suspected = tuple(stored.archive.segments[one] for one in read.suspected)
        found = [] if read.damage is None else [_damage(unit.name, read.damage, now, suspected=suspected, known=known)]
        reading.replace_damages(unit, found)
        if read.gone:
            continue
        reading.segments += 1
        reading.bytes += unit.bytes
        done.append(unit)
        if len(done) >= _SEGMENTS:
            reading.state = reading.state.with_read(done, now)
            done = []
            _write(reading, note)
    tried = {unit.name for unit in plan.units if unit.segment is not None}
    others = {name: reason for name, reason in reading.state.unverified.items() if name not in tried}
    reading.state = replace(reading.state.with_read(done, now), unverified={**others, **undecryptable})
    if reading.segments:
        reading.wal_program = PROGRAM if program.used else OWN
    _write(reading, note)
    return reading


def _write(reading: StoredReading, note: Note) -> None:
    reading.state = replace(reading.state, damages=tuple(reading.damages))
    note(reading.state, reading.bytes)


def _read_backup(
    stored: StoredServer,
    unit: StoredUnit,
    reading: StoredReading,
    reader: BackupReader,
    now: float,
    known: Sequence[StoredDamage],
) -> None:
    backup, directory = stored.backup(unit.name), stored.directory(stored.backup(unit.name))
    found = reader.verify(stored.name, backup, directory, stored.server.entry.get("path_prefix") or "")
    if (found.damages or found.reason) and is_being_deleted(stored, backup):
        return
    unverified = {name: reason for name, reason in reading.state.unverified.items() if name != backup.backup_id}
    if found.reason:
        unverified[backup.backup_id] = found.reason
    reading.state = replace(reading.state, unverified=unverified)
    reading.generated += [backup.backup_id] if found.generated else []
    if not found.program:
        reading.unread.append(unit)
        return
    reading.state = reading.state.with_read([unit], now)
    reading.replace_damages(
        unit, [_damage(unit.name, one, now, backup.backup_id, known=known) for one in found.damages]
    )
    reading.backups.append(backup.backup_id)
    reading.programs += [] if found.program in reading.programs else [found.program]
    reading.files += found.files
    reading.bytes += found.bytes


def _damage(
    unit: str,
    damage: FileDamage,
    now: float,
    backup_id: str | None = None,
    *,
    suspected: tuple[str, ...] = (),
    known: Sequence[StoredDamage] = (),
) -> StoredDamage:
    """known: the damages of earlier runs, for the time when it was found."""
    found = next((one.found for one in known if one.path == damage.path), now)
    signatures = tuple(map(signature_of, (damage.path, *suspected)))
    return StoredDamage(unit, damage.path, damage.text, found, signatures, backup_id, suspected)


def is_being_deleted(stored: StoredServer, backup: Backup) -> bool:
    """Whether the backup is gone, or Barman works on it now."""
    entry = stored.server.entry
    there = any(one.backup_id == backup.backup_id and one.done for one in read_backups(entry))
    return not there or is_held(entry, backup.backup_id)


def listed_damages(stored: StoredServer, now: float, known: Iterable[StoredDamage]) -> list[StoredDamage]:
    """What every run finds without reading segments: history files, partial segments, and differences from xlog.db."""
    names = {one.unit for one in known}
    found = {**recorded_problems(stored, lambda: now), **small_files(stored)}
    return [_damage(name, damage, now) for name, damage in sorted(found.items()) if name not in names]


def damaged_segments(damages: Iterable[StoredDamage]) -> set[wal.Segment]:
    """The segments among the damaged files."""
    paths = (path for one in damages if one.backup_id is None for path in one.paths)
    found = (wal.plain_segment(os.path.basename(path)) for path in paths)
    return {segment for segment in found if segment is not None}


def missing_segments(missing: Iterable[MissingWal], segment_size: int) -> Iterator[wal.Segment]:
    """Each segment that is missing."""
    for gap in missing:
        segment = wal.parse_segment(gap.first)
        for _unused in range(gap.count):
            yield segment
            segment = segment.next(segment_size)
