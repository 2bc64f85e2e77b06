# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Acting as another user for a while, within this process.

This module util is private to the collection.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from .process import IDENTITY, HostError, lookup_user

# With the kernel's own limit of 40 links no path has more.
_MOST_COMPONENTS = 4096


@contextmanager
def acting_as(user: str | None) -> Iterator[None]:
    """If this process is root, switch to that user for the kernel. None: the current one. Raises HostError where it can't.

    What is written in a user's own directory is written so: root would follow a link that the user has put there.
    All threads of the process are that user then, and those that begin the same or start a command wait: nothing that
    takes long belongs inside.
    """
    account = lookup_user(user) if user else None
    with IDENTITY:
        if account is None or account.pw_uid == os.geteuid():
            yield
            return
        if os.geteuid() != 0:
            raise HostError(f"the module must run as root or as '{account.pw_name}': set 'become: true'")
        with _effective_ids(account.pw_uid, account.pw_gid, os.getgrouplist(account.pw_name, account.pw_gid)):
            yield


def open_as_owner(path: str) -> int:
    """A handle for reading. Root gets only what the last user on the way to the path could read, who can place a link there. Raises OSError.

    By the modes of the files and without changing this process' user: its other threads may need to be root just then.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC
    owner = _last_owner(path) if os.geteuid() == 0 else None
    if owner is None:
        return os.open(path, flags)
    uid, gid = owner
    try:
        account = pwd.getpwuid(uid)
        groups = set(os.getgrouplist(account.pw_name, account.pw_gid))
    except KeyError:
        groups = {gid}
    real = os.path.realpath(path)
    parent = os.path.dirname(real)
    while parent != os.sep:
        if not _may(os.stat(parent), uid, groups, stat.S_IXOTH):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        parent = os.path.dirname(parent)
    # A FIFO would wait for its other end without O_NONBLOCK.
    handle = os.open(real, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not _may(os.fstat(handle), uid, groups, stat.S_IROTH):
        os.close(handle)
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return handle


def _may(status: os.stat_result, uid: int, groups: set[int], other: int) -> bool:
    """Whether a user has that permission, given as the one of others."""
    if status.st_uid == uid:
        return bool(status.st_mode & other << 6)
    if status.st_gid in groups:
        return bool(status.st_mode & other << 3)
    return bool(status.st_mode & other)


def _last_owner(path: str) -> tuple[int, int] | None:
    """Owner and group of the last directory on the way that does not belong to root; None if all do.

    A link in a user's directory ends the walk: the user may lead anywhere with it. The files of /proc are the kernel's.
    """
    waiting = os.path.dirname(os.path.abspath(path)).split(os.sep)[1:]
    current, owner = os.sep, None
    if waiting[:1] == ["proc"]:
        return None
    for _unused in range(_MOST_COMPONENTS):
        try:
            status = os.lstat(current)
            if status.st_uid != 0:
                owner = status.st_uid, status.st_gid
            if not waiting:
                break
            name = waiting.pop(0)
            if name == os.pardir:
                current = os.path.dirname(current)
                continue
            following = os.path.join(current, name)
            if not os.path.islink(following):
                current = following
                continue
            if owner is not None:
                break
            target = os.readlink(following)
        except OSError:
            break
        current = os.sep if os.path.isabs(target) else current
        waiting = [part for part in target.split(os.sep) if part not in ("", os.curdir)] + waiting
    return owner


@contextmanager
def _effective_ids(uid: int, gid: int, groups: list[int]) -> Iterator[None]:
    ids = os.geteuid(), os.getegid(), os.getgroups()
    os.setgroups(groups)
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(ids[0])
        os.setegid(ids[1])
        os.setgroups(ids[2])
