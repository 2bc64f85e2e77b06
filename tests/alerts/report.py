# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as values, and the tables that are made of them. Pure: no clock, no machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tests.alerts.fault import LIMIT
from tests.tools.results import PageSection

SECTION = PageSection("alerts", "tests.alerts", "docs/tested.md")


@dataclass(frozen=True)
class Measured:
    """A fault that was caused. fires, clears: seconds, None for never. others: alerts of the same server. problem: why it is no measurement."""

    alert: str
    what: str
    server: str
    dated: str = ""
    fires: int | None = None
    clears: int | None = None
    others: tuple[str, ...] = ()
    problem: str = ""

    @property
    def passed(self) -> bool:
        in_time = all(seconds is not None and seconds <= LIMIT for seconds in (self.fires, self.clears))
        return in_time and not self.others and not self.problem


@dataclass(frozen=True)
class Quiet:
    """A time in which nothing was done. alerts: what Alertmanager or Prometheus had meanwhile. backups: those that cron took."""

    minutes: int
    servers: int
    backups: int
    alerts: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.alerts


@dataclass(frozen=True)
class Results:
    """strays: alerts of servers without a fault."""

    measured: tuple[Measured, ...] = ()
    strays: tuple[str, ...] = ()
    quiet: Quiet | None = None

    @property
    def passed(self) -> bool:
        quiet = self.quiet is None or self.quiet.passed
        return quiet and not self.strays and all(one.passed for one in self.measured)


def from_json(document: Mapping[str, Any]) -> Results:
    quiet = document.get("quiet")
    return Results(
        tuple(Measured(**{**one, "others": tuple(one["others"])}) for one in document.get("measured", ())),
        tuple(document.get("strays", ())),
        None if quiet is None else Quiet(**{**quiet, "alerts": tuple(quiet["alerts"])}),
    )


def to_json(results: Results) -> dict[str, Any]:
    return asdict(results)


def merged(before: Results, now: Results) -> Results:
    """The former results with these in place of those of the same faults."""
    done = {(one.alert, one.what) for one in now.measured}
    kept = [one for one in before.measured if (one.alert, one.what) not in done]
    measured = sorted([*kept, *now.measured], key=lambda one: (one.alert, one.what))
    return Results(
        tuple(measured),
        now.strays if now.measured else before.strays,
        now.quiet or before.quiet,
    )


def markdown(results: Results) -> str:
    """The tables of docs/tested.md."""
    rows = [
        "| "
        + " | ".join([f"`{one.alert}`", _what(one), _seconds(one.fires), _seconds(one.clears), _others(one)]).rstrip()
        + " |"
        for one in results.measured
    ]
    head = ["| alert | fault | fires after | clears after | other alerts |", "|---|---|---|---|---|"]
    text = ["\n".join([*head, *rows])] if rows else []
    if results.strays:
        text.append(f"Alerts of servers without a fault: {', '.join(results.strays)}.")
    if results.quiet is not None:
        text.append(_quiet(results.quiet))
    return "\n\n".join(text) + "\n"


def _what(one: Measured) -> str:
    return f"{one.what}. Put back in time: {one.dated}" if one.dated else one.what


def _seconds(seconds: int | None) -> str:
    return "never" if seconds is None else f"{seconds} s"


def _others(one: Measured) -> str:
    return "; ".join([*one.others, *([one.problem] if one.problem else [])]) or "none"


def _quiet(quiet: Quiet) -> str:
    alerts = ", ".join(quiet.alerts) or "no alert"
    return f"A quiet time of {quiet.minutes} minutes, with {quiet.servers} servers that write, and {quiet.backups} backups by cron: {alerts}."
