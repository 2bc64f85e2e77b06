# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role pg warns of what a recovery to this server would be refused for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import REPOSITORY
from tests.unit.playing import play

ROLE = REPOSITORY / "roles/pg"
TASK = "Warn of what a recovery would be refused for"


def test_the_first_deployment_warns_of_it(tmp_path: Path) -> None:
    configure = next(
        task for task in yaml.safe_load((ROLE / "tasks/managed.yml").read_text(encoding="utf-8")) if "block" in task
    )
    task = next(task for task in configure["block"] if task["name"] == TASK)
    good: dict[str, Any] = {"alter_system_allowed": True, "mounts_below": [], "data_directory": "/data/pg"}
    states = {
        "good": good,
        "strict": {**good, "alter_system_allowed": False},
        "mounted": {**good, "mounts_below": ["/data/pg/pg_wal"]},
    }
    hosts = {name: {"__pg_compared": {"query_result": [state]}} for name, state in states.items()}
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    tasks = [{"ansible.builtin.include_vars": str(ROLE / "vars/main.yml")}, task]
    (tmp_path / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    stdout = play(tmp_path, "-i", "inventory.json", "play.json")
    assert "WARNING: strict: allow_alter_system is off." in stdout
    assert "WARNING: mounted: /data/pg/pg_wal is mounted below the data directory" in stdout
    assert "Mount it outside of /data/pg" in stdout
    assert "WARNING: good" not in stdout
