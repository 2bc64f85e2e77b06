# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Barman needs of a cluster's configuration, which Patroni has in its DCS: values to a patch.

This module util is private to the collection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._host.process import HostError
from .._postgres.hba_file import rules_in, with_rules

#: States of a member, as 'patronictl list' has them. In another one its server is down, or not built yet: it reads the DCS when it starts.
_RUNS = ("running", "streaming", "in archive recovery")
_RESTARTING = ("restarting", "starting")


@dataclass(frozen=True)
class PatroniRequest:
    """slots: names of physical slots. parameters: PostgreSQL's settings with their values. rules: the lines of pg_hba.conf."""

    slots: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class PatroniPlan:
    """patch: what is merged into the configuration in the DCS, empty if nothing changes. before, after: what is shown of it.

    replaced: the settings that change, as the host's record takes them: name, altered (the former value) and desired, both as JSON, which keeps their type.
    writes_rules: whether Patroni writes pg_hba.conf from the DCS. If not, the file is PostgreSQL's own on each member.
    """

    patch: Mapping[str, Any]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    writes_rules: bool
    replaced: tuple[Mapping[str, str | None], ...] = ()


def plan(dynamic: Mapping[str, Any], local: Mapping[str, Any], request: PatroniRequest, file: str) -> PatroniPlan:
    """dynamic: the configuration in the DCS. local: that of the file, which takes precedence. Raises HostError if the file overrides what has to change,
    or a slot of that name is not a physical one.
    """
    own = _section(local, "postgresql")
    parameters = _section(_section(dynamic, "postgresql"), "parameters")
    _refuse_local(own, request, file)
    found_lines = rule_lines(dynamic, local)
    writes_rules, lines = found_lines is not None, list(found_lines or ())
    desired = with_rules("".join(f"{line}\n" for line in lines), request.rules).splitlines() if writes_rules else []
    known_slots = _section(dynamic, "slots")
    _refuse_slots(known_slots, request.slots)
    # A slot that is there keeps further keys, such as cluster_type.
    slots = {name: known_slots.get(name, {"type": "physical"}) for name in request.slots}
    patch: dict[str, Any] = {}
    new_slots = {name: value for name, value in slots.items() if name not in known_slots}
    new_parameters = {name: value for name, value in request.parameters.items() if str(parameters.get(name)) != value}
    if new_slots:
        patch["slots"] = new_slots
    if new_parameters:
        patch.setdefault("postgresql", {})["parameters"] = new_parameters
    if desired != lines:
        patch.setdefault("postgresql", {})["pg_hba"] = desired
    before = {
        "slots": {name: known_slots[name] for name in slots if name in known_slots},
        "parameters": {name: str(parameters[name]) for name in request.parameters if parameters.get(name) is not None},
        "pg_hba": rules_in("\n".join(lines)),
    }
    after = {
        "slots": slots,
        "parameters": dict(request.parameters),
        "pg_hba": list(request.rules) if writes_rules else [],
    }
    replaced = tuple(
        {"name": name, "altered": as_json(parameters.get(name)), "desired": as_json(value)}
        for name, value in new_parameters.items()
    )
    return PatroniPlan(patch, before, after, writes_rules, replaced)


def rule_lines(dynamic: Mapping[str, Any], local: Mapping[str, Any]) -> list[str] | None:
    """The lines of pg_hba.conf in the DCS; None if Patroni leaves the file to PostgreSQL."""
    postgresql = _section(dynamic, "postgresql")
    rules = postgresql.get("pg_hba")
    # An hba_file is somebody's own: Patroni ignores its own list then.
    elsewhere = "hba_file" in {
        **_section(postgresql, "parameters"),
        **_section(_section(local, "postgresql"), "parameters"),
    }
    return [str(line) for line in rules] if isinstance(rules, list) and not elsewhere else None


def as_json(value: Any) -> str | None:
    """A value of the DCS as text that keeps its type; None for none."""
    return None if value is None else json.dumps(value, sort_keys=True, default=str)


def parameters_in(dynamic: Mapping[str, Any]) -> dict[str, str]:
    """The settings of PostgreSQL in the DCS, as JSON."""
    found = {name: as_json(value) for name, value in _section(_section(dynamic, "postgresql"), "parameters").items()}
    return {name: text for name, text in found.items() if text is not None}


def slots_in(dynamic: Mapping[str, Any]) -> list[str]:
    """The names of the physical slots in the DCS."""
    return [name for name, value in _section(dynamic, "slots").items() if _slot_type(value) == "physical"]


def removal_patch(
    dynamic: Mapping[str, Any],
    *,
    slots: Sequence[str],
    parameters: Mapping[str, str | None],
    rules: Sequence[str] | None,
) -> dict[str, Any]:
    """The patch that removes slots and restores settings, and leaves no empty section.

    parameters: as JSON, None to remove one. rules: all lines of pg_hba, None to leave them.
    """
    patch: dict[str, Any] = {}
    postgresql: dict[str, Any] = {}
    known_slots = _section(dynamic, "slots")
    known = _section(_section(dynamic, "postgresql"), "parameters")
    gone = [name for name in slots if name in known_slots]
    if gone:
        patch["slots"] = None if len(gone) == len(known_slots) else dict.fromkeys(gone)
    restored = {name: None if text is None else json.loads(text) for name, text in parameters.items()}
    if restored:
        remaining = {name: value for name, value in {**known, **restored}.items() if value is not None}
        postgresql["parameters"] = restored if remaining else None
    if rules is not None:
        postgresql["pg_hba"] = list(rules)
    return {**patch, "postgresql": postgresql} if postgresql else patch


def _refuse_local(own: Mapping[str, Any], request: PatroniRequest, file: str) -> None:
    """What the file sets overrides the DCS on that member, so a patch would have no effect there."""
    if own.get("pg_hba") is not None:
        lines = "; ".join(request.rules)
        raise HostError(
            f"{file} has postgresql.pg_hba, which overrides the list in the DCS on this member. Move that list to the DCS (patronictl edit-config), and "
            f"remove it from the file on all members. Or write these lines at its top on all members, and set barman_manage_postgres: false: {lines}"
        )
    if "listen_addresses" in request.parameters:
        raise HostError(
            f"PostgreSQL of this member listens on {own.get('listen') or 'its own host'} only. Patroni ignores listen_addresses in the DCS. Change "
            f"postgresql.listen in {file}, and run 'patronictl restart' for this member"
        )
    both = sorted(set(request.parameters).intersection(_section(own, "parameters")))
    if both:
        raise HostError(
            f"{file} sets {', '.join(both)} in postgresql.parameters, which overrides the DCS on this member. Remove that from the file on all members, "
            "and run 'patronictl reload'"
        )


def _refuse_slots(known: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in names:
        if name in known and _slot_type(known[name]) != "physical":
            raise HostError(
                f"the slot {name} in Patroni's DCS is not a physical one: {json.dumps(known[name], default=str)}. It is somebody else's. Set "
                "barman_slot_name of this cluster to another name"
            )


def _slot_type(value: Any) -> Any:
    """The type that Patroni gives to an entry of its slots (patroni/dcs/__init__.py, where it merges permanent slots)."""
    if not value:
        return "physical"
    if not isinstance(value, Mapping):
        return None
    return value.get("type") or ("logical" if value.get("database") and value.get("plugin") else "physical")


def _section(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}


def waiting(members: Sequence[Mapping[str, Any]], settings: Sequence[str] = ()) -> list[str]:
    """The members that wait for a restart because of these settings. members: those that 'patronictl list' has as JSON. No settings: of any.

    Patroni 3.3 and later reports the reasons. A replica keeps a lowered max_connections as its reason until the leader has restarted.
    """
    return [str(member.get("Member")) for member in members if _waits(member, settings)]


def _waits(member: Mapping[str, Any], settings: Sequence[str]) -> bool:
    if not member.get("Pending restart"):
        return False
    # A line for each setting, as "max_wal_senders: 4->10" (output_members in patroni/ctl.py).
    reasons = {line.partition(":")[0] for line in str(member.get("Pending restart reason") or "").splitlines()}
    return not reasons or not settings or not reasons.isdisjoint(settings)


def next_restart(members: Sequence[Mapping[str, Any]], settings: Sequence[str] = ()) -> str | None:
    """The member that restarts next: the replicas by their names, then the leader. None: no running member waits, or one restarts now.

    A standby pauses its replay if its primary has more of max_wal_senders (CheckRequiredParameterValues in xlog.c). So the leader is the last one.
    """
    if any(member.get("State") in _RESTARTING for member in members):
        return None
    names = set(waiting([member for member in members if member.get("State") in _RUNS], settings))
    # "Leader", or "Standby Leader" in a standby cluster.
    leaders = {str(member.get("Member")) for member in members if "leader" in str(member.get("Role")).lower()}
    return min(names - leaders or names, default=None)


def runs(members: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether a member runs."""
    return any(member.get("Member") == name and member.get("State") in _RUNS for member in members)


def has_restarted(members: Sequence[Mapping[str, Any]], name: str, settings: Sequence[str] = ()) -> bool:
    """Whether a member runs and waits for no restart because of these settings."""
    return name not in waiting(members, settings) and runs(members, name)
