# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a ledger's record of kind verification has: the files that are damaged, and since when a file has not been read.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .catalog import Backup
from .ledger import Ledger, LedgerRecord


def last_verification(ledger: Ledger) -> LedgerRecord | None:
    """The verification that ran last, also if an error ended it before it found anything."""
    return ledger.last("verification")


def last_complete(ledger: Ledger) -> LedgerRecord | None:
    """The last verification that no error ended. What earlier ones found is in it, too."""
    complete = (one for one in reversed(ledger.of_kind("verification")) if one.passed or "unread_since" in one.details)
    return next(complete, None)


@dataclass(frozen=True)
class StoredBefore:
    """What any verification of a server found. files: backups or WAL. segments: WAL."""

    files: bool
    segments: bool


def stored_before(ledger: Ledger) -> StoredBefore:
    """Whether verifications found stored files."""
    found = [one.details for one in ledger.of_kind("verification")]
    reads = [one["read"] for one in found if isinstance(one.get("read"), dict)]
    return StoredBefore(any(one.get("stored_bytes") for one in found), any(one.get("segments") for one in reads))


def not_verified(record: LedgerRecord | None, backups: Sequence[Backup]) -> dict[str, str]:
    """Why the verification did not read backups, or only in part, by their ids. Without those that were deleted since."""
    found = None if record is None else record.details.get("not_verified")
    known = {one.backup_id for one in backups}
    return (
        {str(name): str(reason) for name, reason in found.items() if name in known} if isinstance(found, dict) else {}
    )


def not_verified_wal(record: LedgerRecord | None) -> dict[str, str]:
    """Why the verification did not read WAL files, by their names."""
    found = None if record is None else record.details.get("not_verified_wal")
    return {str(name): str(reason) for name, reason in found.items()} if isinstance(found, dict) else {}


def failure_of_record(record: LedgerRecord | None, backups: Sequence[Backup]) -> str:
    """Why the verification failed; "" if it passed, or if it failed only because of backups that were deleted since."""
    if record is None or record.passed:
        return ""
    listed, missing = record.details.get("damages"), record.details.get("missing")
    lost = isinstance(missing, list) and any(
        isinstance(gap, dict) and gap.get("after_latest_backup", True) for gap in missing
    )
    if listed and not damaged_files(record, backups) and not lost:
        return ""
    return str(record.details.get("reason") or "its record has no reason")


def current_damages(record: LedgerRecord | None, backups: Sequence[Backup]) -> list[Mapping[str, Any]]:
    """The damages of the record, without those of backups that were deleted since."""
    if record is None:
        return []
    known = {one.backup_id for one in backups}
    found = record.details.get("damages")
    damages = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [one for one in damages if one.get("backup_id") is None or one["backup_id"] in known]


def damaged_files(record: LedgerRecord | None, backups: Sequence[Backup]) -> int:
    """How many files are damaged. A record lists the first of them only."""
    if record is None:
        return 0
    listed, found = record.details.get("damages"), record.details.get("damaged_files")
    left = len(current_damages(record, backups))
    unlisted = found - len(listed) if isinstance(found, int) and isinstance(listed, list) else 0
    return left + max(0, unlisted)


def unread_since(record: LedgerRecord | None, backups: Sequence[Backup]) -> datetime | None:
    """Since when the file that is unread the longest has not been read; None if nothing is stored.

    Without a verification it is the end of the oldest valid backup.
    """
    if record is not None:
        try:
            return datetime.fromisoformat(str(record.details["unread_since"]))
        except (KeyError, ValueError):
            return record.time
    return min((one.end_time for one in backups if one.done and one.end_time is not None), default=None)
