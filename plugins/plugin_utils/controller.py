# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process of ansible-playbook on the controller, as a lock names it. This plugin util is private to the collection."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.pgdr.barman.plugins.module_utils._host.run_lock import Controller, Life, RunLock, holder_life

#: AWX and Automation Platform set both in every job.
AWX_VARIABLES = ("awx_job_id", "tower_job_id")
TAKE_OVER = "barman_recover_take_over"


def this_controller() -> Controller:
    """This run of ansible-playbook. An action runs in a child process of it, so it is the parent."""
    pid = os.getppid()
    return Controller(
        account=f"{_account()}@{socket.gethostname()}",
        machine=_machine(),
        boot=_text("/proc/sys/kernel/random/boot_id"),
        namespace=_namespace(),
        pid=pid,
        started=start_of(pid) or 0,
    )


def has_nobody_to_ask(variables: Mapping[str, Any]) -> bool:
    """Whether this is a job of AWX or of ansible-runner: its terminal has nobody behind it. variables: those of a host of the run."""
    return "AWX_ISOLATED_DATA_DIR" in os.environ or any(name in variables for name in AWX_VARIABLES)


def start_of(pid: int) -> int | None:
    """When that process was started, in clock ticks since the boot (proc_pid_stat(5), field 22); None if there is none."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    except OSError:
        return None
    fields = after_name.split()
    # A zombie has ended, and its parent has not read its status yet.
    return None if fields[0] in ("Z", "X") else int(fields[19])


def life_of(lock: RunLock, here: Controller) -> Life:
    """Whether the run that holds the lock still runs, as far as this controller can find out."""
    started = start_of(lock.controller.pid)
    return holder_life(lock.controller, here, {} if started is None else {lock.controller.pid: started})


def ended(locks: Iterable[RunLock], here: Controller, take_over: Sequence[str]) -> set[str]:
    """The runs whose locks are void: their process has ended, or somebody takes them over."""
    return {one.run for one in locks if one.run in take_over or life_of(one, here) is Life.DEAD}


def refusal(host: str, locks: Sequence[RunLock], here: Controller) -> str:
    """The error of a run because of these locks: who holds them, whether that run still runs, and what to do."""
    lines = []
    for lock in locks:
        life = life_of(lock, here)
        text = f"{', '.join(lock.resources)} on {host}: locked by {lock}; {life.value}."
        if life is Life.UNKNOWN:
            text += f" If you know that it has ended, run this again with -e {TAKE_OVER}={lock.run}."
        else:
            text += " Wait until it has ended."
        lines.append(text)
    return " ".join(lines)


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _machine() -> str:
    return f"{_text('/etc/machine-id')} {socket.gethostname()}"


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
