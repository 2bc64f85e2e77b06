# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks refuse before they connect to any host: empty inventories, empty selections, wrong arguments."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools.debian import DOT, path_with
from tests.unit.playing import play

PLAYBOOKS = ("backup", "check", "drill", "repair", "sync", "verify")
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
                    "pg-asia": {"ansible_host": "192.0.2.22"},
                },
            },
        },
    }
}


def written(directory: Path) -> str:
    (directory / "inventory.json").write_text(json.dumps(INVENTORY))
    return "--inventory=inventory.json"


NAMES = (
    ("barman_servers=[]", "barman_servers is an empty list"),
    ("barman_servers=,", "barman_servers is an empty list"),
    ("barman_servers=pg-euu,other", "barman_servers names other, which no backup server has"),
)
EXPRESSIONS = (
    ("[?zone=='eu'", "can't be evaluated. Invalid jmespath expression"),
    ("[].backup_server", "has backup-eu, which is not a name of a server"),
    ("[?name=='pg-euu'].name", "chooses no server"),
)


# All of them choose with one playbook, selection.yml: every mistake with one of them, one mistake with every other.
@pytest.mark.parametrize(
    ("playbook", "given", "expected"),
    [*(("check", *one) for one in NAMES), *((playbook, *NAMES[-1]) for playbook in PLAYBOOKS if playbook != "check")],
)
def test_an_empty_or_unknown_selection_fails(tmp_path: Path, playbook: str, given: str, expected: str) -> None:
    stdout = play(tmp_path, f"pgdr.barman.{playbook}", written(tmp_path), "--extra-vars", given, rc=2)
    assert expected in stdout
    assert "unreachable=1" not in stdout


@pytest.mark.parametrize(("given", "expected"), EXPRESSIONS)
def test_a_wrong_expression_fails(tmp_path: Path, given: str, expected: str) -> None:
    variables = ("--extra-vars", json.dumps({"barman_select": given}))
    stdout = play(tmp_path, "pgdr.barman.check", written(tmp_path), *variables, rc=2)
    assert expected in stdout
    assert "unreachable=1" not in stdout


def test_names_and_an_expression_exclude_each_other(tmp_path: Path) -> None:
    variables = ("--extra-vars", json.dumps({"barman_select": "[].name", "barman_servers": "pg-eu"}))
    stdout = play(tmp_path, "pgdr.barman.check", written(tmp_path), *variables, rc=2)
    assert "barman_servers and barman_select are both given. Leave one of them out" in stdout


def test_what_is_passive_only_is_not_backed_up(tmp_path: Path) -> None:
    stdout = play(tmp_path, "pgdr.barman.backup", written(tmp_path), "--limit=backup-us", rc=2)
    assert "There is no server to back up on backup-us, so there is nothing to do. Add backup-eu to --limit" in stdout


@pytest.mark.parametrize("playbook", [*PLAYBOOKS, "report"])
def test_a_run_without_a_backup_server_fails(tmp_path: Path, playbook: str) -> None:
    stdout = play(tmp_path, f"pgdr.barman.{playbook}", written(tmp_path), "--limit=pg-eu", rc=2)
    assert "This run has no backup server (the inventory has backup-eu, backup-us), so there is nothing to do" in stdout


def test_a_drill_on_another_backup_server_than_the_first_one_reaches_it(tmp_path: Path) -> None:
    """The arguments are those of a backup server of the run. No host answers."""
    report = f"barman_report_file={tmp_path / 'report.html'}"
    arguments = (written(tmp_path), "--limit=backup-us", "--extra-vars", report)
    stdout = play(tmp_path, "pgdr.barman.drill", *arguments, rc=4, PATH=path_with(os.environ["PATH"], DOT))
    assert "PLAY [Run restore drills]" in stdout
    assert "undefined" not in stdout


def test_every_wrong_argument_is_reported(tmp_path: Path) -> None:
    variables = ("--extra-vars", "barman_check_timeout=soon barman_servers=[]")
    stdout = play(tmp_path, "pgdr.barman.check", written(tmp_path), *variables, rc=2)
    assert "barman_check_timeout is the text 'soon' and no whole number" in stdout


SHOWING = [
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"pgdr.barman.topology": {}, "run_once": True, "register": "resolved"},
            {
                "pgdr.barman.playbook_arguments": {
                    "specification": {
                        "barman_servers": {"type": "list", "elements": "str"},
                        "barman_select": {"type": "str"},
                        "barman_check_timeout": {"type": "int", "default": 7},
                    },
                    "topology": "{{ resolved.topology }}",
                    "requirements": "{{ resolved.requirements }}",
                },
                "run_once": True,
                "register": "shown",
            },
            {
                "ansible.builtin.copy": {"content": "{{ shown | to_json }}", "dest": "{{ playbook_dir }}/shown.json"},
                "connection": "local",
                "run_once": True,
            },
        ],
    }
]


@pytest.mark.parametrize(
    ("given", "servers", "timeout"),
    [
        ("barman_servers=pg-eu barman_check_timeout=5", ["pg-eu"], 5),
        ("barman_servers='pg-asia,pg-eu' barman_check_timeout=''", ["pg-eu", "pg-asia"], 7),
        ('{"barman_servers": "pg-eu\\npg-asia\\n"}', ["pg-eu", "pg-asia"], 7),
        ('{"barman_servers": "[\\"pg-asia\\"]"}', ["pg-asia"], 7),
        ('{"barman_servers": ["pg-asia"]}', ["pg-asia"], 7),
        ('{"barman_servers": "", "barman_check_timeout": null}', ["pg-eu", "pg-asia"], 7),
        ("barman_servers=''", ["pg-eu", "pg-asia"], 7),
        ('{"barman_select": "[?name==`pg-asia`].name"}', ["pg-asia"], 7),
    ],
)
def test_text_answers_become_values(tmp_path: Path, given: str, servers: list[str], timeout: int) -> None:
    inventory = written(tmp_path)
    (tmp_path / "play.json").write_text(json.dumps(SHOWING))
    play(tmp_path, inventory, "play.json", "--extra-vars", given, "--extra-vars", "ansible_python_interpreter=python3")
    shown = json.loads((tmp_path / "shown.json").read_text())
    assert sorted(shown["selected"]["backup-eu"]) == sorted(servers)
    assert shown["arguments"]["barman_check_timeout"] == timeout


@pytest.mark.parametrize("playbook", [*PLAYBOOKS, "deploy", "recover", "validate"])
def test_an_inventory_without_a_host_fails(tmp_path: Path, playbook: str) -> None:
    (tmp_path / "empty.yml").write_text("all:\n")
    stdout = play(tmp_path, f"pgdr.barman.{playbook}", "--inventory=empty.yml", rc=2)
    assert "The inventory has no host, so there is nothing to do" in stdout


def test_an_inventory_source_that_cannot_be_read_fails(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "good.yml").write_text(yaml.safe_dump(INVENTORY))
    (tmp_path / "more" / "broken.yml").write_text("all: [")
    (tmp_path / "more" / "group_vars").mkdir()
    inventories = ("--inventory=more", "--inventory=missing.yml")
    stdout = play(tmp_path, "pgdr.barman.check", *inventories, rc=2)
    assert "The inventory has 2 problems; nothing was changed." in stdout
    assert "more/broken.yml: Ansible could not read this inventory source" in stdout
    assert "missing.yml: Ansible could not read this inventory source" in stdout
