# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answer of a Nagios plugin: one line with the state and performance data, then one line for each fault.

This module util is private to the collection. Nothing here reads files or connects. The format is that of the Monitoring Plugins
Development Guidelines, which Nagios, Icinga and Naemon read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from .._check.cluster import CLUSTER
from .exposition import number
from .fault import Fault
from .faults import all_faults, disk_faults
from .limits import Limits
from .observation import HostObservation, ServerObservation

_NAME = "BARMAN"


class NagiosState(IntEnum):
    """The exit status of a plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True)
class RpoThresholds:
    """In seconds; None for no threshold."""

    warning: float | None = None
    critical: float | None = None


@dataclass(frozen=True)
class NagiosAnswer:
    """What the plugin prints, and its exit status."""

    state: NagiosState
    text: str


def unknown(reason: str) -> NagiosAnswer:
    """The answer if nothing could be observed."""
    return NagiosAnswer(NagiosState.UNKNOWN, f"{_NAME} UNKNOWN: {_plain(reason)}")


def nagios_answer(host: HostObservation, limits: Limits, thresholds: RpoThresholds) -> NagiosAnswer:
    """The answer for the observed servers."""
    if not host.servers:
        return unknown("Barman has no server on this host")
    lines = [
        (_state(fault), _line(fault))
        for faults in (*all_faults(host, limits).values(), disk_faults(host.disks))
        for fault in faults
    ]
    lines += [line for server in host.servers.values() for line in _rpo(server, thresholds)]
    worst = max((state for state, _text in lines), default=NagiosState.OK)
    lines.sort(key=lambda line: -line[0])
    performance = " ".join(
        [data for server in host.servers.values() for data in _performance(server, limits, thresholds, host.time)]
    )
    first = f"{_NAME} {worst.name}: {_summary(host, lines)}" + (f" | {performance}" if performance else "")
    return NagiosAnswer(worst, "\n".join([first, *_rest(lines), *_clusters(host.servers.values())]))


def _state(fault: Fault) -> NagiosState:
    return NagiosState.CRITICAL if fault.kind.severity == "critical" else NagiosState.WARNING


def _line(fault: Fault) -> str:
    return f"{fault.subject}: {_plain(fault.text).rstrip('.')}. {fault.remedy}"


def _rpo(server: ServerObservation, thresholds: RpoThresholds) -> Iterable[tuple[NagiosState, str]]:
    seconds = float("inf") if server.rpo.unlimited else server.rpo.seconds
    if seconds is None or server.problem or not server.active:
        return
    for state, most in (
        (NagiosState.CRITICAL, thresholds.critical),
        (NagiosState.WARNING, thresholds.warning),
    ):
        if most is not None and seconds > most:
            lost = "everything" if server.rpo.unlimited else f"up to {seconds:.0f} s of commits"
            yield state, f"{server.name}: {lost} would be lost, and the limit is {most:g} s ({server.rpo.limit.value})"
            return


def _summary(host: HostObservation, lines: Sequence[tuple[NagiosState, str]]) -> str:
    if not lines:
        count = len(host.servers)
        return f"{count} server{'s' if count > 1 else ''} without a fault"
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return lines[0][1] + more


def _rest(lines: Sequence[tuple[NagiosState, str]]) -> list[str]:
    return [f"{state.name}: {text}" for state, text in lines] if len(lines) > 1 else []


def _clusters(servers: Iterable[ServerObservation]) -> Iterable[str]:
    """Who the primary of each healthy cluster is. A cluster that is not healthy has a fault."""
    for server in servers:
        check = server.checks.checks.get(CLUSTER)
        if check is not None and check.ok:
            yield f"{NagiosState.OK.name}: {server.name}: {_plain(check.hint)}"


def _performance(server: ServerObservation, limits: Limits, thresholds: RpoThresholds, now: float) -> list[str]:
    if server.problem:
        return []
    name, newest, state = server.name, server.last_backup, server.state
    values: Mapping[str, tuple[float | None, str, str]] = {
        "backup_age": (
            None if newest is None or newest.end_time is None else max(0.0, now - newest.end_time.timestamp()),
            "s",
            f";{_range(limits.backup_age(server.entry) or None)};0",
        ),
        "backup_size": (None if newest is None else newest.size, "B", ";;0"),
        "rpo": (server.rpo.seconds, "s", f"{_range(thresholds.warning)};{_range(thresholds.critical)};0"),
        "rpo_bytes": (server.rpo.bytes, "B", ";;0"),
        "slot_retained": (state.retained_bytes if state is not None and server.streams else None, "B", ";;0"),
    }
    return [
        f"'{name}_{label}'={number(round(value))}{unit};{rest}"
        for label, (value, unit, rest) in values.items()
        if value is not None
    ]


def _range(most: float | None) -> str:
    return "" if most is None else number(most)


def _plain(text: str) -> str:
    """In one line, without the character that begins the performance data."""
    return " ".join(text.split()).replace("|", "/")
