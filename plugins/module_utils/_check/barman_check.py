# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks that Barman makes.

This module util is private to the collection. It reads the text of "barman check" and not its JSON. The JSON has
mangled names. If a check appears twice, the JSON has the last answer only, and it does
not mark inactive servers. The exit code is not enough, either: it is 0 for an inactive server whatever failed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from .._barman.command import Barman, exception
from .._barman.configuration import Configuration, ServerConfiguration
from .._barman.masking import mask_message
from .._host.process import CommandTimeout, Completed
from .check import Check, ServerChecks, by_key, key_of

_SERVER = re.compile(r"^Server (?P<name>\S+?)(?P<inactive> \(inactive\))?(?P<disabled> \(WARNING: disabled\))?:$")
_CHECK = re.compile(r"^\t(?P<name>.+?): (?P<status>OK|FAILED)(?: \((?P<hint>.*))?$")
_CLEARER = {
    "postgresql_server_is_standby": (
        "the server in conninfo is not in recovery: it was promoted, or never was a standby. If it is the primary "
        "now, remove barman_primary from its inventory, and deploy; otherwise build it again as a standby"
    ),
    "primary_server_is_not_a_standby": (
        "the server in primary_conninfo is in recovery: barman_primary must name the server that is the primary now"
    ),
    "primary_and_standby_have_same_system_id": (
        "the servers in conninfo and primary_conninfo are two different database clusters: one of them is not the "
        "server of barman_primary, or was created again"
    ),
}
_MOST_JOBS = 4


def parse_checks(text: str) -> dict[str, ServerChecks]:
    """Read what "barman check" prints. A check that comes twice is OK only where both are."""
    servers: dict[str, tuple[bool, list[Check]]] = {}
    current: list[Check] | None = None
    for line in text.splitlines():
        server = _SERVER.match(line)
        if server:
            current = []
            servers[server.group("name")] = (not server.group("inactive"), current)
            continue
        if current is None:
            continue
        found = _CHECK.match(line)
        if found:
            ok = found.group("status") == "OK"
            clearer = None if ok else _CLEARER.get(key_of(found.group("name")))
            current.append(Check(found.group("name"), ok, clearer or found.group("hint") or ""))
        elif current and line.strip():
            # A hint can have several lines: a program's error message.
            current[-1] = replace(current[-1], hint=current[-1].hint + " " + line.strip())
    return {
        name: ServerChecks(
            name,
            by_key(replace(check, hint=mask_message(_closed(check.hint))) for check in checks),
            active,
        )
        for name, (active, checks) in servers.items()
    }


def run_checks(
    barman: Barman, names: Sequence[str], configuration: Configuration, jobs: int
) -> dict[str, ServerChecks]:
    """Run "barman check" for these servers, in so many processes; every server gets an answer."""
    jobs = max(1, min(jobs or _MOST_JOBS, len(names)))
    chunks = [list(names[start::jobs]) for start in range(jobs)]
    # The servers of one process are checked one after the other, each up to check_timeout.
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        answers = pool.map(lambda chunk: _check_chunk(barman, chunk, configuration), chunks)
        return {name: checks for answer in answers for name, checks in answer.items()}


def _check_chunk(barman: Barman, names: Sequence[str], configuration: Configuration) -> dict[str, ServerChecks]:
    limit = 60.0 + sum(_check_timeout(configuration.servers[name]) for name in names)
    try:
        completed = barman.text("check", *names, timeout=limit)
    except CommandTimeout as exc:
        return {name: ServerChecks(name, by_key([Check("barman check", ok=False, hint=str(exc))])) for name in names}
    answers = parse_checks(completed.stdout)
    broke_off = completed.rc < 0 or exception(completed) is not None
    if broke_off and answers:
        # In the middle of this one, and it is not known which of its checks were still to come.
        last = list(answers)[-1]
        answers[last] = answers[last].with_checks([_no_answer(completed)])
    for name in names:
        if name not in answers:
            answers[name] = ServerChecks(name, by_key([_no_answer(completed)]))
    explained = broke_off or any(checks.active and checks.failures() for checks in answers.values())
    if not completed.ok and not explained:
        # Barman complains of something that is no check.
        answers = {name: checks.with_checks([_no_answer(completed)]) for name, checks in answers.items()}
    return answers


def _no_answer(completed: Completed) -> Check:
    words = exception(completed)
    message = mask_message(completed.stderr.strip().rpartition("\n")[2] if words is None else words)
    return Check("barman check", ok=False, hint=message or f"exit code {completed.rc}")


def _check_timeout(server: ServerConfiguration) -> float:
    try:
        return float(server.get("check_timeout") or 30)
    except ValueError:
        return 30.0


def _closed(hint: str) -> str:
    return hint[:-1] if hint.endswith(")") else hint
