# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the ledgers of a backup server have of drills. Reads files only.

This module util is private to the collection.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from .._barman.arguments import barman_from
from .._barman.catalog import latest
from .._barman.configuration import read
from .._barman.ledger import Ledger, LedgerRecord, read_ledger
from .._barman.server import Server
from .._host.process import HostError
from .._host.result import Result
from .._postgres import wal
from .evidence import html_document, markdown
from .forecast import RestoredBytes, forecast, measured

_DOCUMENTS: Mapping[str, Callable[[Mapping[str, Ledger], str, datetime], str]] = {
    "markdown": markdown,
    "html": html_document,
}


def drill_information(params: Mapping[str, Any], *, check_mode: bool, clock: Callable[[], float] = time.time) -> Result:
    """The operation of the module drill_info. Raises HostError."""
    barman = barman_from(params)
    configuration = read(params["config_file"], params["barman_user"])
    names = sorted(configuration.servers) if params["servers"] is None else list(dict.fromkeys(params["servers"]))
    now = datetime.fromtimestamp(clock(), timezone.utc)
    ledgers: dict[str, Ledger] = {}
    servers: dict[str, dict[str, Any]] = {}
    warnings: list[str] = []
    for name in names:
        server = Server(barman, configuration.server(name))
        ledgers[name] = ledger = read_ledger(configuration.home, name)
        size, reason = current_size(server)
        servers[name] = server_facts(ledger, size, now, most=params["most"])
        servers[name]["forecast_reason"] = reason
        warnings += [
            f"server '{name}': line {one.number} of its ledger can't be read: {one.reason}" for one in ledger.unreadable
        ]
    document = _DOCUMENTS.get(params["evidence"])
    evidence = "" if document is None else document(ledgers, socket.gethostname(), now)
    return Result(values={"servers": servers, "evidence": evidence}, warnings=warnings)


def current_size(server: Server) -> tuple[RestoredBytes | None, str]:
    """The bytes that a recovery of the newest valid backup to the end would restore; None with the reason."""
    try:
        backup = latest(server.backups)
        if backup is None or backup.begin_wal is None:
            return None, "the server has no valid backup"
        first, size = wal.parse_segment(backup.begin_wal), server.segment_size
        count = sum(1 for one in server.archive.segments if one.number(size) >= first.number(size))
    except HostError as exc:
        return None, str(exc)
    return RestoredBytes(max(backup.size or 0, backup.cluster_size or 0), count * size), ""


def server_facts(ledger: Ledger, size: RestoredBytes | None, now: datetime, *, most: int) -> dict[str, Any]:
    """What the module returns of a server. most: of the newest drills."""
    drills = ledger.of_kind("drill")
    return {
        "proven": _with_age(ledger.proven_restore(now), now),
        "last": _with_age(ledger.last("drill"), now),
        "drills": [record.as_dict() for record in reversed(drills)][:most],
        "unreadable": [{"line": one.number, "reason": one.reason} for one in ledger.unreadable],
        "forecast": None if size is None else forecast(measured(ledger.records), size),
    }


def _with_age(record: LedgerRecord | None, now: datetime) -> dict[str, Any] | None:
    if record is None:
        return None
    return {**record.as_dict(), "age_seconds": max(0, int((now - record.time).total_seconds()))}
