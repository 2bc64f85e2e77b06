# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The actions that combine what the hosts of a run handed on, in a play of ansible-playbook."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.unit.playing import play

HERE, ELSEWHERE = "backup-a", "backup-b"
KEY = "ssh-ed25519 AAAAKey barman@backup-b"


def registered(**result: Any) -> dict[str, Any]:
    return {"changed": False, "failed": False, **result}


def entries(*unlisted: dict[str, Any], **more: Any) -> dict[str, Any]:
    return registered(unlisted=list(unlisted), handing_over={}, former_slots={}, undeclared=[], **more)


def operation(*healthy: str) -> dict[str, Any]:
    return registered(healthy=list(healthy), with_backup=list(healthy), incoming=[], confirmed=list(healthy))


POSTGRES = registered(
    archives_undeclared=False, foreign_archiving="", rules_undeclared=["host …"], unknown_rules=[], idle_slots=["left"]
)
MOVED = {
    "name": "pg",
    "host": "pg",
    "active": True,
    "passive": False,
    "streaming": True,
    "archiving": False,
    "slot_name": "barman_leaving_backup_a",
}
INVENTORY: dict[str, Any] = {
    "all": {
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        "children": {
            "backup": {
                "hosts": {
                    HERE: {"barman_address": "192.0.2.11", "barman_allow_empty": True},
                    ELSEWHERE: {"barman_address": "192.0.2.12"},
                }
            },
            "pg": {
                "hosts": {
                    "pg": {
                        "barman_address": "192.0.2.21",
                        "barman_backup_server": ELSEWHERE,
                        "barman_backup_method": "rsync",
                        "barman_wal": ["streaming"],
                        "barman_postgres_version": 17,
                        "barman_postgres_password": "x",
                        "barman_streaming_password": "x",
                    }
                },
            },
        },
    }
}
FACTS: dict[str, dict[str, Any]] = {
    HERE: {"barman_entries": entries(MOVED), "barman_operation": operation()},
    ELSEWHERE: {
        "barman_entries": entries(),
        "barman_operation": operation("pg"),
        "barman_ssh_keys": {"results": [{"item": "barman", "public_key": KEY}]},
    },
    "pg": {"barman_postgres": POSTGRES},
}
#: What the first plan has the backup server do.
WRITTEN = {"barman_entries_written": registered(servers=["pg"])}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    directory = tmp_path_factory.mktemp("handover")
    (directory / "inventory.json").write_text(json.dumps(INVENTORY))

    def facts(values: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {"ansible.builtin.set_fact": variables, "when": f"inventory_hostname == '{host}'"}
            for host, variables in values.items()
        ]

    def keep(name: str, value: str) -> dict[str, Any]:
        return {
            "ansible.builtin.copy": {
                "content": f"{{{{ ({value}) | to_json }}}}",
                "dest": str(directory / f"{name}.json"),
                "mode": "0600",
            },
            "run_once": True,
        }

    plan = {"pgdr.barman.handover": {}, "run_once": True, "register": "planned"}
    tasks = [
        {"pgdr.barman.topology": {}, "run_once": True, "register": "barman_topology"},
        {
            "ansible.builtin.set_fact": {"barman_backup_hosts": []},
            "run_once": True,
            "delegate_to": "localhost",
            "delegate_facts": True,
        },
        plan,
        keep("nothing", "planned"),
        *facts(FACTS),
        plan,
        keep("first", "planned"),
        *facts({HERE: WRITTEN}),
        plan,
        keep("second", "planned"),
        {"pgdr.barman.undeclared": {}, "run_once": True, "register": "undeclared"},
        keep("undeclared", "undeclared"),
        {
            "pgdr.barman.ssh_trust_lines": {
                "connections": "{{ barman_topology.requirements[inventory_hostname].ssh_connections }}"
            },
            "register": "trust",
        },
        keep("trust", "hostvars.pg.trust"),
        {
            "pgdr.barman.synchronous_receivers": {
                "receivers": [
                    {"name": "r", "server": "pg", "backup_server": ELSEWHERE},
                    {"name": "r", "server": "other", "backup_server": HERE},
                ]
            },
            "register": "receivers",
        },
        keep("receivers", "receivers"),
    ]
    (directory / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    play(directory, "--inventory=inventory.json", "play.json")
    return {path.stem: json.loads(path.read_text()) for path in directory.glob("*.json")}


def test_without_observations_nothing_is_planned(found: dict[str, Any]) -> None:
    assert not found["nothing"]["pending"]
    assert found["nothing"]["hosts"][HERE]["steps"] == {}
    # Nothing is known of the entries, so all trust stays.
    assert found["nothing"]["hosts"][HERE]["trusted"] == sorted(FACTS)


def test_a_released_server_is_switched_off_in_the_first_plan(found: dict[str, Any]) -> None:
    steps = found["first"]["hosts"][HERE]["steps"]
    assert found["first"]["pending"]
    assert list(steps) == ["release_servers", "write_entries"]
    assert steps["release_servers"]["servers"] == ["pg"]
    assert steps["write_entries"]["entries"] == [{"name": "pg", "merge": True, "options": {"active": False}}]
    assert found["first"]["hosts"]["pg"]["steps"] == {}
    assert "backup-a needs them until it has released" in found["first"]["hosts"]["pg"]["waiting"][0]


def test_its_rules_and_trust_go_in_the_next_plan(found: dict[str, Any]) -> None:
    hosts = found["second"]["hosts"]
    assert hosts[HERE]["steps"] == {}
    assert list(hosts["pg"]["steps"]) == ["remove_rules"]
    assert HERE in found["first"]["hosts"]["pg"]["trusted"]
    assert hosts["pg"]["trusted"] == []


def test_what_the_inventory_does_not_declare_is_named(found: dict[str, Any]) -> None:
    assert list(found["undeclared"]["messages"]) == ["pg"]
    (message,) = found["undeclared"]["messages"]["pg"]
    assert message.startswith("WARNING: PostgreSQL on pg has inactive physical replication slots")


def test_lines_have_the_keys_of_the_run(found: dict[str, Any]) -> None:
    assert found["trust"]["lines"]["postgres"]["authorized_keys"] == [
        'restrict,from="192.0.2.12/32" ssh-ed25519 AAAAKey pgdr.barman:backup:barman@backup-b'
    ]
    assert found["trust"]["comments"] == {"postgres": ["pgdr.barman:backup:barman@backup-b"]}


def test_receivers_that_this_run_did_not_find_healthy(found: dict[str, Any]) -> None:
    for name in ("unknown", "unconfirmed"):
        assert [one["server"] for one in found["receivers"][name]] == ["other"]
