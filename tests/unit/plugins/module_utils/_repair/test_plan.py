# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a repair does: each loss has its reason and its steps, and what may still arrive is left alone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._check.check import Check
from ansible_collections.pgdr.barman.plugins.module_utils._repair.plan import (
    ReceiverFinding,
    RepairObservation,
    make_plan,
)

RESET = {"reset": {"reason": "wal_removed", "start": "000000010000000000000010"}, "slot": "barman"}


def check(name: str, *, ok: bool = False, healable: bool = False) -> Check:
    return Check(name, ok, f"{name} failed", healable=healable)


def observed(*checks: Check, receiver: ReceiverFinding | None = None, **values: Any) -> RepairObservation:
    return RepairObservation(
        **{"name": "pg-eu", "passive": False, "active": True, **values},
        checks={one.key: one for one in checks},
        receiver=receiver,
    )


def codes(found: RepairObservation) -> list[str]:
    return [reason.code for reason in make_plan(found).reasons]


def test_a_server_that_has_lost_nothing_is_not_changed() -> None:
    plan = make_plan(observed(check("WAL continuity", ok=True), receiver=ReceiverFinding({}, changes=False)))
    assert not plan.changes
    assert plan.reasons == ()
    assert plan.refused is None


def test_wal_that_postgres_has_removed_takes_a_reset_and_a_backup_in_this_order() -> None:
    found = observed(receiver=ReceiverFinding({**RESET, "backup_needed": True}, changes=True))
    assert codes(found) == ["wal_removed"]
    assert make_plan(found).steps == ["reset the WAL receiver", "take a full backup"]


def test_a_slot_that_is_lost_is_named() -> None:
    values = {**RESET, "wal_status": "lost", "backup_needed": True}
    reasons = make_plan(observed(receiver=ReceiverFinding(values, changes=True))).reasons
    assert [reason.code for reason in reasons] == ["slot_lost", "wal_removed"]
    assert "replication slot 'barman'" in reasons[0].message


def test_a_lost_slot_whose_wal_is_still_there_takes_no_backup() -> None:
    plan = make_plan(
        observed(receiver=ReceiverFinding({"slot": "barman", "wal_status": "lost", "reset": None}, changes=True))
    )
    assert plan.steps == ["start the WAL receiver"]


def test_a_new_timeline_without_a_gap_takes_no_backup() -> None:
    values = {"reset": {"reason": "other_timeline", "start": "00000002"}, "backup_needed": False}
    plan = make_plan(observed(receiver=ReceiverFinding(values, changes=True)))
    assert plan.steps == ["reset the WAL receiver"]


def test_a_receiver_that_does_not_run_is_started() -> None:
    found = observed(receiver=ReceiverFinding({"reset": None, "backup_needed": False}, changes=True))
    assert codes(found) == ["receiver_stopped"]
    assert make_plan(found).steps == ["start the WAL receiver"]


@pytest.mark.parametrize(
    ("name", "code"),
    [("WAL continuity", "wal_missing"), ("WAL file sizes", "wal_damaged"), ("backup present", "backup_missing")],
)
def test_what_is_wrong_in_the_archive_takes_a_backup(name: str, code: str) -> None:
    for receiver in (None, ReceiverFinding({}, changes=False)):
        found = observed(check(name), receiver=receiver)
        assert codes(found) == [code]
        assert make_plan(found).steps == ["take a full backup"]


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            observed(check("WAL continuity"), passive=True),
            "it is a passive copy. Repair the server on the backup server",
        ),
        (observed(check("WAL continuity"), active=False), "its entry is inactive"),
        (observed(check("WAL continuity", healable=True)), "It may still arrive"),
        (
            observed(receiver=ReceiverFinding({}, changes=False, error="no route to host")),
            "can't be started.*no route to host",
        ),
    ],
)
def test_what_can_not_be_repaired_is_refused_with_the_way_that_works(found: RepairObservation, text: str) -> None:
    plan = make_plan(found)
    assert not plan.changes
    assert plan.refused is not None
    assert plan.refused.startswith("server 'pg-eu': ")
    assert re.search(text, plan.refused)


@given(
    values=st.fixed_dictionaries(
        {
            "reset": st.sampled_from([None, RESET["reset"]]),
            "backup_needed": st.booleans(),
            "wal_status": st.sampled_from([None, "reserved", "lost"]),
        }
    ),
    changes=st.booleans(),
    failing=st.sets(st.sampled_from(["WAL continuity", "WAL file sizes", "backup present"])),
)
def test_a_loss_is_never_left_without_a_new_backup(values: dict[str, Any], changes: bool, failing: set[str]) -> None:
    found = observed(*map(check, sorted(failing)), receiver=ReceiverFinding(values, changes=changes))
    plan = make_plan(found)
    if failing or values["backup_needed"]:
        assert plan.steps[-1] == "take a full backup"
    assert bool(plan.reasons) == plan.changes
