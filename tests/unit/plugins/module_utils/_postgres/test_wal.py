# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of WAL, timelines and continuity."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal

MIB = 1 << 20
SIZES = st.sampled_from([1 << power for power in range(20, 31)])
TIMELINES = st.integers(1, 0xFFFFFFFF)
LSNS = st.integers(0, (1 << 64) - 1)


def seg(number: int, timeline: int = 1) -> wal.Segment:
    return wal.segment_of_number(timeline, number)


def segs(*numbers: int, timeline: int = 1) -> set[wal.Segment]:
    return {seg(number, timeline) for number in numbers}


@given(TIMELINES, LSNS, SIZES)
def test_a_segment_has_its_lsn_and_its_name_says_which_it_is(timeline: int, lsn: int, size: int) -> None:
    segment = wal.segment_of_lsn(timeline, lsn, size)
    assert segment.begin_lsn(size) <= lsn < segment.begin_lsn(size) + size
    assert wal.parse_segment(str(segment)) == segment
    assert wal.segment_of_number(timeline, segment.number(size), size) == segment


@given(TIMELINES, st.integers(0, (1 << 33) - 2), SIZES)
def test_the_next_segment_follows_in_number_and_in_order(timeline: int, number: int, size: int) -> None:
    number %= (1 << 64) // size - 1
    segment = wal.segment_of_number(timeline, number, size)
    following = segment.next(size)
    assert following.begin_lsn(size) == segment.begin_lsn(size) + size
    assert following > segment
    assert str(following) > str(segment)


@given(LSNS)
def test_an_lsn_is_written_and_read(lsn: int) -> None:
    assert wal.parse_lsn(wal.format_lsn(lsn)) == lsn


@given(st.text(max_size=40))
def test_any_text_is_a_wal_file_s_name_or_not(text: str) -> None:
    found = wal.parse(text)
    assert found is None or found.name in text


@pytest.mark.parametrize(
    ("name", "kind", "clean"),
    [
        ("0000000100000000000000FF", "segment", "0000000100000000000000FF"),
        ("0000000100000000000000FF.gz", "segment", "0000000100000000000000FF"),
        ("0000000100000000000000FF.zst", "segment", "0000000100000000000000FF"),
        ("0000000100000000000000FF.partial", "partial", "0000000100000000000000FF.partial"),
        ("0000000100000000000000FF.partial.gz", "partial", "0000000100000000000000FF.partial"),
        ("0000000A.history", "history", "0000000A.history"),
        ("000000010000000000000003.00000028.backup", "backup_label", "000000010000000000000003"),
    ],
)
def test_kinds_of_files(name: str, kind: str, clean: str) -> None:
    found = wal.parse(name)
    assert found is not None
    assert (found.kind, found.name) == (kind, clean)


@pytest.mark.parametrize(
    "name",
    ["xlog.db", "00000001000000000000000", "0000000100000000000000fF", "00000001000000000000000G", "0000000A.histor"],
)
def test_other_files(name: str) -> None:
    assert wal.parse(name) is None


def test_segments_in_names_are_the_complete_ones() -> None:
    names = [str(seg(1)), f"{seg(2)}.partial", "00000002.history", f"{seg(3)}.00000028.backup", f"{seg(4)}.gz", "tmp"]
    assert wal.segments_in(names) == segs(1, 4)


@pytest.mark.parametrize("text", ["", "1", "1/", "G/0", "0/100000000", "0x1/2", "1/2/3"])
def test_what_is_no_lsn(text: str) -> None:
    with pytest.raises(wal.WalError, match="is not a position in the WAL"):
        wal.parse_lsn(text)


def test_a_name_of_another_segment_size_is_an_error() -> None:
    with pytest.raises(wal.WalError, match="can't be a WAL segment of 16777216 bytes"):
        wal.Segment(1, 0, 0x100).number(16 * MIB)


# Timelines

HISTORY_3 = "1\t0/5000060\tno recovery target specified\n\n2\t0/8000000\tafter LSN 0/8000000\n"


def test_a_history_tells_the_whole_way() -> None:
    assert wal.parse_history(3, HISTORY_3) == [
        wal.Leg(1, 0, 0x5000060),
        wal.Leg(2, 0x5000060, 0x8000000),
        wal.Leg(3, 0x8000000, None),
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
        wal.parse_history(3, text)


def test_the_way_to_a_timeline_needs_its_own_history_only() -> None:
    assert wal.way_to(1, {}) == [wal.Leg(1, 0, None)]
    assert [leg.timeline for leg in wal.way_to(3, {3: HISTORY_3})] == [1, 2, 3]
    with pytest.raises(wal.WalError, match=r"00000002\.history is missing"):
        wal.way_to(2, {3: HISTORY_3})


def test_on_one_timeline_no_history_is_needed() -> None:
    """A server that was promoted before its WAL was archived."""
    assert wal.way_from(2, 2, {}) == [wal.Leg(2, 0, None)]
    assert [leg.timeline for leg in wal.way_from(3, 3, {3: HISTORY_3})] == [1, 2, 3]
    with pytest.raises(wal.WalError, match=r"00000002\.history is missing"):
        wal.way_from(1, 2, {3: HISTORY_3})


def test_the_newest_timeline_is_found_without_a_hole() -> None:
    assert wal.newest_timeline(1, {2: "", 3: "", 5: ""}) == 3
    assert wal.newest_timeline(4, {2: "", 3: "", 5: ""}) == 5
    assert wal.newest_timeline(1, {}) == 1


# Continuity


def test_no_gap() -> None:
    assert wal.gaps(segs(3, 4, 5), seg(3)) == []
    assert wal.last_without_gap(segs(3, 4, 5), seg(3)) == seg(5)


def test_gaps_are_ranges_up_to_the_newest_segment() -> None:
    found = wal.gaps(segs(2, 4, 7, 9), seg(3))
    assert [(gap.first, gap.last, gap.count) for gap in found] == [
        (seg(3), seg(3), 1),
        (seg(5), seg(6), 2),
        (seg(8), seg(8), 1),
    ]
    assert str(found[0]) == str(seg(3))
    assert str(found[1]) == f"{seg(5)} to {seg(6)} (2 segments)"
    assert wal.last_without_gap(segs(2, 4, 7, 9), seg(3)) is None
    assert wal.last_without_gap(segs(3, 4, 7), seg(3)) == seg(4)


def test_an_end_that_is_asked_for_is_missed() -> None:
    assert [str(gap) for gap in wal.gaps(segs(3), seg(3), end=seg(5))] == [f"{seg(4)} to {seg(5)} (2 segments)"]
    assert wal.gaps(segs(3, 4, 5, 7), seg(3), end=seg(5)) == []
    assert wal.gaps(set(), seg(3)) == []


WAY = wal.parse_history(3, HISTORY_3)  # 1 to segment 5, 2 from 5, 3 from 8


def test_the_segment_of_a_fork_is_read_on_the_new_timeline() -> None:
    assert list(wal.needed(seg(3), seg(9, 3), WAY)) == [
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
    assert [str(gap) for gap in wal.gaps(present, seg(3), WAY)] == [str(seg(5, 2))]
    assert wal.last_without_gap(present, seg(3), WAY) == seg(4)


def test_a_timeline_that_goes_on_proves_that_the_one_before_was_written_to_the_fork() -> None:
    assert [str(gap) for gap in wal.gaps(segs(3), seg(3), WAY)] == [
        str(seg(4)),
        f"{seg(5, 2)} to {seg(7, 2)} (3 segments)",
    ]


def test_a_begin_in_the_segment_of_a_fork_is_read_on_the_new_timeline() -> None:
    assert list(wal.needed(seg(5), seg(6, 2), WAY)) == [seg(5, 2), seg(6, 2)]


def test_what_is_not_on_the_way_is_an_error() -> None:
    with pytest.raises(wal.WalError, match="written after timeline 2 forked off at 0/5000060"):
        wal.gaps(segs(6), seg(6), WAY)
    with pytest.raises(wal.WalError, match="timeline 4 is not on the way to timeline 3"):
        wal.gaps(set(), seg(3, 4), WAY)
    with pytest.raises(wal.WalError, match="not on the way"):
        wal.gaps(segs(3), seg(3), WAY, end=seg(9, 4))


@given(st.sets(st.integers(0, 40)), st.integers(0, 40), st.integers(0, 40))
def test_gaps_and_what_is_there_together_are_everything(numbers: set[int], begin: int, length: int) -> None:
    end = begin + length
    missing = set()
    for gap in wal.gaps(segs(*numbers), seg(begin), end=seg(end)):
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
    """On a way of several timelines, forked at every few segments."""
    lines, position = [], 4
    for timeline, step in enumerate(steps, 1):
        position += step
        lines.append(f"{timeline}\t{wal.format_lsn(position * wal.DEFAULT_SEGMENT_SIZE + 99)}\tx")
    target = len(steps) + 1
    way = wal.parse_history(target, "\n".join(lines))
    there = {seg(number, timeline) for timeline, number in present}
    last = wal.last_without_gap(there, seg(begin), way)
    missing = wal.gaps(there, seg(begin), way)
    if last is None:
        assert not missing or missing[0].first.number() == begin
    else:
        assert set(wal.needed(seg(begin), last, way)) <= there
        assert not missing or missing[0].first.number() == last.number() + 1


def test_a_recovery_that_stopped_before_the_timeline_that_it_followed() -> None:
    """PostgreSQL writes such a history: timeline 3 forked at 0/9000000, and a recovery along it stopped at 0/8000000, on timeline 2."""
    text = "1\t0/3000000\tone\n2\t0/9000000\ttwo\n3\t0/8000000\tthree\n"
    assert wal.parse_history(4, text) == [
        wal.Leg(1, 0, 0x3000000),
        wal.Leg(2, 0x3000000, 0x8000000),
        wal.Leg(3, 0x8000000, 0x8000000),
        wal.Leg(4, 0x8000000, None),
    ]
    begin, last = wal.Segment(2, 0, 5), wal.Segment(4, 0, 9)
    way = wal.parse_history(4, text)
    assert [str(one)[:8] + str(one)[-2:] for one in wal.needed(begin, last, way)] == [
        "0000000205",
        "0000000206",
        "0000000207",
        "0000000408",
        "0000000409",
    ]
