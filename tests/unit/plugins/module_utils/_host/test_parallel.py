# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.parallel import in_processes, processors
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError


def square(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def fail_at_three(number: int) -> int:
    if number == 3:
        raise HostError("three is refused")
    return number


def be_killed_at_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def no_child_is_left() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


@pytest.mark.parametrize("processes", [1, 2, 3, 50])
def test_answers_come_in_the_order_of_the_items(processes: int) -> None:
    answers = list(in_processes(square, range(10), processes))
    assert [answer for answer, _pid in answers] == [number * number for number in range(10)]
    assert len({pid for _answer, pid in answers}) == min(processes, 10)
    assert no_child_is_left()


def test_nothing_to_do() -> None:
    assert list(in_processes(square, [])) == []
    assert processors() >= 1


def test_an_error_is_raised_here() -> None:
    with pytest.raises(HostError, match="three is refused"):
        list(in_processes(fail_at_three, range(10), 2))
    assert no_child_is_left()


def test_a_child_that_is_killed_is_not_waited_for() -> None:
    with pytest.raises(HostError, match="ended before it was done"):
        list(in_processes(be_killed_at_three, range(10), 2))
    assert no_child_is_left()


def test_who_stops_asking_leaves_no_child() -> None:
    answers = in_processes(square, range(1000), 2)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert no_child_is_left()
