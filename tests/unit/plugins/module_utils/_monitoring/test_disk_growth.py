# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the disk space lasts."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.disk_growth import (
    Sample,
    parse_samples,
    seconds_left,
    with_sample,
)

HOUR = 3600.0


def shrinking(hours: int, each_hour: int, last: int) -> list[Sample]:
    """One sample an hour, up to an hour before now (0)."""
    return [(-hour * HOUR, last + hour * each_hour) for hour in range(hours, 0, -1)]


def test_a_steady_growth_gives_the_time() -> None:
    assert math.isclose(seconds_left(shrinking(48, 100, 2400), 0.0, 2400), 24 * HOUR)


def test_a_disk_that_does_not_fill_lasts_for_ever() -> None:
    assert seconds_left(shrinking(48, 0, 2400), 0.0, 2400) == math.inf
    assert seconds_left(shrinking(48, -5, 2400), 0.0, 2400) == math.inf


def test_a_few_hours_are_too_short_for_an_answer() -> None:
    assert seconds_left(shrinking(5, 100, 2400), 0.0, 2400) == math.inf
    assert seconds_left([], 0.0, 2400) == math.inf


def test_a_sample_each_hour_for_a_week() -> None:
    samples: list[Sample] = []
    for minute in range(60 * 24 * 8):
        samples = with_sample(samples, minute * 60.0, 1)
    assert [moment for moment, _free in samples] == [hour * HOUR for hour in range(24, 24 * 8)]


def test_a_clock_that_was_set_back_leaves_no_sample_of_the_future() -> None:
    assert with_sample([(100 * HOUR, 5)], HOUR, 7) == [(HOUR, 7)]


@given(st.lists(st.tuples(st.floats(-7 * 86400, -1), st.integers(0, 10**15)), max_size=30), st.integers(0, 10**15))
def test_it_is_never_negative_and_never_fails(samples: list[Sample], free: int) -> None:
    assert seconds_left(sorted(samples), 0.0, free) >= 0


def test_a_file_that_another_wrote_is_read_as_far_as_it_can_be() -> None:
    assert parse_samples({"/a": [[1, 2]], "/b": [[1]], "/c": "x"}) == {"/a": [(1.0, 2)]}
    assert parse_samples([]) == {}
