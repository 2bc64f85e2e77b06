# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passive servers: what they lack, what is copied, and why it can't be; a made-up source answers and is copied from."""

from __future__ import annotations

import json
import os
import shlex
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman import locks
from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read
from ansible_collections.pgdr.barman.plugins.module_utils._barman.ledger import read_ledger
from ansible_collections.pgdr.barman.plugins.module_utils._check.servers import check_servers
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import (
    Command,
    CommandTimeout,
    Completed,
    HostError,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.result import ServerOutcome
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal import parse_segment
from ansible_collections.pgdr.barman.plugins.module_utils._sync import synchronisation
from ansible_collections.pgdr.barman.plugins.module_utils._sync.lag import SynchronisationError, parse_source
from ansible_collections.pgdr.barman.plugins.module_utils._sync.synchronisation import (
    PassiveServer,
    SyncRequest,
    parse_up_to,
    passive_servers,
    reached,
    synchronise,
)
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost, segment

NOW = 1_000_000.0
MB = 1024 * 1024
BACKUP_SIZE = 1000


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


class PassiveHost(BarmanHost):
    """A host that replicates pg, and its source: what the source has, and what Barman copies of it."""

    def __init__(self, path: Path, **options: str) -> None:
        super().__init__(path)
        self.server("pg", primary_ssh_command="ssh -q -o BatchMode=yes barman@198.51.100.11", **options)
        self.there: dict[str, int] = {}
        self.ended: dict[str, float] = {}
        self.wals: dict[str, float] = {}
        self.compression: str | None = None
        self.version_there = "3.13.3"
        self.ssh: tuple[int, str] | None = None
        self.obsolete: set[str] = set()
        self.busy = 0
        self.busy_words = "Another synchronisation process for backup X is already running."
        self.fails = ""
        self.never_copies = False
        self.meanwhile: Callable[[], None] = lambda: None
        self.asked: list[str] = []
        self.barman = Barman(self, "root" if os.geteuid() == 0 else "nobody", str(self.main))

    def has(self, numbers: range | list[int], backups: dict[str, int] | None = None, timeline: int = 1) -> None:
        """What the source has: WAL, one a minute, and backups with the numbers of their first segments."""
        for number in numbers:
            self.wals[segment(number, timeline)] = NOW - 3600 + 60 * number
        self.there.update(backups or {})

    def __call__(self, command: Command) -> Completed:
        argv = list(command.argv)
        if argv[0] == "ssh":
            return self._source(argv)
        words = [word for word in argv[1:] if word not in ("-c", str(self.main), "-f", "json")]
        if words[0] == "--version":
            return Completed(argv, 0, "3.13.3 Barman by EnterpriseDB")
        self.calls.append(words)
        if words[0] == "sync-info":
            return Completed(argv, 0, "{}")
        if words[0] in ("sync-backup", "sync-wals") and self.fails:
            return self._json(argv, 1, _ERROR=[self.fails])
        if self.busy:
            self.busy -= 1
            return self._json(argv, 1, _ERROR=[self.busy_words])
        if words[0] == "sync-backup":
            if words[2] in self.obsolete:
                return self._json(
                    argv, 0, _INFO=[f"Remote backup pg/{words[2]} is obsolete for local retention policies."]
                )
            if not self.never_copies:
                self.backup("pg", words[2], self.there[words[2]], size=BACKUP_SIZE)
            self.meanwhile()
            return self._json(argv, 0)
        assert words[0] == "sync-wals"
        if self.never_copies:
            return self._json(argv, 0, _WARNING=["Skipping WAL synchronisation for server pg"])
        self._copy_wal()
        return self._json(argv, 0)

    @staticmethod
    def _json(argv: list[str], rc: int, **messages: list[str]) -> Completed:
        return Completed(argv, rc, json.dumps(messages))

    def _copy_wal(self) -> None:
        for name, written in self.wals.items():
            place = self.home / "pg" / "wals" / (name[:16] if len(name) == 24 else "")
            place.mkdir(exist_ok=True)
            (place / name).write_bytes(b"x")
            os.utime(place / name, (written, written))
        (self.home / "pg" / "wals" / "sync-wals.info").write_text(f"{max(self.wals)}\t77")

    def _source(self, argv: list[str]) -> Completed:
        self.asked.append(argv[-1])
        if self.ssh is not None:
            return Completed(argv, self.ssh[0], "", self.ssh[1])
        words = shlex.split(argv[-1])
        after = words[3] if len(words) > 3 else ""
        if after and after not in self.wals:
            return Completed(argv, 1, "", "ERROR: last_wal is newer than the last available wal")
        document = {
            "backups": {
                key: {"begin_wal": segment(first), "end_time_iso": iso(self.ended.get(key, NOW))}
                for key, first in self.there.items()
            },
            "wals": [
                {"name": name, "size": 10, "time": written, "compression": None}
                for name, written in sorted(self.wals.items())
                if name > after
            ],
            "last_name": max(self.wals, default=""),
            "last_position": 0,
            "version": self.version_there,
            "config": {"name": "pg", "compression": self.compression},
        }
        return Completed(argv, 0, json.dumps(document))

    def run(self, *, check_mode: bool = False, **request: Any) -> ServerOutcome:
        configuration = read(str(self.main))
        passive = PassiveServer(
            self.barman, configuration, configuration.server("pg"), lambda: NOW, lambda seconds: None
        )
        return passive.run(SyncRequest(**{"timeout": 5, "recoverable": False, **request}), check_mode=check_mode)


@pytest.fixture
def passive_host(tmp_path: Path) -> PassiveHost:
    return PassiveHost(tmp_path)


def test_the_first_backup_and_its_wal_are_copied(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    outcome = passive_host.run()
    assert outcome.error is None
    assert outcome.changed
    values = outcome.values
    assert values["before"] == {
        "backups": ["20261120T080000"],
        "segments": 3,
        "bytes": 3 * 16 * MB,
        "seconds": None,
        "overdue": 3600 - 180,
    }
    assert values["after"] == {"backups": [], "segments": 0, "bytes": 0, "seconds": 0, "overdue": 0}
    assert values["backups_copied"] == ["20261120T080000"]
    assert values["last_wal"] == values["source_last_wal"] == segment(5)
    assert values["source"] == "barman@198.51.100.11"
    assert passive_host.calls == [
        ["sync-info", "--primary", "pg"],
        ["sync-backup", "pg", "20261120T080000"],
        ["sync-wals", "pg"],
    ]


def test_a_second_run_copies_nothing_and_asks_from_where_it_stands(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.run()
    passive_host.calls.clear()
    passive_host.asked.clear()
    outcome = passive_host.run()
    assert not outcome.changed
    assert passive_host.calls == []
    assert passive_host.asked == [f"barman sync-info pg {segment(5)} 77"]


def synchronised(host: PassiveHost, **request: Any) -> ServerOutcome:
    """As the module does it, with the records in the ledger."""
    configuration = read(str(host.main))
    asked = SyncRequest(**{"timeout": 5, "recoverable": False, **request})
    return synchronise(host.barman, configuration, [configuration.server("pg")], asked, check_mode=False)["pg"]


def test_the_first_copy_is_measured_and_recorded_once(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3, "20261120T090000": 4})
    began = time.time()
    found = synchronised(passive_host).values["first_copy"]
    assert (found["backups"], found["bytes"]) == (["20261120T080000", "20261120T090000"], 2 * BACKUP_SIZE)
    assert found["seconds"] >= 0
    assert datetime.fromisoformat(found["time"]).timestamp() == pytest.approx(began, abs=60)
    passive_host.has(range(6, 9), {"20261120T100000": 6})
    assert synchronised(passive_host).values["first_copy"] is None
    (record,) = read_ledger(str(passive_host.home), "pg").records
    assert (record.kind, record.passed, record.details["bytes"]) == ("first_copy", True, found["bytes"])


def test_the_seconds_of_the_first_copy_end_with_the_last_backup(passive_host: PassiveHost) -> None:
    """The WAL after it is no part of the forecast."""
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    ticks = iter([10.0, 12.5, 99.0])
    configuration = read(str(passive_host.main))
    passive = PassiveServer(
        passive_host.barman, configuration, configuration.server("pg"), lambda: NOW, stopwatch=lambda: next(ticks)
    )
    assert passive.run(SyncRequest(timeout=5, recoverable=False), check_mode=False).values["first_copy"] == {
        "time": "1970-01-12T13:46:40+00:00",
        "backups": ["20261120T080000"],
        "bytes": BACKUP_SIZE,
        "seconds": 2.5,
    }


def test_a_copy_that_began_earlier_is_no_first_copy(passive_host: PassiveHost) -> None:
    """Barman's cron has begun it, and nobody knows when."""
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.backup("pg", "20261120T080000", 3, status="SYNCING")
    assert synchronised(passive_host).values["first_copy"] is None
    assert read_ledger(str(passive_host.home), "pg").records == ()


def test_a_ledger_that_cannot_be_written_is_a_warning(
    passive_host: PassiveHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: Any) -> None:
        raise HostError("no space left on device")

    monkeypatch.setattr(synchronisation, "record_first_copy", full)
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    outcome = synchronised(passive_host)
    assert (outcome.error, outcome.changed) == (None, True)
    assert outcome.warnings == ["server 'pg': the duration of its first copy is not recorded: no space left on device"]


def test_the_lag_is_reported_in_segments_bytes_and_seconds(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.run()
    passive_host.has(range(6, 9))
    outcome = passive_host.run(check_mode=True)
    assert outcome.changed
    assert outcome.values["before"] == {
        "backups": [],
        "segments": 3,
        "bytes": 3 * 16 * MB,
        "seconds": 180,
        "overdue": 3600 - 360,
    }
    assert outcome.values["after"] == outcome.values["before"]
    assert outcome.values["last_wal"] == segment(5)


def test_check_mode_copies_nothing_and_writes_nothing(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    before = sorted(str(path) for path in passive_host.home.rglob("*"))
    assert passive_host.run(check_mode=True).changed
    assert passive_host.calls == []
    assert sorted(str(path) for path in passive_host.home.rglob("*")) == before


def test_a_source_without_a_backup_has_nothing_to_replicate(passive_host: PassiveHost) -> None:
    passive_host.has(range(1, 3))
    outcome = passive_host.run()
    assert (outcome.changed, outcome.values["empty"], outcome.error) == (False, True, None)
    assert "no backup of it yet" in outcome.warnings[0]
    assert passive_host.calls == []


def test_what_is_not_late_is_left_to_cron(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    assert passive_host.run(max_lag=3600).changed, "the first backup is copied in any case"
    passive_host.has([59])
    assert not passive_host.run(max_lag=60).changed
    assert passive_host.run(max_lag=59).changed


def test_a_backup_is_copied_though_all_wal_is_here(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.run()
    passive_host.has([], {"20261120T090000": 5})
    assert passive_host.run(check_mode=True).changed
    outcome = passive_host.run()
    assert outcome.changed
    assert outcome.values["backups_copied"] == ["20261120T090000"]


def test_a_backup_that_is_not_late_is_left_to_cron(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.run()
    passive_host.has([], {"20261120T090000": 5})
    passive_host.ended["20261120T090000"] = NOW - 60
    left = passive_host.run(max_lag=60)
    assert not left.changed
    assert left.values["before"]["overdue"] == 60
    assert passive_host.run(max_lag=59).changed


def test_by_default_nothing_is_left_to_cron(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.run()
    # By the source's clock, which is ahead.
    passive_host.has([61])
    assert passive_host.run().changed


@pytest.mark.parametrize("words", ["Another synchronisation process is already running.", "Das macht schon jemand."])
def test_what_cron_is_copying_is_waited_for(
    passive_host: PassiveHost, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """By the process that has Barman's lock, whatever Barman reports."""
    monkeypatch.setattr(locks, "command_line", lambda pid: "barman -q sync-backup pg X" if pid == 77 else None)
    for name in (".pg-20261120T080000-sync-backup.lock", ".pg-sync-wal.lock"):
        (passive_host.home / name).write_text("77")
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.busy = 5
    passive_host.busy_words = words
    outcome = passive_host.run()
    assert outcome.error is None
    assert outcome.values["backups_copied"] == ["20261120T080000"]


def test_a_failure_is_tried_again_once(passive_host: PassiveHost) -> None:
    """What copied may have ended when its lock is looked at."""
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.busy = 2
    outcome = passive_host.run()
    assert outcome.error is None
    assert outcome.values["backups_copied"] == ["20261120T080000"]


def test_a_backup_that_the_policy_here_would_delete_is_skipped_and_reported(tmp_path: Path) -> None:
    passive_host = PassiveHost(tmp_path, retention_policy="REDUNDANCY 1")
    passive_host.has(range(3, 9), {"20261120T080000": 3, "20261120T090000": 5})
    passive_host.obsolete = {"20261120T080000"}
    outcome = passive_host.run()
    assert outcome.error is None
    assert list(outcome.values["backups_skipped"]) == ["20261120T080000"]
    assert outcome.values["backups"] == ["20261120T090000"]
    assert not passive_host.run(check_mode=True).changed, "the next run does not need it either"


def test_a_history_file_that_no_segment_follows_is_not_copied_yet(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.run()
    passive_host.wals["00000002.history"] = NOW
    assert not passive_host.run().changed
    passive_host.has([6], timeline=2)
    assert passive_host.run().changed
    assert (passive_host.home / "pg" / "wals" / "00000002.history").exists()


def test_a_source_that_lost_its_place_is_asked_for_everything(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.run()
    passive_host.wals.clear()
    passive_host.has(range(9, 11))
    passive_host.asked.clear()
    assert passive_host.run().values["last_wal"] == segment(10)
    assert passive_host.asked[:2] == [f"barman sync-info pg {segment(5)} 77", "barman sync-info pg"]


@pytest.mark.parametrize(
    ("rc", "message", "kind", "text"),
    [
        (
            255,
            "ssh: connect to host 198.51.100.11 port 22: Connection timed out",
            "unreachable",
            "check that the host runs",
        ),
        (255, "ssh: connect to host 198.51.100.11 port 22: No route to host", "unreachable", "no network route"),
        (255, "barman@198.51.100.11: Permission denied (publickey).", "denied", "does not accept the SSH key of"),
        (255, "Host key verification failed.", "host_key", "known_hosts"),
        (255, "kex_exchange_identification: read", "unreachable", "ssh reported: kex"),
        (
            127,
            "bash: line 1: barman: command not found",
            "no_barman",
            "Barman is not installed on barman@198.51.100.11",
        ),
        (1, "ERROR: Unknown server 'pg'", "no_server", "same name on both"),
        (1, "ERROR: something else", "source", "something else"),
    ],
)
def test_why_the_source_does_not_answer(passive_host: PassiveHost, rc: int, message: str, kind: str, text: str) -> None:
    passive_host.ssh = (rc, message)
    outcome = passive_host.run()
    assert outcome.kind == kind
    assert outcome.error is not None
    assert outcome.error.startswith("server 'pg': ")
    assert text in outcome.error
    assert outcome.values["before"] is None


def test_a_source_that_hangs_is_given_up(passive_host: PassiveHost) -> None:
    def hang(command: Command) -> Completed:
        assert command.timeout
        raise CommandTimeout("too long")

    configuration = read(str(passive_host.main))
    barman = Barman(hang, passive_host.barman.user, str(passive_host.main))
    outcome = PassiveServer(barman, configuration, configuration.server("pg")).run(SyncRequest(), check_mode=False)
    assert outcome.kind == "unreachable"


def test_ssh_is_asked_loudly_and_not_for_ever(passive_host: PassiveHost) -> None:
    commands: list[list[str]] = []
    passive_host.has(range(3, 6), {"20261120T080000": 3})

    def spy(command: Command) -> Completed:
        commands.append(list(command.argv))
        return passive_host(command)

    configuration = read(str(passive_host.main))
    barman = Barman(spy, passive_host.barman.user, str(passive_host.main))
    PassiveServer(barman, configuration, configuration.server("pg"), lambda: NOW).run(
        SyncRequest(recoverable=False), check_mode=True
    )
    assert commands[0] == [
        "ssh",
        "-o",
        "ConnectTimeout=15",
        "-o",
        "BatchMode=yes",
        "barman@198.51.100.11",
        "barman sync-info pg",
    ]


def test_another_compression_is_refused_before_anything_is_copied(tmp_path: Path) -> None:
    passive_host = PassiveHost(tmp_path, compression="gzip")
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.compression = "zstd"
    for check_mode in (True, False):
        outcome = passive_host.run(check_mode=check_mode)
        assert outcome.kind == "compression"
        assert outcome.error is not None
        assert "'zstd' on barman@198.51.100.11 and with 'gzip' here" in outcome.error
    assert passive_host.calls == []


def test_another_compression_is_reported_while_nothing_is_missing_yet(tmp_path: Path) -> None:
    passive_host = PassiveHost(tmp_path)
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    assert passive_host.run().error is None
    passive_host.compression = "gzip"
    assert passive_host.run().kind == "compression"


def test_an_older_barman_than_the_sources_is_refused_before_anything_is_copied(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.version_there = "3.20.1"
    for check_mode in (True, False):
        outcome = passive_host.run(check_mode=check_mode)
        assert outcome.kind == "version"
        assert outcome.error is not None
        assert "Barman is 3.20.1 on barman@198.51.100.11 and 3.13.3 here: since 3.14 it reports more" in outcome.error
    assert passive_host.calls == []


@pytest.mark.parametrize("version", ["3.4.0", "3.13.1", "3.13.4"])
def test_an_older_source_is_no_hindrance(passive_host: PassiveHost, version: str) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.version_there = version
    assert passive_host.run().changed


def test_a_failed_copy_names_versions_that_differ(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.fails = "Backup failed syncing with pg: 'name'"
    same = passive_host.run()
    assert same.kind == "copy"
    assert same.error == "server 'pg': Backup failed syncing with pg: 'name'"
    passive_host.version_there = "3.4.0"
    other = passive_host.run()
    assert other.error is not None
    assert other.error.endswith(
        "Barman is 3.4.0 on barman@198.51.100.11 and 3.13.3 here: install the same version on both hosts"
    )


def test_a_failed_copy_from_a_source_without_names_names_the_remedy(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.fails = "'name'"
    passive_host.version_there = "3.16.2"
    passive_host.barman._version = (3, 19, 1)
    outcome = passive_host.run()
    assert outcome.kind == "copy"
    assert outcome.error is not None
    assert outcome.error.startswith(
        "server 'pg': 'name'. Barman 3.16.2 on barman@198.51.100.11 reports servers without their names"
    )
    assert outcome.error.endswith("Install Barman 3.17 or newer there")


def test_a_copy_that_does_not_arrive_is_reported_with_the_last_observation(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.never_copies = True
    outcome = passive_host.run(timeout=0)
    assert outcome.kind == "timeout"
    assert outcome.error is not None
    assert outcome.error.startswith(
        "server 'pg': the copy of barman@198.51.100.11's backups and WAL: not within 0 s; last observed: "
    )
    assert "20261120T080000" in outcome.error
    assert "Skipping WAL synchronisation" in outcome.error


def test_a_copy_that_outlasts_the_time_limit_is_no_failure(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    outcome = passive_host.run(timeout=0)
    assert outcome.error is None
    assert outcome.values["backups_copied"] == ["20261120T080000"]
    assert outcome.values["after"]["segments"] == 0


def test_wal_that_the_source_deletes_meanwhile_is_not_waited_for(passive_host: PassiveHost) -> None:
    def retention() -> None:
        passive_host.there.pop("20261120T080000", None)
        for number in range(3, 6):
            passive_host.wals.pop(segment(number), None)

    passive_host.has(range(3, 9), {"20261120T080000": 3, "20261120T090000": 6})
    passive_host.meanwhile = retention
    outcome = passive_host.run(timeout=0)
    assert outcome.error is None
    assert outcome.values["last_wal"] == segment(8)


def test_a_position_is_waited_for(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.run()
    assert not passive_host.run(up_to=parse_up_to("0/5FFFFFF")).changed
    late = passive_host.run(up_to=parse_up_to(segment(6)), timeout=0)
    assert late.kind == "timeout"
    passive_host.has([6])
    assert passive_host.run(up_to=parse_up_to(segment(6))).changed


def test_a_server_that_is_kept_here_is_no_copy(passive_host: PassiveHost) -> None:
    passive_host.server("own")
    configuration = read(str(passive_host.main))
    assert passive_servers(configuration) == ["pg"]
    outcome = PassiveServer(passive_host.barman, configuration, configuration.server("own")).run(
        SyncRequest(), check_mode=False
    )
    assert outcome.kind == "configuration"


def test_one_that_fails_is_no_hindrance_for_the_others(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.server("own")
    configuration = read(str(passive_host.main))
    servers = [configuration.server(name) for name in ("own", "pg")]
    outcomes = synchronise(
        passive_host.barman, configuration, servers, SyncRequest(recoverable=False), check_mode=False
    )
    assert outcomes["own"].error
    assert outcomes["pg"].changed


def test_whose_the_progress_is_does_not_depend_on_the_other_servers(
    passive_host: PassiveHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one server's thread acts as Barman's user, the whole process does."""
    owners: list[str | None] = []

    class Noted(synchronisation.Progress):
        def __init__(self, home: str, operation: str, server: str, owner: str | None, clock: Any) -> None:
            owners.append(owner)
            super().__init__(home, operation, server, None, clock)

    main = threading.main_thread()
    monkeypatch.setattr(synchronisation, "Progress", Noted)
    monkeypatch.setattr(
        synchronisation.os, "geteuid", lambda: 0 if threading.current_thread() is main else 65534, raising=True
    )
    configuration = read(str(passive_host.main))
    synchronise(
        passive_host.barman,
        configuration,
        [configuration.server("pg")],
        SyncRequest(recoverable=False),
        check_mode=True,
    )
    assert owners == [passive_host.barman.user]


def test_what_recovery_would_come_to_is_null_where_nothing_is_here(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6))
    assert passive_host.run(recoverable=True).values["recoverable"] is None


def contact_check(passive_host: PassiveHost, minutes: float = 0) -> dict[str, Any]:
    """What the module check says of the copy, so long after Barman's cron asked the source."""
    place = passive_host.home / "pg" / "primary.info"
    place.write_text(passive_host._source(["ssh", "barman sync-info pg"]).stdout)
    written = time.time() - 60 * minutes
    os.utime(place, (written, written))
    answer = check_servers(passive_host.barman, ["pg"], [], 0, check_mode=True)
    return dict(answer["servers"]["pg"]["checks"]["copy_up_to_date"])


def test_check_reports_a_source_without_contact(passive_host: PassiveHost) -> None:
    answer = check_servers(passive_host.barman, ["pg"], [], 0, check_mode=True)
    assert (
        answer["servers"]["pg"]["checks"]["copy_up_to_date"]["hint"]
        == "there was no contact with barman@198.51.100.11 yet"
    )
    assert contact_check(passive_host, 29)["ok"]
    assert contact_check(passive_host, 31)["hint"] == "the last contact with barman@198.51.100.11 was 31 minutes ago"


def test_check_reports_wal_that_does_not_arrive(passive_host: PassiveHost) -> None:
    now = time.time()
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.wals = dict.fromkeys(passive_host.wals, now - 29 * 60)
    passive_host.backup("pg", "20261120T080000", 3)
    assert contact_check(passive_host)["ok"]
    passive_host.wals = dict.fromkeys(passive_host.wals, now - 31 * 60)
    answer = contact_check(passive_host)
    assert not answer["ok"]
    assert answer["hint"] == "3 WAL segments of barman@198.51.100.11 are missing here, the first for 31 minutes"
    passive_host.wal("pg", range(3, 6))
    assert contact_check(passive_host)["ok"]


def test_a_first_backup_that_takes_long_is_not_late(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.backup("pg", "20261120T080000", 3, status="SYNCING")
    assert contact_check(passive_host)["ok"]


def test_check_reports_a_backup_that_does_not_arrive(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3, "20261120T090000": 5})
    passive_host.backup("pg", "20261120T080000", 3)
    passive_host.wal("pg", range(3, 6))
    passive_host.ended["20261120T090000"] = time.time() - 29 * 60
    assert contact_check(passive_host)["ok"]
    passive_host.ended["20261120T090000"] = time.time() - 31 * 60
    answer = contact_check(passive_host)
    assert not answer["ok"]
    assert answer["hint"] == (
        "backups of barman@198.51.100.11 are missing here, the first for 31 minutes: 20261120T090000"
    )
    passive_host.backup("pg", "20261120T090000", 5, status="FAILED")
    assert not contact_check(passive_host)["ok"]
    passive_host.backup("pg", "20261120T090000", 5)
    assert contact_check(passive_host)["ok"]


def test_check_reports_wal_and_backups_together(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    passive_host.wals = dict.fromkeys(passive_host.wals, time.time() - 45 * 60)
    passive_host.ended["20261120T080000"] = time.time() - 31 * 60
    assert contact_check(passive_host)["hint"] == (
        "3 WAL segments of barman@198.51.100.11 are missing here, the first for 45 minutes; "
        "backups of barman@198.51.100.11 are missing here, the first for 31 minutes: 20261120T080000"
    )


def test_a_backup_that_is_being_copied_is_not_late_nor_are_those_that_wait_for_it(passive_host: PassiveHost) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3, "20261120T090000": 4, "20261120T100000": 5})
    passive_host.backup("pg", "20261120T080000", 3)
    passive_host.wal("pg", range(3, 6))
    passive_host.backup("pg", "20261120T090000", 4, status="SYNCING")
    assert contact_check(passive_host)["ok"]


def test_a_kept_backup_does_not_make_those_late_that_the_policy_here_deleted(tmp_path: Path) -> None:
    passive_host = PassiveHost(tmp_path, retention_policy="REDUNDANCY 1")
    passive_host.has(range(3, 6), {"20261120T080000": 3, "20261120T090000": 4, "20261120T100000": 5})
    passive_host.backup("pg", "20261120T080000", 3)
    (passive_host.home / "pg" / "meta" / "20261120T080000-keep").write_text("full")
    passive_host.backup("pg", "20261120T083000", 3, parent_backup_id="20261120T080000")
    passive_host.backup("pg", "20261120T100000", 5)
    passive_host.wal("pg", range(3, 6))
    assert contact_check(passive_host)["ok"]


def test_a_server_that_is_kept_here_has_no_such_check(passive_host: PassiveHost) -> None:
    passive_host.server("own")
    answer = check_servers(passive_host.barman, ["own"], [], 0, check_mode=True)
    assert "copy_up_to_date" not in answer["servers"]["own"]["checks"]


@pytest.mark.parametrize(
    ("described", "ended"),
    [
        ({"end_time": time.ctime(0), "end_time_iso": "2026-11-20T08:00:00.500000+01:00"}, 1795158000.5),
        ({"end_time": time.ctime(NOW)}, NOW),
        ({"end_time": None}, None),
        ({}, None),
    ],
)
def test_when_a_backup_ended(described: dict[str, Any], ended: float | None) -> None:
    document = {"backups": {"a": described}, "wals": [], "last_name": "", "version": "3.4.0", "config": {}}
    assert parse_source(json.dumps(document)).backups == {"a": ended}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"backups": [], "wals": []}', "Warning: hello"])
def test_an_answer_that_is_none(text: str) -> None:
    with pytest.raises(SynchronisationError, match="is not valid"):
        parse_source(text)


@pytest.mark.parametrize(
    ("newest", "up_to", "expected"),
    [
        (segment(5), "0/5000001", True),
        (segment(5), "0/6000000", True),
        (segment(5), "0/6000001", False),
        (segment(5), segment(5), True),
        (segment(5), segment(6), False),
        (segment(3, timeline=2), segment(5), True),
    ],
)
def test_reached(newest: str, up_to: str, expected: bool) -> None:
    assert reached(parse_segment(newest), parse_up_to(up_to), 16 * MB) is expected


def test_reached_by_nothing() -> None:
    assert reached(None, None, 16 * MB)
    assert not reached(None, parse_up_to("0/1"), 16 * MB)


@pytest.mark.parametrize("text", ["yesterday", "0/", "00000001.history"])
def test_up_to_is_a_position_or_a_segment(text: str) -> None:
    with pytest.raises(SynchronisationError, match="up_to: "):
        parse_up_to(text)
