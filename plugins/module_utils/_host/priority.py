# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long work competes with other processes of the host.

This module util is private to the collection.
"""

from __future__ import annotations

import os
from typing import Literal

from .process import Command, HostError, Runner

#: How an operation's processes compete with others for the disk and the processor.
Priority = Literal["idle", "normal"]

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
