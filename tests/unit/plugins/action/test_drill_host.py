# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drill host of a run, from the inventory's variables."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.action import drill_host
from tests.unit.plugins.action.running import failed_action, run_action
from tests.unit.plugins.plugin_utils._recovery.test_drill_places import REQUIREMENTS, SELECTED, TOPOLOGY, arguments


class Hosts(dict[str, dict[str, Any]]):
    """Ansible's hostvars."""

    def raw_get(self, host: str) -> dict[str, Any]:
        return self[host]


def variables(**spare: Any) -> dict[str, Any]:
    hosts = Hosts({"backup-eu": {}, "backup-us": {}, "spare": {"ansible_host": "192.0.2.31", **spare}})
    return {"inventory_hostname": "backup-eu", "hostvars": hosts, "ansible_play_hosts_all": list(hosts)}


GIVEN: dict[str, Any] = {"topology": TOPOLOGY, "requirements": REQUIREMENTS, "selected": SELECTED}


def test_the_host_has_the_address_and_the_port_of_its_inventory() -> None:
    found = run_action(
        drill_host, variables(barman_ssh_port=2222), arguments=arguments("spare", "/srv/drills"), **GIVEN
    )
    place = found["places"]["backup-eu"]
    assert (place["remote_host"], place["remote_port"], place["directory"]) == ("192.0.2.31", 2222, "/srv/drills")


def test_each_run_has_an_id_of_its_own() -> None:
    runs = {run_action(drill_host, variables(), arguments=arguments(), **GIVEN)["run"] for _turn in range(2)}
    assert len(runs) == 2


@pytest.mark.parametrize(
    ("host", "spare", "expected"),
    [
        ("none", {}, "barman_drill_host: 'none' is not in the inventory."),
        ("spare", {"barman_ssh_port": "many"}, "spare: barman_ssh_port"),
        ("backup-eu", {}, None),
    ],
)
def test_problems_are_reported(host: str, spare: dict[str, Any], expected: str | None) -> None:
    selected = {"backup-eu": ["orders"], "backup-us": []}
    message, _result = failed_action(
        drill_host,
        variables(**spare),
        arguments=arguments(host, "/srv"),
        **{**GIVEN, "selected": selected},
    )
    assert (expected or "no other backup server drills in this run") in message
