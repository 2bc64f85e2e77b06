# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether every database of a restored server can be used on this host.

This module util is private to the collection. A database needs its locale, its collations in the version that sorted its
indexes, and the libraries that the server's configuration preloads. A connection to each database shows the first;
queries show the other two.
"""

from __future__ import annotations

import os
from typing import Any, Callable

from .._host.process import HostError
from .._postgres.host_requirements import library_names

# A query's rows: the query, the database.
Ask = Callable[[str, str], "list[list[str | None]]"]

# A connection limit of -2 marks a database whose DROP was interrupted.
_DATABASES = "SELECT datname FROM pg_catalog.pg_database WHERE datallowconn AND datconnlimit <> -2 ORDER BY datname"
_DATABASE_VERSION = (
    "SELECT datcollate, datcollversion, pg_catalog.pg_database_collation_actual_version(oid) "
    "FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database() "
    "AND datcollversion IS DISTINCT FROM pg_catalog.pg_database_collation_actual_version(oid) AND datcollversion IS "
    "NOT NULL"
)
_COLLATION_VERSIONS = (
    "SELECT c.collname, c.collversion, pg_catalog.pg_collation_actual_version(c.oid) FROM pg_catalog.pg_collation c "
    "WHERE c.collversion IS NOT NULL AND c.collversion <> pg_catalog.pg_collation_actual_version(c.oid) "
    "AND c.oid IN (SELECT pg_catalog.unnest(indcollation::oid[]) FROM pg_catalog.pg_index) ORDER BY c.collname"
)
_LIBRARY_DIRECTORY = "SELECT setting FROM pg_catalog.pg_config WHERE name = 'PKGLIBDIR'"
_FIRST_DATABASE_VERSION = 15


def inspect_databases(ask: Ask, major_version: int) -> tuple[list[str], list[str], list[dict[str, Any]]]:
    """The databases that can be used, why others can't, and collations that have another version on this host."""
    usable: list[str] = []
    problems: list[str] = []
    collations: list[dict[str, Any]] = []
    for row in ask(_DATABASES, "template1"):
        name = row[0] or ""
        queries = [_COLLATION_VERSIONS]
        if major_version >= _FIRST_DATABASE_VERSION:
            queries.insert(0, _DATABASE_VERSION)
        try:
            found = [one for query in queries for one in ask(query, name)]
        except HostError as exc:
            problems.append(f"database '{name}' can't be used on this host: {exc}")
            continue
        usable.append(name)
        collations += [{"database": name, "collation": one[0], "recorded": one[1], "actual": one[2]} for one in found]
    return usable, problems, collations


def missing_libraries(ask: Ask, preloaded: str, *, local: bool = False) -> list[str]:
    """Which libraries of a setting such as shared_preload_libraries, as the configuration has it, are not installed.

    local: of local_preload_libraries, whose libraries are in a directory of their own.
    """
    names = library_names(preloaded)
    if not names:
        return []
    directory = ask(_LIBRARY_DIRECTORY, "template1")[0][0] or ""
    return [name for name in names if not _is_installed(name, directory, "plugins" if local else "")]


def _is_installed(name: str, directory: str, below: str) -> bool:
    path = name.replace("$libdir", directory)
    if "/" not in path:
        path = os.path.join(directory, below, path)
    return os.path.exists(path) or os.path.exists(path + ".so")
