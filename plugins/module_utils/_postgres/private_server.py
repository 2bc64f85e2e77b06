# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that is started from a data directory in isolation.

This module util is private to the collection.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Callable, Protocol

from .._host.files import read_text
from .._host.identity import acting_as
from .._host.process import Runner, end_with_parent, lookup_user, run, switch_to
from .._host.safe_files import temporary_directory, writing_as
from .cluster import PROOF_PREFIX
from .server_address import Address

_LONGEST_SOCKET_DIRECTORY = 80


class Process(Protocol):
    """The part of subprocess.Popen that is needed here."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit code; None while the process runs."""

    def send_signal(self, sig: int) -> None:
        """Send a signal to the process."""


Launch = Callable[[Sequence[str], str, str, str], Process]


def launch(argv: Sequence[str], user: str, directory: str, log: str) -> Process:
    """Start a server in the background, as that user, its output in the log.

    Its kernel ends it together with this process, however that ends: no server is left behind.
    """
    account = lookup_user(user)
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": account.pw_dir, "LC_ALL": "C.UTF-8"}
    with writing_as(user, log):
        stream = open(log, "ab")  # noqa: SIM115
    with stream:
        # run_command returns only when the program has ended; the server goes on running.
        # pylint: disable-next=ansible-bad-function
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=directory,
            env=env,
            start_new_session=True,
            preexec_fn=end_with_parent(signal.SIGINT),
            **switch_to(account),
        )


class PrivateServer:
    """A server of a data directory that nobody else can reach: one socket in a directory that only its user can enter.

    Use it as a context: whatever happens inside, the server is stopped and the socket directory removed.
    """

    def __init__(
        self,
        data_directory: str,
        bin_directory: str,
        user: str,
        database_user: str = "postgres",
        runner: Runner = run,
        launcher: Launch = launch,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        temporary: str = "/tmp",
    ) -> None:
        self.data_directory = data_directory
        self.bin_directory = bin_directory
        self.user = user
        self.database_user = database_user
        self._run = runner
        self._launch = launcher
        self._clock = clock
        self._pause = pause
        self._temporary = temporary
        self._process: Process | None = None
        self._opts_before = False
        self._stack = contextlib.ExitStack()
        self.directory = ""
        self.exit_code: int | None = None

    def __enter__(self) -> PrivateServer:
        parent = self._temporary if len(self._temporary) < _LONGEST_SOCKET_DIRECTORY else "/tmp"
        self.directory = self._stack.enter_context(temporary_directory(PROOF_PREFIX, self.user, parent))
        self._opts_before = os.path.exists(self._opts)
        return self

    def __exit__(self, *unused: object) -> None:
        try:
            self.stop()
        finally:
            self._stack.close()

    @property
    def _opts(self) -> str:
        return os.path.join(self.data_directory, "postmaster.opts")

    @property
    def log_file(self) -> str:
        return os.path.join(self.directory, "log")

    def log(self) -> list[str]:
        """The lines of the server's log so far."""
        with acting_as(self.user):
            return (read_text(self.log_file) or "").splitlines()

    def start(self, settings: Mapping[str, str]) -> None:
        """Start the server with these settings over those of its directory; does not wait until it is up."""
        self._write("postgresql.conf", "")
        # Only this user enters the directory of the socket, so that nobody else can ask.
        self._write("pg_hba.conf", "local all all trust\n")
        self._write("pg_ident.conf", "")
        own = {
            "config_file": os.path.join(self.directory, "postgresql.conf"),
            "hba_file": os.path.join(self.directory, "pg_hba.conf"),
            "ident_file": os.path.join(self.directory, "pg_ident.conf"),
            "unix_socket_directories": self.directory,
            "unix_socket_permissions": "0700",
            "listen_addresses": "",
            "external_pid_file": os.path.join(self.directory, "pid"),
            "port": "5432",
        }
        argv = [os.path.join(self.bin_directory, "postgres"), "-D", self.data_directory]
        for name, value in sorted({**settings, **own}.items()):
            argv += ["-c", f"{name}={value}"]
        self.exit_code = None
        self._process = self._launch(argv, self.user, self.directory, self.log_file)

    def _write(self, name: str, text: str) -> None:
        path = os.path.join(self.directory, name)
        with writing_as(self.user, path), open(path, "w", encoding="utf-8") as stream:
            stream.write(text)

    @property
    def running(self) -> bool:
        if self._process is None:
            return False
        self.exit_code = self._process.poll()
        return self.exit_code is None

    def query(self, sql: str, database: str = "postgres", timeout: float = 60.0) -> list[list[str | None]]:
        """The rows of a query, each value as PostgreSQL writes it. Raises InstanceError with PostgreSQL's words.

        Raises QueryLocked if the query waits for a lock: only the recovery itself can hold one here.
        """
        version = (read_text(os.path.join(self.data_directory, "PG_VERSION")) or "").strip()
        major = int(version) if version.isdigit() else 0
        own = Address(
            self.bin_directory,
            user=self.user,
            database_user=self.database_user,
            socket_directory=self.directory,
            port=5432,
            runner=self._run,
            major_version=major,
        )
        return own.query(sql, database, timeout, "2s")

    def stop(self, timeout: float = 300.0) -> bool:
        """Stop the server: first as it should be, then harder. Whether it stopped cleanly."""
        process = self._process
        if process is None:
            return True
        clean = self._end(process, signal.SIGINT, timeout) and process.poll() == 0
        if process.poll() is None and not self._end(process, signal.SIGQUIT, 10):
            self._end(process, signal.SIGKILL, 10)
        self.exit_code = process.poll()
        self._process = None
        if not self._opts_before:
            with writing_as(self.user, self._opts), contextlib.suppress(FileNotFoundError):
                os.unlink(self._opts)
        return clean

    def _end(self, process: Process, number: int, timeout: float) -> bool:
        if process.poll() is not None:
            return True
        process.send_signal(number)
        deadline = self._clock() + timeout
        while process.poll() is None:
            if self._clock() >= deadline:
                return False
            self._pause(0.1)
        return True
