# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bench's arithmetic and its table."""

from __future__ import annotations

import json

import pytest

from tests.bench.report import Comparison, Count, Report, Row, markdown
from tests.bench.turns import in_turns

MODULE = Row("module", (3.0, 30.0, 5.0), against="bare", most=1.5)
BARE = Row("bare", (2.0, 20.0, 5.0))


def comparison(*rows: Row, name: str = "backup", counts: tuple[Count, ...] = ()) -> Comparison:
    return Comparison(name, "Backup of 1.5 GB", rows, counts, ("A note.",), "2026-11-20 08:00 UTC", 0.25)


def test_the_ratio_is_the_median_of_the_rounds_ratios() -> None:
    one = comparison(MODULE, BARE)
    assert one.ratios(MODULE) == [1.5, 1.5, 1.0]
    assert one.ratio(MODULE) == 1.5
    assert one.ratio(BARE) is None


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (MODULE, True),
        (Row("module", (3.1, 31.0, 5.0), against="bare", most=1.5), False),
        (Row("module", (3.0, 3.0, 3.0), against="bare"), None),
        (Row("topology", (1.9, 5.0, 1.8), most_seconds=2.0), True),
        (Row("topology", (2.1, 5.0, 1.8), most_seconds=2.0), False),
    ],
)
def test_an_aim_is_met_or_missed(row: Row, met: bool | None) -> None:
    assert comparison(row, BARE).met(row) is met


def test_rounds_that_are_no_pairs_are_no_comparison() -> None:
    with pytest.raises(ValueError):
        comparison(Row("module", (1.0,), against="bare"), BARE).ratio(Row("module", (1.0,), against="bare"))


def test_the_table_is_complete() -> None:
    missed = Count("modules run on pg", 13, 12)
    text = markdown(Report({"cores": "2"}, {"Barman": "3.13.3"}, [comparison(MODULE, BARE, counts=(missed,))]))
    assert "Machine: cores 2." in text
    assert "Versions: Barman 3.13.3." in text
    assert "3 rounds, the machine's load before them 0.2" in text
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    assert ["module", "5.00 s", "1.50", "1.00 to 1.50", "≤ 1.5", "met"] in lines
    assert ["bare", "5.00 s", "", "", "", ""] in lines
    assert ["modules run on pg", "13", "", "", "≤ 12", "**missed**"] in lines
    assert len({len(line) for line in text.splitlines() if line[:1] == "|"}) == 1
    assert text.rstrip().endswith("A note.")


def test_a_report_survives_its_file() -> None:
    report = Report({"cores": "2"}, {"Barman": "3.13.3"}, [comparison(MODULE, BARE, counts=(Count("runs", 3, 4),))])
    again = Report.from_dict(json.loads(json.dumps(report.to_dict())))
    assert again == report
    assert again.to_dict()["comparisons"][0]["results"][0]["ratio"] == 1.5


def test_a_new_measurement_takes_the_old_one_s_place() -> None:
    report = Report(comparisons=[comparison(BARE), comparison(BARE, name="check")])
    report.add(comparison(MODULE, BARE))
    assert [(one.name, len(one.rows)) for one in report.comparisons] == [("backup", 2), ("check", 1)]


def test_another_one_begins_each_round() -> None:
    order: list[str] = []

    def subject(name: str, seconds: float) -> float:
        order.append(name)
        return seconds

    found = in_turns(
        3,
        {"a": lambda: subject("a", 1.0), "b": lambda: subject("b", 2.0), "c": lambda: subject("c", 3.0)},
        lambda: order.append("-"),
    )
    assert "".join(order) == "-a-b-c-b-c-a-c-a-b"
    assert found == {"a": (1.0, 1.0, 1.0), "b": (2.0, 2.0, 2.0), "c": (3.0, 3.0, 3.0)}
