# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a server's commits would hang without its WAL receiver.

This module util is private to the collection.
"""

from __future__ import annotations

from .._host.process import HostError
from .._host.result import ServerOutcome
from .._postgres import standby_names
from .._postgres.connection import ConnectionFailed
from .._postgres.slots import read_senders, read_slot
from .._postgres.synchronous import alter_statement, look
from .observe import ReceiverError, ReceiverHost


def waiting_commits(host: ReceiverHost, outcome: ServerOutcome) -> str | None:
    """The value of synchronous_standby_names if commits wait for this receiver and no other has its name. Raises HostError.

    None, with a warning, if neither of Barman's roles can connect: a server that is gone must not keep its receiver.
    """
    try:
        observed = look(host.sql())
    except ConnectionFailed as exc:
        return _without_queries(host, outcome, exc)
    # A standby's commits are those of its primary, which does not wait for cascading receivers.
    if observed.flushed is None:
        return None
    if not standby_names.names(observed.names, host.application):
        needed = standby_names.needed_of_any(observed.names)
        others = sum(one.application != host.application for one in observed.senders)
        return observed.names if others < needed else None
    slot = read_slot(host.sql(), host.slot_name) if host.slot_name else None
    own = None if slot is None else slot.active_pid
    senders = [one for one in read_senders(host.sql(), host.application) if one.pid != own]
    # Without a slot nothing distinguishes this receiver from its successor on another backup server.
    successors = len(senders) - (own is None and host.pid() is not None)
    return None if successors > 0 else observed.names


def _without_queries(host: ReceiverHost, outcome: ServerOutcome, failure: ConnectionFailed) -> str | None:
    """The same over the replication connection, which knows no queries but SHOW."""
    try:
        (row,) = host.replication().query("SHOW synchronous_standby_names")
    except HostError:
        outcome.warnings.append(
            f"Barman server '{host.server.name}': {failure}. So the module could not read synchronous_standby_names. If it names "
            f"{host.application}, every commit on that server hangs without its WAL receiver"
        )
        return None
    text = str(row["synchronous_standby_names"] or "")
    return text if standby_names.names(text, host.application) else None


def refuse_waiting_commits(host: ReceiverHost, names: str | None) -> None:
    """Raises ReceiverError if commits wait for the receiver. names: what waiting_commits returned."""
    if names is None:
        return
    statement = alter_statement(standby_names.without(names, host.application))
    raise ReceiverError(
        f"Barman server '{host.server.name}': synchronous_standby_names is '{names}', so every commit on that server would hang without the WAL "
        f"receiver {host.application}. Nothing was changed. In psql there, as a superuser: {statement}; SELECT pg_reload_conf(); "
        "and run the playbook again",
        "commits_wait",
    )
