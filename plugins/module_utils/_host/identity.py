# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Acting as another user for a while, within this process.

This module util is private to the collection.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .process import IDENTITY, HostError, lookup_user


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
        ids = os.geteuid(), os.getegid(), os.getgroups()
        os.setgroups(os.getgrouplist(account.pw_name, account.pw_gid))
        os.setegid(account.pw_gid)
        os.seteuid(account.pw_uid)
        try:
            yield
        finally:
            os.seteuid(ids[0])
            os.setegid(ids[1])
            os.setgroups(ids[2])
