# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries in Barman's configuration that the inventory of this run does not declare, and what they still need.

This module util is private to the collection. Such an entry is never taken for removed: an inventory source that can't be read, a host that
lost its group, and a job slice of AWX look the same as a server that is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._barman.command import Barman
from .._server.entry_files import find_unlisted, read_current
from .checks import OURS, Check, ServerChecks, reasons

DECLARED = "declared in the inventory"


@dataclass(frozen=True)
class Declared:
    """What the inventory of this run declares. names: the servers of this backup server. hosts: every inventory host that any backup server backs up."""

    names: Collection[str]
    hosts: Collection[str] = ()


def is_undeclared(entry: Mapping[str, Any], hosts: Collection[str]) -> bool:
    """Whether an unlisted entry (find_unlisted) is one that nobody decided about.

    An inactive entry was released. An entry of a host that another backup server backs up now is handed over.
    """
    return bool(entry["active"]) and entry["host"] not in hosts


def hint(entry: Mapping[str, Any]) -> str:
    """What is wrong with an undeclared entry, and both ways on."""
    host = entry["host"] or entry["name"]
    return (
        "Barman has this entry, made for the inventory host %s, and the inventory of this run does not declare it here. Nothing was taken away. "
        "Either put %s back into the inventory (its group, and barman_backup_server); an inventory source that can't be read, and AWX's job "
        "slicing, hide it in the same way. Or remove the server in the order of docs/architectures/removing.md"
        % (host, host)
    )


def undeclared_of(unlisted: Iterable[Mapping[str, Any]], hosts: Collection[str] | None) -> list[dict[str, str]]:
    """Of unlisted entries those that are undeclared, each with its hint; none if the declared hosts are not known (None)."""
    return [
        {"name": str(entry["name"]), "hint": hint(entry)}
        for entry in unlisted
        if hosts is not None and is_undeclared(entry, hosts)
    ]


def find_undeclared(barman: Barman, declared: Declared) -> list[dict[str, Any]]:
    """The undeclared entries of that host, as module server returns them. Raises HostError."""
    current = read_current(barman.config_file, None, barman.user, None)
    return [entry for entry in find_unlisted(current, declared.names) if is_undeclared(entry, declared.hosts)]


def with_undeclared(
    answer: Mapping[str, Any], undeclared: Collection[Mapping[str, Any]], ignored: Collection[str]
) -> dict[str, Any]:
    """The answer of module check with a failed check for each undeclared entry. ignored: the keys of checks."""
    servers = dict(answer["servers"])
    problems = list(answer["problems"])
    ok = bool(answer["ok"])
    for entry in undeclared:
        name = str(entry["name"])
        checks = ServerChecks(name).with_checks([Check(DECLARED, ok=False, hint=hint(entry), source=OURS)])
        added = {**checks.as_dict(ignored), "problems": reasons({name: checks}, ignored)}
        there = servers.get(name)
        if there is not None:
            added = {
                **there,
                "ok": there["ok"] and added["ok"],
                "checks": {**there["checks"], **added["checks"]},
                "problems": [*there["problems"], *added["problems"]],
            }
        servers[name] = added
        problems.extend(reasons({name: checks}, ignored))
        ok = ok and not checks.failures(ignored)
    return {**answer, "ok": ok, "problems": problems, "servers": servers}
