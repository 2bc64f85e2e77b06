# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passive entries of existing Barmans as barman_passive_servers and barman_passive_of.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .connections import ssh_connection_of
from .facts import Adoption, BarmanFacts
from .servers import is_passive

_ADDRESSES = ("ansible_host", "barman_address")
#: What a passive entry has of its source, or for its connection.
_OF_SOURCE = frozenset(
    (
        "description",
        "primary_ssh_command",
        "path_prefix",
        "retention_policy",
        "minimum_redundancy",
        "compression",
        "compression_level",
        "encryption",
        "encryption_key_id",
        "backup_options",
    )
)


def add_passive_nodes(
    barmans: Mapping[str, BarmanFacts],
    known: Mapping[str, Mapping[str, Any]],
    active: Mapping[tuple[str, str], str],
    adoption: Adoption,
) -> None:
    """Add the passive copies to the variables of servers and backup servers.

    active: the inventory host of each entry that a backup server backs up itself, by backup server and Barman's name.
    """
    sources = _sources(barmans, known, active, adoption)
    hosts = _origins(sources, active)
    for target, name in sorted(set(sources) - set(hosts)):
        adoption.remark(
            target,
            name,
            f"is a passive copy from {sources.pop((target, name))}, whose entry the inventory does not declare",
            "leave its entry as it is",
        )
        adoption.left_out.setdefault(target, []).append(name)
    whole = _whole_sources(sources, active)
    for target, source in whole.items():
        adoption.backup[target]["barman_passive_of"] = source
    for (target, name), source in sorted(sources.items()):
        if source == whole.get(target):
            continue
        if (source, name) not in active:
            adoption.remark(
                target,
                name,
                f"is a passive copy of a copy on {source}, which barman_passive_of can't express for this server alone",
                "leave its entry as it is, or replicate everything of that backup server",
            )
            adoption.left_out.setdefault(target, []).append(name)
            continue
        adoption.pg[hosts[target, name]].setdefault("barman_passive_servers", []).append(target)


def _sources(
    barmans: Mapping[str, BarmanFacts],
    known: Mapping[str, Mapping[str, Any]],
    active: Mapping[tuple[str, str], str],
    adoption: Adoption,
) -> dict[tuple[str, str], str]:
    """The source of each passive entry whose source is a backup server of the inventory that has the server, too."""
    found: dict[tuple[str, str], str] = {}
    for target, facts in sorted(barmans.items()):
        for name, entry in sorted(facts["servers"].items()):
            if not is_passive(entry):
                continue
            command = entry["effective_options"]["primary_ssh_command"]
            source = _host_of(command, target, barmans, known)
            own = sorted(set(entry["options"]) - _OF_SOURCE)
            if source is None or name not in barmans[source]["servers"]:
                where = (
                    f"{source} has no such entry"
                    if source
                    else f"no backup server of the inventory is the one of '{command}'"
                )
                adoption.remark(
                    target,
                    name,
                    f"is a passive copy, and {where}",
                    "add its source to the group of the backup servers, and repeat this",
                )
                adoption.left_out.setdefault(target, []).append(name)
                continue
            if own:
                adoption.remark(
                    target,
                    name,
                    f"is a passive copy with options of its own ({', '.join(own)}), which the inventory can't express",
                    "barman_global_options of this backup server can have those that hold for all its servers",
                )
            found[target, name] = source
    return found


def _host_of(
    command: str, target: str, barmans: Mapping[str, BarmanFacts], known: Mapping[str, Mapping[str, Any]]
) -> str | None:
    ssh = ssh_connection_of(command)
    hosts = [
        host
        for host in sorted(barmans)
        if host != target
        and ssh is not None
        and ssh.host in (host, *(known.get(host, {}).get(name) for name in _ADDRESSES))
    ]
    return hosts[0] if hosts else None


def _origins(
    sources: Mapping[tuple[str, str], str], active: Mapping[tuple[str, str], str]
) -> dict[tuple[str, str], str]:
    """The inventory host of each passive entry."""
    found: dict[tuple[str, str], str] = {}
    for target, name in sources:
        host, steps = target, 0
        while (host, name) not in active and (host, name) in sources and steps <= len(sources):
            host, steps = sources[host, name], steps + 1
        if (host, name) in active:
            found[target, name] = active[host, name]
    return found


def _whole_sources(sources: Mapping[tuple[str, str], str], active: Mapping[tuple[str, str], str]) -> dict[str, str]:
    """By backup server, the one that it replicates as a whole. No circle: the inventory has none.

    Copies of copies need it, so they come first. If all of several servers are replicated, it is the shorter way to write that.
    """
    found: dict[str, str] = {}
    candidates = sorted({(target, source) for (target, _name), source in sources.items()})
    for needed in (True, False):
        for target, source in candidates:
            copied = {name for (host, name), one in sources.items() if (host, one) == (target, source)}
            held = {name for host, name in (*active, *sources) if host == source}
            own = {name for host, name in active if host == target}
            chained = any((source, name) in sources for name in copied)
            complete = copied == held - own and (chained if needed else len(copied) > 1)
            if complete and target not in found and not _leads_to(target, source, found):
                found[target] = source
    return found


def _leads_to(target: str, source: str, found: Mapping[str, str]) -> bool:
    """Whether that source replicates the target as a whole, over whatever others."""
    host: str | None = source
    while host is not None and host != target:
        host = found.get(host)
    return host == target
