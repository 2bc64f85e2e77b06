# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading archived WAL: each segment's header, pages and records, history files, and what xlog.db has of them.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from .._backup.stored_files import FileDamage
from .._barman.archive import ArchiveError, UndecryptableWal
from .._barman.wal_sizes import RecordedFile, compare_sizes, read_xlogdb
from .._host.process import Completed, HostError
from .._postgres import wal
from .._postgres.segment_content import check_partial, check_segment
from .._postgres.timeline_history import parse_history
from .._postgres.wal_reader import Carry
from .long_records import around, segments_after, segments_before
from .observe import StoredServer
from .pace import Pace
from .wal_program import PROGRAM, WalProgram

#: Seconds after which an archived file has its line in xlog.db.
SETTLED = 3600.0


@dataclass(frozen=True)
class ReadSegment:
    """A segment that was read. damage: what is wrong with it. gone: whether it was deleted meanwhile.

    suspected: earlier segments, if one of them or this one is damaged. undecryptable: why it can't be decrypted on this host.
    """

    segment: wal.Segment
    damage: FileDamage | None = None
    gone: bool = False
    suspected: tuple[wal.Segment, ...] = ()
    undecryptable: str = ""


def read_segments(
    stored: StoredServer, segments: Sequence[wal.Segment], pace: Pace, program: WalProgram | None = None
) -> Iterator[ReadSegment]:
    """Read the segments in order. A segment before them is read, too, if a record goes on from it.

    program: reads first, and what it does not find intact is read here.
    """
    reader = _SegmentSequence(stored, pace, frozenset(segments))
    if program is None:
        yield from map(reader.read, sorted(segments))
        return
    for run in program.runs(stored, sorted(segments)):
        yield from _read_run(run, reader, program)


def _read_run(run: Sequence[wal.Segment], reader: _SegmentSequence, program: WalProgram) -> Iterator[ReadSegment]:
    completed = program.examine(reader.stored, run)
    if completed is not None and completed.ok:
        yield from _intact(run, reader)
    elif completed is None:
        yield from _in_parts(run, reader, lambda part: _read_run(part, reader, program))
    else:
        found = list(_read_failed(run, reader, program))
        if not any(one.damage or one.gone for one in found):
            found = _read_again(run, reader, completed)
        yield from found


def _read_failed(run: Sequence[wal.Segment], reader: _SegmentSequence, program: WalProgram) -> Iterator[ReadSegment]:
    """The parts of a run that is not intact."""

    def read_part(part: Sequence[wal.Segment]) -> Iterator[ReadSegment]:
        completed = program.examine(reader.stored, part)
        if completed is not None and completed.ok:
            return _intact(part, reader)
        return _read_failed(part, reader, program)

    return _in_parts(run, reader, read_part)


def _in_parts(
    run: Sequence[wal.Segment],
    reader: _SegmentSequence,
    read_part: Callable[[Sequence[wal.Segment]], Iterator[ReadSegment]],
) -> Iterator[ReadSegment]:
    if len(run) == 1:
        yield reader.read(run[0])
        return
    middle = len(run) // 2
    yield from read_part(run[:middle])
    yield from read_part(run[middle:])


def _intact(run: Sequence[wal.Segment], reader: _SegmentSequence) -> Iterator[ReadSegment]:
    for segment in run:
        reader.pace.read(_size(reader.stored.archive.segments.get(segment)))
        yield ReadSegment(segment)


def _read_again(run: Sequence[wal.Segment], reader: _SegmentSequence, completed: Completed) -> list[ReadSegment]:
    """A run in whose parts nothing is damaged, read as a whole with the segments around it.

    If nothing is damaged in it either, and nothing else explains why pg_waldump failed, that is the damage.
    """
    before, after = around(reader.stored, run)
    found: list[ReadSegment] = []
    carry: Carry | None = None
    for segment in (*before, *run, *after):
        read, carry = _read(reader.stored, segment, carry)
        reader.pace.read(_size(reader.stored.archive.segments.get(segment)))
        found.append(read)
    ours = found[len(before) : len(before) + len(run)]
    # The WAL of a timeline may end within a segment. pg_waldump fails if no record is whole in what is archived. A program that was killed, or could not
    # be started, did not find damage.
    explained = (
        any(one.damage or one.gone or one.undecryptable for one in found) or carry is None or carry.previous is None
    )
    explained = explained or completed.rc != 1
    if not explained:
        paths = [reader.stored.archive.segments[segment] for segment in run]
        text = f"{PROGRAM} fails for {paths[-1]}"
        if len(run) > 1:
            text = f"{PROGRAM} fails for the segments from {paths[0]} to {paths[-1]}, and one of them is damaged"
        damage = FileDamage(paths[-1], f"{text}: {' '.join(completed.text.split()) or 'exit status 1'}")
        ours[-1] = ReadSegment(run[-1], damage, suspected=tuple(run[:-1]))
    return ours


@dataclass
class _SegmentSequence:
    """Reads segment after segment, with what each of them continues. requested: the segments that are read in this run."""

    stored: StoredServer
    pace: Pace
    requested: frozenset[wal.Segment]
    _carry: Carry | None = None
    _before: wal.Segment | None = None

    def read(self, segment: wal.Segment) -> ReadSegment:
        if self._before is None or self._before.next(self.stored.archive.segment_size) != segment:
            self._carry = _carry_into(self.stored, segment)
        read, self._carry = _read(self.stored, segment, self._carry)
        self._before = segment
        self.pace.read(_size(self.stored.archive.segments.get(segment)))
        if read.damage is None and segment.next(self.stored.archive.segment_size) not in self.requested:
            return self._read_to_end_of_record(read)
        return read

    def _read_to_end_of_record(self, read: ReadSegment) -> ReadSegment:
        """The same segment, damaged if the record is that it ends with."""
        carry = self._carry
        for later in segments_after(self.stored, read.segment):
            found, carry = _read(self.stored, later, carry)
            self.pace.read(_size(self.stored.archive.segments.get(later)))
            if read.segment in found.suspected:
                return ReadSegment(read.segment, found.damage, suspected=found.suspected)
            if carry is None:
                break
        return read


def _size(path: str | None) -> int:
    try:
        return 0 if path is None else os.stat(path).st_size
    except OSError:
        return 0


def _carry_into(stored: StoredServer, segment: wal.Segment) -> Carry | None:
    """What goes on from the segments before; None if they are not archived, or damaged."""
    carry: Carry | None = None
    for before in segments_before(stored, segment):
        carry = _read(stored, before, carry)[1]
    return carry


def _read(stored: StoredServer, segment: wal.Segment, carry: Carry | None) -> tuple[ReadSegment, Carry | None]:
    path = stored.archive.segments[segment]
    try:
        data = stored.archive.read(segment)
    except UndecryptableWal as exc:
        return ReadSegment(segment, undecryptable=str(exc)), None
    except ArchiveError as exc:
        if not os.path.lexists(path):
            return ReadSegment(segment, gone=True), None
        return ReadSegment(segment, FileDamage(path, str(exc))), None
    last = segment.next(stored.archive.segment_size) not in stored.archive.segments
    found = check_segment(stored.expected(segment), data, carry, last=last)
    if found.problem:
        suspected = () if found.begin is None else tuple(_between(stored, found.begin, segment))
        text = f"{path}: {found.problem}"
        if suspected:
            text += f". The record begins in segment {suspected[0]}: one of the files from that to this is damaged"
        return ReadSegment(segment, FileDamage(path, text), suspected=suspected), None
    return ReadSegment(segment), found.carry


def _between(stored: StoredServer, begin: int, end: wal.Segment) -> Iterator[wal.Segment]:
    """The archived segments from the one with that position to the one before the end."""
    size = stored.archive.segment_size
    segment = wal.segment_of_lsn(end.timeline, begin, size)
    while segment < end:
        if segment in stored.archive.segments:
            yield segment
        segment = segment.next(size)


def small_files(stored: StoredServer) -> dict[str, FileDamage]:
    """What is wrong with history files and partial segments, by their names. They are few, so every run reads all of them."""
    found: dict[str, FileDamage] = {}
    for timeline in stored.archive.histories:
        path = os.path.join(stored.server.entry.directory("wals_directory"), f"{timeline:08X}.history")
        try:
            parse_history(timeline, stored.archive.histories[timeline])
        except UndecryptableWal:
            continue
        except ArchiveError as exc:
            # It names the file.
            found[os.path.basename(path)] = FileDamage(path, str(exc))
        except HostError as exc:
            found[os.path.basename(path)] = FileDamage(path, f"{path}: {exc}")
    for segment, path in stored.archive.partials.items():
        try:
            problem = check_partial(stored.expected(segment), stored.archive.read(segment))
            text = f"{path}: {problem}" if problem else ""
        except UndecryptableWal:
            continue
        except ArchiveError as exc:
            text = str(exc)
        if text and os.path.lexists(path):
            found[os.path.basename(path)] = FileDamage(path, text)
    return found


def undecryptable_files(stored: StoredServer) -> dict[str, str]:
    """Why history files and partial segments can't be decrypted on this host, by their names."""
    found: dict[str, str] = {}
    readers: list[tuple[str, Callable[[], object]]] = [
        *(
            (f"{one:08X}.history", partial(stored.archive.histories.__getitem__, one))
            for one in stored.archive.histories
        ),
        *((os.path.basename(path), partial(stored.archive.read, one)) for one, path in stored.archive.partials.items()),
    ]
    for name, read in readers:
        try:
            read()
        except UndecryptableWal as exc:
            found[name] = str(exc)
        except ArchiveError:
            # small_files names it.
            continue
    return found


def recorded_problems(
    stored: StoredServer,
    clock: Callable[[], float] = time.time,
    again: Callable[[], Mapping[str, RecordedFile]] | None = None,
) -> dict[str, FileDamage]:
    """What differs between the archived files and xlog.db, by the files' names. Nothing if there is no xlog.db.

    again: reads xlog.db once more, because Barman deletes files before their lines.
    """
    if not stored.recorded:
        return {}
    wals = stored.server.entry.directory("wals_directory")
    archived = stored.archive.segments
    sizes = compare_sizes(stored.archive, wals, stored.recorded)
    found = {str(segment): FileDamage(archived[segment], text) for segment, text in sizes.items()}
    missing = {}
    for name in stored.recorded:
        path = _recorded_path(wals, name)
        if path is not None and not os.path.lexists(path):
            missing[name] = FileDamage(path, f"{path} is missing, and xlog.db has a line for it")
    if missing:
        still = (again or (lambda: read_xlogdb(stored.server.entry)))()
        found.update({name: one for name, one in missing.items() if name in still and not os.path.lexists(one.path)})
    unrecorded = [segment for segment in archived if str(segment) not in stored.recorded]
    if unrecorded:
        still = (again or (lambda: read_xlogdb(stored.server.entry)))()
        for segment in unrecorded:
            path = archived[segment]
            if str(segment) not in still and _archived_before(path, clock() - SETTLED):
                text = f"{path} has no line in xlog.db, so Barman does not restore it: run 'barman rebuild-xlogdb {stored.name}'"
                found[str(segment)] = FileDamage(path, text)
    return found


def _archived_before(path: str, moment: float) -> bool:
    try:
        return os.stat(path).st_ctime < moment
    except OSError:
        return False


def _recorded_path(wals: str, name: str) -> str | None:
    """Where a segment or a history file is archived; None for another name."""
    file = wal.parse(name)
    if file is None or file.kind not in ("segment", "history"):
        return None
    return os.path.join(wals, name) if file.segment is None else os.path.join(wals, file.segment.directory, name)
