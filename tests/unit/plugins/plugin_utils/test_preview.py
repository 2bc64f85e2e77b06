# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils.preview import (
    CurrentSetting,
    barman_lines,
    parse_settings,
    postgres_lines,
)

POSTGRES: dict[str, Any] = {
    "port": 5433,
    "roles": [{"name": "barman"}, {"name": "streaming_barman"}],
    "hba_lines": ['host "postgres" "barman" 198.51.100.11/32 scram-sha-256'],
}
SETTINGS = {"wal_level": {"minimum": "replica"}, "listen_addresses": {"value": "*"}}


def test_an_entry_shows_how_it_works_and_nothing_else() -> None:
    entries = [
        {"name": "a", "options": {"conninfo": "host=a", "sslkey": "/k", "backup_method": "postgres"}},
        {"name": "b", "options": {}},
    ]
    assert barman_lines(
        {"configuration_directory": "/etc/barman.d", "servers": entries}, "backup", ["barman", "x"]
    ) == [
        "Packages are missing on this host, so this check ends here for it. A real run does this on backup:",
        "- install the packages barman, x",
        "- write these entries of Barman to /etc/barman.d, and receive or archive their WAL:",
        "    a: backup_method = postgres; conninfo = host=a",
        "    b: ",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("wal_level|minimal|postmaster", CurrentSetting("minimal", "postmaster")),
        ("listen_addresses||postmaster", CurrentSetting("", "postmaster")),
        ("archive_command|a | b|sighup", CurrentSetting("a | b", "sighup")),
    ],
)
def test_a_line_of_pg_settings(line: str, expected: CurrentSetting) -> None:
    assert list(parse_settings([line]).values()) == [expected]


def shown(*, installs_server: bool = False, error: str = "", **current: CurrentSetting) -> list[str]:
    lines = postgres_lines(
        POSTGRES, "pg", ["x"], SETTINGS, current=current, installs_server=installs_server, error=error
    )
    assert lines[1:6] == [
        "- install the packages x",
        "- create the database roles barman and streaming_barman",
        "- write these rules to pg_hba.conf, and reload PostgreSQL:",
        '    host "postgres" "barman" 198.51.100.11/32 scram-sha-256',
        "- ensure these settings:",
    ]
    return lines[6:]


def test_settings_that_are_known() -> None:
    assert shown(wal_level=CurrentSetting("", "postmaster"), listen_addresses=CurrentSetting("*", "sighup")) == [
        "    wal_level: at least replica, now ''; if it changes, PostgreSQL has to be restarted",
        "    listen_addresses: *, now *; a reload is enough",
    ]


UNKNOWN = ["    wal_level: at least replica, now unknown", "    listen_addresses: *, now unknown"]


def test_settings_of_a_server_that_does_not_answer() -> None:
    assert shown(error="psql: no server") == [
        *UNKNOWN,
        "- the current settings are unknown: PostgreSQL could not be asked with psql on port 5433: psql: no server",
    ]
    assert shown()[-1].endswith("with psql on port 5433")


def test_settings_of_a_server_that_is_not_installed_yet() -> None:
    assert shown(installs_server=True) == [
        *UNKNOWN,
        "- the current settings are those of a PostgreSQL that is not installed yet: the packages' defaults",
    ]
