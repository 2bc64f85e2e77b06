# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where drills restore: what is refused, and what each backup server gets."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.drill_places import (
    drill_host_problems,
    drill_places,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.value import RecoveryError, TargetHost

TOPOLOGY = {
    "backup_servers": {
        "backup-eu": {"user": "barman", "addresses": ["192.0.2.10"]},
        "backup-us": {"user": "bob", "addresses": ["192.0.2.11"]},
    }
}
REQUIREMENTS: dict[str, Any] = {
    "backup-eu": {"barman": {"drills": {"directory": "/srv/own"}}},
    "backup-us": {"barman": {"drills": {"directory": ""}}},
    "pg": {"postgres": {"os_user": "pgadmin", "manage": True}},
    "far": {"postgres": {"os_user": "postgres", "manage": False}},
}
SPARE = TargetHost("192.0.2.31", ssh_port=2222)
RUN = "20261120T083000Z-f3a9c1"
SELECTED = {"backup-eu": ["orders", "other"], "backup-us": ["orders"]}


def arguments(host: str = "", directory: str = "") -> dict[str, Any]:
    given = {"barman_drill_host": host, "barman_drill_host_directory": directory, "barman_drill_timeout": 100}
    return {name: value for name, value in given.items() if value != ""}


def problems(host: str = "", directory: str = "") -> list[str]:
    return drill_host_problems(
        arguments(host, directory),
        REQUIREMENTS,
        inventory=["spare", "left", *REQUIREMENTS],
        in_run=["spare", *REQUIREMENTS],
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("", "/srv"), "barman_drill_host_directory is of the drill host: give barman_drill_host, too."),
        (("none", "/srv"), "barman_drill_host: 'none' is not in the inventory."),
        (("left", "/srv"), "--limit leaves the drill host left out, and it is needed."),
        (
            ("far", "/srv"),
            "barman_drill_host: far has barman_manage_postgres: false, so nothing may be done there. Choose another host.",
        ),
        (
            ("spare", ""),
            "barman_drill_host: give a directory of spare for the restored clusters, too, such as barman_drill_host_directory=/srv/drills. "
            "The user that runs PostgreSQL there must be able to create it.",
        ),
    ],
)
def test_what_is_refused_before_anything_is_changed(given: tuple[str, str], expected: str) -> None:
    assert problems(*given) == [expected]


@pytest.mark.parametrize("given", [("", ""), ("spare", "/srv"), ("pg", "/srv"), ("backup-us", "/srv")])
def test_what_is_not_refused(given: tuple[str, str]) -> None:
    assert problems(*given) == []


def test_without_a_drill_host_each_backup_server_restores_to_itself() -> None:
    found = drill_places(arguments(), SELECTED, TOPOLOGY, REQUIREMENTS, None, run=RUN)
    assert found["places"] == {"backup-eu": {"directory": "/srv/own"}, "backup-us": {"directory": ""}}
    assert (found["groups"], found["ssh_connections"]) == ([], [])


def test_every_backup_server_restores_to_the_drill_host_as_its_user() -> None:
    found = drill_places(arguments("pg", "/srv"), SELECTED, TOPOLOGY, REQUIREMENTS, SPARE, run=RUN)
    there = {"directory": "/srv", "remote_host": "192.0.2.31", "remote_user": "pgadmin", "remote_port": 2222}
    assert found["places"] == {"backup-eu": there, "backup-us": there}
    assert [(one["from_host"], one["from_user"], one["to_user"], one["run"]) for one in found["ssh_connections"]] == [
        ("backup-eu", "barman", "pgadmin", RUN),
        ("backup-us", "bob", "pgadmin", RUN),
    ]
    # Two drills one after another on backup-eu, and an hour.
    assert found["ssh_lifetime"] == 2 * 100 + 3600
    assert found["groups"] == [
        {"host": "backup-eu", "names": ["barman_drill_ssh_20261120T083000Z_f3a9c1"]},
        {"host": "backup-us", "names": ["barman_drill_ssh_20261120T083000Z_f3a9c1"]},
        {
            "host": "pg",
            "names": ["barman_drill_ssh_20261120T083000Z_f3a9c1", "barman_drill_host_20261120T083000Z_f3a9c1"],
        },
    ]


def test_a_host_that_is_in_no_group_has_the_user_of_the_packages() -> None:
    found = drill_places(arguments("spare", "/srv"), SELECTED, TOPOLOGY, REQUIREMENTS, SPARE, run=RUN)
    assert found["places"]["backup-eu"]["remote_user"] == "postgres"


def test_a_backup_server_that_is_the_drill_host_needs_no_ssh() -> None:
    found = drill_places(arguments("backup-us", "/srv"), SELECTED, TOPOLOGY, REQUIREMENTS, SPARE, run=RUN)
    assert found["places"]["backup-us"] == {"directory": "/srv"}
    assert [one["from_host"] for one in found["ssh_connections"]] == ["backup-eu"]


def test_a_backup_server_without_a_selected_server_connects_to_nobody() -> None:
    selected = {"backup-eu": ["orders"], "backup-us": []}
    found = drill_places(arguments("spare", "/srv"), selected, TOPOLOGY, REQUIREMENTS, SPARE, run=RUN)
    assert [one["from_host"] for one in found["ssh_connections"]] == ["backup-eu"]
    with pytest.raises(RecoveryError, match="no other backup server drills in this run"):
        drill_places(arguments("backup-eu", "/srv"), selected, TOPOLOGY, REQUIREMENTS, SPARE, run=RUN)
