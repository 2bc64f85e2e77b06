# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups that Barman was torn away from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman import catalog, configuration, locks
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import ServerConfiguration
from ansible_collections.pgdr.barman.plugins.module_utils._check.observe import observe
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost

ID = "20261120T080000"


@pytest.fixture
def host(tmp_path: Path) -> BarmanHost:
    found = BarmanHost(tmp_path)
    found.server("pg")
    found.backup("pg", "20261119T080000", 3)
    found.wal("pg", [3, 4])
    return found


def server(host: BarmanHost) -> ServerConfiguration:
    return configuration.read(str(host.main)).server("pg")


def lock(host: BarmanHost, text: str) -> None:
    (host.home / ".pg-backup.lock").write_text(text)


@pytest.mark.parametrize("status", ["STARTED", "EMPTY"])
@pytest.mark.parametrize("text", [None, "", "999999999\n"])
def test_a_backup_that_nobody_takes_any_more_has_failed(host: BarmanHost, status: str, text: str | None) -> None:
    host.backup("pg", ID, 4, status=status)
    if text is not None:
        lock(host, text)
    good, bad = catalog.read_backups(server(host))
    assert (good.status, good.interrupted) == ("DONE", False)
    assert (bad.status, bad.interrupted, bad.error) == (
        "FAILED",
        True,
        "it was interrupted: no process takes it any more",
    )
    assert catalog.find([good, bad], "last-failed") is bad


def test_one_that_is_being_taken_goes_on(host: BarmanHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.backup("pg", ID, 4, status="STARTED")
    lock(host, f"{os.getpid()}")
    monkeypatch.setattr(locks, "command_line", lambda pid: "/usr/bin/python3 /usr/bin/barman backup pg")
    assert catalog.read_backups(server(host))[-1].status == "STARTED"


def test_a_process_number_that_another_has_by_now(host: BarmanHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.backup("pg", ID, 4, status="STARTED")
    lock(host, f"{os.getpid()}")
    monkeypatch.setattr(locks, "command_line", lambda pid: "/usr/sbin/cron -f")
    assert catalog.read_backups(server(host))[-1].status == "FAILED"


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        ("/usr/bin/python3 /usr/bin/barman -c /etc/barman.conf -f json backup --name n pg", True),
        ("/usr/bin/python3 /usr/bin/barman -q backup all", True),
        ("/usr/bin/python3 /usr/bin/barman backup other pg", True),
        ("/usr/bin/python3 /usr/bin/barman backup other", False),
        ("/usr/bin/python3 /usr/bin/barman -q receive-wal pg", False),
        ("/usr/bin/python3 /usr/bin/barman delete pg 20261119T080000", False),
    ],
)
def test_what_takes_a_backup(host: BarmanHost, line: str, runs: bool) -> None:
    lock(host, "4711")
    assert locks.backup_runs(server(host), lambda pid: line + " ") is runs


def test_the_check_reports_how_to_remove_it(host: BarmanHost) -> None:
    host.backup("pg", ID, 4, status="STARTED")
    found = observe(host.barman, configuration.read(str(host.main)), ["pg"], 1, ask_barman=False)["pg"]
    assert [str(check) for check in found.failures()] == [
        f"interrupted backups: they use disk space until they are deleted: barman delete pg {ID}"
    ]
