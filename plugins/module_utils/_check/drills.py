# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the last proven restore of a server is recent enough, and whether a killed drill left its cluster on a drill host.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone

from .._barman.ledger import Ledger, LedgerRecord, read_ledger
from .._drill.scratch import Scratch, left_on_drill_hosts
from .._host.process import HostError
from .check import OURS, Check, ServerChecks

RESTORE_DRILL = "restore drill"
_MOST_OF_A_REASON = 300


def with_drills(
    servers: Mapping[str, ServerChecks], maximum_ages: Mapping[str, int], home: str, now: float
) -> dict[str, ServerChecks]:
    """The checks, with that of the drills for the servers with a maximum age in seconds, and for those of which a killed drill left data.

    Reads their ledgers, and the notes of drills, in Barman's home.
    """
    answers = dict(servers)
    moment = datetime.fromtimestamp(now, timezone.utc)
    left, unknown = _left(home)
    for name in servers:
        mine = [one for one in left if one.server == name]
        if name in maximum_ages:
            check = _failed(unknown) if unknown else _check(name, home, maximum_ages[name], moment, mine)
            answers[name] = answers[name].with_checks([check])
        elif mine:
            answers[name] = answers[name].with_checks([_failed(_left_text(mine))])
    return answers


def _left(home: str) -> tuple[list[Scratch], str]:
    """What killed drills left on drill hosts, or why that is not known."""
    try:
        return left_on_drill_hosts(home), ""
    except HostError as exc:
        return [], str(exc)


def _left_text(left: Sequence[Scratch]) -> str:
    return ". ".join(one.left_text for one in left)


def _failed(hint: str) -> Check:
    return Check(RESTORE_DRILL, ok=False, hint=hint, source=OURS, healable=False)


def _check(name: str, home: str, seconds: int, now: datetime, left: Sequence[Scratch]) -> Check:
    try:
        return restore_drill(name, read_ledger(home, name), seconds, now, left)
    except HostError as exc:
        return _failed(str(exc))


def restore_drill(name: str, ledger: Ledger, seconds: int, now: datetime, left: Sequence[Scratch] = ()) -> Check:
    """The check. It fails if no restore is proven, if the last one is too old, if the newest drill failed, or if a killed one left its cluster.

    left: what killed drills of the server left on drill hosts.
    """
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
    if problem or left:
        return _failed(
            ". ".join([*([f"{problem}. {command}"] if problem else []), *([_left_text(left)] if left else [])])
        )
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
