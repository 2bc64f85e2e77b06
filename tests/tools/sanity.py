# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test sanity on the built and installed collection (`make sanity`).

python -m tests.tools.sanity [TEST ...]   without these tests
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

from tests.tools.installed import InstalledCollection, installed
from tests.tools.stage import REPOSITORY, RESULTS, Stage, environment, exit_on_signals, run

OLDEST_PYTHON = "3.9"
"""The oldest Python of managed hosts; its tests run where it is installed."""

COMPLAINT = re.compile(r"^(?:ERROR|FATAL).*$", re.MULTILINE)

GET_PIP = '''\
"""Install pip from the wheel beside this file (made by tests/tools/sanity.py)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "{wheel}"))

from pip._internal.cli.main import main

sys.exit(main(["install"] + [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]))
'''


def provide_pip() -> None:
    """Give ansible-test its pip from the package index.

    It would download a bootstrap script from a host of its own, which cannot be reached from everywhere, and uses
    a script that is there already.
    """
    # Not at the top: it lowers this process' limits.
    from ansible_test._internal.python_requirements import get_venv_packages

    version = get_venv_packages(SimpleNamespace(version=this_python()))["pip"]
    cache = Path.home() / ".ansible" / "test" / "cache"
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    wheel = cache / f"pip-{version}-py3-none-any.whl"
    if script.exists() and (wheel.exists() or wheel.name not in script.read_text()):
        return
    cache.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "-qq", "download", "--no-deps", "--dest", cache, f"pip=={version}"], check=True
    )
    script.write_text(GET_PIP.format(wheel=wheel.name))


def this_python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def has_oldest_python() -> bool:
    python = shutil.which(f"python{OLDEST_PYTHON}")
    if not python:
        return False
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


def ignore_files(directory: Path) -> list[str]:
    """The files there that tell ansible-test to ignore something."""
    return sorted(path.name for path in directory.glob("ignore-*.txt") if path.read_text().strip())


def examine(stage: Stage, collection: InstalledCollection, skipped: Sequence[str]) -> None:
    for outcome in (collection.build(), collection.install()):
        if not outcome.ok:
            stage.note_outcome(outcome)
            return
    # The built collection has no tests.
    ignored = ignore_files(REPOSITORY / "tests" / "sanity")
    stage.note("nothing is ignored", ok=not ignored, output="\n".join(ignored))
    provide_pip()
    env = environment()
    # ansible-test makes virtual environments of its own.
    env.pop("VIRTUAL_ENV", None)
    skips = tuple(option for test in skipped for option in ("--skip-test", test))
    runs: list[tuple[str, tuple[str, ...]]] = [(this_python(), skips)]
    if has_oldest_python():
        runs.append((OLDEST_PYTHON, ("--test", "compile", "--test", "import")))
    for python, options in runs:
        outcome = run(
            f"ansible-test sanity, Python {python}",
            *("ansible-test", "sanity", "--local", "--color", "no", "--python", python, *options),
            cwd=collection.root,
            env=env,
        )
        tests = len(set(re.findall(r"^Running sanity test \"([^\"]+)\"", outcome.output, flags=re.MULTILINE)))
        log = RESULTS / f"sanity-{python}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(outcome.output)
        report = [*COMPLAINT.findall(outcome.output), f"the whole log: {log.relative_to(REPOSITORY)}"]
        # Where ansible-test finds no files it runs nothing and calls that a success.
        ok = outcome.ok and tests > 1
        stage.note(outcome.name, ok=ok, seconds=outcome.seconds, output="\n".join(report), detail=f"{tests} tests")
        if ok:
            stage.tally.passed += tests - 1


def main(skipped: Sequence[str]) -> int:
    exit_on_signals()
    stage = Stage("sanity")
    with installed("sanity") as collection:
        examine(stage, collection, skipped)
    return stage.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
