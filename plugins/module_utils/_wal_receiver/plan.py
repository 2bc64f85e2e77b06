# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The start position of a WAL receiver, and the steps before it: values to a plan.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .._barman.catalog import Backup
from .._barman.locks import SETTLED_AFTER
from .._postgres import timeline_history, wal
from .._postgres.slots import Slot, WalSender
from .._postgres.wal_position import (
    WalPosition,
)


@dataclass(frozen=True)
class Position:
    """Where pg_receivewal goes on, from what is in its directory. file: the name that decides it."""

    segment: wal.Segment
    file: str | None = None


@dataclass(frozen=True)
class Archived:
    """What is here of a server's WAL. newest: the newest of the archived segments; segments: those and the received ones."""

    newest: wal.Segment | None
    archived: frozenset[wal.Segment]
    segments: frozenset[wal.Segment]
    received: tuple[tuple[str, int], ...]
    histories: Mapping[int, str]


@dataclass(frozen=True)
class Observation:
    """A server's receiver as it is now. sender: the WAL sender that serves it."""

    slot: Slot | None
    pid: int | None
    sender: WalSender | None
    position: WalPosition
    archived: Archived

    @property
    def works(self) -> bool:
        streams = self.sender is not None and self.sender.state in ("streaming", "catchup")
        return self.pid is not None and (streams or (self.slot is not None and self.slot.active))

    @property
    def settled(self) -> bool:
        """The receiver did not start only a moment ago."""
        young = self.sender is not None and self.sender.age is not None and self.sender.age < SETTLED_AFTER
        return self.works and not young


@dataclass(frozen=True)
class Reset:
    """A new start. start: the segment to begin with. set_aside: files of the receiver's directory that must go."""

    reason: str
    start: wal.Segment
    set_aside: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReceiverPlan:
    """What has to be done, in this order."""

    stop: bool = False
    drop_slot: bool = False
    reset: Reset | None = None
    begin_at: wal.Segment | None = None
    create_slot: bool = False
    start: bool = False
    prove: bool = False

    @property
    def changes(self) -> bool:
        return self.stop or self.drop_slot or self.create_slot or self.start or self.prove or self.reset is not None


def receiver_position(files: Iterable[tuple[str, int]], segment_size: int) -> Position | None:
    """Where pg_receivewal goes on with these files (name, size) in its directory; None if they contain none.

    It takes the newest segment of any timeline: a complete one is done, a partial one is begun anew.
    """
    best: tuple[int, int, bool] | None = None
    name = None
    for file_name, size in files:
        file = wal.parse(file_name)
        if file is None or file.segment is None or file.kind not in ("segment", "partial"):
            continue
        complete = file.kind == "segment"
        if complete and file_name == str(file.segment) and size != segment_size:
            continue
        key = (file.segment.number(segment_size), file.timeline, complete)
        if best is None or key > best:
            best, name = key, file_name
    if best is None:
        return None
    number, timeline, complete = best
    return Position(wal.segment_of_number(timeline, number + 1 if complete else number, segment_size), name)


def to_set_aside(files: Iterable[tuple[str, int]], start: wal.Segment, segment_size: int) -> tuple[str, ...]:
    """The files that would make pg_receivewal go on elsewhere than at start."""
    names: list[str] = []
    for name, dummy in files:
        file = wal.parse(name)
        if file is None or file.segment is None or file.kind == "backup_label":
            continue
        own = (file.segment.number(segment_size), file.timeline)
        if own >= (start.number(segment_size), start.timeline) or (file.kind == "partial" and file.segment != start):
            names.append(name)
    return tuple(sorted(names))


def switch_segment(
    timeline: int, history: Sequence[timeline_history.TimelineSegment], segment_size: int
) -> wal.Segment | None:
    """The segment in which the history leaves a timeline, on the timeline that it goes over to; None where it never was on it."""
    for segment, following in zip(history, history[1:]):
        if segment.timeline == timeline and segment.end is not None:
            return wal.segment_of_lsn(following.timeline, segment.end, segment_size)
    return None


def reset_start(
    segments: Iterable[wal.Segment],
    backups: Sequence[Backup],
    history: Sequence[timeline_history.TimelineSegment],
    position: Position | None,
    segment_size: int,
) -> wal.Segment | None:
    """Where a new start on this history leaves no gap: after what the newest backup on it has without one."""
    present = frozenset(segments)
    good = [backup for backup in backups if backup.copied and backup.begin_wal]
    for backup in sorted(good, key=lambda item: item.backup_id, reverse=True):
        begin = wal.parse_segment(str(backup.begin_wal))
        try:
            last = timeline_history.last_without_gap(present, begin, history, segment_size)
        except wal.WalError:
            # Taken on a branch that this server is not on.
            continue
        return on_history((last or begin).number(segment_size) + (1 if last else 0), history, segment_size)
    if position is None:
        return None
    if position.segment.timeline == history[-1].timeline:
        return position.segment
    switch = switch_segment(position.segment.timeline, history, segment_size)
    return switch or on_history(position.segment.number(segment_size), history, segment_size)


def continuity(
    segments: Iterable[wal.Segment],
    backups: Sequence[Backup],
    history: Sequence[timeline_history.TimelineSegment],
    start: wal.Segment,
    segment_size: int,
) -> tuple[bool, list[timeline_history.WalGap]]:
    """Whether some valid backup can be recovered up to start, and if not, what is missing for the newest one.

    (True, []) also if there is no backup yet.
    """
    present = frozenset(segments)
    good = [backup for backup in backups if backup.copied and backup.begin_wal]
    number = start.number(segment_size) - 1
    first_gaps: list[timeline_history.WalGap] | None = None
    for backup in sorted(good, key=lambda item: item.backup_id, reverse=True):
        begin = wal.parse_segment(str(backup.begin_wal))
        if number < begin.number(segment_size):
            return True, []
        try:
            end = on_history(number, history, segment_size)
            missing = timeline_history.gaps(present, begin, history, segment_size, end)
        except wal.WalError:
            # Its timeline was left before it: this server's history does not begin with that backup.
            continue
        if not missing:
            return True, []
        if first_gaps is None:
            first_gaps = missing
    return not good, first_gaps or []


def nothing_archived_yet(observed: Observation) -> bool:
    """Whether what is received never came into the archive: nothing did, or nothing of the timeline that the server switched to."""
    newest = observed.archived.newest
    position = receiver_position(observed.archived.received, observed.position.segment_size)
    return newest is None or (position is not None and position.segment.timeline > newest.timeline)


def on_history(number: int, history: Sequence[timeline_history.TimelineSegment], segment_size: int) -> wal.Segment:
    for segment in history:
        if segment.end is None or number < segment.end // segment_size:
            return wal.segment_of_number(segment.timeline, number, segment_size)
    return wal.segment_of_number(history[-1].timeline, number, segment_size)
