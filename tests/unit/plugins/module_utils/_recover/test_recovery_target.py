# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._recover.recovery_target import (
    TargetError,
    parse_target,
    parse_time,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20 08:30:00+00:00", (8, 30, 0, 0)),
        ("2026-11-20T08:30:00Z", (8, 30, 0, 0)),
        ("2026-11-20 09:30:00.5+01", (8, 30, 0, 500000)),
        ("2026-11-20 14:00 +0530", (8, 30, 0, 0)),
        ("2026-11-20 03:00:00.123456-05:30", (8, 30, 0, 123456)),
        ("2026-11-20 08:30:00.1234567 utc", (8, 30, 0, 123456)),
    ],
)
def test_times_as_people_and_postgresql_write_them(text: str, expected: tuple[int, int, int, int]) -> None:
    assert parse_time(text) == datetime(2026, 11, 20, *expected, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(timezone(timedelta(hours=-3, minutes=-30)))))
def test_what_python_writes_is_read_back(moment: datetime) -> None:
    if moment.year >= 1000:
        assert parse_time(moment.isoformat()) == moment


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-11-20 08:30:00", "no time zone"),
        ("yesterday", "is not a time; write it as in"),
        ("2026-13-20 08:30:00Z", "month must be in"),
        ("2026-11-20 08:30:00+99:00", "is not a time"),
        ("20.11.2026 08:30 +01", "is not a time"),
    ],
)
def test_an_invalid_time_is_reported_with_the_right_form(text: str, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        parse_time(text)


@pytest.mark.parametrize(
    ("options", "kind", "value"),
    [
        ({}, "end", None),
        ({"target_immediate": True}, "immediate", None),
        ({"target_time": "2026-11-20 08:30:00.25+01:00"}, "time", "2026-11-20 07:30:00.250000+00:00"),
        ({"target_xid": "735"}, "xid", "735"),
        # With its epoch, as pg_current_xact_id() gives it; the WAL has the lower half.
        ({"target_xid": str((2 << 32) + 735)}, "xid", "735"),
        ({"target_lsn": "1/6b37d0a8"}, "lsn", "1/6B37D0A8"),
        ({"target_name": "before it"}, "name", "before it"),
    ],
)
def test_each_option_is_a_target(options: dict[str, Any], kind: str, value: str | None) -> None:
    target = parse_target(options)
    assert (target.kind, target.value, target.timeline, target.inclusive) == (kind, value, "latest", True)


@pytest.mark.parametrize(("given_timeline", "timeline"), [("7", 7), ("current", "current"), ("latest", "latest")])
def test_timelines(given_timeline: str, timeline: int | str) -> None:
    assert parse_target({"target_timeline": given_timeline}).timeline == timeline


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(TargetError) as caught:
        parse_target(
            {
                "target_time": "soon",
                "target_xid": "2",
                "target_lsn": "here",
                "target_name": "it's",
                "target_timeline": "0",
                "target_inclusive": True,
            }
        )
    messages = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in messages] == [
        "target_time, target_xid, target_lsn, target_name",
        "target_time",
        "target_xid",
        "target_lsn",
        "target_name",
        "target_timeline",
    ]


@pytest.mark.parametrize("options", [{}, {"target_name": "x"}, {"target_immediate": True}])
def test_exclusive_needs_a_target_that_can_be(options: dict[str, Any]) -> None:
    with pytest.raises(TargetError, match="target_inclusive"):
        parse_target({**options, "target_inclusive": False})
