# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup host and its servers as they were observed at one moment, as values.

This module util is private to the collection. Nothing here reads files or connects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Literal

from .._barman import catalog
from .._barman.catalog import Backup
from .._barman.cluster_members import ClusterMember, primaries_of
from .._barman.configuration import ServerConfiguration
from .._barman.ledger import Ledger, LedgerRecord, RecordKind
from .._barman.verification_record import (
    current_damages,
    damaged_files,
    failure_of_record,
    last_complete,
    last_verification,
    unread_since,
)
from .._check.check import ServerChecks
from .._postgres import wal
from .._sync.lag import PassiveState
from .postgres_state import PostgresState
from .recovery_window import RecoveryWindow
from .rpo import Rpo

PostgresReach = Literal["answered", "unreachable", "not_asked"]


@dataclass(frozen=True)
class WalFacts:
    """The WAL of a server on this host. Times are seconds since the epoch, None for never.

    waiting: complete segments that Barman has not archived yet. received_time: when WAL last came, archived or not.
    received: the newest complete segment. partial: the segment that is being received.
    """

    archived: int = 0
    last_archived: wal.Segment | None = None
    last_archived_time: float | None = None
    waiting: int = 0
    waiting_oldest_time: float | None = None
    received: wal.Segment | None = None
    partial: wal.Segment | None = None
    received_time: float | None = None
    timelines: tuple[int, ...] = ()


@dataclass(frozen=True)
class ServerObservation:
    """One of Barman's servers.

    problem: why its files can't be read; nothing else is known then. windows: the recovery windows, oldest first.
    unreachable: why PostgreSQL did not answer. receiver_pid: the process of the WAL receiver. passive: None for a server that is not.
    backup_running: whether a backup is being taken, or has waited for its WAL for less than an hour. members: of a cluster, by
    address, None for one that does not answer; empty for another server, or if PostgreSQL was not asked.
    """

    entry: ServerConfiguration
    rpo: Rpo
    checks: ServerChecks
    problem: str = ""
    backups: Sequence[Backup] = ()
    windows: Sequence[RecoveryWindow] = ()
    windows_unknown: str = ""
    wal_facts: WalFacts | None = None
    state: PostgresState | None = None
    reach: PostgresReach = "not_asked"
    unreachable: str = ""
    receiver_pid: int | None = None
    passive: PassiveState | None = None
    backup_running: bool = False
    ledger: Ledger = field(default_factory=Ledger)
    members: Mapping[str, ClusterMember | None] = field(default_factory=dict)
    time: float = 0.0

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def active(self) -> bool:
        return self.entry.flag("active", default=True)

    @property
    def streams(self) -> bool:
        """Whether Barman is to receive its WAL by streaming."""
        return self.entry.flag("streaming_archiver") and not self.entry.passive

    @property
    def archives(self) -> bool:
        """Whether archive_command is to deliver its WAL."""
        return self.entry.flag("archiver") and not self.entry.passive

    @property
    def primaries(self) -> list[str]:
        """The addresses of a cluster's members that are primaries: one, if the cluster is healthy."""
        return primaries_of(self.members)

    @property
    def last_backup(self) -> Backup | None:
        """The newest valid backup."""
        return catalog.latest(self.backups)

    @property
    def last_failure(self) -> Backup | None:
        """The newest failed backup."""
        failed = [one for one in self.backups if one.status == catalog.FAILED]
        return max(failed, key=lambda one: one.backup_id, default=None)

    @property
    def window(self) -> RecoveryWindow | None:
        """The newest recovery window."""
        return self.windows[-1] if self.windows else None

    @property
    def undelivered(self) -> int:
        """The segments that archive_command archived, as PostgreSQL reports it, and that are not here."""
        state, facts = self.state, self.wal_facts
        if state is None or facts is None or not self.archives:
            return 0
        file = wal.parse(state.archiver.last_archived_wal or "")
        if file is None or file.kind != "segment" or file.segment is None:
            return 0
        if facts.received is None or file.segment.timeline > facts.received.timeline:
            # How many they are is not known: at least this one.
            return 1
        if file.segment.timeline < facts.received.timeline:
            return 0
        return max(0, file.segment.number(state.segment_size) - facts.received.number(state.segment_size))

    @property
    def archiver_off(self) -> bool:
        """Whether archive_command should deliver WAL, and PostgreSQL archives nothing. A standby's own mode does not matter."""
        state = self.state
        return self.archives and state is not None and not state.in_recovery and state.archiver.mode == "off"

    @property
    def receiver_streams(self) -> bool:
        """Whether a receiver runs here and PostgreSQL sends WAL to it."""
        return self.receiver_pid is not None and self.state is not None and self.state.streaming

    def last_record(self, kind: RecordKind, *, passed: bool = False) -> LedgerRecord | None:
        """The record of a kind that was appended last; with passed, the newest one that passed and is not of the future."""
        return self.ledger.last_passed(kind, self.moment) if passed else self.ledger.last(kind)

    @property
    def last_verification(self) -> LedgerRecord | None:
        return last_verification(self.ledger)

    @property
    def damaged_files(self) -> int:
        """How many stored files are damaged, by the last verification that no error ended."""
        return damaged_files(last_complete(self.ledger), self.backups)

    @property
    def damages(self) -> list[str]:
        """What is wrong with the first of them."""
        return [str(one.get("problem")) for one in current_damages(last_complete(self.ledger), self.backups)]

    @property
    def unread_since(self) -> datetime | None:
        """Since when a stored file has not been read; None if nothing is stored."""
        return unread_since(last_complete(self.ledger), self.backups)

    @property
    def verification_failure(self) -> str:
        """Why the last verification failed; "" if it did not."""
        return failure_of_record(self.last_verification, self.backups)

    @property
    def moment(self) -> datetime:
        """When it was observed."""
        return datetime.fromtimestamp(self.time, timezone.utc)


@dataclass(frozen=True)
class DiskUse:
    """A file system with directories of Barman. free: bytes for a user without privileges. seconds_left: infinite if it does not fill."""

    mount: str
    free: int
    size: int
    seconds_left: float = float("inf")


@dataclass(frozen=True)
class HostObservation:
    """A backup host. time: seconds since the epoch, when the observation began. seconds: how long it took."""

    time: float
    servers: Mapping[str, ServerObservation]
    disks: Sequence[DiskUse] = ()
    seconds: float = 0.0
