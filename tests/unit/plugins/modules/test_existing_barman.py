# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module existing_barman: what it returns of a host, and what it does without psycopg, without Barman and without a configuration."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._adoption import run
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.modules import existing_barman
from tests.unit.plugins.modules.running import run_main


@pytest.fixture
def main_file(tmp_path: Path) -> Path:
    (tmp_path / "barman.d").mkdir()
    main = tmp_path / "barman.conf"
    main.write_text(
        f"[barman]\nbarman_home = {tmp_path}/home\nbarman_user = {getpass.getuser()}\nconfiguration_files_directory = {tmp_path}/barman.d\n"
        "aws_sse_customer_key = geheim\n"
    )
    (tmp_path / "barman.d/orders.conf").write_text(
        "[orders]\nconninfo = host=192.0.2.21 user=barman password=geheim\nstreaming_archiver = on\nslot_name = barman\n"
    )
    return main


def test_it_describes_the_host(
    main_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        run, "ask_all", lambda questions, _user, _timeout: {name: {"version": 170003} for name in questions}
    )
    answer = run_main(existing_barman.main, capsys, config_file=str(main_file), barman_user=getpass.getuser())
    found = answer["barman"]
    assert answer["changed"] is False
    assert found["secret_global_options"] == ["aws_sse_customer_key"]
    orders = found["servers"]["orders"]
    assert (orders["file"], orders["ours"], orders["in_main_file"]) == (
        f"{main_file.parent}/barman.d/orders.conf",
        False,
        False,
    )
    assert orders["connections"]["conninfo"] == {"host": "192.0.2.21", "user": "barman"}
    assert orders["passwords"] == {"conninfo": "conninfo"}
    assert found["postgresql"]["orders"]["version"] == 170003
    assert "geheim" not in str(answer)


def test_a_missing_psycopg_is_returned(
    main_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise HostError("psycopg is missing")

    monkeypatch.setattr(run, "require_psycopg", missing)
    found = run_main(existing_barman.main, capsys, config_file=str(main_file), barman_user=getpass.getuser())["barman"]
    assert (found["postgresql"], found["postgresql_problem"]) == ({}, "psycopg is missing")


def test_postgresql_is_not_queried_if_not_requested(main_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run_main(
        existing_barman.main, capsys, config_file=str(main_file), barman_user=getpass.getuser(), query_postgresql=False
    )["barman"]
    assert (found["postgresql"], found["postgresql_problem"]) == ({}, None)


def test_a_host_without_barman(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(existing_barman.main, capsys, config_file=str(tmp_path / "none.conf"))
    assert answer["failed"] is True
    assert "does not exist on this host; is Barman installed?" in answer["msg"]
