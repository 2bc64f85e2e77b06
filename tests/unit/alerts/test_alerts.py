# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the alerts in real time that need no machine."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.alerts import report
from tests.alerts.__main__ import LANES
from tests.alerts.fault import PRELUDE, Fault, Shell, Step
from tests.alerts.measure import Stage, concerned, measure, watch_quiet
from tests.alerts.report import Measured, Quiet, Results
from tests.alerts.watching import Alert, parse
from tests.conftest import REPOSITORY

HERE = REPOSITORY / "tests" / "alerts"
FAULTS = [fault for lane in LANES.values() for fault in lane]
RULES = yaml.safe_load((REPOSITORY / "roles" / "monitoring" / "files" / "barman.rules.yml").read_text(encoding="utf-8"))
FAULT = Fault("BarmanSlotMissing", "The slot is dropped", "pg", (Shell("pg", "drop"),), (Shell("pg", "create"),))
MISSING = Alert("BarmanSlotMissing", "pg", "backup:9100", "pg: the slot does not exist", "Deploy pg.")
SECOND = replace(MISSING, name="BarmanReceiverStopped")


def machines(part: str) -> set[str]:
    return {one["name"] for one in yaml.safe_load((HERE / part / "lab.yml").read_text(encoding="utf-8"))["machines"]}


def steps(fault: Fault) -> list[Step]:
    return [*fault.before, *fault.begin, *fault.end]


class World:
    """A clock that only a sleep moves, and alerts that fire 100 seconds after the begin of a fault and clear 50 seconds after its end."""

    def __init__(self, *alerts: Alert, fires: float = 100.0, clears: float = 50.0) -> None:
        self.time = 0.0
        self._alerts = alerts
        self._fires, self._clears = fires, clears
        self._begun = self._ended = float("inf")

    def alerts(self) -> Sequence[Alert]:
        lasts = self._begun + self._fires <= self.time < self._ended + self._clears
        return self._alerts if lasts else ()

    def run(self, step: Step) -> None:
        assert isinstance(step, Shell)
        if step.script == "drop":
            self._begun = self.time
        else:
            self._ended = self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    @property
    def stage(self) -> Stage:
        return Stage(self, self.run, lambda machine: "backup:9100", lambda: self.time, self.sleep)


# The faults


def test_each_alert_has_a_fault() -> None:
    assert {one.alert for one in FAULTS} == {rule["alert"] for group in RULES["groups"] for rule in group["rules"]}


def test_no_fault_has_the_words_of_another() -> None:
    """The results of a fault replace the former ones by both."""
    assert len({(one.alert, one.what) for one in FAULTS}) == len(FAULTS)


def test_each_script_is_one_of_a_machine_of_the_lab() -> None:
    shells = [step for fault in FAULTS for step in steps(fault) if isinstance(step, Shell)]
    assert {one.machine for one in shells} <= machines("faults")
    for one in shells:
        checked = subprocess.run(["sh", "-n"], input=PRELUDE + one.script, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, one.script + checked.stderr


def test_no_server_is_concerned_by_two_lanes() -> None:
    lanes = [{(fault.server, fault.machine) for fault in lane} for lane in LANES.values()]
    assert sum(map(len, lanes)) == len(set().union(*lanes))


@pytest.mark.parametrize("part", ["faults", "quiet"])
def test_the_inventory_has_the_addresses_of_the_lab(part: str) -> None:
    lab = yaml.safe_load((HERE / part / "lab.yml").read_text(encoding="utf-8"))
    inventory = (HERE / part / "inventory.yml").read_text(encoding="utf-8")
    assert [one["name"] for one in lab["machines"] if one["address"] not in inventory] == []


# Measurements


def test_a_fault_that_raises_its_alert_alone() -> None:
    found = measure(FAULT, World(MISSING).stage)
    assert found == Measured("BarmanSlotMissing", "The slot is dropped", "pg", fires=100, clears=50)
    assert found.passed


def test_a_second_alert_is_reported() -> None:
    found = measure(FAULT, World(MISSING, SECOND).stage)
    assert found.others == ("BarmanReceiverStopped",)
    assert not found.passed


def test_alerts_of_other_servers_are_not_concerned() -> None:
    others = (replace(SECOND, subject="pg-2"), replace(SECOND, instance="other:9100"))
    assert measure(FAULT, World(MISSING, *others).stage).passed


def test_a_fault_of_a_backup_server_concerns_all_of_its_servers() -> None:
    fault = replace(FAULT, server="backup", machine="backup")
    assert concerned(fault, [MISSING, replace(SECOND, instance="other:9100")], "backup:9100") == [MISSING]


@pytest.mark.parametrize(("fires", "clears"), [(181.0, 50.0), (100.0, 181.0)])
def test_an_alert_that_takes_too_long(fires: float, clears: float) -> None:
    assert not measure(FAULT, World(MISSING, fires=fires, clears=clears).stage).passed


def test_an_alert_that_never_fires() -> None:
    found = measure(FAULT, World(SECOND).stage)
    assert found.fires is None
    assert not found.passed


def test_texts_that_do_not_name_the_server() -> None:
    found = measure(FAULT, World(replace(MISSING, summary="a slot does not exist")).stage)
    assert found.problem == "summary or remedy do not name pg"


def test_a_server_that_has_an_alert_before_is_not_measured() -> None:
    world = World(SECOND)
    world.run(Shell("pg", "drop"))
    world.time = 200.0
    assert measure(FAULT, world.stage).problem == "before it: BarmanReceiverStopped"


def test_a_quiet_time() -> None:
    world = World(MISSING)
    assert watch_quiet(world.stage, 10) == ()
    assert world.time == 600
    world.run(Shell("pg", "drop"))
    assert watch_quiet(world.stage, 10) == ("BarmanSlotMissing of pg",)


def test_the_answer_of_alertmanager() -> None:
    answer = {
        "labels": {"alertname": "BarmanSlotMissing", "server": "pg", "instance": "backup:9100"},
        "annotations": {"summary": "pg: the slot does not exist", "remedy": "Deploy pg."},
    }
    host = {"labels": {"alertname": "BarmanMetricsStale", "instance": "backup:9100"}, "annotations": {}}
    assert parse([answer, host]) == [Alert("BarmanMetricsStale", "backup:9100", "backup:9100"), MISSING]


# Results


def test_results_survive_the_file() -> None:
    measured = Measured("A", "fault", "pg", "a date", 1, None, ("B",))
    results = Results((measured,), ("C of pg",), Quiet(60, 4, 3, ()))
    assert report.from_json(report.to_json(results)) == results


def test_a_result_replaces_the_former_one_of_the_same_fault() -> None:
    before = Results((Measured("A", "one", "pg", fires=1), Measured("A", "two", "pg")), (), Quiet(60, 4, 3, ()))
    now = Results((Measured("A", "one", "pg", fires=2),))
    found = report.merged(before, now)
    assert [one.fires for one in found.measured] == [2, None]
    assert found.quiet == before.quiet


def test_the_tables() -> None:
    measured = (
        Measured("A", "One", "pg", fires=100, clears=50),
        Measured("B", "Two", "pg", "the date", 5, None, ("C",)),
    )
    text = report.markdown(Results(measured, (), Quiet(60, 4, 3, ())))
    assert text.splitlines()[2:4] == [
        "| `A` | One | 100 s | 50 s | none |",
        "| `B` | Two. Put back in time: the date | 5 s | never | C |",
    ]
    assert text.endswith("A quiet time of 60 minutes, with 4 servers that write, and 3 backups by cron: no alert.\n")


def test_the_page_has_the_tables_of_the_results() -> None:
    page = (REPOSITORY / "docs" / "tested.md").read_text(encoding="utf-8")
    results = report.from_json(yaml.safe_load(Path(HERE / "results.json").read_text(encoding="utf-8")))
    assert report.SECTION.put(page, report.markdown(results)) == page
