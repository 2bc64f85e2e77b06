# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether Barman protects one certain PostgreSQL server: its entry, its receiver, its archive and its backup are compared with it.

This module util is private to the collection. The functions of the first half decide from values; Protection observes.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .._barman.archive import Archive
from .._barman.catalog import DONE, Backup
from .._barman.command import Barman
from .._barman.configuration import ServerConfiguration
from .._barman.locks import receiver_pid
from .._barman.server import Server
from .._host.files import names_in
from .._host.proc import command_line
from .._host.waiting import Probe, WaitTimeout, wait_for
from .._postgres import wal
from .._postgres.connection import Connect
from .._postgres.slots import read_senders, read_slot
from .._postgres.wal_position import identify

#: The options of an entry that contain the address of a PostgreSQL server.
CONNECTION_OPTIONS = ("conninfo", "streaming_conninfo", "wal_conninfo", "wal_streaming_conninfo", "primary_conninfo")
_DEFAULT_PORT = "5432"

_SERVER = """
SELECT system_identifier::text AS system_identifier, pg_catalog.pg_is_in_recovery() AS in_recovery,
    CASE WHEN NOT pg_catalog.pg_is_in_recovery()
    THEN substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) END AS timeline
FROM pg_catalog.pg_control_system()
"""

Address = tuple[str, str]


@dataclass(frozen=True)
class ExpectedServer:
    """The server that has to be protected. backup_id: the backup that has to begin on its timeline; None for no backup."""

    system_identifier: str
    timeline: int
    backup_id: str | None = None


@dataclass(frozen=True)
class ServerIdentity:
    """Which server answers at an address. timeline: None in recovery."""

    system_identifier: str
    timeline: int | None


@dataclass(frozen=True)
class ObservedProtection:
    """What Barman has of a server. server: at conninfo; receives_from: at the receiver's address, None without streaming.

    sender_state: PostgreSQL's word for the receiver's connection. received: the newest file of the expected timeline in the receiver's
    directory. delivered: the newest segment of that timeline on this host. archived: the newest one in the archive.
    """

    server: ServerIdentity
    receives_from: ServerIdentity | None = None
    streaming: bool = False
    receiver_pid: int | None = None
    sender_state: str | None = None
    received: str | None = None
    delivered: str | None = None
    archived: str | None = None
    backup: Backup | None = None


def address_of(conninfo: str, parse: Callable[[str], Mapping[str, Any]]) -> Address:
    """The host and port of a connection string, in libpq's words."""
    words = parse(conninfo)
    return str(words.get("host") or words.get("hostaddr") or ""), str(words.get("port") or _DEFAULT_PORT)


def entry_problems(
    server: ServerConfiguration, declared: Mapping[str, Any], parse: Callable[[str], Mapping[str, Any]]
) -> list[str]:
    """The options with which the entry connects to another address than the declared ones."""
    problems: list[str] = []
    for option in CONNECTION_OPTIONS:
        if not declared.get(option):
            continue
        written = server.get(option)
        expected = address_of(str(declared[option]), parse)
        found = None if written is None else address_of(written, parse)
        if found != expected:
            problems.append(
                (
                    "{} of Barman's server '{}' ({}) is {}, and the inventory's is host {}, port {}. If the "
                    "inventory is "
                    "correct, run pgdr.barman.deploy for this backup server first. Otherwise correct ansible_host, "
                    "barman_address or barman_postgres_port"
                ).format(
                    option,
                    server.name,
                    server.file,
                    "not set" if found is None else "host {}, port {}".format(*found),
                    expected[0],
                    expected[1],
                )
            )
    return problems


def missing_protection(server: str, expected: ExpectedServer, observed: ObservedProtection) -> list[str]:
    """Why the expected server is not protected yet."""
    problems = _identity_problems(f"conninfo of Barman's server '{server}' connects to", expected, observed.server)
    if observed.streaming:
        if observed.receives_from is not None and observed.receives_from != observed.server:
            problems += _identity_problems(
                f"the WAL receiver of Barman's server '{server}' connects to", expected, observed.receives_from
            )
        if observed.receiver_pid is None:
            problems.append(f"no WAL receiver of Barman's server '{server}' runs")
        elif observed.sender_state != "streaming":
            problems.append(
                "the WAL receiver of Barman's server '{}' (process {}) does not stream from it: PostgreSQL's state "
                "is {}".format(server, observed.receiver_pid, observed.sender_state or "no connection")
            )
        if observed.received is None and observed.archived is None:
            problems.append(f"the WAL receiver of '{server}' has nothing of timeline {expected.timeline}")
    if observed.streaming and observed.archived is None:
        problems.append(f"no WAL segment of timeline {expected.timeline} of '{server}' is archived")
    if not observed.streaming and observed.delivered is None:
        problems.append(f"no WAL segment of timeline {expected.timeline} of '{server}' has arrived")
    return problems + _backup_problems(server, expected, observed.backup)


def _identity_problems(subject: str, expected: ExpectedServer, found: ServerIdentity) -> list[str]:
    if found.system_identifier != expected.system_identifier:
        return [
            f"{subject} a server with the system identifier {found.system_identifier}, and the recovered one has "
            f"{expected.system_identifier}"
        ]
    if found.timeline != expected.timeline:
        return [
            "{} a server {}, and the recovered one is on timeline {}".format(
                subject,
                "in recovery" if found.timeline is None else f"on timeline {found.timeline}",
                expected.timeline,
            )
        ]
    return []


def _backup_problems(server: str, expected: ExpectedServer, backup: Backup | None) -> list[str]:
    if expected.backup_id is None:
        return [f"no backup of timeline {expected.timeline} of '{server}' was taken"]
    if backup is None:
        return [f"Barman's server '{server}' has no backup {expected.backup_id}"]
    problems: list[str] = []
    if backup.status != DONE:
        problems.append(f"backup {backup.backup_id} of '{server}' is {backup.status}")
    if backup.systemid != expected.system_identifier:
        problems.append(
            "backup {} of '{}' is of system identifier {}, and the recovered server has {}".format(
                backup.backup_id, server, backup.systemid or "unknown", expected.system_identifier
            )
        )
    begins = None if backup.begin_wal is None else wal.parse_segment(backup.begin_wal).timeline
    if backup.timeline != expected.timeline or begins != expected.timeline:
        problems.append(
            "backup {} of '{}' begins on timeline {} ({}), and the recovered server is on {}".format(
                backup.backup_id, server, backup.timeline or "unknown", backup.begin_wal or "no WAL", expected.timeline
            )
        )
    return problems


def as_result(expected: ExpectedServer, observed: ObservedProtection) -> dict[str, Any]:
    """What the module returns of the observation."""
    result = asdict(observed)
    backup = observed.backup
    result["backup"] = (
        None
        if backup is None
        else {
            "backup_id": backup.backup_id,
            "system_identifier": backup.systemid,
            "timeline": backup.timeline,
            "begin_wal": backup.begin_wal,
        }
    )
    return {"system_identifier": expected.system_identifier, "timeline": expected.timeline, **result}


class Protection:
    """Observes what Barman has of one server, until it is protected or the time is over."""

    def __init__(
        self,
        barman: Barman,
        server: ServerConfiguration,
        connect: Connect,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        process: Callable[[int], str | None] = command_line,
    ) -> None:
        self._barman = barman
        self._server = server
        self._connect = connect
        self._clock = clock
        self._pause = pause
        self._process = process

    def prove(self, expected: ExpectedServer, timeout: float) -> tuple[ObservedProtection, list[str]]:
        """The observation, and what is missing. Waits only while the right server is there and the rest may still come. Raises HostError."""
        observations: list[tuple[ObservedProtection, list[str]]] = []

        def probe() -> Probe:
            observed = self.observe(expected)
            missing = missing_protection(self._server.name, expected, observed)
            observations.append((observed, missing))
            # A wrong server, or a backup of another one, does not become right.
            final = _identity_problems("", expected, observed.server) or (
                len(missing) == len(_backup_problems(self._server.name, expected, observed.backup))
            )
            return Probe(bool(final), "; ".join(missing))

        with contextlib.suppress(WaitTimeout):
            wait_for("protection", probe, timeout, interval=1.0, clock=self._clock, pause=self._pause)
        return observations[-1]

    def observe(self, expected: ExpectedServer) -> ObservedProtection:
        """What there is now. Raises HostError."""
        streaming = self._server.flag("streaming_archiver")
        session = self._connect(self._server.wal_conninfo, self._barman.user, self._server.name)
        try:
            row = session.query(_SERVER)[0]
            identity = ServerIdentity(
                str(row["system_identifier"]), int(row["timeline"], 16) if row["timeline"] else None
            )
            pid = receiver_pid(self._server, self._process) if streaming else None
            state = self._sender_state(session) if pid is not None else None
        finally:
            session.close()
        receives_from = None
        if streaming:
            replication = self._connect(
                self._server.wal_streaming_conninfo, self._barman.user, self._server.name, replication=True
            )
            try:
                sent = identify(replication)
                receives_from = ServerIdentity(sent.system_identifier, sent.timeline)
            finally:
                replication.close()
        server = Server(self._barman, self._server)
        found = [one for one in server.backups if one.backup_id == expected.backup_id]
        return ObservedProtection(
            server=identity,
            receives_from=receives_from,
            streaming=streaming,
            receiver_pid=pid,
            sender_state=state,
            received=self._received(expected.timeline) if streaming else None,
            delivered=_newest(server.archive, expected.timeline, ""),
            archived=_newest(
                server.archive, expected.timeline, self._server.directory("wals_directory").rstrip("/") + "/"
            ),
            backup=found[0] if found else None,
        )

    def _sender_state(self, session: Any) -> str | None:
        slot_name = self._server.get("slot_name")
        slot = read_slot(session, slot_name) if slot_name else None
        senders = read_senders(session, self._server.receiver_name)
        own = [one for one in senders if slot is None or slot.active_pid == one.pid]
        return own[0].state if own else None

    def _received(self, timeline: int) -> str | None:
        files = [(wal.parse(name), name) for name in names_in(self._server.directory("streaming_wals_directory"))]
        own = [name for file, name in files if file and file.segment is not None and file.segment.timeline == timeline]
        return os.path.basename(max(own)) if own else None


def _newest(archive: Archive, timeline: int, directory: str) -> str | None:
    found = [
        segment
        for segment, path in archive.segments.items()
        if segment.timeline == timeline and path.startswith(directory)
    ]
    return str(max(found)) if found else None
