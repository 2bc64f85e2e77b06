# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server's entry in the words of the inventory, without secrets.

This module util is private to the collection. Nothing here reads files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._barman.configuration import ServerConfiguration
from .._barman.masking import mask
from .._barman.option_table import DIRECTORIES, HOOKS, SECRET_OPTIONS
from .._barman.options import parse_bool
from .._postgres.conninfo import conninfo_words, hosts_of

_NUMBER = re.compile(r"-?[0-9]+")
#: Options that have a variable of their own, or follow from one.
_DERIVED = frozenset(
    (
        "active",
        "archiver",
        "backup_method",
        "backup_options",
        "conninfo",
        "create_slot",
        "description",
        "minimum_redundancy",
        "model",
        "path_prefix",
        "primary_conninfo",
        "primary_ssh_command",
        "retention_policy",
        "reuse_backup",
        "slot_name",
        "ssh_command",
        "streaming_archiver",
        "streaming_archiver_name",
        "streaming_conninfo",
        "wal_conninfo",
        "wal_streaming_conninfo",
        *DIRECTORIES,
        *HOOKS,
    )
)


def declared(
    entry: ServerConfiguration, global_options: Mapping[str, str], *, increments: bool, synchronous: bool
) -> dict[str, Any]:
    """The variables that describe the server. global_options: those of the [barman] section.

    increments: whether there are block-level increments. synchronous: whether commits wait for the WAL receiver. Barman's
    configuration has neither.
    """
    found: dict[str, Any] = {"barman_server_name": entry.name}
    if not entry.passive:
        found.update(_source(entry, increments=increments, synchronous=synchronous))
    found["barman_retention_policy"] = entry.get("retention_policy") or ""
    found["barman_minimum_redundancy"] = _redundancy(entry.get("minimum_redundancy") or "0")
    found["barman_options"] = {
        name: _typed(value)
        for name, value in sorted(entry.options.items())
        if value not in ("", global_options.get(name)) and name not in _DERIVED and name not in SECRET_OPTIONS
    }
    return found


def _source(entry: ServerConfiguration, *, increments: bool, synchronous: bool) -> dict[str, Any]:
    words = conninfo_words(entry.conninfo)
    hosts = hosts_of(words)
    if len(hosts) > 1:
        # Each member has a host and a port of its own; server_info returns them as "cluster".
        words = {name: value for name, value in words.items() if name not in ("host", "hostaddr", "port")}
    reuse = entry.get("reuse_backup")
    port = "" if len(hosts) > 1 else words.get("port") or "5432"
    return {
        "barman_cluster": entry.name if len(hosts) > 1 else None,
        "barman_backup_method": entry.get("backup_method") or "rsync",
        "barman_wal": [
            name
            for name, option in (("streaming", "streaming_archiver"), ("archiving", "archiver"))
            if entry.flag(option)
        ],
        "barman_incremental": reuse if reuse in ("link", "copy") else "block" if increments else "none",
        "barman_synchronous": synchronous,
        "barman_slot_name": entry.get("slot_name") if entry.flag("streaming_archiver") else None,
        "barman_postgres_host": words.get("host") or words.get("hostaddr"),
        "barman_postgres_port": int(port) if port.isdigit() else None,
        "barman_postgres_database": words.get("dbname"),
        "barman_postgres_user": words.get("user"),
        "barman_streaming_user": conninfo_words(entry.get("streaming_conninfo") or "").get("user"),
        "barman_sslmode": words.get("sslmode"),
    }


def _redundancy(value: str) -> int | None:
    """None for a value that is no number, which Barman ignores."""
    return int(value) if _NUMBER.fullmatch(value) else None


def _typed(value: str) -> Any:
    """A number or a Boolean as such. "on" is none of Barman's numbers."""
    if _NUMBER.fullmatch(value):
        return int(value)
    if value.lower() in ("on", "off", "true", "false"):
        return parse_bool(value)
    return mask(value)
