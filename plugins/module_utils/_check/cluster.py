# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of a server that is a cluster: one primary, and the receiver's slot on each candidate.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping

from .._barman.cluster_members import (
    ClusterMember,
    member_questions,
    members_from,
    primaries_of,
    two_primaries,
)
from .._barman.configuration import Configuration, ServerConfiguration
from .._postgres.questions import Answer, AskAll
from .check import OURS, Check, ServerChecks

CLUSTER = "cluster"
_TIMEOUT = 5.0


def with_clusters(
    observed: Mapping[str, ServerChecks], configuration: Configuration, user: str, ask: AskAll | None
) -> dict[str, ServerChecks]:
    """The servers, those that connect to several members with the check of their cluster. ask: None if PostgreSQL can't be asked."""
    if ask is None:
        return dict(observed)
    questions = {name: member_questions(configuration.server(name)) for name in observed}
    answers = ask({key: one for found in questions.values() for key, one in found.items()}, user, _TIMEOUT)
    return {
        name: checks.with_checks(checks_of_members(configuration.server(name), answers)) if questions[name] else checks
        for name, checks in observed.items()
    }


def checks_of_members(entry: ServerConfiguration, answers: Mapping[str, Answer | None]) -> list[Check]:
    """The check of a server that is a cluster, from the members' answers."""
    return [cluster_check(members_from(entry, answers), entry.get("slot_name"))]


def _following(address: str, primary: ClusterMember | None) -> str:
    """Who the primary is, and whether Barman follows it."""
    slot = None if primary is None else primary.slot
    if slot is None:
        return f"the primary is {address}"
    return f"the primary is {address}, and " + (
        "Barman receives its WAL" if slot.active else f"nothing uses its slot '{slot.name}'"
    )


def cluster_check(members: Mapping[str, ClusterMember | None], slot_name: str | None) -> Check:
    """The check. members: by address, None for one that does not answer."""
    primaries = primaries_of(members)
    if len(primaries) > 1:
        return Check(CLUSTER, ok=False, hint=two_primaries(members), source=OURS)
    if not primaries:
        return Check(CLUSTER, ok=False, hint="no member is a primary that answers", source=OURS)
    silent = [address for address, member in members.items() if member is None]
    hint = _following(primaries[0], members[primaries[0]]) + (
        f"; {', '.join(silent)} does not answer" if silent else ""
    )
    lacking = {address: member for address, member in members.items() if member is not None and member.slot is None}
    if not slot_name or not lacking:
        return Check(CLUSTER, ok=True, hint=hint, source=OURS)
    where = ", ".join(lacking)
    if all(member.patroni for member in lacking.values()) and primaries[0] not in lacking:
        # Before 3.2, Patroni creates its permanent slots after a promotion.
        return Check(
            CLUSTER, ok=True, hint=f"{hint}; {where} has no slot '{slot_name}' until Patroni creates it", source=OURS
        )
    return Check(
        CLUSTER,
        ok=False,
        hint=f"{where} has no replication slot '{slot_name}'. 'pgdr-barman follow' creates it; with Patroni, run pgdr.barman.deploy",
        source=OURS,
    )
