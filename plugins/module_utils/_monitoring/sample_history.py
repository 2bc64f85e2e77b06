# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a sample of the metrics hands on to the next one: since when a WAL receiver has been stopped, and whether Barman's cron started it again.

This module util is private to the collection. Nothing here reads or writes files.

Barman's cron starts a stopped receiver each minute. An alert is to begin when cron did not, and as soon as possible. The rules of Prometheus can't
find that out: they know neither the moment of cron nor that of a sample, so they would have to wait for a minute, two samples and two scrapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .observation import HostObservation, ServerObservation

#: Seconds that cron needs to start a receiver until it streams. A sample that is younger proves nothing about this run of cron.
GRACE = 8.0
MINUTE = 60.0
#: Seconds after which a sample is too old for a conclusion about now.
_FORGOTTEN = 90.0
STOPPED = "receiver_stopped_timestamp_seconds"
SAMPLED = "metrics_timestamp_seconds"


@dataclass(frozen=True)
class SampleHistory:
    """started: when the process began that makes the samples. stopped: since when a server's receiver has not been streaming."""

    started: float | None = None
    stopped: Mapping[str, float] = field(default_factory=dict)

    def with_sample(self, host: HostObservation) -> SampleHistory:
        """The history with this sample, which counts from its end: the receiver may have stopped while it was made."""
        now = host.time + host.seconds
        stopped = {
            server.name: self.stopped.get(server.name, now)
            for server in host.servers.values()
            if _can_stream(server) and not server.receiver_streams
        }
        return SampleHistory(host.time if self.started is None else self.started, stopped)

    def stopped_since(self, server: ServerObservation) -> float | None:
        """0: it streams. None: it is not known, or the server has no receiver."""
        return self.stopped.get(server.name, 0.0) if _can_stream(server) else None

    def missed_starts(self, server: ServerObservation, now: float) -> float | None:
        """The runs of cron since the receiver was found stopped. 0: it streams. None: it is not known, or the server has no receiver."""
        since = self.stopped_since(server)
        if not since:
            return since
        return max(0.0, (now - GRACE) // MINUTE - since // MINUTE)


def _can_stream(server: ServerObservation) -> bool:
    """Whether a run of cron could have started the receiver. Not while PostgreSQL is down, or another fault prevents that it streams.

    Each of these faults has an alert of its own. After its end, cron has its minute.
    """
    state = server.state
    if not server.active or not server.streams or state is None:
        return False
    return state.slot is not None and not state.slot.lost and state.synchronous_standbys >= state.required_standbys


def parse_stopped(values: Mapping[str, float], prefix: str, now: float) -> dict[str, float]:
    """What an earlier process found. values: its metrics, by name and labels as they stand in the file."""
    if not 0 <= now - values.get(f"{prefix}{SAMPLED}", 0.0) <= _FORGOTTEN:
        return {}
    begin, end = f'{prefix}{STOPPED}{{server="', '"}'
    return {
        name[len(begin) : -len(end)]: value
        for name, value in values.items()
        if name.startswith(begin) and name.endswith(end) and 0 < value <= now
    }
