# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A finding about the architecture, with its evidence.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from .codes import ADVICE, SEVERITIES, Severity


@dataclass(frozen=True)
class AcceptedReason:
    """Why a finding is accepted, and until which day, as ISO 8601."""

    reason: str
    until: str


@dataclass(frozen=True)
class Finding:
    """A deviation from the recommendations.

    code: a key of ADVICE. subject: the inventory name of a host, or a zone. evidence: what was measured or declared, with its values. reason:
    why it matters. cost: of the change. remedy: the variable or the command. accepted: None for an open finding. cause: what distinguishes
    it from a further finding of its code and subject, such as the other host of a pair.
    """

    code: str
    subject: str
    severity: Severity
    evidence: str
    reason: str
    cost: str
    remedy: str
    accepted: AcceptedReason | None = None
    cause: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The finding as facts and results have it."""
        accepted = None if self.accepted is None else {"reason": self.accepted.reason, "until": self.accepted.until}
        return {
            "code": self.code,
            "subject": self.subject,
            "severity": self.severity,
            "evidence": self.evidence,
            "reason": self.reason,
            "cost": self.cost,
            "remedy": self.remedy,
            "accepted": accepted,
        }


@dataclass(frozen=True, order=True)
class Unmeasured:
    """A rule that has no data for a subject. missing: what it needs."""

    code: str
    subject: str
    missing: str

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "subject": self.subject, "missing": self.missing}


def finding(code: str, subject: str, evidence: str, cause: str = "") -> Finding:
    """A finding of this code, with the words of the table."""
    advice = ADVICE[code]
    return Finding(code, subject, advice.severity, evidence, advice.reason, advice.cost, advice.remedy, cause=cause)


def joined(findings: Iterable[Finding]) -> list[Finding]:
    """Those of one rule, each code and subject once, with all evidence.

    If a subject has several causes, each is a finding, and its subject names the cause: an acceptance of one cause accepts no other.
    """
    causes: dict[tuple[str, str], dict[str, list[Finding]]] = {}
    for one in findings:
        causes.setdefault((one.code, one.subject), {}).setdefault(one.cause, []).append(one)
    found = []
    for (_code, subject), by_cause in causes.items():
        for cause, same in by_cause.items():
            evidence = "; ".join(dict.fromkeys(one.evidence for one in same))
            name = f"{subject} {cause}" if cause and len(by_cause) > 1 else subject
            found.append(replace(same[0], subject=name, evidence=evidence))
    return found


def in_order(findings: list[Finding]) -> list[Finding]:
    """Each once, the most severe first, then by code and subject."""
    unique = {(one.code, one.subject): one for one in reversed(findings)}
    return sorted(unique.values(), key=lambda one: (SEVERITIES.index(one.severity), one.code, one.subject))
