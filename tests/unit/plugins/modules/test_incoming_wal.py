# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module incoming_wal with Barman's directories of two servers."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.modules import incoming_wal
from tests.unit.plugins.modules.running import run_main

MIB = 1 << 20
BOTH, NEWER = "000000010000000000000005", "000000010000000000000009"


class Host:
    """Barman's configuration and directories. Of server `pg`, a segment came both ways; of server `other`, nothing did."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        (root / "barman.d").mkdir()
        self.main = root / "barman.conf"
        self.main.write_text(
            f"[barman]\nbarman_home = {self.home}\nconfiguration_files_directory = {root / 'barman.d'}\n"
        )
        for server in ("pg", "other"):
            (root / "barman.d" / f"{server}.conf").write_text(f"[{server}]\nstreaming_archiver = on\n")
            for directory in ("incoming", "streaming", "wals/0000000100000000", "meta"):
                (self.home / server / directory).mkdir(parents=True)
            (self.home / server / "meta" / "20261116T010000-backup.info").write_text(
                f"status=DONE\nxlog_segment_size={MIB}\n"
            )
        self.put("incoming", BOTH)
        self.put("wals/0000000100000000", BOTH)

    def put(self, directory: str, name: str) -> None:
        (self.home / "pg" / directory / name).write_bytes(name.encode().ljust(MIB, b"\0"))

    @property
    def incoming(self) -> list[str]:
        return sorted(path.name for path in (self.home / "pg" / "incoming").iterdir())


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def run(host: Host, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    return partial(
        run_main,
        incoming_wal.main,
        capsys,
        barman_user=getpass.getuser(),
        config_file=str(host.main),
        servers=["pg", "other"],
        timeout=0,
    )


def test_what_came_both_ways_is_removed_once(host: Host, run: Callable[..., dict[str, Any]]) -> None:
    promised = run(check_mode=True)
    assert (promised["changed"], host.incoming) == (True, [BOTH])
    done = run()
    assert done["servers"] == promised["servers"]
    assert done["servers"]["pg"] == {"changed": True, "removed": [BOTH], "error": None, "error_kind": None}
    assert done["servers"]["other"] == {"changed": False, "removed": [], "error": None, "error_kind": None}
    assert (done["changed"], host.incoming) == (True, [])
    assert run()["changed"] is False


def test_wal_that_came_one_way_only_stays_and_is_named(host: Host, run: Callable[..., dict[str, Any]]) -> None:
    host.put("incoming", NEWER)
    answer = run()
    assert answer["failed"]
    assert NEWER in answer["msg"]
    assert host.incoming == [NEWER]
    assert (answer["servers"]["pg"]["removed"], answer["servers"]["pg"]["error_kind"]) == ([BOTH], "not_pruned")
    assert answer["servers"]["other"]["error"] is None


def test_an_unknown_server_is_an_error_before_anything_is_removed(
    host: Host, run: Callable[..., dict[str, Any]]
) -> None:
    answer = run(servers=["pg", "gone"])
    assert "Barman has no server 'gone'" in answer["msg"]
    assert (answer["servers"], host.incoming) == ({}, [BOTH])
