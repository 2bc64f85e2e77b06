# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The progress of a long operation: a small state file that the operation writes and pgdr.barman.backup_info reads.

This module util is private to the collection.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Callable

from .files import read_text, write_atomic
from .identity import acting_as
from .process import HostError

DIRECTORY = ".pgdr.barman/operations"


class Progress:
    """The state file of one running operation.

    home: Barman's home. server: Barman's name of it, or the names where the operation is on several. listener: called with each phase that
    starts.
    The file is removed by close(); a file whose process is gone is not reported.
    """

    def __init__(
        self,
        home: str,
        operation: str,
        server: str | Sequence[str],
        owner: str | None = None,
        clock: Callable[[], float] = time.time,
        listener: Callable[[str], None] | None = None,
    ) -> None:
        self._owner = owner
        self._listener = listener
        self._clock = clock
        self._directory = os.path.join(home, DIRECTORY)
        named = server.replace(os.sep, "_") if isinstance(server, str) else "several"
        self.path = os.path.join(self._directory, f"{operation}-{named}-{os.getpid()}.json")
        self._state: dict[str, Any] = {
            "operation": operation,
            **({"server": server} if isinstance(server, str) else {"servers": list(server)}),
            "pid": os.getpid(),
            "started": clock(),
        }

    def update(self, phase: str, **numbers: Any) -> None:
        """Report the progress: a phase, and numbers such as bytes_done and bytes_total.

        If the file can't be written, as on a full disk, the operation continues: a report must not prevent the work.
        """
        now = self._clock()
        if phase != self._state.get("phase"):
            self._state["phase_started"] = now
            if self._listener is not None:
                self._listener(phase)
        self._state.update(numbers, phase=phase, updated=now)
        with contextlib.suppress(HostError, OSError), acting_as(self._owner):
            os.makedirs(self._directory, mode=0o755, exist_ok=True)
            # Not durable: beside a copy that keeps the disk busy, fsync would take seconds.
            write_atomic(self.path, json.dumps(self._state, sort_keys=True), 0o644, durable=False)

    def close(self) -> None:
        with contextlib.suppress(HostError, OSError), acting_as(self._owner):
            os.unlink(self.path)


def running(home: str, alive: Callable[[int], bool]) -> list[dict[str, Any]]:
    """The operations that run now, oldest first, each as Progress.update wrote it."""
    directory = os.path.join(home, DIRECTORY)
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(".json"))
    except FileNotFoundError:
        return []
    states: list[dict[str, Any]] = []
    for name in names:
        text = read_text(os.path.join(directory, name))
        if text is None:
            continue
        try:
            state = json.loads(text)
            if alive(state["pid"]) and float(state["started"]) > 0:
                states.append(state)
        except (ValueError, TypeError, KeyError):
            # Not one of ours.
            continue
    return sorted(states, key=lambda state: float(state["started"]))


def described(state: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """An operation's state for people: times in ISO 8601, the seconds since it and its phase started."""
    answer = dict(state)
    for key, seconds in (("started", "duration"), ("phase_started", "phase_duration"), ("updated", None)):
        if key in state:
            moment = datetime.fromtimestamp(float(state[key]), timezone.utc)
            answer[key] = moment.isoformat()
            if seconds:
                answer[seconds] = max(0, int((now - moment).total_seconds()))
    return answer


def process_exists(pid: int) -> bool:
    """Whether a process of that number runs on this host."""
    return os.path.exists(f"/proc/{pid}")
