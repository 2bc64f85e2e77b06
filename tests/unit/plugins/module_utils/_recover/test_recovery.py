# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Tablespace
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import (
    Command,
    Completed,
    HostError,
    Interrupted,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.progress import DIRECTORY
from ansible_collections.pgdr.barman.plugins.module_utils._recover import segment_scanner
from ansible_collections.pgdr.barman.plugins.module_utils._recover.destination import (
    Destination,
    DestinationError,
)
from ansible_collections.pgdr.barman.plugins.module_utils._recover.destination_host import DestinationHost
from ansible_collections.pgdr.barman.plugins.module_utils._recover.observe import observe_destination
from ansible_collections.pgdr.barman.plugins.module_utils._recover.recovery_plan import PlanError
from ansible_collections.pgdr.barman.plugins.module_utils._recover.request import RecoverError, request_from
from tests.unit.plugins.module_utils._recover.recovery_host import RecoveryHost, ssh_command
from tests.unit.plugins.module_utils._recover.recovery_world import SIZE, World, backup, commit, position

LAST = "000000010000000000000005"
# What a tablespace's directory has, which a data directory may have as well.
CONTENT = "PG_17_202406281"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecoveryHost:
    """A backup in segment 2, commits after it, the last ones in the partial segment 5."""
    world = World()
    for number in (2, 3, 4):
        world.add(number, commit(position(number, SIZE - 1000), 10 + number, 700 + number))
    world.add(5, commit(position(5, 1000), 20, 710), partial=True, last_record=position(5, 1000))
    monkeypatch.setattr(segment_scanner, "scan", world.scan)
    return RecoveryHost(tmp_path, world, [backup(2, 10)])


def occupied(path: Path, name: str = CONTENT) -> Path:
    path.mkdir(parents=True)
    (path / name).write_text("17\n")
    return path


def test_everything_is_recovered_with_the_partial_segment(host: RecoveryHost) -> None:
    outcome = host.recover()
    assert outcome.changed is True
    assert outcome.recovery["partial_segment"] == {"name": LAST, "end_lsn": "0/5000410", "bytes": SIZE}
    delivered = host.root / "new" / "barman_wal" / LAST
    content = delivered.read_bytes()
    assert len(content) == SIZE
    assert content.rstrip(b"\0") == host.world.read(next(iter(host.world.partials)))
    assert outcome.recovery["bytes"] == 1000 + 4 * SIZE
    assert outcome.recovery["last_recoverable"]["xid"] == 710
    assert outcome.recovery["changes"] == [
        {"file": "postgresql.auto.conf", "line": 3, "setting": "archive_command", "value": "false"}
    ]
    assert outcome.recovery["config_files_missing"] == ["postgresql.conf", "pg_hba.conf", "pg_ident.conf"]
    assert outcome.recovery["duration"] == 60


def test_barman_gets_the_timeline_and_archives_first(host: RecoveryHost) -> None:
    host.receive(LAST)
    host.recover(jobs=3, bandwidth_limit=100, network_compression=True)
    arguments = host.arguments_of("barman", "recover")
    assert arguments[:4] == ["barman", "-f", "json", "recover"]
    text = " ".join(arguments)
    assert (
        "--no-get-wal --target-tli 1 --target-action promote --target-lsn 0/50003E8 --jobs 3 --bwlimit 100 pg" in text
    )
    assert arguments[-2:] == [host.backups[0].backup_id, str(host.root / "new")]
    programs = [one.argv[3] for one in host.commands if one.argv[0] == "barman" and len(one.argv) > 3]
    assert programs == ["archive-wal", "recover"]


def test_without_a_history_barman_gets_the_current_timeline(host: RecoveryHost) -> None:
    host.world.segments.clear()
    host.world.partials.clear()
    host.world.fill((2, 3), timeline=2)
    host.backups[:] = [backup(2, 10, timeline=2)]
    outcome = host.recover()
    assert "--target-tli current" in " ".join(host.arguments_of("barman", "recover"))
    assert outcome.recovery["timeline"] == 2


def test_barman_is_started_once_where_nothing_is_left_to_be_archived(host: RecoveryHost) -> None:
    host.receive(LAST + ".partial")
    host.recover()
    programs = [one.argv for one in host.commands if one.argv[0] == "barman"]
    assert len(programs) == 1
    assert "recover" in programs[0]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"target_immediate": True}, ["--target-immediate"]),
        ({"target_xid": "703"}, ["--target-xid", "703"]),
        ({"target_lsn": "0/3000000", "target_inclusive": False}, ["--target-lsn", "0/3000000", "--exclusive"]),
        ({"target_time": "2026-11-20 08:13:00+00"}, ["--target-time", "2026-11-20 08:13:00.000000+00:00"]),
        ({"target_action": "pause", "target_xid": "703"}, ["--target-action", "pause"]),
        # The end is no target for PostgreSQL: without one it neither pauses nor proves that it came there.
        ({"target_action": "pause"}, ["--target-action", "pause", "--target-lsn", "0/50003E8"]),
    ],
)
def test_targets_as_barman_takes_them(host: RecoveryHost, options: dict[str, Any], expected: list[str]) -> None:
    host.recover(**options)
    arguments = host.arguments_of("barman", "recover")
    assert " ".join(expected) in " ".join(arguments)


def test_a_standbys_backup_does_not_become_a_standby(host: RecoveryHost) -> None:
    host.of_a_standby = True
    first = host.recover()
    assert first.recovery["target"]["kind"] == "end"
    assert not (host.root / "new" / "standby.signal").exists()
    assert (host.root / "new" / "recovery.signal").exists()
    settings = (host.root / "new" / "postgresql.auto.conf").read_text()
    assert "primary_conninfo" not in settings
    assert "recovery_min_apply_delay" not in settings
    assert "work_mem = '8MB'" in settings
    assert host.recover().changed is False


def test_a_standby_that_is_asked_for_stays_one(host: RecoveryHost) -> None:
    host.of_a_standby = True
    host.recover(standby_mode=True)
    assert (host.root / "new" / "standby.signal").exists()
    assert "primary_conninfo" in (host.root / "new" / "postgresql.auto.conf").read_text()


def test_a_second_time_nothing_changes(host: RecoveryHost) -> None:
    first = host.recover()
    host.commands.clear()
    again = host.recover()
    assert again.changed is False
    assert again.recovery == first.recovery
    assert not host.ran("barman", "recover")


def test_what_was_promoted_or_is_another_recovery_is_refused(host: RecoveryHost) -> None:
    host.recover()
    with pytest.raises(RecoverError, match="is not empty"):
        host.recover(target_xid="703")
    (host.root / "new" / "recovery.signal").unlink()
    with pytest.raises(RecoverError, match="is not empty"):
        host.recover()


def test_check_mode_proves_and_changes_nothing(host: RecoveryHost) -> None:
    old = occupied(host.root / "new")
    before = sorted(host.root.rglob("*"))
    outcome = host.recover(check_mode=True, existing="move_aside")
    assert outcome.changed is True
    assert outcome.moved_aside == [{"from": str(old), "to": f"{old}.20261120T090000Z"}]
    assert outcome.recovery["reached"]["xid"] == 710
    assert sorted(host.root.rglob("*")) == before
    assert not host.ran("barman")
    with pytest.raises(PlanError, match="can't be reached"):
        host.recover(check_mode=True, target_xid="9999")


def test_the_old_directory_is_moved_aside_whole(host: RecoveryHost) -> None:
    old = occupied(host.root / "new", "precious")
    outcome = host.recover(existing="move_aside")
    assert outcome.moved_aside == [{"from": str(old), "to": f"{old}.20261120T090000Z"}]
    assert (host.root / "new.20261120T090000Z" / "precious").exists()
    assert (old / "recovery.signal").exists()


def test_nothing_is_touched_where_the_target_cannot_be_reached(host: RecoveryHost) -> None:
    old = occupied(host.root / "new")
    with pytest.raises(PlanError, match="in the future"):
        host.recover(existing="move_aside", target_time="2027-01-01 00:00:00Z")
    assert (old / CONTENT).exists()
    assert not host.ran("barman", "recover")


def test_a_directory_that_is_not_empty_is_refused_and_kept(host: RecoveryHost) -> None:
    old = occupied(host.root / "new", "precious")
    with pytest.raises(RecoverError, match=r"is not empty \(it has: precious\); it is never overwritten.*move_aside"):
        host.recover()
    assert (old / "precious").exists()


@pytest.fixture
def postgres_process(tmp_path: Path) -> Iterator[int]:
    """A process whose name is postgres."""
    program = tmp_path / "postgres"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen(["/bin/sleep", "60"], executable=str(program)) as process:
        yield process.pid
        process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("existing", ["refuse", "move_aside"])
def test_a_running_server_is_never_touched(host: RecoveryHost, postgres_process: int, existing: str) -> None:
    old = occupied(host.root / "new")
    (old / "postmaster.pid").write_text(f"{postgres_process}\n{old}\n")
    with pytest.raises(RecoverError, match=rf"a PostgreSQL server runs in .* \(process {postgres_process}\)"):
        host.recover(existing=existing)
    assert (old / CONTENT).exists()


def test_check_mode_proves_the_real_directory_before_its_server_is_stopped(
    host: RecoveryHost, postgres_process: int
) -> None:
    old = occupied(host.root / "new")
    (old / "postmaster.pid").write_text(f"{postgres_process}\n{old}\n")
    outcome = host.recover(check_mode=True, existing="move_aside")
    assert outcome.destination == {
        "running": True,
        "process": postgres_process,
        "occupied": True,
        "movable": True,
        "missing": [],
    }
    assert outcome.changed is True
    assert any("it must be stopped before anything is restored" in one for one in outcome.warnings)
    with pytest.raises(RecoverError, match="stop it first"):
        host.recover(check_mode=True)
    assert host.recover(check_mode=True, destination=str(host.root / "free")).destination == {
        "running": False,
        "process": None,
        "occupied": False,
        "movable": True,
        "missing": [],
    }


def test_directories_that_barman_leaves_out_of_increments_are_created(host: RecoveryHost) -> None:
    cluster = host.root / "cluster"
    cluster.mkdir(mode=0o750)
    (cluster / "pg_tblspc").mkdir(mode=0o700)
    DestinationHost(Destination(str(cluster)), host.run, "postgres").create_directories()
    assert stat.S_IMODE((cluster / "pg_wal").stat().st_mode) == 0o750
    assert stat.S_IMODE((cluster / "pg_tblspc").stat().st_mode) == 0o700


def test_a_mount_point_is_recognized_without_the_program_mountpoint(host: RecoveryHost) -> None:
    there = DestinationHost(Destination("/proc"), host.run, "postgres")
    assert observe_destination(there).directory.mount is True
    assert (
        observe_destination(DestinationHost(Destination(str(host.home)), host.run, "postgres")).directory.mount is False
    )


def linked(host: RecoveryHost) -> tuple[Path, Path, Path]:
    """A data directory with two tablespaces, all to be moved aside."""
    old, fast, slow = occupied(host.root / "new"), occupied(host.root / "fast"), occupied(host.root / "slow")
    (old / "pg_tblspc").mkdir()
    (old / "pg_tblspc" / "16400").symlink_to(fast)
    (old / "pg_tblspc" / "16401").symlink_to(slow)
    (old / "pg_tblspc" / "16402").symlink_to("/elsewhere")
    host.backups = [
        backup(2, 10, tablespaces=(Tablespace("fast", 16400, str(fast)), Tablespace("slow", 16401, str(slow))))
    ]
    return old, fast, slow


def test_the_links_of_the_old_directory_follow_its_tablespaces(host: RecoveryHost) -> None:
    old, fast, slow = linked(host)
    host.recover(existing="move_aside")
    links = Path(f"{old}.20261120T090000Z") / "pg_tblspc"
    assert os.readlink(links / "16400") == f"{fast}.20261120T090000Z"
    assert os.readlink(links / "16401") == f"{slow}.20261120T090000Z"
    assert os.readlink(links / "16402") == "/elsewhere"
    assert sorted(one.name for one in links.iterdir()) == ["16400", "16401", "16402"]
    assert (links / "16400" / CONTENT).exists()


def test_moving_aside_is_all_or_nothing(host: RecoveryHost) -> None:
    old, fast, slow = linked(host)
    move = host.root / "bin" / "mv"
    move.write_text(f'#!/bin/sh\ncase $3 in {slow}) echo no >&2; exit 1;; esac\nexec /bin/mv "$@"\n')
    move.chmod(0o755)
    with pytest.raises(RecoverError) as caught:
        host.recover(existing="move_aside")
    message = str(caught.value)
    assert "moving the old directory aside failed" in message
    assert f"It was undone: back in their places are {fast}, {old}" in message
    assert "safe in" not in message
    assert all((one / CONTENT).exists() for one in (old, fast, slow))
    assert list(host.root.glob("*Z")) == []
    assert os.readlink(old / "pg_tblspc" / "16400") == str(fast)
    assert not host.ran("barman", "recover")


def test_links_that_cannot_be_changed_undo_the_move(host: RecoveryHost) -> None:
    old, fast, slow = linked(host)
    link = host.root / "bin" / "ln"
    link.write_text(f'#!/bin/sh\ncase $3 in {slow}.*) echo no >&2; exit 1;; esac\nexec /bin/ln "$@"\n')
    link.chmod(0o755)
    with pytest.raises(RecoverError, match=f"It was undone: back in their places are {slow}, {fast}, {old}"):
        host.recover(existing="move_aside")
    assert os.readlink(old / "pg_tblspc" / "16400") == str(fast)
    assert os.readlink(old / "pg_tblspc" / "16401") == str(slow)
    assert (old / "pg_tblspc" / "16400" / CONTENT).exists()


def test_a_name_that_is_taken_moves_nothing(host: RecoveryHost) -> None:
    old, fast, slow = linked(host)
    Path(f"{slow}.20261120T090000Z").mkdir()
    with pytest.raises(RecoverError, match=r"slow\.20261120T090000Z exists already"):
        host.recover(existing="move_aside")
    assert all((one / CONTENT).exists() for one in (old, fast, slow))


def test_a_tablespace_inside_the_data_directory_goes_with_it(host: RecoveryHost) -> None:
    old = occupied(host.root / "new")
    inside = occupied(old / "fast")
    (old / "pg_tblspc").mkdir()
    (old / "pg_tblspc" / "16400").symlink_to(inside)
    host.backups = [backup(2, 10, tablespaces=(Tablespace("fast", 16400, str(inside)),))]
    moved = f"{old}.20261120T090000Z"
    assert host.recover(existing="move_aside").moved_aside == [{"from": str(old), "to": moved}]
    assert os.readlink(Path(moved) / "pg_tblspc" / "16400") == f"{moved}/fast"


def test_a_connection_that_breaks_while_moving_is_reported_with_the_directories(host: RecoveryHost) -> None:
    occupied(host.root / "new")
    run = host.run

    def breaks(command: Command) -> Completed:
        if "pair()" in (command.input or ""):
            return Completed(command.argv, 255, "", "Connection reset")
        return run(command)

    host.run = breaks  # type: ignore[method-assign]
    with pytest.raises(RecoverError, match=r"they may be under their new names, which are: .*new\.20261120T090000Z"):
        host.recover(existing="move_aside", remote_host="198.51.100.10")


def test_a_stale_postmaster_pid_is_no_server(host: RecoveryHost) -> None:
    old = occupied(host.root / "new")
    # This process is alive, and is no server.
    (old / "postmaster.pid").write_text(f"{os.getpid()}\n")
    assert host.recover(existing="move_aside").changed is True


def test_every_obstacle_is_reported_at_once(host: RecoveryHost) -> None:
    host.rsync_there = False
    (host.root / "new").write_text("a file")
    with pytest.raises(RecoverError) as caught:
        host.recover()
    assert len(str(caught.value).splitlines()) == 2
    assert "rsync" in str(caught.value)
    assert "is not a directory" in str(caught.value)


def test_too_little_space_is_reported_before_anything_is_done(host: RecoveryHost) -> None:
    host.backups = [backup(2, 10, size=1 << 60)]
    with pytest.raises(RecoverError, match=r"has .* free, and the recovery needs 1048576\.0 TiB"):
        host.recover()
    assert not host.ran("barman", "recover")


@pytest.mark.parametrize("path", ["home", "home/pg", "home/pg/wals/x", "."])
def test_barmans_own_directories_are_refused(host: RecoveryHost, path: str) -> None:
    with pytest.raises(RecoverError, match="where Barman keeps its own files"):
        host.recover(destination=str(host.root / path))


def test_a_symbolic_link_into_barmans_own_directories_is_refused(host: RecoveryHost) -> None:
    (host.home / "pg").mkdir()
    (host.root / "link").symlink_to(host.home / "pg")
    (host.root / "up").symlink_to(host.root)
    for path in ("link/new", "up/home"):
        with pytest.raises(RecoverError, match=r"destination: .* is where Barman keeps its own files"):
            host.recover(destination=str(host.root / path))
    with pytest.raises(RecoverError, match=r"tablespaces: fast: .* is where Barman keeps its own files"):
        host.recover(tablespaces={"fast": str(host.root / "link" / "fast")})


def test_barmans_home_may_itself_be_a_symbolic_link(host: RecoveryHost) -> None:
    host.home.rename(host.root / "real")
    host.home.symlink_to(host.root / "real")
    with pytest.raises(RecoverError, match="where Barman keeps its own files"):
        host.recover(destination=str(host.root / "real" / "pg"))


def test_a_copy_in_barmans_home_is_allowed(host: RecoveryHost) -> None:
    assert host.recover(destination=str(host.home / "drill")).changed is True


def test_barmans_failure_leaves_a_directory_that_no_server_starts_from(host: RecoveryHost) -> None:
    occupied(host.root / "new", "precious")
    host.barman_error = "data transfer failure\nrsync error:\n<f+++++++++ PG_VERSION\ncd+++++++++ base/\nbroken pipe\n"
    with pytest.raises(RecoverError) as caught:
        host.recover(existing="move_aside")
    message = str(caught.value)
    assert "Barman could not recover: data transfer failure rsync error: broken pipe. What" in message
    assert "no server can be started from it" in message
    assert f"What was there before is safe in: {host.root / 'new'}.20261120T090000Z" in message
    assert not (host.root / "new" / "global" / "pg_control").exists()


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("backup_label", "the file backup_label is missing"),
        ("recovery.signal", "the file recovery.signal is missing"),
        ("postgresql.auto.conf", "recovery_target_timeline is None and not 1"),
        ("PG_VERSION", "PG_VERSION is None and not 17"),
    ],
)
def test_what_barman_left_out_is_noticed(host: RecoveryHost, missing: str, message: str) -> None:
    host.leaves_out = {missing}
    with pytest.raises(RecoverError, match=message):
        host.recover()


def test_segments_that_barman_did_not_copy_are_added(host: RecoveryHost) -> None:
    """A record at the end of the target's segment goes on in the next one, which newer versions leave out."""
    host.copies_wal = lambda name: name < "000000010000000000000004"
    host.world.whole = True
    outcome = host.recover(target_lsn="0/3FFFFF8")
    assert outcome.recovery["end_wal"] == "000000010000000000000004"
    assert (host.root / "new" / "barman_wal" / "000000010000000000000004").stat().st_size == SIZE


def test_progress_is_written_and_removed(host: RecoveryHost, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted: list[dict[str, object]] = []
    monkeypatch.setattr(
        "ansible_collections.pgdr.barman.plugins.module_utils._host.progress.write_atomic",
        lambda path, text, *unused, **also: interrupted.append(json.loads(text)),
    )
    host.recover()
    phases = [one["phase"] for one in interrupted]
    assert phases[0] == "planning"
    assert "copying" in phases
    assert [one["bytes_total"] for one in interrupted if one["phase"] == "copying"][-1] == 1000 + 4 * SIZE
    assert any(one["bytes_done"] for one in interrupted if one["phase"] == "copying")
    assert list((host.home / DIRECTORY).glob("*")) == []


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), HostError("no such user")])
def test_a_recovery_continues_if_its_progress_cannot_be_written(
    host: RecoveryHost, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*unused: object, **also: object) -> None:
        raise error

    monkeypatch.setattr("ansible_collections.pgdr.barman.plugins.module_utils._host.progress.write_atomic", fails)
    assert host.recover().changed is True
    assert (host.root / "new" / "recovery.signal").exists()


def test_a_recovery_continues_if_its_size_cannot_be_read(host: RecoveryHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(host: DestinationHost) -> int:
        raise HostError("no ssh")

    monkeypatch.setattr(DestinationHost, "size", fails)
    assert host.recover().changed is True


def test_a_second_recovery_into_the_same_directory_is_refused_while_the_first_runs(
    host: RecoveryHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []
    (host.root / "other").symlink_to(host.root / "new")

    copy_in = DestinationHost.copy_in

    def meanwhile(site: DestinationHost, sources: list[str], directory: str) -> Completed:
        for path in ("new", "other"):
            with pytest.raises(RecoverError) as caught:
                host.recover(destination=str(host.root / path))
            refused.append(str(caught.value))
        return copy_in(site, sources, directory)

    monkeypatch.setattr(DestinationHost, "copy_in", meanwhile)
    assert host.recover().changed is True
    new = host.root / "new"
    assert (
        refused
        == [
            f"destination: another recovery into {new} is running on this host (process {os.getpid()}). "
            "Nothing was changed; wait for its end"
        ]
        * 2
    )


def test_what_copies_ends_with_the_module(host: RecoveryHost) -> None:
    host.recover()
    assert [one.argv[0] for one in host.commands if one.die_with_parent] == ["barman", "rsync"]


def test_a_recovery_that_gets_a_signal_reports_the_remaining_directories(host: RecoveryHost) -> None:
    run = host.run

    def interrupted(command: Command) -> Completed:
        if "recover" in command.argv:
            run(command)
            raise Interrupted("'barman' was ended")
        return run(command)

    host.run = interrupted  # type: ignore[method-assign]
    with pytest.raises(
        RecoverError, match=r"'barman' was ended\. What was copied .*; no server can be started"
    ) as raised:
        host.recover()
    assert isinstance(raised.value, Interrupted)
    assert not (host.root / "new" / "global" / "pg_control").exists()


# Another host


def test_another_host_is_reached_by_one_connection(host: RecoveryHost) -> None:
    outcome = host.recover(
        remote_host="198.51.100.10", remote_user="pg", remote_port=2222, ssh_options=["Compression=yes"]
    )
    assert outcome.recovery["host"] == "198.51.100.10"
    command = ssh_command(host.arguments_of("barman", "recover"))
    assert command[:3] == ["ssh", "-o", "Compression=yes"]
    assert command[-3:] == ["-p", "2222", "pg@198.51.100.10"]
    assert "ControlMaster=no" in command
    shared = [word for word in command if word.startswith("ControlPath=/tmp/pgdr-ssh-")]
    scripts = [one.argv for one in host.commands if one.argv[-1] == "sh -s"]
    assert shared
    assert all(shared[0] in argv and "ControlMaster=auto" in argv for argv in scripts)
    assert "exit" in host.commands[-1].argv
    assert not Path(shared[0][len("ControlPath=") :]).parent.exists()
    assert host.arguments_of("rsync")[-1] == f":{host.root / 'new' / 'barman_wal'}/"


def test_several_jobs_have_connections_of_their_own(host: RecoveryHost) -> None:
    host.options = {"parallel_jobs": "4"}
    host.recover(remote_host="198.51.100.10")
    assert "ControlPath=none" in ssh_command(host.arguments_of("barman", "recover"))


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        ("Host key verification failed.", "not in known_hosts of"),
        ("@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@\nHost key verification failed.", "set up anew"),
        ("postgres@198.51.100.10: Permission denied (publickey).", "authorized_keys of 'postgres'"),
        ("ssh: connect to host 198.51.100.10 port 22: Connection refused", "nothing listens on port 22"),
        ("ssh: connect to host 198.51.100.10 port 22: Connection timed out", "does not answer on port 22"),
        (
            "ssh: Could not resolve hostname pg: Name or service not known",
            "Write an address as barman_address of that host",
        ),
        ("kex_exchange_identification: read: reset", "ssh reported: kex_exchange"),
    ],
)
def test_why_ssh_does_not_work(host: RecoveryHost, stderr: str, message: str) -> None:
    host.ssh_error = stderr
    with pytest.raises(DestinationError, match=message):
        host.recover(remote_host="198.51.100.10")
    assert not host.ran("barman", "recover")


# Tablespaces, standbys, backups that are not plain


def test_tablespaces_are_checked_and_moved_aside_too(host: RecoveryHost) -> None:
    there, other = occupied(host.root / "fast"), host.root / "slow"
    host.backups = [
        backup(2, 10, tablespaces=(Tablespace("fast", 16400, str(there)), Tablespace("slow", 16401, "/dev/null/slow")))
    ]
    with pytest.raises(RecoverError, match=f"{there} is not empty"):
        host.recover(tablespaces={"slow": str(other)})
    outcome = host.recover(tablespaces={"slow": str(other)}, existing="move_aside")
    assert outcome.moved_aside == [{"from": str(there), "to": f"{there}.20261120T090000Z"}]
    assert outcome.recovery["tablespaces"] == {"fast": str(there), "slow": str(other)}
    # Barman leaves what the umask leaves, which lets others list the files.
    assert [path.stat().st_mode & 0o7777 for path in (there, other)] == [0o700, 0o700]
    assert f"--tablespace slow:{other}" in " ".join(host.arguments_of("barman", "recover"))
    with pytest.raises(RecoverError, match="has no tablespace 'fats'; it has: fast, slow"):
        host.recover(tablespaces={"fats": "/x"})


def test_a_standby_has_its_wal_in_pg_wal(host: RecoveryHost) -> None:
    outcome = host.recover(standby_mode=True)
    assert (host.root / "new" / "pg_wal" / LAST).stat().st_size == SIZE
    arguments = host.arguments_of("barman", "recover")
    assert "--standby-mode" in arguments
    assert "--target-tli" not in arguments
    assert outcome.recovery["standby"] is True
    assert host.recover(standby_mode=True).changed is False


FULL = backup(1, 5)


@pytest.mark.parametrize(
    ("facts", "version", "expected"),
    [
        ({"compression": "gzip"}, "3.4.0", ["--recovery-staging-path", "/stage"]),
        ({"parent_backup_id": FULL.backup_id}, "3.13.3", ["--local-staging-path", "/stage"]),
        ({"compression": "lz4"}, "3.15.0", ["--staging-path", "/stage", "--staging-location", "remote"]),
        ({}, "3.20.1", []),
    ],
)
def test_staging_as_each_version_requires_it(
    host: RecoveryHost, facts: dict[str, Any], version: str, expected: list[str], installed: set[str]
) -> None:
    host.backups, host.version = [FULL, backup(2, 10, **facts)], version
    host.programs.add("lz4")
    host.recover(staging_path="/stage", staging_location="remote", remote_host="198.51.100.10")
    arguments = host.arguments_of("barman", "recover")
    assert [
        word for word in arguments if (word.startswith("--") and "staging" in word) or word in ("/stage", "remote")
    ] == expected


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What is installed on the backup server."""
    there = {"lz4", "zstd", "pg_combinebackup"}
    monkeypatch.setattr(shutil, "which", lambda name, path=None: f"/usr/bin/{name}" if name in there else None)
    return there


def staging_of(host: RecoveryHost) -> dict[str, str]:
    arguments = host.arguments_of("barman", "recover")
    return {word: arguments[at + 1] for at, word in enumerate(arguments) if "staging" in word and word[:2] == "--"}


def test_a_directory_beside_the_backups_is_made_for_staging_and_taken_away(
    host: RecoveryHost, installed: set[str]
) -> None:
    (host.home / "pg").mkdir()
    host.backups = [FULL, backup(2, 10, parent_backup_id=FULL.backup_id)]
    assert host.recover().changed is True
    (path,) = staging_of(host).values()
    assert Path(path).parent == host.home / "pg"
    assert Path(path).name.startswith(".pgdr-staging-")
    assert not Path(path).exists()


def test_what_is_configured_is_left_to_barman(host: RecoveryHost) -> None:
    host.backups = [backup(2, 10, compression="gzip")]
    host.options = {"recovery_staging_path": "/stage"}
    assert host.recover().changed is True
    assert staging_of(host) == {}


def test_a_compressed_backup_is_unpacked_on_the_destination_s_host(host: RecoveryHost) -> None:
    host.backups = [backup(2, 10, compression="gzip")]
    host.recover(remote_host="198.51.100.10")
    assert staging_of(host) == {"--recovery-staging-path": str(host.root)}


def test_newer_versions_unpack_on_the_backup_server(host: RecoveryHost, installed: set[str]) -> None:
    (host.home / "pg").mkdir()
    host.backups, host.version = [backup(2, 10, compression="zstd")], "3.20.1"
    host.recover(remote_host="198.51.100.10")
    given = staging_of(host)
    assert given["--staging-location"] == "local"
    assert given["--staging-path"].startswith(str(host.home / "pg" / ".pgdr-staging-"))


def test_what_unpacks_it_must_be_there(host: RecoveryHost, installed: set[str]) -> None:
    installed.clear()
    host.backups = [FULL, backup(2, 10, compression="zstd")]
    with pytest.raises(
        RecoverError, match="the program zstd, which unpacks this compressed backup, is not installed on "
    ):
        host.recover(remote_host="198.51.100.10")
    with pytest.raises(RecoverError, match=r"zstd, .* is not installed on this host"):
        host.recover()
    host.backups = [FULL, backup(2, 10, parent_backup_id=FULL.backup_id)]
    host.options = {"path_prefix": "/usr/lib/postgresql/17/bin"}
    with pytest.raises(
        RecoverError, match=r"pg_combinebackup, .* not on this host .looked in /usr/lib/postgresql/17/bin"
    ):
        host.recover()
    assert not host.ran("barman", "recover")


def test_increments_are_put_together_there_with_a_program_on_the_path(host: RecoveryHost) -> None:
    host.version = "3.20.1"
    host.backups = [FULL, backup(2, 10, parent_backup_id=FULL.backup_id)]
    there: dict[str, Any] = {"remote_host": "198.51.100.10", "staging_location": "remote"}
    with pytest.raises(RecoverError, match=r"pg_combinebackup, .* is not on the PATH of '.*' on 198\.51\.100\.10"):
        host.recover(**there)
    host.programs.add("pg_combinebackup")
    host.recover(**there)
    assert staging_of(host) == {"--staging-path": str(host.root), "--staging-location": "remote"}


def test_an_increment_whose_root_is_gone_is_not_recovered_from(host: RecoveryHost, installed: set[str]) -> None:
    orphan = backup(2, 10, parent_backup_id=FULL.backup_id)
    host.backups = [orphan]
    with pytest.raises(HostError, match="has no valid backup"):
        host.recover()
    with pytest.raises(
        HostError, match=f"{orphan.backup_id} is incremental, and backup {FULL.backup_id}, .* not in the"
    ):
        host.recover(backup_id=orphan.backup_id)


def test_no_room_for_staging(host: RecoveryHost, installed: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (host.home / "pg").mkdir()
    host.backups = [FULL, backup(2, 10, parent_backup_id=FULL.backup_id, cluster_size=10**15)]
    with pytest.raises(RecoverError, match=r"staging_path: the file system of .* give another staging_path"):
        host.recover(remote_host="198.51.100.10")


def test_remote_staging_needs_a_remote_host(host: RecoveryHost) -> None:
    with pytest.raises(RecoverError, match="barman_recover_staging_location"):
        host.recover(staging_location="remote")


def test_every_wrong_option_is_reported_at_once() -> None:
    with pytest.raises(RecoverError) as caught:
        request_from(
            {
                "server": "pg",
                "destination": "/srv/with space",
                "tablespaces": {"fast": "relative"},
                "remote_host": "-oProxyCommand=x",
                "remote_user": "a b",
                "standby_mode": True,
                "target_xid": "735",
                "target_timeline": "x",
                "jobs": 0,
            }
        )
    starts = [line.split(":")[0] for line in str(caught.value).splitlines()]
    assert starts == ["target_timeline", "destination", "tablespaces", "remote_host", "remote_user", "jobs"]


def test_a_standby_has_no_target() -> None:
    with pytest.raises(HostError, match="standby_mode"):
        request_from({"server": "pg", "destination": "/srv/x", "standby_mode": True, "target_xid": "735"})


def test_a_recovery_from_a_copy_reports_the_copy_and_its_end(host: RecoveryHost) -> None:
    host.options["primary_ssh_command"] = "ssh barman@198.51.100.11"
    host.world.partials.clear()
    for check_mode in (True, False):
        outcome = host.recover(check_mode=check_mode)
        assert outcome.recovery["passive"] is True
        assert outcome.recovery["partial_segment"] is None
        [warning] = outcome.warnings
        assert "is passive on this host" in warning
        assert "transaction 704" in warning
    assert not host.ran("barman", "archive-wal")


def test_a_recovery_where_the_server_is_kept_has_no_such_warning(host: RecoveryHost) -> None:
    outcome = host.recover()
    assert outcome.recovery["passive"] is False
    assert outcome.warnings == []


def test_a_plan_without_its_destination_looks_at_no_directory(host: RecoveryHost) -> None:
    occupied(host.root / "new")
    outcome = host.recover(check_mode=True, inspect=False)
    assert outcome.recovery["backup_id"]
    assert outcome.destination == {}
    with pytest.raises(RecoverError, match="inspect: false is for check mode only"):
        host.recover(inspect=False)


def test_a_plan_without_its_destination_has_what_the_server_requires(host: RecoveryHost) -> None:
    assert host.recover(check_mode=True, inspect=False).recovery["requirements"] is None
    found = host.recover(check_mode=True, inspect=False, requirements=True).recovery["requirements"]
    assert found["reason"] == "psycopg 3 is not installed on the backup server, and there is no record of it yet"
    # The WAL was not read.
    assert found["resource_managers"] is None
    assert host.recover(check_mode=True, requirements=True).recovery["requirements"] == found
    # By then it is compared, and PostgreSQL is stopped.
    assert host.recover(requirements=True).recovery["requirements"] is None


@pytest.mark.parametrize("options", [{"inspect": False}, {}])
def test_a_plan_names_a_tablespace_that_the_backup_does_not_have(host: RecoveryHost, options: dict[str, Any]) -> None:
    there = Tablespace("fast", 16400, str(host.root / "fast"))
    host.backups = [backup(2, 10, tablespaces=(there,))]
    with pytest.raises(RecoverError, match=r"barman_recover_tablespaces.*has no tablespace 'fats'; it has: fast"):
        host.recover(check_mode=True, tablespaces={"fats": "/x"}, **options)


def test_the_names_of_what_is_moved_aside_are_known_before(host: RecoveryHost) -> None:
    old = occupied(host.root / "new")
    planned = host.recover(check_mode=True, existing="move_aside", aside_suffix="20261120T083000Z").moved_aside
    assert planned == [{"from": str(old), "to": f"{old}.20261120T083000Z"}]
    assert host.recover(existing="move_aside", aside_suffix="20261120T083000Z").moved_aside == planned
    with pytest.raises(RecoverError, match=r"aside_suffix: '\.\./x' has other characters"):
        host.recover(aside_suffix="../x")


@pytest.mark.parametrize(
    ("version", "target"),
    [("3.12.0", {"target_lsn": "0/3000000"}), ("3.20.0", {"target_time": "2026-11-20T08:19:30+00:00"})],
)
def test_a_file_that_barman_would_copy_and_is_gone_is_found_before_anything_is_done(
    host: RecoveryHost, version: str, target: dict[str, Any]
) -> None:
    """It copies what xlog.db has, those after the target too, unless a newer one has a position."""
    host.version = version
    names = [f"0000000100000000000000{number:02X}" for number in range(1, 9)]
    wals = host.home / "pg" / "wals"
    (wals / "0000000100000000").mkdir(parents=True)
    for name in names[:-1]:
        (wals / "0000000100000000" / name).write_bytes(b"")
    (wals / "xlog.db").write_text("".join(f"{name}\t{SIZE}\t1.5\tNone\n" for name in names))
    with pytest.raises(
        RecoverError, match=f"are missing that Barman has in xlog.db: {names[-1]}.*barman rebuild-xlogdb pg"
    ):
        host.recover(**target)
    assert not host.ran("barman", "recover")
    assert not (host.root / "new").exists()
    (wals / "xlog.db").write_text("".join(f"{name}\t{SIZE}\t1.5\tNone\n" for name in names[:-1]))
    assert host.recover(**target).changed


def test_what_a_newer_barman_does_not_copy_may_be_gone(host: RecoveryHost) -> None:
    host.version = "3.20.0"
    (host.home / "pg" / "wals").mkdir(parents=True)
    (host.home / "pg" / "wals" / "xlog.db").write_text(f"0000000100000000000000FF\t{SIZE}\t1.5\tNone\n")
    assert host.recover(target_lsn="0/3000000").changed
