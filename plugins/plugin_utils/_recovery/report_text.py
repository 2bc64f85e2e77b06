# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a recovery as the lines that a person reads at its end.

Private to the collection. Pure: no input or output.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .plan_text import plan_line


def report_lines(found: Mapping[str, Any], *, notes: Sequence[str] = (), problems: Sequence[str] = ()) -> list[str]:
    """The lines, each with a heading as those of the plan. found: the report."""
    parts = (
        _recovered(found),
        _queries(found["test"]["queries"]),
        _old_data(found),
        () if found.get("directory") else _service(found),
        (plan_line("Note", text) for text in notes),
        (plan_line("Problem", text) for text in problems),
    )
    return [line for part in parts for line in part]


def _recovered(found: Mapping[str, Any]) -> Iterator[str]:
    yield plan_line("Server", found["server"])
    if found.get("directory"):
        yield plan_line("Recovered to", f"{found['directory']} on {found['backup_server']}; it is not started there")
    else:
        yield plan_line("Recovered to", f"{found['data_directory']} on {found['host']}, timeline {found['timeline']}")
    yield plan_line("From", f"backup {found['backup_id']} of {found['backup_end_time']}, on {found['backup_server']}")
    target, reached = found["target"], found["reached"]
    yield plan_line("Target", f"{target['kind']} {target['value'] or ''}".rstrip())
    yield plan_line("Last commit", f"{reached.get('time') or 'unknown'}, at {reached['lsn']}")


def _queries(queries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not queries:
        yield plan_line("Queries", "none were given (barman_recover_queries)")
    for query in queries:
        values = [row[0] if len(row) == 1 else row for row in query.get("rows") or ()]
        answer = json.dumps(values[0] if len(values) == 1 else values, ensure_ascii=False)
        expected = ", as expected" if query.get("matched") else ""
        where = f"in {query['database']}, " if query.get("database") else ""
        yield plan_line("Query", f"{where}{query['query']}: {answer}{expected}")


def _old_data(found: Mapping[str, Any]) -> Iterator[str]:
    for moved in found.get("moved_aside") or ():
        unproven = " (a restore that was never proven)" if moved.get("unproven") else ""
        yield plan_line("Old data", f"{moved['to']}{unproven}")


def _service(found: Mapping[str, Any]) -> Iterator[str]:
    yield plan_line("Writes after", f"{found['rto_seconds']} s, from the confirmation")
    yield plan_line("Takes writes", "yes" if found["takes_writes"] else f"NO: {found['takes_writes_reason']}")
    backup = found["new_backup"]
    missing = "; ".join(found["protection_missing"]) or "see the problems below"
    yield plan_line("Protected", f"yes, new backup {backup}" if found["protected"] else f"NO: {missing}")
