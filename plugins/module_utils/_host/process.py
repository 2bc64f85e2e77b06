# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running commands on the managed host, as another user where that is asked.

This module util is private to the collection. Commands are values and what runs them is handed in, so that a
test hands in recorded answers.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Callable

# How long a command may take to end after SIGTERM.
_GRACE = 5.0
_PR_SET_PDEATHSIG = 1
# How soon a command that was ended by our own signal is noticed.
_PARENT_CHECK_INTERVAL = 0.5
#: Held while this process, and so every thread of it, is another user, and while a command is started by what the user is.
IDENTITY = threading.RLock()
_SAFE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class HostError(Exception):
    """Something on this host is not as it must be; the text is for the person who reads it.

    kind: the error in one word, for programs. details: what a module returns beside the message.
    """

    kind: str = "other"
    details: Mapping[str, Any] = {}


class CommandTimeout(HostError):
    """A command was ended because it took longer than its time limit."""


class Interrupted(HostError):
    """A command was stopped because a signal stopped this process."""


@dataclass(frozen=True)
class Command:
    """A command to run.

    user: the operating system user that runs it; None for the current one.
    env: variables set beside the small standard environment. Secrets go here, never into argv.
    timeout: seconds; None for no limit.
    tick: called about every tick_interval seconds while the command runs.
    started: called with the number of its process.
    die_with_parent: stop it when a signal stops or kills this process. death_signal: what it gets if this process is killed.
    """

    argv: Sequence[str]
    user: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    input: str | None = None
    cwd: str | None = None
    tick: Callable[[], None] | None = None
    tick_interval: float = 1.0
    die_with_parent: bool = False
    started: Callable[[int], None] | None = None
    death_signal: int = signal.SIGTERM

    def __str__(self) -> str:
        return shlex.join(self.argv)


@dataclass(frozen=True)
class Completed:
    """What a command answered. duration is in seconds."""

    argv: Sequence[str]
    rc: int
    stdout: str = ""
    stderr: str = ""
    duration: float = 0.0

    @property
    def ok(self) -> bool:
        return self.rc == 0

    @property
    def text(self) -> str:
        """Its output for an error message: stderr, else stdout."""
        return self.stderr.strip() or self.stdout.strip()


Runner = Callable[[Command], Completed]


def lookup_user(name: str) -> pwd.struct_passwd:
    """The account of that name. Raises HostError with a sentence where there is none."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise HostError(f"the operating system user '{name}' does not exist on this host") from None


def run(command: Command) -> Completed:
    """Run a command to its end. Raises HostError (not executable, user unknown or forbidden), CommandTimeout,
    Interrupted (only with die_with_parent).

    Output goes to temporary files and not to pipes. Commands such as "barman cron" leave children that keep
    stdout open, so a reader of such a pipe never reaches its end.
    """
    with _handling_termination(asked=command.die_with_parent) as termination:
        return _run(command, termination)


def _run(command: Command, termination: _Termination) -> Completed:
    with contextlib.ExitStack() as files:
        with IDENTITY:
            # The directory for temporary files may be one that only the current user can enter.
            stdin, out, err = (files.enter_context(tempfile.TemporaryFile()) for dummy in range(3))
            if command.input is not None:
                stdin.write(command.input.encode())
                stdin.seek(0)
            started = time.monotonic()
            process = _start(command, stdin, out, err)
        try:
            termination.process = process
            if command.started is not None:
                command.started(process.pid)
            _wait(process, command, started, termination)
        except BaseException:
            # Whatever interrupts the wait (a signal too) must not leave the command running unseen.
            _end(process)
            raise
        return Completed(
            argv=list(command.argv),
            rc=process.returncode,
            stdout=_contents(out),
            stderr=_contents(err),
            duration=time.monotonic() - started,
        )


def _start(command: Command, stdin: IO[bytes], out: IO[bytes], err: IO[bytes]) -> subprocess.Popen[bytes]:
    account = pwd.getpwuid(os.geteuid()) if command.user is None else lookup_user(command.user)
    switch = switch_to(account)
    env = {
        "PATH": _with_safe_path(os.environ.get("PATH", "")),
        "HOME": account.pw_dir,
        "USER": account.pw_name,
        "LOGNAME": account.pw_name,
        "LC_ALL": "C.UTF-8",
    }
    env.update(command.env)
    cwd = command.cwd or (account.pw_dir if os.path.isdir(account.pw_dir) else "/")
    if command.die_with_parent:
        switch["preexec_fn"] = end_with_parent(command.death_signal)
    try:
        # run_command has neither a user nor a death signal, and no file for the output.
        # pylint: disable-next=ansible-bad-function
        return subprocess.Popen(
            list(command.argv),
            stdin=stdin,
            stdout=out,
            stderr=err,
            env=env,
            cwd=cwd,
            start_new_session=True,
            **switch,
        )
    except FileNotFoundError as exc:
        if command.cwd is not None and not os.path.isdir(command.cwd):
            raise HostError(f"the directory {command.cwd} does not exist on this host") from exc
        raise HostError(f"'{command.argv[0]}' was not found on this host: install it") from None
    except OSError as exc:
        raise HostError(f"'{command.argv[0]}' could not be started: {exc}") from None


def switch_to(account: pwd.struct_passwd) -> dict[str, Any]:
    """What subprocess.Popen is given so that a program runs as that user. Raises HostError where this process can't have it so."""
    if account.pw_uid == os.geteuid():
        return {}
    if os.geteuid() != 0:
        raise HostError(
            f"the module must run as root or as '{account.pw_name}', not as '{pwd.getpwuid(os.geteuid()).pw_name}': "
            "set 'become: true'"
        )
    return {
        "user": account.pw_uid,
        "group": account.pw_gid,
        "extra_groups": os.getgrouplist(account.pw_name, account.pw_gid),
    }


def _with_safe_path(path: str) -> str:
    directories: list[str] = [entry for entry in path.split(":") if entry]
    return ":".join(directories + [entry for entry in _SAFE_PATH.split(":") if entry not in directories])


class _Termination:
    """The signal that stopped this process, if any; its command is stopped immediately."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def handle(self, number: int, frame: object) -> None:
        # Not raised here: a tick that is under way would swallow it.
        self.signal = number
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)

    def check(self, command: Command) -> None:
        if self.signal is not None:
            raise Interrupted(
                f"'{command.argv[0]}' was stopped, because signal {signal.Signals(self.signal).name} stopped the module"
            )


@contextlib.contextmanager
def _handling_termination(*, asked: bool) -> Iterator[_Termination]:
    termination = _Termination()
    before: dict[int, object] = {}
    if asked and threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            # A process under nohup continues.
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, termination.handle)
    try:
        yield termination
    finally:
        for restored, handler in before.items():
            signal.signal(restored, handler)  # type: ignore[arg-type]


def end_with_parent(number: int = signal.SIGTERM) -> Callable[[], None] | None:
    """For subprocess.Popen's preexec_fn: the system sends the child that signal when its parent is gone, even if it was killed."""
    if not sys.platform.startswith("linux"):
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def _wait(process: subprocess.Popen[bytes], command: Command, started: float, termination: _Termination) -> None:
    deadline = None if command.timeout is None else started + command.timeout
    next_tick = started + command.tick_interval
    while True:
        now = time.monotonic()
        look = now + _PARENT_CHECK_INTERVAL if command.die_with_parent else None
        limits = [limit for limit in (deadline, next_tick if command.tick else None, look) if limit is not None]
        termination.check(command)
        if _has_ended(process, max(0.01, min(limits) - now) if limits else None):
            termination.check(command)
            return
        now = time.monotonic()
        if command.timeout is not None and deadline is not None and now >= deadline:
            raise CommandTimeout(f"'{command}' did not end within {command.timeout:g} s")
        if command.tick and now >= next_tick:
            command.tick()
            next_tick = now + command.tick_interval


def _has_ended(process: subprocess.Popen[bytes], timeout: float | None) -> bool:
    """Whether the process has ended within so many seconds (None: without a limit).

    Popen.wait with a timeout looks again after up to 50 ms; the descriptor of a process is readable as soon as it ends (Linux 5.3).
    """
    if timeout is not None and hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(process.pid)
        except OSError:
            # An older kernel, or a sandbox that forbids it.
            descriptor = None
        if descriptor is not None:
            try:
                ends = select.poll()
                ends.register(descriptor, select.POLLIN)
                ended = bool(ends.poll(timeout * 1000))
            finally:
                os.close(descriptor)
            if not ended:
                return process.poll() is not None
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and what it started: asked first, then killed."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _contents(stream: object) -> str:
    stream.seek(0)  # type: ignore[attr-defined]
    data: bytes = stream.read()  # type: ignore[attr-defined]
    return data.decode("utf-8", errors="replace")
