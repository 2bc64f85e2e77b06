# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From any architecture to any other no WAL is lost, and all ends in one state.

Any hosts may be in the run, any of them may fail, and the run may end anywhere.
"""

from __future__ import annotations

import contextlib
import copy
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import Outcome, build
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.handover import Step, StepName
from tests.unit.plugins.plugin_utils._topology.fleet import Deployment, Fleet, Interrupted
from tests.unit.plugins.plugin_utils._topology.inventories import backup, pg

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)

BACKUPS = ("backup-0", "backup-1", "backup-2")
SERVERS = ("pg-0", "pg-1")


@st.composite
def inventories(draw, unmanaged: tuple[bool, ...]):
    """An inventory of the same hosts, of any architecture."""
    hosts: dict[str, dict[str, Any]] = {}
    for number, host in enumerate(SERVERS):
        backup_server = draw(st.sampled_from(BACKUPS))
        variables = pg(
            f"10.0.0.{number + 1}",
            barman_backup_server=backup_server,
            barman_manage_postgres=not unmanaged[number],
            barman_backup_method=draw(st.sampled_from(["postgres", "rsync"])),
            barman_wal=draw(st.sampled_from([["streaming"], ["archiving"], ["streaming", "archiving"]])),
        )
        if "streaming" in variables["barman_wal"]:
            variables["barman_slot_name"] = draw(st.sampled_from(["barman", f"other_{number}"]))
        variables["barman_server_name"] = draw(st.sampled_from([host, f"main-{number}"]))
        others = [name for name in BACKUPS if name != backup_server]
        variables["barman_passive_servers"] = draw(st.lists(st.sampled_from(others), max_size=1))
        hosts[host] = variables
    backups = {name: backup(f"198.51.100.{number + 1}", barman_allow_empty=True) for number, name in enumerate(BACKUPS)}
    found = build(hosts, backups)
    assume(not found.problems)
    return found


@dataclass(repr=False)
class Case:
    """Two architectures of a fleet, and how the run from the first to the second goes."""

    before: Outcome
    after: Outcome
    hosts: set[str]
    unhealthy: list[str]
    with_backup: list[tuple[str, str]]
    failures: set[tuple[str, StepName]]
    ends_after: int

    def __repr__(self) -> str:
        """Short: only what differs between the servers of the two architectures."""
        shown = ("backup_server", "name", "wal", "slot_name", "passive_servers", "manage")
        servers = [
            {host: [server[one] for one in shown] for host, server in outcome.topology["postgres_servers"].items()}
            for outcome in (self.before, self.after)
        ]
        run = (self.hosts, self.unhealthy, self.with_backup, self.failures, self.ends_after)
        return f"Case(servers={servers}, run={run})"


@st.composite
def cases(draw):
    unmanaged = tuple(draw(st.lists(st.booleans(), min_size=len(SERVERS), max_size=len(SERVERS))))
    before, after = draw(inventories(unmanaged)), draw(inventories(unmanaged))
    managed = [host for host in SERVERS if before.topology["postgres_servers"][host]["manage"]]
    names = [server["name"] for server in after.topology["postgres_servers"].values()]
    every = [(server["backup_server"], server["name"]) for server in after.topology["postgres_servers"].values()]
    # Whole runs without a failure are as likely as all others together.
    usual = draw(st.booleans())
    everybody = {*BACKUPS, *managed}
    return Case(
        before,
        after,
        everybody if usual else draw(st.sets(st.sampled_from(sorted(everybody)))),
        [] if usual else draw(st.lists(st.sampled_from(names))),
        every if usual else draw(st.lists(st.sampled_from(every))),
        set()
        if usual
        else draw(st.sets(st.tuples(st.sampled_from(sorted(everybody)), st.sampled_from(list(StepName))))),
        draw(st.integers(0, 6)),
    )


def everybody(outcome: Outcome) -> set[str]:
    servers = outcome.topology["postgres_servers"]
    return {*outcome.topology["backup_servers"], *(host for host in servers if servers[host]["manage"])}


def deployed(outcome: Outcome, fleet: Fleet | None = None) -> Fleet:
    """The fleet after a run of all hosts in which everything is healthy and has a backup."""
    fleet = fleet or Fleet()
    servers = outcome.topology["postgres_servers"].values()
    backups = [(server["backup_server"], server["name"]) for server in servers]
    left = Deployment(fleet, outcome, everybody(outcome), (), backups).run()
    assert [found.steps for found in left.values() if found.steps] == []
    return fleet


@quick
@given(cases())
def test_no_server_is_ever_left_without_a_way_for_its_wal(case):
    fleet = deployed(case.before)
    assert all(fleet.wal_connections(server) for server in SERVERS)
    run = Deployment(fleet, case.after, set(case.hosts), case.unhealthy, case.with_backup)
    had: dict[str, bool] = {}

    def before(host: str, step: Step) -> bool:
        had.update({server: bool(fleet.wal_connections(server)) for server in SERVERS})
        return (host, step.name) in case.failures

    def after(host: str, step: Step) -> None:
        for server in SERVERS:
            assert fleet.wal_connections(server) or not had[server], (
                f"{step.name} on {host} left {server} without a way"
            )

    run.before, run.after = before, after
    run.run()


@quick
@given(cases())
def test_no_step_touches_a_host_that_is_not_in_the_run_or_failed(case):
    fleet = deployed(case.before)
    run = Deployment(fleet, case.after, set(case.hosts), case.unhealthy, case.with_backup)
    snapshot: dict[str, Any] = {}

    def before(host: str, step: Step) -> bool:
        assert host in run.hosts
        snapshot.update(copy.deepcopy({"fleet": fleet}))
        return (host, step.name) in case.failures

    def after(host: str, step: Step) -> None:
        then = snapshot["fleet"]
        for server, state in case.after.topology["postgres_servers"].items():
            if state["manage"] and server not in run.hosts:
                assert fleet.slots.get(server) == then.slots.get(server)
                assert fleet.rules.get(server) == then.rules.get(server)
                assert fleet.archive.get(server) == then.archive.get(server)
        for other in BACKUPS:
            if other != host:
                assert fleet.entries.get(other) == then.entries.get(other)

    run.before, run.after = before, after
    run.run()


@quick
@given(cases())
def test_slots_and_entries_go_only_if_their_successor_is_healthy_and_has_a_backup(case):
    fleet = deployed(case.before)
    run = Deployment(fleet, case.after, set(case.hosts), case.unhealthy, case.with_backup)

    def before(host: str, step: Step) -> bool:
        for name in step.servers if step.name is StepName.RELEASE_SERVERS else ():
            server = case.after.topology["postgres_servers"][fleet.entries[host][name].host]
            assert server["name"] in run.operations[server["backup_server"]].healthy
            assert (server["backup_server"], server["name"]) in case.with_backup
        return False

    run.before = before
    run.run()


@quick
@given(cases())
def test_a_run_after_one_that_ended_anywhere_ends_in_the_same_state(case):
    start = deployed(case.before)
    straight = deployed(case.after, copy.deepcopy(start))
    again = copy.deepcopy(start)
    done: list[str] = []

    def after(host: str, step: Step) -> None:
        done.append(host)
        if len(done) > case.ends_after:
            raise Interrupted

    run = Deployment(again, case.after, set(case.hosts), case.unhealthy, case.with_backup, after=after)
    run.before = lambda host, step: (host, step.name) in case.failures
    with contextlib.suppress(Interrupted):
        run.run()
    assert deployed(case.after, again) == straight


@quick
@given(cases())
def test_a_whole_run_leaves_what_is_declared_and_nothing_else(case):
    fleet = deployed(case.after, deployed(case.before))
    for host, requirements in case.after.requirements.items():
        if "barman" in requirements:
            active = {name for name, entry in fleet.entries[host].items() if entry.active}
            assert active == {entry["name"] for entry in requirements["barman"]["servers"]}
            for entry in requirements["barman"]["servers"]:
                there = fleet.entries[host][entry["name"]]
                assert (there.passive, there.streaming, there.archiving) == (
                    entry["passive"],
                    entry["streaming"],
                    entry["archiving"],
                )
        elif requirements["postgres"]["manage"]:
            assert fleet.slots.get(host, set()) == set(requirements["postgres"]["slots"])
            if not requirements["postgres"]["archiving"]:
                assert fleet.archive.get(host) is None


@quick
@given(cases())
def test_what_does_not_happen_has_a_reason(case):
    fleet = deployed(case.before)
    run = Deployment(fleet, case.after, set(case.hosts), case.unhealthy, case.with_backup)
    left = run.run()
    for host, entries in run.found.items():
        moving = [name for name, former in entries.open() if list(former) != ["server"]]
        others = [entry for entry in entries.others() if entry["host"] in SERVERS]
        assert len(left[host].waiting) == len(moving) + len(others)
