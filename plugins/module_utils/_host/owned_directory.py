# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory that belongs to a service user.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from .process import HostError, lookup_user
from .safe_files import ids_of, make_directories, missing_directories, open_directory, set_owner_and_mode


@dataclass(frozen=True)
class DirectoryPlan:
    """What a directory needs. missing: the directories that have to be made, from the top. foreign: it belongs to another user."""

    path: str
    user: str
    mode: int
    missing: tuple[str, ...] = ()
    differs: bool = False
    foreign: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.missing) or self.differs


def observe(path: str, user: str, mode: int) -> DirectoryPlan:
    """What the directory needs to be that user's, with that mode. Raises HostError; UnsafePath if the path contains a link."""
    account = lookup_user(user)
    missing = tuple(missing_directories(path))
    if missing:
        return DirectoryPlan(path, user, mode, missing)
    try:
        with open_directory(path, passage=True) as handle:
            status = os.fstat(handle)
    except OSError as exc:
        raise HostError(f"{path} can't be read: {exc.strerror}") from None
    foreign = status.st_uid != account.pw_uid
    return DirectoryPlan(path, user, mode, differs=foreign or stat.S_IMODE(status.st_mode) != mode, foreign=foreign)


def apply(plan: DirectoryPlan) -> None:
    """Make the directory, or give it its owner and mode. Raises HostError."""
    if plan.missing:
        make_directories(plan.path, plan.mode, ids_of(plan.user))
    elif plan.differs:
        set_owner_and_mode(plan.path, plan.mode, ids_of(plan.user))


def ensure(paths: Sequence[str], user: str, mode: str, *, refuse_foreign: bool, check_mode: bool) -> list[str]:
    """Make these directories that user's; the paths of those that change. mode: octal digits. Raises HostError."""
    if not re.fullmatch(r"0?[0-7]{3}", mode):
        raise HostError(f"mode: '{mode}' is not three octal digits, such as 0750")
    relative = [path for path in paths if not path.startswith("/")]
    if relative:
        raise HostError(f"paths: {', '.join(map(repr, relative))} is not an absolute path")
    changed: list[str] = []
    for path in dict.fromkeys(paths):
        plan = observe(path, user, int(mode, 8))
        if plan.foreign and refuse_foreign:
            raise HostError(
                f"{path} exists and does not belong to '{user}'. Give it to that user (chown), or write another "
                "directory"
            )
        if plan.changed:
            changed.append(path)
            if not check_mode:
                apply(plan)
    return changed
