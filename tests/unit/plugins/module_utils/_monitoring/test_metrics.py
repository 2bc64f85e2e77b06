# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The metrics: their names, their values, and the format."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.exposition import (
    Family,
    MetricSample,
    exposition,
    number,
)
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.limits import Limits
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.metrics import PREFIX, families, metrics_text
from tests.unit.plugins.module_utils._monitoring.postgres_answers import NO_RECEIVER, row, standby
from tests.unit.plugins.module_utils._monitoring.watched_host import NOW, PG_1, PG_2, WatchedHost

SAMPLE = re.compile(r'[a-z_]+(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? (NaN|[+-]Inf|-?[0-9.e+-]+)')


@pytest.fixture
def host(tmp_path: Path) -> WatchedHost:
    return WatchedHost(tmp_path)


def values(host: WatchedHost, limits: Limits | None = None) -> dict[str, float]:
    """The samples of the server, by the names without the prefix, and those of the host."""
    found = {}
    for line in metrics_text(host.observe(), limits).splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            found[name[len(PREFIX) :].replace('{server="pg"}', "")] = float(value)
    return found


def test_the_members_of_a_cluster(tmp_path: Path) -> None:
    host = WatchedHost.cluster(tmp_path)
    host.members[PG_2] = HostError("nobody is there")
    members = {name: value for name, value in values(host).items() if name.startswith("cluster_member_")}
    assert members == {
        f'cluster_member_up{{server="pg",member="{PG_1}"}}': 1,
        f'cluster_member_up{{server="pg",member="{PG_2}"}}': 0,
        f'cluster_member_primary{{server="pg",member="{PG_1}"}}': 1,
        f'cluster_member_slot_present{{server="pg",member="{PG_1}"}}': 1,
        f'cluster_member_slot_active{{server="pg",member="{PG_1}"}}': 1,
    }
    host.members[PG_2] = standby()
    assert values(host)[f'cluster_member_primary{{server="pg",member="{PG_2}"}}'] == 0
    assert values(host)[f'cluster_member_slot_active{{server="pg",member="{PG_2}"}}'] == 0


def test_a_healthy_server(host: WatchedHost) -> None:
    found = values(host)
    assert found["active"] == 1
    assert found["server_readable"] == 1
    assert found["postgresql_up"] == 1
    assert found["receiver_streaming"] == 1
    assert found["backup_last_success_timestamp_seconds"] == NOW - 3600
    assert found["backup_last_duration_seconds"] == 60
    assert found["backup_last_size_bytes"] == 1000
    assert found["backup_maximum_age_seconds"] == 2 * 86400
    assert found["wal_last_archived_timestamp_seconds"] == NOW - 20
    assert found["recovery_window_start_timestamp_seconds"] == NOW - 3600
    assert found["recovery_window_end_timestamp_seconds"] == NOW - 20
    assert (found["rpo_seconds"], found["rpo_bytes"]) == (0, 0)
    assert found['rpo_limit_info{server="pg",limit="none"}'] == 1
    assert found['server_info{server="pg",backup_method="postgres",wal="streaming"}'] == 1
    assert found['check_ok{server="pg",check="wal_continuity"}'] == 1
    assert found['backups{server="pg",status="done"}'] == 1
    assert (found["servers"], found["metrics_timestamp_seconds"]) == (1, NOW)
    assert found["drill_last_success_timestamp_seconds"] == 0
    assert "drill_success" not in found
    assert "archiver_failed_total" not in found


def test_never_is_0_and_a_total_loss_is_infinite(host: WatchedHost) -> None:
    next((host.place / "meta").iterdir()).unlink()
    found = values(host)
    assert found["backup_last_success_timestamp_seconds"] == 0
    assert found["recovery_window_end_timestamp_seconds"] == 0
    assert found["rpo_seconds"] == float("inf")
    assert found['rpo_limit_info{server="pg",limit="no_backup"}'] == 1


def test_what_postgresql_alone_knows_is_absent_if_it_does_not_answer(host: WatchedHost) -> None:
    host.answer = HostError("nobody is there")
    found = values(host)
    assert (found["postgresql_up"], found["receiver_streaming"]) == (0, 0)
    assert found["rpo_seconds"] == 20
    assert [name for name in found if name.startswith(("slot_", "rpo_bytes", "synchronous"))] == []


def test_the_slot(host: WatchedHost) -> None:
    host.answer = row(lsn="0/A000000", restart_lsn="0/9000000", wal_status="lost", safe_wal_size=-5, **NO_RECEIVER)
    found = values(host)
    assert (found["slot_present"], found["slot_active"], found["slot_wal_lost"]) == (1, 0, 1)
    assert (found["slot_retained_bytes"], found["slot_safe_bytes"]) == (0x1000000, -5)


def test_the_archiver(tmp_path: Path) -> None:
    host = WatchedHost(tmp_path, archiver="on", streaming_archiver=None)
    host.answer = row(last_failed_time=1001.5, failed_count=3, **NO_RECEIVER)
    found = values(host)
    assert (found["archiver_archived_total"], found["archiver_failed_total"]) == (9, 3)
    assert found["archiver_last_failed_timestamp_seconds"] == 1001.5
    assert found["archiver_undelivered_segments"] == 0
    assert "slot_present" not in found
    assert "receiver_streaming" not in found


def test_drills(host: WatchedHost) -> None:
    host.record("drill", "passed", "2027-01-15T06:00:00+00:00")
    host.record("drill", "failed", "2027-01-15T07:00:00+00:00")
    found = values(host, Limits(drill={"pg": 604800.0}))
    assert found["drill_last_success_timestamp_seconds"] == NOW - 7200
    assert found["drill_last_timestamp_seconds"] == NOW - 3600
    assert found["drill_success"] == 0
    assert found["drill_maximum_age_seconds"] == 604800


def test_verifications(host: WatchedHost) -> None:
    limits = Limits(verification={"pg": 604800.0})
    found = values(host, limits)
    assert found["verification_last_timestamp_seconds"] == 0
    assert found["verification_unread_timestamp_seconds"] == NOW - 3600
    assert "verification_success" not in found
    damages = [{"backup_id": None, "problem": "a segment is wrong"}]
    host.record("verification", "failed", damages=damages, damaged_files=150, unread_since="2027-01-15T06:00:00+00:00")
    found = values(host, limits)
    assert found["verification_last_timestamp_seconds"] == NOW - 1800
    assert found["verification_unread_timestamp_seconds"] == NOW - 7200
    assert (found["verification_success"], found["verification_failed_files"]) == (0, 150)
    assert found["verification_maximum_age_seconds"] == 604800


def test_an_inactive_server_has_three_metrics(tmp_path: Path) -> None:
    found = values(WatchedHost(tmp_path, active="false"))
    of_the_server = {name.split("{")[0] for name in found if not name.startswith(("disk_", "metrics_"))}
    assert of_the_server == {"active", "server_info", "server_readable", "servers"}


def test_a_server_that_can_not_be_read_has_no_values_of_the_past(host: WatchedHost) -> None:
    next((host.place / "meta").iterdir()).write_text("mode=postgres\n")
    found = values(host)
    assert found["server_readable"] == 0
    assert [name for name in found if name.startswith(("active", "backup", "rpo", "check"))] == []


def test_each_name_follows_the_conventions(host: WatchedHost) -> None:
    found = list(families(host.observe(), Limits()))
    names = [family.name for family in found]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"pgdr_barman_[a-z_]+[a-z]", name)] == []
    assert [family.name for family in found if (family.type == "counter") != family.name.endswith("_total")] == []
    units = [name for name in names if re.search(r"(age|duration|lag|time|size|free|retained)", name)]
    assert [name for name in units if not name.endswith(("_seconds", "_bytes"))] == []
    labels = {label for family in found for sample in family.samples for label in sample.labels}
    assert labels == {"server", "check", "status", "limit", "mountpoint", "backup_method", "wal"}


def test_each_line_is_a_sample_or_describes_one(host: WatchedHost) -> None:
    lines = metrics_text(host.observe()).splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert [line for line in samples if not SAMPLE.fullmatch(line)] == []
    assert [line for line in lines if line.startswith("#") and not re.match(r"# (HELP|TYPE) pgdr_barman_", line)] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (0.5, "0.5"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
        (1e18, str(10**18)),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_labels_are_escaped() -> None:
    family = Family("a_bytes", "One\nline", "gauge", [MetricSample(1.0, {"x": 'a"b\\c\nd'})])
    assert exposition([family]) == (
        "# HELP a_bytes One\\nline\n# TYPE a_bytes gauge\na_bytes{x=" + '"a\\"b\\\\c\\nd"} 1\n'
    )
