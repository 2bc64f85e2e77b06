# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of WAL files, positions in the WAL, timelines, and whether WAL is there without a gap.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .._host.process import HostError

DEFAULT_SEGMENT_SIZE = 16 * 1024 * 1024
_LOG_SIZE = 1 << 32  # one number of the name's middle part covers 4 GiB
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".sz", ".snappy")
_SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(\.partial)?\Z")
_HISTORY = re.compile(r"([0-9A-F]{8})\.history\Z")
_BACKUP_LABEL = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})\.([0-9A-F]{8})\.backup\Z")
_LSN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})\Z")


class WalError(HostError, ValueError):
    """A name, a position or a history that can't be what it claims to be; the text is for the person who reads it."""


@dataclass(frozen=True, order=True)
class Segment:
    """A WAL segment: its timeline, and the two halves of its number as they stand in the file's name."""

    timeline: int
    log: int
    seg: int

    def __str__(self) -> str:
        return "%08X%08X%08X" % (self.timeline, self.log, self.seg)

    def number(self, segment_size: int = DEFAULT_SEGMENT_SIZE) -> int:
        """How many segments of that size the WAL has before this one."""
        per_log = _LOG_SIZE // segment_size
        if self.seg >= per_log:
            raise WalError("%s can't be a WAL segment of %d bytes" % (self, segment_size))
        return self.log * per_log + self.seg

    def begin_lsn(self, segment_size: int = DEFAULT_SEGMENT_SIZE) -> int:
        return self.number(segment_size) * segment_size

    def next(self, segment_size: int = DEFAULT_SEGMENT_SIZE) -> Segment:
        return segment_of_number(self.timeline, self.number(segment_size) + 1, segment_size)

    @property
    def directory(self) -> str:
        """The directory in Barman's wals_directory that has it."""
        return "%08X%08X" % (self.timeline, self.log)


@dataclass(frozen=True)
class WalFile:
    """What a file's name in a WAL directory says. kind: segment, partial, history or backup_label."""

    kind: str
    timeline: int
    segment: Segment | None = None

    @property
    def name(self) -> str:
        """The name without a compression's ending; for a backup label that of its segment."""
        if self.segment is None:
            return "%08X.history" % self.timeline
        return "%s%s" % (self.segment, ".partial" if self.kind == "partial" else "")


def segment_of_number(timeline: int, number: int, segment_size: int = DEFAULT_SEGMENT_SIZE) -> Segment:
    per_log = _LOG_SIZE // segment_size
    return Segment(timeline, number // per_log, number % per_log)


def segment_of_lsn(timeline: int, lsn: int, segment_size: int = DEFAULT_SEGMENT_SIZE) -> Segment:
    """The segment that has the byte at that position."""
    return segment_of_number(timeline, lsn // segment_size, segment_size)


def parse_segment(name: str) -> Segment:
    """The segment of a 24-digit name, with .partial or not. Raises WalError."""
    parsed = parse(name)
    if parsed is None or parsed.segment is None or parsed.kind == "backup_label":
        raise WalError("'%s' is not the name of a WAL segment" % name)
    return parsed.segment


def parse(name: str) -> WalFile | None:
    """What the name of a file says, without directories; None for a file that is not WAL."""
    for ending in _COMPRESSED:
        if name.endswith(ending):
            name = name[: -len(ending)]
            break
    found = _SEGMENT.match(name)
    if found:
        segment = Segment(*(int(part, 16) for part in found.groups()[:3]))
        return WalFile("partial" if found.group(4) else "segment", segment.timeline, segment)
    found = _HISTORY.match(name)
    if found:
        return WalFile("history", int(found.group(1), 16))
    found = _BACKUP_LABEL.match(name)
    if found:
        segment = Segment(*(int(part, 16) for part in found.groups()[:3]))
        return WalFile("backup_label", segment.timeline, segment)
    return None


def segments_in(names: Iterable[str]) -> set[Segment]:
    """The complete segments among file names."""
    found = (parse(name) for name in names)
    return {file.segment for file in found if file is not None and file.kind == "segment" and file.segment}


def parse_lsn(text: str) -> int:
    """A position such as 1/6B37D0A8 as a number. Raises WalError."""
    found = _LSN.match(text.strip())
    if not found:
        raise WalError("'%s' is not a position in the WAL; one looks like 1/6B37D0A8" % text)
    return int(found.group(1), 16) * _LOG_SIZE + int(found.group(2), 16)


def format_lsn(lsn: int) -> str:
    return "%X/%X" % (lsn // _LOG_SIZE, lsn % _LOG_SIZE)


@dataclass(frozen=True)
class Leg:
    """One timeline's part of the way to a target timeline. end: where the next one forks off; None for the last."""

    timeline: int
    begin: int
    end: int | None


def parse_history(timeline: int, text: str) -> list[Leg]:
    """The way from the first timeline to this one, from its history file's text. Raises WalError.

    Every history file tells the whole way.
    """
    legs: list[Leg] = []
    begin = newest = 0
    for line in text.splitlines():
        fields = line.split(None, 2)
        if not fields or fields[0].startswith("#"):
            continue
        if len(fields) < 2 or not fields[0].isdecimal() or not _LSN.match(fields[1]):
            raise WalError("the history of timeline %d has a line that can't be read: %s" % (timeline, _shown(line)))
        parent, switch = int(fields[0]), parse_lsn(fields[1])
        if parent <= newest or switch == 0:
            raise WalError("the history of timeline %d is not in order: %s" % (timeline, _shown(line)))
        newest = parent
        # A recovery towards the parent may have stopped before the parent begins: then nothing of it is on the way (tliOfPointInHistory in timeline.c).
        legs = [Leg(one.timeline, min(one.begin, switch), min(one.end or 0, switch)) for one in legs]
        legs.append(Leg(parent, min(begin, switch), switch))
        begin = switch
    if newest >= timeline:
        raise WalError("the history of timeline %d names timeline %d" % (timeline, legs[-1].timeline))
    return [*legs, Leg(timeline, begin, None)]


def _shown(line: str) -> str:
    """A line of a file for a message, without bytes that a terminal takes for commands."""
    text = "".join(character if character.isprintable() else "?" for character in " ".join(line.split()))
    return text if len(text) <= 80 else text[:80] + "..."


def way_to(timeline: int, histories: Mapping[int, str]) -> list[Leg]:
    """The way to a timeline, from the texts of the history files there are. Raises WalError where its own is missing.

    Timeline 1 has no history file.
    """
    if timeline in histories:
        return parse_history(timeline, histories[timeline])
    if timeline == 1:
        return [Leg(1, 0, None)]
    raise WalError(
        "the history file %08X.history is missing; without it nothing can be recovered to timeline %d"
        % (timeline, timeline)
    )


def way_from(start: int, timeline: int, histories: Mapping[int, str]) -> list[Leg]:
    """The way from a backup on timeline start to a timeline, as PostgreSQL finds it. Raises WalError.

    A server that was promoted before anybody archived its WAL has no history file in the archive. On one timeline PostgreSQL needs none.
    """
    if start == timeline and timeline not in histories:
        return [Leg(timeline, 0, None)]
    return way_to(timeline, histories)


def newest_timeline(start: int, histories: Mapping[int, str]) -> int:
    """The timeline that PostgreSQL recovers to as "latest" from a backup on timeline start.

    It follows the history files there are upwards from start without a hole, and takes the last.
    """
    newest = start
    while newest + 1 in histories:
        newest += 1
    return newest


@dataclass(frozen=True)
class Gap:
    """Segments that are missing, first to last, on one timeline."""

    first: Segment
    last: Segment
    count: int

    def __str__(self) -> str:
        if self.count == 1:
            return str(self.first)
        return "%s to %s (%d segments)" % (self.first, self.last, self.count)


def needed(
    begin: Segment, end: Segment, way: Sequence[Leg], segment_size: int = DEFAULT_SEGMENT_SIZE
) -> Iterator[Segment]:
    """The segments that recovery reads from begin to end along a way, one by one. Raises WalError off the way.

    Where a timeline forks off, the segment of the fork is read on the new timeline: it starts there as a copy.
    """
    for timeline, first, last in _stretches(begin, end.number(segment_size), way, segment_size):
        for number in range(first, last + 1):
            yield segment_of_number(timeline, number, segment_size)


def gaps(
    present: Collection[Segment],
    begin: Segment,
    way: Sequence[Leg] | None = None,
    segment_size: int = DEFAULT_SEGMENT_SIZE,
    end: Segment | None = None,
) -> list[Gap]:
    """What is missing from begin to end along a way; end is by default the newest segment there is on that way.

    way: the timelines from the first to the target (way_to); by default only that of begin.
    Raises WalError where begin or end is not on the way.
    """
    way = way or [Leg(begin.timeline, 0, None)]
    have: dict[int, set[int]] = {}
    for segment in present:
        have.setdefault(segment.timeline, set()).add(segment.number(segment_size))
    if end is None:
        last = _newest(have, begin, way, segment_size)
        if last is None:
            return []
    else:
        last = end.number(segment_size)
        if end.timeline not in [leg.timeline for leg in way]:
            raise WalError("WAL segment %s is not on the way to timeline %d" % (end, way[-1].timeline))
    found: list[Gap] = []
    for timeline, first, final in _stretches(begin, last, way, segment_size):
        there = have.get(timeline, set())
        missing_from: int | None = None
        for number in range(first, final + 2):
            missing = number <= final and number not in there
            if missing and missing_from is None:
                missing_from = number
            elif not missing and missing_from is not None:
                found.append(
                    Gap(
                        segment_of_number(timeline, missing_from, segment_size),
                        segment_of_number(timeline, number - 1, segment_size),
                        number - missing_from,
                    )
                )
                missing_from = None
    return found


def last_without_gap(
    present: Collection[Segment],
    begin: Segment,
    way: Sequence[Leg] | None = None,
    segment_size: int = DEFAULT_SEGMENT_SIZE,
) -> Segment | None:
    """The newest segment that recovery from begin comes to along the way; None where begin itself is missing."""
    way = way or [Leg(begin.timeline, 0, None)]
    there = set(present)
    reached: Segment | None = None
    newest = max((segment.number(segment_size) for segment in there), default=-1)
    for timeline, first, last in _stretches(begin, newest, way, segment_size):
        for number in range(first, last + 1):
            segment = segment_of_number(timeline, number, segment_size)
            if segment not in there:
                return reached
            reached = segment
    return reached


def _newest(have: Mapping[int, set[int]], begin: Segment, way: Sequence[Leg], segment_size: int) -> int | None:
    """The number of the newest segment on the way, counting each fork that a later timeline's start proves."""
    _leg_of(begin, way, segment_size)
    last: int | None = None
    for leg in way:
        if leg.timeline < begin.timeline:
            continue
        first = max(leg.begin // segment_size, begin.number(segment_size))
        final = None if leg.end is None else leg.end // segment_size - 1
        numbers = [n for n in have.get(leg.timeline, set()) if n >= first and (final is None or n <= final)]
        if numbers:
            last = max(numbers)
        if final is not None and final >= begin.number(segment_size):
            # The next timeline exists, so everything before its fork was written.
            last = max(final, last or 0)
    return last


def _leg_of(segment: Segment, way: Sequence[Leg], segment_size: int) -> Leg:
    for leg in way:
        if leg.timeline == segment.timeline:
            if leg.end is not None and segment.begin_lsn(segment_size) > leg.end:
                raise WalError(
                    "WAL segment %s was written after timeline %d forked off at %s: it is not on the way to timeline %d"
                    % (segment, way[way.index(leg) + 1].timeline, format_lsn(leg.end), way[-1].timeline)
                )
            return leg
    raise WalError("timeline %d is not on the way to timeline %d" % (segment.timeline, way[-1].timeline))


def _stretches(begin: Segment, last: int, way: Sequence[Leg], segment_size: int) -> Iterator[tuple[int, int, int]]:
    """(timeline, first number, last number) of each timeline's part from begin to the segment number last."""
    _leg_of(begin, way, segment_size)
    number = begin.number(segment_size)
    for leg in way:
        if leg.timeline < begin.timeline:
            continue
        final = last if leg.end is None else min(last, leg.end // segment_size - 1)
        if final >= number:
            yield leg.timeline, number, final
            number = final + 1
