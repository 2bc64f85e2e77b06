# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import pytest
from yaml import safe_load

from ansible_collections.pgdr.barman.plugins.module_utils._recover.host_check import copy_problems
from ansible_collections.pgdr.barman.plugins.modules import recovery_host
from tests.unit.plugins.modules.running import run_main

SERVER: dict[str, Any] = {
    "system_identifier": "7",
    "databases": {"postgres": ["C", "C"], "shop": ["xx_XX.UTF-8", "xx_XX.UTF-8"]},
    "settings": {},
    "restored": [],
    "own_settings": {},
    "managers": {},
    "subscriptions": ["shop/orders"],
    "cron_database": "",
}


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    """A host with PostgreSQL's programs and no data directory yet."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.2'\n")
    (programs / "postgres").chmod(0o755)
    return {
        "data_directory": str(tmp_path / "data"),
        "postgres_version": 17,
        "user": getpass.getuser(),
        "bin_directory": str(programs),
        "check_layout": False,
    }


def requirements(**changes: Any) -> dict[str, Any]:
    return {
        **{"origin": "record", "time": "2026-11-27T03:00:00+00:00", "reason": "it is down", "server": SERVER},
        **{"files": {"postgresql.auto.conf": {"lc_time": "yy_YY"}}, "resource_managers": [129], **changes},
    }


def test_what_the_host_lacks_is_reported_at_once(options: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(recovery_host.main, capsys, **options, requirements=requirements(), check_mode=True)
    assert answer["failed"]
    lines = answer["msg"].splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "this host does not have the locale xx_XX.UTF-8, which these need",
        "this host does not have the locale yy_YY, which these need",
        "the WAL contains records of the custom resource managers 129. Only a library of shared_preload_libraries can replay them, "
        "and on this host it is empty. "
        "Install the extension's package there and set shared_preload_libraries",
    ]
    assert "database 'shop' (as recorded at 2026-11-27T03:00:00+00:00)" in lines[0]


def test_all_documented_returns_are_returned(options: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    server = {**SERVER, "databases": {"postgres": ["C", "C"]}}
    answer = run_main(
        recovery_host.main,
        capsys,
        **options,
        requirements=requirements(server=server, files={}, resource_managers=[]),
    )
    assert set(safe_load(recovery_host.RETURN)) <= set(answer)
    assert answer["starts"] == ["subscriptions shop/orders (as recorded at 2026-11-27T03:00:00+00:00)"]
    assert answer["not_compared"] == ["libraries: the directory of PostgreSQL's libraries was not found"]
    assert "not compared before the recovery begins: libraries" in str(answer["warnings"])


@pytest.mark.parametrize(("path", "problems"), [("/usr/bin/rsync", 0), (None, 1)])
def test_barman_copies_with_rsync(path: str | None, problems: int) -> None:
    """Found before the confirmation, on a new machine for example."""
    found = copy_problems({"rsync": path}.get)
    assert len(found) == problems
    assert all("Install the package rsync" in problem for problem in found)


def test_without_requirements_nothing_is_compared(options: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(recovery_host.main, capsys, **options)
    assert (answer["not_compared"], answer["starts"]) == ([], [])
