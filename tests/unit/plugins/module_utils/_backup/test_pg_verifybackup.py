# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""pg_verifybackup before a recovery: if it finds a backup intact, nothing else reads it. It is played; tests/integration/test_damages.py has the real one."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._backup import pg_verifybackup
from ansible_collections.pgdr.barman.plugins.module_utils._backup.pg_verifybackup import find_program, prover
from ansible_collections.pgdr.barman.plugins.module_utils._backup.stored_files import PlainFiles
from ansible_collections.pgdr.barman.plugins.module_utils._backup.verification import DamagedBackup, verify_backup
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError, run
from tests.unit.plugins.module_utils._backup.test_verification import FILES, Base

USER = getpass.getuser()


@dataclass
class Played:
    """status: how pg_verifybackup ends. views: what it found in the directory that it was given."""

    status: int = 0
    calls: list[Sequence[str]] = field(default_factory=list)
    users: list[str | None] = field(default_factory=list)
    views: list[list[str]] = field(default_factory=list)

    def __call__(self, command: Command) -> Completed:
        self.calls.append(command.argv)
        self.users.append(command.user)
        view = Path(command.argv[-1])
        self.views.append(sorted(str(path.relative_to(view)) for path in view.rglob("*")))
        return Completed(command.argv, self.status, "", "")


@pytest.fixture
def base(tmp_path: Path) -> Base:
    made = Base(tmp_path)
    made.write()
    return made


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    monkeypatch.setattr(pg_verifybackup, "find_program", lambda *unused: "/usr/bin/pg_verifybackup")
    return Played()


def never(self: PlainFiles, processes: int) -> None:
    raise AssertionError("the files are read a second time")


def test_what_it_finds_intact_is_not_read_again(base: Base, played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlainFiles, "wrong_sums", never)
    moments: list[tuple[int, int]] = []
    found = verify_backup(
        "app",
        [base.backup],
        str(base.root),
        lambda phase, done, total: moments.append((done, total)),
        prove=prover(played, USER),
    )
    total = sum(map(len, FILES.values()))
    assert (found.reason, found.files, found.bytes) == ("", len(FILES), total)
    assert moments[-1] == (total, total)
    assert played.users == [USER]


def test_it_gets_a_view_with_the_tablespaces(base: Base, played: Played) -> None:
    verify_backup("app", [base.backup], str(base.root), prove=prover(played, USER))
    (argv,), (view,) = played.calls, played.views
    assert argv[:3] == ["/usr/bin/pg_verifybackup", "--no-parse-wal", "--quiet"]
    assert argv[3] == f"--manifest-path={base.path('backup_manifest')}"
    assert {"PG_VERSION", "base", "pg_tblspc", "pg_tblspc/16400"} <= set(view)
    assert not Path(argv[-1]).exists()


def test_a_wrong_size_does_not_start_it(base: Base, played: Played) -> None:
    base.path("base/5/16384").write_bytes(b"short")
    with pytest.raises(DamagedBackup, match="base/5/16384"):
        verify_backup("app", [base.backup], str(base.root), prove=prover(played, USER))
    assert played.calls == []


def test_what_it_does_not_find_intact_is_named_by_this_code(base: Base, played: Played) -> None:
    played.status = 1
    base.path("base/5/16384").write_bytes(b"\xab" * 100000)
    with pytest.raises(DamagedBackup, match="base/5/16384"):
        verify_backup("app", [base.backup], str(base.root), prove=prover(played, USER))
    base.path("base/5/16384").write_bytes(b"\xaa" * 100000)
    assert verify_backup("app", [base.backup], str(base.root), prove=prover(played, USER)).reason == ""


def test_without_the_program_this_code_reads(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pg_verifybackup, "find_program", lambda *unused: None)
    played = Played()
    assert verify_backup("app", [base.backup], str(base.root), prove=prover(played, USER)).files == len(FILES)
    assert played.calls == []


def program(directory: Path, version: str) -> Path:
    directory.mkdir(parents=True)
    path = directory / "pg_verifybackup"
    path.write_text(f"#!/bin/sh\necho 'pg_verifybackup (PostgreSQL) {version}'\n")
    path.chmod(0o755)
    return path


def test_the_program_of_the_right_version_is_found(tmp_path: Path) -> None:
    right, wrong = program(tmp_path / "17", "17.6"), program(tmp_path / "96", "96.1")
    prefix = f"{wrong.parent}:{right.parent}"
    assert find_program(17, run, None, prefix, []) == str(right)
    assert find_program(97, run, None, prefix, []) is None
    assert find_program(96, run, None, "", [str(wrong.parent)]) == str(wrong)
    with pytest.raises(HostError, match="has no pg_verifybackup of PostgreSQL 17"):
        find_program(17, run, str(wrong.parent))
