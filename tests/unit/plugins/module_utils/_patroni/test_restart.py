# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members restart one after the other: the replicas first, then the leader."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.waiting import WaitTimeout
from ansible_collections.pgdr.barman.plugins.module_utils._patroni.control import Patroni
from ansible_collections.pgdr.barman.plugins.module_utils._patroni.plan import has_restarted, next_restart, waiting
from ansible_collections.pgdr.barman.plugins.module_utils._patroni.restart import MemberRestart, another_process

FILE = "/etc/patroni/17-main.yml"


def member(name: str, role: str = "Replica", *, pending: bool = True, state: str = "streaming") -> dict[str, Any]:
    return {"Member": name, "Role": role, "State": state, **({"Pending restart": "*"} if pending else {})}


LEADER, FIRST, SECOND = member("pg-1", "Leader", state="running"), member("pg-2"), member("pg-3")
ALL = [LEADER, FIRST, SECOND]


def done(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name != "Pending restart"}


def test_who_waits() -> None:
    assert waiting([LEADER, done(FIRST), SECOND]) == ["pg-1", "pg-3"]


@pytest.mark.parametrize(
    ("members", "name"),
    [
        (ALL, "pg-2"),
        ([SECOND, LEADER, FIRST], "pg-2"),
        ([LEADER, done(FIRST), SECOND], "pg-3"),
        ([LEADER, done(FIRST), done(SECOND)], "pg-1"),
        ([done(LEADER), done(FIRST)], None),
        ([member("pg-1", "Standby Leader"), FIRST], "pg-2"),
        ([member("pg-3", "Sync Standby"), LEADER], "pg-3"),
        # One is under way.
        ([LEADER, member("pg-2", state="restarting"), SECOND], None),
        ([LEADER, member("pg-2", pending=False, state="starting"), SECOND], None),
        # One that is down reads the DCS when it starts.
        ([LEADER, member("pg-2", state="stopped")], "pg-1"),
        ([], None),
    ],
)
def test_which_member_restarts_next(members: Sequence[Mapping[str, Any]], name: str | None) -> None:
    assert next_restart(members) == name


def test_a_member_that_runs_again() -> None:
    assert has_restarted([done(FIRST)], "pg-2")
    assert not has_restarted([FIRST], "pg-2")
    assert not has_restarted([member("pg-2", pending=False, state="starting")], "pg-2")
    assert not has_restarted([LEADER], "pg-2")


def test_only_the_members_that_wait_for_a_setting() -> None:
    """Patroni before 3.3 reports no reason."""
    lowered = {**FIRST, "Pending restart reason": "max_connections: 200->100\nmax_worker_processes: 9->8"}
    raised = {**SECOND, "Pending restart reason": "max_connections: 200->100\nmax_wal_senders: 4->10"}
    settings = ["max_wal_senders", "wal_level"]
    assert waiting([lowered, raised, LEADER], settings) == ["pg-3", "pg-1"]
    assert waiting([lowered, raised, LEADER]) == ["pg-2", "pg-3", "pg-1"]
    assert next_restart([lowered, raised, LEADER], settings) == "pg-3"
    assert next_restart([lowered, done(SECOND), LEADER], settings) == "pg-1"
    assert has_restarted([lowered], "pg-2", settings)
    assert not has_restarted([lowered], "pg-2")


class Cluster:
    """A cluster. lag: for how many lists after its restart a member still seems to wait. broken: a member whose restart fails.

    stuck: a replica that still waits after its restart, because max_connections was lowered. reasons: whether Patroni reports that.
    busy: for how many lists pg-2 restarts, which another run began.
    """

    def __init__(
        self,
        *members: dict[str, Any],
        lag: int = 1,
        broken: str = "",
        stuck: str = "",
        reasons: bool = True,
        busy: int = 0,
    ) -> None:
        self.members = {one["Member"]: dict(one) for one in members}
        self.restarted: list[str] = []
        self.seconds = 0.0
        self.lag = lag
        self.broken = broken
        self.lists: dict[str, int] = {}
        self.anew: set[str] = set()
        self.stuck = stuck
        self.busy = busy
        if reasons:
            for name, one in self.members.items():
                lowered = "max_connections: 200->100\n" if name == stuck else ""
                if "Pending restart" in one:
                    one["Pending restart reason"] = f"{lowered}max_wal_senders: 4->10"
        if busy:
            self.members["pg-2"]["State"] = "restarting"

    def run(self, command: Command) -> Completed:
        program, file, *words = command.argv
        assert (program, file) == ("patronictl", f"--config-file={FILE}")
        if words[0] == "list":
            self.busy -= 1
            if self.busy == 0:
                self.members["pg-2"]["State"] = "streaming"
                self._settle("pg-2")
            for name in [name for name, left in self.lists.items() if left == 0]:
                self._settle(name)
            self.lists = {name: left - 1 for name, left in self.lists.items() if left}
            return Completed(command.argv, 0, json.dumps(list(self.members.values())))
        assert words[:4] == ["restart", "--force", "--pending", "main"]
        name = words[4]
        # Patroni itself knows that it restarted.
        if name not in self.restarted and name != self.broken:
            self.restarted.append(name)
            self.lists[name] = self.lag
            self.anew.add(name)
        return Completed(command.argv, 0)

    def _settle(self, name: str) -> None:
        if name != self.stuck:
            self.members[name].pop("Pending restart", None)
        elif "Pending restart reason" in self.members[name]:
            self.members[name]["Pending restart reason"] = "max_connections: 200->100"

    def pause(self, seconds: float) -> None:
        self.seconds += seconds

    def restart(self, name: str, *, allowed: bool = True) -> None:
        patroni = Patroni(FILE, runner=self.run)
        one = MemberRestart(patroni, "main", name, 60, lambda: name in self.anew, lambda: self.seconds, self.pause)
        one.restart(["max_wal_senders"], allowed=allowed)


@pytest.mark.parametrize("lag", [0, 1, 5])
@pytest.mark.parametrize("order", list(itertools.permutations(["pg-1", "pg-2", "pg-3"])))
def test_the_replicas_restart_first_whoever_begins(order: Sequence[str], lag: int) -> None:
    cluster = Cluster(*ALL, lag=lag)
    for name in order:
        cluster.restart(name)
        assert name in cluster.restarted
    assert cluster.restarted == ["pg-2", "pg-3", "pg-1"]


def test_a_restart_that_is_not_allowed_names_the_command() -> None:
    cluster = Cluster(*ALL)
    with pytest.raises(HostError, match=rf"'patronictl -c {FILE} restart main MEMBER' when it suits you, the replicas"):
        cluster.restart("pg-2", allowed=False)
    assert cluster.restarted == []


def test_the_leader_does_not_restart_before_a_replica_whose_restart_fails() -> None:
    cluster = Cluster(*ALL, broken="pg-2")
    with pytest.raises(WaitTimeout, match="member pg-2 to run with its new settings"):
        cluster.restart("pg-1")
    assert cluster.restarted == []


# 250 lists are 500 seconds, less than patronictl may take for the other member.
@pytest.mark.parametrize("busy", [2, 4, 20, 250])
def test_a_member_waits_for_the_restart_of_another_one_and_restarts_then(busy: int) -> None:
    cluster = Cluster(LEADER, FIRST, busy=busy)
    cluster.restart("pg-1")
    assert cluster.restarted == ["pg-1"]


def test_a_member_whose_restart_does_not_end_is_no_endless_wait() -> None:
    cluster = Cluster(LEADER, FIRST, busy=1000)
    with pytest.raises(WaitTimeout, match="the other members to run, so that member pg-1 can restart"):
        cluster.restart("pg-1")
    assert cluster.restarted == []


def test_a_member_that_starts_slowly_has_as_long_as_patronictl() -> None:
    cluster = Cluster(FIRST, LEADER, lag=250)
    cluster.restart("pg-1")
    assert cluster.restarted == ["pg-2", "pg-1"]
    with pytest.raises(WaitTimeout, match=r"member pg-2 to run with its new settings .*: not within 600 s"):
        Cluster(FIRST, LEADER, lag=400).restart("pg-1")


def test_a_restart_that_took_long_leaves_patroni_time_to_report_it() -> None:
    cluster = Cluster(FIRST, LEADER, lag=25)
    run = cluster.run

    def slow(command: Command) -> Completed:
        if command.argv[2] == "restart":
            assert command.timeout == 600
            cluster.pause(595)
        return run(command)

    cluster.run = slow  # type: ignore[method-assign]
    cluster.restart("pg-2")
    assert cluster.restarted == ["pg-2"]


@pytest.mark.parametrize("order", list(itertools.permutations(["pg-1", "pg-2", "pg-3"])))
def test_a_replica_that_waits_for_its_leader_as_well_restarts_once(order: Sequence[str]) -> None:
    cluster = Cluster(*ALL, stuck="pg-2")
    calls: list[str] = []
    run = cluster.run

    def counted(command: Command) -> Completed:
        calls.extend(command.argv[6:] if command.argv[2] == "restart" else [])
        return run(command)

    cluster.run = counted  # type: ignore[method-assign]
    for name in order:
        cluster.restart(name)
    assert calls == cluster.restarted == ["pg-2", "pg-3", "pg-1"]


def test_before_patroni_3_3_such_a_replica_ends_and_its_leader_names_it() -> None:
    cluster = Cluster(LEADER, FIRST, stuck="pg-2", reasons=False)
    cluster.restart("pg-2")
    with pytest.raises(WaitTimeout, match="member pg-2 to run with its new settings"):
        cluster.restart("pg-1")
    assert cluster.restarted == ["pg-2"]


def test_patroni_does_not_report_that_it_waits() -> None:
    with pytest.raises(HostError, match=r"max_wal_senders of its PostgreSQL is too low.*overrides the DCS"):
        Cluster(done(LEADER)).restart("pg-1")


def test_another_process_than_when_the_settings_were_read(tmp_path: Path) -> None:
    assert another_process(str(tmp_path), 4711) is None
    (tmp_path / "postmaster.pid").write_text("4711\n/data\n")
    assert another_process(str(tmp_path), 4711) is False
    assert another_process(str(tmp_path), 4712) is True
    assert another_process(str(tmp_path), None) is None
    assert another_process(None, 4711) is None
