# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman import configuration
from ansible_collections.pgdr.barman.plugins.module_utils._barman.archive import Archive
from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Backup
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import ConfigurationError
from ansible_collections.pgdr.barman.plugins.module_utils._check import observe as observe_module
from ansible_collections.pgdr.barman.plugins.module_utils._check import servers, wait
from ansible_collections.pgdr.barman.plugins.module_utils._check.barman_check import parse_checks
from ansible_collections.pgdr.barman.plugins.module_utils._check.check import Check, MissingWal, ServerChecks, reasons
from ansible_collections.pgdr.barman.plugins.module_utils._check.gaps import find_gaps
from ansible_collections.pgdr.barman.plugins.module_utils._check.observe import explain, observe
from ansible_collections.pgdr.barman.plugins.module_utils._check.own_checks import CheckedServer, read_own_checks
from ansible_collections.pgdr.barman.plugins.module_utils._check.servers import check_servers
from ansible_collections.pgdr.barman.plugins.module_utils._check.wait import wait_until_ok
from ansible_collections.pgdr.barman.plugins.module_utils._host import progress
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.waiting import Probe, WaitTimeout
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost, segment

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def host(tmp_path: Path) -> BarmanHost:
    return BarmanHost(tmp_path)


def archive(*numbers: int, timeline: int = 1, histories: dict[int, str] | None = None) -> Archive:
    return Archive({wal.parse_segment(segment(n, timeline)): "" for n in numbers}, {}, histories or {})


def backup(backup_id: str, begin: int, end: int | None = None, timeline: int = 1, **values: Any) -> Backup:
    last = segment(begin if end is None else end, timeline)
    return Backup(backup_id, "DONE", "", begin_wal=segment(begin, timeline), end_wal=last, timeline=timeline, **values)


class TestParse:
    def test_a_good_server(self) -> None:
        found = parse_checks((FIXTURES / "check_good.txt").read_text())
        assert list(found) == ["pg"]
        assert found["pg"].active
        assert found["pg"].failures() == []
        assert len(found["pg"].checks) == 22
        assert found["pg"].checks["wal_level"].ok
        redundancy = found["pg"].checks["minimum_redundancy_requirements"]
        assert (redundancy.name, redundancy.ok) == ("minimum redundancy requirements", True)
        assert "expected at least 1" in redundancy.hint

    def test_names_are_as_in_json(self) -> None:
        """The keys are those that Barman's JSON has."""
        recorded = json.loads((FIXTURES / "replies" / "check_main.json").read_text())["main"]
        keys = set(parse_checks((FIXTURES / "check_good.txt").read_text())["pg"].checks)
        assert keys == set(recorded)

    def test_what_failed(self) -> None:
        found = parse_checks((FIXTURES / "check_mixed.txt").read_text())
        assert [str(check) for check in found["a"].failures()] == [
            "WAL archive: please make sure WAL shipping is setup",
            "directories: [Errno 13] Permission denied: '/srv/a'",
            "ssh: postgres@198.51.100.20: Permission denied (publickey). Host key verification failed.",
            "minimum redundancy requirements: have 0 backups, expected at least 1",
        ]
        assert found["a"].checks["postgresql_streaming_(wal_streaming)"].ok

    def test_inactive_and_disabled(self) -> None:
        found = parse_checks((FIXTURES / "check_mixed.txt").read_text())
        assert [found[name].active for name in "abc"] == [True, False, True]
        assert "secret" not in str(found["c"].checks["configuration"])

    def test_hints_with_brackets(self) -> None:
        found = parse_checks("Server a:\n\tx: FAILED (one (two))\n\ty: OK (z)\n")["a"].checks
        assert (found["x"].hint, found["y"].hint) == ("one (two)", "z")

    def test_text_before_the_first_server(self) -> None:
        assert parse_checks("WARNING: x\n\ty: OK\n") == {}

    def test_a_promoted_standby_is_reported_with_the_inventory_s_variables(self) -> None:
        text = (
            "Server a:\n\tPostgreSQL server is standby: FAILED (conninfo should point to a standby server if "
            "primary_conninfo is set)\n"
            "\tPrimary server is not a standby: OK\n"
        )
        found = parse_checks(text)["a"].checks
        assert "it was promoted, or never was a standby" in found["postgresql_server_is_standby"].hint
        assert "barman_primary" in found["postgresql_server_is_standby"].hint
        assert found["primary_server_is_not_a_standby"].hint == ""


class TestGaps:
    def test_none(self) -> None:
        assert find_gaps([backup("1", 5)], archive(5, 6, 7)) == ([], None)

    def test_after_the_latest_backup(self) -> None:
        gaps, problem = find_gaps([backup("1", 5)], archive(5, 6, 9, 10))
        assert (gaps, problem) == ([MissingWal(segment(7), segment(8), 2, after_latest=True)], None)

    def test_before_the_latest_backup(self) -> None:
        gaps, _ = find_gaps([backup("1", 5), backup("2", 9)], archive(5, 6, 9, 10))
        assert gaps == [MissingWal(segment(7), segment(8), 2, after_latest=False)]

    def test_both(self) -> None:
        gaps, _ = find_gaps([backup("1", 5), backup("2", 9)], archive(5, 6, 8, 9, 10, 12))
        assert gaps == [
            MissingWal(segment(7), segment(7), 1, after_latest=False),
            MissingWal(segment(11), segment(11), 1, after_latest=True),
        ]

    def test_the_segment_of_the_backup_itself(self) -> None:
        gaps, _ = find_gaps([backup("1", 5)], archive(6, 7))
        assert gaps == [MissingWal(segment(5), segment(5), 1, after_latest=True)]

    def test_the_end_of_the_backup_itself_with_nothing_after_it(self) -> None:
        """Barman makes a backup DONE after its WAL; a passive node can receive the backup first."""
        backups = [backup("1", 5, 7)]
        assert find_gaps(backups, archive(5)) == ([], None)
        for present, first in ((archive(5), 6), (archive(), 5)):
            gaps, _ = find_gaps(backups, present, complete=True)
            assert gaps == [MissingWal(segment(first), segment(7), 8 - first, after_latest=True)]
        assert find_gaps(backups, archive(5, 6, 7), complete=True) == ([], None)
        gaps, _ = find_gaps(backups, archive(5, 8), complete=True)
        assert gaps == [MissingWal(segment(6), segment(7), 2, after_latest=True)]

    def test_before_the_segment_that_is_being_received(self) -> None:
        present = archive(5, 6)
        present.partials[wal.parse_segment(segment(9))] = ""
        assert find_gaps([backup("1", 5)], present)[0] == [MissingWal(segment(7), segment(8), 2, after_latest=True)]
        present.partials = {wal.parse_segment(segment(7)): ""}
        assert find_gaps([backup("1", 5)], present)[0] == []

    def test_without_a_backup_there_is_nothing_to_miss(self) -> None:
        failed = Backup("1", "FAILED", "", begin_wal=segment(5))
        assert find_gaps([failed], archive(5, 9)) == ([], None)

    def test_a_backup_kept_alone_needs_only_its_own(self) -> None:
        alone = backup("1", 5, 6, keep="standalone")
        assert find_gaps([alone, backup("2", 20)], archive(5, 6, 20, 21)) == ([], None)
        gaps, _ = find_gaps([alone, backup("2", 20)], archive(5, 20, 21))
        assert gaps == [MissingWal(segment(6), segment(6), 1, after_latest=False)]

    def test_along_a_new_timeline(self) -> None:
        histories = {2: "1\t0/7000100\tno recovery target specified\n"}
        present = archive(5, 6)
        present.segments.update(archive(7, 8, timeline=2).segments)
        present.histories = histories
        assert find_gaps([backup("1", 5)], present) == ([], None)
        del present.segments[wal.parse_segment(segment(6))]
        assert find_gaps([backup("1", 5)], present)[0] == [MissingWal(segment(6), segment(6), 1, after_latest=True)]

    def test_a_timeline_that_branched_off_earlier_has_another_history(self) -> None:
        """A restore to an earlier point was archived here too; the backup goes on along its own timeline."""
        present = archive(5, 6, 7, histories={2: "1\t0/3000100\tbefore\n"})
        assert find_gaps([backup("1", 5)], present) == ([], None)

    def test_a_server_that_was_promoted_before_barman_knew_it(self) -> None:
        """Its history was never archived, and PostgreSQL needs none on the backup's own timeline."""
        assert find_gaps([backup("1", 5, timeline=2)], archive(5, 6, timeline=2)) == ([], None)
        gaps, problem = find_gaps([backup("1", 5, timeline=2)], archive(5, 7, timeline=2))
        assert (gaps, problem) == ([MissingWal(segment(6, 2), segment(6, 2), 1, after_latest=True)], None)

    def test_a_history_that_can_not_be_read(self) -> None:
        present = archive(5, histories={2: "(\ufffd/\ufffd$)I\x01"})
        gaps, problem = find_gaps([backup("1", 5)], present)
        assert gaps == []
        assert problem is not None
        assert "the history of timeline 2 has a line that can't be read" in problem
        assert problem.isprintable()


class TestOwnChecks:
    def of(self, host: BarmanHost, name: str = "pg") -> ServerChecks:
        answer = observe(host.barman, configuration.read(str(host.main)), [name], 1, ask_barman=False)
        return answer[name]

    def test_failed_backups_have_their_ids(self, host: BarmanHost) -> None:
        host.server("pg")
        host.backup("pg", "20260101T000000", 5)
        host.backup("pg", "20260102T000000", 6, status="FAILED")
        host.failed["pg"] = {"failed backups": "there are 1 failed backups"}
        answer = observe(host.barman, configuration.read(str(host.main)), ["pg"], 1)
        assert answer["pg"].checks["failed_backups"].hint == (
            "there are 1 failed backups; barman show-backup reports the reason of each, and to delete them: barman "
            "delete pg 20260102T000000"
        )

    def test_a_good_server(self, host: BarmanHost) -> None:
        host.server("pg")
        host.backup("pg", "20260101T000000", 5)
        host.wal("pg", [5, 6])
        found = self.of(host)
        assert {key: check.ok for key, check in found.checks.items()} == {
            "backup_present": True,
            "disk_space": True,
            "interrupted_backups": True,
            "wal_continuity": True,
            "wal_file_sizes": True,
        }
        assert host.calls == []

    def test_barman_is_content_without_a_backup(self, host: BarmanHost) -> None:
        host.server("pg")
        assert [str(check) for check in self.of(host).failures()] == ["backup present: there is no valid backup yet"]

    def test_a_backup_that_waits(self, host: BarmanHost) -> None:
        host.server("pg")
        host.backup("pg", "20260101T000000", 5, status="WAITING_FOR_WALS")
        assert self.of(host).checks["backup_present"].hint == "backup 20260101T000000 still waits for its WAL"

    def test_increments_whose_root_is_gone(self, host: BarmanHost) -> None:
        host.server("pg")
        host.wal("pg", [5, 6, 7])
        host.backup("pg", "20260101T000000", 5)
        host.backup("pg", "20260102T000000", 6, parent_backup_id="20260101T000000")
        assert self.of(host).checks["incremental_backups"].ok
        host.backup("pg", "20260103T000000", 7, parent_backup_id="20251231T000000")
        assert [str(check) for check in self.of(host).failures()] == [
            "incremental backups: backup 20260103T000000 is incremental, and backup 20251231T000000, which it needs, "
            "is "
            "not in the catalog"
        ]

    def test_a_gap(self, host: BarmanHost) -> None:
        host.server("pg")
        host.backup("pg", "20260101T000000", 5)
        host.wal("pg", [5, 8])
        found = self.of(host)
        assert str(found.failures()[0]) == (
            f"WAL continuity: WAL segments {segment(6)} to {segment(7)} (2) missing after backup 20260101T000000: "
            "nothing later can be "
            "recovered until a new backup is taken"
        )
        assert found.as_dict()["gaps"] == [
            {"first": segment(6), "last": segment(7), "count": 2, "after_latest_backup": True}
        ]

    @pytest.mark.parametrize(
        ("methods", "heals"), [("streaming_archiver", False), ("streaming_archiver archiver", True)]
    )
    def test_a_gap_can_only_heal_if_another_way_brings_the_segments(
        self, host: BarmanHost, methods: str, heals: bool
    ) -> None:
        host.server("pg", **dict.fromkeys(methods.split(), "on"))
        host.backup("pg", "20260101T000000", 5)
        host.wal("pg", [5, 8])
        found = self.of(host)
        assert (found.checks["wal_continuity"].healable, found.final()) == (heals, not heals)
        assert found.checks["disk_space"].healable

    @pytest.mark.parametrize(("archived", "heals"), [(7, True), (9, False)])
    def test_a_gap_that_both_ways_have_passed_does_not_heal(self, host: BarmanHost, archived: int, heals: bool) -> None:
        """PostgreSQL's archiver says how far it is, and the receiver's directory how far that one is."""
        host.server("pg", streaming_archiver="on", archiver="on", conninfo="host=198.51.100.10")
        host.backup("pg", "20260101T000000", 5)
        host.wal("pg", [5, 8])
        streaming = host.home / "pg" / "streaming"
        streaming.mkdir(exist_ok=True)
        (streaming / (segment(9) + ".partial")).write_bytes(b"")
        asked: list[str] = []

        class PostgreSQL:
            version = 17

            def query(self, sql: str, params: Any = ()) -> list[dict[str, Any]]:
                if "pg_stat_archiver" not in sql:
                    return [{"lsn": "0/9000000", "in_recovery": False, "segment_size": 1 << 24}]
                row = {"mode": "on", "last_archived_wal": segment(archived), "last_failed_wal": None, "failed_count": 0}
                return [{**row, "failing": False, "command": "barman-wal-archive b pg %p # pgdr.barman"}]

            def close(self) -> None:
                asked.append("closed")

        read = configuration.read(str(host.main))
        answer = observe(host.barman, read, ["pg"], 1, ask_barman=False, connect=lambda *arguments: PostgreSQL())  # type: ignore[arg-type]
        assert answer["pg"].checks["wal_continuity"].healable is heals
        assert asked == ["closed"]

    def test_a_missing_backup_can_come_if_one_is_being_taken(self, host: BarmanHost) -> None:
        host.server("pg")
        assert self.of(host).final()
        host.backup("pg", "20260101T000000", 5, status="WAITING_FOR_WALS")
        assert not self.of(host).final()

    def test_an_older_gap_is_reported_and_no_failure(self, host: BarmanHost) -> None:
        host.server("pg")
        host.backup("pg", "20260101T000000", 5)
        host.backup("pg", "20260102T000000", 8)
        host.wal("pg", [5, 8])
        check = self.of(host).checks["wal_continuity"]
        assert check.ok
        assert "missing before the latest backup" in check.hint

    def test_many_gaps_are_shortened(self, host: BarmanHost) -> None:
        host.server("pg")
        host.backup("pg", "20260101T000000", 1)
        host.wal("pg", range(1, 20, 2))
        assert "and 6 more missing" in self.of(host).checks["wal_continuity"].hint

    def test_segments_that_wait_to_be_archived_count(self, host: BarmanHost) -> None:
        place = host.server("pg")
        host.backup("pg", "20260101T000000", 5)
        host.wal("pg", [5])
        (place / "streaming" / segment(6)).write_text("")
        (place / "incoming" / segment(7)).write_text("")
        (place / "streaming" / (segment(8) + ".partial")).write_text("")
        assert self.of(host).failures() == []

    def test_an_inactive_server(self, host: BarmanHost) -> None:
        host.server("pg", active="false")
        host.backup("pg", "20260101T000000", 5)
        host.wal("pg", [5])
        assert [check.key for check in self.of(host).failures()] == ["active"]
        assert not self.of(host).active

    def test_a_broken_catalog(self, host: BarmanHost) -> None:
        place = host.server("pg")
        (place / "meta" / "1-backup.info").write_text("nonsense\n")
        assert "1-backup.info has a line" in self.of(host).checks["backup_present"].hint

    def test_wal_in_a_cloud_is_not_looked_at(self, host: BarmanHost) -> None:
        host.server("pg", wals_directory="s3://bucket/pg", basebackups_directory="s3://bucket/pg")
        assert self.of(host).checks["wal_continuity"].hint == "not checked: the WAL is not on this host"


class TestCheckServers:
    @pytest.fixture(autouse=True)
    def two_good_servers(self, host: BarmanHost) -> None:
        for name in ("a", "b"):
            host.server(name, conninfo=f"host={name}", streaming_conninfo=f"host={name} user=s")
            host.backup(name, "20260101T000000", 5)
            host.wal(name, [5, 6])

    def check(self, host: BarmanHost, **options: Any) -> dict[str, Any]:
        values: dict[str, Any] = {"names": None, "ignore": [], "timeout": 0, **options}
        return check_servers(host.barman, **values)

    def test_all(self, host: BarmanHost) -> None:
        answer = self.check(host)
        assert answer["ok"]
        assert answer["problems"] == []
        assert sorted(answer["servers"]) == ["a", "b"]
        assert answer["servers"]["a"]["checks"]["postgresql"] == {
            "name": "PostgreSQL",
            "ok": True,
            "hint": "",
            "ignored": False,
            "source": "barman",
            "healable": True,
        }
        assert answer["servers"]["a"]["checks"]["wal_continuity"]["source"] == "pgdr.barman"
        assert json.loads(json.dumps(answer)) == answer

    def test_some(self, host: BarmanHost) -> None:
        assert list(self.check(host, names=["b", "b"])["servers"]) == ["b"]
        assert host.calls == [["check", "b"]]

    def test_the_progress_is_reported_while_it_runs(self, host: BarmanHost, monkeypatch: pytest.MonkeyPatch) -> None:
        host.home.mkdir(exist_ok=True)
        host.failed = {"b": {"PostgreSQL": "down"}}
        monkeypatch.setattr(wait, "_INTERVAL", 0.01)
        observed: list[dict[str, Any]] = []
        answer = BarmanHost.__call__

        def look(self: BarmanHost, command: Command) -> Completed:
            observed.extend(progress.running(str(host.home), lambda pid: True))
            if len(observed) > 3:
                host.failed.clear()
            return answer(self, command)

        monkeypatch.setattr(BarmanHost, "__call__", look)
        assert self.check(host, timeout=30)["ok"]
        assert [one["phase"] for one in observed][:2] == ["checking", "checking"]
        assert (observed[0]["servers"], observed[0]["servers_done"], observed[0]["servers_total"]) == (["a", "b"], 0, 2)
        assert observed[-1]["phase"] == "waiting for checks to succeed"
        assert (observed[-1]["failing"], observed[-1]["servers_done"]) == (["b"], 1)
        assert progress.running(str(host.home), lambda pid: True) == []

    def test_an_unknown_one(self, host: BarmanHost) -> None:
        with pytest.raises(ConfigurationError, match="no server 'x' on this host; it has: a, b"):
            self.check(host, names=["a", "x"])

    def test_side_by_side(self, host: BarmanHost) -> None:
        for name in "cdefg":
            host.server(name)
        self.check(host)
        assert len(host.calls) == 4
        assert sorted(word for call in host.calls for word in call[1:]) == list("abcdefg")
        host.calls.clear()
        self.check(host, jobs=1)
        assert host.calls == [["check", *"abcdefg"]]

    def test_reasons(self, host: BarmanHost) -> None:
        host.failed = {"b": {"directories": "no space"}}
        answer = self.check(host)
        assert not answer["ok"]
        assert answer["problems"] == ["server 'b': directories: no space"]
        assert answer["servers"]["a"]["ok"]

    @pytest.mark.parametrize("written", ["Directories", "directories"])
    def test_ignored_checks_are_returned(self, host: BarmanHost, written: str) -> None:
        host.failed = {"b": {"directories": "no space"}}
        answer = self.check(host, ignore=[written])
        assert answer["ok"]
        found = answer["servers"]["b"]["checks"]["directories"]
        assert (found["ok"], found["ignored"]) == (False, True)

    def test_an_error_that_is_no_check_is_one(self, host: BarmanHost) -> None:
        host.stderr = "WARNING: x\nERROR: Conflicting path: y\n"
        answer = self.check(host, jobs=1)
        assert answer["problems"] == [
            "server 'a': barman check: ERROR: Conflicting path: y",
            "server 'b': barman check: ERROR: Conflicting path: y",
        ]

    @pytest.mark.parametrize(
        ("rc", "stderr", "words"),
        [
            (
                1,
                "WARNING: x\nEXCEPTION: [Errno 5] password=secret\nSee log file for more details.\n",
                "[Errno 5] password=********",
            ),
            (1, "EXCEPTION: \nSee log file for more details.\n", "exit code 1"),
            (-9, "", "exit code -9"),
        ],
    )
    @pytest.mark.parametrize("reported", [False, True])
    def test_a_check_that_broke_off_is_not_good(
        self, host: BarmanHost, monkeypatch: pytest.MonkeyPatch, reported: bool, rc: int, stderr: str, words: str
    ) -> None:
        """In the middle of a server, whatever else failed before."""
        host.server("c", conninfo="host=c")
        host.backup("c", "20260101T000000", 5)
        host.wal("c", [5, 6])
        answer = BarmanHost.__call__

        def breaks_off(self: BarmanHost, command: Command) -> Completed:
            before, middle, _ = answer(self, command).stdout.partition(
                "\tPostgreSQL streaming: OK\n\tdirectories: OK\nServer c"
            )
            assert middle
            return Completed(command.argv, rc, before, stderr)

        monkeypatch.setattr(BarmanHost, "__call__", breaks_off)
        if reported:
            host.failed = {"a": {"directories": "no space"}}
        found = self.check(host, jobs=1, ignore=["directories"])
        assert found["problems"] == [f"server '{name}': barman check: {words}" for name in "bc"]

    def test_a_server_without_an_answer(self, host: BarmanHost) -> None:
        host.silent = {"b"}
        assert self.check(host)["problems"] == ["server 'b': barman check: exit code 1"]

    def test_a_process_that_does_not_end(self, host: BarmanHost) -> None:
        host.slow = {"b"}
        assert self.check(host)["problems"] == ["server 'b': barman check: 'barman check' did not end within 90 s"]

    def test_check_mode_does_not_run_barman(self, host: BarmanHost) -> None:
        answer = self.check(host, check_mode=True)
        assert (answer["barman_checked"], host.calls) == (False, [])
        assert set(answer["servers"]["a"]["checks"]) == {
            "backup_present",
            "disk_space",
            "interrupted_backups",
            "wal_continuity",
            "wal_file_sizes",
        }

    def test_why_a_connection_failed(self, host: BarmanHost) -> None:
        host.failed = {"a": {"PostgreSQL": "", "PostgreSQL streaming": "FATAL: failed"}, "b": {"PostgreSQL": "too old"}}
        tried: list[tuple[str, bool]] = []

        def connect(conninfo: str, user: Any = None, server: Any = None, *, replication: bool = False) -> Any:
            tried.append((conninfo, replication))
            if conninfo == "host=b":
                return io.StringIO()
            raise HostError("wrong password")

        answer = self.check(host, connect=connect)
        # How far the backups are behind follows: test_last_received.py.
        assert [problem.partition("; the last WAL")[0] for problem in answer["problems"]] == [
            "server 'a': PostgreSQL: wrong password",
            "server 'a': PostgreSQL streaming: wrong password",
            "server 'b': PostgreSQL: too old",
        ]
        assert tried == [("host=a", False), ("host=a user=s", True), ("host=b", False)]

    def test_a_backup_whose_files_are_gone_is_none(self, host: BarmanHost) -> None:
        (host.home / "a" / "base" / "20260101T000000" / "data").rmdir()
        observed = configuration.read(str(host.main))
        check = read_own_checks(CheckedServer(host.barman, observed.server("a"))).checks["backup_present"]
        assert not check.ok
        assert check.hint.startswith(f"the files of backup 20260101T000000 are missing in {host.home}/a/base")

    def test_what_commits_wait_for(self, host: BarmanHost, monkeypatch: pytest.MonkeyPatch) -> None:
        """Asked of PostgreSQL, for the servers that are declared so, and where there is a connection."""
        asked: list[tuple[str, str]] = []

        def connect(conninfo: str, user: Any = None, server: Any = None, *, replication: bool = False) -> Any:
            if conninfo == "host=b":
                raise HostError("server 'b' can't be reached")
            asked.append((conninfo, server))
            return io.StringIO()

        monkeypatch.setattr(servers, "record_if_due", lambda *arguments: False)
        monkeypatch.setattr(observe_module, "problem_of", lambda session, application: f"{application} is not there")
        both = self.check(host, connect=connect, synchronous=["a", "b", "elsewhere"])
        assert both["problems"] == [
            "server 'a': synchronous WAL receiver: barman_receive_wal is not there",
            "server 'b': synchronous WAL receiver: server 'b' can't be reached",
        ]
        assert asked == [("host=a", "a")]
        monkeypatch.setattr(observe_module, "problem_of", lambda session, application: "")
        assert self.check(host, connect=connect, synchronous=["a"])["ok"]
        assert "synchronous_wal_receiver" not in self.check(host, connect=connect)["servers"]["a"]["checks"]
        found = self.check(host, connect=connect, synchronous=["a"], check_mode=True)["servers"]["a"]["checks"]
        assert found["synchronous_wal_receiver"]["ok"]
        assert "psycopg" in self.check(host, connect=None, synchronous=["a"])["problems"][0]
        host.failed = {"a": {"PostgreSQL": ""}}
        (problem,) = self.check(host, connect=connect, synchronous=["a"], ignore=["PostgreSQL"])["problems"]
        assert problem.endswith("synchronous WAL receiver: PostgreSQL can't be queried")

    def test_what_a_server_requires_is_recorded_while_it_answers(
        self, host: BarmanHost, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its recovery is for the day on which it does not."""
        recorded: list[str] = []

        def connect(conninfo: str, user: Any = None, server: Any = None, *, replication: bool = False) -> Any:
            raise HostError("nothing else is asked")

        def record(home: str, server: configuration.ServerConfiguration, *rest: Any) -> bool:
            recorded.append(server.name)
            return True

        monkeypatch.setattr(servers, "record_if_due", record)
        self.check(host, connect=connect, check_mode=True)
        self.check(host, connect=None)
        assert recorded == []
        host.failed = {"a": {"PostgreSQL": ""}}
        host.server("c", primary_ssh_command="ssh other", conninfo="host=c")
        self.check(host, connect=connect)
        assert recorded == ["b"]

    @pytest.mark.parametrize("name", ["check timeout", "barman check"])
    def test_why_a_check_did_not_end(self, host: BarmanHost, name: str) -> None:
        def connect(conninfo: str, user: Any = None, server: Any = None, *, replication: bool = False) -> Any:
            if conninfo == "host=a":
                raise HostError("no answer")
            return io.StringIO()

        late = Check(name, ok=False, hint="it took too long")
        observed = {server: ServerChecks(server, {late.key: late}) for server in ("a", "b")}
        explained = explain(observed, configuration.read(host.barman.config_file), "barman", connect)
        assert reasons(explained) == [
            f"server 'a': {name}: it took too long",
            "server 'a': PostgreSQL: no answer",
            f"server 'b': {name}: it took too long",
        ]


def test_without_a_connection_barman_s_guesses_are_not_reported() -> None:
    slot = Check("replication slot", ok=False, hint="it doesn't exist")
    down = ServerChecks("a", {"postgresql": Check("PostgreSQL", ok=False), "replication_slot": slot})
    up = ServerChecks("b", {"postgresql": Check("PostgreSQL", ok=True), "replication_slot": slot})
    assert reasons({"a": down, "b": up}) == [
        "server 'a': PostgreSQL: FAILED",
        "server 'b': replication slot: it doesn't exist",
    ]
    assert not down.as_dict()["checks"]["replication_slot"]["ok"]


def test_without_a_replication_connection_no_program_is_called_incompatible() -> None:
    version = Check("pg_basebackup compatible", ok=False, hint="PostgreSQL version: None, pg_basebackup version: 17.12")
    slot = Check("replication slot", ok=False, hint="not active")
    down = ServerChecks(
        "a",
        {
            "postgresql": Check("PostgreSQL", ok=True),
            "postgresql_streaming": Check("PostgreSQL streaming", ok=False),
            "pg_basebackup_compatible": version,
            "replication_slot": slot,
        },
    )
    assert reasons({"a": down}) == [
        "server 'a': PostgreSQL streaming: FAILED",
        "server 'a': replication slot: not active",
    ]


class TestWaiting:
    def glance(self, answers: Sequence[dict[str, bool]]) -> tuple[Any, list[list[str]]]:
        asked: list[list[str]] = []

        def look(names: Sequence[str]) -> dict[str, ServerChecks]:
            answer = answers[min(len(asked), len(answers) - 1)]
            asked.append(list(names))
            return {name: ServerChecks(name, {"x": Check("x", answer[name])}) for name in names}

        return look, asked

    @staticmethod
    def wait(what: str, probe: Any, timeout: float, interval: float) -> Any:
        for _ in range(int(timeout) + 1):
            observed: Probe = probe()
            if observed.done:
                return observed.value
        raise WaitTimeout(what)

    def test_only_what_is_not_good_is_looked_at_again(self) -> None:
        look, asked = self.glance([{"a": True, "b": False}, {"b": False}, {"b": True}])
        reported: list[list[str]] = []
        observed = wait_until_ok(look, ["a", "b"], (), 9, lambda left: reported.append(list(left)), self.wait)
        assert asked == [["a", "b"], ["b"], ["b"]]
        assert reported == [["b"], ["b"], []]
        assert not any(checks_.failures() for checks_ in observed.values())

    def test_the_time_is_over(self) -> None:
        look, asked = self.glance([{"a": False}])
        observed = wait_until_ok(look, ["a"], (), 2, wait=self.wait)
        assert len(asked) == 3
        assert observed["a"].failures()

    def test_a_server_out_of_reach_is_waited_for_no_longer_than_that(self) -> None:
        asked: list[list[str]] = []
        times = iter(range(100))

        def look(names: Sequence[str]) -> dict[str, ServerChecks]:
            asked.append(list(names))
            failed = {"down": "postgresql", "timeout": "check_timeout", "red": "x"}
            return {name: ServerChecks(name, {failed[name]: Check(failed[name], ok=False)}) for name in names}

        observed = wait_until_ok(
            look, ["down", "timeout", "red"], (), 3, wait=self.wait, patience=4, clock=lambda: float(next(times))
        )
        assert asked == [["down", "timeout", "red"], ["down", "timeout", "red"], ["red"], ["red"]]
        assert all(observed[name].failures() for name in ("down", "timeout", "red"))

    def test_it_ends_where_only_servers_out_of_reach_are_left(self) -> None:
        asked: list[list[str]] = []

        def look(names: Sequence[str]) -> dict[str, ServerChecks]:
            asked.append(list(names))
            return {name: ServerChecks(name, {"postgresql": Check("PostgreSQL", name == "up")}) for name in names}

        observed = wait_until_ok(look, ["up", "down"], (), 9, wait=self.wait, patience=0)
        assert asked == [["up", "down"]]
        assert observed["down"].failures()

    def test_ignored_checks_are_not_waited_for(self) -> None:
        look, asked = self.glance([{"a": False}])
        wait_until_ok(look, ["a"], {"x"}, 9, wait=self.wait)
        assert len(asked) == 1

    @staticmethod
    def failing(**healable: bool) -> ServerChecks:
        return ServerChecks("a", {key: Check(key, ok=False, healable=value) for key, value in healable.items()})

    def looks(self, *answers: ServerChecks, ignored: Sequence[str] = ()) -> int:
        asked = []

        def look(names: Sequence[str]) -> dict[str, ServerChecks]:
            asked.append(names)
            return {"a": answers[min(len(asked), len(answers)) - 1]}

        wait_until_ok(look, ["a"], ignored, 30, wait=self.wait)
        return len(asked)

    def test_it_ends_if_waiting_can_heal_nothing_that_is_left(self) -> None:
        assert self.looks(self.failing(gap=False)) == 2

    def test_it_goes_on_as_long_as_something_can_heal(self) -> None:
        assert self.looks(*[self.failing(gap=False, receiver=True)] * 5, self.failing(gap=False)) == 7

    def test_a_final_failure_that_is_gone_at_the_second_look_is_none(self) -> None:
        assert self.looks(self.failing(gap=False), ServerChecks("a")) == 2
        assert (
            self.looks(self.failing(gap=False), self.failing(x=True), self.failing(gap=False), ServerChecks("a")) == 4
        )

    def test_an_ignored_check_that_could_heal_prolongs_nothing(self) -> None:
        assert self.looks(self.failing(gap=False, receiver=True), ignored=["receiver"]) == 2
