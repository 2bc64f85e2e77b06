# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.lock import Held, exclusive, is_locked
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError


def test_a_reader_knows_whether_it_is_locked(tmp_path: Path) -> None:
    assert not is_locked(str(tmp_path), "a")
    assert list(tmp_path.iterdir()) == []
    with exclusive(str(tmp_path), "a"), exclusive(str(tmp_path), "c"):
        assert is_locked(str(tmp_path), "a")
        assert not is_locked(str(tmp_path), "b")
    assert not is_locked(str(tmp_path), "a")


def test_a_second_run_gets_the_holder(tmp_path: Path) -> None:
    with exclusive(str(tmp_path), "a"):
        with (
            pytest.raises(Held, match=f"a is locked by process {os.getpid()}") as caught,
            exclusive(str(tmp_path), "a"),
        ):
            pass
        assert caught.value.pid == os.getpid()
        with exclusive(str(tmp_path), "b"):
            pass
    with exclusive(str(tmp_path), "a"):
        pass


def test_the_directory_is_private(tmp_path: Path) -> None:
    with exclusive(str(tmp_path), "a"):
        locks = tmp_path / ".pgdr.barman" / "locks"
        assert stat.S_IMODE(locks.stat().st_mode) == 0o700
        assert [stat.S_IMODE(one.stat().st_mode) for one in locks.iterdir()] == [0o600]


def test_a_lock_without_its_holder(tmp_path: Path) -> None:
    with exclusive(str(tmp_path), "a"):
        next((tmp_path / ".pgdr.barman" / "locks").iterdir()).write_text("[")
        with pytest.raises(Held, match="process unknown"), exclusive(str(tmp_path), "a"):
            pass


def test_no_symbolic_link_is_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("precious")
    with exclusive(str(tmp_path), "a"):
        file = next((tmp_path / ".pgdr.barman" / "locks").iterdir())
    file.unlink()
    file.symlink_to(other)
    with pytest.raises(HostError, match="can't be created"), exclusive(str(tmp_path), "a"):
        pass
    assert other.read_text() == "precious"
    file.unlink()
    file.parent.rmdir()
    file.parent.symlink_to(tmp_path)
    with pytest.raises(HostError, match="can't be created"), exclusive(str(tmp_path), "a"):
        pass


def test_it_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(str(tmp_path), "a"):
        raise ZeroDivisionError
    with exclusive(str(tmp_path), "a"):
        pass


def test_without_a_home_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="No such file"), exclusive(str(tmp_path / "nowhere"), "a"):
        pass
