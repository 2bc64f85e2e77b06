# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a decommission removes from a PostgreSQL server, and what it leaves: values to a plan.

This module util is private to the collection. It plans what comes after archive_command was disabled and the receiver stopped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._host.record import FormerSetting

#: The server does not start with fewer than it has in use, and a standby not with a lower max_wal_senders than its primary (CheckRequiredParameterValues
#: in xlogrecovery.c).
_CAPACITY = frozenset(("wal_level", "max_wal_senders", "max_replication_slots"))
#: All settings that deployments write and that may wait for a restart.
RESTART_SETTINGS = ("archive_mode", "listen_addresses", "max_replication_slots", "max_wal_senders", "wal_level")


#: What PostgreSQL does not start with if wal_level is minimal, each with the values that it does start with (PostmasterMain in postmaster.c).
_ABOVE_MINIMAL: Mapping[str, frozenset[str]] = {
    "archive_mode": frozenset(("off", "false", "no", "0")),
    "max_wal_senders": frozenset(("0",)),
    "summarize_wal": frozenset(("off", "false", "no", "0")),
}
#: The settings whose value in the files is compared.
CONFIGURED_SETTINGS = (*_ABOVE_MINIMAL, "wal_level")


@dataclass(frozen=True)
class RoleState:
    """A database role that exists. owns: it owns something in some database. elsewhere: another database has a privilege of it."""

    name: str
    superuser: bool = False
    owns: bool = False
    elsewhere: bool = False


@dataclass(frozen=True)
class SlotState:
    name: str
    active: bool


@dataclass(frozen=True)
class PostgresObservation:
    """A PostgreSQL server as it is.

    altered: the settings that ALTER SYSTEM wrote. configured: the values of CONFIGURED_SETTINGS without ALTER SYSTEM. slots: all of them. senders: how many
    connections stream WAL. remote: whether somebody else connects over a network, or may. archives: whether an archive_command works that is not this
    collection's. rules: those of this collection in pg_hba.conf.
    pending: the settings that wait for a restart. primary_senders: on a standby, max_wal_senders of its primary as far as the WAL is replayed; None if it
    is not known.
    """

    hba_file: str
    in_recovery: bool
    roles: tuple[RoleState, ...] = ()
    slots: tuple[SlotState, ...] = ()
    altered: Mapping[str, str] = field(default_factory=dict)
    configured: Mapping[str, str] = field(default_factory=dict)
    senders: int = 0
    remote: bool = False
    archives: bool = False
    rules: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    synchronous_standby_names: str = ""
    archive_command: str = ""
    archive_mode: str = "off"
    primary_senders: int | None = None


@dataclass(frozen=True)
class ReleaseRequest:
    """What goes. roles: those that a deployment created; foreign_roles: other ones that Barman logs in with. rules, settings: what is still declared.

    member: of a cluster, whose primary drops the roles. receivers_stop: whether this is the plan of a real run, before which the receivers stop.
    """

    slots: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    foreign_roles: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    settings: frozenset[str] = frozenset()
    member: bool = False
    receivers_stop: bool = False

    def holds(self, slot: SlotState) -> bool:
        """Whether a receiver still uses the slot when it is to be dropped."""
        return slot.active and not self.receivers_stop


@dataclass(frozen=True)
class ReleaseStep:
    """A change. statements: in SQL; none for a file. setting, role: what the record forgets after it."""

    text: str
    statements: tuple[str, ...] = ()
    setting: str = ""
    role: str = ""
    needs_restart: bool = False


@dataclass(frozen=True)
class ReleasePlan:
    """steps: in this order. rules: whether those of pg_hba.conf change, after the steps. left: what stays, why, and how a person removes it.

    forgotten: settings and roles of the record that are as they were, or not this collection's any more.
    """

    steps: tuple[ReleaseStep, ...] = ()
    rules: bool = False
    left: tuple[str, ...] = ()
    forgotten: frozenset[str] = frozenset()

    @property
    def changes(self) -> list[str]:
        """What is done, a line each."""
        return [*(step.text for step in self.steps), *(["remove the rules from pg_hba.conf"] if self.rules else [])]


def make_plan(
    observed: PostgresObservation, request: ReleaseRequest, recorded: Mapping[str, FormerSetting]
) -> ReleasePlan:
    """recorded: the settings of this server in the host's record."""
    steps: list[ReleaseStep] = []
    left: list[str] = []
    forgotten: set[str] = set()
    for item in (
        *_slots(observed, request),
        *_roles(observed, request),
        *_settings(observed, request.settings, recorded, _busy(observed, request)),
    ):
        if isinstance(item, ReleaseStep):
            steps.append(item)
        elif isinstance(item, _Forgotten):
            forgotten.add(item.name)
        else:
            left.append(item)
    return ReleasePlan(tuple(steps), tuple(request.rules) != observed.rules, tuple(left), frozenset(forgotten))


@dataclass(frozen=True)
class _Forgotten:
    name: str


def _slots(observed: PostgresObservation, request: ReleaseRequest) -> Iterator[ReleaseStep | str]:
    for slot in observed.slots:
        if slot.name not in request.slots:
            continue
        statement = f"SELECT pg_catalog.pg_drop_replication_slot({literal(slot.name)})"
        if request.holds(slot):
            yield f"The replication slot {slot.name} stays, because a receiver uses it. Stop the receiver, and run this again"
        else:
            yield ReleaseStep(f"drop the replication slot {slot.name}", (statement,))


def _roles(observed: PostgresObservation, request: ReleaseRequest) -> Iterator[ReleaseStep | _Forgotten | str]:
    there = {role.name: role for role in observed.roles}
    for name in request.foreign_roles:
        if name in there and not observed.in_recovery:
            yield f"The database role {name} stays, because no record shows that a deployment created it. Remove it if nothing else logs in with it"
    for name in request.roles:
        role = there.get(name)
        if observed.in_recovery:
            # It was a primary when the role was created.
            statements = f"DROP OWNED BY {identifier(name)}; DROP ROLE {identifier(name)}"
            if role is None:
                yield _Forgotten(name)
            elif not request.member:
                yield f"The database role {name} stays, because the server is a standby now. On its primary: {statements}"
                yield _Forgotten(name)
            elif not request.receivers_stop:
                # The primary of the cluster may need this record for another run.
                yield f"The database role {name} stays: the primary of the cluster has not dropped it. Run this again, or there: {statements}"
        elif role is None:
            yield _Forgotten(name)
        elif role.superuser or role.owns or role.elsewhere:
            yield f"The database role {name} stays, because {_why_kept(role)}. Remove what depends on it, then DROP ROLE {identifier(name)}"
        else:
            drop = (f"DROP OWNED BY {identifier(name)}", f"DROP ROLE {identifier(name)}")
            yield ReleaseStep(f"drop the database role {name}", drop, role=name)


def _why_kept(role: RoleState) -> str:
    if role.superuser:
        return "it is a superuser"
    return "it owns objects" if role.owns else "it has privileges in another database"


def _busy(observed: PostgresObservation, request: ReleaseRequest) -> str:
    """Why the server may need what a deployment raised; empty if nothing does."""
    others = [slot.name for slot in observed.slots if slot.name not in request.slots or request.holds(slot)]
    if others:
        return f"there are other replication slots ({', '.join(others)})"
    return f"{observed.senders} other connections stream WAL" if observed.senders else ""


def _settings(
    observed: PostgresObservation, needed: Collection[str], recorded: Mapping[str, FormerSetting], busy: str
) -> Iterator[ReleaseStep | _Forgotten | str]:
    after = {**observed.configured, **observed.altered}
    # wal_level is the last one.
    for name, one in sorted(recorded.items()):
        current = observed.altered.get(name)
        if name in needed:
            continue
        if current == one.former:
            yield _Forgotten(name)
            continue
        statement = (
            f"ALTER SYSTEM RESET {name}" if one.former is None else f"ALTER SYSTEM SET {name} = {literal(one.former)}"
        )
        restored = observed.configured.get(name, "") if one.former is None else one.former
        kept = _kept(name, observed, busy) or _below_primary(name, observed, restored)
        if name == "wal_level" and restored == "minimal":
            kept = kept or _above_minimal(after)
        if current != one.written:
            yield (
                f"{name} = {current} stays: a deployment wrote {one.written}, and somebody changed it since. If nobody needs it: {statement}"
            )
            yield _Forgotten(name)
        elif kept:
            yield f"{name} = {current} stays, because {kept}. If nobody needs it: {statement}"
        else:
            after[name] = restored
            text = f"{name}: {current} back to {'the value of postgresql.conf' if one.former is None else one.former}"
            yield ReleaseStep(text, (statement,), setting=name, needs_restart=name in RESTART_SETTINGS)


def _kept(name: str, observed: PostgresObservation, busy: str) -> str:
    if name in _CAPACITY:
        return busy
    if name == "listen_addresses" and observed.remote:
        return "others connect over the network, or pg_hba.conf allows it"
    return "another archive_command works" if name == "archive_mode" and observed.archives else ""


def _below_primary(name: str, observed: PostgresObservation, restored: str) -> str:
    """Why a standby would not start with the restored value; empty if it would."""
    if name != "max_wal_senders" or not observed.in_recovery:
        return ""
    if observed.primary_senders is None:
        return "the server is a standby, and max_wal_senders of its primary is not known"
    if restored.isdigit() and int(restored) >= observed.primary_senders:
        return ""
    return (
        f"the server is a standby, and its primary has {observed.primary_senders}. Run this again when the primary has restarted with at most "
        f"{restored or 'the former value'}, and this server has replayed that"
    )


def _above_minimal(settings: Mapping[str, str]) -> str:
    """Why PostgreSQL would not start with wal_level minimal and these settings; empty if it would."""
    needing = [
        f"{name} is {settings[name]}"
        for name, allowed in _ABOVE_MINIMAL.items()
        if name in settings and settings[name].lower() not in allowed
    ]
    return f"PostgreSQL does not start with a lower one: {', '.join(needing)}" if needing else ""


def literal(text: str) -> str:
    """A text in SQL."""
    return "'{}'".format(text.replace("'", "''"))


def identifier(name: str) -> str:
    """A name in SQL."""
    return '"{}"'.format(name.replace('"', '""'))


def split_roles(names: Sequence[str], recorded: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those that a deployment created, and the others."""
    return tuple(name for name in names if name in recorded), tuple(name for name in names if name not in recorded)


def observation_from(
    row: Mapping[str, Any], rules: Sequence[str], primary_senders: int | None = None
) -> PostgresObservation:
    """row: what the query of postgres_run.py returns."""
    return PostgresObservation(
        hba_file=row["hba_file"],
        in_recovery=bool(row["in_recovery"]),
        roles=tuple(RoleState(**role) for role in row["roles"]),
        slots=tuple(SlotState(**slot) for slot in row["slots"]),
        altered=row["altered"],
        configured=row["configured"],
        senders=int(row["senders"]),
        remote=bool(row["remote"]),
        archives=bool(row["archives"]),
        rules=tuple(rules),
        pending=tuple(row["pending"]),
        synchronous_standby_names=str(row["synchronous_standby_names"] or ""),
        archive_command=str(row["archive_command"] or ""),
        archive_mode=str(row["archive_mode"]),
        primary_senders=primary_senders,
    )
