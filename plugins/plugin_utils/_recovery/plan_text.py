# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a recovery as the lines that a person reads before the confirmation.

Private to the collection. Pure: no input or output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible.module_utils.common.text.formatters import bytes_to_human

_WIDTH = 17
CONFIGURATION_FILES = (
    "pg_hba.conf and postgresql.conf outside of the data directory, as on Debian, are not in the backup. "
    "Copy your lines to this host"
)
_TIME_SUFFIX = re.compile(r"[0-9]{8}T[0-9]{6}Z\Z")


def plan_lines(
    recovery: Mapping[str, Any],
    proof: Mapping[str, Any],
    host: Mapping[str, Any],
    *,
    cluster: Mapping[str, Any] | None = None,
    recorded: Sequence[str] = (),
) -> list[str]:
    """The lines, each with a heading of 17 characters.

    recovery: the value of value.recovery(). proof: what module recover returned in check mode. host: what module recovery_host
    returned. cluster: what module cluster_info found of the server that would be replaced; None for a directory of the backup server.
    recorded: sentences about earlier recoveries.
    """
    plan = proof["recovery"]
    return [
        line
        for part in (
            _places(recovery, plan, cluster),
            (plan_line("Recorded", text) for text in recorded if cluster is not None),
            _directories(recovery, proof, cluster),
            _source(recovery, plan),
            _missing_commits(plan),
            _verified(recovery, plan),
            _host(recovery, host),
        )
        for line in part
    ]


def plan_line(heading: str, text: str) -> str:
    """A line of the plan, or of the report."""
    return f"{heading + ':':<{_WIDTH}}{text}"


def _places(recovery: Mapping[str, Any], plan: Mapping[str, Any], cluster: Mapping[str, Any] | None) -> Iterator[str]:
    target = recovery["target"]
    yield plan_line("Server", f"{recovery['server']}, PostgreSQL {plan['postgres_version']}")
    if cluster is None:
        yield plan_line("Recover to", f"{recovery['directory']} on {target}; it is not started there")
        return
    fate = "it is on disks made from snapshots" if plan["snapshots"] else "what is there is moved aside"
    yield plan_line("Recover to", f"{cluster['data_directory']} on {target}; {fate}")
    address = recovery["ssh"]["to_address"]
    yield plan_line("Host", f"{target}, address {address}, port {recovery['port']}, {cluster['service']}")
    yield plan_line("System", plan["system_identifier"])
    if cluster["empty"] or cluster["system_identifier"] != plan["system_identifier"]:
        yield plan_line("Configuration", f"of this host: {CONFIGURATION_FILES}")
    if cluster["empty"]:
        yield plan_line("Replaced", "nothing, the data directory is empty")
        return
    state = f"running (process {cluster['pid']})" if cluster["running"] else "not running"
    system, timeline = cluster["system_identifier"] or "unknown", cluster["timeline"] or "unknown"
    yield plan_line("Replaced", f"system {system}, timeline {timeline}, {state}")


def _directories(
    recovery: Mapping[str, Any], proof: Mapping[str, Any], cluster: Mapping[str, Any] | None
) -> Iterator[str]:
    plan, requested = proof["recovery"], recovery["recover"]
    destinations = (recovery["directory"], "" if cluster is None else cluster["data_directory"])
    # In check mode the proof may be for a directory of the backup server's own.
    places = (
        plan["tablespaces"]
        if plan["destination"] in destinations
        else {**plan["tablespace_origins"], **requested.get("tablespaces", {})}
    )
    for name, directory in places.items():
        yield plan_line("Tablespace", f"{name}, in {directory}")
    wal_directory = requested.get("wal_directory") or plan["wal_directory"]
    if wal_directory:
        yield plan_line("pg_wal", f"a link to {wal_directory}")
    for moved in proof["moved_aside"]:
        yield plan_line("Moved aside", f"{moved['from']}, to {_TIME_SUFFIX.sub('<time>', moved['to'])}")
    for directory in (proof.get("destination") or {}).get("missing") or ():
        yield plan_line("Created by root", directory)


def _source(recovery: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[str]:
    target, reached = plan["target"], plan["reached"]
    yield plan_line("From", f"backup {plan['backup_id']} of {plan['backup_end_time']}, on {recovery['source']}")
    value = f" {target['value']}" if target["value"] else ""
    yield plan_line("Target", f"{target['kind']}{value}, timeline {plan['timeline']}")
    yield plan_line("Last commit", f"{reached.get('time') or 'unknown'}, at {reached['lsn']}")
    if recovery["standby"]:
        yield plan_line("Taken from", f"its standby {recovery['standby']}, which must be rebuilt afterwards")
    if plan["passive"]:
        text = f"{recovery['source']} is a passive node; what the backup server of this server has in addition is lost"
        yield plan_line("Passive copy", text)


def _missing_commits(plan: Mapping[str, Any]) -> Iterator[str]:
    left_behind = plan.get("left_behind") or ()
    for text in left_behind:
        yield plan_line("Missing commits", text)
    last = plan["last_recoverable"]
    if plan["target"]["kind"] == "end" or last["lsn"] == plan["reached"]["lsn"]:
        of_timeline = f" of timeline {plan['timeline']}" if left_behind else ""
        yield plan_line("Missing commits", f"none of those in the archived WAL{of_timeline}")
        return
    until = last.get("time") or "an unknown time"
    yield plan_line("Missing commits", f"those after that one, up to {until}, at {last['lsn']}")
    yield " " * _WIDTH + "(the last commit in the archived WAL)"


def _verified(recovery: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[str]:
    yield plan_line("To be copied", bytes_to_human(plan["bytes"]))
    parts = plan.get("verified") or {}
    for part, heading in (("backup", "Backup verified"), ("wal", "WAL verified")):
        if part not in parts:
            continue
        result = parts[part]
        done = f"{bytes_to_human(result['bytes'])} in {result['seconds']} s" if _is_verified(result) else ""
        yield plan_line(heading, done or f"no, {result['reason']}")
    if recovery["in_place"] and not all(map(_is_verified, parts.values())):
        yield plan_line(
            "Keep a backup",
            "what is not verified is in the next backup, too, and retention removes backups by their age.",
        )
        yield " " * _WIDTH + "Before you confirm, keep the last backup that you trust:"
        yield " " * _WIDTH + f"barman keep --target full {recovery['name']} BACKUP_ID"


def _is_verified(result: Mapping[str, Any]) -> bool:
    return bool(result["status"] == "verified")


def _host(recovery: Mapping[str, Any], host: Mapping[str, Any]) -> Iterator[str]:
    later = "" if recovery["directory"] else ", after PostgreSQL was stopped"
    for text in host["not_compared"]:
        yield plan_line("Not compared", f"{text}. The proof finds what this host lacks{later}")
    if recovery["in_place"]:
        return
    allowed = recovery["arguments"].get("barman_recover_start_jobs")
    fate = (
        "barman_recover_start_jobs allows it" if allowed else "settings prevent it (isolation_settings in the report)"
    )
    for text in host["starts"]:
        yield plan_line("Would start", f"{text}; {fate}")
