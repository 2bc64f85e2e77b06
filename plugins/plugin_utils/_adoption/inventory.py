# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the facts about existing Barmans to the inventory that describes them: the inverse of the topology's requirements.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .._topology.kinds import BACKUP, BOTH, PG
from .._topology.parse import InvalidValue
from .._topology.schedule import default_schedules
from .._topology.variables import KNOWN_VARIABLES, SECRET_VARIABLES
from .archiving import archiving_variables
from .backup_servers import addresses_variable, backup_server_variables, reference, variable_part, vault_of
from .connections import PostgresConnection
from .facts import Adoption, BarmanFacts, Inexpressible, Variables
from .names import ServerAddress, inventory_names
from .passive_nodes import add_passive_nodes
from .servers import ExistingServer, existing_server, is_passive, server_variables

#: What the facts decide; all other variables of a host that the inventory has already stay as they are.
PG_DECIDED = frozenset(
    (
        "barman_archive_compression",
        "barman_archive_method",
        "barman_archive_overwrite",
        "barman_archive_timeout",
        "barman_backup_method",
        "barman_backup_schedule",
        "barman_backup_server",
        "barman_cluster",
        "barman_connection_options",
        "barman_hooks",
        "barman_incremental",
        "barman_incremental_schedule",
        "barman_minimum_redundancy",
        "barman_options",
        "barman_passive_servers",
        "barman_postgres_database",
        "barman_postgres_host",
        "barman_postgres_port",
        "barman_postgres_user",
        "barman_primary",
        "barman_retention_policy",
        "barman_s3",
        "barman_server_name",
        "barman_slot_name",
        "barman_sslcert",
        "barman_sslkey",
        "barman_sslmode",
        "barman_sslrootcert",
        "barman_streaming_user",
        "barman_wal",
    )
)
BACKUP_DECIDED = frozenset(
    (
        "barman_client_directory",
        "barman_configuration_directory",
        "barman_global_options",
        "barman_home",
        "barman_hooks",
        "barman_passive_of",
        "barman_s3",
        "barman_user",
        "barman_version",
    )
)
#: What a run decides, and no inventory.
_OF_A_RUN = frozenset(("barman_adopt", "barman_prune"))
#: The kind of a password, and the option that has its connection.
_PASSWORDS = (("postgres", "conninfo"), ("streaming", "streaming_conninfo"))
_GROUPS = {"all", "ungrouped", "localhost"}


def adopt(
    barmans: Mapping[str, BarmanFacts],
    known: Mapping[str, Mapping[str, Any]],
    groups: Collection[str] = (),
) -> Adoption:
    """The inventory of these Barmans, by the inventory name of their host.

    known: all hosts of the inventory with their variables. groups: names that no host may get.
    """
    adoption = Adoption()
    for host, facts in sorted(barmans.items()):
        adoption.backup[host] = backup_server_variables(host, facts, adoption)
        _note_problems(host, facts, adoption)
    found = _declared_servers(barmans, known, {*groups, *_GROUPS, *barmans}, adoption)
    active: dict[tuple[str, str], str] = {}
    clusters: dict[str, dict[str, PostgresConnection]] = {}
    for one in found:
        server, name = one.server, one.names[0]
        archiving = archiving_variables(server, name, _known_addresses(server.backup_server, known), one.notes)
        adoption.pg[name] = {**one.variables, **archiving, "barman_backup_server": server.backup_server}
        adoption.remarks += one.notes.remarks
        adoption.vault += one.notes.vault
        active[server.backup_server, server.name] = name
        clusters[name] = dict(zip(one.names[1:], server.members[1:], strict=False))
    declared = [one.server for one in found]
    _add_primaries(declared, active, known, adoption)
    add_passive_nodes(barmans, known, active, adoption)
    _add_passwords(declared, active, adoption)
    adoption.pg = _with_members(adoption.pg, clusters)
    for host, variables in adoption.pg.items():
        adoption.pg[host] = _finished(host, variables, known.get(host, {}), PG, PG_DECIDED)
    for host, variables in adoption.backup.items():
        address = str(known.get(host, {}).get("barman_address") or known.get(host, {}).get("ansible_host") or host)
        addresses = addresses_variable(barmans[host], address)
        if addresses:
            variables["barman_addresses"] = addresses
        if not any(one.get("barman_backup_server") == host for one in adoption.pg.values()):
            variables["barman_allow_empty"] = True
        adoption.backup[host] = _finished(host, variables, known.get(host, {}), BACKUP, BACKUP_DECIDED)
    adoption.remarks = sorted(set(adoption.remarks))
    adoption.vault = list(dict.fromkeys(adoption.vault))
    return adoption


def _variables(server: ExistingServer, host: str, others: list[str], adoption: Adoption) -> Variables:
    """The server's variables, also if it is a cluster. others: the inventory hosts of its other members. Raises Inexpressible."""
    if not server.members:
        return server_variables(server, host, adoption)
    found = server_variables(server, host, adoption, f"cluster {server.name}: {', '.join([host, *others])}")
    if found.get("barman_synchronous"):
        raise Inexpressible(
            "is a cluster whose commits wait for Barman, which barman_cluster can't express",
            "remove Barman from synchronous_standby_names, and repeat this",
        )
    adoption.remark(
        host,
        server.name,
        f"is a cluster of {', '.join([host, *others])}",
        "write barman_cluster_manager for all of them if Patroni or repmgr runs it, and compare the order of the hosts",
    )
    # The name of the cluster is that of the server in Barman.
    return {**found, "barman_cluster": server.name, "barman_server_name": None}


def _with_members(
    servers: Mapping[str, Variables], clusters: Mapping[str, Mapping[str, PostgresConnection]]
) -> dict[str, Variables]:
    """The servers, and after each the other members of its cluster: they share everything but their addresses."""
    found: dict[str, Variables] = {}
    for host, variables in servers.items():
        found[host] = variables
        for other, connection in clusters.get(host, {}).items():
            own = {"barman_postgres_host": connection.host, "barman_postgres_port": connection.port}
            found[other] = {**variables, **own}
    return found


def _note_problems(host: str, facts: BarmanFacts, adoption: Adoption) -> None:
    if facts["password_file_problem"]:
        adoption.remark(host, "", f"the password file can't be read: {facts['password_file_problem']}")
    if facts["postgresql_problem"]:
        adoption.remark(host, "", f"PostgreSQL was not read: {facts['postgresql_problem']}")
    if facts["foreign_keys"]:
        adoption.remark(
            host,
            "authorized_keys",
            f"has keys of others ({', '.join(facts['foreign_keys'])}), and the deployment adds its own",
            f"remove those that only archived WAL to {facts['user']} or replicated from it",
        )
    for line in facts["schedules"]:
        if not line["ours"]:
            adoption.remark(
                host,
                line["file"],
                f"takes backups: '{line['text']}'",
                "remove that line after the deployment, which writes its own",
            )
    for name, entry in sorted(facts["servers"].items()):
        if entry["automatic_options"]:
            adoption.remark(
                host,
                name,
                f".barman.auto.conf sets {', '.join(entry['automatic_options'])}, and Barman reads that file last",
                "remove the section from it after the deployment",
            )


@dataclass(frozen=True)
class _DeclaredServer:
    """A server that the inventory declares. names: its inventory host; of a cluster, the hosts of all members. notes: remarks and vault variables."""

    server: ExistingServer
    names: list[str]
    variables: Variables
    notes: Adoption


def _declared_servers(
    barmans: Mapping[str, BarmanFacts],
    known: Mapping[str, Mapping[str, Any]],
    taken: Collection[str],
    adoption: Adoption,
) -> list[_DeclaredServer]:
    """The active entries that the inventory can express, each PostgreSQL server once. All others are left out."""
    refused: dict[tuple[str, str], Inexpressible] = {}
    while True:
        servers, problems = _expressible(barmans, refused)
        names = _names(servers, known, taken)
        found: list[_DeclaredServer] = []
        for server in servers:
            own = [names[one] for one in _addresses(server)]
            # What is remarked about a server that stays out would only confuse.
            notes = Adoption()
            try:
                variables = _parsed(_variables(server, own[0], own[1:], notes))
            except Inexpressible as reason:
                refused[server.backup_server, server.name] = reason
                continue
            found.append(_DeclaredServer(server, own, variables, notes))
        if len(found) == len(servers):
            for (host, name), problem in sorted(problems.items(), key=lambda one: one[0]):
                _leave_out(host, name, problem, adoption)
            return found
        # What is refused now holds no PostgreSQL server and no name, so both are given again.


def _expressible(
    barmans: Mapping[str, BarmanFacts], refused: Mapping[tuple[str, str], Inexpressible]
) -> tuple[list[ExistingServer], dict[tuple[str, str], Inexpressible]]:
    """The active entries whose connections the inventory can express, each PostgreSQL server once; and why each other entry stays out.

    refused: entries that stay out because of their variables.
    """
    found: list[ExistingServer] = []
    problems = dict(refused)
    endpoints: dict[tuple[str, int], ExistingServer] = {}
    for host, facts in sorted(barmans.items()):
        for name, entry in sorted(facts["servers"].items()):
            if is_passive(entry) or (host, name) in refused:
                continue
            try:
                server = existing_server(host, entry, facts)
                own = [connection.endpoint for connection in server.members or (server.management,)]
                other = next((endpoints[one] for one in own if one in endpoints), None)
                if other is not None:
                    raise Inexpressible(
                        f"is the PostgreSQL server that {other.backup_server} backs up as {other.name}, and a server has one backup server",
                        "leave its entry as it is, or make it a passive copy",
                    )
            except Inexpressible as reason:
                problems[host, name] = reason
                continue
            # An entry that is left out has none of them.
            endpoints.update(dict.fromkeys(own, server))
            found.append(server)
    return found, problems


def _leave_out(host: str, name: str, reason: Inexpressible, adoption: Adoption) -> None:
    adoption.left_out.setdefault(host, []).append(name)
    adoption.remark(
        host,
        name,
        f"{reason.message}. The inventory does not declare it, and Barman continues to back it up",
        reason.instead,
    )


def _addresses(server: ExistingServer) -> list[ServerAddress]:
    """The server's address; of a cluster, those of all members. The entry notes the host of the first one."""
    first, *others = [(one.host, one.port) for one in server.members or (server.management,)]
    return [
        ServerAddress(server.backup_server, server.name, *first, server.entry["inventory_host"]),
        *(ServerAddress(server.backup_server, server.name, *one) for one in others),
    ]


def _names(
    servers: list[ExistingServer], known: Mapping[str, Mapping[str, Any]], taken: Collection[str]
) -> dict[ServerAddress, str]:
    others = {host: variables for host, variables in known.items() if host not in taken}
    return inventory_names([one for server in servers for one in _addresses(server)], others, taken)


def _known_addresses(host: str, known: Mapping[str, Mapping[str, Any]]) -> set[str]:
    variables = known.get(host, {})
    return {host, *(str(variables[name]) for name in ("ansible_host", "barman_address") if variables.get(name))}


def _add_primaries(
    servers: list[ExistingServer],
    active: Mapping[tuple[str, str], str],
    known: Mapping[str, Mapping[str, Any]],
    adoption: Adoption,
) -> None:
    """barman_primary of each standby, and the host of a primary that no backup server backs up."""
    hosts = {server.management.endpoint: active[server.backup_server, server.name] for server in servers}
    for server in servers:
        if server.primary is None:
            continue
        standby = active[server.backup_server, server.name]
        if server.primary.endpoint not in hosts:
            hosts[server.primary.endpoint] = _primary_host(server, server.primary, standby, known, adoption)
        adoption.pg[standby]["barman_primary"] = hosts[server.primary.endpoint]


def _primary_host(
    server: ExistingServer,
    primary: PostgresConnection,
    standby: str,
    known: Mapping[str, Mapping[str, Any]],
    adoption: Adoption,
) -> str:
    """A new host for the primary, with what it shares with its standby."""
    taken = {*adoption.pg, *adoption.backup, *_GROUPS}
    address = ServerAddress(server.backup_server, f"{server.name}-primary", primary.host, primary.port)
    name = _primary_name(address, known, taken)
    shared = (
        "barman_postgres_version",
        "barman_postgres_database",
        "barman_postgres_user",
        "barman_streaming_user",
        "barman_sslmode",
    )
    adoption.pg[name] = {
        **{key: adoption.pg[standby][key] for key in shared if key in adoption.pg[standby]},
        "barman_postgres_host": primary.host,
        "barman_postgres_port": primary.port,
        "barman_connection_options": dict(primary.options),
    }
    return name


def _primary_name(address: ServerAddress, known: Mapping[str, Mapping[str, Any]], taken: Collection[str]) -> str:
    others = {host: variables for host, variables in known.items() if host not in taken}
    return inventory_names([address], others, taken)[address]


def _add_passwords(servers: list[ExistingServer], active: Mapping[tuple[str, str], str], adoption: Adoption) -> None:
    """References to variables of a vault: one for several servers if one line of a password file is for all of them."""
    hosts = {id(server): active[server.backup_server, server.name] for server in servers}
    owners = {key: str(adoption.pg[host].get("barman_primary") or host) for key, host in hosts.items()}
    for kind, option in _PASSWORDS:
        suffixes = _suffixes(servers, owners, option)
        for server in servers:
            by_certificate = bool(server.management.sslcert) and _line(server, option) is None
            if by_certificate or (kind == "streaming" and server.streaming_role is None):
                continue
            base = "postgres" if server.streaming_role == server.management.user else kind
            variable = f"vault_barman_{base}_password{suffixes[id(server)]}"
            # A standby has its primary's roles, with their passwords.
            for host in (hosts[id(server)], owners[id(server)]):
                adoption.pg[host].setdefault(f"barman_{kind}_password", reference(variable))
            adoption.vault.append(_password_variable(server, variable, option))


def _suffixes(servers: list[ExistingServer], owners: Mapping[int, str], option: str) -> dict[int, str]:
    """What distinguishes the variables of these servers, by the identity of the server: nothing, the backup server, or the host."""
    lines = {id(server): _line(server, option) for server in servers}
    if len(servers) == 1 or (len(set(lines.values())) == 1 and None not in lines.values()):
        return dict.fromkeys(lines, "")
    found = {}
    for server in servers:
        of_same_host = [lines[id(one)] for one in servers if one.backup_server == server.backup_server]
        shared = len(of_same_host) > 1 and len(set(of_same_host)) == 1 and of_same_host[0] is not None
        found[id(server)] = "_" + variable_part(server.backup_server if shared else owners[id(server)])
    return found


def _line(server: ExistingServer, option: str) -> str | None:
    """Where the password of a connection is, by backup server. Barman's default for streaming is conninfo."""
    places = server.entry["passwords"]
    place = places.get(option, places.get("conninfo"))
    return None if place is None else f"{server.backup_server}:{place}"


def _password_variable(server: ExistingServer, variable: str, option: str) -> Any:
    role = server.streaming_role if option == "streaming_conninfo" else server.management.user
    place = server.entry["passwords"].get(option, server.entry["passwords"].get("conninfo"))
    if place is None:
        where = "no place: the connection has no password now"
    elif place.isdecimal():
        where = f"line {place} of the file .pgpass of {server.barman['user']}"
    else:
        where = f"{place} in {server.entry['file']}"
    return vault_of(variable, f"the password of the role {role}", server.backup_server, where)


def _parsed(variables: Variables) -> Variables:
    """The same if the inventory can have each value. Raises Inexpressible."""
    for name, value in variables.items():
        known = KNOWN_VARIABLES[name]
        if value in (None, "") or name in SECRET_VARIABLES or known.kind.parse_parts is not None:
            continue
        try:
            known.kind.parse(value)
        except InvalidValue as wrong:
            raise Inexpressible(
                f"{name} {wrong.message}", "leave its entry as it is, or declare it with other values"
            ) from None
    return variables


def _finished(
    host: str, variables: Variables, known: Mapping[str, Any], group: str, decided: Collection[str]
) -> Variables:
    """The host's variables without defaults, with what the inventory has already and the facts don't decide."""
    kept = {
        name: value
        for name, value in known.items()
        if name in KNOWN_VARIABLES
        and KNOWN_VARIABLES[name].group in (group, BOTH)
        and name not in decided
        and name not in SECRET_VARIABLES | _OF_A_RUN
    }
    given = {**kept, **{name: value for name, value in variables.items() if value is not None}}
    address = known.get("ansible_host") or given.get("barman_address") or given.get("barman_postgres_host")
    connection: Variables = {
        name: known[name] for name in ("ansible_host", "ansible_port") if known.get(name) is not None
    }
    if group == PG and address and address != host and not str(address).startswith("/"):
        connection["ansible_host"] = address
    effective = str(given.get("barman_address") or connection.get("ansible_host") or host)
    return {**_ordered(connection), **_ordered(_without_defaults(host, given, connection, effective))}


def _without_defaults(host: str, given: Variables, connection: Variables, address: str) -> Variables:
    full, incremental = default_schedules(
        str(given.get("barman_server_name") or host), block_increments=given.get("barman_incremental") == "block"
    )
    # archive_timeout, if WAL comes by archiving alone.
    usual = {
        "barman_address": connection.get("ansible_host") or host,
        "barman_archive_timeout": 300,
        "barman_backup_schedule": full,
        "barman_incremental_schedule": incremental,
        "barman_postgres_host": address,
        "barman_server_name": given.get("barman_cluster") or host,
        "barman_sslcert": "",
        "barman_wal": ["streaming"],
    }
    return {
        name: value
        for name, value in given.items()
        if value is not None and value != usual.get(name, KNOWN_VARIABLES[name].value)
    }


def _ordered(variables: Variables) -> Variables:
    """In the order of the documentation."""
    order = {name: number for number, name in enumerate(KNOWN_VARIABLES)}
    return {name: variables[name] for name in sorted(variables, key=lambda name: (order.get(name, -1), name))}
