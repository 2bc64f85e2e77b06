# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.data_directory import InstanceError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.server_address import QueryLocked
from ansible_collections.pgdr.barman.plugins.module_utils._verify.outbound import (
    isolation_settings,
    observe,
    with_settings,
    write_settings,
)


class Server:
    """A recovered server with databases, of which some have pg_cron."""

    def __init__(self) -> None:
        self.subscriptions: list[str] = []
        self.jobs: dict[str, int | None] = {"postgres": 3}
        self.databases = ["postgres", "shop", "broken"]

    def query(self, sql: str, database: str = "postgres", timeout: float = 60.0) -> list[list[str | None]]:
        if "pg_subscription" in sql:
            return [[name] for name in self.subscriptions]
        if "pg_database" in sql:
            return [[name] for name in self.databases]
        if database == "broken":
            raise InstanceError("its locale does not exist here")
        if "pg_extension" in sql:
            return [[str(int(database in self.jobs))]]
        jobs = self.jobs[database]
        if jobs is None:
            raise QueryLocked("canceling statement due to lock timeout")
        return [[str(jobs)]]


def test_subscriptions_and_jobs_are_found() -> None:
    server = Server()
    server.subscriptions = ["shop/orders"]
    assert observe(server) == {"subscriptions": ["shop/orders"], "cron_jobs": 3}


def test_jobs_that_cannot_be_counted_are_not_none() -> None:
    server = Server()
    server.jobs = {"shop": None, "postgres": 2}
    assert observe(server)["cron_jobs"] is None


@pytest.mark.parametrize(
    ("outbound", "start", "expected"),
    [
        ({"subscriptions": [], "cron_jobs": 0}, {}, {}),
        ({"subscriptions": ["shop/orders"], "cron_jobs": 0}, {}, {"max_logical_replication_workers": "0"}),
        ({"subscriptions": [], "cron_jobs": 1}, {}, {"cron.launch_active_jobs": "off"}),
        ({"subscriptions": [], "cron_jobs": None}, {}, {"cron.launch_active_jobs": "off"}),
        ({}, {"archive_mode": "on", "archive_command": "false", "archive_library": ""}, {}),
        ({}, {"archive_mode": "off", "archive_command": "cp %p /mnt/%f"}, {}),
        ({}, {"archive_mode": "on", "archive_command": "barman-wal-archive b pg %p"}, {"archive_mode": "off"}),
        ({}, {"archive_mode": "always", "archive_command": "", "archive_library": "x"}, {"archive_mode": "off"}),
    ],
)
def test_a_copy_is_kept_from_what_it_would_do(
    outbound: dict[str, object], start: dict[str, str], expected: dict[str, str]
) -> None:
    found = isolation_settings(outbound, start)
    assert found.settings == expected
    assert len(found.reasons) == len(expected)


def test_each_setting_is_written_once() -> None:
    text = "# Do not edit\narchive_mode = 'on'\nwork_mem = '8MB'\n"
    written = with_settings(text, {"archive_mode": "off", "cron.launch_active_jobs": "off"})
    assert written == "# Do not edit\nwork_mem = '8MB'\narchive_mode = 'off'\ncron.launch_active_jobs = 'off'\n"
    assert with_settings(written, {"archive_mode": "off"}).count("archive_mode") == 1


def test_the_file_is_written_as_its_owner(tmp_path: Path) -> None:
    (tmp_path / "postgresql.auto.conf").write_text("work_mem = '8MB'\n")
    user = getpass.getuser()
    assert write_settings(str(tmp_path), user, {"archive_mode": "off"})
    assert not write_settings(str(tmp_path), user, {"archive_mode": "off"})
    assert (tmp_path / "postgresql.auto.conf").read_text() == "work_mem = '8MB'\narchive_mode = 'off'\n"
    assert [one.name for one in tmp_path.iterdir()] == ["postgresql.auto.conf"]
