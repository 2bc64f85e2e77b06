# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file in a user's C(~/.ssh), as it is.

This module util is private to the collection.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from .process import lookup_user
from .safe_files import FileState, read_file


@dataclass(frozen=True)
class SshFile:
    """state: None if there is no such file."""

    path: str
    user: str
    state: FileState | None

    @property
    def text(self) -> str:
        return "" if self.state is None else self.state.text


def observe(user: str, name: str) -> SshFile:
    """That user's file of that name. Raises HostError; UnsafePath if a link is in its place."""
    account = lookup_user(user)
    path = os.path.join(account.pw_dir, ".ssh", name)
    return SshFile(path, user, read_file(path, (account.pw_uid, 0)))
