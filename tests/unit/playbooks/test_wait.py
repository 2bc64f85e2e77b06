# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for real jobs in the background, on a host without Barman, so that their progress is unknown."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import yaml

from tests.unit.playing import play


def played(
    directory: Path,
    *jobs: dict[str, Any],
    host: str = "localhost",
    then: list[dict[str, Any]] | None = None,
    rc: int = 0,
) -> str:
    """What Ansible prints about these tasks, run in the background and waited for; their results are in answer.json.

    then: tasks between the start and the wait.
    """
    running = [{**job, "async": 60, "poll": 0, "register": f"job{number}"} for number, job in enumerate(jobs)]
    away = {
        "ansible_connection": "ssh",
        "ansible_host": "127.0.0.1",
        "ansible_port": 1,
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    (directory / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": {"away": away}}}))
    tasks = [
        *running,
        *(then or []),
        {
            "pgdr.barman.wait_for_jobs": {
                "jobs": f"{{{{ [{', '.join(f'job{number}' for number in range(len(jobs)))}] }}}}",
                "servers": [f"server{number}" for number in range(len(jobs))],
                "timeout": 60,
                "unreachable_timeout": 3,
            },
            "delegate_to": host,
            "register": "waited",
            "failed_when": "waited.jobs is not defined",
        },
        {
            "ansible.builtin.copy": {
                "content": "{{ waited | to_json }}",
                "dest": str(directory / "answer.json"),
                "mode": "0600",
            }
        },
    ]
    waiting = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (directory / "play.yml").write_text(yaml.safe_dump([waiting], sort_keys=False))
    return play(
        directory,
        "--inventory=inventory.yml",
        "play.yml",
        rc=rc,
        ANSIBLE_ASYNC_DIR=str(directory / "jobs"),
        ANSIBLE_LOCALHOST_WARNING="false",
        HOME=os.environ.get("HOME", "/"),
    )


def answer(directory: Path) -> dict[str, Any]:
    found = json.loads((directory / "answer.json").read_text())
    assert isinstance(found, dict)
    return found


def asleep(seconds: int = 50) -> dict[str, Any]:
    return {"ansible.builtin.wait_for": {"timeout": seconds}}


def test_several_jobs_are_waited_for_and_a_failed_one_is_reported(tmp_path: Path) -> None:
    # Long enough that a busy machine looks before it ends.
    stdout = played(tmp_path, asleep(10), {"ansible.builtin.command": {"argv": ["sh", "-c", "exit 3"]}})
    assert "localhost: server0: runs" in stdout
    found = answer(tmp_path)
    assert [(job["job_state"], job["finished"]) for job in found["jobs"]] == [("done", True), ("done", True)]
    assert found["jobs"][0]["elapsed"] >= 10
    assert found["jobs"][1]["rc"] == 3
    assert found["msg"].startswith("server1: ")


def test_a_killed_job_is_reported_at_once(tmp_path: Path) -> None:
    began = time.monotonic()
    kill = {"ansible.builtin.command": {"argv": ["pkill", "-KILL", "-f", "{{ job0.ansible_job_id.split('.')[0] }}"]}}
    played(tmp_path, asleep(), then=[kill])
    assert time.monotonic() - began < 30
    (job,) = answer(tmp_path)["jobs"]
    assert (job["job_state"], job["failed"]) == ("dead", True)
    assert "The background job of server0 on localhost has no result" in job["msg"]


def test_a_result_that_can_not_be_written_is_reported_when_the_job_ends(tmp_path: Path) -> None:
    """As on a full disk: the process ends, and its result file has for ever that it has started."""
    blocked = {"ansible.builtin.file": {"path": "{{ job0.results_file }}.tmp", "state": "directory", "mode": "0700"}}
    # Long enough that a busy machine blocks the result before the job ends.
    played(tmp_path, asleep(10), then=[blocked])
    (job,) = answer(tmp_path)["jobs"]
    assert job["job_state"] == "dead"
    assert "or could not write its result" in job["msg"]
    assert job["job_over"] is True


def test_a_host_that_stays_away_is_reported_with_the_reason(tmp_path: Path) -> None:
    stdout = played(tmp_path, asleep(4), host="away")
    assert "away: no answer (" in stdout
    (job,) = answer(tmp_path)["jobs"]
    assert (job["job_state"], job["job_over"]) == ("unreachable", False)
    assert "port 1: Connection refused" in job["msg"]
