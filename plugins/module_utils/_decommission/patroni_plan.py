# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a decommission removes from Patroni's DCS, and what it leaves: values to a plan.

This module util is private to the collection. All members have the same DCS, so each of them can apply the same plan: the second one changes nothing.
What only the primary can judge is left to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._host.record import FormerSetting
from .._patroni.plan import removal_patch
from .._postgres.hba_file import rules_in, with_rules
from .postgres_plan import RESTART_SETTINGS, PostgresObservation, ReleaseRequest

#: What Patroni gives PostgreSQL if the DCS has no such setting (CMDLINE_OPTIONS in patroni/postgresql/config.py).
_DEFAULTS: Mapping[str, int] = {"max_wal_senders": 10, "max_replication_slots": 10}
#: The settings of which only the primary shows how many the cluster uses. The record of a standby has them as long as they are not restored.
_USED_BY_PRIMARY = ("max_wal_senders", "max_replication_slots")


@dataclass(frozen=True)
class DcsObservation:
    """The DCS as it is. command: patronictl with the configuration file. scope: the cluster's name in Patroni. parameters: as JSON.

    rules: the lines of pg_hba, None if Patroni leaves the file to PostgreSQL. slots: the physical ones. members: how many there are.
    """

    command: str
    scope: str
    dynamic: Mapping[str, Any]
    parameters: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[str, ...] | None = None
    slots: tuple[str, ...] = ()
    members: int = 1


@dataclass(frozen=True)
class DcsPlan:
    """patch: what is merged into the DCS. changes, left, forgotten: as of a ReleasePlan. slots: those that Patroni drops on each member."""

    patch: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    forgotten: frozenset[str] = frozenset()
    slots: tuple[str, ...] = ()
    writes_rules: bool = False


@dataclass(frozen=True)
class _Restored:
    """A setting that is restored. value: as JSON, None if the DCS did not have it."""

    name: str
    value: str | None
    text: str


def make_dcs_plan(
    observed: PostgresObservation, dcs: DcsObservation, request: ReleaseRequest, recorded: Mapping[str, FormerSetting]
) -> DcsPlan:
    """recorded: the settings of this server in the host's record, as JSON."""
    active = {slot.name for slot in observed.slots if slot.name in request.slots and request.holds(slot)}
    slots = tuple(name for name in request.slots if name in dcs.slots)
    restored: list[_Restored] = []
    left = [
        f"The replication slot {name} is in use. Patroni drops it when its receiver stops" for name in sorted(active)
    ]
    forgotten: set[str] = set()
    for name, one in sorted(recorded.items()):
        if name in request.settings:
            continue
        if observed.in_recovery and name in _USED_BY_PRIMARY and dcs.parameters.get(name) != one.former:
            # In a real run, the primary had its turn.
            if not request.receivers_stop:
                left.append(_left_to_primary(dcs, name, one))
            continue
        for item in _setting(observed, dcs, request, name, one):
            if isinstance(item, _Restored):
                restored.append(item)
            else:
                left.append(item)
        forgotten.add(name)
    rules = _rules(dcs.rules, request.rules)
    restart = tuple(one.name for one in restored if one.name in RESTART_SETTINGS)
    if restart:
        left.append(
            f"{', '.join(restart)} takes effect when the members restart, the leader first: '{dcs.command} restart {dcs.scope} MEMBER' when it suits you"
        )
    return DcsPlan(
        removal_patch(dcs.dynamic, slots=slots, parameters={one.name: one.value for one in restored}, rules=rules),
        (
            *(f"remove the replication slot {name} from Patroni's DCS" for name in slots),
            *(one.text for one in restored),
            *(["remove the rules from pg_hba in Patroni's DCS"] if rules is not None else []),
        ),
        tuple(left),
        frozenset(forgotten),
        tuple(name for name in request.slots if name not in active),
        dcs.rules is not None,
    )


def _rules(lines: tuple[str, ...] | None, desired: Sequence[str]) -> list[str] | None:
    """All lines of pg_hba without the rules that are not declared any more; None if nothing changes."""
    if lines is None:
        return None
    text = "".join(f"{line}\n" for line in lines)
    return None if rules_in(text) == list(desired) else with_rules(text, desired).splitlines()


def _setting(
    observed: PostgresObservation, dcs: DcsObservation, request: ReleaseRequest, name: str, recorded: FormerSetting
) -> Iterator[_Restored | str]:
    current = dcs.parameters.get(name)
    if current == recorded.former:
        return
    shown, remedy = _shown(recorded), _remedy(dcs, recorded)
    present = None if current is None else _decoded(current)
    if current != recorded.written:
        yield f"{name} = {present} in Patroni's DCS stays: a deployment wrote {_decoded(recorded.written)}, and somebody changed it since. {remedy}"
        return
    used = _used(observed, dcs, request, name)
    restored = _DEFAULTS.get(name) if recorded.former is None else shown
    if used and str(restored).isdigit() and int(str(restored)) < used:
        yield f"{name} = {present} in Patroni's DCS stays, because the members use {used}. {remedy}"
        return
    yield _Restored(name, recorded.former, f"{name} in Patroni's DCS: {present} back to {shown}")


def _left_to_primary(dcs: DcsObservation, name: str, recorded: FormerSetting) -> str:
    current = dcs.parameters.get(name)
    present = None if current is None else _decoded(current)
    return (
        f"{name} = {present} in Patroni's DCS stays: this member is a standby, and only the primary shows how many are used, which has not restored it. "
        f"{_remedy(dcs, recorded)}"
    )


def _shown(recorded: FormerSetting) -> Any:
    return "Patroni's default" if recorded.former is None else _decoded(recorded.former)


def _remedy(dcs: DcsObservation, recorded: FormerSetting) -> str:
    return f"If nobody needs it, change it with '{dcs.command} edit-config' to {_shown(recorded)}"


def _decoded(text: str) -> Any:
    """The value. A record from before the server came under Patroni has plain text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _used(observed: PostgresObservation, dcs: DcsObservation, request: ReleaseRequest, name: str) -> int:
    """How many of a setting the members need without Barman. Each standby has a slot and a sender."""
    others = dcs.members - 1
    if name == "max_replication_slots":
        return max(others, sum(slot.name not in request.slots for slot in observed.slots))
    return max(others, observed.senders) if name == "max_wal_senders" else 0
