# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a decommission, on hosts that only note what was done: it goes on from wherever a run was killed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.decommission import (
    BarmanWork,
    HostWork,
    PostgresWork,
    SshWork,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.decommission_plan import (
    BarmanFinding,
    Choices,
    DecommissionPlan,
    DecommissionStep,
    EntryFinding,
    Fleet,
    HostSteps,
    PostgresFinding,
    ReceiverFinding,
    plan,
)

OURS = "barman-wal-archive --user barman 198.51.100.11 pg %p # pgdr.barman"
NOTHING = "/bin/true # pgdr.barman"
WORK = {
    "pg": HostWork(
        PostgresWork(("barman_receive_wal",), archiving=True, slots=("barman",), roles=("barman",)), whole=True
    ),
    "backup": HostWork(None, BarmanWork(("pg",), ("other",)), SshWork(("barman",), (), ("pg",))),
    "passive": HostWork(None, BarmanWork(("pg",), ())),
}
ACTIVE = EntryFinding("pg", streaming=True, slot_name="barman")
COPY = EntryFinding("pg", passive=True)
OTHER = EntryFinding("other", streaming=True, slot_name="barman")


@dataclass
class World:
    """What there is on the hosts. answers: whether PostgreSQL does. released: hosts, by what the steps release at once."""

    names: str = 'FIRST 1 ("barman_receive_wal")'
    command: str = OURS
    mode: str = "on"
    slot: bool = True
    role: bool = True
    answers: bool = True
    receiving: bool = True
    entries: dict[str, dict[str, EntryFinding]] = field(
        default_factory=lambda: {"backup": {"pg": ACTIVE, "other": OTHER}, "passive": {"pg": COPY}}
    )
    data: set[str] = field(default_factory=lambda: {"backup", "passive"})
    files: set[str] = field(default_factory=lambda: {"backup", "passive"})
    trust: set[str] = field(default_factory=lambda: {"pg", "backup", "passive"})
    last_backups: dict[str, str] = field(default_factory=dict)
    done: list[tuple[str, DecommissionStep]] = field(default_factory=list)

    def fleet(self, unknown: tuple[str, ...] = ()) -> Fleet:
        found = (
            PostgresFinding(
                "",
                self.names,
                self.command,
                self.mode,
                ("drop the replication slot barman",) * self.slot + ("drop the database role barman",) * self.role,
            )
            if self.answers
            else PostgresFinding("it does not answer")
        )
        receiver = (
            ReceiverFinding(found=self.receiving or self.slot)
            if self.answers
            else ReceiverFinding("connection refused", "refused")
        )
        return Fleet(
            WORK,
            {"pg": found},
            {
                host: BarmanFinding("", entries, {"pg": receiver}, self.last_backups if host == "backup" else {})
                for host, entries in self.entries.items()
            },
            {"pg": "pg", "other": "other"},
            unknown,
        )

    def apply(self, host: str, step: DecommissionStep, steps: HostSteps) -> None:
        self.done.append((host, step))
        entries = self.entries.get(host, {})
        if step is DecommissionStep.BACK_UP:
            assert entries["pg"].active
            # It would wait for its WAL for ever.
            assert self.receiving if entries["pg"].streaming else self.command == OURS
            self.last_backups["pg"] = "20261130T120000"
        elif step is DecommissionStep.DISABLE_SYNCHRONOUS:
            self.names = ""
        elif step is DecommissionStep.STOP_ARCHIVING:
            self.command = NOTHING
        elif step is DecommissionStep.STOP_RECEIVERS:
            # Commits would hang.
            assert self.names == "" or not self.answers
            self.receiving = False
            self.slot = self.slot and bool(steps.stopped)
        elif step is DecommissionStep.DEACTIVATE:
            # Barman's cron would start it again.
            assert not self.receiving or host == "passive"
            entries.update({name: replace(entries[name], active=False) for name in steps.deactivate})
        elif step is DecommissionStep.REMOVE_DATA:
            assert not entries["pg"].active
            self.data.discard(host)
        elif step is DecommissionStep.UPDATE_FILES:
            self.files.discard(host)
        elif step is DecommissionStep.RELEASE_POSTGRES:
            assert not self.receiving
            self.slot = self.role = False
        elif step is DecommissionStep.RELEASE_SSH:
            self.trust.discard(host)
        else:
            assert host not in self.data
            for name in steps.entries:
                del entries[name]

    def state(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "done"}


def in_order(planned: DecommissionPlan) -> Iterator[tuple[str, DecommissionStep]]:
    """As the playbook has them: each step on all hosts."""
    for step in DecommissionStep:
        yield from ((host, step) for host, steps in planned.hosts.items() if step in steps.steps)


def run(world: World, choices: Choices, most: int | None = None) -> None:
    """Plan, and do the first steps; all of them by default."""
    planned = plan(world.fleet(), choices)
    assert planned.problems == ()
    for host, step in list(in_order(planned))[:most]:
        world.apply(host, step, planned.hosts[host])


CHOICES = st.builds(
    Choices, st.just(("pg",)), backups=st.sampled_from(["kept", "exported", "removed"]), last_backup=st.booleans()
)


@given(CHOICES, st.booleans(), st.lists(st.integers(0, 20), max_size=4))
def test_wherever_runs_are_killed_the_end_is_the_same(choices: Choices, answers: bool, kills: list[int]) -> None:
    whole, killed = World(answers=answers), World(answers=answers)
    run(whole, choices)
    for most in kills:
        run(killed, choices, most)
    run(killed, choices)
    assert killed.state() == whole.state()
    # What is there at the end is what was requested to stay.
    assert whole.entries["backup"].keys() == ({"pg", "other"} if choices.backups == "kept" else {"other"})
    assert whole.entries["backup"]["other"].active
    assert whole.data == ({"backup", "passive"} if choices.backups == "kept" else set())
    assert (whole.receiving, whole.files) == (False, set())
    assert (whole.slot, whole.role, whole.names != "") == ((False,) * 3 if answers else (True,) * 3)
    assert whole.trust == (set() if answers else {"pg"})


@given(CHOICES, st.integers(0, 20))
def test_a_second_plan_has_the_remaining_steps(choices: Choices, most: int) -> None:
    world = World()
    planned = list(in_order(plan(world.fleet(), choices)))
    run(world, choices, most)
    left = list(in_order(plan(world.fleet(), choices)))
    # These are the same again and again, and change nothing then.
    repeated = {DecommissionStep.UPDATE_FILES, DecommissionStep.RELEASE_POSTGRES, DecommissionStep.RELEASE_SSH}
    again = {DecommissionStep.BACK_UP, DecommissionStep.REMOVE_DATA, DecommissionStep.STOP_RECEIVERS}
    rest = [one for one in planned[most:] if one[1] not in repeated]
    assert [one for one in left if one[1] not in repeated | again] == [one for one in rest if one[1] not in again]
    assert {one for one in left if one[1] in repeated} == {one for one in planned if one[1] in repeated}


def test_commits_never_wait_for_a_receiver_that_was_stopped() -> None:
    planned = plan(World().fleet(), Choices(("pg",)))
    order = [step for _host, step in in_order(planned)]
    assert order.index(DecommissionStep.DISABLE_SYNCHRONOUS) < order.index(DecommissionStep.STOP_RECEIVERS)
    assert planned.lines[0] == "pg: disable synchronous commit to Barman"


def test_a_server_that_does_not_answer_leaves_its_slot_as_a_manual_step() -> None:
    planned = plan(World(answers=False).fleet(), Choices(("pg",), last_backup=True))
    assert planned.hosts["pg"].steps == ()
    assert planned.hosts["backup"].stopped == ("pg",)
    assert planned.hosts["backup"].absent == ()
    assert any("SELECT pg_drop_replication_slot('barman')" in text for text in planned.left)
    assert any(text.startswith("pg is not changed: it does not answer") for text in planned.left)
    assert any(text.startswith("No last backup is taken") for text in planned.left)


def test_a_receiver_with_another_error_ends_the_run_before_it_begins() -> None:
    fleet = World().fleet()
    barman = replace(fleet.barman["backup"], receivers={"pg": ReceiverFinding("the slot is in use", "slot_active")})
    (problem,) = plan(replace(fleet, barman={**fleet.barman, "backup": barman}), Choices(("pg",))).problems
    assert problem == "backup: the slot is in use"


def test_a_backup_that_could_never_be_complete_is_not_taken() -> None:
    world = World(command=NOTHING)
    world.entries["backup"]["pg"] = replace(ACTIVE, streaming=False)
    assert plan(world.fleet(), Choices(("pg",), last_backup=True)).hosts["backup"].back_up == ()
    (problem,) = plan(world.fleet(), Choices(("pg",), last_backup=True)).problems
    assert problem.startswith(
        "backup: no last backup of 'pg' can be taken, because nothing delivers its WAL: archiving is off."
    )
    assert plan(world.fleet(), Choices(("pg",))).problems == ()
    world.command = OURS
    assert plan(world.fleet(), Choices(("pg",), last_backup=True)).hosts["backup"].back_up == ("pg",)


def test_a_last_backup_of_an_earlier_run_is_named_and_not_taken_again() -> None:
    world, choices = World(), Choices(("pg",), last_backup=True)
    # Up to the end of the receiver and of its slot; the entry is still active.
    run(world, choices, 4)
    assert not world.receiving
    assert world.entries["backup"]["pg"].active
    planned = plan(world.fleet(), choices)
    assert planned.hosts["backup"].back_up == ()
    assert planned.problems == ()
    assert "backup: the last backup of 'pg' is 20261130T120000. An earlier run has taken it" in planned.left
    world.last_backups.clear()
    (problem,) = plan(world.fleet(), choices).problems
    assert "its WAL receiver does not run, and its slot does not exist" in problem


def test_a_name_that_nobody_has_is_an_error_with_the_known_ones() -> None:
    fleet = World().fleet(unknown=("pgg",))
    (problem,) = plan(fleet, Choices(("pgg",))).problems
    assert "no server 'pgg', and backup, passive no entry of that name" in problem
    assert problem.endswith("Known servers: other, pg")
    assert plan(World().fleet(unknown=("pg",)), Choices(("pg",))).problems == ()


def test_the_trust_of_a_host_that_left_the_inventory_goes_and_other_undeclared_entries_stay() -> None:
    world = World()
    world.entries["backup"]["hidden"] = EntryFinding("hidden")
    steps = plan(world.fleet(unknown=("pg",)), Choices(("pg",))).hosts["backup"]
    assert steps.former_hosts == ("pg",)
    assert steps.undeclared == ("hidden",)


def test_a_backup_server_that_undeclared_entries_need_is_not_decommissioned() -> None:
    world = World()
    fleet = replace(
        world.fleet(), work={**WORK, "passive": HostWork(None, BarmanWork(("pg",), (), whole=True), whole=True)}
    )
    assert plan(fleet, Choices(("pg",))).problems == ()
    world.entries["passive"]["hidden"] = EntryFinding("hidden")
    (problem,) = plan(fleet, Choices(("pg",))).problems
    assert problem.startswith(
        "passive: the inventory does not declare these active entries: hidden. Put their hosts back"
    )
    # To name a server that was moved would end its backups elsewhere.
    world.entries["passive"]["hidden"] = EntryFinding("hidden", active=False)
    world.entries["passive"]["other"] = OTHER
    (problem,) = plan(fleet, Choices(("pg",))).problems
    assert problem.startswith("passive: the entries of other are active there still")
    assert "barman_decommission_servers" not in problem
    del world.entries["passive"]["other"]
    world.entries["passive"]["hidden"] = EntryFinding("hidden", active=False)
    assert plan(fleet, Choices(("pg",))).problems == ()


def test_the_program_goes_with_the_last_active_entry() -> None:
    world = World()
    assert [plan(world.fleet(), Choices(("pg",))).hosts[host].program for host in ("backup", "passive")] == [
        "present",
        "absent",
    ]
    world.entries["passive"]["hidden"] = EntryFinding("hidden")
    planned = plan(world.fleet(), Choices(("pg",)))
    assert planned.hosts["passive"].program == "kept"
    (text,) = [text for text in planned.left if text.startswith("passive: the program pgdr-barman")]
    assert "hidden" in text
    world.entries["passive"]["hidden"] = EntryFinding("hidden", active=False)
    assert plan(world.fleet(), Choices(("pg",))).hosts["passive"].program == "absent"


FORMER = EntryFinding(
    "old-host",
    streaming=True,
    slot_name="b's",
    archiving=True,
    users=("barman", "streaming_barman"),
    receiver_name="barman_receive_wal",
)


@pytest.mark.parametrize("active", [True, False])
def test_a_server_that_left_the_inventory_has_manual_steps(active: bool) -> None:
    work = {"backup": HostWork(None, BarmanWork(("old",), ("pg",)))}
    found = {"backup": BarmanFinding("", {"old": replace(FORMER, active=active), "pg": ACTIVE})}
    fleet = Fleet(work, {}, found, {"pg": "pg"}, ("old",))
    (text,) = [text for text in plan(fleet, Choices(("old",))).left if "PostgreSQL of server 'old'" in text]
    for part in (
        "(old-host)",
        "remove barman_receive_wal from synchronous_standby_names, before this run",
        "under Patroni",
        "ALTER SYSTEM SET archive_command = '/bin/true'",
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'b''s'",
        'DROP OWNED BY "barman"; DROP ROLE "barman"',
        'DROP OWNED BY "streaming_barman"; DROP ROLE "streaming_barman"',
        "# BEGIN pgdr.barman",
        "authorized_keys",
    ):
        assert part in text
    # A passive copy shows nothing of the server, and the inventory has the others.
    copy = {"backup": BarmanFinding("", {"old": replace(FORMER, passive=True)})}
    assert not any("PostgreSQL of" in text for text in plan(replace(fleet, barman=copy), Choices(("old",))).left)
    known = replace(fleet, unknown=())
    assert not any("PostgreSQL of" in text for text in plan(known, Choices(("old",))).left)


@pytest.mark.parametrize(("mode", "left"), [("on", False), ("off", True)])
def test_the_command_that_does_nothing_goes_after_the_restart(mode: str, left: bool) -> None:
    planned = plan(World(command=NOTHING, mode=mode).fleet(), Choices(("pg",)))
    assert (DecommissionStep.STOP_ARCHIVING in planned.hosts["pg"].steps) is left


def test_a_setting_that_waits_for_a_restart_is_named() -> None:
    fleet = World().fleet()
    postgres = {"pg": replace(fleet.postgres["pg"], restart=("archive_mode",), left=("role x stays",))}
    planned = plan(replace(fleet, postgres=postgres), Choices(("pg",)))
    assert "pg: archive_mode takes effect at a restart of PostgreSQL only" in planned.lines
    assert "pg: role x stays" in planned.left


def test_a_backup_server_that_ends_names_what_stays_with_its_packages() -> None:
    fleet = World().fleet()
    work = {**WORK, "passive": HostWork(None, BarmanWork(("pg",), (), whole=True), whole=True)}
    planned = plan(replace(fleet, work=work), Choices(("pg",)))
    assert any(text.startswith("passive: Barman's packages, user and home stay") for text in planned.left)


def waiting(world: World, finding: ReceiverFinding, unknown: tuple[str, ...] = ()) -> Fleet:
    fleet = world.fleet(unknown)
    return replace(fleet, barman={**fleet.barman, "backup": replace(fleet.barman["backup"], receivers={"pg": finding})})


COMMITS_WAIT = ReceiverFinding(found=True, commits_wait='FIRST 1 ("barman_receive_wal")')


def test_a_receiver_that_commits_wait_for_is_stopped_if_the_run_disables_that() -> None:
    planned = plan(waiting(World(), COMMITS_WAIT), Choices(("pg",)))
    assert (planned.problems, planned.hosts["backup"].absent) == ((), ("pg",))


def test_without_a_way_to_the_postgresql_server_nothing_is_done_if_commits_wait() -> None:
    (problem,) = plan(waiting(World(answers=False), COMMITS_WAIT), Choices(("pg",))).problems
    assert "every commit on the PostgreSQL server of 'pg' would hang" in problem
    assert "(it does not answer)" in problem
    assert "ALTER SYSTEM SET synchronous_standby_names" in problem


@pytest.mark.parametrize("left", ["not managed", "not in the inventory", "a name that is not ours"])
def test_servers_whose_commits_this_run_does_not_change(left: str) -> None:
    fleet = waiting(World(names="barman_receive_wal" if left == "a name that is not ours" else ""), COMMITS_WAIT)
    if left == "not managed":
        fleet = replace(fleet, work={"pg": HostWork(None), "backup": WORK["backup"]}, postgres={})
    elif left == "not in the inventory":
        fleet = replace(fleet, work={"backup": WORK["backup"]}, postgres={}, served={}, unknown=("pg",))
    (problem,) = plan(fleet, Choices(("pg",))).problems
    assert problem.startswith("backup: every commit on the PostgreSQL server of 'pg' would hang")


def test_a_receiver_of_an_inactive_entry_is_stopped_if_it_is_there() -> None:
    world = World(names="")
    world.entries["backup"]["pg"] = replace(ACTIVE, active=False)
    assert plan(waiting(world, ReceiverFinding()), Choices(("pg",))).hosts["backup"].absent == ()
    assert plan(waiting(world, ReceiverFinding(found=True)), Choices(("pg",))).hosts["backup"].absent == ("pg",)
    gone = ReceiverFinding("connection refused", "refused")
    steps = plan(waiting(world, gone), Choices(("pg",))).hosts["backup"]
    assert (steps.absent, steps.stopped) == ((), ())
    steps = plan(waiting(world, replace(gone, found=True)), Choices(("pg",))).hosts["backup"]
    assert (steps.absent, steps.stopped) == ((), ("pg",))
