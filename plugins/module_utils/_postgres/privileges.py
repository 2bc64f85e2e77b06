# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What PostgreSQL grants to Barman's management role, by PostgreSQL version: no more than Barman checks for and uses.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import re
from typing import NamedTuple

OLDEST = 13
NEWEST = 18


class Privileges(NamedTuple):
    """What the management role must be a member of, and which functions it must be able to execute."""

    memberships: tuple[str, ...]
    functions: tuple[str, ...]


_MEMBERSHIPS = ("pg_read_all_settings", "pg_read_all_stats")
_FUNCTIONS = ("pg_create_restore_point(text)", "pg_switch_wal()")

_BACKUP_FUNCTIONS_14 = (
    "pg_start_backup(text, boolean, boolean)",
    "pg_stop_backup()",
    "pg_stop_backup(boolean, boolean)",
)
_BACKUP_FUNCTIONS_15 = ("pg_backup_start(text, boolean)", "pg_backup_stop(boolean)")


def least_privileges(version: int) -> Privileges:
    """The least privileges for that major version.

    Without pg_checkpoint (PostgreSQL 15 and later) Barman can't force a new WAL segment. Before PostgreSQL 15, only a superuser
    could. Barman then waits until the segment is full, or for archive_timeout.
    """
    if version < OLDEST:
        raise ValueError(f"PostgreSQL {version} is older than {OLDEST}, the oldest that is known here")
    if version < 15:
        return Privileges(_MEMBERSHIPS, (*_FUNCTIONS, *_BACKUP_FUNCTIONS_14))
    return Privileges(("pg_checkpoint", *_MEMBERSHIPS), (*_FUNCTIONS, *_BACKUP_FUNCTIONS_15))


# PostgreSQL's reserved words, from pg_get_keywords() of all its versions: as names they need quotes.
_WORDS = """
all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
concurrently constraint create cross current_catalog current_date current_role current_schema current_time
current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from
full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
returning right select session_user similar some symmetric system_user table tablesample then to trailing true union
unique user using variadic verbose when where window with
"""
_RESERVED = frozenset(_WORDS.split())
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


def identifier(name: str) -> str:
    """The name as an SQL identifier, quoted where that is needed, as quote_ident() does."""
    if _PLAIN.fullmatch(name) and name not in _RESERVED:
        return name
    return '"{}"'.format(name.replace('"', '""'))


def statements(role: str, version: int) -> list[str]:
    """SQL that gives the role these privileges."""
    privileges = least_privileges(version)
    grants = [f"GRANT {membership} TO {identifier(role)};" for membership in privileges.memberships]
    grants += [
        f"GRANT EXECUTE ON FUNCTION pg_catalog.{function} TO {identifier(role)};" for function in privileges.functions
    ]
    return grants
