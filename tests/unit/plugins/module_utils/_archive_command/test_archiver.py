# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What PostgreSQL's archiver reports while WAL is waited for; and whether both ways have passed a gap."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._archive_command.archiver import (
    ArchiverState,
    ArchiverWatch,
    read_archiver,
)
from ansible_collections.pgdr.barman.plugins.module_utils._check.gap_state import both_have_passed
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal

MIB = 1 << 20


def name(number: int, timeline: int = 1) -> str:
    return str(wal.segment_of_number(timeline, number, MIB))


class OneAnswer:
    version = 17

    def __init__(self, **row: Any) -> None:
        self.row = {
            "mode": "on",
            "last_archived_wal": None,
            "last_failed_wal": None,
            "failed_count": 0,
            "failing": False,
        }
        self.row.update({"command": "barman-wal-archive b pg %p # pgdr.barman", **row})

    def query(self, sql: str, params: Any = ()) -> list[dict[str, Any]]:
        return [self.row]


def state(**row: Any) -> ArchiverState:
    return read_archiver(OneAnswer(**row))  # type: ignore[arg-type]


def test_what_is_final_and_what_is_only_named() -> None:
    assert (state().problem, state().final_problem) == ("", "")
    failing = state(last_failed_wal=name(7), failed_count=3, failing=True)
    assert failing.problem == f"archive_command fails with {name(7)} (3 failures; PostgreSQL's log contains its output)"
    assert failing.final_problem == ""
    assert "archive_mode is off" in state(mode="off").final_problem
    # It failed once, and has worked since.
    assert state(last_failed_wal=name(7), failed_count=3).problem == ""


@pytest.mark.parametrize(
    ("command", "ours"),
    [
        ("barman-wal-archive b pg %p # pgdr.barman", True),
        ("/bin/true # pgdr.barman", False),
        ("cp %p /spool/%f", False),
        (None, False),
    ],
)
def test_whose_command_it_is(command: str | None, ours: bool) -> None:
    assert state(command=command).ours is ours


def test_a_server_that_can_not_be_asked_ends_no_wait() -> None:
    answers: list[ArchiverState | Exception] = [HostError("it restarts"), ArchiverState("off")]
    now = [0.0]

    def ask() -> ArchiverState:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    watch = ArchiverWatch(ask, lambda: now[0])
    watch.observe()
    assert (watch.problem, watch.final_problem) == ("PostgreSQL can't be queried: it restarts", "")
    watch.observe()
    assert len(answers) == 1, "not asked at every look"
    now[0] = 5.0
    watch.observe()
    assert "archive_mode is off" in watch.final_problem


@pytest.mark.parametrize(
    ("received", "archived", "ours", "final"),
    [
        ([name(9) + ".partial"], name(9), True, True),
        ([name(9) + ".partial"], name(9), False, False),
        # It may only be on its way.
        ([name(9) + ".partial"], name(7), True, False),
        ([name(7) + ".partial"], name(9), True, False),
        ([], name(9), True, False),
        ([name(9, 2) + ".partial"], name(9), True, False),
        ([name(9) + ".partial"], name(9, 2), True, False),
        ([name(9) + ".partial"], None, True, False),
        (["00000002.history", "something"], name(9), True, False),
    ],
)
def test_both_ways_have_passed_a_gap(received: list[str], archived: str | None, ours: bool, final: bool) -> None:
    archiver = ArchiverState("on", archived, ours=ours)
    assert both_have_passed(wal.parse_segment(name(7)), received, archiver, MIB) is final
