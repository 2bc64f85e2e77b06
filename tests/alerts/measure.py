# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fault, from its begin to the end of its alert, and a time without a fault. The watch and the clock are arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.alerts.fault import Fault, Step
from tests.alerts.report import Measured
from tests.alerts.watching import Alert

#: Seconds: between two looks; how long an alert is waited for; how long a fault lasts at least, so that a second alert would show; how long it is looked for
#: one after the end, because Barman's cron starts a receiver each minute.
EACH = 2.0
PATIENCE = 420.0
LASTING = 150.0
AFTER = 75.0


class Watch(Protocol):
    """Alertmanager of a lab."""

    def alerts(self) -> Sequence[Alert]: ...


@dataclass
class Stage:
    """What a measurement needs. run: does a step. instance: node exporter's address of a machine."""

    watch: Watch
    run: Callable[[Step], None]
    instance: Callable[[str], str]
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    show: Callable[[str], None] = field(default=lambda text: None)


def concerned(fault: Fault, alerts: Iterable[Alert], instance: str) -> list[Alert]:
    """The alerts of the fault's server. A fault of a whole backup server concerns all that is of that server."""
    return [one for one in alerts if one.instance == instance and (fault.of_the_host or one.subject == fault.server)]


def measure(fault: Fault, stage: Stage) -> Measured:
    """Cause the fault, wait for its alert, end the fault, and wait for the end of the alert. What a step raises is the caller's."""
    watched = _Watched(fault, stage)
    for step in fault.before:
        stage.run(step)
    if not watched.wait_until(lambda names: not names, PATIENCE):
        return Measured(fault.alert, fault.what, fault.server, problem=f"before it: {', '.join(watched.current)}")
    watched.observed.clear()
    for step in fault.begin:
        stage.run(step)
    begun = stage.clock()
    fired = watched.wait_until(lambda names: fault.alert in names, PATIENCE)
    seconds = stage.clock() - begun
    text_problem = watched.text_problem(fault.alert) if fired else ""
    stage.show(
        f"{fault.alert} of {fault.server}: {f'fires after {seconds:.0f} s' if fired else 'does not fire'} ({fault.what})"
    )
    watched.look_for(LASTING - seconds)
    for step in fault.end:
        stage.run(step)
    ended = stage.clock()
    has_ended = watched.wait_until(lambda names: fault.alert not in names, PATIENCE)
    until_clear = stage.clock() - ended
    watched.look_for(AFTER)
    others = sorted(watched.observed - {fault.alert})
    stage.show(
        f"{fault.alert} of {fault.server}: {f'clears after {until_clear:.0f} s' if has_ended else 'does not clear'}; others: {others}"
    )
    return Measured(
        fault.alert,
        fault.what,
        fault.server,
        dated=fault.dated,
        fires=round(seconds) if fired else None,
        clears=round(until_clear) if has_ended else None,
        others=tuple(others),
        problem=text_problem,
    )


class _Watched:
    """The alerts of one server, and all that it had since the last clear()."""

    def __init__(self, fault: Fault, stage: Stage) -> None:
        self._fault = fault
        self._stage = stage
        self._alerts: list[Alert] = []
        self.observed: set[str] = set()

    @property
    def current(self) -> list[str]:
        return [one.name for one in self._alerts]

    def look(self) -> list[str]:
        instance = self._stage.instance(self._fault.machine)
        self._alerts = concerned(self._fault, self._stage.watch.alerts(), instance)
        self.observed.update(self.current)
        return self.current

    def wait_until(self, condition: Callable[[list[str]], bool], seconds: float) -> bool:
        limit = self._stage.clock() + seconds
        while not condition(self.look()):
            if self._stage.clock() >= limit:
                return False
            self._stage.sleep(EACH)
        return True

    def look_for(self, seconds: float) -> None:
        """Look for so long, whatever is found."""
        self.wait_until(lambda names: False, seconds)

    def text_problem(self, name: str) -> str:
        """What the alert's texts lack."""
        found = [one for one in self._alerts if one.name == name]
        if len(found) > 1:
            return f"{len(found)} alerts of that name"
        lacking = [one for one in found if not one.names_all]
        return f"summary or remedy do not name {lacking[0].subject}" if lacking else ""


def watch_quiet(stage: Stage, minutes: float) -> tuple[str, ...]:
    """The alerts of that time, each once."""
    found: set[str] = set()
    limit = stage.clock() + minutes * 60
    while stage.clock() < limit:
        new = {str(one) for one in stage.watch.alerts()} - found
        for one in sorted(new):
            stage.show(f"quiet: {one}")
        found |= new
        stage.sleep(EACH)
    return tuple(sorted(found))
