# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet as the handover sees it: what is configured on its hosts, and a deployment that changes it, step by step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import handover
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import Outcome
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.handover import (
    HostPlan,
    Observed,
    Operation,
    Postgres,
    Step,
    StepName,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.observed_entries import Entries
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.requirement_types import (
    EntryRequirement,
    PostgresRequirements,
)

ROUNDS = 3
"""How often the playbook deploy plans the handover."""


@dataclass
class Entry:
    """An entry in Barman's configuration."""

    host: str
    active: bool = True
    passive: bool = False
    streaming: bool = False
    archiving: bool = False
    slot: str | None = None
    former_slots: tuple[str, ...] = ()


@dataclass
class Fleet:
    """What is on the hosts: entries by backup server and name; of each PostgreSQL host its slots, whom pg_hba.conf lets in, and where it archives to."""

    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)
    slots: dict[str, set[str]] = field(default_factory=dict)
    rules: dict[str, set[str]] = field(default_factory=dict)
    archive: dict[str, tuple[str, str] | None] = field(default_factory=dict)

    def wal_connections(self, host: str) -> list[tuple[str, str]]:
        """The entries to which the WAL of a PostgreSQL host comes."""
        return [
            (backup, name)
            for backup, entries in self.entries.items()
            for name, entry in entries.items()
            if entry.host == host
            and entry.active
            and not entry.passive
            and (
                (entry.streaming and entry.slot in self.slots.get(host, ()) and backup in self.rules.get(host, ()))
                or (entry.archiving and self.archive.get(host) == (backup, name))
            )
        ]


class Interrupted(Exception):
    """The controller is gone."""


@dataclass
class Deployment:
    """One run of the playbook deploy.

    hosts: those of the run; unhealthy: Barman's names of servers that no check finds healthy; with_backup: backup server and name of those that have a
    backup; before: called with the host and the step before each step, returns whether the host fails at it; after: called after each.
    """

    fleet: Fleet
    outcome: Outcome
    hosts: set[str]
    unhealthy: Collection[str] = ()
    with_backup: Collection[tuple[str, str]] = ()
    before: Callable[[str, Step], bool] = lambda host, step: False
    after: Callable[[str, Step], None] = lambda host, step: None
    stopped: set[str] = field(default_factory=set)
    found: dict[str, Entries] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)

    def run(self) -> dict[str, HostPlan]:
        """Deploy, and return the last plan, in which nothing is left to do that does not wait."""
        for backup in self._backups():
            self._configure(backup)
        self._configure_postgres()
        for backup in self._backups():
            self._operate(backup)
        for _ in range(ROUNDS):
            plan = self.plan()
            for host, step in self._steps(plan):
                if host not in self.hosts:
                    continue
                if self.before(host, step):
                    self.hosts.discard(host)
                    continue
                self._apply(host, step)
                self.after(host, step)
        return self.plan()

    def plan(self) -> dict[str, HostPlan]:
        return handover.plan(self.outcome.topology, self.outcome.requirements, self.observed())

    def observed(self) -> Observed:
        return Observed(
            hosts=frozenset(self.hosts),
            entries={host: entries for host, entries in self.found.items() if host in self.hosts},
            operations=self.operations,
            postgres={
                host: self._postgres(host) for host in self.hosts if host in self.outcome.topology["postgres_servers"]
            },
        )

    def _backups(self) -> list[str]:
        return [host for host in self.outcome.topology["backup_servers"] if host in self.hosts]

    def _declared(self, backup: str) -> list[EntryRequirement]:
        return self.outcome.requirements[backup]["barman"]["servers"]

    def _required(self, host: str) -> PostgresRequirements:
        return self.outcome.requirements[host]["postgres"]

    def _configure(self, backup: str) -> None:
        """As module server with handover: both ways stay, and an active entry that is to be passive stays as it is."""
        entries = self.fleet.entries.setdefault(backup, {})
        handing_over: dict[str, list[str]] = {}
        for one in self._declared(backup):
            new = _declared_form(one)
            now = entries.get(one["name"])
            kept: list[str] = []
            if now is not None and now.active and not now.passive:
                if new.passive:
                    handing_over[one["name"]] = ["server"]
                    continue
                if now.streaming and not new.streaming:
                    kept.append("streaming")
                    new = replace(new, streaming=True, slot=now.slot)
                if now.archiving and not new.archiving:
                    kept.append("archiving")
                    new = replace(new, archiving=True)
                former = {slot for slot in (*now.former_slots, now.slot) if slot} - {new.slot} if new.slot else set()
                if former:
                    kept.append("slot")
                    new = replace(new, former_slots=tuple(sorted(former)))
            if kept:
                handing_over[one["name"]] = kept
            entries[one["name"]] = new
        listed = {one["name"] for one in self._declared(backup)}
        self.found[backup] = Entries(
            unlisted=[
                {
                    "name": name,
                    "host": entry.host,
                    "active": entry.active,
                    "passive": entry.passive,
                    "streaming": entry.streaming,
                    "archiving": entry.archiving,
                    "slot_name": entry.slot,
                }
                for name, entry in entries.items()
                if name not in listed or handing_over.get(name) == ["server"]
            ],
            handing_over=handing_over,
            former_slots={name: entries[name].former_slots for name in handing_over if entries[name].former_slots},
        )

    def _configure_postgres(self) -> None:
        for host, server in self.outcome.topology["postgres_servers"].items():
            if host not in self.hosts and server["manage"]:
                continue
            self.fleet.rules.setdefault(host, set()).update(self._authorized(host))
            archiving = self._required(host)["archiving"]
            if archiving:
                self.fleet.archive[host] = (archiving["backup_server"], archiving["server"])

    def _authorized(self, host: str) -> set[str]:
        sources = {rule["source"] for rule in self._required(host)["hba_rules"]}
        return {
            name
            for name, backup in self.outcome.topology["backup_servers"].items()
            if sources.intersection(backup["addresses"])
        }

    def _operate(self, backup: str) -> None:
        entries = self.fleet.entries[backup]
        for renamed in handover.slots_in_use(self.outcome.topology, self.found[backup], backup):
            entry = entries[renamed["name"]]
            entry.slot = renamed["options"]["slot_name"]
            self.fleet.slots.setdefault(entry.host, set()).add(entry.slot)
            self.found[backup] = replace(
                self.found[backup],
                unlisted=[
                    {**one, "slot_name": entry.slot} if one["name"] == renamed["name"] else one
                    for one in self.found[backup].unlisted
                ],
            )
        held = {entry["name"] for entry in handover.held(self.outcome.topology, self.found[backup])}
        healthy = set()
        for one in self._declared(backup):
            entry = entries[one["name"]]
            if one["name"] in held:
                continue
            if one["streaming"] and backup in self.fleet.rules.get(one["host"], ()):
                self.fleet.slots.setdefault(one["host"], set()).add(str(one["slot_name"]))
            works = (backup, one["name"]) in self.fleet.wal_connections(one["host"])
            if one["passive"] or (
                works and one["name"] not in self.unhealthy and _is_declared_connection(self.fleet, backup, one)
            ):
                healthy.add(one["name"])
        self.operations[backup] = Operation(
            frozenset(healthy), frozenset(name for there, name in self.with_backup if there == backup)
        )

    def _postgres(self, host: str) -> Postgres:
        archives = self.fleet.archive.get(host) is not None and not self._required(host)["archiving"]
        return Postgres(
            archives=archives,
            stopped=host in self.stopped,
            rules_undeclared=bool(self.fleet.rules.get(host, set()) - self._authorized(host)),
        )

    def _steps(self, plan: dict[str, HostPlan]) -> Iterator[tuple[str, Step]]:
        for name in StepName:
            for host, found in plan.items():
                yield from ((host, step) for step in found.steps if step.name is name)

    def _apply(self, host: str, step: Step) -> None:
        entries = self.fleet.entries.get(host, {})
        if step.name is StepName.STOP_ARCHIVING:
            self.fleet.archive[host] = None
            self.stopped.add(host)
        elif step.name is StepName.DROP_SLOTS:
            for name in step.servers:
                self.fleet.slots[entries[name].host].difference_update(step.former_slots[name])
        elif step.name in (StepName.STOP_STREAMING, StepName.RELEASE_SERVERS):
            for name in step.servers:
                self.fleet.slots.get(entries[name].host, set()).discard(str(entries[name].slot))
        elif step.name is StepName.WRITE_ENTRIES:
            declared = {one["name"]: one for one in self._declared(host)}
            for one in step.entries:
                if one.get("merge"):
                    entries[one["name"]].active = bool(one["options"]["active"])
                else:
                    entries[one["name"]] = _declared_form(declared[one["name"]])
            self.found[host] = replace(
                self.found[host], written=self.found[host].written.union(one["name"] for one in step.entries)
            )
        elif step.name is StepName.PRUNE_INCOMING:
            self.operations[host] = replace(self.operations[host], pruned=frozenset(step.servers))
        elif step.name is StepName.REMOVE_RULES:
            self.fleet.rules[host] = self._authorized(host)


def _declared_form(one: EntryRequirement) -> Entry:
    return Entry(
        one["host"],
        active=True,
        passive=one["passive"],
        streaming=one["streaming"],
        archiving=one["archiving"],
        slot=one["slot_name"],
    )


def _is_declared_connection(fleet: Fleet, backup: str, one: EntryRequirement) -> bool:
    """Whether the declared way works, and not only the former one: what the checks of a real Barman prove."""
    if one["streaming"] and one["slot_name"] not in fleet.slots.get(one["host"], ()):
        return False
    return not one["archiving"] or fleet.archive.get(one["host"]) == (backup, one["name"])
