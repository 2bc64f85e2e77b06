# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each JMESPath expression of docs/monitoring.md, with the result of module server_info for a fleet with every fault."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import jmespath
import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.disks import disk_of
from ansible_collections.pgdr.barman.plugins.module_utils._barman.ledger import DIRECTORY
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring import run
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.observe import SAMPLES, mount_of, observe_host
from ansible_collections.pgdr.barman.plugins.modules import server_info
from tests.conftest import REPOSITORY
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost, segment
from tests.unit.plugins.module_utils._monitoring.postgres_answers import NO_RECEIVER, SYSTEM, Fleet, member, row
from tests.unit.plugins.modules.running import run_main

PAGE = (REPOSITORY / "docs" / "monitoring.md").read_text(encoding="utf-8")
_RECIPE = re.compile(r"^(\S[^\n]*):\n\n```jmespath\n(.*?)```", re.MULTILINE | re.DOTALL)
RECIPES = {title: expression.strip() for title, expression in _RECIPE.findall(PAGE)}
STREAMING = {"streaming_archiver": "on", "slot_name": "barman", "backup_method": "postgres"}
NOW = datetime(2026, 11, 30, tzinfo=UTC).timestamp()
ENDED, MINUTE, TEN_MINUTES = "2026-11-20T08:00:00+00:00", "2026-11-29T23:59:00+00:00", "2026-11-29T23:50:00+00:00"
ALL = ["archiving", "away", "copy", "gap", "healthy", "new", "stopped"]
MEMBERS: dict[str, Any] = {"healthy healthy:5432": member(), "healthy standby:5432": HostError("nobody is there")}
EXPECTED: dict[str, Any] = {
    "Servers that could lose more than five minutes": ["away", "gap", "new"],
    "What limits the RPO of each server that could lose something": [
        {"name": "archiving", "limit": "archive_command_failing", "seconds": 60.0},
        {"name": "away", "limit": "postgresql_unreachable", "seconds": 600.0},
        {"name": "copy", "limit": "replication", "seconds": 60.0},
        {"name": "gap", "limit": "wal_missing", "seconds": 600.0},
        {"name": "new", "limit": "no_backup", "seconds": None},
        {"name": "stopped", "limit": "receiver_stopped", "seconds": 60.0},
    ],
    "The recovery window of each server": [
        {"name": "archiving", "from": ENDED, "to": MINUTE},
        {"name": "away", "from": ENDED, "to": TEN_MINUTES},
        {"name": "copy", "from": ENDED, "to": MINUTE},
        {"name": "gap", "from": ENDED, "to": TEN_MINUTES},
        {"name": "healthy", "from": ENDED, "to": MINUTE},
        {"name": "stopped", "from": ENDED, "to": MINUTE},
    ],
    "The earliest time to which all servers can be recovered": ENDED,
    "Servers without a valid backup in the last 26 hours": ALL,
    "Servers whose restore was never proven": [name for name in ALL if name != "healthy"],
    "Servers whose WAL receiver does not stream": ["away", "stopped"],
    "Replication slots that retain more than one GiB of WAL": [{"name": "stopped", "bytes": 2 << 30}],
    "Servers whose archive_command fails": [{"name": "archiving", "segment": segment(9)}],
    "Servers with missing WAL after the newest backup": ["gap"],
    "Failed backups with their reasons": [
        {"name": "new", "failed": [{"id": "20260101T000000", "error": "no space"}]},
    ],
    "PostgreSQL servers that do not answer": [{"name": "away", "error": "nobody is there"}],
    "Passive copies that are more than 30 minutes late": ["copy"],
    "The primary of each cluster": [{"name": "healthy", "primary": "healthy"}],
    "Members of clusters that do not answer": ["standby"],
    "Servers by their backup method": ["archiving"],
    "The bytes of all valid backups": 5 * 1000 + 1500,
    "The server with the largest backup": "stopped",
}


@pytest.fixture
def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """One server with each fault, and one without any."""
    host = BarmanHost(tmp_path)
    for name in ("away", "gap", "healthy", "new", "stopped"):
        hosts = "healthy,standby" if name == "healthy" else name
        host.server(name, conninfo=f"host={hosts} password=sesame", **STREAMING)
    host.server("archiving", conninfo="host=archiving", archiver="on", backup_method="rsync")
    copy = host.server("copy", primary_ssh_command="ssh barman@source")
    for name in ("archiving", "away", "copy", "gap", "healthy", "stopped"):
        size = 1500 if name == "stopped" else 1000
        host.backup(name, "20260101T000000", 5, end_time=ENDED, size=size, systemid=SYSTEM)
        host.wal(name, [5, 6, 8] if name == "gap" else [5, 6, 7, 8])
        for path in (host.home / name / "wals").glob("*/*"):
            moment = NOW - (600 if name in ("away", "gap") else 60)
            os.utime(path, (moment, moment))
    host.backup("new", "20260101T000000", 5, status="FAILED", error="no space")
    source: dict[str, Any] = {"version": "3.13.3", "wals": [], "last_name": "", "config": {}}
    source["backups"] = {"20200101T000000": {"end_time_iso": "2020-01-01T00:00:00+00:00"}}
    (copy / "primary.info").write_text(json.dumps(source))
    drill = {"version": 1, "id": "1", "kind": "drill", "server": "healthy", "time": ENDED, "result": "passed"}
    ledger = host.home / DIRECTORY
    ledger.mkdir(parents=True)
    (ledger / "healthy.jsonl").write_text(json.dumps(drill) + "\n")
    free = disk_of(str(host.home))
    assert free is not None
    samples = [[NOW - 86400, free.free + free.free // 10]]
    (host.home / SAMPLES).write_text(json.dumps({"disks": {mount_of(str(host.home)): samples}}))
    for name in ("gap", "healthy", "new"):
        (host.home / f".{name}-receive-wal.lock").write_text("4711")
    fleet = Fleet(
        archiving=row("0/9000100", **NO_RECEIVER, last_failed_wal=segment(9), last_failed_time=2000.0),
        away=HostError("nobody is there"),
        gap=row(),
        healthy=row(),
        **MEMBERS,
        new=row(),
        stopped=row(lsn="0/89000000", restart_lsn="0/9000000", **NO_RECEIVER),
    )
    monkeypatch.setattr(run, "barman_from", lambda params: host.barman)
    monkeypatch.setattr(run, "ask_all", fleet)
    process = "barman receive-wal gap healthy new"
    monkeypatch.setattr(run, "observe_host", partial(observe_host, clock=lambda: NOW, process=lambda pid: process))
    return run_main(server_info.main, capsys, config_file=str(host.main))


def test_the_page_has_these_recipes() -> None:
    assert [title for title in RECIPES if title not in EXPECTED] == [
        "All problems",
        "File systems that are full in less than 30 days",
    ]
    assert set(EXPECTED) <= set(RECIPES)


@pytest.mark.parametrize("title", EXPECTED)
def test_recipe(title: str, answer: dict[str, Any]) -> None:
    assert jmespath.search(RECIPES[title], answer) == EXPECTED[title]


def test_all_problems(answer: dict[str, Any]) -> None:
    found = jmespath.search(RECIPES["All problems"], answer)
    assert [one["name"] for one in found] == ["copy", "gap", "new"]
    assert f"WAL segments {segment(7)} missing" in str(found)


def test_file_systems(answer: dict[str, Any], tmp_path: Path) -> None:
    title = "File systems that are full in less than 30 days"
    assert jmespath.search(RECIPES[title], answer) == [mount_of(str(tmp_path))]


def test_no_password(answer: dict[str, Any]) -> None:
    assert "sesame" not in json.dumps(answer)
