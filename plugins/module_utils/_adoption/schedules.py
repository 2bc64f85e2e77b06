# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who starts base backups on a host: lines of cron, and timers of systemd.

This module util is private to the collection. Nothing here reads files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .._host.marked_block import BEGIN, END
from .secrets import may_have_secret

#: Everything that follows the subcommand, up to the end of the command.
_OF_BARMAN = r"(?:\s+(?:(?:-c|-f|--config|--format|--log-level|--color)\s+\S+|-\S+))*"
_BACKUP = re.compile(rf"\bbarman{_OF_BARMAN}\s+backup\s+(?P<rest>[^;&|]*)")
_MACRO = re.compile(r"\s*(?P<when>@\w+)\s+(?P<rest>.*)")
_FIELDS = re.compile(r"\s*(?P<when>(?:\S+\s+){4}\S+)\s+(?P<rest>.*)")
_ASSIGNMENT = re.compile(r"\s*\w+\s*=")
#: Files of users have no field for the user.
_OF_A_USER = "/var/spool/cron/"
#: Options of "barman backup" that have a value of their own.
_WITH_VALUE = frozenset(
    (
        "--incremental",
        "--retry-times",
        "--retry-sleep",
        "--jobs",
        "-j",
        "--jobs-start-batch-period",
        "--jobs-start-batch-size",
        "--bwlimit",
        "--wait-timeout",
        "--keepalive-interval",
        "--name",
        "--check-timeout",
    )
)
_WEEKDAYS = r"(?:(?P<weekday>[A-Za-z]{3}(?:(?:,|\.\.)[A-Za-z]{3})*)\s+)?"
_CALENDAR = re.compile(
    _WEEKDAYS + r"(?:\*-(?P<month>\*|\d{1,2})-(?P<day>\*|\d{1,2})\s+)?(?P<hour>\*|\d{1,2}):(?P<minute>\d{1,2})(?::00)?"
)
_CALENDAR_WORDS = {
    "hourly": "0 * * * *",
    "daily": "0 0 * * *",
    "weekly": "0 0 * * 1",
    "monthly": "0 0 1 * *",
}


@dataclass(frozen=True)
class FoundSchedule:
    """A line that takes backups. when: cron's five fields or macro, None if it is no such expression. incremental: the argument of --incremental."""

    file: str
    text: str
    servers: tuple[str, ...]
    when: str | None
    incremental: str | None = None
    ours: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "servers": list(self.servers)}


def cron_schedules(files: Mapping[str, str], own_file: str) -> list[FoundSchedule]:
    """The lines of these files of cron that take backups. own_file: the file with the block of this collection."""
    return [found for path, text in sorted(files.items()) for found in _of_file(path, text, own_file)]


def timer_schedules(timers: Mapping[str, str], services: Mapping[str, str]) -> list[FoundSchedule]:
    """The timers whose service takes backups. Both by the path of the unit."""
    found = []
    for path, text in sorted(timers.items()):
        service = services.get(re.sub(r"timer\Z", "service", path), "")
        calendars = re.findall(r"^\s*OnCalendar\s*=\s*(.+?)\s*$", text, re.MULTILINE)
        for line in re.findall(r"^\s*Exec\w+\s*=.*$", service, re.MULTILINE):
            command = _BACKUP.search(line)
            if command:
                when = calendar_to_cron(calendars[0]) if len(calendars) == 1 else None
                found.append(_schedule(path, line, command.group("rest"), when))
    return found


def calendar_to_cron(text: str) -> str | None:
    """A simple calendar expression of systemd in the words of cron; None for all others."""
    if text.lower() in _CALENDAR_WORDS:
        return _CALENDAR_WORDS[text.lower()]
    found = _CALENDAR.fullmatch(text.strip())
    if found is None:
        return None
    weekday = (found["weekday"] or "*").lower().replace("..", "-")
    hour, minute, day, month = found["hour"], found["minute"], found["day"] or "*", found["month"] or "*"
    fields = [one if one == "*" else str(int(one)) for one in (minute, hour, day, month)]
    return " ".join([*fields, weekday])


def _of_file(path: str, text: str, own_file: str) -> Iterable[FoundSchedule]:
    ours = False
    for line in text.splitlines():
        if path == own_file and line in (BEGIN, END):
            ours = line == BEGIN
        command = None if line.lstrip().startswith("#") or _ASSIGNMENT.match(line) else _BACKUP.search(line)
        if command is None:
            continue
        fields = _MACRO.match(line) or _FIELDS.match(line)
        found = _schedule(path, line, command.group("rest"), fields.group("when") if fields else None, ours=ours)
        if found.servers:
            yield found


def _schedule(path: str, line: str, rest: str, when: str | None, *, ours: bool = False) -> FoundSchedule:
    servers, incremental = _arguments(rest)
    expression = None if when is None else " ".join(when.split())
    text = " ".join(line.split())
    if may_have_secret(text):
        text = "barman backup (the rest is left out: it may have a secret)"
    return FoundSchedule(path, text, servers, expression, incremental, ours)


def _arguments(rest: str) -> tuple[tuple[str, ...], str | None]:
    """The servers, and the argument of --incremental, in the words after "barman backup"."""
    servers: list[str] = []
    incremental = None
    words = iter(rest.split())
    for word in words:
        if word.startswith((">", "2>", "<", "#")):
            break
        name, equals, value = word.partition("=")
        if name in _WITH_VALUE:
            argument = value if equals else next(words, "")
            incremental = argument if name == "--incremental" else incremental
        elif not word.startswith("-"):
            servers.append(word.strip("\"'"))
    return tuple(servers), incremental
