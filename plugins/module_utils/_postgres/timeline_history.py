# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Histories of timelines, and the WAL segments that a recovery along one of them reads.

This module util is private to the collection. Nothing here reads or writes files.

A timeline history is a list of timeline segments, from the first timeline to the one that it is of. The switch point is the
position at which a timeline segment ends and the next one begins (timeline.c).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from .wal import (
    DEFAULT_SEGMENT_SIZE,
    Segment,
    WalError,
    format_lsn,
    is_lsn,
    parse_lsn,
    segment_of_number,
    segments_per_log,
)


@dataclass(frozen=True)
class TimelineSegment:
    """One timeline's part of a timeline history. end: the switch point to the next one; None for the last."""

    timeline: int
    begin: int
    end: int | None


def parse_history(timeline: int, text: str) -> list[TimelineSegment]:
    """The history of a timeline, from its history file's text. Raises WalError.

    Every history file has the whole history, back to the first timeline.
    """
    parts: list[TimelineSegment] = []
    begin = newest = 0
    for line in text.splitlines():
        fields = line.split(None, 2)
        if not fields or fields[0].startswith("#"):
            continue
        if len(fields) < 2 or not fields[0].isdecimal() or not is_lsn(fields[1]):
            raise WalError(f"the history of timeline {timeline} has a line that can't be read: {_shown(line)}")
        parent, switch = int(fields[0]), parse_lsn(fields[1])
        if parent <= newest or switch == 0:
            raise WalError(f"the history of timeline {timeline} is not in order: {_shown(line)}")
        newest = parent
        # A recovery towards the parent may have stopped before the parent begins. Then nothing of the parent is in the history
        # (tliOfPointInHistory in timeline.c).
        parts = [TimelineSegment(one.timeline, min(one.begin, switch), min(one.end or 0, switch)) for one in parts]
        parts.append(TimelineSegment(parent, min(begin, switch), switch))
        begin = switch
    if newest >= timeline:
        raise WalError(f"the history of timeline {timeline} names timeline {parts[-1].timeline}")
    return [*parts, TimelineSegment(timeline, begin, None)]


def _shown(line: str) -> str:
    """A line of a file for a message, without bytes that a terminal takes for commands."""
    text = "".join(character if character.isprintable() else "?" for character in " ".join(line.split()))
    return text if len(text) <= 80 else text[:80] + "..."


def history_of(timeline: int, histories: Mapping[int, str]) -> list[TimelineSegment]:
    """The history of a timeline. histories: the texts of the history files, by timeline. Raises WalError if its own is missing.

    Timeline 1 has no history file.
    """
    if timeline in histories:
        return parse_history(timeline, histories[timeline])
    if timeline == 1:
        return [TimelineSegment(1, 0, None)]
    raise WalError(
        f"the history file {timeline:08X}.history is missing; without it nothing can be recovered to timeline "
        f"{timeline}"
    )


def history_from(start: int, timeline: int, histories: Mapping[int, str]) -> list[TimelineSegment]:
    """The history along which PostgreSQL recovers from a backup on timeline start to a timeline. Raises WalError.

    A server that was promoted before anybody archived its WAL has no history file in the archive. On one timeline PostgreSQL needs none.
    """
    if start == timeline and timeline not in histories:
        return [TimelineSegment(timeline, 0, None)]
    return history_of(timeline, histories)


def newest_timeline(start: int, histories: Mapping[int, str]) -> int:
    """The timeline that PostgreSQL recovers to as "latest" from a backup on timeline start.

    It follows the history files there are upwards from start without a hole, and takes the last.
    """
    newest = start
    while newest + 1 in histories:
        newest += 1
    return newest


@dataclass(frozen=True)
class WalGap:
    """Segments that are missing, first to last, on one timeline."""

    first: Segment
    last: Segment
    count: int

    def __str__(self) -> str:
        if self.count == 1:
            return str(self.first)
        return f"{self.first} to {self.last} ({self.count} segments)"


def needed(
    begin: Segment, end: Segment, history: Sequence[TimelineSegment], segment_size: int = DEFAULT_SEGMENT_SIZE
) -> Iterator[Segment]:
    """The WAL segments that recovery reads from begin to end along a history. Raises WalError if begin is not in the history.

    The WAL segment of a switch point is read on the new timeline: it starts there as a copy.
    """
    for timeline, first, last in _stretches(begin, end.number(segment_size), history, segment_size):
        for number in range(first, last + 1):
            yield segment_of_number(timeline, number, segment_size)


def gaps(
    present: Collection[Segment],
    begin: Segment,
    history: Sequence[TimelineSegment] | None = None,
    segment_size: int = DEFAULT_SEGMENT_SIZE,
    end: Segment | None = None,
) -> list[WalGap]:
    """The gaps from begin to end along a history.

    history: by default only the timeline of begin. end: by default the newest segment that is present.
    Raises WalError if begin or end is not in the history.
    """
    return gaps_of_numbers(numbers_of(present, segment_size), begin, history, segment_size, end)


def numbers_of(present: Iterable[Segment], segment_size: int = DEFAULT_SEGMENT_SIZE) -> dict[int, set[int]]:
    """The numbers of the segments, by timeline."""
    per_log = segments_per_log(segment_size)
    have: dict[int, set[int]] = {}
    for segment in present:
        timeline, log, seg = segment
        if seg >= per_log:
            # Raises the error.
            segment.number(segment_size)
        have.setdefault(timeline, set()).add(log * per_log + seg)
    return have


def gaps_of_numbers(
    have: Mapping[int, Set[int]],
    begin: Segment,
    history: Sequence[TimelineSegment] | None = None,
    segment_size: int = DEFAULT_SEGMENT_SIZE,
    end: Segment | None = None,
) -> list[WalGap]:
    """As gaps(), for segments as numbers_of() returns them."""
    history = history or [TimelineSegment(begin.timeline, 0, None)]
    if end is None:
        last = _newest(have, begin, history, segment_size)
        if last is None:
            return []
    else:
        last = end.number(segment_size)
        if end.timeline not in [part.timeline for part in history]:
            raise WalError(f"WAL segment {end} is not in the history of timeline {history[-1].timeline}")
    found: list[WalGap] = []
    for timeline, first, final in _stretches(begin, last, history, segment_size):
        missing = sorted(set(range(first, final + 1)).difference(have.get(timeline, ())))
        for start, stop in runs(missing):
            found.append(
                WalGap(
                    segment_of_number(timeline, start, segment_size),
                    segment_of_number(timeline, stop, segment_size),
                    stop - start + 1,
                )
            )
    return found


def runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The runs of consecutive numbers, first and last. numbers: in order."""
    start = 0
    for place in range(1, len(numbers) + 1):
        if place == len(numbers) or numbers[place] != numbers[place - 1] + 1:
            yield numbers[start], numbers[place - 1]
            start = place


def last_without_gap(
    present: Collection[Segment],
    begin: Segment,
    history: Sequence[TimelineSegment] | None = None,
    segment_size: int = DEFAULT_SEGMENT_SIZE,
) -> Segment | None:
    """The newest segment that recovery from begin reaches along a history; None if begin itself is missing."""
    history = history or [TimelineSegment(begin.timeline, 0, None)]
    there = set(present)
    reached: Segment | None = None
    newest = max((segment.number(segment_size) for segment in there), default=-1)
    for timeline, first, last in _stretches(begin, newest, history, segment_size):
        for number in range(first, last + 1):
            segment = segment_of_number(timeline, number, segment_size)
            if segment not in there:
                return reached
            reached = segment
    return reached


def _newest(
    have: Mapping[int, Set[int]], begin: Segment, history: Sequence[TimelineSegment], segment_size: int
) -> int | None:
    """The number of the newest segment in the history. The start of a later timeline proves that everything before its switch point was written."""
    _part_of(begin, history, segment_size)
    last: int | None = None
    for part in history:
        if part.timeline < begin.timeline:
            continue
        first = max(part.begin // segment_size, begin.number(segment_size))
        final = None if part.end is None else part.end // segment_size - 1
        there = have.get(part.timeline)
        if there and max(there) >= first:
            # Later ones on this timeline are not in the history.
            numbers = there if final is None else [number for number in there if first <= number <= final]
            last = max(numbers, default=last)
        if final is not None and final >= begin.number(segment_size):
            last = max(final, last or 0)
    return last


def _part_of(segment: Segment, history: Sequence[TimelineSegment], segment_size: int) -> TimelineSegment:
    for part in history:
        if part.timeline == segment.timeline:
            if part.end is not None and segment.begin_lsn(segment_size) > part.end:
                raise WalError(
                    f"WAL segment {segment} was written after the switch point {format_lsn(part.end)} to timeline "
                    f"{history[history.index(part) + 1].timeline}: it is not in the history "
                    f"of timeline {history[-1].timeline}"
                )
            return part
    raise WalError(f"timeline {segment.timeline} is not in the history of timeline {history[-1].timeline}")


def _stretches(
    begin: Segment, last: int, history: Sequence[TimelineSegment], segment_size: int
) -> Iterator[tuple[int, int, int]]:
    """(timeline, first number, last number) of each timeline's part from begin to the segment number last."""
    _part_of(begin, history, segment_size)
    number = begin.number(segment_size)
    for part in history:
        if part.timeline < begin.timeline:
            continue
        final = last if part.end is None else min(last, part.end // segment_size - 1)
        if final >= number:
            yield part.timeline, number, final
            number = final + 1
