# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connections and the progress of taking one base backup.

This module util is private to the collection.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from .._archive_command.archiver import ArchiverState, read_archiver
from .._barman.command import Barman, failure
from .._barman.configuration import ServerConfiguration
from .._host.proc import command_line
from .._host.process import HostError
from .._postgres.connection import Connect, Session
from .._postgres.wal_position import read_position


class Reporter(Protocol):
    """Where the operation reports its progress (_host.progress.Progress)."""

    def update(self, phase: str, **numbers: Any) -> None:
        """Report what the operation does now."""


class BackupHost:
    """One server, while a backup of it is taken.

    Barman keeps the last WAL segment of a backup back until something is written after it, so "barman backup --wait"
    never ends on an idle server. The functions that get this write a few bytes if that is needed.
    """

    def __init__(
        self,
        barman: Barman,
        server: ServerConfiguration,
        connect: Connect,
        reporter: Reporter,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        process: Callable[[int], str | None] | None = None,
    ) -> None:
        self.barman = barman
        self.server = server
        self.connect = connect
        self.reporter = reporter
        self.clock = clock
        self.pause = pause
        self.process = process or command_line
        self.session: Session | None = None
        self._writer: Session | None = None
        self.copying = False
        self.failure = ""

    def open(self) -> None:
        """Connect before Barman does: its own words for a failed connection are "check the log"."""
        self.session = self.connect(self.server.conninfo, self.barman.user, self.server.name)
        self.reporter.update("starting")

    def writable(self) -> Session | None:
        """A connection to where WAL is written: the server itself, or a standby's primary if Barman knows it."""
        if self._writer is None:
            if self.session is None:
                self.session = self.connect(self.server.conninfo, self.barman.user, self.server.name)
            if not read_position(self.session).in_recovery:
                self._writer = self.session
            elif self.server.get("primary_conninfo"):
                self._writer = self.connect(
                    str(self.server.get("primary_conninfo")), self.barman.user, self.server.name
                )
        return self._writer

    def close(self) -> None:
        for session in {id(item): item for item in (self.session, self._writer) if item is not None}.values():
            session.close()
        self.session = self._writer = None

    def run_barman(self, command: str, *arguments: str) -> None:
        """Run a command of Barman for this server. If it fails, its words stay in `failure`."""
        completed = self.barman.text(command, self.server.name, *arguments)
        self.failure = "" if completed.ok else f"'barman {command}' failed: {failure(completed)}"

    def archiver(self) -> ArchiverState | None:
        """The archiver of the server that is backed up; None for a standby, whose WAL its primary archives."""
        if self.session is None:
            self.session = self.connect(self.server.conninfo, self.barman.user, self.server.name)
        try:
            return None if read_position(self.session).in_recovery else read_archiver(self.session)
        except HostError:
            self.close()
            raise

    @property
    def log_file(self) -> str:
        return self.server.get("log_file") or ""
