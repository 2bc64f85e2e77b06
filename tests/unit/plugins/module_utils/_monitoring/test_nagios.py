# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Nagios plugin: state, text, performance data."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.limits import Limits
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.nagios import (
    NagiosAnswer,
    NagiosState,
    RpoThresholds,
    nagios_answer,
    unknown,
)
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.observation import HostObservation
from tests.unit.plugins.module_utils._monitoring.postgres_answers import NO_RECEIVER, member, row
from tests.unit.plugins.module_utils._monitoring.watched_host import PG_1, PG_2, WatchedHost


@pytest.fixture
def host(tmp_path: Path) -> WatchedHost:
    return WatchedHost(tmp_path)


def answer(host: WatchedHost, limits: Limits | None = None, **thresholds: float) -> NagiosAnswer:
    return nagios_answer(host.observe(), limits or Limits(), RpoThresholds(**thresholds))


def test_ok(host: WatchedHost) -> None:
    assert answer(host, warning=60.0, critical=300.0) == NagiosAnswer(
        NagiosState.OK,
        "BARMAN OK: 1 server without a fault | 'pg_backup_age'=3600s;;172800;0 'pg_backup_size'=1000B;;;0 "
        "'pg_rpo'=0s;60;300;0 'pg_rpo_bytes'=0B;;;0 'pg_slot_retained'=0B;;;0",
    )


def test_a_line_for_each_cluster(tmp_path: Path) -> None:
    host = WatchedHost.cluster(tmp_path)
    first, *rest = answer(host).text.splitlines()
    assert first.startswith("BARMAN OK: 1 server without a fault | ")
    assert rest == [f"OK: pg: the primary is {PG_1}, and Barman receives its WAL"]
    host.members[PG_2] = member()
    found = answer(host)
    assert found.state == 2
    assert found.text.startswith(f"BARMAN CRITICAL: pg: 2 members are primaries: {PG_1}, {PG_2}. Stop the member of pg")
    assert len(found.text.splitlines()) == 1


def test_a_warning_is_1(host: WatchedHost) -> None:
    host.host.backup("pg", "20270115T080000", 8, status="FAILED", error="no | space left")
    found = answer(host)
    assert found.state == 1
    assert found.text.startswith(
        "BARMAN WARNING: pg: backup 20270115T080000 failed: no / space left. Read the reason with"
    )
    assert found.text.count("|") == 1


def test_the_worst_comes_first_and_all_follow(host: WatchedHost) -> None:
    host.host.backup("pg", "20270115T080000", 8, status="FAILED", error="no space")
    host.answer, host.receives = row(lsn="0/9000100", **NO_RECEIVER), False
    found = answer(host)
    first, *rest = found.text.splitlines()
    assert found.state == 2
    assert first.startswith("BARMAN CRITICAL: pg: the WAL receiver does not run. Run 'barman cron'")
    assert "(and 1 more) | " in first
    assert [line.split(":")[0] for line in rest] == ["CRITICAL", "WARNING"]


@pytest.mark.parametrize(("warning", "critical", "state"), [(30.0, 60.0, 0), (10.0, 60.0, 1), (5.0, 10.0, 2)])
def test_thresholds_of_the_rpo(host: WatchedHost, warning: float, critical: float, state: int) -> None:
    host.answer = row(lsn="0/9000100", write_lsn="0/9000000")
    assert answer(host, warning=warning, critical=critical).state == state


def test_everything_would_be_lost(host: WatchedHost) -> None:
    next((host.place / "meta").iterdir()).unlink()
    found = answer(host, critical=3600.0)
    assert found.state == 2
    assert "everything would be lost" in found.text


def test_no_server_is_unknown_and_not_ok() -> None:
    """The plugin of Barman answers OK."""
    found = nagios_answer(HostObservation(0.0, {}), Limits(), RpoThresholds())
    assert (found.state, found.text) == (3, "BARMAN UNKNOWN: Barman has no server on this host")


def test_unknown_is_one_line() -> None:
    assert unknown("a\nb | c").text == "BARMAN UNKNOWN: a b / c"
