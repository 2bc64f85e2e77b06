# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a PostgreSQL server answers to the question for its state, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.questions import Answer, Question

SYSTEM = "7710174482648792149"


def row(lsn: str = "0/9000000", **values: Any) -> dict[str, Any]:
    """A primary that streams all its WAL to the receiver, through its slot."""
    return {
        "in_recovery": False,
        "version": 170011,
        "system_identifier": SYSTEM,
        "lsn": lsn,
        "timeline": "00000001",
        "segment_size": 16777216,
        "archive_mode": "on",
        "synchronous_standby_names": "",
        "synchronous_standbys": 0,
        "archived_count": 9,
        "last_archived_wal": "000000010000000000000008",
        "last_archived_time": 1000.0,
        "failed_count": 0,
        "last_failed_wal": None,
        "last_failed_time": None,
        "slot_name": "barman",
        "active": True,
        "active_pid": 7,
        "restart_lsn": lsn,
        "wal_status": "reserved",
        "safe_wal_size": None,
        "state": "streaming",
        "sync_state": "async",
        "write_lsn": lsn,
        "flush_lsn": lsn,
        "write_lag": None,
        **values,
    }


NO_RECEIVER: Mapping[str, Any] = {
    "active": False,
    "active_pid": None,
    "state": None,
    "sync_state": None,
    "write_lsn": None,
    "flush_lsn": None,
}
NO_SLOT: Mapping[str, Any] = {"slot_name": None, "active": None, "restart_lsn": None, "wal_status": None}


def member(**values: Any) -> dict[str, Any]:
    """What a member of a cluster answers: a primary whose slot the receiver uses."""
    return {
        "in_recovery": False,
        "timeline": 1,
        "redo": "0/9000000",
        "segment_size": 16777216,
        "patroni": False,
        "slot_name": "barman",
        "active": True,
        "active_pid": 7,
        "restart_lsn": "0/9000000",
        "wal_status": "reserved",
        **values,
    }


def standby(**values: Any) -> dict[str, Any]:
    """A member that follows the primary, with a slot that nobody uses."""
    return member(**{"in_recovery": True, "active": False, "active_pid": None, **values})


class Fleet:
    """Answers in the place of PostgreSQL servers, and remembers who was asked."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, questions: Mapping[str, Question], user: str | None, timeout: float) -> dict[str, Answer]:
        self.asked = sorted(questions)
        return {name: self.answers[name] for name in questions}
