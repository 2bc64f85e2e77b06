# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbooks backup, check, drill, repair and sync show of many servers. This plugin util is private to the collection.

Pure: no input or output. Each function takes what the tasks returned, by backup server, and returns the lines of a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeGuard

from ansible.module_utils.common.text.formatters import bytes_to_human

Jobs = Mapping[str, Sequence[Sequence[Any]]]
Results = Mapping[str, Mapping[str, Any]]

_BACKUP = "%-24s %-24s %-16s %10s %8s %12s  %s"
_CHECK = "%-24s %-24s %-6s %s"
_DRILL = "%-24s %-24s %-16s %10s %8s %8s  %s"
_REPAIR = "%-24s %-24s %-18s %s"
_SYNC = "%-16s %-16s %-16s %8s %9s %10s %8s  %-34s %s"


def backup_table(done: Jobs, *, check_mode: bool) -> list[str]:
    """done: pairs of Barman's name and what module backup returned."""
    lines = [_BACKUP % ("backup host", "server", "backup", "size", "seconds", "a second", "")]
    for host, jobs in done.items():
        for name, job in jobs:
            backup = job.get("backup") or {}
            duration = backup.get("duration")
            lines.append(
                _BACKUP
                % (
                    host,
                    name,
                    backup.get("id") or "none",
                    _size(backup.get("size")),
                    round(duration, 1) if _is_number(duration) else "",
                    _size(backup.get("throughput")),
                    _backup_state(job, check_mode=check_mode),
                )
            )
    return lines


def backup_failures(done: Jobs, *, check_mode: bool) -> dict[str, list[str]]:
    """Why backups failed, by backup server; empty lists if none did."""
    return {
        host: [
            f"{name}: {job.get('msg') or 'the backup ended without an answer'}"
            for name, job in jobs
            if not check_mode and is_failed_backup(job)
        ]
        for host, jobs in done.items()
    }


def is_failed_backup(job: Mapping[str, Any]) -> bool:
    return bool(job.get("failed")) or (job.get("backup") or {}).get("status") != "DONE"


def _backup_state(job: Mapping[str, Any], *, check_mode: bool) -> str:
    changed = bool(job.get("changed"))
    if check_mode and changed:
        return "would be taken"
    if not check_mode and is_failed_backup(job):
        return "FAILED"
    return "taken" if changed else "recent enough"


def check_table(checked: Results) -> list[str]:
    """checked: what module check returned."""
    lines = [_CHECK % ("backup host", "server", "state", "checks")]
    for host, result in checked.items():
        for name, server in (result.get("servers") or {}).items():
            checks = server["checks"]
            lines.append(_CHECK % (host, name, "green" if server["ok"] else "RED", len(checks)))
            for check in checks.values():
                if not check["ok"]:
                    ignored = "(ignored) " if check["ignored"] else ""
                    lines.append(_CHECK % ("", "", "", ignored) + f"{check['name']}: {check['hint']}")
    return lines


def check_failures(checked: Results) -> dict[str, list[str]]:
    """The problems of servers that the checks found, or why they did not run, by backup server; empty lists if there are none."""
    return {
        host: [one["msg"]] if one.get("failed") else list(one.get("problems") or ()) for host, one in checked.items()
    }


def drill_table(done: Jobs) -> list[str]:
    """done: pairs of Barman's name and what module drill returned."""
    lines = [_DRILL % ("backup host", "server", "backup", "size", "RTO", "seconds", "")]
    for host, jobs in done.items():
        for name, job in jobs:
            drill = drill_of(name, job)
            lines.append(
                _DRILL
                % (
                    host,
                    name,
                    drill.get("backup_id") or "none",
                    _size(drill.get("bytes")),
                    _number(drill.get("rto_seconds")),
                    _number(drill.get("seconds")),
                    _drill_state(drill),
                )
            )
        lines += [
            _DRILL % (host, one["server"], "", "", "", "", f"LEFT by a killed drill: {one['host']}:{one['directory']}")
            for one in left_of_drills(jobs)
        ]
    return lines


def left_of_drills(jobs: Iterable[Sequence[Any]]) -> list[Mapping[str, Any]]:
    """What killed drills left on other drill hosts, as the last job of a backup server returned it: a later one can have removed something."""
    found = [job["left"] for _name, job in jobs if "left" in job]
    return list(found[-1]) if found else []


def drill_of(name: str, job: Mapping[str, Any]) -> Mapping[str, Any]:
    """The drill of that server in what module drill returned; empty if it returned none."""
    found: Mapping[str, Any] = (job.get("drills") or {}).get(name) or {}
    return found


def drill_failures(done: Jobs) -> dict[str, list[str]]:
    """Why drills failed, by backup server; empty lists if none did."""
    return {
        host: [
            str(job.get("msg") or (job.get("problems") or [f"{name}: the drill ended without an answer"])[0])
            for name, job in jobs
            if is_failed_drill(name, job)
        ]
        for host, jobs in done.items()
    }


def is_failed_drill(name: str, job: Mapping[str, Any]) -> bool:
    return bool(job.get("failed")) or drill_of(name, job).get("result") not in ("passed", "planned")


def _drill_state(drill: Mapping[str, Any]) -> str:
    result = drill.get("result")
    if result == "planned":
        if drill.get("drill_host"):
            return f"would be drilled on {drill['drill_host']} in {drill.get('directory')}"
        return f"would be drilled: {_size(drill.get('free_bytes'))} of {drill.get('directory')} free"
    if result == "passed":
        rpo = drill.get("rpo") or {}
        return f"proven up to {rpo.get('commit_time') or 'its target'}"
    return f"FAILED: {drill.get('failed_phase') or 'no answer'}"


def _number(value: Any) -> str:
    return f"{value:.1f}" if _is_number(value) else ""


def repaired(planned: Results, states: Results) -> dict[str, dict[str, Any]]:
    """What module repair returned of each server, by backup server and Barman's name, as after the repair.

    planned: what it returned in check mode. states: what the wait for its jobs returned; nothing on a host without a job.
    """
    found: dict[str, dict[str, Any]] = {}
    for host, plan in planned.items():
        servers = found[host] = dict(plan.get("servers") or {})
        for job in (states.get(host) or {}).get("jobs") or ():
            answers = job.get("servers") or {}
            lost = {name for name, server in servers.items() if server["changed"]} - set(answers)
            error = str(job.get("msg") or "the repair ended without an answer")
            servers.update(answers)
            servers.update({name: {**servers[name], "error": error} for name in lost})
    return found


def repair_table(servers: Mapping[str, Results], *, check_mode: bool) -> list[str]:
    """servers: what module repair returned of each server, by backup server and Barman's name. check_mode: nothing was done yet."""
    lines = [_REPAIR % ("backup host", "server", "state", "")]
    for host, results in servers.items():
        for name, result in results.items():
            details = "; then ".join(result.get("steps") or ())
            lines.append(_REPAIR % (host, name, _repair_state(result, check_mode=check_mode), details))
            texts = [reason["message"] for reason in result.get("reasons") or ()]
            texts += [
                f"can be recovered: {_window(window)}" for window in result.get("windows") or () if result["changed"]
            ]
            backup = result.get("backup")
            texts += [f"the new backup {backup['id']} begins the next window"] if backup else []
            texts += [result["error"]] if result.get("error") else []
            lines += [_REPAIR % ("", "", "", text) for text in texts]
    return lines


def repair_failures(servers: Mapping[str, Results]) -> dict[str, list[str]]:
    """Why servers are not repaired, by backup server; empty lists if all are."""
    return {
        host: [str(result["error"]) for result in results.values() if result.get("error")]
        for host, results in servers.items()
    }


def _repair_state(result: Mapping[str, Any], *, check_mode: bool) -> str:
    if result.get("error"):
        return "FAILED"
    if not result["changed"]:
        return "nothing is lost"
    return "to be repaired" if check_mode else "repaired"


def _window(window: Mapping[str, Any]) -> str:
    end = window["end"]
    last = f"the last commit {end['time']}" if end["time"] else f"WAL position {end['lsn']}"
    ended = f". Then WAL is missing: {window['missing']}" if window["missing"] else ""
    return f"{window['begin']['time']} (backup {window['backups'][0]}) to {last}{ended}"


def sync_table(
    copies: Results,
    information: Results,
    *,
    topology: Mapping[str, Any],
    requirements: Mapping[str, Any],
    check_mode: bool,
) -> list[str]:
    """copies: what module sync returned, by Barman's name. information: what module backup_info returned.

    topology, requirements: as module topology returns them.
    """
    lines = [
        _SYNC % ("backup host", "server", "source", "backups", "segments", "WAL", "seconds", "recoverable up to", "")
    ]
    for host, servers in copies.items():
        entries = {entry["name"]: entry for entry in requirements[host]["barman"]["servers"]}
        for name, copy in servers.items():
            origin = topology["postgres_servers"][entries[name]["host"]]["backup_server"]
            lines.append(
                _SYNC
                % (
                    host,
                    name,
                    entries[name]["source"],
                    *_lag(copy.get("before") or {}),
                    (copy.get("recoverable") or {}).get("time") or "nothing",
                    _copy_state(copy, _partial_segment(information.get(origin) or {}, name), check_mode=check_mode),
                )
            )
    return lines


def sync_failures(copies: Results) -> dict[str, list[str]]:
    """Why copies failed, by backup server; empty lists if none did."""
    return {host: [copy["error"] for copy in servers.values() if copy["error"]] for host, servers in copies.items()}


def _lag(before: Mapping[str, Any]) -> Iterable[Any]:
    """Backups, segments, bytes and seconds that the copy was behind."""
    if not before:
        return ("?", "?", "?", "?")
    seconds = before["seconds"]
    return (
        len(before.get("backups") or ()),
        before.get("segments", "?"),
        bytes_to_human(before["bytes"]),
        "all" if seconds is None else seconds,
    )


def _partial_segment(information: Mapping[str, Any], name: str) -> str:
    """The WAL segment that the backup server of the server is receiving, which is no part of any copy."""
    wal = ((information.get("servers") or {}).get(name) or {}).get("wal") or {}
    return str((wal.get("partial") or {}).get("name") or "")


def _copy_state(copy: Mapping[str, Any], partial: str, *, check_mode: bool) -> str:
    if copy["error"]:
        return f"FAILED: {copy['error']}"
    if copy["empty"]:
        return "there is no backup of it yet"
    if copy["changed"]:
        return "would be copied" if check_mode else "copied"
    return f"not in the copy: {partial}, which is still incomplete" if partial else ""


def _size(value: Any) -> str:
    return bytes_to_human(value) if _is_number(value) else ""


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
