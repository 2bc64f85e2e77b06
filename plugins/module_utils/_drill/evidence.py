# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drills of a backup server as a document for auditors: who, when, what, and the result.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from .._barman.ledger import Ledger, LedgerRecord

COLUMNS = ("Time (UTC)", "Result", "Backup", "Restored up to", "Recovery", "Checks", "By", "On", "Reason", "Record")
_NEVER = "No restore is proven."
_STYLE = (
    "body{font:14px sans-serif;margin:2em;color:#111}table{border-collapse:collapse}"
    "th,td{border:1px solid #999;padding:.3em .5em;text-align:left;vertical-align:top}th{background:#eee}"
    ".failed{background:#fdd}"
)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")


def drill_row(record: LedgerRecord) -> list[str]:
    """The cells of a drill, as plain text."""
    found = record.details
    seconds = found.get("rto_seconds")
    return [
        _moment(record.time),
        record.result,
        str(found.get("backup_id") or ""),
        _reached(found),
        "" if seconds is None else f"{seconds} s",
        _checks(found.get("checks") or {}),
        str(found.get("requested_by") or ""),
        str(found.get("host") or ""),
        "" if record.passed else f"{found.get('failed_phase') or 'unknown'}: {found.get('reason') or ''}",
        record.id,
    ]


def _moment(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def _reached(found: Mapping[str, Any]) -> str:
    rpo = found.get("rpo") or {}
    return " ".join(str(one) for one in (rpo.get("commit_time"), f"({rpo['lsn']})" if rpo.get("lsn") else None) if one)


def _checks(checks: Mapping[str, Any]) -> str:
    queries = checks.get("queries") or []
    texts = [
        f"{name}: {checks[name]['status']}"
        for name in ("backup", "wal", "amcheck", "checksums")
        if isinstance(checks.get(name), dict) and checks[name].get("status")
    ]
    if queries:
        right = sum(one.get("matched") is not False for one in queries)
        texts.append(f"queries: {right} of {len(queries)}")
    return ", ".join(texts)


def proven_text(ledger: Ledger, now: datetime) -> str:
    """The last proven restore as a sentence."""
    proven = ledger.proven_restore(now)
    if proven is None:
        return _NEVER
    return "The last proven restore was on {} UTC, of backup {}, up to {}.".format(
        _moment(proven.time), proven.details.get("backup_id"), _reached(proven.details) or "its target"
    )


def unreadable_text(ledger: Ledger) -> str:
    """The lines of the ledger that are no records, as a sentence; "" if there are none."""
    lines = ", ".join(str(one.number) for one in ledger.unreadable)
    return f"The ledger has lines that can't be read: {lines}." if lines else ""


def markdown(ledgers: Mapping[str, Ledger], host: str, now: datetime) -> str:
    """The document as Markdown."""
    lines = ["# Restore drills", "", f"Backup server {_escaped(host)}, {_moment(now)} UTC."]
    for server, ledger in ledgers.items():
        lines += ["", f"## {_escaped(server)}", "", _escaped(proven_text(ledger, now))]
        if ledger.unreadable:
            lines += ["", _escaped(unreadable_text(ledger))]
        rows = _rows(ledger)
        if rows:
            lines += ["", _line(COLUMNS, str), _line(["---"] * len(COLUMNS), str)]
            lines += [_line(row, _escaped) for row in rows]
    return "\n".join(lines) + "\n"


def _rows(ledger: Ledger) -> list[list[str]]:
    """The newest first."""
    return [drill_row(record) for record in reversed(ledger.of_kind("drill"))]


def _line(cells: Sequence[str], escape: Callable[[str], str]) -> str:
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"


def _escaped(text: str) -> str:
    """The text on one line, without a meaning in Markdown."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def html_document(ledgers: Mapping[str, Ledger], host: str, now: datetime) -> str:
    """The document as one HTML file, which loads nothing."""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8"><title>Restore drills</title>',
        f"<style>{_STYLE}</style></head><body>",
        "<h1>Restore drills</h1>",
        f"<p>Backup server {html.escape(host)}, {_moment(now)} UTC.</p>",
    ]
    for server, ledger in ledgers.items():
        parts += [f"<h2>{html.escape(server)}</h2>", f"<p>{html.escape(proven_text(ledger, now))}</p>"]
        if ledger.unreadable:
            parts.append(f"<p>{html.escape(unreadable_text(ledger))}</p>")
        rows = _rows(ledger)
        if rows:
            head = "".join(f"<th>{html.escape(name)}</th>" for name in COLUMNS)
            parts += [f"<table><tr>{head}</tr>", *map(_html_row, rows), "</table>"]
    return "\n".join([*parts, "</body></html>"]) + "\n"


def _html_row(row: Sequence[str]) -> str:
    cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
    return f'<tr class="{html.escape(row[1])}">{cells}</tr>'
