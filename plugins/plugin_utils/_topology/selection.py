# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which servers a playbook works on, of those that the backup servers of its run have.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from ...module_utils._barman.options import nearest

Entries = Literal["any", "backed_up", "passive"]
_CALLED: Mapping[str, str] = {"any": "server", "backed_up": "server to back up", "passive": "passive server"}


class SelectionError(ValueError):
    """The selection is empty or names what is not there; one text a problem."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def select(
    declared: Mapping[str, Sequence[Mapping[str, Any]]],
    hosts_in_run: Iterable[str],
    names: Sequence[str] | None,
    entries: Entries,
) -> dict[str, list[str]]:
    """Barman's names of the selected servers, by backup server of the run. Raises SelectionError if that is none.

    declared: every backup server's entries as the topology has them (name, passive). names: the servers that were asked for; None for
    all. entries: those that the playbook can work on.
    """
    in_run = [host for host in declared if host in set(hosts_in_run)]
    if not in_run:
        raise SelectionError(
            "This run has no backup server (the inventory has %s), so there is nothing to do. If --limit was given, it has to name backup "
            "servers; choose PostgreSQL servers with barman_servers" % (", ".join(declared) or "none")
        )
    if names is not None and not names:
        raise SelectionError("barman_servers is an empty list. Name servers, or leave it out for all of them")
    found = {host: _usable(declared[host], entries) for host in in_run}
    if names is not None:
        problems = [_unknown(name, declared, in_run, entries) for name in names if not _is_in(name, found)]
        if problems:
            raise SelectionError(*problems)
        found = {host: [name for name in usable if name in names] for host, usable in found.items()}
    if not any(found.values()):
        raise SelectionError(_nothing(declared, in_run, entries))
    return found


def _usable(items: Sequence[Mapping[str, Any]], entries: Entries) -> list[str]:
    return [item["name"] for item in items if entries == "any" or bool(item["passive"]) == (entries == "passive")]


def _is_in(name: str, found: Mapping[str, Iterable[str]]) -> bool:
    return any(name in names for names in found.values())


def _having(name: str, declared: Mapping[str, Sequence[Mapping[str, Any]]], entries: Entries) -> list[str]:
    return [host for host, items in declared.items() if name in _usable(items, entries)]


def _unknown(
    name: str, declared: Mapping[str, Sequence[Mapping[str, Any]]], in_run: Sequence[str], entries: Entries
) -> str:
    elsewhere = _having(name, declared, entries)
    if elsewhere:
        return "barman_servers names %s, which %s has, and --limit leaves that host out. Add it to --limit" % (
            name,
            " or ".join(elsewhere),
        )
    if _having(name, declared, "any"):
        return "barman_servers names %s, which is no %s on %s. Leave it out" % (
            name,
            _CALLED[entries],
            ", ".join(_having(name, declared, "any")),
        )
    known = sorted({known for host in in_run for known in _usable(declared[host], entries)})
    like = nearest(name, known)
    return "barman_servers names %s, which no backup server has%s There are: %s" % (
        name,
        "; did you mean %s?" % like if like else ".",
        ", ".join(known) or "none",
    )


def _nothing(declared: Mapping[str, Sequence[Mapping[str, Any]]], in_run: Sequence[str], entries: Entries) -> str:
    others = [host for host, items in declared.items() if host not in in_run and _usable(items, entries)]
    return "There is no %s on %s, so there is nothing to do%s" % (
        _CALLED[entries],
        ", ".join(in_run),
        ". Add %s to --limit" % " or ".join(others) if others else "",
    )
