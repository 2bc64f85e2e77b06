# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore drills: what is restored, what is recorded, and what is left in every case."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Backup
from ansible_collections.pgdr.barman.plugins.module_utils._barman.disks import Disk
from ansible_collections.pgdr.barman.plugins.module_utils._barman.snapshots import Snapshots
from ansible_collections.pgdr.barman.plugins.module_utils._drill import observe, place, scratch
from ansible_collections.pgdr.barman.plugins.module_utils._drill.facts import commit_time, rpo_facts
from ansible_collections.pgdr.barman.plugins.module_utils._drill.plan import (
    choose_backup,
    copy_jobs,
    needed_bytes,
    room_problem,
)
from ansible_collections.pgdr.barman.plugins.module_utils._drill.request import (
    DrillError,
    DrillQuery,
    DrillRequest,
    RemoteHost,
    request_from,
)
from ansible_collections.pgdr.barman.plugins.module_utils._drill.room_guard import RoomGuard
from ansible_collections.pgdr.barman.plugins.module_utils._drill.scratch import (
    ScratchDirectories,
    ScratchNotes,
    processes_with,
)
from ansible_collections.pgdr.barman.plugins.module_utils._drill.stopwatch import Stopwatch, phase_of
from ansible_collections.pgdr.barman.plugins.module_utils._host.lock import exclusive
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError, Interrupted
from ansible_collections.pgdr.barman.plugins.module_utils._recover.request import RecoveryInterrupted
from ansible_collections.pgdr.barman.plugins.module_utils._verify.request import (
    RecoveryVerificationError,
    VerificationQuery,
)
from tests.unit.plugins.module_utils._drill.drill_host import NOW, TEST, DrillHost

ARGUMENTS: dict[str, Any] = {
    "servers": ["app"],
    "backup": "newest",
    "directory": None,
    "queries": [],
    "database_user": "postgres",
    "bin_directory": None,
    "jobs": None,
    "bandwidth_limit": None,
    "priority": "idle",
    "verify_backup": True,
    "amcheck": True,
    "checksums": True,
    "timeout": 60,
    "requested_by": None,
    "wait": 0,
    "target_immediate": False,
    "target_timeline": "latest",
    "remote_host": None,
    "remote_user": "postgres",
    "remote_port": None,
}


class Killed(BaseException):
    """In place of a SIGKILL: nothing catches it."""


@pytest.fixture
def host(tmp_path: Path) -> DrillHost:
    made = DrillHost(tmp_path)
    made.server("app", "20261128T110000", "20261129T110000", "20261130T110000")
    return made


def killed(*unused: Any, **more: Any) -> Any:
    raise Killed


# A drill that passes


def test_a_drill_passes_and_is_recorded(host: DrillHost) -> None:
    result = host.drill("app", requested_by="dba")
    assert result.failure is None
    assert result.changed
    facts = result.values["drills"]["app"]
    assert facts["result"] == "passed"
    assert facts["backup_id"] == "20261130T110000"
    assert facts["checks"]["amcheck"]["status"] == "verified"
    assert facts["rpo"] == {
        "commit_time": "2026-11-30T11:59:58.500000+00:00",
        "lsn": "0/5000000",
        "age_seconds": 2,
        "server_lsn": None,
        "bytes_behind": None,
    }
    (record,) = host.ledger("app").records
    assert record.passed
    assert record.id == facts["id"]
    assert record.details["requested_by"] == "dba"
    assert record.details["phases"] == facts["phases"]
    assert json.loads(json.dumps(record.as_dict()))["checks"]["queries"][0]["answer"] == '"1"'


def test_every_phase_is_timed_and_the_recovery_time_is_their_sum(host: DrillHost) -> None:
    facts = host.drill("app").values["drills"]["app"]
    expected = ["choose", "verify", "restore", "replay", "queries", "promotion", "amcheck", "checksums", "remove"]
    assert list(facts["phases"]) == expected
    phases = facts["phases"]
    assert facts["rto_seconds"] == phases["choose"] + phases["verify"] + phases["restore"] + phases["replay"]


@pytest.mark.parametrize(
    ("request_", "configured", "processors", "jobs"),
    [
        (DrillRequest(), {}, 2, 2),
        (DrillRequest(), {}, 1, 1),
        (DrillRequest(), {}, 64, 4),
        (DrillRequest(jobs=8), {}, 2, 8),
        # Barman applies a limit to each process.
        (DrillRequest(bandwidth_limit=50_000), {}, 8, None),
        (DrillRequest(), {"bandwidth_limit": "50000"}, 8, None),
        (DrillRequest(), {"tablespace_bandwidth_limit": "fast:100"}, 8, None),
        (DrillRequest(), {"parallel_jobs": "6"}, 8, None),
        (DrillRequest(host=RemoteHost("drill")), {}, 8, None),
    ],
)
def test_how_many_processes_copy(
    request_: DrillRequest, configured: dict[str, str | None], processors: int, jobs: int | None
) -> None:
    assert copy_jobs(request_, configured, processors) == jobs


def test_the_copy_uses_the_processors_of_the_host(host: DrillHost) -> None:
    host.processors = 3
    host.drill("app")
    assert [request.jobs for request, _check_mode in host.recoveries] == [3, 3]


def test_nothing_is_left(host: DrillHost) -> None:
    host.drill("app")
    assert host.scratch_directories() == []
    assert host.notes() == []


def test_the_copy_is_restored_to_a_directory_that_nobody_else_has(host: DrillHost) -> None:
    host.drill("app")
    (planned, check_mode), (restored, for_real) = host.recoveries
    assert (check_mode, for_real) == (True, False)
    directory = restored.destination.directory
    assert directory.startswith(os.path.join(host.home, "drills", "pgdr-drill-"))
    assert planned.destination.directory == directory
    assert restored.tablespace_directory == os.path.join(os.path.dirname(directory), "tablespaces")
    assert restored.removed
    (verification,) = host.verifications
    assert verification.finish
    assert verification.data_directory == directory


def test_the_plan_verifies_nothing_and_the_restore_everything(host: DrillHost) -> None:
    host.drill("app")
    (planned, _), (restored, _) = host.recoveries
    assert (planned.content.backup, planned.content.wal) == (False, False)
    assert (restored.content.backup, restored.content.wal) == (True, True)
    host.drill("app", verify_backup=False)
    assert (host.recoveries[-1][0].content.backup, host.recoveries[-1][0].content.wal) == (False, True)


def test_a_query_is_asked_on_its_own_server_only(host: DrillHost) -> None:
    host.server("other", "20261130T110000")
    queries = (DrillQuery(VerificationQuery("SELECT 1"), "app"), DrillQuery(VerificationQuery("SELECT 2")))
    host.drill("app", "other", queries=queries)
    assert [[one.query for one in verification.queries] for verification in host.verifications] == [
        ["SELECT 1", "SELECT 2"],
        ["SELECT 2"],
    ]


def test_all_servers_are_drilled_one_after_another(host: DrillHost) -> None:
    host.server("other", "20261130T110000")
    counts: list[list[str]] = []
    host.during_restore = lambda request: counts.append(host.scratch_directories())
    assert list(host.drill().values["drills"]) == ["app", "other"]
    assert [len(names) for names in counts] == [1, 1]


# Choices


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("newest", "auto"),
        ("oldest", "20261128T110000"),
        ("random", "20261129T110000"),
        ("20261129T110000", "20261129T110000"),
    ],
)
def test_the_backup_is_chosen(host: DrillHost, choice: str, expected: str) -> None:
    host.drill("app", backup=choice)
    assert host.recoveries[0][0].backup_id == expected


def test_a_backup_of_snapshots_is_refused_with_the_way_that_works() -> None:
    files = Backup("20261128T110000", "DONE", "/b")
    snapshots = Backup("20261129T110000", "DONE", "/b", snapshots=Snapshots("aws", {}, ()))
    for choice in ("newest", "oldest", "random", snapshots.backup_id):
        with pytest.raises(
            DrillError, match=r"of snapshots, .*pgdr\.barman\.recover \(barman_recover_snapshot_instance\)"
        ):
            choose_backup("app", [snapshots], choice, lambda ids: ids[0])
    both = [files, snapshots]
    assert choose_backup("app", both, "oldest", lambda ids: ids[0]) == files.backup_id
    assert choose_backup("app", both, "random", lambda ids: ids[-1]) == files.backup_id
    assert choose_backup("app", both, "newest", lambda ids: ids[0]) == "auto"
    with pytest.raises(DrillError, match="backup 20261129T110000 is of snapshots"):
        choose_backup("app", both, snapshots.backup_id, lambda ids: ids[0])


def test_without_a_valid_backup_there_is_none_to_choose() -> None:
    with pytest.raises(DrillError, match="server 'app' has no valid backup"):
        choose_backup("app", [], "random", lambda ids: ids[0])


def test_the_backup_of_the_plan_is_restored(host: DrillHost) -> None:
    host.drill("app")
    assert [request.backup_id for request, _check_mode in host.recoveries] == ["auto", "20261130T110000"]


def test_the_target_is_the_recovery_s(host: DrillHost) -> None:
    host.drill("app", target={"target_time": "2026-11-30 11:30:00+00:00"})
    assert {request.target.kind for request, _check_mode in host.recoveries} == {"time"}


# Refusals


def test_check_mode_restores_and_records_nothing(host: DrillHost) -> None:
    result = host.drill("app", check_mode=True)
    facts = result.values["drills"]["app"]
    assert (facts["result"], facts["bytes"], facts["backup_id"]) == ("planned", 1000, "20261130T110000")
    assert result.failure is None
    assert [check_mode for _request, check_mode in host.recoveries] == [True]
    assert host.ledger("app").records == ()
    assert not os.path.exists(os.path.join(host.home, "drills"))
    assert host.notes() == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_without_room_nothing_is_restored(host: DrillHost, *, check_mode: bool) -> None:
    host.bytes = shutil.disk_usage(host.home).free
    result = host.drill("app", check_mode=check_mode)
    assert "a drill leaves" in str(result.failure)
    assert "failed in phase choose" in str(result.failure)
    assert [check for _request, check in host.recoveries] == [True]
    assert host.scratch_directories() == []
    assert [record.passed for record in host.ledger("app").records] == ([] if check_mode else [False])


def test_the_reserve_is_a_part_of_the_file_system() -> None:
    disk = Disk("/srv", free=300, size=1000)
    assert room_problem(250, disk) is None
    assert "The restore needs 251 bytes, and a drill leaves 50 bytes free" in str(room_problem(251, disk))


def test_the_replay_needs_the_wal_once_more() -> None:
    assert needed_bytes({"bytes": 1100, "backup_bytes": 1000, "wal_bytes": 100, "staging_bytes": 0}) == 1200


def test_what_barman_unpacks_needs_room_too() -> None:
    assert needed_bytes({"bytes": 1100, "backup_bytes": 1000, "wal_bytes": 100, "staging_bytes": 500}) == 1700


def test_a_drill_that_leaves_less_than_the_reserve_is_stopped_once() -> None:
    free = [51, 49, 10]
    guard = RoomGuard("/srv", lambda seconds: None, lambda path: Disk(path, free.pop(0), 1000))
    guard(0.1)
    with pytest.raises(DrillError, match="has only 49 bytes free, and a drill leaves 50 bytes free"):
        guard(0.1)
    # The stop of the server pauses, too.
    guard(0.1)


def test_a_file_system_that_cannot_be_read_stops_no_drill() -> None:
    def observe_nothing(path: str) -> Disk:
        raise HostError("can't be read")

    RoomGuard("/srv", lambda seconds: None, observe_nothing)(0.1)


def test_the_wait_for_the_replay_watches_the_room(host: DrillHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(path: str) -> Disk:
        return Disk(path, 1, 1000)

    host.during_wait = lambda pause: pause(0.0)
    with monkeypatch.context() as patch:
        patch.setattr(place, "RoomGuard", lambda path: RoomGuard(path, observe=fill))
        facts = host.drill("app").values["drills"]["app"]
    assert (facts["result"], facts["failed_phase"]) == ("failed", "replay")
    assert "has only 1 byte" in facts["reason"]


def test_wal_that_creates_a_tablespace_elsewhere_is_not_replayed(host: DrillHost) -> None:
    host.created_tablespaces = ["/srv/fast"]
    facts = host.drill("app").values["drills"]["app"]
    assert facts["result"] == "failed"
    assert (
        "creates tablespaces outside of the scratch directory: /srv/fast. Drill a backup that is newer"
        in facts["reason"]
    )
    assert host.verifications == []
    assert host.scratch_directories() == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_query_for_an_unknown_server_is_refused(host: DrillHost, *, check_mode: bool) -> None:
    queries = (DrillQuery(VerificationQuery("SELECT 1"), "oslo"), DrillQuery(VerificationQuery("SELECT 2"), "app"))
    with pytest.raises(DrillError, match=r"queries: Barman on this host has no server 'oslo'. Its servers are: app"):
        host.drill(queries=queries, check_mode=check_mode)
    assert host.recoveries == []


def test_each_server_has_its_superuser(host: DrillHost) -> None:
    host.server("other", "20261130T110000")
    host.drill(database_users={"other": "admin"})
    assert [one.database_user for one in host.verifications] == ["postgres", "admin"]


def test_without_postgresql_s_programs_nothing_is_restored(host: DrillHost, tmp_path: Path) -> None:
    result = host.drill("app", bin_directory=str(tmp_path / "nowhere"))
    assert "the program 'postgres' does not exist" in str(result.failure)
    assert [check_mode for _request, check_mode in host.recoveries] == [True]


def test_a_second_drill_at_the_same_time_is_refused(host: DrillHost) -> None:
    with exclusive(host.home, "restore drill"), pytest.raises(DrillError, match="another drill is running"):
        host.drill("app")
    assert host.recoveries == []


def test_an_unknown_server_is_refused_before_any_drill(host: DrillHost) -> None:
    with pytest.raises(HostError, match="Barman has no server 'oslo'"):
        host.drill("app", "oslo")
    assert host.recoveries == []


# Failures


def test_a_failed_check_is_recorded_with_its_phase_and_what_was_known(host: DrillHost) -> None:
    def fail(request: Any) -> None:
        raise RecoveryVerificationError("the query answered 5", {"reached": TEST["reached"], "queries": []})

    host.during_check = fail
    result = host.drill("app")
    assert result.failure == "server 'app': the drill failed in phase queries: the query answered 5"
    (record,) = host.ledger("app").records
    assert not record.passed
    assert (record.details["failed_phase"], record.details["reason"]) == ("queries", "the query answered 5")
    assert record.details["rpo"]["lsn"] == "0/5000000"
    assert record.details["checks"]["backup"]["status"] == "verified"
    assert host.scratch_directories() == []
    assert host.notes() == []


def test_a_failed_restore_leaves_nothing(host: DrillHost) -> None:
    def fail(request: Any) -> None:
        raise HostError("no key")

    host.during_restore = fail
    facts = host.drill("app").values["drills"]["app"]
    assert (facts["result"], facts["failed_phase"], facts["rto_seconds"]) == ("failed", "restore", None)
    assert host.scratch_directories() == []


def test_a_failed_drill_does_not_prevent_the_others(host: DrillHost) -> None:
    host.server("other", "20261130T110000")

    def fail(request: Any) -> None:
        if request.server == "app":
            raise HostError("no key")

    host.during_restore = fail
    result = host.drill()
    assert [facts["result"] for facts in result.values["drills"].values()] == ["failed", "passed"]
    assert result.values["problems"] == ["server 'app': the drill failed in phase restore: no key"]


def test_a_directory_that_cannot_be_removed_fails_the_drill_and_is_tried_again(
    host: DrillHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: ScratchDirectories, scratch_directory: Any) -> None:
        raise HostError("it is busy")

    with monkeypatch.context() as patch:
        patch.setattr(ScratchDirectories, "remove", fail)
        facts = host.drill("app").values["drills"]["app"]
    assert (facts["result"], facts["failed_phase"], facts["reason"]) == ("failed", "remove", "it is busy")
    assert len(host.notes()) == 1
    result = host.drill("app")
    assert len(result.values["removed"]) == 1
    assert [record.passed for record in host.ledger("app").records] == [False, True]


# Signals and kills


def test_a_signal_ends_all_drills_and_is_recorded(host: DrillHost) -> None:
    host.server("other", "20261130T110000")
    host.during_check = lambda request: os.kill(os.getpid(), signal.SIGTERM)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted, match="SIGTERM"):
        host.drill()
    assert signal.getsignal(signal.SIGTERM) is before
    (record,) = host.ledger("app").records
    assert (record.passed, record.details["failed_phase"]) == (False, "queries")
    assert host.ledger("other").records == ()
    assert (host.scratch_directories(), host.notes()) == ([], [])


def test_a_signal_is_no_finding_that_a_check_collects(host: DrillHost) -> None:
    host.server("other", "20261130T110000")

    def check(request: Any) -> None:
        with contextlib.suppress(HostError, Exception):
            os.kill(os.getpid(), signal.SIGTERM)

    host.during_check = check
    with pytest.raises(Interrupted, match="SIGTERM"):
        host.drill()
    (record,) = host.ledger("app").records
    assert (record.passed, record.details["failed_phase"]) == (False, "queries")
    assert record.details["reason"] == "signal SIGTERM stopped the drill"
    assert host.ledger("other").records == ()
    assert (host.scratch_directories(), host.notes()) == ([], [])


def test_a_signal_during_the_copy_ends_all_drills(host: DrillHost) -> None:
    host.server("other", "20261130T110000")

    def interrupt(request: Any) -> None:
        raise RecoveryInterrupted("'barman' was stopped")

    host.during_restore = interrupt
    with pytest.raises(Interrupted, match="'barman' was stopped"):
        host.drill()
    assert [record.passed for record in host.ledger("app").records] == [False]
    assert host.ledger("other").records == ()


def test_a_signal_during_the_removal_leaves_it_to_the_next_drill(
    host: DrillHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(ScratchDirectories, "remove", lambda *unused: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(Interrupted, match="SIGTERM"):
            host.drill("app")
    assert host.ledger("app").records == ()
    host.drill("app")
    assert [record.passed for record in host.ledger("app").records] == [True, True]


def kill_at(host: DrillHost, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Let the process die there."""
    make = os.mkdir

    def made_or_killed(path: Any, *arguments: Any, **more: Any) -> None:
        if "pgdr-drill-" in str(path):
            raise Killed
        make(path, *arguments, **more)

    where: dict[str, Callable[[], None]] = {
        "note": lambda: monkeypatch.setattr(scratch.os, "mkdir", made_or_killed),
        "restore": lambda: setattr(host, "during_restore", killed),
        "check": lambda: setattr(host, "during_check", killed),
        "removal": lambda: monkeypatch.setattr(ScratchDirectories, "remove", killed),
        "record": lambda: monkeypatch.setattr(
            "ansible_collections.pgdr.barman.plugins.module_utils._drill.run.append_record", killed
        ),
        "forget": lambda: monkeypatch.setattr(ScratchNotes, "forget", killed),
    }
    where[place]()


@pytest.mark.parametrize(
    ("place", "passed", "reason"),
    [
        ("note", False, "the drill was killed"),
        ("restore", False, "the drill was killed"),
        ("check", False, "the drill was killed"),
        ("removal", True, None),
        ("record", True, None),
        ("forget", True, None),
    ],
)
def test_wherever_a_drill_is_killed_the_next_one_removes_and_records_it(
    host: DrillHost, monkeypatch: pytest.MonkeyPatch, place: str, *, passed: bool, reason: str | None
) -> None:
    os.makedirs(os.path.join(host.home, "drills", "pgdr-drill-of-somebody"))
    with monkeypatch.context() as patch:
        kill_at(host, patch, place)
        with pytest.raises(Killed):
            host.drill("app")
    assert len(host.notes()) == 1
    host.during_restore = lambda request: None
    host.during_check = lambda request: None
    result = host.drill("app")
    assert result.failure is None
    assert len(result.values["removed"]) == 1
    assert host.scratch_directories() == ["pgdr-drill-of-somebody"]
    assert host.notes() == []
    first, second = host.ledger("app").records
    assert (first.passed, first.details.get("reason")) == (passed, reason)
    assert second.passed


@pytest.mark.parametrize(("place", "passed"), [("check", False), ("removal", True)])
def test_a_killed_drill_is_recorded_with_the_time_of_its_start(
    host: DrillHost, monkeypatch: pytest.MonkeyPatch, place: str, *, passed: bool
) -> None:
    with monkeypatch.context() as patch:
        kill_at(host, patch, place)
        with pytest.raises(Killed):
            host.drill("app")
    host.during_check = lambda request: None
    host.now = NOW + timedelta(days=40)
    host.drill("app")
    first, second = host.ledger("app").records
    assert (first.passed, first.time, second.time) == (passed, NOW, host.now)


def test_a_note_without_a_valid_time_is_recorded_now(host: DrillHost) -> None:
    notes = Path(host.home, ".pgdr.barman", "drills")
    notes.mkdir(parents=True)
    for number, noted in enumerate((None, "soon", "2026-11-30T11:00:00")):
        path = os.path.join(host.home, f"pgdr-drill-000000000000000{number}")
        note = {"path": path, "id": str(number), "server": "app", "time": noted}
        (notes / f"{os.path.basename(path)}.json").write_text(json.dumps(note))
    host.drill("app")
    assert [record.time for record in host.ledger("app").records] == [NOW] * 4


def test_a_directory_that_stays_prevents_no_drill(host: DrillHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.server("other", "20261130T110000")
    for server in ("app", "other"):
        with monkeypatch.context() as patch:
            patch.setattr(ScratchNotes, "left_behind", lambda self: [])
            kill_at(host, patch, "restore")
            with pytest.raises(Killed):
                host.drill(server)
    host.during_restore = lambda request: None
    remove, refused = ScratchDirectories.remove, list[str]()

    def remove_or_fail(self: ScratchDirectories, one: Any) -> None:
        if one.details["server"] == "app" and not refused:
            refused.append(one.path)
            raise HostError("it is busy")
        remove(self, one)

    monkeypatch.setattr(ScratchDirectories, "remove", remove_or_fail)
    result = host.drill("app")
    assert result.values["drills"]["app"]["result"] == "passed"
    assert result.values["problems"] == ["a killed drill of server 'app': it is busy"]
    assert result.failure == "a killed drill of server 'app': it is busy"
    assert len(result.values["removed"]) == 1
    assert [record.passed for record in host.ledger("other").records] == [False]
    assert len(host.notes()) == 1


def test_a_note_that_names_something_else_removes_nothing(host: DrillHost, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    notes = Path(host.home, ".pgdr.barman", "drills")
    notes.mkdir(parents=True)
    for name, text in {
        "pgdr-drill-0123456789abcdef.json": json.dumps({"path": str(precious)}),
        "pgdr-drill-0123456789abcdee.json": "not whole",
        "pgdr-drill-x.json": json.dumps({"path": str(tmp_path / "pgdr-drill-x")}),
        "pgdr-drill-0123456789abcded.json": json.dumps({"path": "pgdr-drill-0123456789abcded"}),
    }.items():
        (notes / name).write_text(text)
    (tmp_path / "pgdr-drill-x").mkdir()
    assert host.drill("app").values["removed"] == []
    assert precious.is_dir()
    assert (tmp_path / "pgdr-drill-x").is_dir()


def test_processes_of_a_killed_drill_are_ended_before_its_directory_is_removed(
    host: DrillHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = {4711: 2}
    signals: list[tuple[int, int]] = []

    def processes(path: str, uid: int) -> list[int]:
        alive[4711] -= 1
        return [4711] if alive[4711] >= 0 else []

    monkeypatch.setattr(scratch.os, "kill", lambda pid, number: signals.append((pid, number)))
    files = ScratchDirectories(host.environment().barman.user, pause=lambda seconds: None, processes=processes)
    made = ScratchNotes(host.home, None).planned(str(tmp_path / "drills"))
    files.make(made)
    files.remove(made)
    assert signals == [(4711, signal.SIGTERM)]
    assert not os.path.exists(made.path)


def test_processes_are_found_by_their_arguments() -> None:
    assert processes_with("/nowhere/pgdr-drill-0123456789abcdef", os.getuid()) == []
    parent = Path(f"/proc/{os.getppid()}/cmdline").read_bytes().split(b"\0")[0].decode()
    assert os.getppid() in processes_with(parent, os.getuid())


def test_a_process_of_another_user_is_none_of_the_drill() -> None:
    parent = Path(f"/proc/{os.getppid()}/cmdline").read_bytes().split(b"\0")[0].decode()
    assert os.getppid() not in processes_with(parent, os.getuid() + 1)


# Values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-30 10:46:59.425276+00", "2026-11-30T10:46:59.425276+00:00"),
        ("2026-11-30 10:46:59.4+00", "2026-11-30T10:46:59.400000+00:00"),
        ("2026-11-30 10:46:59-03:30", "2026-11-30T14:16:59+00:00"),
        ("2026-11-30T10:46:59.425276+00:00", "2026-11-30T10:46:59.425276+00:00"),
        ("2026-11-30 10:46:59.425276Z", "2026-11-30T10:46:59.425276+00:00"),
        ("2026-11-30 10:46:59", "2026-11-30T10:46:59+00:00"),
        ("never", None),
        ("", None),
        (None, None),
    ],
)
def test_the_time_of_a_commit_is_read(text: str | None, expected: str | None) -> None:
    moment = commit_time(text)
    assert (None if moment is None else moment.isoformat()) == expected


def test_what_the_server_had_beyond_the_drill_is_counted_at_the_end_only() -> None:
    reached = {"lsn": "0/5000000", "time": None}
    assert rpo_facts(reached, NOW, 0x5000100, to_end=True)["bytes_behind"] == 0x100
    assert rpo_facts(reached, NOW, 0x4000000, to_end=True)["bytes_behind"] == 0
    assert rpo_facts(reached, NOW, 0x5000100, to_end=False)["bytes_behind"] is None
    assert rpo_facts(reached, NOW, None, to_end=True)["bytes_behind"] is None


def test_a_phase_that_comes_again_is_added() -> None:
    times = iter([0.0, 1.0, 3.0, 6.0, 10.0])
    watch = Stopwatch(lambda: next(times))
    for phase in ("verify", "choose", "verify", "restore"):
        watch.enter(phase)
    assert watch.phases == {"choose": 4.0, "verify": 6.0}
    assert phase_of("searching the WAL for the target") == "choose"


def test_a_server_that_does_not_answer_has_no_position(host: DrillHost) -> None:
    def refuse(*unused: Any, **more: Any) -> Any:
        raise HostError("nobody listens")

    entry = host.environment().configuration.server("app")
    entry.options["conninfo"] = "host=pg"
    assert observe.server_position(entry, "barman", refuse) is None
    assert observe.server_position(entry, "barman", None) is None


def test_the_file_system_is_that_of_the_first_directory_that_exists(tmp_path: Path) -> None:
    found = observe.file_system(str(tmp_path / "a" / "b"))
    assert found.path == str(tmp_path / "a" / "b")
    assert found.size == shutil.disk_usage(tmp_path).total


# Arguments


def test_the_arguments_are_read() -> None:
    query = {"query": "SELECT 1", "database": "shop", "expect": 1, "server": "app"}
    request = request_from(
        {**ARGUMENTS, "queries": [query], "target_time": "2026-11-30 11:00:00+00", "directory": "/srv//x/"}
    )
    assert request.directory == "/srv/x"
    assert request.target == {"target_time": "2026-11-30 11:00:00+00", "target_timeline": "latest"}
    assert request.queries_of("app") == (VerificationQuery("SELECT 1", "shop", 1, expected=True),)
    assert request.queries_of("other") == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target_time": "tomorrow"}, "target_time: 'tomorrow' is not a time"),
        ({"target_time": "2026-11-30 11:00:00+00", "target_immediate": True}, "only one of them can be the target"),
        ({"directory": "drills"}, "directory: 'drills' is not an absolute path"),
        ({"servers": ["app", "other"], "target_xid": "735"}, "target_xid: only a drill of one server can have it"),
        ({"queries": [{"query": "SELECT 1", "database": "x", "expect": None, "server": "oslo"}]}, "'oslo' is not among the servers"),
        ({"jobs": 0}, "jobs: 0 is not a positive number"),
        ({"bandwidth_limit": -1}, "bandwidth_limit: -1 is not a positive number"),
        ({"timeout": 0}, "timeout: 0 is not a positive number"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DrillError, match=message):
        request_from({**ARGUMENTS, **given})


# Encrypted backups


def test_the_passphrase_of_an_encrypted_backup_has_to_be_known(host: DrillHost) -> None:
    host.files.backup("app", "20261130T120000", 3, encryption="gpg")
    host.drill("app", check_mode=True)
    assert [one.argv for one in host.commands if "gpgconf" in one.argv] == []
    host.drill("app")
    assert [one.argv for one in host.commands if "gpgconf" in one.argv] == [["gpgconf", "--reload", "gpg-agent"]]


def test_without_encryption_nobody_is_asked_to_forget(host: DrillHost) -> None:
    host.drill("app")
    assert [one.argv for one in host.commands if "gpgconf" in one.argv] == []
