# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the backup server knows of what a server requires of its host."""

from __future__ import annotations

import getpass
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import ServerConfiguration
from ansible_collections.pgdr.barman.plugins.module_utils._barman.requirements_record import (
    FRESH_SECONDS,
    configuration_in,
    record_file,
    record_if_due,
    requirements_of,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.host_requirements import (
    HostRequirements,
    ask,
    parse,
)
from tests.unit.plugins.module_utils._recover.recovery_world import SYSTEM, backup

USER = getpass.getuser()
NOW = 1_800_000_000.0


class Server:
    """A PostgreSQL server, and Barman's home beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.version = 17
        self.up = True
        self.system = str(SYSTEM)
        self.libraries = "pg_cron, pg_stat_statements"
        self.connections = 0
        self.options: dict[str, str] = {"conninfo": "host=pg", "basebackups_directory": str(root / "base")}

    @property
    def configuration(self) -> ServerConfiguration:
        return ServerConfiguration("pg", self.options, "pg.conf")

    def connect(
        self, conninfo: str, user: str | None = None, server: str | None = None, *, replication: bool = False
    ) -> Any:
        self.connections += 1
        if not self.up:
            raise HostError("nobody listens")
        return self

    def close(self) -> None:
        pass

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        if "pg_control_system" in sql:
            return [{"system_identifier": self.system}]
        if "pg_settings" in sql:
            return [
                {"name": "shared_preload_libraries", "setting": self.libraries, "restored": False},
                {"name": "lc_messages", "setting": "de_DE.UTF-8", "restored": True},
                {"name": "cron.database_name", "setting": "jobs", "restored": False},
            ]
        if "pg_db_role_setting" in sql:
            return [
                {"datname": "shop", "rolname": "app", "setting": "session_preload_libraries=auto_explain"},
                {"datname": None, "rolname": "app", "setting": "statement_timeout=1s"},
            ]
        if "resource_managers" in sql:
            assert self.version >= 15
            return [{"rm_id": 129, "rm_name": "wonders"}]
        if "pg_subscription" in sql:
            return [{"name": "shop/orders"}]
        return [{"datname": "shop", "collate": "de_DE.UTF-8", "ctype": "C"}]

    def known(self, **changes: Any) -> dict[str, Any]:
        given = {"connect": self.connect, "managers": [129], "backup": backup(2, 10), **changes}
        return requirements_of(str(self.root), self.configuration, user=USER, **given)

    def check(self, now: float = NOW) -> bool:
        recorded = record_if_due(str(self.root), self.configuration, USER, self.connect, now)
        if recorded:
            os.utime(record_file(str(self.root), "pg"), (now, now))
        return recorded


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_the_server_is_asked(server: Server) -> None:
    found = ask(server)
    assert found == HostRequirements(
        system_identifier=str(SYSTEM),
        databases={"shop": ["de_DE.UTF-8", "C"]},
        settings={"shared_preload_libraries": "pg_cron, pg_stat_statements", "lc_messages": "de_DE.UTF-8"},
        restored=["lc_messages"],
        own_settings={"database shop and role app": {"session_preload_libraries": "auto_explain"}},
        managers={"129": "wonders"},
        subscriptions=["shop/orders"],
        cron_database="jobs",
    )
    assert parse(found.as_dict()) == found


def test_an_older_server_without_pg_cron(server: Server) -> None:
    server.version, server.libraries = 14, "pg_stat_statements"
    assert ask(server).managers == {}
    assert ask(server).cron_database == ""


def test_a_server_that_answers_needs_no_record(server: Server) -> None:
    found = server.known()
    assert (found["origin"], found["reason"], found["resource_managers"]) == ("server", "", [129])
    assert found["server"]["databases"] == {"shop": ["de_DE.UTF-8", "C"]}


def test_of_a_server_that_is_down_the_last_record_is_taken(server: Server) -> None:
    assert server.check()
    server.up = False
    found = server.known(managers=None)
    assert (found["origin"], found["time"], found["reason"]) == (
        "record",
        "2027-01-15T08:00:00+00:00",
        "nobody listens",
    )
    assert found["server"]["subscriptions"] == ["shop/orders"]
    assert found["resource_managers"] is None


def test_without_a_record_it_has_the_reason(server: Server) -> None:
    server.up = False
    found = server.known()
    assert (found["origin"], found["server"]) == ("", None)
    assert found["reason"] == "nobody listens, and there is no record of it yet"


def test_another_system_is_not_taken_for_the_server(server: Server) -> None:
    assert server.check()
    server.system = "12"
    found = server.known()
    assert found["origin"] == "record"
    assert "the server that answers has another system identifier (12)" in found["reason"]
    assert server.check(NOW + FRESH_SECONDS)
    found = server.known()
    assert (found["origin"], found["server"]) == ("", None)
    assert "the record is of another system identifier" in found["reason"]
    # An old backup may not have it.
    assert server.known(backup=replace(backup(2, 10), systemid=None))["origin"] == "server"


def test_a_passive_copy_and_a_host_without_psycopg_know_nothing(server: Server) -> None:
    assert "psycopg 3 is not installed" in server.known(connect=None)["reason"]
    server.options["primary_ssh_command"] = "ssh barman@other"
    assert "passive copy" in server.known()["reason"]
    assert server.connections == 0


def test_it_is_recorded_once_a_day(server: Server) -> None:
    assert server.check()
    assert not server.check(NOW + FRESH_SECONDS - 1)
    assert server.connections == 1
    assert server.check(NOW + FRESH_SECONDS)
    path = Path(record_file(str(server.root), "pg"))
    assert path.stat().st_mode & 0o777 == 0o600
    # A clock that was set back.
    assert server.check(NOW - 10)


def test_a_server_that_does_not_answer_keeps_its_record(server: Server) -> None:
    assert server.check()
    server.up = False
    assert not server.check(NOW + FRESH_SECONDS)
    assert server.known()["origin"] == "record"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"time": "x", "server": {"databases": []}}'])
def test_a_file_that_is_no_record_is_none(server: Server, text: str) -> None:
    path = Path(record_file(str(server.root), "pg"))
    path.parent.mkdir(parents=True)
    path.write_text(text)
    server.up = False
    assert server.known()["origin"] == ""


def test_the_configuration_in_a_plain_backup_is_read(server: Server) -> None:
    one = backup(2, 10)
    assert configuration_in(server.configuration, one, USER) is None
    data = server.root / "base" / one.backup_id / "data"
    data.mkdir(parents=True)
    (data / "base.tar.gz").write_text("")
    assert configuration_in(server.configuration, one, USER) is None
    (data / "PG_VERSION").write_text("17\n")
    (data / "postgresql.auto.conf").write_text("session_preload_libraries = 'auto_explain'\nport = 5433\n")
    found = configuration_in(server.configuration, one, USER)
    assert found == {"postgresql.auto.conf": {"session_preload_libraries": "auto_explain"}}
    server.options["basebackups_directory"] = "s3://bucket"
    assert configuration_in(server.configuration, one, USER) is None
