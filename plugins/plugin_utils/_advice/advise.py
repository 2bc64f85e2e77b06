# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The findings about an architecture.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from .._topology.model import BackupServer, PostgresServer, Topology
from .acceptance import Acceptance, Decided, decide
from .architecture import Architecture, Rule
from .finding import Finding, Unmeasured, in_order, joined
from .rules_capacity import CAPACITY_RULES
from .rules_declared import DECLARED_RULES
from .rules_placement import PLACEMENT_RULES
from .rules_protection import PROTECTION_RULES

MEASURED_RULES: tuple[Rule, ...] = (*PLACEMENT_RULES, *CAPACITY_RULES, *PROTECTION_RULES)


class Assessment(NamedTuple):
    """decided: the findings, with what is accepted. unmeasured: rules that have no data for a subject."""

    decided: Decided
    unmeasured: list[Unmeasured]


def declared_findings(topology: Topology, today: date) -> Decided:
    """The findings that the inventory alone decides."""
    found, _unmeasured = _run(DECLARED_RULES, Architecture(topology))
    return decide(found, acceptances(topology), today)


def all_findings(architecture: Architecture, today: date) -> Assessment:
    """The findings of every rule."""
    # What was measured is better evidence than what is declared.
    found, unmeasured = _run((*MEASURED_RULES, *DECLARED_RULES), architecture)
    have = {(one.code, one.subject) for one in found}
    left = sorted({one for one in unmeasured if (one.code, one.subject) not in have})
    return Assessment(decide(found, acceptances(architecture.topology), today), left)


def acceptances(topology: Topology) -> list[Acceptance]:
    """Those of all hosts, each once."""
    return sorted({one for host in _hosts(topology) for one in host.accepted_findings})


def fail_on(topology: Topology) -> list[str]:
    """The codes and severities that fail a run, of all hosts."""
    return sorted({word for host in _hosts(topology) for word in host.fail_on})


def _hosts(topology: Topology) -> list[PostgresServer | BackupServer]:
    return [*topology.postgres_servers.values(), *topology.backup_servers.values()]


def _run(rules: Iterable[Rule], architecture: Architecture) -> tuple[list[Finding], list[Unmeasured]]:
    found: list[Finding] = []
    unmeasured: list[Unmeasured] = []
    for rule in rules:
        yielded = list(rule(architecture))
        found += joined(one for one in yielded if isinstance(one, Finding))
        unmeasured += [one for one in yielded if isinstance(one, Unmeasured)]
    return in_order(found), unmeasured
