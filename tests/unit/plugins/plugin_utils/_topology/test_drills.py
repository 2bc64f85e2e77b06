# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore drills as the inventory declares them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.drills import (
    parse_age,
    read_queries,
    schedule_lines,
)
from tests.unit.plugins.plugin_utils._topology.inventories import good, only_problem


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(30, 2592000), ("30", 2592000), ("1 DAY", 86400), ("36 hours", 129600), ("4 WEEKS", 2419200), ("2weeks", 1209600)],
)
def test_an_age_is_days_or_a_duration(given: Any, seconds: int) -> None:
    assert parse_age(given) == seconds


@pytest.mark.parametrize("given", [True, 0, "0 DAYS", "soon", -1, "5 YEARS", 1.5, None, [], ""])
def test_everything_else_is_no_age(given: Any) -> None:
    with pytest.raises(ValueError, match=r"duration|cannot be 0"):
        parse_age(given)


def test_a_backup_server_has_the_drills_of_its_servers() -> None:
    query = {"database": "shop", "query": "SELECT 1, 2", "expect": [1, 2]}
    outcome = good(
        {"barman_drill_maximum_age": "36 HOURS", "barman_drill_queries": [query, "SELECT 3"]},
        {"barman_drill_directory": "/srv/drills"},
    )
    assert outcome.requirements["backup"]["barman"]["drills"] == {
        "directory": "/srv/drills",
        "queries": {
            "pg": [
                {**query, "server": "pg"},
                {"database": "postgres", "query": "SELECT 3", "expect": None, "server": "pg"},
            ]
        },
        "database_users": {"pg": "postgres"},
        "maximum_ages": {"pg": 129600},
        "schedule_lines": [],
    }
    program = outcome.requirements["backup"]["barman"]["program"]
    assert program["settings"]["drill"]["directory"] == "/srv/drills"
    assert program["settings"]["check"]["drill_maximum_age"] == {"pg": 129600}
    assert program["schedule_lines"] == []


def test_without_a_declaration_nothing_is_checked() -> None:
    drills = good({}).requirements["backup"]["barman"]["drills"]
    assert drills == {
        "directory": None,
        "queries": {"pg": list[Any]()},
        "database_users": {"pg": "postgres"},
        "maximum_ages": dict[str, int](),
        "schedule_lines": list[str](),
    }


def test_a_drill_logs_in_as_the_superuser_of_the_server() -> None:
    barman = good({"barman_postgres_superuser": "admin"}).requirements["backup"]["barman"]
    assert barman["drills"]["database_users"] == {"pg": "admin"}
    assert barman["program"]["settings"]["drill"]["database_users"] == {"pg": "admin"}


@pytest.mark.parametrize(
    ("value", "variable", "message"),
    [
        ([5], "barman_drill_queries[1]", "is the number 5 and no query"),
        ([{"query": "SELECT 1", "expected": 1}], "barman_drill_queries[1]", "has expected"),
        ([{"database": "shop"}], "barman_drill_queries[1].query", "is missing"),
        ([{"query": "SELECT 1", "database": 5}], "barman_drill_queries[1].database", "is the number 5 and no name"),
        (5, "barman_drill_queries", "is the number 5 and no list"),
        ("[unfinished", "barman_drill_queries", "JSON"),
    ],
)
def test_a_wrong_query_is_named(value: Any, variable: str, message: str) -> None:
    problem = only_problem({"barman_drill_queries": value})
    assert problem.variable == variable
    assert message in problem.message


def test_a_wrong_age_is_named() -> None:
    problem = only_problem({"barman_drill_maximum_age": "soon"})
    assert (problem.variable, problem.message) == ("barman_drill_maximum_age", "'soon' is not a duration")
    assert "4 WEEKS" in problem.instead


def test_an_empty_line_is_no_query() -> None:
    assert [one["query"] for one in read_queries("SELECT 1\n\nSELECT 2", lambda *problem: None)] == [
        "SELECT 1",
        "SELECT 2",
    ]


def test_servers_with_the_same_schedule_share_a_line() -> None:
    lines = schedule_lines(
        "barman", [("b", "0 4 * * 0"), ("none", None), ("a", "0 4 * * 0"), ("empty", ""), ("c", "1 1 1 * *")]
    )
    assert lines == [
        "0 4 * * 0 barman pgdr-barman drill --quiet --wait 86400 a b",
        "1 1 1 * * barman pgdr-barman drill --quiet --wait 86400 c",
    ]


def test_a_schedule_is_a_line_of_cron() -> None:
    outcome = good({"barman_drill_schedule": "@weekly"})
    (line,) = outcome.requirements["backup"]["barman"]["program"]["schedule_lines"]
    assert line == "0 0 * * 0 barman pgdr-barman drill --quiet --wait 86400 pg"
