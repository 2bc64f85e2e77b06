# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server's entry in Barman's configuration without its secrets.

This module util is private to the collection. Nothing here reads files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._barman.configuration import Configuration, ServerConfiguration
from .._barman.masking import mask
from .._barman.option_table import DIRECTORIES, OPTIONS, SECRET_OPTIONS
from .._host.paths import normal_path
from .._postgres.conninfo import conninfo_words
from .._postgres.password_file import PasswordConnection, PasswordLine
from .._server.entry_connections import connections_of
from .secrets import may_have_secret

CONNECTIONS = ("conninfo", "streaming_conninfo", "primary_conninfo", "wal_conninfo", "wal_streaming_conninfo")
#: Parameters of a connection string that nobody may read.
_SECRET_PARAMETERS = ("password", "sslpassword")


def public_options(options: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The options whose values anybody may read, and the names of the others. Connection strings are in neither."""
    shown = {name: value for name, value in options.items() if name not in SECRET_OPTIONS and name not in CONNECTIONS}
    secret = [
        name
        for name, value in shown.items()
        if mask(value) != value
        or mask(f"{name} = {value}") != f"{name} = {value}"
        or (name.endswith("_script") and may_have_secret(value))
    ]
    secret += [name for name in options if name in SECRET_OPTIONS and name not in CONNECTIONS and options[name]]
    return {name: value for name, value in sorted(shown.items()) if name not in secret}, sorted(secret)


def own_options(server: ServerConfiguration, configuration: Configuration) -> dict[str, str]:
    """The options that make the entry differ from the [barman] section. An empty value stands for one that the entry removes."""
    inherited = {
        name: value
        for name, value in configuration.global_options.items()
        if name not in OPTIONS or OPTIONS[name].in_global
    }
    defaults = default_directories(server, configuration.home)
    return {
        name: value
        for name, value in server.options.items()
        if value != inherited.get(name, "")
        and not (name in DIRECTORIES and normal_path(value) == normal_path(defaults[name]))
    }


def default_directories(server: ServerConfiguration, home: str) -> dict[str, str]:
    """Barman's own choice of each directory, below the entry's backup_directory."""
    known = {"barman_home": home, "name": server.name}
    return {name: str(OPTIONS[name].default) % {**known, **server.options} for name in DIRECTORIES}


def connections(server: ServerConfiguration) -> dict[str, dict[str, str]]:
    """The parameters of each connection string that the entry has, without passwords. Empty for one that is a URI."""
    return {
        name: {
            key: value for key, value in conninfo_words(server.get(name) or "").items() if key not in _SECRET_PARAMETERS
        }
        for name in CONNECTIONS
        if server.get(name)
    }


def password_places(
    server: ServerConfiguration, lines: Sequence[tuple[int, PasswordLine]], user: str
) -> dict[str, str | None]:
    """Where the password of each connection is: in the option itself, or in a line of the password file by its number. None if it is in neither.

    lines: those of the password file, each with its number. user: who runs Barman, libpq's default.
    """
    return {name: _place(name, server.get(name) or "", lines, user) for name in CONNECTIONS if server.get(name)}


def _place(name: str, conninfo: str, lines: Sequence[tuple[int, PasswordLine]], user: str) -> str | None:
    if conninfo_words(conninfo).get("password"):
        return name
    database = conninfo_words(conninfo).get("dbname")
    # With the replication protocol, libpq searches for the database "replication".
    streaming = "streaming" in name
    for connection in connections_of(conninfo, user):
        number = _line_of(connection, lines, "replication" if streaming else database or connection.user)
        if number is not None:
            return str(number)
    return None


def _line_of(connection: PasswordConnection, lines: Sequence[tuple[int, PasswordLine]], database: str) -> int | None:
    return next(
        (number for number, line in lines if line.serves(connection) and line.database in ("*", database)), None
    )
