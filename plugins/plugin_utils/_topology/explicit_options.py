# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of Barman's options the inventory sets itself; the values of the others are defaults of this collection.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...module_utils._barman.option_table import HOOKS
from .model import BackupServer, PostgresServer

#: By variable of the inventory, the options that follow from it. Of a connection string each parameter counts by itself.
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "barman_address": ("ssh_command.host",),
    "barman_backup_method": ("backup_method",),
    "barman_hooks": tuple(HOOKS),
    "barman_incremental": ("reuse_backup",),
    "barman_minimum_redundancy": ("minimum_redundancy",),
    "barman_postgres_database": ("conninfo.dbname",),
    "barman_postgres_host": ("conninfo.host",),
    "barman_postgres_os_user": ("ssh_command.user",),
    "barman_postgres_port": ("conninfo.port",),
    "barman_postgres_user": ("conninfo.user",),
    "barman_primary": ("primary_conninfo", "wal_conninfo", "wal_streaming_conninfo"),
    "barman_retention_policy": ("retention_policy",),
    "barman_s3": tuple(HOOKS),
    "barman_slot_name": ("slot_name",),
    "barman_ssh_port": ("ssh_command.port",),
    "barman_sslmode": ("conninfo.sslmode",),
    "barman_streaming_user": ("streaming_conninfo.user",),
    "barman_wal": ("archiver", "streaming_archiver"),
}
_GLOBAL_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "barman_configuration_directory": ("configuration_files_directory",),
    "barman_home": ("barman_home",),
    "barman_hooks": tuple(HOOKS),
    "barman_s3": tuple(HOOKS),
    "barman_user": ("barman_user",),
}


def given_options(server: PostgresServer) -> list[str]:
    """The options of the server's entry."""
    return _of(server.given, _OPTIONS, server.options)


def given_global_options(backup: BackupServer) -> list[str]:
    """The options of the [barman] section."""
    return _of(backup.given, _GLOBAL_OPTIONS, backup.global_options)


def _of(variables: frozenset[str], table: Mapping[str, tuple[str, ...]], own: Mapping[str, object]) -> list[str]:
    found = set(own)
    for variable in variables:
        found.update(table.get(variable, ()))
    return sorted(found)
