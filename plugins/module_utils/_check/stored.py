# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether stored backups and WAL are intact, and were read recently enough, by the last verification.

This module util is private to the collection. Nothing is read but the ledger: module verify_backups reads the files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone

from .._barman.catalog import Backup, read_backups
from .._barman.configuration import Configuration
from .._barman.ledger import Ledger, read_ledger
from .._barman.verification_record import (
    current_damages,
    damaged_files,
    failure_of_record,
    last_complete,
    last_verification,
    not_verified,
    not_verified_wal,
    unread_since,
)
from .._host.process import HostError
from .check import OURS, Check, ServerChecks
from .drills import duration, minute

STORED_FILES = "stored files"
_MOST = 3
_MOST_OF_A_REASON = 300


def with_verification(
    servers: Mapping[str, ServerChecks], maximum_ages: Mapping[str, int], configuration: Configuration, now: float
) -> dict[str, ServerChecks]:
    """The checks, with that of the stored files for servers that were verified, or that have a maximum age in seconds."""
    answers = dict(servers)
    moment = datetime.fromtimestamp(now, timezone.utc)
    for name in servers:
        try:
            ledger = read_ledger(configuration.home, name)
            if name not in maximum_ages and last_verification(ledger) is None:
                continue
            check = stored_files(
                name, ledger, read_backups(configuration.server(name)), maximum_ages.get(name, 0), moment
            )
        except HostError as exc:
            # Without a declared age this check is not declared.
            if name not in maximum_ages:
                continue
            check = _failed(str(exc))
        answers[name] = answers[name].with_checks([check])
    return answers


def stored_files(name: str, ledger: Ledger, backups: Sequence[Backup], seconds: float, now: datetime) -> Check:
    """The check. It fails if a file is damaged, if the last verification failed, or if a file was not read for longer than that.

    seconds: 0 for no limit. An error can end a verification before it finds anything: what the one before it found still counts.
    """
    last, record = last_verification(ledger), last_complete(ledger)
    command = f"Run ansible-playbook pgdr.barman.verify -e barman_servers={name}"
    damages, count = current_damages(record, backups), damaged_files(record, backups)
    problems = []
    failure = failure_of_record(last, backups)
    if last is not None and failure and not (last is record and count):
        short = failure if len(failure) <= _MOST_OF_A_REASON else f"{failure[:_MOST_OF_A_REASON]} …"
        problems.append(f"the verification of {minute(last.time)} failed: {short}")
    if record is not None and count:
        texts = [str(one.get("problem")) for one in damages[:_MOST]]
        texts += [f"and {count - len(texts)} more"] if count > len(texts) else []
        problems.append(
            f"the verification of {minute(record.time)} found damaged files: {'; '.join(texts)}. Replace each file by an intact copy, or take a "
            "new backup and delete the damaged one"
        )
    since = unread_since(record, backups)
    if seconds and since is not None and (now - since).total_seconds() > seconds:
        problems.append(
            f"a backup or WAL segment has not been read since {minute(since)}, and {duration(int(seconds))} are allowed (barman_verification_days, and a "
            "day for a late run)"
        )
    texts = [
        _not_verified_text("backup", not_verified(record, backups)),
        _not_verified_text("WAL", not_verified_wal(record)),
    ]
    unread = "; ".join(filter(None, texts))
    if problems:
        return _failed(". ".join([*problems, *([unread] if unread else []), command]))
    hint = "no verification ran yet" if record is None else f"the last verification is of {minute(record.time)}"
    return Check(STORED_FILES, ok=True, hint=f"{hint}; {unread}" if unread else hint, source=OURS)


def _not_verified_text(kind: str, reasons: Mapping[str, str]) -> str:
    texts = [f"{name} ({reasons[name]})" for name in sorted(reasons, reverse=True)[:_MOST]]
    texts += [f"and {len(reasons) - len(texts)} more"] if len(reasons) > len(texts) else []
    return f"not verified: {kind} {'; '.join(texts)}" if texts else ""


def _failed(hint: str) -> Check:
    return Check(STORED_FILES, ok=False, hint=hint, source=OURS, healable=False)
