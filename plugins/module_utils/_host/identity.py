# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Acting as another user for a while, within this process.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager

from .process import IDENTITY, HostError, lookup_user

# With the kernel's own limit of 40 links no path has more.
_MOST_COMPONENTS = 4096


@contextmanager
def acting_as(user: str | None) -> Iterator[None]:
    """Let the kernel see that user, where this process is root. None: the current one. Raises HostError where it can't.

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
            raise HostError("this must run as root or as '%s': set 'become: true'" % account.pw_name)
        with _seen_as(account.pw_uid, account.pw_gid, os.getgrouplist(account.pw_name, account.pw_gid)):
            yield


@contextmanager
def acting_as_owner(path: str) -> Iterator[None]:
    """Let the kernel see, if this process is root, the last user on the way to the path who can place a link there.

    What root reads in such a user's directory it would read elsewhere, too, if the user has put a link there. All threads: see acting_as.
    """
    with IDENTITY:
        owner = _last_owner(path) if os.geteuid() == 0 else None
        if owner is None:
            yield
            return
        uid, gid = owner
        try:
            account = pwd.getpwuid(uid)
        except KeyError:
            groups = [gid]
        else:
            gid, groups = account.pw_gid, os.getgrouplist(account.pw_name, account.pw_gid)
        with _seen_as(uid, gid, groups):
            yield


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
def _seen_as(uid: int, gid: int, groups: list[int]) -> Iterator[None]:
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
