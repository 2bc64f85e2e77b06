# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The RPO now, and what limits it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._check.check import MissingWal
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.postgres_state import PostgresState, parse_state
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.rpo import Rpo, RpoFacts, RpoLimit, rpo_now
from tests.unit.plugins.module_utils._monitoring.postgres_answers import NO_RECEIVER, NO_SLOT, row

NOW = 10_000.0
SEGMENT = 16 * 1024 * 1024


def state(**values: Any) -> PostgresState:
    return parse_state(row(**values))


def facts(**values: Any) -> RpoFacts:
    return RpoFacts(**{"has_backup": True, "received": NOW - 7, "received_lsn": 8 * SEGMENT, **values})


@pytest.mark.parametrize(
    ("given", "answer", "expected"),
    [
        pytest.param(facts(), state(), Rpo(RpoLimit.NONE, 0.0, 0), id="everything is here"),
        pytest.param(
            facts(), state(write_lsn="0/8FFFF00"), Rpo(RpoLimit.RECEIVER_LAG, 7.0, 256), id="the receiver is behind"
        ),
        pytest.param(
            facts(),
            state(write_lsn="0/8FFFF00", write_lag=90.0),
            Rpo(RpoLimit.RECEIVER_LAG, 90.0, 256),
            id="PostgreSQL's lag is longer than the time since the last write",
        ),
        pytest.param(
            facts(), state(**NO_RECEIVER), Rpo(RpoLimit.RECEIVER_STOPPED, 7.0, SEGMENT), id="no receiver streams"
        ),
        pytest.param(
            facts(),
            state(**{**NO_RECEIVER, **NO_SLOT}),
            Rpo(RpoLimit.SLOT_MISSING, 7.0, SEGMENT),
            id="the slot was dropped",
        ),
        pytest.param(
            facts(),
            state(**NO_RECEIVER, wal_status="lost"),
            Rpo(RpoLimit.SLOT_LOST, 7.0, SEGMENT),
            id="the slot was invalidated",
        ),
        pytest.param(
            facts(streaming=False),
            state(**NO_RECEIVER),
            Rpo(RpoLimit.UNARCHIVED, 7.0, SEGMENT),
            id="the segment is not full",
        ),
        pytest.param(
            facts(streaming=False),
            state(**NO_RECEIVER, last_failed_time=1001.0),
            Rpo(RpoLimit.ARCHIVE_FAILING, 7.0, SEGMENT),
            id="archive_command fails",
        ),
        pytest.param(
            facts(streaming=False),
            state(**NO_RECEIVER, last_failed_time=999.0, lsn="0/8000000"),
            Rpo(RpoLimit.NONE, 0.0, 0),
            id="archive_command failed, and succeeded since",
        ),
        pytest.param(
            facts(receiver_runs=False),
            state(write_lag=90.0),
            Rpo(RpoLimit.RECEIVER_STOPPED, 7.0, SEGMENT),
            id="PostgreSQL streams to a client elsewhere",
        ),
        pytest.param(facts(), None, Rpo(RpoLimit.UNREACHABLE, 7.0, None), id="PostgreSQL does not answer"),
        pytest.param(facts(asked=False), None, Rpo(RpoLimit.NOT_ASKED, 7.0, None), id="PostgreSQL was not asked"),
        pytest.param(facts(active=False), None, Rpo(RpoLimit.INACTIVE, 7.0, None), id="inactive"),
        pytest.param(facts(passive=True), None, Rpo(RpoLimit.REPLICATION, 7.0, None), id="a passive copy"),
        pytest.param(
            facts(received_lsn=None, received=None),
            state(**NO_RECEIVER),
            Rpo(RpoLimit.RECEIVER_STOPPED, None, None),
            id="nothing is known to be here",
        ),
    ],
)
def test_limits(given: RpoFacts, answer: PostgresState | None, expected: Rpo) -> None:
    assert rpo_now(given, answer, NOW) == expected


def test_a_gap_makes_all_wal_after_it_useless() -> None:
    """The receiver streams, and everything since the gap is lost nevertheless."""
    lost = MissingWal("a", "b", 2, after_latest=True)
    assert rpo_now(facts(gaps=[lost], window_end=4_000.0), state(), NOW) == Rpo(RpoLimit.WAL_MISSING, 6_000.0, None)


def test_a_gap_in_the_only_backup_loses_everything() -> None:
    lost = MissingWal("a", "b", 2, after_latest=True)
    everything = Rpo(RpoLimit.WAL_MISSING, None, None, unlimited=True)
    assert rpo_now(facts(gaps=[lost]), state(), NOW) == everything
    assert rpo_now(facts(recoverable=False), state(), NOW) == everything


def test_a_gap_before_the_latest_backup_costs_nothing() -> None:
    older = MissingWal("a", "b", 2, after_latest=False)
    assert rpo_now(facts(gaps=[older]), state(), NOW).limit is RpoLimit.NONE


def test_without_a_backup_everything_is_lost() -> None:
    assert rpo_now(facts(has_backup=False), state(), NOW) == Rpo(RpoLimit.NO_BACKUP, None, None, unlimited=True)
