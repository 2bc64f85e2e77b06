# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forecasts, and how far they were from what was measured afterwards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.forecast import (
    Forecast,
    forecast_errors,
    forecasts,
    is_recorded_forecast,
    recorded,
    wal_capacity,
)
from tests.unit.plugins.plugin_utils._advice.fleets import GIB, Fleet, healthy_fleet, reported

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def new_fleet() -> Fleet:
    """Deployed, and without a backup."""
    fleet = healthy_fleet()
    for one in fleet.reported.values():
        for server in one["servers"].values():
            server.update(backups=[], last_backup=None, last_proven_restore=None)
    return fleet


def of_orders(fleet: Fleet) -> dict[str, Forecast]:
    return {one.kind: one for one in forecasts(fleet.architecture()) if one.server == "orders"}


def test_before_the_first_backup_the_measured_throughput_counts() -> None:
    found = of_orders(new_fleet())
    # 100 GiB at 120 MB/s; a recovery also has the WAL of a day.
    assert round(found["backup"].seconds) == round(100 * GIB / 120e6)
    assert round(found["recovery"].seconds) == round((100 * GIB + 50_000 * 86400) / 120e6)
    assert round(found["first_copy"].seconds) == round(100 * GIB / 120e6)
    assert {one.basis for one in found.values()} == {"measured throughput", "measured throughput, without replay"}


def test_a_backup_and_drills_are_better_than_a_throughput() -> None:
    fleet = healthy_fleet()
    fleet.placements["orders"]["database"]["size"] = 200 * GIB
    fleet.drilled["backup-eu"]["servers"]["orders"] = {
        "forecast": {"seconds": 420.0, "drills": 7, "backup_bytes": 100, "wal_bytes": 11}
    }
    found = of_orders(fleet)
    # 100 GiB took 1000 s.
    assert (found["backup"].seconds, found["backup"].basis) == (2000.0, "rate of the newest backup")
    assert found["recovery"] == Forecast("recovery", "orders", "backup-eu", 111, 420.0, "7 restore drills")


@pytest.mark.parametrize(("compression", "stored"), [(True, 60), (False, 10)])
def test_a_compressed_backup_takes_as_long_as_the_newest(*, compression: bool, stored: int) -> None:
    fleet = healthy_fleet()
    if compression:
        fleet.pg["orders"]["barman_options"] = {"backup_compression": "gzip"}
    fleet.reported["backup-eu"]["servers"]["orders"]["backups"][0]["size"] = stored * GIB
    found = of_orders(fleet)["backup"]
    assert (found.seconds, found.basis) == (1000.0, "duration of the newest backup")


def test_without_a_size_or_a_throughput_there_is_no_forecast() -> None:
    for plant in ("size", "throughput"):
        fleet = new_fleet()
        fleet.placements["orders"]["database"]["size"] = None if plant == "size" else 1
        fleet.placements["backup-eu"]["links"]["orders"]["throughput"] = None if plant == "throughput" else 1.0
        assert set(of_orders(fleet)) <= {"first_copy"}


def test_wal_by_archive_command_needs_a_connection_for_each_segment() -> None:
    fleet = healthy_fleet()
    fleet.pg["orders"]["barman_wal"] = ["archiving"]
    fleet.placements["backup-eu"]["links"]["orders"]["rtt"] = 0.1
    architecture = fleet.architecture()
    (orders, shop) = architecture.entries
    assert wal_capacity(architecture, shop) == 120e6
    assert wal_capacity(architecture, orders) == pytest.approx(16 * 1024**2 / (16 * 1024**2 / 120e6 + 0.6))


def forecast(kind: Any, seconds: float) -> Forecast:
    return Forecast(kind, "orders", "backup-eu", GIB, seconds, "measured throughput")


def test_the_record_retains_the_newest_of_each_kind() -> None:
    former: list[dict[str, Any]] = []
    for number in range(30):
        former = recorded(former, [forecast("backup", number), forecast("recovery", number)], NOW)
    backups = [one for one in former if one["kind"] == "backup"]
    assert [one["seconds"] for one in backups] == [float(number) for number in range(10, 30)]
    assert backups[0]["time"] == "2026-11-30T12:00:00+00:00"


def test_a_forecast_that_is_as_before_is_recorded_once() -> None:
    first = recorded([], [forecast("backup", 1000), forecast("recovery", 600)], NOW)
    assert all(map(is_recorded_forecast, first))
    later_on = datetime(2026, 12, 1, tzinfo=UTC)
    assert recorded(first, [forecast("backup", 1000), forecast("recovery", 600)], later_on) == first
    changed = recorded(first, [forecast("backup", 1001), forecast("recovery", 600)], later_on)
    assert [(one["kind"], one["seconds"]) for one in changed] == [
        ("backup", 1000.0),
        ("recovery", 600.0),
        ("backup", 1001.0),
    ]


def later(fleet: Fleet) -> Fleet:
    """With a backup of 1250 s and a drill of 500 s after the forecast, and earlier ones that do not count."""
    server = reported("orders")
    done = server["backups"][0]
    server["backups"] = [
        done,
        {**done, "begin_time": "2026-11-30T13:00:00+00:00", "type": "incremental", "duration": 3.0},
        {**done, "begin_time": "2026-11-30T14:00:00+00:00", "status": "FAILED", "duration": 1.0},
        {**done, "begin_time": "2026-12-01T02:00:00+00:00", "duration": 1250.0},
        {**done, "begin_time": "2026-12-02T02:00:00+00:00", "duration": 9999.0},
    ]
    fleet.reported["backup-eu"]["servers"]["orders"] = server
    drills = [
        {"result": "passed", "time": "2026-12-02T03:00:00+00:00", "rto_seconds": 9999.0},
        {"result": "passed", "time": "2026-12-01T03:00:00+00:00", "rto_seconds": 500.0},
        {"result": "failed", "time": "2026-11-30T15:00:00+00:00", "rto_seconds": 1.0},
        {"result": "passed", "time": "2026-11-29T03:00:00+00:00", "rto_seconds": 1.0},
    ]
    fleet.drilled["backup-eu"]["servers"]["orders"] = {"drills": drills, "forecast": None}
    return fleet


def test_a_forecast_is_compared_with_the_first_operation_after_it() -> None:
    former = recorded([], [forecast("backup", 1000), forecast("recovery", 600)], NOW)
    found = forecast_errors(later(healthy_fleet()).architecture(), former)
    assert [(one.kind, one.seconds, one.measured_seconds, one.percent) for one in found] == [
        ("backup", 1000.0, 1250.0, -20.0),
        ("recovery", 600.0, 500.0, 20.0),
    ]


def copied(fleet: Fleet, host: str, time: str, seconds: float = 800.0) -> Fleet:
    fleet.reported[host]["servers"]["orders"]["first_copy"] = {"time": time, "bytes": 1, "seconds": seconds}
    return fleet


def first_copies() -> list[dict[str, Any]]:
    made = [Forecast("first_copy", "orders", host, GIB, 1000, "measured throughput") for host in ("backup-us", "old")]
    return recorded([], made, NOW)


def test_the_forecast_of_a_first_copy_is_compared_with_that_of_its_passive_node() -> None:
    fleet = copied(healthy_fleet(), "backup-us", "2026-12-01T02:00:00+00:00")
    (found,) = forecast_errors(fleet.architecture(), first_copies())
    assert (found.kind, found.backup_server, found.measured_seconds, found.percent) == (
        "first_copy",
        "backup-us",
        800.0,
        25.0,
    )


@pytest.mark.parametrize(
    ("host", "time"),
    [("backup-us", "2026-11-29T02:00:00+00:00"), ("backup-eu", "2026-12-01T02:00:00+00:00"), ("backup-us", "never")],
)
def test_a_first_copy_before_the_forecast_or_to_another_node_is_not_compared(host: str, time: str) -> None:
    assert forecast_errors(copied(healthy_fleet(), host, time).architecture(), first_copies()) == []


def test_a_forecast_without_an_operation_after_it_has_no_error() -> None:
    after = datetime(2027, 1, 1, tzinfo=UTC)
    former = recorded([], [forecast("backup", 1000)], after)
    assert forecast_errors(later(healthy_fleet()).architecture(), former) == []


@pytest.mark.parametrize(
    "change",
    [{"time": "yesterday"}, {"time": "2026-11-30T12:00:00"}, {"server": "gone"}, {"backup_server": "backup-us"}],
)
def test_what_is_no_forecast_of_this_fleet_has_no_error(change: dict[str, Any]) -> None:
    (one,) = recorded([], [forecast("backup", 1000)], NOW)
    assert forecast_errors(later(healthy_fleet()).architecture(), [{**one, **change}]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": None},
        {"seconds": "5"},
        {"seconds": float("nan")},
        {"bytes": 10**400},
        {"server": None},
        {"kind": "other"},
        {"kind": []},
    ],
)
def test_what_is_no_recorded_forecast_is_left_out(change: dict[str, Any]) -> None:
    (one,) = recorded([], [forecast("backup", 1000)], NOW)
    assert is_recorded_forecast(one)
    assert not is_recorded_forecast({**one, **change})
    assert not is_recorded_forecast("no dictionary")
