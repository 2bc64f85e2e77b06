# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection strings and commands of ssh as the inventory's variables.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...module_utils._postgres.conninfo import hosts_of
from ...module_utils._server.adoption import ssh_parts
from .._topology.entries import TIME_LIMITS, TIME_LIMITS_OF_A_CLUSTER
from .facts import Inexpressible, Variables

_DECIDED = ("host", "hostaddr", "port", "user", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey")
_REFUSED = ("service", "servicefile", "passfile", "replication", "options")
_LEFT = "declare the server yourself, or leave its entry as it is"


@dataclass(frozen=True)
class PostgresConnection:
    """A connection string with libpq's defaults. options: further parameters."""

    host: str
    port: int
    user: str
    database: str
    sslmode: str
    sslrootcert: str
    sslcert: str
    sslkey: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def endpoint(self) -> tuple[str, int]:
        return self.host, self.port


def member_connections(words: Mapping[str, str], name: str, os_user: str) -> tuple[PostgresConnection, ...]:
    """The connections of that option to each of its hosts, in their order: one, unless the server is a cluster. Raises Inexpressible."""
    hosts = hosts_of(words)
    if len(hosts) == 1:
        return (connection_of(words, name, os_user, TIME_LIMITS),)
    routed = [{key: str(value) for key, value in one.items() if key != "target_session_attrs"} for one in hosts]
    return tuple(connection_of(one, name, os_user, TIME_LIMITS_OF_A_CLUSTER) for one in routed)


def connection_of(words: Mapping[str, str], name: str, os_user: str, limits: Mapping[str, str]) -> PostgresConnection:
    """The connection of that option, to one host. os_user: who runs Barman, libpq's default. Raises Inexpressible."""
    host, address = words.get("host", ""), words.get("hostaddr", "")
    if not words:
        raise Inexpressible(f"{name} has no parameters that can be read", _LEFT)
    if host and address:
        raise Inexpressible(f"{name} has both host and hostaddr", _LEFT)
    if not (host or address):
        raise Inexpressible(
            f"{name} has no host, so it uses libpq's own socket",
            "write the socket's directory as host, and repeat this",
        )
    refused = [one for one in _REFUSED if one in words]
    if refused:
        raise Inexpressible(f"{name} has {' and '.join(refused)}", _LEFT)
    port = words.get("port") or "5432"
    if not port.isdecimal():
        raise Inexpressible(f"{name} has the port {port!r}", _LEFT)
    user = words.get("user") or os_user
    options = {key: value for key, value in words.items() if key not in _DECIDED and value != limits.get(key)}
    return PostgresConnection(
        host=host or address,
        port=int(port),
        user=user,
        database=words.get("dbname") or user,
        sslmode=words.get("sslmode") or "prefer",
        sslrootcert=words.get("sslrootcert", ""),
        sslcert=words.get("sslcert", ""),
        sslkey=words.get("sslkey", ""),
        options=options,
    )


def connection_variables(management: PostgresConnection, streaming: PostgresConnection | None) -> Variables:
    """The variables of both connections, without the role of the second. Raises Inexpressible if the streaming connection leads elsewhere."""
    if streaming is not None and streaming.endpoint != management.endpoint:
        raise Inexpressible(
            f"conninfo leads to {management.host}:{management.port}, and streaming_conninfo to {streaming.host}:{streaming.port}",
            "declare the server yourself, with the address that both connections can use",
        )
    return {
        "barman_postgres_host": management.host,
        "barman_postgres_port": management.port,
        "barman_postgres_database": management.database,
        "barman_postgres_user": management.user,
        "barman_sslmode": management.sslmode,
        "barman_sslrootcert": management.sslrootcert,
        "barman_sslcert": management.sslcert,
        "barman_sslkey": management.sslkey,
        "barman_connection_options": dict(management.options),
    }


@dataclass(frozen=True)
class SshConnection:
    """A command of ssh. options: those that change the connection, "" if there are none."""

    user: str
    host: str
    port: str
    options: str


def ssh_connection_of(command: str) -> SshConnection | None:
    """The parts of a command of ssh; None without one."""
    parts = ssh_parts(command) if command else {}
    return SshConnection(**parts) if parts else None
