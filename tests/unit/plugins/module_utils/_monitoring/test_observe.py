# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One pass over a backup host."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import ConfigurationError
from ansible_collections.pgdr.barman.plugins.module_utils._barman.ledger import Ledger
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring import observe as observe_module
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.observation import (
    HostObservation,
    ServerObservation,
)
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.observe import SAMPLES, observe_host
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.rpo import RpoLimit
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost, segment
from tests.unit.plugins.module_utils._monitoring.postgres_answers import NO_RECEIVER, SYSTEM, Fleet, row

NOW = 1_800_000_000.0
STREAMING = {"streaming_archiver": "on", "slot_name": "barman", "backup_method": "postgres"}


@pytest.fixture
def host(tmp_path: Path) -> BarmanHost:
    found = BarmanHost(tmp_path)
    found.server("pg", conninfo="host=pg", **STREAMING)
    found.backup("pg", "20260101T000000", 5, systemid=SYSTEM, xlog_segment_size=16777216)
    found.wal("pg", range(5, 9))
    return found


def observe(
    host: BarmanHost, *names: str, receiver: str = "pg", record: bool = False, **answers: Any
) -> HostObservation:
    lock = host.home / f".{receiver}-receive-wal.lock"
    lock.write_text("4711")
    return observe_host(
        host.barman,
        Fleet(**answers),
        names or None,
        record=record,
        clock=lambda: NOW,
        process=lambda pid: f"barman receive-wal {receiver}" if pid == 4711 else None,
    )


def one(host: BarmanHost, **answers: Any) -> ServerObservation:
    return observe(host, **(answers or {"pg": row()})).servers["pg"]


def test_a_healthy_server(host: BarmanHost) -> None:
    found = one(host)
    assert found.rpo.limit is RpoLimit.NONE
    assert found.receiver_streams
    assert found.checks.failures() == []
    assert found.wal_facts is not None
    assert (found.wal_facts.archived, str(found.wal_facts.last_archived)) == (4, segment(8))
    assert found.window is not None
    assert str(found.window.last_wal) == segment(8)


def test_barman_is_never_started(host: BarmanHost) -> None:
    one(host)
    assert host.calls == []


def test_the_segment_that_is_received_and_those_that_wait(host: BarmanHost) -> None:
    streaming = host.home / "pg" / "streaming"
    (streaming / segment(9)).write_bytes(b"x")
    partial = streaming / f"{segment(10)}.partial"
    partial.write_bytes(b"x")
    os.utime(partial, (NOW - 3, NOW - 3))
    facts = one(host).wal_facts
    assert facts is not None
    assert (facts.archived, facts.waiting, str(facts.received), str(facts.partial)) == (4, 1, segment(9), segment(10))
    assert (str(facts.last_archived), facts.received_time) == (segment(8), NOW - 3)


def test_a_receiver_that_does_not_run_here_does_not_stream_here(host: BarmanHost) -> None:
    """Another client uses the receiver's name."""
    assert not observe(host, receiver="other", pg=row()).servers["pg"].receiver_streams


def test_a_gap_after_the_latest_backup(host: BarmanHost) -> None:
    (host.home / "pg" / "wals" / segment(7)[:16] / segment(7)).unlink()
    found = one(host)
    assert found.rpo.limit is RpoLimit.WAL_MISSING
    assert [gap.first for gap in found.checks.gaps] == [segment(7)]
    assert found.window is not None
    assert str(found.window.missing) == segment(7)


def test_postgresql_does_not_answer(host: BarmanHost) -> None:
    found = one(host, pg=HostError("nobody is there"))
    assert (found.reach, found.unreachable, found.state) == ("unreachable", "nobody is there", None)
    assert found.rpo.limit is RpoLimit.UNREACHABLE
    assert found.window is not None


def test_another_cluster_answers(host: BarmanHost) -> None:
    """After initdb on the same port, its positions have nothing to do with the archive."""
    found = one(host, pg=row(system_identifier="1"))
    assert (found.reach, found.state) == ("unreachable", None)
    assert "another database cluster" in found.unreachable


def test_an_answer_that_lacks_something(host: BarmanHost) -> None:
    assert "not complete" in one(host, pg={"version": 1}).unreachable


def test_passive_and_inactive_servers_are_not_asked(host: BarmanHost) -> None:
    host.server("copy", primary_ssh_command="ssh barman@other")
    host.server("off", active="false", conninfo="host=off", **STREAMING)
    fleet = Fleet(pg=row())
    found = observe_host(host.barman, fleet, None, clock=lambda: NOW)
    assert fleet.asked == ["pg"]
    assert found.servers["copy"].passive is not None
    assert found.servers["copy"].rpo.limit is RpoLimit.NO_BACKUP
    assert not found.servers["off"].active


def test_a_server_whose_files_can_not_be_read_hides_no_other(host: BarmanHost) -> None:
    host.server("broken", conninfo="host=b")
    host.backup("broken", "20260101T000000", 5)
    (host.home / "broken" / "meta" / "20260101T000000-backup.info").write_text("mode=postgres\n")
    found = observe(host, pg=row(), broken=row())
    assert "is truncated" in found.servers["broken"].problem
    assert found.servers["pg"].problem == ""


def test_an_error_of_the_program_with_one_server_hides_no_other(
    host: BarmanHost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def read(home: str, name: str) -> Ledger:
        return {"pg": Ledger()}[name]

    monkeypatch.setattr(observe_module, "read_ledger", read)
    host.server("other", conninfo="host=o")
    found = observe(host, pg=row(), other=row())
    assert "failed unexpectedly (KeyError)" in found.servers["other"].problem
    assert found.servers["pg"].problem == ""
    assert "KeyError: 'other'" in capsys.readouterr().err


def test_a_backup_whose_own_wal_is_missing_recovers_nothing(host: BarmanHost) -> None:
    for number in range(5, 9):
        (host.home / "pg" / "wals" / segment(number)[:16] / segment(number)).unlink()
    found = one(host)
    assert (found.rpo.limit, found.rpo.unlimited) == (RpoLimit.WAL_MISSING, True)


def test_an_unknown_server(host: BarmanHost) -> None:
    with pytest.raises(ConfigurationError, match="no server 'x'"):
        observe(host, "x")


def test_a_receiver_that_is_behind(host: BarmanHost) -> None:
    found = one(host, pg=row(lsn="0/9000100", write_lsn="0/9000000"))
    assert (found.rpo.limit, found.rpo.bytes) == (RpoLimit.RECEIVER_LAG, 256)


def test_whole_segments_count_if_nothing_streams(host: BarmanHost) -> None:
    found = one(host, pg=row(lsn="0/9000100", **NO_RECEIVER))
    assert (found.rpo.limit, found.rpo.bytes) == (RpoLimit.RECEIVER_STOPPED, 256)


def test_samples_of_the_free_space_are_kept_only_on_request(host: BarmanHost) -> None:
    observe(host, pg=row())
    assert not (host.home / SAMPLES).exists()
    found = observe(host, pg=row(), record=True)
    samples = json.loads((host.home / SAMPLES).read_text())["disks"]
    assert [(mount, [moment for moment, _free in points]) for mount, points in samples.items()] == [
        (found.disks[0].mount, [NOW])
    ]


def test_the_ledger_is_read(host: BarmanHost) -> None:
    ledger = host.home / ".pgdr.barman" / "ledger"
    ledger.mkdir(parents=True)
    lines = [
        {
            "version": 1,
            "id": str(number),
            "kind": "drill",
            "server": "pg",
            "time": f"2026-11-0{number}T00:00:00+00:00",
            "result": result,
        }
        for number, result in ((1, "passed"), (2, "failed"))
    ]
    (ledger / "pg.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = one(host)
    passed, last = found.last_record("drill", passed=True), found.last_record("drill")
    assert passed is not None
    assert last is not None
    assert (passed.id, last.id) == ("1", "2")
