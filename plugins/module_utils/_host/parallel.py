# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work on several processors: a function applied to items in child processes.

This module util is private to the collection. The standard library's pools don't fit: one waits for ever for a process
that was killed, the other leaves processes behind if this one is killed. A child here ends when its pipe does.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import struct
from collections.abc import Iterator, Sequence
from typing import IO, Callable, TypeVar

from .process import HostError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_MOST_PROCESSES = 4
_LENGTH = struct.Struct("<Q")


def processors() -> int:
    """How many processes are of use here; a host with many processors has other work, too."""
    return min(_MOST_PROCESSES, len(os.sched_getaffinity(0)))


def in_processes(function: Callable[[Item], Answer], items: Sequence[Item], processes: int = 0) -> Iterator[Answer]:
    """The function's answers, in the items' order. processes: 0 for processors().

    Raises HostError if the function raises it, or if a child ends before it has answered.
    """
    count = min(processes or processors(), len(items))
    if count < 2:
        yield from map(function, items)
        return
    children: list[tuple[int, IO[bytes]]] = []
    try:
        for number in range(count):
            children.append(_start(function, items[number::count]))
        for number in range(len(items)):
            yield _answer(children[number % count][1])
    finally:
        for pid, stream in children:
            stream.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _start(function: Callable[[Item], Answer], items: Sequence[Item]) -> tuple[int, IO[bytes]]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, os.fdopen(reader, "rb")
    try:
        os.close(reader)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        with os.fdopen(writer, "wb") as stream:
            for item in items:
                try:
                    answer = pickle.dumps((True, function(item)))
                except HostError as exc:
                    answer = pickle.dumps((False, str(exc)))
                stream.write(_LENGTH.pack(len(answer)) + answer)
                stream.flush()
    finally:
        # Nothing of the parent's is cleaned up here, whatever happened.
        os._exit(0)


def _answer(stream: IO[bytes]) -> Answer:  # type: ignore[type-var]
    head = stream.read(_LENGTH.size)
    length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
    body = stream.read(length)
    if not length or len(body) != length:
        raise HostError("a process of this module ended before it was done: it may have been killed")
    succeeded, answer = pickle.loads(body)
    if not succeeded:
        raise HostError(answer)
    found: Answer = answer
    return found
