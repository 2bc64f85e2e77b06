# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which backups and segments a run reads: everything within the days, whatever the archive, and no more than the budget."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal import Segment
from ansible_collections.pgdr.barman.plugins.module_utils._stored.plan import DAY, ReadPlan, interval_of, plan_reads
from ansible_collections.pgdr.barman.plugins.module_utils._stored.state import ReadState, StoredUnit

NOW = 1_800_000_000.0


def unit(number: int, size: int = 100, written: float = 0.0) -> StoredUnit:
    return StoredUnit("segment", f"{Segment(1, 0, number)}", size, written, Segment(1, 0, number))


def run_once(units: list[StoredUnit], state: ReadState, now: float, days: float) -> tuple[ReadPlan, ReadState]:
    plan = plan_reads(units, state.only(units), now, days)
    return plan, state.only(units).with_run(now).with_read(plan.units, now)


SIZES = st.lists(st.integers(0, 10_000), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(
    sizes=SIZES,
    new=st.lists(st.lists(st.integers(0, 10_000), max_size=6), min_size=40, max_size=40),
    removed=st.lists(st.integers(0, 3), min_size=40, max_size=40),
    days=st.integers(1, 12),
    late=st.lists(st.floats(0, 0.1), min_size=40, max_size=40),
)
def test_everything_is_read_within_the_days_and_no_run_reads_more_than_its_budget(
    sizes: list[int], new: list[list[int]], removed: list[int], days: int, late: list[float]
) -> None:
    units = [unit(number, size) for number, size in enumerate(sizes)]
    state = ReadState(NOW)
    for day in range(40):
        now = NOW + (day + late[day]) * DAY
        plan, state = run_once(units, state, now, days)
        assert plan.bytes <= plan.budget or len(plan.units) == 1
        # The next run begins a day later, or a little more.
        for one in units:
            assert now + DAY - state.unread_since(one) <= (days + 0.25) * DAY + 1
        units = units[removed[day] :]
        units += [unit(1000 * (day + 1) + count, size, now) for count, size in enumerate(new[day])]


@given(sizes=SIZES, days=st.integers(1, 60))
def test_the_first_run_reads_its_share_and_not_the_whole_archive(sizes: list[int], days: int) -> None:
    units = [unit(number, size) for number, size in enumerate(sizes)]
    plan = plan_reads(units, ReadState(NOW), NOW, days)
    share = sum(sizes) / max(1.0, days - 0.25)
    assert plan.budget <= share + 1
    assert plan.bytes <= share + max(sizes)


@given(sizes=st.lists(st.integers(1, 100), min_size=30, max_size=200), days=st.integers(2, 15))
def test_the_load_is_even(sizes: list[int], days: int) -> None:
    """Of an archive that does not change, no run reads more than two shares and a unit."""
    units = [unit(number, size) for number, size in enumerate(sizes)]
    state = ReadState(NOW)
    for day in range(3 * days):
        plan, state = run_once(units, state, NOW + day * DAY, days)
        assert plan.bytes <= 2 * sum(sizes) / (days - 0.25) + max(sizes)


def test_what_is_unread_the_longest_comes_first() -> None:
    units = [unit(number) for number in range(4)]
    read = {
        one.segment: NOW - age * DAY for one, age in zip(units, (1, 9, 3, 5), strict=True) if one.segment is not None
    }
    state = ReadState(NOW - 20 * DAY, segments=read)
    assert [one.name for one in plan_reads(units, state, NOW, 10).units] == [units[1].name]
    assert plan_reads(units, state, NOW, 10).unread_since == NOW - 5 * DAY


def test_everything_can_be_read_now() -> None:
    units = [unit(number) for number in range(4)]
    plan = plan_reads(units, ReadState(NOW), NOW, 10, everything=True)
    assert (len(plan.units), plan.bytes, plan.unread_since) == (4, 400, NOW)


def test_nothing_stored_is_nothing_to_read() -> None:
    plan = plan_reads([], ReadState(NOW), NOW, 10)
    assert (plan.units, plan.budget, plan.unread_since) == ((), 0, None)


def test_what_is_overdue_is_read_at_once() -> None:
    units = [unit(number) for number in range(4)]
    read = {one.segment: NOW - 50 * DAY for one in units if one.segment is not None}
    assert len(plan_reads(units, ReadState(NOW - 90 * DAY, segments=read), NOW, 10).units) == 4


@pytest.mark.parametrize(
    ("days_ago", "expected"),
    [
        ((), 1.0),
        ((7,), 7.0),
        # One run at a prompt, and one after a month without any.
        ((2, 1, 0.01), 1.0),
        ((32, 2, 1), 1.0),
        ((3 / 24, 2 / 24, 1 / 24), 1 / 24),
        ((0.01,), 1.0),
    ],
)
def test_the_interval_between_runs(days_ago: tuple[float, ...], expected: float) -> None:
    runs = [NOW - days * DAY for days in days_ago]
    assert interval_of(runs, NOW) == pytest.approx(expected * DAY, rel=0.02)


def test_a_time_in_the_future_proves_nothing() -> None:
    units = [unit(0, written=NOW + 900 * DAY), unit(1), unit(2)]
    state = replace(ReadState(NOW - 9.5 * DAY), segments={Segment(1, 0, 1): NOW - DAY, Segment(1, 0, 2): NOW + DAY})
    assert [one.name for one in plan_reads(units, state, NOW, 10).units] == [units[0].name, units[2].name]
