# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings that the inventory accepts, and those that fail a run: barman_accepted_findings and barman_preflight_fail_on.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ...module_utils._barman.options import nearest
from .._topology.text_forms import TextError, describe, to_list, to_str
from .codes import ADVICE, SEVERITIES
from .finding import AcceptedReason, Finding

Report = Callable[[str, str, str], None]
"""Takes a problem: its place below the variable, what is wrong, what to write instead."""

_KEYS = ("code", "subject", "reason", "until")
#: A date, and midnight as YAML has it after a date with a time.
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?: 00:00:00)?\Z")
_FORM = "write code, subject, reason and until"


@dataclass(frozen=True, order=True)
class Acceptance:
    """An accepted finding. until: the last day on which it is accepted."""

    code: str
    subject: str
    reason: str
    until: date

    def __str__(self) -> str:
        return f"{self.code} of {self.subject}, accepted until {self.until.isoformat()}: {self.reason}"


def read_accepted(value: Any, report: Report) -> tuple[Acceptance, ...]:
    """The value of barman_accepted_findings. Every mistake is reported, and its item is left out."""
    try:
        given = to_list(value)
    except TextError as error:
        report("", error.message, _FORM)
        return ()
    found = [_read_item(item, f"[{number}]", report) for number, item in enumerate(given, start=1)]
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _read_item(item: Any, place: str, report: Report) -> Acceptance | None:
    if not isinstance(item, Mapping):
        report(place, f"is {describe(item)} and no accepted finding", _FORM)
        return None
    unknown = sorted(set(map(str, item)) - set(_KEYS))
    if unknown:
        like = nearest(unknown[0], _KEYS)
        report(place, f"has {', '.join(unknown)}", f"did you mean {like}?" if like else _FORM)
        return None
    texts: dict[str, str] = {}
    for key in _KEYS:
        try:
            texts[key] = to_str(item.get(key))
        except TextError:
            texts[key] = ""
        if not texts[key]:
            report(f"{place}.{key}", "is missing", f"write {_WORDS[key]}")
            return None
    if texts["code"] not in ADVICE:
        report(f"{place}.code", *unknown_code(texts["code"], ADVICE))
        return None
    try:
        until = date.fromisoformat(_DATE.sub(r"\1", texts["until"]) if _DATE.match(texts["until"]) else "")
    except ValueError:
        report(f"{place}.until", f"is {texts['until']!r}, which is not a date", f"write {_WORDS['until']}")
        return None
    return Acceptance(texts["code"], texts["subject"], texts["reason"], until)


_WORDS: Mapping[str, str] = {
    "code": "the code of the finding, as pgdr.barman.preflight shows it",
    "subject": "the host or the zone that pgdr.barman.preflight shows",
    "reason": "why the finding is accepted",
    "until": 'the last day on which it is accepted, as "2027-06-30"',
}


def unknown_code(code: str, known: Iterable[str]) -> tuple[str, str]:
    """What is wrong with a word that is no code, and what to write instead."""
    like = nearest(code.lower(), known)
    instead = f"did you mean {like}?" if like else "write a code of docs/advice.md"
    return f"cannot be {code!r}, which is no finding", instead


def fail_on_word(value: Any) -> str:
    """A code or a severity. Raises ValueError with what is wrong, and what to write instead."""
    word = value.strip() if isinstance(value, str) else ""
    if word in ADVICE or word in SEVERITIES:
        return word
    if not word:
        raise ValueError(f"is {describe(value)} and no code", f"write a code, or one of {', '.join(SEVERITIES)}")
    raise ValueError(*unknown_code(word, (*SEVERITIES, *ADVICE)))


@dataclass(frozen=True)
class Decided:
    """findings: all, with what is accepted. expired: acceptances of findings that are open again. unused: those without a finding."""

    findings: tuple[Finding, ...] = ()
    expired: tuple[Acceptance, ...] = ()
    unused: tuple[Acceptance, ...] = ()

    @property
    def open(self) -> list[Finding]:
        return [one for one in self.findings if one.accepted is None]


def decide(findings: Iterable[Finding], acceptances: Iterable[Acceptance], today: date) -> Decided:
    """Which findings are accepted today. Of several acceptances of a finding, the one that ends last counts."""
    by_finding: dict[tuple[str, str], Acceptance] = {}
    for one in acceptances:
        first = by_finding.get((one.code, one.subject))
        if first is None or first.until < one.until:
            by_finding[one.code, one.subject] = one
    decided: list[Finding] = []
    expired: list[Acceptance] = []
    for found in findings:
        accepted = by_finding.pop((found.code, found.subject), None)
        if accepted is not None and accepted.until >= today:
            found = dataclasses.replace(found, accepted=AcceptedReason(accepted.reason, accepted.until.isoformat()))
        elif accepted is not None:
            expired.append(accepted)
        decided.append(found)
    return Decided(tuple(decided), tuple(sorted(expired)), tuple(sorted(by_finding.values())))


def failing(findings: Iterable[Finding], fail_on: Collection[str]) -> list[Finding]:
    """The open findings that fail a run. fail_on: codes and severities."""
    return [one for one in findings if one.accepted is None and (one.code in fail_on or one.severity in fail_on)]
