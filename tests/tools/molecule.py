# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run Molecule's scenarios, three at a time, and leave nothing behind (`make molecule`).

python -m tests.tools.molecule [SCENARIO[@RELEASE] ...]
python -m tests.tools.molecule --short                     all but those of LEFT_OUT: the part that `make test` has

RELEASE is one of ansible-core in requirements/cores.txt, as in streaming@2.16. Without it, the project's own ansible-core runs the playbooks.
Without arguments, all scenarios run: those of WITH_OTHER_CORES with the oldest or the newest release, the others with the project's own.
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
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from tests.tools import cores
from tests.tools.debian import DOT, path_with
from tests.tools.failed_task import failed_task
from tests.tools.stage import CACHE, REPOSITORY, VENV_BIN, Outcome, Stage, environment, exit_on_signals, run

SCENARIOS = REPOSITORY / "extensions" / "molecule"
LOGS = CACHE / "molecule"
CALLBACKS = Path(__file__).with_name("callbacks")
LAB_PREFIX = "molecule-"
"""A scenario's lab is named so, with the scenario's name behind; the quickstart's is not."""

LONGEST_FIRST = (
    "star",
    "moving",
    "increments",
    "cluster",
    "streaming",
    "rsync",
    "targets",
    "versions",
    "monitoring",
    "hooks",
    "geo",
    "layouts",
    "identity",
    "drill",
    "faults",
    "synchronous",
    "controller",
    "decommission",
    "unmanaged",
    "first",
)
"""They begin before all others, so that all lanes end at about the same time."""

WITH_OTHER_CORES = {"streaming": "oldest", "standby": "newest"}
"""The scenarios that the oldest and the newest ansible-core run instead of the project's own, which runs all the others."""

LEFT_OUT = {
    "moving": "rsync, geo and synchronous move servers, too",
    "hooks": "unit tests run its scripts",
    "layouts": "unit tests plan recoveries with its disks",
    "versions": "star has the same releases of Debian, and make matrix those of Barman",
    "identity": "unit tests tell such servers apart",
}
"""Scenarios for which `make test` has no time on a slow machine, and what shows a part of it there. The summary names them."""

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
        # Graphviz, for the report.
        self.env["PATH"] = path_with(self.env["PATH"], DOT)
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._ending = False

    def test_lane(self, names: Sequence[str]) -> list[Outcome]:
        """Run these one after the other: they have the same machines."""
        return [self.test(name) for name in names]

    def test(self, name: str) -> Outcome:
        """Run a scenario, keep its machines' logs if it failed, and take its machines down."""
        started = time.monotonic()
        scenario, core = split(name)
        log, evidence = LOGS / f"{name}.log", LOGS / name
        shutil.rmtree(evidence, ignore_errors=True)
        log.unlink(missing_ok=True)
        if core is not None:
            proof = prove(core, self._environment(core), log)
            if not proof.ok:
                return replace(proof, name=name)
        rc = self._molecule(name, log)
        if rc is None:
            return Outcome(name, (), 1, "not started", 0.0)
        output, cause = ending(log), failed_task(printed(log)) if rc != 0 else ""
        if own_machines() and not self._ending:
            if rc != 0:
                output += "\n" + collect(scenario, evidence)
            down = lab("down", LAB_PREFIX + scenario)
            if not down.ok:
                rc, output = rc or down.rc, f"{output}\n{down.output}"
        return Outcome(name, (), rc, output, time.monotonic() - started, cause=cause)

    def _environment(self, core: cores.Core | None) -> dict[str, str]:
        return self.env if core is None else core.environment(self.env)

    def _molecule(self, name: str, log: Path) -> int | None:
        """Its exit code; None if no more scenarios are to start."""
        # What Molecule remembers of a scenario is in a directory of this run: it would skip the creation of machines that it made once.
        state = self.scratch / name
        state.mkdir()
        scenario, core = split(name)
        # Molecule itself is always the project's own. It runs the ansible-playbook that is the first on PATH.
        argv = (
            str(VENV_BIN / "molecule"),
            "test",
            "--scenario-name",
            scenario,
            *(("--destroy", "never") if own_machines() else ()),
        )
        with log.open("ab") as output:
            with self._lock:
                if self._ending:
                    return None
                process = subprocess.Popen(
                    argv,
                    cwd=REPOSITORY,
                    env={**self._environment(core), "MOLECULE_EPHEMERAL_DIRECTORY": str(state)},
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


def split(name: str) -> tuple[str, cores.Core | None]:
    """The scenario and the ansible-core in SCENARIO[@RELEASE]; None stands for the project's own."""
    scenario, _at, release = name.partition("@")
    return scenario, cores.by_release()[release] if release else None


def prove(core: cores.Core, env: Mapping[str, str], log: Path) -> Outcome:
    """Make the environment of that ansible-core, and begin the log with the version that ansible-playbook reports. A different one is a failure."""
    made = cores.provide(core)
    if not made.ok:
        return made
    outcome = run("ansible-playbook --version", "ansible-playbook", "--version", env=env)
    log.write_text(outcome.output, encoding="utf-8")
    if f"[core {core.version}]" in outcome.output:
        return outcome
    return replace(outcome, rc=outcome.rc or 1, output=f"This is not ansible-core {core.version}:\n{outcome.output}")


def printed(log: Path) -> str:
    """The log without the codes of colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(errors="replace"))


def ending(log: Path) -> str:
    lines = printed(log).splitlines()
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


def everything(stage: Stage, *, short: bool) -> list[str]:
    """All scenarios, each with the ansible-core that runs it. A release that this machine has no Python for is skipped. short: without LEFT_OUT."""
    older, newer = cores.from_the_ends()
    names = []
    for scenario in scenarios():
        if short and scenario in LEFT_OUT:
            stage.skip(scenario, f"it runs with make molecule alone; {LEFT_OUT[scenario]}")
            continue
        end = WITH_OTHER_CORES.get(scenario)
        name = scenario
        for core in {"oldest": older, "newest": newer, None: []}[end]:
            if core.python is not None:
                name = f"{scenario}@{core.release}"
                break
            stage.skip(f"{scenario}@{core.release}", core.missing())
        names.append(name)
    return names


def lanes(names: Iterable[str]) -> list[list[str]]:
    """What runs side by side; the runs of one scenario follow each other."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.partition("@")[0], []).append(name)
    return list(found.values())


def lab(*arguments: str) -> Outcome:
    return run(f"lab {arguments[0]}", sys.executable, "-m", "tests.lab", *arguments)


def ready() -> Outcome:
    """Whether this machine can run the lab, once for all scenarios. With machines of somebody else's, it need not."""
    if not own_machines():
        return Outcome("lab check", (), 0, "", 0.0)
    return lab("check")


def take_down(names: list[str]) -> Outcome:
    """The machines of these scenarios; of all, where none is named."""
    outcomes = [
        lab("down", "--all", "--prefix", LAB_PREFIX + lane[0].partition("@")[0]) for lane in lanes(names) or [[""]]
    ]
    return max(outcomes, key=lambda outcome: outcome.rc)


def close_connections(sockets: Path) -> None:
    """End the SSH connections that Ansible keeps open for a while."""
    for socket in sockets.glob("*"):
        run("ssh", "ssh", "-O", "exit", "-o", f"ControlPath={socket}", "lab")


def main(chosen: list[str]) -> int:
    short = chosen == ["--short"]
    chosen = [] if short else chosen
    exit_on_signals()
    os.chdir(REPOSITORY)
    LOGS.mkdir(parents=True, exist_ok=True)
    stage = Stage("molecule")
    known = scenarios()
    releases = cores.by_release()
    allowed = {*known, *(f"{scenario}@{release}" for scenario in known for release in releases)}
    unknown = sorted(set(chosen) - allowed)
    if unknown:
        sys.exit(
            f"molecule: no scenario {', '.join(unknown)}; there are {', '.join(known)}, each with or without @ and one of {', '.join(releases)}."
        )
    if not stage.note("there are scenarios", ok=bool(known)):
        return stage.finish()
    before = ready()
    if before.ok:
        # What a killed run left would be in the way.
        before = take_down(chosen)
    if not before.ok:
        stage.note("the lab", ok=False, output=before.output)
        return stage.finish()
    with tempfile.TemporaryDirectory(prefix="pgdr-") as scratch:
        runner = Runner(Path(scratch))
        try:
            with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
                try:
                    for done in as_completed(
                        [
                            pool.submit(runner.test_lane, lane)
                            for lane in lanes(chosen or everything(stage, short=short))
                        ]
                    ):
                        for outcome in done.result():
                            stage.note_outcome(outcome)
                finally:
                    runner.end()
        finally:
            close_connections(Path(scratch) / "ssh")
            down = take_down(chosen)
            stage.note("machines taken down", ok=down.ok, seconds=down.seconds, output=down.output)
    return stage.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
