# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order the members of a cluster restart.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


class RestartOrderError(ValueError):
    """No order of restarts keeps the standbys replicating."""


@dataclass(frozen=True)
class MemberSetting:
    """A setting of which a standby needs at least what its primary has: the running value, and the one after a restart."""

    running: int
    pending: int


@dataclass(frozen=True)
class RestartingMember:
    """A server that waits for a restart. settings: by name, as module replication_info returns them."""

    host: str
    in_recovery: bool
    settings: Mapping[str, MemberSetting] = field(default_factory=dict)


@dataclass(frozen=True)
class RestartOrder:
    """hosts: in this order, each proven to be up before the next. after_primary: standbys that first have to replay what their primary lowered."""

    hosts: tuple[str, ...]
    after_primary: frozenset[str] = frozenset()


def restart_order(members: Iterable[RestartingMember]) -> RestartOrder:
    """Standbys restart before their primary if that works, because then a value may rise. Others restart after it. Raises RestartOrderError.

    A standby does not start with less than its primary has, and pauses its replay, or ends before PostgreSQL 14, if its primary gets more
    (CheckRequiredParameterValues in xlogrecovery.c).
    """
    found = sorted(members, key=lambda member: member.host)
    primaries = [member for member in found if not member.in_recovery]
    before: list[str] = []
    after: list[str] = []
    for standby in (member for member in found if member.in_recovery):
        _require_enough(standby, primaries)
        if not _too_low(standby, primaries, standby_first=True):
            before.append(standby.host)
        elif not _too_low(standby, primaries, standby_first=False):
            after.append(standby.host)
        else:
            raise RestartOrderError(_in_two_steps(standby, primaries))
    return RestartOrder((*before, *(member.host for member in primaries), *after), frozenset(after))


def _too_low(standby: RestartingMember, primaries: Sequence[RestartingMember], *, standby_first: bool) -> list[str]:
    """The settings of which the standby has less than a primary after the first of both restarts."""
    return sorted(
        {
            name
            for primary in primaries
            for name, one in primary.settings.items()
            if name in standby.settings
            and (
                standby.settings[name].pending < one.running
                if standby_first
                else standby.settings[name].running < one.pending
            )
        }
    )


def _require_enough(standby: RestartingMember, primaries: Sequence[RestartingMember]) -> None:
    for primary in primaries:
        for name, one in sorted(primary.settings.items()):
            own = standby.settings.get(name)
            if own is not None and own.pending < one.pending:
                raise RestartOrderError(
                    f"{name} will be {own.pending} on {standby.host}, a standby, and {one.pending} on {primary.host}, its primary, after a restart, and "
                    f"PostgreSQL does not start a standby with less than its primary has. Set {name} on {standby.host} to {one.pending} or more, and run this "
                    "again"
                )


def _in_two_steps(standby: RestartingMember, primaries: Sequence[RestartingMember]) -> str:
    lowered = ", ".join(_too_low(standby, primaries, standby_first=True))
    raised = ", ".join(_too_low(standby, primaries, standby_first=False))
    names = ", ".join(primary.host for primary in primaries)
    return (
        f"{raised} rises and {lowered} falls with the restart of {names} and {standby.host}. A standby has to restart before its primary for the one, and "
        f"after it for the other. Set {lowered} back to the running value on both, run this again, and lower it afterwards"
    )
