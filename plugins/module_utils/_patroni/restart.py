# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restarting the members of a cluster, one after the other.

This module util is private to the collection.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable

from .._host.files import read_text
from .._host.process import HostError
from .._host.waiting import Probe, WaitTimeout, wait_for
from .control import Patroni
from .plan import has_restarted, next_restart, runs, waiting

#: Seconds between two calls of patronictl, which starts a Python each time.
_LIST_INTERVAL = 2.0
#: Seconds for the restart of one member: a standby replays WAL until it accepts connections.
RESTART_TIMEOUT = 600.0


@dataclass(frozen=True)
class MemberRestart:
    """The member of this host. timeout: in seconds, until Patroni reports something after it has happened.

    anew: whether another process of PostgreSQL runs than when its settings were read; None if that is not known.
    """

    patroni: Patroni
    scope: str
    member: str
    timeout: float
    anew: Callable[[], bool | None]
    clock: Callable[[], float]
    pause: Callable[[float], None]

    def restart(self, settings: Sequence[str], *, allowed: bool) -> None:
        """Restart the members that wait, one after the other, until this one has restarted. Raises HostError.

        Runs on all members at the same time, and each of them restarts the next member, so that nobody waits for a run that has not begun. Patroni
        refuses a second restart of a member.
        """
        self._wait_until_reported(settings)
        if not allowed:
            raise HostError(
                f"PostgreSQL of member {self.member} has to be restarted before Barman can use it: {', '.join(settings)} is in Patroni's DCS and takes effect "
                f"at a restart only. Run 'patronictl -c {self.patroni.file} restart {self.scope} MEMBER' when it suits you, the replicas first, and run this "
                "again. Or set barman_restart_allowed: true"
            )
        while not has_restarted(self.patroni.members(), self.member, settings):
            name = next_restart(self.patroni.members(), settings)
            if name is None:
                self._wait_for_next(settings)
                continue
            end = self.clock() + RESTART_TIMEOUT
            self.patroni.restart(self.scope, name, RESTART_TIMEOUT)
            if not self._runs_anew(name, settings, max(end - self.clock(), self.timeout)):
                return

    def _wait_for_next(self, settings: Sequence[str]) -> None:
        """Wait while the run on another member restarts one, until a member is the next. That run fails before this one."""

        def probe() -> Probe:
            members = self.patroni.members()
            return Probe(
                has_restarted(members, self.member, settings) or next_restart(members, settings) is not None,
                f"'patronictl list' shows {json.dumps(list(members))}",
            )

        what = f"the other members to run, so that member {self.member} can restart"
        self._wait(what, probe, RESTART_TIMEOUT + self.timeout)

    def _runs_anew(self, name: str, settings: Sequence[str], timeout: float) -> bool:
        """Wait until a member runs with its new settings, or another one is the next.

        False: it is this one, and runs anew, but Patroni still reports that it waits. Before 3.3, Patroni does not report for which setting.
        """

        def probe() -> Probe:
            members = self.patroni.members()
            return Probe(
                has_restarted(members, name, settings) or next_restart(members, settings) not in (None, name),
                f"'patronictl list' shows {json.dumps(list(members))}",
            )

        try:
            self._wait(f"member {name} to run with its new settings after 'patronictl restart'", probe, timeout)
        except WaitTimeout:
            if name == self.member and self.anew() and runs(self.patroni.members(), name):
                return False
            raise
        return True

    def _wait(self, what: str, probe: Callable[[], Probe], timeout: float) -> None:
        wait_for(what, probe, timeout, interval=_LIST_INTERVAL, clock=self.clock, pause=self.pause)

    def _wait_until_reported(self, settings: Sequence[str]) -> None:
        """Patroni publishes in its next round that a member waits for a restart. The run on another member may have restarted it since."""

        def probe() -> Probe:
            done = bool(self.anew()) or self.member in waiting(self.patroni.members(), settings)
            return Probe(done, "'patronictl list' does not show it")

        try:
            self._wait(f"Patroni to report that member {self.member} waits for a restart", probe, self.timeout)
        except WaitTimeout as exc:
            raise HostError(
                f"{exc}. But {', '.join(settings)} of its PostgreSQL is too low. If somebody has restarted it meanwhile, run this again. If not, something "
                "overrides the DCS, such as ALTER SYSTEM: remove that, and run this again"
            ) from None


def another_process(data_directory: str | None, former: int | None) -> bool | None:
    """Whether PostgreSQL is another process than the former one; None if that is not known."""
    lines = (read_text(os.path.join(data_directory, "postmaster.pid")) or "").splitlines() if data_directory else []
    if former is None or not lines or not lines[0].isdigit():
        return None
    return int(lines[0]) != former
