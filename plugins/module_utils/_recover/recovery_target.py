# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recovery target, read from a module's options.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

from .._postgres import wal

TargetKind = Literal["time", "xid", "lsn", "name", "immediate", "end"]

END: TargetKind = "end"
IMMEDIATE: TargetKind = "immediate"
LATEST = "latest"
CURRENT = "current"

# The options of which at most one can be given.
OPTIONS: Mapping[str, TargetKind] = {
    "target_time": "time",
    "target_xid": "xid",
    "target_lsn": "lsn",
    "target_name": "name",
    "target_immediate": "immediate",
}

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,6})\d*)?)?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?\Z",
    re.IGNORECASE,
)


class TargetError(ValueError):
    """The options are no recovery target; every problem is one line of the text."""


@dataclass(frozen=True)
class RecoveryTarget:
    """Where recovery stops.

    kind: immediate is the first consistent point, end that of the archived WAL.
    timeline: its number, "latest", or "current" for the backup's own.
    """

    kind: TargetKind
    time: datetime | None = None
    xid: int | None = None
    lsn: int | None = None
    name: str | None = None
    inclusive: bool = True
    timeline: int | str = LATEST

    def __str__(self) -> str:
        if self.kind == END:
            return "the end of the archived WAL"
        if self.kind == IMMEDIATE:
            return "the first consistent point"
        text = {
            "time": f"the time {format_time(self.time)}",
            "xid": f"transaction {self.xid}",
            "lsn": f"the WAL position {None if self.lsn is None else wal.format_lsn(self.lsn)}",
            "name": f"the restore point '{self.name}'",
        }[self.kind]
        return text if self.inclusive or self.kind == "name" else text + " (exclusive)"

    @property
    def value(self) -> str | None:
        """The target's value as Barman and PostgreSQL take it."""
        if self.kind == "time" and self.time is not None:
            return self.time.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f+00:00")
        if self.kind == "xid":
            return str(self.xid)
        if self.kind == "lsn" and self.lsn is not None:
            return wal.format_lsn(self.lsn)
        return self.name

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "value": format_time(self.time) if self.kind == "time" else self.value,
            "inclusive": self.inclusive,
            "timeline": self.timeline,
        }


def format_time(moment: datetime | None) -> str | None:
    """A time as this collection writes it everywhere: ISO 8601, in UTC."""
    return None if moment is None else moment.astimezone(timezone.utc).isoformat()


def parse_time(text: str) -> datetime:
    """A time with its zone, such as 2026-11-20 08:30:00+01 or 2026-11-20T07:30:00Z. Raises TargetError."""
    found = _TIME.match(text.strip())
    if found is None:
        raise TargetError(f"'{text}' is not a time; write it as in '2026-11-20 08:30:00+00:00'")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if zone is None:
        raise TargetError(
            f"'{text}' has no time zone, and an hour more or less is another recovery; write it as in "
            f"'{text.strip()}+00:00'"
        )
    try:
        return datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute),
            int(second or 0),
            int((fraction or "").ljust(6, "0")),
            _zone(zone),
        )
    except ValueError as exc:
        raise TargetError(f"'{text}' is not a time: {exc}") from None


def _zone(text: str) -> timezone:
    if text[0] not in "+-":
        return timezone.utc
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def parse_target(options: Mapping[str, Any]) -> RecoveryTarget:
    """The target in a module's options. Raises TargetError with every problem at once."""
    problems: list[str] = []
    values: dict[str, Any] = {}
    given = [option for option in OPTIONS if options.get(option) not in (None, False)]
    if len(given) > 1:
        problems.append(f"{', '.join(given)}: only one of them can be the target")

    def read(option: str, parse: Any) -> None:
        if option in given:
            try:
                values[OPTIONS[option]] = parse(options[option])
            except ValueError as exc:
                problems.append(f"{option}: {exc}")

    read("target_time", parse_time)
    read("target_xid", _xid)
    read("target_lsn", wal.parse_lsn)
    read("target_name", _name)
    timeline: int | str = LATEST
    try:
        timeline = _timeline(options.get("target_timeline"))
    except ValueError as exc:
        problems.append(f"target_timeline: {exc}")
    inclusive = options.get("target_inclusive", True)
    kind = OPTIONS[given[0]] if given else END
    if not inclusive and kind not in ("time", "xid", "lsn"):
        problems.append("target_inclusive: it has an effect only with target_time, target_xid or target_lsn")
    if problems:
        raise TargetError("\n".join(problems))
    return RecoveryTarget(kind=kind, inclusive=bool(inclusive), timeline=timeline, **values)


def _xid(text: str) -> int:
    # 3 is the first normal one; pg_current_xact_id() puts an epoch in the upper half, which the WAL does not have.
    if not str(text).strip().isdigit() or not int(text) % (1 << 32) >= 3:
        raise TargetError(f"'{text}' is not a transaction id; one looks like 735")
    return int(text) % (1 << 32)


def _name(text: str) -> str:
    if not text or "'" in text or "\n" in text or "\\" in text or len(text.encode()) > 63:
        raise TargetError(
            f"'{text}' can't be the name of a restore point here: 1 to 63 bytes without quotes, backslashes and line "
            "ends"
        )
    return text


def _timeline(text: str | None) -> int | str:
    if text is None or text in (LATEST, CURRENT):
        return text or LATEST
    if not str(text).isdigit() or int(text) < 1:
        raise TargetError(f"'{text}' is not a timeline: a number, 'latest' or 'current'")
    return int(text)
