# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WAL receivers, with a PostgreSQL and a Barman that are played."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Backup
from ansible_collections.pgdr.barman.plugins.module_utils._barman.receiver_log import receiver_log
from ansible_collections.pgdr.barman.plugins.module_utils._host.lock import exclusive
from ansible_collections.pgdr.barman.plugins.module_utils._host.result import ServerOutcome
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import timeline_history, wal
from ansible_collections.pgdr.barman.plugins.module_utils._wal_receiver.plan import (
    Position,
    continuity,
    receiver_position,
    reset_start,
    switch_segment,
    to_set_aside,
)
from ansible_collections.pgdr.barman.plugins.module_utils._wal_receiver.process import change_lock
from ansible_collections.pgdr.barman.plugins.module_utils._wal_receiver.request import streaming_servers
from tests.unit.plugins.module_utils._wal_receiver.streaming_world import MIB, FakeSlot, StreamingWorld


def seg(number: int, timeline: int = 1) -> wal.Segment:
    return wal.segment_of_number(timeline, number, MIB)


def name(number: int, timeline: int = 1) -> str:
    return str(seg(number, timeline))


@pytest.fixture(params=["english", "german"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> StreamingWorld:
    """Whatever the language of the server's messages (lc_messages), every decision is the same."""
    made = StreamingWorld(tmp_path)
    made.postgres.german = request.param == "german"
    return made


def started(world: StreamingWorld, reset: str = "never", *, check: bool = False, timeout: float = 5.0) -> ServerOutcome:
    outcome = world.ensure_receiver("started", check=check, timeout=timeout, may_reset=reset == "when_needed")
    assert all(session.closed for session in world.sessions)
    return outcome


def state_of(world: StreamingWorld) -> tuple[Any, ...]:
    return world.archived(), world.received(), sorted(world.postgres.slots), world.pid, world.postgres.lsn


# The pure parts


@pytest.mark.parametrize(
    ("files", "start", "file"),
    [
        ([], None, None),
        ([(f"{name(3)}.partial", MIB)], seg(3), f"{name(3)}.partial"),
        ([(f"{name(3)}.partial", 0)], seg(3), f"{name(3)}.partial"),
        ([(name(3), MIB)], seg(4), name(3)),
        ([(name(3), 5), (name(2), MIB)], seg(3), name(2)),
        ([(name(3), MIB), (f"{name(4)}.partial", MIB)], seg(4), f"{name(4)}.partial"),
        # The newest by number, and only then by timeline: so a dead branch leads pg_receivewal astray.
        ([(f"{name(7)}.partial", MIB), (f"{name(5, 2)}.partial", 0)], seg(7), f"{name(7)}.partial"),
        ([(f"{name(5)}.partial", MIB), (f"{name(5, 2)}.partial", 0)], seg(5, 2), f"{name(5, 2)}.partial"),
        ([("00000002.history", 41), ("x.tmp", 3)], None, None),
        ([(f"{name(3)}.gz", 77)], seg(4), f"{name(3)}.gz"),
    ],
)
def test_where_pg_receivewal_goes_on(files: list[tuple[str, int]], start: wal.Segment | None, file: str | None) -> None:
    found = receiver_position(files, MIB)
    assert found == (None if start is None else Position(start, file))


def test_what_must_be_set_aside() -> None:
    files = [(n, MIB) for n in (name(3), name(4), f"{name(7)}.partial", "00000002.history", f"{name(5)}.partial")]
    assert to_set_aside(files, seg(5, 2), MIB) == (f"{name(5)}.partial", f"{name(7)}.partial")
    assert to_set_aside(files, seg(4), MIB) == (name(4), f"{name(5)}.partial", f"{name(7)}.partial")
    assert to_set_aside([(f"{name(5)}.partial", MIB)], seg(5), MIB) == (f"{name(5)}.partial",)


HISTORY = timeline_history.parse_history(2, "1\t0/580000\tx\n")  # the fork is in segment 5


def test_the_switch_point_is_on_the_new_timeline() -> None:
    assert switch_segment(1, HISTORY, MIB) == seg(5, 2)
    assert switch_segment(2, HISTORY, MIB) is None


def a_backup(begin: int, timeline: int = 1, backup_id: str = "20261120T000000", status: str = "DONE") -> Backup:
    return Backup(backup_id, status, "", begin_wal=name(begin, timeline), segment_size=MIB)


def test_a_new_start_follows_what_the_newest_backup_has() -> None:
    dead = {seg(n) for n in range(3, 9)}
    assert reset_start(dead, [a_backup(3)], HISTORY, Position(seg(8)), MIB) == seg(5, 2)
    assert reset_start(dead - {seg(4)}, [a_backup(3)], HISTORY, Position(seg(8)), MIB) == seg(4)
    # A backup on the dead branch is of no use on this way.
    both = [a_backup(3), a_backup(7, backup_id="20261121T000000")]
    assert reset_start(dead, both, HISTORY, Position(seg(8)), MIB) == seg(5, 2)
    assert reset_start(set(), [a_backup(3)], HISTORY, None, MIB) == seg(3)


def test_a_new_start_without_a_backup() -> None:
    assert reset_start(set(), [], HISTORY, None, MIB) is None
    assert reset_start(set(), [], HISTORY, Position(seg(8)), MIB) == seg(5, 2)
    assert reset_start(set(), [], HISTORY, Position(seg(8, 2)), MIB) == seg(8, 2)
    assert reset_start(set(), [], HISTORY, Position(seg(8, 7)), MIB) == seg(8, 2)
    assert reset_start(set(), [a_backup(3, status="FAILED")], HISTORY, Position(seg(8, 2)), MIB) == seg(8, 2)


def test_continuity() -> None:
    have = {seg(n) for n in (3, 4, 5, 8)}
    straight = [timeline_history.TimelineSegment(1, 0, None)]
    assert continuity(have, [a_backup(3)], straight, seg(6), MIB) == (True, [])
    complete, missing = continuity(have, [a_backup(3)], straight, seg(9), MIB)
    assert (complete, [str(gap) for gap in missing]) == (False, [f"{seg(6)} to {seg(7)} (2 segments)"])
    assert continuity(have, [], straight, seg(9), MIB) == (True, [])
    assert continuity(have, [a_backup(3), a_backup(8, backup_id="20261121T000000")], straight, seg(9), MIB)[0]
    assert continuity(have, [a_backup(9)], straight, seg(9), MIB) == (True, [])
    # Only on the branch that was left: nothing leads to here.
    assert continuity(have, [a_backup(8)], HISTORY, seg(9, 2), MIB) == (False, [])


def test_the_log_of_one_receiver_among_many() -> None:
    text = "\n".join(
        [
            "2026 [10] barman.server INFO: Starting receive-wal for server main",
            "2026 [11] barman.server INFO: Starting receive-wal for server main2",
            "2026 [11] barman.server ERROR: ArchiverFailure: of the other",
            "2026 [10] barman.server ERROR: ArchiverFailure:replication slot 'barman' is already in use",
            "2026 [12] barman.command_wrappers INFO: main: pg_receivewal: disconnected",
        ]
    )
    lines = receiver_log(text, "main").splitlines()
    assert [line.split("]")[0] for line in lines] == ["2026 [10", "2026 [10", "2026 [12"]


def test_servers_that_stream(world: StreamingWorld) -> None:
    others = {
        "b": "streaming_archiver = off",
        "c": "streaming_archiver = on\nactive = false",
        "d": "streaming_archiver=on",
    }
    for key, text in others.items():
        (world.entry.parent / f"{key}.conf").write_text(f"[{key}]\n{text}\n")
    (world.entry.parent / "e.conf").write_text("[e]\nstreaming_archiver = on\nprimary_ssh_command = ssh x\n")
    assert streaming_servers(world.configuration) == ["d", "main"]


# Started


def test_a_new_server_gets_slot_and_receiver_and_its_first_wal_is_archived(world: StreamingWorld) -> None:
    outcome = started(world)
    assert (outcome.error, outcome.changed) == (None, True)
    assert world.pid == 4711
    assert world.postgres.slots["barman"].active_pid == 99
    assert name(5) in world.archived()
    assert outcome.values["last_archived"] == world.archived()[-1]
    assert (outcome.values["receiver_pid"], outcome.values["slot"], outcome.values["timeline"]) == (4711, "barman", 1)
    assert outcome.before == {"receiver": "stopped", "slot": None, "archive": "empty"}
    assert outcome.after == {"receiver": "started", "slot": "barman", "archive": "has WAL"}


def test_a_second_run_changes_nothing_and_runs_no_barman(world: StreamingWorld) -> None:
    started(world)
    world.log.clear()
    before = state_of(world)
    outcome = started(world)
    assert (outcome.error, outcome.changed) == (None, False)
    assert outcome.before == outcome.after
    assert state_of(world) == before
    assert world.log == []


def test_check_mode_reports_the_change_and_does_nothing(world: StreamingWorld) -> None:
    before = state_of(world)
    outcome = started(world, check=True)
    assert (outcome.error, outcome.changed) == (None, True)
    assert outcome.after == {"receiver": "started", "slot": "barman", "archive": "has WAL"}
    assert state_of(world) == before
    assert not [entry for entry in world.log if not entry.startswith("try ")]


def test_a_receiver_that_cron_started_only_has_to_prove_itself(world: StreamingWorld) -> None:
    world.postgres.slots["barman"] = FakeSlot(5 * MIB)
    world.start_receiver()
    outcome = started(world)
    assert (outcome.error, outcome.changed) == (None, True)
    assert "setsid --fork receive-wal main" not in world.log
    assert world.archived() == [name(5)]


def test_a_receiver_that_just_begins_is_waited_for(world: StreamingWorld) -> None:
    world.postgres.slots["barman"] = FakeSlot(5 * MIB)
    world.archive(4)
    (world.home / ".main-receive-wal.lock").write_text("4711\n")
    world.pid = 4711
    senders = world.senders
    world.senders = lambda: []  # type: ignore[method-assign]

    def stream() -> None:
        world.senders = senders  # type: ignore[method-assign]
        world.postgres.slots["barman"].active_pid = 99

    world.during = [lambda: None, stream]
    outcome = started(world)
    assert (outcome.error, outcome.changed) == (None, False)


def test_a_stopped_receiver_goes_on_where_it_stood(world: StreamingWorld) -> None:
    started(world)
    world.stop_receiver()
    before = world.received()
    world.postgres.lsn += 3 * MIB
    outcome = started(world)
    assert (outcome.error, outcome.changed, outcome.values["reset"]) == (None, True, None)
    assert timeline_history.gaps(wal.segments_in(world.archived()), seg(5), None, MIB) == []
    assert before != world.received()


def test_a_lost_directory_is_begun_after_what_is_archived(world: StreamingWorld) -> None:
    started(world)
    world.stop_receiver()
    for path in world.streaming.iterdir():
        path.unlink()
    world.postgres.lsn += 2 * MIB
    world.postgres.slots["barman"].restart_lsn = world.postgres.lsn
    outcome = started(world)
    assert outcome.error is None
    assert timeline_history.gaps(wal.segments_in(world.archived()), seg(5), None, MIB) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"streaming_archiver": "off"},
            "does not stream WAL: set barman_wal: [streaming] for it and deploy (streaming_archiver = on in",
        ),
        ({"active": "false"}, "is inactive"),
        ({"primary_ssh_command": "ssh barman@other"}, "is passive on this host"),
    ],
)
def test_servers_that_receive_nothing(world: StreamingWorld, options: dict[str, str], message: str) -> None:
    world.options.update(options)
    world.write_entry()
    outcome = started(world)
    assert outcome.kind == "configuration"
    assert message in str(outcome.error)
    assert not world.sessions


@pytest.mark.parametrize(
    ("replication", "text", "kind"),
    [
        (False, 'FATAL:  password authentication failed for user "barman"', "wrong_password"),
        (True, "FATAL:  must be superuser or replication role to start walsender", "no_replication"),
        (True, 'FATAL:  no pg_hba.conf entry for replication connection from host "1.2.3.4", user "x"', "no_hba_line"),
        (True, "FATAL:  number of requested standby connections exceeds max_wal_senders", "max_wal_senders"),
        (False, "Connection refused", "refused"),
    ],
)
def test_no_connection(world: StreamingWorld, replication: bool, text: str, kind: str) -> None:
    world.unreachable[replication] = text
    outcome = started(world)
    assert (outcome.kind, outcome.changed) == (kind, False)
    assert str(outcome.error).startswith("Barman server 'main': no connection")


def test_a_slot_that_somebody_else_uses(world: StreamingWorld) -> None:
    world.postgres.slots["barman"] = FakeSlot(5 * MIB, active_pid=123)
    outcome = started(world)
    assert outcome.kind == "slot_active"
    assert "'pg_recvlogical' from 198.51.100.99, PID 123" in str(outcome.error)


def test_no_slot_left(world: StreamingWorld) -> None:
    world.postgres.slots_left = 0
    outcome = started(world)
    assert outcome.kind == "slots_exhausted"
    assert "max_replication_slots" in str(outcome.error)
    assert not outcome.changed


def test_another_cluster_is_refused(world: StreamingWorld) -> None:
    (world.place / "identity.json").write_text('{"systemid": "6999", "version": "17"}')
    outcome = started(world)
    assert outcome.kind == "system_identifier"
    assert "7000000000000000001" in str(outcome.error)
    assert "create slot" not in world.log


def test_a_receiver_that_ends_at_once_is_reported_with_its_own_reason(world: StreamingWorld) -> None:
    world.postgres.slots["barman"] = FakeSlot(5 * MIB)

    def taken() -> None:
        world.postgres.slots["barman"].active_pid = None

    start = world.start_receiver

    def fail() -> None:
        with world.log_file.open("a") as stream:
            stream.write("[88] barman.server INFO: Starting receive-wal for server main\n")
            stream.write(
                "[88] barman.server ERROR: ArchiverFailure:pg_receivewal version not compatible with PostgreSQL"
            )
            stream.write(" server version\n")

    world.start_receiver = fail  # type: ignore[method-assign]
    outcome = started(world, timeout=20)
    assert outcome.kind == "version"
    assert "path_prefix" in str(outcome.error)
    world.start_receiver = start  # type: ignore[method-assign]
    taken()
    assert started(world).error is None


def test_a_receiver_that_never_comes(world: StreamingWorld) -> None:
    world.start_receiver = lambda: None  # type: ignore[method-assign]
    outcome = started(world)
    assert "not within 5 s; last observed: no receiver runs" in str(outcome.error)
    assert str(world.log_file) in str(outcome.error)


def test_wal_that_is_not_archived(world: StreamingWorld) -> None:
    world.archive_wal = lambda: None  # type: ignore[method-assign]
    outcome = started(world)
    assert outcome.kind == "not_archived"
    assert f"WAL segment {name(5)} of server 'main' in the archive" in str(outcome.error)
    assert outcome.changed


def test_wal_of_another_timeline_is_not_what_is_waited_for(world: StreamingWorld) -> None:
    """The archive has a newer timeline than the server, as of a recovery that was given up."""
    world.archive(5, timeline=2)
    world.receive(name(5) + ".partial")
    archive_wal, world.archive_wal = world.archive_wal, lambda: None  # type: ignore[method-assign]
    assert started(world).kind == "not_archived"
    world.stop_receiver()
    world.archive_wal = archive_wal  # type: ignore[method-assign]
    assert started(world).error is None


NO_SPACE = "[4711] barman.command_wrappers INFO: main: pg_receivewal: error: could not write to file: No space left on device\n"


def ends(world: StreamingWorld, message: str) -> None:
    """The receiver ends, and says why in Barman's log."""
    world.stop_receiver()
    with world.log_file.open("a") as stream:
        stream.write(message)


def test_a_receiver_that_streams_and_then_ends_is_reported_with_its_own_reason(world: StreamingWorld) -> None:
    """PostgreSQL takes it for streaming before it has written anything."""
    deliver = world.deliver
    world.deliver = lambda: None  # type: ignore[method-assign]
    world.during = [lambda: ends(world, NO_SPACE)]
    outcome = started(world, timeout=1000)
    assert outcome.kind == "disk_full"
    assert "the disk is full" in str(outcome.error)
    assert world.time < 10
    assert outcome.changed
    world.deliver = deliver  # type: ignore[method-assign]
    assert started(world).error is None


def test_a_receiver_that_ends_without_a_word(world: StreamingWorld) -> None:
    world.deliver = lambda: None  # type: ignore[method-assign]
    world.during = [lambda: ends(world, "")]
    outcome = started(world, timeout=1000)
    assert outcome.kind == "ended"
    assert f"the WAL receiver ended, and Barman's log {world.log_file} contains no reason" in str(outcome.error)
    assert world.time < 10


@pytest.mark.parametrize(
    "reason",
    [
        "pg_receivewal: error: unexpected termination of replication stream: FATAL:  out of luck",
        "pg_receivewal: Fehler: Replikationsstrom brach unerwartet ab: FATAL:  kein Glück",
    ],
)
@pytest.mark.parametrize("logged", [True, False])
def test_a_receiver_that_ends_in_any_language(world: StreamingWorld, reason: str, logged: bool) -> None:
    """Its process is gone, and that decides. One that ended between two looks has left lines in Barman's log."""
    head = "[4711] barman.server INFO: Starting receive-wal for server main\n" * (not logged)
    message = f"{head}[4711] barman.command_wrappers INFO: main: {reason}\n"
    if logged:
        world.deliver = lambda: None  # type: ignore[method-assign]
        world.during = [lambda: ends(world, message)]
    else:
        world.start_receiver = lambda: ends(world, message)  # type: ignore[method-assign]
    outcome = started(world, timeout=1000)
    assert outcome.kind == "ended"
    assert f"the WAL receiver ended: main: {reason}" in str(outcome.error)
    assert world.time < 10


def test_what_archive_wal_reports_is_named_while_wal_is_waited_for(world: StreamingWorld) -> None:
    world.broken["archive-wal"] = "ERROR: Dieses Archiv ist kaputt"
    outcome = started(world)
    assert outcome.kind == "not_archived"
    assert "'barman archive-wal' failed: ERROR: Dieses Archiv ist kaputt" in str(outcome.error)


@contextmanager
def another_process_starting(world: StreamingWorld) -> Iterator[Callable[[], None]]:
    """It has Barman's lock, and no receiver runs yet. Yields what ends that."""
    handle = os.open(world.home / ".main-receive-wal.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield lambda: fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)


def test_a_receiver_that_cron_starts_at_the_same_moment_is_the_desired_one(world: StreamingWorld) -> None:
    with another_process_starting(world):

        def cron() -> None:
            world.postgres.slots["barman"] = FakeSlot(5 * MIB)
            world.start_receiver()

        world.during = [lambda: None, cron]
        outcome = started(world)
    assert (outcome.error, outcome.changed) == (None, True)
    assert "setsid --fork receive-wal main" not in world.log
    assert world.archived() == [name(5)]


def test_a_start_of_cron_that_fails_leaves_the_start_to_the_module(world: StreamingWorld) -> None:
    with another_process_starting(world) as ended:
        world.during = [lambda: None, ended]
        outcome = started(world)
    assert (outcome.error, outcome.changed) == (None, True)
    assert world.log.count("setsid --fork receive-wal main") == 1


def test_a_lock_that_nobody_releases_is_named(world: StreamingWorld) -> None:
    with another_process_starting(world):
        outcome = started(world)
    assert f"another process has the lock {world.home}/.main-receive-wal.lock, and no receiver runs" in str(
        outcome.error
    )
    assert world.postgres.slots == {}


def test_a_receiver_that_cron_starts_again_while_it_is_removed_is_stopped_too(world: StreamingWorld) -> None:
    assert started(world).error is None
    stop = world.stop_receiver
    with another_process_starting(world) as ended:

        def stop_and_cron_starts() -> None:
            stop()
            world.stop_receiver = stop_again  # type: ignore[method-assign]

        def stop_again() -> None:
            stop()
            ended()

        world.stop_receiver = stop_and_cron_starts  # type: ignore[method-assign]
        world.during = [lambda: None, world.start_receiver]
        outcome = world.ensure_receiver("absent")
    assert (outcome.error, outcome.changed) == (None, True)
    assert (world.pid, world.postgres.slots) == (None, {})


def test_what_cron_started_a_moment_ago_has_to_stay(world: StreamingWorld) -> None:
    """Cron starts it every minute anew where it ends: PostgreSQL takes it for streaming each time."""
    assert started(world).error is None
    world.log_file.write_text("")
    world.postgres.since = world.time
    world.during = [lambda: None, lambda: ends(world, NO_SPACE)]
    start = world.start_receiver

    def start_and_end() -> None:
        start()
        ends(world, NO_SPACE)

    world.start_receiver = start_and_end  # type: ignore[method-assign]
    outcome = started(world)
    assert outcome.kind == "disk_full"
    world.start_receiver = start  # type: ignore[method-assign]
    assert started(world).error is None


def test_what_cron_started_a_moment_ago_and_stays(world: StreamingWorld) -> None:
    assert started(world).error is None
    world.postgres.since = before = world.time
    outcome = started(world, check=True)
    assert (outcome.error, outcome.changed) == (None, False)
    settled = world.time
    assert settled - before >= 3
    assert started(world).changed is False
    assert world.time == settled


def test_on_a_standby_nothing_is_written(world: StreamingWorld) -> None:
    world.postgres.in_recovery = True
    world.postgres.oldest = 5
    outcome = started(world)
    assert outcome.kind == "not_archived"
    assert "set barman_primary for it and deploy (primary_conninfo in" in str(outcome.error)
    assert world.postgres.switches == 0

    def primary_writes() -> None:
        world.postgres.lsn += 2 * MIB
        world.deliver()

    world.stop_receiver()
    world.during = [lambda: None, primary_writes]
    assert started(world).error is None


# Where it can't go on


def lost_wal(world: StreamingWorld) -> None:
    """A backup, a receiver that stood still, and WAL that is gone meanwhile."""
    started(world)
    world.backup("20261120T000000", 5, 5)
    world.stop_receiver()
    world.postgres.lsn += 10 * MIB
    world.postgres.oldest = world.postgres.lsn // MIB - 2


def test_removed_wal_is_an_error(world: StreamingWorld) -> None:
    lost_wal(world)
    before = state_of(world)
    outcome = started(world)
    assert (outcome.kind, outcome.changed) == ("wal_removed", False)
    assert (
        "barman_receiver_reset=when_needed (option reset of the module pgdr.barman.wal_receiver), and take a new backup"
        in str(outcome.error)
    )
    assert state_of(world) == before


def test_a_reset_begins_with_the_oldest_wal_that_is_left(world: StreamingWorld) -> None:
    lost_wal(world)
    stale = world.received()
    oldest = world.postgres.oldest
    promised = started(world, "when_needed", check=True)
    assert promised.changed
    assert promised.values["reset"]["set_aside_directory"] is None
    assert world.received() == stale
    outcome = started(world, "when_needed")
    assert outcome.error is None
    reset = outcome.values["reset"]
    assert (reset["reason"], reset["start"], reset["set_aside"]) == ("wal_removed", name(oldest), stale)
    assert promised.values["reset"]["start"] == reset["start"]
    assert sorted(os.listdir(reset["set_aside_directory"])) == stale
    assert outcome.values["backup_needed"]
    assert outcome.values["gap"] == promised.values["gap"]
    assert len(outcome.values["gap"]) == 1
    assert name(oldest - 1) in outcome.values["gap"][0]
    assert set(world.archived()) >= {name(number) for number in range(oldest, oldest + 2)}


def test_the_gap_is_reported_until_there_is_a_new_backup(world: StreamingWorld) -> None:
    lost_wal(world)
    started(world, "when_needed")
    again = started(world, "when_needed")
    assert (again.changed, again.values["backup_needed"], again.values["reset"]) == (False, True, None)
    last = wal.parse_segment(world.archived()[-1]).number(MIB)
    world.backup("20261121T000000", last, last)
    assert not started(world).values["backup_needed"]


def test_a_lost_slot_is_made_anew_where_no_wal_is_missing(world: StreamingWorld) -> None:
    started(world)
    world.stop_receiver()
    world.postgres.slots["barman"].wal_status = "lost"
    outcome = started(world)
    assert (outcome.error, outcome.values["reset"], outcome.values["wal_status"]) == (None, None, "reserved")
    assert world.log.index("drop slot") < len(world.log) - world.log[::-1].index("create slot")


def test_a_lost_slot_with_removed_wal_needs_a_reset(world: StreamingWorld) -> None:
    lost_wal(world)
    world.postgres.slots["barman"].wal_status = "lost"
    assert started(world).kind == "wal_removed"
    outcome = started(world, "when_needed")
    assert (outcome.error, outcome.values["wal_status"], outcome.values["backup_needed"]) == (None, "reserved", True)


def recovered(world: StreamingWorld, switch: int = 7) -> None:
    """The server was recovered to a point in segment switch, and the receiver is beyond it."""
    started(world)
    world.backup("20261120T000000", 5, 5)
    world.postgres.lsn = 10 * MIB + 500
    world.deliver()
    world.stop_receiver()
    world.postgres.slots.clear()
    world.postgres.timeline = 2
    world.postgres.history = f"1\t{wal.format_lsn(switch * MIB + 4000)}\tbefore the mistake\n"
    world.postgres.lsn = switch * MIB + 9000


def test_after_a_recovery_the_receiver_stands_on_a_dead_branch(world: StreamingWorld) -> None:
    recovered(world)
    outcome = started(world)
    assert outcome.kind == "other_timeline"
    assert "moves the partial segment of the previous timeline aside" in str(outcome.error)


@pytest.mark.parametrize("switch", [6, 7, 9])
def test_a_reset_after_a_recovery_continues_at_the_switch_point_without_a_gap(
    world: StreamingWorld, switch: int
) -> None:
    recovered(world, switch)
    outcome = started(world, "when_needed")
    assert outcome.error is None
    reset = outcome.values["reset"]
    assert (reset["reason"], reset["start"]) == ("other_timeline", name(switch, 2))
    assert reset["set_aside"][-1] == f"{name(10)}.partial"
    assert (outcome.values["backup_needed"], outcome.values["gap"]) == (False, [])
    assert os.listdir(reset["set_aside_directory"]) == [f"{name(10)}.partial"]
    history = timeline_history.parse_history(2, world.postgres.history)
    assert timeline_history.gaps(wal.segments_in(world.archived()), seg(5), history, MIB) == []
    assert wal.parse_segment(world.archived()[-1]).timeline == 2
    again = started(world, "when_needed")
    assert (again.error, again.changed, again.values["backup_needed"]) == (None, False, False)


def test_a_receiver_that_follows_a_recovered_server_has_to_prove_the_new_timeline(world: StreamingWorld) -> None:
    """Cron started it before the deployment looked, and the server is idle: nothing would bring its new timeline into the archive."""
    recovered(world, 6)
    started(world, "when_needed")
    for path in list((world.place / "wals").glob("????????????????/00000002*")):
        path.unlink()
    outcome = started(world)
    assert (outcome.error, outcome.changed) == (None, True)
    assert wal.parse_segment(world.archived()[-1]).timeline == 2
    assert not started(world).changed


def test_a_history_that_can_not_be_read_is_an_error_without_its_bytes(world: StreamingWorld, tmp_path: Path) -> None:
    recovered(world, 6)
    started(world, "when_needed")
    for wals in tmp_path.rglob("wals"):
        (wals / "00000002.history").write_bytes(b"1\t\xff/5\x1b[2J\n")
    outcome = started(world)
    assert outcome.error == "the history of timeline 2 has a line that can't be read: 1 \ufffd/5?[2J"


def test_a_switch_point_just_at_the_receiver_s_position(world: StreamingWorld) -> None:
    """As after a recovery from a copy, which always ends with a whole segment: pg_receivewal fails at that for ever."""
    recovered(world, 10)
    world.postgres.history = f"1\t{wal.format_lsn(10 * MIB)}\tthe copy ended there\n"
    assert started(world).kind == "other_timeline"
    outcome = started(world, "when_needed")
    assert outcome.error is None
    assert outcome.values["reset"]["start"] == name(10, 2)
    assert (outcome.values["backup_needed"], outcome.values["gap"]) == (False, [])


def test_a_server_that_is_behind_the_receiver(world: StreamingWorld) -> None:
    """A copy of the disk was put back without a recovery: the same timeline, and other WAL to come."""
    started(world)
    world.backup("20261120T000000", 5, 5)
    world.stop_receiver()
    world.postgres.lsn = 4 * MIB + 100
    assert started(world).kind == "ahead"
    outcome = started(world, "when_needed")
    assert outcome.error is None
    assert outcome.values["reset"]["start"] == name(4)


# Stopped and absent


def test_stopped(world: StreamingWorld) -> None:
    started(world)
    run = partial(world.ensure_receiver, "stopped")
    promised = run(check=True)
    assert (promised.changed, world.pid) == (True, 4711)
    outcome = run(check=False)
    assert (outcome.error, outcome.changed, world.pid) == (None, True, None)
    assert "barman" in world.postgres.slots
    assert run(check=False).changed is False
    assert run(check=True).changed is False


def test_absent_drops_the_slot_after_the_receiver_has_ended(world: StreamingWorld) -> None:
    started(world)
    run = partial(world.ensure_receiver, "absent")
    assert run(check=True).changed
    assert "barman" in world.postgres.slots
    outcome = run(check=False)
    assert (outcome.error, outcome.changed) == (None, True)
    assert world.postgres.slots == {}
    assert world.log.index("receive-wal --stop main") < world.log.index("drop slot")
    assert outcome.before == {"receiver": "started", "slot": "barman"}
    assert outcome.after == {"receiver": "stopped", "slot": None}
    assert run(check=False).changed is False


def test_absent_waits_until_postgresql_notices(world: StreamingWorld) -> None:
    started(world)
    slot = world.postgres.slots["barman"]

    def stop() -> None:
        world.pid = None
        world.during = [lambda: None, lambda: setattr(slot, "active_pid", None)]

    world.stop_receiver = stop  # type: ignore[method-assign]
    outcome = world.ensure_receiver("absent")
    assert (outcome.error, world.postgres.slots) == (None, {})


def test_absent_leaves_a_slot_that_somebody_else_uses(world: StreamingWorld) -> None:
    world.postgres.slots["barman"] = FakeSlot(5 * MIB, active_pid=123)
    outcome = world.ensure_receiver("absent")
    assert outcome.kind == "slot_active"
    assert "can't be dropped" in str(outcome.error)
    assert "barman" in world.postgres.slots


def test_absent_archives_what_is_complete(world: StreamingWorld) -> None:
    started(world)
    world.receive(name(6))
    world.receive(name(7))
    world.log.clear()
    outcome = world.ensure_receiver("absent")
    assert outcome.error is None
    assert name(6) in world.archived()
    assert world.log.index("archive-wal main") < world.log.index("drop slot")


# Commits that wait for the receiver


@pytest.mark.parametrize("state", ["stopped", "absent"])
def test_a_receiver_that_commits_wait_for_is_not_stopped(world: StreamingWorld, state: str) -> None:
    started(world)
    world.postgres.synchronous_standby_names = 'FIRST 2 ("barman_receive_wal", s1)'
    outcome = world.ensure_receiver(state)
    assert (outcome.kind, outcome.changed, world.pid) == ("commits_wait", False, 4711)
    assert "ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (s1)'; SELECT pg_reload_conf();" in str(outcome.error)
    assert "barman" in world.postgres.slots
    # The plan of a decommission reads it in check mode, before anything is disabled.
    promised = world.ensure_receiver(state, check=True)
    assert (promised.error, promised.values["commits_wait"]) == (None, 'FIRST 2 ("barman_receive_wal", s1)')


@pytest.mark.parametrize("names", ["", "FIRST 1 (s1)"])
def test_a_receiver_that_is_not_named_is_stopped(world: StreamingWorld, names: str) -> None:
    started(world)
    world.postgres.synchronous_standby_names = names
    outcome = world.ensure_receiver("absent")
    assert (outcome.error, world.pid, world.postgres.slots) == (None, None, {})


def test_if_any_standby_counts_there_has_to_be_another_one(world: StreamingWorld) -> None:
    started(world)
    world.postgres.synchronous_standby_names = "*"
    outcome = world.ensure_receiver("stopped")
    assert outcome.kind == "commits_wait"
    assert "ALTER SYSTEM SET synchronous_standby_names = ''; SELECT" in str(outcome.error)
    (own,) = world.senders()
    world.senders = lambda: [own, {**own, "pid": 100, "application_name": "s1"}]  # type: ignore[method-assign]
    assert world.ensure_receiver("stopped").error is None


def test_the_name_counts_in_any_case(world: StreamingWorld) -> None:
    started(world)
    world.postgres.synchronous_standby_names = "Barman_Receive_WAL"
    assert world.ensure_receiver("stopped").kind == "commits_wait"


def test_a_standby_has_no_commits_that_wait(world: StreamingWorld) -> None:
    started(world)
    world.postgres.synchronous_standby_names = '"barman_receive_wal"'
    world.postgres.in_recovery = True
    assert world.ensure_receiver("stopped").error is None


@pytest.mark.parametrize("slot", [True, False])
def test_a_successor_of_the_same_name_confirms_the_commits(world: StreamingWorld, slot: bool) -> None:
    """It moved to another backup server."""
    started(world)
    world.postgres.synchronous_standby_names = '"barman_receive_wal"'
    if not slot:
        world.options["slot_name"] = ""
        world.write_entry()
    (own,) = world.senders()
    world.senders = lambda: [own, {**own, "pid": 100}]  # type: ignore[method-assign]
    assert world.ensure_receiver("stopped").error is None


def test_without_queries_the_replication_connection_answers(world: StreamingWorld) -> None:
    started(world)
    world.unreachable[False] = 'FATAL:  password authentication failed for user "barman"'
    world.postgres.synchronous_standby_names = '"barman_receive_wal"'
    assert world.ensure_receiver("stopped").kind == "commits_wait"
    world.postgres.synchronous_standby_names = ""
    assert world.ensure_receiver("stopped").error is None


def test_a_server_that_does_not_answer_keeps_no_receiver(world: StreamingWorld) -> None:
    started(world)
    world.unreachable = {False: "Connection refused", True: "Connection refused"}
    outcome = world.ensure_receiver("stopped")
    assert (outcome.error, world.pid) == (None, None)
    (warning,) = outcome.warnings
    assert "could not read synchronous_standby_names. If it names barman_receive_wal, every commit" in warning


def test_a_receiver_that_another_process_changes_is_waited_for(world: StreamingWorld) -> None:
    """pgdr-barman follow would start it again."""
    started(world)
    lock = ExitStack()
    lock.enter_context(exclusive(str(world.home), change_lock("main")))
    outcome = world.ensure_receiver("stopped")
    assert "another change of the WAL receiver of server 'main' to end" in str(outcome.error)
    assert world.pid == 4711
    world.during = [lock.close]
    assert world.ensure_receiver("stopped").error is None
    assert world.pid is None


# Archiving takes over


def names(first: int, last: int) -> list[str]:
    return [name(number) for number in range(first, last + 1)]


@pytest.fixture
def both(tmp_path: Path) -> StreamingWorld:
    """A server whose WAL comes by streaming, and from segment 6 on by archive_command too."""
    world = StreamingWorld(tmp_path, archiver="on")
    started(world)
    assert (world.archived(), world.received()) == (names(1, 5), [f"{name(6)}.partial"])
    world.archives_from = 6
    return world


def given_up(world: StreamingWorld, *, check: bool = False) -> ServerOutcome:
    return world.ensure_receiver("absent", check=check, archiving_takes_over=True)


def test_archiving_takes_over_without_a_gap(both: StreamingWorld) -> None:
    before = state_of(both)
    assert given_up(both, check=True).changed
    assert state_of(both) == before
    outcome = given_up(both)
    assert (outcome.error, outcome.changed) == (None, True)
    assert both.archived() == names(1, 6)
    assert (both.received(), both.postgres.slots, both.pid) == ([], {}, None)
    assert outcome.values["last_archived"] == name(6)
    assert both.log.index("receive-wal --stop main") < both.log.index("drop slot")
    assert given_up(both).changed is False


def test_what_barman_holds_back_has_to_come_too(both: StreamingWorld) -> None:
    """Without a partial file Barman keeps the newest complete segment."""
    both.archives_from = 8
    both.stop_receiver()
    (both.streaming / f"{name(6)}.partial").unlink()
    both.receive(name(6))
    both.receive(name(7))
    both.postgres.lsn = 8 * MIB + 100
    outcome = given_up(both)
    assert outcome.kind == "not_archived"
    assert f"missing: {name(7)}" in str(outcome.error)
    both.archives_from = 7
    assert given_up(both).error is None
    assert both.archived() == names(1, 9)
    assert (both.received(), both.postgres.slots) == ([], {})


def test_where_nothing_comes_by_archiving_streaming_goes_on(both: StreamingWorld) -> None:
    both.archives_from = None
    outcome = given_up(both)
    assert (outcome.kind, outcome.changed) == ("not_archived", False)
    assert "Streaming continues, and its slot stays" in str(outcome.error)
    assert both.pid == 4711
    assert both.postgres.slots["barman"].active_pid is not None
    assert name(6) not in both.archived() or both.received()


def test_what_archive_command_does_is_named(both: StreamingWorld) -> None:
    """It may work again in a minute, so the wait goes on."""
    both.archives_from = None
    both.postgres.failed_wal = name(6)
    outcome = given_up(both)
    assert f"archive_command fails with {name(6)} (7 failures" in str(outcome.error)
    assert "not within 5 s" in str(outcome.error)


def test_without_archive_mode_nothing_is_waited_for(both: StreamingWorld) -> None:
    both.archives_from = None
    both.postgres.archive_mode = "off"
    before = both.time
    outcome = both.ensure_receiver("absent", timeout=1000.0, archiving_takes_over=True)
    assert (outcome.kind, outcome.changed) == ("not_archived", False)
    assert "archive_mode is off, so PostgreSQL archives nothing. Streaming continues" in str(outcome.error)
    assert both.time - before < 10
    assert both.pid == 4711


def test_barman_has_to_archive_what_comes(world: StreamingWorld) -> None:
    started(world)
    world.archives_from = 6
    outcome = given_up(world)
    assert outcome.kind == "configuration"
    assert "Set barman_wal: [streaming, archiving] for it and deploy (archiver = on in" in str(outcome.error)
    assert "barman" in world.postgres.slots


def test_what_is_not_archived_is_never_removed(both: StreamingWorld) -> None:
    other = f"{name(3, 2)}.partial"
    both.receive(other)
    assert given_up(both).error is None
    assert both.received() == []
    kept = list((both.place / "streaming.set-aside").glob("*/*"))
    assert [path.name for path in kept] == [other]


def test_of_a_standby_a_segment_is_closed_on_its_primary(both: StreamingWorld) -> None:
    both.postgres.in_recovery = True
    outcome = given_up(both)
    assert (outcome.kind, "primary_conninfo" in str(outcome.error)) == ("configuration", True)
    assert "barman" in both.postgres.slots


# Another slot


def test_a_receiver_on_a_slot_that_the_entry_does_not_name_is_started_anew(world: StreamingWorld) -> None:
    started(world)
    world.postgres.slots["barman_leaving"] = FakeSlot(5 * MIB)
    world.options["slot_name"] = "barman_leaving"
    world.write_entry()
    outcome = started(world)
    assert (outcome.error, outcome.changed) == (None, True)
    assert world.postgres.slots["barman_leaving"].active_pid is not None
    assert world.postgres.slots["barman"].active_pid is None


# Synchronous


def synchronous(world: StreamingWorld, *, check: bool = False) -> ServerOutcome:
    outcome = world.ensure_receiver("started", check=check, timeout=5.0, synchronous=True)
    assert all(session.closed for session in world.sessions)
    return outcome


@pytest.fixture
def streaming(world: StreamingWorld) -> StreamingWorld:
    """Its receiver runs, and commits were told to wait for it only then."""
    assert started(world).error is None
    world.postgres.synchronous_standby_names = 'FIRST 1 ("barman_receive_wal")'
    world.log.clear()
    return world


def test_a_receiver_is_started_anew_to_be_synchronous(streaming: StreamingWorld) -> None:
    outcome = synchronous(streaming)
    assert outcome.error is None
    assert outcome.changed
    assert streaming.synchronous
    assert (outcome.before["synchronous"], outcome.after["synchronous"]) == (False, True)
    assert outcome.values["sync_state"] == "sync"
    assert "receive-wal --stop main" in streaming.log


def test_a_synchronous_receiver_is_left_alone(streaming: StreamingWorld) -> None:
    synchronous(streaming)
    streaming.log.clear()
    outcome = synchronous(streaming)
    assert not outcome.changed
    assert outcome.values["sync_state"] == "sync"
    assert "receive-wal --stop main" not in streaming.log


def test_what_would_be_done_to_be_synchronous(streaming: StreamingWorld) -> None:
    before = state_of(streaming)
    outcome = synchronous(streaming, check=True)
    assert outcome.changed
    assert (outcome.before["synchronous"], outcome.after["synchronous"]) == (False, True)
    assert state_of(streaming) == before


def test_a_receiver_that_has_to_be_started_is_synchronous_from_then_on(world: StreamingWorld) -> None:
    world.postgres.synchronous_standby_names = "barman_receive_wal"
    outcome = synchronous(world)
    assert outcome.error is None
    assert world.synchronous
    assert "receive-wal --stop main" not in world.log


def test_at_the_end_of_a_segment_a_receiver_is_not_taken_for_synchronous(streaming: StreamingWorld) -> None:
    """It has confirmed all that there is, and will not confirm the next commit."""
    streaming.postgres.lsn = (streaming.postgres.lsn // MIB + 1) * MIB
    outcome = synchronous(streaming)
    assert outcome.changed
    assert streaming.synchronous


def test_commits_that_do_not_wait(world: StreamingWorld) -> None:
    started(world)
    world.log.clear()
    for names in ("", "other", "FIRST 1 (barman_receive_wal, other)", "*"):
        world.postgres.synchronous_standby_names = names
        outcome = synchronous(world)
        assert outcome.kind == "not_synchronous"
        assert "Barman server 'main': commits do not wait for its WAL receiver" in str(outcome.error)
    assert "receive-wal --stop main" not in world.log


def test_a_receiver_that_does_not_become_synchronous(streaming: StreamingWorld) -> None:
    streaming.deaf = True
    outcome = synchronous(streaming)
    assert outcome.kind == "not_synchronous"
    assert "last observed: it has confirmed 0/" in str(outcome.error)


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        (NO_SPACE, "disk_full", "the disk is full"),
        ("", "not_synchronous", "which does not confirm them: no receiver runs; last observed: no receiver named"),
    ],
)
def test_a_receiver_that_ends_is_not_waited_for_to_be_synchronous(
    streaming: StreamingWorld, message: str, kind: str, words: str
) -> None:
    """Commits hang meanwhile."""
    streaming.deaf = True

    def end() -> None:
        # Not the one that is to be started anew, which is waited for first.
        if "receive-wal --stop main" in streaming.log:
            ends(streaming, message)
        else:
            streaming.during.append(end)

    streaming.during.append(end)
    outcome = streaming.ensure_receiver("started", timeout=1000.0, synchronous=True)
    assert outcome.kind == kind
    assert words in str(outcome.error)
    assert streaming.time < 10


def test_a_receiver_that_was_started_now_and_ends_is_started_once_more(world: StreamingWorld) -> None:
    world.postgres.synchronous_standby_names = 'FIRST 1 ("barman_receive_wal")'
    world.deaf = True

    def end() -> None:
        world.deaf = False
        ends(world, "")

    world.during.append(end)
    outcome = world.ensure_receiver("started", timeout=1000.0, synchronous=True)
    assert outcome.error is None
    assert world.synchronous
    assert world.time < 10


def test_a_former_slot_is_dropped_when_the_receiver_has_its_own(world: StreamingWorld) -> None:
    started(world)
    world.options["slot_name"] = "other"
    world.write_entry()
    run = partial(
        world.ensure_receiver,
        "started",
        former_slots=(
            "barman",
            "other",
            "gone",
        ),
    )
    outcome = run(check=False)
    assert (outcome.error, outcome.changed) == (None, True)
    assert list(world.postgres.slots) == ["other"]
    assert world.postgres.slots["other"].active_pid is not None
    assert run(check=False).changed is False


def test_a_former_slot_that_somebody_uses_stays(world: StreamingWorld) -> None:
    started(world)
    world.postgres.slots["former"] = FakeSlot(5 * MIB, active_pid=123)
    outcome = world.ensure_receiver("started", former_slots=("former",))
    assert outcome.kind == "slot_active"
    assert "former" in world.postgres.slots


def test_in_check_mode_a_former_slot_stays(world: StreamingWorld) -> None:
    started(world)
    world.postgres.slots["former"] = FakeSlot(5 * MIB)
    outcome = world.ensure_receiver("started", check=True, former_slots=("former",))
    assert (outcome.changed, outcome.before["former_slots"]) == (True, ["former"])
    assert "former" in world.postgres.slots
