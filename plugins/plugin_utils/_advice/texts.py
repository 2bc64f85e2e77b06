# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbooks show of findings and forecasts.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ...module_utils._host.sizes import human_size
from .acceptance import Acceptance
from .advise import Assessment
from .codes import ADVICE, SEVERITIES
from .finding import Finding, Unmeasured
from .forecast import Forecast, ForecastError
from .rules_capacity import words

_SHOWN = 5
_FINDING = "%-9s %-30s %s"
_FORECAST = "%-12s %-24s %-24s %12s %14s  %s"


def deployment_lines(advice: Mapping[str, Any], new: Collection[tuple[str, str]] | None) -> list[str]:
    """What a deployment shows: the new findings, a line for each code, and how many are open. Empty if none is open.

    advice: as action topology returns it. new: code and subject of the findings that the last deployment did not show; None if nobody knows, and
    every open finding is shown.
    """
    opened = [(one["code"], one["subject"]) for one in advice["open"]]
    if not opened:
        return []
    shown = [one for one in opened if new is None or one in new]
    return [
        f"{count(ADVICE[code].severity for code, _subject in opened)}{_newness(advice, opened, new)}. "
        "pgdr.barman.preflight shows all of them with the evidence, the cost of a change, and the remedy.",
        *(
            f"{ADVICE[code].severity} {code}: {names(subjects)}: {ADVICE[code].title}"
            for code, subjects in _by_code(shown).items()
        ),
        *(one["message"] for one in advice["expired"] if (one["code"], one["subject"]) in shown),
    ]


def _newness(
    advice: Mapping[str, Any], opened: Sequence[tuple[str, str]], new: Collection[tuple[str, str]] | None
) -> str:
    if new is None:
        return f"; which of them are new is not known, because {advice['record_host'] or 'no backup server'} has the record and was not read"
    number = sum(one in new for one in opened)
    return f", {number or 'none'} of them new since the last deployment"


def table(assessment: Assessment) -> list[str]:
    """Every finding with its evidence, what is accepted, and what was not measured. Findings of one code have their words in common."""
    decided = assessment.decided
    lines = [f"{count(one.severity for one in decided.open)}."]
    groups: dict[str, list[Finding]] = {}
    for one in decided.open:
        groups.setdefault(one.code, []).append(one)
    for code, findings in groups.items():
        advice = ADVICE[code]
        lines.append(_FINDING % (advice.severity, code, advice.title))
        lines += [f"    {one.subject}: {one.evidence}" for one in findings]
        lines += [f"    reason: {advice.reason}", f"    cost:   {advice.cost}", f"    remedy: {advice.remedy}"]
    for one in decided.findings:
        if one.accepted is not None:
            lines.append(_FINDING % ("accepted", one.code, ADVICE[one.code].title))
            lines.append(f"    {one.subject}: {one.evidence}")
            lines.append(f"    accepted until {one.accepted.until}: {one.accepted.reason}")
    unmeasured = {(one.code, one.subject) for one in assessment.unmeasured}
    # It may have been mended, or the subject is misspelt.
    lines += [f"accepted, and not found: {one}" for one in decided.unused if (one.code, one.subject) not in unmeasured]
    return [*lines, *expired_lines(decided.expired), *unmeasured_lines(assessment.unmeasured)]


def count(severities: Iterable[str]) -> str:
    """How many findings are open, by severity. severities: of each open finding."""
    by_severity = Counter(severities)
    found = sum(by_severity.values())
    parts = [f"{by_severity[severity]} {severity}" for severity in SEVERITIES if by_severity[severity]]
    inner = f" ({', '.join(parts)})" if parts else ""
    return f"{found or 'No'} open finding{'' if found == 1 else 's'} about the architecture{inner}"


def expired_lines(expired: Iterable[Acceptance]) -> list[str]:
    return [f"expired: {one}. The finding is open again." for one in expired]


def expired_facts(expired: Sequence[Acceptance]) -> list[dict[str, str]]:
    """The expired acceptances as action topology returns them."""
    return [
        {"code": one.code, "subject": one.subject, "message": message}
        for one, message in zip(expired, expired_lines(expired), strict=True)
    ]


def unmeasured_lines(unmeasured: Sequence[Unmeasured]) -> list[str]:
    """One line for each rule and what it lacks."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in unmeasured:
        groups.setdefault((one.code, one.missing), []).append(one.subject)
    return [f"not measured: {code}: {names(hosts)}: needs {missing}" for (code, missing), hosts in groups.items()]


def forecast_lines(forecasts: Sequence[Forecast], errors: Sequence[ForecastError], *, recorded: bool) -> list[str]:
    """recorded: whether a later run can compare the forecasts."""
    lines = []
    if forecasts:
        lines.append(_FORECAST % ("forecast", "server", "backup server", "bytes", "time", "basis"))
    for one in forecasts:
        row = (one.kind, one.server, one.backup_server, human_size(one.size), words(one.seconds), one.basis)
        lines.append(_FORECAST % row)
    if forecasts and not recorded:
        lines.append("The forecasts are not recorded, because the record was not read. See docs/advice.md.")
    for error in errors:
        lines.append(
            f"forecast of {error.time}: {error.kind} of {error.server} to {error.backup_server} in {words(error.seconds)}, measured "
            f"{words(error.measured_seconds)}: error {error.percent:+.1f} %"
        )
    return lines


def failure_lines(findings: Iterable[Finding]) -> list[str]:
    """The findings that fail a run, a line each."""
    return [f"{one.severity} {one.code} of {one.subject}: {one.evidence}. Remedy: {one.remedy}." for one in findings]


def names(subjects: Sequence[str]) -> str:
    """The first subjects, and how many more there are."""
    more = len(subjects) - _SHOWN
    return ", ".join(subjects[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _by_code(findings: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    """findings: code and subject of each."""
    groups: dict[str, list[str]] = {}
    for code, subject in findings:
        groups.setdefault(code, []).append(subject)
    return groups
