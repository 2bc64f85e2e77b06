# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file with the time at which each backup and segment was read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal import Segment
from ansible_collections.pgdr.barman.plugins.module_utils._stored.state import (
    ReadState,
    Signature,
    StoredDamage,
    StoredUnit,
    parse_state,
    state_text,
)

NOW = 1_800_000_000.0
SEGMENTS = st.builds(Segment, st.integers(1, 3), st.integers(0, 2), st.integers(0, 255))
TIMES = st.floats(0, NOW)


@given(
    since=TIMES,
    runs=st.lists(TIMES, max_size=4).map(tuple),
    backups=st.dictionaries(st.text(max_size=15), TIMES),
    segments=st.dictionaries(SEGMENTS, st.sampled_from([NOW, NOW - 5, NOW - 6.5])),
    damages=st.lists(
        st.builds(
            StoredDamage,
            st.text(),
            st.text(),
            st.text(),
            TIMES,
            st.lists(st.none() | st.builds(Signature, st.integers(0), st.integers(0), st.integers(0))).map(tuple),
            st.none() | st.text(),
            st.lists(st.text()).map(tuple),
        )
    ).map(tuple),
)
def test_what_is_written_is_read(
    since: float,
    runs: tuple[float, ...],
    backups: dict[str, float],
    segments: dict[Segment, float],
    damages: tuple[StoredDamage, ...],
) -> None:
    state = ReadState(since, runs, backups, segments, damages, {"b": "it has no manifest"})
    assert parse_state(state_text(state), NOW) == state


def test_an_archive_that_was_read_in_order_needs_one_range_a_directory() -> None:
    segments = {Segment(1, log, seg): NOW for log in range(4) for seg in range(256)}
    text = state_text(ReadState(NOW, segments=segments))
    assert [len(ranges) for ranges in json.loads(text)["wal"].values()] == [1, 1, 1, 1]
    assert len(text) < 400


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"version": 2}', '{"version": 1, "since": 5}'])
def test_a_file_that_is_not_whole_is_a_new_start(text: str) -> None:
    assert parse_state(text, NOW) == ReadState(NOW)


def test_what_is_not_stored_any_more_is_forgotten() -> None:
    kept, gone = (StoredUnit("segment", str(one), 1, 0.0, one) for one in (Segment(1, 0, 1), Segment(1, 0, 2)))
    backup = StoredUnit("backup", "b", 1, 0.0)
    state = ReadState(NOW, unverified={"b": "encrypted", "c": "encrypted"}).with_read([kept, gone, backup], NOW)
    left = state.only([kept])
    assert (dict(left.segments), dict(left.backups), dict(left.unverified)) == ({kept.segment: NOW}, {}, {})
    assert dict(state.only([backup]).unverified) == {"b": "encrypted"}
