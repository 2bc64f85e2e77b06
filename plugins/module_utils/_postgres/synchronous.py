# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Synchronous receivers: have commits wait for them, and see that they do.

This module util is private to the collection. configure() runs where PostgreSQL is, as its superuser; look() and the
judgements are for who receives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .._host.process import HostError
from .._host.result import Result
from .._host.waiting import Probe, WaitTimeout, wait_for
from . import standby_names
from .connection import Session
from .wal import format_lsn, parse_lsn

_SETTING = "synchronous_standby_names"
_COMMIT = "synchronous_commit"


@dataclass(frozen=True)
class SynchronousSender:
    """Whom WAL is sent to. sync_state: PostgreSQL's word, async, potential, sync or quorum."""

    application: str
    state: str
    sync_state: str
    flushed: int | None


@dataclass(frozen=True)
class Synchrony:
    """What a server waits for. commit: its synchronous_commit. flushed: how far it has its WAL on disk; None in recovery."""

    names: str
    commit: str
    flushed: int | None
    senders: tuple[SynchronousSender, ...]


def look(session: Session) -> Synchrony:
    row = session.query(
        "SELECT current_setting('synchronous_standby_names') AS names, current_setting('synchronous_commit') AS "
        "commit, "
        "CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_current_wal_flush_lsn() END::text AS flushed"
    )[0]
    rows = session.query(
        "SELECT application_name, state, sync_state, flush_lsn::text AS flushed FROM pg_catalog.pg_stat_replication"
    )
    return Synchrony(
        str(row["names"] or ""),
        str(row["commit"]),
        None if row["flushed"] is None else parse_lsn(row["flushed"]),
        tuple(
            SynchronousSender(
                str(item["application_name"]),
                str(item["state"]),
                str(item["sync_state"]),
                None if item["flushed"] is None else parse_lsn(item["flushed"]),
            )
            for item in rows
        ),
    )


def not_asked(observed: Synchrony, application: str) -> str:
    """Why this server's commits do not wait for the receiver, by its settings; empty where they do."""
    if observed.flushed is None:
        return "the server is in recovery, and takes no commits"
    return commit_problem(observed.commit) or standby_names.never_without(observed.names, application)


def commit_problem(commit: str) -> str:
    if commit in ("off", "local"):
        return f"synchronous_commit is {commit}, so commits wait for no standby. Set it to on"
    if commit == "remote_apply":
        return (
            "synchronous_commit is remote_apply, and a WAL receiver applies nothing, so commits wait without end. Set "
            "it to on"
        )
    return ""


def not_given(observed: Synchrony, application: str, up_to: int) -> str:
    """Why the receiver does not confirm what commits wait for, up to a position; empty where it does."""
    own = [item for item in observed.senders if item.application == application]
    if not own:
        return f"no receiver named {application} is connected"
    counted = [
        item.application.lower() for item in observed.senders if item.sync_state in ("sync", "quorum", "potential")
    ]
    twice = sorted({name for name in counted if counted.count(name) > 1})
    if twice:
        # Two by one name can be enough for PostgreSQL without the one that is meant.
        return f"more than one standby is connected as {' and as '.join(twice)}. Set a unique name for each"
    if own[0].sync_state not in ("sync", "quorum"):
        return f"its sync_state is {own[0].sync_state} and its state {own[0].state}"
    if own[0].flushed is None or own[0].flushed < up_to:
        confirmed = format_lsn(own[0].flushed) if own[0].flushed is not None else "nothing"
        return f"it has confirmed {confirmed}, and not {format_lsn(up_to)}"
    return ""


def wait_until_given(
    session: Session,
    application: str,
    timeout: float,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
    runs: Callable[[], bool] = lambda: True,
) -> Synchrony:
    """Wait until the receiver has confirmed all WAL that there is now. Raises WaitTimeout, with the last observation.

    runs: whether there is a receiver; without one this does not wait: commits hang meanwhile. sync_state alone is PostgreSQL's
    word for the name: a receiver that runs without --synchronous has it too, and confirms a segment only when that is full.
    """
    up_to = look(session).flushed or 0

    def probe() -> Probe:
        observed = look(session)
        problem = not_given(observed, application, up_to)
        if problem and not runs():
            raise WaitTimeout(f"no receiver runs; last observed: {problem}")
        return Probe(not problem, problem, observed)

    observed: Synchrony = wait_for(
        "the WAL receiver to be synchronous", probe, timeout, interval=0.2, clock=clock, pause=pause
    )
    return observed


def problem_of(session: Session, application: str, patience: float = 5.0) -> str:
    """Why commits are not protected by the receiver; empty if they are. Changes nothing."""
    problem = not_asked(look(session), application)
    if problem:
        return problem
    try:
        wait_until_given(session, application, patience)
    except WaitTimeout as exc:
        return str(exc)
    return ""


def configure(
    session: Session,
    desired: Sequence[str],
    unwanted: Sequence[str] | None,
    *,
    check_mode: bool,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Result:
    """Make commits wait for these receivers, or for none. The result is that of the module synchronous_standby. Raises HostError.

    A value that does not take effect is set back: commits would hang after a later reload or start.
    """
    running = session.query(
        "SELECT name, setting, source FROM pg_catalog.pg_settings WHERE name = ANY(%s)", [[_SETTING, _COMMIT]]
    )
    settings = {row["name"]: row for row in running}
    if desired and commit_problem(str(settings[_COMMIT]["setting"])):
        raise HostError(commit_problem(str(settings[_COMMIT]["setting"])))
    altered, beneath = _written(session)
    change = standby_names.change(altered, beneath, desired, unwanted)
    if change.changes and settings[_SETTING]["source"] == "command line":
        raise HostError(
            "PostgreSQL's command line sets synchronous_standby_names, which overrides all files. Remove it there"
        )
    value = beneath if change.value is None else change.value
    # Written earlier, and not taken over yet.
    differs = str(settings[_SETTING]["setting"]) != change.current
    waits = not change.changes and differs and bool(desired)
    if change.changes or differs:
        _refuse_if_nothing_is_reloaded(session)
    if change.changes and not check_mode:
        _write(session, change, altered, value, clock, pause)
    elif waits and not check_mode:
        _reload(session, change.current, clock, pause)
    names = value if change.changes else change.current
    return Result(
        changed=change.changes or waits,
        values={
            "synchronous_standby_names": names,
            "added": list(change.added),
            "removed": list(change.removed),
        },
        diff={"before": {_SETTING: change.current}, "after": {_SETTING: names}},
    )


def _written(session: Session) -> tuple[str | None, str]:
    """What ALTER SYSTEM wrote, if it did, and what holds without that."""
    altered: str | None = None
    beneath = ""
    for row in session.query(
        "SELECT setting, sourcefile LIKE '%/postgresql.auto.conf' AS altered FROM pg_catalog.pg_file_settings "
        "WHERE name = 'synchronous_standby_names' AND error IS NULL ORDER BY seqno"
    ):
        if row["altered"]:
            altered = str(row["setting"] or "")
        else:
            beneath = str(row["setting"] or "")
    return altered, beneath


def _refuse_if_nothing_is_reloaded(session: Session) -> None:
    """Raise HostError if an error in its files prevents PostgreSQL from reloading anything.

    If it can't read postgresql.conf to its end, it does not even report what ALTER SYSTEM wrote. A value that it can't apply, or
    not before a restart, does not prevent the others. Such an error has the name of a parameter, or, if the parameter was removed from
    the files, neither name nor place (guc.c, ProcessConfigFileInternal).
    """
    for row in session.query(
        "SELECT coalesce(sourcefile || ', line ' || sourceline, 'its files') AS place, error FROM "
        "pg_catalog.pg_file_settings "
        "WHERE error IS NOT NULL AND CASE "
        "WHEN name IS NOT NULL THEN lower(name) NOT IN (SELECT lower(name) FROM pg_catalog.pg_settings) "
        "WHEN sourcefile IS NOT NULL THEN true "
        "ELSE NOT EXISTS (SELECT FROM pg_catalog.pg_file_settings WHERE sourcefile IS NOT NULL) END "
        "ORDER BY seqno LIMIT 1"
    ):
        raise HostError(
            (
                "synchronous_standby_names was not changed: PostgreSQL reloads no setting until this error is "
                "corrected: "
                "{}: {}"
            ).format(row["place"], row["error"])
        )


def _write(
    session: Session,
    change: standby_names.Change,
    before: str | None,
    value: str,
    clock: Callable[[], float],
    pause: Callable[[float], None],
) -> None:
    """Write the change and have it in effect. before: what ALTER SYSTEM wrote earlier. Raises HostError."""
    written = False
    try:
        session.query(alter_statement(change.value))
        written = True
        _reload(session, value, clock, pause)
    except HostError as exc:
        # What PostgreSQL refused was not written. If the session ended meanwhile, nobody knows.
        if not change.added or (not written and _answers(session)):
            raise
        left = f"synchronous_standby_names = '{value}' {'is left' if written else 'may remain'}"
        raise HostError(f"{exc}. {_set_back(session, before, change.current, left, clock, pause)}") from None


def _set_back(
    session: Session,
    before: str | None,
    current: str,
    left: str,
    clock: Callable[[], float],
    pause: Callable[[float], None],
) -> str:
    """Write the former value and reload it, and report how far that went. left: what is there else."""
    statement = alter_statement(before)
    try:
        session.query(statement)
    except HostError as exc:
        return (
            f"The module could not restore the old value ({exc}): {left} in PostgreSQL's files. Commits hang from its "
            "next "
            f"reload or start on, or already do. In psql, as a superuser: {statement}; SELECT pg_reload_conf();"
        )
    try:
        _reload(session, current, clock, pause)
    except HostError as exc:
        return (
            f"synchronous_standby_names was set back to '{current}', and that has not taken effect ({exc}). In psql, "
            "as a "
            "superuser: SELECT pg_reload_conf();"
        )
    return f"synchronous_standby_names was set back to '{current}'"


def alter_statement(value: str | None) -> str:
    """What writes a value; None takes out what ALTER SYSTEM wrote."""
    if value is None:
        return "ALTER SYSTEM RESET synchronous_standby_names"
    return "ALTER SYSTEM SET synchronous_standby_names = '{}'".format(value.replace("'", "''"))


def _answers(session: Session) -> bool:
    try:
        look(session)
    except HostError:
        return False
    return True


def _reload(session: Session, value: str, clock: Callable[[], float], pause: Callable[[float], None]) -> None:
    session.query("SELECT pg_catalog.pg_reload_conf()")

    def probe() -> Probe:
        shown = str(session.query("SELECT current_setting('synchronous_standby_names') AS names")[0]["names"] or "")
        return Probe(shown == value, f"it is '{shown}'")

    wait_for(f"synchronous_standby_names to be '{value}'", probe, 30.0, interval=0.1, clock=clock, pause=pause)
