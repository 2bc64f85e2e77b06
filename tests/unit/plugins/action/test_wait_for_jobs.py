# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action with a host made up of answers, and a clock that only its pauses move. tests/unit/playbooks/test_wait.py has real jobs."""

from __future__ import annotations

import signal
import time as real_time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure

from ansible_collections.pgdr.barman.plugins.action.wait_for_jobs import ActionModule
from ansible_collections.pgdr.barman.plugins.plugin_utils import job_host

RUNS = {"finished": False, "processes": [11, 12], "session": 10, "remaining": []}
GONE = {**RUNS, "processes": []}
FINISHED = {**GONE, "finished": True}
COPYING = {"operation": "backup", "server": "pg", "phase": "copying", "bytes_done": 10, "bytes_total": 20}


def look(*jobs: dict[str, Any], boot_id: str = "first", operations: Any = ()) -> dict[str, Any]:
    return {"boot_id": boot_id, "jobs": list(jobs), "operations": list(operations), "operations_unknown": None}


class World:
    """looks: what job_info answers, one after another, the last one again and again; results: what async_status answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, looks: list[Any], results: dict[str, Any]) -> None:
        self.looks, self.results = looks, results
        self.now = 0.0
        self.lines: list[str] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.connection = MagicMock()
        clock = SimpleNamespace(monotonic=lambda: self.now, sleep=self._sleep)
        monkeypatch.setattr(job_host, "time", clock)
        monkeypatch.setattr(job_host, "display", SimpleNamespace(display=self.lines.append))

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def execute(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> Any:
        self.asked.append((module_name, module_args))
        if module_name == "ansible.legacy.async_status":
            return self.results[module_args["jid"]]
        answer = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer() if callable(answer) else answer

    def run(self, jobs: list[dict[str, Any]], servers: list[str], **arguments: Any) -> dict[str, Any]:
        task = MagicMock(async_val=0, args={"jobs": jobs, "servers": servers, **arguments}, delegate_to="backup-eu")
        action = ActionModule(
            task=task,
            connection=self.connection,
            play_context=SimpleNamespace(check_mode=False),
            loader=MagicMock(),
            templar=MagicMock(),
            shared_loader_obj=None,
        )
        action._execute_module = self.execute
        action.get_shell_option = lambda option, default: default
        result: dict[str, Any] = action.run(task_vars={"inventory_hostname": "pg-eu"})
        return result


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    return lambda *looks, **results: World(monkeypatch, list(looks), results)


ONE: tuple[list[dict[str, Any]], list[str]] = ([{"ansible_job_id": "j1"}], ["pg"])


def test_a_job_that_ends_well(world: Callable[..., World]) -> None:
    there = world(look(RUNS, operations=[COPYING]), look(FINISHED), j1={"changed": True, "backup": {"id": "x"}})
    result = there.run(*ONE)
    assert (result["changed"], result["failed"]) == (True, False)
    assert result["jobs"] == [{"changed": True, "backup": {"id": "x"}, "job_state": "done", "job_over": True}]
    assert there.lines == ["backup-eu: pg: backup: copying, 10 bytes of 20 bytes (0 s)"]
    # What was observed of its processes is asked with again.
    assert there.asked[1][1]["jobs"] == [{"id": "j1", "session": 10}]


def test_a_job_that_fails_makes_the_task_fail_with_its_message(world: Callable[..., World]) -> None:
    result = world(look(FINISHED), j1={"failed": True, "msg": "no room"}).run(*ONE)
    assert (result["failed"], result["msg"], result["jobs"][0]["job_state"]) == (True, "no room", "done")


def test_a_dead_job_ends_the_wait_within_a_minute_with_what_was_observed_last(world: Callable[..., World]) -> None:
    there = world(*[look(RUNS, operations=[COPYING])] * 40, look(GONE))
    result = there.run(*ONE)
    assert there.now < 40 * 30
    assert result["msg"].startswith(
        "The background job of pg on backup-eu has no result: the job's process 11 has ended without a result"
    )
    assert "Last observed 30 s before that: backup: copying, 10 bytes of 20 bytes." in result["msg"]
    assert "run the playbook again" in result["msg"]
    assert (result["jobs"][0]["job_state"], result["jobs"][0]["job_over"]) == ("dead", True)


def test_a_restarted_host(world: Callable[..., World]) -> None:
    away = AnsibleConnectionFailure("Connection timed out")
    result = world(look(RUNS), away, away, look(GONE, boot_id="second")).run(*ONE)
    assert "the host was restarted" in result["msg"]
    assert result["jobs"][0]["job_over"] is True


def test_work_that_outlives_the_wrapper_is_not_over(world: Callable[..., World]) -> None:
    result = world(look(RUNS), look({**GONE, "remaining": [13]})).run(*ONE)
    assert "process 13 of the job still runs" in result["msg"]
    assert (result["jobs"][0]["job_state"], result["jobs"][0]["job_over"]) == ("dead", False)


def test_a_host_that_is_away_for_a_moment(world: Callable[..., World]) -> None:
    there = world(look(RUNS), AnsibleConnectionFailure("No route to host"), look(FINISHED), j1={"changed": False})
    assert there.run(*ONE)["failed"] is False
    assert there.lines[1] == "backup-eu: no answer (No route to host); the job goes on without the connection"


def test_a_host_that_stays_away(world: Callable[..., World]) -> None:
    there = world(look(RUNS), AnsibleConnectionFailure("No route to host"))
    result = there.run(*ONE, unreachable_timeout=300)
    assert 300 <= there.now <= 330
    assert "the host has not answered for 5 min: No route to host" in result["msg"]
    assert (result["jobs"][0]["job_state"], result["jobs"][0]["job_over"]) == ("unreachable", False)


def test_a_look_that_hangs_ends_and_the_connection_is_made_anew(
    world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_host, "_LOOK", 1)
    there = world(lambda: real_time.sleep(60), look(FINISHED), j1={})
    began = real_time.monotonic()
    assert there.run(*ONE)["failed"] is False
    assert real_time.monotonic() - began < 10
    assert there.connection.reset.called
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_a_time_limit_of_the_task_is_left_alone(world: Callable[..., World]) -> None:
    own = signal.signal(signal.SIGALRM, lambda *_arguments: None)
    try:
        assert world(look(FINISHED), j1={}).run(*ONE)["failed"] is False
        assert signal.getsignal(signal.SIGALRM) not in (signal.SIG_DFL, own)
    finally:
        signal.signal(signal.SIGALRM, own)


def test_a_job_without_a_result_is_waited_for_until_ansible_s_limit(world: Callable[..., World]) -> None:
    there = world(look(RUNS))
    result = there.run(*ONE, timeout=3600)
    assert 3720 <= there.now <= 3750
    assert (result["jobs"][0]["job_state"], result["jobs"][0]["job_over"]) == ("overdue", False)


def test_the_others_are_waited_for_if_one_is_dead(world: Callable[..., World]) -> None:
    jobs: list[dict[str, Any]] = [{"ansible_job_id": "j1"}, {"ansible_job_id": "j2"}, {"changed": True}]
    there = world(look(RUNS, RUNS), look(GONE, RUNS), look(RUNS), look(FINISHED), j2={"changed": True})
    result = there.run(jobs, ["one", "two", "three"])
    assert [job["job_state"] for job in result["jobs"]] == ["dead", "done", "done"]
    assert result["msg"].startswith("one: The background job of one on backup-eu has no result")
    assert "two:" not in result["msg"]
    assert any("one: the job's process 11 has ended" in line for line in there.lines)


def test_jobs_that_did_not_run_in_the_background_are_no_wait(world: Callable[..., World]) -> None:
    there = world()
    result = there.run([{"changed": True}], ["pg"])
    assert (result["changed"], result["failed"], there.asked) == (False, False, [])


def test_a_job_without_a_server_is_refused(world: Callable[..., World]) -> None:
    with pytest.raises(AnsibleActionFail, match="1 jobs and 2 servers"):
        world().run([{"ansible_job_id": "j1"}], ["pg", "other"])


def test_a_look_that_fails_is_an_error(world: Callable[..., World]) -> None:
    with pytest.raises(AnsibleActionFail, match="can't be observed: no such user"):
        world({"failed": True, "msg": "no such user"}).run(*ONE)
