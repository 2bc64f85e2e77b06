# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verifying what is stored: what is read, what is found, what is recorded, and what is cut off."""

from __future__ import annotations

import bz2
import contextlib
import dataclasses
import errno
import gzip
import importlib
import io
import json
import lzma
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._backup.decryption import Decryption, KeyNotRead, key_problem
from ansible_collections.pgdr.barman.plugins.module_utils._backup.stored_files import NotVerified
from ansible_collections.pgdr.barman.plugins.module_utils._barman.ledger import read_ledger
from ansible_collections.pgdr.barman.plugins.module_utils._barman.verification_record import current_damages
from ansible_collections.pgdr.barman.plugins.module_utils._barman.wal_encryption import NO_COMMAND
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._stored import backups as reading_backups
from ansible_collections.pgdr.barman.plugins.module_utils._stored import reading
from ansible_collections.pgdr.barman.plugins.module_utils._stored.facts import iso, stored_summary
from ansible_collections.pgdr.barman.plugins.module_utils._stored.pace import Pace
from ansible_collections.pgdr.barman.plugins.module_utils._stored.plan import DAY
from ansible_collections.pgdr.barman.plugins.module_utils._stored.request import (
    VERIFICATION_ARGUMENTS,
    StoredVerificationError,
    StoredVerificationRequest,
    stored_request_from,
)
from ansible_collections.pgdr.barman.plugins.module_utils._stored.run import verify_servers
from tests.unit.plugins.module_utils._backup.test_verification import FILES
from tests.unit.plugins.module_utils._postgres.test_wal_reader import MIB
from tests.unit.plugins.module_utils._stored.stored_host import BACKUP, NOW, PLAIN, StoredHost

TABLE = "base/5/16384"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoredHost:
    monkeypatch.setattr(reading_backups, "find_program", lambda *unused: None)
    return StoredHost(tmp_path)


def paths(facts: dict[str, Any]) -> set[str]:
    return {one["path"] for one in facts["damages"]}


def test_what_is_intact_passes_and_is_recorded(host: StoredHost) -> None:
    facts = host.verify(requested_by="dba")
    assert (facts["result"], facts["reason"], facts["damages"], facts["consequences"]) == ("passed", "", [], None)
    assert (facts["read"]["backups"], facts["read"]["segments"]) == ([BACKUP], 4)
    assert facts["read"]["bytes"] == facts["stored_bytes"]
    assert facts["programs"] == ["pgdr.barman"]
    record = read_ledger(str(host.files.home), "pg").last("verification")
    assert record is not None
    assert record.as_dict() == facts
    assert "1 backups and 4 WAL segments are intact" in stored_summary({"pg": facts})[0]


def test_check_mode_reads_nothing(host: StoredHost) -> None:
    host.change(host.file(TABLE))
    facts = host.verify(check_mode=True)
    assert (facts["result"], facts["planned"]["segments"]) == ("planned", 4)
    assert not (host.files.home / ".pgdr.barman").exists()
    assert "would be read" in stored_summary({"pg": facts})[0]


def test_a_run_reads_its_part_and_the_next_one_goes_on(host: StoredHost) -> None:
    read: list[str] = []
    for day in range(5):
        host.now = NOW + day * DAY
        facts = host.verify(everything=False, days=4)
        read += facts["read"]["backups"]
        assert facts["read"]["segments"] <= 2
    state = json.loads((host.files.home / ".pgdr.barman" / "verification" / "pg.json").read_text())
    assert min(at for ranges in state["wal"].values() for _first, _last, at in ranges) > NOW
    assert read


@pytest.mark.parametrize("name", [TABLE, "PG_VERSION", "global/pg_control"])
def test_a_changed_file_is_named(host: StoredHost, name: str) -> None:
    host.change(host.file(name))
    facts = host.verify()
    assert paths(facts) == {str(host.file(name))}
    assert facts["result"] == "failed"
    assert facts["consequences"]["lost_backups"] == [BACKUP]
    assert f"backup {BACKUP} can't be recovered from" in stored_summary({"pg": facts})[0]


def test_missing_and_additional_files_are_named(host: StoredHost) -> None:
    host.file(TABLE).unlink()
    host.file("base/5/4711").write_bytes(b"")
    host.file("pg_wal").mkdir()
    host.file("pg_wal/000000010000000000000001").write_bytes(b"not compared")
    assert paths(host.verify()) == {str(host.file(TABLE)), str(host.file("base/5/4711"))}


@pytest.mark.parametrize("name", ["base/5", "global"])
def test_a_directory_that_can_not_be_listed_is_named(
    host: StoredHost, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files may be readable: the directory has x without r."""
    closed, listed = str(host.file(name)), os.scandir

    def scandir(path: Any) -> Any:
        if str(path) == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    facts = host.verify()
    assert paths(facts) == {closed}
    assert f"the directory {closed} can't be read: Permission denied" in facts["reason"]


def test_a_tablespace_of_the_manifest_is_compared(host: StoredHost) -> None:
    host.back_up("20270111T080000", FILES)
    name = next(one for one in FILES if one.startswith("pg_tblspc/"))
    more = host.file(name, "20270111T080000").parent / "4711"
    more.write_bytes(b"")
    host.change(host.file(name, "20270111T080000"))
    facts = host.verify()
    assert paths(facts) == {str(more), str(host.file(name, "20270111T080000"))}
    assert {one["name"] for one in facts["damages"]} == {name, f"{os.path.dirname(name)}/4711"}


def test_a_damage_stays_until_the_file_is_replaced(host: StoredHost) -> None:
    content = host.file(TABLE).read_bytes()
    host.change(host.file(TABLE))
    first = host.verify()
    host.now += DAY
    again = host.verify(everything=False)
    assert [one["found"] for one in again["damages"]] == [one["found"] for one in first["damages"]]
    host.file(TABLE).write_bytes(content)
    host.now += DAY
    assert host.verify(everything=False)["result"] == "passed"


def test_a_damage_ends_with_its_backup(host: StoredHost) -> None:
    host.back_up("20270111T080000")
    host.change(host.file(TABLE))
    host.verify()
    (host.place / "meta" / f"{BACKUP}-backup.info").unlink()
    record = read_ledger(str(host.files.home), "pg").last("verification")
    assert current_damages(record, []) == []
    assert host.verify(everything=False)["result"] == "passed"


def test_a_backup_that_is_deleted_meanwhile_is_no_damage(host: StoredHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.file(TABLE).unlink()
    monkeypatch.setattr(reading, "read_backups", lambda entry: [])
    facts = host.verify()
    assert (facts["result"], facts["read"]["backups"]) == ("passed", [])


def test_a_backup_that_barman_works_on_is_no_damage(host: StoredHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.file(TABLE).unlink()
    monkeypatch.setattr(reading, "is_held", lambda entry, what: what == BACKUP)
    assert host.verify()["result"] == "passed"


@pytest.mark.parametrize(
    ("status", "more"), [("FAILED", {}), ("EMPTY", {}), ("WAITING_FOR_WALS", {}), ("DONE", {"encryption": "gpg"})]
)
def test_other_backups_are_left_out(host: StoredHost, status: str, more: dict[str, Any]) -> None:
    host.back_up("20270112T080000", with_manifest=False, status=status, **more)
    facts = host.verify()
    assert (facts["result"], facts["read"]["backups"]) == ("passed", [BACKUP])
    assert list(facts["not_verified"]) == (["20270112T080000"] if more else [])


# Other copies


def test_an_intact_copy_in_another_backup_is_named(host: StoredHost) -> None:
    host.back_up("20270111T080000")
    host.change(host.file(TABLE, "20270111T080000"))
    facts = host.verify()
    assert [one["copies"] for one in facts["damages"]] == [[str(host.file(TABLE))]]
    assert f"(an intact copy is {host.file(TABLE)})" in facts["reason"]


def test_another_name_of_the_damaged_file_is_no_copy(host: StoredHost) -> None:
    """Hard links of rsync backups with reuse_backup = link."""
    host.back_up("20270111T080000")
    host.file(TABLE, "20270111T080000").unlink()
    os.link(host.file(TABLE), host.file(TABLE, "20270111T080000"))
    host.change(host.file(TABLE))
    facts = host.verify()
    assert paths(facts) == {str(host.file(TABLE)), str(host.file(TABLE, "20270111T080000"))}
    assert [one["copies"] for one in facts["damages"]] == [[], []]


def test_a_copy_that_is_damaged_too_is_not_named(host: StoredHost) -> None:
    host.back_up("20270111T080000")
    for backup_id in (BACKUP, "20270111T080000"):
        host.change(host.file(TABLE, backup_id))
    assert [one["copies"] for one in host.verify()["damages"]] == [[], []]


def test_a_segment_that_was_received_is_a_copy(host: StoredHost) -> None:
    segment = host.segments[2]
    received = host.place / "streaming" / str(segment)
    shutil.copy(host.wal_path(segment), received)
    host.change(host.wal_path(segment), 0)
    facts = host.verify()
    assert [one["copies"] for one in facts["damages"]] == [[str(received)]]


def test_another_server_of_the_same_cluster_has_copies(host: StoredHost, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = StoredHost(tmp_path / "other", "copy")
    shutil.move(other.place, host.files.home / "copy")
    (host.files.directory / "copy.conf").write_text("[copy]\n")
    host.change(host.wal_path(host.segments[1]), 0)
    host.change(host.file(TABLE))
    found = {one["name"]: one["copies"] for one in host.verify(servers=("pg",))["damages"]}
    place = host.files.home / "copy"
    assert found == {
        TABLE: [str(place / "base" / BACKUP / "data" / TABLE)],
        str(host.segments[1]): [str(place / "wals" / host.segments[1].directory / str(host.segments[1]))],
    }


def test_the_module_answers_which_files_are_intact(host: StoredHost) -> None:
    host.change(host.file("PG_VERSION"))
    host.change(host.wal_path(host.segments[0]), 0)
    names = (
        str(host.segments[0]),
        str(host.segments[1]),
        f"{BACKUP}/PG_VERSION",
        f"{BACKUP}/{TABLE}",
        f"{BACKUP}/none",
        "1/x",
    )
    values = verify_servers(StoredVerificationRequest(("pg",), copies_of=names), host.environment)
    assert values["copies"] == {
        **dict.fromkeys(names),
        str(host.segments[1]): str(host.wal_path(host.segments[1])),
        f"{BACKUP}/{TABLE}": str(host.file(TABLE)),
    }
    assert not (host.files.home / ".pgdr.barman" / "ledger").exists()


# WAL


def test_a_damaged_segment_shortens_recoveries(host: StoredHost) -> None:
    damaged = host.segments[2]
    host.change(host.wal_path(damaged), 0)
    facts = host.verify()
    assert paths(facts) == {str(host.wal_path(damaged))}
    assert facts["consequences"]["lost_backups"] == []
    assert facts["consequences"]["shortened"] == [
        {"backups": [BACKUP], "last_wal": str(host.segments[1]), "intended": str(host.segments[3])}
    ]
    assert f"recoveries from backup {BACKUP} end at WAL segment {host.segments[1]}" in facts["consequences"]["text"]


def test_of_a_record_in_several_segments_all_are_named_until_one_is_replaced(host: StoredHost) -> None:
    """The record is larger than a segment."""
    changed = host.wal_path(host.segments[2])
    content = changed.read_bytes()
    host.change(changed, 300_000)
    facts = host.verify()
    assert paths(facts) == {str(host.wal_path(one)) for one in host.segments[1:]}
    assert facts["consequences"]["shortened"][0]["last_wal"] == str(host.segments[0])
    assert f"The record begins in segment {host.segments[1]}" in facts["reason"]
    changed.write_bytes(content)
    assert host.verify(everything=False)["result"] == "passed"


def test_the_backup_s_own_wal_takes_the_backup(host: StoredHost) -> None:
    host.change(host.wal_path(host.segments[0]), 0)
    assert host.verify()["consequences"]["lost_backups"] == [BACKUP]


def test_a_part_of_the_archive_continues_the_segment_before(host: StoredHost) -> None:
    """Each segment is read alone; a record that goes on in the next one is verified nevertheless."""
    for segment in host.segments:
        state = host.files.home / ".pgdr.barman" / "verification" / "pg.json"
        others = [one for one in host.segments if one != segment]
        state.parent.mkdir(parents=True, exist_ok=True)
        value = {
            "version": 1,
            "since": NOW - 9 * DAY,
            "runs": [],
            "backups": {BACKUP: NOW},
            "wal": {one.directory: [[other.seg, other.seg, NOW] for other in others] for one in others},
            "damages": [],
            "unverified": {},
        }
        state.write_text(json.dumps(value))
        facts = host.verify(everything=False, days=9)
        assert (facts["result"], facts["read"]["segments"]) == ("passed", 1), facts["reason"]


def test_a_compressed_segment_is_read_to_its_end(host: StoredHost) -> None:
    path = host.wal_path(host.segments[1])
    path.write_bytes(gzip.compress(path.read_bytes()))
    text = (host.place / "wals" / "xlog.db").read_text()
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith(path.name)]
    lines.append(f"{path.name}\t{path.stat().st_size}\t0\tgzip\n")
    (host.place / "wals" / "xlog.db").write_text("".join(lines))
    assert host.verify()["result"] == "passed"
    path.write_bytes(path.read_bytes()[:-9])
    assert paths(host.verify()) == {str(path)}


def test_xlog_db_and_the_files_are_compared(host: StoredHost) -> None:
    host.wal_path(host.segments[3]).unlink()
    assert paths(host.verify()) == {str(host.wal_path(host.segments[3]))}
    host.record_wal()
    assert host.verify()["result"] == "passed"
    (host.place / "wals" / "xlog.db").unlink()
    assert host.verify()["result"] == "passed"


def test_a_segment_without_a_line_is_not_restored(host: StoredHost) -> None:
    path = host.place / "wals" / "xlog.db"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    host.now = os.stat(path).st_ctime + 60
    assert host.verify()["result"] == "passed"
    host.now += 2 * DAY
    facts = host.verify()
    assert paths(facts) == {str(host.wal_path(host.segments[3]))}
    assert "barman rebuild-xlogdb pg" in facts["reason"]


def test_a_gap_is_reported_with_the_result(host: StoredHost) -> None:
    host.wal_path(host.segments[1]).unlink()
    host.record_wal()
    facts = host.verify()
    assert (facts["result"], facts["damages"]) == ("failed", [])
    assert [one["first"] for one in facts["missing"]] == [str(host.segments[1])]
    assert facts["consequences"]["lost_backups"] == [BACKUP] or facts["consequences"]["shortened"]


def test_history_files_and_partial_segments_are_read(host: StoredHost) -> None:
    (host.place / "wals" / "00000002.history").write_bytes(b"\x00\x01")
    partial = host.wal_path(host.segments[3].next(MIB)).with_suffix(".partial")
    partial.write_bytes(b"x" * 9000)
    assert paths(host.verify()) == {str(host.place / "wals" / "00000002.history"), str(partial)}
    (host.place / "wals" / "00000002.history").write_text("1\t0/500000\tno recovery target specified\n")
    partial.write_bytes(bytes(MIB))
    assert host.verify()["result"] == "passed"


# Manifests and programs


def test_barman_writes_the_manifest_of_an_rsync_backup(host: StoredHost) -> None:
    host.back_up(BACKUP, with_manifest=False, mode="rsync-concurrent", tablespaces="[('space', 16400, '/srv/space')]")
    host.file("backup_manifest").unlink()
    (host.place / "base" / BACKUP / "16400").mkdir()
    assert host.verify(generate=False)["not_verified"] == {BACKUP: "it has no manifest"}
    facts = host.verify()
    assert facts["generated_manifests"] == [BACKUP]
    assert "no files of its tablespaces (space)" in facts["not_verified"][BACKUP]
    assert host.commands[-1][-3:] == ["generate-manifest", "pg", BACKUP]
    host.change(host.file(TABLE))
    facts = host.verify()
    assert (paths(facts), facts["generated_manifests"]) == ({str(host.file(TABLE))}, [])


def test_tablespaces_that_no_manifest_names_are_read_to_their_end(
    host: StoredHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    tablespaces = "[('space', 16400, '/srv/space'), ('gone', 16401, '/srv/gone')]"
    host.back_up(BACKUP, mode="rsync-concurrent", tablespaces=tablespaces)
    bad, good = (host.place / "base" / BACKUP / "16400" / "PG_17_202406281" / "5" / name for name in ("1", "2"))
    bad.parent.mkdir(parents=True)
    for path in (bad, good):
        path.write_bytes(b"x" * 8192)

    def failing(path: Any, *arguments: Any, **more: Any) -> Any:
        if str(path) == str(bad):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return open(path, *arguments, **more)

    monkeypatch.setattr(reading_backups, "open", failing, raising=False)
    facts = host.verify()
    assert paths(facts) == {str(bad), str(host.place / "base" / BACKUP / "16401")}
    assert f"{bad} can't be read: Input/output error" in facts["reason"]
    assert "tablespaces (space, gone), so they were read and not compared" in facts["not_verified"][BACKUP]
    assert facts["read"]["backups"] == [BACKUP]


def test_a_directory_of_a_tablespace_that_can_not_be_read_is_damage(
    host: StoredHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.back_up(BACKUP, mode="rsync-concurrent", tablespaces="[('space', 16400, '/srv/space')]")
    bad = host.place / "base" / BACKUP / "16400" / "PG_17_202406281" / "5"
    bad.mkdir(parents=True)
    scandir = os.scandir

    def failing(path: Any) -> Any:
        if str(path) == str(bad):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    facts = host.verify()
    assert paths(facts) == {str(bad)}
    assert f"the directory {bad} can't be read: Input/output error" in facts["reason"]


def test_a_manifest_that_barman_cannot_write_is_reported(host: StoredHost) -> None:
    host.back_up(BACKUP, with_manifest=False, mode="rsync-concurrent")
    host.file("backup_manifest").unlink()
    host.answers["generate-manifest"] = (1, "ERROR: no space left on device")
    facts = host.verify()
    assert facts["result"] == "passed"
    assert "no space left on device" in facts["not_verified"][BACKUP]
    assert host.verify(everything=False)["not_verified"] == facts["not_verified"]


def test_a_backup_that_could_not_be_verified_is_not_read(host: StoredHost) -> None:
    host.back_up(BACKUP, with_manifest=False, mode="rsync-concurrent")
    host.file("backup_manifest").unlink()
    host.verify(generate=False)
    host.now = NOW + 40 * DAY
    facts = host.verify(generate=False, everything=False)
    assert (facts["read"]["backups"], facts["planned"]["backups"]) == ([], [BACKUP])
    assert facts["unread_since"] == iso(NOW)
    assert BACKUP in stored_summary({"pg": facts})[1]
    assert host.verify()["unread_since"] == iso(host.now)


def test_a_known_damage_stays_if_its_backup_can_not_be_verified(
    host: StoredHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.change(host.file(TABLE))
    first = host.verify()

    def refuse(*unused: object) -> None:
        raise NotVerified("lz4 is not installed")

    with monkeypatch.context() as patch:
        patch.setattr(reading_backups, "open_files", refuse)
        assert host.verify()["damages"] == first["damages"]
        host.file(TABLE).write_bytes(PLAIN[TABLE])
        assert host.verify()["not_verified"] == {BACKUP: "lz4 is not installed"}
        assert host.verify()["damaged_files"] == 1
    assert host.verify(everything=False)["result"] == "passed"


def test_an_error_in_the_middle_erases_no_damage(host: StoredHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.back_up("20270111T080000")
    host.change(host.file(TABLE))
    host.change(host.wal_path(host.segments[2]), 20000)
    first = host.verify()
    read = reading_backups.BackupReader.verify

    def full(self: Any, server: str, backup: Any, *rest: Any) -> Any:
        if backup.backup_id == BACKUP:
            raise HostError("No space left on device")
        return read(self, server, backup, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(reading_backups.BackupReader, "verify", full)
        assert host.verify()["reason"] == "No space left on device"
    host.now += 60
    facts = host.verify(everything=False)
    assert (facts["result"], paths(facts)) == ("failed", paths(first))
    assert [one["found"] for one in facts["damages"]] == [one["found"] for one in first["damages"]]


def test_a_backup_without_its_directory_is_damaged(host: StoredHost) -> None:
    host.back_up(BACKUP, with_manifest=False, mode="rsync-concurrent")
    shutil.rmtree(host.file(""))
    assert paths(host.verify()) == {str(host.file("").parent / "data")}


# Nothing is stored


def test_nothing_is_stored_where_something_was(host: StoredHost) -> None:
    """A file system that is not mounted."""
    kept = host.place / "meta" / f"{BACKUP}-backup.info"
    host.change(host.file(TABLE))
    host.verify()
    state = (host.files.home / ".pgdr.barman" / "verification" / "pg.json").read_text()
    kept.rename(host.place / "elsewhere")
    for options in ({}, {"check_mode": True}, {}):
        facts = host.verify(**options)
        assert facts["result"] == "failed"
        assert f"no complete backup is stored in {host.place / 'base'}" in facts["reason"]
    assert (host.files.home / ".pgdr.barman" / "verification" / "pg.json").read_text() == state
    (host.place / "elsewhere").rename(kept)
    assert paths(host.verify(everything=False)) == {str(host.file(TABLE))}


def test_no_wal_is_archived_where_some_was(host: StoredHost) -> None:
    assert host.verify()["read"]["segments"] == 4
    (host.place / "wals").rename(host.place / "elsewhere")
    facts = host.verify()
    assert (facts["result"], facts["damages"]) == ("failed", [])
    assert f"no WAL segment is archived in {host.place / 'wals'}" in facts["reason"]


def test_a_new_server_without_a_backup_passes(host: StoredHost) -> None:
    (host.place / "meta" / f"{BACKUP}-backup.info").unlink()
    for _round in range(2):
        assert host.verify()["result"] == "passed"


def test_pg_verifybackup_decides_and_the_files_are_named_by_this_code(
    host: StoredHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_backups, "find_program", lambda *unused: "/usr/bin/pg_verifybackup")
    facts = host.verify()
    assert (facts["result"], facts["programs"]) == ("passed", ["pg_verifybackup"])
    host.answers["pg_verifybackup"] = (1, "pg_verifybackup: something is wrong")
    host.change(host.file(TABLE))
    assert paths(host.verify()) == {str(host.file(TABLE))}


def test_the_limit_holds_for_a_program_that_is_faster_than_the_looks_at_it(
    host: StoredHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_backups, "find_program", lambda *unused: "/usr/bin/pg_verifybackup")
    waits: list[float] = []
    pace = Pace(1000.0, lambda: sum(waits), waits.append)
    environment = dataclasses.replace(host.environment, pace=lambda unused: pace)
    request = StoredVerificationRequest(everything=True, priority="normal", bandwidth_limit=1)
    facts = verify_servers(request, environment)["verifications"]["pg"]
    assert facts["programs"] == ["pg_verifybackup"]
    assert 1000 * sum(waits) == pytest.approx(facts["read"]["bytes"])


def test_what_only_pg_verifybackup_finds_is_reported_in_its_words(
    host: StoredHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_backups, "find_program", lambda *unused: "/usr/bin/pg_verifybackup")
    host.answers["pg_verifybackup"] = (1, "pg_verifybackup: error: something new")
    facts = host.verify()
    assert "something new" in facts["reason"]
    assert paths(facts) == {str(host.file("").parent / "data")}


def test_an_encrypted_backup_is_read_only_if_barman_knows_the_passphrase(
    host: StoredHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []

    def refuse(backup: object, directory: str, decryption: object) -> object:
        opened.append(decryption)
        raise NotVerified("it can't be decrypted: no key")

    monkeypatch.setattr(reading_backups, "open_files", refuse)
    host.back_up(BACKUP, encryption="gpg")
    reason = "it is encrypted, and encryption_passphrase_command is not set on this host"
    facts = host.verify()
    assert (facts["result"], facts["not_verified"], opened) == ("passed", {BACKUP: reason}, [])
    with (host.files.directory / "pg.conf").open("a") as stream:
        stream.write("encryption_passphrase_command = cat /nowhere\n")
    facts = host.verify()
    assert (facts["result"], facts["not_verified"]) == ("passed", {BACKUP: "it can't be decrypted: no key"})
    assert [getattr(one, "command", None) for one in opened] == ["cat /nowhere"]


class Gpg:
    """What gpg does with the host's segments, and whether it has the key. broken: its exit status is not 0."""

    def __init__(self, host: StoredHost, monkeypatch: pytest.MonkeyPatch) -> None:
        self.has_key, self.broken = True, set[str]()
        self.content = {str(host.wal_path(one)): host.wal_path(one).read_bytes() for one in host.segments}
        monkeypatch.setattr(Decryption, "opened", lambda _self, path: self.opened(path))
        for path in self.content:
            Path(path).write_bytes(b"\x85\x01" + os.urandom(1000))
        lines = [f"{Path(one).name}\t{os.stat(one).st_size}\t0\tNone\tgpg\n" for one in self.content]
        (host.place / "wals" / "xlog.db").write_text("".join(lines))

    def configure(self, host: StoredHost) -> None:
        with (host.files.directory / "pg.conf").open("a") as stream:
            stream.write("encryption_passphrase_command = cat /nowhere\n")

    @contextlib.contextmanager
    def opened(self, path: str) -> Iterator[IO[bytes]]:
        if not self.has_key:
            raise KeyNotRead(key_problem(path))
        yield io.BytesIO(self.content[path])
        if path in self.broken:
            raise subprocess.CalledProcessError(2, ["gpg"])


def test_encrypted_wal_is_no_damage_on_a_host_that_knows_no_passphrase(
    host: StoredHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    Gpg(host, monkeypatch)
    facts = host.verify()
    name = f"{host.segments[0]} to {host.segments[-1]} (4 segments)"
    assert (facts["result"], facts["damages"], facts["read"]["segments"]) == ("passed", [], 0)
    assert facts["not_verified_wal"] == {name: NO_COMMAND}
    assert facts["stored_bytes"] == sum(map(len, PLAIN.values()))
    assert f"server 'pg': WAL {name} is not verified: {NO_COMMAND}" in stored_summary({"pg": facts})
    assert host.verify(check_mode=True)["not_verified_wal"] == facts["not_verified_wal"]


def test_encrypted_wal_without_its_key_is_not_verified_and_tried_again(
    host: StoredHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpg = Gpg(host, monkeypatch)
    gpg.configure(host)
    gpg.has_key = False
    facts = host.verify()
    ((name, reason),) = facts["not_verified_wal"].items()
    assert (facts["result"], facts["damages"], facts["read"]["segments"]) == ("passed", [], 0)
    assert (name, "gpg can't read the key of archived WAL" in reason) == (
        f"{host.segments[0]} to {host.segments[-1]} (4 segments)",
        True,
    )
    host.now += DAY
    later = host.verify(everything=False)
    assert (later["unread_since"], later["not_verified_wal"]) == (iso(NOW), facts["not_verified_wal"])
    gpg.has_key = True
    facts = host.verify()
    assert (facts["result"], facts["not_verified_wal"], facts["read"]["segments"]) == ("passed", {}, 4)
    assert host.verify(everything=False)["not_verified_wal"] == {}


def test_encrypted_wal_is_read_to_its_end_and_a_damage_is_named(
    host: StoredHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpg = Gpg(host, monkeypatch)
    gpg.configure(host)
    facts = host.verify()
    assert (facts["result"], facts["read"]["segments"], facts["not_verified_wal"]) == ("passed", 4, {})
    broken, cut = str(host.wal_path(host.segments[1])), host.wal_path(host.segments[2])
    gpg.broken.add(broken)
    assert paths(host.verify()) == {broken}
    # Its size is known without a key.
    cut.write_bytes(cut.read_bytes()[:-1])
    gpg.has_key = False
    assert paths(host.verify()) == {broken, str(cut)}


def test_an_encrypted_history_is_no_damage_without_its_key(host: StoredHost, monkeypatch: pytest.MonkeyPatch) -> None:
    gpg = Gpg(host, monkeypatch)
    gpg.configure(host)
    (host.place / "wals" / "00000002.history").write_bytes(b"\x85\x01" + os.urandom(100))
    gpg.has_key = False
    facts = host.verify()
    assert (facts["result"], facts["damages"]) == ("passed", [])
    assert "00000002.history" in facts["not_verified_wal"]


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd", "lz4"])
def test_compressed_wal_is_read_to_its_end(host: StoredHost, kind: str) -> None:
    """With the libraries that Barman compresses with."""
    compress: dict[str, Callable[[], Callable[[bytes], bytes]]] = {
        "gzip": lambda: gzip.compress,
        "bzip2": lambda: bz2.compress,
        "xz": lambda: lzma.compress,
        "zstd": lambda: importlib.import_module("zstandard").ZstdCompressor().compress,
        "lz4": lambda: importlib.import_module("lz4.frame").compress,
    }
    path = host.wal_path(host.segments[1])
    packed = compress[kind]()(path.read_bytes())
    path.write_bytes(packed)
    (host.place / "wals" / "xlog.db").unlink()
    assert host.verify()["result"] == "passed"
    for damaged in (packed[:-9], packed[: len(packed) // 2], packed[:1000] + b"NOISE" + packed[1005:]):
        path.write_bytes(damaged)
        assert paths(host.verify()) == {str(path)}


# Requests and failures


def test_a_catalog_that_cannot_be_read_is_a_failure(host: StoredHost) -> None:
    (host.place / "meta" / f"{BACKUP}-backup.info").write_text("nonsense")
    facts = host.verify()
    assert facts["result"] == "failed"
    assert "backup.info" in facts["reason"]
    assert host.verify(check_mode=True)["result"] == "failed"


def test_an_object_store_is_skipped(host: StoredHost) -> None:
    (host.files.directory / "pg.conf").write_text("[pg]\nbasebackups_directory = s3://bucket/pg\n")
    assert host.verify()["result"] == "skipped"
    assert host.verify(check_mode=True)["result"] == "skipped"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"days": 0}, "days: 0 is not a positive number"),
        ({"bandwidth_limit": 0}, "bandwidth_limit: 0 is not a positive number"),
        ({"server_days": {"pg": "soon"}}, "server_days: 'soon' of server 'pg' is not a positive number of days"),
        ({"copies_of": ["x"]}, "copies_of: it needs exactly one server"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    given = {name: one.get("default") for name, one in VERIFICATION_ARGUMENTS.items()}
    with pytest.raises(StoredVerificationError, match=message):
        stored_request_from({**given, **arguments})


def test_the_days_of_a_server_come_first() -> None:
    given = {name: one.get("default") for name, one in VERIFICATION_ARGUMENTS.items()}
    request = stored_request_from({**given, "server_days": {"pg": "7"}, "bandwidth_limit": 5})
    assert (request.days_of("pg"), request.days_of("other"), request.bytes_per_second) == (7, 30, 5000.0)
