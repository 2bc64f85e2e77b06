# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbooks show of findings and forecasts."""

from __future__ import annotations

from datetime import date

from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.acceptance import Acceptance, decide
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.advise import Assessment
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.codes import ADVICE
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.finding import Unmeasured, finding
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.forecast import Forecast, ForecastError
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.texts import (
    failure_lines,
    forecast_lines,
    short_lines,
    table,
)

TODAY = date(2026, 11, 30)
COPIES = [finding("no_second_copy", f"pg-{number}", "one copy") for number in range(7)]
DISK = finding("same_disk", "pg-1", "both are on sda")


def test_a_deployment_shows_one_line_for_each_code() -> None:
    lines = short_lines(decide([DISK, *COPIES], [], TODAY))
    assert lines == [
        "8 open findings about the architecture (1 critical, 7 warning). pgdr.barman.preflight shows the evidence, the cost of a change, and the remedy.",
        "critical same_disk: pg-1: The backups are on the disk of the database",
        "warning no_second_copy: pg-0, pg-1, pg-2, pg-3, pg-4 and 2 more: There is one copy of the backups",
    ]


def test_a_deployment_shows_nothing_if_nothing_is_open() -> None:
    accepted = Acceptance("same_disk", "pg-1", "a test machine", date(2027, 1, 1))
    assert short_lines(decide([], [], TODAY)) == []
    assert short_lines(decide([DISK], [accepted], TODAY)) == []


def test_an_expired_acceptance_is_named() -> None:
    expired = Acceptance("same_disk", "pg-1", "a test machine", date(2026, 1, 1))
    line = "expired: same_disk of pg-1, accepted until 2026-01-01: a test machine. The finding is open again."
    decided = decide([DISK], [expired], TODAY)
    assert line in short_lines(decided)
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
    lines = forecast_lines([made], [error])
    assert lines[1].split() == ["backup", "pg", "backup", "1.0", "GiB", "90.0", "minutes", "measured", "throughput"]
    assert (
        lines[2]
        == "forecast of 2026-11-30T12:00:00+00:00: backup of pg in 16.7 minutes, measured 20.8 minutes: error -20.0 %"
    )
    assert forecast_lines([], []) == []


def test_a_failure_has_evidence_and_remedy() -> None:
    (line,) = failure_lines([DISK])
    assert line == "critical same_disk of pg-1: both are on sda. Remedy: barman_home on a disk of its own."
