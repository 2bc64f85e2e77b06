# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass
import os
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.data_directory import (
    InstanceError,
    find_bin_directory,
    observe_data_directory,
    read_control,
)

USER = getpass.getuser()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    (directory / "global").mkdir(parents=True)
    (directory / "global" / "pg_control").write_text("")
    (directory / "PG_VERSION").write_text("17\n")
    return directory


def test_a_recovered_directory(data: Path) -> None:
    (data / "recovery.signal").touch()
    found = observe_data_directory(str(data))
    assert (found.owner, found.major_version, found.in_recovery, found.postmaster_pid) == (USER, 17, True, None)


@pytest.mark.parametrize(
    ("missing", "message"),
    [("PG_VERSION", "is not a data directory"), ("global/pg_control", "is not complete"), ("", "does not exist")],
)
def test_what_is_no_data_directory(data: Path, missing: str, message: str) -> None:
    if missing:
        (data / missing).unlink()
    with pytest.raises(InstanceError, match=message):
        observe_data_directory(str(data if missing else data / "other"))


@pytest.mark.parametrize("pid", ["", "nonsense", "999999999", pytest.param(str(os.getpid()), id="this process")])
def test_a_stale_postmaster_pid_is_no_server(data: Path, pid: str) -> None:
    (data / "postmaster.pid").write_text(pid + "\n")
    assert observe_data_directory(str(data)).postmaster_pid is None


def _programs(root: Path, version: str) -> str:
    root.mkdir()
    program = root / "postgres"
    program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
    program.chmod(0o755)
    return str(root)


def test_the_programs_of_the_right_version_are_found(tmp_path: Path) -> None:
    places = [
        _programs(tmp_path / "a", "16.4"),
        str(tmp_path / "none"),
        _programs(tmp_path / "b", "17.11 (Debian 17.11-1)"),
    ]
    assert find_bin_directory(17, candidates=places) == places[2]
    assert find_bin_directory(16, requested=places[0]) == places[0]
    with pytest.raises(InstanceError, match=r"PostgreSQL 15 were not found .*/a has postgres \(PostgreSQL\) 16\.4"):
        find_bin_directory(15, candidates=places)
    with pytest.raises(InstanceError, match="the program 'postgres' does not exist"):
        find_bin_directory(17, requested=str(tmp_path))


def test_the_control_file_is_read_and_a_damaged_one_is_an_error(data: Path) -> None:
    def run(command: Command) -> Completed:
        return Completed(
            command.argv, 0, "Database cluster state:               in production\nmax_connections setting: 100\n"
        )

    assert read_control(str(data), "/bin", USER, run)["max_connections setting"] == "100"
    with pytest.raises(InstanceError, match="can't be read: not a control file"):
        read_control(str(data), "/bin", USER, lambda command: Completed(command.argv, 1, "", "not a control file"))
