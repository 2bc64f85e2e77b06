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
from .plan import has_restarted, next_restart, waiting

#: Seconds between two calls of patronictl, which starts a Python each time.
_LIST_INTERVAL = 2.0


@dataclass(frozen=True)
class MemberRestart:
    """The member of this host. timeout: in seconds, for each thing that Patroni has to report.

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
        self._wait_until_reported(", ".join(settings))
        if not allowed:
            raise HostError(
                f"PostgreSQL of member {self.member} has to be restarted before Barman can use it: {', '.join(settings)} is in Patroni's DCS and takes effect "
                f"at a restart only. Run 'patronictl -c {self.patroni.file} restart {self.scope} MEMBER' when it suits you, the replicas first, and run this "
                "again. Or set barman_restart_allowed: true"
            )
        while not self._has_restarted(self.member):
            name = next_restart(self.patroni.members())
            if name is not None:
                self.patroni.restart(self.scope, name)
            self._wait_for(name or self.member)

    def _has_restarted(self, name: str) -> bool:
        return has_restarted(self.patroni.members(), name)

    def _wait_for(self, name: str) -> None:
        """Wait until a member runs with its new settings, or another one is the next."""

        def probe() -> Probe:
            members = self.patroni.members()
            return Probe(
                has_restarted(members, name) or next_restart(members) not in (None, name),
                f"'patronictl list' shows {json.dumps(list(members))}",
            )

        self._wait(f"member {name} to run with its new settings after 'patronictl restart'", probe)

    def _wait(self, what: str, probe: Callable[[], Probe]) -> None:
        wait_for(what, probe, self.timeout, interval=_LIST_INTERVAL, clock=self.clock, pause=self.pause)

    def _wait_until_reported(self, names: str) -> None:
        """Patroni publishes in its next round that a member waits for a restart. The run on another member may have restarted it since."""

        def probe() -> Probe:
            done = bool(self.anew()) or self.member in waiting(self.patroni.members())
            return Probe(done, "'patronictl list' does not show it")

        try:
            self._wait(f"Patroni to report that member {self.member} waits for a restart", probe)
        except WaitTimeout as exc:
            raise HostError(
                f"{exc}. But {names} of its PostgreSQL is too low. If somebody has restarted it meanwhile, run this again. If not, something "
                "overrides the DCS, such as ALTER SYSTEM: remove that, and run this again"
            ) from None


def another_process(data_directory: str | None, former: int | None) -> bool | None:
    """Whether PostgreSQL is another process than the former one; None if that is not known."""
    lines = (read_text(os.path.join(data_directory, "postmaster.pid")) or "").splitlines() if data_directory else []
    if former is None or not lines or not lines[0].isdigit():
        return None
    return int(lines[0]) != former
