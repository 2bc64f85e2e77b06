# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which settings archive_command needs, and what speaks against them: values to a plan.

This module util is private to the collection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .._barman.versions import Version
from .._host.process import HostError
from .._postgres import wal
from .command import (
    COMPRESSION_SINCE,
    MARK,
    NOTHING,
    RSYNC_COMPRESSIONS,
    ArchiveTarget,
    archive_command,
    does_nothing,
    is_ours,
    marked,
    noted_timeout,
)

# What Barman leaves in a server that it restored, lest two servers archive to one place.
_FAILS = re.compile(r"(?:(?:/usr)?/bin/)?false")


ArchivingErrorKind = Literal[
    "configuration",
    "foreign",
    "host_key",
    "permission",
    "closed",
    "ssh",
    "not_installed",
    "not_configured",
    "disk_full",
    "command",
    "timeout",
    "other",
]


class ArchivingError(HostError):
    """WAL is not archived, or would not be; the text names the step that failed. kind: one word for programs."""

    def __init__(self, message: str, kind: ArchivingErrorKind = "other") -> None:
        super().__init__(message)
        self.kind = kind


#: The values of archive_mode with which PostgreSQL archives.
DesiredMode = Literal["on", "always"]


@dataclass(frozen=True)
class DesiredArchiving:
    """What is desired; target None: that nothing is archived. timeout: seconds, None leaves it as it is."""

    target: ArchiveTarget | None
    mode: DesiredMode = "on"
    timeout: int | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class ArchiverStatistics:
    """What the archiver reports, without .history and .backup files where a segment is known."""

    archived_wal: str | None = None
    archived_time: Any = None
    failed_wal: str | None = None
    failed_time: Any = None
    failed_count: int = 0

    @property
    def works(self) -> bool:
        if self.archived_time is None:
            return False
        return self.failed_time is None or self.failed_time <= self.archived_time


@dataclass(frozen=True)
class HistoryFile:
    """The history file of the server's timeline in pg_wal. archived: by some archive_command. waiting: to be archived."""

    name: str
    archived: bool = False
    waiting: bool = False


@dataclass(frozen=True)
class CurrentArchiving:
    """What PostgreSQL runs with and what is written for its next start. command: empty where none is set."""

    version: int
    in_recovery: bool
    data_directory: str
    mode: str
    mode_written: str
    command: str
    library: str = ""
    timeout: int = 0
    fixed: tuple[str, ...] = ()
    statistics: ArchiverStatistics = field(default_factory=ArchiverStatistics)
    history: HistoryFile | None = None


@dataclass(frozen=True)
class ArchivingPlan:
    """What has to be done. settings: what ALTER SYSTEM sets, None resets. prove: have a segment archived.

    history: the history file that PostgreSQL has to archive.
    """

    settings: Mapping[str, str | None] = field(default_factory=dict)
    restart_required: bool = False
    prove: bool = False
    history: str | None = None

    @property
    def changes(self) -> bool:
        return bool(self.settings) or self.prove or self.history is not None


def problems(
    desired: DesiredArchiving, installed: Version | None, far: Version | None, *, far_needed: bool = True
) -> list[str]:
    """What speaks against the options.

    installed, far: barman-wal-archive's version here, Barman's there. far_needed: whether the latter has to be known.
    """
    target = desired.target
    found: list[str] = []
    if target is None:
        return found
    if target.method == "rsync":
        if not target.directory:
            found.append(
                "incoming_directory is required for method rsync: Barman's incoming_wals_directory of the server"
            )
        if target.compression not in RSYNC_COMPRESSIONS:
            found.append(
                "barman_archive_compression (option compression of the module): rsync does not support {}: set one "
                "of {}".format(target.compression, ", ".join(RSYNC_COMPRESSIONS))
            )
        return found
    if target.compression == "none":
        return found
    since = ".".join(str(part) for part in COMPRESSION_SINCE)
    if installed is not None and installed < COMPRESSION_SINCE:
        found.append(
            "compression {} needs barman-wal-archive {}, and this host has {}: set none, or install a newer "
            "barman-cli".format(target.compression, since, ".".join(str(part) for part in installed))
        )
    if far is None and far_needed:
        found.append(
            f"compression {target.compression} needs Barman {since} on the backup server too: set barman_version for "
            "that host (option "
            "barman_version of the module)"
        )
    elif far is not None and far < COMPRESSION_SINCE:
        found.append(
            (
                "compression {} needs Barman {} on the backup server, which has {}: set none, or install a newer "
                "Barman "
                "there"
            ).format(target.compression, since, ".".join(str(part) for part in far))
        )
    return found


def make_plan(current: CurrentArchiving, desired: DesiredArchiving) -> ArchivingPlan:
    """Decide what has to be done. Raises ArchivingError if somebody else's setting prevents that."""
    foreign = _foreign(current, desired)
    if foreign:
        raise ArchivingError(foreign, "foreign")
    settings = (
        _desired_settings(current, desired) if desired.target is not None else _settings_without_archiving(current)
    )
    fixed = [name for name in settings if name in current.fixed]
    if fixed:
        raise ArchivingError(
            f"PostgreSQL's command line sets {' and '.join(fixed)}, which overrides all files: remove it there",
            "foreign",
        )
    restart = desired.target is not None and current.mode not in _enough(desired.mode)
    # A standby closes no segments, and before the restart nothing is archived.
    prove = desired.target is not None and current.mode != "off" and not current.in_recovery
    changed = "archive_command" in settings or "archive_library" in settings
    history = _history_to_archive(current, changed=changed) if desired.target is not None else None
    return ArchivingPlan(
        settings, restart, prove and (changed or not current.statistics.works or history is not None), history
    )


def _history_to_archive(current: CurrentArchiving, *, changed: bool) -> str | None:
    """The history file that Barman has not got. changed: from now on PostgreSQL archives to another place.

    PostgreSQL archives it once, at the promotion, and not if archive_mode was off then.
    """
    file = current.history
    if file is None or file.waiting or (file.archived and not changed):
        return None
    return file.name


def _enough(mode: DesiredMode) -> tuple[str, ...]:
    """The values of archive_mode that do; "always" archives on standbys too."""
    return ("always",) if mode == "always" else ("on", "always")


def _foreign(current: CurrentArchiving, desired: DesiredArchiving) -> str:
    """The foreign setting, if it may not be overwritten; else an empty text."""
    if desired.overwrite:
        return ""
    desired_command = archive_command(desired.target) if desired.target is not None else None
    if current.library:
        return (
            f"archive_library is '{current.library}', which somebody else has set, and PostgreSQL uses no "
            "archive_command with it. "
            "Remove it, or set barman_archive_overwrite: true (option overwrite of the module)"
        )
    nobodys = does_nothing(current.command) or _FAILS.fullmatch(current.command.strip())
    if is_ours(current.command) or nobodys or current.command == desired_command:
        return ""
    return (
        f"archive_command is set already, and not by this module: {current.command}. It may archive WAL to another "
        "place. Remove "
        "it, or set barman_archive_overwrite: true (option overwrite of the module)"
    )


def with_sums(desired: DesiredArchiving, current: CurrentArchiving) -> DesiredArchiving:
    """The same with the sums that the present command sends: they are requested only if the command changes or fails."""
    target = desired.target
    if target is None or target.method != "barman-wal-archive":
        return desired
    older = replace(desired, target=replace(target, md5=True))
    same = older.target is not None and current.command.split(MARK)[0].strip() == archive_command(older.target)
    return older if same else desired


def _desired_settings(current: CurrentArchiving, desired: DesiredArchiving) -> dict[str, str | None]:
    settings: dict[str, str | None] = {}
    command = marked(archive_command(desired.target), desired.timeout) if desired.target is not None else ""
    if current.mode_written not in _enough(desired.mode):
        settings["archive_mode"] = desired.mode
    if current.library:
        settings["archive_library"] = ""
    if current.command != command:
        settings["archive_command"] = command
    settings.update(_timeout_setting(current, desired.timeout))
    return settings


def _settings_without_archiving(current: CurrentArchiving) -> dict[str, str | None]:
    settings: dict[str, str | None] = {}
    if current.library:
        settings["archive_library"] = ""
    if current.mode == "off" and current.mode_written == "off":
        if is_ours(current.command):
            settings["archive_command"] = None
    elif not current.command or not does_nothing(current.command):
        settings["archive_command"] = NOTHING
    settings.update(_timeout_setting(current, None))
    return settings


def _timeout_setting(current: CurrentArchiving, timeout: int | None) -> dict[str, str | None]:
    if timeout is not None:
        return {} if current.timeout == timeout else {"archive_timeout": str(timeout)}
    noted = noted_timeout(current.command)
    return {"archive_timeout": None} if noted is not None and noted == current.timeout else {}


def state_of(current: CurrentArchiving) -> dict[str, str]:
    return {
        "archive_mode": current.mode_written,
        "archive_command": current.command,
        "archive_timeout": str(current.timeout),
        "archive_library": current.library,
    }


def has_archived(last: str | None, segment: wal.Segment) -> bool:
    """Whether the archiver has come as far as this segment, if this is the last file that it archived. It takes them in their order."""
    file = wal.parse(last or "")
    if file is None or file.segment is None or file.segment.timeline != segment.timeline:
        return False
    return file.segment >= segment if file.kind == "segment" else file.segment > segment
