# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of a report about the fleet: what the template formats.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .words import Moment

#: From the worst to the best. A server that was not read is never healthy.
State = Literal["failing", "unread", "warning", "healthy"]
STATES: tuple[State, ...] = ("failing", "unread", "warning", "healthy")
STATE_TEXTS: Mapping[State, tuple[str, str]] = {
    "failing": ("!", "failing"),
    "unread": ("?", "not read"),
    "warning": ("\N{WHITE UP-POINTING TRIANGLE}", "warning"),
    "healthy": ("\N{CHECK MARK}", "healthy"),
}


def worst(states: Sequence[State]) -> State:
    return min(states, key=STATES.index, default="healthy")


@dataclass(frozen=True)
class HostResults:
    """What the modules returned on a backup server; None for a module that did not run.

    unread, unchecked: why the host could not be read, and why its checks could not be run; "" if they could, or if nothing tried.
    """

    servers: Mapping[str, Any] | None = None
    checks: Mapping[str, Any] | None = None
    drills: Mapping[str, Any] | None = None
    unread: str = ""
    unchecked: str = ""


@dataclass(frozen=True)
class ReportProblem:
    """What is wrong. title: a few words for the picture. remedy and command: what to do."""

    state: State
    title: str
    message: str
    remedy: str = ""
    command: str = ""


@dataclass(frozen=True)
class Cell:
    """A value of a table. moment: its time. note: the details. state: of the value alone."""

    text: str
    note: str = ""
    moment: Moment | None = None
    state: State = "healthy"


UNKNOWN = Cell("unknown", state="unread")


@dataclass(frozen=True)
class DrillRow:
    """A restore drill of the ledger."""

    time: Cell
    result: str
    backup: str
    recovery: str
    reason: str


@dataclass(frozen=True)
class ReportFinding:
    """A finding of the advice. accepted: the reason and the day, or "" for an open one. hosts: where the picture shows it."""

    code: str
    subject: str
    severity: str
    evidence: str
    reason: str
    cost: str
    remedy: str
    accepted: str
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportServer:
    """An entry on a backup server: a PostgreSQL server, or a passive copy of one. host: its inventory name."""

    anchor: str
    name: str
    host: str
    backup_server: str
    source: str
    state: State
    problems: tuple[ReportProblem, ...]
    rpo: Cell = UNKNOWN
    window: Cell = UNKNOWN
    backup: Cell = UNKNOWN
    restore: Cell = UNKNOWN
    rto: Cell = UNKNOWN
    details: tuple[tuple[str, Cell], ...] = ()
    drills: tuple[DrillRow, ...] = ()
    findings: tuple[ReportFinding, ...] = ()


@dataclass(frozen=True)
class ReportHost:
    """A backup server. read: when its data were read. failure: why it could not be read or checked, or ""."""

    name: str
    state: State
    read: Cell
    problems: tuple[ReportProblem, ...]
    servers: int
    failure: str = ""


@dataclass(frozen=True)
class FleetReport:
    """Everything that the page shows. checked: whether Barman's checks were run on any server."""

    title: str
    time: Moment
    hosts: tuple[ReportHost, ...]
    servers: tuple[ReportServer, ...]
    findings: tuple[ReportFinding, ...]
    accepted: tuple[ReportFinding, ...]
    checked: bool
    picture: str = ""

    @property
    def state(self) -> State:
        return worst([*(one.state for one in self.servers), *(one.state for one in self.hosts)])

    @property
    def unread(self) -> list[ReportHost]:
        return [host for host in self.hosts if host.state == "unread"]

    def counts(self) -> list[tuple[State, int]]:
        """How many servers are in each state."""
        return [(state, sum(one.state == state for one in self.servers)) for state in STATES]
