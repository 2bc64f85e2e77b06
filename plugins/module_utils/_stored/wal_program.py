# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether runs of archived WAL segments are intact: by pg_waldump, if it is installed.

This module util is private to the collection. pg_waldump reads WAL with PostgreSQL's own code, a hundred times as fast as Python. Its exit status
decides whether a run is intact. What is wrong with which file is decided by the code that every recovery uses, because pg_waldump's messages change
with versions. Only that code reads compressed WAL.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .._backup.pg_verifybackup import Pacing
from .._host.identity import open_as_owner
from .._host.process import Command, Completed, Runner
from .._host.safe_files import temporary_directory, writing_as
from .._postgres import wal
from .._postgres.data_directory import find_installed
from .._postgres.wal_reader import PAGE_SIZE, WalReadError, read_header
from .long_records import around, continues, header_of
from .observe import StoredServer
from .pace import INTERVAL, Pace, PacedProgram

PROGRAM = "pg_waldump"
#: The segments of a run. A run that is not intact is halved until the damaged segment is alone.
MOST_SEGMENTS = 64


@dataclass
class WalProgram:
    """pg_waldump of each version that is needed. directories: where it is searched before the usual ones. used: whether it found a run intact."""

    runner: Runner
    pace: Pace
    directories: Sequence[str] = ()
    used: bool = field(default=False, init=False)
    _paths: dict[int, str | None] = field(default_factory=dict, init=False)

    def runs(self, stored: StoredServer, segments: Iterable[wal.Segment]) -> Iterator[list[wal.Segment]]:
        """The segments in order, in runs without a gap that pg_waldump of one version can read. A segment that it can't read is alone."""
        size = stored.archive.segment_size
        run: list[wal.Segment] = []
        version: int | None = None
        for segment in segments:
            found = self._version(stored, segment)
            if run and (
                found is None or found != version or run[-1].next(size) != segment or len(run) == MOST_SEGMENTS
            ):
                yield run
                run = []
            run.append(segment)
            version = found
        if run:
            yield run

    def examine(self, stored: StoredServer, run: Sequence[wal.Segment]) -> Completed | None:
        """How pg_waldump ended: ok if every record is intact that lies in these segments, as far as it is archived.

        None if pg_waldump can't read all of these records. Raises HostError if it can't be run.
        """
        version = self._version(stored, run[0])
        program = None if version is None else self._path(version)
        if program is None:
            return None
        before, after = around(stored, run)
        if before and not continues(header_of(stored, run[0])) and self._version(stored, before[-1]) != version:
            before = []
        names = [*before, *run, *after]
        # pg_waldump passes over the end of a record whose beginning it can't read.
        if any(self._version(stored, segment) != version for segment in (*before, *after)):
            return None
        limit = self.pace.limit
        paced = None if limit is None else PacedProgram(limit)
        pacing = None if paced is None else Pacing(paced.started, paced.tick, INTERVAL)
        with temporary_directory("pgdr-verify-", None) as view:
            with writing_as(None, view):
                for segment in names:
                    os.symlink(stored.archive.segments[segment], os.path.join(view, str(segment)))
            self.pace.begin()
            completed = self.runner(
                Command(
                    [program, "--quiet", f"--path={view}", str(names[0]), str(names[-1])],
                    tick=None if pacing is None else pacing.tick,
                    tick_interval=1.0 if pacing is None else pacing.interval,
                    started=None if pacing is None else pacing.started,
                    die_with_parent=True,
                    # A stopped process does not end by another signal.
                    death_signal=signal.SIGKILL,
                )
            )
        self.used = self.used or completed.ok
        return completed

    def _path(self, version: int) -> str | None:
        if version not in self._paths:
            self._paths[version] = find_installed(PROGRAM, version, self.runner, self.directories)
        return self._paths[version]

    def _version(self, stored: StoredServer, segment: wal.Segment) -> int | None:
        """The version of the program that can read a segment; None if there is none, or if the file is not plain and whole, or another's."""
        try:
            with os.fdopen(open_as_owner(stored.archive.segments[segment]), "rb") as stream:
                if os.fstat(stream.fileno()).st_size != stored.archive.segment_size:
                    return None
                header = read_header(stream.read(PAGE_SIZE))
        except (OSError, WalReadError):
            return None
        # pg_waldump does not compare these.
        if stored.expected(segment).problem(header) or self._path(header.version) is None:
            return None
        return header.version
