# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host import run_lock
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.run_lock import (
    Controller,
    Life,
    RunLock,
    holder_life,
    plan,
)

FIRST = "pid:[4026531836]"
HERE = Controller("ops@control", "id control", "boot-1", FIRST, 4711, 100)
A = RunLock("20261120T083000Z-aaaaaa", "recovery of pg", "2026-11-20T08:30:00+00:00", ("server pg",), HERE)
B = replace(A, run="20261120T083100Z-bbbbbb")


@pytest.mark.parametrize(
    ("holder", "running", "expected"),
    [
        (replace(HERE, pid=4712, started=50), {4712: 50}, Life.ALIVE),
        # Ended, and the same after the number was given to another process.
        (replace(HERE, pid=4712, started=50), {}, Life.DEAD),
        (replace(HERE, pid=4712, started=50), {4712: 51}, Life.DEAD),
        # This very process: it works on one recovery at a time.
        (HERE, {4711: 100}, Life.DEAD),
        (replace(HERE, pid=4712, boot="boot-0"), {4712: 100}, Life.DEAD),
        # Another machine, and containers that share a machine id and a host name.
        (replace(HERE, pid=4712, boot="boot-2", machine="id elsewhere"), {}, Life.UNKNOWN),
        (replace(HERE, pid=4712, boot="boot-2", namespace="pid:[4026532000]"), {}, Life.UNKNOWN),
        (replace(HERE, pid=4712, namespace="pid:[4026532000]"), {}, Life.UNKNOWN),
    ],
)
def test_whether_a_holder_still_runs(holder: Controller, running: dict[int, int], expected: Life) -> None:
    assert holder_life(holder, HERE, running) is expected


def test_containers_never_prove_the_end_of_another_boot() -> None:
    inside = replace(HERE, namespace="pid:[4026532000]")
    assert holder_life(replace(inside, boot="boot-2"), inside, {}) is Life.UNKNOWN


def test_a_second_run_gets_nothing(tmp_path: Path) -> None:
    directory = str(tmp_path / "facts.d")
    planned, locks = run_lock.take(A, (), check_mode=False, directory=directory)
    assert planned.changed
    assert locks == [A]
    refused, locks = run_lock.take(B, (), check_mode=False, directory=directory)
    assert refused.holders == (A,)
    assert not refused.changed
    assert run_lock.read(directory) == [A] == locks


def test_another_resource_is_free(tmp_path: Path) -> None:
    directory = str(tmp_path)
    other = replace(B, resources=("server other",))
    run_lock.take(A, (), check_mode=False, directory=directory)
    planned, locks = run_lock.take(other, (), check_mode=False, directory=directory)
    assert planned.changed
    assert locks == [A, other]


def test_the_same_run_again_changes_nothing_and_may_lock_more(tmp_path: Path) -> None:
    directory = str(tmp_path)
    run_lock.take(A, (), check_mode=False, directory=directory)
    assert not run_lock.take(replace(A, since="later"), (), check_mode=False, directory=directory)[0].changed
    more, locks = run_lock.take(replace(A, resources=("port 5432",)), (), check_mode=False, directory=directory)
    assert more.changed
    assert [one.resources for one in locks] == [("server pg", "port 5432")]


def test_a_void_lock_is_taken_over_and_its_run_finds_that_out(tmp_path: Path) -> None:
    directory = str(tmp_path)
    run_lock.take(A, (), check_mode=False, directory=directory)
    planned, locks = run_lock.take(B, [A.run], check_mode=False, directory=directory)
    assert planned.remove == (A.run,)
    assert locks == [B]
    assert run_lock.take(A, (), check_mode=False, directory=directory)[0].holders == (B,)
    # Its late end takes nothing away.
    assert not run_lock.release(A.run, check_mode=False, directory=directory)
    assert run_lock.read(directory) == [B]


def test_check_mode_takes_and_removes_nothing(tmp_path: Path) -> None:
    directory = str(tmp_path / "facts.d")
    assert run_lock.take(A, (), check_mode=True, directory=directory)[0].changed
    assert not os.path.exists(directory)
    run_lock.take(A, (), check_mode=False, directory=directory)
    assert run_lock.take(B, (), check_mode=True, directory=directory)[0].holders == (A,)
    assert run_lock.take(B, [A.run], check_mode=True, directory=directory)[0].remove == (A.run,)
    assert run_lock.release(A.run, check_mode=True, directory=directory)
    assert run_lock.read(directory) == [A]


def test_the_file_is_a_local_fact_of_ansible(tmp_path: Path) -> None:
    run_lock.take(A, (), check_mode=False, directory=str(tmp_path))
    path = tmp_path / f"pgdr_barman_run_{A.run}.fact"
    # The module setup runs an executable one, and reads the others.
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    local = {"pgdr_barman_run_" + A.run: A.as_dict(), "pgdr_barman_run_x": "error loading", "other": {"run": "a"}}
    assert run_lock.from_facts(local) == [A]
    assert run_lock.from_facts({}) == run_lock.from_facts(None) == []


@pytest.mark.parametrize("content", ["", "{", '{"run": "other"}', "[]"])
def test_a_file_that_is_no_lock_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "pgdr_barman_run_x.fact"
    path.write_text(content)
    with pytest.raises(HostError, match=str(path)):
        run_lock.take(A, (), check_mode=False, directory=str(tmp_path))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("{}")
    (tmp_path / "pgdr_barman_run_x.fact").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HostError, match="can't be read"):
        run_lock.read(str(tmp_path))


def test_what_is_void_stays_if_another_run_holds_the_rest() -> None:
    other = replace(A, run="c", resources=("port 5432",))
    desired = replace(B, resources=("server pg", "port 5432"))
    planned = plan([A, other], desired, [A.run])
    assert planned.holders == (other,)
    assert planned.remove == ()
