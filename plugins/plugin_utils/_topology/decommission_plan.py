# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a decommission that are left to do on each host: values to a plan.

Synchronous commit is disabled first, because commits would hang without the receiver. The slot is dropped with the receiver, because it would fill the
disk. The entry goes last, because only the entry shows what else belongs to the server. A run that was killed is run again: the plan has what is left.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from ...module_utils._archive_command.command import MARK, NOTHING
from ...module_utils._decommission.postgres_plan import identifier, literal
from .decommission import ARGUMENT, BarmanWork, HostWork, PostgresWork

Backups = Literal["kept", "exported", "removed"]
#: The name of a last backup in Barman's catalog: the next run finds by it that an earlier one, which was killed, has taken it.
LAST_BACKUP_NAME = "last-before-decommission"
#: What becomes of the program pgdr-barman on a backup server. kept: nothing is changed.
ProgramState = Literal["present", "absent", "kept"]


class DecommissionStep(StrEnum):
    """What a host can do. The order of the run is this one."""

    BACK_UP = "back_up"
    DISABLE_SYNCHRONOUS = "disable_synchronous"
    STOP_ARCHIVING = "stop_archiving"
    STOP_RECEIVERS = "stop_receivers"
    DEACTIVATE = "deactivate"
    REMOVE_DATA = "remove_data"
    UPDATE_FILES = "update_files"
    RELEASE_POSTGRES = "release_postgres"
    RELEASE_SSH = "release_ssh"
    REMOVE_ENTRIES = "remove_entries"


@dataclass(frozen=True)
class Choices:
    """What a person chose. servers: what is decommissioned."""

    servers: tuple[str, ...]
    backups: Backups = "kept"
    last_backup: bool = False


@dataclass(frozen=True)
class PostgresFinding:
    """A PostgreSQL server as it is. reason: why it can't be changed; the rest is empty then. changes, left, restart: of module postgres_release."""

    reason: str = ""
    synchronous_standby_names: str = ""
    archive_command: str = ""
    archive_mode: str = ""
    changes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


@dataclass(frozen=True)
class EntryFinding:
    """A server's entry in Barman's configuration. host: whom it was created for. users: the database roles that Barman logs in with."""

    host: str = ""
    active: bool = True
    passive: bool = False
    streaming: bool = False
    slot_name: str = ""
    archiving: bool = False
    users: tuple[str, ...] = ()
    receiver_name: str = ""


@dataclass(frozen=True)
class ReceiverFinding:
    """What a WAL receiver would become. kind: of the error, if it can't be stopped with its slot. found: whether it runs, or its slot is there.

    commits_wait: synchronous_standby_names, if commits would hang without the receiver.
    """

    error: str = ""
    kind: str = ""
    found: bool = False
    commits_wait: str = ""


@dataclass(frozen=True)
class BarmanFinding:
    """A backup server as it is. reason: why it can't be changed. entries, receivers: by Barman's names.

    last_backups: by Barman's name, the id of the latest valid backup if it is a last one (LAST_BACKUP_NAME).
    """

    reason: str = ""
    entries: Mapping[str, EntryFinding] = field(default_factory=dict)
    receivers: Mapping[str, ReceiverFinding] = field(default_factory=dict)
    last_backups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HostSteps:
    """steps: those that are left. absent: receivers to stop with their slots. stopped: receivers whose slot can't be dropped from here.

    undeclared: other active entries that the inventory does not declare, whose schedules stay. program: what becomes of the program pgdr-barman; monitoring
    goes with it. former_hosts: hosts that the inventory does not have and whose SSH trust goes.
    """

    steps: tuple[DecommissionStep, ...] = ()
    back_up: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    deactivate: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    undeclared: tuple[str, ...] = ()
    program: ProgramState = "present"
    former_hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class DecommissionPlan:
    """lines: what is done, and where. left: what stays, or is to be done manually. problems: why nothing is done."""

    hosts: Mapping[str, HostSteps] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fleet:
    """What is to be released, and what was found. work, postgres, barman: by host. served: by Barman's name, the host that sends the server's WAL."""

    work: Mapping[str, HostWork]
    postgres: Mapping[str, PostgresFinding]
    barman: Mapping[str, BarmanFinding]
    served: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def plan(fleet: Fleet, choices: Choices) -> DecommissionPlan:
    """What is left to do, on every host."""
    hosts: dict[str, HostSteps] = {}
    lines: list[str] = []
    left: list[str] = []
    problems = list(_missing(fleet))
    for host, work in fleet.work.items():
        steps = HostSteps()
        postgres, barman = fleet.postgres.get(host), fleet.barman.get(host)
        reason = (postgres.reason if postgres else "") or (barman.reason if barman else "")
        if work.postgres is not None and postgres is not None and not postgres.reason:
            steps = _postgres_steps(work.postgres, postgres, steps)
            left += [f"{host}: {text}" for text in postgres.left]
        if work.barman is not None and barman is not None and not barman.reason:
            steps = _barman_steps(fleet, work.barman, barman, choices, steps)
            problems += _receiver_problems(host, steps, barman)
            problems += _last_backup_problems(fleet, host, steps, barman, choices)
            problems += _undeclared_problems(fleet, host, work.barman, steps)
            problems += _commit_problems(fleet, host, steps, barman)
            left += _barman_left(host, work.barman, steps, barman, choices)
            left += _former_left(fleet, barman)
        if reason:
            left.append(f"{host} is not changed: {reason}")
        else:
            steps = _with(steps, DecommissionStep.RELEASE_SSH)
        hosts[host] = steps
        lines += [f"{host}: {text}" for text in _texts(work, steps, postgres, choices)]
    left += _last_backups_left(fleet, hosts, choices)
    return DecommissionPlan(hosts, tuple(lines), tuple(left), tuple(problems))


def _with(steps: HostSteps, *more: DecommissionStep, **values: Any) -> HostSteps:
    names = {*steps.steps, *more}
    return HostSteps(**{**vars(steps), **values, "steps": tuple(one for one in DecommissionStep if one in names)})


def _missing(fleet: Fleet) -> Iterator[str]:
    """Servers that the inventory does not have, and no backup server either."""
    found = {name for barman in fleet.barman.values() for name in barman.entries}
    for name in fleet.unknown:
        if name not in found:
            known = ", ".join(sorted({*fleet.served, *found})) or "none"
            yield (
                f"{ARGUMENT}: the inventory has no server '{name}', and {', '.join(sorted(fleet.barman))} no entry of that name. "
                f"Known servers: {known}"
            )


def _postgres_steps(work: PostgresWork, found: PostgresFinding, steps: HostSteps) -> HostSteps:
    if _disables_synchronous(work, found):
        steps = _with(steps, DecommissionStep.DISABLE_SYNCHRONOUS)
    if work.archiving and _archives(found):
        steps = _with(steps, DecommissionStep.STOP_ARCHIVING)
    return _with(steps, DecommissionStep.RELEASE_POSTGRES)


def _disables_synchronous(work: PostgresWork, found: PostgresFinding) -> bool:
    # The setting has our names in quotes.
    return any(f'"{name}"' in found.synchronous_standby_names for name in work.synchronous)


def _archives(found: PostgresFinding) -> bool:
    """Whether archive_command is this collection's. As long as archive_mode is on, a command that does nothing has to stay."""
    return MARK in found.archive_command and not (found.archive_command == NOTHING and found.archive_mode != "off")


def _barman_steps(
    fleet: Fleet, work: BarmanWork, found: BarmanFinding, choices: Choices, steps: HostSteps
) -> HostSteps:
    here = {name: found.entries[name] for name in work.servers if name in found.entries}
    active = {name: entry for name, entry in here.items() if entry.active}
    # A receiver that was revived while an earlier run disabled the entry runs without one.
    receiving = [
        name
        for name, entry in here.items()
        if entry.streaming
        and not entry.passive
        and (entry.active or found.receivers.get(name, ReceiverFinding()).found)
    ]
    failed = {name for name in receiving if found.receivers.get(name, ReceiverFinding()).kind}
    undeclared = tuple(
        name
        for name, entry in found.entries.items()
        if entry.active and name not in work.servers and name not in work.remaining
    )
    steps = _with(
        steps,
        DecommissionStep.UPDATE_FILES,
        undeclared=undeclared,
        program=_program(work, undeclared),
        former_hosts=tuple(entry.host for name, entry in here.items() if name in fleet.unknown and entry.host),
    )
    back_up = [
        name
        for name, entry in active.items()
        if choices.last_backup and _answers(fleet, name, entry) and _delivered(fleet, found, name, entry)
    ]
    if back_up:
        steps = _with(steps, DecommissionStep.BACK_UP, back_up=tuple(back_up))
    if receiving:
        absent = tuple(name for name in receiving if name not in failed)
        stopped = tuple(name for name in receiving if name in failed)
        steps = _with(steps, DecommissionStep.STOP_RECEIVERS, absent=absent, stopped=stopped)
    if active:
        steps = _with(steps, DecommissionStep.DEACTIVATE, deactivate=tuple(active))
    if here and choices.backups != "kept":
        steps = _with(steps, DecommissionStep.REMOVE_DATA, DecommissionStep.REMOVE_ENTRIES, entries=tuple(here))
    return steps


def _program(work: BarmanWork, undeclared: Sequence[str]) -> ProgramState:
    """The inventory does not have the settings of undeclared servers, so the program stays as it is if it is only theirs."""
    if work.remaining:
        return "present"
    return "kept" if undeclared else "absent"


def _answers(fleet: Fleet, name: str, entry: EntryFinding) -> bool:
    """Whether a backup of the server could begin at all."""
    finding = fleet.postgres.get(fleet.served.get(name, ""))
    return not entry.passive and finding is not None and not finding.reason


def _delivered(fleet: Fleet, found: BarmanFinding, name: str, entry: EntryFinding) -> bool:
    """Whether anything delivers the server's WAL, for which a backup waits. An earlier run may have ended that."""
    if entry.streaming:
        receiver = found.receivers.get(name)
        return receiver is None or receiver.found or bool(receiver.kind)
    command = fleet.postgres[fleet.served[name]].archive_command
    return MARK in command and command != NOTHING


def _last_backup_problems(
    fleet: Fleet, host: str, steps: HostSteps, found: BarmanFinding, choices: Choices
) -> Iterator[str]:
    """Servers whose last backup is requested and could not be complete, if no earlier run has taken it."""
    if not choices.last_backup:
        return
    for name in steps.deactivate:
        entry = found.entries[name]
        if name in (*steps.back_up, *found.last_backups) or not _answers(fleet, name, entry):
            continue
        cause = "its WAL receiver does not run, and its slot does not exist" if entry.streaming else "archiving is off"
        yield (
            f"{host}: no last backup of '{name}' can be taken, because nothing delivers its WAL: {cause}. Deploy the server first, or leave out "
            "barman_decommission_last_backup"
        )


def _last_backups_left(fleet: Fleet, hosts: Mapping[str, HostSteps], choices: Choices) -> Iterator[str]:
    """Last backups that this run does not take, for the person who reads the plan."""
    if not choices.last_backup:
        return
    taken = [
        f"{host}: the last backup of '{name}' is {backup_id}. An earlier run has taken it"
        for host, barman in fleet.barman.items()
        for name, backup_id in barman.last_backups.items()
        if name in choices.servers and not (host in hosts and name in hosts[host].back_up)
    ]
    yield from taken
    if not taken and not any(one.back_up for one in hosts.values()):
        yield "No last backup is taken: the server does not answer, or is not backed up any more."


#: Errors of a receiver that are no failure of the connection to PostgreSQL.
_OTHER_ERRORS = frozenset(("slot_active", "configuration", "other"))


def _receiver_problems(host: str, steps: HostSteps, found: BarmanFinding) -> Iterator[str]:
    for name in steps.stopped:
        finding = found.receivers[name]
        if finding.kind in _OTHER_ERRORS:
            yield f"{host}: {finding.error}"


def _undeclared_problems(fleet: Fleet, host: str, work: BarmanWork, steps: HostSteps) -> Iterator[str]:
    """Why a backup server can't be decommissioned as a whole: others need its keys and its program."""
    if not work.whole:
        return
    moved = [name for name in steps.undeclared if name in fleet.served]
    others = [name for name in steps.undeclared if name not in fleet.served]
    if moved:
        yield (
            f"{host}: the entries of {', '.join(moved)} are active there still, and the inventory has these servers on another backup server. Deploy "
            "until the handover is complete"
        )
    if others:
        yield (
            f"{host}: the inventory does not declare these active entries: {', '.join(others)}. Put their hosts back into the inventory and move the servers, "
            f"or name them in {ARGUMENT}, too"
        )


def _commit_problems(fleet: Fleet, host: str, steps: HostSteps, found: BarmanFinding) -> Iterator[str]:
    """Receivers that commits wait for, on servers where this run does not disable that."""
    for name in (*steps.absent, *steps.stopped):
        names = found.receivers.get(name, ReceiverFinding()).commits_wait
        if not names:
            continue
        server = fleet.served.get(name, "")
        work, postgres = fleet.work.get(server), fleet.postgres.get(server)
        if (
            work
            and work.postgres
            and postgres
            and not postgres.reason
            and _disables_synchronous(work.postgres, postgres)
        ):
            continue
        yield (
            f"{host}: every commit on the PostgreSQL server of '{name}' would hang without its WAL receiver, because synchronous_standby_names there is "
            f"'{names}', and this run can't change it{f' ({postgres.reason})' if postgres and postgres.reason else ''}. Remove the receiver's name there "
            "with ALTER SYSTEM SET synchronous_standby_names, then SELECT pg_reload_conf(), and run the playbook again"
        )


def _barman_left(
    host: str, work: BarmanWork, steps: HostSteps, found: BarmanFinding, choices: Choices
) -> Iterator[str]:
    if work.whole:
        yield (
            f"{host}: Barman's packages, user and home stay, /etc/barman.conf as deployments wrote it, and the script run-hook if hooks were declared. "
            "Remove them if nothing else needs them"
        )
    if steps.program == "kept":
        yield (
            f"{host}: the program pgdr-barman, its schedules and monitoring stay as they are, because the inventory does not declare these active entries: "
            f"{', '.join(steps.undeclared)}. A deployment with all servers in the inventory corrects them"
        )
    for name in steps.stopped:
        entry = found.entries[name]
        yield (
            f"PostgreSQL of server '{name}' ({entry.host or 'unknown host'}) does not answer {host}: {found.receivers[name].error}. If it ever runs again, "
            f"its replication slot keeps WAL until the disk is full: SELECT pg_drop_replication_slot('{entry.slot_name}')"
        )
    if choices.backups == "kept":
        names = [name for name in choices.servers if name in found.entries]
        if names:
            yield f"{host}: the backups, the ledger and the inactive entry of {', '.join(names)} stay. pgdr.barman.recover can use them"


def _former_left(fleet: Fleet, found: BarmanFinding) -> Iterator[str]:
    """What stays on PostgreSQL servers that left the inventory, from their entries."""
    for name in fleet.unknown:
        entry = found.entries.get(name)
        if entry is None or entry.passive:
            continue
        sql = []
        if entry.streaming:
            sql.append(
                f"remove {entry.receiver_name} from synchronous_standby_names, before this run, because commits wait for it"
            )
        if entry.archiving:
            sql.append("ALTER SYSTEM SET archive_command = '/bin/true'; SELECT pg_reload_conf()")
        if entry.slot_name:
            sql.append(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
                f"WHERE slot_name = {literal(entry.slot_name)}"
            )
        sql += [f"DROP OWNED BY {identifier(user)}; DROP ROLE {identifier(user)}" for user in entry.users]
        yield (
            f"PostgreSQL of server '{name}' ({entry.host or 'unknown host'}) is not in the inventory, so this run changes nothing there except for the slot. "
            f"Put it back into the inventory and run this playbook again. Or, if it still runs, there, in psql: {'; '.join(sql) or 'nothing'}. In pg_hba.conf "
            "remove the block '# BEGIN pgdr.barman' to '# END pgdr.barman'; under Patroni, remove that block and the slot from its DCS. In "
            ".ssh/authorized_keys of PostgreSQL's user remove the lines with 'pgdr.barman:'"
        )


def _texts(work: HostWork, steps: HostSteps, found: PostgresFinding | None, choices: Choices) -> Iterator[str]:
    export = "export and remove" if choices.backups == "exported" else "remove"
    texts: dict[DecommissionStep, Sequence[str]] = {
        DecommissionStep.BACK_UP: [f"take a last backup of {', '.join(steps.back_up)}"],
        DecommissionStep.DISABLE_SYNCHRONOUS: ["disable synchronous commit to Barman"],
        DecommissionStep.STOP_ARCHIVING: ["stop archiving"],
        DecommissionStep.STOP_RECEIVERS: [
            f"stop the WAL receivers of {', '.join((*steps.absent, *steps.stopped))}, and drop their slots"
        ],
        DecommissionStep.DEACTIVATE: [f"deactivate the entries of {', '.join(steps.deactivate)}"],
        DecommissionStep.REMOVE_DATA: [f"{export} backups, WAL and ledger of {', '.join(steps.entries)}"],
        DecommissionStep.UPDATE_FILES: [
            "remove schedules and passwords that nothing else needs"
            if steps.program == "kept"
            else "remove schedules, passwords, metrics and settings of the program that nothing else needs"
        ],
        DecommissionStep.RELEASE_POSTGRES: list(found.changes) if found is not None else [],
        DecommissionStep.RELEASE_SSH: [
            "remove SSH trust that nothing else needs" + (", and the record of this host" if work.whole else "")
        ],
        DecommissionStep.REMOVE_ENTRIES: [f"remove the entries of {', '.join(steps.entries)}"],
    }
    for step in steps.steps:
        yield from texts[step]
    if found is not None and found.restart:
        yield f"{', '.join(found.restart)} takes effect at a restart of PostgreSQL only"
