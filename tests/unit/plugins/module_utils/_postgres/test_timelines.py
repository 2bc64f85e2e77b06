# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._barman.archive import Archive
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.timelines import (
    Branch,
    Choice,
    Conflict,
    ServerTimeline,
    TimelineSource,
    branch_ends,
    divergence,
    foreign,
    latest,
    read_branches,
    recorded,
    unproven,
)

SIZE = wal.DEFAULT_SEGMENT_SIZE


def archive(present: dict[int, tuple[int, int]], histories: dict[int, list[tuple[int, int]]]) -> Archive:
    """present: of each timeline the first and the last segment. histories: the timelines before, and where each was left."""
    segments = {
        wal.segment_of_number(timeline, number): ""
        for timeline, (first, last) in present.items()
        for number in range(first, last + 1)
    }
    texts = {
        timeline: "".join(f"{parent}\t{wal.format_lsn(lsn)}\tx\n" for parent, lsn in before)
        for timeline, before in histories.items()
    }
    return Archive(segments, {}, texts)


def at(number: int, offset: int = 100) -> int:
    return number * SIZE + offset


def server_on(timeline: int, source: TimelineSource = TimelineSource.SERVER) -> ServerTimeline:
    return ServerTimeline(timeline, source, "PostgreSQL is on it now")


def always(branch: Branch, lsn: int) -> bool:
    """By names alone: whether there is a segment after the one of the switch point."""
    return branch.last is not None and branch.last.number() > lsn // SIZE


# 1 ── 2 (left 1 at 6) ── 3 (left 2 at 8)
CHAIN = archive({1: (2, 6), 2: (6, 8), 3: (8, 9)}, {2: [(1, at(6))], 3: [(1, at(6)), (2, at(8))]})
# 1 goes on; 2 left it at 4.
FOREIGN = archive({1: (2, 9), 2: (4, 5)}, {2: [(1, at(4))]})


def test_a_chain_has_one_leaf() -> None:
    tree = read_branches(CHAIN)
    assert [one.timeline for one in branch_ends(tree, always)] == [3]
    assert (tree[3].parent, tree[3].switch, tree[3].ancestors) == (2, at(8), [1, 2])
    assert latest(tree, branch_ends(tree, always), None) == Choice(3)


def test_a_timeline_whose_wal_is_gone_still_leads_to_the_next_one() -> None:
    tree = read_branches(archive({1: (2, 6), 3: (8, 9)}, {3: [(1, at(6)), (2, at(8))]}))
    assert [one.timeline for one in branch_ends(tree, always)] == [3]


def test_the_living_server_chooses() -> None:
    tree = read_branches(FOREIGN)
    ends = branch_ends(tree, always)
    assert [one.timeline for one in ends] == [1, 2]
    assert latest(tree, ends, server_on(1)) == Choice(1, "PostgreSQL is on it now", (tree[2],))
    # What the server left behind itself is no other branch.
    assert latest(tree, ends, server_on(2)) == Choice(2, "PostgreSQL is on it now", ())
    found = latest(tree, ends, None)
    assert isinstance(found, Conflict)
    assert found.divergence == at(4)


def test_a_living_server_that_wrote_nothing_since_is_on_its_own_branch() -> None:
    """Only its own word tells that from a promotion."""
    tree = read_branches(archive({1: (2, 4), 2: (4, 5)}, {2: [(1, at(4))]}))
    ends = branch_ends(tree, always)
    assert [one.timeline for one in ends] == [2]
    assert latest(tree, ends, server_on(1)) == Choice(1, "PostgreSQL is on it now", (tree[2],))
    assert latest(tree, ends, server_on(1, TimelineSource.RECEIVER)) == Choice(2, "PostgreSQL is on it now", ())
    assert latest(tree, ends, None) == Choice(2)


def test_a_promotion_after_the_last_sight_is_followed_and_two_are_not() -> None:
    two = archive({1: (2, 6), 2: (6, 7), 3: (6, 9)}, {2: [(1, at(6))], 3: [(1, at(6))]})
    tree = read_branches(two)
    assert isinstance(latest(tree, branch_ends(tree, always), server_on(1, TimelineSource.ARCHIVE)), Conflict)
    later = archive({1: (2, 6), 2: (4, 7), 3: (6, 9)}, {2: [(1, at(4))], 3: [(1, at(6))]})
    tree = read_branches(later)
    found = latest(tree, branch_ends(tree, always), server_on(1, TimelineSource.ARCHIVE))
    assert isinstance(found, Choice)
    assert (found.timeline, [one.timeline for one in found.others]) == (3, [2])


def test_a_server_on_a_timeline_that_is_not_archived_chooses_nothing() -> None:
    tree = read_branches(FOREIGN)
    assert isinstance(latest(tree, branch_ends(tree, always), server_on(7)), Conflict)


def test_a_history_that_is_missing_or_damaged_leaves_a_timeline_alone() -> None:
    tree = read_branches(archive({1: (2, 3), 2: (3, 4)}, {}), [5])
    assert sorted(tree) == [1, 2, 5]
    assert [one.ancestors for one in tree.values()] == [[], [], []]
    damaged = Archive({}, {}, {2: "\x00\x01", 3: "2\t0/5000000\tx\n"})
    assert [one.ancestors for one in read_branches(damaged).values()] == [[], [2]]


@pytest.mark.parametrize(
    ("newest", "receiver", "backup", "expected"),
    [
        (1, 1, 1, (1, TimelineSource.RECEIVER)),
        # Promoted, and no backup since.
        (2, 2, 1, (2, TimelineSource.RECEIVER)),
        (1, None, 1, (1, TimelineSource.ARCHIVE)),
        # A promotion, or a restored copy that runs on while the server is dead.
        (2, None, 1, None),
        (2, 1, 1, None),
        (None, None, 1, None),
        (1, None, None, None),
    ],
)
def test_the_timeline_of_a_server_that_is_down_comes_from_the_archive(
    newest: int | None, receiver: int | None, backup: int | None, expected: tuple[int, TimelineSource] | None
) -> None:
    found = recorded(newest, receiver, backup)
    assert (None if found is None else (found.timeline, found.source)) == expected


def test_a_branch_that_the_server_was_never_on() -> None:
    tree = read_branches(FOREIGN)
    assert [one.timeline for one in unproven(tree, [1])] == [2]
    assert [one.timeline for one in foreign(tree, [1], 1)] == [2]
    assert foreign(tree, [1], 2) == []
    # It was recovered to an earlier point, and backed up there, and then again.
    twice = read_branches(archive({1: (2, 9), 2: (4, 5), 3: (3, 9)}, {2: [(1, at(4))], 3: [(1, at(3))]}))
    assert foreign(twice, [1, 2], 3) == []
    assert [one.timeline for one in foreign(twice, [1], 3)] == [2]
    assert str(foreign(tree, [1], 1)[0]) == (
        "timeline 2, switch point 0/4000064 from timeline 1, WAL segments 000000020000000000000004 to "
        "000000020000000000000005"
    )


@given(st.data())
def test_every_timeline_is_continued_or_a_leaf(data: st.DataObject) -> None:
    """Any tree: each timeline leaves an earlier one after that one began."""
    histories: dict[int, list[tuple[int, int]]] = {1: []}
    for timeline in range(2, data.draw(st.integers(2, 7))):
        parent = data.draw(st.sampled_from(sorted(histories)))
        begin = histories[parent][-1][1] // SIZE if histories[parent] else 1
        histories[timeline] = [*histories[parent], (parent, at(begin + data.draw(st.integers(0, 4))))]
    last = {
        timeline: (before[-1][1] // SIZE if before else 1) + data.draw(st.integers(0, 6))
        for timeline, before in histories.items()
    }
    present = {
        timeline: ((before[-1][1] // SIZE if before else 1), last[timeline]) for timeline, before in histories.items()
    }
    tree = read_branches(archive(present, {timeline: before for timeline, before in histories.items() if before}))
    ends = branch_ends(tree, always)
    assert ends
    for branch in tree.values():
        assert branch in ends or any(branch.timeline in end.ancestors for end in ends)
        found = latest(tree, ends, server_on(branch.timeline))
        assert isinstance(found, Choice)
        assert found.timeline == branch.timeline
    for one in ends:
        for other in ends:
            assert divergence(one.history, other.history) == divergence(other.history, one.history)
