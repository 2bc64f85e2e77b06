# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stages of `make test` share: where things are, running a command, counting what passed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache"
# Set where another ansible-core than the pinned one is tested (tests/tools/cores.py).
COLLECTIONS = Path(os.environ.get("PGDR_COLLECTIONS", CACHE / "collections"))
RESULTS = Path(os.environ.get("PGDR_RESULTS", CACHE / "results"))
VENV_BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Outcome:
    name: str
    argv: tuple[str, ...]
    rc: int
    output: str
    seconds: float
    errors: str = ""
    """The other stream, where it was asked for apart."""
    cause: str = ""
    """Of a failure with a long output, the lines that name its cause."""

    @property
    def ok(self) -> bool:
        return self.rc == 0


@dataclass
class Tally:
    """What one stage counted; kept in a file for the closing summary."""

    stage: str
    passed: int = 0
    failures: list[str] = field(default_factory=list)
    causes: dict[str, str] = field(default_factory=dict)
    """By failure, what the closing summary shows of it: who reads only the end of a long output finds it there."""
    skipped: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        return len(self.failures)

    def counts(self) -> str:
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"

    @staticmethod
    def path(stage: str) -> Path:
        return RESULTS / f"{stage}.json"

    def save(self) -> None:
        RESULTS.mkdir(parents=True, exist_ok=True)
        self.path(self.stage).write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, stage: str) -> Tally | None:
        try:
            return cls(**json.loads(cls.path(stage).read_text()))
        except FileNotFoundError:
            return None

    @classmethod
    def forget(cls, stage: str) -> None:
        cls.path(stage).unlink(missing_ok=True)


class Stage:
    """Prints each check as it ends, and counts it."""

    def __init__(self, name: str) -> None:
        self.tally = Tally(name)
        self.started = time.monotonic()
        Tally.forget(name)

    def note(self, name: str, *, ok: bool, seconds: float | None = None, output: str = "", detail: str = "") -> bool:
        took = "" if seconds is None else f"{seconds:6.1f} s"
        print(f"{'ok    ' if ok else 'FAILED'} {took:>9}  {name}{f': {detail}' if detail else ''}", flush=True)
        if ok:
            self.tally.passed += 1
            return True
        self.tally.failures.append(name)
        if output.strip():
            print("\n".join(f"    {line}" for line in output.rstrip().splitlines()), flush=True)
        return False

    def skip(self, name: str, reason: str) -> None:
        """Print that a check does not run, and why, and count it for the closing summary."""
        print(f"SKIPPED            {name}: {reason}", flush=True)
        self.tally.skipped.append(f"{name}: {reason}")

    def note_outcome(self, outcome: Outcome, detail: str = "") -> bool:
        if outcome.cause and not outcome.ok:
            self.tally.causes[outcome.name] = outcome.cause
        output = "\n".join(part for part in (outcome.output, outcome.cause) if part)
        return self.note(outcome.name, ok=outcome.ok, seconds=outcome.seconds, output=output, detail=detail)

    def finish(self) -> int:
        self.tally.seconds = time.monotonic() - self.started
        self.tally.save()
        print(
            f"{self.tally.stage}: {self.tally.counts()} in {self.tally.seconds:.0f} s",
            flush=True,
        )
        return 1 if self.tally.failures else 0


def environment(**changes: str) -> dict[str, str]:
    """The virtual environment's tools first, and the pinned collections for Ansible."""
    env = dict(os.environ)
    env["PATH"] = f"{VENV_BIN}{os.pathsep}{env.get('PATH', '/usr/bin:/bin')}"
    env["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS)
    env["NO_COLOR"] = "1"
    # Some containers set it. Then each run of Ansible compiles what it imports, a quarter of a second of CPU time.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env.update(changes)
    return env


def run(
    name: str,
    *argv: str | Path,
    cwd: Path = REPOSITORY,
    env: Mapping[str, str] | None = None,
    apart: bool = False,
) -> Outcome:
    """Run a command to its end; its output, both streams in one unless `apart`."""
    command = tuple(str(word) for word in argv)
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=cwd,
        env=dict(env if env is not None else environment()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if apart else subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Outcome(name, command, done.returncode, done.stdout, time.monotonic() - started, done.stderr or "")


def exit_on_signals() -> None:
    """Let the first signal unwind, so that `finally` is reached, and let none disturb that."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupted(number: int, frame: object) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in numbers:
        signal.signal(number, interrupted)


def collection_metadata() -> dict[str, Any]:
    return dict(yaml.safe_load((REPOSITORY / "galaxy.yml").read_text()))


def tracked_files(patterns: Sequence[str] = ()) -> list[Path]:
    """What git knows or would add, without what it ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns],
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return [path for path in (REPOSITORY / name for name in listed.split("\0") if name) if path.is_file()]
