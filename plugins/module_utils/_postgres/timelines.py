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

CHOOSE = "barman_recover_target_timeline=%s in the playbook, target_timeline: %s in the module"


class Files(Protocol):
    """What an archive has."""

    segments: dict[wal.Segment, str]
    partials: dict[wal.Segment, str]
    segment_size: int

    @property
    def histories(self) -> Mapping[int, str]: ...


@dataclass(frozen=True)
class Branch:
    """A timeline. way: from the first timeline to this one. first, last: its own segments; None if only its history is there."""

    timeline: int
    way: tuple[wal.Leg, ...]
    first: wal.Segment | None = None
    last: wal.Segment | None = None

    @property
    def ancestors(self) -> list[int]:
        return [leg.timeline for leg in self.way[:-1]]

    @property
    def parent(self) -> int | None:
        return self.way[-2].timeline if len(self.way) > 1 else None

    @property
    def switch(self) -> int | None:
        """The switch point: where it left its parent."""
        return self.way[-1].begin if len(self.way) > 1 else None

    def left(self, timeline: int) -> int | None:
        """Where the way to this timeline left another one; None if it never was on that."""
        return next((leg.end for leg in self.way[:-1] if leg.timeline == timeline), None)

    def as_dict(self) -> dict[str, Any]:
        return {
            "timeline": self.timeline,
            "parent": self.parent,
            "switch_lsn": None if self.switch is None else wal.format_lsn(self.switch),
            "first_wal": None if self.first is None else str(self.first),
            "last_wal": None if self.last is None else str(self.last),
        }

    def __str__(self) -> str:
        parts = ["timeline %d" % self.timeline]
        if self.switch is not None:
            parts.append("switch point %s from timeline %d" % (wal.format_lsn(self.switch), self.parent or 0))
        parts.append("WAL segments %s to %s" % (self.first, self.last) if self.first else "no WAL segments")
        return ", ".join(parts)


Tree = Mapping[int, Branch]


class Witness(Enum):
    """Who reports on which timeline the server is."""

    SERVER = "server"
    RECEIVER = "receiver"
    ARCHIVE = "archive"


@dataclass(frozen=True)
class Living:
    """The timeline on which the server is, or was last. text: who reports it, as a sentence's end."""

    timeline: int
    witness: Witness
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
        """Up to which position all of them are the same."""
        first = self.branches[0]
        return min(common(first.way, other.way) for other in self.branches[1:])


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
            way = wal.way_from(timeline, timeline, files.histories)
        except wal.WalError:
            way = [wal.Leg(timeline, 0, None)]
        found[timeline] = Branch(timeline, tuple(way), min(segments, default=None), max(segments, default=None))
    return found


def common(one: Iterable[wal.Leg], other: Iterable[wal.Leg]) -> int:
    """Up to which position two ways are the same."""
    end = 0
    for mine, theirs in zip(one, other):
        if mine.timeline != theirs.timeline:
            return end
        ends = [leg.end for leg in (mine, theirs) if leg.end is not None]
        if mine.end != theirs.end:
            return min(ends)
        end = min(ends, default=end)
    return end


def leaves(tree: Tree, goes_on: Callable[[Branch, int], bool]) -> list[Branch]:
    """The branches that no other one continues. goes_on: whether a branch has a commit of its own after a position."""
    found: list[Branch] = []
    for branch in tree.values():
        switches = [end for end in (other.left(branch.timeline) for other in tree.values()) if end is not None]
        if not switches or goes_on(branch, max(switches)):
            found.append(branch)
    return found


def latest(tree: Tree, ends: Collection[Branch], living: Living | None) -> Choice | Conflict:
    """What "latest" means: the branch of the living server. ends: the tree's leaves."""
    candidates = list(ends)
    if living is not None and living.timeline in tree:
        own = tree[living.timeline]
        if living.witness is Witness.SERVER or own in candidates:
            return _choice(own, candidates, living)
        # It was promoted since: the branch goes on where the last known timeline ended.
        points = {end.timeline: end.left(own.timeline) or -1 for end in candidates}
        last = max(points.values())
        following = [end for end in candidates if last >= 0 and points[end.timeline] == last]
        if len(following) == 1:
            return _choice(following[0], candidates, living)
    if len(candidates) == 1:
        return Choice(candidates[0].timeline)
    return Conflict(tuple(candidates))


def _choice(own: Branch, ends: Iterable[Branch], living: Living) -> Choice:
    # What the server itself left behind, by a recovery to an earlier point, is no other branch.
    others = [end for end in ends if end != own and end.timeline not in own.ancestors]
    return Choice(own.timeline, living.text, tuple(others))


def recorded(newest: int | None, receiver: int | None, backup: int | None) -> Living | None:
    """On which timeline the server was last, by what it left here; None if that contradicts itself.

    newest: the timeline of the WAL that was written last. receiver: that of the receiver's newest file, None without a receiver.
    backup: that of the newest backup. One alone proves nothing: a restored copy that runs on archives later than a server that is dead.
    """
    if newest is None:
        return None
    if receiver is not None:
        if receiver != newest:
            return None
        return Living(newest, Witness.RECEIVER, "the WAL receiver was on it last, and no newer WAL is of another one")
    if backup != newest:
        return None
    return Living(newest, Witness.ARCHIVE, "the newest backup and the newest archived WAL are of it")


def unproven(tree: Tree, backups: Iterable[int]) -> list[Branch]:
    """The branches on which no backup was taken, nor on one that continues them. backups: the backups' timelines."""
    known = {one for timeline in backups if timeline in tree for one in (timeline, *tree[timeline].ancestors)}
    return [branch for branch in tree.values() if branch.timeline not in known]


def foreign(tree: Tree, backups: Iterable[int], present: int) -> list[Branch]:
    """The branches on which the server never was, as far as is known. present: the server's timeline now."""
    return unproven(tree, [*backups, present])
