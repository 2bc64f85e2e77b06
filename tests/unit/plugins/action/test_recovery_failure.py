# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a recovery stands that failed, as playbook recover asks for it: first to act on it, then to fail with it."""

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.action import recovery_failure
from tests.unit.plugins.action.running import failed_action, run_action
from tests.unit.plugins.plugin_utils._recovery.test_failure import BEGUN, OVER, RECOVERY, STARTED

REPORT: dict[str, Any] = {
    "state": "reported",
    "task": "Stop PostgreSQL",
    "error": "it hangs",
    "data_directory": "/srv/main",
    "service": "pg.service",
}
NOTHING: dict[str, Any] = {
    "begun": False,
    "stopped": False,
    "copying": False,
    "source_lost": False,
    "running": False,
    "record_state": "abandoned",
}


def test_without_results_nothing_has_begun() -> None:
    assert run_action(recovery_failure, recovery=RECOVERY) == {"changed": False, **NOTHING}


def test_a_copy_that_may_run_keeps_the_record_until_its_job_is_over() -> None:
    results: dict[str, Any] = {"recovery": RECOVERY, "begun": BEGUN, "stopped": {"changed": True}, "started": STARTED}
    stopped = {"changed": False, **NOTHING, "begun": True, "stopped": True}
    assert run_action(recovery_failure, **results) == {**stopped, "copying": True, "record_state": "read"}
    assert run_action(recovery_failure, **results, ended=OVER) == stopped


def test_the_report_fails_with_the_message_and_the_progress() -> None:
    message, result = failed_action(
        recovery_failure, recovery=RECOVERY, begun=BEGUN, record={"untouched": True, "startable": True}, **REPORT
    )
    assert message.startswith('The recovery of pg stopped at "Stop PostgreSQL": it hangs')
    assert 'run "systemctl start pg.service" on pg-host' in message
    assert result == {"changed": False, **NOTHING, "begun": True}


def test_the_message_names_the_file_of_the_record() -> None:
    message, _result = failed_action(
        recovery_failure, recovery=RECOVERY, begun=BEGUN, record={"unreachable": True}, **REPORT
    )
    assert f"recorded in {BEGUN['record_file']} there" in message


def test_a_report_needs_what_it_reports() -> None:
    message, _result = failed_action(recovery_failure, recovery=RECOVERY, state="reported", task="Stop PostgreSQL")
    assert "state is reported but all of the following are missing: error, data_directory, service" in message
