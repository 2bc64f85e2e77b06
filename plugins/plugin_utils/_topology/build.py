# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way through the topology: resolve, validate, requirements.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from .._advice.acceptance import Decided
from .._advice.advise import declared_findings, fail_on
from .model import Problem
from .requirement_types import RequirementsOfHost
from .requirements import describe, requirements
from .resolve import resolve
from .validate import validate


class Outcome(NamedTuple):
    """Either problems, or what the inventory means and what each host must have.

    decided: the findings about the architecture that the inventory alone decides. fail_on: the codes and severities that fail a run.
    """

    problems: list[Problem]
    warnings: list[str]
    topology: dict[str, Any]
    requirements: dict[str, RequirementsOfHost]
    decided: Decided = Decided()
    fail_on: tuple[str, ...] = ()


def build(
    pg: Mapping[str, Mapping[str, Any]],
    backup: Mapping[str, Mapping[str, Any]],
    program_identity: str = "",
    today: date | None = None,
) -> Outcome:
    """The outcome for the hosts of both groups, each with its variables.

    program_identity: of the code that backup servers get. today: without it, there are no findings.
    """
    resolution = resolve(pg, backup)
    verdict = validate(resolution.topology)
    problems = sorted({*resolution.problems, *verdict.problems})
    if problems:
        return Outcome(problems, verdict.warnings, {}, {})
    found = requirements(resolution.topology, program_identity)
    outcome = Outcome([], verdict.warnings, describe(resolution.topology), found)
    if today is None:
        return outcome
    decided = declared_findings(resolution.topology, today)
    return outcome._replace(decided=decided, fail_on=tuple(fail_on(resolution.topology)))
