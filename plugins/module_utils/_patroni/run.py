# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing a cluster's configuration in Patroni's DCS.

This module util is private to the collection.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from .._host.files import read_text
from .._host.process import HostError
from .._host.result import Result
from .._host.waiting import Probe, WaitTimeout, wait_for
from .._postgres.hba_file import rules_in
from .control import Patroni, configuration_file, running_files
from .plan import PatroniPlan, PatroniRequest, pending_restart, plan

_INTERVAL = 0.5
#: Seconds between two calls of patronictl, which starts a Python each time.
_LIST_INTERVAL = 2.0


def configure(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module patroni_config. Raises HostError."""
    file = configuration_file(params["config_file"], running_files())
    return configure_cluster(Patroni(file, params["user"]), params, check_mode=check_mode)


def configure_cluster(
    patroni: Patroni,
    params: Mapping[str, Any],
    *,
    check_mode: bool,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Result:
    """Change what differs, and wait until this member has it. Raises HostError."""
    local = patroni.local()
    rules = tuple(params["hba_rules"])
    request = PatroniRequest(
        slots=tuple(params["slots"]),
        parameters={name: str(value) for name, value in params["parameters"].items()},
        rules=rules,
    )
    found = plan(patroni.dynamic(), local, request, patroni.file)
    low = params["restart_settings"]
    restarted = False
    would_restart = check_mode and bool(low) and params["restart_allowed"]
    if not check_mode:
        if found.patch:
            patroni.patch(found.patch)
        _wait_for_rules(found, rules, params, clock, pause)
        if low:
            restarted = _restart(patroni, local, low, params, clock, pause)
    return Result(
        changed=bool(found.patch) or restarted or would_restart,
        values={"writes_hba": found.writes_rules, "restarted": restarted, "config_file": patroni.file},
        diff={
            "before_header": "Patroni's DCS",
            "after_header": "Patroni's DCS",
            "before": found.before,
            "after": found.after if found.patch else found.before,
        },
    )


def _wait_for_rules(
    found: PatroniPlan,
    rules: tuple[str, ...],
    params: Mapping[str, Any],
    clock: Callable[[], float],
    pause: Callable[[float], None],
) -> None:
    """Patroni writes and loads the file on each member in its next round."""
    path = params["hba_file"]
    if not found.writes_rules or path is None:
        return

    def probe() -> Probe:
        there = rules_in(read_text(path) or "")
        return Probe(there == list(rules), f"the file has {len(there)} of {len(rules)} lines")

    wait_for(
        f"Patroni to write the rules into {path}",
        probe,
        params["timeout"],
        interval=_INTERVAL,
        clock=clock,
        pause=pause,
    )


def _restart(
    patroni: Patroni,
    local: Mapping[str, Any],
    low: Sequence[str],
    params: Mapping[str, Any],
    clock: Callable[[], float],
    pause: Callable[[float], None],
) -> bool:
    """Patroni publishes in its next round that a member waits for a restart."""
    scope, member = str(local.get("scope") or ""), str(local.get("name") or "")
    names = ", ".join(low)

    def probe() -> Probe:
        return Probe(pending_restart(patroni.members(), member), "'patronictl list' does not show it")

    try:
        wait_for(
            f"Patroni to report that member {member} waits for a restart",
            probe,
            params["timeout"],
            interval=_LIST_INTERVAL,
            clock=clock,
            pause=pause,
        )
    except WaitTimeout as exc:
        raise HostError(
            f"{exc}. But {names} of its PostgreSQL is too low. If somebody has restarted it meanwhile, run this again. If not, something "
            "overrides the DCS, such as ALTER SYSTEM: remove that, and run this again"
        ) from None
    if not params["restart_allowed"]:
        raise HostError(
            f"PostgreSQL of member {member} has to be restarted before Barman can use it: {names} is in Patroni's DCS and takes effect at a restart only. Run "
            f"'patronictl -c {patroni.file} restart {scope} {member}' when it suits you and run this again, or set barman_restart_allowed: true"
        )
    patroni.restart(scope, member)
    return True
