# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A time limit for what does not end by itself. This plugin util is private to the collection."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator


class TimeLimitReached(BaseException):
    """It took too long. Not an Exception, so that a connection plugin does not take it for one of its own errors."""


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    """End what runs inside after so many seconds by TimeLimitReached, unless the task has a limit of its own."""

    def end(_signal: int, _frame: object) -> None:
        raise TimeLimitReached

    if signal.getsignal(signal.SIGALRM) not in (signal.SIG_DFL, None):
        yield
        return
    signal.signal(signal.SIGALRM, end)
    try:
        signal.alarm(seconds)
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
