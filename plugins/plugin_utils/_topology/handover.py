# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The handover of a server from one architecture, or one backup server, to the next: who may do what now, and what waits for what.

Nothing is dropped before its successor is proven in the same run. A step of a host that is not in the run, or that failed in it, is never planned.
The plan is made again after its steps: what waited for one of them is then among the steps.

    stop_archiving     PostgreSQL: archive_command of this collection, if WAL is only streamed now
    drop_slots         backup server: the slots that receivers had before
    stop_streaming     backup server: receivers and slots, if WAL is only archived now
    release_servers    backup server: receivers and slots of servers that another backup server backs up now
    write_entries      backup server: the entries as they are declared, or switched off
    prune_incoming     backup server: what came by archive_command, and was streamed too
    remove_rules       PostgreSQL: rules in pg_hba.conf that nothing needs any more

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .observed_entries import Entries
from .revocation import Trust

#: PostgreSQL's limit of a name (NAMEDATALEN - 1).
_LONGEST_NAME = 63


class StepName(StrEnum):
    """What a host can do. The order of a host's steps is this one."""

    STOP_ARCHIVING = "stop_archiving"
    DROP_SLOTS = "drop_slots"
    STOP_STREAMING = "stop_streaming"
    RELEASE_SERVERS = "release_servers"
    WRITE_ENTRIES = "write_entries"
    PRUNE_INCOMING = "prune_incoming"
    REMOVE_RULES = "remove_rules"


@dataclass(frozen=True)
class Step:
    """A step of one host. servers: Barman's names; entries: as module server takes them; messages: to show after it."""

    name: StepName
    servers: tuple[str, ...] = ()
    entries: tuple[Mapping[str, Any], ...] = ()
    former_slots: Mapping[str, Sequence[str]] = field(default_factory=dict)
    messages: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostPlan:
    """What a host does now; what waits, and for what, as text for people; and the hosts whose SSH trust must stay on it."""

    steps: tuple[Step, ...] = ()
    waiting: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """What this run proved of a backup server's own servers.

    incoming: servers with WAL that arrived by archive_command and was not archived. pruned: servers whose incoming directory was pruned since.
    """

    healthy: frozenset[str] = frozenset()
    with_backup: frozenset[str] = frozenset()
    incoming: frozenset[str] = frozenset()
    pruned: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Postgres:
    """What this run observed of a PostgreSQL host.

    archives: an undeclared archive_command of this collection archives there; stopped: it was removed in this run; foreign_archiving: that of
    somebody else archives there; rules_undeclared: pg_hba.conf has rules of this collection that are not declared.
    """

    archives: bool = False
    stopped: bool = False
    foreign_archiving: bool = False
    rules_undeclared: bool = False


@dataclass(frozen=True)
class Observed:
    """What this run knows. hosts: those that are in it and did not fail.

    entries, operations, postgres: by host, of those hosts on which that part of the run took place. whole: PostgreSQL hosts take part in the run (playbook
    deploy); else others see to them.
    """

    hosts: frozenset[str]
    entries: Mapping[str, Entries] = field(default_factory=dict)
    operations: Mapping[str, Operation] = field(default_factory=dict)
    postgres: Mapping[str, Postgres] = field(default_factory=dict)
    whole: bool = True


def plan(topology: Mapping[str, Any], requirements: Mapping[str, Any], observed: Observed) -> dict[str, HostPlan]:
    """The plan of each host of the run. topology and requirements: as action topology returns them."""
    fleet = _Fleet(topology, requirements, observed)
    backups = {host: _backup(fleet, host) for host in topology["backup_servers"] if host in observed.hosts}
    trust = Trust(requirements, observed.entries)
    found: dict[str, HostPlan] = {}
    for host in sorted(observed.hosts.intersection(requirements)):
        here = backups.get(host, _Part())
        there = _postgres(fleet, host) if "postgres" in requirements[host] else _Part()
        steps = sorted((*here.steps, *there.steps), key=lambda step: list(StepName).index(step.name))
        found[host] = HostPlan(tuple(steps), (*here.waiting, *there.waiting), tuple(trust.spared(host, observed.hosts)))
    return found


def held(topology: Mapping[str, Any], entries: Entries) -> list[Mapping[str, Any]]:
    """The entries that a backup server has of servers that it does not back up any more, or not under that name.

    A server that is not in the inventory is not among them: it may be hidden from this run, and not removed.
    """
    servers = topology["postgres_servers"]
    return [entry for entry in entries.others() if (servers.get(entry["host"]) or {}).get("backup_server")]


def former_clients(topology: Mapping[str, Any], declared: Iterable[Mapping[str, Any]], entries: Entries) -> list[str]:
    """The hosts to which a backup server needs connections that are not declared any more. declared: its servers."""
    hosts = {entry["name"]: entry["host"] for entry in declared}
    receiving = [entry["host"] for entry in held(topology, entries) if not entry["passive"]]
    return [*receiving, *(hosts[name] for name, former in entries.open() if "streaming" in former and name in hosts)]


def slots_in_use(topology: Mapping[str, Any], entries: Entries, host: str) -> list[dict[str, Any]]:
    """Entries, as module server takes them, whose receivers get a slot of another name, because their successors need the one that they have.

    A slot serves one receiver. PostgreSQL keeps WAL for it until that has it, so nothing is lost between the two.
    """
    servers = topology["postgres_servers"]
    # Of a server that does not stream the slot would be nobody's, and keep WAL for ever.
    taken = {(_sender(server), server["slot_name"]) for server in servers.values() if "streaming" in server["wal"]}
    suffix = re.sub(r"[^a-z0-9]+", "_", host.lower())
    return [
        {
            "name": entry["name"],
            "merge": True,
            "options": {"slot_name": f"{entry['slot_name']}_leaving_{suffix}"[:_LONGEST_NAME]},
        }
        for entry in held(topology, entries)
        if entry["streaming"]
        and not entry["passive"]
        and (_sender(servers[entry["host"]]), entry["slot_name"]) in taken
    ]


def _sender(server: Mapping[str, Any]) -> str:
    """The host that sends the WAL of a server, and has its slot."""
    return str(server.get("primary") or server["host"])


class _Fleet:
    """The inventory and the observations, as the rules ask for them."""

    def __init__(self, topology: Mapping[str, Any], requirements: Mapping[str, Any], observed: Observed) -> None:
        self.topology = topology
        self.requirements = requirements
        self.observed = observed
        self.servers: Mapping[str, Mapping[str, Any]] = topology["postgres_servers"]

    def took_part(self, host: str) -> bool:
        """Whether the PostgreSQL host did its part of the run, or has none in it."""
        return not self.observed.whole or not self.servers[host]["manage"] or host in self.observed.hosts

    def healthy(self, host: str) -> bool:
        """Whether the backup server of a PostgreSQL host found the server healthy in this run."""
        server = self.servers[host]
        return server["name"] in self._operation(server).healthy

    def has_backup(self, host: str) -> bool:
        server = self.servers[host]
        return server["name"] in self._operation(server).with_backup

    def archives(self, host: str) -> bool:
        """Whether an archive_command of this collection may still work for the server although it is not declared."""
        sender = _sender(self.servers[host])
        if not self.observed.whole or not self.servers[sender]["manage"]:
            return False
        state = self.observed.postgres.get(sender)
        return state is None or (state.archives and not state.stopped)

    def stopped_archiving(self, host: str) -> bool:
        state = self.observed.postgres.get(_sender(self.servers[host]))
        return state is not None and state.stopped

    def foreign_archiving(self, host: str) -> bool:
        state = self.observed.postgres.get(_sender(self.servers[host]))
        return state is not None and state.foreign_archiving

    def _operation(self, server: Mapping[str, Any]) -> Operation:
        backup = server["backup_server"]
        found = self.observed.operations.get(backup) if backup in self.observed.hosts else None
        return found or Operation()


@dataclass(frozen=True)
class _Part:
    steps: tuple[Step, ...] = ()
    waiting: tuple[str, ...] = ()


# --- on a backup server -----------------------------------------------------------------------------------------------


def _backup(fleet: _Fleet, backup: str) -> _Part:
    entries = fleet.observed.entries.get(backup)
    if entries is None or backup not in fleet.observed.operations:
        return _Part()
    declared: Sequence[Mapping[str, Any]] = fleet.requirements[backup]["barman"]["servers"]
    by_name = {entry["name"]: entry for entry in declared}
    operation = fleet.observed.operations[backup]
    waiting: list[str] = []
    finished: dict[str, Sequence[str]] = {}
    for name, former in entries.open():
        if name in by_name and set(former) != {"server"}:
            reason = _not_yet(fleet, backup, by_name[name], former)
            if reason is None:
                finished[name] = former
            else:
                waiting.append(reason)
    released: list[Mapping[str, Any]] = []
    for entry in held(fleet.topology, entries):
        reason = _still_needed(fleet, backup, entry)
        if reason is None:
            released.append(entry)
        else:
            waiting.append(reason)
    return _Part(
        tuple(
            step
            for step in (
                _drop_slots(entries, finished),
                _of_servers(StepName.STOP_STREAMING, _having("streaming", finished)),
                _of_servers(StepName.RELEASE_SERVERS, [entry["name"] for entry in released if not entry["passive"]]),
                _write_entries(fleet, backup, finished, released),
                _prune_incoming(fleet, operation, declared, entries, finished),
            )
            if step is not None
        ),
        tuple(waiting),
    )


def _not_yet(fleet: _Fleet, backup: str, entry: Mapping[str, Any], former: Sequence[str]) -> str | None:
    """Why an entry keeps what is not declared any more; None if it can go."""
    connections = " and ".join("its former replication slot" if one == "slot" else one for one in former)
    what = f"Server '{entry['name']}' on {backup} keeps {connections}"
    if entry["name"] not in fleet.observed.operations[backup].healthy:
        return f"{what} until {backup} finds the server healthy: correct what its checks report, and deploy again."
    if not fleet.took_part(entry["host"]):
        return f"{what} because {entry['host']} is not in this run, or failed in it: deploy again with {entry['host']}."
    if "archiving" in former and fleet.archives(entry["host"]):
        return f"{what} until PostgreSQL stops archiving: deploy again with {entry['host']} and the tag archive."
    return None


def _still_needed(fleet: _Fleet, backup: str, entry: Mapping[str, Any]) -> str | None:
    """Why a backup server must keep a server that another one backs up now; None if it can be released."""
    if entry["passive"]:
        return None
    server = fleet.servers[entry["host"]]
    successor = server["backup_server"]
    slot = ", with a replication slot of its own" if entry["streaming"] else ""
    until = f"Until then, {backup} continues to back up server '{entry['name']}'{slot}."
    if not fleet.healthy(entry["host"]):
        return f"{successor} backs up server '{server['name']}' now, and this run did not find it healthy. {until} Correct that, and deploy again."
    if not fleet.has_backup(entry["host"]):
        return (
            f"{successor} backs up server '{server['name']}' now, and has no backup of it yet. {until} "
            "Take a backup (pgdr.barman.backup), and deploy again."
        )
    if not fleet.took_part(entry["host"]):
        return f"{entry['host']} is not in this run, or failed in it. {until} Deploy again with {entry['host']}."
    return None


def _having(kind: str, finished: Mapping[str, Sequence[str]]) -> list[str]:
    return [name for name, former in finished.items() if kind in former]


def _of_servers(name: StepName, servers: Sequence[str]) -> Step | None:
    return Step(name, servers=tuple(servers)) if servers else None


def _drop_slots(entries: Entries, finished: Mapping[str, Sequence[str]]) -> Step | None:
    servers = _having("slot", finished)
    if not servers:
        return None
    slots = {name: list(entries.former_slots[name]) for name in servers if name in entries.former_slots}
    return Step(StepName.DROP_SLOTS, servers=tuple(servers), former_slots=slots)


def _write_entries(
    fleet: _Fleet,
    backup: str,
    finished: Collection[str],
    released: Sequence[Mapping[str, Any]],
) -> Step | None:
    """The entries in their declared form. One that is not declared on this host is switched off: its backups stay."""
    declared = fleet.requirements[backup]["barman"]["servers"]
    gone = {entry["name"]: entry for entry in released}
    names = {entry["name"] for entry in declared}
    written: list[Mapping[str, Any]] = [
        {"name": entry["name"], "options": entry["options"], "host": entry["host"]}
        for entry in declared
        if entry["name"] in finished or entry["name"] in gone
    ]
    written += [{"name": name, "merge": True, "options": {"active": False}} for name in gone if name not in names]
    if not written:
        return None
    return Step(
        StepName.WRITE_ENTRIES,
        entries=tuple(written),
        messages=tuple(_released_message(backup, entry) for name, entry in gone.items() if name not in names),
    )


def _released_message(backup: str, entry: Mapping[str, Any]) -> str:
    until = "up to the last one that was copied" if entry["passive"] else "up to now"
    return (
        f"{backup} has released server '{entry['name']}' (active = off in its entry). Its backups and its WAL {until} stay there. To recover from them, "
        f"set barman_recover_backup_server={backup}. If nobody needs them any more, remove the entry (module pgdr.barman.server, state absent) and its "
        "backup directory."
    )


def _prune_incoming(
    fleet: _Fleet,
    operation: Operation,
    declared: Sequence[Mapping[str, Any]],
    entries: Entries,
    finished: Collection[str],
) -> Step | None:
    """Of servers that were archived and are only streamed now: Barman does not read any more what came by archive_command."""
    former = {name for name, dummy in entries.open()} - set(finished)
    servers = [
        entry["name"]
        for entry in declared
        if not entry["archiving"]
        and not entry["passive"]
        and entry["name"] not in former
        and entry["name"] in operation.healthy - operation.pruned
        and fleet.took_part(entry["host"])
        and not fleet.foreign_archiving(entry["host"])
        and (entry["name"] in operation.incoming or fleet.stopped_archiving(entry["host"]))
    ]
    return _of_servers(StepName.PRUNE_INCOMING, servers)


# --- on a PostgreSQL server -------------------------------------------------------------------------------------------


def _postgres(fleet: _Fleet, host: str) -> _Part:
    state = fleet.observed.postgres.get(host)
    required = fleet.requirements[host]["postgres"]
    if state is None or not required["manage"]:
        return _Part()
    backed_up_as = required["backed_up_as"]
    healthy = fleet.healthy(backed_up_as)
    backup = fleet.servers[backed_up_as]["backup_server"]
    steps: list[Step] = []
    waiting: list[str] = []
    if state.archives and not state.stopped and not required["archiving"]:
        if healthy:
            steps.append(Step(StepName.STOP_ARCHIVING))
        else:
            waiting.append(
                f"PostgreSQL on {host} archives its WAL as before: this run did not find the server healthy on {backup}. Correct that, and deploy again."
            )
    if state.rules_undeclared:
        reason = _rules_needed(fleet, host, backed_up_as)
        if reason is None:
            steps.append(Step(StepName.REMOVE_RULES))
        else:
            waiting.append(f"pg_hba.conf of {host} keeps rules that are not declared any more: {reason}")
    return _Part(tuple(steps), tuple(waiting))


def _rules_needed(fleet: _Fleet, host: str, backed_up_as: str) -> str | None:
    """Why rules in pg_hba.conf stay that are not declared; None if no backup server can need them."""
    missing = sorted(set(fleet.topology["backup_servers"]) - fleet.observed.hosts)
    if missing:
        return f"{', '.join(missing)} may need them, and did not take part in this run. Deploy again with all backup servers."
    if not fleet.healthy(backed_up_as):
        backup = fleet.servers[backed_up_as]["backup_server"]
        return f"this run did not find the server healthy on {backup}. Correct that, and deploy again."
    for backup in fleet.topology["backup_servers"]:
        entries = fleet.observed.entries.get(backup)
        if entries is None:
            return f"the entries of {backup} were not read in this run. Deploy again with the tag backup."
        clients = former_clients(fleet.topology, fleet.requirements[backup]["barman"]["servers"], entries)
        if host in clients or backed_up_as in clients:
            return f"{backup} needs them until it has released the server."
    return None
