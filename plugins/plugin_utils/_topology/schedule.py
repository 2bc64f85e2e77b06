# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When backups are taken: cron expressions read, checked, spread and counted.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES = {
    "month": {name: number for number, name in enumerate(_MONTHS, start=1)},
    "weekday": {name: number for number, name in enumerate(_WEEKDAYS)},
}
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
#: Two years of 365 days that begin on a Sunday: each day's number, day of the month, weekday, and month.
_DAYS = tuple(
    (number, of_month, number % 7, month)
    for number, (month, of_month) in enumerate(
        [(month, day) for month, length in enumerate(_MONTH_DAYS, start=1) for day in range(1, length + 1)] * 2
    )
)


class Cron(NamedTuple):
    """The five fields of a cron expression, as text."""

    minute: str
    hour: str
    day: str
    month: str
    weekday: str

    def __str__(self) -> str:
        return " ".join(self)


@lru_cache(maxsize=4096)
def parse_cron(text: str) -> Cron:
    """The expression's fields. Raises ValueError with the wrong field and the reason."""
    expression = text.strip().lower()
    if expression.startswith("@"):
        if expression not in _MACROS:
            raise ValueError(f"{text.strip()} is not one of {', '.join(sorted(_MACROS))}")
        expression = _MACROS[expression]
    fields = expression.split()
    if len(fields) != len(FIELDS):
        raise ValueError(f"it has {len(fields)} fields instead of 5 (minute, hour, day, month, weekday)")
    for given, (name, low, high) in zip(fields, FIELDS, strict=True):
        _values(name, given, low, high)
    return Cron(*fields)


@lru_cache(maxsize=4096)
def _values(name: str, text: str, low: int, high: int) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        step = 1
        if slash:
            if not _is_number(step_text) or int(step_text) == 0:
                raise ValueError(f"the {name} has the step {step_text!r}, which is not a number from 1 on")
            step = int(step_text)
        if span == "*":
            first, last = low, high
        else:
            first_text, dash, last_text = span.partition("-")
            first = _number(name, first_text, low, high)
            last = _number(name, last_text, low, high) if dash else (high if slash else first)
            if last < first:
                raise ValueError(f"the {name} {span} ends before it begins")
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _number(name: str, text: str, low: int, high: int) -> int:
    named = _NAMES.get(name, {}).get(text)
    if named is not None:
        return named
    if not _is_number(text) or not low <= int(text) <= high:
        raise ValueError(f"the {name} {text!r} is not from {low} to {high}")
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


@lru_cache(maxsize=4096)
def runs_per_year(cron: Cron) -> int:
    """How often the expression comes true in a year of 365 days that begins on a Sunday."""
    minutes, hours = _values("minute", cron.minute, 0, 59), _values("hour", cron.hour, 0, 23)
    matching = sum(day < 365 for day in _matching_days(cron.day, cron.month, cron.weekday))
    return matching * len(hours) * len(minutes)


@lru_cache(maxsize=4096)
def longest_gap(crons: tuple[Cron, ...]) -> int | None:
    """The most minutes between two times that match one of the expressions; None if none ever matches.

    It reads two years, which begin on a Sunday and have 365 days, so that a yearly time matches twice.
    """
    times: dict[int, set[int]] = {}
    for cron in crons:
        minutes, hours = _values("minute", cron.minute, 0, 59), _values("hour", cron.hour, 0, 23)
        of_day = {hour * 60 + minute for hour in hours for minute in minutes}
        for day in _matching_days(cron.day, cron.month, cron.weekday):
            times.setdefault(day, set()).update(of_day)
    longest, last = None, None
    for day in sorted(times):
        for moment in sorted(times[day]):
            now = day * 1440 + moment
            if last is not None:
                longest = max(longest or 0, now - last)
            last = now
    return longest


@lru_cache(maxsize=4096)
def _matching_days(day: str, month: str, weekday: str) -> tuple[int, ...]:
    """The days of two years on which the expression comes true. With a day and a weekday restricted, either is enough."""
    months, days = _values("month", month, 1, 12), _values("day", day, 1, 31)
    weekdays = {number % 7 for number in _values("weekday", weekday, 0, 7)}
    either = not day.startswith("*") and not weekday.startswith("*")
    found = []
    for number, of_month, of_week, in_month in _DAYS:
        hits = (of_month in days, of_week in weekdays)
        if in_month in months and (any(hits) if either else all(hits)):
            found.append(number)
    return tuple(found)


def spread(name: str) -> tuple[int, int, int]:
    """Minute, hour (0 to 3) and weekday, the same for the same name and spread evenly over many names."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return number % 60, number // 60 % 4, number // 240 % 7


def default_schedules(name: str, *, block_increments: bool) -> tuple[str, str]:
    """The schedule of full backups and that of increments for a server that declares none."""
    minute, hour, weekday = spread(name)
    if not block_increments:
        return f"{minute} {hour} * * *", ""
    others = ",".join(str(day) for day in range(7) if day != weekday)
    return f"{minute} {hour} * * {weekday}", f"{minute} {hour} * * {others}"


def redundancy_within(cron: Cron | None, days: int) -> int | None:
    """How many backups a recovery window of so many days needs: those inside, and the last one before it."""
    if cron is None:
        return None
    return runs_per_year(cron) * days // 365 + 1
