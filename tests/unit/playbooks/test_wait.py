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


def played(directory: Path, *jobs: dict[str, Any]) -> dict[str, Any]:
    """What became of these tasks, run in the background and waited for."""
    answer = directory / "answer.json"
    running = [{**job, "async": 60, "poll": 0, "register": f"job{number}"} for number, job in enumerate(jobs)]
    names = [f"server{number}" for number in range(len(jobs))]
    tasks = [
        *running,
        {
            "ansible.builtin.include_tasks": str(REPOSITORY / "playbooks" / "steps" / "wait.yml"),
            "vars": {
                "barman_jobs": {"results": "{{ [%s] }}" % ", ".join(f"job{number}" for number in range(len(jobs)))},
                "barman_job_host": "localhost",
                "barman_job_servers": names,
                # The second look is after this.
                "barman_blind_wait": "{{ lookup('ansible.builtin.pipe', 'touch %s; echo 1') }}" % (directory / "told"),
                "barman_progress": {},
                "barman_topology": {"demands": {"localhost": {"barman": {"user": "barman"}}}},
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
    stdout = play(
        directory,
        "play.yml",
        ANSIBLE_ASYNC_DIR=str(directory / "jobs"),
        ANSIBLE_LOCALHOST_WARNING="false",
        HOME=os.environ.get("HOME", "/"),
    )
    assert "How far it is can't be told now" in stdout
    found = json.loads(answer.read_text())
    assert isinstance(found, list)
    return dict(zip(names, found, strict=True))


def test_several_jobs_are_waited_for_where_nothing_can_be_told_of_them_and_a_failed_one_is_the_callers(
    tmp_path: Path,
) -> None:
    answers = played(
        tmp_path,
        {"ansible.builtin.wait_for": {"path": str(tmp_path / "told"), "timeout": 50}},
        {"ansible.builtin.command": {"argv": ["sh", "-c", "exit 3"]}},
    )
    assert (answers["server0"]["finished"], answers["server0"]["path"]) == (True, str(tmp_path / "told"))
    assert (answers["server1"]["finished"], answers["server1"]["rc"]) == (True, 3)
