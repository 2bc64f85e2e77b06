# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of a verification of stored files, and their value.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._host.priority import Priority
from .._host.process import HostError

DAYS = 30

VERIFICATION_ARGUMENTS: dict[str, Any] = {
    "servers": {"type": "list", "elements": "str"},
    "days": {"type": "int", "default": DAYS},
    "server_days": {"type": "dict", "default": {}},
    "everything": {"type": "bool", "default": False},
    "bandwidth_limit": {"type": "int"},
    "priority": {"type": "str", "choices": ["idle", "normal"], "default": "idle"},
    "generate_manifests": {"type": "bool", "default": True},
    "bin_directory": {"type": "path"},
    "copies_of": {"type": "list", "elements": "str", "default": []},
    "wait": {"type": "int", "default": 0},
    "requested_by": {"type": "str"},
}


class StoredVerificationError(HostError):
    """The verification can't run, or its options are wrong."""


@dataclass(frozen=True)
class StoredVerificationRequest:
    """A verification as it was requested.

    servers: Barman's names; None for all. days: within which everything is read. server_days: those of servers with others. everything: read all now.
    bandwidth_limit: kilobytes a second. generate: whether Barman may write manifests. copies_of: the names of files to search in place of a
    verification. wait: seconds, for the end of another verification.
    """

    servers: tuple[str, ...] | None = None
    days: int = DAYS
    server_days: Mapping[str, int] = field(default_factory=dict)
    everything: bool = False
    bandwidth_limit: int | None = None
    priority: Priority = "idle"
    generate: bool = True
    bin_directory: str | None = None
    copies_of: tuple[str, ...] = ()
    wait: float = 0.0
    requested_by: str = ""

    def days_of(self, server: str) -> int:
        return self.server_days.get(server, self.days)

    @property
    def bytes_per_second(self) -> float | None:
        return None if self.bandwidth_limit is None else self.bandwidth_limit * 1000.0


def stored_request_from(params: Mapping[str, Any]) -> StoredVerificationRequest:
    """The request, from the arguments of the module. Raises StoredVerificationError with every problem in them."""
    problems = [
        f"{option}: {params[option]} is not a positive number"
        for option in ("days", "bandwidth_limit")
        if params[option] is not None and params[option] < 1
    ]
    server_days: dict[str, int] = {}
    for name, value in params["server_days"].items():
        if not str(value).isdigit() or int(value) < 1:
            problems.append(f"server_days: {value!r} of server '{name}' is not a positive number of days")
        else:
            server_days[name] = int(value)
    servers = None if params["servers"] is None else tuple(dict.fromkeys(params["servers"]))
    if params["copies_of"] and (servers is None or len(servers) != 1):
        problems.append("copies_of: it needs exactly one server in servers")
    if problems:
        raise StoredVerificationError("\n".join(problems))
    return StoredVerificationRequest(
        servers=servers,
        days=params["days"],
        server_days=server_days,
        everything=params["everything"],
        bandwidth_limit=params["bandwidth_limit"],
        priority="normal" if params["priority"] == "normal" else "idle",
        generate=params["generate_manifests"],
        bin_directory=params["bin_directory"],
        copies_of=tuple(params["copies_of"]),
        wait=params["wait"],
        requested_by=params["requested_by"] or "",
    )
