# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a PostgreSQL host is from what it must have, and what that means for the run.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .model import as_plain

#: What this collection writes as archive_command ends with this comment.
_OURS = "# pgdr.barman"
#: Commands that archive nothing. "false" is what Barman leaves in a server that it restored.
_NOTHING = re.compile(r"\s*((/usr)?/bin/)?(true|false|:|exit 0|cd [.])?\s*$")

State = Mapping[str, Any]


@dataclass(frozen=True)
class Requests:
    """What a person allows, and how the role is called."""

    superuser: str
    archive_overwrite: bool = False
    roles_overwrite: bool = False
    rules_exclusive: bool = True


@dataclass(frozen=True)
class Comparison:
    """What role pg has to do on the host.

    refusal: why nothing may be done; too_low: settings to write; restart: settings that wait for a restart;
    not_loaded: files that are written and not loaded; hba_lines: the rules to write;
    rules_undeclared: rules of this collection that are not declared any more;
    missing_roles: the names of database roles that do not exist yet;
    unknown_rules: those for addresses that no backup server of the inventory has;
    foreign_archiving: an archive_command of somebody else that is not declared; archives_undeclared: one of this collection.
    """

    refusal: str = ""
    warnings: tuple[str, ...] = ()
    too_low: tuple[Mapping[str, Any], ...] = ()
    restart: tuple[Mapping[str, Any], ...] = ()
    not_loaded: tuple[str, ...] = ()
    hba_lines: tuple[str, ...] = ()
    rules_undeclared: tuple[str, ...] = ()
    unknown_rules: tuple[str, ...] = ()
    foreign_archiving: str = ""
    archives_undeclared: bool = False
    idle_slots: tuple[str, ...] = ()
    roles: tuple[Mapping[str, Any], ...] = ()
    missing_roles: tuple[str, ...] = ()
    synchronous_undeclared: bool = False

    @property
    def differs(self) -> bool:
        """Whether there is anything to show or to change beside the roles, privileges and rules, whose own tasks compare them."""
        return bool(self.warnings or self.synchronous_undeclared or self.too_low or self.not_loaded)


def compare(
    host: str, required: Mapping[str, Any], state: State, sources: Iterable[str], requests: Requests
) -> Comparison:
    """state: what state.sql reports; sources: the addresses of all backup servers of the inventory."""
    refusal = next(_refusals(host, required, state, requests), "")
    if refusal:
        return Comparison(refusal=refusal)
    foreign = _foreign_archiving(state)
    surplus = [line for line in state["hba_rules"].splitlines() if line not in required["hba_lines"]]
    known = {f" {source} " for source in sources}
    unknown = [line for line in surplus if not any(source in line for source in known)]
    settings = state["settings"]
    return Comparison(
        warnings=tuple(_warnings(host, state)),
        too_low=tuple(one for one in settings if one["written_short"]),
        restart=tuple(_waiting(settings)),
        not_loaded=tuple(_not_loaded(state)),
        hba_lines=(*required["hba_lines"], *(unknown if requests.rules_exclusive else surplus)),
        rules_undeclared=() if requests.rules_exclusive else tuple(line for line in surplus if line not in unknown),
        unknown_rules=tuple(unknown),
        foreign_archiving="" if required["archiving"] else foreign,
        archives_undeclared=not required["archiving"] and _archives(state),
        # Patroni has a slot for each member on every other one, and drops those that nobody declares.
        idle_slots=()
        if required["cluster_manager"] == "patroni"
        else tuple(slot for slot in state["idle_slots"] if slot not in required["slots"]),
        # A standby has its primary's roles.
        roles=() if state["in_recovery"] else tuple(required["roles"]),
        missing_roles=tuple(_missing_roles(required, state)),
        synchronous_undeclared=not required["synchronous"]
        and re.search(r'"barman[A-Za-z0-9_]*"', state["synchronous_standby_names"]) is not None,
    )


def as_result(compared: Comparison) -> dict[str, Any]:
    """A comparison without a refusal, as action postgres_comparison returns it."""
    found = as_plain(compared)
    del found["refusal"]
    # "warnings" is Ansible's own key of a result.
    return {"messages": found.pop("warnings"), **found, "differs": compared.differs}


def restart_failure(
    host: str, service: str, required: Mapping[str, Any], state: State, pending: Iterable[Mapping[str, Any]]
) -> str:
    """The error if the restart of this service left settings that are not in effect; empty if it left none."""
    problems = not_in_effect(state, pending)
    if not problems:
        return ""
    return (
        f"PostgreSQL on {host} ({service}, port {required['port']}) was restarted, and these settings did not take effect: "
        f"{'; '.join(problems)}. Correct them there, and run this again."
    )


def not_in_effect(state: State, pending: Iterable[Mapping[str, Any]]) -> list[str]:
    """The settings that a restart did not bring into effect, each with where it is set. pending: as module cluster_info returns them.

    A setting on the server's command line overrides every file, and never waits for a restart.
    """
    found = [
        "{name} is {setting} and waits for a restart to become {pending} ({file}, line {line})".format(**one)
        for one in pending
    ]
    for one in _waiting(state["settings"]):
        where = one["source"] + (f" {one['sourcefile']}" if one["sourcefile"] else "")
        found.append(f"{one['name']} is {one['running']} and has to be {one['desired']} (set by: {where})")
    return list(dict.fromkeys(found))


def _refusals(host: str, required: Mapping[str, Any], state: State, requests: Requests) -> Iterator[str]:
    port, version = required["port"], state["version"]
    if version != required["version"]:
        yield (
            f"PostgreSQL on {host}, port {port}, is version {version}, and barman_postgres_version is "
            f"{required['version']}. Write barman_postgres_version: "
            f"{version}, or set barman_postgres_port to the port of the right server."
        )
    if required["primary"] and not state["in_recovery"]:
        yield (
            f"{host} is not a standby, and barman_primary declares it as one of {required['primary']}. If it was "
            "promoted, "
            f"remove barman_primary here, and write "
            f"barman_primary: {host} for the server that follows it now. Otherwise build it again from "
            f"{required['primary']} first."
        )
    if required["standbys"] and state["in_recovery"]:
        yield (
            f"{host} is in recovery, a standby itself, and barman_primary of {', '.join(required['standbys'])} names "
            "it as the primary. Write there the name "
            "of the server that is the primary now."
        )
    if state["patroni"] and required["cluster"] and required["cluster_manager"] != "patroni":
        yield (
            f"Patroni runs PostgreSQL on {host}, port {port}, and barman_cluster_manager is {required['cluster_manager']}. "
            "Patroni would drop the receiver's slot, and overwrite settings and pg_hba.conf. Write "
            "barman_cluster_manager: patroni for all "
            f"members of {required['cluster']}."
        )
    foreign = _foreign_archiving(state)
    if required["archiving"] and foreign and not requests.archive_overwrite:
        yield (
            f"PostgreSQL on {host} archives its WAL already, and not by this role: {foreign}. Remove that setting, "
            "set barman_archive_overwrite: true to overwrite it, or remove archiving from barman_wal."
        )
    existing = _existing_roles(state)
    superusers = dict.fromkeys(
        role["name"] for role in existing if role["bootstrap"] or role["name"] == requests.superuser
    )
    if superusers:
        yield (
            f"Barman would log in to {host}, port {port}, as {' and '.join(superusers)}, which is PostgreSQL's own "
            "superuser and would lose that. Write a "
            "role of Barman's own as barman_postgres_user and barman_streaming_user."
        )
    if any(role["attributes"] and not role["ours"] for role in existing) and not requests.roles_overwrite:
        yield (
            f"{' '.join(_role_changes(state))} Write other roles as barman_postgres_user and barman_streaming_user, "
            "which are created then, or set "
            f"barman_roles_overwrite: true if nothing but Barman logs in to {host} with them."
        )


def _warnings(host: str, state: State) -> Iterator[str]:
    recovery = list(_unrecoverable(state))
    if recovery:
        yield f"WARNING: {host}: {' '.join(recovery)}"
    roles = list(_role_changes(state))
    if roles:
        yield (
            f"WARNING: {host}: {' '.join(roles)} If another program logs in with it, write another name: "
            "barman_postgres_user, barman_streaming_user."
        )


def _unrecoverable(state: State) -> Iterator[str]:
    """What a recovery to this host would be refused for."""
    if not state["alter_system_allowed"]:
        yield "allow_alter_system is off. A recovery changes settings by ALTER SYSTEM, and is refused until it is on."
    for mount in state["mounts_below"]:
        yield (
            f"{mount} is mounted below the data directory, which a recovery could not move aside, and so is refused. "
            "Mount it outside of "
            f"{state['data_directory']}, and make it a symbolic link there."
        )


def _missing_roles(required: Mapping[str, Any], state: State) -> Iterator[str]:
    """The names of the roles that are about to be created."""
    if not state["in_recovery"]:
        existing = {role["name"] for role in state["existing_roles"]}
        yield from (role["name"] for role in required["roles"] if role["name"] not in existing)


def _existing_roles(state: State) -> Sequence[Mapping[str, Any]]:
    return [] if state["in_recovery"] else state["existing_roles"]


def _role_changes(state: State) -> Iterator[str]:
    for role in _existing_roles(state):
        if role["attributes"]:
            yield f"The database role '{role['name']}' exists, and loses {', '.join(role['attributes'])}."
        if not role["ours"]:
            yield f"The database role '{role['name']}' was not created by this collection, and gets the inventory's password."


def _foreign_archiving(state: State) -> str:
    """Somebody else's archiving, as a setting; empty if there is none."""
    if state["archive_library"]:
        return f"archive_library = {state['archive_library']}"
    command = state["archive_command"]
    return "" if _OURS in command or _NOTHING.match(command) else f"archive_command = {command}"


def _archives(state: State) -> bool:
    """Whether an archive_command of this collection works there, or one that fails for ever, as Barman leaves it."""
    command = state["archive_command"]
    return (_OURS in command and not command.startswith("/bin/true ")) or (
        state["archive_mode"] != "off" and command in ("", "false")
    )


def _waiting(settings: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (one for one in settings if one["running_short"] and one["needs_restart"])


def _not_loaded(state: State) -> Iterator[str]:
    """What is written and not loaded: an earlier run ended before it came to that."""
    if state["hba_unloaded"]:
        yield "pg_hba.conf"
    for one in state["settings"]:
        if one["needs_reload"] and one["running_short"] and not one["written_short"]:
            yield one["name"]
