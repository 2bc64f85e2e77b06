# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

from ansible_collections.pgdr.barman.plugins.module_utils._host.run_lock import Life, RunLock
from ansible_collections.pgdr.barman.plugins.plugin_utils.controller import (
    ended,
    life_of,
    refusal,
    start_of,
    this_controller,
)


def lock_of(pid: int, started: int) -> RunLock:
    controller = replace(this_controller(), pid=pid, started=started)
    return RunLock("20261120T083000Z-aaaaaa", "recovery of pg", "2026-11-20T08:30:00+00:00", ("server pg",), controller)


def test_a_killed_run_is_dead_even_before_anybody_has_read_its_status() -> None:
    here = this_controller()
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        started = start_of(process.pid)
        assert started is not None
        lock = lock_of(process.pid, started)
        assert life_of(lock, here) is Life.ALIVE
        assert "it still runs. Wait until it has ended." in refusal("backup", [lock], here)
        assert ended([lock], here, []) == set()
        assert ended([lock], here, [lock.run]) == {lock.run}
        process.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 10
        while start_of(process.pid) is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert life_of(lock, here) is Life.DEAD
        assert ended([lock], here, []) == {lock.run}
    finally:
        process.kill()
        process.wait()


def test_what_nobody_can_find_out_names_the_way_out() -> None:
    here = this_controller()
    lock = lock_of(1, 1)
    elsewhere = replace(lock, controller=replace(lock.controller, boot="another", machine="another", account="a@b"))
    text = refusal("backup", [elsewhere], here)
    assert (
        "server pg on backup: locked by run 20261120T083000Z-aaaaaa (recovery of pg, started by a@b, process 1" in text
    )
    assert "run this again with -e barman_recover_take_over=20261120T083000Z-aaaaaa." in text


def test_the_process_is_the_parent_of_the_action() -> None:
    here = this_controller()
    assert here.pid == os.getppid()
    assert here.started == start_of(os.getppid())
    assert "@" in here.account
