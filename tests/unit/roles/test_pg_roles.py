# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What database roles that exist already lose is shown before it is taken away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.unit.playing import play

ROLE = REPOSITORY / "roles/pg"
OLD = [{"name": "barman", "attributes": ["SUPERUSER", "CREATEDB"]}, {"name": "streaming_barman", "attributes": []}]
OURS = [{"name": "barman", "attributes": []}]
# What state.sql says of a server, by host, and what is shown.
STATES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "somebody-elses": (
        {"existing_roles": OLD, "hba_rules": ""},
        [
            "The database role 'barman' exists, and loses SUPERUSER, CREATEDB.",
            "The database role 'barman' was not created by this collection, and gets the inventory's password.",
            "The database role 'streaming_barman' was not created",
        ],
    ),
    "changed-since": (
        {"existing_roles": OLD[:1], "hba_rules": "host all barman"},
        ["The database role 'barman' exists, and loses SUPERUSER, CREATEDB."],
    ),
    "ours": ({"existing_roles": OURS, "hba_rules": "host all barman"}, []),
    "new": ({"existing_roles": [], "hba_rules": ""}, []),
    "standby": ({"existing_roles": OLD, "hba_rules": "", "in_recovery": True}, []),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory: Path = tmp_path_factory.mktemp("roles")
    tasks = yaml.safe_load((ROLE / "tasks/managed.yml").read_text(encoding="utf-8"))
    block = next(task for task in tasks if "block" in task)["block"]
    names = [task["name"] for task in block]
    assert names.index("Warn of what database roles lose") < names.index("Create the database roles")
    task = block[names.index("Warn of what database roles lose")]
    hosts = {
        name: {"__pg_compared": {"query_result": [{"in_recovery": False, **state}]}}
        for name, (state, _) in STATES.items()
    }
    (directory / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (directory / "play.json").write_text(
        json.dumps(
            [
                {
                    "hosts": "all",
                    "gather_facts": False,
                    "tasks": [{"ansible.builtin.include_vars": str(ROLE / "vars/main.yml")}, task],
                }
            ]
        )
    )
    return play(directory, "-i", "inventory.json", "play.json")


@pytest.mark.parametrize("host", STATES)
def test_what_a_role_loses_is_shown(said: str, host: str) -> None:
    shown = " ".join(said.split())
    assert (f"WARNING: {host}:" in shown) == bool(STATES[host][1])
    own = shown.split(f"WARNING: {host}:")[-1].split("WARNING:")[0]
    for sentence in STATES[host][1]:
        assert sentence in own
    if STATES[host][1]:
        assert own.count("The database role") == len(STATES[host][1])
