# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tree of timelines in an archive: which continues which, and on which of them the server is.

This module util is private to the collection. Nothing here reads or writes files.

PostgreSQL takes the highest timeline as "latest". That is wrong if somebody promoted a restored copy that archived to the same
place: the server itself went on, on a lower timeline.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from . import wal
from .timeline_history import TimelineSegment, history_from

CHOOSE = "barman_recover_target_timeline=%s in the playbook, target_timeline: %s in the module"


class Files(Protocol):
    """What an archive has."""

    segments: dict[wal.Segment, str]
    partials: dict[wal.Segment, str]
    segment_size: int

    @property
    def histories(self) -> Mapping[int, str]:
        """The texts of the history files, by timeline."""


@dataclass(frozen=True)
class Branch:
    """A timeline of an archive. first, last: its own WAL segments; None if the archive has only its history file."""

    timeline: int
    history: tuple[TimelineSegment, ...]
    first: wal.Segment | None = None
    last: wal.Segment | None = None

    @property
    def ancestors(self) -> list[int]:
        return [part.timeline for part in self.history[:-1]]

    @property
    def parent(self) -> int | None:
        return self.history[-2].timeline if len(self.history) > 1 else None

    @property
    def switch(self) -> int | None:
        """The switch point from its parent."""
        return self.history[-1].begin if len(self.history) > 1 else None

    def left(self, timeline: int) -> int | None:
        """The switch point at which its history left another timeline; None if that timeline is not in its history."""
        return next((part.end for part in self.history[:-1] if part.timeline == timeline), None)

    def as_dict(self) -> dict[str, Any]:
        return {
            "timeline": self.timeline,
            "parent": self.parent,
            "switch_lsn": None if self.switch is None else wal.format_lsn(self.switch),
            "first_wal": None if self.first is None else str(self.first),
            "last_wal": None if self.last is None else str(self.last),
        }

    def __str__(self) -> str:
        parts = [f"timeline {self.timeline}"]
        if self.switch is not None:
            parts.append(f"switch point {wal.format_lsn(self.switch)} from timeline {self.parent or 0}")
        parts.append(f"WAL segments {self.first} to {self.last}" if self.first else "no WAL segments")
        return ", ".join(parts)


Tree = Mapping[int, Branch]


class TimelineSource(Enum):
    """What the server's timeline is known from."""

    SERVER = "server"
    RECEIVER = "receiver"
    ARCHIVE = "archive"


@dataclass(frozen=True)
class ServerTimeline:
    """The timeline on which the server is, or was last. text: what it is known from, for messages."""

    timeline: int
    source: TimelineSource
    text: str


@dataclass(frozen=True)
class Choice:
    """The timeline to recover to. others: the branches that it does not have."""

    timeline: int
    reason: str = ""
    others: tuple[Branch, ...] = ()


@dataclass(frozen=True)
class Conflict:
    """Branches of which none continues another, and it is not known on which the server was."""

    branches: tuple[Branch, ...]

    @property
    def divergence(self) -> int:
        """The position up to which all of them are the same."""
        first = self.branches[0]
        return min(divergence(first.history, other.history) for other in self.branches[1:])


def read_branches(files: Files, others: Iterable[int] = ()) -> dict[int, Branch]:
    """Every timeline of the archive, and others (those of the backups), by number.

    A history that is missing or damaged leaves the timeline without ancestors.
    """
    own: dict[int, list[wal.Segment]] = {timeline: [] for timeline in (*files.histories, *others)}
    for segment in (*files.segments, *files.partials):
        own.setdefault(segment.timeline, []).append(segment)
    found: dict[int, Branch] = {}
    for timeline, segments in sorted(own.items()):
        try:
            history = history_from(timeline, timeline, files.histories)
        except wal.WalError:
            history = [TimelineSegment(timeline, 0, None)]
        found[timeline] = Branch(timeline, tuple(history), min(segments, default=None), max(segments, default=None))
    return found


def divergence(one: Iterable[TimelineSegment], other: Iterable[TimelineSegment]) -> int:
    """The position up to which two histories are the same."""
    end = 0
    for first, second in zip(one, other):
        if first.timeline != second.timeline:
            return end
        ends = [segment.end for segment in (first, second) if segment.end is not None]
        if first.end != second.end:
            return min(ends)
        end = min(ends, default=end)
    return end


def branch_ends(tree: Tree, goes_on: Callable[[Branch, int], bool]) -> list[Branch]:
    """The branches that no other one continues. goes_on: whether a branch has a commit of its own after a position."""
    found: list[Branch] = []
    for branch in tree.values():
        switches = [end for end in (other.left(branch.timeline) for other in tree.values()) if end is not None]
        if not switches or goes_on(branch, max(switches)):
            found.append(branch)
    return found


def latest(tree: Tree, ends: Collection[Branch], server_timeline: ServerTimeline | None) -> Choice | Conflict:
    """What "latest" means: the branch of the server. ends: the tree's leaves."""
    candidates = list(ends)
    if server_timeline is not None and server_timeline.timeline in tree:
        own = tree[server_timeline.timeline]
        if server_timeline.source is TimelineSource.SERVER or own in candidates:
            return _choice(own, candidates, server_timeline)
        # It was promoted since: the branch goes on where the last known timeline ended.
        points = {end.timeline: end.left(own.timeline) or -1 for end in candidates}
        last = max(points.values())
        following = [end for end in candidates if last >= 0 and points[end.timeline] == last]
        if len(following) == 1:
            return _choice(following[0], candidates, server_timeline)
    if len(candidates) == 1:
        return Choice(candidates[0].timeline)
    return Conflict(tuple(candidates))


def _choice(own: Branch, ends: Iterable[Branch], server_timeline: ServerTimeline) -> Choice:
    # What the server itself left behind, by a recovery to an earlier point, is no other branch.
    others = [end for end in ends if end != own and end.timeline not in own.ancestors]
    return Choice(own.timeline, server_timeline.text, tuple(others))


def recorded(newest: int | None, receiver: int | None, backup: int | None) -> ServerTimeline | None:
    """On which timeline the server was last, by what it left here; None if that contradicts itself.

    newest: the timeline of the WAL that was written last. receiver: that of the receiver's newest file, None without a receiver.
    backup: that of the newest backup. One alone proves nothing: a restored copy that runs on archives later than a server that is dead.
    """
    if newest is None:
        return None
    if receiver is not None:
        if receiver != newest:
            return None
        return ServerTimeline(
            newest, TimelineSource.RECEIVER, "the WAL receiver was on it last, and no newer WAL is of another one"
        )
    if backup != newest:
        return None
    return ServerTimeline(newest, TimelineSource.ARCHIVE, "the newest backup and the newest archived WAL are of it")


def unproven(tree: Tree, backups: Iterable[int]) -> list[Branch]:
    """The branches on which no backup was taken, nor on one that continues them. backups: the backups' timelines."""
    known = {one for timeline in backups if timeline in tree for one in (timeline, *tree[timeline].ancestors)}
    return [branch for branch in tree.values() if branch.timeline not in known]


def foreign(tree: Tree, backups: Iterable[int], present: int) -> list[Branch]:
    """The branches on which the server never was, as far as is known. present: the server's timeline now."""
    return unproven(tree, [*backups, present])
