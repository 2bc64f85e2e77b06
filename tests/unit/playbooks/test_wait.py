# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for jobs in the background, where this host has no Barman that could tell how far they are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import REPOSITORY
from tests.unit.playing import play


def played(directory: Path, *jobs: dict[str, Any], host: str = "localhost", limit: int = 60, rc: int = 0) -> str:
    """What Ansible says of these tasks, run in the background and waited for; their answers are in answer.json."""
    answer = directory / "answer.json"
    running = [{**job, "async": 60, "poll": 0, "register": f"job{number}"} for number, job in enumerate(jobs)]
    names = [f"server{number}" for number in range(len(jobs))]
    # It can be reached from the second look on.
    away = {
        "ansible_connection": "{{ 'local' if lookup('ansible.builtin.fileglob', '%s') else 'ssh' }}"
        % (directory / "told"),
        "ansible_host": "127.0.0.1",
        "ansible_port": 1,
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
    }
    (directory / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": {"away": away}}}))
    tasks = [
        {"ansible.builtin.set_fact": {"barman_progress": {}}},
        *running,
        {
            "ansible.builtin.include_tasks": str(REPOSITORY / "playbooks" / "steps" / "wait.yml"),
            "vars": {
                "barman_jobs": {"results": "{{ [%s] }}" % ", ".join(f"job{number}" for number in range(len(jobs)))},
                "barman_job_host": host,
                "barman_job_limit": limit,
                "barman_job_servers": names,
                # The second look is after this.
                "barman_blind_wait": "{{ lookup('ansible.builtin.pipe', 'touch %s; echo 1') }}" % (directory / "told"),
                "barman_topology": {"demands": {host: {"barman": {"user": "barman"}}}},
            },
        },
        {
            "ansible.builtin.copy": {
                "content": "{{ barman_state.results | to_json }}",
                "dest": str(answer),
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


def answers(directory: Path) -> list[dict[str, Any]]:
    found = json.loads((directory / "answer.json").read_text())
    assert isinstance(found, list)
    return found


def test_several_jobs_are_waited_for_where_nothing_can_be_told_of_them_and_a_failed_one_is_the_callers(
    tmp_path: Path,
) -> None:
    stdout = played(
        tmp_path,
        {"ansible.builtin.wait_for": {"path": str(tmp_path / "told"), "timeout": 50}},
        {"ansible.builtin.command": {"argv": ["sh", "-c", "exit 3"]}},
    )
    assert "How far it is can't be told now" in stdout
    found = answers(tmp_path)
    assert (found[0]["finished"], found[0]["path"]) == (True, str(tmp_path / "told"))
    assert (found[1]["finished"], found[1]["rc"]) == (True, 3)


def test_a_host_that_can_not_be_reached_for_a_moment(tmp_path: Path) -> None:
    stdout = played(tmp_path, {"ansible.builtin.command": {"argv": ["echo", "done"]}}, host="away")
    assert "away can't be reached" in stdout
    assert answers(tmp_path)[0]["stdout"] == "done"


def test_a_job_that_never_answers(tmp_path: Path) -> None:
    """Its process is gone: the file of the job says for ever that it has begun."""
    stdout = played(
        tmp_path,
        {"ansible.builtin.command": {"argv": ["echo", "done"]}},
        {"ansible.builtin.wait_for": {"path": str(tmp_path / "never"), "timeout": 50}},
        limit=-118,
        rc=2,
    )
    assert "localhost has given no answer for server1 in the -118 s that it had: the process is gone" in stdout
