# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replication slots of a former backup server, which nobody reads and which keep WAL until the disk is full.

This module util is private to the collection. Only slots whose names begin with "barman" count: an inactive slot of somebody else's standby is no fault
of a backup. The slot of a receiver on this host that does not run is another check's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .._barman.configuration import Configuration
from .._host.files import read_text
from .._host.process import HostError
from .._postgres.questions import AskAll, Question
from .._server.handover import FORMER_SLOT
from .check import OURS, Check, key_of

UNUSED_SLOTS = "unused replication slots"
_SQL = (
    "SELECT pg_catalog.json_build_object('slots', coalesce(pg_catalog.json_agg(slot_name ORDER BY slot_name), '[]')) "
    "FROM pg_catalog.pg_replication_slots WHERE slot_type = 'physical' AND NOT active AND slot_name LIKE 'barman%'"
)
_TIMEOUT = 15.0


def find_unused_slots(
    configuration: Configuration, answer: Mapping[str, Any], user: str, ask_all: AskAll
) -> dict[str, Check]:
    """A failed check for each server whose PostgreSQL has such slots. answer: that of module check, which decides who is asked.

    Raises HostError. A server that does not answer has failed another check.
    """
    asked = {name: configuration.server(name) for name in answer["servers"] if name in configuration.servers}
    questions = {
        name: Question(name, server.wal_conninfo, _SQL)
        for name, server in asked.items()
        if not server.passive and _is_ok(answer["servers"][name], "postgresql")
    }
    used = used_slots(configuration)
    found: dict[str, Check] = {}
    for name, reply in ask_all(questions, user, _TIMEOUT).items():
        slots = [] if isinstance(reply, HostError) else [slot for slot in reply["slots"] if slot not in used]
        if slots:
            found[name] = Check(UNUSED_SLOTS, ok=False, hint=hint(slots), source=OURS)
    return found


def _is_ok(server: Mapping[str, Any], name: str) -> bool:
    check = server["checks"].get(key_of(name))
    return check is None or bool(check["ok"])


def used_slots(configuration: Configuration) -> set[str]:
    """The slots that entries of this host name, former ones too. Those of a standby's entry are on its primary."""
    used: set[str] = set()
    for server in configuration.servers.values():
        if server.passive or not server.flag("active", default=True):
            continue
        used.update(name for name in [server.get("slot_name")] if name)
        used.update(FORMER_SLOT.findall(read_text(server.file) or ""))
    return used


def hint(slots: Collection[str]) -> str:
    commands = "; ".join(f"SELECT pg_drop_replication_slot('{slot}')" for slot in slots)
    return (
        f"nobody reads {', '.join(slots)}, and no entry of this host has such a slot. PostgreSQL keeps WAL for it until its disk is full. If another "
        f"backup server uses it, start its receiver there. Otherwise drop it in psql: {commands}"
    )
