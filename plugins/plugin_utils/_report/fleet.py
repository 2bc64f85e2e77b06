# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report about a fleet, from the topology, what the modules returned on each backup server, and findings.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .._picture.picture import Mark, MarkKind
from . import words
from .commands import command_for, title_of
from .report import Cell, FleetReport, HostResults, ReportFinding, ReportHost, ReportProblem, ReportServer, State, worst
from .server import Entry, server_report, unchecked

_MARKS: Mapping[State, MarkKind] = {"failing": "failing", "unread": "unread", "warning": "warning"}
_SEVERITIES = ("critical", "warning", "notice")
_MARKS_OF_FINDINGS: Mapping[str, MarkKind] = {"critical": "failing"}
#: Findings whose subject is a zone.
_OF_A_ZONE = ("single_zone",)
_FINDING_KEYS = ("code", "subject", "severity", "evidence", "reason", "cost", "remedy")
NOT_IN_RUN = "The host is not in this run (--limit, or its group is empty)."


def fleet_report(
    topology: Mapping[str, Any],
    requirements: Mapping[str, Any],
    results: Mapping[str, HostResults],
    findings: Sequence[Mapping[str, Any]],
    now: datetime,
    title: str,
) -> FleetReport:
    """topology, requirements: as module topology returns them. results: by backup server; one without results was not read.

    findings: as dictionaries of the advice. now: in UTC.
    """
    found = [_finding(one, topology) for one in findings]
    opened = [one for one in found if not one.accepted]
    # A drill and a deployment check no server, so that none lacks a check.
    checking = any(one.checks is not None or one.unchecked for one in results.values())
    servers: list[ReportServer] = []
    hosts: list[ReportHost] = []
    for host in topology["backup_servers"]:
        result = results.get(host) or HostResults(unread=NOT_IN_RUN)
        entries = list(_entries(host, requirements, result))
        servers += [
            server_report(
                entry,
                result,
                [one for one in opened if entry.host and one.subject.partition(" ")[0] == entry.host],
                now,
                checking=checking,
            )
            for entry in entries
        ]
        hosts.append(_host(host, result, len(entries), now))
    ordered = sorted(servers, key=lambda one: (_rank(one.state), one.name, one.backup_server))
    return FleetReport(
        title,
        words.Moment(now.isoformat(timespec="seconds"), now.strftime("%Y-%m-%d %H:%M:%S UTC"), ""),
        tuple(hosts),
        tuple(ordered),
        tuple(sorted(opened, key=_importance)),
        tuple(sorted((one for one in found if one.accepted), key=_importance)),
        checked=any(one.checks is not None for one in results.values()),
    )


def marks_of(report: FleetReport) -> dict[str, list[Mark]]:
    """What the picture shows beside hosts, by inventory name: problems of a passive copy are those of its backup server."""
    found: dict[str, list[Mark]] = {}
    for host in report.hosts:
        found.setdefault(host.name, []).extend(Mark(_MARKS[one.state], one.title) for one in host.problems)
    unread = {host.name for host in report.unread}
    for server in report.servers:
        name = server.backup_server if server.source or not server.host else server.host
        prefix = f"{server.name}: " if name == server.backup_server else ""
        # A host that was not read has that mark already.
        problems = () if prefix and server.backup_server in unread else server.problems
        found.setdefault(name, []).extend(Mark(_MARKS[one.state], f"{prefix}{one.title}") for one in problems)
    for finding in report.findings:
        if finding.severity != "notice":
            mark = Mark(_MARKS_OF_FINDINGS.get(finding.severity, "warning"), finding.code.replace("_", " "))
            for name in finding.hosts:
                found.setdefault(name, []).append(mark)
    return {name: list(dict.fromkeys(marks)) for name, marks in found.items() if marks}


def _rank(state: State) -> int:
    return ("failing", "unread", "warning", "healthy").index(state)


def _importance(finding: ReportFinding) -> tuple[int, str, str]:
    severity = _SEVERITIES.index(finding.severity) if finding.severity in _SEVERITIES else 0
    return severity, finding.code, finding.subject


def _entries(host: str, requirements: Mapping[str, Any], result: HostResults) -> Iterator[Entry]:
    declared = {str(one["name"]): one for one in requirements[host]["barman"]["servers"]}
    extra = [str(name) for name in (result.servers or {}).get("servers", {}) if name not in declared]
    for name in (*declared, *extra):
        one = declared.get(name) or {"host": "", "source": None}
        anchor = "server-" + re.sub(r"[^A-Za-z0-9_-]", "-", f"{host}-{name}")
        yield Entry(name, str(one["host"]), host, str(one["source"] or ""), anchor)


def _host(host: str, result: HostResults, servers: int, now: datetime) -> ReportHost:
    if result.unread:
        problem = ReportProblem("unread", "not read", result.unread, "The state of its servers is unknown.")
        return ReportHost(host, "unread", Cell("not read", state="unread"), (problem,), servers, result.unread)
    facts = result.servers or {}
    problems = [unchecked(result.unchecked)] if result.unchecked else []
    problems += [
        ReportProblem(
            "failing",
            title_of(str(fault["name"])),
            f"{fault['subject']}: {fault['message']}",
            str(fault["remedy"]),
            command_for(str(fault["name"]), str(fault["subject"])),
        )
        for fault in facts.get("disk_faults") or ()
    ]
    read = words.moment(facts.get("time"), now)
    state = worst([one.state for one in problems])
    return ReportHost(host, state, Cell("", moment=read), tuple(problems), servers, result.unchecked)


def _finding(found: Mapping[str, Any], topology: Mapping[str, Any]) -> ReportFinding:
    accepted = found.get("accepted") or {}
    until = f" (until {accepted['until']})" if accepted.get("until") else ""
    texts = {key: str(found.get(key) or "") for key in _FINDING_KEYS}
    reason = f"{accepted.get('reason') or 'accepted'}{until}" if accepted else ""
    subject = texts["subject"]
    # After a host, a subject may have the cause.
    hosts = _alone_in(subject, topology) if texts["code"] in _OF_A_ZONE else [subject.partition(" ")[0]]
    return ReportFinding(**texts, accepted=reason, hosts=tuple(hosts))


def _alone_in(zone: str, topology: Mapping[str, Any]) -> list[str]:
    """The backup servers of a zone that back up servers of the same zone without a passive copy elsewhere."""
    backups, servers = topology["backup_servers"], topology["postgres_servers"]
    elsewhere = {one["server"] for one in topology["passive_copies"] if backups[one["target"]]["zone"] != zone}
    own = {one["backup_server"] for host, one in servers.items() if one["zone"] == zone and host not in elsewhere}
    return [host for host, one in backups.items() if one["zone"] == zone and host in own]


def utc_now() -> datetime:
    return datetime.now(UTC)
