# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries without their secrets."""

from __future__ import annotations

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._adoption.entries import (
    connections,
    own_options,
    password_places,
    public_options,
)
from ansible_collections.pgdr.barman.plugins.module_utils._adoption.postgres import answer_facts
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import (
    Configuration,
    ServerConfiguration,
)
from ansible_collections.pgdr.barman.plugins.module_utils._barman.option_table import HOOK_RUNNER
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.password_file import PasswordLine, parse

SECRET_COMMANDS = [
    "curl -u deploy:hunter2 example.net",
    "curl -sfu deploy:hunter2 example.net",
    "curl --user=deploy:hunter2 example.net",
    "curl -H 'Authorization: Bearer hunter2' example.net",
    "/usr/local/bin/notify --token=hunter2",
    "TOKEN=hunter2 /usr/local/bin/notify",
    "/usr/local/bin/notify --api-key hunter2",
    "curl https://hooks.slack.com/services/T0/B0/hunter2",
    "curl example.net?api_key=hunter2",
    "mysql --pass hunter2",
    "/opt/hook --state /b/.hooks -- /usr/bin/curl https://example.net/hunter2",
]
PUBLIC_COMMANDS = [
    "/usr/local/bin/password_store_backup",
    "/usr/local/bin/notify --verbose",
    f"/opt/{HOOK_RUNNER} --state /b/.hooks -- /opt/export s3 --url s3://b/p --endpoint-url https://s3.example.net",
]
HOME = {"backup_directory": "/b/pg", "basebackups_directory": "/b/pg/base", "wals_directory": "/b/pg/wals"}
REST = {
    "errors_directory": "/b/pg/errors",
    "incoming_wals_directory": "/b/pg/incoming",
    "streaming_wals_directory": "/b/pg/streaming",
}


def entry(**options: str) -> ServerConfiguration:
    return ServerConfiguration("pg", {**HOME, **REST, **options}, "/etc/barman.d/pg.conf")


def lines(*texts: str) -> list[tuple[int, PasswordLine]]:
    parsed = [(number, parse(text)) for number, text in enumerate(texts, 1)]
    return [(number, line) for number, line in parsed if line is not None]


def test_secrets_are_names_only() -> None:
    options = {
        "compression": "gzip",
        "conninfo": "host=pg password=geheim",
        "encryption_passphrase_command": "pass barman",
        "post_backup_script": "curl https://user:geheim@example.net",
    }
    shown, secret = public_options(options)
    assert shown == {"compression": "gzip"}
    assert secret == ["encryption_passphrase_command", "post_backup_script"]


@pytest.mark.parametrize("command", SECRET_COMMANDS)
def test_a_script_that_may_have_a_secret_is_a_name_only(command: str) -> None:
    assert public_options({"post_backup_script": command}) == ({}, ["post_backup_script"])


@pytest.mark.parametrize("command", PUBLIC_COMMANDS)
def test_a_script_without_a_secret_is_shown(command: str) -> None:
    assert public_options({"post_backup_script": command}) == ({"post_backup_script": command}, [])


def test_only_what_differs_from_the_section_is_the_entry_s_own() -> None:
    section = {"barman_home": "/b", "compression": "gzip", "retention_policy": "REDUNDANCY 2", "conninfo": "host=x"}
    server = entry(compression="gzip", retention_policy="", conninfo="host=pg", parallel_jobs="2", wals_directory="/w")
    assert own_options(server, Configuration("/etc/barman.conf", section, {"pg": server})) == {
        "conninfo": "host=pg",
        "parallel_jobs": "2",
        "retention_policy": "",
        "wals_directory": "/w",
    }


def test_connections_have_no_password() -> None:
    server = entry(
        conninfo="host=pg password='ge heim' user=barman sslpassword=x", streaming_conninfo="postgresql://u:p@h/db"
    )
    assert connections(server) == {"conninfo": {"host": "pg", "user": "barman"}, "streaming_conninfo": {}}


def test_the_place_of_each_password() -> None:
    server = entry(
        conninfo="host=pg user=barman dbname=postgres",
        streaming_conninfo="host=pg user=streamer",
        wal_conninfo="host=other user=barman password=geheim",
        primary_conninfo="host=nowhere user=barman",
    )
    found = password_places(
        server,
        lines("# comment", "pg:5432:template1:barman:x", "pg:*:postgres:barman:y", "*:*:replication:streamer:z"),
        "barman",
    )
    assert found == {
        "conninfo": "3",
        "streaming_conninfo": "4",
        "wal_conninfo": "wal_conninfo",
        "primary_conninfo": None,
    }


def test_an_answer_has_no_password() -> None:
    found = answer_facts({"version": 170001, "archive_command": "PGPASSWORD=geheim send %p", "privileged_roles": None})
    assert found["archive_command"] == "PGPASSWORD=******** send %p"
    assert (found["privileged_roles"], found["inactive_slots"], found["slot_active"]) == ([], [], None)
