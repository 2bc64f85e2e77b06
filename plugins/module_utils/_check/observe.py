# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All checks of servers at one moment, and why they failed.

This module util is private to the collection.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from .._barman import catalog
from .._barman.command import Barman
from .._barman.configuration import Configuration, ServerConfiguration
from .._host.process import HostError
from .._postgres.connection import Connect
from .._postgres.synchronous import problem_of
from .barman_check import run_checks
from .check import OURS, Check, ServerChecks, by_key, failed
from .healing import Circumstances, can_heal
from .last_received import lag_of
from .own_checks import CheckedServer, read_own_checks

SYNCHRONOUS = "synchronous WAL receiver"
CONNECTIONS = {
    "postgresql": ("conninfo", False),
    "postgresql_streaming": ("streaming_conninfo", True),
    "postgresql_streaming_(wal_streaming)": ("wal_streaming_conninfo", True),
}
UNFINISHED = ("check_timeout", "barman_check")
RECEIVER = "receive_wal_running"
_FAILED_BACKUPS = "failed_backups"


def observe(
    barman: Barman,
    configuration: Configuration,
    names: Sequence[str],
    jobs: int,
    *,
    ask_barman: bool = True,
    connect: Connect | None = None,
) -> dict[str, ServerChecks]:
    """Check these servers once. If ask_barman is false, only files are read, because "barman check" makes changes.

    connect: how to ask a server for its timeline, if its archive has one that may not be its own.
    """
    answers = run_checks(barman, names, configuration, jobs) if ask_barman and names else {}
    for name in names:
        server = configuration.server(name)
        own = read_own_checks(CheckedServer(barman, server, connect))
        theirs = with_failed_backup_ids(answers.get(name, ServerChecks(name)), server)
        answers[name] = with_healing(
            replace(own, checks=by_key([*theirs.checks.values(), *own.checks.values()])), server
        )
    return answers


def with_failed_backup_ids(checks: ServerChecks, server: ServerConfiguration) -> ServerChecks:
    """Barman only counts the failed backups: their ids, and how to be rid of them."""
    check = checks.checks.get(_FAILED_BACKUPS)
    if check is None or check.ok:
        return checks
    try:
        failed = [one.backup_id for one in catalog.read_backups(server) if one.status == catalog.FAILED]
    except HostError:
        return checks
    commands = ", ".join(f"barman delete {server.name} {backup_id}" for backup_id in failed)
    hint = f"{check.hint}; barman show-backup reports the reason of each, and to delete them: {commands}"
    return replace(checks, checks={**checks.checks, _FAILED_BACKUPS: replace(check, hint=hint)}) if failed else checks


def with_healing(server: ServerChecks, configuration: ServerConfiguration) -> ServerChecks:
    """The checks, those that can't succeed by waiting marked as such."""
    circumstances = Circumstances(
        connected=not any(failed(server, key) for key in (*CONNECTIONS, *UNFINISHED)),
        backup_arrives=configuration.passive or server.backup_runs,
    )
    return replace(
        server,
        checks={
            key: replace(check, healable=check.ok or (check.healable and can_heal(key, circumstances)))
            for key, check in server.checks.items()
        },
    )


def explain(
    servers: Mapping[str, ServerChecks], configuration: Configuration, user: str, connect: Connect, most: int = 10
) -> dict[str, ServerChecks]:
    """Barman reports little or nothing about a failed connection: connect once more, for so many servers, to have the reason."""
    answers = dict(servers)
    tried = 0
    for name, server in servers.items():
        for key, (option, replication) in CONNECTIONS.items():
            check = server.checks.get(key)
            # A server that does not answer keeps Barman from coming to its checks.
            unknown = key == "postgresql" and check is None and any(failed(server, cause) for cause in UNFINISHED)
            if tried >= most or not (unknown or failed(server, key)):
                continue
            tried += 1
            hint = _why(getattr(configuration.server(name), option), user, connect, replication=replication)
            if check is not None:
                hint = hint or check.hint or "the connection failed for Barman, and a connection after that succeeded"
                server = replace(server, checks={**server.checks, key: replace(check, hint=hint)})
            elif hint:
                server = server.with_checks([Check("PostgreSQL", ok=False, hint=hint, source=OURS)])
        answers[name] = server
    return answers


def _why(conninfo: str, user: str, connect: Connect, *, replication: bool) -> str:
    """Why no connection comes about; empty where one does."""
    try:
        connect(conninfo, user, None, replication=replication).close()
    except HostError as exc:
        return str(exc)
    return ""


def with_lag(
    servers: Mapping[str, ServerChecks], configuration: Configuration, barman: Barman, connect: Connect | None
) -> dict[str, ServerChecks]:
    """The checks; the first failed one of a connection or of the receiver also has how far the backups are behind."""
    answers = dict(servers)
    for name, server in servers.items():
        key = next((key for key in (*CONNECTIONS, RECEIVER) if failed(server, key)), None)
        if key is None:
            continue
        asked = None if failed(server, "postgresql") else connect
        lag = lag_of(barman, configuration.server(name), asked, time.time())
        if lag:
            check = server.checks[key]
            hint = f"{check.hint.rstrip('.') or 'FAILED'}; {lag}"
            answers[name] = replace(server, checks={**server.checks, key: replace(check, hint=hint)})
    return answers


def with_synchronous(
    servers: Mapping[str, ServerChecks],
    synchronous: Sequence[str],
    configuration: Configuration,
    user: str,
    connect: Connect | None,
) -> dict[str, ServerChecks]:
    """Barman does not know that commits are to wait for its receiver: ask PostgreSQL, for these servers."""
    answers = dict(servers)
    for name in synchronous:
        if name not in answers:
            continue
        if connect is None:
            hint = "psycopg 3 is not installed on this host, so PostgreSQL can't be queried"
        elif failed(answers[name], "postgresql"):
            hint = "PostgreSQL can't be queried"
        else:
            hint = _not_synchronous(configuration.server(name), user, connect)
        answers[name] = answers[name].with_checks([Check(SYNCHRONOUS, not hint, hint, OURS)])
    return answers


def _not_synchronous(server: ServerConfiguration, user: str, connect: Connect) -> str:
    try:
        session = connect(server.wal_conninfo, user, server.name)
        try:
            return problem_of(session, server.receiver_name)
        finally:
            session.close()
    except HostError as exc:
        return str(exc)
