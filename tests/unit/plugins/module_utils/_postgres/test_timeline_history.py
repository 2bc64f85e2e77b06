# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Timeline histories, and WAL without a gap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.timeline_history import (
    TimelineSegment,
    gaps,
    history_from,
    history_of,
    last_without_gap,
    needed,
    newest_timeline,
    parse_history,
)
from tests.unit.plugins.module_utils._postgres.test_wal import seg, segs

HISTORY_3 = "1\t0/5000060\tno recovery target specified\n\n2\t0/8000000\tafter LSN 0/8000000\n"


def test_a_history_file_has_the_whole_history() -> None:
    assert parse_history(3, HISTORY_3) == [
        TimelineSegment(1, 0, 0x5000060),
        TimelineSegment(2, 0x5000060, 0x8000000),
        TimelineSegment(3, 0x8000000, None),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1\n", "can't be read"),
        ("one\t0/1\n", "can't be read"),
        ("2\t0/5\tx\n1\t0/6\tx\n", "not in order"),
        ("1\t0/0\tx\n", "not in order"),
        ("1\t0/5\tx\n3\t0/6\tx\n", "names timeline 3"),
        ("1\tx/y\tz\n", "has a line that can't be read: 1 x/y z"),
        ("\u00b2\t0/5\tx\n", "has a line that can't be read"),
        ("(\ufffd/\ufffd$)I\x01\x00 \x1b[2J\n", r"has a line that can't be read: \(\ufffd/\ufffd\$\)I\?\? \?\[2J$"),
    ],
)
def test_a_damaged_history_is_an_error(text: str, problem: str) -> None:
    with pytest.raises(wal.WalError, match=problem):
        parse_history(3, text)


def test_the_history_of_a_timeline_needs_its_own_history_file_only() -> None:
    assert history_of(1, {}) == [TimelineSegment(1, 0, None)]
    assert [part.timeline for part in history_of(3, {3: HISTORY_3})] == [1, 2, 3]
    with pytest.raises(wal.WalError, match=r"00000002\.history is missing"):
        history_of(2, {3: HISTORY_3})


def test_on_one_timeline_no_history_is_needed() -> None:
    """A server that was promoted before its WAL was archived."""
    assert history_from(2, 2, {}) == [TimelineSegment(2, 0, None)]
    assert [part.timeline for part in history_from(3, 3, {3: HISTORY_3})] == [1, 2, 3]
    with pytest.raises(wal.WalError, match=r"00000002\.history is missing"):
        history_from(1, 2, {3: HISTORY_3})


def test_the_newest_timeline_is_found_without_a_hole() -> None:
    assert newest_timeline(1, {2: "", 3: "", 5: ""}) == 3
    assert newest_timeline(4, {2: "", 3: "", 5: ""}) == 5
    assert newest_timeline(1, {}) == 1


def test_no_gap() -> None:
    assert gaps(segs(3, 4, 5), seg(3)) == []
    assert last_without_gap(segs(3, 4, 5), seg(3)) == seg(5)


def test_gaps_are_ranges_up_to_the_newest_segment() -> None:
    found = gaps(segs(2, 4, 7, 9), seg(3))
    assert [(gap.first, gap.last, gap.count) for gap in found] == [
        (seg(3), seg(3), 1),
        (seg(5), seg(6), 2),
        (seg(8), seg(8), 1),
    ]
    assert str(found[0]) == str(seg(3))
    assert str(found[1]) == f"{seg(5)} to {seg(6)} (2 segments)"
    assert last_without_gap(segs(2, 4, 7, 9), seg(3)) is None
    assert last_without_gap(segs(3, 4, 7), seg(3)) == seg(4)


def test_an_end_that_is_asked_for_is_missed() -> None:
    assert [str(gap) for gap in gaps(segs(3), seg(3), end=seg(5))] == [f"{seg(4)} to {seg(5)} (2 segments)"]
    assert gaps(segs(3, 4, 5, 7), seg(3), end=seg(5)) == []
    assert gaps(set(), seg(3)) == []


HISTORY = parse_history(3, HISTORY_3)  # 1 to segment 5, 2 from 5, 3 from 8


def test_the_segment_of_a_switch_point_is_read_on_the_new_timeline() -> None:
    assert list(needed(seg(3), seg(9, 3), HISTORY)) == [
        seg(3),
        seg(4),
        seg(5, 2),
        seg(6, 2),
        seg(7, 2),
        seg(8, 3),
        seg(9, 3),
    ]


def test_a_dead_branch_does_not_fill_a_gap() -> None:
    present = segs(3, 4, 5, 6, 7) | segs(6, 7, timeline=2) | segs(8, timeline=3)
    assert [str(gap) for gap in gaps(present, seg(3), HISTORY)] == [str(seg(5, 2))]
    assert last_without_gap(present, seg(3), HISTORY) == seg(4)


def test_a_timeline_that_goes_on_proves_that_the_one_before_was_written_to_the_switch_point() -> None:
    assert [str(gap) for gap in gaps(segs(3), seg(3), HISTORY)] == [
        str(seg(4)),
        f"{seg(5, 2)} to {seg(7, 2)} (3 segments)",
    ]


def test_a_begin_in_the_segment_of_a_switch_point_is_read_on_the_new_timeline() -> None:
    assert list(needed(seg(5), seg(6, 2), HISTORY)) == [seg(5, 2), seg(6, 2)]


def test_what_is_not_on_the_way_is_an_error() -> None:
    with pytest.raises(wal.WalError, match="written after the switch point 0/5000060 to timeline 2"):
        gaps(segs(6), seg(6), HISTORY)
    with pytest.raises(wal.WalError, match="timeline 4 is not in the history of timeline 3"):
        gaps(set(), seg(3, 4), HISTORY)
    with pytest.raises(wal.WalError, match="not in the history"):
        gaps(segs(3), seg(3), HISTORY, end=seg(9, 4))


@given(st.sets(st.integers(0, 40)), st.integers(0, 40), st.integers(0, 40))
def test_gaps_and_what_is_there_together_are_everything(numbers: set[int], begin: int, length: int) -> None:
    end = begin + length
    missing = set()
    for gap in gaps(segs(*numbers), seg(begin), end=seg(end)):
        missing |= set(range(gap.first.number(), gap.last.number() + 1))
        assert gap.count == gap.last.number() - gap.first.number() + 1
    assert missing == set(range(begin, end + 1)) - numbers


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.sets(st.tuples(st.integers(1, 5), st.integers(0, 25))),
    st.integers(0, 4),
)
def test_the_last_segment_without_a_gap_has_none_before_it(
    steps: list[int], present: set[tuple[int, int]], begin: int
) -> None:
    """On a history of several timelines, forked at every few segments."""
    lines, position = [], 4
    for timeline, step in enumerate(steps, 1):
        position += step
        lines.append(f"{timeline}\t{wal.format_lsn(position * wal.DEFAULT_SEGMENT_SIZE + 99)}\tx")
    target = len(steps) + 1
    history = parse_history(target, "\n".join(lines))
    there = {seg(number, timeline) for timeline, number in present}
    last = last_without_gap(there, seg(begin), history)
    missing = gaps(there, seg(begin), history)
    if last is None:
        assert not missing or missing[0].first.number() == begin
    else:
        assert set(needed(seg(begin), last, history)) <= there
        assert not missing or missing[0].first.number() == last.number() + 1


def test_a_recovery_that_stopped_before_the_timeline_that_it_followed() -> None:
    """PostgreSQL writes such a history: timeline 3 forked at 0/9000000, and a recovery along it stopped at 0/8000000, on timeline 2."""
    text = "1\t0/3000000\tone\n2\t0/9000000\ttwo\n3\t0/8000000\tthree\n"
    assert parse_history(4, text) == [
        TimelineSegment(1, 0, 0x3000000),
        TimelineSegment(2, 0x3000000, 0x8000000),
        TimelineSegment(3, 0x8000000, 0x8000000),
        TimelineSegment(4, 0x8000000, None),
    ]
    begin, last = wal.Segment(2, 0, 5), wal.Segment(4, 0, 9)
    history = parse_history(4, text)
    assert [str(one)[:8] + str(one)[-2:] for one in needed(begin, last, history)] == [
        "0000000205",
        "0000000206",
        "0000000207",
        "0000000408",
        "0000000409",
    ]
