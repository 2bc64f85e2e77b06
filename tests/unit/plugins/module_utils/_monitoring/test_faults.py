# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One cause is one fault, with its remedy."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.faults import (
    FAULTS,
    all_faults,
    disk_faults,
)
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.limits import Limits
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.observation import DiskUse
from tests.unit.plugins.module_utils._barman.barman_host import segment
from tests.unit.plugins.module_utils._monitoring.postgres_answers import (
    NO_RECEIVER,
    NO_SLOT,
    SYSTEM,
    member,
    row,
    standby,
)
from tests.unit.plugins.module_utils._monitoring.watched_host import NOW, PG_1, PG_2, WatchedHost

ARCHIVING = {"archiver": "on", "streaming_archiver": None, "slot_name": None}
STREAM_OF_ANOTHER = {"state": "startup"}


def names(host: WatchedHost, limits: Limits | None = None) -> list[str]:
    found = all_faults(host.observe(), limits or Limits())
    return [fault.kind.name for fault in found.get("pg", ())]


def test_a_healthy_server_has_none(tmp_path: Path) -> None:
    assert names(WatchedHost(tmp_path)) == []


def unreadable(host: WatchedHost) -> None:
    next((host.place / "meta").iterdir()).write_text("mode=postgres\n")


def unreachable(host: WatchedHost) -> None:
    host.answer, host.receives = HostError("nobody is there"), False


def stopped(host: WatchedHost) -> None:
    host.answer, host.receives = row(lsn="0/9000100", **NO_RECEIVER), False


def not_streaming(host: WatchedHost) -> None:
    host.answer = row(**STREAM_OF_ANOTHER)


def stopped_for_long(host: WatchedHost) -> None:
    host.answer, host.receives = row(lsn="9/0", restart_lsn="0/9000000", **NO_RECEIVER), False


def slot_lost(host: WatchedHost) -> None:
    host.answer, host.receives = row(wal_status="lost", **NO_RECEIVER), False


def slot_missing(host: WatchedHost) -> None:
    host.answer, host.receives = row(**{**NO_RECEIVER, **NO_SLOT}), False


def two_primaries(host: WatchedHost) -> None:
    """PostgreSQL that answers first is not the one that streams to Barman."""
    host.members[PG_2] = member(timeline=2)
    host.answer = row(**NO_RECEIVER)


def two_primaries_and_a_slot(host: WatchedHost) -> None:
    two_primaries(host)
    host.answer = row(**{**NO_RECEIVER, **NO_SLOT})


def standby_without_slot(host: WatchedHost) -> None:
    host.members[PG_2] = standby(slot_name=None)


def no_slot_at_all(host: WatchedHost) -> None:
    slot_missing(host)
    host.members = {PG_1: member(slot_name=None), PG_2: standby(slot_name=None)}


def no_primary(host: WatchedHost) -> None:
    unreachable(host)
    host.members = {PG_1: HostError("nobody is there"), PG_2: standby(slot_name=None)}


#: Of a cluster with two members.
CLUSTERS = [
    (two_primaries, "BarmanTwoPrimaries"),
    (two_primaries_and_a_slot, "BarmanTwoPrimaries"),
    (standby_without_slot, "BarmanMemberSlotMissing"),
    (no_slot_at_all, "BarmanSlotMissing"),
    (no_primary, "BarmanPostgresUnreachable"),
]


def lagging(host: WatchedHost) -> None:
    host.answer = row(lsn="0/9000100", write_lsn="0/9000000", write_lag=301.0)


def retaining(host: WatchedHost) -> None:
    host.answer = row(lsn="0/F0000000", restart_lsn="0/10000000", write_lsn="0/F0000000", safe_wal_size=1 << 30)


def synchronous(host: WatchedHost) -> None:
    host.answer = row(
        lsn="0/9000100",
        synchronous_standby_names="FIRST 1 (barman_receive_wal)",
        **{**NO_RECEIVER, "synchronous_standbys": 0},
    )
    host.receives = False


def gap(host: WatchedHost) -> None:
    host.segment_path(7).unlink()


def no_backup(host: WatchedHost) -> None:
    next((host.place / "meta").iterdir()).unlink()


def old_backup(host: WatchedHost) -> None:
    path = next((host.place / "meta").iterdir())
    path.write_text(path.read_text().replace("2027-01-15 07:00", "2027-01-12 07:00"))


def old_backup_and_a_failed_one(host: WatchedHost) -> None:
    old_backup(host)
    failed_backup(host)


def failed_backup(host: WatchedHost) -> None:
    host.host.backup(
        "pg", "20270115T080000", 8, status="FAILED", error="no space", end_time="2027-01-15 07:50:00+00:00"
    )


def no_files(host: WatchedHost) -> None:
    (host.place / "base" / "20270114T080000" / "data").rmdir()


def waiting(host: WatchedHost) -> None:
    path = host.place / "streaming" / segment(9)
    path.write_bytes(b"x")
    os.utime(path, (NOW - 301, NOW - 301))


def drill_failed(host: WatchedHost) -> None:
    host.record("drill", "failed")


def file_damaged(host: WatchedHost) -> None:
    damages = [{"backup_id": "20270114T080000", "problem": "PG_VERSION is wrong"}, {"backup_id": "20260101T000000"}]
    host.record("verification", "failed", damages=damages, damaged_files=2, unread_since="2027-01-10T08:00:00+00:00")


def verification_failed(host: WatchedHost) -> None:
    """An error ended it, so its record has neither damages nor what is unread."""
    host.record("verification", "failed", reason="No space left on device", damages=[], damaged_files=0)


def own_wal_missing(host: WatchedHost) -> None:
    """The end of the newest backup's WAL, with nothing after it."""
    for number in range(5, 9):
        host.segment_path(number).unlink()


def history_unreadable(host: WatchedHost) -> None:
    host.host.history("pg", 2, "(garbage")


def never_complete(host: WatchedHost) -> None:
    no_backup(host)
    host.host.backup(
        "pg", "20270115T050000", 8, status="WAITING_FOR_WALS", systemid=SYSTEM, end_time="2027-01-15 06:59:59+00:00"
    )


def interrupted_backup(host: WatchedHost) -> None:
    host.host.backup("pg", "20260101T000000", 1, status="STARTED")


@pytest.mark.parametrize(
    ("break_it", "expected"),
    [
        (unreadable, "BarmanServerUnreadable"),
        (unreachable, "BarmanPostgresUnreachable"),
        (stopped, "BarmanReceiverStopped"),
        (not_streaming, "BarmanReceiverStopped"),
        (stopped_for_long, "BarmanReceiverStopped"),
        (slot_lost, "BarmanSlotLost"),
        (slot_missing, "BarmanSlotMissing"),
        (lagging, "BarmanReceiverLagging"),
        (retaining, "BarmanSlotRetainsWal"),
        (synchronous, "BarmanSynchronousStandbyMissing"),
        (gap, "BarmanWalMissing"),
        (own_wal_missing, "BarmanWalMissing"),
        (history_unreadable, "BarmanWalMissing"),
        (no_backup, "BarmanBackupMissing"),
        (never_complete, "BarmanBackupMissing"),
        (old_backup, "BarmanBackupTooOld"),
        (old_backup_and_a_failed_one, "BarmanBackupTooOld"),
        (failed_backup, "BarmanBackupFailed"),
        (no_files, "BarmanBackupFilesMissing"),
        (waiting, "BarmanWalNotArchived"),
        (drill_failed, "BarmanDrillFailed"),
        (file_damaged, "BarmanVerificationFailed"),
        (verification_failed, "BarmanVerificationFailed"),
        (interrupted_backup, "BarmanCheckFailed"),
    ],
)
def test_each_cause_is_one_fault(tmp_path: Path, break_it: Callable[[WatchedHost], None], expected: str) -> None:
    host = WatchedHost(tmp_path)
    break_it(host)
    assert names(host) == [expected]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (row(**NO_RECEIVER, last_failed_time=1001.0, last_failed_wal=segment(9)), ["BarmanArchiveFailing"]),
        (row(**NO_RECEIVER, last_archived_wal=segment(10)), ["BarmanWalNotDelivered"]),
        (row(**NO_RECEIVER, last_archived_wal=segment(8)), []),
        (row(**NO_RECEIVER, last_archived_wal="00000002.history"), []),
        (row(**NO_RECEIVER, last_archived_wal=segment(9, 2)), ["BarmanWalNotDelivered"]),
        (row(**NO_RECEIVER, archive_mode="off"), ["BarmanArchiveFailing"]),
        (row(**NO_RECEIVER, archive_mode="off", in_recovery=True, timeline=None), []),
        (row(lsn="0/B000001", **NO_RECEIVER), ["BarmanArchiveFailing"]),
        (row(lsn="0/B000000", **NO_RECEIVER), []),
        (row(lsn="0/B000001", **NO_RECEIVER, last_archived_wal=segment(10)), ["BarmanWalNotDelivered"]),
    ],
)
def test_archiving(tmp_path: Path, answer: dict[str, Any], expected: list[str]) -> None:
    """A command such as /bin/true archives everything, and nothing is on the backup server."""
    host = WatchedHost(tmp_path, **ARCHIVING)
    host.age_wal(301)
    host.answer = answer
    assert names(host) == expected


@pytest.mark.parametrize(("break_it", "expected"), CLUSTERS)
def test_each_cause_in_a_cluster_is_one_fault(
    tmp_path: Path, break_it: Callable[[WatchedHost], None], expected: str
) -> None:
    host = WatchedHost.cluster(tmp_path)
    assert names(host) == []
    break_it(host)
    assert names(host) == [expected]


def test_a_standby_that_is_down_is_no_fault(tmp_path: Path) -> None:
    host = WatchedHost.cluster(tmp_path)
    host.members[PG_2] = HostError("nobody is there")
    assert names(host) == []


def test_an_old_patroni_makes_the_slot_after_a_promotion(tmp_path: Path) -> None:
    host = WatchedHost.cluster(tmp_path)
    host.members[PG_2] = standby(slot_name=None, patroni=True)
    assert names(host) == []


def test_much_wal_that_arrives_at_once_is_no_fault(tmp_path: Path) -> None:
    host = WatchedHost(tmp_path, **ARCHIVING)
    host.answer = row(lsn="0/F000000", **NO_RECEIVER)
    assert names(host) == []


def test_wal_that_postgres_archived_and_the_archive_lacks(tmp_path: Path) -> None:
    host = WatchedHost(tmp_path, **ARCHIVING)
    own_wal_missing(host)
    host.answer = row(**NO_RECEIVER)
    assert "BarmanWalNotDelivered" in names(host)


def test_a_backup_can_wait_for_its_wal_for_an_hour(tmp_path: Path) -> None:
    host = WatchedHost(tmp_path)
    no_backup(host)
    host.host.backup(
        "pg", "20270115T050000", 8, status="WAITING_FOR_WALS", systemid=SYSTEM, end_time="2027-01-15 07:00:01+00:00"
    )
    assert names(host) == []


def test_an_inactive_server_has_no_other_fault(tmp_path: Path) -> None:
    host = WatchedHost(tmp_path, active="false")
    gap(host)
    assert names(host) == ["BarmanServerInactive"]


def test_a_standby_waits_for_nobody(tmp_path: Path) -> None:
    host = WatchedHost(tmp_path)
    host.answer = row(in_recovery=True, timeline=None, synchronous_standby_names="FIRST 2 (a, b)")
    assert names(host) == []


@pytest.mark.parametrize(
    ("ended", "contact", "expected"),
    [
        ("2027-01-15T07:59:00+00:00", 60, []),
        ("2020-01-01T00:00:00+00:00", 60, ["BarmanPassiveLate"]),
        ("2027-01-15T07:59:00+00:00", 1801, ["BarmanPassiveLate"]),
        (None, None, ["BarmanPassiveLate"]),
    ],
)
def test_passive_copies(tmp_path: Path, ended: str | None, contact: int | None, expected: list[str]) -> None:
    host = WatchedHost(tmp_path, primary_ssh_command="ssh barman@source", streaming_archiver=None, conninfo=None)
    if ended is not None and contact is not None:
        source: dict[str, Any] = {"version": "3.13.3", "wals": [], "last_name": "", "config": {}}
        # The present time of the clock decides how long a backup is overdue, so one of the future is not.
        source["backups"] = {"29990101T000000": {"end_time_iso": ended}} if ended < "2027" else {}
        path = host.place / "primary.info"
        path.write_text(json.dumps(source))
        os.utime(path, (NOW - contact, NOW - contact))
    assert names(host) == expected


def test_limits_of_the_inventory(tmp_path: Path) -> None:
    host = WatchedHost(tmp_path, last_backup_maximum_age=None)
    assert names(host) == []
    assert names(host, Limits(backup={"pg": 1800.0})) == ["BarmanBackupTooOld"]
    assert names(host, Limits(drill={"pg": 86400.0})) == ["BarmanDrillTooOld"]
    host.record("drill", "passed")
    assert names(host, Limits(drill={"pg": 86400.0})) == []
    assert names(host, Limits(drill={"pg": 600.0})) == ["BarmanDrillTooOld"]


def test_a_drill_of_the_future_hides_nothing(tmp_path: Path) -> None:
    host = WatchedHost(tmp_path, last_backup_maximum_age=None)
    host.record("drill", "passed", "2028-01-15T07:30:00+00:00")
    assert names(host, Limits(drill={"pg": 86400.0})) == ["BarmanDrillTooOld"]
    assert host.observe().servers["pg"].last_record("drill", passed=True) is None
    host.record("drill", "failed")
    assert "BarmanDrillFailed" in names(host)


def test_disks() -> None:
    lasting = DiskUse("/a", 50, 100)
    assert disk_faults([lasting, replace(lasting, free=5)]) == []
    texts = [fault.text for fault in disk_faults([replace(lasting, free=4), replace(lasting, seconds_left=86400.0)])]
    assert texts == ["4 of 100 bytes are free", "the space lasts for 24.0 hours at the growth of the last week"]


def test_each_fault_names_the_server_and_what_to_do(tmp_path: Path) -> None:
    host = WatchedHost(tmp_path)
    stopped(host)
    (fault,) = all_faults(host.observe(), Limits())["pg"]
    assert (fault.subject, fault.text) == ("pg", "the WAL receiver does not run")
    assert "barman receive-wal pg" in fault.remedy


def test_a_name_is_unique_and_what_it_hides_exists() -> None:
    kinds = [kind for kind, _finding in FAULTS]
    assert len({kind.name for kind in kinds}) == len(kinds)
    assert {name for kind in kinds for name in kind.hides} <= {kind.name for kind in kinds}
    assert [kind.name for kind in kinds if "{server}" not in kind.remedy] == []


def test_a_file_that_nobody_reads_is_a_fault(tmp_path: Path) -> None:
    """Without a verification the time counts from the end of the oldest valid backup, an hour ago."""
    host = WatchedHost(tmp_path)
    limits = Limits(verification={"pg": 2 * 3600.0})

    def found() -> list[str]:
        return [fault.kind.name for fault in all_faults(host.observe(), limits).get("pg", ())]

    assert found() == []
    limits = Limits(verification={"pg": 1800.0})
    assert found() == ["BarmanVerificationTooOld"]
    host.record("verification", "passed", unread_since="2027-01-15T07:45:00+00:00", damages=[], damaged_files=0)
    assert found() == []


def test_a_verification_that_an_error_ended_erases_nothing(tmp_path: Path) -> None:
    host = WatchedHost(tmp_path)
    file_damaged(host)
    before = host.observe().servers["pg"]
    verification_failed(host)
    after = host.observe().servers["pg"]
    assert (after.damaged_files, after.damages, after.unread_since) == (1, ["PG_VERSION is wrong"], before.unread_since)
    assert names(host) == ["BarmanVerificationFailed"]


def test_a_damage_of_a_deleted_backup_is_none(tmp_path: Path) -> None:
    host = WatchedHost(tmp_path)
    host.record("verification", "failed", damages=[{"backup_id": "20260101T000000", "problem": "x"}], damaged_files=1)
    assert names(host) == []
