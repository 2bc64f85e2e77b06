# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster needs so that Barman receives its WAL."""

from __future__ import annotations

import dataclasses

from ansible_collections.pgdr.barman.plugins.module_utils._barman.cluster_members import ClusterMember, parse_member
from ansible_collections.pgdr.barman.plugins.module_utils._follow.plan import HANGS_AFTER, FollowPlan, plan
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.slots import Slot
from tests.unit.plugins.module_utils._monitoring.postgres_answers import standby as standby_answers

A, B = "198.51.100.21:5432", "198.51.100.22:5432"


def slot(restart: int | None = 500, *, active: bool = False, status: str = "reserved") -> Slot:
    return Slot("barman", active, 7 if active else None, restart, status)


def primary(own: Slot | None = None, timeline: int = 1) -> ClusterMember:
    return ClusterMember(in_recovery=False, timeline=timeline, redo=400, slot=own)


def standby(own: Slot | None = None, redo: int = 400) -> ClusterMember:
    return ClusterMember(in_recovery=True, timeline=1, redo=redo, slot=own)


def test_nothing_is_left_to_do() -> None:
    members = {A: primary(slot(active=True)), B: standby(slot(400))}
    assert plan(members, makes_slots=True, receiver_runs=True) == FollowPlan(A)


def test_a_standby_gets_a_slot_while_the_receiver_writes_the_segment_of_its_last_checkpoint() -> None:
    """pg_receivewal confirms whole segments only, so the slot of the primary stays at the begin of the segment."""
    answer = standby_answers(redo="0/701CC90", slot_name=None)
    members = {A: primary(slot(0x7000000, active=True)), B: parse_member(answer)}
    assert plan(members, makes_slots=True, receiver_runs=True).create == (B,)
    members[B] = parse_member({**answer, "redo": "0/8000000"})
    assert plan(members, makes_slots=True, receiver_runs=True).create == ()


def test_a_receiver_that_ended_is_started_once_there_is_a_primary() -> None:
    assert plan({A: None, B: standby(slot(400))}, makes_slots=True, receiver_runs=False) == FollowPlan()
    found = plan({A: None, B: primary(slot(400), 2)}, makes_slots=True, receiver_runs=False)
    assert found == FollowPlan(B, start=True)


def test_slots_on_members_of_patroni_are_refused() -> None:
    theirs = {A: primary(), B: dataclasses.replace(standby(), patroni=True)}
    found = plan(theirs, makes_slots=True, receiver_runs=False)
    assert found == FollowPlan(problem=found.problem)
    assert f"Patroni runs {B}" in found.problem
    assert "barman_cluster_manager: patroni" in found.problem
    assert not plan(theirs, makes_slots=False, receiver_runs=False).problem


def test_a_new_primary_and_a_standby_get_the_slot() -> None:
    assert plan({A: primary(), B: standby()}, makes_slots=True, receiver_runs=True).create == (A,)
    assert plan({A: primary(slot()), B: standby()}, makes_slots=True, receiver_runs=True).create == (B,)


def test_a_cluster_manager_makes_its_slots_itself() -> None:
    found = plan({A: primary(), B: standby()}, makes_slots=False, receiver_runs=True)
    assert (found.create, found.renew) == ((), ())


def test_a_slot_of_a_standby_moves_only_as_far_as_the_receiver_is() -> None:
    behind = standby(slot(100), redo=400)
    assert plan({A: primary(slot(500)), B: behind}, makes_slots=True, receiver_runs=True).renew == (B,)
    # The receiver still needs what is before the standby's last restartpoint.
    assert plan({A: primary(slot(300)), B: behind}, makes_slots=True, receiver_runs=True).renew == ()
    assert plan({A: primary(slot(300)), B: standby(redo=400)}, makes_slots=True, receiver_runs=True).create == ()
    # Somebody reads it.
    read = standby(slot(100, active=True), redo=400)
    assert plan({A: primary(slot(500)), B: read}, makes_slots=True, receiver_runs=True).renew == ()


def test_a_slot_of_a_standby_that_is_lost_is_made_anew() -> None:
    lost = standby(slot(None, status="lost"), redo=400)
    assert plan({A: primary(slot(500)), B: lost}, makes_slots=True, receiver_runs=True).renew == (B,)


def test_a_slot_of_the_primary_that_is_lost_is_left_to_repair() -> None:
    found = plan({A: primary(slot(None, status="lost")), B: standby()}, makes_slots=True, receiver_runs=False)
    assert found == FollowPlan(A)


def test_two_primaries_are_reported_and_nothing_is_done() -> None:
    found = plan({A: primary(), B: primary(timeline=2)}, makes_slots=True, receiver_runs=False)
    assert (found.create, found.start) == ((), False)
    assert f"{A} (timeline 1), {B} (timeline 2)" in found.problem


def test_a_receiver_that_hangs_on_a_former_primary_is_restarted() -> None:
    members = {A: None, B: primary(slot(), 2)}
    soon = plan(members, makes_slots=True, receiver_runs=True, idle_seconds=HANGS_AFTER - 1)
    assert (soon.stop, soon.start) == (False, False)
    late = plan(members, makes_slots=True, receiver_runs=True, idle_seconds=HANGS_AFTER)
    assert (late.stop, late.start) == (True, True)
