# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.waiting import Probe, WaitTimeout, wait_for


class Clock:
    """A clock that moves when somebody pauses."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def test_the_value_of_what_is_there_already() -> None:
    clock = Clock()
    assert (
        wait_for("it", lambda: Probe(done=True, observed="there", value=42), 10, clock=clock, pause=clock.pause) == 42
    )
    assert clock.pauses == []


def test_it_waits_until_it_holds() -> None:
    clock = Clock()
    value = wait_for(
        "it", lambda: Probe(clock.now >= 103, "", clock.now), 10, interval=1.0, clock=clock, pause=clock.pause
    )
    assert value == 103
    assert clock.pauses == [1.0, 1.0, 1.0]


def test_the_error_has_the_last_observation() -> None:
    clock = Clock()
    with pytest.raises(WaitTimeout, match=r"a slot: not within 2\.5 s; last observed: t=102\.5"):
        wait_for(
            "a slot",
            lambda: Probe(done=False, observed=f"t={clock.now}"),
            2.5,
            interval=1.0,
            clock=clock,
            pause=clock.pause,
        )
    assert clock.pauses == [1.0, 1.0, 0.5]


def test_without_time_it_looks_once() -> None:
    looks = []

    def probe() -> Probe:
        looks.append(1)
        return Probe(done=False, observed="nothing")

    with pytest.raises(WaitTimeout):
        wait_for("it", probe, 0)
    assert looks == [1]


def test_it_looks_once_more_when_the_time_is_over() -> None:
    clock = Clock()
    assert (
        wait_for("it", lambda: Probe(clock.now >= 102, "", "late"), 2, interval=5.0, clock=clock, pause=clock.pause)
        == "late"
    )
