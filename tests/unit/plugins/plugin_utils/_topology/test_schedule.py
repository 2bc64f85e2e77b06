# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import collections

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.schedule import (
    default_schedules,
    longest_gap,
    parse_cron,
    redundancy_within,
    runs_per_year,
    spread,
)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("30 2 * * *", ("30", "2", "*", "*", "*")),
        ("  */15   0-6/2 1,15 JAN-jun Mon-FRI ", ("*/15", "0-6/2", "1,15", "jan-jun", "mon-fri")),
        ("0 0 * * 7", ("0", "0", "*", "*", "7")),
        ("@daily", ("0", "0", "*", "*", "*")),
        ("@Weekly", ("0", "0", "*", "*", "0")),
    ],
)
def test_expressions_that_cron_understands(text, fields):
    assert parse_cron(text) == fields


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "0 fields instead of 5"),
        ("0 2 * * * root", "6 fields instead of 5"),
        ("60 * * * *", "the minute '60' is not from 0 to 59"),
        ("* 24 * * *", "the hour '24' is not from 0 to 23"),
        ("* * 0 * *", "the day '0' is not from 1 to 31"),
        ("* * * 13 *", "the month '13' is not from 1 to 12"),
        ("* * * * 8", "the weekday '8' is not from 0 to 7"),
        ("* * * mon *", "the month 'mon'"),
        ("5-1 * * * *", "the minute 5-1 ends before it begins"),
        ("*/0 * * * *", "the step '0'"),
        ("*/x * * * *", "the step 'x'"),
        ("1,,2 * * * *", "the minute ''"),
        ("1; * * * *", "the minute '1;'"),
        ("-1 * * * *", "the minute ''"),
        ("@reboot", "@reboot is not one of"),
        ("٣ * * * *", "is not from 0 to 59"),
    ],
)
def test_expressions_that_cron_does_not_understand(text, reason):
    with pytest.raises(ValueError) as error:
        parse_cron(text)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("0 2 * * *", 365),
        ("0 */6 * * *", 4 * 365),
        ("@hourly", 24 * 365),
        ("0 0 * * sun", 53),
        ("0 0 * * 7", 53),
        ("0 0 1 * *", 12),
        ("0 0 1 1 *", 1),
        # Cron takes either, when a day of the month and a day of the week are both given.
        ("0 0 1 jan mon", 6),
        ("0 0 31 feb *", 0),
    ],
)
def test_runs_are_counted(text, runs):
    assert runs_per_year(parse_cron(text)) == runs


def test_a_window_needs_the_backup_before_it_too():
    assert redundancy_within(parse_cron("@daily"), 7) == 8
    assert redundancy_within(parse_cron("@weekly"), 14) == 3
    assert redundancy_within(None, 14) is None


def test_schedules_are_spread_evenly():
    minutes = collections.Counter(spread(f"pg-{number}")[0] for number in range(6000))
    hours = collections.Counter(spread(f"pg-{number}")[1] for number in range(6000))
    assert set(minutes) == set(range(60))
    assert set(hours) == set(range(4))
    assert max(minutes.values()) < 2 * 6000 / 60
    assert max(hours.values()) < 1.2 * 6000 / 4


def test_a_schedule_is_the_same_for_the_same_name_for_ever():
    assert default_schedules("pg", block_increments=False) == ("31 0 * * *", "")


@given(st.text(), st.booleans())
def test_every_default_schedule_is_one(name, increments):
    full, incremental = default_schedules(name, block_increments=increments)
    runs = runs_per_year(parse_cron(full)) + (runs_per_year(parse_cron(incremental)) if incremental else 0)
    assert runs == 365


@pytest.mark.parametrize(
    ("texts", "minutes"),
    [
        (["0 2 * * *"], 1440),
        (["0 2 * * 0"], 7 * 1440),
        (["0 2 * * 0", "30 1 * * 1-6"], 1470),
        (["0 2 1 * *"], 31 * 1440),
        (["@yearly"], 365 * 1440),
        (["0 1,3 * * 1-5"], 3 * 1440 - 120),
        (["*/15 * * * *"], 15),
        (["0 0 30 2 *"], None),
    ],
)
def test_the_longest_time_without_a_backup(texts, minutes):
    assert longest_gap(tuple(parse_cron(text) for text in texts)) == minutes
