# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drill's wait that ends the drill if the file system fills up.

This module util is private to the collection.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from .._barman.disks import Disk
from .._host.process import HostError
from .observe import file_system
from .plan import reserve_problem
from .request import DrillError


class RoomGuard:
    """Pauses as time.sleep does. Raises DrillError once if less than the reserve is free: the stop of the server pauses, too, and must end."""

    def __init__(
        self,
        path: str,
        pause: Callable[[float], None] = time.sleep,
        observe: Callable[[str], Disk] = file_system,
    ) -> None:
        self._path = path
        self._pause = pause
        self._observe = observe
        self._raised = False

    def __call__(self, seconds: float) -> None:
        self._pause(seconds)
        if self._raised:
            return
        try:
            problem = reserve_problem(self._observe(self._path))
        except HostError:
            # The drill itself finds out that its directory can't be read.
            return
        if problem is not None:
            self._raised = True
            raise DrillError(problem)
