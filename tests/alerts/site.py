# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab that is watched: from bare machines to servers whose alerts are looked at."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.alerts.fault import PRELUDE, Lab, Shell, Step
from tests.alerts.measure import Stage
from tests.alerts.watching import Alertmanager
from tests.matrix.machines import REPOSITORY, Failed, Machines

HERE = Path(__file__).resolve().parent
EXPORTER = 9100
#: Seconds until the metrics of all backup servers are there, and no alert of the deployment is left.
READY = 900.0


class Site:
    """The machines of a part. watcher, backups: the names of machines."""

    def __init__(self, part: str, scratch: Path, watcher: str, backups: tuple[str, ...]) -> None:
        scratch.mkdir(exist_ok=True)
        self.machines = Machines(HERE / part, scratch)
        self._part = part
        self._backups = backups
        self.alertmanager = Alertmanager(self.machines.addresses[watcher])

    def prepare(self) -> None:
        """Bring the machines up, and deploy. Raises Failed."""
        self.machines.up()
        self.machines.play(HERE / "prepare.yml", {}, {}).expect()

    def wait_until_ready(self) -> None:
        """Wait for the metrics of each backup server, and until no alert is there. Raises Failed."""
        limit = time.monotonic() + READY
        while True:
            try:
                count, alerts = self.alertmanager.instances(), self.alertmanager.alerts()
            except OSError as failure:
                count, alerts = 0, []
                reason = str(failure)
            else:
                reason = ", ".join(map(str, alerts))
            if count == len(self._backups) and not alerts:
                return
            if time.monotonic() > limit:
                raise Failed(f"{self._part}: metrics of {count} backup servers, and: {reason}")
            time.sleep(5)

    def instance(self, machine: str) -> str:
        return f"{self.machines.addresses[machine]}:{EXPORTER}"

    def run(self, step: Step) -> None:
        """Do a step. Raises Failed."""
        if isinstance(step, Shell):
            self.machines.shell(step.machine, PRELUDE + step.script)
        elif isinstance(step, Lab):
            _lab(*step.arguments)
        else:
            self.machines.play(f"pgdr.barman.{step.name}", step.variables, {}).expect()

    def stage(self) -> Stage:
        return Stage(self.alertmanager, self.run, self.instance, time.monotonic, time.sleep, show)


def show(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def _lab(*arguments: str) -> None:
    argv = [sys.executable, "-m", "tests.lab", *arguments]
    done = subprocess.run(argv, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"'{' '.join(argv[1:])}' failed: {done.stderr.strip()}")
