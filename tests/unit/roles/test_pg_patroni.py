# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment requests the restart that a member of Patroni needs until the running values are sufficient."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.unit.playing import play
from tests.unit.plugins.plugin_utils._topology.test_postgres_host import REQUIREMENTS, STATE, setting
from tests.unit.roles.test_pg_load import COMPARE, VARIABLES

ROLE = REPOSITORY / "roles/pg"
CONFIGURE = "Configure the cluster in Patroni's DCS"
# What state.sql reports: a first run, a second one before the restart, and a server that has what is required.
STATES: dict[str, dict[str, Any]] = {
    "first": setting("max_wal_senders", written_short=True),
    "second": setting("max_wal_senders"),
    "done": setting("max_wal_senders", running_short=False),
}


@pytest.mark.parametrize("allowed", [False, True])
def test_the_settings_that_need_a_restart(tmp_path: Path, *, allowed: bool) -> None:
    managed = yaml.safe_load((ROLE / "tasks/managed.yml").read_text(encoding="utf-8"))
    block = next(task for task in managed if "block" in task)["block"]
    compare = next(task for task in block if task["name"] == COMPARE)
    tasks = yaml.safe_load((ROLE / "tasks/patroni.yml").read_text(encoding="utf-8"))
    for task in tasks:
        if task["name"] == CONFIGURE:
            task["ansible.builtin.debug"] = {
                "msg": f"passed {task.pop('pgdr.barman.patroni_config')['restart_settings']}"
            }
    postgres = {**REQUIREMENTS, "cluster": "main", "cluster_manager": "patroni"}
    postgres["variables"] = {**VARIABLES, "barman_restart_allowed": allowed}
    hosts = {
        name: {"__pg_compared": {"query_result": [{**STATE, "patroni": True, "settings": [one]}]}}
        for name, one in STATES.items()
    }
    topology = {
        "topology": {"backup_servers": {}, "backup_addresses": []},
        "requirements": {name: {"postgres": postgres} for name in STATES},
    }
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text(encoding="utf-8"))
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    variables = {**defaults, "pg_topology": topology}
    included = {"ansible.builtin.include_vars": str(ROLE / "vars/main.yml")}
    # Without the check of a restarted server.
    played = [included, compare, *(task for task in tasks if "ansible.builtin.debug" in task)]
    (tmp_path / "play.json").write_text(
        json.dumps([{"hosts": "all", "gather_facts": False, "vars": variables, "tasks": played}])
    )
    output = play(tmp_path, "-i", "inventory.json", "play.json", "--check")
    assert output.count("passed ['max_wal_senders']") == 2
    assert output.count("passed []") == 1
    for name in ("first", "second"):
        assert (f"PostgreSQL on {name} has to be restarted" in output) is not allowed
    assert "PostgreSQL on done" not in output
