# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each planted problem is found by its code and nothing else is, a healthy fleet has no finding, and no rule raises."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.advise import (
    Assessment,
    all_findings,
    declared_findings,
    fail_on,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.architecture import Architecture
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.codes import ADVICE, DECLARED
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.facts import host_facts
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.forecast import (
    forecast_errors,
    forecasts,
    is_recorded_forecast,
    recorded,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.resolve import resolve
from tests.unit.plugins.plugin_utils._advice.fleets import DATA, GIB, HOME, Fleet, disk, healthy_fleet, nfs, planted
from tests.unit.plugins.plugin_utils._topology.test_properties import anything, inventories

TODAY = date(2026, 11, 30)
S3 = {"url": "s3://exports/pg", "region": "eu-1"}


def assess(fleet: Fleet) -> Assessment:
    return all_findings(fleet.architecture(), TODAY)


def codes(fleet: Fleet) -> set[tuple[str, str]]:
    return {(one.code, one.subject) for one in assess(fleet).decided.findings}


def of_orders(**variables: Any) -> Callable[[Fleet], None]:
    def plant(fleet: Fleet) -> None:
        fleet.pg["orders"].update(variables)

    return plant


def of_backup(**variables: Any) -> Callable[[Fleet], None]:
    def plant(fleet: Fleet) -> None:
        fleet.backup["backup-eu"].update(variables)

    return plant


def no_copies(fleet: Fleet) -> None:
    fleet.pg["orders"]["barman_passive_servers"] = []


def copies_in_the_zone(fleet: Fleet) -> None:
    fleet.backup["backup-us"]["barman_zone"] = "eu"


def copies_and_servers_elsewhere(fleet: Fleet) -> None:
    fleet.backup["backup-us"]["barman_zone"] = fleet.backup["backup-eu"]["barman_zone"] = "us"


def rpo_of_zero(fleet: Fleet) -> None:
    fleet.pg["orders"]["barman_rpo"] = 0


def archiving(**more: Any) -> Callable[[Fleet], None]:
    def plant(fleet: Fleet) -> None:
        del fleet.pg["orders"]["barman_rpo"]
        fleet.pg["orders"].update(barman_wal=["archiving"], **more)

    return plant


def exporting(fleet: Fleet) -> None:
    hooks = {hook: {"ready": "s3"} for hook in ("post_backup_retry_script", "pre_archive_retry_script")}
    fleet.pg["orders"].update(barman_hooks=hooks, barman_s3=S3)


def one_machine(first: str, second: str) -> Callable[[Fleet], None]:
    def plant(fleet: Fleet) -> None:
        fleet.placements[first]["machine"]["kernel"] = fleet.placements[second]["machine"]["kernel"]

    return plant


def one_machine_and_disk(fleet: Fleet) -> None:
    one_machine("orders", "backup-eu")(fleet)
    fleet.placements["backup-eu"]["file_systems"][HOME]["disks"] = ["sdb"]


def one_lun(fleet: Fleet) -> None:
    for host, path in (("orders", DATA), ("backup-eu", HOME)):
        fleet.placements[host]["file_systems"][path]["disks"] = ["naa:600508b1001c3ab2"]


def one_address(fleet: Fleet) -> None:
    fleet.backup["backup-eu"]["ansible_host"] = fleet.pg["orders"]["ansible_host"]


def mounted(first: str, second: str) -> Callable[[Fleet], None]:
    def plant(fleet: Fleet) -> None:
        fleet.placements["orders"]["file_systems"][DATA] = nfs(DATA, first)
        fleet.placements["backup-eu"]["file_systems"][HOME] = nfs(HOME, second)

    return plant


def copies_on_one_export(fleet: Fleet) -> None:
    for host in ("backup-eu", "backup-us"):
        fleet.placements[host]["file_systems"][HOME] = nfs(HOME, "nas:/barman")


def in_memory(fleet: Fleet) -> None:
    fleet.placements["backup-eu"]["file_systems"][HOME].update(kind="tmpfs", source="tmpfs", disks=[])


def on_root(fleet: Fleet) -> None:
    fleet.placements["backup-eu"]["file_systems"][HOME] = disk("/", "8:1", "sda", 4000 * GIB)


def cloned(fleet: Fleet) -> None:
    fleet.placements["backup-us"]["ssh_keys"] = fleet.placements["backup-eu"]["ssh_keys"]


def slow_link(host: str, other: str, throughput: float) -> Callable[[Fleet], None]:
    def plant(fleet: Fleet) -> None:
        fleet.placements[host]["links"][other] = {"rtt": 0.02, "throughput": throughput}
        # Nothing else depends on it: neither WAL, nor the RTO.
        for one in ("orders", "shop-1", "shop-2"):
            fleet.placements[one]["database"]["wal_rate"] = 100.0
        fleet.pg["orders"].pop("barman_rto")

    return plant


def much_wal(fleet: Fleet) -> None:
    fleet.placements["orders"]["database"]["wal_rate"] = 110e6
    fleet.pg["orders"]["barman_retention_policy"] = "REDUNDANCY 2"
    fleet.pg["orders"].pop("barman_rto")
    fleet.placements["backup-us"]["links"]["backup-eu"]["throughput"] = 1e9
    for host in ("backup-eu", "backup-us"):
        fleet.placements[host]["file_systems"][HOME]["size"] = 40000 * GIB


def slow_backups(fleet: Fleet) -> None:
    fleet.reported["backup-eu"]["servers"]["orders"]["backups"][0]["duration"] = 50_000.0


def far_synchronous(fleet: Fleet) -> None:
    fleet.pg["orders"].update(barman_synchronous=True, barman_rpo=0)
    fleet.placements["backup-eu"]["links"]["orders"]["rtt"] = 0.03


def single_synchronous(fleet: Fleet) -> None:
    fleet.pg["orders"].update(barman_synchronous=True, barman_rpo=0)
    fleet.reported["backup-eu"]["servers"]["orders"]["postgresql"]["synchronous_standbys"] = 1


def slow_drills(fleet: Fleet) -> None:
    fleet.drilled["backup-eu"]["servers"]["orders"] = {
        "forecast": {"seconds": 20_000.0, "drills": 3, "backup_bytes": GIB, "wal_bytes": GIB}
    }


def report(**changes: Any) -> Callable[[Fleet], None]:
    def plant(fleet: Fleet) -> None:
        fleet.reported["backup-eu"]["servers"]["orders"].update(changes)

    return plant


def small_disk(fleet: Fleet) -> None:
    fleet.placements["backup-eu"]["file_systems"][HOME]["size"] = 1000 * GIB


def growing_disk(fleet: Fleet) -> None:
    fleet.reported["backup-eu"]["disks"] = [{"mountpoint": HOME, "days_left": 3.5}]


def database(**changes: Any) -> Callable[[Fleet], None]:
    def plant(fleet: Fleet) -> None:
        fleet.placements["orders"]["database"].update(changes)

    return plant


def zones_apart(fleet: Fleet) -> None:
    fleet.pg["orders"].update(barman_zone="us", barman_sslmode="prefer")


#: The planted problem, and everything that is to be found then.
PLANTED: list[tuple[Callable[[Fleet], None], set[tuple[str, str]]]] = [
    (no_copies, {("no_second_copy", "orders"), ("single_zone", "eu")}),
    (copies_in_the_zone, {("single_zone", "eu"), ("passive_copy_same_zone", "backup-us")}),
    (copies_and_servers_elsewhere, {("passive_copy_same_zone", "backup-us")}),
    (archiving(), {("archive_only", "orders")}),
    (rpo_of_zero, {("rpo_without_synchronous", "orders")}),
    (archiving(barman_rpo="1 MINUTE"), {("rpo_below_archive_timeout", "orders")}),
    (archiving(barman_rpo="1 HOUR", barman_archive_timeout=0), {("rpo_below_archive_timeout", "orders")}),
    (of_backup(barman_monitoring=[]), {("no_monitoring", "backup-eu")}),
    (of_orders(barman_drill_schedule=""), {("no_drill_schedule", "orders")}),
    (of_orders(barman_verification_schedule=""), {("no_verification_schedule", "orders")}),
    (of_orders(barman_backup_schedule=""), {("no_backup_schedule", "orders")}),
    (of_orders(barman_retention_policy=""), {("retention_unlimited", "orders")}),
    (of_orders(barman_retention_policy="REDUNDANCY 1"), {("single_backup", "orders")}),
    (of_orders(barman_postgres_port=6543, barman_postgres_local_port=5432), {("forwarded_path", "orders")}),
    (zones_apart, {("plain_connection_across_zones", "orders")}),
    (exporting, {("export_unencrypted", "orders")}),
    (one_address, {("same_machine", "orders")}),
    (one_machine("orders", "backup-eu"), {("same_machine", "orders")}),
    (of_orders(barman_hypervisor="esx-3"), {("same_hypervisor", "orders")}),
    (one_machine_and_disk, {("same_machine", "orders"), ("same_disk", "orders")}),
    (one_lun, {("same_disk", "orders")}),
    (mounted("nas:/dr", "nas:/dr/barman"), {("same_nfs_export", "orders")}),
    (mounted("nas:/data", "192.0.2.50:/barman"), {("same_nfs_server", "orders")}),
    (one_machine("backup-us", "backup-eu"), {(f"copies_share_{what}", "backup-us") for what in ("machine", "storage")}),
    (of_backup(barman_hypervisor="esx-4"), {("copies_share_machine", "backup-us")}),
    (copies_on_one_export, {("copies_share_storage", "backup-us")}),
    (one_machine("shop-2", "shop-1"), {("members_share_machine", "shop-2")}),
    (in_memory, {("volatile_storage", "backup-eu")}),
    (on_root, {("home_on_root_disk", "backup-eu")}),
    (cloned, {("shared_ssh_key", "backup-eu SHA256:kernel-e")}),
    (much_wal, {("wal_exceeds_throughput", "orders")}),
    (slow_backups, {("backup_exceeds_interval", "orders")}),
    (slow_link("backup-us", "backup-eu", 1e6), {("replication_exceeds_throughput", "backup-us")}),
    (far_synchronous, {("slow_commits", "orders")}),
    (slow_drills, {("recovery_exceeds_rto", "orders")}),
    (slow_link("backup-eu", "shop-1", 1e6), {("recovery_exceeds_rto", "shop-1")}),
    (report(rpo={"seconds": 900.0, "limit": "receiver_lag"}), {("rpo_not_met", "orders")}),
    (report(rpo={"seconds": None, "unlimited": True, "limit": "no_backup"}), {("rpo_not_met", "orders")}),
    (small_disk, {("disk_too_small", "backup-eu")}),
    (growing_disk, {("disk_full_soon", "backup-eu")}),
    (report(receiver={"slot": None}), {("no_slot", "orders")}),
    (database(slot_limit=-1), {("slot_without_limit", "orders")}),
    (database(checksums=False), {("no_data_checksums", "orders")}),
    (single_synchronous, {("synchronous_without_spare", "orders")}),
    (report(last_proven_restore=None), {("never_drilled", "orders")}),
]


def test_a_healthy_fleet_has_no_finding_and_everything_is_measured() -> None:
    found = assess(healthy_fleet())
    assert found.decided.findings == ()
    assert found.unmeasured == []


@pytest.mark.parametrize(("plant", "expected"), PLANTED)
def test_a_planted_problem_is_found_and_nothing_else(
    plant: Callable[[Fleet], None], expected: set[tuple[str, str]]
) -> None:
    assert codes(planted(plant)) == expected


def test_each_shared_key_is_a_finding_of_its_own() -> None:
    fleet = healthy_fleet()
    for host in ("backup-eu", "backup-us"):
        fleet.placements[host]["ssh_keys"] = {"barman": ["SHA256:aaaaaaaaaaaa"], "postgres": ["SHA256:bbbbbbbbbbbb"]}
    item = {"code": "shared_ssh_key", "subject": "backup-eu SHA256:aaaaaaaa", "reason": "why", "until": "2027-06-30"}
    for one in (*fleet.pg.values(), *fleet.backup.values()):
        one["barman_accepted_findings"] = [item]
    found = assess(fleet).decided
    assert {one.subject for one in found.findings} == {"backup-eu SHA256:aaaaaaaa", "backup-eu SHA256:bbbbbbbb"}
    assert [one.subject for one in found.open] == ["backup-eu SHA256:bbbbbbbb"]


def test_members_that_are_not_the_first_are_compared() -> None:
    fleet = healthy_fleet()
    fleet.pg["shop-3"] = {**fleet.pg["shop-2"], "ansible_host": "198.51.100.24"}
    fleet.placements["shop-3"] = {**fleet.placements["shop-2"], "ssh_keys": {}}
    assert codes(fleet) == {("members_share_machine", "shop-3")}
    one_machine("shop-2", "shop-1")(fleet)
    one_machine("shop-3", "shop-1")(fleet)
    assert codes(fleet) == {("members_share_machine", "shop-2"), ("members_share_machine", "shop-3")}


def test_two_standbys_on_one_machine_are_found() -> None:
    fleet = healthy_fleet()
    for number in (1, 2):
        standby = {**fleet.pg["orders"], "ansible_host": f"198.51.100.3{number}", "barman_primary": "orders"}
        fleet.pg[f"standby-{number}"] = {**standby, "barman_slot_name": f"standby_{number}"}
        fleet.placements[f"standby-{number}"] = {**fleet.placements["orders"], "machine": {"kernel": "shared"}}
    found = {one for one in codes(fleet) if one[0] == "members_share_machine"}
    assert found == {("members_share_machine", "standby-2")}


def test_an_acceptance_of_one_disk_hides_no_other() -> None:
    fleet = healthy_fleet()
    disks = [{"mountpoint": path, "days_left": 3.5} for path in ("/a", "/b")]
    fleet.reported["backup-eu"]["disks"] = disks[:1]
    assert codes(fleet) == {("disk_full_soon", "backup-eu")}
    fleet.reported["backup-eu"]["disks"] = disks
    assert codes(fleet) == {("disk_full_soon", "backup-eu /a"), ("disk_full_soon", "backup-eu /b")}


def test_every_code_is_planted() -> None:
    assert {code for _plant, expected in PLANTED for code, _subject in expected} == set(ADVICE)
    assert len(ADVICE) >= 25


@pytest.mark.parametrize(("plant", "expected"), PLANTED)
def test_the_evidence_names_the_values(plant: Callable[[Fleet], None], expected: set[tuple[str, str]]) -> None:
    for one in assess(planted(plant)).decided.findings:
        assert len(one.evidence) > 15, one
        assert "None" not in one.evidence, one


def test_before_the_first_deployment_nothing_is_invented() -> None:
    """Only the inventory is known: what needs data is listed."""
    fleet = healthy_fleet()
    fleet.placements, fleet.reported, fleet.drilled = {}, {}, {}
    found = assess(fleet)
    assert found.decided.findings == ()
    measured = set(ADVICE) - {one.code for one in DECLARED}
    conditional = {"slow_commits", "synchronous_without_spare", "same_nfs_export", "same_nfs_server", "shared_ssh_key"}
    conditional |= {"home_on_root_disk", "same_hypervisor"}
    assert {one.code for one in found.unmeasured} == measured - conditional | {"same_machine"}
    assert all(one.missing for one in found.unmeasured)


@pytest.mark.parametrize("lost", ["orders", "backup-eu", "backup-us"])
def test_an_unreachable_host_is_no_finding(lost: str) -> None:
    fleet = healthy_fleet()
    del fleet.placements[lost]
    fleet.reported.pop(lost, None)
    found = assess(fleet)
    assert found.decided.findings == ()
    assert found.unmeasured


def test_disks_that_are_not_known_are_no_disks_of_their_own() -> None:
    fleet = healthy_fleet()
    fleet.placements["backup-eu"]["file_systems"][HOME]["disks"] = None
    found = assess(fleet)
    assert found.decided.findings == ()
    unknown = {(one.code, one.subject) for one in found.unmeasured}
    assert {("same_disk", "orders"), ("copies_share_storage", "backup-us")} <= unknown
    assert {code for code, _subject in unknown} == {"same_disk", "copies_share_storage"}


def test_snapshots_cross_no_network_and_no_drill_restores_them() -> None:
    options = {
        "snapshot_provider": "aws",
        "snapshot_instance": "i-1",
        "snapshot_disks": "sdb",
        "aws_region": "eu-central-1",
    }
    fleet = planted(of_orders(barman_drill_schedule="", barman_backup_method="snapshot", barman_options=options))
    fleet.pg["orders"]["barman_passive_servers"] = []
    fleet.placements["backup-eu"]["links"]["orders"]["throughput"] = 1e6
    fleet.placements["orders"]["database"]["wal_rate"] = 100.0
    fleet.reported["backup-eu"]["servers"]["orders"].update(last_proven_restore=None, backups=[])
    assert codes(fleet) == {("single_zone", "eu")}
    assert {one.kind for one in forecasts(fleet.architecture()) if one.server == "orders"} == set()


def test_a_deployment_has_the_findings_of_the_inventory_alone() -> None:
    topology = planted(no_copies).architecture().topology
    assert [one.code for one in declared_findings(topology, TODAY).findings] == ["no_second_copy", "single_zone"]


def test_the_inventory_accepts_findings_and_chooses_what_fails() -> None:
    item = {"code": "single_zone", "subject": "eu", "reason": "one building", "until": "2027-06-30"}
    fleet = planted(no_copies)
    for host in (*fleet.pg.values(), *fleet.backup.values()):
        host.update(barman_accepted_findings=[item], barman_preflight_fail_on="critical, no_second_copy")
    topology = fleet.architecture().topology
    assert fail_on(topology) == ["critical", "no_second_copy"]
    assert [one.code for one in declared_findings(topology, TODAY).open] == ["no_second_copy"]
    late = declared_findings(topology, date(2027, 7, 1))
    assert [one.code for one in late.open] == ["no_second_copy", "single_zone"]
    assert [one.code for one in late.expired] == ["single_zone"]


quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
numbers = st.none() | st.integers(0, 10**13) | st.floats(0, 1e12)


@quick
@given(inventories(), numbers, st.sampled_from(["kernel", ""]), anything)
def test_no_rule_raises(inventory: Any, size: Any, kernel: str, report_of_a_server: Any) -> None:
    pg_hosts, backup_hosts = inventory
    placement = copy.deepcopy(healthy_fleet().placements)
    first, second = placement["orders"], placement["backup-eu"]
    first["machine"]["kernel"] = second["machine"]["kernel"] = kernel
    first["database"].update(size=size, wal_rate=size, slot_limit=size)
    second["links"] = {host: {"rtt": size, "throughput": size} for host in (*pg_hosts, *backup_hosts)}
    facts = {host: host_facts(host, first) for host in pg_hosts}
    facts.update({host: host_facts(host, second) for host in backup_hosts})
    servers = dict.fromkeys(pg_hosts, report_of_a_server)
    architecture = Architecture(
        resolve(pg_hosts, backup_hosts).topology,
        facts,
        {host: {"servers": servers, "disks": [{"days_left": size}]} for host in backup_hosts},
        {host: {"servers": servers} for host in backup_hosts},
    )
    found = all_findings(architecture, TODAY)
    keys = [(one.code, one.subject) for one in found.decided.findings]
    assert len(keys) == len(set(keys))
    assert {code for code, _subject in keys} <= set(ADVICE)
    former = recorded([], forecasts(architecture), datetime(2026, 11, 30, 12, tzinfo=UTC))
    assert all(map(is_recorded_forecast, former))
    assert all(one.measured_seconds > 0 for one in forecast_errors(architecture, former))


def test_the_page_has_the_table_of_the_code(repository: Path) -> None:
    page = (repository / "docs" / "advice.md").read_text(encoding="utf-8")
    rows = [f"| `{one.code}` | {one.severity} | {one.title} | {one.cost} |" for one in ADVICE.values()]
    assert [line for line in page.splitlines() if re.match(r"\| `\w+` \| (critical|warning|notice) \|", line)] == rows
    assert f"{len(PLANTED)} planted problems" in page
