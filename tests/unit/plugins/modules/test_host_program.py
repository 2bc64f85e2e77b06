# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._server import program_files
from ansible_collections.pgdr.barman.plugins.modules import host_program
from tests.unit.plugins.modules.running import run_main

Run = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = program_files.Places
    monkeypatch.setattr(program_files, "Places", lambda _root: original(str(tmp_path)))
    for directory in ("usr/local/bin", "etc/cron.d"):
        (tmp_path / directory).mkdir(parents=True)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(**arguments: Any) -> dict[str, Any]:
        return run_main(host_program.main, capsys, user="root", settings={"barman_user": "root"}, **arguments)

    return run


def test_it_is_installed_once_and_removed_once(run: Run, tmp_path: Path) -> None:
    first = run(identity="0" * 16, diff=True)
    assert first["changed"]
    assert first["identity"] == "0" * 16
    assert {one["before_header"] for one in first["diff"]} == {
        str(tmp_path / "etc/pgdr-barman.json"),
        str(tmp_path / "usr/local/bin/pgdr-barman"),
        str(tmp_path / "usr/local/lib/pgdr.barman/program"),
    }
    assert not run(identity="0" * 16)["changed"]
    assert run(state="absent")["changed"]
    assert not run(state="absent")["changed"]


def test_without_an_identity_nothing_is_installed(run: Run, tmp_path: Path) -> None:
    failed = run()
    assert failed["failed"]
    assert failed["msg"].startswith("identity: '' is not a digest")
    assert not (tmp_path / "usr/local/lib/pgdr.barman").exists()
