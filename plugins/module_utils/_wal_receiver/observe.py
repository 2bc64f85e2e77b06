# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is of one server's WAL receiver: process, slot, WAL sender, files, log.

This module util is private to the collection.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from typing import Any, Literal, Union

from .._barman.archive import read_archive
from .._barman.command import Barman
from .._barman.configuration import Configuration, ServerConfiguration
from .._barman.disks import disk_of
from .._barman.locks import lock_file, receiver_pid
from .._barman.receiver_log import last_messages, read_receiver_log
from .._host.files import names_in, read_text
from .._host.proc import command_line
from .._host.process import HostError
from .._host.waiting import Probe, wait_for
from .._postgres import timeline_history, wal
from .._postgres.connection import Connect, Session, StreamRefusal
from .._postgres.diagnosis import diagnose_stream
from .._postgres.diagnosis_rules import DiagnosisKind, Endpoint
from .._postgres.slots import Slot, WalSender, read_senders, read_slot, who_has
from .._postgres.wal_position import (
    Identity,
    read_history,
    read_position,
)
from .plan import Archived, Observation

ReceiverErrorKind = Union[
    DiagnosisKind, Literal["busy", "commits_wait", "configuration", "ended", "not_archived", "not_synchronous"]
]


class ReceiverError(HostError):
    """WAL is not received; the text contains the reason and what to do. kind: one word for programs. explained: the reason is known."""

    def __init__(self, message: str, kind: ReceiverErrorKind = "other", *, explained: bool = True) -> None:
        super().__init__(message)
        self.kind = kind
        self.explained = explained


class ReceiverHost:
    """One server's receiver on this host: what can be observed of it, and the connections for that.

    timeout: seconds for each thing that is waited for.
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
        self.barman = barman
        self.server = server
        self.connect = connect
        self.timeout = timeout
        self.clock = clock
        self.pause = pause
        self._process = process or command_line
        self.home = configuration.home
        self.log_file = configuration.global_options.get("log_file") or ""
        self.lock_file = lock_file(server, "receive-wal")
        self.directory = server.directory("streaming_wals_directory")
        self.slot_name = server.get("slot_name") or ""
        self.application = server.receiver_name
        self._sessions: dict[tuple[str, bool], Session] = {}

    def session(self, conninfo: str, *, replication: bool = False) -> Session:
        key = (conninfo, replication)
        if key not in self._sessions:
            self._sessions[key] = self.connect(conninfo, self.barman.user, self.server.name, replication=replication)
        return self._sessions[key]

    def sql(self) -> Session:
        return self.session(self.server.wal_conninfo)

    def replication(self) -> Session:
        return self.session(self.server.wal_streaming_conninfo, replication=True)

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()

    def wait_for(self, what: str, probe: Callable[[], Probe], *, interval: float, timeout: float | None = None) -> Any:
        """As waiting.wait_for, with this host's clock, and by default its timeout."""
        limit = self.timeout if timeout is None else timeout
        return wait_for(what, probe, limit, interval=interval, clock=self.clock, pause=self.pause)

    def pid(self) -> int | None:
        return receiver_pid(self.server, self._process)

    def runs(self) -> bool:
        return self.pid() is not None

    def observe(self) -> Observation:
        session = self.sql()
        position = read_position(session)
        slot = read_slot(session, self.slot_name) if self.slot_name else None
        pid = self.pid()
        sender: WalSender | None = None
        if pid is not None:
            senders = read_senders(session, self.application)
            # On another slot, which the entry named before, WAL is received and this slot is left to fill the disk.
            own = [item for item in senders if slot is None or slot.active_pid == item.pid]
            sender = own[0] if own else None
        return Observation(slot, pid, sender, position, self.archived(position.segment_size))

    def archived(self, segment_size: int) -> Archived:
        archive = read_archive(self.server, self.barman, segment_size)
        directory = self.server.directory("wals_directory").rstrip("/") + "/"
        archived = frozenset(segment for segment, path in archive.segments.items() if path.startswith(directory))
        newest = max(archived, key=lambda item: (item.timeline, item.number(segment_size)), default=None)
        received: list[tuple[str, int]] = []
        for name in names_in(self.directory):
            path = os.path.join(self.directory, name)
            with contextlib.suppress(FileNotFoundError):
                received.append((name, os.path.getsize(path)))
        return Archived(newest, archived, frozenset(archive.segments), tuple(received), archive.histories)

    def user_of(self, slot: Slot) -> str:
        """Who uses an active slot."""
        return who_has(self.sql(), slot.active_pid) if slot.active_pid else "another client"

    def refusal(self, segment: wal.Segment, segment_size: int) -> StreamRefusal | None:
        session = self.connect(self.server.wal_streaming_conninfo, self.barman.user, self.server.name, replication=True)
        try:
            return session.try_stream(segment.begin_lsn(segment_size), segment.timeline)
        finally:
            session.close()

    def check_identity(self, identity: Identity) -> None:
        """Refuse another cluster's WAL in this archive."""
        path = os.path.join(self.server.directory("backup_directory"), "identity.json")
        text = read_text(path)
        try:
            known = json.loads(text).get("systemid") if text else None
        except (ValueError, AttributeError):
            known = None
        if known is not None and str(known) != identity.system_identifier:
            raise ReceiverError(
                (
                    f"Barman server '{self.server.name}': the PostgreSQL there is another database cluster (system "
                    f"identifier {identity.system_identifier}) than that of "
                    f"this archive ({known}, in {path}). Set a new name for the new cluster (barman_server_name), or "
                    "move the old "
                    "archive aside"
                ),
                "system_identifier",
            )

    def timeline_history(self, timeline: int, observed: Observation) -> list[timeline_history.TimelineSegment]:
        """The history of a timeline, from its file, or from PostgreSQL if the file is not here yet."""
        if timeline == 1 or timeline in observed.archived.histories:
            return timeline_history.history_of(timeline, observed.archived.histories)
        return read_history(self.replication(), timeline)

    def log_name(self) -> str:
        return f" {self.log_file}" if self.log_file else ""

    def wrote(self, start: int) -> bool:
        """Whether a receiver ran since then: it has left lines in the log, in any language."""
        return bool(read_receiver_log(self.log_file, start, self.server.name))

    def ended(self, start: int) -> ReceiverError:
        """The error for a receiver that ended, with what it wrote to Barman's log since start and, if its words are known, a hint."""
        text = read_receiver_log(self.log_file, start, self.server.name)
        hint = diagnose_stream(text, self.endpoint())
        if hint is not None:
            disk = disk_of(self.directory) if hint.kind == "disk_full" else None
            return ReceiverError(f"{hint.message} Now {disk}." if disk else hint.message, hint.kind)
        messages = last_messages(text)
        return ReceiverError(
            "Barman server '{}': the WAL receiver ended{}".format(
                self.server.name,
                f": {messages}" if messages else f", and Barman's log{self.log_name()} contains no reason",
            ),
            "ended",
            explained=bool(messages),
        )

    def endpoint(self) -> Endpoint:
        replication = self._sessions.get((self.server.wal_streaming_conninfo, True))
        endpoint = getattr(replication, "endpoint", None)
        if isinstance(endpoint, Endpoint):
            return endpoint
        return Endpoint(host="the server", server=self.server.name, replication=True)
