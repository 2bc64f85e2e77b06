# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One entry of an existing Barman as the variables of a PostgreSQL server.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._barman.options import parse_bool
from ...module_utils._postgres.standby_names import StandbyNamesError, parse
from .._topology.entries import ssh_command
from .._topology.model import BACKUP_METHODS
from . import schedules
from .backup_servers import (
    client_directory,
    hook_variables,
    path_pattern,
    reference,
    variable_part,
    vault_of,
    version_of,
)
from .connections import (
    PostgresConnection,
    SshConnection,
    connection_variables,
    member_connections,
    ssh_connection_of,
)
from .facts import Adoption, BarmanFacts, EntryFacts, Inexpressible, Variables
from .options import server_further_options

#: Options that a variable decides, or that follow from one.
_DECIDED = frozenset(
    (
        "archiver",
        "backup_method",
        "minimum_redundancy",
        "model",
        "path_prefix",
        "primary_ssh_command",
        "retention_policy",
        "reuse_backup",
        "slot_name",
        "streaming_archiver",
    )
)
_USUAL_RECEIVER = "barman_receive_wal"


@dataclass(frozen=True)
class ExistingServer:
    """An active entry: what it is called, and its connections. primary: on a standby.

    members: the connections to all members of a cluster, in the entry's order. management and streaming are those to the first one.
    """

    backup_server: str
    entry: EntryFacts
    barman: BarmanFacts
    management: PostgresConnection
    streaming: PostgresConnection | None
    primary: PostgresConnection | None
    primary_streaming: PostgresConnection | None
    ssh: SshConnection | None
    members: tuple[PostgresConnection, ...] = ()

    @property
    def name(self) -> str:
        return self.entry["name"]

    def option(self, name: str, default: str = "") -> str:
        return self.entry["effective_options"].get(name) or default

    def flag(self, name: str) -> bool:
        return parse_bool(self.option(name)) is True

    @property
    def streams(self) -> bool:
        return self.flag("streaming_archiver")

    @property
    def archives(self) -> bool:
        """Barman also archives if WAL came by no other way."""
        return self.flag("archiver") or not self.streams

    @property
    def method(self) -> str:
        return self.option("backup_method", "rsync")

    @property
    def replicates(self) -> bool:
        """Whether Barman connects to this server with the replication protocol."""
        return self.method == "postgres" or (self.streams and self.primary is None)

    @property
    def streaming_role(self) -> str | None:
        """The role of the replication connections; None if there are none."""
        if self.streaming is not None:
            return self.streaming.user
        if self.primary_streaming is not None:
            return self.primary_streaming.user
        # Barman's default is conninfo.
        return self.management.user if self.replicates else None

    @property
    def answer(self) -> Mapping[str, Any]:
        found = self.barman["postgresql"].get(self.name) or {}
        return {} if found.get("error") else found


def is_passive(entry: EntryFacts) -> bool:
    return bool(entry["effective_options"].get("primary_ssh_command"))


def existing_server(host: str, entry: EntryFacts, barman: BarmanFacts) -> ExistingServer:
    """The entry as far as the inventory can express it. Raises Inexpressible."""
    os_user, words = barman["user"], entry["connections"]
    method = entry["effective_options"].get("backup_method") or "rsync"
    clusters = {model["cluster"] for model in barman["models"]}
    if entry["active_model"] or entry["effective_options"].get("cluster", entry["name"]) in clusters:
        raise Inexpressible(
            "belongs to a cluster with configuration models, which the inventory can't express",
            "leave its entry as it is",
        )
    if method not in BACKUP_METHODS:
        raise Inexpressible(
            f"has the backup_method {method}, which this collection does not have", "leave its entry as it is"
        )

    def read(name: str) -> tuple[PostgresConnection, ...]:
        return member_connections(words[name], name, os_user) if name in words else ()

    managements = member_connections(words.get("conninfo") or {}, "conninfo", os_user)
    management, streamings = managements[0], read("streaming_conninfo")
    if len(managements) > 1:
        return _cluster(host, entry, barman, managements, streamings)
    if len(streamings) > 1:
        raise Inexpressible(
            "has several hosts in streaming_conninfo, and one in conninfo",
            "declare the server yourself, or leave its entry as it is",
        )
    primary = _first(read("wal_conninfo")) or _first(read("primary_conninfo"))
    return ExistingServer(
        backup_server=host,
        entry=entry,
        barman=barman,
        management=management,
        streaming=_first(streamings),
        primary=primary,
        primary_streaming=_first(read("wal_streaming_conninfo")) if primary else None,
        ssh=ssh_connection_of(entry["effective_options"].get("ssh_command") or ""),
    )


def _first(connections: tuple[PostgresConnection, ...]) -> PostgresConnection | None:
    return connections[0] if connections else None


def _cluster(
    host: str,
    entry: EntryFacts,
    barman: BarmanFacts,
    members: tuple[PostgresConnection, ...],
    streamings: tuple[PostgresConnection, ...],
) -> ExistingServer:
    """An entry that connects to whichever of several hosts is the primary. Raises Inexpressible."""
    attributes = entry["connections"]["conninfo"].get("target_session_attrs", "any")
    found = ExistingServer(host, entry, barman, members[0], _first(streamings), None, None, None, members)
    problem = (
        f"has target_session_attrs {attributes} for several hosts"
        if attributes not in ("read-write", "primary")
        else "is a cluster whose backups need SSH or archive_command"
        if found.method != "postgres" or found.archives
        else "has other hosts in streaming_conninfo than in conninfo"
        if streamings and [one.endpoint for one in streamings] != [one.endpoint for one in members]
        else "is a cluster with other connections for WAL"
        if {"wal_conninfo", "wal_streaming_conninfo", "primary_conninfo"}.intersection(entry["connections"])
        else ""
    )
    if problem:
        raise Inexpressible(
            f"{problem}, which barman_cluster can't express", "declare the server yourself, or leave its entry as it is"
        )
    return found


def server_variables(server: ExistingServer, inventory_host: str, adoption: Adoption, place: str = "") -> Variables:
    """The variables of the PostgreSQL server, without its backup server and its passive nodes. Raises Inexpressible.

    place: what Barman's description names if it is another text than the host, as for a cluster.
    """
    version = version_of(server.entry, server.barman)
    found: Variables = {
        "barman_server_name": server.name,
        "barman_backup_method": server.method,
        "barman_wal": [
            name for name, comes in (("streaming", server.streams), ("archiving", server.archives)) if comes
        ],
        "barman_slot_name": server.option("slot_name") or None,
        **connection_variables(server.management, server.streaming),
        "barman_streaming_user": server.streaming_role,
        **_ssh_variables(server),
        **_retention(server),
        **_schedule_variables(server, inventory_host, adoption),
        **_answered(server, inventory_host, adoption),
        **hook_variables(inventory_host, server.name, server.entry["options"], adoption),
    }
    if version is None:
        adoption.remark(
            inventory_host,
            "barman_postgres_version",
            "is unknown: the server has no backup here, and PostgreSQL did not answer",
            "write it",
        )
    else:
        found["barman_postgres_version"] = version
    found["barman_options"] = {
        **_options(server, inventory_host, version, found, adoption, place or inventory_host),
        **(found.pop("barman_options", None) or {}),
    }
    return found


def _ssh_variables(server: ExistingServer) -> Variables:
    ssh = server.ssh
    if ssh is None:
        return {}
    found: Variables = {
        "barman_address": ssh.host,
        "barman_ssh_port": int(ssh.port) if ssh.port.isdecimal() else 22,
    }
    return {**found, "barman_postgres_os_user": ssh.user} if ssh.user else found


def _retention(server: ExistingServer) -> Variables:
    policy = " ".join(server.option("retention_policy").split())
    number = server.option("minimum_redundancy", "0")
    found: Variables = {"barman_minimum_redundancy": int(number) if number.isdecimal() else 0}
    if not policy and server.barman["global_options"].get("retention_policy"):
        # The variable's empty text writes nothing into the entry, which would inherit the policy of the [barman] section.
        return {**found, "barman_options": {"retention_policy": ""}}
    return {**found, "barman_retention_policy": policy}


def _schedule_variables(server: ExistingServer, host: str, adoption: Adoption) -> Variables:
    lines = server.barman["schedules"]
    full = schedules.lines_of(server.name, lines, incremental=False)
    increments = schedules.lines_of(server.name, lines, incremental=True)
    reuse = server.option("reuse_backup")
    block = server.method == "postgres" and bool(increments or server.entry["increments"])
    found: Variables = {
        "barman_incremental": "block"
        if block
        else reuse
        if server.method == "rsync" and reuse in ("link", "copy")
        else "none"
    }
    named = [("barman_backup_schedule", full), *([("barman_incremental_schedule", increments)] if block else [])]
    for variable, given in named:
        expression = schedules.expression_of(given)
        found[variable] = expression or ""
        if expression is None:
            texts = "; ".join(f"{line['file']}: {line['text']}" for line in given)
            adoption.remark(
                host, variable, f"one cron expression can't have these schedules: {texts}", "write the schedule"
            )
    if not full:
        adoption.remark(
            host,
            "barman_backup_schedule",
            f"no line of cron and no timer on {server.backup_server} takes backups of {server.name}, so it is empty",
            "write a schedule if nothing else takes the backups",
        )
    return found


def _answered(server: ExistingServer, host: str, adoption: Adoption) -> Variables:
    """What only PostgreSQL itself reports."""
    answer = server.answer
    if not answer:
        missing = ["whether commits wait for Barman"] if server.streams else []
        missing += ["how archive_command works"] if server.archives else []
        failed = (server.barman["postgresql"].get(server.name) or {}).get("error")
        reason = f": {failed}" if failed else ""
        adoption.remark(
            host,
            server.name,
            f"PostgreSQL was not read, so it is unknown {' and '.join(missing)}{reason}",
            "compare the inventory with it",
        )
        return {}
    found: Variables = {
        "barman_synchronous": server.streams and _waits_for(server, str(answer.get("synchronous_standby_names") or ""))
    }
    privileged = answer.get("privileged_roles") or []
    if privileged:
        adoption.remark(
            host,
            server.name,
            f"the role {' and '.join(privileged)} has more attributes than Barman needs, such as SUPERUSER",
            "the deployment fails until you write other roles, or barman_roles_overwrite: true",
        )
    inactive = answer.get("inactive_slots") or []
    if inactive:
        adoption.remark(
            host,
            server.name,
            f"PostgreSQL keeps WAL for inactive slots ({', '.join(inactive)})",
            "drop those that nothing uses: SELECT pg_drop_replication_slot('NAME')",
        )
    if server.streams and server.option("slot_name") and answer.get("slot_active") is None:
        adoption.remark(
            host, server.name, f"the slot {server.option('slot_name')} does not exist", "the deployment creates it"
        )
    return found


def _waits_for(server: ExistingServer, names: str) -> bool:
    try:
        found = parse(names)
    except StandbyNamesError:
        return False
    receiver = server.option("streaming_archiver_name", _USUAL_RECEIVER)
    return any(name.lower() == receiver.lower() for name in found.names)


def _options(
    server: ExistingServer, host: str, version: int | None, found: Variables, adoption: Adoption, place: str
) -> Variables:
    own = dict(server.entry["options"])
    derived = {
        "description": f"PostgreSQL {version} on {place}",
        "backup_options": "concurrent_backup",
        # With the other methods Barman needs no connection over SSH.
        "ssh_command": own.get("ssh_command") if server.method == "postgres" or not _differs(server, found) else None,
    }
    if server.streams:
        derived["create_slot"] = "auto"
    if found.get("barman_synchronous"):
        derived["streaming_archiver_name"] = _USUAL_RECEIVER
    rest = {name: value for name, value in own.items() if derived.get(name) != value}
    decided = {*_DECIDED, *(found.get("barman_hooks") or ())}
    if server.flag("active"):
        decided.add("active")

    def report(option: str, message: str, instead: str) -> None:
        adoption.remark(host, f"{server.name}: {option}", message, instead)

    written = server_further_options(rest, decided, server.barman["version"], report)
    for name in server.entry["secret_options"]:
        variable = f"vault_barman_{name}_{variable_part(host)}"
        written[name] = reference(variable)
        adoption.vault.append(
            vault_of(variable, f"{name} of {server.name}", server.backup_server, server.entry["file"])
        )
    everywhere = server.barman["global_options"].get("reuse_backup")
    if everywhere and found["barman_incremental"] not in ("link", "copy"):
        # With a default of the [barman] section, Barman disables servers with another method than rsync.
        written["reuse_backup"] = "off"
    if path_pattern(server.entry, server.barman) != client_directory(server.barman):
        written["path_prefix"] = server.option("path_prefix") or None
    return written


def _differs(server: ExistingServer, found: Variables) -> bool:
    """Whether ssh_command does more than what follows from the variables."""
    ssh = server.ssh
    if ssh is None or not ssh.user:
        return ssh is not None
    derived = ssh_connection_of(ssh_command(ssh.user, ssh.host, found["barman_ssh_port"]))
    return derived != ssh
