# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting, stopping and resetting WAL receivers.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._barman.arguments import barman_from
from .._barman.configuration import read
from .._host.process import HostError
from .._host.result import Result, ServerOutcome, per_server
from .._postgres.connection import connect, require_psycopg
from .observe import ReceiverError, ReceiverHost
from .request import ReceiverRequest, ReceiverState, request_from, streaming_servers, unsuitable
from .start import drop_former_slots, ensure_started
from .stop import ensure_stopped
from .synchronous import confirm_commits


def set_receivers(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module wal_receiver, one server after the other. Raises HostError."""
    require_psycopg()
    barman = barman_from(params)
    configuration = read(params["config_file"], params["barman_user"])
    names = params["servers"] if params["servers"] is not None else streaming_servers(configuration)
    servers = [configuration.server(name) for name in names]
    outcomes: dict[str, ServerOutcome] = {}
    for server in servers:
        host = ReceiverHost(barman, configuration, server, connect, params["timeout"])
        outcome = set_receiver(host, request_from(params, server.name), check_mode=check_mode)
        if outcome.values.get("backup_needed"):
            warning = f"WAL of server '{server.name}' is missing since its last backup: take a new base backup"
            outcome.warnings.append(warning)
        outcomes[server.name] = outcome
    return per_server(outcomes)


def set_receiver(host: ReceiverHost, request: ReceiverRequest, *, check_mode: bool) -> ServerOutcome:
    """Bring one receiver to the requested state; a failure becomes the outcome's error."""
    outcome = ServerOutcome()
    try:
        reason = unsuitable(host.server, request.state)
        if reason:
            raise ReceiverError(reason, "configuration")
        if request.state is ReceiverState.STARTED:
            ran = ensure_started(host, outcome, request, check_mode=check_mode)
            former = [name for name in request.former_slots if name != host.slot_name]
            drop_former_slots(host, outcome, former, check_mode=check_mode)
            if request.synchronous and (ran or not check_mode):
                confirm_commits(host, outcome, ran=ran, check_mode=check_mode)
        else:
            ensure_stopped(
                host,
                outcome,
                absent=request.state is ReceiverState.ABSENT,
                archiving_takes_over=request.archiving_takes_over,
                check_mode=check_mode,
            )
    except HostError as exc:
        outcome.fail(exc)
    finally:
        host.close()
    return outcome
