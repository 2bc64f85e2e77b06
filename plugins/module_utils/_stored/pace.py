# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A limit of the bytes that are read in a second.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from typing import Callable

#: How often a program's reading is measured.
INTERVAL = 0.05
_LONGEST = 1.0


@dataclass
class Pace:
    """limit: bytes a second, None for no limit."""

    limit: float | None = None
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    _free: float = field(default=0.0, init=False)

    def begin(self) -> None:
        """Start to read something large: the time until its end counts from now, and time without reading before it does not."""
        self._free = max(self._free, self.clock())

    def read(self, size: int) -> None:
        """Wait after that many bytes were read, so long that the limit holds on average."""
        if self.limit is None:
            return
        now = self.clock()
        self._free = max(self._free, now - size / self.limit) + size / self.limit
        while self._free > now:
            self.pause(min(_LONGEST, self._free - now))
            now = self.clock()


class PacedProgram:
    """A program that is stopped and continued, so that it reads no faster than the limit. It ends stopped or not: the caller waits for it."""

    def __init__(self, limit: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._pid: int | None = None
        self._begin = 0.0
        self._stopped = False

    def started(self, pid: int) -> None:
        self._pid, self._begin = pid, self._clock()

    def tick(self) -> None:
        """Stop it if it is ahead of the limit, and continue it if it is not."""
        if self._pid is None:
            return
        size = bytes_read(self._pid)
        ahead = size is not None and size / self._limit > self._clock() - self._begin
        if ahead != self._stopped:
            try:
                os.kill(self._pid, signal.SIGSTOP if ahead else signal.SIGCONT)
            except ProcessLookupError:
                return
            self._stopped = ahead


def bytes_read(pid: int) -> int | None:
    """The bytes that a process has read, from the page cache or the disk; None if that is not known. Source: proc(5)."""
    try:
        with open(f"/proc/{pid}/io", encoding="ascii") as stream:
            fields = dict(line.split(": ", 1) for line in stream.read().splitlines())
        return int(fields["rchar"])
    except (OSError, ValueError, KeyError):
        return None
