# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The priority of a drill's processes.

This module util is private to the collection.
"""

from __future__ import annotations

import os

from .._host.process import Command, HostError, Runner

_NICENESS = 19
_IDLE_CLASS = "3"


def lower_priority(runner: Runner) -> None:
    """This process, and all that it starts, have the lowest priority for the processor, and the I/O class idle.

    The class has an effect with the I/O scheduler BFQ only.
    """
    os.nice(_NICENESS)
    try:
        runner(Command(["ionice", "-c", _IDLE_CLASS, "-p", str(os.getpid())]))
    except HostError:
        # It belongs to util-linux, and a small system can be without it.
        return
