# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils import run_results
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.acceptance import failing
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.advise import all_findings, fail_on
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.forecast import forecast_errors, forecasts, recorded
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.texts import failure_lines, forecast_lines, table
from ansible_collections.pgdr.barman.plugins.plugin_utils.advice_facts import (
    declared_topology,
    measured_architecture,
    recorded_forecasts,
)


class ActionModule(Action):
    """Makes findings and forecasts on the controller; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "pg_group": {"type": "str", "default": "pg"},
        "backup_group": {"type": "str", "default": "backup"},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC)
        former = recorded_forecasts(variables)
        topology = declared_topology(arguments, variables, self._loader)
        architecture = measured_architecture(topology, variables)
        assessment = all_findings(architecture, now.astimezone().date())
        made, errors = forecasts(architecture), forecast_errors(architecture, former or [])
        failures = failing(assessment.decided.findings, fail_on(topology))
        result = run_results.preflight_result(
            assessment,
            (made, errors),
            failures,
            set(variables["ansible_play_hosts_all"]) - set(variables["ansible_play_hosts"]),
            check_mode=bool(self._task.check_mode),
        )
        return {
            "lines": [*table(assessment), *forecast_lines(made, errors, recorded=former is not None)],
            "failures": failure_lines(failures),
            "recorded": recorded(former or [], made, now),
            "result": result,
        }
