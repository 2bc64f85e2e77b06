# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hints why a connection or a WAL stream failed, and what to do.

This module util is private to the collection. Nothing here connects, reads or writes. Before a connection is made libpq has no
SQLSTATE, and pg_receivewal never has one: there are only words. PostgreSQL's are in the language of its lc_messages, so a pattern
here only phrases a hint beside the message itself. Nobody may decide by it what is done (tests/unit/test_words.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .diagnosis_rules import (
    CONNECTION_RULES,
    STREAM_RULES,
    ConnectionRule,
    DiagnosisKind,
    Endpoint,
    StreamProblem,
    StreamRule,
    Text,
)
from .reachability import Reach


@dataclass(frozen=True)
class Diagnosis:
    """kind: the hint's name. what: what is wrong. remedy: what to do. message: all of it, for people, with the original message."""

    kind: DiagnosisKind
    what: str
    remedy: str
    message: str


def diagnose_connection(text: str, endpoint: Endpoint, reach: Reach = Reach.UNKNOWN) -> Diagnosis:
    """Why no connection came about.

    reach: what a TCP connection made afterwards met. If it failed too, or met a pooler, that is the reason, whatever libpq writes. Otherwise the
    hint is from the error's text, which is in the message too.
    """
    where = f"no connection to PostgreSQL at {endpoint.address} as user '{endpoint.user}' {endpoint.purpose}"
    unreached = _unreached(reach, endpoint)
    if unreached is not None:
        kind, what, remedy = unreached
        return Diagnosis(kind, what, remedy, _sentence(endpoint.server, where, what, remedy))
    hint = _match(CONNECTION_RULES, text, endpoint)
    if hint is None:
        what = _own_words(text)
        return Diagnosis("other", what, "", _sentence(endpoint.server, where, what, ""))
    return Diagnosis(hint.kind, hint.what, hint.remedy, _sentence(endpoint.server, where, hint.with_text, hint.remedy))


def diagnose_stream(text: str, endpoint: Endpoint) -> Diagnosis | None:
    """A hint why WAL does not stream, from what pg_receivewal and Barman wrote; None if the text has nothing known."""
    hint = _match(STREAM_RULES, text, endpoint) or _match(CONNECTION_RULES, text, endpoint)
    if hint is None:
        return None
    where = f"no WAL is received from PostgreSQL at {endpoint.address}"
    return Diagnosis(hint.kind, hint.what, hint.remedy, _sentence(endpoint.server, where, hint.with_text, hint.remedy))


_UNREACHED: Mapping[Reach, DiagnosisKind] = {
    Reach.NAME: "unknown_host",
    Reach.REFUSED: "refused",
    Reach.NO_ROUTE: "unreachable",
    Reach.TIMEOUT: "timeout",
    Reach.POOLER: "pooler",
}


def _unreached(reach: Reach, endpoint: Endpoint) -> tuple[DiagnosisKind, str, str] | None:
    """The rule for a server that could not be reached; its texts need nothing from the error's text."""
    for kind, _pattern, what, remedy in CONNECTION_RULES:
        if kind == _UNREACHED.get(reach):
            nothing = re.match("", "")
            if nothing is None:
                continue
            return kind, _fill(what, nothing, endpoint), _fill(remedy, nothing, endpoint)
    return None


def stream_diagnosis(kind: StreamProblem, endpoint: Endpoint, segment: str) -> Diagnosis:
    """The diagnosis of that kind, which is known from state and not from a text. segment: what the receiver must go on with."""
    what, remedy = next((what, remedy) for name, _pattern, what, remedy in STREAM_RULES if name == kind)
    if kind == "wal_removed":
        what = f"PostgreSQL has removed the WAL segment {segment}, at which the receiver must continue"
    if not isinstance(what, str) or not isinstance(remedy, str):
        raise TypeError(f"the diagnosis {kind} is not a text")
    where = f"no WAL is received from PostgreSQL at {endpoint.address}"
    return Diagnosis(kind, what, remedy, _sentence(endpoint.server, where, what, remedy))


@dataclass(frozen=True)
class _Hint:
    """text: the lines of the original message that the hint is from."""

    kind: DiagnosisKind
    what: str
    remedy: str
    text: str

    @property
    def with_text(self) -> str:
        return f"{self.what} (reported: {self.text})"


def _match(rules: Sequence[ConnectionRule | StreamRule], text: str, endpoint: Endpoint) -> _Hint | None:
    for kind, pattern, what, remedy in rules:
        found = re.search(pattern, text)
        if found:
            return _Hint(kind, _fill(what, found, endpoint), _fill(remedy, found, endpoint), _lines_around(found))
    return None


def _lines_around(found: re.Match[str], most: int = 300) -> str:
    """The lines of the text in which the pattern was found, without the head of Barman's log lines."""
    text = found.string
    end = text.find("\n", found.end())
    lines = text[text.rfind("\n", 0, found.start()) + 1 : len(text) if end < 0 else end]
    words = _own_words("\n".join(without_log_head(line) for line in lines.splitlines()))
    return words if len(words) <= most else words[:most] + "…"


def without_log_head(line: str) -> str:
    """A line of Barman's log without its time, process, logger and level."""
    return re.sub(r"^.*?\[\d+\] \S+ \w+: ", "", line)


def _fill(text: Text, found: re.Match[str], endpoint: Endpoint) -> str:
    return text if isinstance(text, str) else text(found, endpoint)


def _sentence(server: str | None, where: str, what: str, remedy: str) -> str:
    start = f"Barman server '{server}': " if server else ""
    if remedy and not remedy.endswith("?"):
        remedy += "."
    return (f"{start}{where}: {what}. {remedy}").rstrip()


def _own_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines).rstrip(".") or "no reason was reported"
