# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A finding about the architecture, with its evidence.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    why it matters. cost: of the change. remedy: the variable or the command. accepted: None for an open finding.
    """

    code: str
    subject: str
    severity: Severity
    evidence: str
    reason: str
    cost: str
    remedy: str
    accepted: AcceptedReason | None = None

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


def finding(code: str, subject: str, evidence: str) -> Finding:
    """A finding of this code, with the words of the table."""
    advice = ADVICE[code]
    return Finding(code, subject, advice.severity, evidence, advice.reason, advice.cost, advice.remedy)


def in_order(findings: list[Finding]) -> list[Finding]:
    """Each once, the most severe first, then by code and subject."""
    unique = {(one.code, one.subject): one for one in reversed(findings)}
    return sorted(unique.values(), key=lambda one: (SEVERITIES.index(one.severity), one.code, one.subject))
