# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action that writes the adopted inventory on the controller."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pgdr.barman.plugins.action import adopted_inventory
from tests.unit.plugins.action.running import failed_action, run_action
from tests.unit.plugins.plugin_utils._adoption.layouts import LAYOUTS, facts_of


class HostVars(dict):  # type: ignore[type-arg]
    def raw_get(self, host: str) -> Any:
        return self[host]


@pytest.fixture
def variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    facts = facts_of(LAYOUTS["debian"], tmp_path / "host", monkeypatch)
    hosts = HostVars(
        {
            "backup-1": {
                "ansible_host": "192.0.2.10",
                "barman_zone": "eu",
                "existing": {"changed": False, "barman": facts},
            },
            "db": {"ansible_host": "pg1.example.net", "barman_postgres_password": "never written"},
        }
    )
    return {"hostvars": hosts, "groups": {"all": ["backup-1", "db"], "backup": ["backup-1"]}}


def test_it_writes_an_inventory_once(tmp_path: Path, variables: dict[str, Any]) -> None:
    file = tmp_path / "adopted.yml"
    preview = run_action(adopted_inventory, variables, check_mode=True, file=str(file), existing="existing")
    assert preview["changed"] is True
    assert not file.exists()
    written = run_action(adopted_inventory, variables, file=str(file), existing="existing")
    assert written["changed"] is True
    assert (written["diff"]["before"], written["diff"]["after"]) == ("", file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "never written" not in file.read_text()
    assert written["servers"] == {"db": "orders", "pg2.example.net": "billing"}
    assert written["refusals"] == []
    again = run_action(adopted_inventory, variables, file=str(file), existing="existing")
    assert (again["changed"], again["msg"][0].split(". ")[0]) == (False, f"{file} is unchanged")


def test_the_file_is_an_inventory(tmp_path: Path, variables: dict[str, Any]) -> None:
    file = tmp_path / "adopted.yml"
    run_action(adopted_inventory, variables, file=str(file), existing="existing", pg_group="databases")
    groups = yaml.safe_load(file.read_text())["all"]["children"]
    assert groups["backup"]["hosts"]["backup-1"]["barman_zone"] == "eu"
    assert set(groups["databases"]["hosts"]) == {"db", "pg2.example.net"}
    assert groups["databases"]["vars"]["barman_backup_server"] == "backup-1"


@pytest.mark.parametrize("text", ["all: {}\n", "changed"])
def test_it_replaces_no_file_of_somebody_else(tmp_path: Path, variables: dict[str, Any], text: str) -> None:
    file = tmp_path / "adopted.yml"
    if text == "changed":
        run_action(adopted_inventory, variables, file=str(file), existing="existing")
        text = file.read_text().replace("orders", "mine")
    file.write_text(text)
    message, _result = failed_action(adopted_inventory, variables, file=str(file), existing="existing")
    assert "pgdr.barman.adopt did not write it as it is now. Nothing was written." in message
    assert file.read_text() == text


def test_a_directory_that_does_not_exist(tmp_path: Path, variables: dict[str, Any]) -> None:
    message, _result = failed_action(adopted_inventory, variables, file=str(tmp_path / "no/x.yml"), existing="existing")
    assert "can't be written" in message


def test_a_host_that_was_not_read(tmp_path: Path, variables: dict[str, Any]) -> None:
    variables["groups"]["backup"].append("db")
    message, _result = failed_action(adopted_inventory, variables, file=str(tmp_path / "x.yml"), existing="existing")
    assert message == (
        "Nothing was written.\n- db: its Barman was not read in this run. Run without --limit, or remove the host from the group backup."
    )


def test_a_group_without_hosts(tmp_path: Path, variables: dict[str, Any]) -> None:
    message, _result = failed_action(
        adopted_inventory, variables, file=str(tmp_path / "x.yml"), existing="existing", backup_group="barmans"
    )
    assert "The group barmans has no host." in message
