# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When each stored backup and WAL segment was last read, and what was damaged then.

This module util is private to the collection. Nothing here reads or writes files. WAL segments of one directory that were read at the same
time are one range, so the file stays small.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .._postgres.wal import Segment, plain_segment

VERSION = 1
_RUNS = 4

StoredKind = Literal["backup", "segment"]


@dataclass(frozen=True)
class StoredUnit:
    """What is read at once: a backup, or a WAL segment. bytes: on the disk. written: seconds since the epoch."""

    kind: StoredKind
    name: str
    bytes: int
    written: float
    segment: Segment | None = None


@dataclass(frozen=True)
class Signature:
    """What changes if a file is replaced."""

    size: int
    modified: int
    inode: int


@dataclass(frozen=True)
class StoredDamage:
    """A file that is damaged. unit: the backup or the WAL file that it belongs to. found: seconds since the epoch.

    suspected: other files, of which one is damaged if this one is not. signatures: of this file and of those, as they were read; None for a
    file that does not exist.
    """

    unit: str
    path: str
    text: str
    found: float
    signatures: tuple[Signature | None, ...] = (None,)
    backup_id: str | None = None
    suspected: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.path, *self.suspected)


@dataclass(frozen=True)
class ReadState:
    """since: when the first verification began. runs: when the last ones began. backups, segments: when each was last read.

    unverified: why a backup was read in part or not at all, or a segment could not be decrypted, by its name.
    """

    since: float
    runs: tuple[float, ...] = ()
    backups: Mapping[str, float] = field(default_factory=dict)
    segments: Mapping[Segment, float] = field(default_factory=dict)
    damages: tuple[StoredDamage, ...] = ()
    unverified: Mapping[str, str] = field(default_factory=dict)

    @property
    def unverified_backups(self) -> dict[str, str]:
        return {name: reason for name, reason in self.unverified.items() if plain_segment(name) is None}

    @property
    def undecryptable(self) -> dict[Segment, str]:
        found = ((plain_segment(name), reason) for name, reason in self.unverified.items())
        return {segment: reason for segment, reason in found if segment is not None}

    def last_read(self, unit: StoredUnit) -> float | None:
        if unit.segment is not None:
            return self.segments.get(unit.segment)
        return self.backups.get(unit.name)

    def unread_since(self, unit: StoredUnit) -> float:
        """When it was last read. A unit that never was counts from its own time, or from the first verification if that was later."""
        read = self.last_read(unit)
        return max(unit.written, self.since) if read is None else read

    def with_run(self, now: float) -> ReadState:
        return replace(self, runs=(*self.runs, now)[-_RUNS:])

    def with_read(self, units: Iterable[StoredUnit], now: float) -> ReadState:
        backups, segments = dict(self.backups), dict(self.segments)
        for unit in units:
            if unit.segment is not None:
                segments[unit.segment] = now
            else:
                backups[unit.name] = now
        return replace(self, backups=backups, segments=segments)

    def only(self, units: Iterable[StoredUnit]) -> ReadState:
        """Without what is not stored any more."""
        kept = list(units)
        names = {unit.name for unit in kept}
        segments = {unit.segment for unit in kept}
        return replace(
            self,
            backups={name: read for name, read in self.backups.items() if name in names},
            segments={segment: read for segment, read in self.segments.items() if segment in segments},
            unverified={name: reason for name, reason in self.unverified.items() if name in names},
        )


def parse_state(text: str, now: float) -> ReadState:
    """The state in the text of its file. A file that is not whole is a new start: everything is read again."""
    try:
        value = json.loads(text)
        if value["version"] != VERSION:
            return ReadState(now)
        return ReadState(
            since=float(value["since"]),
            runs=tuple(float(one) for one in value["runs"]),
            backups={str(name): float(read) for name, read in value["backups"].items()},
            segments=dict(_segments(value["wal"])),
            damages=tuple(_damage(one) for one in value["damages"]),
            unverified={str(name): str(reason) for name, reason in value["unverified"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return ReadState(now)


def _segments(directories: Mapping[str, Sequence[Sequence[Any]]]) -> Iterable[tuple[Segment, float]]:
    for name, ranges in directories.items():
        timeline, log = int(name[:8], 16), int(name[8:], 16)
        for first, last, read in ranges:
            for number in range(int(first), int(last) + 1):
                yield Segment(timeline, log, number), float(read)


def _damage(value: Mapping[str, Any]) -> StoredDamage:
    return StoredDamage(
        str(value["unit"]),
        str(value["path"]),
        str(value["text"]),
        float(value["found"]),
        tuple(None if one is None else Signature(*map(int, one)) for one in value["signatures"]),
        value["backup_id"],
        tuple(map(str, value["suspected"])),
    )


def state_text(state: ReadState) -> str:
    """The text of the state's file."""
    value = {
        "version": VERSION,
        "since": state.since,
        "runs": list(state.runs),
        "backups": dict(state.backups),
        "wal": _ranges(state.segments),
        "unverified": dict(state.unverified),
        "damages": [
            {
                "unit": one.unit,
                "path": one.path,
                "text": one.text,
                "found": one.found,
                "signatures": [
                    None if found is None else [found.size, found.modified, found.inode] for found in one.signatures
                ],
                "backup_id": one.backup_id,
                "suspected": list(one.suspected),
            }
            for one in state.damages
        ],
    }
    return json.dumps(value, ensure_ascii=True) + "\n"


def _ranges(segments: Mapping[Segment, float]) -> dict[str, list[list[float]]]:
    """For each WAL directory the first and the last segment that were read at one time, and that time."""
    found: dict[str, list[list[float]]] = {}
    for segment in sorted(segments):
        ranges = found.setdefault(segment.directory, [])
        read = segments[segment]
        if ranges and ranges[-1][1] == segment.seg - 1 and ranges[-1][2] == read:
            ranges[-1][1] = segment.seg
        else:
            ranges.append([segment.seg, segment.seg, read])
    return found
