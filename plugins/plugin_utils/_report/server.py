# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report about an entry of Barman, from what the modules returned on its backup server.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...module_utils._monitoring.faults import COVERED
from . import words
from .commands import command_for, title_of
from .report import STATES, Cell, DrillRow, HostResults, ReportFinding, ReportProblem, ReportServer, State, worst

_MOST_DRILLS = 5
_LIMITS: Mapping[str, str] = {
    "none": "the backup server has everything",
    "receiver_lag": "the WAL receiver is behind",
    "receiver_stopped": "the WAL receiver does not stream",
    "slot_missing": "the replication slot is missing",
    "slot_lost": "the replication slot is lost",
    "unarchived_segment": "the current segment is not archived yet",
    "archive_command_failing": "archive_command fails",
    "wal_missing": "WAL is missing after the newest backup",
    "no_backup": "there is no valid backup",
    "postgresql_unreachable": "PostgreSQL does not answer: the age of the last WAL",
    "postgresql_not_asked": "PostgreSQL was not asked: the age of the last WAL",
    "inactive": "Barman ignores the server: the age of the last WAL",
    "replication": "the age of the newest WAL of the copy",
}
_NOT_CHECKED = "This run checked other servers only."
#: What limits the RPO while everything works.
_REGULAR = ("none", "receiver_lag", "unarchived_segment", "replication")
_STATES: Mapping[str, State] = {"critical": "failing", "warning": "warning"}


@dataclass(frozen=True)
class Entry:
    """An entry that the inventory declares on a backup server, or that only Barman has (host is empty then)."""

    name: str
    host: str
    backup_server: str
    source: str
    anchor: str


def server_report(
    entry: Entry, results: HostResults, findings: Sequence[ReportFinding], now: datetime, *, checking: bool
) -> ReportServer:
    """The report about one entry. If its host was not read, it has no values of the past. checking: whether the run checks servers."""
    own = (results.servers or {}).get("servers", {}).get(entry.name)
    identity = (entry.anchor, entry.name, entry.host, entry.backup_server, entry.source)
    if results.unread or own is None:
        reason = results.unread or f"{entry.backup_server} has no entry of the server. Deploy it."
        problem = ReportProblem("unread", "not read", reason, "The values of this server are unknown.")
        return ReportServer(*identity, "unread", (problem,), findings=tuple(findings))
    drills = (results.drills or {}).get("servers", {}).get(entry.name) or {}
    problems = [*_faults(own, entry.name), *_failed_checks(own, results, entry.name)]
    if not entry.host:
        message = f"The inventory does not declare this entry on {entry.backup_server}."
        problems.append(ReportProblem("warning", "not declared", message, "Declare the server, or decommission it."))
    if checking and entry.name not in (results.checks or {}).get("servers", {}):
        problems.append(unchecked(results.unchecked or _NOT_CHECKED, entry.name))
    rpo, window = rpo_cell(own), window_cell(own, now)
    problems += _worse_cells(
        {"RPO": rpo, "recovery window": window}, worst([one.state for one in problems]), entry.name
    )
    rows = tuple(_drill_rows(drills, now))
    return ReportServer(
        *identity,
        worst([problem.state for problem in problems]),
        tuple(problems),
        rpo,
        window,
        backup_cell(own, now),
        restore_cell(own, now),
        forecast_cell(drills),
        tuple(_details(own, now)),
        rows,
        tuple(findings),
    )


def unchecked(reason: str, server: str = "") -> ReportProblem:
    """Barman's checks were not run: of a server, or of all servers of a host."""
    command = command_for("BarmanCheckFailed", server) if server else ""
    return ReportProblem("warning", "checks not run", reason, "Remove the reason, and check again.", command)


def _worse_cells(cells: Mapping[str, Cell], known: State, server: str) -> Iterator[ReportProblem]:
    """A value that is worse than every known problem is one itself. cells: by the name of the value."""
    for name, cell in cells.items():
        if STATES.index(cell.state) < STATES.index(known):
            message = f"The {name} is {cell.text}{': ' if cell.note else ''}{cell.note}."
            command = command_for("BarmanCheckFailed", server)
            yield ReportProblem(cell.state, f"{name} {cell.text}", message, "Check the server.", command)


def _faults(own: Mapping[str, Any], server: str) -> Iterator[ReportProblem]:
    for fault in own.get("faults") or ():
        name = str(fault["name"])
        yield ReportProblem(
            _STATES.get(str(fault["severity"]), "failing"),
            title_of(name),
            str(fault["message"]),
            str(fault["remedy"]),
            command_for(name, server),
        )


def _failed_checks(own: Mapping[str, Any], results: HostResults, server: str) -> Iterator[ReportProblem]:
    """The failed checks of the collection without those that faults show already, and Barman's own."""
    checked = (results.checks or {}).get("servers", {}).get(server) or {}
    shown = {str(fault["name"]) for fault in own.get("faults") or ()}
    for key, check in (checked.get("checks") or {}).items():
        if check["ok"] or (key in COVERED and shown):
            continue
        ignored = " This run ignores the check." if check["ignored"] else ""
        yield ReportProblem(
            "warning" if check["ignored"] else "failing",
            f"check {check['name']}",
            f"The check '{check['name']}' fails: {check['hint'] or 'no details'}.{ignored}",
            "Read the reason, remove it, and check again.",
            command_for("BarmanCheckFailed", server),
        )


def rpo_cell(own: Mapping[str, Any]) -> Cell:
    """What is lost at most if the PostgreSQL host is destroyed now."""
    rpo = own.get("rpo") or {}
    limit = str(rpo.get("limit"))
    note = _LIMITS.get(limit, limit)
    if rpo.get("unlimited"):
        return Cell("everything", note, state="failing")
    if rpo.get("seconds") is None:
        return Cell("unknown", note, state="unread")
    size = f", {words.bytes_text(rpo['bytes'])} of WAL" if rpo.get("bytes") else ""
    return Cell(f"{words.duration(rpo['seconds'])}{size}", note, state="healthy" if limit in _REGULAR else "warning")


def window_cell(own: Mapping[str, Any], now: datetime) -> Cell:
    """The newest recovery window."""
    window = own.get("recovery_window")
    if window is None:
        reason = own.get("recovery_windows_unknown")
        return Cell("unknown", str(reason), state="unread") if reason else Cell("none", state="failing")
    begin, end = words.moment(window["begin_time"], now), words.moment(window["end_time"], now)
    missing = f"WAL is missing from {window['missing']} on" if window["missing"] else ""
    if begin is None or end is None:
        return Cell("unknown", "its times can't be read", state="unread")
    count = len(own.get("recovery_windows") or ())
    others = f"{count - 1} older windows" if count > 1 else ""
    return Cell(
        f"from {begin.text} to",
        "; ".join(one for one in (missing, others) if one),
        end,
        "warning" if missing else "healthy",
    )


def backup_cell(own: Mapping[str, Any], now: datetime) -> Cell:
    """The newest valid backup."""
    backup = own.get("last_backup")
    if backup is None:
        return Cell("none", state="failing")
    size = f", {words.bytes_text(backup['size'])}" if backup.get("size") else ""
    return Cell("", f"{backup['id']}, {backup['type']}{size}", words.moment(backup["end_time"], now))


def restore_cell(own: Mapping[str, Any], now: datetime) -> Cell:
    """The newest restore drill that passed."""
    proven = own.get("last_proven_restore")
    if proven is None:
        return Cell("never", state="warning")
    reached = words.moment((proven.get("rpo") or {}).get("commit_time"), now)
    until = f", up to {reached.text}" if reached else ""
    return Cell("", f"of backup {proven.get('backup_id') or 'unknown'}{until}", words.moment(proven["time"], now))


def forecast_cell(drills: Mapping[str, Any]) -> Cell:
    """The forecast of the recovery time."""
    forecast = drills.get("forecast")
    if not forecast:
        return Cell("unknown", str(drills.get("forecast_reason") or "no drill has passed"), state="warning")
    error = forecast.get("error_seconds")
    note = f"from {forecast['drills']} drills" if forecast["drills"] != 1 else "from 1 drill"
    if error is not None:
        note += f", the largest error was {words.duration(error)}"
    return Cell(words.duration(forecast["seconds"]), note)


def _details(own: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, Cell]]:
    configuration = own.get("configuration") or {}
    wal = own.get("wal") or {}
    answer = own.get("postgresql") or {}
    backups = own.get("backups") or ()
    if configuration.get("barman_backup_method"):
        ways = " and ".join(configuration.get("barman_wal") or ())
        yield "Method", Cell(f"{configuration['barman_backup_method']}, WAL by {ways}")
    if configuration.get("barman_retention_policy"):
        yield "Retention", Cell(str(configuration["barman_retention_policy"]))
    yield "Backups", Cell(str(len(backups)))
    if wal.get("last_archived"):
        yield "Last archived WAL", Cell(str(wal["last_archived"]), moment=words.moment(wal["last_archived_time"], now))
    if answer.get("version"):
        yield "PostgreSQL", Cell(f"version {int(answer['version']) // 10000}.{int(answer['version']) % 10000}")
    verified = own.get("last_verification")
    if verified:
        yield "Stored files read", Cell(str(verified.get("result")), moment=words.moment(verified.get("time"), now))


def _drill_rows(drills: Mapping[str, Any], now: datetime) -> Iterator[DrillRow]:
    for record in (drills.get("drills") or ())[:_MOST_DRILLS]:
        seconds = record.get("rto_seconds")
        reason = (
            "" if record["result"] == "passed" else f"{record.get('failed_phase') or ''}: {record.get('reason') or ''}"
        )
        yield DrillRow(
            Cell("", moment=words.moment(record["time"], now)),
            str(record["result"]),
            str(record.get("backup_id") or ""),
            "" if seconds is None else words.duration(float(seconds)),
            reason.strip(": "),
        )
