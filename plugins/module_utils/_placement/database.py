# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The size of a PostgreSQL server's databases, how fast its WAL grows, and two settings.

This module util is private to the collection. The queries are read-only, and go through the socket of the host.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from .._cluster_info.run import cluster_facts
from .._host.process import HostError, Runner
from .._postgres.server_address import Address

#: pg_stat_wal (PostgreSQL 14) is a mean. Shorter statistics are not better than a measurement.
_LONG_STATISTICS = 3600.0
_STATE = """
SELECT (SELECT pg_catalog.sum(pg_catalog.pg_database_size(oid)) FROM pg_catalog.pg_database),
    pg_catalog.current_setting('data_checksums'),
    (SELECT CASE WHEN setting = '-1' THEN -1 ELSE setting::bigint * 1048576 END FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size')
"""
_POSITION = """
SELECT pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery() THEN
    coalesce(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn()) ELSE pg_catalog.pg_current_wal_lsn() END, '0/0')
"""
_STATISTICS = """
SELECT wal_bytes, extract(epoch FROM pg_catalog.now() - stats_reset) FROM pg_catalog.pg_stat_wal WHERE NOT pg_catalog.pg_is_in_recovery()
"""
Sleep = Callable[[float], None]


def database_facts(
    postgres: Mapping[str, Any], seconds: float, runner: Runner, sleep: Sleep = time.sleep, proc: str = "/proc"
) -> dict[str, Any]:
    """The facts of the server on the port. Raises HostError if there is none, or if it can't be queried."""
    cluster = cluster_facts(_identification(postgres), runner, proc)["cluster"]
    if not cluster["running"] or not cluster["socket_directory"] or not cluster["bin_directory"]:
        raise HostError(f"the PostgreSQL server on port {cluster['port']} does not run, or has no socket")
    address = Address(
        cluster["bin_directory"],
        user=cluster["owner"] or "postgres",
        database_user=postgres["login_user"],
        socket_directory=cluster["socket_directory"],
        port=cluster["port"],
        runner=runner,
    )
    ((size, checksums, limit),) = address.query(_STATE)
    rate, source = wal_rate(address, seconds, int(cluster["version"] or 0), sleep)
    return {
        "data_directory": cluster["data_directory"],
        "size": int(float(size or 0)),
        "wal_rate": rate,
        "wal_rate_source": source,
        "checksums": checksums == "on",
        "slot_limit": int(limit or -1),
    }


def wal_rate(address: Address, seconds: float, version: int, sleep: Sleep) -> tuple[float | None, str]:
    """Bytes of WAL a second: the mean of the statistics if they are long enough, else measured."""
    if version >= 14:
        for written, covered in address.query(_STATISTICS):
            if covered and float(covered) >= _LONG_STATISTICS:
                return round(float(written or 0) / float(covered), 1), "pg_stat_wal"
    if seconds <= 0:
        return None, ""
    started = time.monotonic()
    first = _position(address)
    sleep(seconds)
    last = _position(address)
    if first is None or last is None:
        return None, ""
    elapsed = max(time.monotonic() - started, seconds)
    return round(max(0.0, last - first) / elapsed, 1), "measured"


def _position(address: Address) -> float | None:
    ((position,),) = address.query(_POSITION)
    return None if position is None else float(position)


def _identification(postgres: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of cluster_facts that identify the server; nothing of it is compared with a declaration."""
    return {
        "port": postgres["port"],
        "version": None,
        "cluster": None,
        "service": None,
        "data_directory": None,
        "socket_directory": postgres["socket_directory"],
        "login_user": postgres["login_user"],
        "pending_restart": False,
        "refuse_managed": False,
        "system_identifier": None,
        "replace_system": None,
        "directories": [],
        "tablespaces": [],
    }
