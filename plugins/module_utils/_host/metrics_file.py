# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of metrics that node exporter's textfile collector reads: one process at a time writes it, and none after its removal.

This module util is private to the collection.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator

from .proc import PROC, command_line, process_ids
from .process import HostError
from .safe_files import remove_file
from .waiting import Probe, WaitTimeout, wait_for

#: Seconds that another run's sample may take, beside the answers of PostgreSQL.
SAMPLE = 5.0
#: Seconds that a process may take to end.
_END = 10.0
#: What each process that writes metrics has in its arguments, and those that remove the file.
_WRITES, _REMOVES = ("pgdr-barman", "metrics"), "--remove"


@contextlib.contextmanager
def alone(path: str, patience: float) -> Iterator[None]:
    """While another run's sample lasts, as on a file system that hangs, none is added. Raises HostError."""
    directory = os.path.dirname(os.path.abspath(path))
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        raise HostError(
            f"{directory} can't be opened: {exc.strerror}. Install node exporter, or set barman_textfile_directory"
        ) from None

    def lock() -> Probe:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return Probe(done=False, observed="locked")
        return Probe(done=True, observed="")

    try:
        try:
            wait_for(f"the lock of {directory}", lock, patience)
        except WaitTimeout:
            raise HostError(f"another run still writes metrics into {directory}, for {patience:g} s") from None
        yield
    finally:
        os.close(handle)


def remove_metrics(path: str, patience: float, proc: str = PROC) -> bool:
    """End the processes that write the file, and remove it. No line of cron may start one any more. False if there was nothing to do.

    A process that has begun, and has not written yet, would write the file again after its removal, and go on. None of them is
    within a sample, because of the lock. Raises HostError.
    """
    if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        return False
    changed = False

    def ended() -> Probe:
        nonlocal changed
        left = writers(path, proc)
        changed = changed or bool(left)
        # A shell that ends now can have started its program since the last listing.
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        return Probe(done=not left, observed=f"processes {', '.join(map(str, left))} run")

    with alone(path, patience):
        try:
            wait_for(f"the end of the processes that write {path}", ended, _END)
        except WaitTimeout as exc:
            raise HostError(f"{path} is not removed: {exc}. End them, and run this again") from None
        if not os.path.lexists(path):
            return changed
        remove_file(path)
        return True


def writers(path: str, proc: str = PROC) -> list[int]:
    """The processes that write metrics into this file, with the shells of cron that start one, in order."""
    return [pid for pid in process_ids(proc) if _writes(path, command_line(pid, proc) or "")]


def _writes(path: str, line: str) -> bool:
    """line: the arguments of a process. A shell has the whole command in one of its own."""
    arguments = line.split()
    program = any(one.rpartition("/")[2] == _WRITES[0] for one in arguments)
    into = path in arguments or f"--output={path}" in arguments
    return program and into and _WRITES[1] in arguments and _REMOVES not in arguments
