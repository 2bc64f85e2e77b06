# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which entries a backup server holds, releases, and leaves alone, by what it has and what this run found of their successors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import handover, operation
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.handover import (
    HostPlan,
    Observed,
    Operation,
    Postgres,
    Step,
    StepName,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.observed_entries import Entries
from tests.unit.plugins.plugin_utils._topology.inventories import backup, pg

HERE, ELSEWHERE = "backup-a", "backup-b"
HOSTS = frozenset((HERE, ELSEWHERE, "archived", "moved", "renamed", "swapped", "no-copy"))

FLEET = build(
    {
        "archived": pg("192.0.2.21", barman_backup_server=HERE, barman_wal=["archiving"]),
        "moved": pg("192.0.2.22", barman_backup_server=ELSEWHERE),
        "renamed": pg("192.0.2.23", barman_backup_server=HERE, barman_server_name="new"),
        "swapped": pg("192.0.2.24", barman_backup_server=ELSEWHERE, barman_passive_servers=[HERE]),
        "no-copy": pg("192.0.2.25", barman_backup_server=ELSEWHERE),
    },
    {HERE: backup("192.0.2.11"), ELSEWHERE: backup("192.0.2.12")},
)


def entry(name: str, host: str | None = None, **more: Any) -> dict[str, Any]:
    streaming = {"streaming": True, "archiving": False, "slot_name": "barman"}
    return {"name": name, "host": host or name, "active": True, "passive": False, **streaming, **more}


UNLISTED = [
    entry("gone"),
    entry("unknown", slot_name="barman") | {"host": None},
    entry("moved"),
    entry("renamed", slot_name="of_its_own"),
    entry("swapped"),
    entry("no-copy", passive=True, streaming=False, slot_name=None),
    entry("long-ago", "moved", active=False),
]
HANDING_OVER = {"archived": ["streaming"], "swapped": ["server"], "new": ["slot"]}
ENTRIES = Entries(UNLISTED, HANDING_OVER, {"new": ["x"]})
#: Elsewhere all are healthy; of the server swapped there is no backup yet.
OPERATION_ELSEWHERE = Operation(frozenset(("moved", "swapped")), frozenset(("moved", "no-copy")))


def observed(healthy: Iterable[str] = ("archived", "new"), **more: Any) -> Observed:
    values: dict[str, Any] = {
        "hosts": HOSTS,
        "entries": {HERE: ENTRIES, ELSEWHERE: Entries()},
        "operations": {HERE: Operation(frozenset(healthy)), ELSEWHERE: OPERATION_ELSEWHERE},
        "postgres": {host: Postgres() for host in HOSTS - {HERE, ELSEWHERE}},
        **more,
    }
    return Observed(**values)


def planned(found: Observed, host: str = HERE) -> HostPlan:
    return handover.plan(FLEET.topology, FLEET.requirements, found)[host]


def steps(found: Observed, host: str = HERE) -> dict[StepName, Step]:
    return {step.name: step for step in planned(found, host).steps}


def written(found: Observed) -> dict[str, Mapping[str, Any]]:
    step = steps(found).get(StepName.WRITE_ENTRIES)
    return {item["name"]: item for item in (step.entries if step else ())}


def names(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    return [item["name"] for item in entries]


def test_what_nobody_knows_of_is_left_alone() -> None:
    assert names(handover.held(FLEET.topology, ENTRIES)) == ["moved", "renamed", "swapped", "no-copy"]


def test_a_slot_of_the_successors_name_is_in_the_way() -> None:
    renamed = handover.slots_in_use(FLEET.topology, ENTRIES, HERE)
    assert names(renamed) == ["moved", "swapped"]
    assert renamed[0]["options"] == {"slot_name": "barman_leaving_backup_a"}


def test_a_slot_that_no_successor_uses_keeps_its_name() -> None:
    """Renamed, it would be left on the PostgreSQL server, and keep WAL there for ever."""
    archived = Entries([entry("before", "archived")])
    assert handover.slots_in_use(FLEET.topology, archived, HERE) == []


def test_what_is_to_be_a_copy_is_no_copy_yet() -> None:
    state = operation.begin(FLEET.topology, FLEET.requirements, HERE, ENTRIES)
    assert state.servers == ("archived", "new")


def test_each_gets_its_declared_form_and_what_went_is_switched_off() -> None:
    everywhere = Operation(frozenset(("moved", "swapped")), frozenset(("moved", "swapped", "no-copy")))
    found = observed(operations={HERE: Operation(frozenset(("archived", "new"))), ELSEWHERE: everywhere})
    final = written(found)
    assert sorted(final) == ["archived", "moved", "new", "no-copy", "swapped"]
    for name in ("moved", "no-copy"):
        assert final[name] == {"name": name, "merge": True, "options": {"active": False}}
    assert "slot_name" not in final["archived"]["options"]
    assert "primary_ssh_command" in final["swapped"]["options"]
    assert [final[name]["host"] for name in ("archived", "new", "swapped")] == ["archived", "renamed", "swapped"]
    assert steps(found)[StepName.STOP_STREAMING].servers == ("archived",)
    assert steps(found)[StepName.DROP_SLOTS].servers == ("new",)
    assert steps(found)[StepName.DROP_SLOTS].former_slots == {"new": ["x"]}


def test_nothing_is_given_up_for_what_is_not_healthy() -> None:
    found = observed((), hosts=HOSTS - {"archived"}, operations={HERE: Operation(), ELSEWHERE: Operation()})
    assert list(steps(found)) == [StepName.WRITE_ENTRIES]
    assert list(written(found)) == ["no-copy"]


def test_a_server_that_is_not_in_the_run_keeps_what_it_has() -> None:
    found = observed(hosts=HOSTS - {"archived"})
    assert StepName.STOP_STREAMING not in steps(found)
    assert "archived" not in written(found)
    assert any("archived is not in this run" in text for text in planned(found).waiting)


def test_a_released_server_has_a_successor_that_is_healthy_and_has_a_backup() -> None:
    final = written(observed())
    released = {name: name in final for name in ("moved", "renamed", "swapped", "no-copy")}
    assert released == {"moved": True, "renamed": False, "swapped": False, "no-copy": True}
    assert steps(observed())[StepName.RELEASE_SERVERS].servers == ("moved",)


def test_what_waits_has_a_reason() -> None:
    waiting = planned(observed()).waiting
    assert len(waiting) == 2
    assert any("has no backup of it yet" in text and "'swapped'" in text for text in waiting)


@pytest.mark.parametrize(
    ("state", "healthy", "stops"),
    [
        (Postgres(archives=True), True, True),
        (Postgres(archives=True), False, False),
        (Postgres(archives=True, stopped=True), True, False),
        (Postgres(), True, False),
    ],
)
def test_archiving_stops_when_its_successor_is_healthy(state: Postgres, healthy: bool, stops: bool) -> None:
    found = observed(
        operations={HERE: Operation(), ELSEWHERE: Operation(frozenset(("moved",) if healthy else ()))},
        postgres={"moved": state},
    )
    assert (StepName.STOP_ARCHIVING in steps(found, "moved")) == stops


@pytest.mark.parametrize(
    ("more", "removed"),
    [
        ({}, True),
        ({"hosts": HOSTS - {ELSEWHERE}}, False),
        ({"operations": {HERE: Operation(), ELSEWHERE: OPERATION_ELSEWHERE}}, False),
        ({"entries": {HERE: Entries([entry("before", "renamed")]), ELSEWHERE: Entries()}}, False),
        ({"entries": {HERE: Entries()}}, False),
    ],
    ids=["no backup server needs them", "one is not in the run", "unhealthy", "held by an entry", "entries not read"],
)
def test_rules_go_if_no_backup_server_can_need_them(more: dict[str, Any], removed: bool) -> None:
    values = {
        "entries": {HERE: Entries(), ELSEWHERE: Entries()},
        "postgres": {"renamed": Postgres(rules_undeclared=True)},
    }
    found = observed(("new",), **{**values, **more})
    assert (StepName.REMOVE_RULES in steps(found, "renamed")) == removed
    assert bool(planned(found, "renamed").waiting) != removed


@pytest.mark.parametrize(
    ("state", "incoming", "pruned"),
    [
        (Postgres(stopped=True), False, True),
        (Postgres(), True, True),
        (Postgres(), False, False),
        (Postgres(foreign_archiving=True), True, False),
    ],
)
def test_wal_of_archive_command_is_pruned_when_nothing_arrives(state: Postgres, incoming: bool, pruned: bool) -> None:
    found = observed(
        entries={HERE: Entries(), ELSEWHERE: Entries()},
        operations={HERE: Operation(frozenset(("new",)), frozenset(), frozenset(("new",) if incoming else ()))},
        postgres={"renamed": state},
    )
    assert (StepName.PRUNE_INCOMING in steps(found)) == pruned


def test_an_entry_that_is_archived_waits_until_postgresql_stops() -> None:
    entries = {HERE: Entries(handing_over={"new": ["archiving"]}), ELSEWHERE: Entries()}
    waits = observed(("new",), entries=entries, postgres={"renamed": Postgres(archives=True)})
    assert written(waits) == {}
    assert StepName.STOP_ARCHIVING in steps(waits, "renamed")
    then = observed(("new",), entries=entries, postgres={"renamed": Postgres(archives=True, stopped=True)})
    assert list(written(then)) == ["new"]
