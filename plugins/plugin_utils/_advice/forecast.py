# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forecasts of backups, recoveries and first passive copies, and how far former ones were from what was measured afterwards.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from .architecture import Architecture, Entry, backup_interval
from .facts import number, whole

ForecastKind = Literal["backup", "recovery", "first_copy"]
#: An SSH connection takes some round trips until it carries data: TCP, versions, keys, authentication, channel.
_SSH_ROUND_TRIPS = 6
_SEGMENT = 16 * 1024 * 1024
#: Of each kind and server. Older ones belong to another size.
_MOST_RECORDED = 20
#: A backup below this part of the database is compressed, by PostgreSQL or by the file system.
_SMALL = 0.5
#: More bytes or seconds than any operation has; neither infinity nor NaN is below it.
_MOST = 10**18


@dataclass(frozen=True)
class Forecast:
    """How long an operation takes. server, backup_server: inventory names. size: bytes. basis: what it is computed from."""

    kind: ForecastKind
    server: str
    backup_server: str
    size: int
    seconds: float
    basis: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "server": self.server,
            "backup_server": self.backup_server,
            "bytes": self.size,
            "seconds": round(self.seconds, 1),
            "basis": self.basis,
        }


@dataclass(frozen=True)
class ForecastError:
    """A former forecast and what was measured after it. percent: positive if the operation took less time than forecast."""

    kind: ForecastKind
    server: str
    backup_server: str
    time: str
    seconds: float
    measured_seconds: float
    percent: float

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "server": self.server,
            "backup_server": self.backup_server,
            "time": self.time,
            "seconds": self.seconds,
            "measured_seconds": self.measured_seconds,
            "percent": self.percent,
        }


def forecasts(architecture: Architecture) -> list[Forecast]:
    """Every forecast for which there are data."""
    return [one for entry in architecture.entries for one in _of_entry(architecture, entry)]


def _of_entry(architecture: Architecture, entry: Entry) -> Iterator[Forecast]:
    for found in (backup_forecast(architecture, entry), recovery_forecast(architecture, entry)):
        if found is not None:
            yield found
    for one in entry.copies:
        size, link = stored_bytes(architecture, entry), architecture.link(one.target, one.source)
        if size is not None and link.throughput:
            seconds = size / link.throughput
            yield Forecast("first_copy", entry.server.host, one.target, size, seconds, "measured throughput")


def backup_forecast(architecture: Architecture, entry: Entry) -> Forecast | None:
    """From the rate or the duration of the newest full backup, else from the measured throughput."""
    server, backup = entry.server, entry.backup
    size, throughput = architecture.size(entry), architecture.link(backup.host, server.host).throughput
    last = architecture.last_backup(backup.host, server)
    copied, duration = number(last.get("size")), number(last.get("duration"))
    if size is None or entry.has_snapshots:
        return None
    # A compressed backup, or one without most of the database, has another size: what it took does not depend on its bytes alone.
    if copied and duration and (entry.is_compressed or copied < _SMALL * size):
        return Forecast("backup", server.host, backup.host, size, duration, "duration of the newest backup")
    if copied and duration:
        return Forecast("backup", server.host, backup.host, size, size * duration / copied, "rate of the newest backup")
    if throughput:
        return Forecast("backup", server.host, backup.host, size, size / throughput, "measured throughput")
    return None


def recovery_forecast(architecture: Architecture, entry: Entry) -> Forecast | None:
    """From the restore drills, else from the measured throughput for the backup and the WAL of a whole interval, without the replay."""
    server, backup = entry.server, entry.backup
    drilled = architecture.drill_of(backup.host, server).get("forecast")
    if isinstance(drilled, Mapping):
        seconds = number(drilled.get("seconds"))
        size = (whole(drilled.get("backup_bytes")) or 0) + (whole(drilled.get("wal_bytes")) or 0)
        if seconds is not None:
            return Forecast(
                "recovery", server.host, backup.host, size, seconds, f"{drilled.get('drills')} restore drills"
            )
    copied, throughput = architecture.size(entry), architecture.link(backup.host, server.host).throughput
    if copied is None or not throughput or entry.has_snapshots:
        return None
    wal = (architecture.wal_rate(server) or 0.0) * (backup_interval(server) or 0)
    size = copied + int(wal)
    return Forecast(
        "recovery", server.host, backup.host, size, size / throughput, "measured throughput, without replay"
    )


def stored_bytes(architecture: Architecture, entry: Entry) -> int | None:
    """The bytes that a new passive node copies: all valid backups, or one if there is none yet."""
    report = architecture.report_of(entry.backup.host, entry.server) or {}
    sizes = [
        number(one.get("size")) or 0.0
        for one in report.get("backups") or ()
        if isinstance(one, Mapping) and one.get("status") == "DONE"
    ]
    return int(sum(sizes)) if sizes else architecture.size(entry)


def wal_capacity(architecture: Architecture, entry: Entry) -> float | None:
    """The bytes of WAL a second that can come to the backup server. By archive_command, each segment has a connection of its own."""
    link = architecture.link(entry.backup.host, entry.server.host)
    if not link.throughput or entry.server.streams:
        return link.throughput
    return _SEGMENT / (_SEGMENT / link.throughput + _SSH_ROUND_TRIPS * (link.rtt or 0.0))


# --- recorded forecasts -----------------------------------------------------------------------------------------------


def recorded(former: Sequence[Mapping[str, Any]], new: Iterable[Forecast], now: datetime) -> list[dict[str, Any]]:
    """The recorded forecasts with the new ones. former: those of the record."""
    time = now.isoformat(timespec="seconds")
    newest = {_key(one): one for one in former}
    made = [one.as_dict() for one in new]
    # A forecast that is as before is not recorded once more.
    found = [*former, *({"time": time, **one} for one in made if not one.items() <= newest.get(_key(one), {}).items())]
    left: dict[tuple[Any, ...], int] = {}
    retained = []
    for one in reversed(found):
        key = _key(one)
        left[key] = left.get(key, 0) + 1
        if left[key] <= _MOST_RECORDED:
            retained.append(dict(one))
    return retained[::-1]


def is_recorded_forecast(one: object) -> bool:
    """Whether the value is one that recorded has made."""
    if not isinstance(one, Mapping) or one.get("kind") not in get_args(ForecastKind):
        return False
    texts = (one.get(name) for name in ("server", "backup_server", "basis", "time"))
    values = (one.get(name) for name in ("bytes", "seconds"))
    return all(isinstance(text, str) for text in texts) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < _MOST for value in values
    )


def _key(one: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(one.get(name) for name in ("kind", "server", "backup_server"))


def forecast_errors(architecture: Architecture, former: Iterable[Mapping[str, Any]]) -> list[ForecastError]:
    """Of each kind and server, the newest recorded forecast after which the operation was measured. former: the forecasts of the record."""
    entries = {entry.server.host: entry for entry in architecture.entries}
    found: dict[tuple[Any, ...], ForecastError] = {}
    for one in former:
        entry, time = entries.get(one["server"]), _moment(one["time"])
        if entry is None or time is None:
            continue
        measured = _measured(architecture, entry, one, time)
        if measured:
            percent = round((one["seconds"] - measured) / measured * 100, 1)
            found[_key(one)] = ForecastError(
                one["kind"], one["server"], one["backup_server"], one["time"], one["seconds"], measured, percent
            )
    return [found[key] for key in sorted(found)]


def _measured(architecture: Architecture, entry: Entry, one: Mapping[str, Any], after: datetime) -> float | None:
    """The seconds of the first operation of that kind and server after that time."""
    kind, host = one["kind"], one["backup_server"]
    report = architecture.report_of(host, entry.server) or {}
    if kind == "first_copy":
        copies = [copy for passive in entry.copies if passive.target == host for copy in [report.get("first_copy")]]
        times = [(copy.get("time"), copy.get("seconds")) for copy in copies if isinstance(copy, Mapping)]
    elif host != entry.backup.host:
        return None
    elif kind == "backup":
        done = [
            one
            for one in report.get("backups") or ()
            if isinstance(one, Mapping) and one.get("status") == "DONE" and one.get("type") != "incremental"
        ]
        times = [(one.get("begin_time"), one.get("duration")) for one in done]
    else:
        drills = architecture.drill_of(host, entry.server).get("drills") or ()
        passed = [one for one in drills if isinstance(one, Mapping) and one.get("result") == "passed"]
        times = [(one.get("time"), one.get("rto_seconds")) for one in passed]
    found = [(_moment(time), number(seconds)) for time, seconds in times]
    later = sorted((moment, seconds) for moment, seconds in found if moment and seconds and moment >= after)
    return later[0][1] if later else None


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return None if found.tzinfo is None else found
