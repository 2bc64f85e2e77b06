# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queries to a PostgreSQL server of this host by psql, through its socket.

This module util is private to the collection.
"""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass

from .._host.files import read_text
from .._host.process import Command, Runner, run
from .data_directory import DataDirectory, InstanceError
from .timeouts import TIMEOUTS

# What psql prints for NULL: a string that no sensible result contains.
_NULL = "\x01NULL\x01"


class QueryLocked(InstanceError):
    """A query waits for a lock that is not released."""


def session_options(major_version: int, lock_timeout: str) -> str:
    """The options of a session, which come before what ALTER ROLE and ALTER DATABASE have set."""
    settings = {"default_transaction_read_only": "on", "lc_messages": "C", "lock_timeout": lock_timeout}
    settings.update({name: "0" for name, since in TIMEOUTS.items() if major_version >= since})
    return " ".join("-c {}={}".format(*item) for item in settings.items())


@dataclass(frozen=True)
class Address:
    """How to query a server of this host: its socket, the user, and psql."""

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
                    f"--pset=null={_NULL}",
                    "--set=ON_ERROR_STOP=1",
                    f"--host={self.socket_directory}",
                    f"--port={self.port}",
                    f"--username={self.database_user}",
                    f"--dbname={database}",
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
            raise kind(completed.text or f"psql ended with {completed.rc}")
        rows = csv.reader(io.StringIO(completed.stdout, newline=""))
        return [[None if value == _NULL else value for value in row] for row in rows]


def running_at(
    directory: DataDirectory, bin_directory: str, database_user: str = "postgres", runner: Runner = run
) -> Address:
    """The address of the server that runs with the directory. Raises InstanceError if none does, or if it has no socket."""
    lines = (read_text(os.path.join(directory.path, "postmaster.pid")) or "").splitlines()
    if directory.postmaster_pid is None:
        raise InstanceError(f"no PostgreSQL server runs with {directory.path}")
    # Process, directory, start, port, socket's directory.
    if len(lines) < 5 or not lines[3].strip().isdigit() or not lines[4].strip():
        raise InstanceError(f"the server that runs with {directory.path} can't be queried: it has no socket")
    socket, port = lines[4].strip(), int(lines[3])
    return Address(
        bin_directory,
        user=directory.owner,
        database_user=database_user,
        socket_directory=socket,
        port=port,
        runner=runner,
        major_version=directory.major_version,
    )
