# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long each phase of a drill takes.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .._backup.verification import PHASE as VERIFYING_BACKUP
from .._recover.wal_verification import PHASE as VERIFYING_WAL

CHOOSE, VERIFY, RESTORE, REPLAY, REMOVE = "choose", "verify", "restore", "replay", "remove"
#: The phases between the order to recover and a server that can be used.
RECOVERY_PHASES = (CHOOSE, VERIFY, RESTORE, REPLAY)

_OF_RECOVERY: Mapping[str, str] = {
    VERIFYING_BACKUP: VERIFY,
    VERIFYING_WAL: VERIFY,
    "copying": RESTORE,
    "completing the WAL": RESTORE,
}


def phase_of(recovery_phase: str) -> str:
    """The drill's phase in which a recovery has that phase."""
    return _OF_RECOVERY.get(recovery_phase, CHOOSE)


class Stopwatch:
    """The seconds of each phase. current: the one that runs."""

    def __init__(self, clock: Callable[[], float], phase: str = CHOOSE) -> None:
        self._clock = clock
        self._since = clock()
        self._seconds: dict[str, float] = {}
        self.current = phase

    def enter(self, phase: str) -> None:
        """End the current phase, and start this one."""
        now = self._clock()
        self._seconds[self.current] = self._seconds.get(self.current, 0.0) + now - self._since
        self._since, self.current = now, phase

    def add(self, phase: str, seconds: float) -> None:
        """Count a phase that another host measured while the current one ran."""
        self._seconds[phase] = self._seconds.get(phase, 0.0) + seconds
        self._since += seconds

    @property
    def phases(self) -> dict[str, float]:
        """The seconds of the phases that have ended."""
        return {phase: round(seconds, 2) for phase, seconds in self._seconds.items()}
