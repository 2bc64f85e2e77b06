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


class Cluster:
    """A cluster. lag: for how many lists after its restart a member still seems to wait. broken: a member whose restart fails."""

    def __init__(self, *members: dict[str, Any], lag: int = 1, broken: str = "") -> None:
        self.members = {one["Member"]: dict(one) for one in members}
        self.restarted: list[str] = []
        self.seconds = 0.0
        self.lag = lag
        self.broken = broken
        self.lists: dict[str, int] = {}
        self.anew: set[str] = set()

    def run(self, command: Command) -> Completed:
        program, file, *words = command.argv
        assert (program, file) == ("patronictl", f"--config-file={FILE}")
        if words[0] == "list":
            for name in [name for name, left in self.lists.items() if left == 0]:
                self.members[name].pop("Pending restart", None)
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
