# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drill returns and records.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from .._host.sizes import human_size
from .._postgres import wal
from .._verify.expectation import rows_text
from .stopwatch import RECOVERY_PHASES


def checks_facts(verified: Mapping[str, Any], test: Mapping[str, Any]) -> dict[str, Any]:
    """Which checks ran. verified: of the backup and the WAL. test: what the verification of the restored cluster returned until its end."""
    return {
        "backup": _verified(verified.get("backup")),
        "wal": _verified(verified.get("wal")),
        "queries": [_query(one) for one in test.get("queries") or []],
        "amcheck": dict(test.get("amcheck") or {"status": "skipped"}),
        "checksums": dict(test.get("checksums") or {"status": "skipped"}),
    }


def _room(facts: Mapping[str, Any]) -> str:
    free = facts["free_bytes"]
    return f" on {facts['drill_host']}" if free is None else f" of {human_size(free)} free"


def _verified(part: Mapping[str, Any] | None) -> dict[str, Any]:
    found = part or {}
    keys = ("status", "reason", "files", "segments", "bytes", "seconds")
    return {"status": "skipped", **{key: found[key] for key in keys if found.get(key) not in (None, "")}}


def _query(result: Mapping[str, Any]) -> dict[str, Any]:
    """A query. Its answer is recorded only if the user wrote the expected one: other answers may be anybody's data."""
    found = {key: result[key] for key in ("database", "query", "matched") if key in result}
    if "expect" in result:
        rows = result.get("rows")
        return {**found, "expect": result["expect"], "answer": None if rows is None else rows_text(rows)}
    return {**found, "rows": len(result.get("rows") or [])}


def rpo_facts(reached: Mapping[str, Any], now: datetime, server_lsn: int | None, *, to_end: bool) -> dict[str, Any]:
    """Up to where the drill proves that the data can be recovered.

    reached: position and time of the last replayed commit. server_lsn: where the server was when the drill started; None if that is not
    known. to_end: whether the target was the end of the archived WAL.
    """
    moment = commit_time(reached.get("time"))
    behind: int | None = None
    if to_end and server_lsn is not None and reached.get("lsn"):
        behind = max(0, server_lsn - wal.parse_lsn(str(reached["lsn"])))
    return {
        "commit_time": None if moment is None else moment.isoformat(),
        "lsn": reached.get("lsn"),
        "age_seconds": None if moment is None else max(0, round((now - moment).total_seconds())),
        "server_lsn": None if server_lsn is None else wal.format_lsn(server_lsn),
        "bytes_behind": behind,
    }


def commit_time(text: Any) -> datetime | None:
    """A time as PostgreSQL writes it with DateStyle ISO, or as this collection does; None if it is none."""
    if not text:
        return None
    written = str(text).replace("Z", "+00:00")
    # Python before 3.11 reads neither a zone without minutes nor fewer than six digits of a second.
    if len(written) > 3 and written[-3] in "+-":
        written += ":00"
    main, sign, zone = written[:19], "", ""
    rest = written[19:]
    for one in "+-":
        if one in rest:
            fraction, sign, zone = rest.partition(one)
            break
    else:
        fraction = rest
    digits = fraction.lstrip(".").ljust(6, "0")[:6]
    try:
        moment = datetime.fromisoformat(f"{main}.{digits}{sign}{zone}")
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)


def recovery_seconds(phases: Mapping[str, float]) -> float | None:
    """The RTO that the drill measured: from the order to a server at its target; None if it did not get there."""
    if "replay" not in phases:
        return None
    return round(sum(phases.get(phase, 0.0) for phase in RECOVERY_PHASES), 2)


def problems_of(drills: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Each failed drill in a sentence."""
    return [
        f"server '{name}': the drill failed in phase {facts['failed_phase']}: {facts['reason']}"
        for name, facts in drills.items()
        if facts["result"] == "failed"
    ]


def summary(drills: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """A line for each drill, for a program that prints it."""
    lines: list[str] = []
    for name, facts in drills.items():
        if facts["result"] == "failed":
            continue
        if facts["result"] == "planned":
            lines.append(
                f"server '{name}': backup {facts['backup_id']} would be restored to {facts['directory']}: "
                f"{human_size(facts['bytes'])}{_room(facts)}"
            )
            continue
        until = (facts.get("rpo") or {}).get("commit_time") or "its target"
        lines.append(
            f"server '{name}': backup {facts['backup_id']} was restored and replayed to {until} in {facts['rto_seconds']} s"
        )
    return [*lines, *problems_of(drills)]
