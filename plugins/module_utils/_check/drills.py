# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the last proven restore of a server is recent enough.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from .._barman.ledger import Ledger, LedgerRecord, read_ledger
from .._host.process import HostError
from .check import OURS, Check, ServerChecks

RESTORE_DRILL = "restore drill"
_MOST_OF_A_REASON = 300


def with_drills(
    servers: Mapping[str, ServerChecks], maximum_ages: Mapping[str, int], home: str, now: float
) -> dict[str, ServerChecks]:
    """The checks, with that of the drills for the servers with a maximum age in seconds. Reads their ledgers in Barman's home."""
    answers = dict(servers)
    moment = datetime.fromtimestamp(now, timezone.utc)
    for name, seconds in maximum_ages.items():
        if name in answers:
            answers[name] = answers[name].with_checks([_check(name, home, seconds, moment)])
    return answers


def _check(name: str, home: str, seconds: int, now: datetime) -> Check:
    try:
        return restore_drill(name, read_ledger(home, name), seconds, now)
    except HostError as exc:
        return Check(RESTORE_DRILL, ok=False, hint=str(exc), source=OURS, healable=False)


def restore_drill(name: str, ledger: Ledger, seconds: int, now: datetime) -> Check:
    """The check. It fails if no restore is proven, if the last one is too old, or if the newest drill failed."""
    command = f"Run ansible-playbook pgdr.barman.drill -e barman_servers={name}"
    proven, last = ledger.proven_restore(now), ledger.last("drill")
    problem = ""
    if last is not None and not last.passed:
        reason = str(last.details.get("reason") or "no reason is known")
        short = reason if len(reason) <= _MOST_OF_A_REASON else f"{reason[:_MOST_OF_A_REASON]} …"
        problem = f"the newest drill ({minute(last.time)}) failed in phase {last.details.get('failed_phase')}: {short}"
    elif proven is None:
        problem = "no restore is proven"
        misdated = ledger.misdated("drill", now)
        if misdated is not None:
            problem += f": {misdated_text(misdated)}"
    elif (now - proven.time).total_seconds() > seconds:
        problem = f"the last proven restore ({minute(proven.time)}) is older than {duration(seconds)} (barman_drill_maximum_age)"
    if problem:
        return Check(RESTORE_DRILL, ok=False, hint=f"{problem}. {command}", source=OURS, healable=False)
    backup = "" if proven is None else f"backup {proven.details.get('backup_id')} on {minute(proven.time)}"
    return Check(RESTORE_DRILL, ok=True, hint=f"the last proven restore is of {backup}", source=OURS)


def misdated_text(record: LedgerRecord) -> str:
    """Why a drill that passed is no proof."""
    return (
        f"the drill that passed is dated {minute(record.time)}, which is more than 1 hour in the future. "
        "The clock of the backup server is wrong, or was wrong at that drill"
    )


def minute(time: datetime) -> str:
    """A point in time, for a person."""
    return time.strftime("%Y-%m-%d %H:%M UTC")


def duration(seconds: int) -> str:
    """The seconds in words."""
    for name, size in (("day", 86400), ("hour", 3600), ("second", 1)):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"
