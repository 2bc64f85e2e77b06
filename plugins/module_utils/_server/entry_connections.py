# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connections of Barman's entries that need a password from the password file.

This module util is private to the collection. libpq looks a connection up by its host, or its hostaddr if it has no host, by port, and by user; a
socket counts as localhost (PostgreSQL, "The Password File").
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .._barman.configuration import Configuration
from .._postgres.conninfo import conninfo_words
from .._postgres.password_file import PasswordConnection

_OPTIONS = ("conninfo", "streaming_conninfo", "wal_conninfo", "wal_streaming_conninfo", "primary_conninfo")


def undeclared_connections(
    configuration: Configuration, declared: Collection[str], user: str
) -> list[PasswordConnection]:
    """The connections of the active entries that are not declared. user: who runs Barman, libpq's default."""
    return [
        connection
        for name, server in configuration.servers.items()
        if name not in declared and server.flag("active", default=True)
        for option in _OPTIONS
        for connection in connections_of(server.get(option) or "", user)
    ]


def connections_of(conninfo: str, user: str) -> Iterable[PasswordConnection]:
    """The connections of a connection string; each of several hosts counts."""
    if not conninfo:
        return
    words = conninfo_words(conninfo)
    hosts = (words.get("host") or words.get("hostaddr") or "localhost").split(",")
    ports = (words.get("port") or "5432").split(",")
    for number, host in enumerate(hosts):
        port = (ports[number] if len(ports) == len(hosts) else ports[0]) or "5432"
        for name in sorted({host or "localhost", "localhost" if host.startswith("/") else host or "localhost"}):
            yield PasswordConnection(name, port, words.get("user") or user)
