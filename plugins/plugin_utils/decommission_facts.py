# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hosts of a decommission handed on, as values. Actions read it from the facts that the playbook registers.

Private to the collection.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.decommission import (
    BarmanWork,
    HostWork,
    PostgresWork,
    SshWork,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.decommission_plan import (
    LAST_BACKUP_NAME,
    BarmanFinding,
    EntryFinding,
    Fleet,
    HostSteps,
    PostgresFinding,
    ReceiverFinding,
)

POSTGRES = "barman_found_postgres"
ENTRIES = "barman_found_entries"
RECEIVERS = "barman_found_receivers"
BACKUPS = "barman_found_backups"
RECORD = "barman_host_record"


def work_from(plain: Mapping[str, Any]) -> HostWork:
    """The work of a host, from the result of action decommission."""
    postgres, barman, ssh = plain["postgres"], plain["barman"], plain["ssh"]
    return HostWork(
        None if postgres is None else PostgresWork(**{name: _tuple(value) for name, value in postgres.items()}),
        None if barman is None else BarmanWork(**{name: _tuple(value) for name, value in barman.items()}),
        SshWork(**{name: _tuple(value) for name, value in ssh.items()}),
        bool(plain["whole"]),
    )


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def fleet(decommission: Mapping[str, Any], hostvars: Mapping[str, Any], hosts: Collection[str]) -> Fleet:
    """decommission: what action decommission returned. hosts: those of the play, with those that failed."""
    work = {host: work_from(plain) for host, plain in decommission["work"].items()}
    here = {host: hostvars[host] if host in hosts else {} for host in work}
    return Fleet(
        work,
        {host: _postgres(here[host].get(POSTGRES)) for host, one in work.items() if one.postgres is not None},
        {
            host: _barman(here[host].get(ENTRIES), here[host].get(RECEIVERS), here[host].get(BACKUPS))
            for host, one in work.items()
            if one.barman is not None
        },
        decommission["served"],
        tuple(decommission["unknown"]),
    )


def manual(decommission: Mapping[str, Any], found: Fleet) -> list[str]:
    """The manual steps of hosts that Ansible does not manage, or that can't be changed now."""
    texts = decommission["manual"]
    silent = [host for host, finding in found.postgres.items() if finding.reason]
    return [text for host in dict.fromkeys((*silent, *decommission["unmanaged"])) for text in texts.get(host, ())]


def _reason(result: Mapping[str, Any] | None) -> str:
    """Why a host did not answer; empty if it did."""
    if result is None or result.get("skipped"):
        return "it was not asked in this run"
    if result.get("unreachable"):
        return f"Ansible does not reach it ({result.get('msg', '')})"
    return str(result.get("msg") or "") if result.get("failed") else ""


def _postgres(result: Mapping[str, Any] | None) -> PostgresFinding:
    reason = _reason(result)
    if reason or result is None:
        return PostgresFinding(reason)
    return PostgresFinding(
        synchronous_standby_names=result["synchronous_standby_names"],
        archive_command=result["archive_command"],
        archive_mode=result["archive_mode"],
        changes=tuple(result["changes"]),
        left=tuple(result["left"]),
        restart=tuple(result["restart"]),
    )


def _barman(
    result: Mapping[str, Any] | None, receivers: Mapping[str, Any] | None, backups: Mapping[str, Any] | None
) -> BarmanFinding:
    reason = _reason(result)
    if reason or result is None:
        return BarmanFinding(reason)
    return BarmanFinding(
        entries={
            str(entry["name"]): EntryFinding(
                str(entry["host"] or ""),
                bool(entry["active"]),
                bool(entry["passive"]),
                bool(entry["streaming"]),
                str(entry["slot_name"] or ""),
                bool(entry["archiving"]),
                tuple(entry["users"]),
                str(entry["receiver_name"] or "barman_receive_wal"),
            )
            for entry in result["unlisted"]
        },
        receivers={
            name: ReceiverFinding(
                str(one.get("error") or ""),
                str(one["error_kind"] or "other") if one.get("error") else "",
                bool(one.get("changed") or one.get("receiver_pid")),
                str(one.get("commits_wait") or ""),
            )
            for name, one in ((receivers or {}).get("servers") or {}).items()
        },
        last_backups={
            name: str(backup["backup_id"])
            for name, one in ((backups or {}).get("servers") or {}).items()
            for backup in one["backups"]
            if backup["name"] == LAST_BACKUP_NAME
        },
    )


def packages(records: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """The packages that deployments installed, by host. records: what module host_record returned."""
    return {
        host: list(found["record"]["packages"])
        for host, found in records.items()
        if found.get("record", {}).get("packages")
    }


def left(
    released: Mapping[str, Mapping[str, Any]], records: Mapping[str, Mapping[str, Any]], known: Collection[str]
) -> list[str]:
    """What stays at the end of a run. known: what the plan has shown already."""
    found = [f"{host}: {text}" for host, one in released.items() for text in one.get("left") or ()]
    found += [
        f"{host}: {', '.join(one['restart'])} takes effect at a restart of PostgreSQL only. Restart it when it suits you, and run this again"
        for host, one in released.items()
        if one.get("restart")
    ]
    found += [
        f"{host}: {', '.join(one['left'])} stays, because it has lines of other owners, or a key that no deployment created"
        for host, one in records.items()
        if one.get("left")
    ]
    return [text for text in dict.fromkeys(found) if text not in known]


def entries(steps: HostSteps) -> dict[str, list[dict[str, Any]]]:
    """The entries of a host's steps as module server takes them."""
    return {
        "deactivated": [{"name": name, "merge": True, "options": {"active": False}} for name in steps.deactivate],
        "removed": [{"name": name, "state": "absent"} for name in steps.entries],
    }


def wrong_names(confirmed: str, names: str) -> list[str]:
    """The error if other names were confirmed than those of the run; none if nothing was confirmed."""
    given = {name.strip() for name in confirmed.split(",") if name.strip()}
    if not given or given == set(names.split(",")):
        return []
    return [
        f"barman_decommission_confirmed: '{confirmed}' is not what this run decommissions, which is {names}. Set it to {names}"
    ]
