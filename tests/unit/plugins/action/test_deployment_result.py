# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a deployment for workflows."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.action import deployment_result
from tests.unit.plugins.action.running import run_action

FINDING = {"code": "no_monitoring", "subject": "backup"}
ADVICE = {"findings": [{**FINDING, "accepted": None}], "open": [FINDING], "expired": [], "record_host": "backup"}


def test_a_deployment_of_all_hosts() -> None:
    variables = {
        "ansible_play_hosts": ["pg", "backup"],
        "ansible_play_hosts_all": ["pg", "backup"],
        "hostvars": {"pg": {}, "backup": {}},
    }
    handover = {"pg": {"waiting": [], "steps": {}}, "backup": {"waiting": ["pg2 has no backup"], "steps": {}}}
    result = run_action(deployment_result, variables, handover=handover, undeclared={"pg": ["a slot"]}, advice=ADVICE)[
        "result"
    ]
    assert (result["ok"], result["check_mode"], result["hosts"]) == (True, False, ["backup", "pg"])
    assert (result["waiting"], result["undeclared"]) == ({"backup": ["pg2 has no backup"]}, {"pg": ["a slot"]})


def test_a_host_that_the_run_lost() -> None:
    variables = {
        "ansible_play_hosts": ["pg"],
        "ansible_play_hosts_all": ["pg", "backup"],
        "hostvars": {"pg": {}, "backup": {}},
    }
    result = run_action(deployment_result, variables, check_mode=True, advice=ADVICE)["result"]
    assert (result["ok"], result["check_mode"], result["failed_hosts"]) == (False, True, ["backup"])


def messages(backup: dict[str, Any]) -> list[str]:
    """backup: what the host with the record has registered."""
    hosts = ["pg", "backup"]
    hostvars = {"pg": {"barman_advice_record": {"skipped": True}}, "backup": backup}
    variables = {"ansible_play_hosts": hosts, "ansible_play_hosts_all": hosts, "hostvars": hostvars}
    found: list[str] = run_action(deployment_result, variables, advice=ADVICE)["messages"]
    return found


def test_only_new_findings_are_shown() -> None:
    record = {"path": "/x", "new_findings": [FINDING], "forecasts": []}
    assert messages({"barman_advice_record": record})[1:] == [
        "warning no_monitoring: backup: No monitoring reads the backup server"
    ]
    (line,) = messages({"barman_advice_record": {**record, "new_findings": []}})
    assert "1 open finding about the architecture (1 warning), none of them new" in line


@pytest.mark.parametrize("backup", [{}, {"barman_advice_record": {"failed": True, "msg": "no space"}}])
def test_without_the_record_every_open_finding_is_shown(backup: dict[str, Any]) -> None:
    first, second = messages(backup)
    assert "not known, because backup has the record and was not read" in first
    assert second.startswith("warning no_monitoring: backup")
