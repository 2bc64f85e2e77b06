# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing from Patroni's DCS what deployments wrote there.

This module util is private to the collection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._host.waiting import Probe, WaitTimeout, wait_for
from .._patroni.control import PROGRAM, Patroni, configuration_file, running_files
from .._patroni.plan import parameters_in, rule_lines, slots_in
from .._postgres.connection import Session
from .._postgres.hba_file import read_hba_file, rules_in
from .patroni_plan import DcsObservation, DcsPlan
from .postgres_plan import literal

_TIMEOUT = 60.0


def patroni_of(params: Mapping[str, Any]) -> Patroni | None:
    """Patroni of this member; None if none manages the server. Raises HostError."""
    if not params["patroni"]:
        return None
    return Patroni(configuration_file(params["patroni_file"], running_files()), params["user"])


def observe_dcs(patroni: Patroni) -> DcsObservation:
    """Raises HostError."""
    dynamic, local = patroni.dynamic(), patroni.local()
    rules = rule_lines(dynamic, local)
    return DcsObservation(
        f"{PROGRAM} -c {patroni.file}",
        str(local.get("scope") or ""),
        dynamic,
        parameters_in(dynamic),
        None if rules is None else tuple(rules),
        tuple(slots_in(dynamic)),
        len(patroni.members()),
    )


def apply_dcs(
    patroni: Patroni,
    session: Session,
    plan: DcsPlan,
    *,
    hba_file: str,
    rules: Sequence[str],
    user: str,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Change the DCS, and wait until Patroni has done on this member what follows from it. rules: those that stay. What stays, a line each.

    Raises HostError.
    """
    left: list[str] = []
    if plan.patch:
        patroni.patch(plan.patch)

    def present() -> list[str]:
        query = "SELECT slot_name FROM pg_catalog.pg_replication_slots WHERE slot_name = ANY(%s)"
        return [str(row["slot_name"]) for row in session.query(query, [list(plan.slots)])]

    def dropped() -> Probe:
        there = present()
        return Probe(not there, f"{', '.join(there)} is still there")

    def written() -> Probe:
        there = rules_in(read_hba_file(hba_file, user).state.text)
        return Probe(there == list(rules), f"the file has {len(there)} of {len(rules)} rules")

    if plan.slots:
        # The DCS has changed already, so the rest goes on.
        try:
            wait_for("Patroni to drop the replication slots", dropped, _TIMEOUT, interval=0.5, clock=clock, pause=pause)
        except WaitTimeout:
            left += [_kept_slot(name, patroni) for name in present()]
    if plan.writes_rules:
        wait_for(f"Patroni to write {hba_file}", written, _TIMEOUT, interval=0.5, clock=clock, pause=pause)
    return left


def _kept_slot(name: str, patroni: Patroni) -> str:
    return (
        f"The replication slot {name} stays on this member, and keeps WAL: Patroni's DCS does not have it any more, but Patroni has not dropped it within "
        f"{_TIMEOUT:g} s. If Patroni is paused, run '{PROGRAM} -c {patroni.file} resume'. If ignore_slots of its configuration matches the slot: "
        f"SELECT pg_catalog.pg_drop_replication_slot({literal(name)})"
    )
