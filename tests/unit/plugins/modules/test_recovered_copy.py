# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module recovered_copy with a data directory, and a program that answers for PostgreSQL."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.modules import recovered_copy
from tests.unit.plugins.modules.running import run_main

PROGRAM = """#!/bin/sh
case "$*" in
--version) echo "postgres (PostgreSQL) 17.2" ;;
*"-C archive_mode") echo on ;;
*"-C archive_command") echo "%s" ;;
*) exit 1 ;;
esac
"""
AUTOMATIC = "work_mem = '4MB'\n"
PRODUCTION = {"subscriptions": ["shop/orders"], "cron_jobs": 2}


class Copy:
    """A restored data directory, and the programs of PostgreSQL."""

    def __init__(self, root: Path) -> None:
        self.data, self.programs = root / "data", root / "bin"
        self.data.mkdir()
        self.programs.mkdir()
        (self.data / "postgresql.conf").write_text("")
        self.file = self.data / "postgresql.auto.conf"
        self.file.write_text(AUTOMATIC)
        self.archives_with("cp %p /mnt/%f")

    def archives_with(self, command: str) -> None:
        program = self.programs / "postgres"
        program.write_text(PROGRAM % command)
        program.chmod(0o755)


@pytest.fixture
def copied(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


@pytest.fixture
def run(copied: Copy, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    return partial(
        run_main,
        recovered_copy.main,
        capsys,
        data_directory=str(copied.data),
        postgres_version=17,
        user=getpass.getuser(),
        bin_directory=str(copied.programs),
    )


def test_what_reaches_other_servers_is_disabled_once(copied: Copy, run: Callable[..., dict[str, Any]]) -> None:
    settings = {
        "max_logical_replication_workers": "0",
        "cron.launch_active_jobs": "off",
        "archive_mode": "off",
    }
    promised = run(outbound=PRODUCTION, check_mode=True)
    assert (promised["changed"], promised["settings"], copied.file.read_text()) == (True, settings, AUTOMATIC)
    done = run(outbound=PRODUCTION)
    assert {**promised, "invocation": None} == {**done, "invocation": None}
    assert done["reasons"] == ["subscriptions: shop/orders", "pg_cron jobs: 2", "archive_command = cp %p /mnt/%f"]
    assert copied.file.read_text().splitlines() == [
        "work_mem = '4MB'",
        "archive_mode = 'off'",
        "cron.launch_active_jobs = 'off'",
        "max_logical_replication_workers = '0'",
    ]
    again = run(outbound=PRODUCTION)
    assert (again["changed"], again["settings"]) == (False, settings)


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_copy_that_reaches_nothing_stays(
    copied: Copy, run: Callable[..., dict[str, Any]], *, check_mode: bool
) -> None:
    copied.archives_with("false")
    answer = run(outbound={"subscriptions": [], "cron_jobs": 0}, check_mode=check_mode)
    assert (answer["changed"], answer["settings"], answer["reasons"]) == (False, {}, [])
    assert copied.file.read_text() == AUTOMATIC


def test_without_postgresql_s_programs_nothing_is_written(copied: Copy, run: Callable[..., dict[str, Any]]) -> None:
    answer = run(outbound=PRODUCTION, bin_directory=str(copied.data))
    assert answer["msg"] == f"bin_directory: the program 'postgres' does not exist in {copied.data}"
    assert copied.file.read_text() == AUTOMATIC
