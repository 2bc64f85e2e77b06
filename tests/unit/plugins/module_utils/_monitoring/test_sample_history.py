# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What samples hand on: since when a receiver has been stopped, and whether Barman's cron started it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.exposition import parse_exposition
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.metrics import PREFIX, metrics_text
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.observation import HostObservation
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.sample_history import (
    GRACE,
    SampleHistory,
    parse_stopped,
)
from tests.unit.plugins.module_utils._monitoring import test_faults as broken
from tests.unit.plugins.module_utils._monitoring.watched_host import NOW, WatchedHost

#: A full minute: Barman's cron runs.
MINUTE = NOW - NOW % 60


@pytest.fixture
def running(tmp_path: Path) -> HostObservation:
    (tmp_path / "running").mkdir()
    return WatchedHost(tmp_path / "running").observe()


@pytest.fixture
def stopped(tmp_path: Path) -> HostObservation:
    (tmp_path / "stopped").mkdir()
    host = WatchedHost(tmp_path / "stopped")
    broken.stopped(host)
    return host.observe()


def at(host: HostObservation, moment: float) -> HostObservation:
    return replace(host, time=moment, seconds=0.0)


def missed(host: HostObservation, since: float, now: float) -> float | None:
    return SampleHistory(None, {"pg": since}).missed_starts(host.servers["pg"], now)


@pytest.mark.parametrize(
    ("since", "now", "expected"),
    [
        (MINUTE + 1, MINUTE + 59, 0),
        # Cron runs, and the receiver needs a moment.
        (MINUTE + 1, MINUTE + 60 + GRACE - 1, 0),
        (MINUTE + 1, MINUTE + 60 + GRACE, 1),
        (MINUTE + 59, MINUTE + 60 + GRACE, 1),
        (MINUTE + 60, MINUTE + 60 + GRACE, 0),
        (MINUTE + 1, MINUTE + 180 + GRACE, 3),
    ],
)
def test_a_run_of_cron_that_did_not_start_the_receiver(
    stopped: HostObservation, since: float, now: float, expected: int
) -> None:
    assert missed(stopped, since, now) == expected


@given(since=st.floats(MINUTE, MINUTE + 60), more=st.floats(0, 200))
def test_cron_had_its_time_before_an_alert_and_an_alert_comes_in_time(since: float, more: float) -> None:
    host = SampleHistoryHost.stopped
    found = missed(host, since, since + more)
    assert found is not None
    # The first run of cron after the receiver stopped.
    cron = MINUTE + 60 if since < MINUTE + 60 else MINUTE + 120
    if since + more < cron + GRACE:
        assert found == 0
    if more > 60 + GRACE:
        assert found > 0


class SampleHistoryHost:
    """A value that hypothesis can use: a fixture of a function is made once for all examples."""

    stopped: HostObservation


@pytest.fixture(autouse=True)
def _host(stopped: HostObservation) -> None:
    SampleHistoryHost.stopped = stopped


def test_the_first_sample_that_finds_it_stopped_counts_from_its_end(stopped: HostObservation) -> None:
    history = SampleHistory().with_sample(replace(stopped, time=NOW, seconds=5.0))
    assert history == SampleHistory(NOW, {"pg": NOW + 5})
    later = history.with_sample(at(stopped, NOW + 60))
    assert later == history


def test_a_receiver_that_streams_again(running: HostObservation, stopped: HostObservation) -> None:
    history = SampleHistory().with_sample(at(stopped, NOW)).with_sample(at(running, NOW + 15))
    assert history.stopped == {}
    assert history.stopped_since(running.servers["pg"]) == 0
    assert history.missed_starts(running.servers["pg"], NOW + 300) == 0


@pytest.mark.parametrize("break_it", [broken.slot_missing, broken.slot_lost, broken.synchronous])
def test_a_receiver_that_another_fault_prevents_has_its_minute_after_that(
    tmp_path: Path, stopped: HostObservation, break_it: Callable[[WatchedHost], None]
) -> None:
    (tmp_path / "other").mkdir()
    host = WatchedHost(tmp_path / "other")
    break_it(host)
    other = host.observe()
    history = SampleHistory().with_sample(at(stopped, NOW)).with_sample(at(other, NOW + 300))
    assert history.missed_starts(other.servers["pg"], NOW + 300) is None
    assert history.with_sample(at(stopped, NOW + 315)).stopped == {"pg": NOW + 315}


def test_while_postgresql_is_down_cron_can_not_start_it(tmp_path: Path, stopped: HostObservation) -> None:
    """After a planned restart, cron has its minute from the moment at which PostgreSQL answers."""
    (tmp_path / "down").mkdir()
    host = WatchedHost(tmp_path / "down")
    broken.unreachable(host)
    down = host.observe()
    history = SampleHistory().with_sample(at(stopped, NOW)).with_sample(at(down, NOW + 300))
    assert history.stopped == {}
    assert history.missed_starts(down.servers["pg"], NOW + 300) is None
    assert history.with_sample(at(stopped, NOW + 315)).stopped == {"pg": NOW + 315}


def test_a_process_goes_on_where_the_last_one_ended(stopped: HostObservation) -> None:
    history = SampleHistory().with_sample(at(stopped, NOW))
    values = parse_exposition(metrics_text(at(stopped, NOW + 15), history=history))
    assert values['pgdr_barman_receiver_stopped_timestamp_seconds{server="pg"}'] == NOW
    assert parse_stopped(values, PREFIX, NOW + 30) == {"pg": NOW}
    # The host was down meanwhile, or its clock was set.
    assert parse_stopped(values, PREFIX, NOW + 300) == {}
    assert parse_stopped(values, PREFIX, NOW - 300) == {}


@pytest.mark.parametrize("text", ["", "# HELP x y\n", "x\n", 'x{server="a"} y\n'])
def test_a_file_that_is_none_has_no_values(text: str) -> None:
    assert parse_stopped(parse_exposition(text), PREFIX, NOW) == {}


def test_a_server_that_streams_is_not_stopped(running: HostObservation) -> None:
    assert parse_stopped(parse_exposition(metrics_text(running)), PREFIX, NOW) == {}
