# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which failed checks can succeed by waiting, and which need a person, a backup or another configuration.

This module util is private to the collection. The keys are those of Barman's JSON; the names are in barman/server.py and
barman/backup_executor.py. A check that is not listed can heal: a wait that is too long is better than one that ends too early.
"""

from __future__ import annotations

from dataclasses import dataclass

#: The state of files and of Barman's configuration on the backup server.
_NEEDS_A_PERSON = frozenset(
    {
        "active",
        "archiver_errors",
        "compression_settings",
        "configuration",
        "directories",
        "disk_space",
        "encryption",
        "failed_backups",
        "foreign_timelines",
        "incremental_backups",
        "interrupted_backups",
        "retention_policy_settings",
        "ssh_output_clean",
    }
)
#: A new backup is needed.
_NEEDS_A_BACKUP = frozenset(
    {"backup_present", "backup_maximum_age", "backup_minimum_size", "minimum_redundancy_requirements"}
)
#: What PostgreSQL reports of itself. Without a connection Barman guesses.
_NEEDS_ANOTHER_SERVER_STATE = frozenset(
    {
        "archive_mode",
        "no_access_to_backup_functions",
        "no_access_to_monitoring_functions",
        "postgres_minimal_version",
        "postgresql_server_is_standby",
        "primary_and_standby_have_same_system_id",
        "systemid_coherence",
        "wal_level",
        "wal_level_(wal_streaming)",
    }
)


@dataclass(frozen=True)
class Circumstances:
    """connected: PostgreSQL answers Barman. backup_arrives: a backup is being taken, or copied from another Barman."""

    connected: bool
    backup_arrives: bool


def can_heal(key: str, circumstances: Circumstances) -> bool:
    """Whether this failed check can succeed without anybody doing anything."""
    if key in _NEEDS_A_BACKUP:
        return circumstances.backup_arrives
    if key in _NEEDS_ANOTHER_SERVER_STATE:
        return not circumstances.connected
    return key not in _NEEDS_A_PERSON


def gap_can_heal(*, passive: bool, streaming: bool, archiving: bool) -> bool:
    """Whether WAL segments that are missing before later ones can still arrive.

    Streaming and archive_command each deliver segments in order. With both, the slower one may still bring what the other one lacks
    (gap_state.py asks PostgreSQL whether it has passed them); a passive node may still copy them.
    """
    return passive or (streaming and archiving)
