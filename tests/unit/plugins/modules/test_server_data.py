# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exporting and removing what a backup server stores of a server, on real files."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.disks import Disk
from ansible_collections.pgdr.barman.plugins.module_utils._decommission import stored_run
from ansible_collections.pgdr.barman.plugins.module_utils._decommission.stored_run import first_difference
from ansible_collections.pgdr.barman.plugins.module_utils._decommission.stored_tree import mount_points, size_of
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import run as run_command
from ansible_collections.pgdr.barman.plugins.modules import server_data
from tests.unit.plugins.modules.running import run_main

ME = pwd.getpwuid(os.geteuid()).pw_name


class Host:
    """A backup server with the servers old (inactive) and pg."""

    def __init__(self, root: Path) -> None:
        self.home = root / "barman"
        self.entries = root / "barman.d"
        self.entries.mkdir()
        self.main = root / "barman.conf"
        self.main.write_text(f"[barman]\nbarman_home = {self.home}\nconfiguration_files_directory = {self.entries}\n")
        self.entry("old", "active = false\n")
        self.entry("pg")
        base = self.home / "old" / "base" / "20261130T110000" / "data"
        base.mkdir(parents=True)
        (base / "PG_VERSION").write_text("17\n")
        os.link(base / "PG_VERSION", base / "hard")
        (base / "link").symlink_to("/nowhere")
        (self.home / "old" / "wals").mkdir()
        (self.home / "pg").mkdir()
        for name in ("requirements", "verification"):
            directory = self.home / ".pgdr.barman" / name
            directory.mkdir(parents=True)
            (directory / "old.json").write_text(name)
        ledger = self.home / ".pgdr.barman" / "ledger"
        ledger.mkdir(parents=True)
        (ledger / "old.jsonl").write_text("{}\n")
        (self.home / ".old-backup.lock").write_text("")
        (self.home / ".pg-backup.lock").write_text("")

    def entry(self, name: str, more: str = "") -> None:
        (self.entries / f"{name}.conf").write_text(f"[{name}]\nconninfo = host={name}\n{more}")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def run(host: Host, capsys: pytest.CaptureFixture[str], *servers: str, **arguments: Any) -> dict[str, Any]:
    given = {"servers": list(servers), "barman_user": ME, "config_file": str(host.main), **arguments}
    return run_main(server_data.main, capsys, **given)


def test_directories_ledger_and_locks_go_and_those_of_others_stay(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = run(host, capsys, "old")
    assert answer["servers"]["old"]["directories"] == [str(host.home / "old")]
    assert not (host.home / "old").exists()
    assert sorted(path.name for path in host.home.iterdir()) == [".pg-backup.lock", ".pgdr.barman", "pg"]
    assert [path for path in (host.home / ".pgdr.barman").rglob("*") if path.is_file()] == []
    assert not run(host, capsys, "old")["changed"]


def test_check_mode_removes_nothing(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(host, capsys, "old", check_mode=True)["changed"]
    assert (host.home / "old").is_dir()


def test_a_server_without_an_entry_was_removed_before(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert not run(host, capsys, "gone")["changed"]


def test_an_active_server_stays(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(host, capsys, "pg", "old")
    assert "its entry is active" in answer["msg"]
    # Its failure is no other server's.
    assert not (host.home / "old").exists()
    assert (host.home / "pg").is_dir()


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("backup_directory", "{home}", "is not the server's alone"),
        ("backup_directory", "/srv", "is not the server's alone"),
        ("wals_directory", "{home}/pg/wals", "are one within the other"),
        ("wals_directory", "s3://bucket/wals", "is no directory of this host"),
    ],
)
def test_what_is_not_the_servers_alone_stays(
    host: Host, capsys: pytest.CaptureFixture[str], option: str, value: str, reason: str
) -> None:
    host.entry("old", f"active = false\n{option} = {value.format(home=host.home)}\n")
    assert reason in run(host, capsys, "old")["msg"]
    assert (host.home / "old").is_dir()


def test_what_barman_works_with_stays(
    host: Host, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_run, "is_held", lambda _server, what: what == "backup")
    assert "Barman is at work with it (backup)" in run(host, capsys, "old")["msg"]


def test_an_export_has_every_byte_and_the_entry(host: Host, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    answer = run(host, capsys, "old", export_directory=str(tmp_path / "mnt" / "export"))
    copy = tmp_path / "mnt" / "export" / "old"
    assert answer["servers"]["old"]["export"] == str(copy)
    data = copy / "backup_directory" / "base" / "20261130T110000" / "data"
    assert (data / "PG_VERSION").read_text() == "17\n"
    assert (data / "PG_VERSION").stat().st_ino == (data / "hard").stat().st_ino
    assert os.readlink(data / "link") == "/nowhere"
    assert (copy / "old.conf").exists()
    assert (copy / "verification.json").read_text() == "verification"
    assert (copy / "ledger.jsonl").exists()
    assert copy.stat().st_mode & 0o777 == 0o700
    assert not (host.home / "old").exists()


@pytest.mark.parametrize("at", range(11))
def test_an_export_that_was_killed_goes_on(
    host: Host, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    calls = 0

    def runner(command: Command) -> Completed:
        nonlocal calls
        calls += 1
        if calls > at:
            raise HostError("killed")
        return run_command(command)

    monkeypatch.setattr(stored_run, "run", runner)
    params = {
        "servers": ["old"],
        "barman_user": ME,
        "config_file": str(host.main),
        "export_directory": str(tmp_path / "export"),
    }
    stored_run.remove_stored(params, check_mode=False, runner=runner)
    assert "failed" not in run(host, capsys, "old", export_directory=str(tmp_path / "export"))
    copy = tmp_path / "export" / "old" / "backup_directory"
    assert (copy / "base" / "20261130T110000" / "data" / "PG_VERSION").read_text() == "17\n"
    assert not (host.home / "old").exists()


def test_another_export_of_that_name_is_not_taken_for_this_one(
    host: Host, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "export" / "old").mkdir(parents=True)
    answer = run(host, capsys, "old", export_directory=str(tmp_path / "export"))
    assert "is not the same as" in answer["msg"]
    assert (host.home / "old").is_dir()


def test_the_first_difference(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for directory in (one, other):
        (directory / "a").mkdir(parents=True)
        (directory / "a" / "x").write_text("1")
    (other / "more").write_text("")
    assert first_difference(str(one), str(other)) is None
    (other / "a" / "x").write_text("2")
    assert first_difference(str(one), str(other)) == "a/x"
    (other / "a" / "x").write_text("22")
    assert first_difference(str(one), str(other)) == "a/x"
    (other / "a" / "x").unlink()
    (other / "a" / "x").symlink_to("y")
    assert first_difference(str(one), str(other)) == "a/x"
    (one / "a" / "x").unlink()
    (one / "a" / "x").symlink_to("z")
    assert first_difference(str(one), str(other)) == "a/x"


@pytest.mark.parametrize("linked", ["base", "wals", "base/20261130T110000", "base/20261130T110000/data", ""])
@pytest.mark.parametrize("export", [True, False])
def test_files_behind_a_link_are_neither_left_nor_lost(
    host: Host, capsys: pytest.CaptureFixture[str], tmp_path: Path, linked: str, export: bool
) -> None:
    path = (host.home / "old" / linked) if linked else host.home / "old"
    path.rename(tmp_path / "big")
    path.symlink_to(tmp_path / "big")
    answer = run(host, capsys, "old", **({"export_directory": str(tmp_path / "export")} if export else {}))
    assert f"{path} is a link to {tmp_path / 'big'}" in answer["msg"]
    assert path.is_symlink()
    assert not (tmp_path / "export").exists()


def test_links_within_the_directories_and_those_of_postgresql_are_copied(
    host: Host, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = host.home / "old" / "base" / "20261130T110000" / "data"
    (data / "log").symlink_to(tmp_path)
    (host.home / "old" / "latest").symlink_to("base/20261130T110000")
    answer = run(host, capsys, "old", export_directory=str(tmp_path / "export"))
    assert "failed" not in answer
    copy = tmp_path / "export" / "old" / "backup_directory"
    assert os.readlink(copy / "latest") == "base/20261130T110000"
    assert os.readlink(copy / "base" / "20261130T110000" / "data" / "log") == str(tmp_path)


def test_mount_points_stay_empty_and_are_named(
    host: Host, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wals = host.home / "old" / "wals"
    (wals / "0000000100000000").mkdir()
    monkeypatch.setattr(stored_run, "mount_points", lambda path: [str(wals)] if path == str(host.home / "old") else [])
    answer = run(host, capsys, "old")
    assert "failed" not in answer
    assert [path.name for path in (host.home / "old").rglob("*")] == ["wals"]
    # Ansible keeps the warnings of a process, and so those of earlier tests.
    assert [one for one in answer["warnings"] if f"{wals} stays, empty, because it is a mount point" in str(one)]


def test_mount_points_of_a_directory(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    place = os.path.realpath(tmp_path)
    table.write_text(
        "".join(
            f"36 35 98:0 /x {path} rw,noatime master:1 - ext3 /dev/root rw\n"
            for path in ("/", place, f"{place}/s/a\\040b", f"{place}/s", f"{place}/sibling")
        )
    )
    assert mount_points(f"{place}/s", str(table)) == [f"{place}/s", f"{place}/s/a b"]
    assert mount_points(f"{place}/none", str(table)) == []


def test_an_export_leaves_a_reserve_on_the_disk(
    host: Host, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = size_of([str(host.home / "old")])
    files = 8 * 4096
    monkeypatch.setattr(stored_run, "read_disk", lambda path: Disk(path, needed + files // 2 + 100 * 4096, 2000 * 4096))
    answer = run(host, capsys, "old", export_directory=str(tmp_path / "export"))
    assert "of which 5% stays free" in answer["msg"]
    assert list((tmp_path / "export").iterdir()) == []
    assert (host.home / "old").is_dir()
    monkeypatch.setattr(stored_run, "read_disk", lambda path: Disk(path, needed + files + 100 * 4096, 2000 * 4096))
    assert "failed" not in run(host, capsys, "old", export_directory=str(tmp_path / "export"))


def test_hard_links_count_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 5000)
    before = size_of([str(tmp_path)])
    os.link(tmp_path / "a", tmp_path / "b")
    assert size_of([str(tmp_path)]) == before


def test_an_export_that_fails_leaves_no_copy(host: Host, tmp_path: Path) -> None:
    def runner(command: Command) -> Completed:
        if command.argv[0] == "sync":
            return Completed(list(command.argv), 1, "", "No space left on device")
        return run_command(command)

    params = {
        "servers": ["old"],
        "barman_user": ME,
        "config_file": str(host.main),
        "export_directory": str(tmp_path / "export"),
    }
    result = stored_run.remove_stored(params, check_mode=False, runner=runner)
    assert "No space left on device" in str(result.failure)
    assert list((tmp_path / "export").iterdir()) == []
    assert (host.home / "old").is_dir()
