# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a host is, and what it shares with others.

This module util is private to the collection. Nothing here changes anything. A value that can't be measured is null, with the reason beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._barman.configuration import Configuration, read
from .._host.process import HostError, Runner, run
from .._host.result import Result
from .._postgres.connection import connect
from .database import database_facts
from .machine import fingerprints, machine_facts
from .network import CopyStream, Limit, link_facts, postgres_throughput, round_trip, ssh_throughput
from .storage import file_systems

Open = Callable[[str, str, str], CopyStream]
"""Opens a connection to PostgreSQL: the connection string, Barman's user, Barman's name of the server."""


def show_placement(
    params: Mapping[str, Any], *, check_mode: bool, runner: Runner = run, root: str = "/", opener: Open | None = None
) -> Result:
    """The operation of the module host_placement."""
    reasons: dict[str, str] = {}
    database: dict[str, Any] | None = None
    if params["postgres"] is not None:
        try:
            database = database_facts(params["postgres"], params["seconds"], runner)
        except HostError as exc:
            reasons["database"] = str(exc)
    paths = [*params["paths"], *([database["data_directory"]] if database else [])]
    configuration = _configuration(params, reasons)
    limit = Limit(params["seconds"], params["bytes"])
    links = {
        link["host"]: _link(link, configuration, params["barman_user"], limit, runner, opener or _open)
        for link in params["links"]
    }
    return Result(
        values={
            "machine": machine_facts(root),
            "file_systems": file_systems(paths, root, reasons=reasons),
            "ssh_keys": fingerprints(params["ssh_users"]),
            "database": database,
            "links": links,
            "barman_configured": configuration is not None,
            "reasons": reasons,
        }
    )


def _configuration(params: Mapping[str, Any], reasons: dict[str, str]) -> Configuration | None:
    """Barman's configuration; None before the first deployment, or if nothing is needed of it."""
    if not params["links"] and params["postgres"] is not None:
        return None
    try:
        return read(params["config_file"], params["barman_user"])
    except HostError as exc:
        reasons["barman"] = str(exc)
        return None


def _link(
    link: Mapping[str, Any],
    configuration: Configuration | None,
    user: str,
    limit: Limit,
    runner: Runner,
    opener: Open,
) -> dict[str, Any]:
    rtt = round_trip(link["address"], link["port"]) if link["address"] else None
    if limit.size <= 0 or limit.seconds <= 0:
        return link_facts(rtt, None, "the throughput is not measured")
    if configuration is None or link["server"] not in configuration.servers:
        return link_facts(rtt, None, "Barman has no such server yet")
    entry = configuration.server(link["server"])
    try:
        if link["kind"] == "ssh":
            return link_facts(rtt, ssh_throughput(entry.get("primary_ssh_command") or "", user, limit, runner), "")
        session = opener(entry.conninfo, user, entry.name)
        try:
            return link_facts(rtt, postgres_throughput(session, limit), "")
        finally:
            session.close()
    except (HostError, ImportError) as exc:
        return link_facts(rtt, None, str(exc))


def _open(conninfo: str, user: str, server: str) -> CopyStream:
    return connect(conninfo, user, server)
