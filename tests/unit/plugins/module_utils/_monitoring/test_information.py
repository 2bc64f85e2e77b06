# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers as the module server_info returns them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.faults import all_faults
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.information import fault_facts, server_facts
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.limits import Limits, limits_from
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.observe import observe_host
from tests.unit.plugins.module_utils._monitoring.postgres_answers import member
from tests.unit.plugins.module_utils._monitoring.watched_host import PG_1, PG_2, WatchedHost

SLOT = {"name": "barman", "active": True, "wal_status": "reserved"}
PRIMARY = {
    "host": "pg-1",
    "port": 5432,
    "answered": True,
    "primary": True,
    "timeline": 1,
    "patroni": False,
    "slot": SLOT,
}
STANDBY = {**PRIMARY, "host": "pg-2", "port": 5433, "primary": False, "slot": {**SLOT, "active": False}}
UNKNOWN = {"primary": None, "timeline": None, "patroni": None, "slot": None}


def cluster(host: WatchedHost) -> Any:
    return server_facts(host.observe(), {})["pg"]["cluster"]


def test_a_cluster(tmp_path: Path) -> None:
    found = cluster(WatchedHost.cluster(tmp_path))
    assert found == {"primary": {"host": "pg-1", "port": 5432}, "members": [PRIMARY, STANDBY]}


def test_a_member_that_does_not_answer(tmp_path: Path) -> None:
    host = WatchedHost.cluster(tmp_path)
    host.members[PG_2] = HostError("nobody is there")
    found = cluster(host)
    assert found["members"] == [PRIMARY, {"host": "pg-2", "port": 5433, "answered": False, **UNKNOWN}]
    assert found["primary"] == {"host": "pg-1", "port": 5432}


@pytest.mark.parametrize("other", [HostError("nobody is there"), member()])
def test_none_or_several_primaries(tmp_path: Path, other: Any) -> None:
    host = WatchedHost.cluster(tmp_path)
    host.members = {PG_1: other, PG_2: other}
    assert cluster(host)["primary"] is None


def test_postgresql_was_not_asked(tmp_path: Path) -> None:
    host = WatchedHost.cluster(tmp_path)
    found = server_facts(observe_host(host.host.barman, None), {})["pg"]["cluster"]
    assert found["primary"] is None
    assert found["members"][0] == {"host": "pg-1", "port": 5432, "answered": None, **UNKNOWN}


def test_faults_have_what_to_do(tmp_path: Path) -> None:
    found = fault_facts(all_faults(WatchedHost(tmp_path).observe(), Limits(drill={"pg": 60.0}))["pg"])
    assert found == [
        {
            "name": "BarmanDrillTooOld",
            "severity": "warning",
            "subject": "pg",
            "message": "no restore was ever proven by a drill",
            "remedy": "Run pgdr.barman.drill for pg, and find out why the schedule did not.",
        }
    ]


def test_limits_of_a_module_are_seconds() -> None:
    ages: dict[str, Any] = {
        "backup_maximum_age": {"pg": "60"},
        "drill_maximum_age": None,
        "verification_maximum_age": {},
    }
    assert limits_from(ages) == Limits({"pg": 60.0})
    with pytest.raises(HostError, match="drill_maximum_age has a value that is no number of seconds"):
        limits_from({**ages, "drill_maximum_age": {"pg": "a week"}})


def test_another_server_is_no_cluster(tmp_path: Path) -> None:
    assert cluster(WatchedHost(tmp_path)) is None
