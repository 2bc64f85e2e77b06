# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The actions around the locks: only the modules that they run on a managed host are made up."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.action import lock, require_unlocked
from ansible_collections.pgdr.barman.plugins.module_utils._host import run_lock
from ansible_collections.pgdr.barman.plugins.plugin_utils.controller import start_of, this_controller
from tests.unit.plugins.action.running import run_action

DEAD = "20261120T083000Z-aaaaaa"
ALIVE = "20261120T083000Z-bbbbbb"
UNKNOWN = "20261120T083000Z-cccccc"


def held_by(run: str) -> run_lock.RunLock:
    controller = replace(this_controller(), account="ops@control")
    controller = {
        # Process 1 is never the parent of a test.
        ALIVE: replace(controller, pid=1, started=start_of(1) or 0),
        DEAD: replace(controller, pid=1, started=-1),
        UNKNOWN: replace(controller, pid=1, boot="another", machine="another"),
    }[run]
    return run_lock.RunLock(run, "recovery of pg", "2026-11-20T08:30:00+00:00", ("server pg",), controller)


def taken(holders: list[run_lock.RunLock], take_over: str = "") -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the action returns, and the arguments of each run of its module, which finds those holders."""
    task = MagicMock(
        async_val=0, args={"run": "new", "resources": ["server pg"], "take_over": take_over}, delegate_to="b"
    )
    action = lock.ActionModule(
        task=task,
        connection=MagicMock(),
        play_context=MagicMock(),
        loader=MagicMock(),
        templar=MagicMock(),
        shared_loader_obj=MagicMock(),
    )
    calls: list[dict[str, Any]] = []

    def execute(module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        calls.append(dict(module_args))
        given = module_args.get("take_over") or []
        left = [one for one in holders if one.run not in given]
        return {"failed": True, "msg": "x", "holders": [one.as_dict() for one in left]} if left else {"changed": True}

    action._execute_module = execute
    return action.run(task_vars={"inventory_hostname": "pg"}), calls


def test_a_free_lock_is_taken_with_this_process_as_its_holder() -> None:
    result, calls = taken([])
    assert result == {"changed": True}
    assert [one["controller"] for one in calls] == [asdict(this_controller())]


def test_the_lock_of_a_run_that_has_ended_is_taken_over() -> None:
    result, calls = taken([held_by(DEAD)])
    assert result["changed"]
    assert calls[1]["take_over"] == [DEAD]


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (ALIVE, "it still runs. Wait until it has ended."),
        (UNKNOWN, f"run this again with -e barman_recover_take_over={UNKNOWN}."),
    ],
)
def test_the_lock_of_another_run_stays_and_its_holder_is_named(run: str, expected: str) -> None:
    result, calls = taken([held_by(run), held_by(DEAD)])
    assert result["failed"]
    assert result["msg"].startswith(
        f"Nothing was changed: server pg on b: locked by run {run} (recovery of pg, started by"
    )
    assert expected in result["msg"]
    assert DEAD not in result["msg"]
    assert len(calls) == 1


def unlocked(hosts: dict[str, list[run_lock.RunLock]], **arguments: Any) -> dict[str, Any]:
    facts = {
        host: {"ansible_facts": {"ansible_local": {run_lock.PREFIX + one.run: one.as_dict() for one in locks}}}
        for host, locks in hosts.items()
    }
    # A host that could not be reached has none.
    facts["gone"] = {}
    return run_action(require_unlocked, {"ansible_play_hosts_all": list(facts), "hostvars": facts}, **arguments)


def test_all_hosts_of_the_play_have_to_be_unlocked() -> None:
    with pytest.raises(AnsibleActionFail) as caught:
        unlocked({"backup": [held_by(ALIVE)], "pg": [held_by(UNKNOWN)], "other": []})
    text = str(caught.value)
    assert f"server pg on backup: locked by run {ALIVE}" in text
    assert f"server pg on pg: locked by run {UNKNOWN}" in text
    assert "--limit" in text


def test_what_has_ended_or_is_taken_over_is_only_a_warning() -> None:
    result = unlocked({"backup": [held_by(DEAD)], "pg": [held_by(UNKNOWN)]}, take_over=UNKNOWN)
    assert result["void"] == [DEAD, UNKNOWN]
    assert len(result["warnings"]) == 2
    assert unlocked({"pg": []}) == {"changed": False, "void": []}
