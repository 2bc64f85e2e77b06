# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman import configuration, disks
from ansible_collections.pgdr.barman.plugins.module_utils._barman.disks import Disk
from ansible_collections.pgdr.barman.plugins.module_utils._check.observe import observe
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost

SEGMENT = 16 * 1024**2


def statvfs(free: dict[str, int]) -> Any:
    def answer(path: str) -> Any:
        for part, number in free.items():
            if part in path:
                return SimpleNamespace(f_bavail=number, f_blocks=1024**3, f_frsize=1)
        raise OSError(2, "no such directory")

    return answer


def test_a_directory_that_is_not_there_yet(tmp_path: Path) -> None:
    assert disks.disk_of(f"{tmp_path}/a/b", statvfs({tmp_path.name: 5})) == Disk(f"{tmp_path}/a/b", 5, 1024**3)
    assert disks.disk_of(f"{tmp_path}/a/b", statvfs({"other": 5})) is None


def test_full_file_systems_are_reported_once(tmp_path: Path) -> None:
    host = BarmanHost(tmp_path)
    place = host.server("pg")
    server = configuration.read(str(host.main)).server("pg")
    full = statvfs({"streaming": 7, "/pg": SEGMENT - 1})
    assert [str(disk) for disk in disks.full_disks(server, SEGMENT, full)] == [
        f"{place}/base has 16.0 MiB free of 1.0 GiB",
        f"{place}/streaming has 7 bytes free of 1.0 GiB",
    ]
    assert disks.full_disks(server, SEGMENT, statvfs({"/pg": SEGMENT})) == []


def test_a_bucket_is_no_disk(tmp_path: Path) -> None:
    host = BarmanHost(tmp_path)
    host.server("pg", basebackups_directory="s3://a/b")
    server = configuration.read(str(host.main)).server("pg")
    assert [disk.path for disk in disks.full_disks(server, SEGMENT, statvfs({"": 0}))] == [f"{host.home}/pg/wals"]


def test_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = BarmanHost(tmp_path)
    place = host.server("pg")
    monkeypatch.setattr(disks.os, "statvfs", statvfs({"/pg": 1024}))
    found = observe(host.barman, configuration.read(str(host.main)), ["pg"], 1, ask_barman=False)["pg"]
    assert str(found.checks["disk_space"]) == (
        f"disk space: {place}/base has 1.0 KiB free of 1.0 GiB, and there is no space for one more WAL segment: free disk space"
    )
