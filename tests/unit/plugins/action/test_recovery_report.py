# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a recovery, from results of earlier tasks."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible_collections.pgdr.barman.plugins.action import recovery_report
from tests.unit.plugins.action.running import failed_action, run_action
from tests.unit.plugins.plugin_utils._recovery.test_report import RECOVERY, RESULTS, RUN, made

GIVEN: dict[str, Any] = {
    **asdict(RESULTS),
    "unprotected": [],
    "recovery": RECOVERY,
    "data_directory": "/srv/main",
    "started": 100.0,
}


def test_the_report_is_of_all_results_and_is_shown() -> None:
    found = run_action(recovery_report, **GIVEN)
    assert found["report"] == made()
    assert found["problems"] == []
    assert [note.partition(":")[0] for note in found["notes"]] == ["Not verified"]
    assert (found["changed"], found["_ansible_verbose_always"]) == (False, True)
    assert "Protected:       yes, new backup 20261120T090000" in found["lines"]


def test_each_result_has_its_place_in_the_report() -> None:
    report = run_action(recovery_report, **{**GIVEN, "isolation": {"settings": {"archive_mode": "off"}}})["report"]
    assert (report["isolation_settings"], report["new_backup"]) == ({"archive_mode": "off"}, "20261120T090000")
    assert (report["data_directory"], report["rto_seconds"]) == ("/srv/main", 30.0)


def test_what_could_not_be_protected_is_a_problem() -> None:
    unprotected = [{"run": RUN, "reason": "pg is not protected"}]
    found = run_action(recovery_report, **{**GIVEN, "unprotected": unprotected})
    assert found["problems"] == ["pg is not protected"]
    assert (found["result"]["ok"], found["result"]["problems"]) == (False, found["problems"])
    assert run_action(recovery_report, **GIVEN)["result"]["ok"]
    assert found["report"]["protected"] is False


def test_a_recovery_to_a_directory_has_no_results_of_a_server() -> None:
    recovery = {**RECOVERY, "directory": "/srv/copy", "target": "backup", "in_place": False}
    results = {name: GIVEN[name] for name in ("proof", "host", "restored", "test")}
    found = run_action(recovery_report, recovery=recovery, **results)
    assert (found["report"]["directory"], found["problems"]) == ("/srv/copy", [])
    assert found["notes"][0].startswith("The data of pg is in /srv/copy on backup")


def test_a_report_needs_the_results_of_every_recovery() -> None:
    message, _result = failed_action(recovery_report, recovery=RECOVERY)
    assert message == "missing required arguments: host, proof, restored, test"
