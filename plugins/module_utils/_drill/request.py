# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of a restore drill as a value.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._host.paths import normal_path
from .._host.priority import Priority
from .._host.process import HostError
from .._recover.destination import Destination
from .._recover.recovery_target import OPTIONS, TargetError, parse_target
from .._verify.request import VerificationQuery

NEWEST, OLDEST, RANDOM = "newest", "oldest", "random"


class DrillError(HostError):
    """The drill can't run, or its options are wrong."""


@dataclass(frozen=True)
class DrillQuery:
    """A query of the drill. server: Barman's name of the server that it is for; None for every one."""

    query: VerificationQuery
    server: str | None = None


@dataclass(frozen=True)
class RemoteHost:
    """A host that the backup server reaches by SSH. port: None for that of the SSH configuration of Barman's user."""

    address: str
    user: str = "postgres"
    port: int | None = None


@dataclass(frozen=True)
class DrillRequest:
    """A drill as it was requested.

    servers: Barman's names; None for all. backup: newest, oldest, random, or a backup's id. target: the options of the recovery target.
    database_user: the superuser. database_users: that of each server with another one. directory: None for the default. bandwidth_limit:
    kilobytes a second. timeout: seconds, for the replay and for each check. wait: seconds, for the end of another drill. host: the drill
    host; None for the backup server itself.
    """

    servers: tuple[str, ...] | None = None
    backup: str = NEWEST
    target: Mapping[str, Any] = field(default_factory=dict)
    directory: str | None = None
    queries: tuple[DrillQuery, ...] = ()
    database_user: str = "postgres"
    database_users: Mapping[str, str] = field(default_factory=dict)
    bin_directory: str | None = None
    jobs: int | None = None
    bandwidth_limit: int | None = None
    priority: Priority = "idle"
    verify_backup: bool = True
    amcheck: bool = True
    checksums: bool = True
    timeout: float = 3600.0
    requested_by: str = ""
    wait: float = 0.0
    host: RemoteHost | None = None

    @property
    def drill_host(self) -> str | None:
        """The address of the drill host."""
        return None if self.host is None else self.host.address

    def queries_of(self, server: str) -> tuple[VerificationQuery, ...]:
        return tuple(one.query for one in self.queries if one.server in (None, server))

    def database_user_of(self, server: str) -> str:
        return self.database_users.get(server, self.database_user)

    @property
    def query_servers(self) -> set[str]:
        """The servers that the queries name."""
        return {one.server for one in self.queries if one.server is not None}


def request_from(params: Mapping[str, Any]) -> DrillRequest:
    """The request, from the arguments of the module. Raises DrillError with every problem in them."""
    target = {name: params[name] for name in (*OPTIONS, "target_timeline") if params.get(name) not in (None, False)}
    servers = None if params["servers"] is None else tuple(dict.fromkeys(params["servers"]))
    directory = None if params["directory"] is None else normal_path(params["directory"])
    queries = tuple(
        DrillQuery(
            VerificationQuery(item["query"], item["database"], item["expect"], item["expect"] is not None),
            item["server"],
        )
        for item in params["queries"]
    )
    problems = _problems(params, target, directory, servers, queries)
    if problems:
        raise DrillError("\n".join(problems))
    return DrillRequest(
        servers=servers,
        backup=params["backup"],
        target=target,
        directory=directory,
        queries=queries,
        database_user=params["database_user"],
        # Of the program, which drills several servers at once; the module has one database_user.
        database_users=params.get("database_users") or {},
        bin_directory=params["bin_directory"],
        jobs=params["jobs"],
        bandwidth_limit=params["bandwidth_limit"],
        priority="normal" if params["priority"] == "normal" else "idle",
        verify_backup=params["verify_backup"],
        amcheck=params["amcheck"],
        checksums=params["checksums"],
        timeout=params["timeout"],
        requested_by=params["requested_by"] or "",
        wait=params["wait"],
        host=_remote_host(params),
    )


def _remote_host(params: Mapping[str, Any]) -> RemoteHost | None:
    if params["remote_host"] is None:
        return None
    return RemoteHost(params["remote_host"], params["remote_user"], params["remote_port"])


def _problems(
    params: Mapping[str, Any],
    target: Mapping[str, Any],
    directory: str | None,
    servers: tuple[str, ...] | None,
    queries: tuple[DrillQuery, ...],
) -> list[str]:
    problems: list[str] = []
    try:
        parse_target({"target_inclusive": True, **target})
    except TargetError as exc:
        problems += str(exc).splitlines()
    if directory is not None and not directory.startswith("/"):
        problems.append(f"directory: '{directory}' is not an absolute path")
    host = _remote_host(params)
    if host is not None:
        if directory is None:
            problems.append(
                "directory (playbook: barman_drill_host_directory): give the directory of the drill host for scratch directories"
            )
        problems += Destination(directory or "/srv", host.address, host.user, host.port).problems()
    if servers is not None and len(servers) != 1:
        single = [name for name in ("target_xid", "target_lsn", "target_name") if name in target]
        if single:
            problems.append(
                f"{', '.join(single)}: only a drill of one server can have it, and there are {len(servers)}"
            )
    if servers is not None:
        unknown = sorted({str(one.server) for one in queries if one.server not in (None, *servers)})
        if unknown:
            problems.append(f"queries: {', '.join(map(repr, unknown))} is not among the servers: {', '.join(servers)}")
    for option in ("jobs", "bandwidth_limit", "timeout"):
        value = params.get(option)
        if value is not None and value < 1:
            problems.append(f"{option}: {value} is not a positive number")
    return problems
