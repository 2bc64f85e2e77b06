# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.archive import Archive
from ansible_collections.pgdr.barman.plugins.module_utils._check.last_received import (
    LastReceived,
    ServerPosition,
    newest,
    text,
)
from ansible_collections.pgdr.barman.plugins.module_utils._check.servers import check_servers
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost, segment

MIB = 1024 * 1024
NOW = 1_000_000_000.0


@pytest.fixture
def host(tmp_path: Path) -> BarmanHost:
    return BarmanHost(tmp_path)


def parsed(number: int) -> wal.Segment:
    return wal.parse_segment(segment(number))


def test_the_newest_is_a_partial_one_if_that_comes_last() -> None:
    archive = Archive({parsed(5): "five", parsed(6): "six"}, {parsed(7): "seven"}, {})
    assert newest(archive, {"seven": 7.0}.__getitem__) == LastReceived(parsed(7), complete=False, time=7.0)
    assert newest(Archive({parsed(5): "five"}, {}, {}), {"five": 5.0}.__getitem__) == LastReceived(
        parsed(5), complete=True, time=5.0
    )
    assert newest(Archive({}, {}, {})) is None


def test_since_when_and_how_many_bytes_are_at_risk() -> None:
    last = LastReceived(parsed(5), complete=True, time=NOW - 90)
    assert text(last, NOW, 16 * MIB, None) == (
        f"the last WAL received is segment {segment(5)}, written at 2001-09-09 01:45:10+00, 90 s ago; "
        "commits since then may be on that server alone"
    )
    assert text(last, NOW, 16 * MIB, ServerPosition(6 * 16 * MIB + 1000)).endswith(
        "up to 1000 bytes of WAL are on that server alone"
    )
    partial = LastReceived(parsed(6), complete=False, time=NOW)
    assert text(partial, NOW, 16 * MIB, ServerPosition(6 * 16 * MIB + 1000)).endswith(
        "up to 1000 bytes of WAL are on that server alone"
    )
    assert "is a part of segment" in text(partial, NOW, 16 * MIB, None)
    lost = text(last, NOW, 16 * MIB, ServerPosition(6 * 16 * MIB, lost="barman"))
    assert "invalidated replication slot 'barman'" in lost
    assert "barman_receiver_reset=when_needed" in lost
    assert "alone" not in lost
    assert "Barman has received no WAL yet" in text(None, NOW, 16 * MIB, None)


def test_a_check_during_a_network_cut_reports_how_far_it_is_behind(host: BarmanHost) -> None:
    host.server("pg", conninfo="host=pg user=barman", streaming_archiver="on")
    host.backup("pg", "20260101T000000", 5)
    host.wal("pg", [5, 6])
    for path in (host.home / "pg" / "wals").rglob(segment(6)):
        os.utime(path, (NOW, NOW))
    host.failed["pg"] = {"PostgreSQL": ""}

    def away(*_arguments: object, **_options: object) -> None:
        raise HostError("no route")

    answer = check_servers(host.barman, None, [], 0, connect=away)  # type: ignore[arg-type]
    hint = answer["servers"]["pg"]["checks"]["postgresql"]["hint"]
    assert hint.startswith(
        f"no route; the last WAL received is segment {segment(6)}, written at 2001-09-09 01:46:40+00"
    )
    assert hint.endswith("commits since then may be on that server alone")
