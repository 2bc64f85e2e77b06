# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a PostgreSQL host reports of its server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._placement.database import database_facts, wal_rate
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.server_address import Address
from tests.unit.plugins.module_utils._postgres.test_cluster_observation import FakeHost, cluster_row

SOCKET = {"port": 5432, "socket_directory": None, "login_user": "postgres"}


class Psql:
    """Answers the queries of an idle server, or of one that writes a megabyte between two of them."""

    def __init__(self, statistics: str = "", step: int = 1_000_000) -> None:
        self.statistics = statistics
        self.position = 0
        self.step = step

    def run(self, command: Command) -> Completed:
        sql = command.input or ""
        if "pg_stat_wal" in sql:
            return Completed(command.argv, 0, self.statistics)
        if "pg_wal_lsn_diff" in sql:
            self.position += self.step
            return Completed(command.argv, 0, f"{self.position}\n")
        return Completed(command.argv, 0, "107374182400,on,-1\n")


def rate(psql: Psql, version: int = 17, seconds: float = 2.0) -> tuple[float | None, str]:
    return wal_rate(
        Address("/bin", "postgres", "postgres", "/run", 5432, psql.run), seconds, version, lambda time: None
    )


def test_long_statistics_are_a_better_mean_than_a_measurement() -> None:
    assert rate(Psql(statistics="36000000,7200\n")) == (5000.0, "pg_stat_wal")


@pytest.mark.parametrize(("statistics", "version"), [("36000000,60\n", 17), ("", 17), ("36000000,7200\n", 13)])
def test_otherwise_the_growth_is_measured(statistics: str, version: int) -> None:
    assert rate(Psql(statistics), version) == (500_000.0, "measured")


def test_no_time_is_no_measurement() -> None:
    assert rate(Psql(), seconds=0) == (None, "")


def test_a_server_of_the_host(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    directory = host.directory("main", tablespace=None)
    host.start(100, directory, 5432, "0::/system.slice/postgresql@17-main.service\n")
    assert host.clusters is not None
    host.clusters.append(cluster_row("main", 5432, directory))
    psql = Psql(statistics="36000000,7200\n")

    def run(command: Command) -> Completed:
        return psql.run(command) if command.argv[0].endswith("psql") else host.run(command)

    found: dict[str, Any] = database_facts(SOCKET, 2.0, run, lambda time: None, str(host.proc))
    assert found == {
        "data_directory": str(directory),
        "size": 107374182400,
        "wal_rate": 5000.0,
        "wal_rate_source": "pg_stat_wal",
        "checksums": True,
        "slot_limit": -1,
    }


def test_a_host_without_the_server_is_an_error_with_the_port(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    with pytest.raises(HostError, match="5432"):
        database_facts(SOCKET, 2.0, host.run, lambda time: None, str(host.proc))
