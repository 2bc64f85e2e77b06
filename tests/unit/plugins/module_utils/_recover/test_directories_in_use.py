# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory that a running server uses is never moved: real processes, called postgres, in directories of the test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Tablespace
from ansible_collections.pgdr.barman.plugins.module_utils._recover import run, segment_scanner
from ansible_collections.pgdr.barman.plugins.module_utils._recover.request import RecoverError
from tests.unit.plugins.module_utils._recover.recovery_host import RecoveryHost
from tests.unit.plugins.module_utils._recover.recovery_world import World, backup, commit, position


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecoveryHost:
    world = World()
    for number in (2, 3, 4, 5):
        world.add(number, commit(position(number, 1000), 10 + number, 700 + number))
    monkeypatch.setattr(segment_scanner, "scan", world.scan)
    location = Tablespace("ts", 16400, str(tmp_path / "srv" / "ts"))
    return RecoveryHost(tmp_path, world, [backup(2, 10, tablespaces=(location,))])


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Path]:
    """The data directory of a running server, of the backup's version, with a tablespace."""
    data = tmp_path / "data" / "other"
    (data / "pg_tblspc").mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    (tmp_path / "srv" / "ts" / "PG_17_202406281").mkdir(parents=True)
    (tmp_path / "srv" / "ts" / "PG_17_202406281" / "1").write_text("data")
    (data / "pg_tblspc" / "16400").symlink_to(tmp_path / "srv" / "ts")
    program = tmp_path / "postgres"
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([str(program), "600"], cwd=data) as process:
        yield data
        process.kill()


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_tablespace_of_a_running_server_is_not_moved(host: RecoveryHost, other: Path, check_mode: bool) -> None:
    with pytest.raises(RecoverError) as caught:
        host.recover(check_mode=check_mode, existing="move_aside")
    expected = f"{host.root}/srv/ts can't be moved or filled: the PostgreSQL server that runs in {other} uses {host.root}/srv/ts/PG_17_"
    assert expected in str(caught.value)
    assert (host.root / "srv" / "ts" / "PG_17_202406281" / "1").exists()
    assert not host.ran("barman", "recover")


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_tablespace_that_the_wal_creates_is_not_that_of_a_running_server(
    host: RecoveryHost, other: Path, check_mode: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The replay would write into it, wherever the backup is restored."""
    monkeypatch.setattr(run, "created_tablespaces", lambda verified: [str(host.root / "srv" / "ts")])
    with pytest.raises(
        RecoverError, match=f"the WAL up to the target creates a tablespace there: .*that runs in {other} uses"
    ):
        host.recover(check_mode=check_mode, tablespaces={"ts": str(host.root / "elsewhere")})
    assert not host.ran("barman", "recover")


def test_a_data_directory_in_use_is_not_moved_without_its_pid_file(host: RecoveryHost, other: Path) -> None:
    (other / "pg_tblspc" / "16400").unlink()
    with pytest.raises(RecoverError, match=f"a PostgreSQL server runs in {other}"):
        host.recover(destination=str(other), existing="move_aside")
    # Nor is one above it.
    with pytest.raises(RecoverError, match="can't be moved or filled"):
        host.recover(destination=str(other.parent), tablespaces={"ts": "/nowhere/ts"}, existing="move_aside")
    # Nor is anything laid down in it.
    with pytest.raises(RecoverError, match="can't be moved or filled"):
        host.recover(destination=str(other / "new"))


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_data_directory_of_a_running_cluster_manager_is_not_touched(
    host: RecoveryHost, tmp_path: Path, check_mode: bool
) -> None:
    """PostgreSQL does not run there: Patroni is paused, or starts it in the next moment."""
    data = tmp_path / "managed"
    data.mkdir()
    (data / "PG_VERSION").write_text("17\n")
    (tmp_path / "repmgr.conf").write_text(f"data_directory='{data}'\n")
    shutil.copy("/usr/bin/tail", tmp_path / "repmgrd")
    asked = {"destination": str(data), "tablespaces": {"ts": str(tmp_path / "new-ts")}, "existing": "move_aside"}
    arguments = [str(tmp_path / "repmgrd"), "-f", str(tmp_path / "repmgr.conf")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(RecoverError, match=f"destination: {data} belongs to the cluster manager repmgrd"):
            host.recover(check_mode=check_mode, **asked)
        process.kill()
    assert [one.name for one in data.iterdir()] == ["PG_VERSION"]
    assert not host.ran("barman", "recover")
    assert host.recover(check_mode=True, **asked).changed


def test_a_server_of_another_version_keeps_its_own_directory(host: RecoveryHost, other: Path) -> None:
    (other / "PG_VERSION").write_text("16\n")
    location = host.root / "srv" / "ts"
    (location / "PG_17_202406281").rename(location / "PG_16_202307071")
    outcome = host.recover(check_mode=True, existing="move_aside")
    assert str(location) not in [one["from"] for one in outcome.moved_aside]
