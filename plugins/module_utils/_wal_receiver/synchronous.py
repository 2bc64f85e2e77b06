# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A receiver that confirms every commit.

This module util is private to the collection.
"""

from __future__ import annotations

from .._barman.receiver_log import log_size
from .._host.result import ServerOutcome
from .._host.waiting import WaitTimeout
from .._postgres.synchronous import look, not_asked, wait_until_given
from .._postgres.wal_position import (
    write_marker,
)
from .observe import ReceiverError, ReceiverHost
from .process import start_process, stop_process


def confirm_commits(host: ReceiverHost, outcome: ServerOutcome, *, ran: bool, check_mode: bool) -> None:
    """Make the receiver confirm every commit at once, and prove that commits wait for that. ran: it ran before this module.

    Barman searches for its name in synchronous_standby_names when it starts a receiver, and never again.
    """
    session = host.sql()
    problem = not_asked(look(session), host.application)
    if problem:
        raise ReceiverError(
            f"Barman server '{host.server.name}': commits do not wait for its WAL receiver: {problem}",
            "not_synchronous",
        )
    if not check_mode:
        write_marker(session)
    try:
        # At the end of a segment every receiver has confirmed everything, so there has to be something to confirm. One in
        # synchronous mode does it at once.
        patience = 1.0 if ran else host.timeout
        observed = wait_until_given(session, host.application, patience, host.clock, host.pause, host.runs)
        outcome.before["synchronous"] = True
    except WaitTimeout:
        outcome.before["synchronous"] = False
        outcome.changed = True
        if check_mode:
            outcome.after["synchronous"] = True
            return
        stop_process(host)
        start_of_log = log_size(host.log_file)
        start_process(host, start_of_log)
        try:
            observed = wait_until_given(session, host.application, host.timeout, host.clock, host.pause, host.runs)
        except WaitTimeout as exc:
            ended = host.ended(start_of_log)
            if not host.runs() and ended.explained:
                raise ended from None
            raise ReceiverError(
                (
                    f"Barman server '{host.server.name}': commits wait for its WAL receiver, which does not confirm "
                    f"them: {exc}. Barman's log{host.log_name()} "
                    "may contain the reason"
                ),
                "not_synchronous",
            ) from None
    outcome.after["synchronous"] = True
    own = [item.sync_state for item in observed.senders if item.application == host.application]
    outcome.values["sync_state"] = own[0] if own else None
