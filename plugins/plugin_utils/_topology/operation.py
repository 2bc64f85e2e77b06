# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a backup server does for its own servers in a run, and what came of it.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from . import handover
from .model import as_plain
from .observed_entries import Entries

Result = Mapping[str, Any]


@dataclass(frozen=True)
class OperationState:
    """What an operation works on, and its results so far; by Barman's names of the servers.

    links: the passive copies to bring up to date, those of the first link of a chain first; all hosts have as many links. rename_slots: as module server
    takes entries. manual: synchronous receivers whose PostgreSQL server Ansible does not manage. failed: with the reason. empty: passive copies of servers
    without a backup yet, whose checks can't succeed. healthy: only in the final state.
    """

    servers: tuple[str, ...]
    streaming: tuple[str, ...]
    links: tuple[tuple[str, ...], ...]
    synchronous: tuple[str, ...]
    manual: tuple[str, ...]
    rename_slots: tuple[Mapping[str, Any], ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    empty: tuple[str, ...] = ()
    healthy: tuple[str, ...] = ()

    @property
    def checkable(self) -> tuple[str, ...]:
        """The servers whose checks can succeed. A failed one is not waited for again."""
        return tuple(name for name in self.servers if name not in self.failed and name not in self.empty)


def begin(
    topology: Mapping[str, Any],
    requirements: Mapping[str, Any],
    host: str,
    entries: Entries,
    *,
    selected: Sequence[str] = (),
) -> OperationState:
    """The state before anything is done. selected: Barman's names of the servers to operate; all of them if it is empty."""
    held = {entry["name"] for entry in handover.held(topology, entries)}
    servers = [
        entry
        for entry in requirements[host]["barman"]["servers"]
        if entry["name"] not in held and (not selected or entry["name"] in selected)
    ]
    synchronous = [entry["name"] for entry in servers if entry["synchronous"]]
    return OperationState(
        servers=tuple(entry["name"] for entry in servers),
        streaming=tuple(entry["name"] for entry in servers if entry["streaming"] and not entry["passive"]),
        links=tuple(
            tuple(entry["name"] for entry in servers if entry["passive"] and entry["hops"] == link)
            for link in range(1, _longest_chain(requirements) + 1)
        ),
        synchronous=tuple(synchronous),
        manual=tuple(_unmanaged(requirements, host, synchronous)),
        rename_slots=tuple(handover.slots_in_use(topology, entries, host)),
    )


def after(state: OperationState, results: Iterable[Result], *, previous: Result) -> OperationState:
    """The state after modules returned these results. previous: the result of the action at an earlier step, which as_result() made."""
    results = list(results)
    copied = [name for one in results for name in empty(one)]
    return replace(
        state,
        failed={**previous.get("unhealthy", {}), **failures(results)},
        empty=tuple(dict.fromkeys([*previous.get("empty", []), *copied])),
    )


def final(state: OperationState, checked: Result) -> OperationState:
    """The state after everything, with what the last checks found."""
    failed = {**state.failed, **unhealthy(checked)}
    return replace(state, failed=failed, healthy=tuple(one for one in state.servers if one not in failed))


def as_result(state: OperationState, checked: Result) -> dict[str, Any]:
    """The state and what the checks found, as action operation returns them."""
    confirmed = checks(checked, "synchronous_wal_receiver", ok=True)
    found = as_plain(state)
    # "failed" is Ansible's own key of a result.
    unhealthy_servers = found.pop("failed")
    return {
        **found,
        "unhealthy": unhealthy_servers,
        "checkable": list(state.checkable),
        "confirmed": confirmed,
        "unconfirmed": [one for one in state.manual if one not in state.failed and one not in confirmed],
        "with_backup": checks(checked, "backup_present", ok=True),
        "incoming": checks(checked, "empty_incoming_directory", ok=False),
    }


def failures(results: Iterable[Result]) -> dict[str, str]:
    """The servers that failed in results of modules wal_receiver and sync, each with its error."""
    return {
        name: str(server["error"])
        for result in results
        for name, server in (result.get("servers") or {}).items()
        if server.get("error")
    }


def empty(result: Result) -> list[str]:
    """The passive copies of which module sync reports that their source has no backup yet."""
    return [name for name, server in (result.get("servers") or {}).items() if server.get("empty")]


def unhealthy(checked: Result) -> dict[str, str]:
    """The servers that module check finds unhealthy, each with its problems. In check mode Barman is not asked."""
    if not checked.get("barman_checked"):
        return {}
    return {
        name: "; ".join(server["problems"])
        for name, server in (checked.get("servers") or {}).items()
        if not server["ok"]
    }


def checks(checked: Result, key: str, *, ok: bool) -> list[str]:
    """The servers whose check of that key has that result."""
    return [
        name
        for name, server in (checked.get("servers") or {}).items()
        if key in server["checks"] and server["checks"][key]["ok"] == ok
    ]


def _longest_chain(requirements: Mapping[str, Any]) -> int:
    return max(
        (
            entry["hops"]
            for required in requirements.values()
            for entry in (required.get("barman") or {}).get("servers", ())
        ),
        default=0,
    )


def _unmanaged(requirements: Mapping[str, Any], host: str, synchronous: Sequence[str]) -> list[str]:
    """The synchronous receivers that no PostgreSQL server has that Ansible manages."""
    if not synchronous:
        return []
    managed = {
        receiver["server"]
        for required in requirements.values()
        if (required.get("postgres") or {}).get("manage")
        for receiver in required["postgres"]["synchronous"]
        if receiver["backup_server"] == host
    }
    return [name for name in synchronous if name not in managed]


@dataclass(frozen=True)
class ReceiverChoice:
    """Receivers that commits wait for. unknown: this run did not find them healthy; unconfirmed: no check of this run showed that commits wait for them."""

    unknown: tuple[Mapping[str, Any], ...]
    unconfirmed: tuple[Mapping[str, Any], ...]


def choose_receivers(
    receivers: Iterable[Mapping[str, Any]], healthy: Mapping[str, Iterable[str]], confirmed: Mapping[str, Iterable[str]]
) -> ReceiverChoice:
    """healthy and confirmed: Barman's names by backup server, from the results of its checks in this run."""
    expected = list(receivers)
    return ReceiverChoice(
        tuple(one for one in expected if one["server"] not in healthy.get(one["backup_server"], ())),
        tuple(one for one in expected if one["server"] not in confirmed.get(one["backup_server"], ())),
    )
