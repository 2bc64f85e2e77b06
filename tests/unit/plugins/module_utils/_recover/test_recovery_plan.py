# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import FAILED, Backup
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.timelines import ServerTimeline, TimelineSource
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal_reader import Shutdown
from ansible_collections.pgdr.barman.plugins.module_utils._recover import segment_scanner
from ansible_collections.pgdr.barman.plugins.module_utils._recover.plan import PlanRequest, make_plan
from ansible_collections.pgdr.barman.plugins.module_utils._recover.recovery_plan import PlanError, RecoveryPlan
from ansible_collections.pgdr.barman.plugins.module_utils._recover.recovery_target import RecoveryTarget
from tests.unit.plugins.module_utils._recover.recovery_world import (
    SIZE,
    World,
    backup,
    commit,
    minute,
    position,
    restore_point,
    segment,
)

END = RecoveryTarget("end")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Backups at minutes 10 (segment 2) and 20 (segment 5); commits in between and after; a partial segment 8."""
    made = World()
    made.add(2)
    made.add(3, commit(position(3, 1000), 12, 700))
    made.add(4, restore_point(position(4, 500), 15, "early"), commit(position(4, 1000), 16, 701))
    made.add(5, commit(position(5, SIZE // 2 + 1000), 21, 702))
    made.add(6, commit(position(6, 1000), 25, 703), commit(position(6, 2000), 26, 704, "abort"))
    made.add(7, restore_point(position(7, 500), 29, "late"), commit(position(7, 1000), 30, 705))
    made.add(8, commit(position(8, 1000), 35, 706), partial=True, last_record=position(8, 1000))
    monkeypatch.setattr(segment_scanner, "scan", made.scan)
    return made


@pytest.fixture
def backups() -> list[Backup]:
    return [backup(2, 10), backup(5, 20)]


def plan(
    world: World,
    backups: list[Backup],
    target: RecoveryTarget,
    backup_id: str = "auto",
    now: float = 60,
    server_timeline: int | None = None,
) -> RecoveryPlan:
    """server_timeline: on which timeline the server is known to be."""
    known = (
        None
        if server_timeline is None
        else ServerTimeline(server_timeline, TimelineSource.SERVER, "PostgreSQL is on it now")
    )
    request = PlanRequest("pg", target, backup_id, now=minute(now), server_timeline=lambda: known)
    return make_plan(request, backups, world)


def time(number: float, *, inclusive: bool = True) -> RecoveryTarget:
    return RecoveryTarget("time", time=minute(number), inclusive=inclusive)


# The end


def test_a_server_that_was_stopped_cleanly_is_recovered_to_what_is_before_its_last_checkpoint(
    world: World, backups: list[Backup]
) -> None:
    """A server that paused at a checkpoint and was stopped there begins after it, and never comes to the target."""
    world.add(8, commit(position(8, 1000), 35, 706))
    del world.partials[segment(8)]
    world.add(9, partial=True, last_record=position(9, 40), checkpoint=True)
    made = plan(world, backups, END)
    assert made.stop_lsn == world.changes[segment(8)]
    assert made.end.lsn == position(9, 80)
    assert made.end.xid == 706


def test_the_end_has_the_partial_segment_and_the_newest_backup(world: World, backups: list[Backup]) -> None:
    made = plan(world, backups, END)
    assert made.backup == backups[1]
    assert (made.first, made.last, made.partial) == (segment(5), segment(8), segment(8))
    assert made.stop_lsn == position(8, 1000)
    assert made.reached == made.end
    assert (made.end.time, made.end.xid, made.end.lsn) == (minute(35), 706, position(8, 1040))


def test_a_partial_segment_that_is_empty_yet_leaves_the_end_before_it(world: World, backups: list[Backup]) -> None:
    world.add(8, partial=True, empty=True)
    made = plan(world, backups, END)
    assert made.end.segment == segment(7)
    assert made.end.xid == 705


def test_a_partial_segment_after_a_hole_is_not_used(world: World, backups: list[Backup]) -> None:
    world.add(9, commit(position(9, 1000), 40, 707), partial=True)
    del world.partials[segment(8)]
    made = plan(world, backups, END)
    assert made.last == segment(7)
    assert made.partial is None


def test_missing_wal_before_the_end_is_named_with_the_last_recoverable_point(
    world: World, backups: list[Backup]
) -> None:
    del world.segments[segment(7)]
    world.add(8)
    with pytest.raises(PlanError, match=r"missing is 000000010000000000000007\.") as caught:
        plan(world, backups, END)
    assert "last commit 2026-11-20T08:25:00+00:00 (transaction 703)" in str(caught.value)
    assert "segment 000000010000000000000006" in str(caught.value)


def test_missing_wal_inside_the_backup_is_named(world: World) -> None:
    del world.segments[segment(6)]
    with pytest.raises(PlanError, match=r"is not usable: .* not in the archive: 000000010000000000000006"):
        plan(world, [backup(5, 20, segments=3)], END)


@pytest.mark.parametrize("status", ["DONE", "WAITING_FOR_WALS"])
def test_a_backup_that_waits_for_its_wal_is_good_when_the_wal_is_there(world: World, status: str) -> None:
    assert plan(world, [backup(5, 20, status=status)], END).backup.status == status


def test_no_backup_and_a_failed_one_are_refused(world: World) -> None:
    with pytest.raises(PlanError, match="server 'pg' has no valid backup"):
        plan(world, [backup(5, 20, status=FAILED)], END)
    with pytest.raises(PlanError, match="its status is FAILED"):
        plan(world, [backup(5, 20, status=FAILED)], END, "20261120T082000")
    with pytest.raises(PlanError, match="backup 'other' of server 'pg' does not exist"):
        plan(world, [backup(5, 20)], END, "other")


def test_snapshots_are_chosen_where_disks_are_there_or_there_is_nothing_else(
    world: World, backups: list[Backup]
) -> None:
    snapshot = backup(5, 20, backup_type="snapshot")
    both = [backups[0], snapshot]
    assert plan(world, both, END).backup == backups[0]
    assert plan(world, [snapshot], END).backup == snapshot
    assert plan(world, both, END, snapshot.backup_id).backup == snapshot
    assert make_plan(PlanRequest("pg", END, of_snapshots=True), both, world).backup == snapshot


def test_wal_of_another_server_is_refused(world: World) -> None:
    with pytest.raises(PlanError, match="of another PostgreSQL server"):
        plan(world, [backup(5, 20, systemid="12")], END)


# A time


@pytest.mark.parametrize(
    ("at", "chosen", "stops_at", "last_xid"),
    [(15, 0, position(4, 1000), 700), (22, 1, position(6, 1000), 702), (30, 1, position(8, 1000), 705)],
)
def test_a_time_stops_at_the_first_transaction_after_it(
    world: World, backups: list[Backup], at: float, chosen: int, stops_at: int, last_xid: int
) -> None:
    made = plan(world, backups, time(at))
    assert made.backup == backups[chosen]
    assert made.stop_lsn == stops_at
    assert made.reached.xid == last_xid


def test_an_exclusive_time_stops_at_the_transaction_of_that_very_moment(world: World, backups: list[Backup]) -> None:
    assert plan(world, backups, time(30)).reached.xid == 705
    assert plan(world, backups, time(30, inclusive=False)).reached.xid == 703


def test_only_the_wal_until_the_target_is_needed(world: World, backups: list[Backup]) -> None:
    made = plan(world, backups, time(22))
    # The record that stops the recovery is complete there.
    assert (made.last, made.partial) == (segment(6), None)


def test_a_time_in_the_future_is_refused_with_the_last_point(world: World, backups: list[Backup]) -> None:
    with pytest.raises(PlanError, match="it is in the future") as caught:
        plan(world, backups, time(70))
    assert "last commit 2026-11-20T08:35:00+00:00 (transaction 706), WAL position 0/8000410" in str(caught.value)


def test_a_time_after_the_last_commit_is_refused_although_it_is_past(world: World, backups: list[Backup]) -> None:
    with pytest.raises(PlanError, match="no transaction in the archived WAL ended after it"):
        plan(world, backups, time(35))


def test_a_time_before_the_earliest_backup_reports_the_first_point(world: World, backups: list[Backup]) -> None:
    with pytest.raises(PlanError, match="too early") as caught:
        plan(world, backups, time(9))
    assert "2026-11-20T08:10:00+00:00" in str(caught.value)
    with pytest.raises(PlanError, match="write auto as barman_recover_backup_id"):
        plan(world, backups, time(15), backups[1].backup_id)


def test_a_time_behind_a_gap_is_refused_with_both(world: World, backups: list[Backup]) -> None:
    del world.segments[segment(6)]
    with pytest.raises(PlanError) as caught:
        plan(world, backups, time(27))
    assert "last commit 2026-11-20T08:21:00+00:00" in str(caught.value)
    assert "these segments are missing: 000000010000000000000006" in str(caught.value)


def test_a_time_before_a_gap_is_reached(world: World, backups: list[Backup]) -> None:
    del world.segments[segment(7)]
    assert plan(world, backups, time(22)).reached.xid == 702


def test_a_backup_with_a_later_transaction_inside_is_passed_over(world: World, backups: list[Backup]) -> None:
    """The backup server's clock is behind PostgreSQL's: the time is inside the backup for PostgreSQL."""
    world.events[segment(5)].insert(0, commit(position(5, 100), 20.8, 7010))
    assert plan(world, backups, time(20.5)).backup == backups[0]


@given(
    commits=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 500)), min_size=1, max_size=40),
    requested=st.integers(0, 501),
)
def test_halving_finds_what_looking_at_everything_finds(commits: list[tuple[int, int]], requested: int) -> None:
    """Ordered times, some segments without any."""
    made = World()
    made.fill(range(1, 32))
    ordered = sorted(at for _, at in commits)
    places = sorted(where for where, _ in commits)
    events = [
        commit(position(1 + where, SIZE // 2 + 100 * (1 + index)), 11 + at, 700 + index)
        for index, (where, at) in enumerate(zip(places, ordered, strict=True))
    ]
    for event in events:
        made.events[segment(event.lsn // SIZE)].append(event)
    expected = next((event.lsn for event in events if event.time > minute(11 + requested)), None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment_scanner, "scan", made.scan)
        if expected is None:
            with pytest.raises(PlanError):
                plan(made, [backup(1, 10)], time(11 + requested), now=10000)
        else:
            found = plan(made, [backup(1, 10)], time(11 + requested), now=10000)
            assert found.stop_lsn == expected
            before = [event.xid for event in events if event.lsn < expected]
            assert found.reached.xid == (before[-1] if before else None)


def test_a_time_long_ago_is_found_without_reading_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    made = World()
    for number in range(1, 1000):
        made.add(number, commit(position(number, SIZE - 1000), 10 + number, 700 + number))
    monkeypatch.setattr(segment_scanner, "scan", made.scan)
    assert plan(made, [backup(1, 10)], time(300.5), now=10000).reached.xid == 990
    assert len(made.scanned) < 30


# An LSN


def test_an_lsn_is_reached_by_a_record_that_begins_there_or_later(world: World, backups: list[Backup]) -> None:
    made = plan(world, backups, RecoveryTarget("lsn", lsn=position(8, 1000)))
    assert (made.backup, made.stop_lsn, made.last) == (backups[1], position(8, 1000), segment(8))
    with pytest.raises(PlanError, match="no record of the archived WAL begins there or later"):
        plan(world, backups, RecoveryTarget("lsn", lsn=position(8, 1001)))


def test_a_commit_at_the_lsn_is_the_last_one_that_is_replayed(world: World, backups: list[Backup]) -> None:
    last = next(event for event in world.events[segment(6)] if event.kind == "commit")
    assert plan(world, backups, RecoveryTarget("lsn", lsn=last.lsn)).reached.xid == last.xid
    earlier = plan(world, backups, RecoveryTarget("lsn", lsn=last.lsn, inclusive=False))
    assert earlier.reached.xid != last.xid


def test_an_lsn_at_the_end_of_a_segment_needs_the_next_one(world: World, backups: list[Backup]) -> None:
    """The record may begin in segment 6; it is complete in segment 7."""
    made = plan(world, backups, RecoveryTarget("lsn", lsn=position(7, -50)))
    assert made.reached.segment == segment(7)
    assert made.last == segment(7)
    assert made.partial is None


@pytest.mark.parametrize("requested", [position(7, 2000), position(7, 1001)])
def test_an_lsn_at_the_checkpoint_of_a_stop_is_one_at_the_change_before_it(
    world: World, backups: list[Backup], requested: int
) -> None:
    """Proven there and stopped, the server would begin after that checkpoint, and never come to it again."""
    world.shutdowns[segment(7)] = [Shutdown(position(7, 2000), position(7, 1000), position(7, 1000))]
    made = plan(world, backups, RecoveryTarget("lsn", lsn=requested))
    assert made.stop_lsn == made.target.lsn == position(7, 1000)
    assert (made.reached.lsn, made.reached.xid) == (requested, 705)
    assert "the data is the same" in made.warnings[0]
    for target in (RecoveryTarget("lsn", lsn=position(7, 1000)), RecoveryTarget("lsn", lsn=requested, inclusive=False)):
        made = plan(world, backups, target)
        assert (made.stop_lsn, made.target, made.warnings) == (target.lsn, target, ())


def test_the_change_before_the_checkpoint_of_a_stop_may_be_in_an_earlier_segment(
    world: World, backups: list[Backup]
) -> None:
    world.shutdowns[segment(7)] = [Shutdown(position(7, 40), position(6, SIZE - 100), None)]
    made = plan(world, backups, RecoveryTarget("lsn", lsn=position(7, 40)))
    assert made.stop_lsn == world.changes[segment(6)]


def test_an_lsn_chooses_its_backup_and_can_be_too_early(world: World, backups: list[Backup]) -> None:
    assert plan(world, backups, RecoveryTarget("lsn", lsn=position(4))).backup == backups[0]
    with pytest.raises(PlanError, match="too early"):
        plan(world, backups, RecoveryTarget("lsn", lsn=position(2)))


# A transaction, a restore point, the first consistent point


@pytest.mark.parametrize(
    ("xid", "chosen", "reached_xid"), [(700, 0, 700), (701, 0, 701), (703, 1, 703), (704, 1, 703), (706, 1, 706)]
)
def test_a_transaction_is_found_from_the_newest_backup_before_it(
    world: World, backups: list[Backup], xid: int, chosen: int, reached_xid: int
) -> None:
    made = plan(world, backups, RecoveryTarget("xid", xid=xid))
    assert made.backup == backups[chosen]
    assert made.reached.xid == reached_xid


def test_an_exclusive_transaction_ends_before_it(world: World, backups: list[Backup]) -> None:
    assert plan(world, backups, RecoveryTarget("xid", xid=705, inclusive=False)).reached.xid == 703


@pytest.mark.parametrize(("name", "chosen", "last_xid"), [("early", 0, 700), ("late", 1, 703)])
def test_a_restore_point_is_found(world: World, backups: list[Backup], name: str, chosen: int, last_xid: int) -> None:
    made = plan(world, backups, RecoveryTarget("name", name=name))
    assert made.backup == backups[chosen]
    assert made.reached.xid == last_xid


@pytest.mark.parametrize("target", [RecoveryTarget("name", name="never"), RecoveryTarget("xid", xid=4000)])
def test_what_is_not_in_the_wal_is_refused(world: World, backups: list[Backup], target: RecoveryTarget) -> None:
    with pytest.raises(PlanError, match="its record is not in the archived WAL after 2026-11-20T08:10:00"):
        plan(world, backups, target)


def test_the_first_consistent_point_needs_the_backups_own_wal_alone(world: World, backups: list[Backup]) -> None:
    del world.segments[segment(7)]
    made = plan(world, backups, RecoveryTarget("immediate"), backups[0].backup_id)
    assert (made.first, made.last, made.partial) == (segment(2), segment(2), None)
    assert made.reached.lsn == wal.parse_lsn(backups[0].end_lsn or "")


# Timelines


@pytest.fixture
def branched(world: World, backups: list[Backup]) -> list[Backup]:
    """Timeline 2 forked off in segment 6, and has a backup of its own."""
    world.histories[2] = f"1\t{wal.format_lsn(position(6, 1500))}\tno recovery target specified\n"
    world.add(6, commit(position(6, 1000), 25, 703), timeline=2)
    world.add(7, commit(position(7, 5000), 50, 800), timeline=2)
    world.add(8, timeline=2)
    return [*backups, backup(8, 55, timeline=2)]


def test_the_latest_timeline_is_followed_from_a_backup_before_the_switch_point(
    world: World, branched: list[Backup]
) -> None:
    world.add(7, commit(position(7, 3000), 45, 799), commit(position(7, 5000), 50, 800), timeline=2)
    made = plan(world, branched, time(47), server_timeline=2)
    assert (made.backup.timeline, made.timeline, made.reached.xid) == (1, 2, 799)
    assert [str(one) for one in made.segments] == [
        "000000010000000000000005",
        "000000020000000000000006",
        "000000020000000000000007",
    ]


UNARCHIVED = "server 'pg' is on timeline 3 (PostgreSQL is on it now), and no WAL of that timeline is archived"


@pytest.mark.parametrize("with_history", [False, True])
def test_a_server_whose_timeline_nobody_received_is_not_recovered_to_an_older_end(
    world: World, branched: list[Backup], with_history: bool
) -> None:
    """It was recovered, or promoted, and the run died before the receiver followed it: its commits are on it alone."""
    if with_history:
        world.histories[3] = world.histories[2] + f"2\t{wal.format_lsn(position(8))}\tno recovery target specified\n"
    with pytest.raises(PlanError) as caught:
        plan(world, branched, RecoveryTarget("end"), server_timeline=3)
    text = str(caught.value)
    assert UNARCHIVED in text
    assert "pgdr.barman.deploy -e barman_receiver_reset=when_needed" in text
    assert "barman_recover_target_timeline=1 or 2" in text


def test_a_standby_that_lags_is_on_a_timeline_that_was_archived_once(world: World, backups: list[Backup]) -> None:
    world.segments.clear()
    world.partials.clear()
    world.fill(range(6, 10), timeline=2)
    world.histories[2] = f"1\t{wal.format_lsn(position(6))}\tno recovery target specified\n"
    latest = backup(6, 50, timeline=2)
    assert plan(world, [latest], RecoveryTarget("end"), server_timeline=1).left_behind == ()


def test_the_first_timeline_alone_is_no_exception(world: World, backups: list[Backup]) -> None:
    assert plan(world, backups, RecoveryTarget("end"), server_timeline=1).left_behind == ()
    with pytest.raises(PlanError, match=r"is on timeline 2 .* no WAL of that timeline is archived"):
        plan(world, backups, RecoveryTarget("end"), server_timeline=2)


@pytest.mark.parametrize("target", [RecoveryTarget("end", timeline=2), replace(time(47), timeline=2)])
def test_a_requested_point_is_reported_with_what_the_server_alone_has(
    world: World, branched: list[Backup], target: RecoveryTarget
) -> None:
    world.add(7, commit(position(7, 3000), 45, 799), commit(position(7, 5000), 50, 800), timeline=2)
    made = plan(world, branched, target, server_timeline=3)
    assert made.timeline == 2
    assert [text.startswith(UNARCHIVED) for text in made.left_behind] == [True]
    assert set(made.left_behind) <= set(made.warnings)


def test_a_requested_timeline_is_reported_with_what_the_server_has_on_its_own(
    world: World, branched: list[Backup]
) -> None:
    world.add(7, commit(position(7, 3000), 45, 799), timeline=2)
    (text,) = plan(world, branched, RecoveryTarget("end", timeline=1), server_timeline=2).left_behind
    assert text.startswith(
        "server 'pg' is on timeline 2 (PostgreSQL is on it now), and the recovery goes to timeline 1, "
    )
    assert "transaction 799" in text
    (text,) = plan(world, branched, RecoveryTarget("end", timeline=2), server_timeline=1).left_behind
    assert "without timeline 1" in text
    assert plan(world, branched, RecoveryTarget("end", timeline=2), server_timeline=2).left_behind == ()


def test_an_abandoned_timeline_can_be_asked_for(world: World, branched: list[Backup]) -> None:
    made = plan(world, branched, replace(time(30), timeline=1))
    assert (made.timeline, made.reached.xid) == (1, 705)
    with pytest.raises(PlanError, match="is not in the history of timeline 1"):
        plan(world, branched, RecoveryTarget("end", timeline=1), branched[2].backup_id)


def test_the_current_timeline_is_the_backups_own(world: World, branched: list[Backup]) -> None:
    assert plan(world, branched, RecoveryTarget("end", timeline="current"), branched[1].backup_id).timeline == 1
    assert plan(world, branched, RecoveryTarget("end", timeline="current")).timeline == 2


def test_a_backup_taken_after_the_switch_point_on_the_old_timeline_is_not_used(
    world: World, branched: list[Backup]
) -> None:
    late = backup(7, 33)
    assert plan(world, [*branched[:2], late], replace(time(40), timeline=2)).backup == branched[1]


@pytest.mark.parametrize("timeline", ["latest", "current"])
@pytest.mark.parametrize("requested", [31, 40])
def test_a_time_on_the_former_timeline_does_not_silently_end_at_the_switch_point(
    world: World, branched: list[Backup], timeline: str, requested: int
) -> None:
    with pytest.raises(PlanError) as caught:
        plan(world, branched, replace(time(requested), timeline=timeline), server_timeline=2)
    message = str(caught.value)
    assert "lies on timeline 1, after the switch point at WAL position 0/60005DC" in message
    assert "last commit before it: 2026-11-20T08:25:00+00:00; first one after it: 2026-11-20T08:30:00+00:00" in message
    assert "Write 'target_timeline: 1'" in message
    assert "a target_time from 2026-11-20T08:50:00+00:00 on for timeline 2" in message
    assert plan(world, branched, replace(time(requested), timeline=2)).reached.xid == 703
    if requested == 31:
        assert plan(world, branched, replace(time(requested), timeline=1)).reached.xid == 705


def test_a_time_before_the_switch_point_and_before_the_other_branch_s_first_commit_is_no_question(
    world: World, branched: list[Backup]
) -> None:
    assert plan(world, branched, time(22)).reached.xid == 702
    assert plan(world, branched, time(27), server_timeline=2).reached.xid == 703


def test_any_sign_of_life_on_the_new_timeline_makes_the_time_its_own(world: World, branched: list[Backup]) -> None:
    late = commit(position(7, 100), 38, 706, "abort")
    world.add(7, late, commit(position(7, 5000), 50, 800), timeline=2)
    assert plan(world, branched, time(40), server_timeline=2).timeline == 2


def test_a_time_on_a_branch_beside_the_way_is_named_too(world: World, branched: list[Backup]) -> None:
    """Recovered to timeline 2, and then back to timeline 1, which made timeline 3."""
    world.histories[3] = f"1\t{wal.format_lsn(position(7, 2000))}\tbefore\n"
    world.add(7, commit(position(7, 1000), 30, 705), timeline=3)
    world.add(8, commit(position(8, 1000), 57, 900), timeline=3)
    with pytest.raises(PlanError, match=r"lies on timeline 2, after the switch point at WAL position 0/60005DC"):
        plan(world, branched[:2], time(52), server_timeline=3)
    assert plan(world, branched[:2], time(30.5), server_timeline=3).reached.xid == 705


def test_a_timeline_that_cannot_be_read_beside_the_way_is_passed_over(world: World, branched: list[Backup]) -> None:
    for number in (6, 7):
        del world.segments[segment(number)]
    world.ends[world.add(8, partial=True)] = None
    assert plan(world, branched, time(40)).timeline == 2


@pytest.mark.parametrize(
    "target",
    [RecoveryTarget("xid", xid=705), RecoveryTarget("name", name="late")],
)
def test_the_commits_of_the_other_timeline_are_reported(
    world: World, branched: list[Backup], target: RecoveryTarget
) -> None:
    with pytest.raises(
        PlanError, match=r"it is on timeline 1, after the switch point.*write barman_recover_target_timeline=1"
    ):
        plan(world, branched, target, server_timeline=2)


def test_a_time_or_position_that_only_the_other_timeline_has_is_reported(world: World, branched: list[Backup]) -> None:
    world.add(7, timeline=2, last_record=position(7, 200))
    del world.segments[segment(8, 2)]
    for target in (RecoveryTarget("lsn", lsn=position(7, 900)), time(27)):
        with pytest.raises(
            PlanError, match=r"it is on timeline 1, after the switch point.*write barman_recover_target_timeline=1"
        ):
            plan(world, branched[:2], target, server_timeline=2)


def test_a_timeline_without_anything_or_without_its_history_is_refused(world: World, branched: list[Backup]) -> None:
    with pytest.raises(PlanError, match="nothing archived of timeline 9; there are: 1, 2"):
        plan(world, branched, RecoveryTarget("end", timeline=9))
    world.histories.clear()
    with pytest.raises(PlanError, match=r"00000002\.history is missing"):
        plan(world, branched[:2], END)


def test_a_server_that_was_promoted_before_barman_knew_it_is_recovered(world: World) -> None:
    """Its history was never archived. PostgreSQL takes "current" without it, and refuses the number."""
    world.segments.clear()
    world.partials.clear()
    world.partials.clear()
    world.fill(range(20, 23), timeline=2)
    made = plan(world, [backup(20, 40, timeline=2)], END)
    assert (made.timeline, made.target_timeline, made.last) == (2, "current", segment(22, 2))
    world.histories[2] = f"1\t{wal.format_lsn(position(9))}\tno recovery target specified\n"
    assert plan(world, [backup(20, 40, timeline=2)], END).target_timeline == "2"


# Branches of which none continues another


def test_the_branch_of_the_living_server_is_the_latest(world: World, backups: list[Backup]) -> None:
    """Somebody promoted a restored copy of the first backup, which archived to the same place."""
    world.histories[2] = f"1\t{wal.format_lsn(position(4, 2000))}\tno recovery target specified\n"
    world.add(4, commit(position(4, 1000), 16, 701), commit(position(4, 9000), 40, 800), timeline=2)
    world.add(5, timeline=2)
    made = plan(world, backups, END, server_timeline=1)
    assert (made.timeline, made.end.xid, made.backup) == (1, 706, backups[1])
    (warning,) = made.warnings
    assert "follows timeline 1 (PostgreSQL is on it now)" in warning
    assert "timeline 2, switch point 0/40007D0 from timeline 1" in warning
    assert "last commit 2026-11-20T08:40:00+00:00 (transaction 800)" in warning
    assert "barman_recover_target_timeline=2" in warning
    assert plan(world, backups, RecoveryTarget("end", timeline=2)).end.xid == 800


def test_without_a_living_server_both_branches_are_shown(world: World, backups: list[Backup]) -> None:
    world.histories[2] = f"1\t{wal.format_lsn(position(4, 2000))}\tno recovery target specified\n"
    world.add(4, commit(position(4, 9000), 40, 800), timeline=2)
    for target in (END, RecoveryTarget("xid", xid=706), time(27), RecoveryTarget("immediate")):
        with pytest.raises(PlanError, match="2 branches of which none continues another") as caught:
            plan(world, backups, target)
        message = str(caught.value)
        assert "timeline 1, WAL segments 000000010000000000000002 to 000000010000000000000008" in message
        assert "last commit 2026-11-20T08:35:00+00:00 (transaction 706)" in message
        assert "timeline 2, switch point 0/40007D0 from timeline 1" in message
        assert "last commit 2026-11-20T08:40:00+00:00 (transaction 800)" in message
        assert "barman_recover_target_timeline=1 or 2" in message
    assert [
        (one["timeline"], one["switch_lsn"], one["last_commit"]["xid"]) for one in caught.value.details["branches"]
    ] == [
        (1, None, 706),
        (2, "0/40007D0", 800),
    ]


def test_a_target_before_the_branches_part_needs_no_choice(world: World, backups: list[Backup]) -> None:
    world.histories[2] = f"1\t{wal.format_lsn(position(4, 2000))}\tno recovery target specified\n"
    world.add(4, restore_point(position(4, 500), 15, "early"), commit(position(4, 1000), 16, 701), timeline=2)
    world.add(5, commit(position(5, 9000), 40, 800), timeline=2)
    for target in (time(15), RecoveryTarget("name", name="early"), RecoveryTarget("xid", xid=701)):
        made = plan(world, backups, target)
        assert (made.backup, made.stop_lsn is not None and made.stop_lsn <= position(4, 1000)) == (backups[0], True)


def test_a_branch_without_a_commit_after_the_switch_point_is_continued(world: World, backups: list[Backup]) -> None:
    """A failover: the old primary wrote a checkpoint more."""
    world.histories[2] = f"1\t{wal.format_lsn(position(8, 1100))}\tno recovery target specified\n"
    world.add(8, commit(position(8, 1000), 35, 706), timeline=2)
    made = plan(world, backups, END)
    assert (made.timeline, made.warnings) == (2, ())


def test_a_backup_chooses_the_branch_that_it_is_on(world: World, backups: list[Backup]) -> None:
    world.histories[2] = f"1\t{wal.format_lsn(position(4, 2000))}\tno recovery target specified\n"
    world.add(4, commit(position(4, 9000), 40, 800), timeline=2)
    assert plan(world, backups, END, backups[1].backup_id).timeline == 1
    with pytest.raises(PlanError, match="2 branches"):
        plan(world, backups, END, backups[0].backup_id)


def test_current_is_refused_if_the_server_left_the_newest_backup_s_timeline(
    world: World, branched: list[Backup]
) -> None:
    current = RecoveryTarget("end", timeline="current")
    with pytest.raises(PlanError, match=r"current is timeline 1, .* server is on timeline 2 .*timeline=1 or 2"):
        plan(world, branched[:2], current, server_timeline=2)
    assert plan(world, branched, current, server_timeline=2).timeline == 2
    assert plan(world, branched[:2], current, branched[1].backup_id, server_timeline=2).timeline == 1


@pytest.mark.parametrize("target", [RecoveryTarget("xid", xid=705), RecoveryTarget("name", name="late")])
def test_a_record_that_two_branches_have_is_shown_twice(
    world: World, branched: list[Backup], target: RecoveryTarget
) -> None:
    world.add(7, restore_point(position(7, 100), 41, "late"), commit(position(7, 5000), 50, 705), timeline=2)
    (warning,) = plan(world, branched, target, server_timeline=2).warnings
    assert f"is taken on timeline 2: 2026-11-20T08:{50 if target.xid else 41}" in warning
    assert f"Another one is on timeline 1: 2026-11-20T08:{30 if target.xid else 29}" in warning
    assert "barman_recover_target_timeline=1" in warning
    assert plan(world, branched, replace(target, timeline=1)).warnings == ()


def test_a_branch_without_its_history_is_another_branch(world: World, backups: list[Backup]) -> None:
    world.add(4, commit(position(4, 9000), 40, 800), timeline=2)
    assert plan(world, backups, END, server_timeline=1).end.xid == 706
    with pytest.raises(PlanError, match=r"2 branches .*On timeline 2: .*00000002\.history is missing"):
        plan(world, backups, END)


def test_what_can_not_be_read_may_be_a_branch(world: World, backups: list[Backup]) -> None:
    world.histories[2] = f"1\t{wal.format_lsn(position(7))}\tno recovery target specified\n"
    world.add(7, timeline=2)
    world.ends[segment(7)] = None
    with pytest.raises(PlanError, match="2 branches"):
        plan(world, backups, END)


# Windows, and names that exist several times


@pytest.fixture
def gap(world: World, backups: list[Backup]) -> list[Backup]:
    """WAL is missing between the two backups, and after the second one."""
    del world.segments[segment(4)]
    del world.segments[segment(7)]
    del world.partials[segment(8)]
    world.add(8, commit(position(8, 1000), 35, 706))
    return [*backups, backup(8, 40)]


@pytest.mark.parametrize(
    "target", [time(18), time(33), RecoveryTarget("xid", xid=701), RecoveryTarget("lsn", lsn=position(4, 1000))]
)
def test_a_target_in_a_gap_is_refused_with_every_window(
    world: World, gap: list[Backup], target: RecoveryTarget
) -> None:
    with pytest.raises(PlanError) as caught:
        plan(world, gap, target)
    message = str(caught.value)
    assert "last recoverable point" not in message
    assert (
        "What can be recovered: from 2026-11-20T08:10:00+00:00 (WAL position 0/2800000, the end of backup "
        "20261120T081000) to: last commit "
        "2026-11-20T08:12:00+00:00 (transaction 700)"
    ) in message
    assert (
        "; from 2026-11-20T08:20:00+00:00 (WAL position 0/5800000, the end of backup 20261120T082000) to: last "
        "commit 2026-11-20T08:25" in message
    )
    assert [(one["backups"], one["end"]["xid"], one["missing"]) for one in caught.value.details["windows"]] == [
        (["20261120T081000"], 700, "000000010000000000000004"),
        (["20261120T082000"], 703, "000000010000000000000007"),
        (["20261120T084000"], 706, None),
    ]


def test_backups_without_a_gap_between_them_are_one_window(world: World, backups: list[Backup]) -> None:
    with pytest.raises(PlanError, match="The last recoverable point is") as caught:
        plan(world, backups, time(70))
    assert [one["backups"] for one in caught.value.details["windows"]] == [[one.backup_id for one in backups]]


def test_a_record_before_a_backup_that_is_not_usable_is_reached(world: World, backups: list[Backup]) -> None:
    del world.segments[segment(5)]
    assert plan(world, backups, RecoveryTarget("xid", xid=700)).backup == backups[0]
    with pytest.raises(PlanError, match="is not usable") as caught:
        plan(world, backups, END)
    assert [one["end"]["xid"] for one in caught.value.details["windows"]] == [701]


def test_a_name_that_exists_several_times_is_taken_as_postgresql_does(world: World, backups: list[Backup]) -> None:
    world.events[segment(6)].append(restore_point(position(6, 5000), 27, "late"))
    world.events[segment(3)].append(restore_point(position(3, 5000), 13, "late"))
    made = plan(world, backups, RecoveryTarget("name", name="late"))
    assert (made.backup, made.stop_lsn) == (backups[1], position(6, 5000))
    assert [one.lsn for one in made.restore_points] == [position(3, 5000), position(6, 5000), position(7, 500)]
    (warning,) = made.warnings
    assert (
        "3 restore points 'late': 2026-11-20T08:13:00+00:00 at WAL position 0/3001388, 2026-11-20T08:27:00" in warning
    )
    assert (
        "stops at that of 2026-11-20T08:27:00+00:00, WAL position 0/6001388, the first one after backup 20261120T082000"
        in warning
    )
    assert "barman_recover_target_lsn" in warning
    assert plan(world, backups, RecoveryTarget("lsn", lsn=position(7, 500))).stop_lsn == position(7, 500)


def test_a_name_that_exists_once_is_no_warning(world: World, backups: list[Backup]) -> None:
    made = plan(world, backups, RecoveryTarget("name", name="late"))
    assert ([one.lsn for one in made.restore_points], made.warnings) == ([position(7, 500)], ())


# Identity


def test_the_same_recovery_has_the_same_identity_and_another_has_not(world: World, backups: list[Backup]) -> None:
    one = plan(world, backups, time(22))
    end = plan(world, backups, END)
    world.add(8, commit(position(8, 3000), 45, 709), partial=True, last_record=position(8, 3000))
    assert plan(world, backups, time(22)).identity == one.identity
    assert plan(world, backups, time(22), backups[0].backup_id).identity != one.identity
    assert plan(world, backups, END).identity != end.identity
