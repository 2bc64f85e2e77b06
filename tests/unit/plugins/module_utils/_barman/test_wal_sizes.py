# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archived files and what xlog.db says of them."""

from __future__ import annotations

import getpass
import gzip
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman import server as server_view
from ansible_collections.pgdr.barman.plugins.module_utils._barman.archive import read_archive
from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import ServerConfiguration
from ansible_collections.pgdr.barman.plugins.module_utils._barman.wal_sizes import (
    RecordedFile,
    copied_paths,
    parse_xlogdb,
    wrong_sizes,
)
from ansible_collections.pgdr.barman.plugins.module_utils._check.own_checks import CheckedServer, read_own_checks
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal import parse_segment
from tests.unit.plugins.module_utils._recover.recovery_world import backup

SIZE = 16 * 1024 * 1024
NAMES = [f"0000000100000000000000{number:02X}" for number in range(1, 5)]


def run(command: Command) -> Completed:
    raise AssertionError(command)


class Server:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.options = {"backup_directory": str(root)}
        for option, name in (
            ("basebackups_directory", "base"),
            ("wals_directory", "wals"),
            ("incoming_wals_directory", "incoming"),
            ("streaming_wals_directory", "streaming"),
        ):
            (root / name).mkdir()
            self.options[option] = str(root / name)
        self.lines: list[str] = []
        for name in NAMES:
            self.archive(name, SIZE)

    @property
    def configuration(self) -> ServerConfiguration:
        return ServerConfiguration("pg", self.options, "pg.conf")

    def path(self, name: str) -> Path:
        return self.root / "wals" / name[:16] / name

    def archive(self, name: str, size: int, rest: str = "None\tNone") -> None:
        """A sparse file of that size, and its line."""
        self.path(name).parent.mkdir(exist_ok=True)
        with self.path(name).open("wb") as stream:
            stream.truncate(size)
        self.lines.append(f"{name}\t{size}\t1795779161.5\t{rest}\n")

    def problems(self, file: str = "wals/pg-xlog.db") -> list[str]:
        (self.root / file).parent.mkdir(exist_ok=True)
        (self.root / file).write_text("".join(self.lines))
        found = read_archive(self.configuration, Barman(run, getpass.getuser()), SIZE)
        return list(wrong_sizes(self.configuration, found).values())


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_lines_of_every_version_of_barman() -> None:
    text = "a\t10\t1.5\nb\t20\t1.5\tNone\nc\t30\t1.5\tgzip\nd\t40\t1.5\tNone\tNone\ne\t50\t1.5\tNone\tgpg\n"
    assert parse_xlogdb(text + "broken line\n\nc\t31\t2\tzstd\tNone\n") == {
        "a": RecordedFile(10, plain=True),
        "b": RecordedFile(20, plain=True),
        "c": RecordedFile(31, plain=False),
        "d": RecordedFile(40, plain=True),
        "e": RecordedFile(50, plain=False, encrypted=True),
    }


def test_files_that_are_as_they_were_archived(server: Server) -> None:
    server.archive("000000010000000000000005", 4321, "gzip\tNone")
    assert server.problems() == []


@pytest.mark.parametrize("file", ["wals/pg-xlog.db", "wals/xlog.db", "elsewhere/pg-xlog.db"])
def test_a_truncated_file_is_named_with_both_sizes(server: Server, file: str) -> None:
    if file.startswith("elsewhere"):
        server.options["xlogdb_directory"] = str(server.root / "elsewhere")
    server.path(NAMES[1]).write_bytes(bytes(500000))
    [problem] = server.problems(file)
    assert problem == f"{server.path(NAMES[1])} has 500000 bytes, and had {SIZE} when it was archived"


def test_a_truncated_compressed_file(server: Server) -> None:
    packed = gzip.compress(bytes(1000))
    server.archive("000000010000000000000005", len(packed), "gzip\tNone")
    server.path("000000010000000000000005").write_bytes(packed[:-5])
    [problem] = server.problems()
    assert f"has {len(packed) - 5} bytes, and had {len(packed)} when" in problem


def test_a_file_that_was_short_when_it_was_archived(server: Server) -> None:
    server.archive("000000010000000000000005", 500000)
    [problem] = server.problems()
    assert f"has 500000 bytes, and a WAL segment has {SIZE}" in problem


def test_a_file_that_is_archived_at_this_moment_has_no_line_yet(server: Server) -> None:
    server.archive("000000010000000000000005", 4321)
    del server.lines[-1]
    assert server.problems() == []


def test_without_xlogdb_nothing_is_reported(server: Server) -> None:
    server.path(NAMES[1]).write_bytes(b"")
    found = read_archive(server.configuration, Barman(run, getpass.getuser()), SIZE)
    assert wrong_sizes(server.configuration, found) == {}


def test_check_reports_the_file(server: Server) -> None:
    server.path(NAMES[2]).write_bytes(bytes(500000))
    server.problems()
    checks = read_own_checks(CheckedServer(Barman(run, getpass.getuser()), server.configuration))
    check = checks.checks["wal_file_sizes"]
    assert not check.ok
    assert NAMES[2] in check.hint
    assert "500000 bytes" in check.hint


@pytest.mark.parametrize(("begin", "ok"), [(NAMES[0], False), (NAMES[2], False), (NAMES[3], True)])
def test_a_file_that_only_older_backups_need_takes_points_away(
    server: Server, monkeypatch: pytest.MonkeyPatch, begin: str, ok: bool
) -> None:
    server.path(NAMES[2]).write_bytes(bytes(500000))
    server.problems()
    monkeypatch.setattr(server_view, "read_backups", lambda server: [backup(1, 10, begin_wal=begin, end_wal=begin)])
    check = read_own_checks(CheckedServer(Barman(run, getpass.getuser()), server.configuration)).checks[
        "wal_file_sizes"
    ]
    assert check.ok is ok
    assert NAMES[2] in check.hint
    assert ("before the latest backup" in check.hint) is ok


def test_every_noted_file_from_the_backup_on_is_copied_up_to_the_timeline(server: Server) -> None:
    for name in ("000000020000000000000004", "000000030000000000000004"):
        server.archive(name, SIZE)
    server.lines += ["00000002.history\t50\t1.5\tNone\n", "000000010000000000000005.partial\t9\t1.5\tNone\n"]
    server.problems()
    wals = str(server.root / "wals")
    assert copied_paths(server.configuration, parse_segment(NAMES[2]), 2) == [
        f"{wals}/0000000100000000/{NAMES[2]}",
        f"{wals}/0000000100000000/{NAMES[3]}",
        f"{wals}/00000002.history",
        f"{wals}/0000000200000000/000000020000000000000004",
    ]
    last = parse_segment("000000020000000000000003")
    assert len(copied_paths(server.configuration, parse_segment(NAMES[2]), 2, last)) == 3
