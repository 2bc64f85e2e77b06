# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which entries role backup holds on to, lets go, and leaves alone, by what it has and what its successor says."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.tools.stage import REPOSITORY
from tests.unit.playing import play

HERE, ELSEWHERE = "backup-a", "backup-b"


def server(backup_server: str, **more: Any) -> dict[str, Any]:
    return {"barman_backup_server": backup_server, **more}


INVENTORY: dict[str, Any] = {
    "all": {
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        "children": {
            "backup": {"hosts": {HERE: {"barman_address": "192.0.2.11"}, ELSEWHERE: {"barman_address": "192.0.2.12"}}},
            "pg": {
                "vars": {
                    "barman_postgres_version": 17,
                    "barman_postgres_password": "x",
                    "barman_streaming_password": "x",
                },
                "hosts": {
                    "archived": server(HERE, barman_address="192.0.2.21", barman_wal=["archiving"]),
                    "moved": server(ELSEWHERE, barman_address="192.0.2.22"),
                    "renamed": server(HERE, barman_address="192.0.2.23", barman_server_name="new"),
                    "swapped": server(ELSEWHERE, barman_address="192.0.2.24", barman_passive_servers=[HERE]),
                    "no-copy": server(ELSEWHERE, barman_address="192.0.2.25"),
                },
            },
        },
    }
}


def entry(name: str, host: str | None = None, **more: Any) -> dict[str, Any]:
    streaming = {"streaming": True, "archiving": False, "slot_name": "barman"}
    return {"name": name, "host": host or name, "active": True, "passive": False, **streaming, **more}


UNLISTED = [
    entry("gone"),
    entry("unknown", slot_name="barman") | {"host": None},
    entry("moved"),
    entry("renamed", slot_name="of_its_own"),
    entry("swapped"),
    entry("no-copy", passive=True, streaming=False, slot_name=None),
    entry("long-ago", "moved", active=False),
]
HANDING_OVER = {"archived": ["streaming"], "swapped": ["server"], "new": ["slot"]}
WELL_ELSEWHERE = ["moved", "swapped"]
CHECKED = {
    "servers": {
        name: {"checks": {"backup_present": {"ok": has_backup}}}
        for name, has_backup in (("moved", True), ("swapped", False), ("no-copy", True))
    }
}
SHOWN = ("held", "in_the_way", "given_up", "moved_slots", "over", "final", "operated")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the role's variables come to, in a run in which all is well and in one in which nothing is."""
    directory = tmp_path_factory.mktemp("letting_go")
    (directory / "inventory.json").write_text(json.dumps(INVENTORY))
    well = {"archived": True, "new": True}
    plays = []
    for run, (names, undone) in {"well": (well, []), "not": ({}, ["archived"])}.items():
        facts = {
            "__backup_entries": {"unlisted": UNLISTED, "handing_over": HANDING_OVER, "former_slots": {"new": ["x"]}},
            "__backup_well": list(names),
            "__backup_released": ["moved", "swapped", "no-copy"] if names else ["no-copy"],
        }
        plays.append(
            {
                "hosts": f"all:!{undone[0]}" if undone else "all",
                "gather_facts": False,
                "tasks": [
                    {"pgdr.barman.topology": {}, "run_once": True, "register": "resolved"},
                    {"ansible.builtin.include_vars": str(REPOSITORY / "roles/backup/vars/main.yml")},
                    {"ansible.builtin.set_fact": {**facts, "backup_topology": "{{ resolved }}", "backup_servers": []}},
                    {
                        "ansible.builtin.set_fact": {"__backup_well": [*WELL_ELSEWHERE], "__backup_checked": CHECKED},
                        "when": f"inventory_hostname == '{ELSEWHERE}'",
                    },
                    {"ansible.builtin.group_by": {"key": "barman_backup_hosts"}},
                    {
                        "ansible.builtin.copy": {
                            "content": "{{ shown | to_json }}",
                            "dest": str(directory / f"{run}.json"),
                            "mode": "0600",
                        },
                        "vars": {"shown": {name: "{{ __backup_%s }}" % name for name in SHOWN}},
                        "when": f"inventory_hostname == '{HERE}'",
                    },
                    {
                        "ansible.builtin.copy": {
                            "content": "{{ __backup_can_go | to_json }}",
                            "dest": str(directory / ("%s-{{ __backup_leaving.name }}.json" % run)),
                            "mode": "0600",
                        },
                        "loop": "{{ __backup_held }}",
                        "loop_control": {"loop_var": "__backup_leaving"},
                        "when": f"inventory_hostname == '{HERE}'",
                    },
                ],
            }
        )
    (directory / "play.json").write_text(json.dumps(plays))
    play(directory, "--inventory=inventory.json", "play.json")
    found = {run: json.loads((directory / f"{run}.json").read_text()) for run in ("well", "not")}
    for values in found.values():
        values["can_go"] = {
            item["name"]: json.loads((directory / f"well-{item['name']}.json").read_text()) for item in values["held"]
        }
    return found


def names(entries: list[dict[str, Any]]) -> list[str]:
    return [item["name"] for item in entries]


def test_what_nobody_knows_of_is_left_alone(shown: dict[str, dict[str, Any]]) -> None:
    assert names(shown["well"]["held"]) == ["moved", "renamed", "swapped", "no-copy"]


def test_a_slot_of_the_successors_name_is_in_the_way(shown: dict[str, dict[str, Any]]) -> None:
    assert names(shown["well"]["in_the_way"]) == ["moved", "swapped"]


def test_what_is_to_be_a_copy_is_no_copy_yet(shown: dict[str, dict[str, Any]]) -> None:
    assert names(shown["well"]["operated"]) == ["archived", "new"]


def test_each_gets_its_declared_form_and_what_went_is_switched_off(shown: dict[str, dict[str, Any]]) -> None:
    final = {item["name"]: item for item in shown["well"]["final"]}
    assert sorted(final) == ["archived", "moved", "new", "no-copy", "swapped"]
    for name in ("moved", "no-copy"):
        assert final[name] == {"name": name, "merge": True, "options": {"active": False}}
    assert "slot_name" not in final["archived"]["options"]
    assert "primary_ssh_command" in final["swapped"]["options"]
    assert [final[name]["host"] for name in ("archived", "new", "swapped")] == ["archived", "renamed", "swapped"]


def test_nothing_is_given_up_for_what_is_not_well(shown: dict[str, dict[str, Any]]) -> None:
    found = shown["not"]
    assert (found["given_up"], found["moved_slots"], found["over"]) == ([], [], [])
    assert names(found["final"]) == ["no-copy"]


def test_who_goes_has_a_successor_that_is_well_and_has_a_backup(shown: dict[str, dict[str, Any]]) -> None:
    assert shown["well"]["can_go"] == {"moved": True, "renamed": False, "swapped": False, "no-copy": True}
