# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A limit of the reading, in this process and in a program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, run
from ansible_collections.pgdr.barman.plugins.module_utils._stored.pace import Pace, PacedProgram, bytes_read


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("sizes", [[100] * 10, [1000], [1, 999]])
def test_the_limit_holds_on_average(sizes: list[int]) -> None:
    clock = Clock()
    pace = Pace(100.0, clock, clock.pause)
    for size in sizes:
        pace.read(size)
    # The first piece was read before anybody could wait.
    assert clock.now - 1000.0 >= (sum(sizes) - sizes[0]) / 100.0 - 0.001


def test_time_without_reading_is_no_credit() -> None:
    clock = Clock()
    pace = Pace(100.0, clock, clock.pause)
    clock.now += 3600
    before = clock.now
    pace.read(100)
    pace.read(100)
    assert clock.now - before >= 1.0


def test_what_begins_is_read_no_faster_than_the_limit_as_a_whole() -> None:
    clock = Clock()
    pace = Pace(100.0, clock, clock.pause)
    clock.now += 3600
    pace.begin()
    clock.now += 4
    pace.read(1000)
    assert clock.now == 4600.0 + 10


def test_without_a_limit_nobody_waits() -> None:
    clock = Clock()
    pace = Pace(None, clock, clock.pause)
    pace.begin()
    pace.read(1 << 40)
    assert clock.now == 1000.0


def test_a_program_reads_no_faster_than_the_limit() -> None:
    paced = PacedProgram(40_000_000.0)
    code = "import time\nf = open('/dev/zero', 'rb', buffering=0)\nfor unused in range(40): f.read(1_000_000), time.sleep(0.005)"
    completed = run(Command([sys.executable, "-c", code], tick=paced.tick, tick_interval=0.02, started=paced.started))
    assert completed.ok
    assert completed.duration > 0.6


def test_a_stopped_program_is_killed_with_its_parent() -> None:
    """A stopped process gets no other signal."""
    reader, writer = os.pipe()
    parent = os.fork()
    if not parent:
        try:

            def started(pid: int) -> None:
                os.kill(pid, signal.SIGSTOP)
                os.write(writer, f"{pid}\n".encode())

            run(Command(["sleep", "600"], started=started, die_with_parent=True, death_signal=signal.SIGKILL))
        finally:
            os._exit(1)
    with os.fdopen(reader) as stream:
        pid = int(stream.readline())
    os.close(writer)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stream:
            if stream.read().rpartition(")")[2].split()[0] == "Z":
                break
        time.sleep(0.05)
    else:
        assert not os.path.exists(f"/proc/{pid}")


def test_a_process_that_is_gone_is_no_error() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    paced = PacedProgram(1.0)
    paced.started(process.pid)
    paced.tick()
    assert bytes_read(process.pid) is None
