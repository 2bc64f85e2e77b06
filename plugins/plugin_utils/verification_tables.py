# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbook verify shows and returns, and which files it searches on other backup servers. This plugin util is private to the collection.

Pure: no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.common.text.formatters import bytes_to_human

from ansible_collections.pgdr.barman.plugins.plugin_utils.tables import Results

_LINE = "%-24s %-24s %8s %9s %10s %8s  %s"
_MOST = 10
#: What module verify_backups returned of each server, by backup server and Barman's name.
Verifications = Mapping[str, Mapping[str, Mapping[str, Any]]]
#: The paths of intact copies, by Barman's name of the server, the name of the file, and the backup server that has it.
Copies = Mapping[tuple[str, str], Mapping[str, str]]


def shown(
    states: Results, searched: Results, failed_hosts: Iterable[str], *, check_mode: bool
) -> tuple[list[str], dict[str, list[str]], dict[str, Any]]:
    """The lines of the table, the failures by backup server, and the result for the caller.

    states: what wait_for_jobs returned of each host. searched: what the search of copies returned.
    """
    copies = copies_of(searched)
    return (
        verification_table(verifications_of(states), copies),
        verification_failures(states, copies),
        verification_result(states, copies, failed_hosts, check_mode=check_mode),
    )


def verifications_of(states: Results) -> dict[str, dict[str, Mapping[str, Any]]]:
    """states: what wait_for_jobs returned of each host, with one job."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for host, state in states.items():
        found[host] = {}
        for job in state.get("jobs") or ():
            found[host].update(job.get("verifications") or {})
    return found


def lost_jobs(states: Results) -> dict[str, list[str]]:
    """Why jobs ended without any verification, by host."""
    return {
        host: [
            str(job.get("msg") or "the verification ended without an answer")
            for job in state.get("jobs") or ()
            if job.get("failed") and not job.get("verifications")
        ]
        for host, state in states.items()
    }


def file_name(damage: Mapping[str, Any]) -> str | None:
    """The name by which module verify_backups searches a file (copies_of); None if it has no name."""
    if not damage.get("name"):
        return None
    return str(damage["name"]) if damage.get("backup_id") is None else f"{damage['backup_id']}/{damage['name']}"


def searches(verified: Verifications) -> dict[str, list[dict[str, Any]]]:
    """What each backup server searches, for the others that have the same server: server and names, by host."""
    found: dict[str, list[dict[str, Any]]] = {}
    for host, servers in verified.items():
        for server in servers:
            names = {
                name
                for other, theirs in verified.items()
                if other != host
                for damage in theirs.get(server, {}).get("damages") or ()
                for name in [file_name(damage)]
                if name is not None
            }
            if names:
                found.setdefault(host, []).append({"server": server, "names": sorted(names)})
    return found


def copies_of(searched: Results) -> dict[tuple[str, str], dict[str, str]]:
    """searched: what the loop of module verify_backups with copies_of returned of each host."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for host, answer in searched.items():
        for result in answer.get("results") or ():
            server = (result.get("barman_search") or {}).get("server")
            for name, path in (result.get("copies") or {}).items():
                if path:
                    found.setdefault((str(server), name), {})[host] = path
    return found


def verification_table(verified: Verifications, copies: Copies) -> list[str]:
    lines = [_LINE % ("backup host", "server", "backups", "segments", "read", "seconds", "")]
    for host, servers in verified.items():
        for name, facts in servers.items():
            part = facts.get("read") or facts.get("planned") or {}
            lines.append(
                _LINE
                % (
                    host,
                    name,
                    len(part.get("backups") or ()),
                    part.get("segments", ""),
                    bytes_to_human(part["bytes"]) if "bytes" in part else "",
                    facts.get("seconds", ""),
                    _state(facts),
                )
            )
            lines += [_LINE % ("", "", "", "", "", "", text) for text in _details(host, name, facts, copies)]
    return lines


def _state(facts: Mapping[str, Any]) -> str:
    result = facts.get("result")
    if result == "planned":
        return "would be read"
    if result == "skipped":
        return f"skipped: {facts.get('reason')}"
    if result == "passed":
        return f"intact; everything was read since {facts.get('unread_since')}"
    count = facts.get("damaged_files")
    return f"DAMAGED: {count} files" if count else f"FAILED: {facts.get('reason')}"


def _details(host: str, server: str, facts: Mapping[str, Any], copies: Copies) -> list[str]:
    damages = facts.get("damages") or []
    texts = [_damage_text(host, server, damage, copies) for damage in damages[:_MOST]]
    texts += [f"and {facts['damaged_files'] - _MOST} more"] if len(texts) == _MOST < facts["damaged_files"] else []
    cut_off = (facts.get("consequences") or {}).get("text")
    texts += [f"cut off: {cut_off}"] if cut_off else []
    texts += [f"not verified: backup {name}: {reason}" for name, reason in (facts.get("not_verified") or {}).items()]
    texts += [f"not verified: WAL {name}: {reason}" for name, reason in (facts.get("not_verified_wal") or {}).items()]
    return texts


def _damage_text(host: str, server: str, damage: Mapping[str, Any], copies: Copies) -> str:
    places = [f"{host}:{path}" for path in damage.get("copies") or ()]
    elsewhere = copies.get((server, file_name(damage) or ""), {})
    places += [f"{other}:{path}" for other, path in elsewhere.items() if other != host]
    intact = f"; an intact copy is {places[0]}" if places else "; no intact copy was found"
    return f"{damage['problem']}{intact}"


def verification_failures(states: Results, copies: Copies) -> dict[str, list[str]]:
    """Why verifications failed, by backup server; empty lists if none did."""
    found = {host: list(texts) for host, texts in lost_jobs(states).items()}
    for host, servers in verifications_of(states).items():
        for name, facts in servers.items():
            if facts.get("result") != "failed":
                continue
            damages = facts.get("damages") or []
            texts = [_damage_text(host, name, damage, copies) for damage in damages[:_MOST]] or [
                str(facts.get("reason"))
            ]
            found.setdefault(host, []).append(f"server '{name}': {'; '.join(texts)}")
    return found


def verification_result(
    states: Results, copies: Copies, failed_hosts: Iterable[str], *, check_mode: bool
) -> dict[str, Any]:
    """What the playbook returns to its caller."""
    verified = verifications_of(states)
    failures = {host: texts for host, texts in verification_failures(states, copies).items() if texts}
    lost = sorted(failed_hosts)
    return {
        "ok": not lost and not failures,
        "check_mode": check_mode,
        "failed_hosts": lost,
        "failures": failures,
        "verifications": [
            {
                "backup_server": host,
                "server": name,
                "ok": facts.get("result") != "failed",
                "damaged_files": facts.get("damaged_files", 0),
                "bytes": (facts.get("read") or facts.get("planned") or {}).get("bytes", 0),
                "unread_since": facts.get("unread_since"),
            }
            for host, servers in verified.items()
            for name, facts in servers.items()
        ],
        "searches": searches(verified),
    }
