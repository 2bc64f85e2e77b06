# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On which timeline a server is, and what check reports of the others."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.archive import read_archive
from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Backup
from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import ServerConfiguration
from ansible_collections.pgdr.barman.plugins.module_utils._barman.current_timeline import (
    find_server_timeline,
    report_branches,
)
from ansible_collections.pgdr.barman.plugins.module_utils._check.check import OURS, Check, MissingWal
from ansible_collections.pgdr.barman.plugins.module_utils._check.gaps import find_gaps
from ansible_collections.pgdr.barman.plugins.module_utils._check.own_checks import foreign_timelines
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.timelines import ServerTimeline, TimelineSource
from tests.unit.plugins.module_utils._recover.recovery_world import SIZE, SYSTEM, backup, position, segment

HISTORY = f"1\t{wal.format_lsn(position(4, 100))}\tno recovery target specified\n"


class Host:
    """Barman's directories, and a PostgreSQL server that can be asked, or is down (timeline None)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.timeline: int | None = None
        self.in_recovery = False
        self.systemid = str(SYSTEM)
        self.connections = 0
        self.written = 1000.0
        names = {name: str(root / name) for name in ("wals", "incoming", "streaming")}
        for path in names.values():
            os.mkdir(path)
        self.server = ServerConfiguration(
            "pg",
            {**{f"{name}_wals_directory": path for name, path in names.items()}, "wals_directory": names["wals"]},
            "f",
        )
        self.backups: list[Backup] = [backup(2, 10)]

    def put(self, *numbers: int, timeline: int = 1, where: str = "wals", ending: str = "") -> None:
        """Segments that are written now, one after the other."""
        for number in numbers:
            one = segment(number, timeline)
            directory = self.root / where / (one.directory if where == "wals" else "")
            directory.mkdir(exist_ok=True)
            path = directory / (str(one) + ending)
            path.write_bytes(b"")
            self.written += 1
            os.utime(path, (self.written, self.written))

    def switch_point(self) -> None:
        (self.root / "wals" / "00000002.history").write_text(HISTORY)

    def run(self, command: Command) -> Completed:
        raise AssertionError(command)

    def connect(
        self, conninfo: str, user: str | None = None, server: str | None = None, *, replication: bool = False
    ) -> Any:
        self.connections += 1
        if self.timeline is None:
            raise HostError("it is down")
        return self

    version = 17

    def close(self) -> None:
        pass

    def query(self, sql: str, params: Any = ()) -> list[dict[str, Any]]:
        if "pg_control_system" in sql:
            return [{"system_identifier": self.systemid, "in_recovery": self.in_recovery}]
        if "pg_stat_wal_receiver" in sql:
            return [{"replayed": "0/0", "timeline": self.timeline, "redo": "0/0", "in_recovery": True}]
        return [{"timeline": "%08X" % (self.timeline or 0)}]

    def server_timeline(self) -> ServerTimeline | None:
        return find_server_timeline(
            self.server, read_archive(self.server, self.barman, SIZE), self.backups, "barman", self.connect
        )

    def check(self) -> Check | None:
        archive = read_archive(self.server, self.barman, SIZE)
        report = report_branches(self.server, archive, self.backups, "barman", self.connect)
        return None if report is None else foreign_timelines(SimpleNamespace(branches=report))  # type: ignore[arg-type]

    @property
    def barman(self) -> Barman:
        return Barman(self.run, "root")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Backups and WAL on timeline 1; somebody promoted a restored copy at segment 4, and the server went on after that."""
    found = Host(tmp_path)
    found.put(2, 3, 4)
    found.switch_point()
    found.put(4, timeline=2)
    found.put(5, 6)
    return found


@pytest.mark.parametrize("in_recovery", [False, True])
def test_the_server_itself_knows(host: Host, in_recovery: bool) -> None:
    host.timeline, host.in_recovery = 2, in_recovery
    assert host.server_timeline() == ServerTimeline(2, TimelineSource.SERVER, "PostgreSQL is on it now")


def test_another_system_at_its_address_knows_nothing(host: Host) -> None:
    host.timeline, host.systemid = 2, "12"
    found = host.server_timeline()
    assert found is not None
    assert (found.timeline, found.source) == (1, TimelineSource.ARCHIVE)


def test_what_was_written_last_counts_if_the_backup_agrees(host: Host) -> None:
    found = host.server_timeline()
    assert found is not None
    assert (found.timeline, found.source) == (1, TimelineSource.ARCHIVE)
    host.put(5, timeline=2)
    assert host.server_timeline() is None


def test_the_receiver_counts_if_nothing_newer_came_from_elsewhere(host: Host) -> None:
    host.put(7, where="streaming", ending=".partial")
    found = host.server_timeline()
    assert found is not None
    assert (found.timeline, found.source) == (1, TimelineSource.RECEIVER)
    host.put(5, timeline=2)
    assert host.server_timeline() is None


def test_check_names_a_branch_that_the_server_was_never_on(host: Host) -> None:
    host.timeline = 1
    check = host.check()
    assert check is not None
    assert (check.key, check.ok) == ("foreign_timelines", False)
    assert (
        "the server is on timeline 1 (PostgreSQL is on it now), and the archive contains WAL that is no part of its "
        "history: timeline 2, switch point 0/4000064 from timeline 1, "
        "WAL segments 000000020000000000000004 to 000000020000000000000004"
    ) in check.hint


def test_a_server_that_wrote_nothing_since_is_distinguished_from_a_promoted_one(host: Host) -> None:
    for number in (5, 6):
        (host.root / "wals" / segment(number).directory / str(segment(number))).unlink()
    host.timeline = 1
    check = host.check()
    assert check is not None
    assert not check.ok
    host.timeline = 2
    assert host.check() == Check("foreign timelines", ok=True, hint="", source=OURS)


def test_the_server_is_asked_only_if_the_backups_prove_too_little(host: Host) -> None:
    host.backups.append(backup(4, 20, timeline=2))
    assert host.check() == Check("foreign timelines", ok=True, hint="", source=OURS)
    (host.root / "wals" / "00000002.history").unlink()
    (host.root / "wals" / segment(4, 2).directory / str(segment(4, 2))).unlink()
    host.backups.pop()
    assert host.check() is None
    assert host.connections == 0


@pytest.mark.parametrize(
    ("timeline", "hint"),
    [
        (None, "not checked: the server's timeline is not known"),
        (3, "not checked: nothing of timeline 3, which the server is on, is archived yet"),
    ],
)
def test_what_can_not_be_known_is_no_failure(host: Host, timeline: int | None, hint: str) -> None:
    host.timeline = timeline
    host.put(5, timeline=2)
    check = host.check()
    assert check is not None
    assert check.ok
    assert check.hint.startswith(hint)


def test_without_its_history_no_timeline_is_called_foreign(host: Host) -> None:
    """What the server left behind by a recovery would look foreign."""
    (host.root / "wals" / "00000002.history").unlink()
    host.backups.clear()
    host.timeline = 2
    check = host.check()
    assert check is not None
    assert (check.ok, check.hint) == (
        True,
        "not checked: the history of timeline 2, which the server is on, is not archived",
    )


def test_a_gap_is_looked_for_on_the_server_s_timeline(host: Host) -> None:
    (host.root / "wals" / segment(5).directory / str(segment(5))).unlink()
    archive = read_archive(host.server, host.barman, SIZE)
    backups = [replace(host.backups[0], status="DONE")]
    assert find_gaps(backups, archive, 1)[0] == [MissingWal(str(segment(5)), str(segment(5)), 1, after_latest=True)]
    assert find_gaps(backups, archive, 2) == ([], None)
