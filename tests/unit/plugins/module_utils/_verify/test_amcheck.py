# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What pg_amcheck finds, with the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.data_directory import DataDirectory
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.private_server import PrivateServer
from ansible_collections.pgdr.barman.plugins.module_utils._verify.amcheck import check_relations, damaged_relations
from ansible_collections.pgdr.barman.plugins.module_utils._verify.observe import PreparedDirectory

FOUND = """heap table "shop.public.orders", block 3, offset 7:
    xmin 4294967295 equals or exceeds next valid transaction ID 0:801
btree index "shop.public.odd ""name".pkey":
    ERROR:  item order invariant violated for index "pkey"
    DETAIL:  Lower index tid=(1,2)
"""


class Server:
    """A promoted copy."""

    directory = "/tmp/socket"
    database_user = "postgres"

    def __init__(self) -> None:
        self.available = "1"

    def query(self, sql: str, database: str = "postgres", timeout: float = 60.0) -> list[list[str | None]]:
        if "pg_available_extensions" in sql:
            return [[self.available]]
        if database == "broken":
            raise HostError("no catalog")
        return [["shop.public.orders", "base/16384/16390"], ["shop.public.view", None]]


def prepared(bin_directory: Path, version: int = 17) -> PreparedDirectory:
    directory = DataDirectory(
        "/data", "postgres", version, recovery_signal=True, standby_signal=False, postmaster_pid=None
    )
    return PreparedDirectory(directory, str(bin_directory), "postgres", {}, {}, {}, {})


def check(
    tmp_path: Path, completed: Completed, version: int = 17, server: Server | None = None
) -> tuple[dict[str, Any], str, list[Command]]:
    (tmp_path / "pg_amcheck").touch()
    commands: list[Command] = []

    def runner(command: Command) -> Completed:
        commands.append(command)
        return completed

    private = cast(PrivateServer, server or Server())
    facts, problem = check_relations(private, prepared(tmp_path, version), runner, 60.0, ["broken", "shop"])
    return facts, problem, commands


def test_consistent_relations_are_verified(tmp_path: Path) -> None:
    facts, problem, (command,) = check(tmp_path, Completed([], 0))
    assert (facts["status"], problem) == ("verified", "")
    assert {"--all", "--install-missing", "--heapallindexed", "--parent-check"} <= set(command.argv)
    assert command.user == "postgres"
    assert "statement_timeout=0" in command.env["PGOPTIONS"]
    assert "event_triggers=off" in command.env["PGOPTIONS"]


def test_what_is_damaged_has_its_file(tmp_path: Path) -> None:
    facts, problem, _commands = check(tmp_path, Completed([], 2, FOUND))
    assert facts["status"] == "wrong"
    assert facts["relations"][0] == {"relation": "shop.public.orders", "file": "base/16384/16390"}
    assert facts["relations"][1]["file"] is None
    assert "shop.public.orders (file base/16384/16390), block 3, offset 7: xmin 4294967295 equals" in problem


def test_a_check_that_could_not_run_is_no_damage_and_no_success(tmp_path: Path) -> None:
    facts, problem, _commands = check(tmp_path, Completed([], 1, "", "pg_amcheck: error: no connection"))
    assert facts["status"] == "wrong"
    assert problem == "pg_amcheck could not check every relation: pg_amcheck: error: no connection"


def test_many_findings_are_abridged(tmp_path: Path) -> None:
    text = "".join(f'heap table "a.b.c{number}":\n    wrong\n' for number in range(9))
    _facts, problem, _commands = check(tmp_path, Completed([], 2, text))
    assert "and 4 more" in problem


@pytest.mark.parametrize(
    ("version", "available", "program", "reason"),
    [
        (13, "1", True, "from version 14 on"),
        (17, "0", True, "the extension amcheck is not installed"),
        (17, "1", False, "pg_amcheck is not in"),
    ],
)
def test_without_amcheck_the_reason_is_reported(
    tmp_path: Path, version: int, available: str, reason: str, *, program: bool
) -> None:
    server = Server()
    server.available = available
    if program:
        (tmp_path / "pg_amcheck").touch()

    def runner(command: Command) -> Completed:
        raise AssertionError(command)

    facts, problem = check_relations(cast(PrivateServer, server), prepared(tmp_path, version), runner, 60.0)
    assert facts["status"] == "unavailable"
    assert reason in facts["reason"]
    assert problem == ""


def test_findings_are_read_with_their_places() -> None:
    assert damaged_relations(FOUND)[0] == (
        "shop.public.orders",
        ", block 3, offset 7",
        "xmin 4294967295 equals or exceeds next valid transaction ID 0:801",
    )
    assert damaged_relations("    a line without a relation\n") == []
