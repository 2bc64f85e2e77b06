# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What PostgreSQL's archiver reports while its WAL is waited for on the backup server.

This module util is private to the collection. An archive_command that fails may work a minute later, when the backup server is back,
so its failure is reported and ends no wait. archive_mode = off is final, because only a restart of PostgreSQL changes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .._host.process import HostError
from .._postgres import wal
from .._postgres.connection import Session
from .command import MARK, NOTHING
from .plan import has_archived


@dataclass(frozen=True)
class ArchiverState:
    """archived: the last file that was archived. failed: the file that archive_command fails with now; None if it works.

    ours: archive_command is this collection's, and delivers to the backup server before it ends.
    """

    mode: str
    archived: str | None = None
    failed: str | None = None
    failures: int = 0
    ours: bool = False

    @property
    def final_problem(self) -> str:
        """Why PostgreSQL archives nothing, however long one waits; empty if it may."""
        return "archive_mode is off, so PostgreSQL archives nothing" if self.mode == "off" else ""

    @property
    def problem(self) -> str:
        if self.failed is None:
            return self.final_problem
        return (
            f"archive_command fails with {self.failed} ({self.failures} failures; PostgreSQL's log contains its output)"
        )

    def has_passed(self, segment: wal.Segment) -> bool:
        return has_archived(self.archived, segment)


def read_archiver(session: Session) -> ArchiverState:
    row = session.query(
        "SELECT current_setting('archive_mode') AS mode, last_archived_wal, last_failed_wal, failed_count, "
        "coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) AS failing, "
        # Without pg_read_all_settings there is no such row.
        "(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'archive_command') AS command "
        "FROM pg_catalog.pg_stat_archiver"
    )[0]
    return ArchiverState(
        str(row["mode"]),
        row["last_archived_wal"],
        row["last_failed_wal"] if row["failing"] else None,
        int(row["failed_count"]),
        MARK in str(row["command"] or "") and NOTHING not in str(row["command"]),
    )


class ArchiverWatch:
    """Asks for the archiver's state while something is waited for, now and then, and never fails itself."""

    def __init__(
        self, ask: Callable[[], ArchiverState | None], clock: Callable[[], float], interval: float = 5.0
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._interval = interval
        self._next = clock()
        #: What was observed last; None if nothing is known.
        self.state: ArchiverState | None = None
        self._unknown = ""

    @property
    def problem(self) -> str:
        return self._unknown or (self.state.problem if self.state is not None else "")

    @property
    def final_problem(self) -> str:
        return self.state.final_problem if self.state is not None else ""

    def observe(self) -> None:
        if self._clock() < self._next:
            return
        self._next = self._clock() + self._interval
        try:
            self.state, self._unknown = self._ask(), ""
        except HostError as exc:
            # It may only be restarted now.
            self.state, self._unknown = None, f"PostgreSQL can't be queried: {exc}"
