# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process of a WAL receiver: starting and stopping it.

This module util is private to the collection.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from .._host.lock import Held, exclusive
from .._host.safe_files import writing_as
from .._host.waiting import Probe, WaitTimeout
from .observe import ReceiverError, ReceiverHost

_T = TypeVar("_T")

#: Seconds without a receiver that ran before, after which it has ended.
_GONE_AFTER = 1.0


class ReceiverLife:
    """Whether a receiver runs while something is waited for. For a moment none may run, while cron starts it anew."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._gone_since: float | None = None
        self.runs = False

    def note(self, pid: int | None) -> None:
        if self.runs and pid is None:
            self._gone_since = self._clock()
        self.runs = pid is not None

    @property
    def ended(self) -> bool:
        return not self.runs and self._gone_since is not None and self._clock() - self._gone_since >= _GONE_AFTER


class LockHeld(ReceiverError):
    """Another process has Barman's lock of the receiver: cron, or a person, has just started one."""


def change_lock(server: str) -> str:
    """The name of the lock that a process holds while it decides about the receiver of a server, and changes it."""
    return f"the WAL receiver of server '{server}'"


@contextmanager
def changing_alone(host: ReceiverHost) -> Iterator[None]:
    """Hold the lock against pgdr-barman follow, after its round has ended. Raises HostError."""
    with ExitStack() as stack:

        def probe() -> Probe:
            try:
                stack.enter_context(exclusive(host.home, change_lock(host.server.name), host.barman.user))
            except Held as exc:
                return Probe(done=False, observed=str(exc))
            return Probe(done=True, observed="")

        host.wait_for(f"another change of {change_lock(host.server.name)} to end", probe, interval=0.2)
        yield


@contextmanager
def holding_lock(host: ReceiverHost) -> Iterator[None]:
    """Hold Barman's own lock of the receiver, so that nobody starts one now. Raises LockHeld."""
    with writing_as(host.barman.user, host.lock_file):
        handle = os.open(host.lock_file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeld(
                f"Barman server '{host.server.name}': another process keeps starting its WAL receiver. Stop that process, and run the playbook again",
                "busy",
            ) from None
        yield
    finally:
        os.close(handle)


def repeat_if_lock_held(host: ReceiverHost, action: Callable[[], _T]) -> _T:
    """Run the action, and again if another process started a receiver meanwhile. The action observes anew. Raises HostError."""
    deadline = host.clock() + host.timeout
    while True:
        try:
            return action()
        except LockHeld:
            if host.clock() >= deadline:
                raise
            wait_for_holder(host)


def wait_for_holder(host: ReceiverHost) -> None:
    """Wait until the receiver of another process runs, or its lock is free. Raises HostError."""

    def probe() -> Probe:
        if host.pid() is not None:
            return Probe(done=True, observed="it runs")
        try:
            with holding_lock(host):
                return Probe(done=True, observed="the lock is free")
        except LockHeld:
            return Probe(done=False, observed=f"another process has the lock {host.lock_file}, and no receiver runs")

    host.wait_for(
        f"the WAL receiver of server '{host.server.name}', which another process is starting", probe, interval=0.2
    )


def start_process(host: ReceiverHost, start_of_log: int) -> None:
    """Start it, and wait until it streams. start_of_log: where its lines in Barman's log start. Raises HostError."""
    host.barman.detached("receive-wal", host.server.name)
    started = host.clock()
    life = ReceiverLife(host.clock)

    def probe() -> Probe:
        observed = host.observe()
        life.note(observed.pid)
        if observed.pid is not None:
            return Probe(observed.works, "the receiver runs and does not stream yet")
        if life.ended or (host.clock() - started > 5 and host.wrote(start_of_log)):
            raise host.ended(start_of_log)
        return Probe(done=False, observed="no receiver runs")

    try:
        host.wait_for(f"the WAL receiver of server '{host.server.name}' to stream", probe, interval=0.2)
    except WaitTimeout as exc:
        if not life.runs and host.wrote(start_of_log):
            raise host.ended(start_of_log) from None
        raise ReceiverError(f"{exc}. Barman's log{host.log_name()} may contain the reason") from None


def stop_process(host: ReceiverHost) -> None:
    """Stop it, and wait until it has ended. Raises HostError."""
    host.barman.text("receive-wal", "--stop", host.server.name)

    def probe() -> Probe:
        pid = host.pid()
        return Probe(pid is None, f"process {pid} still runs")

    host.wait_for(f"the WAL receiver of server '{host.server.name}' to end", probe, interval=0.1)
