# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recoveries into directories that can't be renamed: the shell scripts are really run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Tablespace
from ansible_collections.pgdr.barman.plugins.module_utils._recover import segment_scanner
from ansible_collections.pgdr.barman.plugins.module_utils._recover.destination import Destination
from ansible_collections.pgdr.barman.plugins.module_utils._recover.destination_state import (
    DestinationDirectory,
    DestinationState,
)
from ansible_collections.pgdr.barman.plugins.module_utils._recover.layout import layout_problems
from ansible_collections.pgdr.barman.plugins.module_utils._recover.placement import place_all
from ansible_collections.pgdr.barman.plugins.module_utils._recover.request import RecoverError
from tests.unit.plugins.module_utils._recover.recovery_host import USER, RecoveryHost
from tests.unit.plugins.module_utils._recover.recovery_world import SIZE, World, backup, commit, position

STAMP = "20261120T090000Z"
ASIDE = "pgsql_tmp.pgdr-moved-aside-" + STAMP
RESTORE = "pgsql_tmp.pgdr-restore-" + STAMP


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecoveryHost:
    """A server with a data directory, a tablespace, and pg_wal; nothing is a mount point yet."""
    world = World()
    for number in (2, 3):
        world.add(number, commit(position(number, SIZE - 1000), 10 + number, 700 + number))
    monkeypatch.setattr(segment_scanner, "scan", world.scan)
    root = tmp_path
    data, fast = root / "new", root / "fast"
    (data / "pg_tblspc").mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    (data / "precious").write_text("old")
    (data / ".hidden").write_text("old")
    (fast / "PG_17_202406281").mkdir(parents=True)
    (fast / "PG_17_202406281" / "rows").write_text("old")
    (data / "pg_tblspc" / "16400").symlink_to(fast)
    tablespace = Tablespace("fast", 16400, str(fast))
    return RecoveryHost(root, world, [backup(2, 10, tablespaces=(tablespace,))])


def mounted(host: RecoveryHost, *paths: Path) -> None:
    """These are mount points now."""
    program = host.root / "bin" / "mountpoint"
    cases = "|".join(str(path) for path in paths)
    program.write_text(f"#!/bin/sh\ncase $2 in {cases}) exit 0 ;; esac\nexit 1\n")
    program.chmod(0o755)
    for path in paths:
        (path / "lost+found").mkdir(mode=0o700)


def names(path: Path) -> set[str]:
    return {one.name for one in path.iterdir()}


def test_the_content_of_mount_points_is_moved_aside_inside_of_them(host: RecoveryHost) -> None:
    data, fast = host.root / "new", host.root / "fast"
    mounted(host, data, fast)
    inode = data.stat().st_ino
    outcome = host.recover(existing="move_aside")
    assert data.stat().st_ino == inode
    assert outcome.moved_aside == [
        {"from": str(fast), "to": str(fast / ASIDE)},
        {"from": str(data), "to": str(data / ASIDE)},
    ]
    assert names(data / ASIDE) == {"PG_VERSION", "precious", ".hidden", "pg_tblspc"}
    assert os.readlink(data / ASIDE / "pg_tblspc" / "16400") == str(fast / ASIDE)
    assert (fast / ASIDE / "PG_17_202406281" / "rows").read_text() == "old"
    assert names(fast) == {"lost+found", ASIDE, "PG_17_202406281"}
    assert (fast / "PG_17_202406281" / "rows").read_text() == "restored"
    assert os.readlink(data / "pg_tblspc" / "16400") == str(fast)
    assert (data / "recovery.signal").exists()
    assert RESTORE not in names(data)
    assert RESTORE not in (data / "postgresql.auto.conf").read_text()
    assert outcome.recovery["restore_command"] == f"cp {data}/barman_wal/%f %p"
    assert host.recover(existing="move_aside").changed is False


def test_barman_is_given_an_empty_directory_below_a_mount_point(host: RecoveryHost) -> None:
    """Its rsync deletes whatever else is in a destination."""
    data, fast = host.root / "new", host.root / "fast"
    mounted(host, fast)
    host.recover(existing="move_aside")
    arguments = host.arguments_of("barman", "recover")
    assert arguments[-1] == f"{data}.{RESTORE}"
    assert f"fast:{fast / RESTORE}" in arguments


def test_a_directory_beside_a_mount_point_is_renamed_as_a_whole(host: RecoveryHost) -> None:
    data, fast = host.root / "new", host.root / "fast"
    mounted(host, fast)
    outcome = host.recover(existing="move_aside")
    assert {one["to"] for one in outcome.moved_aside} == {f"{data}.{STAMP}", str(fast / ASIDE)}
    assert os.readlink(Path(f"{data}.{STAMP}") / "pg_tblspc" / "16400") == str(fast / ASIDE)
    assert (data / "recovery.signal").exists()
    assert os.readlink(data / "pg_tblspc" / "16400") == str(fast)


def test_an_empty_mount_point_needs_no_answer(host: RecoveryHost) -> None:
    fast, other = host.root / "disk", host.root / "spare"
    fast.mkdir()
    mounted(host, fast)
    outcome = host.recover(destination=str(other), tablespaces={"fast": str(fast)})
    assert outcome.moved_aside == []
    assert names(fast) == {"lost+found", "PG_17_202406281"}


def test_check_mode_reports_where_the_content_would_go(host: RecoveryHost) -> None:
    data, fast = host.root / "new", host.root / "fast"
    mounted(host, data, fast)
    before = sorted(host.root.rglob("*"))
    outcome = host.recover(check_mode=True, existing="move_aside")
    assert {one["to"] for one in outcome.moved_aside} == {str(data / ASIDE), str(fast / ASIDE)}
    assert sorted(host.root.rglob("*")) == before


def test_nothing_is_moved_where_the_copy_fails(host: RecoveryHost) -> None:
    data, fast = host.root / "new", host.root / "fast"
    mounted(host, data, fast)
    (data / "global").mkdir()
    (data / "global" / "pg_control").write_text("old")
    host.barman_error = "No space left on device"
    with pytest.raises(RecoverError) as caught:
        host.recover(existing="move_aside")
    assert f"What was copied until then is left in {data / RESTORE}; no server can be started" in str(caught.value)
    assert (data / "precious").exists()
    # The old server's own.
    assert (data / "global" / "pg_control").read_text() == "old"
    assert (fast / "PG_17_202406281" / "rows").read_text() == "old"


def test_a_swap_that_fails_is_undone(host: RecoveryHost) -> None:
    data, fast = host.root / "new", host.root / "fast"
    mounted(host, data, fast)
    move = host.root / "bin" / "mv"
    move.write_text(f'#!/bin/sh\ncase $3 in {data}/{RESTORE}/backup_label) exit 1 ;; esac\nexec /bin/mv "$@"\n')
    move.chmod(0o755)
    with pytest.raises(RecoverError, match=r"It was undone: what was there is where it was") as caught:
        host.recover(existing="move_aside")
    assert "safe in" not in str(caught.value)
    assert names(data) == {"PG_VERSION", "precious", ".hidden", "pg_tblspc", "lost+found", RESTORE}
    assert (data / "precious").read_text() == "old"
    assert os.readlink(data / "pg_tblspc" / "16400") == str(fast)
    assert (fast / "PG_17_202406281" / "rows").read_text() == "old"
    assert not (data / RESTORE / "global" / "pg_control").exists()


def test_a_tablespace_directory_that_two_versions_share_keeps_the_other_ones(host: RecoveryHost) -> None:
    fast = host.root / "fast"
    (fast / "PG_15_202209061").mkdir()
    (fast / "PG_15_202209061" / "rows").write_text("of another server")
    host.recover(existing="move_aside")
    assert (fast / "PG_15_202209061" / "rows").read_text() == "of another server"
    assert (fast / ASIDE / "PG_17_202406281" / "rows").read_text() == "old"
    assert (fast / "PG_17_202406281" / "rows").read_text() == "restored"


def late_tablespace(host: RecoveryHost) -> Path:
    """A tablespace that was created after the backup."""
    late = host.root / "late"
    (late / "PG_17_202406281" / "5").mkdir(parents=True)
    (late / "PG_17_202406281" / "5" / "16402").write_text("old")
    (late / "PG_16_202307071").mkdir()
    (host.root / "new" / "pg_tblspc" / "16401").symlink_to(late)
    return late


@pytest.mark.parametrize("mount", [False, True])
def test_a_tablespace_that_the_backup_does_not_have_is_moved_aside_too(host: RecoveryHost, mount: bool) -> None:
    """The replay of its CREATE TABLESPACE fills the location, and what was moved aside has to stay as it was."""
    data, late = host.root / "new", late_tablespace(host)
    if mount:
        mounted(host, data)
    planned = host.recover(check_mode=True, existing="move_aside")
    outcome = host.recover(existing="move_aside")
    assert {one["to"] for one in outcome.moved_aside} == {one["to"] for one in planned.moved_aside}
    assert {"from": str(late), "to": str(late / ASIDE)} in outcome.moved_aside
    assert names(late) == {ASIDE, "PG_16_202307071"}
    assert (late / ASIDE / "PG_17_202406281" / "5" / "16402").read_text() == "old"
    old = data / ASIDE if mount else Path(f"{data}.{STAMP}")
    assert os.readlink(old / "pg_tblspc" / "16401") == str(late / ASIDE)
    assert names(data / "pg_tblspc") == {"16400"}


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"writable": False}, "can't write there. Give it to 'postgres' (chown)"),
        ({"writable": True, "stuck": "PG_17_1 "}, "can't move PG_17_1"),
    ],
)
def test_a_tablespace_that_the_backup_does_not_have_and_nobody_can_move_is_refused(
    more: dict[str, Any], problem: str
) -> None:
    late = DestinationDirectory("/srv/late", "directory", "PG_17_1", own=True, real="/srv/late", **more)
    state = DestinationState(DestinationDirectory("/data", writable=True), leftovers=(late,), user="postgres")
    (found,) = place_all(state, "move_aside", " on pg", root_creates=False).problems
    assert found.startswith("/srv/late on pg has a tablespace of the old server that the backup does not have. ")
    assert found.endswith(problem)


def test_a_data_directory_that_is_a_symbolic_link_stays_one(host: RecoveryHost) -> None:
    data = host.root / "new"
    data.rename(host.root / "real")
    data.symlink_to(host.root / "real")
    outcome = host.recover(existing="move_aside")
    assert data.is_symlink()
    assert (host.root / "real" / ASIDE / "precious").exists()
    assert (host.root / "real" / "recovery.signal").exists()
    assert {"from": str(data), "to": str(data / ASIDE)} in outcome.moved_aside


def test_a_link_that_leads_nowhere_is_refused(host: RecoveryHost) -> None:
    (host.root / "away").symlink_to(host.root / "gone")
    with pytest.raises(RecoverError, match="is a symbolic link to a directory that does not exist"):
        host.recover(destination=str(host.root / "away"), tablespace_directory=str(host.root / "ts"))


def test_a_tablespace_in_a_mounted_data_directory_has_to_be_mapped(host: RecoveryHost) -> None:
    data = host.root / "new"
    (data / "inside" / "PG_17_202406281").mkdir(parents=True)
    host.backups = [backup(2, 10, tablespaces=(Tablespace("inside", 16401, str(data / "inside")),))]
    mounted(host, data)
    with pytest.raises(RecoverError, match="barman_recover_tablespaces"):
        host.recover(existing="move_aside")
    host.recover(existing="move_aside", tablespaces={"inside": str(host.root / "outside")})
    assert (data / ASIDE / "inside" / "PG_17_202406281").exists()


def test_a_second_recovery_into_a_mount_point_leaves_the_first_ones_aside(host: RecoveryHost) -> None:
    data, fast = host.root / "new", host.root / "fast"
    mounted(host, data, fast)
    host.recover(existing="move_aside")
    host.now += 600
    outcome = host.recover(existing="move_aside", target_xid="702")
    assert (data / ASIDE / "precious").exists()
    assert (fast / ASIDE / "PG_17_202406281" / "rows").read_text() == "old"
    assert {one["from"] for one in outcome.moved_aside} == {str(data), str(fast)}


# pg_wal on another disk


def linked_wal(host: RecoveryHost) -> Path:
    disk = host.root / "wal-disk"
    (disk / "pg_wal" / "archive_status").mkdir(parents=True)
    (disk / "pg_wal" / "000000010000000000000004").write_text("never archived")
    (host.root / "new" / "pg_wal").symlink_to(disk / "pg_wal")
    return disk / "pg_wal"


def test_the_link_of_pg_wal_is_made_again(host: RecoveryHost) -> None:
    wal = linked_wal(host)
    data = host.root / "new"
    outcome = host.recover(existing="move_aside")
    assert os.readlink(data / "pg_wal") == str(wal)
    assert names(wal) == {ASIDE, "archive_status"}
    assert (wal / ASIDE / "000000010000000000000004").read_text() == "never archived"
    # The old server is whole, under its new name.
    assert os.readlink(Path(f"{data}.{STAMP}") / "pg_wal") == str(wal / ASIDE)
    assert {"from": str(wal), "to": str(wal / ASIDE)} in outcome.moved_aside
    assert outcome.recovery["wal_directory"] == str(wal)
    assert {one for one in names(data) if one.startswith("pgsql_tmp")} == set()


def test_the_link_of_pg_wal_is_made_again_in_a_mount_point(host: RecoveryHost) -> None:
    wal = linked_wal(host)
    data = host.root / "new"
    mounted(host, data, host.root / "fast", wal)
    host.recover(existing="move_aside")
    assert os.readlink(data / "pg_wal") == str(wal)
    assert names(wal) == {ASIDE, "archive_status", "lost+found"}
    assert os.readlink(data / ASIDE / "pg_wal") == str(wal / ASIDE)


def test_pg_wal_can_be_given_a_place(host: RecoveryHost) -> None:
    wal = host.root / "other-disk" / "pg_wal"
    host.recover(
        destination=str(host.root / "spare"), tablespaces={"fast": str(host.root / "s")}, wal_directory=str(wal)
    )
    assert os.readlink(host.root / "spare" / "pg_wal") == str(wal)
    assert names(wal) == {"archive_status"}


def test_a_pg_wal_that_cannot_be_linked_is_refused_before_anything(host: RecoveryHost) -> None:
    wal = linked_wal(host)
    for path in wal.iterdir():
        path.rename(host.root / path.name)
    wal.rmdir()
    wal.write_text("a file")
    with pytest.raises(
        RecoverError, match=r"pg_wal is a link to .*, which is not a directory.*barman_recover_wal_directory"
    ):
        host.recover(check_mode=True, existing="move_aside")
    assert not host.ran("barman", "recover")


def test_a_failed_link_of_pg_wal_is_undone(host: RecoveryHost) -> None:
    wal = linked_wal(host)
    copy = host.root / "bin" / "cp"
    copy.write_text("#!/bin/sh\nexit 1\n")
    copy.chmod(0o755)
    with pytest.raises(RecoverError) as caught:
        host.recover(existing="move_aside")
    assert f"pg_wal was to be in {wal}: a later run needs that as barman_recover_wal_directory" in str(caught.value)
    assert names(wal) == {"archive_status", "000000010000000000000004"}
    assert os.readlink(Path(f"{host.root / 'new'}.{STAMP}") / "pg_wal") == str(wal)


# Where tablespaces go


def test_tablespaces_go_below_one_directory(host: RecoveryHost) -> None:
    odd = Tablespace("my space", 16401, "/srv/odd")
    host.backups = [backup(2, 10, tablespaces=(Tablespace("fast", 16400, "/srv/fast"), odd))]
    below = host.root / "copy.tablespaces"
    outcome = host.recover(destination=str(host.root / "copy"), tablespace_directory=str(below))
    assert outcome.recovery["tablespaces"] == {"fast": f"{below}/fast", "my space": f"{below}/16401"}
    arguments = host.arguments_of("barman", "recover")
    assert f"fast:{below}/fast" in arguments
    assert f"my space:{below}/16401" in arguments


def test_a_tablespace_with_a_place_of_its_own_goes_there(host: RecoveryHost) -> None:
    outcome = host.recover(
        destination=str(host.root / "copy"),
        tablespaces={"fast": str(host.root / "ssd")},
        tablespace_directory=str(host.root / "below"),
    )
    assert outcome.recovery["tablespaces"] == {"fast": str(host.root / "ssd")}


@pytest.mark.parametrize("option", ["tablespace_directory", "wal_directory"])
def test_directories_are_judged_as_the_destination_is(host: RecoveryHost, option: str) -> None:
    with pytest.raises(RecoverError, match=f"{option}: 'not/absolute' can't be used"):
        host.recover(check_mode=False, **{option: "not/absolute"})
    with pytest.raises(RecoverError, match=f"{option}: .* is where Barman keeps its own files"):
        host.recover(check_mode=False, **{option: str(host.home / "pg")})


# On the host itself, without SSH


def test_the_layout_is_judged_on_the_host_itself(host: RecoveryHost) -> None:
    wal = linked_wal(host)
    destination = Destination(str(host.root / "new"), tablespaces={"fast": str(host.root / "fast")})
    assert layout_problems(destination, 17, None, USER, host.run) == []
    wal.rename(host.root / "gone")
    wal.write_text("a file")
    (problem,) = layout_problems(destination, 17, None, USER, host.run)
    assert "which is not a directory" in problem
    assert layout_problems(destination, 17, str(host.root / "gone"), USER, host.run) == []


def test_an_immutable_entry_is_found_before_the_copy(host: RecoveryHost) -> None:
    """With one call for a directory, however many files it has."""
    data, fast = host.root / "new", host.root / "fast"
    mounted(host, data, fast)
    program = host.root / "bin" / "lsattr"
    program.write_text(
        f"#!/bin/sh\nprintf '%s\\n' '----i---------e------- {data}/precious' '--------------e------- "
        f"{data}/pg_tblspc'\n"
    )
    program.chmod(0o755)
    with pytest.raises(RecoverError) as caught:
        host.recover(existing="move_aside")
    assert str(caught.value).count("can't be moved") == 1
    assert f"precious in {data} can't be moved by" in str(caught.value)
