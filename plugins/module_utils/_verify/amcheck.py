# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the tables and B-tree indexes of a restored server are consistent, by pg_amcheck.

This module util is private to the collection. pg_amcheck creates the extension amcheck in every database, so the server must have left
recovery, and its directory must be a copy that is removed afterwards.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .._host.process import Command, HostError, Runner
from .._postgres.private_server import PrivateServer
from .._postgres.timeouts import TIMEOUTS
from .observe import PreparedDirectory

PROGRAM = "pg_amcheck"
_FIRST_VERSION = 14
# pg_amcheck ends with it if it found something, and with 1 if it could not check.
_CORRUPT = 2
_MOST_LISTED = 5
_AVAILABLE = "SELECT count(*) FROM pg_catalog.pg_available_extensions WHERE name = 'amcheck'"
_FILES = (
    "SELECT pg_catalog.current_database() || '.' || n.nspname || '.' || c.relname, pg_catalog.pg_relation_filepath(c.oid) "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 't', 'm', 'i', 'S')"
)
# A line such as: heap table "shop.public.orders", block 3, offset 7:
_RELATION = re.compile(r'^\S.*?"(?P<name>.+)"(?P<place>, .*)?:$')


def check_relations(
    server: PrivateServer,
    prepared: PreparedDirectory,
    runner: Runner,
    timeout: float,
    databases: Iterable[str] = (),
    clock: Callable[[], float] = time.monotonic,
) -> tuple[dict[str, Any], str]:
    """The facts for the result, and what pg_amcheck found; "" if that is nothing. databases: those that can be used."""
    reason = _unavailable(server, prepared)
    if reason:
        return {"status": "unavailable", "reason": reason}, ""
    started = clock()
    completed = runner(
        Command(
            [
                os.path.join(prepared.bin_directory, PROGRAM),
                "--all",
                "--install-missing",
                "--heapallindexed",
                "--parent-check",
                f"--host={server.directory}",
                "--port=5432",
                f"--username={server.database_user}",
            ],
            user=prepared.user,
            env={"PGOPTIONS": _session_options(prepared.directory.major_version), "PGCONNECT_TIMEOUT": "10"},
            timeout=timeout,
        )
    )
    facts: dict[str, Any] = {
        "status": "verified" if completed.ok else "wrong",
        "seconds": round(clock() - started, 2),
        "relations": [],
    }
    if completed.ok:
        return facts, ""
    if completed.rc != _CORRUPT:
        return facts, f"{PROGRAM} could not check every relation: {completed.text}"
    found = damaged_relations(completed.stdout)
    files = _files(server, databases, timeout)
    facts["relations"] = [
        {"relation": name, "file": files.get(name)} for name in dict.fromkeys(one[0] for one in found)
    ]
    return facts, (
        f"{PROGRAM} found damage: {_listed(found, files)}. It is in the backup, or in the WAL after it, and may be in the running server. "
        "Check that server with pg_amcheck, and drill an earlier backup"
    )


def _unavailable(server: PrivateServer, prepared: PreparedDirectory) -> str:
    """Why pg_amcheck can't be used here; "" if it can."""
    if prepared.directory.major_version < _FIRST_VERSION:
        return f"PostgreSQL has {PROGRAM} from version {_FIRST_VERSION} on"
    if not os.path.exists(os.path.join(prepared.bin_directory, PROGRAM)):
        return f"{PROGRAM} is not in {prepared.bin_directory}"
    if server.query(_AVAILABLE, "template1") == [["0"]]:
        return "the extension amcheck is not installed on this host"
    return ""


def _session_options(major_version: int) -> str:
    """What ALTER ROLE and ALTER DATABASE have set must not end a check, and no event trigger is to run."""
    settings = {"lc_messages": "C", **{name: "0" for name, since in TIMEOUTS.items() if major_version >= since}}
    if major_version >= 17:
        settings["event_triggers"] = "off"
    return " ".join("-c {}={}".format(*item) for item in settings.items())


def damaged_relations(text: str) -> list[tuple[str, str, str]]:
    """The name, the place in it and the finding, of each finding in what pg_amcheck printed."""
    found: list[tuple[str, str, str]] = []
    for line in text.splitlines():
        relation = _RELATION.match(line)
        if relation is not None:
            found.append((relation.group("name"), relation.group("place") or "", ""))
        elif found and line.startswith(" "):
            name, place, before = found[-1]
            found[-1] = (name, place, f"{before} {line.strip()}".strip())
    return found


def _listed(found: list[tuple[str, str, str]], files: Mapping[str, str]) -> str:
    texts = [
        "{}{}{}: {}".format(name, f" (file {files[name]})" if name in files else "", place, text)
        for name, place, text in found[:_MOST_LISTED]
    ]
    more = [f"and {len(found) - _MOST_LISTED} more"] if len(found) > _MOST_LISTED else []
    return "; ".join([*texts, *more])


def _files(server: PrivateServer, databases: Iterable[str], timeout: float) -> dict[str, str]:
    """The file of each relation, by the name that pg_amcheck prints. A damaged catalog may hide them."""
    found: dict[str, str] = {}
    for database in databases:
        try:
            rows = server.query(_FILES, database, timeout)
        except HostError:
            continue
        found.update({row[0]: row[1] for row in rows if row[0] and row[1]})
    return found
