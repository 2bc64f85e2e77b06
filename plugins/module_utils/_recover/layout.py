# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the directories of this host could be moved aside by a recovery, before anything is stopped.

This module util is private to the collection.
"""

from __future__ import annotations

from .._host.process import Runner
from .destination import Destination
from .destination_host import DestinationHost
from .observe import observe_destination
from .placement import place_all
from .request import MOVE_ASIDE


def layout_problems(
    destination: Destination, major_version: int, wal_directory: str | None, user: str, runner: Runner
) -> list[str]:
    """Why the content of a destination on this host could not be moved aside, whether a server runs there or not. Raises DestinationError."""
    problems = destination.problems()
    if problems:
        return problems
    state = observe_destination(DestinationHost(destination, runner, user), major_version, wal_directory)
    return place_all(state, MOVE_ASIDE, "", root_creates=True).problems
