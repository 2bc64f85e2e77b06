# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of WAL receivers, and which servers can have one.

This module util is private to the collection.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._barman.configuration import Configuration, ServerConfiguration


class ReceiverState(enum.Enum):
    STARTED = "started"
    STOPPED = "stopped"
    ABSENT = "absent"


@dataclass(frozen=True)
class ReceiverRequest:
    """What a receiver has to be.

    may_reset: it may start where WAL is missing in between. may_switch: it may leave a timeline that the server did not continue, on which it has
    received more than the server has, if that leaves no gap. prove: if it was started, a segment is closed, and waited for in the archive.
    synchronous: it confirms every commit. archiving_takes_over: the slot is dropped only if archive_command delivers what follows. former_slots:
    dropped when the receiver runs with its own.
    """

    state: ReceiverState
    may_reset: bool = False
    may_switch: bool = False
    prove: bool = True
    synchronous: bool = False
    archiving_takes_over: bool = False
    former_slots: tuple[str, ...] = ()


def request_from(params: Mapping[str, Any], server: str) -> ReceiverRequest:
    """The request for that server, from the arguments of the module."""
    return ReceiverRequest(
        state=ReceiverState(params["state"]),
        may_reset=params["reset"] == "when_needed",
        synchronous=params["synchronous"],
        archiving_takes_over=params["archiving_takes_over"],
        former_slots=tuple(params["former_slots"].get(server, ())),
    )


def unsuitable(server: ServerConfiguration, state: ReceiverState) -> str:
    """Why Barman has no receiver of this server; empty if it can have one."""
    if server.passive:
        return f"server '{server.name}' is passive on this host: its WAL comes from its source backup server"
    if state is not ReceiverState.STARTED:
        return ""
    if not server.flag("streaming_archiver"):
        return (
            f"server '{server.name}' does not stream WAL: set barman_wal: [streaming] for it and deploy "
            "(streaming_archiver = on "
            f"in {server.file})"
        )
    if not server.flag("active", default=True):
        return f"server '{server.name}' is inactive (active = false in {server.file}): Barman receives none of its WAL"
    return ""


def streaming_servers(configuration: Configuration) -> list[str]:
    """The servers whose WAL is streamed to this host."""
    return [
        name
        for name, server in sorted(configuration.servers.items())
        if server.flag("streaming_archiver") and server.flag("active", default=True) and not server.passive
    ]
