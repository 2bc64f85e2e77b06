# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of a server, or of a backup server: the topology without it, and what each host has to release.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .model import PostgresServer, Topology, as_plain
from .requirement_types import RequirementsOfHost, SshConnection
from .requirements import requirements
from .ssh_connections import machines
from .ssh_lines import KnownKeys, desired, host_name

ARGUMENT = "barman_decommission_servers"
ARGUMENT_BACKUP = "barman_decommission_backup_server"


@dataclass(frozen=True)
class Leaving:
    """What is decommissioned. servers: Barman's names. backup_server: an inventory name, or empty."""

    servers: tuple[str, ...] = ()
    backup_server: str = ""

    @property
    def names(self) -> str:
        """What a person types to confirm it."""
        return ",".join((*self.servers, *([self.backup_server] if self.backup_server else [])))


@dataclass(frozen=True)
class PostgresWork:
    """What a PostgreSQL server releases. rules, settings: what it still has to have. members: the other members of its cluster that Ansible manages."""

    synchronous: tuple[str, ...] = ()
    archiving: bool = False
    slots: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class BarmanWork:
    """What a backup server releases. servers: Barman's names. remaining: the servers that it still has. whole: it is decommissioned itself."""

    servers: tuple[str, ...] = ()
    remaining: tuple[str, ...] = ()
    whole: bool = False


@dataclass(frozen=True)
class SshWork:
    """What a host releases of its SSH trust, as modules authorized_keys and ssh_known_hosts take it.

    revocable: the hosts whose lines go unless desired has them. known: by user, the names in known_hosts that go.
    """

    users: tuple[str, ...] = ()
    desired: tuple[str, ...] = ()
    revocable: tuple[str, ...] = ()
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class HostWork:
    """whole: no host of the remaining topology is this machine."""

    postgres: PostgresWork | None = None
    barman: BarmanWork | None = None
    ssh: SshWork = SshWork()
    whole: bool = False


@dataclass(frozen=True)
class Decommission:
    """work: by inventory host. unknown: names of servers that the inventory does not have; backup servers may. manual: hosts that Ansible does not manage."""

    leaving: Leaving
    work: Mapping[str, HostWork]
    remaining: Topology
    requirements: Mapping[str, RequirementsOfHost]
    unknown: tuple[str, ...] = ()
    manual: tuple[str, ...] = ()


def problems(topology: Topology, leaving: Leaving) -> list[str]:
    """Why this can't be decommissioned, each with what to do."""
    found: list[str] = []
    backup = leaving.backup_server
    if not leaving.servers and not backup:
        found.append(
            f"nothing is named. Set {ARGUMENT} to Barman's names of servers, or {ARGUMENT_BACKUP} to an inventory name"
        )
    if not backup:
        return found
    if backup not in topology.backup_servers:
        known = ", ".join(sorted(topology.backup_servers))
        return [
            *found,
            f"{ARGUMENT_BACKUP}: '{backup}' is no backup server of the inventory, which has {known}. It may be unreachable, and not missing",
        ]
    own = [server.name for server in topology.postgres_servers.values() if server.backup_server == backup]
    staying = sorted(set(own) - set(leaving.servers))
    if staying:
        found.append(
            f"{backup} backs up {', '.join(staying)}. Move them first (barman_backup_server and a deployment), or name them in {ARGUMENT}, too"
        )
    names = {server.host: server.name for server in topology.postgres_servers.values()}
    targets = sorted(
        {
            copy.target
            for copy in topology.passive_copies
            if copy.source == backup and names[copy.server] not in leaving.servers
        }
    )
    targets += sorted(
        one.host for one in topology.backup_servers.values() if one.passive_of == backup and one.host not in targets
    )
    if targets:
        found.append(
            f"{', '.join(targets)} replicates from {backup}. Change barman_passive_of and barman_passive_servers, and deploy, before {backup} goes"
        )
    return found


def _drop_slots(server: PostgresServer, work: PostgresWork) -> str:
    """The command that removes the slots from Patroni's DCS. A slot that a receiver uses stays on the members until it stops."""
    patch = json.dumps({"slots": dict.fromkeys(work.slots)})
    return f"echo '{patch}' | {_patronictl(server)} edit-config --force --apply=-"


def _remove_rules(server: PostgresServer) -> str:
    return (
        f"With '{_patronictl(server)} edit-config', remove the lines '# BEGIN pgdr.barman' to '# END pgdr.barman' from postgresql.pg_hba. If the DCS has "
        "no pg_hba, remove them from pg_hba.conf of each member"
    )


def _patronictl(server: PostgresServer) -> str:
    """FILE: Patroni's configuration file, which the inventory does not have if there is only one."""
    return f"patronictl -c {server.variables['barman_patroni_file'] or 'FILE'}"


def without(topology: Topology, leaving: Leaving) -> Topology:
    """The topology without what leaves. A primary goes with the last standby that is backed up through it, and a member with its cluster's entry."""
    servers = {}
    primaries = {
        server.primary
        for server in topology.postgres_servers.values()
        if server.primary is not None and server.name not in leaving.servers
    }
    # One member of a cluster has the entry of all.
    clusters = {
        server.cluster
        for server in topology.postgres_servers.values()
        if server.cluster and server.backup_server is not None and server.name not in leaving.servers
    }
    for host, server in topology.postgres_servers.items():
        if server.backup_server is not None and server.name in leaving.servers:
            if host in primaries:
                servers[host] = replace(server, backup_server=None)
        elif server.backup_server is not None or host in primaries or server.cluster in clusters:
            servers[host] = server
    backups = {host: backup for host, backup in topology.backup_servers.items() if host != leaving.backup_server}
    copies = tuple(
        copy
        for copy in topology.passive_copies
        if copy.server in servers
        and servers[copy.server].backup_server is not None
        and leaving.backup_server not in (copy.source, copy.target)
    )
    return Topology(servers, backups, copies)


def decommission(topology: Topology, leaving: Leaving, program_identity: str = "") -> Decommission:
    """What each host has to release. problems() has to be empty."""
    remaining = without(topology, leaving)
    before = requirements(topology, program_identity)
    after = dict(requirements(remaining, program_identity))
    for backup in topology.backup_servers:
        # The program and the monitoring go with the last server.
        if backup == leaving.backup_server or (_entries(topology, backup) and not _entries(remaining, backup)):
            after[backup] = _bare(topology, backup, program_identity)
    known = {server.name for server in topology.postgres_servers.values() if server.backup_server is not None}
    unknown = tuple(name for name in leaving.servers if name not in known)
    same = machines(topology)
    work: dict[str, HostWork] = {}
    for host, now in before.items():
        then = after.get(host) if host in remaining.postgres_servers or host in remaining.backup_servers else None
        managed = host in topology.backup_servers or topology.postgres_servers[host].manage
        one = HostWork(
            _with_members(topology, host, _postgres_work(now, then)) if managed and "postgres" in now else None,
            _barman_work(topology, remaining, leaving, unknown, host),
            _ssh_work(host, now, then),
            whole=not any(
                other in remaining.postgres_servers or other in remaining.backup_servers for other in same[host]
            ),
        )
        if managed and one != HostWork(
            whole=one.whole, ssh=replace(SshWork(), users=one.ssh.users, desired=one.ssh.desired)
        ):
            work[host] = one
    manual = tuple(
        host
        for host, server in topology.postgres_servers.items()
        if not server.manage and before[host] != after.get(host)
    )
    return Decommission(leaving, work, remaining, after, unknown, manual)


def _with_members(topology: Topology, host: str, work: PostgresWork | None) -> PostgresWork | None:
    cluster = topology.postgres_servers[host].cluster
    if work is None or cluster is None:
        return work
    servers = topology.postgres_servers.items()
    others = (name for name, one in servers if one.cluster == cluster and one.manage and name != host)
    return replace(work, members=tuple(others))


def _bare(topology: Topology, backup: str, program_identity: str) -> RequirementsOfHost:
    """Of a backup server that has nothing any more."""
    server = topology.backup_servers[backup]
    variables = {**server.variables, "barman_monitoring": []}
    alone = replace(server, passive_of=None, hooks={}, s3=None, variables=variables)
    return requirements(Topology({}, {backup: alone}, ()), program_identity)[backup]


def _postgres_work(now: RequirementsOfHost, then: RequirementsOfHost | None) -> PostgresWork | None:
    before = now["postgres"]
    after = then["postgres"] if then is not None and "postgres" in then else None
    names = {one["name"] for one in before["synchronous"]}
    roles = {role["name"] for role in before["roles"]}
    found = PostgresWork(
        synchronous=tuple(sorted(names - {one["name"] for one in after["synchronous"]} if after else names)),
        archiving=before["archiving"] is not None and (after is None or after["archiving"] is None),
        slots=tuple(slot for slot in before["slots"] if after is None or slot not in after["slots"]),
        roles=tuple(sorted(roles - {role["name"] for role in after["roles"]} if after else roles)),
        rules=tuple(after["hba_lines"]) if after else (),
        settings=tuple(sorted(after["settings"])) + (("listen_addresses",) if after["listens"] else ())
        if after
        else (),
    )
    unchanged = after is not None and before["hba_lines"] == after["hba_lines"]
    goes = found.synchronous or found.archiving or found.slots or found.roles
    return found if goes or not unchanged else None


def _barman_work(
    topology: Topology, remaining: Topology, leaving: Leaving, unknown: Sequence[str], host: str
) -> BarmanWork | None:
    if host not in topology.backup_servers:
        return None
    here = _entries(topology, host)
    left = _entries(remaining, host)
    whole = host == leaving.backup_server
    going = tuple(name for name in leaving.servers if name in unknown or (name in here and name not in left))
    if not (going or whole or len(left) < len(here)):
        return None
    return BarmanWork(
        going + tuple(name for name in here if name not in left and name not in going), tuple(left), whole
    )


def _entries(topology: Topology, host: str) -> list[str]:
    """Barman's names of the servers of a backup server, its own ones and its passive copies."""
    own = [server.name for server in topology.postgres_servers.values() if server.backup_server == host]
    copies = [topology.postgres_servers[copy.server].name for copy in topology.passive_copies if copy.target == host]
    return list(dict.fromkeys((*own, *copies)))


def _ssh_work(host: str, now: RequirementsOfHost, then: RequirementsOfHost | None) -> SshWork:
    before: Sequence[SshConnection] = now["ssh_connections"]
    after: Sequence[SshConnection] = then["ssh_connections"] if then is not None else ()
    here = desired(after, host, KnownKeys())
    gone = set(desired(before, host, KnownKeys())) - set(here)
    revocable = sorted({line.rsplit("@", 1)[1] for line in gone})
    known: dict[str, tuple[str, ...]] = {}
    for user in sorted({one["from_user"] for one in before if host in one["from_hosts"]}):
        names = set(_names(before, host, user)) - set(_names(after, host, user))
        if names:
            known[user] = tuple(sorted(names))
    return SshWork(tuple(dict.fromkeys(now["ssh_users"])), tuple(here), tuple(revocable), known)


def _names(connections: Iterable[SshConnection], host: str, user: str) -> list[str]:
    return [host_name(one) for one in connections if host in one["from_hosts"] and one["from_user"] == user]


def served(topology: Topology) -> dict[str, str]:
    """By Barman's name, the host that sends the server's WAL."""
    return {
        server.name: server.primary or server.host
        for server in topology.postgres_servers.values()
        if server.backup_server is not None
    }


def manual_texts(topology: Topology, found: Decommission) -> dict[str, list[str]]:
    """By PostgreSQL host, what a person does there if this run can't."""
    work: dict[str, PostgresWork | None] = {
        host: one.postgres for host, one in found.work.items() if one.postgres is not None
    }
    before = requirements(topology)
    for host in found.manual:
        then = found.requirements.get(host) if host in found.remaining.postgres_servers else None
        work[host] = _postgres_work(before[host], then)
    return {
        host: manual_steps(host, topology.postgres_servers[host], one) for host, one in work.items() if one is not None
    }


def manual_steps(host: str, server: PostgresServer, work: PostgresWork) -> list[str]:
    """What a person does on a PostgreSQL server that this run can't reach, if it ever runs again."""
    patroni = server.cluster_manager == "patroni"
    sql = []
    if work.synchronous:
        sql.append(f"remove {', '.join(work.synchronous)} from synchronous_standby_names")
    if work.archiving:
        sql.append("ALTER SYSTEM SET archive_command = '/bin/true'; SELECT pg_reload_conf()")
    if not patroni:
        sql += [f"SELECT pg_drop_replication_slot('{slot}')" for slot in work.slots]
    if server.primary is None:
        sql += [f'DROP OWNED BY "{role}"; DROP ROLE "{role}"' for role in work.roles]
    in_dcs = f"Patroni creates the slot again as long as its DCS has it: {_drop_slots(server, work)}. "
    rules = (
        _remove_rules(server)
        if patroni
        else "In pg_hba.conf remove the block '# BEGIN pgdr.barman' to '# END pgdr.barman'"
    )
    return [
        f"{host} could not be changed. If its PostgreSQL server (port {server.local_port}) runs again, run this playbook again with {host} in the inventory. "
        f"{in_dcs if patroni and work.slots else ''}Or there, in psql: {'; '.join(sql) or 'nothing'}. {rules}. "
        f"In ~{server.os_user}/.ssh/authorized_keys remove the lines with 'pgdr.barman:'."
    ]


def as_dict(found: Decommission) -> dict[str, Any]:
    """work as the action returns it."""
    return {host: as_plain(one) for host, one in found.work.items()}
