# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work of another user, in a child process that can never be root again.

This module util is private to the collection.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import sys
import traceback
from collections.abc import Iterator
from typing import BinaryIO, Callable

from .process import HostError, lookup_user

#: The number of the bytes of an answer, before the answer.
_LENGTH = struct.Struct("!Q")


def text_as(user: str, work: Callable[[], str]) -> str:
    """The text that work returns, which runs as that user. Without being root, it runs in this process. Raises HostError."""
    with texts_as(user, work) as ask:
        return ask()


@contextlib.contextmanager
def texts_as(user: str, work: Callable[[], str], end: Callable[[], None] = lambda: None) -> Iterator[Callable[[], str]]:
    """Give what returns the text of work, each time that it is called. Raises HostError.

    end: called after the last one, to close what work keeps. All calls run in one child process, which ends with this process. The child is that
    user in every sense, so nothing that the user has placed can make it do more. Without being root, work runs in this process.
    """
    if os.geteuid() != 0:
        try:
            yield work
        finally:
            end()
        return
    account = lookup_user(user)
    groups = os.getgrouplist(account.pw_name, account.pw_gid)
    asked, asking = os.pipe()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            os.close(asking)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.setgroups(groups)
            os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
            os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
            os.environ.update(HOME=account.pw_dir, USER=account.pw_name, LOGNAME=account.pw_name)
            with os.fdopen(writer, "wb") as stream:
                while os.read(asked, 1):
                    answer = _answer(work)
                    stream.write(_LENGTH.pack(len(answer)) + answer)
                    stream.flush()
            end()
        finally:
            # Nothing of the parent's is cleaned up here, whatever happened.
            os._exit(0)
    os.close(asked)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        try:
            yield lambda: _ask(asking, stream)
        finally:
            # The child ends when nobody can ask it any more.
            os.close(asking)
            os.waitpid(pid, 0)


def _ask(asking: int, stream: BinaryIO) -> str:
    """The answer of the child. Raises HostError."""
    data = b""
    with contextlib.suppress(BrokenPipeError):
        os.write(asking, b"?")
        length = stream.read(_LENGTH.size)
        if len(length) == _LENGTH.size:
            (expected,) = _LENGTH.unpack(length)
            data = stream.read(expected)
    kind, text = data[:1], data[1:].decode("utf-8", "replace")
    if kind == b"+":
        return text
    raise HostError(text or "a process of this program ended before it was done: it may have been killed")


def _answer(work: Callable[[], str]) -> bytes:
    try:
        return b"+" + work().encode("utf-8", "replace")
    except HostError as exc:
        return b"-" + str(exc).encode("utf-8", "replace")
    except Exception as exc:
        # os._exit() would end the child without a word.
        traceback.print_exc(file=sys.stderr)
        sys.stderr.flush()
        reason = f"this program failed unexpectedly ({type(exc).__name__}): run it at a prompt, which shows where"
        return b"-" + reason.encode("utf-8", "replace")
