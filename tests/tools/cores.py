# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the collection with every ansible-core that controllers run (`make cores`).

python -m tests.tools.cores [RELEASE ...]                   all unit tests and syntax with these (default: all); sanity with the oldest and the newest
python -m tests.tools.cores --short                          the part of it that `make test` has: of the unit tests, those that can depend on ansible-core
python -m tests.tools.cores --run RELEASE COMMAND [ARG ...]  run a command in a release's environment

A release needs a Python that its controllers have, on PATH or of pyenv. Without one, it fails. With --short it is skipped, and named in the summary.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.tools import environment as development
from tests.tools import examples
from tests.tools.stage import CACHE, REPOSITORY, Outcome, Stage, environment, exit_on_signals, run

REQUIREMENTS = REPOSITORY / "requirements"
DIRECTORY = CACHE / "cores"
PYTHONS = {
    "2.16": ("3.12", "3.11"),
    "2.17": ("3.12", "3.11"),
    "2.18": ("3.13", "3.12", "3.11"),
    "2.20": ("3.14", "3.13", "3.12"),
    "2.21": ("3.14", "3.13", "3.12"),
}
"""The controller's Pythons that a release of ansible-core runs on. Source: its setup.cfg or pyproject.toml, python_requires."""

LATER_PYTHONS = {"2.16": ("3.13",), "2.17": ("3.13",)}
"""Pythons that a release has not been released for, and runs on. Its ansible-test refuses them. Debian 13 has no older one."""

TOOLS = (
    *("ansible-runner", "hypothesis", "jmespath", "jsonschema", "lz4", "psycopg[binary]", "pytest", "pytest-xdist"),
    *("PyYAML", "zstandard"),
)
"""What the unit tests need of requirements/dev.txt."""

PINNED_BY_THE_CORE = ("ansible-core==", "resolvelib==")
"""Lines of requirements/dev.txt that fit the project's own ansible-core only."""

OLDER_COLLECTIONS = ("community.crypto",)
"""What the oldest release has from requirements/collections-oldest.txt; all other collections are the project's own."""

ALL_TESTS = ("tests/unit",)
EVALUATED_BY_ANSIBLE = ("tests/unit/plugins/filter",)
CALLED_BY_ANSIBLE = ("tests/unit/plugins/action", "tests/unit/plugins/modules")
RUN_BY_ANSIBLE = ("tests/unit/playbooks/test_selection.py", "tests/unit/roles")
"""The unit tests whose results depend on ansible-core first: filters, actions and modules as it calls them, and runs of playbooks and roles."""


@dataclass(frozen=True)
class Core:
    """A release of ansible-core and its environment."""

    version: str
    python: Path | None
    """The interpreter to make the environment with; None if this machine has none that fits."""
    supported: bool = True
    """Whether the release supports this Python. Without that, there is no sanity test."""
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

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The base (by default the project's own environment) with this release's programs first."""
        env = dict(environment() if base is None else base)
        env["PATH"] = f"{self.venv / 'bin'}{os.pathsep}{env['PATH']}"
        env["ANSIBLE_COLLECTIONS_PATH"] = env["PGDR_COLLECTIONS"] = str(self.collections)
        env["PGDR_RESULTS"] = str(self.venv / "results")
        return env

    def missing(self) -> str:
        return f"ansible-core {self.version} needs Python {' or '.join(PYTHONS[self.release])}, and this machine has none; install one"


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
        release = ".".join(version.split(".")[:2])
        python = find_python(PYTHONS[release])
        supported = python is not None
        if python is None:
            python = find_python(LATER_PYTHONS.get(release, ()))
        ends = {"oldest": version == versions[0], "newest": version == versions[-1]}
        found.append(Core(version, python, supported=supported, **ends))
    return found


def by_release() -> dict[str, Core]:
    return {core.release: core for core in cores()}


def from_the_ends() -> tuple[list[Core], list[Core]]:
    """The releases before the project's own, the oldest first, and those after it, the newest first."""
    text = (REQUIREMENTS / "run.txt").read_text(encoding="utf-8")
    own = number(re.findall(r"^ansible-core==(\S+)$", text, flags=re.MULTILINE)[0])
    known = cores()
    return [core for core in known if number(core.version) < own], [
        core for core in known[::-1] if number(core.version) > own
    ]


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def link_collections(root: Path) -> None:
    """The project's own collections, for those that the oldest release can have, too."""
    for name in set(development.INSTALLED_COLLECTIONS) - set(OLDER_COLLECTIONS):
        relative = Path("ansible_collections", *name.split("."))
        link = root / relative
        if not link.is_symlink():
            shutil.rmtree(link, ignore_errors=True)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(development.COLLECTIONS_ROOT / relative, link.parent))


def write_constraints() -> Path:
    """The versions of requirements/dev.txt that fit every release of ansible-core. A reader sees the whole file."""
    path = DIRECTORY / "constraints.txt"
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    lines = (REQUIREMENTS / "dev.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    content = "".join(line for line in lines if not line.startswith(PINNED_BY_THE_CORE))
    if not path.is_file() or path.read_text(encoding="utf-8") != content:
        path.write_text(content, encoding="utf-8")
    return path


def provide(core: Core) -> Outcome:
    """Make the environment of a release, unless it is there."""
    if core.oldest:
        link_collections(core.collections)
        development.extract_collections("collections-oldest", core.collections, OLDER_COLLECTIONS)
    stamp = core.venv / ".stamp"
    content = f"{core.version}\n{(REQUIREMENTS / 'dev.txt').read_text(encoding='utf-8')}"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == content:
        return Outcome("environment", (), 0, "", 0.0)
    assert core.python is not None
    shutil.rmtree(core.venv, ignore_errors=True)
    constraints = write_constraints()
    made = run("environment", core.python, "-m", "venv", core.venv)
    if not made.ok:
        return made
    packages: tuple[str, ...] = (f"ansible-core=={core.version}", *TOOLS)
    own = Path(sysconfig.get_path("purelib"))
    if core.python.resolve() == Path(sys.executable).resolve():
        # What ansible-core needs and the tests need is in the project's own environment, for the same Python.
        (core.venv / own.relative_to(sys.prefix) / "tools.pth").write_text(f"{own}\n", encoding="utf-8")
        packages = packages[:1]
    outcome = run(
        "environment",
        *(core.venv / "bin" / "python", "-m", "pip", "-qq", "--disable-pip-version-check", "install"),
        # Python compiles what it runs. Most of ansible-core it does not run.
        *("--no-compile", "--constraint", str(constraints), *packages),
    )
    if outcome.ok:
        stamp.write_text(content, encoding="utf-8")
    return outcome


def examine_all(stage: Stage, chosen: Sequence[Core], *, short: bool) -> list[Core]:
    """The releases that have their environment, after their tests. Two at a time: half of the tests' time is waiting."""
    write_constraints()
    with ThreadPoolExecutor(max_workers=2) as pool:
        examined = list(pool.map(lambda core: examine(stage, core, short=short), chosen))
    return [core for core, ready in zip(chosen, examined, strict=True) if ready]


def examine(stage: Stage, core: Core, *, short: bool) -> bool:
    """Run the release's unit tests and the syntax check. Whether the release has its environment."""
    label = f"ansible-core {core.version}"
    if core.python is None:
        impossible(stage, label, core.missing(), short=short)
        return False
    made = provide(core)
    if not made.ok:
        stage.note(f"{label}: environment", ok=False, seconds=made.seconds, output=made.output)
        return False
    env = core.environment()
    python = str(core.venv / "bin" / "python")
    tests: tuple[str, ...] = ALL_TESTS
    if short:
        # Templating changed with 2.19, so runs differ most with the oldest. Each end runs a scenario, too.
        called = CALLED_BY_ANSIBLE if core.oldest or core.newest else ()
        tests = EVALUATED_BY_ANSIBLE + called + (RUN_BY_ANSIBLE if core.oldest else ())
    outcome = run(
        f"{label}, {core.python.name}: unit tests",
        *(python, "-m", "pytest", "-q", "-n", "2", "-o", f"cache_dir={core.venv / 'pytest'}"),
        *("-o", f"pythonpath=. {core.collections}", *tests),
        env=env,
    )
    stage.note_outcome(outcome, (outcome.output.strip().splitlines() or [""])[-1])
    playbooks = sorted(examples.playbook_names())
    stage.note_outcome(
        run(f"{label}: syntax", "ansible-playbook", "--syntax-check", "-i", "localhost,", *playbooks, env=env),
        f"{len(playbooks)} playbooks",
    )
    return True


def examine_sanity(stage: Stage, ready: Sequence[Core], *, short: bool) -> None:
    """ansible-test sanity with the oldest and the newest of all releases, side by side unless they share a Python and so ansible-test's environments."""
    ends = [core for core in ready if core.oldest or core.newest]
    for core in ends:
        if not core.supported:
            impossible(stage, f"ansible-core {core.version}: sanity", core.missing(), short=short)
    able = [core for core in ends if core.supported]
    with ThreadPoolExecutor(max_workers=max(1, len({core.python for core in able}))) as pool:
        for outcome in pool.map(lambda core: sanity(core, short=short and able[-1].newest), able):
            stage.note_outcome(outcome)
    if short and not able:
        stage.note_outcome(run("the project's own ansible-core: sanity", sys.executable, "-m", "tests.tools.sanity"))


def sanity(core: Core, *, short: bool) -> Outcome:
    """short: pylint, which takes most of the time, with the newest release alone."""
    python = core.venv / "bin" / "python"
    skipped = () if core.newest or not short else ("pylint",)
    return run(
        f"ansible-core {core.version}: sanity", python, "-m", "tests.tools.sanity", *skipped, env=core.environment()
    )


def impossible(stage: Stage, name: str, reason: str, *, short: bool) -> None:
    """What this machine can't do is skipped by `make test`, and a failure of `make cores`."""
    if short:
        stage.skip(name, reason)
    else:
        stage.note(name, ok=False, output=reason)


def main(arguments: list[str]) -> int:
    exit_on_signals()
    os.chdir(REPOSITORY)
    known = by_release()
    if arguments[:1] == ["--run"]:
        core = known[arguments[1]]
        made = provide(core)
        if not made.ok:
            sys.exit(made.output)
        return subprocess.run(arguments[2:], env=core.environment(), check=False).returncode
    short = arguments == ["--short"]
    unknown = [] if short else sorted(set(arguments) - set(known))
    if unknown:
        sys.exit(
            f"cores: no ansible-core {', '.join(unknown)} in requirements/cores.txt; there are {', '.join(known)}."
        )
    stage = Stage("cores")
    chosen = [known[release] for release in (known if short else arguments or known)]
    ready = examine_all(stage, chosen, short=short)
    examine_sanity(stage, ready, short=short)
    return stage.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
