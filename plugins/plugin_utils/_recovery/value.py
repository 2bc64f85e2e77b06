# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A recovery as one value: who takes part in it, and what each step of the playbook recover needs.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...module_utils._recover.recovery_target import TargetError, parse_target
from .._topology.requirement_types import SshConnection

TARGETS = (
    "barman_recover_target_time",
    "barman_recover_target_xid",
    "barman_recover_target_lsn",
    "barman_recover_target_name",
    "barman_recover_target_immediate",
)
_POSITIVE = (
    "barman_recover_confirmation_timeout",
    "barman_recover_jobs",
    "barman_recover_timeout",
)
_PREFIX, _TARGET = "barman_recover_", "barman_recover_target_"
#: The arguments that module recover takes under the same name, without the prefix.
_OF_THE_MODULE = (
    "aws_region",
    "azure_resource_group",
    "backup_id",
    "gcp_zone",
    "jobs",
    "snapshot_instance",
    "staging_location",
    "staging_path",
    "tablespaces",
    "target_immediate",
    "target_inclusive",
    "target_lsn",
    "target_name",
    "target_time",
    "target_timeline",
    "target_xid",
    "verify_backup",
    "verify_wal",
    "wal_directory",
)
#: Seconds after the longest copy after which a line of SSH trust that nobody removed expires.
GRACE = 3600


class RecoveryError(ValueError):
    """The recovery cannot be done as requested; one text for each problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class TargetHost:
    """The inventory variables of the host to recover to that the topology does not have: the host may be in none of its groups."""

    address: str
    ssh_port: int = 22
    cluster: str = ""
    service: str = ""
    socket_directory: str = ""
    superuser: str = "postgres"


@dataclass(frozen=True)
class Parties:
    """Inventory names. server: the server to recover. backed_up_as: whose backups these are, the server or its standby.

    source: the backup server that has the backup. backup_server: the one that backs up the server. target: the host to recover to.
    """

    server: str
    backed_up_as: str
    source: str
    backup_server: str
    target: str
    directory: str

    @property
    def in_place(self) -> bool:
        return self.target == self.server and not self.directory


def parties(
    arguments: Mapping[str, Any],
    topology: Mapping[str, Any],
    requirements: Mapping[str, Any],
    *,
    inventory: Collection[str],
    in_run: Collection[str],
) -> Parties:
    """Who takes part. Raises RecoveryError with every problem of the arguments.

    arguments: those of the playbook that are given or have a default. topology, requirements: as module topology returns them.
    inventory, in_run: all hosts, and those that --limit leaves.
    """
    known, server = topology["postgres_servers"], str(arguments.get("barman_recover_server", ""))
    own = (requirements.get(server) or {}).get("postgres") or {}
    backed_up_as = str(own.get("backed_up_as") or server)
    backup_server = (known.get(backed_up_as) or {}).get("backup_server") or ""
    source = str(arguments.get("barman_recover_backup_server") or backup_server)
    directory = str(arguments.get("barman_recover_directory") or "")
    target = source if directory else str(arguments.get("barman_recover_host") or server)
    found = Parties(
        server=server,
        backed_up_as=backed_up_as,
        source=source,
        backup_server=backup_server,
        target=target,
        directory=directory,
    )
    problems = [
        *_server_problems(found, own.get("primary"), topology, in_run),
        *_target_problems(found, arguments, known, requirements, inventory=inventory, in_run=in_run),
        *_argument_problems(arguments),
    ]
    if problems:
        raise RecoveryError(problems)
    return found


def _server_problems(
    found: Parties, primary: str | None, topology: Mapping[str, Any], in_run: Collection[str]
) -> list[str]:
    """At most one problem: each makes the later ones meaningless."""
    server, source = found.server, found.source
    if server not in topology["postgres_servers"]:
        known = ", ".join(sorted(topology["postgres_servers"]))
        return [f"barman_recover_server: '{server}' is not a PostgreSQL server of the inventory; there are {known}."]
    if primary:
        return [
            f"barman_recover_server: '{server}' is a standby of {primary}, and recovered it would be a second "
            f"primary. If {primary} is alive, rebuild "
            f"{server} from it. If it is lost, recover {primary}, which has the same data; "
            f"barman_recover_host={server} recovers it to this host."
        ]
    if source not in topology["backup_servers"]:
        known = ", ".join(sorted(topology["backup_servers"]))
        return [f"barman_recover_backup_server: '{source}' is not a backup server of the inventory; there are {known}."]
    if source not in in_run:
        return [f"--limit leaves the backup server {source} out, and it is needed."]
    if found.in_place and found.backup_server not in in_run:
        return [f"--limit leaves the backup server {found.backup_server} out, which is to protect {server} again."]
    return []


def _target_problems(
    found: Parties,
    arguments: Mapping[str, Any],
    known: Collection[str],
    requirements: Mapping[str, Any],
    *,
    inventory: Collection[str],
    in_run: Collection[str],
) -> list[str]:
    """At most one problem of the place to recover to."""
    target = found.target
    if found.directory:
        if any(arguments.get(f"barman_recover_{name}") for name in ("host", "data_directory")):
            return [
                "barman_recover_directory is on the backup server: barman_recover_host and "
                "barman_recover_data_directory can't be given beside it."
            ]
        return []
    if target == found.server and target not in known:
        # That the server is unknown is reported already.
        return []
    if target not in inventory:
        return [f"barman_recover_host: '{target}' is not in the inventory."]
    if target not in in_run:
        return [f"--limit leaves {target} out, and it is needed."]
    if not ((requirements.get(target) or {}).get("postgres") or {}).get("manage", True):
        return [
            f"{target} has barman_manage_postgres: false, so nothing may be done there. Choose a directory on "
            f"{found.source} with "
            "barman_recover_directory, or another host with barman_recover_host."
        ]
    if target != found.server and target in known and not arguments.get("barman_recover_replace_other"):
        return [
            f"barman_recover_host: '{target}' is another PostgreSQL server of the inventory, which would be stopped "
            "and moved aside. Choose another "
            "host, or give barman_recover_replace_other=true if that is intended."
        ]
    return []


def _argument_problems(arguments: Mapping[str, Any]) -> list[str]:
    problems = [
        f"{name} is {arguments[name]}; give a number of 1 or more."
        for name in _POSITIVE
        if name in arguments and arguments[name] < 1
    ]
    if sum(bool(arguments.get(name)) for name in TARGETS) > 1:
        return [f"Only one of {', '.join(TARGETS[:-1])} and {TARGETS[-1]} can be given.", *problems]
    try:
        parse_target(
            {name.removeprefix(_PREFIX): value for name, value in arguments.items() if name.startswith(_TARGET)}
        )
    except TargetError as error:
        problems += [f"{_PREFIX}{problem}." for problem in str(error).splitlines()]
    return problems


def recovery(
    arguments: Mapping[str, Any],
    found: Parties,
    topology: Mapping[str, Any],
    requirements: Mapping[str, Any],
    host: TargetHost,
    *,
    run: str,
    database_user: str,
) -> dict[str, Any]:
    """The recovery as plain data; module recovery documents its keys.

    host: the variables of the host to recover to. run: the id of this recovery. database_user: the superuser of the recovered server.
    """
    declared = topology["postgres_servers"][found.backed_up_as]
    source = topology["backup_servers"][found.source]
    place = (requirements.get(found.target) or {}).get("postgres") or {}
    port = place.get("port") or declared["local_port"]
    name = _entry_name(found, requirements, declared["name"])
    # Members of a cluster are one server in Barman, and none of them is another's standby for ever.
    standby = "" if found.backed_up_as == found.server or declared["cluster"] else found.backed_up_as
    to_user = place.get("os_user") or "postgres"
    connection = run_connection(found.source, source, found.target, to_user, host, run)
    connections = {
        one: (requirements.get(one) or {}).get("ssh_connections") or [] for one in (found.source, found.target)
    }
    lasting = any(_is_same(connection, other) for other in connections[found.target])
    user = source["user"] if found.directory else connection["to_user"]
    locked = dict.fromkeys([found.source, *([found.backup_server] if found.in_place else [])])
    return {
        "run": run,
        # Groups of this recovery alone, because a run of ansible-playbook can have several.
        "groups": [
            {"host": found.source, "names": [_group("ssh", run)]},
            {"host": found.target, "names": [_group("ssh", run), _group("target", run)]},
            {"host": found.backup_server, "names": [_group("backup_server", run)]},
        ],
        # The new names of directories are recorded before any of them is moved aside.
        "aside_suffix": run.partition("-")[0],
        "server": found.server,
        "name": name,
        "source": found.source,
        "source_user": source["user"],
        "backup_server": found.backup_server,
        "backup_server_user": topology["backup_servers"][found.backup_server]["user"],
        "target": found.target,
        "in_place": found.in_place,
        "directory": found.directory,
        "standby": standby,
        "standby_streams": bool(standby) and "streaming" in declared["wal"],
        "version": declared["version"],
        "port": port,
        "user": user,
        "database_user": database_user,
        "socket_directory": host.socket_directory,
        "ssh": connection,
        # If the architecture needs the same trust, it stays when the recovery is over.
        "temporary_ssh_connections": [] if lasting else [connection],
        # A host that was rebuilt has none of its lasting trust yet.
        "lasting_ssh_connections": connections if found.in_place else {key: [] for key in connections},
        "ssh_lifetime": arguments["barman_recover_timeout"] + GRACE,
        "locks": [{"host": one, "resources": [f"server {name}"]} for one in locked],
        "locked_hosts": list(dict.fromkeys([found.source, found.backup_server, found.target])),
        "cluster": {
            "port": port,
            "version": declared["version"],
            "cluster": host.cluster,
            "service": arguments.get("barman_recover_service") or host.service,
            "data_directory": arguments.get("barman_recover_data_directory") or "",
            "socket_directory": host.socket_directory,
            "login_user": database_user,
            "refuse_managed": True,
        },
        "entry_options": _entry_options(found, requirements, name),
        "recover": _module_arguments(arguments, found, name, source["user"], connection),
        # The next backups of the standby are taken after somebody has rebuilt it.
        "new_backups": [name] if arguments.get("barman_recover_new_backup") and not standby else [],
        "synchronous": found.in_place and bool(place.get("synchronous")),
        "archives": found.in_place and bool(place.get("archiving")),
        "arguments": dict(arguments),
    }


def _group(part: Literal["ssh", "target", "backup_server"], run: str) -> str:
    """Of all groups of that part the last one in the order of their names is that of the newest recovery."""
    return f"barman_recovery_{part}_{run.replace('-', '_')}"


def _entry_name(found: Parties, requirements: Mapping[str, Any], declared: str) -> str:
    """Barman's name of the server on the source.

    A backup server that backed it up or replicated it once is not declared as one any more; the module recover finds out whether it has
    backups.
    """
    entries = requirements[found.source]["barman"]["servers"]
    return next((str(entry["name"]) for entry in entries if entry["host"] == found.backed_up_as), declared)


def _entry_options(found: Parties, requirements: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The declared options of the entry on the backup server that protects the server again."""
    entries = (requirements[found.backup_server].get("barman") or {}).get("servers") or ()
    return next((dict(entry["options"]) for entry in entries if entry["name"] == name), {})


def run_connection(
    from_host: str, source: Mapping[str, Any], to_host: str, to_user: str, host: TargetHost, run: str
) -> SshConnection:
    """The SSH trust of one run, from a backup server of the topology to a host that may be in none of its groups."""
    return {
        "from_host": from_host,
        "from_hosts": [from_host],
        "from_user": source["user"],
        "from_addresses": source["addresses"],
        "purpose": "recovery",
        "forced_command": None,
        "run": run,
        "to_host": to_host,
        "to_hosts": [to_host],
        "to_user": to_user,
        "to_address": host.address,
        "to_port": host.ssh_port,
    }


def _is_same(connection: SshConnection, other: SshConnection) -> bool:
    return connection["to_host"] in other["to_hosts"] and all(
        connection[key] == other[key] for key in ("from_host", "from_user", "to_user")
    )


def _module_arguments(
    arguments: Mapping[str, Any], found: Parties, name: str, barman_user: str, connection: SshConnection
) -> dict[str, Any]:
    """The arguments of module recover that are known before the data directory is."""
    given = {option: arguments.get(f"{_PREFIX}{option}") for option in _OF_THE_MODULE}
    place: dict[str, Any] = {
        "remote_host": connection["to_address"],
        "remote_user": connection["to_user"],
        "remote_port": connection["to_port"],
    }
    if found.directory:
        place = {
            "destination": found.directory,
            "tablespace_directory": f"{found.directory}.tablespaces",
            "root_creates_directories": True,
        }
    return {
        "barman_user": barman_user,
        "server": name,
        **{option: value for option, value in given.items() if value is not None and value not in ("", {})},
        **place,
    }
