# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks that one run of an operation holds against another on the same host.

This module util is private to the collection. The system frees a lock when its holder ends, however that happens.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator

from .process import HostError
from .safe_files import check_regular, ids_of, open_directory, reason
from .waiting import Probe, WaitTimeout, wait_for

_DIRECTORIES = (".pgdr.barman", "locks")
_LONGEST = 4096
_INTERVAL = 5.0
_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Held(HostError):
    """Another process holds the lock. pid: that process, None where it is not known."""

    def __init__(self, what: str, pid: int | None) -> None:
        super().__init__(f"{what} is locked by process {'unknown' if pid is None else pid}")
        self.what = what
        self.pid = pid


@contextlib.contextmanager
def exclusive(home: str, what: str, owner: str | None = None) -> Iterator[None]:
    """Hold the lock of that name, or raise Held at once. HostError where there can be none.

    home: the directory of whoever owns the locks. owner: that user, if root runs this.
    The file stays: whoever removed it could remove another's lock.
    """
    directory, name = os.path.join(home, *_DIRECTORIES), _file_name(what)
    try:
        handle = _open(home, name, owner)
    except OSError as exc:
        raise HostError(
            f"the lock for {what} can't be created in {directory}: {reason(os.path.join(directory, name), exc)}"
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Held(what, _holder(handle)) from None
        with contextlib.suppress(OSError):
            # Only for the message: without room on the disk the lock is as good.
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps({"pid": os.getpid(), "what": what}).encode(), 0)
        yield
    finally:
        os.close(handle)


def is_locked(home: str, what: str) -> bool:
    """Whether a process holds the lock of that name now. A reader that took it, even for a moment, could make a run fail."""
    path = os.path.join(home, *_DIRECTORIES, _file_name(what))
    try:
        inode = str(os.stat(path, follow_symlinks=False).st_ino)
        with open("/proc/locks", encoding="ascii", errors="replace") as stream:
            locks = [line.split() for line in stream]
    except OSError:
        return False
    # 1: FLOCK  ADVISORY  WRITE 4711 fe:01:131075 0 EOF (man 5 proc_locks); "->" is a process that waits.
    return any(one[1] == "FLOCK" and one[5].split(":")[-1] == inode for one in locks if len(one) > 5)


def _file_name(what: str) -> str:
    return f"{hashlib.sha256(what.encode()).hexdigest()[:32]}.lock"


@contextlib.contextmanager
def exclusive_after(
    home: str, what: str, other: str, wait: float, owner: str | None = None, error: type[HostError] = HostError
) -> Iterator[None]:
    """The same, after waiting so many seconds for the end of another holder. other: who holds it, such as "another drill". Raises the error."""
    with contextlib.ExitStack() as stack:

        def probe() -> Probe:
            try:
                stack.enter_context(exclusive(home, what, owner))
            except Held as exc:
                return Probe(done=False, observed=f"process {'unknown' if exc.pid is None else exc.pid}")
            return Probe(done=True, observed="")

        try:
            wait_for(f"{other} is running on this host", probe, wait, interval=_INTERVAL)
        except WaitTimeout as exc:
            raise error(f"{exc}. Nothing was changed; run it again after the end of {other}") from None
        yield


def _open(home: str, name: str, owner: str | None) -> int:
    """The lock's file. No directory and no file below home may be a link. Raises UnsafePath, OSError."""
    ids = None if owner is None else ids_of(owner)
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(open_directory(home))
        for part in _DIRECTORIES:
            made = False
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o700 if part == _DIRECTORIES[-1] else 0o755, dir_fd=directory)
                made = True
            directory = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            stack.callback(os.close, directory)
            if made and ids is not None:
                os.fchown(directory, *ids)
        handle = os.open(name, _FILE, 0o600, dir_fd=directory)
    try:
        path = os.path.join(home, *_DIRECTORIES, name)
        check_regular(path, os.fstat(handle), None if ids is None else (ids[0], os.geteuid()))
        if ids is not None:
            os.fchown(handle, *ids)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _holder(handle: int) -> int | None:
    try:
        pid = json.loads(os.pread(handle, _LONGEST, 0))["pid"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if isinstance(pid, int) else None
