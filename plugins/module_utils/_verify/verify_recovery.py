# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting what was recovered, alone and read-only, and proving that it is what it should be.

This module util is private to the collection.

The server pauses at the recovery's target, is asked, and is stopped there. It never leaves recovery, so its directory
goes on to the target and promotes by itself when it is started for good. A recovery to the end has no target to pause
at; the last record of the WAL that was laid down is given as one, on the command line.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from .._host.files import read_text
from .._host.process import Command, HostError, Runner
from .._host.process import run as run_command
from .._host.waiting import Probe, WaitTimeout, wait_for
from .._postgres import timeline_history, wal
from .._postgres.host_requirements import PRELOAD_SETTINGS
from .._postgres.instance import (
    Address,
    DataDirectory,
    InstanceError,
    Launch,
    PrivateServer,
    QueryLocked,
    find_bin_directory,
    launch,
    look_at,
    read_control,
    running_at,
)
from .._postgres.settings_file import read_settings
from .._postgres.start_settings import StartSettings, read_start_settings
from .._postgres.wal_reader import Event, WalReadError, scan
from .._recover.destination import MARKER
from .._recover.proof import PROVEN, UNPROVEN, note_proof
from .databases import LOG_LINE_PREFIX, final_refusal, inspect_databases, missing_libraries
from .outbound import observe

_COPY = re.compile(r"^cp (\S+)/%f %p$")
_LOWER = re.compile(
    r"(max_[a-z_]+) = \d+ is a lower setting than on the (?:primary|master) server,? "
    r"(?:where its value was|\(its value was) (\d+)"
)
_STOPPED_AT_XACT = re.compile(
    r"recovery stopping (after|before) (commit|abort) of (?:prepared )?transaction (\d+), time (.+)$"
)
_STOPPED_AT_NAME = re.compile(r'recovery stopping at restore point "(.*)", time (.+)$')
_STOPPED = re.compile(r"(recovery stopping (?:after|before|at) .+)$")
_CONSISTENT = re.compile(r"consistent recovery state reached at ([0-9A-F]+/[0-9A-F]+)")
_CONTROL_SETTINGS = {
    "max_connections": "max_connections setting",
    "max_worker_processes": "max_worker_processes setting",
    "max_wal_senders": "max_wal_senders setting",
    "max_prepared_transactions": "max_prepared_xacts setting",
    "max_locks_per_transaction": "max_locks_per_xact setting",
}
_EXCERPT = 25
_NO_SESSION = "Nobody could connect"
_STARTS = 4

# What PostgreSQL says, and what it means here.
_REASONS = (
    (
        "recovery ended before configured recovery target was reached",
        "the WAL that was laid down ends before the target",
    ),
    (
        "requested recovery stop point is before consistent recovery point",
        "the target lies before the end of the backup; an earlier backup is needed",
    ),
    ("WAL ends before end of online backup", "WAL that the backup itself needs is missing"),
    ("WAL ends before consistent recovery point", "WAL that the backup itself needs is missing"),
    ("could not locate required checkpoint record", "the WAL segment with the backup's checkpoint is missing"),
    ("could not find redo location", "the WAL segment with the backup's checkpoint is missing"),
    ("could not locate a valid checkpoint record", "the WAL segment with the last checkpoint is missing or damaged"),
    ("invalid checkpoint record", "the WAL segment with the last checkpoint is missing or damaged"),
    ("is not a child of this server's history", "the backup is not on the way to the target's timeline"),
    ("recovery target timeline", "the history file of the target's timeline is missing"),
    ("multiple recovery targets specified", "the directory's configuration has more than one recovery target"),
    ("could not access file", "a library of shared_preload_libraries is not installed on this host"),
    ("has invalid permissions", "the data directory must be readable by its owner alone (mode 0700 or 0750)"),
    ("has wrong ownership", "the data directory does not belong to the user that starts the server"),
    ("database files are incompatible with server", "the programs in bin_directory are of another kind of build"),
    ("No space left on device", "a file system on this host is full"),
    ("could not map anonymous shared memory", "this host has not enough memory for the settings of pg_control"),
    ("archive file", "a WAL segment that was laid down has the wrong size"),
)


class RecoveryTestError(HostError):
    """What was recovered is not what it should be. facts: what is known until then."""

    def __init__(self, message: str, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.facts = dict(facts or {})


@dataclass(frozen=True)
class Question:
    """A query, and the answer that proves the recovery; expected is False where any answer is right."""

    query: str
    database: str = "postgres"
    expect: Any = None
    expected: bool = False


@dataclass(frozen=True)
class RecoveryTestRequest:
    """What to test, as it was asked for. leave_locked: a query that waits for the recovery's own locks is no failure."""

    data_directory: str
    bin_directory: str | None = None
    user: str | None = None
    database_user: str = "postgres"
    target_lsn: str | None = None
    promote: bool = False
    checksums: bool = False
    questions: tuple[Question, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 1800.0
    leave_locked: bool = False


@dataclass(frozen=True)
class Prepared:
    """What is known before the server is started."""

    directory: DataDirectory
    bin_directory: str
    user: str
    control: Mapping[str, str]
    settings: Mapping[str, str]
    target: Mapping[str, str]
    end: LastRecord | None = None


def recovery_targets(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings among these that are a target to stop at."""
    kinds = (
        "recovery_target",
        "recovery_target_time",
        "recovery_target_xid",
        "recovery_target_lsn",
        "recovery_target_name",
    )
    return {kind: settings[kind] for kind in kinds if settings.get(kind)}


@dataclass(frozen=True)
class LastRecord:
    """Where the last record of the WAL begins and ends, and the last commit in its segment."""

    lsn: int
    end_lsn: int | None = None
    commit: Event | None = None


def last_record(directory: DataDirectory, settings: Mapping[str, str]) -> LastRecord | None:
    """The last record of the WAL that was laid down; None where it can't be told."""
    found = _COPY.match(settings.get("restore_command", ""))
    # Old versions of Barman write a path that is relative to the data directory.
    place = os.path.join(directory.path, found.group(1) if found else "pg_wal")
    label = read_text(os.path.join(directory.path, "backup_label")) or read_text(
        os.path.join(directory.path, "backup_label.old")
    )
    started = re.search(r"\(file ([0-9A-F]{24})\)", label or "")
    if started is None or not os.path.isdir(place):
        return None
    names = os.listdir(place)
    histories = {
        file.timeline: read_text(os.path.join(place, name)) or ""
        for name in names
        for file in [wal.parse(name)]
        if file is not None and file.kind == "history"
    }
    begin = wal.parse_segment(started.group(1))
    wanted = settings.get("recovery_target_timeline", "")
    try:
        timeline = (
            begin.timeline if wanted == "current" else timeline_history.newest_timeline(begin.timeline, histories)
        )
        timeline = int(wanted) if wanted.isdecimal() else timeline
        way = (
            timeline_history.history_of(timeline, histories)
            if timeline != begin.timeline
            else [timeline_history.TimelineSegment(timeline, 0, None)]
        )
        size = os.path.getsize(os.path.join(place, str(begin)))
        reach = timeline_history.last_without_gap(wal.segments_in(names), begin, way, size)
        segments = [] if reach is None else list(timeline_history.needed(begin, reach, way, size))
        for segment in reversed(segments):
            with open(os.path.join(place, str(segment)), "rb") as stream:
                data = stream.read()
            try:
                seen = scan(data)
            except WalReadError:
                continue
            if seen.last_record is not None and seen.end_lsn is not None:
                commits = [event for event in seen.events if event.kind == "commit"]
                # Records are aligned to 8 bytes, and so are the positions that PostgreSQL shows.
                return LastRecord(seen.last_record, (seen.end_lsn + 7) & ~7, commits[-1] if commits else None)
    except (wal.WalError, OSError):
        return None
    return None


def as_expected(rows: Sequence[Sequence[str | None]], expect: Any) -> bool:
    """Whether the rows of a query are what was expected.

    A scalar stands for one row of one column; a list for one column, or for one row; a list of lists for rows.
    """
    if not isinstance(expect, list):
        return len(rows) == 1 and len(rows[0]) == 1 and _same(rows[0][0], expect)
    if any(isinstance(row, list) for row in expect):
        wanted = [row if isinstance(row, list) else [row] for row in expect]
    elif len(rows) == 1 and len(rows[0]) != 1:
        wanted = [expect]
    else:
        wanted = [[value] for value in expect]
    return len(rows) == len(wanted) and all(
        len(row) == len(values) and all(_same(one, value) for one, value in zip(row, values))
        for row, values in zip(rows, wanted)
    )


def _same(found: str | None, expect: Any) -> bool:
    if found is None or expect is None:
        return found is None and expect is None
    if isinstance(expect, bool):
        return found == ("t" if expect else "f")
    text = str(expect)
    if found == text:
        return True
    try:
        return Decimal(found) == Decimal(text)
    except InvalidOperation:
        return False


def explain(log: Sequence[str]) -> str:
    """Why a server did not come up, from its log: what it means, and PostgreSQL's own words."""
    # The test's own attempts to connect are refused while the server starts.
    fatal = [line for line in log if re.search(r"\b(FATAL|PANIC):(?!\s+the database system is )", line)]
    words = [re.sub(r"^.*?(FATAL|PANIC):\s*", "", line) for line in fatal]
    for text in [*words, *log]:
        for sign, meaning in _REASONS:
            if sign in text:
                said = next((word for word in words if sign in word), words[0] if words else text)
                return "%s (PostgreSQL said: %s)" % (meaning, said)
    if words:
        return "PostgreSQL said: %s" % words[-1]
    return "PostgreSQL said: %s" % (log[-1] if log else "nothing")


def _full_disks(data_directory: str, statvfs: Callable[[str], Any] = os.statvfs) -> list[str]:
    """The data directory, and pg_wal in it, if its file system has no room for one more WAL segment."""
    found: dict[int, str] = {}
    for path in (os.path.join(data_directory, "pg_wal"), data_directory):
        try:
            status, device = statvfs(path), os.stat(path).st_dev
        except OSError:
            continue
        if status.f_bavail * status.f_frsize < wal.DEFAULT_SEGMENT_SIZE:
            found.setdefault(device, "the file system of %s" % os.path.realpath(path))
    return list(found.values())


class RecoveryTest:
    """One test: prepare() looks, run() starts and proves."""

    def __init__(
        self,
        request: RecoveryTestRequest,
        runner: Runner = run_command,
        launcher: Launch = launch,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        temporary: str = "/tmp",
    ) -> None:
        self._request = request
        self._runner = runner
        self._launcher = launcher
        self._clock = clock
        self._pause = pause
        self._temporary = temporary
        self._facts: dict[str, Any] = {}

    def prepare(self) -> Prepared:
        """Look whether the directory can be tested. Raises HostError; changes nothing."""
        request = self._request
        directory = look_at(request.data_directory)
        user = request.user or directory.owner
        if directory.postmaster_pid is not None:
            raise RecoveryTestError(
                "a PostgreSQL server runs in %s (process %d); only a directory without one can be tested"
                % (directory.path, directory.postmaster_pid)
            )
        if user != directory.owner:
            raise RecoveryTestError(
                "user: %s belongs to '%s', and PostgreSQL starts only as its owner" % (directory.path, directory.owner)
            )
        if user == "root":
            raise RecoveryTestError("%s belongs to root, and PostgreSQL does not start as root" % directory.path)
        if not directory.in_recovery and not request.promote:
            raise RecoveryTestError(
                "%s is not waiting for its recovery: it has neither recovery.signal nor standby.signal. A start would "
                "change it; if it is a throwaway copy, give 'promote: true'" % directory.path
            )
        settings = read_settings(read_text(os.path.join(directory.path, "postgresql.auto.conf")) or "")
        bin_directory = find_bin_directory(directory.major_version, request.bin_directory, self._runner)
        control = read_control(directory.path, bin_directory, user, self._runner)
        target = recovery_targets(settings)
        end: LastRecord | None = None
        if not target and not request.promote:
            end = self._end(directory, settings)
            target = {"recovery_target_lsn": wal.format_lsn(end.lsn)}
        elif "recovery_target_lsn" in target:
            found = last_record(directory, settings)
            end = found if found and found.lsn == wal.parse_lsn(target["recovery_target_lsn"]) else None
        return Prepared(directory, bin_directory, user, control, settings, target, end)

    def _end(self, directory: DataDirectory, settings: Mapping[str, str]) -> LastRecord:
        if self._request.target_lsn is not None:
            return LastRecord(wal.parse_lsn(self._request.target_lsn))
        found = last_record(directory, settings)
        if found is not None:
            return found
        planned = self._marker(directory.path).get("stop_lsn")
        if planned:
            return LastRecord(wal.parse_lsn(planned))
        raise RecoveryTestError(
            "target_lsn: %s recovers to the end of its WAL, and where that is can't be told here; give the position of "
            "the last record" % directory.path
        )

    def _marker(self, path: str) -> Mapping[str, Any]:
        text = read_text(os.path.join(path, MARKER))
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            return {}
        recovery = found.get("recovery") if isinstance(found, dict) else None
        return recovery if isinstance(recovery, dict) else {}

    def run(self) -> dict[str, Any]:
        """Start the server, prove, stop it. Raises HostError; no server is left in either case."""
        prepared = self.prepare()
        started = self._clock()
        marker = os.path.join(prepared.directory.path, MARKER)
        note_proof(marker, prepared.directory.owner, UNPROVEN)
        planned = self._marker(prepared.directory.path)
        automatic = os.path.join(prepared.directory.path, "postgresql.auto.conf")
        before = _digest(automatic)
        self._facts = {
            "data_directory": prepared.directory.path,
            "postgres_version": prepared.directory.major_version,
            "target": {
                **prepared.target,
                "recovery_target_timeline": prepared.settings.get("recovery_target_timeline"),
            },
            "planned": {key: planned[key] for key in ("backup_id", "reached", "last_recoverable") if key in planned},
            "promoted": self._request.promote,
            "consistent": False,
            "checksums": {"status": "skipped"},
        }
        with PrivateServer(
            prepared.directory.path,
            prepared.bin_directory,
            prepared.user,
            self._request.database_user,
            self._runner,
            self._launcher,
            self._clock,
            self._pause,
            self._temporary,
        ) as server:
            try:
                self._reach(server, prepared)
                self._facts["recovery_duration"] = round(self._clock() - started, 2)
                self._prove_end(prepared, planned)
                self._prove_usable(server, prepared)
                self._ask(server)
                self._facts["outbound"] = observe(server)
            except HostError as exc:
                server.stop()
                raise self._error(str(exc), server) from None
            if not server.stop():
                raise self._error("the server did not stop cleanly", server)
            self._facts["log_excerpt"] = server.log()[-_EXCERPT:]
        self._prove_stopped(prepared, before, _digest(automatic))
        if self._request.checksums:
            self._verify_checksums(prepared)
        note_proof(marker, prepared.directory.owner, PROVEN)
        self._facts["duration"] = round(self._clock() - started, 2)
        return self._facts

    def ask_running(self) -> dict[str, Any]:
        """Ask the server that was started for good from the directory. Raises HostError; changes nothing."""
        request = self._request
        started = self._clock()
        directory = look_at(request.data_directory)
        bin_directory = find_bin_directory(directory.major_version, request.bin_directory, self._runner)
        self._facts = {"data_directory": directory.path, "postgres_version": directory.major_version}
        server = running_at(directory, bin_directory, request.database_user, self._runner)
        if server.query("SELECT pg_is_in_recovery()", "template1") != [["f"]]:
            raise RecoveryTestError(
                "the server that runs with %s is in recovery still; only one that has left it can be asked for good"
                % directory.path,
                self._facts,
            )
        self._ask(server)
        self._facts["duration"] = round(self._clock() - started, 2)
        return self._facts

    def _error(self, message: str, server: PrivateServer) -> RecoveryTestError:
        self._facts["log_excerpt"] = server.log()[-_EXCERPT:]
        return RecoveryTestError(message, self._facts)

    # Coming to the target

    def _settings(self, prepared: Prepared) -> dict[str, str]:
        """What the server must have beside its own settings: nothing that others could notice, and room for the WAL."""
        level = prepared.control.get("wal_level setting", "replica")
        slots = os.path.join(prepared.directory.path, "pg_replslot")
        settings = {
            name: prepared.control.get(key, "") for name, key in _CONTROL_SETTINGS.items() if key in prepared.control
        }
        settings.update(
            {
                "wal_level": "replica" if level == "minimal" else level,
                "max_replication_slots": str(max(10, len(os.listdir(slots)) if os.path.isdir(slots) else 0)),
                "hot_standby": "on",
                "archive_mode": "off",
                "archive_command": "",
                "primary_conninfo": "",
                "primary_slot_name": "",
                "archive_cleanup_command": "",
                "recovery_min_apply_delay": "0",
                "max_logical_replication_workers": "0",
                "synchronous_standby_names": "",
                "shared_preload_libraries": "",
                "session_preload_libraries": "",
                "local_preload_libraries": "",
                "autovacuum": "off",
                "restart_after_crash": "off",
                "ssl": "off",
                "shared_buffers": "128MB",
                "huge_pages": "off",
                "logging_collector": "off",
                "log_destination": "stderr",
                "log_min_messages": "warning",
                "log_line_prefix": LOG_LINE_PREFIX,
                "log_timezone": "UTC",
                "TimeZone": "UTC",
                "DateStyle": "ISO, YMD",
                "lc_messages": "C",
                "cluster_name": "verify_recovery",
            }
        )
        if prepared.directory.major_version >= 15:
            settings["archive_library"] = ""
        if prepared.directory.major_version >= 17:
            settings["sync_replication_slots"] = "off"
            settings["summarize_wal"] = "off"
        if self._request.promote:
            settings["recovery_target_action"] = "promote"
        else:
            settings["recovery_target_action"] = "pause"
            # Barman's removes the WAL, and this recovery is not to end.
            settings["recovery_end_command"] = ""
            if not recovery_targets(prepared.settings):
                settings.update(prepared.target)
        replayed = (self._marker(prepared.directory.path).get("verified") or {}).get("wal") or {}
        if replayed.get("resource_managers"):
            # Only a library of an extension can replay the records of its resource manager.
            preloaded = self._configured(prepared).values.get("shared_preload_libraries", "")
            settings["shared_preload_libraries"] = preloaded
        settings.update(self._request.settings)
        return settings

    def _reach(self, server: PrivateServer, prepared: Prepared) -> None:
        settings = self._settings(prepared)
        deadline = self._clock() + self._request.timeout
        for dummy in range(_STARTS):
            before = len(server.log())
            server.start(settings)
            try:
                state = wait_for(
                    "the recovery's target was not reached",
                    partial(self._probe, server, before),
                    max(1.0, deadline - self._clock()),
                    0.3,
                    self._clock,
                    self._pause,
                )
            except WaitTimeout as exc:
                raise RecoveryTestError(
                    "%s. If it was going on, run the playbook with a longer barman_recover_timeout (option timeout of the module)"
                    % exc
                ) from None
            higher = dict(_LOWER.findall("\n".join(server.log()[before:])))
            if state is not None:
                self._note(server, state)
                return
            # The primary's settings were raised after the backup, and hot standby needs at least the same.
            if not higher or all(settings.get(name) == value for name, value in higher.items()):
                break
            server.stop()
            settings.update(higher)
            self._facts["settings_needed"] = {**self._facts.get("settings_needed", {}), **higher}
        full = _full_disks(prepared.directory.path)
        raise RecoveryTestError(
            "the server did not come to its recovery target: %s%s"
            % ("".join("%s is full. Free some room there. " % one for one in full), explain(server.log()))
        )

    def _probe(self, server: PrivateServer, before: int) -> Probe:
        if not server.running:
            return Probe(True, "the server ended", None)
        try:
            rows = server.query(
                "SELECT pg_is_in_recovery(), CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END, "
                "pg_last_wal_replay_lsn(), pg_last_xact_replay_timestamp(), "
                "greatest((SELECT min_recovery_end_timeline FROM pg_control_recovery()), "
                "(SELECT timeline_id FROM pg_control_checkpoint()))",
                "template1",
            )
        except InstanceError as exc:
            refused = final_refusal(server.log()[before:])
            if refused is not None and refused.login:
                raise RecoveryTestError(
                    "pg_superuser (option database_user of the module): '%s' can't log in to the recovered server: %s"
                    % (self._request.database_user, refused.text)
                ) from None
            if refused is not None:
                raise RecoveryTestError(
                    "the recovered server can't be used on this host: PostgreSQL refuses connections with %s (SQLSTATE %s)"
                    % (refused.text, refused.code)
                ) from None
            return Probe(False, _last(server.log()) or str(exc))
        # Read after the answer: what led to it is in the log by then. Before it is what an earlier start said.
        log = server.log()[before:]
        in_recovery, paused, lsn, moment, timeline = rows[0]
        state = {"lsn": lsn, "time": moment, "timeline": int(timeline or 0), "in_recovery": in_recovery == "t"}
        seen = "replayed to %s, last transaction %s" % (lsn, moment)
        if in_recovery == "f":
            return Probe(True, seen, state)
        if paused == "t":
            if any(_STOPPED.search(line) for line in log):
                return Probe(not self._request.promote, seen, state)
            if any(_LOWER.search(line) for line in log):
                return Probe(True, seen, None)
        return Probe(False, seen)

    def _note(self, server: PrivateServer, state: Mapping[str, Any]) -> None:
        log = server.log()
        reached: dict[str, Any] = {
            "lsn": state["lsn"],
            "time": state["time"],
            "xid": None,
            "name": None,
            "message": None,
        }
        for line in log:
            stopped = _STOPPED.search(line)
            if stopped:
                reached["message"] = stopped.group(1)
                transaction, name = _STOPPED_AT_XACT.search(line), _STOPPED_AT_NAME.search(line)
                if transaction:
                    reached["xid"] = int(transaction.group(3))
                if name:
                    reached["name"] = name.group(1)
        consistent = [found.group(1) for found in map(_CONSISTENT.search, log) if found]
        self._facts.update(
            reached=reached,
            timeline=state["timeline"],
            consistent=bool(consistent) or state["lsn"] is not None,
            consistent_lsn=consistent[-1] if consistent else None,
        )
        if not state["in_recovery"] and not self._request.promote:
            raise RecoveryTestError(
                "the server left recovery although it was to pause: hot standby was not possible at the target. The "
                "directory is a server of its own timeline now; recover again before you use it"
            )

    def _prove_end(self, prepared: Prepared, planned: Mapping[str, Any]) -> None:
        end = prepared.end
        if end is None or end.end_lsn is None:
            return
        reached = wal.parse_lsn(self._facts["reached"]["lsn"] or "0/0")
        known = (planned.get("last_recoverable") or {}).get("lsn")
        expected = max(end.end_lsn, wal.parse_lsn(known) if known else 0)
        if reached < expected:
            raise RecoveryTestError(
                "the recovery ended at %s, %d bytes before the end of the WAL at %s"
                % (wal.format_lsn(reached), expected - reached, wal.format_lsn(expected))
            )
        if end.commit is not None and end.commit.lsn == end.lsn:
            # PostgreSQL does not count the record at which it stops.
            self._facts["reached"].update(time=end.commit.time.isoformat(" "), xid=end.commit.xid)

    # The proofs

    def _configured(self, prepared: Prepared) -> StartSettings:
        """What the server will preload when it is started for good."""
        return read_start_settings(
            prepared.directory.path,
            prepared.directory.major_version,
            prepared.user,
            prepared.bin_directory,
            self._runner,
            names=dict.fromkeys(PRELOAD_SETTINGS, 0),
        )

    def _prove_usable(self, server: PrivateServer, prepared: Prepared) -> None:
        """Whether this host has what the databases and the configuration need."""
        version = prepared.directory.major_version

        def ask(query: str, database: str) -> list[list[str | None]]:
            return server.query(query, database, self._request.timeout)

        usable, problems, collations = inspect_databases(ask, version)
        self._facts.update(databases=usable, collation_mismatches=collations)
        configured = self._configured(prepared)
        for name, consequence in zip(PRELOAD_SETTINGS, ("PostgreSQL would not start", *[_NO_SESSION] * 2)):
            missing = missing_libraries(ask, configured.values.get(name, ""), local=name == "local_preload_libraries")
            if missing:
                problems.append(
                    "%s in %s: not installed on this host: %s. %s"
                    % (name, configured.file, ", ".join(missing), consequence)
                )
        if problems:
            raise RecoveryTestError("; ".join(problems), self._facts)

    def _ask(self, server: PrivateServer | Address) -> None:
        answers: list[dict[str, Any]] = []
        problems: list[str] = []
        self._facts["queries"] = answers
        for question in self._request.questions:
            answer: dict[str, Any] = {
                "database": question.database,
                "query": question.query,
                "rows": None,
                "matched": None,
                "locked": False,
            }
            if question.expected:
                answer["expect"] = question.expect
            answers.append(answer)
            try:
                rows = server.query(question.query, question.database, self._request.timeout)
            except QueryLocked:
                answer["locked"] = True
                if not self._request.leave_locked:
                    problems.append(
                        "the query \"%s\" in '%s' can't be answered where the recovery stopped: a transaction that had not ended there "
                        "holds a lock on what it reads, as DROP, TRUNCATE and ALTER do, and gives that up only when the recovery "
                        "ends. Ask it then (running), or have a copy promoted (promote)"
                        % (question.query, question.database)
                    )
                continue
            except HostError as exc:
                answer["matched"] = False
                problems.append("the query \"%s\" in '%s' failed: %s" % (question.query, question.database, exc))
                continue
            answer["rows"] = rows
            if question.expected:
                answer["matched"] = as_expected(rows, question.expect)
                if not answer["matched"]:
                    problems.append(
                        "the query \"%s\" in '%s' answered %s, expected was %s"
                        % (question.query, question.database, _shown(rows), json.dumps(question.expect))
                    )
        if problems:
            raise RecoveryTestError("; ".join(problems), self._facts)

    def _prove_stopped(self, prepared: Prepared, before: str, after: str) -> None:
        request = self._request
        control = read_control(prepared.directory.path, prepared.bin_directory, prepared.user, self._runner)
        state = control.get("Database cluster state", "")
        expected = "shut down" if request.promote else "shut down in recovery"
        problems: list[str] = []
        if state != expected:
            problems.append("after the test the control file says '%s' and not '%s'" % (state, expected))
        if before != after:
            problems.append("the test changed postgresql.auto.conf")
        now = look_at(prepared.directory.path)
        if not request.promote and not now.in_recovery:
            problems.append("the test removed recovery.signal")
        if problems:
            raise RecoveryTestError("; ".join(problems), self._facts)
        self._facts["stopped_cleanly"] = True

    def _verify_checksums(self, prepared: Prepared) -> None:
        if prepared.control.get("Data page checksum version", "0") == "0":
            self._facts["checksums"] = {"status": "off", "enabled": False}
            return
        started = self._clock()
        completed = self._runner(
            Command(
                [os.path.join(prepared.bin_directory, "pg_checksums"), "--check", "-D", prepared.directory.path],
                user=prepared.user,
                timeout=self._request.timeout,
            )
        )
        counts = {
            key: int(value)
            for key, value in re.findall(
                r"^(Files scanned|Blocks scanned|Bad checksums):\s+(\d+)", completed.stdout, re.M
            )
        }
        self._facts["checksums"] = {
            "status": "verified" if completed.ok else "wrong",
            "enabled": True,
            "seconds": round(self._clock() - started, 2),
            "files": counts.get("Files scanned"),
            "blocks": counts.get("Blocks scanned"),
            "bad": counts.get("Bad checksums"),
        }
        if not completed.ok:
            raise RecoveryTestError(
                "data checksums are wrong: %s. The damage is in the backup, and may have been in the server before it: recover from an earlier "
                "backup (playbook: barman_recover_backup_id), or accept it with checksums: false (playbook: "
                "barman_recover_verify_backup=false)" % completed.text,
                self._facts,
            )


def _last(log: Sequence[str]) -> str:
    return log[-1] if log else ""


def _shown(rows: Sequence[Sequence[str | None]]) -> str:
    value: Any = rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else rows
    text = json.dumps(value)
    return text if len(text) < 300 else text[:300] + " …"


def _digest(path: str) -> str:
    return hashlib.sha256((read_text(path) or "").encode("utf-8", "surrogateescape")).hexdigest()
