# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements as values, and the table that is made of them. Pure: no clock, no machine."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.tools.results import PageSection

SECTION = PageSection("table", "tests.bench", "docs/performance.md")


@dataclass(frozen=True)
class Row:
    """One thing that was measured, a time for each round.

    against: the row whose time in the same round it is compared with. most: the largest ratio that is aimed at.
    most_seconds: the longest median that is aimed at.
    """

    what: str
    seconds: tuple[float, ...]
    against: str | None = None
    most: float | None = None
    most_seconds: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Count:
    """Something that was counted, and the largest number that is aimed at."""

    what: str
    number: int
    most: int | None = None

    @property
    def met(self) -> bool | None:
        return None if self.most is None else self.number <= self.most


@dataclass(frozen=True)
class Comparison:
    """One benchmark: things that were measured in turns, in the same rounds."""

    name: str
    title: str
    rows: tuple[Row, ...]
    counts: tuple[Count, ...] = ()
    notes: tuple[str, ...] = ()
    date: str = ""
    load: float = 0.0

    def ratios(self, row: Row) -> list[float] | None:
        """Each round's ratio: what else the machine did in that minute is in both."""
        if row.against is None:
            return None
        other = next(one for one in self.rows if one.what == row.against)
        return [mine / theirs for mine, theirs in zip(row.seconds, other.seconds, strict=True)]

    def ratio(self, row: Row) -> float | None:
        ratios = self.ratios(row)
        return None if ratios is None else statistics.median(ratios)

    def met(self, row: Row) -> bool | None:
        """Whether the aim is met; None where there is none."""
        ratio = self.ratio(row)
        if row.most is not None and ratio is not None:
            return ratio <= row.most
        return None if row.most_seconds is None else row.median <= row.most_seconds

    @property
    def verdicts(self) -> list[bool]:
        found = [*(self.met(row) for row in self.rows), *(count.met for count in self.counts)]
        return [met for met in found if met is not None]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Comparison:
        return cls(
            **{
                **data,
                "rows": tuple(Row(**{**row, "seconds": tuple(row["seconds"])}) for row in data["rows"]),
                "counts": tuple(Count(**count) for count in data["counts"]),
                "notes": tuple(data["notes"]),
            }
        )


@dataclass
class Report:
    """Everything of one machine."""

    machine: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)

    def add(self, comparison: Comparison) -> None:
        """Take it in, instead of an earlier one of the same name."""
        names = [one.name for one in self.comparisons]
        if comparison.name in names:
            self.comparisons[names.index(comparison.name)] = comparison
        else:
            self.comparisons.append(comparison)

    def to_dict(self) -> dict[str, Any]:
        """With medians and ratios, for those who read only the file."""
        data = asdict(self)
        for raw, comparison in zip(data["comparisons"], self.comparisons, strict=True):
            raw["results"] = [
                {
                    "what": row.what,
                    "median": row.median,
                    "ratio": comparison.ratio(row),
                    "ratios": comparison.ratios(row),
                    "met": comparison.met(row),
                }
                for row in comparison.rows
            ]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        comparisons = [
            Comparison.from_dict({key: value for key, value in one.items() if key != "results"})
            for one in data["comparisons"]
        ]
        return cls(dict(data["machine"]), dict(data["versions"]), comparisons)


def markdown(report: Report) -> str:
    """The whole table."""
    lines = [
        f"Machine: {_listed(report.machine)}.",
        "",
        f"Versions: {_listed(report.versions)}.",
    ]
    for comparison in report.comparisons:
        lines += ["", *_section(comparison)]
    return "\n".join(lines) + "\n"


def _listed(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _section(comparison: Comparison) -> Iterable[str]:
    rounds = max(len(row.seconds) for row in comparison.rows)
    yield f"### {comparison.title}"
    yield ""
    yield f"{comparison.date}, {rounds} rounds, the machine's load before them {comparison.load:.1f}."
    yield ""
    table = [["", "median", "ratio", "ratios of the rounds", "aim", ""]]
    for row in comparison.rows:
        table.append(_line(comparison, row))
    for count in comparison.counts:
        aim = "" if count.most is None else f"≤ {count.most}"
        table.append([count.what, str(count.number), "", "", aim, _word(met=count.met)])
    yield from _aligned(table)
    for note in comparison.notes:
        yield ""
        yield note


def _line(comparison: Comparison, row: Row) -> list[str]:
    ratio = comparison.ratio(row)
    ratios = comparison.ratios(row) or []
    aim = ""
    if row.most is not None:
        aim = f"≤ {row.most:g}"
    elif row.most_seconds is not None:
        aim = f"≤ {row.most_seconds:g} s"
    return [
        row.what,
        f"{row.median:.3f} s" if row.median < 1 else f"{row.median:.2f} s",
        "" if ratio is None else f"{ratio:.2f}",
        f"{min(ratios):.2f} to {max(ratios):.2f}" if len(ratios) > 1 else "",
        aim,
        _word(met=comparison.met(row)),
    ]


def _word(*, met: bool | None) -> str:
    return "" if met is None else "met" if met else "**missed**"


def _aligned(table: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    rule = [":" + "-" * max(2, width - 1) for width in widths]
    for number, line in enumerate(table):
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        if number == 0:
            yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(rule, widths, strict=True)) + " |"


__all__ = ["SECTION", "Comparison", "Count", "Report", "Row", "markdown"]
