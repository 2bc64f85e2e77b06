# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a recovery copies has to be there, and Barman's user has to be able to read it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Backup
from ansible_collections.pgdr.barman.plugins.module_utils._barman.readable import (
    UnreadableBackup,
    has_files,
    refuse_unreadable,
)

ROOT = os.geteuid() == 0
USER = "nobody" if ROOT else None
ID = "20261120T070150"


@pytest.fixture
def base() -> Iterator[Path]:
    # Not below a directory that only root enters, as pytest's own are.
    with tempfile.TemporaryDirectory(prefix="readable-", dir="/tmp") as top:
        os.chmod(top, 0o755)
        data = Path(top) / ID / "data"
        for name in ("base/1", "global", "pg_tblspc"):
            (data / name).mkdir(parents=True)
        for name in ("PG_VERSION", "base/1/112", "global/pg_control"):
            (data / name).write_text("x")
        (data / "pg_tblspc" / "16400").symlink_to("/srv/not-here")
        (Path(top) / "wal").write_text("x")
        yield Path(top)


def refused(base: Path, **more: Any) -> str:
    backup = Backup(ID, "DONE", "", **more)
    with pytest.raises(UnreadableBackup) as caught:
        refuse_unreadable("pg", [backup], str(base), [str(base / "wal")], USER)
    return str(caught.value)


def test_everything_is_there_and_readable(base: Path) -> None:
    refuse_unreadable("pg", [Backup(ID, "DONE", "")], str(base), [str(base / "wal")], USER)


@pytest.mark.parametrize("name", [f"{ID}/data/base/1/112", f"{ID}/data/global/pg_control", "wal"])
def test_a_file_that_only_root_can_read(base: Path, name: str) -> None:
    """As after cp -p by root, from pg_wal say."""
    (base / name).chmod(0o600 if ROOT else 0)
    text = refused(base)
    assert f"Barman's user '{USER}' can't read {base / name}. Change their owner to that user (chown)" in text
    assert text.endswith("Nothing was changed")


def test_a_directory_that_only_root_can_list(base: Path) -> None:
    (base / ID / "data" / "base" / "1").chmod(0o700 if ROOT else 0)
    text = refused(base)
    assert f"can't read {base}/{ID}/data/base/1" in text
    (base / ID / "data" / "base" / "1").chmod(0o755)


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("data", "its files are missing: directory"),
        ("data/base", "files are missing in"),
        ("data/PG_VERSION", ": PG_VERSION."),
    ],
)
def test_files_that_are_gone(base: Path, gone: str, message: str) -> None:
    (base / ID / gone).rename(base / "away")
    assert message in refused(base)
    assert has_files(Backup(ID, "DONE", ""), str(base)) == (gone != "data")


def test_a_compressed_backup_has_other_files(base: Path) -> None:
    data = base / ID / "data"
    data.rename(base / "away")
    data.mkdir()
    (data / "base.tar.gz").write_text("x")
    refuse_unreadable("pg", [Backup(ID, "DONE", "", compression="gzip")], str(base), [], USER)
