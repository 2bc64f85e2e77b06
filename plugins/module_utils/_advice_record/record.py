# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbooks showed about the architecture: the findings of the last deployment, and the forecasts.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .._host.process import HostError

VERSION = 1
#: Below Barman's home.
FILE = ".pgdr.barman/advice.json"


@dataclass(frozen=True, order=True)
class ShownFinding:
    """A finding that a deployment showed as open. subject: a host, a zone, or a host and the cause."""

    code: str
    subject: str

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "subject": self.subject}


@dataclass(frozen=True)
class AdviceRecord:
    """findings: those that were open at the last deployment. forecasts: as pgdr.barman.preflight makes them, with their times, the oldest first."""

    findings: tuple[ShownFinding, ...] = ()
    forecasts: tuple[Mapping[str, Any], ...] = ()

    def as_text(self) -> str:
        """The record as the file has it."""
        document = {
            "version": VERSION,
            "findings": [one.as_dict() for one in self.findings],
            "forecasts": [dict(one) for one in self.forecasts],
        }
        return json.dumps(document, indent=2, sort_keys=True) + "\n"


@dataclass(frozen=True)
class AdvicePlan:
    """record: what the file has afterwards. new: the findings that the file does not have yet."""

    record: AdviceRecord
    new: tuple[ShownFinding, ...] = ()


def plan_record(
    current: AdviceRecord,
    findings: Iterable[ShownFinding] | None = None,
    forecasts: Iterable[Mapping[str, Any]] | None = None,
) -> AdvicePlan:
    """findings, forecasts: what the record has to have; None leaves it as it is."""
    desired = current
    new: tuple[ShownFinding, ...] = ()
    if findings is not None:
        opened = tuple(sorted(set(findings)))
        new = tuple(one for one in opened if one not in current.findings)
        desired = replace(desired, findings=opened)
    if forecasts is not None:
        desired = replace(desired, forecasts=tuple(forecasts))
    return AdvicePlan(desired, new)


def parse_record(text: str, path: str) -> AdviceRecord:
    """The record in the text of the file. Raises HostError if the text is none."""
    try:
        document = json.loads(text)
        if document["version"] != VERSION:
            raise ValueError(f"version {document['version']!r}")
        findings = tuple(ShownFinding(str(one["code"]), str(one["subject"])) for one in document["findings"])
        forecasts = tuple(dict(one) for one in document["forecasts"])
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise HostError(
            f"{path} is not the record of this collection ({exc}): move it away, and run this again"
        ) from None
    return AdviceRecord(findings, forecasts)
