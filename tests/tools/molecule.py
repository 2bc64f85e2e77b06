# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run Molecule's scenarios, three at a time, and leave nothing behind (`make molecule`).

python -m tests.tools.molecule [SCENARIO ...]
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.tools.stage import CACHE, REPOSITORY, Outcome, Stage, environment, exit_on_signals, run

SCENARIOS = REPOSITORY / "extensions" / "molecule"
LOGS = CACHE / "molecule"
CALLBACKS = Path(__file__).with_name("callbacks")
LAB_PREFIX = "molecule-"
"""A scenario's lab is named so, with the scenario's name behind; the quickstart's is not."""

LONGEST_FIRST = ("star", "moving", "increments", "geo", "targets", "rsync", "hooks", "faults")
"""They begin before all others, so that all lanes end at about the same time."""

AT_ONCE = 3
GRACE = 30.0
SHOWN = 60
"""Lines of a failed scenario's log that are shown."""

SHOWN_OF_BARMAN = 40
"""Lines of each barman.log that are shown as well: of a run elsewhere, one has only the output."""


class Runner:
    """Runs scenarios as processes of their own that can be ended together."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        sockets = scratch / "ssh"
        sockets.mkdir()
        self.env = environment(
            # Facts come from ansible_facts alone: the other way ends with ansible-core 2.24.
            ANSIBLE_INJECT_FACT_VARS="false",
            ANSIBLE_SSH_CONTROL_PATH_DIR=str(sockets),
            ANSIBLE_CALLBACK_PLUGINS=str(CALLBACKS),
            PGDR_SHARED_MODULES=str(scratch / "modules"),
            ANSIBLE_NOCOLOR="true",
            PY_COLORS="0",
        )
        self.env.pop("ANSIBLE_FORCE_COLOR", None)
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._ending = False

    def test(self, scenario: str) -> Outcome:
        """Run a scenario, keep its machines' logs if it failed, and take its machines down."""
        started = time.monotonic()
        log, evidence = LOGS / f"{scenario}.log", LOGS / scenario
        shutil.rmtree(evidence, ignore_errors=True)
        rc = self._molecule(scenario, log)
        if rc is None:
            return Outcome(scenario, (), 1, "not started", 0.0)
        output = ending(log)
        if own_machines() and not self._ending:
            if rc != 0:
                output += "\n" + collect(scenario, evidence)
            down = lab("down", LAB_PREFIX + scenario)
            if not down.ok:
                rc, output = rc or down.rc, f"{output}\n{down.output}"
        return Outcome(scenario, (), rc, output, time.monotonic() - started)

    def _molecule(self, scenario: str, log: Path) -> int | None:
        """Its exit code; None if no more scenarios are to start."""
        # What Molecule remembers of a scenario is in a directory of this run: it would skip the creation of machines that it made once.
        state = self.scratch / scenario
        state.mkdir()
        argv = ("molecule", "test", "--scenario-name", scenario, *(("--destroy", "never") if own_machines() else ()))
        with log.open("wb") as output:
            with self._lock:
                if self._ending:
                    return None
                process = subprocess.Popen(
                    argv,
                    cwd=REPOSITORY,
                    env={**self.env, "MOLECULE_EPHEMERAL_DIRECTORY": str(state)},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                self._processes.add(process)
            rc = process.wait()
        with self._lock:
            self._processes.discard(process)
        return rc

    def end(self) -> None:
        """End what still runs, politely first."""
        with self._lock:
            self._ending = True
            running = list(self._processes)
        for process in running:
            signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                signal_group(process, signal.SIGKILL)


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def ending(log: Path) -> str:
    text = log.read_text(errors="replace")
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    lines = text.splitlines()
    return "\n".join([*lines[-SHOWN:], f"the whole log: {log.relative_to(REPOSITORY)}"])


def own_machines() -> bool:
    """Whether the machines are the lab's, and not somebody else's."""
    return not os.environ.get("PGDR_MACHINES")


def collect(scenario: str, evidence: Path) -> str:
    """Keep the machines' logs; return where they are, and the end of each barman.log."""
    done = lab("collect", LAB_PREFIX + scenario, str(evidence))
    shown = [f"the machines' logs: {evidence.relative_to(REPOSITORY)}"]
    if not done.ok:
        shown.append(done.output)
    for path in sorted(evidence.glob("*/barman/barman.log")):
        lines = path.read_text(errors="replace").splitlines()[-SHOWN_OF_BARMAN:]
        shown += [f"the end of {path.relative_to(REPOSITORY)}:", *(f"    {line}" for line in lines)]
    return "\n".join(shown)


def scenarios() -> list[str]:
    """All of them, in the order in which they begin."""
    names = sorted(path.parent.name for path in SCENARIOS.glob("*/molecule.yml"))
    first = [name for name in LONGEST_FIRST if name in names]
    return [*first, *(name for name in names if name not in first)]


def lab(*arguments: str) -> Outcome:
    return run(f"lab {arguments[0]}", sys.executable, "-m", "tests.lab", *arguments)


def ready() -> Outcome:
    """Whether this machine can run the lab, once for all scenarios. With machines of somebody else's, it need not."""
    if not own_machines():
        return Outcome("lab check", (), 0, "", 0.0)
    return lab("check")


def take_down(names: list[str]) -> Outcome:
    """The machines of these scenarios; of all, where none is named."""
    outcomes = [lab("down", "--all", "--prefix", LAB_PREFIX + name) for name in names or [""]]
    return max(outcomes, key=lambda outcome: outcome.rc)


def close_connections(sockets: Path) -> None:
    """End the SSH connections that Ansible keeps open for a while."""
    for socket in sockets.glob("*"):
        run("ssh", "ssh", "-O", "exit", "-o", f"ControlPath={socket}", "lab")


def main(chosen: list[str]) -> int:
    exit_on_signals()
    os.chdir(REPOSITORY)
    LOGS.mkdir(parents=True, exist_ok=True)
    stage = Stage("molecule")
    known = scenarios()
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        sys.exit(f"molecule: no scenario {', '.join(unknown)}; there are {', '.join(known)}.")
    if not stage.note("there are scenarios", bool(known)):
        return stage.finish()
    before = ready()
    if before.ok:
        # What a killed run left would be in the way.
        before = take_down(chosen)
    if not before.ok:
        stage.note("the lab", False, output=before.output)
        return stage.finish()
    with tempfile.TemporaryDirectory(prefix="pgdr-") as scratch:
        runner = Runner(Path(scratch))
        try:
            with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
                try:
                    for done in as_completed([pool.submit(runner.test, name) for name in chosen or known]):
                        stage.note_outcome(done.result())
                finally:
                    runner.end()
        finally:
            close_connections(Path(scratch) / "ssh")
            down = take_down(chosen)
            stage.note("machines taken down", down.ok, down.seconds, down.output)
    return stage.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
