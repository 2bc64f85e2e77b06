# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server has lost, as values, and what repairs it.

This module util is private to the collection. Pure: values to a plan.

WAL that is gone does not come back. The receiver starts where PostgreSQL can still stream, and a new full backup begins the next window. Both belong
to one repair: a receiver that runs again without a new backup looks healthy, and protects nothing that is written from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .._check.check import Check, MissingWal
from .._recover.windows import Window

#: wal_removed: PostgreSQL has removed WAL that the receiver needs. slot_lost: its slot keeps no WAL any more. other_timeline, ahead: the receiver's files
#: belong to a branch that the server has left. receiver_stopped: it only has to be started. wal_missing: the archive has a gap after the latest backup.
#: wal_damaged: an archived file that the latest backup needs has a wrong size. backup_missing: there is no valid backup.
ReasonCode = Literal[
    "wal_removed",
    "slot_lost",
    "other_timeline",
    "ahead",
    "receiver_stopped",
    "wal_missing",
    "wal_damaged",
    "backup_missing",
]


@dataclass(frozen=True)
class Reason:
    """Why something has to be done. message: a sentence without its full stop."""

    code: ReasonCode
    message: str

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message}


@dataclass(frozen=True)
class ReceiverFinding:
    """What module wal_receiver would do with reset=when_needed. values: what it returns. error: why it would fail."""

    values: Mapping[str, Any]
    changes: bool
    error: str | None = None


@dataclass(frozen=True)
class RepairObservation:
    """A server before the repair. receiver: None without streaming. windows: what can be recovered."""

    name: str
    passive: bool
    active: bool
    checks: Mapping[str, Check]
    gaps: Sequence[MissingWal] = ()
    receiver: ReceiverFinding | None = None
    windows: Sequence[Window] = ()


@dataclass(frozen=True)
class RepairPlan:
    """What has to be done. refused: why nothing may be, and what to do instead."""

    reasons: tuple[Reason, ...] = ()
    start_receiver: bool = False
    reset_receiver: bool = False
    back_up: bool = False
    refused: str | None = None

    @property
    def changes(self) -> bool:
        return self.start_receiver or self.back_up

    @property
    def steps(self) -> list[str]:
        """What is done, in this order, in the words that people read."""
        receiver = "reset the WAL receiver" if self.reset_receiver else "start the WAL receiver"
        return [
            *([receiver] if self.start_receiver else []),
            *(["take a full backup"] if self.back_up else []),
        ]


def make_plan(observed: RepairObservation) -> RepairPlan:
    refused = _refusal(observed)
    if refused:
        return RepairPlan(refused=f"server '{observed.name}': {refused}")
    receiver = _receiver_reasons(observed.receiver)
    archive = _archive_reasons(observed)
    lost = bool(observed.receiver is not None and observed.receiver.values.get("backup_needed"))
    if lost and not receiver and not archive and observed.receiver is not None:
        missing = ", ".join(observed.receiver.values.get("gap") or ()) or "WAL"
        archive = [Reason("wal_missing", f"{missing} is missing after the latest backup")]
    return RepairPlan(
        reasons=(*receiver, *archive),
        start_receiver=observed.receiver is not None and observed.receiver.changes,
        reset_receiver=observed.receiver is not None and bool(observed.receiver.values.get("reset")),
        back_up=lost or bool(archive),
    )


def _refusal(observed: RepairObservation) -> str | None:
    if observed.passive:
        return "it is a passive copy. Repair the server on the backup server that backs it up, then run the playbook pgdr.barman.sync"
    if not observed.active:
        return "its entry is inactive, so Barman does nothing for it. Set active to true in barman_options, and deploy"
    continuity = observed.checks.get("wal_continuity")
    if continuity is not None and not continuity.ok and continuity.healable:
        return f"{continuity.hint}. It may still arrive: streaming and archive_command both deliver WAL. Run the playbook pgdr.barman.check again in a minute"
    if observed.receiver is not None and observed.receiver.error is not None:
        return f"its WAL receiver can't be started, so a new backup would have the next gap. {observed.receiver.error}"
    return None


def _receiver_reasons(receiver: ReceiverFinding | None) -> list[Reason]:
    if receiver is None or not receiver.changes:
        return []
    values = receiver.values
    found: list[Reason] = []
    if values.get("wal_status") == "lost":
        found.append(
            Reason("slot_lost", f"PostgreSQL keeps no WAL for the replication slot '{values.get('slot')}' any more")
        )
    reset = values.get("reset")
    if reset:
        found.append(
            Reason(
                reset["reason"],
                f"the WAL receiver can't continue from its position, and would start at segment {reset['start']}",
            )
        )
    return found or [Reason("receiver_stopped", "the WAL receiver does not run, or has archived nothing yet")]


def _archive_reasons(observed: RepairObservation) -> list[Reason]:
    codes: Mapping[str, ReasonCode] = {
        "wal_continuity": "wal_missing",
        "wal_file_sizes": "wal_damaged",
        "backup_present": "backup_missing",
    }
    return [
        Reason(code, observed.checks[key].hint)
        for key, code in codes.items()
        if key in observed.checks and not observed.checks[key].ok
    ]
