# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import pwd
import stat
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.modules import pgpass, user_directory
from tests.unit.plugins.modules.running import run_main

ME = pwd.getpwuid(os.geteuid())
LINE = "198.51.100.21:5432:*:barman:hunter2"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    entry = pwd.struct_passwd((ME.pw_name, "x", ME.pw_uid, ME.pw_gid, "", str(tmp_path), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwnam", lambda name: entry)
    return tmp_path


def test_a_password_file_is_for_its_user_alone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(pgpass.main, capsys, user=ME.pw_name, lines=[LINE])
    assert answer["changed"] is True
    assert LINE in (home / ".pgpass").read_text().splitlines()
    assert stat.S_IMODE((home / ".pgpass").stat().st_mode) == 0o600
    assert "hunter2" not in json.dumps(answer)
    assert run_main(pgpass.main, capsys, user=ME.pw_name, lines=[LINE])["changed"] is False


def test_a_password_file_that_others_can_read_is_closed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_main(pgpass.main, capsys, user=ME.pw_name, lines=[LINE])
    (home / ".pgpass").chmod(0o644)
    assert run_main(pgpass.main, capsys, user=ME.pw_name, lines=[LINE], check_mode=True)["changed"] is True
    assert stat.S_IMODE((home / ".pgpass").stat().st_mode) == 0o644
    assert run_main(pgpass.main, capsys, user=ME.pw_name, lines=[LINE])["changed"] is True
    assert stat.S_IMODE((home / ".pgpass").stat().st_mode) == 0o600


def test_check_mode_writes_no_password_file(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(pgpass.main, capsys, user=ME.pw_name, lines=[LINE], check_mode=True)["changed"] is True
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("line", ["hunter2", "a:b:c:d", f"{LINE}\n{LINE}", "# hunter2"])
def test_a_line_that_libpq_does_not_read_is_refused(home: Path, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(pgpass.main, capsys, user=ME.pw_name, lines=[LINE, line])
    assert "number 2 is not host:port:database:user:password" in answer["msg"]
    assert "hunter2" not in json.dumps(answer)
    assert list(home.iterdir()) == []


def test_a_link_in_the_place_of_the_password_file_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "victim").write_text("precious\n")
    (home / ".pgpass").symlink_to(home / "victim")
    answer = run_main(pgpass.main, capsys, user=ME.pw_name, lines=[LINE])
    assert f"{home}/.pgpass is a symbolic link to {home}/victim" in answer["msg"]
    assert (home / "victim").read_text() == "precious\n"


def test_directories_are_made_with_those_above_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(tmp_path / "a" / "b"), str(tmp_path / "c")]
    answer = run_main(user_directory.main, capsys, paths=paths, user=ME.pw_name, check_mode=True)
    assert answer["changed_paths"] == paths
    assert list(tmp_path.iterdir()) == []
    run_main(user_directory.main, capsys, paths=paths, user=ME.pw_name)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o750
    assert run_main(user_directory.main, capsys, paths=paths, user=ME.pw_name)["changed"] is False


def test_a_directory_of_another_mode_is_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a"
    path.mkdir(mode=0o755)
    assert run_main(user_directory.main, capsys, paths=[str(path)], user=ME.pw_name, mode="700")["changed"] is True
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"paths": ["a"]}, "'a' is not an absolute path"),
        ({"paths": ["/a"], "mode": "u=rwx"}, "'u=rwx' is not three octal digits"),
        ({"paths": ["/etc/passwd"]}, "/etc/passwd can't be read: Not a directory"),
        ({"paths": ["/etc/passwd/a"]}, "Not a directory"),
    ],
)
def test_what_can_be_no_directory(given: dict[str, object], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(user_directory.main, capsys, user=ME.pw_name, **given)
    assert message in answer["msg"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_refused_if_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log of one daemon is not taken from another."""
    path = tmp_path / "log"
    path.mkdir(mode=0o755)
    answer = run_main(user_directory.main, capsys, paths=[str(path)], user="nobody", existing="refuse")
    assert f"{path} exists and does not belong to 'nobody'" in answer["msg"]
    assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (0, 0o755)
    run_main(user_directory.main, capsys, paths=[str(path / "own")], user="nobody", existing="refuse")
    assert (path / "own").stat().st_uid == pwd.getpwnam("nobody").pw_uid
