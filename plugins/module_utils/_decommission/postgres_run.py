# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing what deployments made on a PostgreSQL server.

This module util is private to the collection.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._archive_command.command import MARK
from .._host.process import HostError
from .._host.record import PATH, HostRecord, read_record, write_record
from .._host.result import Result
from .._host.waiting import Probe, WaitTimeout, wait_for
from .._postgres.connection import Session, require_psycopg
from .._postgres.data_directory import find_bin_directory, read_control
from .._postgres.hba_file import read_hba_file, rules_in, with_rules, write_hba_file
from .._postgres.login import logged_in
from .patroni_plan import DcsPlan, make_dcs_plan
from .patroni_run import apply_dcs, observe_dcs, patroni_of
from .postgres_plan import (
    CONFIGURED_SETTINGS,
    RESTART_SETTINGS,
    PostgresObservation,
    ReleasePlan,
    ReleaseRequest,
    make_plan,
    observation_from,
    split_roles,
)

#: Seconds in which the primary of a cluster drops its roles: its run begins at the same time.
_DROPPED_WITHIN = 60.0

# 1260 is pg_authid. If archive_mode is off, PostgreSQL shows (disabled) as archive_command, and only the files have the value.
_QUERY = """
SELECT current_setting('hba_file') AS hba_file, pg_catalog.pg_is_in_recovery() AS in_recovery,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('name', rolname, 'superuser', rolsuper,
            'owns', EXISTS (SELECT FROM pg_catalog.pg_shdepend AS needs
                WHERE needs.refclassid = 1260 AND needs.refobjid = role.oid AND needs.deptype = 'o'),
            'elsewhere', EXISTS (SELECT FROM pg_catalog.pg_shdepend AS needs
                WHERE needs.refclassid = 1260 AND needs.refobjid = role.oid
                AND needs.dbid NOT IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))))), '[]')
        FROM pg_catalog.pg_roles AS role WHERE rolname = ANY(%s::text[]))::text AS roles,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('name', slot_name, 'active', active) ORDER BY slot_name), '[]')
        FROM pg_catalog.pg_replication_slots)::text AS slots,
    (SELECT coalesce(jsonb_object_agg(name, setting), '{}') FROM (
        SELECT DISTINCT ON (name) name, setting FROM pg_catalog.pg_file_settings
        WHERE sourcefile LIKE '%%/postgresql.auto.conf' ORDER BY name, seqno DESC) AS written)::text AS altered,
    (SELECT jsonb_object_agg(known.name, CASE WHEN known.source = 'command line' THEN known.setting ELSE coalesce(
            (SELECT file.setting FROM pg_catalog.pg_file_settings AS file
                WHERE file.name = known.name AND file.sourcefile NOT LIKE '%%/postgresql.auto.conf' ORDER BY file.seqno DESC LIMIT 1),
            known.boot_val) END)
        FROM pg_catalog.pg_settings AS known WHERE known.name = ANY(%s))::text AS configured,
    (SELECT count(*) FROM pg_catalog.pg_stat_replication WHERE usename <> ALL(%s::text[])) AS senders,
    EXISTS (SELECT FROM pg_catalog.pg_hba_file_rules
        WHERE type LIKE 'host%%' AND auth_method <> 'reject' AND address NOT IN ('127.0.0.1', '::1', 'localhost', 'samehost')
        AND NOT user_name <@ %s::text[])
    OR EXISTS (SELECT FROM pg_catalog.pg_stat_activity
        WHERE client_addr NOT IN ('127.0.0.1', '::1') AND usename <> ALL(%s::text[])) AS remote,
    current_setting('synchronous_standby_names') AS synchronous_standby_names,
    coalesce(nullif(current_setting('archive_command'), '(disabled)'), (SELECT setting FROM pg_catalog.pg_file_settings
        WHERE name = 'archive_command' ORDER BY seqno DESC LIMIT 1), '') AS archive_command,
    current_setting('archive_mode') AS archive_mode, current_setting('data_directory') AS data_directory,
    current_setting('server_version_num')::int / 10000 AS major_version,
    (current_setting('archive_command') NOT IN ('', '(disabled)') AND position(%s IN current_setting('archive_command')) = 0
        OR coalesce(current_setting('archive_library', true), '') <> '') AS archives,
    (SELECT coalesce(jsonb_agg(name ORDER BY name), '[]') FROM pg_catalog.pg_settings
        WHERE pending_restart AND name = ANY(%s))::text AS pending
"""


def observe(session: Session, roles: Sequence[str], user: str) -> PostgresObservation:
    """roles: those that Barman logs in with. user: PostgreSQL's. Raises HostError."""
    names = list(roles)
    given = [names, list(CONFIGURED_SETTINGS), names, names, names, MARK, list(RESTART_SETTINGS)]
    row = dict(session.query(_QUERY, given)[0])
    for name in ("roles", "slots", "altered", "configured", "pending"):
        row[name] = json.loads(row[name])
    senders = _primary_senders(row, user) if row["in_recovery"] else None
    return observation_from(row, rules_in(read_hba_file(row["hba_file"], user).state.text), senders)


def _primary_senders(row: Mapping[str, Any], user: str) -> int | None:
    """max_wal_senders of the primary of this standby, which its control file has; None if that can't be read."""
    try:
        control = read_control(str(row["data_directory"]), find_bin_directory(int(row["major_version"])), user)
    except HostError:
        return None
    found = control.get("max_wal_senders setting", "")
    return int(found) if found.isdigit() else None


def release(params: Mapping[str, Any], *, check_mode: bool, path: str = PATH) -> Result:
    """The operation of the module postgres_release. Raises HostError."""
    try:
        require_psycopg()
        with logged_in(params) as session:
            return _release(session, params, check_mode=check_mode, path=path)
    except HostError as exc:
        return Result(values={"error_kind": exc.kind, "changes": [], "left": [], "restart": []}, failure=str(exc))


def _release(session: Session, params: Mapping[str, Any], *, check_mode: bool, path: str) -> Result:
    record = read_record(path)
    port = params["login_port"]
    own_roles = record.roles.get(str(port), ())
    created, foreign = split_roles(params["roles"], {*own_roles, *params["recorded_roles"]})
    request = ReleaseRequest(
        tuple(params["slots"]),
        created,
        foreign,
        tuple(params["rules"]),
        frozenset(params["settings"]),
        member=params["member"],
        receivers_stop=check_mode,
    )
    observed = observe(session, params["roles"], params["user"])
    if observed.in_recovery and params["member"] and not check_mode:
        wait_for_primary(session, created)
        observed = observe(session, params["roles"], params["user"])
    recorded = record.settings.get(str(port), {})
    patroni, dcs = patroni_of(params), DcsPlan()
    if patroni is not None:
        dcs = make_dcs_plan(observed, observe_dcs(patroni), request, recorded)
        # The rest is PostgreSQL's own: the roles, and the rules if the DCS has none.
        rules = observed.rules if dcs.writes_rules else request.rules
        request, recorded = replace(request, slots=(), rules=rules), {}
    plan = make_plan(observed, request, recorded)
    kept: list[str] = []
    if not check_mode:
        record_file = _Forgetting(record, port, path)
        if patroni is not None:
            kept = apply_dcs(
                patroni, session, dcs, hba_file=observed.hba_file, rules=tuple(params["rules"]), user=params["user"]
            )
            record_file.forget(settings=sorted(dcs.forgotten))
        _apply(session, plan, observed, request, params, record_file)
    # Under Patroni, the plan has the command.
    pending = [] if patroni is not None else _pending(session, plan, observed, check_mode=check_mode)
    changes = [*dcs.changes, *plan.changes]
    return Result(
        bool(changes),
        {
            "error_kind": None,
            "changes": changes,
            "left": [*dcs.left, *kept, *plan.left],
            "restart": pending,
            "recorded_roles": list(own_roles),
            "synchronous_standby_names": observed.synchronous_standby_names,
            "archive_command": observed.archive_command,
            "archive_mode": observed.archive_mode,
        },
        diff={"before": "".join(f"{line}\n" for line in changes), "after": ""},
    )


def wait_for_primary(
    session: Session,
    roles: Sequence[str],
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Wait on a standby until it has replayed that the primary of its cluster dropped the roles, but not for ever."""

    def probe() -> Probe:
        rows = session.query("SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = ANY(%s::text[])", [list(roles)])
        return Probe(not rows, f"there are {len(rows)}")

    # What is still there is in the plan.
    with contextlib.suppress(WaitTimeout):
        wait_for("the primary to drop the roles", probe, _DROPPED_WITHIN, interval=0.5, clock=clock, pause=pause)


class _Forgetting:
    """The record without what is restored, written after each step: a run that is killed goes on from there."""

    def __init__(self, record: HostRecord, port: int, path: str) -> None:
        self.record = record
        self.port = port
        self.path = path

    def forget(self, *, settings: Sequence[str] = (), roles: Sequence[str] = ()) -> None:
        after = self.record.without_settings(self.port, settings).without_roles(self.port, roles)
        if after != self.record:
            self.record = after
            write_record(after, self.path)


def _apply(
    session: Session,
    plan: ReleasePlan,
    observed: PostgresObservation,
    request: ReleaseRequest,
    params: Mapping[str, Any],
    record: _Forgetting,
) -> None:
    for step in plan.steps:
        for statement in step.statements:
            session.query(statement)
        record.forget(settings=[step.setting] if step.setting else [], roles=[step.role] if step.role else [])
    record.forget(settings=sorted(plan.forgotten), roles=sorted(plan.forgotten))
    if plan.rules:
        file = read_hba_file(observed.hba_file, params["user"])
        write_hba_file(file, with_rules(file.state.text, request.rules))
    if plan.rules or any(step.setting for step in plan.steps):
        reload_settings(session)


def reload_settings(
    session: Session,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Have PostgreSQL read its files again, and wait until it has. Raises WaitTimeout."""
    loaded = "SELECT pg_catalog.pg_conf_load_time()::text AS time"
    before = session.query(loaded)[0]["time"]
    session.query("SELECT pg_catalog.pg_reload_conf()")

    def probe() -> Probe:
        return Probe(session.query(loaded)[0]["time"] != before, "it has not read them yet")

    wait_for("PostgreSQL to read its files", probe, 30.0, interval=0.1, clock=clock, pause=pause)


def _pending(session: Session, plan: ReleasePlan, observed: PostgresObservation, *, check_mode: bool) -> list[str]:
    """The settings that wait for a restart, now or after the plan."""
    if check_mode:
        steps = [step.setting for step in plan.steps if step.needs_restart]
        return sorted({*observed.pending, *steps})
    found = session.query(
        "SELECT name FROM pg_catalog.pg_settings WHERE pending_restart AND name = ANY(%s) ORDER BY name",
        [list(RESTART_SETTINGS)],
    )
    return [str(row["name"]) for row in found]
