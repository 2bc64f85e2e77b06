# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking backups, with a PostgreSQL and a Barman that are played."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._backup import observe, reasons, run
from ansible_collections.pgdr.barman.plugins.module_utils._backup.backup_wal import missing_wal
from ansible_collections.pgdr.barman.plugins.module_utils._backup.observe import BackupHost
from ansible_collections.pgdr.barman.plugins.module_utils._backup.plan import BackupPlan, make_plan
from ansible_collections.pgdr.barman.plugins.module_utils._backup.report import BackupError, as_result
from ansible_collections.pgdr.barman.plugins.module_utils._backup.request import BackupRequest, arguments, parse_age
from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Backup, read_backups
from ansible_collections.pgdr.barman.plugins.module_utils._barman.disks import Disk
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.connection import ConnectionFailed
from tests.unit.plugins.module_utils._wal_receiver.streaming_world import MIB, StreamingWorld

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ID = "20261120T080000"
SEGMENT_21 = str(wal.segment_of_number(1, 21, MIB))


class Report:
    def __init__(self) -> None:
        self.phases: list[tuple[str, dict[str, Any]]] = []

    def update(self, phase: str, **numbers: Any) -> None:
        self.phases.append((phase, numbers))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StreamingWorld:
    found = StreamingWorld(tmp_path)
    found.ensure_receiver("started")
    found.log.clear()
    monkeypatch.setattr(observe, "command_line", found.command_line)
    return found


def plan(world: StreamingWorld, version: tuple[int, ...] = (3, 13, 3), **request: Any) -> BackupPlan:
    server = world.configuration.server("main")
    return make_plan(server, BackupRequest(**request), read_backups(server), lambda: version, NOW)


def take(
    world: StreamingWorld, the_plan: BackupPlan | None = None, report: Report | None = None, **request: Any
) -> Backup:
    server = world.configuration.server("main")
    host = BackupHost(world.barman, server, world.connect, report or Report(), world.clock, world.pause)
    try:
        return run.take(host, the_plan or BackupPlan(), BackupRequest(**{"wait_timeout": 20, **request}))
    finally:
        assert all(session.closed for session in world.sessions)


def copies(world: StreamingWorld, status: str = "WAITING_FOR_WALS", **values: Any) -> None:
    """Barman copies the server, which ends in the segment that is written now, and archives what it can."""

    def backup(words: list[str]) -> Completed:
        number = world.postgres.lsn // MIB
        world.backup(ID, number - 1, number, status=status, **values)
        world.archive_wal()
        if status == "WAITING_FOR_WALS":
            world.check_backup(ID)
        return Completed(words, 0, json.dumps({"backup_id": ID}))

    world.on_backup = backup


def fails(world: StreamingWorld, *errors: str, entry: bool = True) -> None:
    def backup(words: list[str]) -> Completed:
        if entry:
            world.backup(ID, 5, 5, status="FAILED", error=errors[0].splitlines()[0], cluster_size=5 << 30)
        return Completed(words, 1, json.dumps({"_ERROR": list(errors)}))

    world.on_backup = backup


# What has to be done

SNAPSHOT = {"backup_method": "snapshot"}
NOTED = {
    "provider": "aws",
    "provider_info": {"region": "eu-central-1"},
    "snapshots": [{"mount": {"mount_point": "/srv"}, "provider": {"snapshot_id": "snap-1", "device_name": "/dev/sdf"}}],
}


def test_a_backup_of_snapshots_is_returned_with_them(world: StreamingWorld) -> None:
    copies(world, mode="snapshot-concurrent", snapshots_info=NOTED)
    found = as_result(take(world))
    assert (found["type"], found["throughput"]) == ("snapshot", None)
    assert [disk["id"] for disk in found["snapshots"]["disks"]] == ["snap-1"]


def test_a_backup_of_snapshots_without_any_is_none(world: StreamingWorld) -> None:
    copies(world, mode="snapshot-concurrent")
    with pytest.raises(BackupError, match="is DONE, but Barman has recorded no snapshot of it"):
        take(world)
    assert plan(world, max_age=timedelta(days=9)).existing is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("24h", 86400), ("7d", 604800), ("90 m", 5400), ("30s", 30), ("15", 15), ("2w", 1209600), ("0", 0)],
)
def test_ages(text: str, seconds: int) -> None:
    assert parse_age(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "day", "1 month", "-3h", "1.5h", "24H"])
def test_what_is_no_age(text: str) -> None:
    with pytest.raises(HostError, match="is not a time span: write a number and"):
        parse_age(text)


def stored(world: StreamingWorld, backup_id: str = ID, **values: Any) -> None:
    world.archive(2, 3)
    world.backup(backup_id, 2, 3, **values)


def test_without_a_condition_every_run_takes_a_backup(world: StreamingWorld) -> None:
    stored(world)
    assert plan(world).changes
    assert plan(world).existing is None


def test_a_recent_good_backup_is_enough(world: StreamingWorld) -> None:
    stored(world)
    found = plan(world, max_age=timedelta(hours=1))
    assert found.existing is not None
    assert (found.changes, found.existing.backup_id) == (False, ID)
    assert plan(world, max_age=timedelta(minutes=59)).existing is None


@pytest.mark.parametrize("status", ["FAILED", "STARTED", "EMPTY"])
def test_a_recent_bad_one_is_not(world: StreamingWorld, status: str) -> None:
    stored(world, status=status)
    assert plan(world, max_age=timedelta(days=1)).existing is None


def test_a_recent_one_without_its_wal_is_not(world: StreamingWorld) -> None:
    stored(world)
    (world.place / "wals" / "0000000100000000" / str(wal.segment_of_number(1, 3, MIB))).unlink()
    assert plan(world, max_age=timedelta(days=1)).existing is None


def test_a_recent_one_that_waits_for_its_wal_is_completed(world: StreamingWorld) -> None:
    stored(world, status="WAITING_FOR_WALS")
    found = plan(world, max_age=timedelta(days=1))
    assert found.existing is not None
    assert found.changes
    taken = take(world, found)
    assert taken.status == "DONE"
    assert [entry for entry in world.log if entry.startswith("backup")] == []


def test_a_recent_one_that_waits_for_wal_that_was_lost_is_not(world: StreamingWorld) -> None:
    """Nothing would ever complete it, and no other would be taken."""
    world.archive(20, 22)
    world.backup(ID, 20, 23, status="WAITING_FOR_WALS", backup_name="n")
    assert plan(world, max_age=timedelta(days=1)).existing is None
    assert plan(world, name="n").existing is None
    for directory, name in (
        ("streaming", SEGMENT_21),
        ("streaming", f"{SEGMENT_21}.partial"),
        ("incoming", SEGMENT_21),
    ):
        path = world.place / directory / name
        path.write_bytes(b"")
        assert plan(world, name="n").existing is not None
        path.unlink()
    world.archive(21)
    assert plan(world, name="n").existing is not None


@pytest.mark.parametrize("timeline", [1, 2])
def test_a_recent_one_whose_wal_still_comes_is_completed(world: StreamingWorld, timeline: int) -> None:
    """Nothing that comes after it was archived: another timeline's segments don't."""
    world.archive(25, timeline=timeline + 1)
    world.archive(20, timeline=timeline)
    world.backup(ID, 20, 23, timeline, status="WAITING_FOR_WALS")
    assert plan(world, max_age=timedelta(days=1)).existing is not None


def test_a_name_is_taken_once(world: StreamingWorld) -> None:
    stored(world, backup_name="before-upgrade")
    assert not plan(world, name="before-upgrade").changes
    assert plan(world, name="after-upgrade").existing is None
    assert plan(world, name="after-upgrade", max_age=timedelta(days=9)).existing is None
    assert plan(world, name="before-upgrade", max_age=timedelta(minutes=1)).existing is None


@pytest.mark.parametrize(
    ("options", "request_", "message"),
    [
        ({"primary_ssh_command": "ssh b@c"}, {}, "is passive on this host"),
        ({"active": "false"}, {}, "is inactive"),
        ({}, {"jobs": 4}, r"barman_backup_jobs \(option jobs of the module\) is for backup_method rsync"),
        ({}, {"reuse_backup": "link"}, "reuse_backup is for backup_method rsync"),
        (SNAPSHOT, {"jobs": 4}, r"barman_backup_jobs \(option jobs of the module\) is for a backup that Barman copies"),
        (
            SNAPSHOT,
            {"bandwidth_limit": 100},
            r"barman_backup_bandwidth_limit \(option bandwidth_limit of the module\) is for a backup that Barman copies",
        ),
        (SNAPSHOT, {"reuse_backup": "link"}, "are snapshots of its disks: remove it"),
        (SNAPSHOT, {"incremental": "latest"}, "has snapshot: remove it, because the provider stores only what changed"),
        (
            {"backup_method": "rsync"},
            {"incremental": "latest"},
            r"set barman_incremental: link for it and deploy \(option reuse_backup",
        ),
        ({}, {"name": "latest"}, "one of Barman's own words"),
        ({}, {"incremental": "latest"}, "take a full backup first"),
        ({}, {"incremental": "latest", "version": (3, 10, 1)}, "needs Barman 3.11 or later and this host has 3.10.1"),
        (
            {},
            {"bandwidth_limit": -1},
            r"barman_backup_bandwidth_limit \(option bandwidth_limit of the module\) must be 0 or more",
        ),
        ({}, {"jobs": 0}, r"barman_backup_jobs \(option jobs of the module\) must be 1 or more"),
        (
            {},
            {"wait_timeout": -5},
            r"barman_backup_wait_timeout \(option wait_timeout of the module\) must be 0 or more",
        ),
    ],
)
def test_what_can_t_be(world: StreamingWorld, options: dict[str, str], request_: dict[str, Any], message: str) -> None:
    world.options.update(options)
    world.write_entry()
    with pytest.raises(BackupError, match=message):
        plan(world, **request_)


def test_every_problem_is_reported_at_once(world: StreamingWorld) -> None:
    world.options["active"] = "off"
    world.write_entry()
    with pytest.raises(BackupError) as failed:
        plan(world, jobs=3, reuse_backup="copy", incremental="20200101T000000")
    assert str(failed.value).count("; ") >= 3


def test_the_parent_of_an_incremental_backup(world: StreamingWorld) -> None:
    stored(world)
    found = plan(world, incremental="latest-full")
    assert found.parent is not None
    assert found.parent.backup_id == ID
    world.backup(ID, 2, 3, version=160004)
    with pytest.raises(BackupError, match="needs PostgreSQL 17 or later and server 'main' has 16"):
        plan(world, incremental=ID)
    world.backup(ID, 2, 3, status="FAILED")
    with pytest.raises(BackupError, match=f"backup {ID} is FAILED, and no increment can build upon it"):
        plan(world, incremental=ID)


def test_the_arguments_of_barman() -> None:
    assert arguments("main", BackupRequest(), None) == ["backup", "main"]
    parent = Backup("20261119T080000", "DONE", "")
    request = BackupRequest("n", None, "latest", "link", 4, 1000, immediate_checkpoint=False, retries=0)
    assert arguments("main", request, parent) == [
        *("backup", "--name", "n", "--incremental", "20261119T080000", "--reuse-backup", "link", "--jobs", "4"),
        *("--bwlimit", "1000", "--retry-times", "0", "--no-immediate-checkpoint", "main"),
    ]
    assert "--immediate-checkpoint" in arguments("main", BackupRequest(immediate_checkpoint=True), None)


# Taking one


def commands(world: StreamingWorld) -> list[str]:
    return [entry.split()[0] for entry in world.log]


def test_the_wal_after_the_copy_is_written_while_barman_is_still_busy(world: StreamingWorld) -> None:
    """Then Barman is run once and not three times."""
    streaming = {"phase": "streaming database files", "backup_total": 5000, "backup_streamed": 3000}
    world.postgres.progress = [[], [{"phase": None, "backup_total": None, "backup_streamed": None}], [streaming], []]

    def backup(words: list[str]) -> Completed:
        number = world.postgres.lsn // MIB
        world.postgres.lsn = (number + 1) * MIB + 10
        world.deliver()
        world.backup(ID, number, number, status="WAITING_FOR_WALS")
        world.archive_wal()
        world.check_backup(ID)
        return Completed(words, 0, "{}")

    world.on_backup = backup
    report = Report()
    markers = world.postgres.markers
    taken = take(world, report=report)
    assert taken.done
    assert commands(world) == ["backup"]
    assert world.postgres.markers == markers + 1
    assert [phase for phase, _ in report.phases] == [
        "starting",
        "copying",
        "streaming database files",
        "finishing",
    ]
    assert report.phases[2][1] == {"bytes_done": 3000, "bytes_total": 5000}


def test_on_an_idle_server_the_last_segment_is_closed(world: StreamingWorld) -> None:
    copies(world)
    switches = world.postgres.switches
    taken = take(world)
    assert taken.done
    assert missing_wal(world.configuration.server("main"), taken) == []
    assert world.postgres.switches == switches + 1
    assert commands(world) == ["backup", "archive-wal", "check-backup"]


def test_a_closed_segment_only_needs_bytes_after_it(world: StreamingWorld) -> None:
    def backup(words: list[str]) -> Completed:
        number = world.postgres.lsn // MIB
        world.postgres.lsn = (number + 1) * MIB
        world.deliver()
        world.backup(ID, number, number, status="WAITING_FOR_WALS")
        world.archive_wal()
        return Completed(words, 0, "{}")

    world.on_backup = backup
    switches = world.postgres.switches
    assert take(world).done
    assert world.postgres.switches == switches


def test_a_server_that_writes_is_not_disturbed(world: StreamingWorld) -> None:
    def backup(words: list[str]) -> Completed:
        number = world.postgres.lsn // MIB
        world.postgres.lsn += 2 * MIB
        world.deliver()
        world.backup(ID, number, number, status="WAITING_FOR_WALS")
        return Completed(words, 0, "{}")

    world.on_backup = backup
    before = world.postgres.markers, world.postgres.switches
    assert take(world).done
    assert (world.postgres.markers, world.postgres.switches) == before


def test_a_done_backup_needs_no_more(world: StreamingWorld) -> None:
    world.postgres.lsn += MIB
    world.deliver()

    def backup(words: list[str]) -> Completed:
        world.archive_wal()
        world.backup(ID, 5, 5)
        return Completed(words, 0, "{}")

    world.on_backup = backup
    assert take(world).backup_id == ID
    assert commands(world) == ["backup"]


def test_wal_by_archive_command(world: StreamingWorld) -> None:
    """It comes without anything after it; Barman only has to look."""
    world.options.update(archiver="on", streaming_archiver="off")
    world.write_entry()
    world.stop_receiver()
    name = str(wal.segment_of_number(1, 7, MIB))

    def backup(words: list[str]) -> Completed:
        world.backup(ID, 7, 7, status="WAITING_FOR_WALS")
        return Completed(words, 0, "{}")

    def arrives() -> None:
        (world.place / "incoming" / name).write_bytes(b"")

    def archive() -> None:
        (world.place / "incoming" / name).unlink(missing_ok=True)
        world.archive(7)

    world.on_backup = backup
    world.during = [lambda: None, arrives]
    world.archive_wal = archive  # type: ignore[method-assign]
    assert take(world).done
    assert commands(world) == ["backup", "archive-wal", "check-backup"]


def archives(world: StreamingWorld) -> None:
    """WAL comes by archive_command alone, and that of the backup does not."""
    world.options.update(archiver="on", streaming_archiver="off")
    world.write_entry()
    world.stop_receiver()

    def backup(words: list[str]) -> Completed:
        world.backup(ID, 7, 7, status="WAITING_FOR_WALS")
        return Completed(words, 0, "{}")

    world.on_backup = backup


def test_an_archive_command_that_fails_is_named_while_it_is_waited_for(world: StreamingWorld) -> None:
    archives(world)
    segment = str(wal.segment_of_number(1, 7, MIB))
    world.postgres.failed_wal = segment
    with pytest.raises(
        BackupError, match=f"last observed: not archived: {segment}; archive_command fails with {segment} "
    ):
        take(world, wait_timeout=40)
    assert world.time >= 40, "it may work again"


def test_without_archive_mode_wal_is_not_waited_for(world: StreamingWorld) -> None:
    archives(world)
    world.postgres.archive_mode = "off"
    with pytest.raises(BackupError, match="archive_mode is off, so PostgreSQL archives nothing"):
        take(world, wait_timeout=600)
    assert world.time < 10


def test_done_is_not_enough_where_wal_is_missing(world: StreamingWorld) -> None:
    """Barman looks at the newest archived segment only."""

    def backup(words: list[str]) -> Completed:
        world.archive(20, 22, 23)
        world.backup(ID, 20, 22)
        return Completed(words, 0, "{}")

    world.on_backup = backup
    with pytest.raises(BackupError, match="its WAL is not complete") as failed:
        take(world)
    assert str(wal.segment_of_number(1, 21, MIB)) in str(failed.value)
    assert failed.value.backup is not None


def test_wal_that_never_comes(world: StreamingWorld) -> None:
    copies(world)
    world.stop_receiver()
    with pytest.raises(BackupError, match="no WAL receiver runs") as failed:
        take(world)
    assert "not within 20 s" in str(failed.value)
    assert world.time < 30
    # Barman is not asked again and again while there is nothing to archive.
    assert commands(world).count("archive-wal") <= 3


def test_a_receiver_that_cron_does_not_start_is_not_waited_for_to_the_end(world: StreamingWorld) -> None:
    copies(world)
    world.stop_receiver()
    with pytest.raises(BackupError, match="no WAL receiver has run for 90 s, and Barman's cron did not start one"):
        take(world, wait_timeout=3600)
    assert world.time < 120


def test_a_receiver_that_comes_back(world: StreamingWorld) -> None:
    copies(world)
    world.stop_receiver()
    world.during = [lambda: None] * 5 + [world.start_receiver]
    assert take(world).done


NO_SPACE = "pg_receivewal: error: could not write 16777216 bytes to WAL file: No space left on device"


def cron(world: StreamingWorld, lives: tuple[float, ...] = (0.7,) * 99) -> None:
    """Cron starts a receiver every minute, that lives for so many seconds; time passes where something waits."""
    pause = world.pause

    def passing(seconds: float) -> None:
        pause(seconds)
        minute, second = divmod(world.time, 60)
        pid = 5000 + int(minute)
        if 30 <= second < 30 + lives[int(minute)]:
            world.pid = pid
            (world.home / ".main-receive-wal.lock").write_text(f"{pid}\n")
        elif world.pid is not None:
            world.pid = None
            with world.log_file.open("a") as stream:
                stream.write(f"[{pid}] barman.server INFO: Starting receive-wal for server main\n")
                stream.write(f"[{pid}] barman.command_wrappers INFO: main: {NO_SPACE}\n")

    world.pause = passing  # type: ignore[method-assign]


def test_a_receiver_that_ends_whenever_cron_starts_it_is_none(world: StreamingWorld) -> None:
    copies(world)
    world.stop_receiver()
    cron(world)
    with pytest.raises(BackupError, match="no WAL receiver has kept running in 90 s") as failed:
        take(world, wait_timeout=3600)
    assert 90 <= world.time < 120
    assert "The WAL receiver ended: the disk is full (the playbook pgdr.barman.deploy reports what to do)" in str(
        failed.value
    )
    assert "it starts the WAL receiver" not in str(failed.value)


def test_the_full_disk_that_ends_the_receiver_is_named(world: StreamingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    copies(world)
    world.stop_receiver()
    cron(world)
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_bavail=1000, f_blocks=2048, f_frsize=1024))
    with pytest.raises(BackupError) as failed:
        take(world, wait_timeout=45)
    assert "no WAL receiver runs. The disk of this host is full: /" in str(failed.value)
    assert "has 1000.0 KiB free of 2.0 MiB. Barman sets the backup to DONE" in str(failed.value)
    assert "receiver ended" not in str(failed.value)


@pytest.mark.parametrize("log", [True, False])
def test_older_lines_of_the_log_are_not_the_reason(world: StreamingWorld, log: bool) -> None:
    copies(world)
    world.stop_receiver()
    with world.log_file.open("a") as stream:
        stream.write(f"[4711] barman.command_wrappers INFO: main: {NO_SPACE}\n")
    if not log:
        world.log_file.unlink()
    with pytest.raises(BackupError, match="it starts the WAL receiver, or reports why") as failed:
        take(world)
    assert "disk" not in str(failed.value)


def test_a_receiver_that_stays_for_a_while_begins_the_wait_anew(world: StreamingWorld) -> None:
    copies(world)
    world.stop_receiver()
    cron(world, (0.7, 5.0, 0.7, 0.7, 0.7))
    with pytest.raises(BackupError, match="no WAL receiver has kept running in 90 s"):
        take(world, wait_timeout=3600)
    assert 95 + 90 <= world.time < 95 + 90 + 2


def waits(world: StreamingWorld, *archived: int) -> None:
    """The backup needs the segments 20 to 22, and Barman has these."""

    def backup(words: list[str]) -> Completed:
        world.archive(*archived)
        world.backup(ID, 20, 22, status="WAITING_FOR_WALS")
        return Completed(words, 0, "{}")

    world.on_backup = backup


def test_wal_that_was_lost_is_not_waited_for(world: StreamingWorld) -> None:
    waits(world, 20, 22, 25)
    with pytest.raises(BackupError) as failed:
        take(world, wait_timeout=3600)
    assert str(failed.value) == (
        f"backup {ID} of server 'main' was copied, but its WAL is not complete and can't become complete: {SEGMENT_21} did not arrive, "
        "and later segments did. Nothing can be recovered from it: take a new backup"
    )
    assert failed.value.backup is not None
    assert 5 <= world.time < 15
    # Barman was let look once more before that.
    assert commands(world)[-1] == "archive-wal"


@pytest.mark.parametrize("directory", ["incoming", "streaming"])
def test_wal_that_comes_late_is_waited_for(world: StreamingWorld, directory: str) -> None:
    waits(world, 20, 22, 25)
    world.options["archiver"] = "on"
    world.write_entry()

    def arrives() -> None:
        (world.place / directory / SEGMENT_21).write_bytes(b"")

    world.during = [lambda: None] * 20 + [arrives]
    assert take(world, wait_timeout=3600).done


def test_wal_that_archive_command_may_still_bring_is_waited_for_longer(world: StreamingWorld) -> None:
    """PostgreSQL repeats it after a minute, and the receiver goes on meanwhile."""
    waits(world, 20, 22, 25)
    world.options["archiver"] = "on"
    world.write_entry()
    with pytest.raises(BackupError, match=f"can't become complete: {SEGMENT_21} did not arrive"):
        take(world, wait_timeout=3600)
    assert 90 <= world.time < 100


def test_why_barman_does_not_archive(world: StreamingWorld) -> None:
    copies(world)
    world.broken["archive-wal"] = (
        "EXCEPTION: [Errno 28] No space left on device: '/w'\nSee log file for more details.\n"
    )
    with pytest.raises(BackupError) as failed:
        take(world)
    assert (
        "'barman archive-wal' failed: [Errno 28] No space left on device: '/w'. Barman sets the backup to DONE itself"
        in str(failed.value)
    )
    assert "it starts the WAL receiver" not in str(failed.value)
    world.broken.clear()
    assert take(world, plan(world, max_age=timedelta(days=9))).done


def test_why_barman_does_not_find_the_backup_complete(world: StreamingWorld) -> None:
    copies(world)
    world.broken["check-backup"] = "ERROR: Permission denied, unable to access '/l'\n"
    with pytest.raises(BackupError, match="'barman check-backup' failed: ERROR: Permission denied, unable to access"):
        take(world)


def test_why_barman_does_not_archive_the_first_wal(world: StreamingWorld) -> None:
    for path in (world.place / "wals").rglob("0*"):
        if path.is_file():
            path.unlink()
    world.broken["archive-wal"] = "EXCEPTION: [Errno 30] Read-only file system: '/w'\nSee log file for more details.\n"
    fails(world, "Impossible to start the backup. Check the log for more details", entry=False)
    world.checks = {"wal_archive": {"status": "FAILED", "hint": "please make sure WAL shipping is setup"}}
    with pytest.raises(BackupError) as failed:
        take(world)
    assert str(failed.value) == (
        "the backup of server 'main' can't be started: 'barman archive-wal' failed: [Errno 30] Read-only file system: '/w'; "
        "check 'wal_archive' failed: please make sure WAL shipping is setup "
        "(Barman reported: Impossible to start the backup. Check the log "
        "for more details)"
    )


STANDBY, PRIMARY = "host=198.51.100.10 user=barman dbname=postgres", "host=198.51.100.20 user=barman"


@pytest.fixture
def standby(world: StreamingWorld) -> list[str]:
    """The server is a standby; what is connected to, in this order."""
    world.options["primary_conninfo"] = PRIMARY
    world.write_entry()
    opened: list[str] = []
    connect = world.connect

    def record(conninfo: str, *rest: Any) -> Any:
        opened.append(conninfo)
        world.postgres.in_recovery = "198.51.100.20" not in conninfo
        return connect(conninfo, *rest)

    world.connect = record  # type: ignore[assignment,method-assign]
    return opened


def test_a_backup_from_a_standby_has_its_primary_close_the_segment(world: StreamingWorld, standby: list[str]) -> None:
    copies(world)
    switches = world.postgres.switches
    assert take(world).done
    assert standby == [STANDBY, PRIMARY]
    assert world.postgres.switches == switches + 1
    assert world.postgres.checkpoints == 0


@pytest.mark.parametrize(("version", "how"), [(17, "CHECKPOINT"), (14, "SELECT pg_catalog.pg_start_backup")])
def test_a_copy_of_a_standby_begins_with_wal_that_barman_has(
    world: StreamingWorld, standby: list[str], version: int, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = world.connect

    def older(*arguments: Any) -> Any:
        session = connect(*arguments)
        session.version = version
        return session

    monkeypatch.setattr(world, "connect", older)
    # The standby's last restartpoint is older than the first WAL that came.
    world.postgres.redo = 100
    copies(world)
    report = Report()
    assert take(world, report=report).done
    assert world.postgres.checkpoints == 1
    assert how in world.log
    assert "waiting for a checkpoint on the standby" in [phase for phase, _ in report.phases]


def test_a_standby_that_does_not_come_to_the_checkpoint(world: StreamingWorld, standby: list[str]) -> None:
    world.postgres.redo, world.postgres.follows = 100, False
    with pytest.raises(BackupError, match=r"has not replayed the primary's checkpoint.*is at 0/"):
        take(world, wait_timeout=40)
    assert "backup" not in commands(world)


def test_a_standby_that_is_promoted_while_it_is_waited_for(world: StreamingWorld, standby: list[str]) -> None:
    world.postgres.redo, world.postgres.follows = 100, False

    def promoted() -> None:
        world.postgres.promoted = True

    world.during = [lambda: None, promoted]
    with pytest.raises(BackupError, match="was promoted while the backup waited for it"):
        take(world, wait_timeout=600)
    assert world.time < 10
    assert "backup" not in commands(world)


def test_a_standby_that_was_promoted(world: StreamingWorld) -> None:
    world.options.update(primary_conninfo=PRIMARY, wal_streaming_conninfo=PRIMARY)
    world.write_entry()
    with pytest.raises(BackupError, match="from a server that is not a standby"):
        take(world)
    assert "backup" not in commands(world)


def test_a_standby_on_another_timeline_than_its_primary(world: StreamingWorld, standby: list[str]) -> None:
    world.postgres.timeline, world.postgres.history = 2, "1\t0/100000\tno reason\n"
    with pytest.raises(
        BackupError, match=r"is on timeline 1, and its primary on 2: the standby has stopped following it.*again"
    ):
        take(world)
    assert "backup" not in commands(world)


def test_a_server_without_any_wal_gets_its_first(world: StreamingWorld) -> None:
    for path in (world.place / "wals").rglob("0*"):
        if path.is_file():
            path.unlink()
    copies(world)
    report = Report()
    assert take(world, report=report).done
    assert commands(world)[:2] == ["archive-wal", "backup"]
    assert report.phases[1][0] == "waiting for the first WAL"


def test_first_wal_that_never_arrives_is_reported_by_barman(world: StreamingWorld) -> None:
    for path in (world.place / "wals").rglob("0*"):
        if path.is_file():
            path.unlink()
    world.stop_receiver()
    fails(world, "Impossible to start the backup. Check the log", entry=False)
    world.checks = {"wal_archive": {"status": "FAILED", "hint": "please make sure WAL shipping is setup"}}
    with pytest.raises(BackupError, match="WAL shipping"):
        take(world)
    assert 20 <= world.time < 40


# Failures


def test_without_a_connection_nothing_is_begun(world: StreamingWorld) -> None:
    world.unreachable[False] = 'FATAL:  password authentication failed for user "barman"'
    with pytest.raises(ConnectionFailed, match="refused the password"):
        take(world)
    assert world.log == []


def test_another_backup_is_being_taken(world: StreamingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the process that has Barman's lock, whatever Barman reports."""
    fails(world, "Hier sichert schon jemand", entry=False)
    monkeypatch.setattr(observe, "command_line", lambda pid: "barman backup main" if pid == 77 else None)
    (world.home / ".main-backup.lock").write_text("77")
    with pytest.raises(BackupError, match="another process on this host is taking a backup of server") as failed:
        take(world)
    assert "(Barman reported: Hier sichert schon jemand)" in str(failed.value)
    (world.home / ".main-backup.lock").write_text("78")
    with pytest.raises(BackupError, match="server 'main' failed: Hier sichert schon jemand"):
        take(world)


@pytest.mark.parametrize("words", ["No space left on device", "Disk quota exceeded", None])
def test_a_full_disk(world: StreamingWorld, monkeypatch: pytest.MonkeyPatch, words: str | None) -> None:
    """By what is free now, and if pg_basebackup has removed its files already, by the words of the C locale."""
    reason = f"pg_basebackup: could not write to file: {words or 'auf Deutsch'}"
    fails(world, f"Backup failed copying files.\nDETAILS: {reason}")
    if words is None:
        monkeypatch.setattr(reasons, "full_disks", lambda server, size: [Disk(str(world.place / "base"), 0, 1 << 30)])
    with pytest.raises(BackupError, match="The disk of this host became full") as failed:
        take(world)
    text = str(failed.value)
    assert reason in text
    assert str(world.place / "base") in text
    assert "the cluster has 5.0 GiB" in text
    assert f"The failed attempt is in the catalog as {ID}." in text
    assert failed.value.backup is not None
    assert as_result(failed.value.backup)["status"] == "FAILED"


def test_barman_s_own_reason(world: StreamingWorld) -> None:
    fails(world, "Backup failed copying files.\nDETAILS: connection lost")
    with pytest.raises(
        BackupError, match=r"server 'main' failed: Backup failed copying files\. DETAILS: connection lost\."
    ):
        take(world)


def test_a_program_that_an_upgraded_barman_lacks(world: StreamingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(world, "[Errno 2] No such file or directory: 'file'")
    run = world.run

    def upgraded(command: Command) -> Completed:
        if command.argv[0] == "file":
            raise HostError("'file' was not found on this host: install it")
        done = run(command)
        return Completed(done.argv, 0, "3.19.1 Barman") if command.argv[-1] == "--version" else done

    monkeypatch.setattr(world.barman, "_run", upgraded)
    with pytest.raises(
        BackupError, match=r"Barman 3\.19\.1 runs the program file .*: install the package file\. The failed attempt"
    ):
        take(world)


def test_why_it_can_t_be_started_instead_of_check_the_log(world: StreamingWorld) -> None:
    """There is no entry in the catalog: that decides, not Barman's sentence."""
    fails(world, "Impossible to start the backup. Check the log for more details", entry=False)
    world.checks = {
        "wal_archive": {"status": "FAILED", "hint": "please make sure WAL shipping is setup"},
        "failed_backups": {"status": "FAILED", "hint": "there are 2"},
        "directories": {"status": "OK", "hint": ""},
        "receive_wal_running": {"status": "FAILED", "hint": "See the Barman log file for more details"},
    }
    with pytest.raises(BackupError) as failed:
        take(world)
    assert str(failed.value) == (
        "the backup of server 'main' can't be started: check 'wal_archive' failed: please make sure WAL shipping is setup; "
        "check 'receive_wal_running' failed: the playbook pgdr.barman.deploy starts it, "
        "or reports why it can't (module pgdr.barman.wal_receiver) (Barman reported: Impossible to start "
        "the backup. Check the log for more details)"
    )


def test_a_full_disk_is_why_it_can_t_be_started(world: StreamingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(world, "Impossible to start the backup. Check the log", entry=False)
    world.checks = {"receive_wal_running": {"status": "FAILED", "hint": ""}}
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_bavail=1024, f_blocks=2048, f_frsize=1024))
    with pytest.raises(BackupError) as failed:
        take(world)
    assert str(failed.value).startswith(
        "the backup of server 'main' can't be started: the disk of this host is full: /"
    )
    assert "/base has 1.0 MiB free of 2.0 MiB; check 'receive_wal_running' failed" in str(failed.value)


def test_a_streaming_connection_that_fails_explains_it_alone(world: StreamingWorld) -> None:
    fails(world, "Impossible to start the backup. Check the log", entry=False)
    world.checks = {"postgresql_streaming": {"status": "FAILED"}}
    world.unreachable[True] = "FATAL:  permission denied to start WAL sender"
    with pytest.raises(BackupError, match="ALTER ROLE someone REPLICATION") as failed:
        take(world)
    assert "postgresql_streaming" not in str(failed.value)


def test_barman_succeeds_and_there_is_no_backup(world: StreamingWorld) -> None:
    world.on_backup = lambda words: Completed(words, 0, json.dumps({"_INFO": ["Skipping inactive server 'main'"]}))
    with pytest.raises(BackupError, match="Skipping inactive server"):
        take(world)


def test_a_backup_that_fails_while_its_wal_is_waited_for(world: StreamingWorld) -> None:
    copies(world)
    world.stop_receiver()
    world.during = [lambda: world.backup(ID, 5, 5, status="FAILED", error="failure issuing stop")]
    with pytest.raises(BackupError, match=f"backup {ID} of server 'main' failed: failure issuing stop"):
        take(world)


def test_a_connection_that_breaks_during_the_copy_does_not_stop_it(world: StreamingWorld) -> None:
    world.postgres.progress = [[{"phase": "p", "backup_total": 1, "backup_streamed": 1}], []]
    world.postgres.refuses = {"pg_stat_progress_basebackup": "terminating connection"}
    copies(world)
    tick_once = world.run

    def run(command: Any) -> Completed:
        if command.tick is not None:
            command.tick()
            world.postgres.progress.clear()
        return tick_once(command)

    world.barman._run = run
    assert take(world).done


def test_what_is_returned(world: StreamingWorld) -> None:
    copies(
        world, backup_name="n", deduplicated_size=3000, cluster_size=3100, end_xlog="0/600000", begin_xlog="0/500028"
    )
    found = as_result(take(world))
    assert found["status"] == "DONE"
    assert found["throughput"] == 2000
    assert (found["size"], found["duration"], found["copy_duration"]) == (3000, 60.0, 1.5)
    assert (found["id"], found["name"], found["type"], found["timeline"]) == (ID, "n", "full", 1)
    assert found["end_time"] == "2026-11-20T08:00:00+00:00"
    assert (found["begin_lsn"], found["end_lsn"]) == ("0/500028", "0/600000")


# Increments


PARENT = "20261119T080000"


def test_an_increment_on_what_is_compressed_needs_a_newer_barman(world: StreamingWorld) -> None:
    stored(world, PARENT, compression="zstd")
    with pytest.raises(BackupError, match=r"Barman 3.15 or later together with compression .backup .* is compressed"):
        plan(world, incremental="latest")
    found = plan(world, (3, 15, 0), incremental="latest").parent
    assert found is not None
    assert found.backup_id == PARENT


def test_an_increment_is_not_put_on_one_whose_root_is_gone(world: StreamingWorld) -> None:
    stored(world, ID, parent_backup_id=PARENT)
    with pytest.raises(
        BackupError, match=f"backup {PARENT}, which it needs, is not in the catalog; take a full backup"
    ):
        plan(world, incremental="latest")
