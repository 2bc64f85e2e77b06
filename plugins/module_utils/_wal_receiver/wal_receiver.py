# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WAL receivers: the slot, the process, the first WAL archived; and a new start after a recovery or a loss.

This module util is private to the collection. Observations and plans are values; Receiver makes the former and
applies the latter, one server at a time.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .._archive_command.archiver import ArchiverState, ArchiverWatch, read_archiver
from .._barman.archive import has_unarchived, read_archive
from .._barman.catalog import Backup, read_backups
from .._barman.command import Barman, failure
from .._barman.configuration import Configuration, ServerConfiguration
from .._barman.disks import disk_of
from .._barman.locks import SETTLED_AFTER, command_line, lock_file, receiver_pid
from .._barman.receiver_log import last_messages, log_size, read_receiver_log
from .._host.files import names_in, read_text
from .._host.process import HostError
from .._host.result import ServerOutcome
from .._host.safe_files import writing_as
from .._host.waiting import Probe, WaitTimeout, wait_for
from .._postgres import wal
from .._postgres.connection import Connect, QueryFailed, Refusal, Session
from .._postgres.diagnosis import Diagnosis, Endpoint, diagnose_stream, stream_diagnosis
from .._postgres.slots import Sender, Slot, create_slot, drop_slot, read_senders, read_slot, who_has
from .._postgres.stream_state import refusal_kind
from .._postgres.synchronous import look, not_asked, wait_until_given
from .._postgres.wal_position import (
    Identity,
    WalPosition,
    close_segment,
    identify,
    read_position,
    read_way,
    write_marker,
)

# Problems that a reset mends.
RESETTABLE = ("other_timeline", "wal_removed", "ahead")

# So many seconds without a receiver that ran before: it has ended.
_GONE_AFTER = 1.0


class ReceiverError(HostError):
    """WAL is not received; the text says why and what to do. kind: one word for programs. explained: the reason is known."""

    def __init__(self, message: str, kind: str = "other", explained: bool = True) -> None:
        super().__init__(message)
        self.kind = kind
        self.explained = explained


@dataclass(frozen=True)
class Position:
    """Where pg_receivewal goes on, from what is in its directory. file: the name that says so."""

    segment: wal.Segment
    file: str | None = None


@dataclass(frozen=True)
class Archived:
    """What is here of a server's WAL. newest: the newest of the archived segments; segments: those and the received ones."""

    newest: wal.Segment | None
    archived: frozenset[wal.Segment]
    segments: frozenset[wal.Segment]
    received: tuple[tuple[str, int], ...]
    histories: Mapping[int, str]


@dataclass(frozen=True)
class Observation:
    """A server's receiver as it is now. sender: the WAL sender that serves it."""

    slot: Slot | None
    pid: int | None
    sender: Sender | None
    position: WalPosition
    archived: Archived

    @property
    def works(self) -> bool:
        streams = self.sender is not None and self.sender.state in ("streaming", "catchup")
        return self.pid is not None and (streams or (self.slot is not None and self.slot.active))

    @property
    def settled(self) -> bool:
        """It is not only a moment ago that it began to work."""
        young = self.sender is not None and self.sender.age is not None and self.sender.age < SETTLED_AFTER
        return self.works and not young


@dataclass(frozen=True)
class Reset:
    """A new start. start: the segment to begin with. set_aside: files of the receiver's directory that must go."""

    reason: str
    start: wal.Segment
    set_aside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What has to be done, in this order."""

    stop: bool = False
    drop_slot: bool = False
    reset: Reset | None = None
    begin_at: wal.Segment | None = None
    create_slot: bool = False
    start: bool = False
    prove: bool = False

    @property
    def changes(self) -> bool:
        return self.stop or self.drop_slot or self.create_slot or self.start or self.prove or self.reset is not None


def receiver_position(files: Iterable[tuple[str, int]], segment_size: int) -> Position | None:
    """Where pg_receivewal goes on with these files (name, size) in its directory; None where they say nothing.

    It takes the newest segment of any timeline: a complete one is done, a partial one is begun anew.
    """
    best: tuple[int, int, bool] | None = None
    name = None
    for file_name, size in files:
        file = wal.parse(file_name)
        if file is None or file.segment is None or file.kind not in ("segment", "partial"):
            continue
        complete = file.kind == "segment"
        if complete and file_name == str(file.segment) and size != segment_size:
            continue
        key = (file.segment.number(segment_size), file.timeline, complete)
        if best is None or key > best:
            best, name = key, file_name
    if best is None:
        return None
    number, timeline, complete = best
    return Position(wal.segment_of_number(timeline, number + 1 if complete else number, segment_size), name)


def to_set_aside(files: Iterable[tuple[str, int]], start: wal.Segment, segment_size: int) -> tuple[str, ...]:
    """The files that would make pg_receivewal go on elsewhere than at start."""
    names: list[str] = []
    for name, dummy in files:
        file = wal.parse(name)
        if file is None or file.segment is None or file.kind == "backup_label":
            continue
        own = (file.segment.number(segment_size), file.timeline)
        if own >= (start.number(segment_size), start.timeline) or (file.kind == "partial" and file.segment != start):
            names.append(name)
    return tuple(sorted(names))


def fork_after(timeline: int, way: Sequence[wal.Leg], segment_size: int) -> wal.Segment | None:
    """The segment in which the way leaves a timeline, on the timeline that it goes over to; None where it never was on it."""
    for leg, following in zip(way, way[1:]):
        if leg.timeline == timeline and leg.end is not None:
            return wal.segment_of_lsn(following.timeline, leg.end, segment_size)
    return None


def wanted_start(
    segments: Iterable[wal.Segment],
    backups: Sequence[Backup],
    way: Sequence[wal.Leg],
    position: Position | None,
    segment_size: int,
) -> wal.Segment | None:
    """Where a new start on this way leaves no gap: after what the newest backup on it has without one."""
    present = frozenset(segments)
    good = [backup for backup in backups if backup.copied and backup.begin_wal]
    for backup in sorted(good, key=lambda item: item.backup_id, reverse=True):
        begin = wal.parse_segment(str(backup.begin_wal))
        try:
            last = wal.last_without_gap(present, begin, way, segment_size)
        except wal.WalError:
            # Taken on a branch that this server is not on.
            continue
        return _on_way((last or begin).number(segment_size) + (1 if last else 0), way, segment_size)
    if position is None:
        return None
    if position.segment.timeline == way[-1].timeline:
        return position.segment
    fork = fork_after(position.segment.timeline, way, segment_size)
    return fork or _on_way(position.segment.number(segment_size), way, segment_size)


def continuity(
    segments: Iterable[wal.Segment],
    backups: Sequence[Backup],
    way: Sequence[wal.Leg],
    start: wal.Segment,
    segment_size: int,
) -> tuple[bool, list[wal.Gap]]:
    """Whether some good backup can be recovered up to start, and if not, what is missing for the newest one.

    (True, []) also where there is no backup yet.
    """
    present = frozenset(segments)
    good = [backup for backup in backups if backup.copied and backup.begin_wal]
    number = start.number(segment_size) - 1
    first_gaps: list[wal.Gap] | None = None
    for backup in sorted(good, key=lambda item: item.backup_id, reverse=True):
        begin = wal.parse_segment(str(backup.begin_wal))
        if number < begin.number(segment_size):
            return True, []
        try:
            end = _on_way(number, way, segment_size)
            missing = wal.gaps(present, begin, way, segment_size, end)
        except wal.WalError:
            # Its timeline was left before it: this server's way does not begin with that backup.
            continue
        if not missing:
            return True, []
        if first_gaps is None:
            first_gaps = missing
    return not good, first_gaps or []


def _nothing_archived_yet(seen: Observation) -> bool:
    """Whether what is received never came into the archive: nothing did, or nothing of the timeline that the server switched to."""
    newest = seen.archived.newest
    position = receiver_position(seen.archived.received, seen.position.segment_size)
    return newest is None or (position is not None and position.segment.timeline > newest.timeline)


def _on_way(number: int, way: Sequence[wal.Leg], segment_size: int) -> wal.Segment:
    for leg in way:
        if leg.end is None or number < leg.end // segment_size:
            return wal.segment_of_number(leg.timeline, number, segment_size)
    return wal.segment_of_number(way[-1].timeline, number, segment_size)


class _ReceiverLife:
    """Whether a receiver runs while something is waited for. For a moment none may be seen, while cron starts it anew."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._gone_since: float | None = None
        self.runs = False

    def note(self, pid: int | None) -> None:
        if self.runs and pid is None:
            self._gone_since = self._clock()
        self.runs = pid is not None

    @property
    def ended(self) -> bool:
        return not self.runs and self._gone_since is not None and self._clock() - self._gone_since >= _GONE_AFTER


class Receiver:
    """The receiver of one server.

    log_file: Barman's log, in which pg_receivewal's words are. timeout: seconds for each thing that is waited for.
    """

    def __init__(
        self,
        barman: Barman,
        configuration: Configuration,
        server: ServerConfiguration,
        connect: Connect,
        timeout: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        process: Callable[[int], str | None] | None = None,
    ) -> None:
        self._barman = barman
        self._server = server
        self._connect = connect
        self._timeout = timeout
        self._clock = clock
        self._pause = pause
        self._process = process or command_line
        self._log_file = configuration.global_options.get("log_file") or ""
        self._lock_file = lock_file(server, "receive-wal")
        self._streaming = server.directory("streaming_wals_directory")
        self._slot_name = server.get("slot_name") or ""
        self._application = server.get("streaming_archiver_name") or "barman_receive_wal"
        self._sessions: dict[tuple[str, bool], Session] = {}
        self._set_aside_to: str | None = None

    def run(
        self,
        state: str,
        reset: str,
        check_mode: bool,
        synchronous: bool = False,
        archiving_takes_over: bool = False,
        former_slots: Sequence[str] = (),
    ) -> ServerOutcome:
        """Bring the receiver to the state; whatever is wrong becomes the outcome's error.

        archiving_takes_over: the slot is dropped only where archive_command brings what follows. former_slots: dropped when
        the receiver runs with its own.
        """
        outcome = ServerOutcome()
        try:
            problem = self._unsuitable(state)
            if problem:
                raise ReceiverError(problem, "configuration")
            if state == "started":
                ran = self._started(outcome, reset, check_mode)
                self._drop_former(outcome, [name for name in former_slots if name != self._slot_name], check_mode)
                if synchronous and (ran or not check_mode):
                    self._synchronous(outcome, ran, check_mode)
            else:
                self._stopped(outcome, state == "absent", check_mode, archiving_takes_over)
        except HostError as exc:
            outcome.fail(exc)
        finally:
            self._close()
        return outcome

    def _unsuitable(self, state: str) -> str:
        name = self._server.name
        if self._server.passive:
            return "server '%s' is passive on this host: its WAL comes from the primary Barman host" % name
        if state != "started":
            return ""
        if not self._server.flag("streaming_archiver"):
            return (
                "server '%s' does not stream WAL: write barman_wal: [streaming] for it and deploy (streaming_archiver = on in %s)"
                % (
                    name,
                    self._server.file,
                )
            )
        if not self._server.flag("active", True):
            return "server '%s' is inactive (active = false in %s): Barman receives nothing of it" % (
                name,
                self._server.file,
            )
        return ""

    # Looking

    def _session(self, conninfo: str, replication: bool = False) -> Session:
        key = (conninfo, replication)
        if key not in self._sessions:
            self._sessions[key] = self._connect(conninfo, self._barman.user, self._server.name, replication)
        return self._sessions[key]

    def _sql(self) -> Session:
        return self._session(self._server.wal_conninfo)

    def _replication(self) -> Session:
        return self._session(self._server.wal_streaming_conninfo, True)

    def _close(self) -> None:
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()

    def pid(self) -> int | None:
        return receiver_pid(self._server, self._process)

    def _runs(self) -> bool:
        return self.pid() is not None

    def _observe(self) -> Observation:
        session = self._sql()
        position = read_position(session)
        slot = read_slot(session, self._slot_name) if self._slot_name else None
        pid = self.pid()
        sender: Sender | None = None
        if pid is not None:
            senders = read_senders(session, self._application)
            # On another slot, which the entry named before, WAL is received and this slot is left to fill the disk.
            own = [item for item in senders if slot is None or slot.active_pid == item.pid]
            sender = own[0] if own else None
        return Observation(slot, pid, sender, position, self._archived(position.segment_size))

    def _archived(self, segment_size: int) -> Archived:
        archive = read_archive(self._server, self._barman, segment_size)
        directory = self._server.directory("wals_directory").rstrip("/") + "/"
        archived = frozenset(segment for segment, path in archive.segments.items() if path.startswith(directory))
        newest = max(archived, key=lambda item: (item.timeline, item.number(segment_size)), default=None)
        received: list[tuple[str, int]] = []
        for name in names_in(self._streaming):
            path = os.path.join(self._streaming, name)
            with contextlib.suppress(FileNotFoundError):
                received.append((name, os.path.getsize(path)))
        return Archived(newest, archived, frozenset(archive.segments), tuple(received), archive.histories)

    # Starting

    def _started(self, outcome: ServerOutcome, reset: str, check_mode: bool) -> bool:
        """Start it where it does not run, and say whether it ran."""
        seen = self._observe()
        if seen.pid is not None and not seen.settled and not (seen.slot is not None and seen.slot.lost):
            # It was started a moment ago, by cron, or is about to give up.
            seen = self._settle(seen)
        outcome.before = self._state(seen)
        plan = self._plan_start(seen, reset)
        if check_mode or not plan.changes:
            outcome.changed = plan.changes
            outcome.after = self._promised(seen, plan)
            outcome.values = self._values(seen, plan)
            return not plan.start
        start_of_log = log_size(self._log_file)
        if plan.start:
            self._prepare(plan, seen)
            outcome.changed = True
            # The receiver that was stopped has written its last line.
            start_of_log = log_size(self._log_file)
            self._start(start_of_log)
        if plan.prove:
            outcome.changed = True
            self._prove(start_of_log)
        after = self._observe()
        outcome.after = self._state(after)
        outcome.values = self._values(after, plan)
        return not plan.start

    def _drop_former(self, outcome: ServerOutcome, names: Sequence[str], check_mode: bool) -> None:
        slots = [slot for slot in (read_slot(self._sql(), name) for name in names) if slot is not None]
        for slot in slots:
            if slot.active:
                who = who_has(self._sql(), slot.active_pid) if slot.active_pid else "another client"
                raise ReceiverError(
                    "Barman server '%s': its former replication slot '%s' can't be dropped: it is in use by %s"
                    % (self._server.name, slot.name, who),
                    "slot_active",
                )
        if slots:
            outcome.changed = True
            outcome.before["former_slots"] = [slot.name for slot in slots]
            outcome.after["former_slots"] = []
        for slot in [] if check_mode else slots:
            drop_slot(self._replication(), slot.name)

    def _synchronous(self, outcome: ServerOutcome, ran: bool, check_mode: bool) -> None:
        """Have the receiver confirm every commit at once, and see that commits wait for that.

        Barman looks for its name in synchronous_standby_names when it starts a receiver, and never again.
        """
        session = self._sql()
        problem = not_asked(look(session), self._application)
        if problem:
            raise ReceiverError(
                "Barman server '%s': commits do not wait for its WAL receiver: %s" % (self._server.name, problem),
                "not_synchronous",
            )
        if not check_mode:
            write_marker(session)
        try:
            # At the end of a segment every receiver has confirmed everything, so there has to be something to confirm. One in
            # synchronous mode does it at once.
            patience = 1.0 if ran else self._timeout
            seen = wait_until_given(session, self._application, patience, self._clock, self._pause, self._runs)
            outcome.before["synchronous"] = True
        except WaitTimeout:
            outcome.before["synchronous"] = False
            outcome.changed = True
            if check_mode:
                outcome.after["synchronous"] = True
                return
            self._stop()
            start_of_log = log_size(self._log_file)
            self._start(start_of_log)
            try:
                seen = wait_until_given(session, self._application, self._timeout, self._clock, self._pause, self._runs)
            except WaitTimeout as exc:
                ended = self._ended(start_of_log)
                if not self._runs() and ended.explained:
                    raise ended from None
                raise ReceiverError(
                    "Barman server '%s': commits wait for its WAL receiver, and it does not confirm them: %s. Barman's log%s may say "
                    "why" % (self._server.name, exc, self._log_name()),
                    "not_synchronous",
                ) from None
        outcome.after["synchronous"] = True
        own = [item.sync_state for item in seen.senders if item.application == self._application]
        outcome.values["sync_state"] = own[0] if own else None

    def _settle(self, seen: Observation) -> Observation:
        def probe() -> Probe:
            current = self._observe()
            return Probe(current.settled or current.pid is None, "not streaming yet", current)

        try:
            settled: Observation = wait_for(
                "the receiver", probe, min(self._timeout, 15.0), 0.3, self._clock, self._pause
            )
        except WaitTimeout:
            return seen
        return settled

    def _plan_start(self, seen: Observation, reset: str) -> Plan:
        slot_missing = bool(self._slot_name) and seen.slot is None
        if seen.works and not slot_missing and not (seen.slot is not None and seen.slot.lost):
            return Plan(prove=_nothing_archived_yet(seen))
        if seen.slot is not None and seen.slot.active and seen.pid is None:
            who = who_has(self._sql(), seen.slot.active_pid) if seen.slot.active_pid else "another client"
            raise ReceiverError(
                "Barman server '%s': the replication slot '%s' is in use by %s, and not by the receiver of this host. Stop that "
                "one, or write another barman_slot_name for this server (Barman's option slot_name)"
                % (self._server.name, self._slot_name, who),
                "slot_active",
            )
        replication = self._replication()
        identity = identify(replication)
        self._check_identity(identity)
        lost = seen.slot is not None and seen.slot.lost
        # A slot that is lost keeps no WAL, but the WAL may still be there: then a new slot loses nothing.
        trouble, position = self._trouble(seen, identity)
        stop = seen.pid is not None
        if trouble is None:
            begin_at = position.segment if position is not None and position.file is None else None
            return Plan(stop, lost, None, begin_at, slot_missing or lost, start=True, prove=True)
        if reset != "when_needed":
            raise ReceiverError(trouble.message, trouble.kind)
        return Plan(
            stop=stop,
            drop_slot=lost,
            reset=self._plan_reset(seen, identity, trouble, position),
            create_slot=slot_missing or lost,
            start=True,
            prove=True,
        )

    def _trouble(self, seen: Observation, identity: Identity) -> tuple[Diagnosis | None, Position | None]:
        """Why PostgreSQL does not stream from where the receiver stands, if a reset mends that; and where it stands.

        Raises ReceiverError for any other refusal.
        """
        size = seen.position.segment_size
        position = receiver_position(seen.archived.received, size)
        if position is None and seen.archived.newest is not None:
            position = Position(seen.archived.newest.next(size))
        if position is None:
            return None, None
        refusal = self._refusal(position.segment, size)
        if refusal is None:
            return None, position
        way = read_way(self._replication(), identity.timeline)
        begin = position.segment.begin_lsn(size)
        kind = refusal_kind(begin, position.segment.timeline, identity.lsn, way, refusal.sqlstate)
        if kind is not None:
            return stream_diagnosis(kind, self._endpoint(), str(position.segment)), position
        # The state does not explain it, so nothing is reset, whatever the words are.
        text = "Barman server '%s': PostgreSQL does not stream WAL from segment %s: %s"
        hint = diagnose_stream(refusal, self._endpoint())
        if hint is None or hint.kind in RESETTABLE:
            raise ReceiverError(text % (self._server.name, position.segment, refusal))
        raise ReceiverError(hint.message, hint.kind)

    def _refusal(self, segment: wal.Segment, segment_size: int) -> Refusal | None:
        session = self._connect(self._server.wal_streaming_conninfo, self._barman.user, self._server.name, True)
        try:
            return session.try_stream(segment.begin_lsn(segment_size), segment.timeline)
        finally:
            session.close()

    def _plan_reset(
        self, seen: Observation, identity: Identity, trouble: Diagnosis, position: Position | None
    ) -> Reset:
        size = seen.position.segment_size
        way = read_way(self._replication(), identity.timeline)
        current = wal.segment_of_lsn(identity.timeline, identity.lsn, size)
        wanted = wanted_start(seen.archived.segments, read_backups(self._server), way, position, size) or current
        if wanted.number(size) > current.number(size):
            wanted = current
        start = self._oldest(wanted, current, way, size)
        return Reset(trouble.kind, start, to_set_aside(seen.archived.received, start, size))

    def _oldest(self, wanted: wal.Segment, current: wal.Segment, way: Sequence[wal.Leg], size: int) -> wal.Segment:
        """The oldest segment from wanted on that PostgreSQL can still stream."""
        low, high = wanted.number(size), current.number(size)
        if low >= high or self._refusal(wanted, size) is None:
            return wanted
        # Segments are removed from the oldest on: halve until the border is found.
        while low + 1 < high:
            middle = (low + high) // 2
            if self._refusal(_on_way(middle, way, size), size) is None:
                high = middle
            else:
                low = middle
        return _on_way(high, way, size) if high != current.number(size) else current

    def _check_identity(self, identity: Identity) -> None:
        """Refuse another cluster's WAL in this archive."""
        path = os.path.join(self._server.directory("backup_directory"), "identity.json")
        text = read_text(path)
        try:
            known = json.loads(text).get("systemid") if text else None
        except (ValueError, AttributeError):
            known = None
        if known is not None and str(known) != identity.system_identifier:
            raise ReceiverError(
                "Barman server '%s': the PostgreSQL there is another database cluster (system identifier %s) than the one that "
                "this archive is of (%s, in %s). Give the new cluster a new name (barman_server_name), or set the old archive aside"
                % (self._server.name, identity.system_identifier, known, path),
                "system_identifier",
            )

    def _prepare(self, plan: Plan, seen: Observation) -> None:
        """Everything before the receiver is started; it can't be started by cron meanwhile."""
        if plan.stop:
            self._stop()
        with self._holding_lock():
            if plan.drop_slot and seen.slot is not None:
                drop_slot(self._replication(), self._slot_name)
            if plan.create_slot:
                self._create_slot()
            if plan.reset is not None:
                # What is complete goes into the archive, and only what is left aside.
                self._barman.text("archive-wal", self._server.name)
                self._set_aside(plan.reset)
            begin_at = plan.reset.start if plan.reset is not None else plan.begin_at
            if begin_at is not None:
                self._write_marker_file(begin_at)

    def _create_slot(self) -> None:
        try:
            create_slot(self._replication(), self._slot_name)
        except QueryFailed as exc:
            found = diagnose_stream(str(exc), self._endpoint())
            raise ReceiverError(found.message if found else str(exc), found.kind if found else "other") from None

    def _set_aside(self, reset: Reset) -> None:
        """Move files that would lead pg_receivewal astray; nothing is deleted: they may have the last transactions."""
        if not reset.set_aside:
            return
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        directory = "%s.set-aside/%s" % (self._streaming.rstrip("/"), stamp)
        with writing_as(self._barman.user, directory):
            for path in (os.path.dirname(directory), directory):
                os.makedirs(path, mode=0o700, exist_ok=True)
            for name in reset.set_aside:
                path = os.path.join(self._streaming, name)
                if os.path.exists(path):
                    shutil.move(path, os.path.join(directory, name))
        self._set_aside_to = directory

    def _write_marker_file(self, segment: wal.Segment) -> None:
        """An empty partial segment: pg_receivewal begins with it and fills it."""
        path = os.path.join(self._streaming, "%s.partial" % segment)
        with writing_as(self._barman.user, path):
            os.makedirs(self._streaming, mode=0o700, exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))

    @contextmanager
    def _holding_lock(self) -> Iterator[None]:
        """Hold Barman's own lock of the receiver, so that nobody starts one now."""
        with writing_as(self._barman.user, self._lock_file):
            handle = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ReceiverError(
                    "Barman server '%s': a receiver was started by another process at this moment; run this again"
                    % self._server.name,
                    "busy",
                ) from None
            yield
        finally:
            os.close(handle)

    def _start(self, start_of_log: int) -> None:
        self._barman.detached("receive-wal", self._server.name)
        started = self._clock()
        life = _ReceiverLife(self._clock)

        def probe() -> Probe:
            seen = self._observe()
            life.note(seen.pid)
            if seen.pid is not None:
                return Probe(seen.works, "the receiver runs and does not stream yet")
            if life.ended or (self._clock() - started > 5 and self._wrote(start_of_log)):
                raise self._ended(start_of_log)
            return Probe(False, "no receiver runs")

        try:
            wait_for(
                "the WAL receiver of server '%s' to stream" % self._server.name,
                probe,
                self._timeout,
                0.2,
                self._clock,
                self._pause,
            )
        except WaitTimeout as exc:
            if not life.runs and self._wrote(start_of_log):
                raise self._ended(start_of_log) from None
            raise ReceiverError("%s. Barman's log%s may say why" % (exc, self._log_name())) from None

    def _log_name(self) -> str:
        return " %s" % self._log_file if self._log_file else ""

    def _wrote(self, start: int) -> bool:
        """Whether a receiver ran since then: it has left lines in the log, in whatever language."""
        return bool(read_receiver_log(self._log_file, start, self._server.name))

    def _ended(self, start: int) -> ReceiverError:
        """The error for a receiver that ended, with what it wrote to Barman's log since start and, if its words are known, a hint."""
        text = read_receiver_log(self._log_file, start, self._server.name)
        hint = diagnose_stream(text, self._endpoint())
        if hint is not None:
            disk = disk_of(self._streaming) if hint.kind == "disk_full" else None
            return ReceiverError("%s Now %s." % (hint.message, disk) if disk else hint.message, hint.kind)
        messages = last_messages(text)
        return ReceiverError(
            "Barman server '%s': the WAL receiver ended%s"
            % (
                self._server.name,
                ": %s" % messages if messages else ", and Barman's log%s has no reason" % self._log_name(),
            ),
            "ended",
            explained=bool(messages),
        )

    def _endpoint(self) -> Endpoint:
        replication = self._sessions.get((self._server.wal_streaming_conninfo, True))
        endpoint = getattr(replication, "endpoint", None)
        if isinstance(endpoint, Endpoint):
            return endpoint
        return Endpoint(host="the server", server=self._server.name, replication=True)

    def _prove(self, start_of_log: int) -> None:
        """Have a segment closed and see it arrive in the archive, as long as there is a receiver."""
        closed, size = self._close_segment()
        before = self._archived(size).newest
        life = _ReceiverLife(self._clock)
        archiving = [""]

        def is_there(seen: Archived) -> bool:
            # Not by its age: the archive may have a newer timeline than the server is on.
            return seen.newest not in (None, before) if closed is None else closed in seen.archived

        def probe() -> Probe:
            seen = self._archived(size)
            life.note(self.pid())
            if not is_there(seen) and self._deliverable(size):
                completed = self._barman.text("archive-wal", self._server.name)
                archiving[0] = "" if completed.ok else "; 'barman archive-wal' failed: %s" % failure(completed)
                seen = self._archived(size)
            done = is_there(seen)
            if not done and life.ended:
                raise self._ended(start_of_log)
            runs = "" if life.runs else "no receiver runs, and "
            return Probe(done, "%sthe newest archived segment is %s%s" % (runs, seen.newest or "none", archiving[0]))

        what = "WAL segment %s" % closed if closed is not None else "a WAL segment"
        try:
            wait_for(
                "%s of server '%s' in the archive" % (what, self._server.name),
                probe,
                self._timeout,
                0.2,
                self._clock,
                self._pause,
            )
        except WaitTimeout as exc:
            hint = ""
            if closed is None:
                hint = (
                    ". It is a standby, and nothing was written on its primary meanwhile: write barman_primary for it and deploy (primary_conninfo in %s)"
                    % self._server.file
                )
            raise ReceiverError(
                "Barman server '%s': WAL streams, and is not archived: %s%s" % (self._server.name, exc, hint),
                "not_archived",
            ) from None

    def _close_segment(self) -> tuple[wal.Segment | None, int]:
        """Have a segment closed: which one, None on a standby whose primary is not known; and a segment's size."""
        session, position = self._sql(), read_position(self._sql())
        identity = identify(self._replication())
        if position.in_recovery and self._server.get("primary_conninfo"):
            session = self._session(str(self._server.get("primary_conninfo")))
            position = read_position(session)
        if position.in_recovery:
            return None, position.segment_size
        return close_segment(session, identity.timeline, position.segment_size), position.segment_size

    def _deliverable(self, segment_size: int) -> bool:
        """Whether the receiver has a complete segment that Barman would archive now: it keeps the newest file."""
        names = [name for name, dummy in self._archived(segment_size).received]
        return len(names) > 1 and any(
            name == str(file.segment) for name, file in ((n, wal.parse(n)) for n in names) if file
        )

    # Stopping

    def _stopped(self, outcome: ServerOutcome, absent: bool, check_mode: bool, archiving_takes_over: bool) -> None:
        pid = self.pid()
        slot: Slot | None = None
        if absent and self._slot_name:
            slot = read_slot(self._sql(), self._slot_name)
            if slot is not None and slot.active and pid is None:
                who = who_has(self._sql(), slot.active_pid) if slot.active_pid else "another client"
                raise ReceiverError(
                    "Barman server '%s': the replication slot '%s' can't be dropped: it is in use by %s"
                    % (self._server.name, self._slot_name, who),
                    "slot_active",
                )
        outcome.before = {"receiver": "started" if pid is not None else "stopped"}
        outcome.after = {"receiver": "stopped"}
        outcome.values = {"slot": slot.name if slot is not None and not absent else None, "receiver_pid": None}
        if absent:
            outcome.before["slot"] = self._slot_name if slot is not None else None
            outcome.after["slot"] = None
        takes_over = absent and archiving_takes_over and (slot is not None or bool(names_in(self._streaming)))
        changes = pid is not None or slot is not None or takes_over
        if check_mode or not changes:
            outcome.changed = changes
            return
        if pid is not None:
            self._stop()
            outcome.changed = True
        if not absent:
            return
        try:
            with self._holding_lock():
                if takes_over:
                    outcome.values["last_archived"] = str(self._wait_for_archiving())
                elif has_unarchived(self._server):
                    self._barman.text("archive-wal", self._server.name)
                if slot is not None:
                    self._drop_when_free()
        except HostError:
            if pid is not None:
                self._barman.detached("receive-wal", self._server.name)
                outcome.changed = False
            raise
        outcome.changed = True

    def _wait_for_archiving(self) -> wal.Segment:
        """See archive_command bring all that was received and not archived, and what follows; nobody receives meanwhile."""
        name = self._server.name
        if not self._server.flag("archiver"):
            raise ReceiverError(
                "server '%s' archives nothing that comes by archive_command: write barman_wal: [streaming, archiving] for it and deploy (archiver = on in %s)"
                % (name, self._server.file),
                "configuration",
            )
        self._barman.text("archive-wal", name)
        closed, size = self._close_segment()
        if closed is None:
            raise ReceiverError(
                "server '%s': it is a standby, and to see archiving take over, a segment has to be closed on its primary: write "
                "barman_primary for it and deploy (primary_conninfo in %s)" % (name, self._server.file),
                "configuration",
            )
        left = [file.segment for file in map(wal.parse, names_in(self._streaming)) if file is not None and file.segment]
        first = min((segment for segment in left if segment.timeline == closed.timeline), default=closed)
        needed = [
            wal.segment_of_number(closed.timeline, number, size)
            for number in range(first.number(size), closed.number(size) + 1)
        ]
        archived = self._server.directory("wals_directory").rstrip("/") + "/"
        watch = ArchiverWatch(self._archiver, self._clock)

        def probe() -> Probe:
            # What is received on purpose does not count: only what is archived, and came without the receiver.
            completed = self._barman.text("archive-wal", name)
            there = read_archive(self._server, self._barman, size).segments
            missing = [segment for segment in needed if not there.get(segment, "").startswith(archived)]
            if not missing:
                return Probe(True, "")
            watch.observe()
            if watch.final_problem:
                raise ReceiverError(
                    "server '%s': its WAL can't come by archive_command: %s. WAL is received as before, and its slot stays"
                    % (name, watch.final_problem),
                    "not_archived",
                )
            failed = "" if completed.ok else "'barman archive-wal' failed: %s" % failure(completed)
            notes = ["missing: %s" % ", ".join(map(str, missing[:5])), watch.problem, failed]
            return Probe(False, "; ".join(note for note in notes if note))

        what = "WAL of server '%s' to come by archive_command up to segment %s" % (name, closed)
        try:
            wait_for(what, probe, self._timeout, 0.5, self._clock, self._pause)
        except WaitTimeout as exc:
            raise ReceiverError(
                "%s. WAL is received as before, and its slot stays: see why PostgreSQL does not archive (pg_stat_archiver)"
                % exc,
                "not_archived",
            ) from None
        self._clear(frozenset(needed))
        return closed

    def _archiver(self) -> ArchiverState | None:
        """The archiver of the server that writes the WAL; None for a standby, whose WAL another server may archive."""
        try:
            session = self._sql()
            return None if read_position(session).in_recovery else read_archiver(session)
        except HostError:
            # The next one is asked with a new connection.
            self._close()
            raise

    def _clear(self, archived: frozenset[wal.Segment]) -> None:
        """Empty the receiver's directory: what is archived is removed, and anything else set aside."""
        rest = []
        for name in names_in(self._streaming):
            file = wal.parse(name)
            if file is not None and file.segment in archived:
                path = os.path.join(self._streaming, name)
                with writing_as(self._barman.user, path), contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
            elif file is not None and file.segment is not None:
                rest.append(name)
        if rest:
            self._set_aside(Reset("given_up", min(archived), tuple(rest)))

    def _stop(self) -> None:
        self._barman.text("receive-wal", "--stop", self._server.name)

        def probe() -> Probe:
            pid = self.pid()
            return Probe(pid is None, "process %s still runs" % pid)

        wait_for(
            "the WAL receiver of server '%s' to end" % self._server.name,
            probe,
            self._timeout,
            0.1,
            self._clock,
            self._pause,
        )

    def _drop_when_free(self) -> None:
        def probe() -> Probe:
            slot = read_slot(self._sql(), self._slot_name)
            return Probe(slot is None or not slot.active, "it is active", slot)

        what = "the replication slot '%s' of server '%s' to become free" % (self._slot_name, self._server.name)
        if wait_for(what, probe, self._timeout, 0.1, self._clock, self._pause) is not None:
            drop_slot(self._replication(), self._slot_name)

    # Telling

    def _state(self, seen: Observation) -> dict[str, Any]:
        return {
            "receiver": "started" if seen.works else "stopped",
            "slot": seen.slot.name if seen.slot is not None else None,
            "archive": "has WAL" if seen.archived.newest is not None else "empty",
        }

    def _promised(self, seen: Observation, plan: Plan) -> dict[str, Any]:
        state = self._state(seen)
        if plan.changes:
            state = {"receiver": "started", "slot": self._slot_name or None, "archive": "has WAL"}
        if plan.reset is not None:
            state["begins_at"] = str(plan.reset.start)
        return state

    def _values(self, seen: Observation, plan: Plan) -> dict[str, Any]:
        size = seen.position.segment_size
        values: dict[str, Any] = {
            "slot": seen.slot.name if seen.slot is not None else None,
            "restart_lsn": wal.format_lsn(seen.slot.restart_lsn)
            if seen.slot is not None and seen.slot.restart_lsn
            else None,
            "wal_status": seen.slot.wal_status if seen.slot is not None else None,
            "receiver_pid": seen.pid,
            "timeline": None,
            "last_archived": str(seen.archived.newest) if seen.archived.newest is not None else None,
            "sync_state": None,
            "reset": None,
            "backup_needed": False,
            "gap": [],
        }
        position = receiver_position(seen.archived.received, size)
        if position is not None:
            values["timeline"] = position.segment.timeline
        start = plan.reset.start if plan.reset is not None else position.segment if position is not None else None
        if start is not None:
            way = self._way(start.timeline, seen)
            sound, missing = continuity(seen.archived.segments, read_backups(self._server), way, start, size)
            values["backup_needed"] = not sound
            values["gap"] = [str(gap) for gap in missing]
        if plan.reset is not None:
            values["reset"] = {
                "reason": plan.reset.reason,
                "start": str(plan.reset.start),
                "set_aside": list(plan.reset.set_aside),
                "set_aside_directory": self._set_aside_to,
            }
        return values

    def _way(self, timeline: int, seen: Observation) -> list[wal.Leg]:
        """The way to a timeline, from its history file, or from PostgreSQL where it did not come here yet."""
        if timeline == 1 or timeline in seen.archived.histories:
            return wal.way_to(timeline, seen.archived.histories)
        return read_way(self._replication(), timeline)


def streaming_servers(configuration: Configuration) -> list[str]:
    """The servers whose WAL is streamed to this host."""
    return [
        name
        for name, server in sorted(configuration.servers.items())
        if server.flag("streaming_archiver") and server.flag("active", True) and not server.passive
    ]
