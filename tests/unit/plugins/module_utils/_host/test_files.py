# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host import files
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError, lookup_user

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A directory that every user can pass through."""
    with tempfile.TemporaryDirectory(prefix="files-", dir="/tmp") as top:
        Path(top).chmod(0o755)
        yield Path(top)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert files.read_text(str(tmp_path / "none")) is None


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.write_atomic(str(path), "größer\n", 0o600)
    assert files.read_text(str(path)) == "größer\n"
    assert mode(path) == 0o600
    assert os.listdir(tmp_path) == ["file"]


def test_bytes_that_are_no_utf8_survive(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"caf\xe9")
    text = files.read_text(str(path))
    assert text is not None
    files.rewrite(str(path), text)
    assert path.read_bytes() == b"caf\xe9"


def test_names_are_in_order_and_none_where_there_is_no_directory(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).write_text("")
    assert files.names_in(str(tmp_path)) == ["a", "b"]
    assert files.names_in(str(tmp_path / "none")) == files.names_in(str(tmp_path / "a")) == []


def test_names_that_can_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refused)
    with pytest.raises(HostError, match=f"{tmp_path} can't be read: Permission denied"):
        files.names_in(str(tmp_path))


def test_a_walk_reports_a_directory_that_can_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, listed = tmp_path / "closed", os.scandir
    closed.mkdir()
    assert [top for top, _directories, _names in files.walk(str(tmp_path))] == [str(tmp_path), str(closed)]
    assert list(files.walk(str(tmp_path / "none"))) == []

    def scandir(path: Any) -> Any:
        if str(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(HostError, match="closed can't be read: Permission denied"):
        list(files.walk(str(tmp_path)))


def test_a_directory_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="can't be read: Is a directory"):
        files.read_text(str(tmp_path))


def test_the_old_text_stays_where_the_new_one_can_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HostError, match="file can't be written: No space left on device"):
        files.write_atomic(str(path), "new", 0o644)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="can't be written: No such file or directory"):
        files.write_atomic(str(tmp_path / "none" / "file"), "", 0o644)


@as_root
def test_owner(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.write_atomic(str(path), "", 0o600, "nobody")
    account = lookup_user("nobody")
    assert (path.stat().st_uid, path.stat().st_gid) == (account.pw_uid, account.pw_gid)


def test_rewrite_keeps_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o640)
    files.rewrite(str(path), "new")
    assert (path.read_text(), mode(path)) == ("new", 0o640)


@as_root
def test_rewrite_keeps_the_owner(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    os.chown(path, 12, 34)
    files.rewrite(str(path), "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12, 34)


def test_rewrite_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o640)
    before = path.stat()
    path.unlink()
    files.rewrite(str(path), "old", before)
    assert (path.read_text(), mode(path)) == ("old", 0o640)


def test_rewrite_needs_the_file(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="can't be read: No such file"):
        files.rewrite(str(tmp_path / "none"), "")


@as_root
def test_a_link_in_a_users_directory_is_read_as_that_user(open_path: Path) -> None:
    """Otherwise a message could show what root alone can read."""
    secret = open_path / "secret"
    secret.write_text("root's\n")
    secret.chmod(0o600)
    home = open_path / "home"
    (home / "meta").mkdir(parents=True)
    (home / "link").symlink_to(secret)
    (home / "meta" / "info").write_text("the user's\n")
    (home / "away").symlink_to(open_path)
    for path in (home, home / "meta"):
        os.chown(path, lookup_user("nobody").pw_uid, -1)
    for path in (home / "link", home / "away" / "secret"):
        with pytest.raises(HostError, match="Permission denied"):
            files.read_text(str(path))
    assert files.read_text(str(home / "meta" / "info")) == "the user's\n"
    assert files.read_text(str(secret)) == "root's\n"
    assert os.geteuid() == 0


@as_root
def test_a_user_without_an_account(open_path: Path) -> None:
    (open_path / "home").mkdir()
    (open_path / "home" / "file").write_text("text")
    os.chown(open_path / "home", 54321, 54321)
    assert files.read_text(str(open_path / "home" / "file")) == "text"


@as_root
def test_below_a_directory_of_another_user_the_last_one_reads(open_path: Path) -> None:
    data = open_path / "admin" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    os.chown(open_path / "admin", 54321, 54321)
    for path in (data, data / "PG_VERSION"):
        os.chown(path, lookup_user("nobody").pw_uid, -1)
    data.chmod(0o700)
    (data / "PG_VERSION").chmod(0o600)
    assert files.read_text(str(data / "PG_VERSION")) == "17\n"


@as_root
def test_a_user_chooses_not_whose_files_are_read(open_path: Path) -> None:
    """A link in one user's directory leads to another user's: it is read as the first."""
    home, other = open_path / "home", open_path / "other"
    for path in (home, other):
        path.mkdir()
    (other / "secret").write_text("the other's\n")
    (home / "link").symlink_to(other)
    os.chown(home, lookup_user("nobody").pw_uid, -1)
    for path in (other, other / "secret"):
        os.chown(path, 54321, 54321)
    other.chmod(0o755)
    (other / "secret").chmod(0o600)
    assert files.read_text(str(other / "secret")) == "the other's\n"
    with pytest.raises(HostError, match="Permission denied"):
        files.read_text(str(home / "link" / "secret"))


@as_root
def test_a_link_of_root_is_followed(open_path: Path) -> None:
    data = open_path / "data"
    data.mkdir()
    (data / "file").write_text("text")
    (open_path / "link").symlink_to("data")
    os.chown(data, 54321, 54321)
    data.chmod(0o700)
    assert files.read_text(str(open_path / "link" / "file")) == "text"
