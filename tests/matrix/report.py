# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as values, and the tables that are made of them. Pure: no clock, no machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from tests.tools.results import PageSection

Outcome = Literal["passed", "refused", "failed"]
Part = Literal["barman", "passive", "postgresql"]

SECTION = PageSection("matrix", "tests.matrix", "docs/tested.md")


@dataclass(frozen=True)
class Result:
    """One step of one case. subject: a release of Barman, of PostgreSQL, or of both ends of a replication ("3.4.0 to 3.19.1")."""

    part: Part
    subject: str
    step: str
    outcome: Outcome
    seconds: float = 0.0
    reason: str = ""

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        return f"{self.part} {self.subject}: {self.step} {self.outcome} ({self.seconds:.0f} s){why}"


def from_json(document: Iterable[Mapping[str, Any]]) -> list[Result]:
    return [Result(**one) for one in document]


def to_json(results: Iterable[Result]) -> list[dict[str, Any]]:
    """The results as they are in the file: sorted, so that a run of one case changes nothing else."""
    ordered = sorted(results, key=lambda one: (one.part, _key(one.subject)))
    return [asdict(replace(one, seconds=round(one.seconds))) for one in ordered]


def merged(before: Iterable[Result], now: Sequence[Result]) -> list[Result]:
    """The former results with these in place of those of the same cases."""
    done = {(one.part, one.subject) for one in now}
    return [one for one in before if (one.part, one.subject) not in done] + list(now)


def verdict(results: Sequence[Result]) -> str:
    """What all steps of one case come to, as a cell of a table. The first failure counts, then a refusal."""
    for outcome in ("failed", "refused"):
        for one in results:
            if one.outcome == outcome:
                return f"{outcome}: {one.step}" if outcome == "failed" else outcome
    return ", ".join(one.step for one in results)


def by_subject(results: Iterable[Result], part: Part) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    for one in results:
        if one.part == part:
            found.setdefault(one.subject, []).append(one)
    return found


def pair(source: str, passive: str) -> str:
    return f"{source} to {passive}"


def markdown(results: Sequence[Result]) -> str:
    """The sections of docs/tested.md that the matrix writes."""
    parts = [
        _table(
            ("Barman", "what was run"),
            ((subject, verdict(steps)) for subject, steps in _sorted(by_subject(results, "barman"))),
        ),
        _passive(by_subject(results, "passive")),
        _table(
            ("PostgreSQL", "what was run"),
            ((subject, verdict(steps)) for subject, steps in _sorted(by_subject(results, "postgresql"))),
        ),
    ]
    return "\n".join(part for part in parts if part)


def _passive(pairs: Mapping[str, Sequence[Result]]) -> str:
    """A row for each release of the source: which passive nodes replicate from it, and which are refused."""
    rows: dict[str, dict[str, list[str]]] = {}
    for subject, steps in pairs.items():
        source, _, passive = subject.partition(" to ")
        word = verdict(steps).partition(":")[0]
        kind = word if word in ("failed", "refused") else "passed"
        rows.setdefault(source, {}).setdefault(kind, []).append(passive)
    cells = ("passed", "refused", "failed")
    return _table(
        ("Barman of the source", "passive nodes that replicated", "refused", "failed"),
        (
            (source, *(", ".join(sorted(kinds.get(cell, []), key=_key)) for cell in cells))
            for source, kinds in _sorted(rows)
        ),
    )


def _sorted(rows: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(rows.items(), key=lambda row: _key(row[0]))


def _key(release: str) -> tuple[tuple[int, ...], str]:
    first = release.split(" ", maxsplit=1)[0]
    return tuple(int(part) for part in first.split(".")), release


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = ["| " + "".join(f"{cell} | " if cell else "| " for cell in row).rstrip() for row in rows]
    if not body:
        return ""
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *body, ""])
