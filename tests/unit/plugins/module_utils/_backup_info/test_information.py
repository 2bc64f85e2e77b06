# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._backup_info import information
from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import CatalogError
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import ConfigurationError
from ansible_collections.pgdr.barman.plugins.module_utils._host.progress import Progress
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost, segment

NOW = datetime(2026, 11, 20, 9, 0, 0, tzinfo=UTC)


@pytest.fixture
def host(tmp_path: Path) -> BarmanHost:
    found = BarmanHost(tmp_path)
    found.server("pg", description="Orders", retention_policy="REDUNDANCY 2")
    found.backup("pg", "20260101T000000", 5, size=100, begin_time="2026-11-20 07:59:50+00:00")
    found.backup("pg", "20260102T000000", 7)
    found.backup("pg", "20260103T000000", 9, status="FAILED", error="disk full")
    found.statuses = {"pg": {"20260101T000000": "OBSOLETE", "20260102T000000": "-", "20260103T000000": "-"}}
    found.wal("pg", [5, 6, 7, 9])
    return found


def gather(host: BarmanHost, names: list[str] | None = None, backup_id: str | None = None) -> information.Information:
    return information.gather(host.barman, names, backup_id, NOW, lambda pid: True)


def pg(host: BarmanHost, **options: Any) -> Any:
    return gather(host, **options).servers["pg"]


def test_backups(host: BarmanHost) -> None:
    found = pg(host)
    assert [(item["backup_id"], item["status"]) for item in found["backups"]] == [
        ("20260101T000000", "DONE"),
        ("20260102T000000", "DONE"),
        ("20260103T000000", "FAILED"),
    ]
    first = found["backups"][0]
    assert (first["size"], first["age"], first["duration"]) == (100, 3600, 10.0)
    assert (found["latest_backup_id"], found["latest_backup_age"]) == ("20260102T000000", 3600)
    assert (found["description"], found["active"], found["passive"]) == ("Orders", True, False)
    assert found["backups"][2]["error"] == "disk full"


def test_an_operation_on_several_servers_is_shown_with_each_of_them(host: BarmanHost) -> None:
    for name in ("other", "third"):
        host.server(name)
    operation = Progress(str(host.home), "check", ["pg", "other"])
    operation.update("checking", servers_done=1)
    found = gather(host).servers
    assert {name: [one["phase"] for one in server["operations"]] for name, server in found.items()} == {
        "pg": ["checking"],
        "other": ["checking"],
        "third": [],
    }
    assert [one["servers"] for one in found["pg"]["operations"]] == [["pg", "other"]]
    operation.close()


def test_retention_status_distinguishes_needed_and_unknown(host: BarmanHost) -> None:
    assert [item["retention_status"] for item in pg(host)["backups"]] == ["OBSOLETE", "VALID", None]
    host.server("free")
    host.backup("free", "20260101T000000", 1)
    host.statuses["free"] = {"20260101T000000": "-"}
    assert gather(host).servers["free"]["backups"][0]["retention_status"] is None


def test_barman_is_asked_once_for_all(host: BarmanHost) -> None:
    host.server("other")
    host.backup("other", "20260101T000000", 1)
    host.server("empty")
    gather(host)
    assert host.calls == [["list-backups", "other", "pg"]]


def test_without_barman_s_answer_the_rest_is_returned(host: BarmanHost) -> None:
    host.stderr = "ERROR: broken"
    found = gather(host)
    assert found.servers["pg"]["backups"][0]["retention_status"] is None
    assert "Barman did not report which backups its retention policy needs" in found.warnings[0]
    assert "ERROR: broken" in found.warnings[0]


def test_wal(host: BarmanHost) -> None:
    wals = host.home / "pg" / "wals" / segment(9)[:16] / segment(9)
    moment = NOW.timestamp() - 42
    os.utime(wals, (moment, moment))
    (host.home / "pg" / "streaming" / segment(10)).write_text("")
    partial = host.home / "pg" / "streaming" / (segment(11) + ".partial")
    partial.write_bytes(b"0" * 77)
    os.utime(partial, (NOW.timestamp() - 2, NOW.timestamp() - 2))
    assert pg(host)["wal"] == {
        "first": segment(5),
        "last": segment(9),
        "count": 4,
        "size": 40,
        "last_time": "2026-11-20T08:59:18+00:00",
        "last_age": 42,
        "waiting": 1,
        "timelines": [1],
        "gaps": [{"first": segment(8), "last": segment(8), "count": 1, "after_latest_backup": True}],
        "gaps_unknown": None,
        "windows": [
            {
                "backups": ["20260101T000000", "20260102T000000"],
                "begin_time": pg(host)["backups"][0]["end_time"],
                "begin_lsn": pg(host)["backups"][0]["end_lsn"],
                "last_wal": segment(7),
                "missing": segment(8),
            }
        ],
        "partial": {"name": segment(11), "size": 77, "time": "2026-11-20T08:59:58+00:00", "age": 2},
    }


def test_wal_that_is_missing_between_two_backups_makes_two_windows(host: BarmanHost) -> None:
    host.backup("pg", "20260104T000000", 9)
    windows = pg(host)["wal"]["windows"]
    assert [(one["backups"], one["last_wal"], one["missing"]) for one in windows] == [
        (["20260101T000000", "20260102T000000"], segment(7), segment(8)),
        (["20260104T000000"], segment(9), None),
    ]


def test_a_new_server_has_nothing(host: BarmanHost) -> None:
    (host.directory / "new.conf").write_text("[new]\n")
    found = gather(host, ["new"]).servers["new"]
    assert (found["backups"], found["latest_backup_id"], found["latest_backup_age"]) == ([], None, None)
    assert (found["wal"]["first"], found["wal"]["count"], found["wal"]["partial"]) == (None, 0, None)
    assert host.calls == []


def test_wal_in_a_cloud(host: BarmanHost) -> None:
    host.server("cloud", wals_directory="s3://bucket/x")
    assert gather(host, ["cloud"]).servers["cloud"]["wal"] is None


@pytest.mark.parametrize(
    ("requested", "found"), [("latest", 2), ("oldest", 1), ("last-failed", 3), ("20260101T000000", 1)]
)
def test_one_backup(host: BarmanHost, requested: str, found: int) -> None:
    assert [item["backup_id"] for item in pg(host, backup_id=requested)["backups"]] == [f"2026010{found}T000000"]
    assert pg(host, backup_id=requested)["latest_backup_id"] == "20260102T000000"


def test_a_shortcut_that_a_server_has_not(host: BarmanHost) -> None:
    host.server("empty")
    assert gather(host, ["empty"], "latest").servers["empty"]["backups"] == []


def test_an_id_that_one_server_has(host: BarmanHost) -> None:
    host.server("empty")
    found = gather(host, backup_id="20260101T000000").servers
    assert [len(found[name]["backups"]) for name in ("empty", "pg")] == [0, 1]


def test_an_id_that_no_server_has(host: BarmanHost) -> None:
    with pytest.raises(CatalogError, match="no server of this host has a backup '2025'; the module searched: pg"):
        gather(host, backup_id="2025")


def test_an_unknown_server(host: BarmanHost) -> None:
    with pytest.raises(ConfigurationError, match="no server 'x'"):
        gather(host, ["x"])


def test_running_operations(host: BarmanHost) -> None:
    host.home.mkdir(exist_ok=True)
    moments = iter([NOW.timestamp() - 60, NOW.timestamp() - 1])
    Progress(str(host.home), "backup", "pg", clock=lambda: next(moments)).update("copying", bytes_done=5)
    Progress(str(host.home), "backup", "other", clock=NOW.timestamp).update("copying")
    operations = pg(host)["operations"]
    assert len(operations) == 1
    assert operations[0] == {
        "operation": "backup",
        "server": "pg",
        "phase": "copying",
        "bytes_done": 5,
        "pid": os.getpid(),
        "started": "2026-11-20T08:59:00+00:00",
        "updated": "2026-11-20T08:59:59+00:00",
        "duration": 60,
        "phase_started": "2026-11-20T08:59:59+00:00",
        "phase_duration": 1,
    }


def test_the_answer_is_plain_data(host: BarmanHost) -> None:
    found = gather(host).servers
    assert json.loads(json.dumps(found)) == found
