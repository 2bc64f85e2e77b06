# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the inventory's variables to the topology, with every mistake that a single host's variables show.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from ...module_utils._archive_command import command as archive_command
from ...module_utils._barman import options as barman_options
from ...module_utils._barman.versions import NEWEST, OLDEST, Version, format_version, parse_version
from ...module_utils._postgres import privileges
from . import hooks, schedule
from .model import (
    BACKUP_METHODS,
    INCREMENTALS,
    KNOWN_VARIABLES,
    PLAYBOOK_VARIABLES,
    SECRET_VARIABLES,
    SSL_MODES,
    WAL_METHODS,
    BackupServer,
    PostgresServer,
    Problem,
    Relay,
    Topology,
    Unreadable,
)
from .text_forms import TextError, describe, to_bool, to_dict, to_int, to_list

T = TypeVar("T")
HostVariables = Mapping[str, Any]

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")
_OS_USER = re.compile(r"[a-z_][a-z0-9_.-]{0,31}\$?", re.IGNORECASE)
_SERVER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
_POSTGRES_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PREFIX = "barman_"
_BARE_NAMES = tuple(name[len(_PREFIX) :] for name in KNOWN_VARIABLES)
_PUBLIC_KEY = re.compile(r"(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]{20,}={0,2}( .*)?")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]*")
_DECIDED_PARAMETERS = {
    "host": "barman_postgres_host",
    "hostaddr": "barman_postgres_host",
    "port": "barman_postgres_port",
    "user": "barman_postgres_user or barman_streaming_user",
    "dbname": "barman_postgres_database",
    "password": "barman_postgres_password or barman_streaming_password",
    "sslmode": "barman_sslmode",
    "sslrootcert": "barman_sslrootcert",
    "sslcert": "barman_sslcert",
    "sslkey": "barman_sslkey",
    "sslpassword": "barman_sslkey to a key without a password",
}
_RESERVED_NAMES = ("all", "barman", "DEFAULT")


class Wrong(Exception):
    """A value that cannot be: what is wrong with it, and what to write instead."""

    def __init__(self, message: str, instead: str) -> None:
        super().__init__(message)
        self.message = message
        self.instead = instead


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
    relays = _relays(postgres_servers, backup_servers)
    for server in postgres_servers.values():
        _same_passwords(readers, server)
    problems.sort()
    return Resolution(Topology(postgres_servers, backup_servers, relays), problems)


class _Reader:
    """Reads one host's variables; what is wrong becomes a problem and is replaced by the default."""

    def __init__(self, host: str, values: HostVariables, problems: list[Problem]) -> None:
        self.host = host
        self.values = values
        self.problems = problems

    def report(self, variable: str, message: str, instead: str) -> None:
        problem = Problem(self.host, variable, message, instead)
        # A host in both groups has some of its variables read twice.
        if problem not in self.problems[-50:]:
            self.problems.append(problem)

    def is_given(self, variable: str) -> bool:
        return self.values.get(variable) is not None

    def get(self, variable: str, parse: Callable[[Any], T], default: T) -> T:
        value = self.values.get(variable)
        if value is None:
            return default
        if isinstance(value, Unreadable):
            self.report(variable, f"its value cannot be read: {value.reason}", "correct the expression")
            return default
        try:
            return parse(value)
        except Wrong as wrong:
            self.report(variable, wrong.message, wrong.instead)
            return default

    def get_parts(self, variable: str, read: Callable[[Any, Callable[[str, str, str], None]], T], default: T) -> T:
        """A variable with parts, each of which can be wrong: read reports them itself."""

        def report(where: str, message: str, instead: str) -> None:
            self.report(f"{variable}{where}", message, instead)

        return self.get(variable, lambda value: read(value, report), default)

    def has_secret(self, variable: str) -> bool | None:
        """Whether there is a usable secret; None where one is given and wrong (which is reported)."""
        value = self.values.get(variable)
        if value is None:
            return False
        try:
            if isinstance(value, Unreadable):
                raise Wrong(
                    f"its value cannot be read: {value.reason}",
                    "correct the expression; if {{, {% or {# belongs to the password itself, write it as !unsafe 'PASSWORD'",
                )
            if not isinstance(value, str):
                raise Wrong("is no text", "write it in quotes")
            if not value:
                raise Wrong("is empty", "write a password")
            if any(mark in value for mark in "\n\r\0"):
                raise Wrong("has a line break, which .pgpass cannot hold", "write a password in one line")
        except Wrong as wrong:
            self.report(variable, wrong.message, wrong.instead)
            return None
        return True

    def report_misspelt(self) -> None:
        """Names that are nearly a variable's. Others may be a playbook's, or the user's own."""
        for name in self.values:
            if not name.startswith(_PREFIX) or name in KNOWN_VARIABLES or name in PLAYBOOK_VARIABLES:
                continue
            like = barman_options.nearest(name[len(_PREFIX) :], _BARE_NAMES, cutoff=0.8)
            if like is not None:
                self.report(name, "is not a variable of this collection", f"did you mean {_PREFIX}{like}?")


def text(value: Any) -> str:
    """A text in one line; a number is not taken for one."""
    if not isinstance(value, str):
        raise Wrong(f"is {describe(value)} and no text", "write a text")
    if any(mark in value for mark in "\n\r\0"):
        raise Wrong("has a line break", "write it in one line")
    return str(value).strip()


def needed_text(value: Any) -> str:
    found = text(value)
    if not found:
        raise Wrong("is empty", "write a name")
    return found


def _from_text(convert: Callable[[Any], T], value: Any) -> T:
    """The value, or what its text form means, as surveys and the command line give it."""
    try:
        return convert(value)
    except TextError as error:
        raise Wrong(error.message, error.instead) from None


def boolean(value: Any) -> bool:
    return _from_text(to_bool, value)


def integer(low: int, high: int | None = None) -> Callable[[Any], int]:
    span = f"{low} or more" if high is None else f"from {low} to {high}"

    def parse(value: Any) -> int:
        try:
            found = to_int(value)
        except TextError as error:
            raise Wrong(error.message, f"write a whole number, {span}") from None
        if found < low or (high is not None and found > high):
            raise Wrong(f"cannot be {found}", f"write a whole number, {span}")
        return found

    return parse


def one_of(allowed: tuple[str, ...]) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, str):
            raise Wrong(f"is {describe(value)}", f"write one of {', '.join(allowed)}")
        if value not in allowed:
            like = barman_options.nearest(value.lower(), allowed)
            hint = f"did you mean {like}? It can be" if like else "write one of"
            raise Wrong(f"cannot be {str(value)!r}", f"{hint} {', '.join(allowed)}")
        return str(value)

    return parse


def list_of(parse_item: Callable[[Any], T], example: str) -> Callable[[Any], tuple[T, ...]]:
    def parse(value: Any) -> tuple[T, ...]:
        try:
            given = to_list(value)
        except TextError as error:
            raise Wrong(error.message, f"write a list as [{example}]") from None
        items: list[T] = []
        for number, item in enumerate(given, start=1):
            try:
                parsed = parse_item(item)
            except Wrong as wrong:
                raise Wrong(f"item {number} {wrong.message}", wrong.instead) from None
            if parsed in items:
                raise Wrong(f"has {parsed!r} twice", "write it once")
            items.append(parsed)
        return tuple(items)

    return parse


def dictionary(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise Wrong(f"has the key {key!r}, which is no text", "write the option's name, in quotes if need be")
    try:
        given = to_dict(value)
    except TextError as error:
        raise Wrong(error.message, "write option: value, each in a line of its own") from None
    return {key: barman_options.plain(item) for key, item in given.items()}


def absolute_path(value: Any) -> str:
    found = text(value)
    if not found.startswith("/"):
        raise Wrong(f"is {found!r}, which is no absolute path", "write a path that begins with /")
    return found.rstrip("/") or "/"


def optional_path(value: Any) -> str:
    return absolute_path(value) if text(value) else ""


def root_certificate(value: Any) -> str:
    return "system" if value == "system" else optional_path(value)


def connection_options(value: Any) -> Mapping[str, str]:
    """Further parameters of a connection string; what other variables decide is refused."""
    found = dictionary(value)
    words: dict[str, str] = {}
    for name, item in found.items():
        if name in _DECIDED_PARAMETERS:
            raise Wrong(f"sets {name}", f"remove it, and set {_DECIDED_PARAMETERS[name]}")
        if name in ("passfile", "replication"):
            raise Wrong(f"sets {name}, which Barman decides", "remove it")
        if not _PARAMETER.fullmatch(name):
            raise Wrong(f"sets {name!r}, which is no parameter of a connection", "write names as connect_timeout")
        if isinstance(item, bool) or not isinstance(item, (str, int)) or not str(item).isprintable():
            raise Wrong(f"has {describe(item)} as {name}", "write a text or a number")
        words[name] = str(item)
    return words


def address(value: Any) -> str:
    """An IP address or a host name; brackets around an IPv6 address are taken off."""
    if isinstance(value, (list, tuple)) and len(value) == 1 and isinstance(value[0], str):
        raise Wrong("is a list: YAML reads brackets so", f"write {value[0]} without brackets, in quotes")
    found = needed_text(value)
    bracketed = re.fullmatch(r"\[(.+)\]", found)
    if bracketed and ":" in bracketed.group(1) and is_ip(bracketed.group(1)):
        return bracketed.group(1)
    if is_ip(found):
        return found
    numeric = re.fullmatch(r"[\d.]+", found) is not None
    if numeric or not _HOST_NAME.fullmatch(found) or len(found) > 253:
        raise Wrong(f"{found!r} is neither an IP address nor a host name", _address_instead(found))
    return found


_PORTS = "as barman_postgres_port for PostgreSQL, barman_ssh_port for SSH"


def _address_instead(found: str) -> str:
    """The address that was probably meant by a text with a port, brackets, or both."""
    with_port = re.fullmatch(r"\[(?P<six>[^\[\]]+)\]:(?P<port6>\d+)|(?P<four>[^\[\]:]+):(?P<port4>\d+)", found)
    if with_port:
        bare, port = (
            with_port.group("six") or with_port.group("four"),
            with_port.group("port6") or with_port.group("port4"),
        )
        if is_ip(bare) or _HOST_NAME.fullmatch(bare):
            return f"write {bare}, without a port, and {port} {_PORTS}"
    bracketed = re.fullmatch(r"\[(.+)\]", found)
    if bracketed and (is_ip(bracketed.group(1)) or _HOST_NAME.fullmatch(bracketed.group(1))):
        return f"write {bracketed.group(1)} without brackets"
    return "write one, without a port or a user"


def ansible_address(value: Any) -> str:
    """Ansible's own variable: ssh takes no brackets."""
    found = address(value)
    if isinstance(value, str) and value.strip() != found:
        raise Wrong(f"is {value.strip()!r}, and ssh takes no brackets", f"write {found} without brackets")
    return found


def network(value: Any) -> str:
    """An address, or a network in CIDR notation, as pg_hba takes it."""
    found = needed_text(value)
    if "/" not in found:
        return as_source(address(found))
    try:
        return str(ipaddress.ip_network(found, strict=True))
    except ValueError:
        pass
    try:
        meant = str(ipaddress.ip_network(found, strict=False))
    except ValueError:
        raise Wrong(f"{found!r} is no network", "write one as 198.51.100.0/24") from None
    raise Wrong(f"{found!r} has bits set beyond its prefix", f"write {meant}, or the address alone")


def as_source(host: str) -> str:
    """An address as pg_hba wants it: a bare IP address gets its full prefix."""
    if not is_ip(host):
        return host
    return f"{host}/{ipaddress.ip_address(host).max_prefixlen}"


def is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def postgres_host(value: Any) -> str:
    found = needed_text(value)
    return found if found.startswith("/") else address(found)


def server_name(value: Any) -> str:
    found = needed_text(value)
    if found in _RESERVED_NAMES:
        raise Wrong(f"cannot be {found!r}, which Barman keeps for itself", "write another name")
    if not _SERVER_NAME.fullmatch(found):
        raise Wrong(
            f"{found!r} can be neither a section of Barman's configuration nor a directory",
            "write up to 63 letters, digits, _, - and ., not beginning with - or .",
        )
    return found


def os_user(value: Any) -> str:
    found = needed_text(value)
    if not _OS_USER.fullmatch(found):
        raise Wrong(f"{found!r} cannot be the name of a user", "write letters, digits, _ and -")
    return found


def role_name(value: Any) -> str:
    found = _postgres_name(value)
    if found.startswith("pg_") or found in ("all", "none", "public"):
        raise Wrong(f"cannot be {found!r}, which PostgreSQL keeps for itself", "write another name")
    return found


def database_name(value: Any) -> str:
    found = _postgres_name(value)
    if found in ("all", "replication", "samegroup", "samerole", "sameuser"):
        raise Wrong(f"cannot be {found!r}, which means something else in pg_hba", "write another database")
    return found


def _postgres_name(value: Any) -> str:
    """A name that needs no quotes in pg_hba and in a connection string."""
    found = needed_text(value)
    if len(found) > 63:
        raise Wrong("is longer than the 63 bytes that PostgreSQL takes", "write a shorter name")
    if not _POSTGRES_NAME.fullmatch(found):
        raise Wrong(f"{found!r} has characters that are not taken here", "write letters, digits, _, - and .")
    return found


def slot_name(value: Any) -> str:
    found = needed_text(value)
    if not barman_options.is_slot_name(found):
        raise Wrong(f"{found!r} is no name for a replication slot", "write 1 to 63 lower case letters, digits and _")
    return found


def retention(value: Any) -> str:
    found = text(value)
    if found and barman_options.parse_retention(found) is None:
        raise Wrong(f"{found!r} is no retention policy", f"write {barman_options.RETENTION_FORMS}")
    return found


def public_key(where: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        found = text(value)
        if found and not _PUBLIC_KEY.fullmatch(found):
            raise Wrong("is no public key of SSH", f"write the line in {where}")
        return found

    return read


def cron(value: Any) -> str:
    if isinstance(value, bool):
        raise Wrong(f"is {describe(value)} and no text", "write a cron expression as \"30 2 * * *\", or '' for none")
    found = text(value)
    if not found:
        return ""
    try:
        return str(schedule.parse_cron(found))
    except ValueError as error:
        raise Wrong(f"{found!r} is no cron expression: {error}", 'write one as "30 2 * * *"') from None


def barman_version(value: Any) -> Version | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise Wrong(
            f"is the number {value}, and a number cannot tell 3.2 from 3.20", f'write it in quotes, as "{value}.0"'
        )
    found = text(value)
    if not found:
        return None
    version = parse_version(found)
    if version is None:
        raise Wrong(f"{found!r} is no version", f'write one as "{format_version(NEWEST)}"')
    if version < OLDEST:
        raise Wrong(
            f"{found} is older than {format_version(OLDEST)}, the oldest Barman that is known here",
            "use a newer Barman",
        )
    return version


def _address_of(reader: _Reader) -> str:
    if reader.is_given("barman_address"):
        return reader.get("barman_address", address, reader.host)
    if reader.is_given("ansible_host"):
        return reader.get("ansible_host", ansible_address, reader.host)
    return reader.host


def _reached_at(reader: _Reader) -> str:
    return "%s:%s" % (reader.values.get("ansible_host") or reader.host, reader.values.get("ansible_port") or 22)


def _zone(reader: _Reader) -> str:
    return reader.get("barman_zone", text, "")


def _backup_server(reader: _Reader) -> BackupServer:
    host_address = _address_of(reader)
    here: tuple[str, ...] = (as_source(host_address),)
    addresses = reader.get("barman_addresses", list_of(network, "198.51.100.11"), here)
    if not addresses:
        reader.report("barman_addresses", "is empty, so PostgreSQL would let nobody in", "write an address")
    return BackupServer(
        host=reader.host,
        zone=_zone(reader),
        address=host_address,
        addresses=addresses or here,
        ssh_port=reader.get("barman_ssh_port", integer(1, 65535), 22),
        user=reader.get("barman_user", os_user, "barman"),
        home=reader.get("barman_home", absolute_path, "/var/lib/barman"),
        configuration_directory=reader.get("barman_configuration_directory", absolute_path, "/etc/barman.d"),
        client_directory=reader.get("barman_client_directory", optional_path, "/usr/lib/postgresql/{version}/bin"),
        version=reader.get("barman_version", barman_version, None),
        passive_of=reader.get("barman_passive_of", text, "") or None,
        global_options=reader.get("barman_global_options", dictionary, {}),
        allow_empty=reader.get("barman_allow_empty", boolean, False),
        hook_directory=reader.get("barman_hook_directory", absolute_path, "/usr/local/lib/pgdr.barman"),
        hooks=reader.get_parts("barman_hooks", hooks.read_hooks, {}),
        s3=reader.get_parts("barman_s3", hooks.read_s3, None),
        has_s3_keys=_has_s3_keys(reader),
        given=_given(reader),
        reached_at=_reached_at(reader),
    )


def _given(reader: _Reader) -> frozenset[str]:
    return frozenset(
        variable for variable in KNOWN_VARIABLES if variable not in SECRET_VARIABLES and reader.is_given(variable)
    )


def _has_s3_keys(reader: _Reader) -> tuple[bool, bool]:
    # One that is wrong is there, and reported.
    return (
        reader.has_secret("barman_s3_access_key") is not False,
        reader.has_secret("barman_s3_secret_key") is not False,
    )


def _postgres_server(reader: _Reader, is_primary: bool) -> PostgresServer:
    host_address = _address_of(reader)
    backup_server = reader.get("barman_backup_server", needed_text, "")
    primary = reader.get("barman_primary", text, "") or None
    if not reader.is_given("barman_backup_server") and not is_primary:
        reader.report("barman_backup_server", "is missing", "write the inventory name of the server's backup server")
    versions = f"{privileges.OLDEST} to {privileges.NEWEST}"
    if not reader.is_given("barman_postgres_version"):
        reader.report("barman_postgres_version", "is missing", f"write PostgreSQL's major version, {versions}")
    name = reader.get("barman_server_name", server_name, reader.host)
    if not reader.is_given("barman_server_name"):
        try:
            server_name(reader.host)
        except Wrong as wrong:
            reader.report(
                "barman_server_name", f"is not set, and the inventory name {wrong.message}", "set barman_server_name"
            )
    streaming: tuple[str, ...] = ("streaming",)
    wal = reader.get("barman_wal", list_of(one_of(WAL_METHODS), "streaming"), streaming)
    if not wal:
        reader.report("barman_wal", "is empty, so no WAL would come to Barman", "write streaming, archiving or both")
        wal = streaming
    # By archiving alone, what was not archived when the server is lost is lost with it.
    patience = 300 if tuple(wal) == ("archiving",) else None
    incremental = reader.get("barman_incremental", one_of(INCREMENTALS), "none")
    full_default, incremental_default = schedule.default_schedules(name, incremental == "block")
    password = reader.has_secret("barman_postgres_password")
    streaming_password = reader.has_secret("barman_streaming_password")
    certificate = reader.get("barman_sslcert", optional_path, "")
    no_options: Mapping[str, str] = {}
    server = PostgresServer(
        host=reader.host,
        name=name,
        backup_server=backup_server or None,
        version=reader.get("barman_postgres_version", integer(privileges.OLDEST, privileges.NEWEST), 0),
        zone=_zone(reader),
        address=host_address,
        ssh_port=reader.get("barman_ssh_port", integer(1, 65535), 22),
        os_user=reader.get("barman_postgres_os_user", os_user, "postgres"),
        postgres_host=reader.get("barman_postgres_host", postgres_host, host_address),
        port=reader.get("barman_postgres_port", integer(1, 65535), 5432),
        database=reader.get("barman_postgres_database", database_name, "postgres"),
        user=reader.get("barman_postgres_user", role_name, "barman"),
        streaming_user=reader.get("barman_streaming_user", role_name, "streaming_barman"),
        has_password=password is True,
        has_streaming_password=streaming_password is True,
        sslmode=reader.get("barman_sslmode", one_of(SSL_MODES), "prefer"),
        sslrootcert=reader.get("barman_sslrootcert", root_certificate, ""),
        sslcert=certificate,
        sslkey=reader.get("barman_sslkey", optional_path, ""),
        connection_options=reader.get("barman_connection_options", connection_options, no_options),
        method=reader.get("barman_backup_method", one_of(BACKUP_METHODS), "postgres"),
        wal=tuple(method for method in WAL_METHODS if method in wal),
        passive_servers=reader.get("barman_passive_servers", list_of(needed_text, "backup-2"), ()),
        slot_name=reader.get("barman_slot_name", slot_name, "barman"),
        synchronous=reader.get("barman_synchronous", boolean, False),
        incremental=incremental,
        retention_policy=reader.get("barman_retention_policy", retention, "RECOVERY WINDOW OF 14 DAYS"),
        minimum_redundancy=reader.get("barman_minimum_redundancy", integer(0), 1),
        backup_schedule=reader.get("barman_backup_schedule", cron, full_default),
        incremental_schedule=reader.get("barman_incremental_schedule", cron, incremental_default),
        options=reader.get("barman_options", dictionary, {}),
        manage=reader.get("barman_manage_postgres", boolean, True),
        primary=primary,
        archive_method=reader.get("barman_archive_method", one_of(archive_command.METHODS), "barman-wal-archive"),
        archive_compression=reader.get("barman_archive_compression", one_of(archive_command.COMPRESSIONS), "none"),
        archive_timeout=reader.get("barman_archive_timeout", integer(0), patience),
        ssh_public_key=reader.get(
            "barman_ssh_public_key", public_key("~/.ssh/id_ed25519.pub of PostgreSQL's user"), ""
        ),
        ssh_host_key=reader.get("barman_ssh_host_key", public_key("/etc/ssh/ssh_host_ed25519_key.pub there"), ""),
        hooks=reader.get_parts("barman_hooks", hooks.read_hooks, {}),
        s3=reader.get_parts("barman_s3", hooks.read_s3, None),
        has_s3_keys=_has_s3_keys(reader),
        given=_given(reader),
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


def _same_passwords(readers: Mapping[str, _Reader], server: PostgresServer) -> None:
    """A standby has its primary's roles, with their passwords."""
    primary = readers.get(server.primary or "")
    if primary is None:
        return
    own = readers[server.host]
    for variable in ("barman_postgres_password", "barman_streaming_password"):
        mine, theirs = own.values.get(variable), primary.values.get(variable)
        if isinstance(mine, str) and isinstance(theirs, str) and mine != theirs:
            own.report(
                variable,
                f"differs from that of its primary {server.primary}, and a standby has its primary's roles",
                "write the same, best once for both in a group's variables",
            )


def _relays(
    postgres_servers: Mapping[str, PostgresServer], backup_servers: Mapping[str, BackupServer]
) -> tuple[Relay, ...]:
    """Who relays what from whom: first as each server says, then what whole backup servers relay of others."""
    found: dict[tuple[str, str, str], Relay] = {}
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
                relay = Relay(server.host, server.backup_server, target, "server")
                found[relay.server, relay.source, relay.target] = relay
                held[target][server.host] = None
    for target in _sources_first(backup_servers):
        source = backup_servers[target].passive_of
        if source is None or source not in backup_servers:
            continue
        for host in held[source]:
            if host in active[target]:
                continue
            found.setdefault((host, source, target), Relay(host, source, target, "global"))
            held[target][host] = None
    return tuple(found[key] for key in sorted(found))


def _sources_first(backup_servers: Mapping[str, BackupServer]) -> list[str]:
    """The backup servers that relay others as a whole, each after the one it relays; those in a circle are left out."""
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
