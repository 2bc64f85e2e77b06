# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restored data directory before a server is started from it: its target, and the end of its WAL.

This module util is private to the collection. Nothing is changed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .._host.files import read_text
from .._host.process import Runner
from .._postgres import timeline_history, wal
from .._postgres.data_directory import DataDirectory, find_bin_directory, observe_data_directory, read_control
from .._postgres.settings_file import read_settings
from .._postgres.wal_reader import WalReadError, scan
from .._postgres.wal_records import Event
from .._recover.destination import MARKER
from .request import RecoveryVerificationError, VerificationRequest

_COPY = re.compile(r"^cp (\S+)/%f %p$")
_BEGIN = re.compile(r"\(file ([0-9A-F]{24})\)")
_TARGET_SETTINGS = (
    "recovery_target",
    "recovery_target_time",
    "recovery_target_xid",
    "recovery_target_lsn",
    "recovery_target_name",
)


@dataclass(frozen=True)
class LastRecord:
    """Where the last record of the WAL begins and ends, and the last commit in its segment."""

    lsn: int
    end_lsn: int | None = None
    commit: Event | None = None


@dataclass(frozen=True)
class PreparedDirectory:
    """A directory that can be verified. control: what pg_controldata prints. settings: of postgresql.auto.conf. planned: what the recovery returned."""

    directory: DataDirectory
    bin_directory: str
    user: str
    control: Mapping[str, str]
    settings: Mapping[str, str]
    target: Mapping[str, str]
    planned: Mapping[str, Any]
    end: LastRecord | None = None

    @property
    def path(self) -> str:
        return self.directory.path

    @property
    def marker(self) -> str:
        return os.path.join(self.path, MARKER)

    @property
    def automatic_file(self) -> str:
        return os.path.join(self.path, "postgresql.auto.conf")


def prepare_directory(request: VerificationRequest, runner: Runner) -> PreparedDirectory:
    """Raises HostError if the directory can't be verified."""
    directory = observe_data_directory(request.data_directory)
    user = request.user or directory.owner
    problem = directory_problem(directory, user, promote=request.promote)
    if problem is not None:
        raise RecoveryVerificationError(problem)
    settings = read_settings(read_text(os.path.join(directory.path, "postgresql.auto.conf")) or "")
    bin_directory = find_bin_directory(directory.major_version, request.bin_directory, runner)
    control = read_control(directory.path, bin_directory, user, runner)
    planned = _planned(directory.path)
    target = recovery_targets(settings)
    end: LastRecord | None = None
    if not target and not request.promote:
        end = _end(request, directory, settings, planned)
        target = {"recovery_target_lsn": wal.format_lsn(end.lsn)}
    elif "recovery_target_lsn" in target:
        last = last_record(directory, settings)
        end = last if last and last.lsn == wal.parse_lsn(target["recovery_target_lsn"]) else None
    return PreparedDirectory(
        directory=directory,
        bin_directory=bin_directory,
        user=user,
        control=control,
        settings=settings,
        target=target,
        planned=planned,
        end=end,
    )


def directory_problem(directory: DataDirectory, user: str, *, promote: bool) -> str | None:
    """Why no server may be started from the directory."""
    if directory.postmaster_pid is not None:
        return f"a PostgreSQL server runs in {directory.path} (process {directory.postmaster_pid}); only a directory without one can be verified"
    if user != directory.owner:
        return f"user: {directory.path} belongs to '{directory.owner}', and PostgreSQL starts only as its owner"
    if user == "root":
        return f"{directory.path} belongs to root, and PostgreSQL does not start as root"
    if not directory.in_recovery and not promote:
        return (
            f"{directory.path} is not waiting for its recovery: it has neither recovery.signal nor standby.signal. A "
            "start would "
            "change it; if it is a throwaway copy, give 'promote: true'"
        )
    return None


def recovery_targets(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings among these that are a target to stop at."""
    return {name: settings[name] for name in _TARGET_SETTINGS if settings.get(name)}


def _planned(path: str) -> Mapping[str, Any]:
    """What the recovery of the directory returned, from its marker; empty if it has none."""
    text = read_text(os.path.join(path, MARKER))
    try:
        marker = json.loads(text) if text else {}
    except ValueError:
        return {}
    recovery = marker.get("recovery") if isinstance(marker, dict) else None
    return recovery if isinstance(recovery, dict) else {}


def _end(
    request: VerificationRequest, directory: DataDirectory, settings: Mapping[str, str], planned: Mapping[str, Any]
) -> LastRecord:
    if request.target_lsn is not None:
        return LastRecord(wal.parse_lsn(request.target_lsn))
    last = last_record(directory, settings)
    if last is not None:
        return last
    if planned.get("stop_lsn"):
        return LastRecord(wal.parse_lsn(planned["stop_lsn"]))
    raise RecoveryVerificationError(
        f"target_lsn: {directory.path} recovers to the end of its WAL, and the position of that end is not known "
        "here; give the position of "
        "the last record"
    )


def last_record(directory: DataDirectory, settings: Mapping[str, str]) -> LastRecord | None:
    """The last record of the restored WAL; None if it can't be found."""
    copy = _COPY.match(settings.get("restore_command", ""))
    # Old versions of Barman write a path that is relative to the data directory.
    wal_directory = os.path.join(directory.path, copy.group(1) if copy else "pg_wal")
    label = read_text(os.path.join(directory.path, "backup_label")) or read_text(
        os.path.join(directory.path, "backup_label.old")
    )
    begin = _BEGIN.search(label or "")
    if begin is None or not os.path.isdir(wal_directory):
        return None
    try:
        segments = _segments(wal_directory, wal.parse_segment(begin.group(1)), settings)
        return _last_record_of(segments, lambda one: _read_segment(wal_directory, one))
    except (wal.WalError, OSError):
        return None


def _segments(wal_directory: str, begin: wal.Segment, settings: Mapping[str, str]) -> list[wal.Segment]:
    """The segments in the directory that the recovery replays, in order."""
    names = os.listdir(wal_directory)
    histories = {
        file.timeline: read_text(os.path.join(wal_directory, name)) or ""
        for name in names
        for file in [wal.parse(name)]
        if file is not None and file.kind == "history"
    }
    target = settings.get("recovery_target_timeline", "")
    if target.isdecimal():
        timeline = int(target)
    elif target == "current":
        timeline = begin.timeline
    else:
        timeline = timeline_history.newest_timeline(begin.timeline, histories)
    if timeline == begin.timeline:
        history = [timeline_history.TimelineSegment(timeline, 0, None)]
    else:
        history = timeline_history.history_of(timeline, histories)
    size = os.path.getsize(os.path.join(wal_directory, str(begin)))
    reached = timeline_history.last_without_gap(wal.segments_in(names), begin, history, size)
    return [] if reached is None else list(timeline_history.needed(begin, reached, history, size))


def _read_segment(directory: str, segment: wal.Segment) -> bytes:
    with open(os.path.join(directory, str(segment)), "rb") as stream:
        return stream.read()


def _last_record_of(segments: list[wal.Segment], read: Callable[[wal.Segment], bytes]) -> LastRecord | None:
    for segment in reversed(segments):
        try:
            scanned = scan(read(segment))
        except WalReadError:
            continue
        if scanned.last_record is not None and scanned.end_lsn is not None:
            commits = [event for event in scanned.events if event.kind == "commit"]
            # Records are aligned to 8 bytes, and so are the positions that PostgreSQL shows.
            return LastRecord(scanned.last_record, (scanned.end_lsn + 7) & ~7, commits[-1] if commits else None)
    return None
