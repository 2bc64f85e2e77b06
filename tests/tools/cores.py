# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the collection with every ansible-core that controllers run (`make cores`).

python -m tests.tools.cores [RELEASE ...]                   unit tests and syntax with these (default: all); sanity with the oldest and the newest
python -m tests.tools.cores --run RELEASE COMMAND [ARG ...]  run a command in a release's environment
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.tools import environment as development
from tests.tools.stage import CACHE, REPOSITORY, Outcome, Stage, environment, exit_on_signals, run

REQUIREMENTS = REPOSITORY / "requirements"
DIRECTORY = CACHE / "cores"
PYTHONS = {
    "2.16": ("3.12", "3.11", "3.10"),
    "2.17": ("3.12", "3.11", "3.10"),
    "2.18": ("3.13", "3.12", "3.11"),
    "2.20": ("3.14", "3.13", "3.12"),
    "2.21": ("3.14", "3.13", "3.12"),
}
"""The controller's Pythons that a release of ansible-core runs on. Source: its setup.cfg or pyproject.toml, python_requires."""

TOOLS = ("hypothesis", "jmespath", "psycopg[binary]", "pytest", "pytest-xdist", "PyYAML")
"""What the unit tests need of requirements/dev.txt."""

WITHOUT_A_RUN = tuple(f"tests/unit/plugins/{name}" for name in ("action", "filter", "modules", "plugin_utils"))
"""The unit tests of what ansible-core calls; those below run playbooks."""
WITH_RUNS = ("tests/unit/playbooks", "tests/unit/roles")


@dataclass(frozen=True)
class Core:
    """A release of ansible-core and its environment."""

    version: str
    python: Path | None
    """The interpreter to make the environment with; None if this machine has none that fits."""
    oldest: bool = False
    newest: bool = False

    @property
    def release(self) -> str:
        return ".".join(self.version.split(".")[:2])

    @property
    def venv(self) -> Path:
        return DIRECTORY / self.release

    @property
    def collections(self) -> Path:
        return DIRECTORY / "collections-oldest" if self.oldest else development.COLLECTIONS_ROOT

    def environment(self) -> dict[str, str]:
        env = environment(PGDR_COLLECTIONS=str(self.collections), PGDR_RESULTS=str(self.venv / "results"))
        env["PATH"] = f"{self.venv / 'bin'}{os.pathsep}{env['PATH']}"
        env["ANSIBLE_COLLECTIONS_PATH"] = str(self.collections)
        return env


def find_python(versions: Sequence[str]) -> Path | None:
    """An interpreter of one of these versions: this one, one on PATH, or one of pyenv's."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if here in versions:
        return Path(sys.base_prefix, "bin", f"python{here}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for version in versions:
        for candidate in (shutil.which(f"python{version}"), *pyenv.glob(f"{version}.*/bin/python{version}")):
            if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
                return Path(candidate)
    return None


def cores() -> list[Core]:
    """Every release in requirements/cores.txt, the oldest first."""
    text = (REQUIREMENTS / "cores.txt").read_text(encoding="utf-8")
    versions = re.findall(r"^ansible-core==(\S+)$", text, flags=re.MULTILINE)
    found = []
    for version in versions:
        python = find_python(PYTHONS[".".join(version.split(".")[:2])])
        found.append(Core(version, python, oldest=version == versions[0], newest=version == versions[-1]))
    return found


def provide(core: Core) -> Outcome:
    """Make the environment of a release, unless it is there."""
    development.extract_collections("collections-oldest", core.collections) if core.oldest else None
    stamp = core.venv / ".stamp"
    content = f"{core.version}\n{(REQUIREMENTS / 'dev.txt').read_text(encoding='utf-8')}"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == content:
        return Outcome("environment", (), 0, "", 0.0)
    assert core.python is not None
    shutil.rmtree(core.venv, ignore_errors=True)
    constraints = DIRECTORY / "constraints.txt"
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    lines = (REQUIREMENTS / "dev.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    constraints.write_text("".join(line for line in lines if not line.startswith("ansible-core==")), encoding="utf-8")
    made = run("environment", core.python, "-m", "venv", core.venv)
    if not made.ok:
        return made
    outcome = run(
        "environment",
        *(core.venv / "bin" / "python", "-m", "pip", "-qq", "--disable-pip-version-check", "install"),
        *("--constraint", constraints, f"ansible-core=={core.version}", *TOOLS),
    )
    if outcome.ok:
        stamp.write_text(content, encoding="utf-8")
    return outcome


def examine(stage: Stage, core: Core) -> None:
    label = f"ansible-core {core.version}"
    if core.python is None:
        stage.note(
            label, False, output=f"No Python of {', '.join(PYTHONS[core.release])} on this machine: install one."
        )
        return
    made = provide(core)
    if not made.ok:
        stage.note(f"{label}: environment", False, made.seconds, made.output)
        return
    env = core.environment()
    python = str(core.venv / "bin" / "python")
    tests = (*WITHOUT_A_RUN, *(WITH_RUNS if core.oldest or core.newest else ()))
    outcome = run(
        f"{label}, Python {core.python.name[6:]}: unit tests",
        *(python, "-m", "pytest", "-q", "-n", "2", "-o", f"cache_dir={core.venv / 'pytest'}"),
        *("-o", f"pythonpath=. {core.collections}", *tests),
        env=env,
    )
    stage.note_outcome(outcome, (outcome.output.strip().splitlines() or [""])[-1])
    playbooks = [f"pgdr.barman.{path.name.split('.')[0]}" for path in sorted((REPOSITORY / "playbooks").glob("*.yml"))]
    playbooks = sorted({name for name in playbooks if not name.endswith(".selection")})
    stage.note_outcome(
        run(f"{label}: syntax", "ansible-playbook", "--syntax-check", "-i", "localhost,", *playbooks, env=env),
        f"{len(playbooks)} playbooks",
    )
    if core.oldest or core.newest:
        outcome = run(f"{label}: sanity", python, "-m", "tests.tools.sanity", env=env)
        stage.note_outcome(outcome)


def main(arguments: list[str]) -> int:
    exit_on_signals()
    os.chdir(REPOSITORY)
    known = {core.release: core for core in cores()}
    if arguments[:1] == ["--run"]:
        core = known[arguments[1]]
        made = provide(core)
        if not made.ok:
            sys.exit(made.output)
        return subprocess.run(arguments[2:], env=core.environment(), check=False).returncode
    unknown = sorted(set(arguments) - set(known))
    if unknown:
        sys.exit(
            f"cores: no ansible-core {', '.join(unknown)} in requirements/cores.txt; there are {', '.join(known)}."
        )
    stage = Stage("cores")
    for release in arguments or known:
        examine(stage, known[release])
    return stage.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
