# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of WAL files, and positions."""

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
def test_a_segment_has_its_lsn_and_its_name(timeline: int, lsn: int, size: int) -> None:
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


def test_the_names_of_a_directory_are_read_at_once() -> None:
    directory, names = "0000000100000000", [str(seg(1)), str(seg(2)), str(seg(255))]
    assert wal.plain_segments(directory, names) == [wal.plain_segment(name) for name in names]
    assert wal.plain_segments(directory, []) == []


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("0000000100000000", f"{seg(3)}.partial"),
        ("0000000100000000", f"{seg(3)}.gz"),
        ("0000000100000000", "00000001000000010000000A"),
        ("0000000100000000", "00000001000000000000000a"),
        ("0000000100000000", "000000010000000000000003\n"),
        ("streaming", str(seg(3))),
        ("000000010000000.", str(seg(3))),
    ],
)
def test_other_directories_and_names_are_read_one_by_one(directory: str, name: str) -> None:
    assert wal.plain_segments(directory, [str(seg(1)), name, str(seg(4))]) is None
