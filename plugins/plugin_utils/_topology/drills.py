# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore drills as the inventory declares them: their queries, and how old the last proven restore may be.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .text_forms import TextError, describe, to_list

Report = Callable[[str, str, str], None]
"""Takes a problem: its place below the variable, what is wrong, what to write instead."""

AGE_FORMS = 'a number of days, or a text such as "36 HOURS", "30 DAYS" or "4 WEEKS"'
_AGE = re.compile(r"(\d+)\s*(HOURS?|DAYS?|WEEKS?)?", re.IGNORECASE)
_SECONDS = {"HOUR": 3600, "DAY": 86400, "WEEK": 7 * 86400}
#: With --quiet cron sends mail only about a drill that failed.
COMMAND = "pgdr-barman drill --quiet --wait 86400"
_KEYS = ("query", "database", "expect")


def parse_age(value: Any) -> int:
    """The seconds of a duration. Raises ValueError with what is wrong."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(f"is {describe(value)} and no duration")
    found = _AGE.fullmatch(str(value).strip())
    if found is None:
        raise ValueError(f"{value!r} is not a duration")
    number, unit = int(found.group(1)), (found.group(2) or "DAY").upper().rstrip("S")
    if number == 0:
        raise ValueError("cannot be 0")
    return number * _SECONDS[unit]


def read_queries(value: Any, report: Report) -> tuple[Mapping[str, Any], ...]:
    """The queries, each with query, database and expect. A text of lines has one query a line, whose result is not compared."""
    try:
        given = value.splitlines() if _is_lines(value) else to_list(value)
    except TextError as error:
        report("", error.message, error.instead)
        return ()
    found: list[Mapping[str, Any]] = []
    for number, item in enumerate(given, start=1):
        query = _read_query(item, f"[{number}]", report)
        if query is not None:
            found.append(query)
    return tuple(found)


def _is_lines(value: Any) -> bool:
    """A query has commas and brackets, so a text is no list of items."""
    return isinstance(value, str) and not value.lstrip().startswith(("[", "{"))


def _read_query(item: Any, place: str, report: Report) -> Mapping[str, Any] | None:
    if isinstance(item, str):
        return {"query": item.strip(), "database": "postgres", "expect": None} if item.strip() else None
    if not isinstance(item, Mapping):
        report(place, f"is {describe(item)} and no query", "write query, and if needed database and expect")
        return None
    unknown = sorted(set(map(str, item)) - set(_KEYS))
    if unknown:
        report(place, f"has {', '.join(unknown)}", f"write {', '.join(_KEYS)}")
        return None
    query, database = item.get("query"), item.get("database", "postgres")
    if not isinstance(query, str) or not query.strip():
        report(f"{place}.query", "is missing", "write the SQL text")
        return None
    if not isinstance(database, str) or not database:
        report(f"{place}.database", f"is {describe(database)} and no name", "write the name of a database")
        return None
    return {"query": query, "database": database, "expect": item.get("expect")}


def schedule_lines(user: str, servers: Iterable[tuple[str, str | None]], command: str = COMMAND) -> list[str]:
    """Lines of /etc/cron.d. servers: Barman's name and the schedule. Servers with the same schedule share a line, and one run waits for another."""
    together: dict[str, list[str]] = {}
    for name, schedule in servers:
        if schedule:
            together.setdefault(schedule, []).append(name)
    return [f"{when} {user} {command} {' '.join(sorted(names))}" for when, names in together.items()]


def queries_of(servers: Iterable[tuple[str, Iterable[Mapping[str, Any]]]]) -> dict[str, list[dict[str, Any]]]:
    """The queries of all servers of a backup server, by Barman's name, as module drill takes them."""
    return {name: [{**query, "server": name} for query in queries] for name, queries in servers}
