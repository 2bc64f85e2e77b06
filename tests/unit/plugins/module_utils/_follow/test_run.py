# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Following a cluster, with members and a Barman that are played."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._follow.run import FollowTools, follow
from ansible_collections.pgdr.barman.plugins.module_utils._host.lock import exclusive
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal
from ansible_collections.pgdr.barman.plugins.module_utils._wal_receiver.process import change_lock
from tests.unit.plugins.module_utils._wal_receiver.streaming_world import MIB, FakeSlot, StreamingWorld

A, B = "198.51.100.21:5432", "198.51.100.22:5432"


class ClusterWorld(StreamingWorld):
    """members: what each answers, None if it does not. Only the primary has the played PostgreSQL's slots."""

    def __init__(self, path: Path) -> None:
        hosts = "host=198.51.100.21,198.51.100.22 port=5432,5432"
        super().__init__(
            path,
            conninfo=f"{hosts} user=barman dbname=postgres target_session_attrs=read-write",
            streaming_conninfo=f"{hosts} user=streaming_barman target_session_attrs=read-write",
        )
        self.primaries = [A]
        self.answering = [A, B]
        self.standby_slots: dict[str, Any] = {}
        self.asked: list[str] = []
        self.reported: list[str] = []

    def ask(self, questions: Any, user: str | None, timeout: float) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, question in questions.items():
            address = key.split()[1]
            self.asked.append(question.conninfo)
            if address not in self.answering:
                found[key] = HostError("it does not answer")
                continue
            leads = address in self.primaries
            slot = self.postgres.slots.get("barman") if leads else None
            found[key] = {
                "in_recovery": not leads,
                "timeline": self.postgres.timeline,
                "patroni": False,
                "redo": wal.format_lsn(self.postgres.redo),
                "segment_size": wal.DEFAULT_SEGMENT_SIZE,
                "slot_name": None if slot is None else "barman",
                "active": slot is not None and slot.active_pid is not None,
                "active_pid": None if slot is None else slot.active_pid,
                "restart_lsn": None if slot is None else wal.format_lsn(slot.restart_lsn),
                "wal_status": None if slot is None else slot.wal_status,
            }
        return found

    def follow(self, seconds: float = 0.0, *, managed: bool = True) -> bool:
        tools = FollowTools(
            self.barman, self.ask, self.connect, self.reported.append, self.clock, self.pause, self.command_line
        )
        return follow(tools, {"main": managed}, None, seconds)


@pytest.fixture
def world(tmp_path: Path) -> ClusterWorld:
    made = ClusterWorld(tmp_path)
    made.postgres.slots["barman"] = FakeSlot(5 * MIB)
    assert made.ensure_receiver("started").error is None
    made.log.clear()
    return made


def test_each_member_is_asked_alone(world: ClusterWorld) -> None:
    assert world.follow()
    assert [text.split()[0] for text in world.asked] == ["host=198.51.100.21", "host=198.51.100.22"]
    assert not any("target_session_attrs" in text for text in world.asked)
    assert (world.log, world.reported) == ([], [])


def test_after_a_failover_the_receiver_is_started(world: ClusterWorld) -> None:
    world.stop_receiver()
    world.primaries, world.answering = [B], [B]
    assert world.follow(10)
    assert world.pid is not None
    assert world.reported == ["main: the WAL receiver was started"]
    assert world.postgres.switches == 1, "the failover closes no segment: the first start of this test did"


def test_without_a_primary_nothing_is_started(world: ClusterWorld) -> None:
    world.stop_receiver()
    world.primaries = []
    assert world.follow(10)
    assert world.pid is None


def test_what_the_new_primary_does_not_have_is_set_aside(world: ClusterWorld) -> None:
    """A failover that lost the last transactions: the receiver has them, and would never stream again."""
    world.backup("20261120T000000", 5, 5)
    world.postgres.lsn = 10 * MIB + 500
    world.deliver()
    world.stop_receiver()
    world.postgres.timeline = 2
    world.postgres.history = f"1\t{wal.format_lsn(7 * MIB + 4000)}\tno recovery target specified\n"
    world.postgres.lsn = 7 * MIB + 9000
    world.primaries = [B]
    assert world.follow()
    assert world.pid is not None
    (line,) = world.reported
    assert "what the new primary does not have is in" in line
    directory = Path(line.rsplit(" ", 1)[1])
    assert [path.name for path in directory.iterdir()] == ["00000001000000000000000A.partial"]


def test_a_gap_is_left_to_repair(world: ClusterWorld) -> None:
    world.backup("20261120T000000", 5, 5)
    world.stop_receiver()
    world.postgres.lsn = 10 * MIB + 500
    world.postgres.oldest = 9
    assert not world.follow(5)
    assert world.pid is None
    assert len(world.reported) == 1


def test_two_primaries_are_reported_once(world: ClusterWorld) -> None:
    world.primaries = [A, B]
    assert not world.follow(10)
    assert len(world.reported) == 1
    assert "more than one member is a primary" in world.reported[0]


def test_an_unknown_cluster_is_an_error(world: ClusterWorld) -> None:
    tools = FollowTools(world.barman, world.ask, world.connect, world.reported.append)
    with pytest.raises(HostError, match="other: not a cluster of the inventory; there are main"):
        follow(tools, {"main": True}, ["other"], 0)


def test_an_entry_that_was_removed_keeps_no_other_from_being_followed(world: ClusterWorld) -> None:
    world.stop_receiver()
    tools = FollowTools(
        world.barman, world.ask, world.connect, world.reported.append, world.clock, world.pause, world.command_line
    )
    assert follow(tools, {"gone": True, "main": True}, None, 0)
    assert world.pid is not None


def test_an_entry_that_was_disabled_meanwhile_is_not_followed(world: ClusterWorld) -> None:
    """A decommission stops the receiver, and drops the slot."""

    def decommission() -> None:
        world.options["active"] = "false"
        world.write_entry()
        world.stop_receiver()
        world.postgres.slots.clear()

    world.during = [decommission]
    assert world.follow(30)
    assert (world.pid, world.postgres.slots, world.reported) == (None, {}, [])


def test_a_receiver_that_another_process_stops_is_left_alone(world: ClusterWorld) -> None:
    world.stop_receiver()
    with exclusive(str(world.home), change_lock("main")):
        assert world.follow(10)
        assert world.pid is None
    assert world.follow(10)
    assert world.pid is not None
