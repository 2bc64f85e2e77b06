# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a hook script for Barman within limits, and records the result.

Barman starts a retry hook again and again until it ends with 0, 62 (abort and continue) or 63 (abort and stop). A failure of any other hook
is only in Barman's log. This program ends a retry hook with one of the three after so many attempts or seconds, and leaves a
state file that pgdr.barman.check and pgdr.barman.backup read.

    run-hook --state DIRECTORY [--attempts N] [--pause S] [--timeout S] [--give-up stop|continue] -- PROGRAM [ARGUMENT...]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

RETRY_AFTER_AT_MOST = 60.0
GRACE = 10.0
TIMED_OUT = 124
NOT_STARTED = 127
GIVE_UP = {"continue": 62, "stop": 63}
# So much of the program's output goes on to Barman's log, and so much of its last line into the state file.
OUTPUT = 65536
MESSAGE = 500
FAILURES = 100


class Stopped(Exception):
    """A signal ended this program."""


class State:
    """The state file of one hook of one server: the last run, and what failed and was not made up for."""

    def __init__(self, directory: str, server: str, hook: str, subject: str, program: str) -> None:
        self.directory = directory
        self.path = os.path.join(directory, f"{server.replace(os.sep, '_')}.{hook}.json")
        self.values: dict[str, Any] = {"server": server, "hook": hook, "subject": subject, "program": program}
        # A WAL segment is archived once; of backups the latest is what counts.
        self.each_counts = "archive" in hook or "wal_delete" in hook
        self.failures = self._read_failures()

    def _read_failures(self) -> dict[str, str]:
        try:
            with open(self.path, encoding="utf-8") as stream:
                found = json.load(stream)["failures"]
            return dict(found)
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def write(self, status: str, **values: Any) -> None:
        subject = self.values["subject"]
        if status == "ok":
            self.failures = {name: why for name, why in self.failures.items() if name != subject and self.each_counts}
        elif status == "failed":
            self.failures = {**(self.failures if self.each_counts else {}), subject: values.get("message", "")}
            self.failures = dict(list(self.failures.items())[-FAILURES:])
        self.values.update(values, status=status, failures=self.failures, pid=os.getpid())
        # An error of the report must not prevent the hook.
        with contextlib.suppress(OSError):
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".hook.", dir=self.directory)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    json.dump(self.values, stream, sort_keys=True)
                os.replace(temporary, self.path)
            except OSError:
                os.unlink(temporary)
                raise


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End the program with whatever it started."""
    for number, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        break
    # What it started may have outlived it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run_once(command: Sequence[str], seconds: float | None) -> tuple[int, str]:
    """Run the program once: its exit code, and the last line that it printed."""
    # To a file: Barman would read a pipe until every process that inherited it has ended.
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd="/"
            )
        except OSError as error:
            reason = f"{command[0]} can't be started: {error.strerror}"
            print(reason, file=sys.stderr)
            return NOT_STARTED, reason
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            end_group(process)
            code = TIMED_OUT
        except BaseException:
            end_group(process)
            raise
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - OUTPUT))
        text = output.read().decode("utf-8", "replace")
    # Barman logs what comes by standard error as a warning.
    print(text, end="", file=sys.stdout if code == 0 else sys.stderr, flush=True)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    message = lines[-1][-MESSAGE:] if lines else ""
    if code == TIMED_OUT:
        message = f"ended after {seconds or 0:.0f} s without a result{': ' + message if message else ''}"
    # A signal ended it: as a shell reports it.
    return (128 - code if code < 0 else code), message


def run(command: Sequence[str], limits: argparse.Namespace, state: State, *, retry: bool) -> int:
    """Run the program until it succeeds or a limit is reached: the exit code for Barman."""
    began = time.time()
    deadline = time.monotonic() + limits.timeout if limits.timeout else None
    state.write("running", began=began, attempts=1)
    attempt = 0
    while True:
        attempt += 1
        left = max(0.1, deadline - time.monotonic()) if deadline is not None else None
        code, message = run_once(command, left)
        message = message or (f"exit code {code}" if code else "")
        finished = {"began": began, "ended": time.time(), "attempts": attempt, "exit_code": code, "message": message}
        if code == 0:
            state.write("ok", **finished)
            return 0
        decided = retry and code in GIVE_UP.values()
        pause = min(limits.pause * 2 ** (attempt - 1), RETRY_AFTER_AT_MOST)
        too_late = deadline is not None and time.monotonic() + pause >= deadline
        if decided or attempt >= limits.attempts or too_late:
            break
        state.write("running", **finished)
        time.sleep(pause)
    state.write("failed", **finished)
    print(f"{command[0]} failed (exit code {code}) and is given up after {attempt} attempt(s)", file=sys.stderr)
    if decided or not retry:
        return code
    return GIVE_UP[limits.give_up]


def stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="run-hook", description="Run a hook script for Barman within limits.")
    parser.add_argument("--state", required=True, metavar="DIRECTORY")
    parser.add_argument("--attempts", type=int, default=1)
    parser.add_argument("--pause", type=float, default=5.0, help="seconds after the first failure, doubled each time")
    parser.add_argument("--timeout", type=float, default=0.0, help="seconds for all attempts together; 0: no limit")
    parser.add_argument("--give-up", choices=sorted(GIVE_UP), default="stop")
    parser.add_argument("command", nargs="+")
    limits = parser.parse_args(argv)
    missing = [name for name in ("BARMAN_SERVER", "BARMAN_PHASE", "BARMAN_HOOK") if not os.environ.get(name)]
    if missing:
        parser.error(f"Barman runs this as a hook script; not set: {', '.join(missing)}")
    hook = f"{os.environ['BARMAN_PHASE']}_{os.environ['BARMAN_HOOK']}"
    subject = os.environ.get("BARMAN_SEGMENT") or os.environ.get("BARMAN_BACKUP_ID") or ""
    state = State(limits.state, os.environ["BARMAN_SERVER"], hook, subject, os.path.basename(limits.command[0]))
    retry = os.environ.get("BARMAN_RETRY", "0") == "1"
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    try:
        return run(limits.command, limits, state, retry=retry)
    except (Stopped, KeyboardInterrupt):
        state.write("failed", ended=time.time(), message="it was interrupted")
        # Barman is being ended too; it must not begin again.
        return GIVE_UP["stop"] if retry else 128 + signal.SIGTERM


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
