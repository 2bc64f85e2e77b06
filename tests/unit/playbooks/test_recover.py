# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook recover refuses before it connects to any host: nobody listens at these addresses."""

from __future__ import annotations

import copy
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.playing import play

INVENTORY: dict[str, Any] = {
    "all": {
        "vars": {
            "barman_postgres_version": 17,
            "barman_postgres_password": "x",
            "barman_streaming_password": "x",
            "ansible_ssh_common_args": "-o ConnectTimeout=1",
        },
        "children": {
            "backup": {
                "hosts": {"backup-eu": {"ansible_host": "192.0.2.11"}, "backup-us": {"ansible_host": "192.0.2.12"}}
            },
            "pg": {
                "vars": {"barman_backup_server": "backup-eu"},
                "hosts": {
                    "pg-eu": {"ansible_host": "192.0.2.21", "barman_passive_servers": ["backup-us"]},
                    "other": {"ansible_host": "192.0.2.22"},
                    "managed": {"ansible_host": "192.0.2.23", "barman_manage_postgres": False},
                },
            },
        },
        "hosts": {"spare": {"ansible_host": "192.0.2.24"}},
    }
}


def refusal(directory: Path, limit: str, **variables: Any) -> str:
    """The message with which it ends."""
    (directory / "inventory.json").write_text(json.dumps(INVENTORY))
    options = ["--inventory=inventory.json", f"--limit={limit}", "--extra-vars", json.dumps(variables)]
    stdout = play(directory, "pgdr.barman.recover", *options, rc=2)
    message = re.findall(r'^fatal: \[\S+\]: FAILED! => .*"msg": "(.*)"\}$', stdout, re.MULTILINE)
    assert len(message) == 1, stdout
    return str(message[0])


@pytest.mark.parametrize(
    ("limit", "variables", "expected"),
    [
        (
            "backup-us:pg-eu",
            {"barman_recover_server": "pg-eu", "barman_recover_backup_server": "backup-us"},
            ["--limit leaves the backup server backup-eu out, which is to protect pg-eu again."],
        ),
        (
            "pg-eu",
            {"barman_recover_server": "pg-eu"},
            ["--limit leaves the backup server backup-eu out, and it is needed."],
        ),
        ("backup-eu", {"barman_recover_server": "pg-eu"}, ["--limit leaves pg-eu out, and it is needed."]),
        (
            "all",
            {
                "barman_recover_server": "other",
                "barman_recover_backup_server": "backup-us",
                "barman_recover_host": "managed",
                "barman_recover_target_xid": "800",
                "barman_recover_target_immediate": True,
            },
            [
                "managed has barman_manage_postgres: false, so nothing may be done there",
                "Only one of barman_recover_target_time",
            ],
        ),
        (
            "all",
            # As a survey sends them: a text for each type, and an empty one for no answer.
            {
                "barman_recover_server": "other",
                "barman_recover_host": "managed",
                "barman_recover_target_xid": "",
                "barman_recover_target_time": "",
                "barman_recover_target_immediate": "true",
                "barman_recover_jobs": "",
                "barman_recover_queries": '[{"query": "SELECT 1, 2", "expect": "1"}]',
            },
            ["managed has barman_manage_postgres: false, so nothing may be done there"],
        ),
        (
            "all",
            {"barman_recover_server": "pg-eu", "barman_recover_jobs": "many", "barman_recover_new_backup": "perhaps"},
            ["barman_recover_jobs is the text 'many'", "barman_recover_new_backup is the text 'perhaps'"],
        ),
        (
            "all",
            {"barman_recover_server": "pg-us", "barman_recover_host": "nowhere"},
            [
                "'pg-us' is not a PostgreSQL server of the inventory; there are managed, other, pg-eu.",
                "'nowhere' is not in the inventory.",
            ],
        ),
        (
            "all",
            {"barman_recover_server": "pg-eu", "barman_recover_host": "other"},
            ["'other' is another PostgreSQL server of the inventory, which would be stopped and moved aside."],
        ),
    ],
)
def test_what_cannot_be_done_is_refused(
    tmp_path: Path, limit: str, variables: dict[str, Any], expected: list[str]
) -> None:
    message = refusal(tmp_path, limit, **variables)
    assert [one for one in expected if one not in message] == [], message
    assert ("Only one of" in message) == any(one.startswith("Only one of") for one in expected), message


def test_each_argument_is_read_for_the_host_to_recover_to(tmp_path: Path) -> None:
    """What the play itself has is every host's, and what the inventory has is that of the host."""
    inventory = copy.deepcopy(INVENTORY)
    hosts = inventory["all"]["children"]["pg"]["hosts"]
    hosts["pg-eu"].update(
        {"barman_recover_timeout": "60", "barman_postgres_superuser": "admin", "barman_ssh_port": "2222"}
    )
    for host in (*hosts.values(), *inventory["all"]["children"]["backup"]["hosts"].values()):
        host.setdefault("barman_recover_timeout", 5)
        host["barman_recover_jobs"] = 3
    (tmp_path / "inventory.json").write_text(json.dumps(inventory))
    playing = {
        "hosts": "all",
        "gather_facts": False,
        "vars": {"barman_recover_server": "{{ requested }}", "requested": "pg-eu", "barman_recover_jobs": "4"},
        "tasks": [
            {"pgdr.barman.topology": {}, "run_once": True, "register": "resolved"},
            {
                "pgdr.barman.recovery": {
                    "topology": "{{ resolved.topology }}",
                    "requirements": "{{ resolved.requirements }}",
                },
                "run_once": True,
                "register": "recovery",
            },
            {
                "ansible.builtin.copy": {
                    "content": "{{ recovery | to_json }}",
                    "dest": "{{ playbook_dir }}/recovery.json",
                },
                "connection": "local",
                "run_once": True,
                "vars": {"ansible_python_interpreter": sys.executable},
            },
        ],
    }
    (tmp_path / "play.json").write_text(json.dumps([playing]))
    play(tmp_path, "--inventory=inventory.json", "play.json")
    found = json.loads((tmp_path / "recovery.json").read_text())
    assert found["arguments"]["barman_recover_timeout"] == 60
    assert found["recover"]["jobs"] == 4
    assert (found["ssh"]["to_address"], found["ssh"]["to_port"]) == ("192.0.2.21", 2222)
    assert found["database_user"] == "admin"
