# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A signal ends a drill as an error does.

This module util is private to the collection.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .._host.process import Interrupted


class DrillStopped(BaseException):
    """A signal stopped the drill. No HostError, and no Exception: nothing on the way may take it for a finding and go on."""


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """A signal ends the drill as an error does: what it made is removed, and it is recorded."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        raise DrillStopped(f"signal {signal.Signals(number).name} stopped the drill")

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    try:
        yield
    except DrillStopped as exc:
        # Outside of a drill's checks and during its removal. The next drill removes what is left.
        raise Interrupted(str(exc)) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
