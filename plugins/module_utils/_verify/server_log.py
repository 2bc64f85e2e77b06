# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the log of the server under verification reports: where its recovery stopped, and why it failed.

This module util is private to the collection. Nothing here reads or writes files. The server runs with lc_messages = C, so its words are not
translated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# The states in which a server refuses a connection for a moment only: starting, stopping, too many connections.
_PASSING = ("57P01", "57P02", "57P03", "53300")
# A line of the log as LOG_LINE_PREFIX makes it.
LOG_LINE_PREFIX = "%m [%p] %b %e "
_REFUSED = re.compile(r"\[\d+\] (?P<kind>.+?) (?P<code>[0-9A-Z]{5}) FATAL: +(?P<text>.*)$")
_NO_LOGIN = ("28000", "28P01", "3D000")
_LOWER = re.compile(
    r"(max_[a-z_]+) = \d+ is a lower setting than on the (?:primary|master) server,? "
    r"(?:where its value was|\(its value was) (\d+)"
)
_STOPPED_AT_XACT = re.compile(
    r"recovery stopping (after|before) (commit|abort) of (?:prepared )?transaction (\d+), time (.+)$"
)
_STOPPED_AT_NAME = re.compile(r'recovery stopping at restore point "(.*)", time (.+)$')
_STOPPED = re.compile(r"(recovery stopping (?:after|before|at) .+)$")
_CONSISTENT = re.compile(r"consistent recovery state reached at ([0-9A-F]+/[0-9A-F]+)")

# PostgreSQL's message, and what it means here.
_REASONS = (
    (
        "recovery ended before configured recovery target was reached",
        "the restored WAL ends before the target",
    ),
    (
        "requested recovery stop point is before consistent recovery point",
        "the target lies before the end of the backup; an earlier backup is needed",
    ),
    ("WAL ends before end of online backup", "WAL that the backup itself needs is missing"),
    ("WAL ends before consistent recovery point", "WAL that the backup itself needs is missing"),
    ("could not locate required checkpoint record", "the WAL segment with the backup's checkpoint is missing"),
    ("could not find redo location", "the WAL segment with the backup's checkpoint is missing"),
    ("could not locate a valid checkpoint record", "the WAL segment with the last checkpoint is missing or damaged"),
    ("invalid checkpoint record", "the WAL segment with the last checkpoint is missing or damaged"),
    ("incorrect checksum in control file", "the file global/pg_control is damaged"),
    ("is not a child of this server's history", "the backup is not in the history of the target's timeline"),
    ("recovery target timeline", "the history file of the target's timeline is missing"),
    ("multiple recovery targets specified", "the directory's configuration has more than one recovery target"),
    ("could not access file", "a library of shared_preload_libraries is not installed on this host"),
    ("has invalid permissions", "the data directory must be readable by its owner alone (mode 0700 or 0750)"),
    ("has wrong ownership", "the data directory does not belong to the user that starts the server"),
    ("database files are incompatible with server", "the programs in bin_directory are of another kind of build"),
    ("No space left on device", "a file system on this host is full"),
    ("could not map anonymous shared memory", "this host has not enough memory for the settings of pg_control"),
    ("archive file", "a restored WAL segment has the wrong size"),
)


@dataclass(frozen=True)
class LoggedRefusal:
    """Why a server refused a connection. login: because of the user or the database that was given."""

    code: str
    text: str

    @property
    def login(self) -> bool:
        return self.code in _NO_LOGIN


def final_refusal(log: Sequence[str]) -> LoggedRefusal | None:
    """The refusal of a connection in the log that waiting can't heal; None if there is none.

    An error of the server's own processes ends the server, and the caller reads it there.
    """
    for line in log:
        found = _REFUSED.search(line)
        if found and found["kind"] not in ("startup", "postmaster") and found["code"] not in _PASSING:
            return LoggedRefusal(found["code"], found["text"])
    return None


def raised_settings(log: Sequence[str]) -> dict[str, str]:
    """The settings that are lower than on the primary, with the value that hot standby needs at least."""
    return dict(_LOWER.findall("\n".join(log)))


def has_stopped(log: Sequence[str]) -> bool:
    """Whether the recovery stopped at its target."""
    return any(_STOPPED.search(line) for line in log)


def has_lower_settings(log: Sequence[str]) -> bool:
    return any(_LOWER.search(line) for line in log)


def stop_facts(log: Sequence[str]) -> dict[str, Any]:
    """xid, name and message of the stop, each None if the log does not report it."""
    facts: dict[str, Any] = {"xid": None, "name": None, "message": None}
    for line in log:
        stopped = _STOPPED.search(line)
        if stopped:
            facts["message"] = stopped.group(1)
            transaction, name = _STOPPED_AT_XACT.search(line), _STOPPED_AT_NAME.search(line)
            if transaction:
                facts["xid"] = int(transaction.group(3))
            if name:
                facts["name"] = name.group(1)
    return facts


def consistent_lsn(log: Sequence[str]) -> str | None:
    """The position at which the recovery was consistent; None if the log does not report it."""
    matches = [match.group(1) for match in map(_CONSISTENT.search, log) if match]
    return matches[-1] if matches else None


def last_log_line(log: Sequence[str]) -> str:
    return log[-1] if log else ""


def explain(log: Sequence[str]) -> str:
    """Why a server did not start, from its log: the meaning, and PostgreSQL's own message."""
    # The verification's own attempts to connect are refused while the server starts.
    fatal = [line for line in log if re.search(r"\b(FATAL|PANIC):(?!\s+the database system is )", line)]
    messages = [re.sub(r"^.*?(FATAL|PANIC):\s*", "", line) for line in fatal]
    for text in [*messages, *log]:
        for sign, meaning in _REASONS:
            if sign in text:
                message = next((one for one in messages if sign in one), messages[0] if messages else text)
                return f"{meaning} (PostgreSQL reported: {message})"
    if messages:
        return f"PostgreSQL reported: {messages[-1]}"
    return f"PostgreSQL reported: {log[-1] if log else 'nothing'}"
