# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster needs so that Barman receives its WAL: values to a plan.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .._barman.cluster_members import ClusterMember, primaries_of, two_primaries
from .._postgres.slots import Slot

#: Seconds for which a receiver may run while nobody uses its slot on the primary. Then it hangs on a member that was the primary before.
HANGS_AFTER = 15.0


@dataclass(frozen=True)
class FollowPlan:
    """primary: its address, None if no member is one. create, renew: the addresses of members whose slot is made, or made again at a later position.

    stop: the receiver hangs. start: none runs. problem: why nothing is done.
    """

    primary: str | None = None
    create: tuple[str, ...] = ()
    renew: tuple[str, ...] = ()
    stop: bool = False
    start: bool = False
    problem: str = ""


def plan(
    members: Mapping[str, ClusterMember | None], *, makes_slots: bool, receiver_runs: bool, idle_seconds: float = 0.0
) -> FollowPlan:
    """The plan for the members by address; None: one that does not answer.

    makes_slots: no cluster manager has slots on all members. idle_seconds: for how long a receiver has run while the primary's slot was not used.
    """
    primaries = primaries_of(members)
    if len(primaries) > 1:
        return FollowPlan(problem=two_primaries(members))
    patronis = [address for address, member in members.items() if member is not None and member.patroni]
    if makes_slots and patronis:
        return FollowPlan(
            problem=f"Patroni runs {', '.join(patronis)}, and drops slots that are not in its DCS. Write barman_cluster_manager: patroni for all members, and "
            "run pgdr.barman.deploy"
        )
    if not primaries:
        return FollowPlan()
    address = primaries[0]
    primary = members[address]
    slot = None if primary is None else primary.slot
    create = [address] if makes_slots and slot is None else []
    renew = []
    for other, member in members.items() if makes_slots else ():
        if other == address or member is None or slot is None or slot.restart_lsn is None:
            continue
        if member.slot is None and member.redo <= slot.restart_lsn:
            create.append(other)
        elif member.slot is not None and not member.slot.active and is_behind(member, member.slot, slot.restart_lsn):
            renew.append(other)
    hangs = receiver_runs and slot is not None and not slot.active and idle_seconds >= HANGS_AFTER
    return FollowPlan(
        address, tuple(create), tuple(renew), stop=hangs, start=hangs or (not receiver_runs and not _is_lost(slot))
    )


def is_behind(member: ClusterMember, slot: Slot, needed: int) -> bool:
    """Whether a new slot on this standby would retain less WAL, and still all that the receiver needs."""
    return member.redo <= needed and (slot.lost or slot.restart_lsn is None or slot.restart_lsn < member.redo)


def _is_lost(slot: Slot | None) -> bool:
    """A gap: the playbook repair is for that, because it needs a new backup."""
    return slot is not None and slot.lost
