# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The members of a cluster: which of them is the primary, and the receiver's slot on each.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._host.process import HostError
from .._postgres.conninfo import conninfo_text, conninfo_words, hosts_of
from .._postgres.questions import Answer, Question
from .._postgres.slots import Slot
from .._postgres.wal import parse_lsn
from .configuration import ServerConfiguration

# $1: the replication slot.
_SQL = """
SELECT pg_catalog.row_to_json(found)::text FROM (
  SELECT pg_catalog.pg_is_in_recovery() AS in_recovery,
    (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()) AS timeline,
    (SELECT redo_lsn::text FROM pg_catalog.pg_control_checkpoint()) AS redo,
    (SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'wal_segment_size') AS segment_size,
    (SELECT count(*) = 2 FROM pg_catalog.pg_settings WHERE name IN ('cluster_name', 'wal_level') AND source = 'command line') AS patroni,
    slot.slot_name, slot.active, slot.active_pid, slot.restart_lsn::text AS restart_lsn, slot.wal_status
  FROM (SELECT) AS one
  LEFT JOIN pg_catalog.pg_replication_slots AS slot ON slot.slot_name = $1 AND slot.slot_type = 'physical'
) AS found
"""


@dataclass(frozen=True)
class ClusterMember:
    """A member that answered. redo: from where its last checkpoint, or restartpoint, keeps WAL. A new slot keeps the same, because files are kept whole.

    patroni: whether PostgreSQL has the arguments that Patroni gives it. Then the slots are Patroni's.
    """

    in_recovery: bool
    timeline: int
    redo: int
    slot: Slot | None = None
    patroni: bool = False


@dataclass(frozen=True)
class MemberConnection:
    """How to reach one member. address: host and port, for messages."""

    address: str
    conninfo: str
    streaming_conninfo: str


def connections_of(entry: ServerConfiguration) -> list[MemberConnection]:
    """The members that the entry connects to, in its order."""
    management, streaming = (
        [_any_member(words) for words in hosts_of(conninfo_words(text))]
        for text in (entry.wal_conninfo, entry.wal_streaming_conninfo)
    )
    return [
        MemberConnection(f"{one.get('host', '')}:{one.get('port', '5432')}", conninfo_text(one), conninfo_text(other))
        for one, other in zip(management, streaming)
    ]


def addresses_of(entry: ServerConfiguration) -> list[str]:
    """The host and port of each server that the entry connects to."""
    return [one.address for one in connections_of(entry)]


def _any_member(words: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in words.items() if name != "target_session_attrs"}


def question_to(entry: ServerConfiguration, connection: MemberConnection) -> Question:
    return Question(entry.name, connection.conninfo, _SQL, (entry.get("slot_name"),))


def member_questions(entry: ServerConfiguration) -> dict[str, Question]:
    """A question to each member of an active server that is a cluster, by a key that no other server has. Of other servers, none."""
    if entry.passive or not entry.flag("active", default=True):
        return {}
    connections = connections_of(entry)
    return {_key(entry, one): question_to(entry, one) for one in connections} if len(connections) > 1 else {}


def members_from(entry: ServerConfiguration, answers: Mapping[str, Answer | None]) -> dict[str, ClusterMember | None]:
    """The members by their addresses, from the answers to these questions."""
    return {key.partition(" ")[2]: parse_member(answers.get(key)) for key in member_questions(entry)}


def _key(entry: ServerConfiguration, connection: MemberConnection) -> str:
    # A name of Barman's has no space.
    return f"{entry.name} {connection.address}"


def parse_member(answer: Answer | None) -> ClusterMember | None:
    """The member as a value; None if it did not answer."""
    if answer is None or isinstance(answer, HostError):
        return None
    slot = None
    if answer["slot_name"] is not None:
        restart = answer["restart_lsn"]
        slot = Slot(
            answer["slot_name"],
            bool(answer["active"]),
            answer["active_pid"],
            None if restart is None else parse_lsn(restart),
            answer["wal_status"],
        )
    redo = parse_lsn(answer["redo"])
    kept = redo - redo % int(answer["segment_size"])
    return ClusterMember(bool(answer["in_recovery"]), int(answer["timeline"]), kept, slot, bool(answer["patroni"]))


def primaries_of(members: Mapping[str, ClusterMember | None]) -> list[str]:
    """The addresses of the members that are no standby. members: None for one that does not answer."""
    return [address for address, member in members.items() if member is not None and not member.in_recovery]


def two_primaries(members: Mapping[str, ClusterMember | None]) -> str:
    """The error for more than one primary."""
    found = ", ".join(
        f"{address} (timeline {member.timeline})"
        for address, member in members.items()
        if member is not None and not member.in_recovery
    )
    return f"more than one member is a primary: {found}. Barman follows none of them. Stop the one that is not the primary, and rebuild it as a standby"
