# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of a server that is a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.pgdr.barman.plugins.module_utils._barman.cluster_members import ClusterMember
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read
from ansible_collections.pgdr.barman.plugins.module_utils._check.check import Check, ServerChecks, reasons
from ansible_collections.pgdr.barman.plugins.module_utils._check.cluster import cluster_check, with_clusters
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.slots import Slot

A, B = "198.51.100.21:5432", "198.51.100.22:5432"
SLOT = Slot("barman", active=False)


def member(*, in_recovery: bool = False, slot: Slot | None = SLOT, patroni: bool = False) -> ClusterMember:
    return ClusterMember(in_recovery=in_recovery, timeline=1, redo=0, slot=slot, patroni=patroni)


def test_one_primary_and_a_slot_on_each_member() -> None:
    found = cluster_check({A: member(in_recovery=True), B: member()}, "barman")
    assert (found.ok, found.hint) == (True, f"the primary is {B}, and nothing uses its slot 'barman'")


def test_barman_follows_the_primary() -> None:
    found = cluster_check({A: member(in_recovery=True), B: member(slot=Slot("barman", active=True))}, "barman")
    assert (found.ok, found.hint) == (True, f"the primary is {B}, and Barman receives its WAL")


def test_a_member_that_is_down_is_no_failure_of_barmans() -> None:
    found = cluster_check({A: None, B: member()}, "barman")
    assert (found.ok, found.hint) == (
        True,
        f"the primary is {B}, and nothing uses its slot 'barman'; {A} does not answer",
    )


def test_no_primary_and_two_primaries() -> None:
    assert not cluster_check({A: None, B: member(in_recovery=True)}, "barman").ok
    found = cluster_check({A: member(), B: member()}, "barman")
    assert not found.ok
    assert "more than one member is a primary" in found.hint


def test_a_candidate_without_the_slot() -> None:
    found = cluster_check({A: member(), B: member(in_recovery=True, slot=None)}, "barman")
    assert not found.ok
    assert f"{B} has no replication slot 'barman'" in found.hint


def test_an_old_patroni_creates_the_slot_after_a_promotion() -> None:
    standby = member(in_recovery=True, slot=None, patroni=True)
    assert cluster_check({A: member(patroni=True), B: standby}, "barman").ok
    assert not cluster_check({A: member(slot=None, patroni=True), B: standby}, "barman").ok


def test_only_servers_with_several_members_are_asked(tmp_path: Path) -> None:
    (tmp_path / "barman.conf").write_text(
        f"[barman]\nbarman_home = {tmp_path}\n"
        "[orders]\nconninfo = host=198.51.100.21,198.51.100.22 port=5432,5432 user=barman dbname=postgres\nslot_name = barman\n"
        "[alone]\nconninfo = host=198.51.100.23 user=barman dbname=postgres\n"
    )
    configuration = read(str(tmp_path / "barman.conf"))

    def ask(questions: Any, user: str | None, timeout: float) -> dict[str, Any]:
        assert {question.server for question in questions.values()} == {"orders"}
        return {key: HostError("it does not answer") for key in questions}

    observed = {name: ServerChecks(name) for name in ("orders", "alone")}
    found = with_clusters(observed, configuration, "barman", ask)
    assert (list(found["orders"].checks), list(found["alone"].checks)) == (["cluster"], [])
    assert with_clusters(observed, configuration, "barman", None) == observed


def test_nobody_removes_a_timeline_because_barman_asked_the_wrong_primary() -> None:
    two = cluster_check({A: member(), B: member()}, "barman")
    foreign = Check("foreign timelines", ok=False, hint="remove them")
    found = reasons({"orders": ServerChecks("orders").with_checks([two, foreign])})
    assert [line for line in found if "foreign" in line] == []
    assert len(found) == 1
