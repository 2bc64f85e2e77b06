# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host import files
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError, lookup_user

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


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
