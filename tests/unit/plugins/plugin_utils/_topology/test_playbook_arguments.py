# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook's arguments, and the servers that it works on."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.playbook_arguments import convert
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.selection import SelectionError, select

SPECIFICATION: dict[str, dict[str, Any]] = {
    "servers": {"type": "list", "elements": "str"},
    "queries": {"type": "list", "elements": "dict"},
    "timeout": {"type": "int", "default": 60},
    "confirmed": {"type": "bool", "default": False},
    "place": {"type": "str", "choices": ["local", "remote"]},
    "tablespaces": {"type": "dict"},
}


def test_texts_become_values() -> None:
    values, problems = convert(
        SPECIFICATION,
        {
            "servers": "a, b",
            "queries": '[{"query": "SELECT 1"}]',
            "timeout": "5",
            "confirmed": "true",
            "place": "local",
            "tablespaces": "ts=/srv/x",
        },
    )
    assert problems == []
    assert values == {
        "servers": ["a", "b"],
        "queries": [{"query": "SELECT 1"}],
        "timeout": 5,
        "confirmed": True,
        "place": "local",
        "tablespaces": {"ts": "/srv/x"},
    }


@pytest.mark.parametrize("nothing", [None, "", " "])
def test_an_empty_answer_is_the_default(nothing: Any) -> None:
    values, problems = convert(SPECIFICATION, dict.fromkeys(SPECIFICATION, nothing))
    assert (values, problems) == ({"timeout": 60, "confirmed": False}, [])


def test_every_problem_is_reported() -> None:
    _values, problems = convert(
        {**SPECIFICATION, "server": {"type": "str", "required": True}},
        {"timeout": "soon", "place": "here", "queries": "SELECT 1", "server": ""},
    )
    text = "\n".join(problems)
    for expected in (
        "timeout is the text 'soon' and no whole number",
        "queries item 1 has 'SELECT 1', which is not a name=value pair",
        "missing required arguments: server",
        "value of place must be one of: local, remote, got: here",
    ):
        assert expected in text


def test_a_required_argument_that_is_wrong_is_not_called_missing() -> None:
    _values, problems = convert({"port": {"type": "int", "required": True}}, {"port": "x"})
    assert problems == ["port is the text 'x' and no whole number; write a whole number"]


QUERIES: dict[str, dict[str, Any]] = {
    "queries": {
        "type": "list",
        "elements": "dict",
        "options": {
            "query": {"type": "str", "required": True},
            "database": {"type": "str", "default": "postgres"},
            "expect": {"type": "raw"},
        },
    }
}


@pytest.mark.parametrize("expect", [0, 1.5, "", "1", True, [[1, "a"]]])
def test_the_keys_of_an_item_have_types_and_defaults(expect: Any) -> None:
    values, problems = convert(QUERIES, {"queries": [{"query": "SELECT 1", "expect": expect}]})
    assert (values, problems) == (
        {"queries": [{"query": "SELECT 1", "database": "postgres", "expect": expect}]},
        [],
    )


def test_an_item_without_an_expectation_has_none() -> None:
    given = [{"query": "SELECT 1", "expect": None, "database": "shop"}]
    values, problems = convert(QUERIES, {"queries": given})
    assert (values, problems) == ({"queries": [{"query": "SELECT 1", "database": "shop"}]}, [])


def test_every_problem_of_an_item_is_reported_with_its_place() -> None:
    _values, problems = convert(
        QUERIES,
        {"queries": [{"query": "SELECT 1"}, {"quer": "SELECT 1"}, {"query": ["SELECT 1"], "else": 1}]},
    )
    assert problems == [
        "queries item 2 has the unknown key quer; did you mean query? Its keys are query, database, expect",
        "queries item 2: missing required arguments: query",
        "queries item 3 has the unknown key else; leave it out. Its keys are query, database, expect",
        "queries item 3: query is a list and no text; write a text",
    ]


DECLARED = {
    "backup-eu": [{"name": "pg-eu", "passive": False}, {"name": "pg-us", "passive": True}],
    "backup-us": [{"name": "pg-us", "passive": False}],
    "backup-asia": [],
}
ALL = list(DECLARED)


@pytest.mark.parametrize(
    ("hosts", "names", "entries", "selected"),
    [
        (ALL, None, "any", {"backup-eu": ["pg-eu", "pg-us"], "backup-us": ["pg-us"], "backup-asia": []}),
        (ALL, None, "backed_up", {"backup-eu": ["pg-eu"], "backup-us": ["pg-us"], "backup-asia": []}),
        (ALL, None, "passive", {"backup-eu": ["pg-us"], "backup-us": [], "backup-asia": []}),
        (ALL, ["pg-us"], "backed_up", {"backup-eu": [], "backup-us": ["pg-us"], "backup-asia": []}),
        (["backup-eu", "pg-eu"], ["pg-us"], "any", {"backup-eu": ["pg-us"]}),
    ],
)
def test_what_is_selected(hosts: list[str], names: list[str] | None, entries: Any, selected: dict[str, Any]) -> None:
    assert select(DECLARED, hosts, names, entries) == selected


@pytest.mark.parametrize(
    ("hosts", "names", "entries", "message"),
    [
        (["pg-eu"], None, "any", "This run has no backup server (the inventory has backup-eu, backup-us, backup-asia)"),
        (ALL, [], "any", "barman_servers is an empty list"),
        (["backup-asia"], None, "any", "There is no server on backup-asia"),
        (
            ["backup-us"],
            None,
            "passive",
            "There is no passive server on backup-us, so there is nothing to do. Add backup-eu",
        ),
        (
            ALL,
            ["pg-euu"],
            "any",
            "names pg-euu, which no backup server has; did you mean pg-eu? There are: pg-eu, pg-us",
        ),
        (ALL, ["pg-eu"], "passive", "names pg-eu, which is not a passive server on backup-eu. Leave it out"),
        (["backup-us"], ["pg-eu"], "any", "which backup-eu has, and --limit leaves that host out"),
    ],
)
def test_an_empty_selection_fails(hosts: list[str], names: list[str] | None, entries: Any, message: str) -> None:
    with pytest.raises(SelectionError) as error:
        select(DECLARED, hosts, names, entries)
    assert message in str(error.value)


def test_every_wrong_name_is_reported() -> None:
    with pytest.raises(SelectionError) as error:
        select(DECLARED, ALL, ["p", "g", "pg-eu"], "any")
    assert len(error.value.problems) == 2
