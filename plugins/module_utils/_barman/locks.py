# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Barman's lock files, each of which has the number of the process that holds it or held it last.

This module util is private to the collection.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from .._host.files import read_text
from .._host.proc import command_line
from .configuration import ServerConfiguration

#: After so many seconds a receiver counts: PostgreSQL streams also to one that ends as soon as it has to write, and cron starts
#: that anew every minute.
SETTLED_AFTER = 3.0


def lock_file(server: ServerConfiguration, what: str) -> str:
    """The lock file that Barman has for one thing at a time of a server, such as backup or receive-wal."""
    directory = server.get("barman_lock_directory") or server.get("barman_home") or "/var/lib/barman"
    return os.path.join(directory, f".{server.name}-{what}.lock")


def last_holder(server: ServerConfiguration, what: str) -> int | None:
    """The process that took the lock last; it may be gone, and its number another's by now."""
    text = (read_text(lock_file(server, what)) or "").strip()
    return int(text) if text.isdigit() else None


def is_held(server: ServerConfiguration, what: str, process: Callable[[int], str | None] | None = None) -> bool:
    """Whether a process of Barman that took the lock still runs. process returns a process's arguments."""
    pid = last_holder(server, what)
    line = None if pid is None else (process or command_line)(pid)
    return line is not None and "barman" in line


def backup_runs(server: ServerConfiguration, process: Callable[[int], str | None] | None = None) -> bool:
    """Whether Barman is taking a backup of the server now. process returns a process's arguments.

    "barman delete" takes the same lock, and the number may be that of Barman's receiver by now.
    """
    pid = last_holder(server, "backup")
    line = None if pid is None else (process or command_line)(pid)
    words = [] if line is None or "barman" not in line else line.split()
    return "backup" in words and (server.name in words or "all" in words)


def receiver_pid(server: ServerConfiguration, process: Callable[[int], str | None]) -> int | None:
    """The process that receives the server's WAL; None where none runs. process returns a process's arguments."""
    pid = last_holder(server, "receive-wal")
    line = None if pid is None else process(pid)
    return pid if line is not None and "receive-wal" in line and server.name in line.split() else None
