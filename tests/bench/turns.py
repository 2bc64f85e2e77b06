# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring several things in turns, so that what else the machine does meets all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

_started = time.monotonic()


def log(text: str) -> None:
    print(f"[{time.monotonic() - _started:6.1f} s] {text}", flush=True)


def in_turns(
    rounds: int, subjects: Mapping[str, Callable[[], float]], before: Callable[[], None] = lambda: None
) -> dict[str, tuple[float, ...]]:
    """The seconds of each subject, a value for each round. Another one begins each round; before() comes before each."""
    names = list(subjects)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            before()
            seconds[name].append(subjects[name]())
            log(f"  round {number + 1} of {rounds}: {name}: {seconds[name][-1]:.2f} s")
    return {name: tuple(values) for name, values in seconds.items()}
