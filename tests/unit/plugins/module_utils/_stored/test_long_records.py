# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Damage in a record that fills a segment.

PostgreSQL wrote the four segments. The second one ends with a record that fills the third one, and that ends in the fourth one.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.server import Server
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.segment_content import (
    ExpectedSegment,
    check_segment,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal_reader import Carry
from ansible_collections.pgdr.barman.plugins.module_utils._stored import wal_program
from ansible_collections.pgdr.barman.plugins.module_utils._stored.long_records import segments_after, segments_before
from ansible_collections.pgdr.barman.plugins.module_utils._stored.observe import StoredServer, read_stored
from ansible_collections.pgdr.barman.plugins.module_utils._stored.pace import Pace
from ansible_collections.pgdr.barman.plugins.module_utils._stored.segments import ReadSegment, read_segments
from ansible_collections.pgdr.barman.plugins.module_utils._stored.wal_program import WalProgram
from tests.unit.plugins.module_utils._postgres.test_wal_reader import MIB
from tests.unit.plugins.module_utils._stored.stored_host import StoredHost

PROGRAM = "/usr/lib/postgresql/17/bin/pg_waldump"


class LongRecord(StoredHost):
    """With a pg_waldump that passes over a record whose beginning or end it is not given, as PostgreSQL's own does."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.runs: list[list[str]] = []
        self.fails: set[int] = set()

    def run(self, command: Command) -> Completed:
        argv = list(command.argv)
        if argv[0] != PROGRAM:
            return super().run(command)
        view = Path(argv[2].partition("=")[2])
        names = sorted(os.listdir(view))
        self.runs.append(names)
        if len(names) in self.fails:
            return Completed(argv, 1, "", "pg_waldump: error: something new")
        carry: Carry | None = None
        for name in names:
            expected = ExpectedSegment(wal.parse_segment(name), MIB)
            found = check_segment(expected, (view / name).read_bytes(), carry, last=False)
            if found.problem:
                return Completed(argv, 1, "", f"pg_waldump: error: {found.problem}")
            carry = found.carry
        if carry is None or carry.previous is None:
            return Completed(argv, 1, "", "pg_waldump: error: could not find a valid record")
        return Completed(argv, 0)

    @property
    def stored(self) -> StoredServer:
        environment = self.environment
        return read_stored(Server(environment.barman, environment.configuration.server(self.name)))

    def read(self, which: Iterable[int], *, with_program: bool) -> list[ReadSegment]:
        pace = Pace(None)
        program = WalProgram(self.run, pace) if with_program else None
        return list(read_segments(self.stored, [self.segments[one] for one in which], pace, program))

    def flip(self, which: int, offset: int = MIB // 2 + 100) -> None:
        path = self.wal_path(self.segments[which])
        self.change(path, offset, bytes([path.read_bytes()[offset] ^ 1]))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LongRecord:
    monkeypatch.setattr(
        wal_program, "find_installed", lambda program, version, *unused: PROGRAM if version == 17 else None
    )
    return LongRecord(tmp_path)


def named(found: list[ReadSegment]) -> set[wal.Segment]:
    names = [os.path.basename(one.damage.path) for one in found if one.damage]
    return {*map(wal.parse_segment, names), *(segment for one in found if one.damage for segment in one.suspected)}


@pytest.mark.parametrize("with_program", [True, False])
@pytest.mark.parametrize("which", [[0, 1, 2, 3], [0, 1, 2], [2, 3], [1], [2], [3]])
def test_intact_segments_are_intact(host: LongRecord, which: list[int], with_program: bool) -> None:
    found = host.read(which, with_program=with_program)
    assert [one.segment for one in found] == [host.segments[one] for one in which]
    assert named(found) == set()


@pytest.mark.parametrize("with_program", [True, False])
@pytest.mark.parametrize("which", [[0, 1, 2, 3], [0, 1, 2], [2, 3], [1, 2], [1], [2], [3]])
def test_damage_in_the_filled_segment_is_found_from_each_part_of_the_record(
    host: LongRecord, which: list[int], with_program: bool
) -> None:
    host.flip(2)
    found = host.read(which, with_program=with_program)
    assert [one.segment for one in found] == [host.segments[one] for one in which]
    assert named(found) == set(host.segments[1:])


@pytest.mark.parametrize("compressed", [1, 2, 3])
def test_damage_in_a_record_that_is_partly_compressed(host: LongRecord, compressed: int) -> None:
    host.flip(2)
    path = host.wal_path(host.segments[compressed])
    path.write_bytes(gzip.compress(path.read_bytes()))
    for which in ([0, 1, 2, 3], [2], [3]):
        assert named(host.read(which, with_program=True)) == set(host.segments[1:])


def test_what_only_pg_waldump_finds_is_reported_in_its_words(host: LongRecord) -> None:
    host.fails = {4}
    found = host.read(range(4), with_program=True)
    assert named(found) == set(host.segments)
    text = next(one.damage.text for one in found if one.damage)
    assert "something new" in text
    assert str(host.wal_path(host.segments[0])) in text


def test_what_only_pg_waldump_finds_in_one_segment(host: LongRecord) -> None:
    host.fails = {1}
    found = host.read([0], with_program=True)
    assert named(found) == {host.segments[0]}
    assert "something new" in next(one.damage.text for one in found if one.damage)


def test_a_killed_pg_waldump_found_no_damage(host: LongRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "run", lambda command: Completed(list(command.argv), -9))
    assert named(host.read(range(4), with_program=True)) == set()


@pytest.mark.parametrize("kept", [[2], [1, 2], [0, 2], [2, 3], [3]])
def test_a_record_that_is_archived_in_part_is_no_damage(host: LongRecord, kept: list[int]) -> None:
    for number in {0, 1, 2, 3} - set(kept):
        host.wal_path(host.segments[number]).unlink()
    found = host.read(kept, with_program=True)
    assert named(found) == set()
    assert [one.segment for one in found] == [host.segments[one] for one in kept]


def test_damage_of_the_segments_around_is_not_that_of_the_run(host: LongRecord) -> None:
    # The header of the first page: the segment is another's.
    host.change(host.wal_path(host.segments[3]), 8, b"\xff")
    assert named(host.read([0, 1, 2], with_program=True)) == set()
    assert named(host.read([3], with_program=True)) == {host.segments[3]}


def test_the_segments_of_a_record(host: LongRecord) -> None:
    stored, (first, second, third, fourth) = host.stored, host.segments
    assert [segments_before(stored, one) for one in host.segments] == [[], [first], [second], [second, third]]
    assert [segments_after(stored, one) for one in host.segments] == [[], [third, fourth], [fourth], []]
    host.change(host.wal_path(third), 0, b"\0\0")
    stored = host.stored
    assert segments_before(stored, fourth) == [third]
    assert segments_after(stored, second) == []
    host.wal_path(third).unlink()
    stored = host.stored
    assert segments_before(stored, fourth) == []
    assert segments_after(stored, second) == []
