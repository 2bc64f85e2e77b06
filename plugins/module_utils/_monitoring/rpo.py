# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recovery point objective now: what is lost at most if the PostgreSQL host is destroyed in this moment.

This module util is private to the collection. Nothing here reads files or connects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from .._check.check import MissingWal
from .postgres_state import PostgresState


class RpoLimit(Enum):
    """What limits the RPO. NONE: everything that was committed is on the backup server."""

    NONE = "none"
    RECEIVER_LAG = "receiver_lag"
    UNARCHIVED = "unarchived_segment"
    ARCHIVE_FAILING = "archive_command_failing"
    RECEIVER_STOPPED = "receiver_stopped"
    SLOT_MISSING = "slot_missing"
    SLOT_LOST = "slot_lost"
    UNREACHABLE = "postgresql_unreachable"
    NOT_ASKED = "postgresql_not_asked"
    REPLICATION = "replication"
    INACTIVE = "inactive"
    WAL_MISSING = "wal_missing"
    NO_BACKUP = "no_backup"


@dataclass(frozen=True)
class RpoFacts:
    """What the RPO follows from.

    has_backup: whether there is a valid backup. recoverable: whether a recovery window has one, or the windows are not known.
    gaps: the WAL that is missing after it. window_end: the end of the newest recovery window. received: when WAL was last written on
    the backup server. received_lsn: the position up to which whole segments are there. receiver_runs: whether the process of the WAL
    receiver runs on the backup server. asked: whether PostgreSQL was asked.
    Times are seconds since the epoch, None for never.
    """

    has_backup: bool
    recoverable: bool = True
    gaps: Sequence[MissingWal] = ()
    window_end: float | None = None
    received: float | None = None
    received_lsn: int | None = None
    streaming: bool = True
    receiver_runs: bool = True
    passive: bool = False
    active: bool = True
    asked: bool = True


@dataclass(frozen=True)
class Rpo:
    """seconds, bytes: at most so much is lost; None if it is not known. unlimited: nothing can be recovered."""

    limit: RpoLimit
    seconds: float | None
    bytes: int | None
    unlimited: bool = False


def rpo_now(facts: RpoFacts, state: PostgresState | None, now: float) -> Rpo:
    """state: None if PostgreSQL did not answer, or was not asked."""
    if not facts.has_backup:
        return Rpo(RpoLimit.NO_BACKUP, None, None, unlimited=True)
    if not facts.recoverable:
        return Rpo(RpoLimit.WAL_MISSING, None, None, unlimited=True)
    if any(gap.after_latest for gap in facts.gaps):
        # WAL after the gap is of no use until there is a new backup.
        return Rpo(RpoLimit.WAL_MISSING, _since(facts.window_end, now), None, unlimited=facts.window_end is None)
    since = _since(facts.received, now)
    if facts.passive:
        return Rpo(RpoLimit.REPLICATION, since, None)
    if not facts.active:
        return Rpo(RpoLimit.INACTIVE, since, None)
    if state is None:
        return Rpo(RpoLimit.UNREACHABLE if facts.asked else RpoLimit.NOT_ASKED, since, None)
    missing = _missing_bytes(facts, state)
    if missing == 0:
        return Rpo(RpoLimit.NONE, 0.0, 0)
    lag = state.stream.write_lag if state.stream is not None and _streams(facts, state) else None
    if since is not None and lag is not None:
        since = max(since, lag)
    return Rpo(_limit(facts, state), since, missing)


def _since(moment: float | None, now: float) -> float | None:
    return None if moment is None else max(0.0, now - moment)


def _streams(facts: RpoFacts, state: PostgresState) -> bool:
    """Whether PostgreSQL streams to the backup server; to another client with the receiver's name does not count."""
    return facts.receiver_runs and state.streaming


def _missing_bytes(facts: RpoFacts, state: PostgresState) -> int | None:
    """The WAL that is on the server alone; None if nothing is known to be here."""
    written = state.stream.written if state.stream is not None and _streams(facts, state) else None
    known = [position for position in (written, facts.received_lsn) if position is not None]
    return max(0, state.lsn - max(known)) if known else None


def _limit(facts: RpoFacts, state: PostgresState) -> RpoLimit:
    if facts.streaming and not _streams(facts, state):
        if state.slot is None:
            return RpoLimit.SLOT_MISSING
        return RpoLimit.SLOT_LOST if state.slot.lost else RpoLimit.RECEIVER_STOPPED
    if facts.streaming:
        return RpoLimit.RECEIVER_LAG
    return RpoLimit.ARCHIVE_FAILING if state.archiver.failing else RpoLimit.UNARCHIVED
