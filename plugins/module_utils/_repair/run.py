# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repairing servers that have lost WAL: the receiver first, then a new full backup, and the proof that nothing is missing after it.

This module util is private to the collection. The ledger gets a record of the loss before anything is done, and one of the repair.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from .._backup.run import back_up
from .._barman.arguments import barman_from
from .._barman.command import Barman
from .._barman.configuration import Configuration, read
from .._barman.ledger import append_record, new_record
from .._check.own_checks import CheckedServer
from .._host.process import HostError
from .._host.result import Result, ServerOutcome, per_server
from .._postgres.connection import connect, require_psycopg
from .._wal_receiver.observe import ReceiverHost
from .._wal_receiver.request import ReceiverRequest, ReceiverState
from .._wal_receiver.run import set_receiver
from .observe import observe, read_losses
from .plan import RepairObservation, RepairPlan, make_plan


def repair(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module repair, one server after the other. Raises HostError."""
    require_psycopg()
    barman = barman_from(params)
    configuration = read(params["config_file"], params["barman_user"])
    for name in params["servers"]:
        configuration.server(name)
    outcomes = {
        name: _repair_server(barman, configuration, name, params, check_mode=check_mode)
        for name in dict.fromkeys(params["servers"])
    }
    return per_server(outcomes)


def _repair_server(
    barman: Barman, configuration: Configuration, name: str, params: Mapping[str, Any], *, check_mode: bool
) -> ServerOutcome:
    outcome = ServerOutcome()
    try:
        observed = observe(barman, configuration, name, connect, params["timeout"])
        plan = make_plan(observed)
        outcome.values = as_values(observed, plan)
        outcome.changed = plan.changes
        outcome.before = {"missing": [reason.message for reason in plan.reasons]}
        outcome.after = {"missing": [], "done": plan.steps}
        if plan.refused:
            raise HostError(plan.refused)
        if plan.changes and not check_mode:
            outcome.values["backup"] = _apply(barman, configuration, observed, plan, params)
    except HostError as exc:
        outcome.fail(exc)
    return outcome


def as_values(observed: RepairObservation, plan: RepairPlan) -> dict[str, Any]:
    """What the module returns of a server."""
    return {
        "reasons": [reason.as_dict() for reason in plan.reasons],
        "steps": plan.steps,
        "gaps": [gap.as_dict() for gap in observed.gaps],
        "windows": [window.as_dict() for window in observed.windows],
        "backup": None,
    }


def _apply(
    barman: Barman,
    configuration: Configuration,
    observed: RepairObservation,
    plan: RepairPlan,
    params: Mapping[str, Any],
) -> dict[str, Any] | None:
    """Do the steps; the new backup. Raises HostError."""
    record = new_record("gap", observed.name, _now(), as_values(observed, plan), passed=False)
    if plan.back_up:
        append_record(configuration.home, record, barman.user)
    back_up_now = plan.back_up
    if plan.start_receiver:
        host = ReceiverHost(barman, configuration, configuration.server(observed.name), connect, params["timeout"])
        started = set_receiver(host, ReceiverRequest(state=ReceiverState.STARTED, may_reset=True), check_mode=False)
        if started.error is not None:
            raise HostError(f"{started.error}. No backup was taken")
        if started.values.get("backup_needed") and not plan.back_up:
            # WAL was lost after the plan was made.
            back_up_now = True
            append_record(configuration.home, record, barman.user)
    backup: dict[str, Any] | None = None
    if back_up_now:
        taken = back_up(_backup_arguments(observed.name, params), check_mode=False)
        if taken.failure is not None:
            raise HostError(taken.failure)
        backup = taken.values["backup"]
    _prove(CheckedServer(barman, configuration.server(observed.name), connect))
    if backup is not None:
        repaired = new_record("gap", observed.name, _now(), {"repairs": record.id, "backup": backup["id"]}, passed=True)
        append_record(configuration.home, repaired, barman.user)
    return backup


def _backup_arguments(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a full backup, as the module backup has them."""
    return {
        **dict.fromkeys(
            ("backup_name", "max_age", "incremental", "reuse_backup", "jobs", "bandwidth_limit", "retries")
        ),
        "server": name,
        "barman_user": params["barman_user"],
        "config_file": params["config_file"],
        "immediate_checkpoint": params["immediate_checkpoint"],
        "wait_timeout": params["wait_timeout"],
    }


def _prove(server: CheckedServer) -> None:
    """Raises HostError if anything is still missing."""
    failed = [str(check) for check in read_losses(server) if not check.ok]
    if failed:
        raise HostError(f"server '{server.name}': after the repair, something is still missing: {'; '.join(failed)}")


def _now() -> datetime:
    return datetime.now(timezone.utc)
