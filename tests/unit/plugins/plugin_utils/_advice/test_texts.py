# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbooks show of findings and forecasts."""

from __future__ import annotations

from datetime import date
from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.acceptance import Acceptance, Decided, decide
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.advise import Assessment
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.codes import ADVICE
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.finding import Unmeasured, finding
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.forecast import Forecast, ForecastError
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.texts import (
    deployment_lines,
    expired_facts,
    failure_lines,
    forecast_lines,
    table,
)

TODAY = date(2026, 11, 30)
COPIES = [finding("no_second_copy", f"pg-{number}", "one copy") for number in range(7)]
DISK = finding("same_disk", "pg-1", "both are on sda")


def advice(decided: Decided) -> dict[str, Any]:
    """As far as the texts read it."""
    return {
        "open": [{"code": one.code, "subject": one.subject} for one in decided.open],
        "expired": expired_facts(decided.expired),
        "record_host": "backup-eu",
    }


REST = "pgdr.barman.preflight shows all of them with the evidence, the cost of a change, and the remedy."
EIGHT = advice(decide([DISK, *COPIES], [], TODAY))
IN_GROUPS = [
    "critical same_disk: pg-1: The backups are on the disk of the database",
    "warning no_second_copy: pg-0, pg-1, pg-2, pg-3, pg-4 and 2 more: There is one copy of the backups",
]


def test_the_first_deployment_shows_one_line_for_each_code() -> None:
    new = {(one["code"], one["subject"]) for one in EIGHT["open"]}
    assert deployment_lines(EIGHT, new) == [
        f"8 open findings about the architecture (1 critical, 7 warning), 8 of them new since the last deployment. {REST}",
        *IN_GROUPS,
    ]


def test_a_deployment_shows_what_is_new() -> None:
    assert deployment_lines(EIGHT, {("no_second_copy", "pg-6")}) == [
        f"8 open findings about the architecture (1 critical, 7 warning), 1 of them new since the last deployment. {REST}",
        "warning no_second_copy: pg-6: There is one copy of the backups",
    ]
    assert deployment_lines(EIGHT, set()) == [
        f"8 open findings about the architecture (1 critical, 7 warning), none of them new since the last deployment. {REST}",
    ]


def test_without_the_record_a_deployment_shows_everything_and_why() -> None:
    first, *rest = deployment_lines(EIGHT, None)
    assert "which of them are new is not known, because backup-eu has the record and was not read. " in first
    assert rest == IN_GROUPS


def test_a_deployment_shows_nothing_if_nothing_is_open() -> None:
    accepted = Acceptance("same_disk", "pg-1", "a test machine", date(2027, 1, 1))
    assert deployment_lines(advice(decide([], [], TODAY)), set()) == []
    assert deployment_lines(advice(decide([DISK], [accepted], TODAY)), None) == []


def test_an_expired_acceptance_is_named_while_its_finding_is_new() -> None:
    expired = Acceptance("same_disk", "pg-1", "a test machine", date(2026, 1, 1))
    line = "expired: same_disk of pg-1, accepted until 2026-01-01: a test machine. The finding is open again."
    decided = decide([DISK], [expired], TODAY)
    assert deployment_lines(advice(decided), {("same_disk", "pg-1")})[-1] == line
    assert line not in deployment_lines(advice(decided), set())
    assert line in table(Assessment(decided, []))


def test_the_table_has_everything_of_an_open_finding_and_the_reason_of_an_accepted_one() -> None:
    accepted = Acceptance("same_disk", "pg-1", "a test machine", date(2027, 1, 1))
    unmeasured = [Unmeasured("no_slot", "pg-1", "a deployment"), Unmeasured("no_slot", "pg-2", "a deployment")]
    lines = table(Assessment(decide([DISK, COPIES[1]], [accepted], TODAY), unmeasured))
    text = "\n".join(lines)
    advice = ADVICE["no_second_copy"]
    assert lines[0] == "1 open finding about the architecture (1 warning)."
    for words in ("one copy", advice.reason, advice.cost, advice.remedy, "accepted until 2027-01-01: a test machine"):
        assert words in text
    assert ADVICE["same_disk"].cost not in text
    assert "not measured: no_slot: pg-1, pg-2: needs a deployment" in lines


def test_an_acceptance_without_a_finding_is_named_unless_its_rule_has_no_data() -> None:
    mended, unknown = (
        Acceptance(code, "pg-1", "a test machine", date(2027, 1, 1)) for code in ("same_disk", "no_slot")
    )
    lines = table(Assessment(decide([], [mended, unknown], TODAY), [Unmeasured("no_slot", "pg-1", "a deployment")]))
    assert "accepted, and not found: same_disk of pg-1, accepted until 2027-01-01: a test machine" in lines
    assert sum(line.startswith("accepted") for line in lines) == 1


def test_the_table_of_a_healthy_fleet() -> None:
    assert table(Assessment(decide([], [], TODAY), []))[0] == "No open findings about the architecture."


def test_forecasts_and_their_errors() -> None:
    made = Forecast("backup", "pg", "backup", 1024**3, 5400.0, "measured throughput")
    error = ForecastError("backup", "pg", "backup", "2026-11-30T12:00:00+00:00", 1000.0, 1250.0, -20.0)
    lines = forecast_lines([made], [error], recorded=True)
    assert lines[1].split() == ["backup", "pg", "backup", "1.0", "GiB", "90.0", "minutes", "measured", "throughput"]
    assert (
        lines[2]
        == "forecast of 2026-11-30T12:00:00+00:00: backup of pg to backup in 16.7 minutes, measured 20.8 minutes: error -20.0 %"
    )
    assert forecast_lines([], [], recorded=False) == []
    assert "not recorded" in forecast_lines([made], [], recorded=False)[-1]


def test_a_failure_has_evidence_and_remedy() -> None:
    (line,) = failure_lines([DISK])
    assert line == "critical same_disk of pg-1: both are on sda. Remedy: barman_home on a disk of its own."
