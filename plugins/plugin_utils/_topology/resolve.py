# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the inventory's variables to the topology, with every mistake that a single host's variables show.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar

from ...module_utils._barman import options as barman_options
from ...module_utils._postgres import privileges
from . import clusters, schedule
from .kinds import BACKUP, BOTH, PG, Group, Variable
from .model import WAL_METHODS, BackupServer, PassiveCopy, PostgresServer, Problem, Topology, Unreadable
from .parse import InvalidValue, ansible_address, as_source, server_name
from .playbook_variables import JOB_TEMPLATE, PLAYBOOK_VARIABLES, RESULTS
from .role_variables import ROLE_VARIABLES
from .text_forms import is_absent
from .variables import KNOWN_VARIABLES, SECRET_VARIABLES

T = TypeVar("T")
HostVariables = Mapping[str, Any]

_PREFIX = "barman_"
#: Names that are nobody's misspelling.
_NO_MISTAKES = frozenset((*KNOWN_VARIABLES, *PLAYBOOK_VARIABLES, *RESULTS.values(), JOB_TEMPLATE))
#: Every name that begins so is an argument of the playbook recover, or a misspelt one. A run that ignores it recovers to another target.
_OF_A_RECOVERY = ("barman_recover_", "barman_target_")
_RECOVERY_ARGUMENTS = tuple(sorted(name for name in PLAYBOOK_VARIABLES if name.startswith(_OF_A_RECOVERY)))


class Resolution(NamedTuple):
    """The topology, as far as it could be understood, with the problems met on the way."""

    topology: Topology
    problems: list[Problem]


def resolve(pg: Mapping[str, HostVariables], backup: Mapping[str, HostVariables]) -> Resolution:
    """Read the hosts of both groups. Hosts with problems are in the topology with defaults in the wrong places."""
    problems: list[Problem] = []
    readers = {host: _Reader(host, {**backup.get(host, {}), **pg.get(host, {})}, problems) for host in {**pg, **backup}}
    for host in sorted(readers):
        readers[host].report_misspelt()
    backup_servers = {host: _backup_server(readers[host]) for host in sorted(backup)}
    primaries = {str(values.get("barman_primary") or "") for values in pg.values()}
    postgres_servers = {host: _postgres_server(readers[host], is_primary=host in primaries) for host in sorted(pg)}
    problems += clusters.disagreements(postgres_servers)
    postgres_servers = clusters.with_one_entry(postgres_servers)
    passive_copies = _passive_copies(postgres_servers, backup_servers)
    for server in postgres_servers.values():
        if server.primary is not None:
            _same_passwords(
                readers, server, server.primary, f"its primary {server.primary}, and a standby has its primary's roles"
            )
    for members in clusters.by_cluster(postgres_servers).values():
        for server in members[1:]:
            first = members[0].host
            _same_passwords(
                readers, server, first, f"{first}, and the members of cluster {server.cluster} have the same roles"
            )
    problems.sort()
    return Resolution(Topology(postgres_servers, backup_servers, passive_copies), problems)


class _Reader:
    """Reads one host's variables; what is wrong becomes a problem and is replaced by the default."""

    def __init__(self, host: str, values: HostVariables, problems: list[Problem]) -> None:
        self.host = host
        empty = {name for name, value in values.items() if is_absent(value) and not _may_be_empty(name)}
        self.values = {name: value for name, value in values.items() if name not in empty} if empty else values
        self.problems = problems

    def report(self, variable: str, message: str, instead: str) -> None:
        problem = Problem(self.host, variable, message, instead)
        # A host in both groups has some of its variables read twice.
        if problem not in self.problems[-50:]:
            self.problems.append(problem)

    def is_given(self, variable: str) -> bool:
        return self.values.get(variable) is not None

    def get(self, variable: str, default: Any = None) -> Any:
        """The variable's parsed value; the default if it is not set or wrong: the table's, if it is not given here."""
        known = KNOWN_VARIABLES[variable]
        return self.parsed(variable, self._parser(known), known.value if default is None else default)

    def _parser(self, known: Variable) -> Callable[[Any], Any]:
        """A variable with parts, each of which can be wrong, reports them itself."""
        parts = known.kind.parse_parts
        if parts is None:
            return known.kind.parse

        def report(where: str, message: str, instead: str) -> None:
            self.report(f"{known.name}{where}", message, instead)

        return lambda value: parts(value, report)

    def parsed(self, variable: str, parse: Callable[[Any], T], default: T) -> T:
        value = self.values.get(variable)
        if value is None:
            return default
        if isinstance(value, Unreadable):
            self.report(variable, f"its value cannot be read: {value.reason}", "correct the expression")
            return default
        try:
            return parse(value)
        except InvalidValue as wrong:
            self.report(variable, wrong.message, wrong.instead)
            return default

    def has_secret(self, variable: str) -> bool | None:
        """Whether there is a usable secret; None where one is given and wrong (which is reported)."""
        value = self.values.get(variable)
        if value is None:
            return False
        try:
            if isinstance(value, Unreadable):
                raise InvalidValue(
                    f"its value cannot be read: {value.reason}",
                    "correct the expression; if {{, {% or {# belongs to the password itself, write it as !unsafe "
                    "'PASSWORD'",
                )
            if not isinstance(value, str):
                raise InvalidValue("is not a text", "write it in quotes")
            if not value:
                raise InvalidValue("is empty", "write a password")
            if any(mark in value for mark in "\n\r\0"):
                raise InvalidValue("has a line break, which .pgpass cannot hold", "write a password in one line")
        except InvalidValue as wrong:
            self.report(variable, wrong.message, wrong.instead)
            return None
        return True

    def report_misspelt(self) -> None:
        """Names that are nearly a variable's, and unknown ones of a recovery. Others may be the user's own."""
        for name in self.values:
            like = misspelt(name)
            if like is not None:
                self.report(name, "is not a variable of this collection", f"did you mean {like}?")


@cache
def misspelt(name: str) -> str | None:
    """The variable that this name probably stands for; None if the name is a variable's, or the user's own."""
    if not name.startswith(_PREFIX) or name in _NO_MISTAKES:
        return None
    if name.startswith(_OF_A_RECOVERY):
        return _nearest(name, _RECOVERY_ARGUMENTS, cutoff=0.0)
    return _nearest(name, KNOWN_VARIABLES, cutoff=0.8)


def _nearest(name: str, known: Iterable[str], *, cutoff: float) -> str | None:
    like = barman_options.nearest(name[len(_PREFIX) :], [one[len(_PREFIX) :] for one in known], cutoff=cutoff)
    return None if like is None else f"{_PREFIX}{like}"


@cache
def _may_be_empty(variable: str) -> bool:
    """Whether an empty text is a value of the variable, such as "never" of a schedule. Of all others it is an empty answer of a survey: no value."""
    known = KNOWN_VARIABLES.get(variable)
    if known is None or known.kind.parse_parts is not None:
        return known is None
    try:
        return bool(known.kind.parse("") == "")
    except InvalidValue:
        return False


def _address_of(reader: _Reader) -> str:
    if reader.is_given("barman_address"):
        return str(reader.get("barman_address", reader.host))
    if reader.is_given("ansible_host"):
        return reader.parsed("ansible_host", ansible_address, reader.host)
    return reader.host


def _reached_at(reader: _Reader) -> str:
    return f"{reader.values.get('ansible_host') or reader.host}:{reader.values.get('ansible_port') or 22}"


def _zone(reader: _Reader) -> str:
    return str(reader.get("barman_zone"))


def _advice(reader: _Reader) -> dict[str, Any]:
    """What hosts of both groups declare for the findings about the architecture."""
    return {
        "hypervisor": reader.get("barman_hypervisor"),
        "accepted_findings": reader.get("barman_accepted_findings"),
        "fail_on": reader.get("barman_preflight_fail_on"),
    }


def _backup_server(reader: _Reader) -> BackupServer:
    host_address = _address_of(reader)
    here: tuple[str, ...] = (as_source(host_address),)
    addresses = reader.get("barman_addresses", here)
    if not addresses:
        reader.report("barman_addresses", "is empty, so PostgreSQL would refuse every connection", "write an address")
    return BackupServer(
        host=reader.host,
        zone=_zone(reader),
        address=host_address,
        addresses=addresses or here,
        ssh_port=reader.get("barman_ssh_port"),
        user=reader.get("barman_user"),
        home=reader.get("barman_home"),
        configuration_directory=reader.get("barman_configuration_directory"),
        client_directory=reader.get("barman_client_directory"),
        version=reader.get("barman_version"),
        passive_of=reader.get("barman_passive_of") or None,
        global_options=reader.get("barman_global_options"),
        allow_empty=reader.get("barman_allow_empty"),
        hook_directory=reader.get("barman_hook_directory"),
        drill_directory=reader.get("barman_drill_directory"),
        verification_bandwidth_limit=reader.get("barman_verification_bandwidth_limit"),
        **_advice(reader),
        hooks=reader.get("barman_hooks"),
        s3=reader.get("barman_s3"),
        has_s3_keys=_has_s3_keys(reader),
        has_webhook=_has_webhook(reader),
        given=_given(reader),
        variables=_role_variables(reader, BACKUP),
        reached_at=_reached_at(reader),
    )


def _role_variables(reader: _Reader, group: Group) -> Mapping[str, Any]:
    """What a role reads, by name. Secrets are only checked: the role takes them from the inventory."""
    found = {variable.name: reader.get(variable.name) for variable in ROLE_VARIABLES if variable.group in (group, BOTH)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in found.items()
        if name not in SECRET_VARIABLES
    }


def _given(reader: _Reader) -> frozenset[str]:
    return frozenset(
        variable for variable in KNOWN_VARIABLES if variable not in SECRET_VARIABLES and reader.is_given(variable)
    )


def _has_webhook(reader: _Reader) -> bool:
    """Whether there is an address of a webhook. Its other secrets are only checked."""
    for variable in ("barman_notify_webhook_token", "barman_notify_mail_password"):
        reader.has_secret(variable)
    return reader.has_secret("barman_notify_webhook_url") is not False


def _has_s3_keys(reader: _Reader) -> tuple[bool, bool]:
    # One that is wrong is there, and reported.
    return (
        reader.has_secret("barman_s3_access_key") is not False,
        reader.has_secret("barman_s3_secret_key") is not False,
    )


def _postgres_server(reader: _Reader, *, is_primary: bool) -> PostgresServer:
    host_address = _address_of(reader)
    backup_server = reader.get("barman_backup_server")
    primary = reader.get("barman_primary") or None
    if not reader.is_given("barman_backup_server") and not is_primary:
        reader.report("barman_backup_server", "is missing", "write the inventory name of the server's backup server")
    versions = f"{privileges.OLDEST} to {privileges.NEWEST}"
    if not reader.is_given("barman_postgres_version"):
        reader.report("barman_postgres_version", "is missing", f"write PostgreSQL's major version, {versions}")
    cluster = reader.get("barman_cluster")
    name = reader.get("barman_server_name", cluster or reader.host)
    if not reader.is_given("barman_server_name") and cluster is None:
        try:
            server_name(reader.host)
        except InvalidValue as wrong:
            reader.report(
                "barman_server_name", f"is not set, and the inventory name {wrong.message}", "set barman_server_name"
            )
    streaming: tuple[str, ...] = ("streaming",)
    wal = reader.get("barman_wal")
    if not wal:
        reader.report("barman_wal", "is empty, so no WAL would come to Barman", "write streaming, archiving or both")
        wal = streaming
    # By archiving alone, what was not archived when the server is lost is lost with it.
    patience = 300 if tuple(wal) == ("archiving",) else None
    incremental = reader.get("barman_incremental")
    full_default, incremental_default = schedule.default_schedules(name, block_increments=incremental == "block")
    password = reader.has_secret("barman_postgres_password")
    streaming_password = reader.has_secret("barman_streaming_password")
    certificate = reader.get("barman_sslcert")
    server = PostgresServer(
        host=reader.host,
        name=name,
        backup_server=backup_server or None,
        version=reader.get("barman_postgres_version", 0),
        zone=_zone(reader),
        address=host_address,
        ssh_port=reader.get("barman_ssh_port"),
        os_user=reader.get("barman_postgres_os_user"),
        postgres_host=reader.get("barman_postgres_host", host_address),
        port=reader.get("barman_postgres_port"),
        local_port=reader.get("barman_postgres_local_port", reader.get("barman_postgres_port")),
        database=reader.get("barman_postgres_database"),
        user=reader.get("barman_postgres_user"),
        streaming_user=reader.get("barman_streaming_user"),
        has_password=password is True,
        has_streaming_password=streaming_password is True,
        sslmode=reader.get("barman_sslmode"),
        sslrootcert=reader.get("barman_sslrootcert"),
        sslcert=certificate,
        sslkey=reader.get("barman_sslkey"),
        connection_options=reader.get("barman_connection_options"),
        method=reader.get("barman_backup_method"),
        wal=tuple(method for method in WAL_METHODS if method in wal),
        passive_servers=reader.get("barman_passive_servers"),
        slot_name=reader.get("barman_slot_name"),
        synchronous=reader.get("barman_synchronous"),
        incremental=incremental,
        retention_policy=reader.get("barman_retention_policy"),
        minimum_redundancy=reader.get("barman_minimum_redundancy"),
        backup_schedule=reader.get("barman_backup_schedule", full_default),
        incremental_schedule=reader.get("barman_incremental_schedule", incremental_default),
        options=reader.get("barman_options"),
        manage=reader.get("barman_manage_postgres"),
        primary=primary,
        cluster=cluster,
        cluster_manager=reader.get("barman_cluster_manager"),
        archive_method=reader.get("barman_archive_method"),
        archive_compression=reader.get("barman_archive_compression"),
        archive_timeout=reader.get("barman_archive_timeout", patience),
        ssh_public_key=reader.get("barman_ssh_public_key"),
        ssh_host_key=reader.get("barman_ssh_host_key"),
        drill_maximum_age=reader.get("barman_drill_maximum_age"),
        drill_schedule=reader.get("barman_drill_schedule") or None,
        drill_queries=reader.get("barman_drill_queries"),
        verification_days=reader.get("barman_verification_days"),
        verification_schedule=reader.get("barman_verification_schedule") or None,
        rpo=reader.get("barman_rpo"),
        rto=reader.get("barman_rto"),
        **_advice(reader),
        hooks=reader.get("barman_hooks"),
        s3=reader.get("barman_s3"),
        has_s3_keys=_has_s3_keys(reader),
        given=_given(reader),
        variables=_role_variables(reader, PG),
        reached_at=_reached_at(reader),
    )
    if (
        server.user == server.streaming_user
        and password
        and streaming_password
        and reader.values["barman_postgres_password"] != reader.values["barman_streaming_password"]
    ):
        reader.report(
            "barman_streaming_password",
            f"differs from barman_postgres_password, and both are of the role {server.user}",
            "write the same, or set barman_streaming_user",
        )
    if password is False and not certificate:
        reader.report("barman_postgres_password", "is missing", "write the password of the role, best in a vault")
    followed = is_primary  # Barman streams a standby's WAL from its primary.
    if streaming_password is False and not certificate and (server.needs_replication or followed):
        reader.report("barman_streaming_password", "is missing", "write the password of the role, best in a vault")
    return server


def _same_passwords(readers: Mapping[str, _Reader], server: PostgresServer, peer: str, words: str) -> None:
    """Servers that replicate one another have the same roles, with their passwords. words: which peer that is, and why."""
    if peer not in readers:
        return
    own = readers[server.host]
    for variable in ("barman_postgres_password", "barman_streaming_password"):
        value, other = own.values.get(variable), readers[peer].values.get(variable)
        if isinstance(value, str) and isinstance(other, str) and value != other:
            own.report(
                variable,
                f"differs from that of {words}",
                "write the same, best once for both in a group's variables",
            )


def _passive_copies(
    postgres_servers: Mapping[str, PostgresServer], backup_servers: Mapping[str, BackupServer]
) -> tuple[PassiveCopy, ...]:
    """The passive copies: first those that a server declares, then those of whole backup servers."""
    found: dict[tuple[str, str, str], PassiveCopy] = {}
    held: dict[str, dict[str, None]] = {host: {} for host in backup_servers}
    for server in postgres_servers.values():
        if server.backup_server is None or server.backup_server not in backup_servers:
            continue
        held[server.backup_server][server.host] = None
    active = {host: set(servers) for host, servers in held.items()}
    for server in postgres_servers.values():
        if server.backup_server is None or server.backup_server not in backup_servers:
            continue
        for target in server.passive_servers:
            if target in backup_servers and target != server.backup_server:
                passive_copy = PassiveCopy(server.host, server.backup_server, target, "server")
                found[passive_copy.server, passive_copy.source, passive_copy.target] = passive_copy
                held[target][server.host] = None
    for target in _sources_first(backup_servers):
        source = backup_servers[target].passive_of
        if source is None or source not in backup_servers:
            continue
        for host in held[source]:
            if host in active[target]:
                continue
            found.setdefault((host, source, target), PassiveCopy(host, source, target, "global"))
            held[target][host] = None
    return tuple(found[key] for key in sorted(found))


def _sources_first(backup_servers: Mapping[str, BackupServer]) -> list[str]:
    """The backup servers that replicate another as a whole, each after its source. Those in a circle are left out."""
    ordered: list[str] = []
    state: dict[str, bool] = {}
    for start in sorted(backup_servers):
        chain: list[str] = []
        host: str | None = start
        while host is not None and host in backup_servers and host not in state:
            state[host] = False
            chain.append(host)
            host = backup_servers[host].passive_of
        circular = host in chain
        for link in reversed(chain):
            state[link] = not circular
            if not circular and backup_servers[link].passive_of is not None:
                ordered.append(link)
    return ordered
