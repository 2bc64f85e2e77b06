# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles say of a server that Ansible does not touch, and what they make known of it on the backup server."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.unit.playing import play

BARMANS_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBarmansKey"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHostKeyOfLedger root@ledger"

INVENTORY: dict[str, Any] = {
    "all": {
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        "children": {
            "backup": {"hosts": {"backup": {"barman_address": "192.0.2.11", "barman_ssh_port": 2222}}},
            "pg": {
                "vars": {
                    "barman_backup_server": "backup",
                    "barman_postgres_version": 17,
                    "barman_postgres_password": "x",
                    "barman_streaming_password": "x",
                    "barman_manage_postgres": False,
                    # Nobody connects to these.
                    "ansible_connection": "ssh",
                },
                "hosts": {
                    "orders": {"barman_address": "192.0.2.21", "barman_wal": ["archiving"]},
                    "ledger": {
                        "barman_address": "192.0.2.22",
                        "barman_backup_method": "rsync",
                        "barman_ssh_host_key": HOST_KEY,
                    },
                },
            },
        },
    }
}
# As the playbook deploy leaves them behind.
HOST_FACTS = {"ssh_host_key_ed25519_public": "AAAAhost", "ssh_host_key_ed25519_public_keytype": "ssh-ed25519"}
KEYS = {"results": [{"item": "barman", "public_key": BARMANS_KEY}]}


def role(name: str, tasks: str, **variables: Any) -> dict[str, Any]:
    return {"ansible.builtin.include_role": {"name": f"pgdr.barman.{name}", "tasks_from": tasks}, "vars": variables}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By host: the fact, and the file that is written, before and after the backup server has told its keys."""
    directory = tmp_path_factory.mktemp("manual")
    (directory / "inventory.json").write_text(json.dumps(INVENTORY))
    manual: dict[str, Any] = {
        "pg_topology": "{{ resolved }}",
        "__pg_variables": {"barman_manual_file": str(directory / "{{ moment }}-{{ inventory_hostname }}.txt")},
    }
    resolve = {"pgdr.barman.topology": {}, "run_once": True, "register": "resolved"}
    keep = {
        "ansible.builtin.copy": {
            "content": "{{ shown | to_json }}",
            "dest": str(directory / "{{ inventory_hostname }}.json"),
            "mode": "0600",
        },
        "delegate_to": "localhost",
        "vars": {"ansible_connection": "local", "shown": "{{ ssh_trust_lines }}"},
    }
    plays = [
        {
            "hosts": "pg",
            "gather_facts": False,
            "vars": {"moment": "before"},
            "tasks": [resolve, role("pg", "main", **manual), role("pg", "manual_ssh", **manual)],
        },
        {
            "hosts": "backup",
            "gather_facts": False,
            "tasks": [
                resolve,
                {"ansible.builtin.set_fact": {**HOST_FACTS, "cacheable": True}},
                {"ansible.builtin.set_fact": {"barman_ssh_keys": KEYS}},
                role("ssh_trust", "lines", ssh_trust_connections="{{ resolved.requirements.backup.ssh_connections }}"),
                keep,
            ],
        },
        {
            "hosts": "pg",
            "gather_facts": False,
            "vars": {"moment": "after"},
            "tasks": [role("pg", "manual_ssh", **manual), keep],
        },
    ]
    (directory / "play.json").write_text(json.dumps(plays))
    play(directory, "--inventory=inventory.json", "play.json")
    found = {path.stem: path.read_text() for path in directory.glob("*.txt")}
    return {
        **found,
        **{name: json.loads((directory / f"{name}.json").read_text()) for name in ("backup", "orders", "ledger")},
    }


def test_the_lines_are_those_that_the_role_writes_elsewhere(texts: dict[str, Any]) -> None:
    assert texts["orders"] == {
        "postgres": {"known_hosts": ["[192.0.2.11]:2222 ssh-ed25519 AAAAhost"], "authorized_keys": []}
    }
    assert texts["ledger"] == {
        "postgres": {
            "known_hosts": [],
            "authorized_keys": [f'restrict,from="192.0.2.11/32" {BARMANS_KEY} pgdr.barman:backup:barman@backup'],
        }
    }


def test_the_backup_server_knows_the_host_by_the_key_in_the_inventory(texts: dict[str, Any]) -> None:
    assert texts["backup"]["barman"]["known_hosts"] == ["192.0.2.22 " + HOST_KEY.rsplit(" ", 1)[0]]


def test_the_text_has_the_commands_and_the_lines(texts: dict[str, Any]) -> None:
    lines = texts["after-orders"].splitlines()
    assert "barman-cli" in lines
    assert "ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519" in lines
    assert (
        "# Write the output of the last command into the inventory, as barman_ssh_public_key of orders."
        in texts["after-orders"]
    )
    assert lines[-2:] == ["# in ~/.ssh/known_hosts of postgres:", "[192.0.2.11]:2222 ssh-ed25519 AAAAhost"]


def test_what_the_inventory_has_is_not_asked_for(texts: dict[str, Any]) -> None:
    text = texts["after-ledger"]
    assert "ssh_host_ed25519_key.pub" not in text
    assert "The deployment configures the backup server's side with barman_ssh_host_key." in text
    assert text.endswith(f'restrict,from="192.0.2.11/32" {BARMANS_KEY} pgdr.barman:backup:barman@backup\n')


def test_an_unknown_key_is_reported(texts: dict[str, Any]) -> None:
    assert "# not known: the backup server was not in this run" in texts["before-orders"]
