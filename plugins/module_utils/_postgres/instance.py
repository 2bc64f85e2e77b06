# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A data directory on this host: its tools, its control file, and a private server started from it.

This module util is private to the collection.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Callable, Protocol

from .._host.files import read_text
from .._host.identity import acting_as
from .._host.process import Command, HostError, Runner, end_with_parent, lookup_user, run, switch_to
from .._host.safe_files import temporary_directory, writing_as
from .cluster import PROOF_PREFIX
from .timeouts import TIMEOUTS

# What psql prints for NULL: a string that no sensible result contains.
_NULL = "\x01NULL\x01"
_LONGEST_SOCKET_DIRECTORY = 80


class InstanceError(HostError):
    """A data directory can't be used as it must be, or its server did not do what it should."""


class QueryLocked(InstanceError):
    """A query waits for a lock that is not given up."""


@dataclass(frozen=True)
class DataDirectory:
    """What can be told of a data directory without starting anything."""

    path: str
    owner: str
    major_version: int
    recovery_signal: bool
    standby_signal: bool
    postmaster_pid: int | None

    @property
    def in_recovery(self) -> bool:
        return self.recovery_signal or self.standby_signal


def look_at(path: str) -> DataDirectory:
    """Look at a data directory. Raises InstanceError where it is none, or can't be read."""
    try:
        status = os.stat(path)
        version = read_text(os.path.join(path, "PG_VERSION"))
    except FileNotFoundError:
        raise InstanceError("the directory %s does not exist on this host" % path) from None
    except OSError as exc:
        raise InstanceError("%s can't be read: %s" % (path, exc.strerror)) from None
    if version is None or not version.strip().isdigit():
        raise InstanceError("%s is no data directory: it has no file PG_VERSION" % path)
    if not os.path.exists(os.path.join(path, "global", "pg_control")):
        raise InstanceError("%s is not complete: it has no file global/pg_control" % path)
    try:
        owner = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        raise InstanceError("%s belongs to user id %d, which has no name here" % (path, status.st_uid)) from None
    return DataDirectory(
        path=path,
        owner=owner,
        major_version=int(version),
        recovery_signal=os.path.exists(os.path.join(path, "recovery.signal")),
        standby_signal=os.path.exists(os.path.join(path, "standby.signal")),
        postmaster_pid=_running_pid(path),
    )


def _running_pid(path: str) -> int | None:
    text = read_text(os.path.join(path, "postmaster.pid"))
    first = (text or "").partition("\n")[0].strip()
    if not first.isdigit():
        return None
    pid = int(first)
    # A backup may carry a postmaster.pid along; the number can belong to anybody by now.
    command = read_text("/proc/%d/comm" % pid) if os.path.isdir("/proc/self") else "postgres"
    return pid if command is not None and command.strip() in ("postgres", "postmaster") else None


def find_bin_directory(
    major_version: int, wanted: str | None = None, runner: Runner = run, candidates: Sequence[str] | None = None
) -> str:
    """The directory of that PostgreSQL version's programs. Raises InstanceError saying where was looked."""
    if wanted is not None:
        if not os.access(os.path.join(wanted, "postgres"), os.X_OK):
            raise InstanceError("bin_directory: there is no program 'postgres' in %s" % wanted)
        places: list[str] = [wanted]
    else:
        places = list(
            candidates
            if candidates is not None
            else [
                "/usr/lib/postgresql/%d/bin" % major_version,
                "/usr/pgsql-%d/bin" % major_version,
                "/usr/local/pgsql/bin",
            ]
        )
        in_path = shutil.which("postgres")
        if in_path is not None and candidates is None:
            places.append(os.path.dirname(os.path.realpath(in_path)))
    seen: list[str] = []
    for place in places:
        program = os.path.join(place, "postgres")
        if not os.access(program, os.X_OK):
            continue
        answer = runner(Command([program, "--version"])).stdout.strip()
        found = re.search(r"\) (\d+)", answer)
        if found and int(found.group(1)) == major_version:
            return place
        seen.append("%s has %s" % (place, answer or "no version"))
    raise InstanceError(
        "the programs of PostgreSQL %d were not found on this host (looked in %s%s): install the package, "
        "or say where they are with 'bin_directory'"
        % (major_version, ", ".join(places), "; " + "; ".join(seen) if seen else "")
    )


def parse_controldata(text: str) -> dict[str, str]:
    """What pg_controldata prints, by its own words."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, value = line.partition(":")
        if separator:
            values[key.strip()] = value.strip()
    return values


def read_control(path: str, bin_directory: str, user: str, runner: Runner = run) -> dict[str, str]:
    """The control file of a data directory. Raises InstanceError."""
    completed = runner(Command([os.path.join(bin_directory, "pg_controldata"), "-D", path], user=user))
    values = parse_controldata(completed.stdout)
    if not completed.ok or "Database cluster state" not in values:
        raise InstanceError("the control file of %s can't be read: %s" % (path, completed.text))
    return values


class Process(Protocol):
    """The part of subprocess.Popen that is needed here."""

    pid: int

    def poll(self) -> int | None: ...

    def send_signal(self, sig: int) -> None: ...


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


def session_options(major_version: int, lock_timeout: str) -> str:
    """The options of a session, which come before what ALTER ROLE and ALTER DATABASE have set."""
    settings = {"default_transaction_read_only": "on", "lc_messages": "C", "lock_timeout": lock_timeout}
    settings.update({name: "0" for name, since in TIMEOUTS.items() if major_version >= since})
    return " ".join("-c %s=%s" % item for item in settings.items())


@dataclass(frozen=True)
class Address:
    """Where a server of this host is asked: its socket, and who asks with which psql."""

    bin_directory: str
    user: str
    database_user: str
    socket_directory: str
    port: int
    runner: Runner = run
    major_version: int = 0

    def query(
        self, sql: str, database: str = "postgres", timeout: float = 60.0, lock_timeout: str = "0"
    ) -> list[list[str | None]]:
        """The rows of a query, read-only, each value as PostgreSQL writes it. Raises InstanceError with PostgreSQL's words."""
        completed = self.runner(
            Command(
                [
                    os.path.join(self.bin_directory, "psql"),
                    "--no-psqlrc",
                    "--quiet",
                    "--csv",
                    "--tuples-only",
                    "--pset=null=%s" % _NULL,
                    "--set=ON_ERROR_STOP=1",
                    "--host=%s" % self.socket_directory,
                    "--port=%d" % self.port,
                    "--username=%s" % self.database_user,
                    "--dbname=%s" % database,
                    "--file=-",
                ],
                user=self.user,
                env={
                    "PGOPTIONS": session_options(self.major_version, lock_timeout),
                    "PGCONNECT_TIMEOUT": "10",
                },
                input=sql if sql.rstrip().endswith(";") else sql + "\n;\n",
                timeout=timeout,
            )
        )
        if not completed.ok:
            kind = QueryLocked if "canceling statement due to lock timeout" in completed.text else InstanceError
            raise kind(completed.text or "psql ended with %d" % completed.rc)
        rows = csv.reader(io.StringIO(completed.stdout, newline=""))
        return [[None if value == _NULL else value for value in row] for row in rows]


def running_at(
    directory: DataDirectory, bin_directory: str, database_user: str = "postgres", runner: Runner = run
) -> Address:
    """Where the server is asked that runs with the directory. Raises InstanceError where none does, or has no socket."""
    lines = (read_text(os.path.join(directory.path, "postmaster.pid")) or "").splitlines()
    if directory.postmaster_pid is None:
        raise InstanceError("no PostgreSQL server runs with %s" % directory.path)
    # Process, directory, start, port, socket's directory.
    if len(lines) < 5 or not lines[3].strip().isdigit() or not lines[4].strip():
        raise InstanceError("the server that runs with %s can't be asked: it has no socket" % directory.path)
    socket, port = lines[4].strip(), int(lines[3])
    return Address(bin_directory, directory.owner, database_user, socket, port, runner, directory.major_version)


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
            argv += ["-c", "%s=%s" % (name, value)]
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

        QueryLocked where a lock is in its way: nobody else asks here, so only the recovery itself can hold one.
        """
        version = (read_text(os.path.join(self.data_directory, "PG_VERSION")) or "").strip()
        major = int(version) if version.isdigit() else 0
        own = Address(self.bin_directory, self.user, self.database_user, self.directory, 5432, self._run, major)
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
