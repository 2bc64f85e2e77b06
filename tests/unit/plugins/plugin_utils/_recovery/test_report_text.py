# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads at the end of a recovery."""

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.report_text import report_lines

FOUND: dict[str, Any] = {
    "server": "pg",
    "host": "pg",
    "backup_server": "backup",
    "backup_id": "20261120T070000",
    "backup_end_time": "2026-11-20T07:00:09+00:00",
    "target": {"kind": "time", "value": "2026-11-20T08:15:00+00:00"},
    "reached": {"time": "2026-11-20T08:14:25+00:00", "lsn": "0/50CA0B8"},
    "data_directory": "/srv/main",
    "timeline": 2,
    "test": {
        "queries": [
            {"database": "shop", "query": "SELECT count(*) FROM orders", "rows": [["11424"]], "matched": True},
            {"database": "shop", "query": "SELECT a, b FROM t", "rows": [["1", "x"], ["2", "y"]], "matched": None},
        ]
    },
    "moved_aside": [{"from": "/srv/main", "to": "/srv/main.20261120T083000Z", "unproven": False}],
    "rto_seconds": 24.4,
    "takes_writes": True,
    "takes_writes_reason": "",
    "protected": True,
    "protection_missing": [],
    "new_backup": "20261120T090000",
}


def test_the_lines_of_a_recovery_in_place() -> None:
    assert report_lines(FOUND) == [
        "Server:          pg",
        "Recovered to:    /srv/main on pg, timeline 2",
        "From:            backup 20261120T070000 of 2026-11-20T07:00:09+00:00, on backup",
        "Target:          time 2026-11-20T08:15:00+00:00",
        "Last commit:     2026-11-20T08:14:25+00:00, at 0/50CA0B8",
        'Query:           in shop, SELECT count(*) FROM orders: "11424", as expected',
        'Query:           in shop, SELECT a, b FROM t: [["1", "x"], ["2", "y"]]',
        "Old data:        /srv/main.20261120T083000Z",
        "Writes after:    24.4 s, from the confirmation",
        "Takes writes:    yes",
        "Protected:       yes, new backup 20261120T090000",
    ]


def test_what_is_not_as_it_should_be_stands_out() -> None:
    found = {
        **FOUND,
        "takes_writes": False,
        "takes_writes_reason": "nobody receives",
        "protected": False,
        "protection_missing": ["no new backup"],
        "test": {"queries": []},
    }
    lines = report_lines(found, notes=["Rebuild indexes."], problems=["pg is not protected"])
    assert "Queries:         none were given (barman_recover_queries)" in lines
    assert lines[-4:] == [
        "Takes writes:    NO: nobody receives",
        "Protected:       NO: no new backup",
        "Note:            Rebuild indexes.",
        "Problem:         pg is not protected",
    ]


def test_a_directory_is_no_server() -> None:
    found = {
        **{name: value for name, value in FOUND.items() if name not in ("host", "data_directory", "moved_aside")},
        "directory": "/srv/copy",
    }
    lines = report_lines(found)
    assert "Recovered to:    /srv/copy on backup; it is not started there" in lines
    assert not [line for line in lines if line.startswith(("Protected", "Takes writes", "Old data"))]
