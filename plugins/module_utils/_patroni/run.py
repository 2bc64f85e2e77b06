# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing a cluster's configuration in Patroni's DCS.

This module util is private to the collection.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Callable

from .._host.files import read_text
from .._host.result import Result
from .._host.waiting import Probe, wait_for
from .._postgres.hba_file import rules_in
from .control import Patroni, configuration_file, running_files
from .plan import PatroniPlan, PatroniRequest, plan
from .restart import MemberRestart, another_process

_INTERVAL = 0.5


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
            anew = partial(another_process, params["data_directory"], params["postmaster"])
            scope, name = str(local.get("scope") or ""), str(local.get("name") or "")
            MemberRestart(patroni, scope, name, params["timeout"], anew, clock, pause).restart(
                low, allowed=params["restart_allowed"]
            )
            restarted = True
    return Result(
        changed=bool(found.patch) or restarted or would_restart,
        values={
            "writes_hba": found.writes_rules,
            "restarted": restarted,
            "config_file": patroni.file,
            "replaced_parameters": [dict(one) for one in found.replaced],
        },
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
