# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What PostgreSQL reports to Barman's own connection about archiving, synchronous commit, slots and roles: one question, one row.

This module util is private to the collection. Nothing here connects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._barman.configuration import ServerConfiguration
from .._barman.masking import mask
from .._postgres.conninfo import conninfo_words
from .._postgres.questions import Question

# $1: the role of the streaming connection. $2: the replication slot. A setting that the role may not read has no row.
_SQL = """
SELECT pg_catalog.row_to_json(found)::text FROM (
  SELECT pg_catalog.current_setting('server_version_num')::int AS version,
    pg_catalog.pg_is_in_recovery() AS in_recovery,
    pg_catalog.host(pg_catalog.inet_client_addr()) AS client_address,
    (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'archive_mode') AS archive_mode,
    (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'archive_command') AS archive_command,
    (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'archive_timeout') AS archive_timeout,
    (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'synchronous_standby_names') AS synchronous_standby_names,
    (SELECT pg_catalog.array_to_json(pg_catalog.array_agg(rolname::text ORDER BY rolname)) FROM pg_catalog.pg_roles
      WHERE (rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls) AND rolname IN (current_user, $1)) AS privileged_roles,
    (SELECT active FROM pg_catalog.pg_replication_slots WHERE slot_name = $2) AS slot_active,
    (SELECT pg_catalog.array_to_json(pg_catalog.array_agg(slot_name::text ORDER BY slot_name)) FROM pg_catalog.pg_replication_slots
      WHERE NOT active AND slot_type = 'physical') AS inactive_slots
) AS found
"""
_KEYS = (
    "version",
    "in_recovery",
    "client_address",
    "archive_mode",
    "archive_command",
    "archive_timeout",
    "synchronous_standby_names",
    "privileged_roles",
    "slot_active",
    "inactive_slots",
)


def question_about(server: ServerConfiguration) -> Question:
    """The question to the server of the entry's management connection."""
    role = conninfo_words(server.streaming_conninfo).get("user")
    return Question(server.name, server.conninfo, _SQL, (role, server.get("slot_name")))


def answer_facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as the module returns it, without passwords."""
    found = {key: row.get(key) for key in _KEYS}
    if found["archive_command"] is not None:
        found["archive_command"] = mask(str(found["archive_command"]))
    for key in ("privileged_roles", "inactive_slots"):
        found[key] = list(found[key] or ())
    return found
