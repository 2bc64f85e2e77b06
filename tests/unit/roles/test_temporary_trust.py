# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of one run's SSH trust: whose they are, and which ones another run removes."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from tests.conftest import REPOSITORY
from tests.unit.playing import play

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey barman@backup"
ENDED = "20261119T000000Z-dead00"
LIVE = "20261120T083000Z-f3a9c1"
OWN = "20261120T090000Z-0b1c2d"
EDGE = {
    "from_host": "backup",
    "from_hosts": ["backup"],
    "from_user": "barman",
    "from_addresses": ["198.51.100.11"],
    "to_host": "pg",
    "to_hosts": ["pg"],
    "to_user": "postgres",
    "to_address": "198.51.100.21",
    "to_port": 2222,
    "purpose": "recovery",
    "forced_command": None,
    "expires": "20261121100000",
    "run": OWN,
}


def rendered(directory: Path, edge: dict[str, Any], ended: list[str], now: str = "") -> dict[str, str]:
    """The role's variables for that edge, as a playbook gets them."""
    names = ["temporary_line", "temporary_name", "temporary_known", "ended_lines"]
    tasks = [
        {"ansible.builtin.include_vars": str(REPOSITORY / "roles/ssh_trust/vars/main.yml")},
        {
            "ansible.builtin.copy": {
                "content": "{{ {%s} | to_json }}" % ", ".join(f"'{one}': __ssh_trust_{one}" for one in names),
                "dest": str(directory / "out.json"),
            },
            "vars": {"__ssh_trust_edge": edge},
        },
    ]
    variables = {"ssh_trust_edges": [edge], "ssh_trust_ended_runs": ended, "ssh_trust_time": now}
    host_key = {"ssh_host_key_ed25519_public": "AAAAhost", "ssh_host_key_ed25519_public_keytype": "ssh-ed25519"}
    inventory = {
        "all": {
            "hosts": {
                "backup": {"__ssh_trust_keys": {"results": [{"item": "barman", "public_key": KEY}]}},
                "pg": {
                    "ansible_connection": "local",
                    "ansible_python_interpreter": sys.executable,
                    "ansible_facts": host_key,
                },
            }
        }
    }
    (directory / "inventory.json").write_text(json.dumps(inventory))
    (directory / "play.json").write_text(
        json.dumps([{"hosts": "pg", "gather_facts": False, "vars": variables, "tasks": tasks}])
    )
    play(directory, "--inventory=inventory.json", "play.json")
    found: dict[str, str] = json.loads((directory / "out.json").read_text())
    return found


def test_a_line_names_its_run_and_lapses(tmp_path: Path) -> None:
    found = rendered(tmp_path, EDGE, [])
    assert found["temporary_line"] == (
        'restrict,from="198.51.100.11",expiry-time="20261121100000" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey '
        f"pgdr.barman:recovery:barman@backup:{OWN}"
    )
    assert found["temporary_line"].endswith(" " + found["temporary_name"])


def test_only_lines_of_runs_that_have_ended_are_removed(tmp_path: Path) -> None:
    found = rendered(tmp_path, EDGE, [ENDED], "20261120100000")
    # One that was laid after this run had looked for others.
    assert not re.search(found["ended_lines"], found["temporary_line"].replace(OWN, LIVE))
    assert not re.search(found["ended_lines"], found["temporary_line"])
    assert re.search(found["ended_lines"], found["temporary_line"].replace(OWN, ENDED))
    expired = found["temporary_line"].replace(OWN, LIVE).replace("20261121100000", "20261120095959")
    assert re.search(found["ended_lines"], expired)
