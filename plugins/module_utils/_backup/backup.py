# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking a base backup with Barman, and proving that it can be recovered from: it is DONE, with all of its WAL.

This module util is private to the collection.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol

from .._archive_command.archiver import ArchiverState, ArchiverWatch, read_archiver
from .._barman.catalog import FAILED, WAITING_FOR_WALS, Backup, CatalogError, chain, find, read_backups
from .._barman.command import Barman, BarmanError, Reply, failure
from .._barman.configuration import ServerConfiguration
from .._barman.disks import disk_of, full_disks, human
from .._barman.locks import SETTLED_AFTER, backup_runs, command_line, receiver_pid
from .._barman.receiver_log import log_size, read_receiver_log
from .._host.files import names_in
from .._host.process import HostError
from .._host.waiting import Probe, WaitTimeout, wait_for
from .._postgres import wal
from .._postgres.connection import Connect, ConnectionFailed, Session
from .._postgres.diagnosis import Diagnosis, Endpoint, diagnose_stream
from .._postgres.standby import Standby, make_checkpoint, read_standby, read_timeline
from .._postgres.wal_position import close_segment, read_position, write_marker

_AGE = re.compile(r"(\d+)\s*([smhdw]?)\Z")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
# Where Barman says no more than to look into its log.
_OWN_HINTS = {
    "receive_wal_running": "the playbook pgdr.barman.deploy starts it, or reports why it can't (module pgdr.barman.wal_receiver)"
}
_RESERVED_NAMES = ("latest", "last", "oldest", "first", "latest-full", "last-full", "last-failed", "auto")
_PLAYBOOK_OPTIONS = ("jobs", "bandwidth_limit", "incremental", "wait_timeout")
_TICK = 0.5
# Checks that Barman lets pass before a backup.
_NO_HINDRANCE = (
    "archiver_errors",
    "backup_maximum_age",
    "backup_minimum_size",
    "empty_incoming_directory",
    "empty_streaming_directory",
    "failed_backups",
    "incoming_wals_directory",
    "minimum_redundancy_requirements",
    "postgresql_server_is_standby",
    "streaming_wals_directory",
    "wal_maximum_age",
)
_ARCHIVE_INTERVAL = 10.0
_RECEIVER_PATIENCE = 90.0
_HOLE_PATIENCE = 5.0
# Beside a receiver that went on, PostgreSQL repeats a failed archive_command once a minute.
_REPEATED_PATIENCE = 90.0
_FIRST_WAL_PATIENCE = 30.0
_FOLLOWING_PATIENCE = 30.0


class BackupError(HostError):
    """There is no backup that can be recovered from; the text says why. backup: what there is of it."""

    def __init__(self, message: str, backup: Backup | None = None) -> None:
        super().__init__(message)
        self.backup = backup
        self.details = {"backup": None if backup is None else answer(backup)}


class Reporter(Protocol):
    """Where the operation says how far it is (_host.progress.Progress)."""

    def update(self, phase: str, **numbers: Any) -> None: ...


@dataclass(frozen=True)
class Request:
    """What is asked for. None leaves it to Barman's configuration. wait_timeout: seconds for the WAL after the copy."""

    name: str | None = None
    max_age: timedelta | None = None
    incremental: str | None = None
    reuse_backup: str | None = None
    jobs: int | None = None
    bandwidth_limit: int | None = None
    immediate_checkpoint: bool | None = None
    retries: int | None = None
    wait_timeout: float = 600.0


@dataclass(frozen=True)
class Plan:
    """What has to be done: nothing where existing is good; only its WAL is waited for where existing is not DONE yet."""

    existing: Backup | None = None
    parent: Backup | None = None

    @property
    def changes(self) -> bool:
        return self.existing is None or not self.existing.done


def parse_age(text: str) -> timedelta:
    """An age such as 24h, 7d, 90m or a number of seconds. Raises HostError."""
    found = _AGE.match(text.strip())
    if not found:
        raise HostError(
            "barman_backup_max_age (option max_age of the module): '%s' is not a time span: write a number and s, m, h, d or w, such as 24h or 7d"
            % text
        )
    return timedelta(seconds=int(found.group(1)) * _SECONDS[found.group(2)])


def make_plan(
    server: ServerConfiguration,
    request: Request,
    backups: Sequence[Backup],
    version: Callable[[], tuple[int, ...]],
    now: datetime,
) -> Plan:
    """Decide what has to be done. Raises BackupError with everything that speaks against it."""
    problems = _problems(server, request)
    parent: Backup | None = None
    if request.incremental is not None:
        found, parent = _parent(server, request.incremental, backups, version)
        problems += found
    if problems:
        raise BackupError("; ".join(problems))
    return Plan(_recent(server, request, backups, now), parent)


def _problems(server: ServerConfiguration, request: Request) -> list[str]:
    name, method = server.name, server.get("backup_method") or "postgres"
    problems: list[str] = []
    if server.passive:
        problems.append(
            "server '%s' is passive on this host: its backups are taken on the primary Barman host and copied here"
            % name
        )
    if not server.flag("active", True):
        problems.append(
            "server '%s' is inactive (active = false in %s): Barman takes no backups of it" % (name, server.file)
        )
    if request.name in _RESERVED_NAMES:
        problems.append(
            "barman_backup_name (option backup_name of the module): '%s' is one of Barman's own words: choose another one"
            % request.name
        )
    least = {"jobs": 1, "bandwidth_limit": 0, "retries": 0, "wait_timeout": 0}
    problems += [
        "%s must be %d or more" % (_option(option), lowest)
        for option, lowest in least.items()
        if getattr(request, option) is not None and getattr(request, option) < lowest
    ]
    if method == "postgres":
        if request.jobs is not None and request.jobs > 1:
            problems.append(
                "%s is for backup_method rsync: pg_basebackup copies in one process; leave it out" % _option("jobs")
            )
        if request.reuse_backup not in (None, "off"):
            problems.append(
                "reuse_backup is for backup_method rsync: with postgres use %s (PostgreSQL 17 and later)"
                % _option("incremental")
            )
    if method == "snapshot":
        options = {
            "jobs": request.jobs,
            "bandwidth_limit": request.bandwidth_limit,
            "reuse_backup": request.reuse_backup,
        }
        problems += [
            "%s is for a backup that Barman copies, and server '%s' has snapshots taken of its disks: leave it out"
            % (_option(option), name)
            for option, value in options.items()
            if value not in (None, "off")
        ]
    if request.incremental is not None and method == "snapshot":
        problems.append(
            "%s is for backup_method postgres and server '%s' has snapshot: leave it out, the provider stores what "
            "changed" % (_option("incremental"), name)
        )
    elif request.incremental is not None and method != "postgres":
        problems.append(
            "%s is for backup_method postgres and server '%s' has %s: write barman_incremental: link for it and deploy (option reuse_backup of the module)"
            % (_option("incremental"), name, method)
        )
    return problems


def _option(name: str) -> str:
    """An option as a playbook's user knows it; some are the module's alone."""
    variable = "barman_backup_%s" % name
    return "%s (option %s of the module)" % (variable, name) if name in _PLAYBOOK_OPTIONS else name


def _parent(
    server: ServerConfiguration, wanted: str, backups: Sequence[Backup], version: Callable[[], tuple[int, ...]]
) -> tuple[list[str], Backup | None]:
    installed = version()
    if installed < (3, 11):
        return [
            "incremental needs Barman 3.11 or later and this host has %s" % ".".join(str(part) for part in installed)
        ], None
    try:
        parent = find(backups, wanted, server.name)
    except CatalogError as exc:
        return ["incremental: %s; take a full backup first" % exc], None
    if not parent.done:
        return ["incremental: backup %s is %s and can't be built upon" % (parent.backup_id, parent.status)], None
    if parent.major_version is not None and parent.major_version < 17:
        return [
            "incremental needs PostgreSQL 17 or later and server '%s' has %d" % (server.name, parent.major_version)
        ], None
    try:
        built_on = chain(backups, parent)
    except CatalogError as exc:
        return ["incremental: %s; take a full backup" % exc], None
    compressed = [one.backup_id for one in built_on if one.compression]
    if installed < (3, 15) and (compressed or server.get("backup_compression")):
        return [
            "incremental needs Barman 3.15 or later together with compression (%s), and this host has %s"
            % (
                "backup %s is compressed" % compressed[0] if compressed else "backup_compression in %s" % server.file,
                ".".join(str(part) for part in installed),
            )
        ], None
    return [], parent


def _recent(server: ServerConfiguration, request: Request, backups: Sequence[Backup], now: datetime) -> Backup | None:
    """The newest backup that is what is asked for."""
    if request.max_age is None and request.name is None:
        return None
    for backup in sorted(backups, key=lambda item: item.backup_id, reverse=True):
        if not backup.copied or (request.name is not None and backup.name != request.name):
            continue
        age = backup.age(now)
        if request.max_age is not None and (age is None or age > request.max_age):
            continue
        if backup.done and (missing_wal(server, backup) or _has_no_snapshots(backup)):
            continue
        if not backup.done and lost_wal(server, backup):
            continue
        return backup
    return None


def _has_no_snapshots(backup: Backup) -> bool:
    """Whether it is of snapshots, and none is known. Barman waits for the provider to complete each before it goes on."""
    return backup.backup_type == "snapshot" and (backup.snapshots is None or not backup.snapshots.disks)


def missing_wal(server: ServerConfiguration, backup: Backup) -> list[wal.Gap]:
    """The segments from the backup's first to its last that are not in Barman's archive.

    They are of one timeline: PostgreSQL fails a backup during which its timeline changes.
    """
    if backup.begin_wal is None or backup.end_wal is None:
        return []
    begin, end = wal.parse_segment(backup.begin_wal), wal.parse_segment(backup.end_wal)
    directory = server.directory("wals_directory")
    way = [wal.Leg(begin.timeline, 0, None)]
    archived = [
        segment
        for segment in wal.needed(begin, end, way, backup.segment_size)
        if os.path.exists(os.path.join(directory, segment.directory, str(segment)))
    ]
    return wal.gaps(archived, begin, way, backup.segment_size, end)


def lost_wal(server: ServerConfiguration, backup: Backup) -> list[wal.Gap]:
    """The missing segments of the backup that were passed over: later ones are archived, and these are not on their way.

    Barman has the WAL come in order, and calls such a backup FAILED when it looks at it next.
    """
    if backup.begin_wal is None or backup.end_wal is None:
        return []
    begin, end = wal.parse_segment(backup.begin_wal), wal.parse_segment(backup.end_wal)
    # Barman moves them from here into the archive: in this order none is overlooked.
    received = [server.directory(option) for option in ("incoming_wals_directory", "streaming_wals_directory")]
    coming = {file.segment for file in map(wal.parse, _names(received)) if file is not None and file.segment}
    directory = server.directory("wals_directory")
    logs = [name for name in names_in(directory) if name[:8] == begin.directory[:8] and name >= begin.directory]
    archived = wal.segments_in(_names(os.path.join(directory, name) for name in logs))
    newest = max(archived, default=begin)
    if newest <= begin:
        return []
    here = {segment for segment in archived | coming if begin <= segment <= end}
    return wal.gaps(here, begin, None, backup.segment_size, min(newest, end))


def _names(directories: Iterable[str]) -> list[str]:
    return [name for directory in directories for name in names_in(directory)]


def arguments(server: str, request: Request, parent: Backup | None) -> list[str]:
    """The arguments of "barman backup"."""
    argv = ["backup"]
    if request.name is not None:
        argv += ["--name", request.name]
    if parent is not None:
        argv += ["--incremental", parent.backup_id]
    if request.reuse_backup is not None:
        argv += ["--reuse-backup", request.reuse_backup]
    if request.jobs is not None:
        argv += ["--jobs", str(request.jobs)]
    if request.bandwidth_limit is not None:
        argv += ["--bwlimit", str(request.bandwidth_limit)]
    if request.retries is not None:
        argv += ["--retry-times", str(request.retries)]
    if request.immediate_checkpoint is not None:
        argv.append("--immediate-checkpoint" if request.immediate_checkpoint else "--no-immediate-checkpoint")
    return [*argv, server]


class _Waiting:
    """What happened while WAL is waited for."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.nudged = False
        self.without_receiver_since: float | None = None
        # Whether one came since then.
        self.receiver_came = False
        self._clock = clock
        self._archived = clock()
        self._receiver: tuple[int | None, float] = (None, clock())
        self._hole_since: float | None = None

    def see_receiver(self, pid: int | None) -> None:
        """Note which one runs now. It counts once it stays."""
        now = self._clock()
        if pid != self._receiver[0]:
            self._receiver = (pid, now)
        if pid is None:
            self.without_receiver_since = now if self.without_receiver_since is None else self.without_receiver_since
        elif now - self._receiver[1] >= SETTLED_AFTER:
            self.without_receiver_since, self.receiver_came = None, False
        else:
            self.receiver_came = self.without_receiver_since is not None

    def hole_stays(self, lost: bool, patience: float) -> bool:
        """Whether WAL has been lost for so long that it does not only come in another order."""
        if not lost:
            self._hole_since = None
        elif self._hole_since is None:
            self._hole_since = self._clock()
        return self._hole_since is not None and self._clock() - self._hole_since >= patience

    def archive_again(self) -> bool:
        """Whether it is time to let Barman look for itself, whatever we see."""
        if self._clock() - self._archived < _ARCHIVE_INTERVAL:
            return False
        self._archived = self._clock()
        return True


class Taker:
    """Takes one backup of one server.

    Barman keeps the last WAL segment of a backup back until something is written after it, so "barman backup --wait"
    never ends on an idle server. This one writes a few bytes where that is needed.
    """

    def __init__(
        self,
        barman: Barman,
        server: ServerConfiguration,
        connect: Connect,
        report: Reporter,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._barman = barman
        self._server = server
        self._connect = connect
        self._report = report
        self._clock = clock
        self._pause = pause
        self._session: Session | None = None
        self._writer: Session | None = None
        self._copying = False
        self._copied = False
        self._failure = ""

    def take(self, plan: Plan, request: Request) -> Backup:
        """Do what the plan says. Raises BackupError, ConnectionFailed."""
        try:
            backup = plan.existing
            if backup is None:
                self._open()
                self._first_wal(min(request.wait_timeout, _FIRST_WAL_PATIENCE))
                self._standby_is_ready(request.wait_timeout)
                backup = self._copy(request, plan.parent)
            return self._complete(backup, request.wait_timeout)
        finally:
            self._close()

    def _open(self) -> None:
        """Connect before Barman does: its own words for a failed connection are "check the log"."""
        self._session = self._connect(self._server.conninfo, self._barman.user, self._server.name)
        self._report.update("starting")

    def _first_wal(self, timeout: float) -> None:
        """Have a segment archived where there is none yet: Barman takes no backup before.

        Where none comes, Barman's check says so.
        """
        writer = None if self._has_wal() else self._writable()
        if writer is None:
            return
        self._report.update("waiting for the first WAL")
        close_segment(writer, 1, read_position(writer).segment_size)

        def probe() -> Probe:
            self._have("archive-wal")
            return Probe(self._has_wal(), "none")

        with contextlib.suppress(WaitTimeout):
            wait_for("the first WAL segment", probe, timeout, 1.0, self._clock, self._pause)

    def _standby_is_ready(self, timeout: float) -> None:
        """See that a standby follows its primary, from which the WAL comes, and that Barman has the WAL with which its copy begins.

        That is the standby's last restartpoint. On a server that is new here it is older than the first WAL, and without a
        checkpoint of the primary there is no other.
        """
        primary, session = self._writable(), self._session
        if primary is session and self._server.get("primary_conninfo") and self._server.get("wal_streaming_conninfo"):
            raise BackupError(
                "server '%s' is backed up from a standby that is none: the server in conninfo is not in recovery, was promoted "
                "perhaps, and the WAL is received from the one in wal_streaming_conninfo. Where it is the primary now, take "
                "barman_primary out of its inventory, and deploy; else build it anew as a standby" % self._server.name
            )
        if primary is None or session is None or primary is session:
            return
        timeline = read_timeline(primary)

        def follows() -> Probe:
            own = self._standby(session).timeline
            return Probe(own in (None, timeline), "timeline %s" % own, own)

        try:
            wait_for("the standby", follows, min(timeout, _FOLLOWING_PATIENCE), 1.0, self._clock, self._pause)
        except WaitTimeout:
            raise BackupError(
                "the standby of server '%s' is on timeline %s, and its primary on %d: it does not follow it any more, and the "
                "primary's WAL does not fit to a backup of it. Build the standby anew from the primary"
                % (self._server.name, read_standby(session).timeline, timeline)
            ) from None
        size = read_position(primary).segment_size
        if self._has_wal_from(read_standby(session).redo // size, size):
            return
        self._report.update("waiting for a checkpoint on the standby")
        wanted = make_checkpoint(primary)

        def replayed() -> Probe:
            own = self._standby(session).replayed
            return Probe(own >= wanted, wal.format_lsn(own))

        try:
            wait_for("the standby", replayed, timeout, 0.5, self._clock, self._pause)
        except WaitTimeout:
            raise BackupError(
                "the standby of server '%s' has not replayed the primary's checkpoint in %d s: that is before %s, and the "
                "standby is at %s. Is it delayed, or does its WAL not come?"
                % (self._server.name, timeout, wal.format_lsn(wanted), wal.format_lsn(read_standby(session).replayed))
            ) from None

    def _standby(self, session: Session) -> Standby:
        """The standby now. Raises BackupError if it was promoted meanwhile: it follows nobody any more."""
        standby = read_standby(session)
        if not standby.in_recovery:
            raise BackupError(
                "the standby of server '%s' was promoted while the backup waited for it: it follows its primary no longer. If it is the "
                "primary now, take barman_primary out of its inventory, and deploy; else build it anew as a standby"
                % self._server.name
            )
        return standby

    def _has_wal_from(self, first: int, size: int) -> bool:
        """Whether Barman has every segment from this number on to the newest that it has."""
        archived = self._server.directory("wals_directory")
        places = [os.path.join(archived, name) for name in names_in(archived)]
        places += [self._server.directory(option) for option in ("incoming_wals_directory", "streaming_wals_directory")]
        files = map(wal.parse, _names(places))
        known = {file.segment.number(size) for file in files if file is not None and file.segment is not None}
        return bool(known) and all(number in known for number in range(first, max(known)))

    def _has_wal(self) -> bool:
        directory = self._server.directory("wals_directory")
        return any(len(name) == 16 and names_in(os.path.join(directory, name)) for name in names_in(directory))

    def _writable(self) -> Session | None:
        """A connection to where WAL is written: the server itself, or a standby's primary if Barman knows it."""
        if self._writer is None:
            if self._session is None:
                self._session = self._connect(self._server.conninfo, self._barman.user, self._server.name)
            if not read_position(self._session).in_recovery:
                self._writer = self._session
            elif self._server.get("primary_conninfo"):
                self._writer = self._connect(
                    str(self._server.get("primary_conninfo")), self._barman.user, self._server.name
                )
        return self._writer

    def _close(self) -> None:
        for session in {id(item): item for item in (self._session, self._writer) if item is not None}.values():
            session.close()
        self._session = self._writer = None

    def _copy(self, request: Request, parent: Backup | None) -> Backup:
        before = {backup.backup_id for backup in read_backups(self._server)}
        reply = self._barman.json(*arguments(self._server.name, request, parent), tick=self._tick, tick_interval=_TICK)
        new = [backup for backup in read_backups(self._server) if backup.backup_id not in before]
        backup = new[-1] if new else None
        if not reply.ok or backup is None or not backup.copied:
            raise BackupError(self._why(reply, backup), backup)
        return backup

    def _tick(self) -> None:
        """Look at the copy while Barman runs, and once it is done, write to the WAL that comes after it.

        Barman then finds the last segment complete by itself, and does not have to be run again.
        """
        if self._session is None:
            return
        try:
            rows = self._session.query(
                "SELECT p.phase, p.backup_total, p.backup_streamed FROM pg_catalog.pg_stat_progress_basebackup p "
                "JOIN pg_catalog.pg_stat_activity a USING (pid) WHERE a.application_name = %s",
                [self._server.get("streaming_backup_name") or "barman_streaming_backup"],
            )
            if rows:
                self._copying = True
                self._report.update(
                    rows[0]["phase"] or "copying",
                    bytes_done=rows[0]["backup_streamed"],
                    bytes_total=rows[0]["backup_total"],
                )
            elif self._copying:
                self._report.update("finishing")
                writer = self._writable()
                if writer is not None:
                    write_marker(writer)
        except HostError:
            # The backup itself does not depend on this connection; its WAL is waited for with a new one.
            self._close()

    def _complete(self, backup: Backup, timeout: float) -> Backup:
        """Have every segment archived and the backup marked DONE."""
        if self._is_complete(backup):
            return backup
        self._report.update("waiting for WAL", backup_id=backup.backup_id)
        waiting, start_of_log = _Waiting(self._clock), log_size(self._log_file)
        watch = ArchiverWatch(self._archiver, self._clock)
        reported = [""]

        def probe() -> Probe:
            current = find(read_backups(self._server), backup.backup_id, self._server.name)
            missing = missing_wal(self._server, current)
            if missing and not waiting.nudged and not self._received(current):
                waiting.nudged = self._nudge(current)
            if missing and (self._received(current) or waiting.archive_again()):
                self._have("archive-wal")
                missing = missing_wal(self._server, current)
            if not missing and current.status == WAITING_FOR_WALS:
                self._have("check-backup", current.backup_id)
                current = find(read_backups(self._server), backup.backup_id, self._server.name)
            if self._is_complete(current):
                return Probe(True, "", current)
            if missing:
                self._give_up_where_lost(waiting, current)
            receiver = self._receiver_trouble(waiting) if missing else ""
            archiver = self._archiver_trouble(watch) if missing else ""
            if archiver != reported[0]:
                reported[0] = archiver
                self._report.update("waiting for WAL%s" % archiver, backup_id=backup.backup_id)
            wanted = "not archived: %s%s%s" % (", ".join(str(gap) for gap in missing), receiver, archiver)
            return Probe(False, wanted if missing else "status %s" % current.status)

        try:
            done: Backup = wait_for(
                "the WAL of backup %s of server '%s'" % (backup.backup_id, self._server.name),
                probe,
                timeout,
                0.2,
                self._clock,
                self._pause,
            )
        except WaitTimeout as exc:
            raise BackupError(
                "backup %s of server '%s' was copied, but its WAL is not complete, so nothing can be recovered from it yet: "
                "%s. %s Barman makes the backup DONE by itself once the WAL comes"
                % (backup.backup_id, self._server.name, exc, self._why_incomplete(waiting, backup, start_of_log)),
                backup,
            ) from None
        return done

    def _have(self, command: str, *arguments: str) -> None:
        """Have Barman do it, and keep its words where it can't."""
        completed = self._barman.text(command, self._server.name, *arguments)
        self._failure = "" if completed.ok else "'barman %s' failed: %s" % (command, failure(completed))

    def _give_up_where_lost(self, waiting: _Waiting, backup: Backup) -> None:
        """Raise BackupError where later WAL is archived, and that of the backup does not come after it either."""
        both = self._server.flag("streaming_archiver") and self._server.flag("archiver")
        lost = lost_wal(self._server, backup)
        if not waiting.hole_stays(bool(lost), _REPEATED_PATIENCE if both else _HOLE_PATIENCE):
            return
        self._have("archive-wal")
        lost = lost_wal(self._server, backup)
        if lost:
            raise BackupError(
                "backup %s of server '%s' was copied, but its WAL is not complete and never will be: %s did not come, and "
                "later segments did. Nothing can be recovered from it: take a new backup"
                % (backup.backup_id, self._server.name, ", ".join(str(gap) for gap in lost)),
                backup,
            )

    def _receiver_trouble(self, waiting: _Waiting) -> str:
        """What is wrong with the receiver, where WAL comes by it alone. Raises BackupError where it stays away.

        Barman's cron starts a receiver that ended, once a minute.
        """
        if not self._server.flag("streaming_archiver") or self._server.flag("archiver"):
            return ""
        pid = receiver_pid(self._server, command_line)
        waiting.see_receiver(pid)
        if pid is not None or waiting.without_receiver_since is None:
            return ""
        if self._clock() - waiting.without_receiver_since > _RECEIVER_PATIENCE:
            raise WaitTimeout(
                "no WAL receiver has stayed for %d s, and each that Barman's cron started has ended"
                % _RECEIVER_PATIENCE
                if waiting.receiver_came
                else "no WAL receiver has run for %d s, and Barman's cron did not start one" % _RECEIVER_PATIENCE
            )
        return "; no WAL receiver runs"

    def _archiver(self) -> ArchiverState | None:
        """The archiver of the server that is backed up; None for a standby, whose WAL its primary archives."""
        if self._session is None:
            self._session = self._connect(self._server.conninfo, self._barman.user, self._server.name)
        try:
            return None if read_position(self._session).in_recovery else read_archiver(self._session)
        except HostError:
            self._close()
            raise

    def _archiver_trouble(self, watch: ArchiverWatch) -> str:
        """What is wrong with archive_command, if WAL comes by it alone. Raises WaitTimeout if PostgreSQL archives nothing."""
        if self._server.flag("streaming_archiver") or not self._server.flag("archiver"):
            return ""
        watch.observe()
        if watch.final_problem:
            raise WaitTimeout(watch.final_problem)
        return "; %s" % watch.problem if watch.problem else ""

    def _why_incomplete(self, waiting: _Waiting, backup: Backup, start_of_log: int) -> str:
        """What keeps the WAL from coming, in whole sentences; or where to look."""
        reasons = [self._failure] if self._failure else []
        full = [str(disk) for disk in full_disks(self._server, backup.segment_size)]
        reasons += ["the disk of this host is full: %s" % disk for disk in full]
        ended = self._why_receiver_ended(start_of_log) if waiting.without_receiver_since is not None else None
        if ended is not None and not (full and ended.kind == "disk_full"):
            reasons.append(
                "the WAL receiver ended: %s (the playbook pgdr.barman.deploy reports what to do)" % ended.what
            )
        if not reasons:
            return "Run the playbook pgdr.barman.deploy: it starts the WAL receiver, or reports why it or archive_command fails."
        return " ".join("%s%s." % (reason[0].upper(), reason[1:].rstrip(".")) for reason in reasons)

    def _why_receiver_ended(self, start_of_log: int) -> Diagnosis | None:
        """From what receivers wrote to Barman's log since then."""
        said = read_receiver_log(self._log_file, start_of_log, self._server.name)
        return diagnose_stream(said, Endpoint("the server", server=self._server.name, replication=True))

    @property
    def _log_file(self) -> str:
        return self._server.get("log_file") or ""

    def _is_complete(self, backup: Backup) -> bool:
        if backup.status == FAILED:
            raise BackupError(
                "backup %s of server '%s' failed: %s"
                % (backup.backup_id, self._server.name, backup.error or "no reason"),
                backup,
            )
        if backup.done and _has_no_snapshots(backup):
            raise BackupError(
                "backup %s of server '%s' is DONE, but Barman has noted no snapshot of it: there is nothing to recover from"
                % (backup.backup_id, self._server.name),
                backup,
            )
        return backup.done and not missing_wal(self._server, backup)

    def _received(self, backup: Backup) -> bool:
        """Whether the last segment is here and the first bytes after it, so that Barman will archive it."""
        end = wal.parse_segment(str(backup.end_wal))
        names = names_in(self._server.directory("incoming_wals_directory"))
        if str(end) in names:
            return True
        names = names_in(self._server.directory("streaming_wals_directory"))
        parsed = [file for file in (wal.parse(name) for name in names) if file is not None and file.segment is not None]
        return str(end) in names and any(file.segment is not None and file.segment > end for file in parsed)

    def _nudge(self, backup: Backup) -> bool:
        """Close the last segment if it is still open, or write the bytes after it."""
        writer = self._writable()
        if writer is None or backup.end_wal is None:
            return False
        end = wal.parse_segment(backup.end_wal)
        position = read_position(writer)
        if position.lsn // position.segment_size <= end.number(position.segment_size):
            close_segment(writer, end.timeline, position.segment_size)
        else:
            write_marker(writer)
        return True

    def _why(self, reply: Reply, backup: Backup | None) -> str:
        """Why Barman did not take a backup."""
        name = self._server.name
        said = reply.reason if not reply.ok else "; ".join(reply.info) or "Barman said nothing"
        said = " ".join(said.split()).rstrip(".")
        if backup is None and backup_runs(self._server, command_line):
            return (
                "a backup of server '%s' is being taken by another process on this host: only one can be at a time (Barman reported: %s)"
                % (name, said)
            )
        # Barman starts nothing where a check fails, and there is no entry in its catalog then.
        checks = self._failed_checks() if backup is None and not reply.ok else ""
        if checks:
            return "the backup of server '%s' can't be started: %s (Barman reported: %s)" % (name, checks, said)
        text = "%s %s" % (said, backup.error if backup is not None and backup.error else "")
        return "the backup of server '%s' failed: %s.%s%s" % (
            name,
            said,
            self._disk_full(text, backup),
            _attempt(backup),
        )

    def _disk_full(self, text: str, backup: Backup | None) -> str:
        """A hint, if a disk is full now, or the message has the system's words for that. Barman runs with LC_ALL=C."""
        full = full_disks(self._server, wal.DEFAULT_SEGMENT_SIZE)
        if not full and "No space left on device" not in text and "Disk quota exceeded" not in text:
            return ""
        path = self._server.directory("basebackups_directory")
        size = backup.cluster_size if backup is not None else None
        return " The disk of this host became full. Now %s%s. Make room, or move the server's backup_directory." % (
            full[0] if full else disk_of(path) or path,
            ", and the cluster has %s" % human(size) if size else "",
        )

    def _failed_checks(self) -> str:
        """What "barman check" has against a backup, and why connections fail, in our words."""
        reasons: list[str] = []
        if (self._server.get("backup_method") or "postgres") == "postgres":
            try:
                self._connect(self._server.streaming_conninfo, self._barman.user, self._server.name, True).close()
            except ConnectionFailed as exc:
                # Several checks fail in its wake.
                return str(exc).rstrip(".")
        try:
            checks = self._barman.json("check", self._server.name).data.get(self._server.name, {})
        except BarmanError:
            checks = {}
        # Barman's checks name what comes of it, and not the disk.
        reasons += [
            "the disk of this host is full: %s" % disk for disk in full_disks(self._server, wal.DEFAULT_SEGMENT_SIZE)
        ]
        reasons += [self._failure] if self._failure else []
        for key, check in checks.items():
            if check.get("status") == "FAILED" and key not in _NO_HINDRANCE:
                hint = _OWN_HINTS.get(key) or check.get("hint")
                reasons.append("check '%s' failed%s" % (key, ": %s" % hint if hint else ""))
        return "; ".join(reasons)


def _attempt(backup: Backup | None) -> str:
    return "" if backup is None else " The failed attempt is in the catalog as %s." % backup.backup_id


def answer(backup: Backup) -> dict[str, Any]:
    """A backup as the module returns it."""
    throughput = None
    # What is in the catalog of snapshots is the backup's label.
    if backup.backup_type != "snapshot" and backup.size and backup.copy_seconds:
        throughput = int(backup.size / backup.copy_seconds)
    return {
        "id": backup.backup_id,
        "name": backup.name,
        "type": backup.backup_type,
        "status": backup.status,
        "parent": backup.parent_backup_id,
        "size": backup.size,
        "deduplicated_size": backup.deduplicated_size,
        "cluster_size": backup.cluster_size,
        "begin_time": _iso(backup.begin_time),
        "end_time": _iso(backup.end_time),
        "begin_wal": backup.begin_wal,
        "end_wal": backup.end_wal,
        "begin_lsn": backup.begin_lsn,
        "end_lsn": backup.end_lsn,
        "timeline": backup.timeline,
        "duration": backup.duration,
        "copy_duration": backup.copy_seconds,
        "throughput": throughput,
        "snapshots": None if backup.snapshots is None else backup.snapshots.as_dict(),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(timezone.utc).isoformat()
