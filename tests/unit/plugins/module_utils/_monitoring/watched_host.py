# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup host with one healthy server, and ways to break it, for the tests of metrics, faults and the Nagios plugin."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.observation import HostObservation
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.observe import observe_host
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost, segment
from tests.unit.plugins.module_utils._monitoring.postgres_answers import SYSTEM, Fleet, member, row, standby

NOW = 1_800_000_000.0
OPTIONS = {"conninfo": "host=pg", "streaming_archiver": "on", "slot_name": "barman", "backup_method": "postgres"}


#: The options and the answers of a cluster with two members.
CLUSTER = {"conninfo": "host=pg-1,pg-2 port=5432,5433 target_session_attrs=read-write"}
PG_1, PG_2 = "pg-1:5432", "pg-2:5433"


class WatchedHost:
    """options: of the entry "pg"; a value of None removes an option."""

    def __init__(self, path: Path, **options: str | None) -> None:
        self.host = BarmanHost(path)
        given: Mapping[str, str | None] = {**OPTIONS, "last_backup_maximum_age": "2 DAYS", **options}
        self.place = self.host.server("pg", **{name: value for name, value in given.items() if value is not None})
        self.host.backup(
            "pg",
            "20270114T080000",
            5,
            systemid=SYSTEM,
            end_time="2027-01-15 07:00:00+00:00",
            begin_time="2027-01-15 06:59:00+00:00",
            size=1000,
        )
        self.host.wal("pg", range(5, 9))
        self.age_wal(20)
        self.answer: Any = row()
        #: By address, if conninfo names several hosts.
        self.members: dict[str, Any] = {}
        self.receives = True

    def age_wal(self, seconds: float) -> None:
        for path in (self.place / "wals").glob("*/*"):
            os.utime(path, (NOW - seconds, NOW - seconds))

    def segment_path(self, number: int) -> Path:
        return self.place / "wals" / segment(number)[:16] / segment(number)

    def record(self, kind: str, result: str, time: str = "2027-01-15T07:30:00+00:00", **details: Any) -> None:
        ledger = self.host.home / ".pgdr.barman" / "ledger"
        ledger.mkdir(parents=True, exist_ok=True)
        line = {"version": 1, "id": "1", "kind": kind, "server": "pg", "time": time, "result": result, **details}
        with (ledger / "pg.jsonl").open("a") as stream:
            stream.write(json.dumps(line) + "\n")

    @classmethod
    def cluster(cls, path: Path, **options: str | None) -> WatchedHost:
        """A healthy cluster of two members, whose primary is the first."""
        host = cls(path, **{**CLUSTER, **options})
        host.members = {PG_1: member(), PG_2: standby()}
        return host

    def observe(self) -> HostObservation:
        (self.host.home / ".pg-receive-wal.lock").write_text("4711")
        return observe_host(
            self.host.barman,
            Fleet(pg=self.answer, **{f"pg {address}": answer for address, answer in self.members.items()}),
            clock=lambda: NOW,
            process=lambda pid: "barman receive-wal pg" if self.receives else None,
        )
