# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What database roles that exist already would lose is shown, and is not taken away without a word of the user."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from tests.conftest import REPOSITORY
from tests.unit.ansible_core import trust_as_template
from tests.unit.playing import play

ROLE = REPOSITORY / "roles/pg"
OLD = [
    {"name": "barman", "bootstrap": False, "ours": False, "attributes": ["SUPERUSER", "CREATEDB"]},
    {"name": "streaming_barman", "bootstrap": False, "ours": False, "attributes": []},
]
OURS = [{"name": "barman", "bootstrap": False, "ours": True, "attributes": []}]
GROWN = [{**OURS[0], "attributes": ["SUPERUSER", "CREATEDB"]}]
POSTGRES = [{"name": "postgres", "bootstrap": True, "ours": True, "attributes": ["SUPERUSER"]}]
# What state.sql says of a server, by host, and what is shown.
STATES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "somebody-elses": (
        {"existing_roles": OLD},
        [
            "The database role 'barman' exists, and loses SUPERUSER, CREATEDB.",
            "The database role 'barman' was not created by this collection, and gets the inventory's password.",
            "The database role 'streaming_barman' was not created",
        ],
    ),
    "changed-since": (
        {"existing_roles": GROWN},
        ["The database role 'barman' exists, and loses SUPERUSER, CREATEDB."],
    ),
    "ours": ({"existing_roles": OURS}, []),
    "new": ({"existing_roles": []}, []),
    "standby": ({"existing_roles": OLD, "in_recovery": True}, []),
}


def trust(value: Any) -> Any:
    return trust_as_template(value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory: Path = tmp_path_factory.mktemp("roles")
    tasks = yaml.safe_load((ROLE / "tasks/managed.yml").read_text(encoding="utf-8"))
    block = next(task for task in tasks if "block" in task)["block"]
    names = [task["name"] for task in block]
    assert names.index("Warn of changes to existing database roles") < names.index("Create the database roles")
    task = block[names.index("Warn of changes to existing database roles")]
    refuse = next(task for task in block if task["name"] == "Refuse a server that is not the declared one")
    assert block.index(refuse) < block.index(task)
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


DEMANDS = {"version": 17, "port": 5432, "primary": "", "standbys": [], "archiving": False}


@pytest.mark.parametrize(
    ("state", "overwrite", "expected"),
    [
        ({"existing_roles": OLD}, False, "'barman' exists, and loses SUPERUSER, CREATEDB."),
        ({"existing_roles": OLD}, True, ""),
        # A person gave the collection's own role more since.
        ({"existing_roles": GROWN}, False, ""),
        ({"existing_roles": OLD[1:]}, False, ""),
        ({"existing_roles": OLD, "in_recovery": True}, False, ""),
        (
            {"existing_roles": POSTGRES},
            True,
            "as postgres, which is PostgreSQL's own superuser",
        ),
        ({"existing_roles": [{**OURS[0], "name": "dba"}]}, True, "as dba, which is"),
    ],
)
def test_a_role_loses_nothing_without_a_word_of_the_user(state: dict[str, Any], overwrite: bool, expected: str) -> None:
    variables = yaml.safe_load((ROLE / "vars/main.yml").read_text(encoding="utf-8"))
    variables.update(
        __pg_state={"version": 17, "in_recovery": False, **state},
        __pg_demands=DEMANDS,
        __pg_foreign_archiving="",
        inventory_hostname="pg",
        pg_superuser="dba",
        pg_archive_overwrite=False,
        pg_roles_overwrite=overwrite,
    )
    templar = Templar(DataLoader(), variables={key: trust(value) for key, value in variables.items()})
    said = " ".join(str(templar.template(trust_as_template("{{ __pg_refusal or '' }}"))).split())
    assert expected in said
    assert bool(expected) == bool(said)
