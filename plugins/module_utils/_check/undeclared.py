# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Undeclared entries as failed checks.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .._barman.command import Barman
from .._server.handover import find_unlisted
from .._server.observe import read_current
from .._server.undeclared import hint, is_undeclared
from .check import OURS, Check, ServerChecks, reasons

DECLARED = "declared in the inventory"


@dataclass(frozen=True)
class Declared:
    """What the inventory of this run declares. names: the servers of this backup server. hosts: every inventory host that any backup server backs up."""

    names: Collection[str]
    hosts: Collection[str] = ()


def find_undeclared(barman: Barman, declared: Declared) -> list[dict[str, Any]]:
    """The undeclared entries of that host, as module server returns them. Raises HostError."""
    current = read_current(barman.config_file, None, barman.user, None)
    return [entry for entry in find_unlisted(current, declared.names) if is_undeclared(entry, declared.hosts)]


def undeclared_checks(undeclared: Collection[Mapping[str, Any]]) -> dict[str, Check]:
    """A failed check for each undeclared entry, by Barman's name."""
    return {str(entry["name"]): Check(DECLARED, ok=False, hint=hint(entry), source=OURS) for entry in undeclared}


def with_checks(answer: Mapping[str, Any], found: Mapping[str, Check], ignored: Collection[str]) -> dict[str, Any]:
    """The answer of module check with these failed checks, one for each of their servers. ignored: the keys of checks."""
    servers = dict(answer["servers"])
    problems = list(answer["problems"])
    ok = bool(answer["ok"])
    for name, check in found.items():
        checks = ServerChecks(name).with_checks([check])
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
