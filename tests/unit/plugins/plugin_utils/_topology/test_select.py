# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The expression barman_select: what it can use, what it chooses, and every way in which it can be wrong."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import yaml

from ansible_collections.pgdr.barman.plugins.modules import playbook_arguments
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.selection import (
    ATTRIBUTES,
    SelectionError,
    attributes,
    choose,
    concerned,
    links,
    select,
)

SECRETS = {"barman_postgres_password": "x", "barman_streaming_password": "x", "barman_postgres_version": 17}
BUILT = build(
    {
        "db1": {**SECRETS, "barman_backup_server": "backup-eu", "barman_zone": "eu", "barman_server_name": "orders"},
        "db2": {**SECRETS, "barman_backup_server": "backup-eu", "barman_zone": "eu", "barman_backup_method": "rsync"},
        "db3": {
            **SECRETS,
            "barman_backup_server": "backup-us",
            "barman_zone": "us",
            "barman_passive_servers": ["backup-eu"],
        },
    },
    {"backup-eu": {"barman_address": "192.0.2.1"}, "backup-us": {"barman_address": "192.0.2.2"}},
)
SERVERS: dict[str, Any] = BUILT.topology["postgres_servers"]


def test_the_attributes_are_these() -> None:
    assert attributes(SERVERS["db1"]) == {
        "name": "orders",
        "host": "db1",
        "backup_server": "backup-eu",
        "passive_servers": [],
        "zone": "eu",
        "address": "db1",
        "port": 5432,
        "version": 17,
        "method": "postgres",
        "wal": ["streaming"],
        "incremental": "none",
        "synchronous": False,
        "retention_policy": "RECOVERY WINDOW OF 14 DAYS",
        "primary": None,
        "manage": True,
    }


def test_the_attributes_are_documented() -> None:
    assert list(attributes(SERVERS["db1"])) == list(ATTRIBUTES)
    described = yaml.safe_load(playbook_arguments.DOCUMENTATION)["options"]["topology"]["description"]
    assert all(f"C({name})" in " ".join(described) for name in ATTRIBUTES)


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("[?zone==`eu` && method==`rsync`].name", ["db2"]),
        ('[?zone==`"eu"`].name', ["db2", "orders"]),
        ("[?zone=='eu'].name", ["db2", "orders"]),
        ("[?contains(passive_servers, 'backup-eu')].name", ["db3"]),
        ("[?version > `16` && !synchronous].name | [:1]", ["orders"]),
    ],
)
def test_an_expression_chooses(expression: str, names: list[str]) -> None:
    assert choose(expression, SERVERS) == names


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "[?zone==`eu`",
            "barman_select: [?zone==`eu` can't be evaluated. Invalid jmespath expression: Incomplete expression",
        ),
        ("[?zone==`eu`] | first(@)", "can't be evaluated. Unknown function: first()"),
        ("[?port > `x`].name", "can't be evaluated. '>' not supported between instances of 'int' and 'str'"),
        ("[?zone==`eu`]", "is not a list of names. End the expression with .name"),
        ("length(@)", "is not a list of names"),
        ("name", "is not a list of names"),
        ("[?zone==`asia`].name", "chooses no server. Texts are written in quotes"),
        ("[?zone==eu].name", "chooses no server. Texts are written in quotes"),
        ("[].host", "has db1, which is not a name of a server. There are: orders, db2, db3"),
    ],
)
def test_a_wrong_expression_is_an_error(expression: str, message: str) -> None:
    with pytest.raises(SelectionError) as error:
        choose(expression, SERVERS)
    assert message in str(error.value)


def test_without_the_library_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jmespath", None)
    with pytest.raises(
        SelectionError,
        match=r"needs the Python library jmespath, which the controller's Python does not have\. Install it",
    ):
        choose("[].name", SERVERS)


ENTRIES = {host: required["barman"]["servers"] for host, required in BUILT.requirements.items() if "barman" in required}


@pytest.mark.parametrize(
    ("hosts", "chosen", "entries", "selected"),
    [
        (["backup-eu", "backup-us"], ["db2", "db3"], "any", {"backup-eu": ["db2", "db3"], "backup-us": ["db3"]}),
        (["backup-eu", "backup-us"], ["db2", "db3"], "backed_up", {"backup-eu": ["db2"], "backup-us": ["db3"]}),
        (["backup-eu", "backup-us"], ["db2", "db3"], "passive", {"backup-eu": ["db3"], "backup-us": []}),
        (["backup-eu"], ["db2", "db3"], "backed_up", {"backup-eu": ["db2"]}),
    ],
)
def test_only_usable_servers_of_the_run_count(
    hosts: list[str], chosen: list[str], entries: Any, selected: dict[str, list[str]]
) -> None:
    found = select(ENTRIES, hosts, None, entries, chosen=chosen)
    assert {host: sorted(names) for host, names in found.items()} == selected


def test_a_choice_without_a_usable_server_is_an_error() -> None:
    with pytest.raises(
        SelectionError, match="barman_select chooses db3, and no server to back up of that name is on backup-eu"
    ):
        select(ENTRIES, ["backup-eu"], None, "backed_up", chosen=["db3"])


CHAIN: dict[str, list[dict[str, Any]]] = {
    "first": [{"name": "a", "hops": 0, "passive": False}, {"name": "b", "hops": 0, "passive": False}],
    "second": [{"name": "a", "hops": 1, "passive": True}, {"name": "c", "hops": 0, "passive": False}],
    "third": [
        {"name": "a", "hops": 2, "passive": True},
        {"name": "b", "hops": 1, "passive": True},
        {"name": "c", "hops": 1, "passive": True},
    ],
}


def test_every_backup_server_has_as_many_links_as_the_longest_chain() -> None:
    assert links(CHAIN, {"second": ["a"], "third": ["a", "b"]}) == {
        "second": [["a"], []],
        "third": [["b"], ["a"]],
    }


def test_without_a_copy_there_is_one_link_with_nothing_to_do() -> None:
    assert links({"first": CHAIN["first"]}, {"first": ["a"]}) == {"first": [[]]}


def test_sources_and_copies_of_what_is_selected_are_concerned() -> None:
    assert concerned(CHAIN, {"first": [], "third": ["a", "c"]}) == {"first": ["a"], "third": ["a", "c"]}
