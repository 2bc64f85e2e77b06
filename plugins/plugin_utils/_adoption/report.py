# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person reads after an adoption: the variables to fill, the decisions, and what a deployment would change or refuse.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .._topology.build import build
from .changes import OptionChange, changes_of, refusals
from .facts import Adoption, BarmanFacts


@dataclass(frozen=True)
class AdoptionPlan:
    """What a deployment of the inventory would do. refusals: why it would fail before it changes anything."""

    refusals: tuple[str, ...]
    changes: tuple[OptionChange, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"refusals": list(self.refusals), "changes": [asdict(one) for one in self.changes]}


def plan_of(adoption: Adoption, barmans: Mapping[str, BarmanFacts]) -> AdoptionPlan:
    """The plan of a deployment with barman_adopt. The passwords are only references, and count as given."""
    outcome = build(adoption.pg, adoption.backup)
    if outcome.problems:
        return AdoptionPlan(tuple(str(problem) for problem in outcome.problems), ())
    refused: list[str] = []
    changes: list[OptionChange] = []
    for host, facts in sorted(barmans.items()):
        required = outcome.requirements[host]["barman"]
        refused += [f"{host}: {text}" for text in refusals(facts, required)]
        changes += changes_of(host, facts, required)
    return AdoptionPlan(tuple(refused), tuple(changes))


def report_lines(adoption: Adoption, plan: AdoptionPlan, path: str, *, written: str) -> list[str]:
    """The lines that the playbook shows. written: what happened to the file."""
    servers = f"{len(adoption.pg)} PostgreSQL {'server' if len(adoption.pg) == 1 else 'servers'}"
    lines = [f"{path} {written}. It declares {servers} on {', '.join(sorted(adoption.backup))}."]
    left_out = [f"{name} on {host}" for host, names in sorted(adoption.left_out.items()) for name in sorted(names)]
    lines += _part("It does not declare these servers, whose entries stay as they are:", left_out)
    lines += _part(
        "Fill these variables in a vault:",
        (f"{one.name}: {one.meaning}; its value is in {one.source}." for one in adoption.vault),
    )
    lines += _part("Read before you deploy:", map(str, adoption.remarks))
    lines += _part("A deployment would fail until this is corrected:", plan.refusals)
    lines += _part("A deployment would change in Barman's configuration:", map(str, plan.changes))
    lines.append(f"Next: ansible-playbook pgdr.barman.deploy -i {path} --become -e barman_adopt=true --check --diff")
    return lines


def _part(heading: str, items: Iterable[str]) -> list[str]:
    found = [f"- {item}" for item in items]
    return [heading, *found] if found else []
