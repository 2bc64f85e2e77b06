# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for a condition, with a time limit and an error that contains the last observation.

This module util is private to the collection.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable

from .process import HostError


class WaitTimeout(HostError):
    """A condition did not become true in time."""


@dataclass(frozen=True)
class Probe:
    """An observation of a condition: whether it holds, a text for the error, and its value."""

    done: bool
    observed: str
    value: Any = None


def wait_for(
    what: str,
    probe: Callable[[], Probe],
    timeout: float,
    *,
    interval: float = 0.5,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Any:
    """Probe until it is done, and return its value. Raises WaitTimeout after timeout seconds.

    The condition is observed at least once, and once more after the time limit was reached in a pause.
    """
    deadline = clock() + timeout
    while True:
        last = probe()
        if last.done:
            return last.value
        left = deadline - clock()
        if left <= 0:
            raise WaitTimeout(f"{what}: not within {timeout:g} s; last observed: {last.observed}")
        pause(min(interval, left))
