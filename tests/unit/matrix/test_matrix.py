# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the version matrix that need no machine."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.matrix import barman_cases, postgresql_cases, releases, report
from tests.matrix.cycle import Case, Ended
from tests.matrix.machines import Failed, failures, shortened
from tests.matrix.report import Result

HERE = REPOSITORY / "tests" / "matrix"
HASH = "--hash=sha256:" + 64 * "0"
LOCKED = (HERE / "barman" / "barman.txt").read_text(encoding="utf-8")


# Releases


def test_the_lock_has_every_minor_release_once() -> None:
    minors = [releases.version(one)[:2] for one in releases.pinned(LOCKED)]
    assert minors == [(3, minor) for minor in range(4, 4 + len(minors))]


def test_a_line_without_a_hash_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'barman==3\.4\.0' is not"):
        releases.pinned("barman==3.4.0\n")


def test_releases_are_sorted_as_versions() -> None:
    assert releases.pinned(f"# all\nbarman==3.10.1 {HASH}\nbarman==3.9.0 {HASH}\n") == ["3.9.0", "3.10.1"]


def test_which_releases_meet() -> None:
    pinned = ["3.4.0", "3.5.0", "3.6.0", "3.7.0"]
    assert {one.release: one.passives for one in releases.plan(pinned)} == {
        "3.4.0": ("3.5.0", "3.6.0", "3.7.0"),
        "3.5.0": ("3.4.0", "3.7.0"),
        "3.6.0": ("3.4.0", "3.5.0", "3.7.0"),
        "3.7.0": ("3.4.0", "3.5.0", "3.6.0"),
    }
    assert [one.release for one in releases.plan(pinned, ["3.6.0", "3.5.0"])] == ["3.6.0", "3.5.0"]


def test_what_is_expected_of_a_pair() -> None:
    assert releases.refusal("3.4.0", "3.19.1") is None
    assert releases.refusal("3.19.1", "3.4.0") == (3, 14, 0)


# Results


def result(part: report.Part, subject: str, step: str, outcome: report.Outcome = "passed") -> Result:
    return Result(part, subject, step, outcome)


RESULTS = [
    result("barman", "3.10.1", "deploy"),
    result("barman", "3.10.1", "check", "failed"),
    result("barman", "3.9.0", "deploy"),
    result("barman", "3.9.0", "check"),
    result("passive", "3.10.1 to 3.9.0", "switch"),
    result("passive", "3.10.1 to 3.9.0", "sync", "refused"),
    result("passive", "3.10.1 to 3.19.1", "sync"),
    result("postgresql", "13.23 managed", "deploy"),
]


def test_the_tables() -> None:
    assert report.markdown(RESULTS) == (
        "| Barman | what was run |\n|---|---|\n| 3.9.0 | deploy, check |\n| 3.10.1 | failed: check |\n\n"
        "| Barman of the source | passive nodes that replicated | refused | failed |\n|---|---|---|---|\n"
        "| 3.10.1 | 3.19.1 | 3.9.0 | |\n\n"
        "| PostgreSQL | what was run |\n|---|---|\n| 13.23 managed | deploy |\n"
    )
    assert report.markdown([]) == ""


def test_results_survive_their_file() -> None:
    document = report.to_json(RESULTS)
    assert report.markdown(report.from_json(document)) == report.markdown(RESULTS)
    assert report.to_json(report.from_json(document)) == document


def test_a_case_replaces_its_former_results_only() -> None:
    now = [result("barman", "3.9.0", "deploy", "failed")]
    assert report.merged(RESULTS, now) == [*RESULTS[:2], *RESULTS[4:], *now]


def test_the_page_has_the_tables_of_the_results() -> None:
    page = (REPOSITORY / "docs" / "tested.md").read_text(encoding="utf-8")
    found = report.from_json(json.loads((HERE / "results.json").read_text(encoding="utf-8")))
    assert report.SECTION.put(page, report.markdown(found)) == page
    assert [str(one) for one in found if one.outcome == "failed"] == []


def test_a_failed_step_ends_its_case() -> None:
    recorded: list[Result] = []
    ticks = count()
    case = Case("barman", "3.4.0", recorded.append, clock=lambda: float(next(ticks)))
    with case.step("deploy"):
        pass
    with pytest.raises(Ended), case.step("backup"):
        raise Failed("backup: the disk is full")
    assert [(one.step, one.outcome, one.seconds, one.reason) for one in recorded] == [
        ("deploy", "passed", 1.0, ""),
        ("backup", "failed", 1.0, "backup: the disk is full"),
    ]


# What Ansible reports


def document(**hosts: dict[str, Any]) -> dict[str, Any]:
    failed = {name: {"failures": int(bool(one.get("failed"))), "unreachable": 0} for name, one in hosts.items()}
    return {"plays": [{"tasks": [{"task": {"name": "Check"}, "hosts": hosts}]}], "stats": failed}


def test_failures_have_host_task_and_message() -> None:
    found = failures(document(a={"failed": True, "msg": "no WAL"}, b={"msg": "fine"}))
    assert found == ("a: Check: no WAL",)


def test_a_failure_that_a_rescue_caught_is_none() -> None:
    caught = document(a={"failed": True, "msg": "not yet"})
    caught["stats"]["a"]["failures"] = 0
    assert failures(caught) == ()


def test_long_reasons_have_a_beginning_and_an_end() -> None:
    assert shortened("a  b\nc") == "a b c"
    assert len(shortened("x" * 5000)) < 700


# PostgreSQL


def test_a_failure_belongs_to_the_server_that_it_names() -> None:
    names = ["managed-13", "managed-14"]
    found = ["archive: server 'managed-13': no WAL; server 'managed-14': no slot", "the inventory is empty"]
    assert postgresql_cases.concerning(found, "managed-14", names) == ["managed-14': no slot", "the inventory is empty"]
    assert postgresql_cases.concerning(["server 'managed-13': no WAL"], "managed-14", names) == []
    assert postgresql_cases.concerning(["server 'unmanaged-13': no WAL"], "managed-13", [*names, "unmanaged-13"]) == []


def test_each_server_has_a_port_of_its_own() -> None:
    clusters = [
        postgresql_cases.Cluster(f"{major}.1", kind) for major in (13, 14, 16) for kind in postgresql_cases.KINDS
    ]
    assert len({one.port for one in clusters}) == len(clusters)
    children = postgresql_cases.inventory(clusters)["children"]
    assert children["managed"]["hosts"]["managed-13"] == {"barman_postgres_version": 13, "barman_postgres_port": 5513}
    assert sorted(children) == ["managed", "unmanaged"]


@pytest.mark.parametrize("part", ["barman", "postgresql"])
def test_inventory_and_lab_agree(part: str) -> None:
    lab = yaml.safe_load((HERE / part / "lab.yml").read_text(encoding="utf-8"))
    text = (HERE / part / "inventory.yml").read_text(encoding="utf-8")
    assert [one["address"] for one in lab["machines"] if one["address"] not in text] == []
    names = {one["name"] for one in lab["machines"]}
    tool = {
        barman_cases.PG,
        barman_cases.BACKUP,
        barman_cases.PASSIVE,
        postgresql_cases.SERVERS,
        postgresql_cases.ARCHIVE,
    }
    assert names <= tool


def test_every_script_stops_at_its_first_error() -> None:
    for path in HERE.glob("*/prepare.sh"):
        assert "\nset -eu\n" in Path(path).read_text(encoding="utf-8")
