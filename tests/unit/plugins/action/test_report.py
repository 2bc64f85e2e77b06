# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action that makes the report on the controller."""

from __future__ import annotations

from datetime import date
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.action import report
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.acceptance import decide
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.advise import Assessment
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.finding import finding
from ansible_collections.pgdr.barman.plugins.plugin_utils.run_results import preflight_result
from tests.tools.debian import DOT, program
from tests.unit.plugins.plugin_utils._picture.fleets import small
from tests.unit.plugins.plugin_utils._report.read_fleets import ACCEPTED, STOPPED, resolved, results_of


@pytest.fixture(autouse=True)
def _graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{program(DOT).parent}:/usr/bin:/bin")


@pytest.fixture
def variables() -> dict[str, Any]:
    topology, requirements = resolved(*small())
    hosts: dict[str, dict[str, Any]] = {}
    for host, found in results_of(requirements, {"books": {"faults": [STOPPED]}}).items():
        hosts[host] = {
            "barman_reported_servers": found.servers,
            "barman_checked": found.checks,
            "barman_reported_drills": found.drills,
        }
    return {"barman_topology": {"topology": topology, "requirements": requirements}, "hostvars": hosts}


def run(
    variables: dict[str, Any], *, transport: str = "local", answer: Any = None, **arguments: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the action returns, and the arguments with which it runs the module."""
    given = {"file": "/srv/report.html", **arguments}
    action = report.ActionModule(
        task=MagicMock(async_val=0, args=given, check_mode=False, diff=False),
        connection=MagicMock(transport=transport),
        **{name: MagicMock() for name in ("play_context", "loader", "templar", "shared_loader_obj")},
    )
    action._load_name = "pgdr.barman.report"
    action._execute_module = MagicMock(return_value=answer or {"changed": True, "file": given["file"]})
    result = action.run(task_vars=variables)
    return result, action._execute_module.call_args.kwargs["module_args"]


def test_the_page_is_made_here_and_written_there(variables: dict[str, Any]) -> None:
    result, given = run(variables, mode="0644")
    assert given["content"].startswith("<!DOCTYPE html>")
    assert "the WAL receiver does not run" in given["content"]
    assert (given["file"], given["mode"], given["validate_only"]) == ("/srv/report.html", "0644", False)
    assert (result["changed"], result["result"]["state"], result["result"]["failures"]) == (True, "failing", {})
    assert result["result"]["counts"] == {"failing": 2, "unread": 0, "warning": 0, "healthy": 3}


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"unreachable": True, "msg": "timed out"}, "The host was not reached: timed out"),
        ({"failed": True, "msg": "no barman"}, "The host was not read: no barman"),
        ({"skipped": True}, "The host is not in this run (--limit, or its group is empty)."),
        (None, "The host is not in this run (--limit, or its group is empty)."),
    ],
)
def test_a_host_that_was_not_read_is_reported(variables: dict[str, Any], result: Any, reason: str) -> None:
    variables["hostvars"]["backup-eu"]["barman_reported_servers"] = result
    found, given = run(variables)
    assert found["result"]["failures"] == {"backup-eu": [reason]}
    assert found["result"]["counts"]["unread"] == 3
    assert reason.split(" (")[0] in given["content"]


@pytest.mark.parametrize("result", [{"failed": True, "msg": "no space"}, {"unreachable": True, "msg": "no space"}])
def test_a_host_that_was_not_checked_is_reported(variables: dict[str, Any], result: dict[str, Any]) -> None:
    variables["hostvars"]["backup-us"]["barman_checked"] = result
    found, given = run(variables)
    assert found["result"]["failures"] == {"backup-us": ["Barman's checks were not run: no space"]}
    assert found["result"]["ok"] is False
    assert "Barman&#39;s checks were not run: no space" in given["content"]


def test_a_run_that_checks_some_servers(variables: dict[str, Any]) -> None:
    variables["hostvars"]["backup-us"]["barman_checked"] = {"skipped": True}
    found, given = run(variables)
    assert found["result"]["failures"] == {}
    assert "This run checked other servers only." in given["content"]
    assert found["result"]["counts"] == {"failing": 2, "unread": 0, "warning": 1, "healthy": 2}


def test_without_checks_drills_and_findings(variables: dict[str, Any]) -> None:
    for one in variables["hostvars"].values():
        one["barman_checked"] = {"skipped": True}
        del one["barman_reported_drills"]
    _result, given = run(variables)
    assert "Barman's own checks were not run" in given["content"]
    assert "no drill has passed" in given["content"]


def test_findings_of_the_advice(variables: dict[str, Any]) -> None:
    """The variable has what preflight_report returns. Its findings replace those of the inventory, also if there are none."""
    variables["barman_topology"]["advice"] = {"findings": [ACCEPTED]}
    today = date(2026, 11, 20)
    for findings, expected in (([finding("same_machine", "books", "one machine")], True), ([], False)):
        assessment = Assessment(decide(findings, [], today), [])
        result = preflight_result(assessment, ([], []), [], [], check_mode=False)
        variables["barman_preflight"] = {"lines": [], "failures": [], "forecasts": {}, "result": result}
        _result, given = run(variables)
        assert ("critical: same_machine, books" in given["content"]) is expected
        assert "no_second_copy, ledger" not in given["content"]


def test_findings_of_the_inventory(variables: dict[str, Any]) -> None:
    single = finding("single_zone", "eu", "orders-2 and all backups of it are in zone eu").as_dict()
    variables["barman_topology"]["advice"] = {"findings": [ACCEPTED, single]}
    _result, given = run(variables)
    assert "no_second_copy, ledger: A test system (until 2027-01-01)" in given["content"]
    assert "Backup server backup-eu in zone eu: backs up 3 servers; a warning: single zone." in given["content"]
    # The picture's own words for the same are not in it, too.
    assert "in the zone of its servers" not in given["content"]


def test_an_accepted_finding_is_not_marked_in_the_picture(variables: dict[str, Any]) -> None:
    single = {**finding("single_zone", "eu", "one zone").as_dict(), "accepted": ACCEPTED["accepted"]}
    variables["barman_topology"]["advice"] = {"findings": [single]}
    _result, given = run(variables)
    assert "single_zone, eu: A test system" in given["content"]
    assert "Backup server backup-eu in zone eu: backs up 3 servers. " in given["content"]


def test_nothing_is_read_if_the_report_is_only_validated() -> None:
    result, given = run({}, validate_only=True)
    assert (given["validate_only"], given["content"]) == (True, "")
    assert "result" not in result


def test_a_relative_path_is_for_the_controller(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run({}, validate_only=True, file="report.html")[1]["file"] == f"{tmp_path}/report.html"
    with pytest.raises(AnsibleActionFail, match="a path on another host than the controller has to be absolute"):
        run({}, validate_only=True, file="report.html", transport="ssh")


def test_a_page_that_was_not_written_is_an_error(variables: dict[str, Any]) -> None:
    with pytest.raises(AnsibleActionFail, match="The report was not written: no space"):
        run(variables, answer={"failed": True, "msg": "no space"})


def test_a_controller_without_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(AnsibleActionFail, match="The program dot of Graphviz is not on the controller"):
        run({}, validate_only=True)
