# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The actions preflight_plan and preflight_report in a play, and a deployment that the inventory does not permit."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.playing import play
from tests.unit.plugins.plugin_utils._advice.fleets import healthy_fleet

PASSWORDS = {"barman_postgres_password": "x", "barman_streaming_password": "x"}
FORMER: dict[str, Any] = {
    "kind": "backup",
    "server": "orders",
    "backup_server": "backup-eu",
    "bytes": 1,
    "seconds": 1500.0,
    "basis": "measured throughput",
    "time": "2026-11-01T00:00:00+00:00",
}


def inventory(**variables: Any) -> dict[str, Any]:
    """That of the healthy fleet, in which backup-us has no monitoring. Its hosts are this machine."""
    fleet = healthy_fleet()
    fleet.backup["backup-us"].pop("barman_monitoring")
    hosts = {**fleet.pg, **fleet.backup}
    for one in hosts.values():
        one["barman_address"] = one.pop("ansible_host")
    return {
        "all": {
            "vars": {
                "ansible_connection": "local",
                "ansible_python_interpreter": sys.executable,
                **PASSWORDS,
                **variables,
            },
            "children": {"pg": {"hosts": fleet.pg}, "backup": {"hosts": fleet.backup}},
        }
    }


NAMES = ("plan", "before", "after")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    directory = tmp_path_factory.mktemp("preflight")
    (directory / "inventory.json").write_text(json.dumps(inventory(barman_preflight_fail_on=["warning"])))
    fleet = healthy_fleet()
    facts = [
        {"ansible.builtin.set_fact": {name: one}, "when": f"inventory_hostname == '{host}'"}
        for name, values in (("barman_placement", fleet.placements), ("barman_server_info", fleet.reported))
        for host, one in values.items()
    ]

    def record(name: str) -> dict[str, Any]:
        dest = str(directory / f"{name}.json")
        content = {"content": f"{{{{ {name} | to_json }}}}", "dest": dest, "mode": "0600"}
        return {"ansible.builtin.copy": content, "run_once": True, "check_mode": False}

    skipped = {"barman_drill_info": {"skipped": True, "servers": "none"}}
    read = {"barman_advice_record": {"path": "/x", "new_findings": [], "forecasts": [FORMER, "no forecast"]}}
    tasks = [
        {"pgdr.barman.preflight_plan": {"seconds": 1, "bytes": 1000}, "run_once": True, "register": "plan"},
        {"pgdr.barman.preflight_report": {}, "run_once": True, "register": "before"},
        *facts,
        {"ansible.builtin.set_fact": skipped},
        {"ansible.builtin.set_fact": read, "when": "inventory_hostname == 'backup-eu'"},
        {"pgdr.barman.preflight_report": {}, "run_once": True, "register": "after"},
        *(record(name) for name in NAMES),
    ]
    (directory / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    play(directory, "play.json", "--inventory=inventory.json")
    return {name: json.loads((directory / f"{name}.json").read_text()) for name in NAMES}


def test_each_host_has_its_measurements(found: dict[str, Any]) -> None:
    hosts = found["plan"]["hosts"]
    assert set(hosts) == {"orders", "shop-1", "shop-2", "backup-eu", "backup-us"}
    assert hosts["orders"] == {
        "ssh_users": ["postgres"],
        "postgres": {"port": 5432, "login_user": "postgres"},
        "seconds": 1,
        "barman_user": "barman",
    }
    assert hosts["backup-us"] == {
        "ssh_users": ["barman"],
        "paths": ["/var/lib/barman"],
        "barman_user": "barman",
        "seconds": 1,
        "bytes": 1000,
        "links": [{"host": "backup-eu", "address": "198.51.100.11", "port": 22, "server": "orders", "kind": "ssh"}],
    }
    assert [(link["host"], link["server"], link["kind"]) for link in hosts["backup-eu"]["links"]] == [
        ("orders", "orders", "postgres"),
        ("shop-1", "shop", "postgres"),
    ]


def test_before_the_first_deployment_only_the_inventory_counts(found: dict[str, Any]) -> None:
    result = found["before"]["result"]
    assert [(one["code"], one["subject"]) for one in result["findings"]] == [("no_monitoring", "backup-us")]
    assert {"code": "same_machine", "subject": "orders", "missing": "facts of both hosts"} in result["unmeasured"]
    assert result["forecasts"] == []


def test_with_facts_everything_is_measured_and_forecast(found: dict[str, Any]) -> None:
    result = found["after"]["result"]
    assert [one["code"] for one in result["findings"]] == ["no_monitoring"]
    assert result["unmeasured"] == []
    assert [one["kind"] for one in result["forecasts"]] == ["backup", "recovery", "first_copy"] * 2
    assert [(one["kind"], one["measured_seconds"], one["percent"]) for one in result["forecast_errors"]] == [
        ("backup", 1000.0, 50.0)
    ]
    assert "error +50.0 %" in "\n".join(found["after"]["lines"])


def test_the_forecasts_are_added_to_those_of_the_record(found: dict[str, Any]) -> None:
    recorded = found["after"]["recorded"]
    assert recorded[0] == FORMER
    assert [one["kind"] for one in recorded[1:]] == ["backup", "recovery", "first_copy"] * 2
    assert "not recorded" not in "\n".join(found["after"]["lines"])
    assert [found[name]["changed"] for name in NAMES] == [False, False, False]


def test_the_inventory_chooses_what_fails(found: dict[str, Any]) -> None:
    assert found["after"]["result"]["ok"] is False
    assert found["after"]["result"]["failures"] == {"backup-us": ["no_monitoring: barman_monitoring is empty"]}
    assert len(found["after"]["failures"]) == 1


def test_a_deployment_fails_before_it_connects_to_a_host(tmp_path: Path) -> None:
    (tmp_path / "inventory.json").write_text(json.dumps(inventory(barman_preflight_fail_on="no_monitoring")))
    output = play(tmp_path, "pgdr.barman.deploy", "--inventory=inventory.json", rc=2)
    assert "Nothing was changed, because barman_preflight_fail_on" in output
    assert "warning no_monitoring of backup-us: barman_monitoring is empty." in output
    assert "Gather facts and locks" not in output
