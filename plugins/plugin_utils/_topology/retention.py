# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ages, sizes and windows against the times at which backups are taken and WAL is closed.

Each option alone is valid here. These rules find a check that must fail, and a policy that has another effect than its text
suggests.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...module_utils._barman import options as barman_options
from . import schedule
from .model import PostgresServer

# PostgreSQL removes a WAL summary after ten days (wal_summary_keep_time), and an increment needs all since its parent.
SUMMARIES_KEPT_MINUTES = 10 * 1440


class Findings(NamedTuple):
    """Problems by Barman's option, and warnings."""

    problems: list[barman_options.Problem]
    warnings: list[str]


def retention_problems(server: PostgresServer, options: Mapping[str, Any]) -> Findings:
    """What is wrong with the server's options, the global ones beneath."""
    findings = Findings([], [])
    _backup_age(server, options, findings)
    _window(server, options, findings)
    _backup_size(server, options, findings)
    _wal_age(server, options, findings)
    return findings


def summaries_needed(server: PostgresServer) -> int | None:
    """The minutes for which PostgreSQL has to keep its WAL summaries; None if its default is enough."""
    if server.incremental != "block":
        return None
    between = _gap(server.backup_schedule)
    if between is None or between + 1440 <= SUMMARIES_KEPT_MINUTES:
        return None
    # The last increment before the next full backup, and a day in which that may be late.
    return between + 1440


def words(minutes: int) -> str:
    """A span of time in words: 36 hours, 7 days."""
    for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes % size == 0 and (minutes >= 2 * size or size == 1 or minutes == size):
            number = minutes // size
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{minutes} minutes"


def _gap(*texts: str | None) -> int | None:
    given = tuple(schedule.parse_cron(text) for text in texts if text)
    return schedule.longest_gap(given) if given else None


def _minutes(options: Mapping[str, Any], name: str) -> int | None:
    return barman_options.parse_interval(str(options.get(name) or ""))


def _backup_age(server: PostgresServer, options: Mapping[str, Any], findings: Findings) -> None:
    name = "last_backup_maximum_age"
    age = _minutes(options, name)
    between = _gap(server.backup_schedule, server.incremental_schedule if server.incremental == "block" else None)
    if age is None or between is None:
        return
    if age < between:
        findings.problems.append(
            barman_options.Problem(
                name,
                f"is {words(age)}, and by the schedule there are up to {words(between)} from one backup to the next: the check "
                "fails in between",
                f"write {between // 60 + 2} HOURS or more, or a schedule with more backups",
            )
        )
    elif age == between:
        findings.warnings.append(
            f"{server.host}: {name} is {words(age)}, as long as from one backup to the next: while the next one is being taken, "
            f"the check fails. {between // 60 + 2} HOURS would leave it time."
        )


def _window(server: PostgresServer, options: Mapping[str, Any], findings: Findings) -> None:
    policy = barman_options.parse_retention(str(options.get("retention_policy") or ""))
    between = _gap(server.backup_schedule)
    if policy is None or not policy.days or between is None or policy.days * 1440 >= between:
        return
    findings.warnings.append(
        f"{server.host}: the window of {words(policy.days * 1440)} is shorter than the {words(between)} from one full backup to the "
        "next. Barman keeps the last backup before the window, and all WAL since, so there is WAL of up to "
        f"{words(policy.days * 1440 + between)}."
    )


def _backup_size(server: PostgresServer, options: Mapping[str, Any], findings: Findings) -> None:
    if server.incremental == "block" and options.get("last_backup_minimum_size") and server.incremental_schedule:
        findings.warnings.append(
            f"{server.host}: last_backup_minimum_size is compared with the latest backup, increments included, and an increment is "
            "small: the check fails after each that is smaller."
        )


def _wal_age(server: PostgresServer, options: Mapping[str, Any], findings: Findings) -> None:
    name = "last_wal_maximum_age"
    age = _minutes(options, name)
    if age is None:
        return
    timeout = server.archive_timeout if server.archives else None
    if timeout and timeout > age * 60:
        findings.problems.append(
            barman_options.Problem(
                name,
                f"is {words(age)}, and a segment may be open for {timeout} seconds (barman_archive_timeout) before it is archived",
                f"write {(timeout + 3599) // 3600 + 1} HOURS or more, or a shorter barman_archive_timeout",
            )
        )
    elif not timeout:
        findings.warnings.append(
            f"{server.host}: {name} is {words(age)}, and a server that writes little fills no segment for so long. The check fails "
            "then. archive_timeout on PostgreSQL closes one that is not full, if anything was written."
        )
