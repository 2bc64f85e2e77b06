# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a deployment for workflows."""

from __future__ import annotations

from ansible_collections.pgdr.barman.plugins.action import deployment_result
from tests.unit.plugins.action.running import run_action


def test_a_deployment_of_all_hosts() -> None:
    variables = {"ansible_play_hosts": ["pg", "backup"], "ansible_play_hosts_all": ["pg", "backup"]}
    handover = {"pg": {"waiting": [], "steps": {}}, "backup": {"waiting": ["pg2 has no backup"], "steps": {}}}
    result = run_action(deployment_result, variables, handover=handover, undeclared={"pg": ["a slot"]})["result"]
    assert (result["ok"], result["check_mode"], result["hosts"]) == (True, False, ["backup", "pg"])
    assert (result["waiting"], result["undeclared"]) == ({"backup": ["pg2 has no backup"]}, {"pg": ["a slot"]})


def test_a_host_that_the_run_lost() -> None:
    variables = {"ansible_play_hosts": ["pg"], "ansible_play_hosts_all": ["pg", "backup"]}
    result = run_action(deployment_result, variables, check_mode=True)["result"]
    assert (result["ok"], result["check_mode"], result["failed_hosts"]) == (False, True, ["backup"])
