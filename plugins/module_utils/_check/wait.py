# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for checks to succeed.

This module util is private to the collection.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from .._host.waiting import Probe, WaitTimeout, wait_for
from .check import ServerChecks, failed
from .observe import UNFINISHED

_INTERVAL = 2.0
_FINAL_LOOKS = 2


def wait_until_ok(
    observe_left: Callable[[Sequence[str]], dict[str, ServerChecks]],
    names: Sequence[str],
    ignored: Collection[str],
    timeout: float,
    report: Callable[[Sequence[str]], None] = lambda failing: None,
    wait: Callable[..., Any] = wait_for,
    patience: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, ServerChecks]:
    """Check until no server has a failed check or the time is over; a server that was green is not checked again.

    A server whose failures can't heal is checked twice and not waited for: the first check may miss a file that is being moved.
    patience: the number of seconds to wait for a server that refuses connections.
    """
    observed: dict[str, ServerChecks] = {}
    final: dict[str, int] = {}
    begin = clock()

    def failing() -> list[str]:
        given_up = patience is not None and clock() - begin >= patience
        return [
            name
            for name in names
            if name not in observed
            or (
                observed[name].failures(ignored)
                and final[name] < _FINAL_LOOKS
                and not (given_up and _out_of_reach(observed[name]))
            )
        ]

    def probe() -> Probe:
        found = observe_left(failing())
        observed.update(found)
        for name, server in found.items():
            final[name] = final.get(name, 0) + 1 if server.final(ignored) else 0
        left = failing()
        report(left)
        return Probe(not left, ", ".join(left))

    with contextlib.suppress(WaitTimeout):
        wait("all checks", probe, timeout, interval=_INTERVAL)
    return {name: observed[name] for name in names}


def _out_of_reach(server: ServerChecks) -> bool:
    return any(failed(server, key) for key in ("postgresql", *UNFINISHED))
