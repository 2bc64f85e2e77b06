# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lag of a passive server behind its source backup server, from the backups and WAL of both.

This module util is private to the collection. Apart from synchronisation.py, so that "check" comes without all of that.
"""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate
from typing import Any, Literal

from .._barman.archive import Archive
from .._barman.catalog import Backup, dependents
from .._barman.configuration import ServerConfiguration
from .._host.files import read_text
from .._host.process import HostError
from .._postgres import wal

#: After so many seconds a copy is late: Barman's cron copies once a minute.
LATE = 1800.0

_SOURCE_FILE = "primary.info"
_SYNCING = "SYNCING"


SynchronisationErrorKind = Literal[
    "unreachable",
    "denied",
    "host_key",
    "no_barman",
    "no_server",
    "source",
    "version",
    "compression",
    "copy",
    "timeout",
    "configuration",
    "answer",
    "other",
]


class SynchronisationError(HostError):
    """A passive server can't be synchronized with its source; the text contains the reason. kind: one word for programs."""

    def __init__(self, message: str, kind: SynchronisationErrorKind = "other") -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class SourceWalFile:
    """A WAL file of the source: its name, its bytes as it is kept there, and when it was written."""

    name: str
    size: int
    time: float

    @property
    def segment(self) -> wal.Segment | None:
        file = wal.parse(self.name)
        return file.segment if file is not None and file.kind == "segment" else None


@dataclass(frozen=True)
class Source:
    """What the source reported. backups: its valid ones, and when each ended. wals: those after the requested position.
    last: the newest, empty without any.
    """

    version: str
    backups: Mapping[str, float | None]
    wals: Sequence[SourceWalFile]
    last: str
    compression: str | None


@dataclass(frozen=True)
class Lag:
    """What the source has and the passive server does not.

    bytes: of WAL as PostgreSQL wrote it. seconds: between the newest WAL here and there, None if there is none here.
    backups_overdue, wal_overdue: how long the oldest of them has been waiting. unwanted: backups that are older than all
    that are here by the retention policy.
    """

    backups: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    segments: int = 0
    bytes: int = 0
    seconds: float | None = 0.0
    backups_overdue: float = 0.0
    wal_overdue: float = 0.0

    @property
    def overdue(self) -> float:
        return max(self.backups_overdue, self.wal_overdue)

    @property
    def none(self) -> bool:
        return not self.backups and not self.files

    def as_dict(self) -> dict[str, Any]:
        return {
            "backups": list(self.backups),
            "segments": self.segments,
            "bytes": self.bytes,
            "seconds": None if self.seconds is None else round(self.seconds),
            "overdue": round(self.overdue),
        }


@dataclass(frozen=True)
class Here:
    """What the passive server has. newest: its newest WAL segment, and when that was written on PostgreSQL's side."""

    backups: Sequence[Backup]
    archive: Archive
    newest: wal.Segment | None = None
    newest_time: float | None = None

    @property
    def done(self) -> set[str]:
        return {backup.backup_id for backup in self.backups if backup.done}


def parse_source(text: str) -> Source:
    """Read what "barman sync-info" printed. Raises SynchronisationError."""
    try:
        document = json.loads(text)
        backups = {str(key): _ended(value) for key, value in document["backups"].items()}
        wals = [SourceWalFile(str(one["name"]), int(one["size"]), float(one["time"])) for one in document["wals"]]
        compression = document["config"].get("compression")
        return Source(str(document["version"]), backups, wals, str(document["last_name"]), compression or None)
    except (ValueError, KeyError, TypeError, AttributeError):
        shown = " ".join(text.split())[:200]
        raise SynchronisationError(f"the output of 'barman sync-info' is not valid: {shown}", "answer") from None


def _ended(backup: Mapping[str, Any]) -> float | None:
    """When the backup ended. Before 3.13 the source does not report its time zone, and Barman assumes the one here."""
    if backup.get("end_time_iso"):
        return datetime.fromisoformat(backup["end_time_iso"]).timestamp()
    # In English whatever the language of this host is, so not by strptime.
    words = parsedate(str(backup.get("end_time")))
    return None if words is None else time.mktime(words)


def lag_between(source: Source, here: Here, *, retention: bool, segment_size: int, now: float) -> Lag:
    """What the source has and this side has not."""
    lacking = sorted(set(source.backups) - here.done)
    # Barman does not copy a backup that its retention policy would delete at once, so such a backup is not missing here. A backup with a
    # keep annotation stays under any policy, with its increments.
    roots = [one for one in here.backups if one.keep is not None]
    kept = {one.backup_id for root in roots for one in (root, *dependents(here.backups, root))}
    first = min(here.done - kept, default="")
    unwanted = tuple(one for one in lacking if retention and one < first)
    files = tuple(one for one in source.wals if not archive_has(here.archive, one.name))
    segments = [one for one in files if one.segment is not None]
    if not segments:
        # A history file alone is nothing that Barman copies: it fails at one that no segment follows.
        files = ()
    seconds: float | None = 0.0
    if segments:
        seconds = None if here.newest_time is None else max(0.0, segments[-1].time - here.newest_time)
    needed = tuple(one for one in lacking if one not in unwanted)
    ended = [source.backups[one] for one in needed]
    return Lag(
        backups=needed,
        unwanted=unwanted,
        files=tuple(one.name for one in files),
        segments=len(segments),
        bytes=len(segments) * segment_size,
        seconds=seconds,
        backups_overdue=max(0.0, now - min((moment for moment in ended if moment is not None), default=now)),
        wal_overdue=max(0.0, now - min((one.time for one in files), default=now)),
    )


def archive_has(archive: Archive, name: str) -> bool:
    """Whether the archive has the file, or no recovery reads it."""
    file = wal.parse(name)
    if file is None or file.kind == "backup_label":
        return True
    if file.kind == "history":
        return file.timeline in archive.histories
    return file.segment in archive.segments


@dataclass(frozen=True)
class PassiveState:
    """A passive server by the last answer of its source. source: where it is. contact: when it answered, None for never.

    problem: why its answer can't be read; lag is None then. copying: whether Barman's cron copies a backup now.
    """

    source: str
    contact: float | None = None
    lag: Lag | None = None
    problem: str = ""
    copying: bool = False


def passive_state(server: ServerConfiguration, backups: Sequence[Backup], archive: Archive, now: float) -> PassiveState:
    """What the last answer of the source to Barman's cron shows. Nothing is asked."""
    path = os.path.join(server.directory("backup_directory"), _SOURCE_FILE)
    where = (shlex.split(server.get("primary_ssh_command") or "") or ["?"])[-1]
    text = read_text(path)
    if text is None:
        return PassiveState(where)
    contact = os.stat(path).st_mtime
    try:
        source = parse_source(text)
    except SynchronisationError as exc:
        return PassiveState(where, contact, None, str(exc))
    lag = lag_between(
        source,
        Here(backups, archive),
        retention=bool(server.get("retention_policy")),
        segment_size=archive.segment_size,
        now=now,
    )
    # Barman's cron copies one backup after the other, and WAL after the first one; each can take as long as it will.
    return PassiveState(where, contact, lag, copying=any(backup.status == _SYNCING for backup in backups))


def why_late(state: PassiveState, here: Here, now: float) -> str | None:
    """Why the copy on this host is late; None if it is not.

    "barman check" does not report it: its checks of a passive server stay green if nothing is copied any more.
    """
    if state.contact is None:
        return f"there was no contact with {state.source} yet"
    if now - state.contact > LATE:
        return f"the last contact with {state.source} was {int(now - state.contact) // 60} minutes ago"
    if state.lag is None:
        return state.problem
    lag, where = state.lag, state.source
    late = []
    if lag.wal_overdue > LATE and (here.done or not state.copying):
        late.append(
            f"{lag.segments} WAL segments of {where} are missing here, the first for {int(lag.wal_overdue) // 60} minutes"
        )
    if lag.backups_overdue > LATE and not state.copying:
        late.append(
            "backups of {} are missing here, the first for {} minutes: {}".format(
                where, int(lag.backups_overdue) // 60, ", ".join(lag.backups)
            )
        )
    return "; ".join(late) or None
