# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a decommission removes from Patroni's DCS: after a deployment and a decommission, the DCS is as it was."""

from __future__ import annotations

import copy
import os
import pwd
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._decommission import patroni_run, postgres_run
from ansible_collections.pgdr.barman.plugins.module_utils._decommission.patroni_plan import DcsPlan, make_dcs_plan
from ansible_collections.pgdr.barman.plugins.module_utils._decommission.patroni_run import apply_dcs, observe_dcs
from ansible_collections.pgdr.barman.plugins.module_utils._decommission.postgres_plan import (
    PostgresObservation,
    ReleaseRequest,
    RoleState,
    SlotState,
    make_plan,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.record import (
    FormerSetting,
    HostRecord,
    read_record,
    write_record,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.waiting import WaitTimeout
from ansible_collections.pgdr.barman.plugins.module_utils._patroni.plan import PatroniRequest, plan

FILE = "/etc/patroni/17-main.yml"
RULE = 'host "postgres" "barman" 198.51.100.11/32 scram-sha-256'
OTHERS = ["local all all peer", "host all all 198.51.100.0/24 md5"]
DEPLOYED = PatroniRequest(slots=("barman",), parameters={"max_wal_senders": "4"}, rules=(RULE,))
REQUEST = ReleaseRequest(slots=("barman",), roles=("barman",), member=True)
OBSERVED = PostgresObservation(
    "/etc/pg_hba.conf",
    in_recovery=False,
    roles=(RoleState("barman"),),
    slots=(SlotState("barman", active=False), SlotState("pg_2", active=True)),
    senders=1,
)


def merge(value: Any, patch: Mapping[str, Any]) -> None:
    """As Patroni merges a patch (patch_config in patroni/utils.py)."""
    for name, one in patch.items():
        if one is None:
            value.pop(name, None)
        elif isinstance(one, dict) and isinstance(value.get(name), dict):
            merge(value[name], one)
        else:
            value[name] = copy.deepcopy(one)


class Dcs:
    """A cluster's DCS, and Patroni on a member that does at once what the DCS says. hba: what it writes the rules into."""

    def __init__(self, content: Mapping[str, Any], hba: Path | None = None) -> None:
        self.content = copy.deepcopy(dict(content))
        self.hba = hba
        self.file = FILE
        self.patches = 0

    def dynamic(self) -> Mapping[str, Any]:
        return copy.deepcopy(self.content)

    def local(self) -> Mapping[str, Any]:
        return {"scope": "main", "name": "pg-1"}

    def members(self) -> list[dict[str, Any]]:
        return [{"Member": "pg-1"}, {"Member": "pg-2"}]

    def patch(self, patch: Mapping[str, Any]) -> None:
        self.patches += 1
        merge(self.content, patch)
        rules = (self.content.get("postgresql") or {}).get("pg_hba")
        if self.hba is not None and rules is not None:
            self.hba.write_text("".join(f"{line}\n" for line in rules))


def deploy(dcs: Any) -> dict[str, FormerSetting]:
    """A deployment; the settings that it records."""
    found = plan(dcs.dynamic(), dcs.local(), DEPLOYED, FILE)
    dcs.patch(found.patch)
    record = HostRecord().with_settings(5432, found.replaced)
    return dict(record.settings.get("5432", {}))


def released(dcs: Any, recorded: Mapping[str, FormerSetting], observed: PostgresObservation = OBSERVED) -> DcsPlan:
    return make_dcs_plan(observed, observe_dcs(dcs), REQUEST, recorded)


SLOTS = st.dictionaries(st.sampled_from(["app", "other"]), st.just({"type": "physical"}), min_size=1)
PARAMETERS = st.fixed_dictionaries(
    {"max_connections": st.integers(10, 500)},
    optional={"max_wal_senders": st.one_of(st.integers(2, 20), st.integers(2, 20).map(str))},
)
CONTENTS = st.fixed_dictionaries(
    {"ttl": st.just(30)},
    optional={
        "slots": SLOTS,
        "postgresql": st.fixed_dictionaries(
            {"use_slots": st.just(value=True)},
            optional={"parameters": PARAMETERS, "pg_hba": st.lists(st.sampled_from(OTHERS), max_size=3)},
        ),
    },
)


@given(CONTENTS)
def test_after_a_decommission_the_dcs_is_as_it_was(content: dict[str, Any]) -> None:
    dcs: Any = Dcs(content)
    recorded = deploy(dcs)
    found = released(dcs, recorded)
    dcs.patch(found.patch)
    expected = content if "postgresql" in content else {**content, "postgresql": {}}
    assert {"postgresql": {}, **dcs.content} == expected
    assert found.forgotten == set(recorded)
    # The second member, and a second run, change nothing.
    again = released(dcs, recorded)
    assert (again.patch, again.changes) == ({}, ())


CONTENT = {"postgresql": {"parameters": {"max_wal_senders": 3}, "pg_hba": OTHERS}}


def test_what_is_done_and_what_waits_for_a_restart() -> None:
    dcs: Any = Dcs(CONTENT)
    found = released(dcs, deploy(dcs))
    assert found.changes == (
        "remove the replication slot barman from Patroni's DCS",
        "max_wal_senders in Patroni's DCS: 4 back to 3",
        "remove the rules from pg_hba in Patroni's DCS",
    )
    assert found.left[0].startswith("max_wal_senders takes effect when the members restart, the leader first")
    assert f"patronictl -c {FILE} restart main MEMBER" in found.left[0]


@pytest.mark.parametrize(
    ("former", "observed", "changed", "reason"),
    [
        ("1", replace(OBSERVED, senders=2), None, "the members use 2"),
        ("3", OBSERVED, "12", "a deployment wrote 4, and somebody changed it since"),
    ],
)
def test_a_setting_stays_with_the_reason(
    former: str, observed: PostgresObservation, changed: str | None, reason: str
) -> None:
    dcs: Any = Dcs({"postgresql": {"parameters": {"max_wal_senders": int(former)}}})
    recorded = deploy(dcs)
    if changed:
        dcs.patch({"postgresql": {"parameters": {"max_wal_senders": changed}}})
    found = released(dcs, recorded, observed)
    assert "postgresql" not in found.patch
    assert reason in found.left[0]
    assert f"'patronictl -c {FILE} edit-config' to {former}" in found.left[0]


@pytest.mark.parametrize("name", ["max_replication_slots", "max_wal_senders"])
def test_a_standby_lowers_nothing_that_its_leader_uses(name: str) -> None:
    """The leader has three logical slots, of which the standby has none."""
    dcs: Any = Dcs({"postgresql": {"parameters": {name: 5}}})
    recorded = {name: FormerSetting("4", "5")}
    logical = [SlotState(f"logical_{number}", active=True) for number in range(3)]
    leader = replace(OBSERVED, slots=(*OBSERVED.slots, *logical, SlotState("pg_3", active=True)), senders=5)
    found = released(dcs, recorded, leader)
    assert ("postgresql" in found.patch, found.forgotten) == (False, frozenset({name}))
    standby = replace(OBSERVED, in_recovery=True, senders=0)
    found = released(dcs, recorded, standby)
    assert (found.patch, found.changes, found.forgotten) == ({}, (), frozenset())
    assert f"{name} = 5 in Patroni's DCS stays: this member is a standby" in found.left[0]
    assert f"'patronictl -c {FILE} edit-config' to 4" in found.left[0]
    # The plan has the primary's line.
    planned = make_dcs_plan(standby, observe_dcs(dcs), replace(REQUEST, receivers_stop=True), recorded)
    assert (planned.patch, planned.left, planned.forgotten) == ({}, (), frozenset())
    # The primary restored it.
    dcs.patch({"postgresql": {"parameters": {name: 4}}})
    found = released(dcs, recorded, standby)
    assert (found.patch, found.left, found.forgotten) == ({}, (), frozenset({name}))


def test_what_another_server_still_needs_stays() -> None:
    dcs: Any = Dcs(CONTENT)
    recorded = deploy(dcs)
    request = replace(REQUEST, slots=(), rules=(RULE,), settings=frozenset(["max_wal_senders"]))
    found = make_dcs_plan(OBSERVED, observe_dcs(dcs), request, recorded)
    assert (found.patch, found.changes, found.forgotten) == ({}, (), frozenset())


def test_a_record_from_before_patroni_is_no_error() -> None:
    dcs: Any = Dcs({"postgresql": {"parameters": {"wal_level": "logical"}}})
    found = released(dcs, {"wal_level": FormerSetting("minimal", "replica")})
    assert found.left[0].startswith("wal_level = logical in Patroni's DCS stays: a deployment wrote replica, and")


def test_a_slot_in_use_goes_when_its_receiver_stops() -> None:
    dcs: Any = Dcs(CONTENT)
    recorded = deploy(dcs)
    used = replace(OBSERVED, slots=(SlotState("barman", active=True),))
    found = released(dcs, recorded, used)
    assert found.patch["slots"] is None
    assert found.slots == ()
    assert "barman is in use. Patroni drops it when its receiver stops" in found.left[0]


def test_the_standbys_of_a_cluster_leave_the_roles_to_its_primary() -> None:
    standby = replace(OBSERVED, in_recovery=True)
    request = replace(REQUEST, slots=())
    planned = make_plan(standby, replace(request, receivers_stop=True), {})
    assert (planned.left, planned.forgotten) == ((), frozenset())
    # The primary may be released in another run, and needs the record for it.
    waited = make_plan(standby, request, {})
    assert "the primary of the cluster has not dropped it" in waited.left[0]
    assert waited.forgotten == frozenset()
    assert make_plan(replace(standby, roles=()), request, {}).forgotten == {"barman"}
    assert make_plan(standby, replace(request, member=False), {}).forgotten == {"barman"}


@pytest.mark.parametrize(("answers", "waited"), [(1, 0), (4, 3), (1000, 120)])
def test_a_standby_waits_for_its_primary_but_not_for_ever(answers: int, waited: int) -> None:
    pauses: list[float] = []
    session: Any = Session(*[["barman"]] * (answers - 1), [])
    postgres_run.wait_for_primary(session, ["barman"], clock=lambda: sum(pauses), pause=pauses.append)
    assert len(pauses) == waited


class Session:
    """slots: those that are there, one set for each question."""

    def __init__(self, *slots: list[str]) -> None:
        self.slots = list(slots)

    def query(self, sql: str, _params: Any = ()) -> list[dict[str, Any]]:
        return [{"slot_name": name} for name in (self.slots.pop(0) if len(self.slots) > 1 else self.slots[0])]


def wait(session: Any, hba: Path, rules: list[str]) -> tuple[list[float], list[str]]:
    """How long the run paused, and what it left."""
    now = [0.0]
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        now[0] += seconds
        pauses.append(seconds)

    dcs: Any = Dcs({})
    me = pwd.getpwuid(os.geteuid()).pw_name
    found = DcsPlan(slots=("barman",), writes_rules=True)
    left = apply_dcs(dcs, session, found, hba_file=str(hba), rules=rules, user=me, clock=lambda: now[0], pause=pause)
    return pauses, left


def test_the_run_waits_until_patroni_has_done_it(tmp_path: Path) -> None:
    hba = tmp_path / "pg_hba.conf"
    hba.write_text("local all all peer\n")
    session: Any = Session(["barman"], ["barman"], [])
    pauses, left = wait(session, hba, [])
    assert (len(pauses), left) == (2, [])
    with pytest.raises(WaitTimeout, match="Patroni to write"):
        wait(Session([]), hba, [RULE])


def test_a_slot_that_patroni_does_not_drop_is_left_and_the_run_goes_on(tmp_path: Path) -> None:
    """Patroni is paused, or ignores the slot. The DCS has changed already."""
    hba = tmp_path / "pg_hba.conf"
    hba.write_text("local all all peer\n")
    pauses, left = wait(Session(["barman"]), hba, [])
    assert sum(pauses) == 60
    assert len(left) == 1
    assert "The replication slot barman stays on this member, and keeps WAL" in left[0]
    assert f"patronictl -c {FILE} resume" in left[0]
    assert "SELECT pg_catalog.pg_drop_replication_slot('barman')" in left[0]
    # The rules are waited for after it.
    with pytest.raises(WaitTimeout, match="Patroni to write"):
        wait(Session(["barman"]), hba, [RULE])


def test_the_module_changes_the_dcs_and_drops_the_roles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hba, record = tmp_path / "pg_hba.conf", tmp_path / "record.json"
    dcs: Any = Dcs(CONTENT, hba)
    recorded = deploy(dcs)
    write_record(HostRecord(settings={"5432": recorded}, roles={"5432": ("barman",)}), str(record))
    monkeypatch.setattr(postgres_run, "patroni_of", lambda params: dcs if params["patroni"] else None)
    monkeypatch.setattr(postgres_run, "observe", lambda *_args: replace(OBSERVED, hba_file=str(hba), rules=(RULE,)))
    statements: list[str] = []

    class Answers(Session):
        def query(self, sql: str, _params: Any = ()) -> list[dict[str, Any]]:
            if "slot_name" in sql:
                return []
            statements.append(sql)
            return []

    session: Any = Answers()
    params = {
        "login_port": 5432,
        "slots": ["barman"],
        "roles": ["barman"],
        "rules": [],
        "settings": [],
        "user": pwd.getpwuid(os.geteuid()).pw_name,
        "member": True,
        "recorded_roles": [],
        "patroni": True,
    }
    answer = postgres_run._release(session, params, check_mode=True, path=str(record))
    assert (dcs.patches, statements) == (1, [])
    assert answer.values["changes"][-1] == "drop the database role barman"
    answer = postgres_run._release(session, params, check_mode=False, path=str(record))
    assert dcs.content == CONTENT
    assert statements == ['DROP OWNED BY "barman"', 'DROP ROLE "barman"']
    assert answer.values["restart"] == []
    assert "max_wal_senders takes effect when the members restart" in answer.values["left"][0]
    assert hba.read_text().splitlines() == OTHERS
    assert read_record(str(record)).is_empty
    monkeypatch.setattr(postgres_run, "apply_dcs", lambda *_args, **_named: ["the slot stays"])
    answer = postgres_run._release(session, params, check_mode=False, path=str(record))
    assert answer.values["left"][0] == "the slot stays"


@pytest.mark.parametrize("elsewhere", [[], ["barman"]])
def test_the_record_is_on_the_member_that_was_the_primary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: list[str]
) -> None:
    monkeypatch.setattr(postgres_run, "observe", lambda *_args: replace(OBSERVED, slots=(), rules=()))
    params = {
        "login_port": 5432,
        "slots": [],
        "roles": ["barman"],
        "rules": [],
        "settings": [],
        "user": "postgres",
        "member": True,
        "recorded_roles": elsewhere,
        "patroni": False,
    }
    session: Any = Session([])
    answer = postgres_run._release(session, params, check_mode=True, path=str(tmp_path / "record.json"))
    assert answer.values["changes"] == [f"drop the database role {name}" for name in elsewhere]
    assert answer.values["recorded_roles"] == []
    assert bool(answer.values["left"]) is not bool(elsewhere)


def test_without_patroni_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patroni_run, "running_files", lambda: [])
    assert patroni_run.patroni_of({"patroni": False}) is None
