# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A message as text for people, and as JSON for programs.

This module util is private to the collection. Nothing here reads files or connects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._monitoring.fault import Fault
from .plan import Message, line_of

#: Of the JSON that a webhook gets.
VERSION = 1


def subject_of(message: Message, host: str) -> str:
    """The subject of a mail, and the first line of the text."""
    count = len(message.new) + len(message.lasting)
    if not count:
        return f"Barman on {host}: no fault any more"
    critical = sum(one.kind.severity == "critical" for one in (*message.new, *message.lasting))
    details = f"{critical} critical, {len(message.new)} new"
    return f"Barman on {host}: {count} fault{'s' if count > 1 else ''} ({details})"


def text_of(message: Message) -> str:
    """The body of a mail."""
    parts = [
        *_part("New", [f"{one.kind.severity}: {line_of(one)}" for one in message.new]),
        *_part("Still there", [f"{one.kind.severity}: {line_of(one)}" for one in message.lasting]),
        *_part("Ended", message.ended),
    ]
    return "\n".join(parts)


def _part(title: str, lines: Sequence[str]) -> list[str]:
    return [f"{title}:", *(f"- {line}" for line in lines), ""] if lines else []


def payload_of(message: Message, host: str) -> dict[str, Any]:
    """What a webhook gets. The key text is what chat programs show."""
    return {
        "version": VERSION,
        "host": host,
        "status": "firing" if message.new or message.lasting else "resolved",
        "text": f"{subject_of(message, host)}\n{text_of(message)}",
        "new": [_fault(one) for one in message.new],
        "lasting": [_fault(one) for one in message.lasting],
        "ended": list(message.ended),
    }


def _fault(fault: Fault) -> Mapping[str, str]:
    return {
        "name": fault.kind.name,
        "severity": fault.kind.severity,
        "server": fault.subject,
        "text": fault.text,
        "remedy": fault.remedy,
    }
