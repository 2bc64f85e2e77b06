# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checking servers once, or until they are healthy.

This module util is private to the collection.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .._barman.command import Barman
from .._barman.configuration import Configuration, read
from .._barman.requirements_record import record_if_due
from .._host.progress import Progress
from .._postgres.connection import Connect
from .._postgres.questions import AskAll
from .check import ServerChecks, key_of, reasons
from .cluster import with_clusters
from .drills import with_drills
from .observe import explain, observe, with_lag, with_synchronous
from .stored import with_verification
from .wait import wait_until_ok


def check_servers(
    barman: Barman,
    names: Sequence[str] | None,
    ignore: Sequence[str],
    timeout: float,
    jobs: int = 0,
    *,
    check_mode: bool = False,
    connect: Connect | None = None,
    patience: float | None = None,
    synchronous: Sequence[str] = (),
    drill_maximum_age: Mapping[str, int] | None = None,
    verification_maximum_age: Mapping[str, int] | None = None,
    ask: AskAll | None = None,
) -> dict[str, Any]:
    """Check the servers (None: all), wait for them to be good, and answer as the module check does. Raises HostError."""
    configuration = read(barman.config_file, barman.user)
    chosen = sorted(configuration.servers) if names is None else list(dict.fromkeys(names))
    for name in chosen:
        configuration.server(name)
    if check_mode:
        observed = observe(barman, configuration, chosen, jobs, ask_barman=False, connect=connect)
        observed = with_synchronous(observed, synchronous, configuration, barman.user, connect)
        observed = with_clusters(observed, configuration, barman.user, ask)
        observed = with_drills(observed, drill_maximum_age or {}, configuration.home, time.time())
        observed = with_verification(observed, verification_maximum_age or {}, configuration, time.time())
        return as_result(observed, set(), barman_checked=False)
    ignored = {key_of(name) for name in ignore}
    progress = Progress(configuration.home, "check", chosen, barman.user)

    def report(failing: Sequence[str]) -> None:
        if failing and timeout > 0:
            progress.update(
                "waiting for checks to succeed", failing=list(failing), servers_done=len(chosen) - len(failing)
            )

    def observe_left(left: Sequence[str]) -> dict[str, ServerChecks]:
        found = with_synchronous(
            observe(barman, configuration, left, jobs, connect=connect),
            synchronous,
            configuration,
            barman.user,
            connect,
        )
        return with_clusters(found, configuration, barman.user, ask)

    try:
        progress.update("checking", servers_done=0, servers_total=len(chosen))
        observed = wait_until_ok(observe_left, chosen, ignored, timeout, report, patience=patience)
    finally:
        progress.close()
    if connect is not None:
        observed = explain(observed, configuration, barman.user, connect)
        record_requirements(observed, configuration, barman.user, connect)
    observed = with_lag(observed, configuration, barman, connect)
    # Waiting changes nothing about the ledgers, so they are read once.
    observed = with_drills(observed, drill_maximum_age or {}, configuration.home, time.time())
    observed = with_verification(observed, verification_maximum_age or {}, configuration, time.time())
    return as_result(observed, ignored, barman_checked=True)


def record_requirements(
    observed: Mapping[str, ServerChecks], configuration: Configuration, user: str, connect: Connect
) -> None:
    """What the servers need of a host to be recovered to: known while they answer, and needed when they do not."""
    for name, checks in observed.items():
        check = checks.checks.get("postgresql")
        if check is not None and check.ok and not configuration.server(name).passive:
            record_if_due(configuration.home, configuration.server(name), user, connect, time.time())


def as_result(
    observed: Mapping[str, ServerChecks], ignored: Collection[str], *, barman_checked: bool
) -> dict[str, Any]:
    problems = reasons(observed, ignored)
    return {
        "ok": not any(checks.failures(ignored) for checks in observed.values()),
        "problems": problems,
        "barman_checked": barman_checked,
        "servers": {
            name: {**checks.as_dict(ignored), "problems": reasons({name: checks}, ignored)}
            for name, checks in observed.items()
        },
    }
