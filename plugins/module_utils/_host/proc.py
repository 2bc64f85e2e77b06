# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes of this host: their numbers and their arguments.

This module util is private to the collection.
"""

from __future__ import annotations

import os

from .files import names_in

PROC = "/proc"


def process_ids(proc: str = PROC) -> list[int]:
    """The numbers of all processes, in order. Raises HostError."""
    return sorted(int(name) for name in names_in(proc) if name.isdigit())


def process_arguments(pid: int, proc: str = PROC) -> list[str] | None:
    """The arguments of a process; none of a zombie, and None where there is no such process."""
    try:
        with open(os.path.join(proc, str(pid), "cmdline"), "rb") as stream:
            text = stream.read().decode("utf-8", errors="surrogateescape")
    except OSError:
        return None
    return text.removesuffix("\0").split("\0") if text else []


def command_line(pid: int, proc: str = PROC) -> str | None:
    """The same in one line, with a space between two arguments."""
    arguments = process_arguments(pid, proc)
    return None if arguments is None else " ".join(arguments)
