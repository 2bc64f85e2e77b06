# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why the data of a PostgreSQL server must not be replaced, and which directories running servers use.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from .._host.paths import is_within, normal_path
from .cluster import TABLESPACE_DIRECTORY, Cluster, DirectoryContents, ObservedHost

#: The word that allows the replacement of a data directory without a readable system identifier.
UNKNOWN_SYSTEM = "unknown"


def system_problems(
    cluster: Cluster,
    contents: DirectoryContents,
    system_identifier: str,
    replace_system: str | None,
    *,
    restored: bool = False,
) -> list[str]:
    """Why data of that system must not replace what is in the cluster's data directory.

    restored: a recovery left it there, not complete, and recorded so.
    """
    if not contents.entries or (restored and contents.control is None):
        return []
    where = "the data directory {} of the PostgreSQL server on port {} ({})".format(
        cluster.data_directory,
        cluster.port,
        "not running" if cluster.pid is None else f"running, process {cluster.pid}",
    )
    if contents.control is None:
        if replace_system == UNKNOWN_SYSTEM:
            return []
        return [
            (
                "system_identifier: {} has no readable global/pg_control, so its origin is unknown (it contains: {}). "
                "Inspect its content. If it may be moved aside, set barman_recover_replace_system={}"
            ).format(where, " ".join(contents.entries), UNKNOWN_SYSTEM)
        ]
    found = str(contents.control.system_identifier)
    if found in (system_identifier, replace_system):
        return []
    return [
        (
            f"system_identifier: {where} has the data of another PostgreSQL system: its system identifier is {found}, "
            "and the "
            f"backup's is {system_identifier}. Check the address of this host (ansible_host, barman_address), and "
            "whether the host was "
            "installed again. If this other system may be stopped and moved aside, set "
            f"barman_recover_replace_system={found}"
        )
    ]


def in_use_problems(
    cluster: Cluster | None,
    observed: ObservedHost,
    directories: Iterable[str],
    tablespaces: Iterable[str] = (),
    version: int | None = None,
) -> list[str]:
    """Which of these directories a running server other than the cluster uses. All paths: as they really are, links followed.

    tablespaces: locations, in which only the directory of that version is meant.
    """
    asked = [(path, None) for path in directories] + [(path, version) for path in tablespaces]
    problems: list[str] = []
    for path, own_version in asked:
        for server in observed.running:
            if cluster is not None and server.data_directory == cluster.data_directory:
                continue
            used = [one for one in server.directories if conflicts(path, one, own_version)]
            if used:
                problems.append(
                    "directories: {} can't be moved or filled: the running PostgreSQL server in {} (process {}{}) "
                    "uses {}. Choose another "
                    "directory, or correct the declared server".format(
                        path,
                        server.data_directory,
                        server.pid,
                        "" if server.port is None else f", port {server.port}",
                        used[0],
                    )
                )
    return problems


def overlap(one: str, other: str) -> bool:
    """Whether one of the directories is the other, or is in it."""
    return is_within(one, other) or is_within(other, one)


def conflicts(path: str, used: str, version: int | None = None) -> bool:
    """Whether the directory can't be moved or filled while the used one is in use.

    version: the path is a tablespace's location, and only that version's directory in it is meant.
    """
    if version is not None and posixpath.dirname(normal_path(used)) == normal_path(path):
        other = TABLESPACE_DIRECTORY.fullmatch(posixpath.basename(normal_path(used)))
        if other is not None and int(other.group(1)) != version:
            return False
    return overlap(path, used)
