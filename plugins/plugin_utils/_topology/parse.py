# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parsers of the variables' values. Each takes a value as the inventory, a survey or the command line gives it, and raises Wrong if it can't be.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ...module_utils._barman import options as barman_options
from ...module_utils._barman.option_table import OPTIONS
from ...module_utils._barman.versions import NEWEST, OLDEST, Version, format_version, parse_version
from .._advice import acceptance
from . import drills, schedule
from .text_forms import TextError, describe, to_bool, to_dict, to_int, to_list

T = TypeVar("T")

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")
_OS_USER = re.compile(r"[a-z_][a-z0-9_.-]{0,31}\$?", re.IGNORECASE)
_SERVER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
_POSTGRES_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
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
_OBJECTIVE = re.compile(r"(\d+)\s*(SECOND|MINUTE|HOUR|DAY)S?", re.IGNORECASE)
_OBJECTIVE_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}
_RESERVED_NAMES = ("all", "barman", "DEFAULT")


class InvalidValue(Exception):
    """A value that cannot be: what is wrong with it, and what to write instead."""

    def __init__(self, message: str, instead: str) -> None:
        super().__init__(message)
        self.message = message
        self.instead = instead


def text(value: Any) -> str:
    """A text in one line; a number is not taken for one."""
    if not isinstance(value, str):
        raise InvalidValue(f"is {describe(value)} and no text", "write a text")
    if any(mark in value for mark in "\n\r\0"):
        raise InvalidValue("has a line break", "write it in one line")
    return str(value).strip()


def needed_text(value: Any) -> str:
    found = text(value)
    if not found:
        raise InvalidValue("is empty", "write a name")
    return found


def _from_text(convert: Callable[[Any], T], value: Any) -> T:
    """The value, or what its text form means, as surveys and the command line give it."""
    try:
        return convert(value)
    except TextError as error:
        raise InvalidValue(error.message, error.instead) from None


def boolean(value: Any) -> bool:
    return _from_text(to_bool, value)


def integer(low: int, high: int | None = None) -> Callable[[Any], int]:
    span = f"{low} or more" if high is None else f"from {low} to {high}"

    def parse(value: Any) -> int:
        try:
            found = to_int(value)
        except TextError as error:
            raise InvalidValue(error.message, f"write a whole number, {span}") from None
        if found < low or (high is not None and found > high):
            raise InvalidValue(f"cannot be {found}", f"write a whole number, {span}")
        return found

    return parse


def one_of(allowed: tuple[str, ...]) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, str):
            raise InvalidValue(f"is {describe(value)}", f"write one of {', '.join(allowed)}")
        if value not in allowed:
            like = barman_options.nearest(value.lower(), allowed)
            hint = f"did you mean {like}? It can be" if like else "write one of"
            raise InvalidValue(f"cannot be {str(value)!r}", f"{hint} {', '.join(allowed)}")
        return str(value)

    return parse


def list_of(parse_item: Callable[[Any], T], example: str) -> Callable[[Any], tuple[T, ...]]:
    def parse(value: Any) -> tuple[T, ...]:
        try:
            given = to_list(value)
        except TextError as error:
            raise InvalidValue(error.message, f"write a list as [{example}]") from None
        items: list[T] = []
        for number, item in enumerate(given, start=1):
            try:
                parsed = parse_item(item)
            except InvalidValue as wrong:
                raise InvalidValue(f"item {number} {wrong.message}", wrong.instead) from None
            if parsed in items:
                raise InvalidValue(f"has {parsed!r} twice", "write it once")
            items.append(parsed)
        return tuple(items)

    return parse


def dictionary(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise InvalidValue(
                    f"has the key {key!r}, which is not a text", "write the option's name, in quotes if need be"
                )
    try:
        given = to_dict(value)
    except TextError as error:
        raise InvalidValue(error.message, "write option: value, each in a line of its own") from None
    return {key: barman_options.plain(item) for key, item in given.items()}


def options(value: Any) -> Mapping[str, Any]:
    """Barman's options. The text of a whole number becomes the number: a template's result is a text before ansible-core 2.19."""
    return {name: _option(name, item) for name, item in dictionary(value).items()}


def _option(name: str, value: Any) -> Any:
    option = OPTIONS.get(name)
    is_number = option is not None and option.kind.partition(":")[0] == "int" and isinstance(value, str)
    return int(value) if is_number and barman_options.INTEGER.fullmatch(value.strip()) else value


def secret_dictionary(value: Any) -> None:
    """Only whether it is one; nothing of it may be in a message."""
    try:
        to_dict(value)
    except TextError:
        raise InvalidValue("is not a dictionary", "write a dictionary, or its text as JSON") from None


def absolute_path(value: Any) -> str:
    found = text(value)
    if not found.startswith("/"):
        raise InvalidValue(f"is {found!r}, which is not an absolute path", "write a path that begins with /")
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
            raise InvalidValue(f"sets {name}", f"remove it, and set {_DECIDED_PARAMETERS[name]}")
        if name in ("passfile", "replication"):
            raise InvalidValue(f"sets {name}, which Barman decides", "remove it")
        if not _PARAMETER.fullmatch(name):
            raise InvalidValue(
                f"sets {name!r}, which is not a parameter of a connection", "write names as connect_timeout"
            )
        if isinstance(item, bool) or not isinstance(item, (str, int)) or not str(item).isprintable():
            raise InvalidValue(f"has {describe(item)} as {name}", "write a text or a number")
        words[name] = str(item)
    return words


def address(value: Any) -> str:
    """An IP address or a host name; brackets around an IPv6 address are taken off."""
    if isinstance(value, (list, tuple)) and len(value) == 1 and isinstance(value[0], str):
        raise InvalidValue("is a list: YAML reads brackets so", f"write {value[0]} without brackets, in quotes")
    found = needed_text(value)
    bracketed = re.fullmatch(r"\[(.+)\]", found)
    if bracketed and ":" in bracketed.group(1) and is_ip(bracketed.group(1)):
        return bracketed.group(1)
    if is_ip(found):
        return found
    numeric = re.fullmatch(r"[\d.]+", found) is not None
    if numeric or not _HOST_NAME.fullmatch(found) or len(found) > 253:
        raise InvalidValue(f"{found!r} is neither an IP address nor a host name", _address_instead(found))
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
        raise InvalidValue(f"is {value.strip()!r}, and ssh takes no brackets", f"write {found} without brackets")
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
        raise InvalidValue(f"{found!r} is not a network", "write one as 198.51.100.0/24") from None
    raise InvalidValue(f"{found!r} has bits set beyond its prefix", f"write {meant}, or the address alone")


def as_source(host: str) -> str:
    """An address as pg_hba requires it: a bare IP address gets its full prefix."""
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
        raise InvalidValue(f"cannot be {found!r}, which Barman keeps for itself", "write another name")
    if not _SERVER_NAME.fullmatch(found):
        raise InvalidValue(
            f"{found!r} can be neither a section of Barman's configuration nor a directory",
            "write up to 63 letters, digits, _, - and ., not beginning with - or .",
        )
    return found


def os_user(value: Any) -> str:
    found = needed_text(value)
    if not _OS_USER.fullmatch(found):
        raise InvalidValue(f"{found!r} cannot be the name of a user", "write letters, digits, _ and -")
    return found


def role_name(value: Any) -> str:
    found = _postgres_name(value)
    if found.startswith("pg_") or found in ("all", "none", "public"):
        raise InvalidValue(f"cannot be {found!r}, which PostgreSQL keeps for itself", "write another name")
    return found


def database_name(value: Any) -> str:
    found = _postgres_name(value)
    if found in ("all", "replication", "samegroup", "samerole", "sameuser"):
        raise InvalidValue(f"cannot be {found!r}, which means something else in pg_hba", "write another database")
    return found


def _postgres_name(value: Any) -> str:
    """A name that needs no quotes in pg_hba and in a connection string."""
    found = needed_text(value)
    if len(found) > 63:
        raise InvalidValue("is longer than the 63 bytes that PostgreSQL takes", "write a shorter name")
    if not _POSTGRES_NAME.fullmatch(found):
        raise InvalidValue(f"{found!r} has characters that are not taken here", "write letters, digits, _, - and .")
    return found


def slot_name(value: Any) -> str:
    found = needed_text(value)
    if not barman_options.is_slot_name(found):
        raise InvalidValue(
            f"{found!r} is not a name for a replication slot", "write 1 to 63 lower case letters, digits and _"
        )
    return found


def retention(value: Any) -> str:
    found = text(value)
    if found and barman_options.parse_retention(found) is None:
        raise InvalidValue(f"{found!r} is not a retention policy", f"write {barman_options.RETENTION_FORMS}")
    return found


def drill_age(value: Any) -> int:
    try:
        return drills.parse_age(value)
    except ValueError as error:
        raise InvalidValue(str(error), f"write {drills.AGE_FORMS}") from None


def objective(value: Any) -> int:
    """The seconds of an RPO or RTO. Only 0 has no unit: nobody knows whether 5 is seconds or minutes."""
    found = _OBJECTIVE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is not None:
        return int(found.group(1)) * _OBJECTIVE_SECONDS[found.group(2).upper()]
    if (value == 0 and not isinstance(value, bool)) or value == "0":
        return 0
    raise InvalidValue(
        f"{value!r} is not a duration", 'write 0, or a text such as "30 SECONDS", "5 MINUTES", "4 HOURS" or "1 DAY"'
    )


def fail_on_word(value: Any) -> str:
    try:
        return acceptance.fail_on_word(value)
    except ValueError as error:
        raise InvalidValue(*error.args) from None


def public_key(where: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        found = text(value)
        if found and not _PUBLIC_KEY.fullmatch(found):
            raise InvalidValue("is not a public key of SSH", f"write the line in {where}")
        return found

    return read


def cron(value: Any) -> str:
    if isinstance(value, bool):
        raise InvalidValue(
            f"is {describe(value)} and no text", "write a cron expression as \"30 2 * * *\", or '' for none"
        )
    found = text(value)
    if not found:
        return ""
    try:
        return str(schedule.parse_cron(found))
    except ValueError as error:
        raise InvalidValue(f"{found!r} is not a cron expression: {error}", 'write one as "30 2 * * *"') from None


def barman_version(value: Any) -> Version | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise InvalidValue(
            f"is the number {value}, and as numbers 3.2 and 3.20 are equal", f'write it in quotes, as "{value}.0"'
        )
    found = text(value)
    if not found:
        return None
    version = parse_version(found)
    if version is None:
        raise InvalidValue(f"{found!r} is not a version", f'write one as "{format_version(NEWEST)}"')
    if version < OLDEST:
        raise InvalidValue(
            f"{found} is older than {format_version(OLDEST)}, the oldest Barman that is known here",
            "use a newer Barman",
        )
    return version
