# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What archive_command left in the incoming directory: what came both ways is removed, everything else stays and is named."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._archive_command.incoming import (
    clear,
    make_plan,
)
from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import ServerConfiguration, read
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.result import ServerOutcome
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal

MIB = 1 << 20


def name(number: int, timeline: int = 1) -> str:
    return str(wal.segment_of_number(timeline, number, MIB))


def content(file: str) -> bytes:
    return file.encode().ljust(MIB, b"\0")


def removed(*files: str) -> ServerOutcome:
    """The outcome if these files were removed, and none is left."""
    return ServerOutcome({"removed": list(files)}, changed=bool(files))


class Host:
    def __init__(self, path: Path) -> None:
        (path / "barman.d").mkdir()
        (path / "barman.conf").write_text(
            f"[barman]\nbarman_home = {path / 'home'}\nconfiguration_files_directory = {path / 'barman.d'}\n"
        )
        (path / "barman.d" / "pg.conf").write_text("[pg]\nstreaming_archiver = on\n")
        self.top = path / "home" / "pg"
        for directory in ("incoming", "streaming", "wals/0000000100000000", "meta"):
            (self.top / directory).mkdir(parents=True)
        (self.top / "meta" / "20261116T010000-backup.info").write_text(f"status=DONE\nxlog_segment_size={MIB}\n")
        self.server: ServerConfiguration = read(str(path / "barman.conf")).server("pg")

    def put(self, directory: str, file: str, data: bytes | None = None) -> None:
        (self.top / directory / file).write_bytes(content(file) if data is None else data)

    @property
    def incoming(self) -> list[str]:
        return sorted(path.name for path in (self.top / "incoming").iterdir())

    def clear(
        self, timeout: float = 0, *, check_mode: bool = False, pause: Callable[[float], None] = lambda seconds: None
    ) -> ServerOutcome:
        return clear(Barman(self.run, user=""), self.server, timeout, check_mode=check_mode, pause=pause)

    def run(self, command: Command) -> Completed:
        raise AssertionError(f"Barman was run: {command.argv}")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_what_came_both_ways_is_removed_and_what_nothing_needs(host: Host) -> None:
    host.put("incoming", name(5))
    host.put("wals/0000000100000000", name(5), gzip.compress(content(name(5))))
    host.put("incoming", name(6))
    host.put("streaming", name(6))
    host.put("streaming", name(7) + ".partial")
    host.put("incoming", "00000002.history", b"1\t0/3000000\tno recovery target\n")
    host.put("streaming", "00000002.history", b"1\t0/3000000\tno recovery target\n")
    host.put("incoming", name(4) + ".00000028.backup")
    assert (
        host.clear(check_mode=True)
        == host.clear()
        == removed(name(4) + ".00000028.backup", name(5), name(6), "00000002.history")
    )
    assert host.incoming == []
    assert host.clear() == removed()


def test_a_segment_that_comes_later_is_waited_for(host: Host) -> None:
    host.put("incoming", name(6))
    host.put("streaming", name(6) + ".partial")
    paused = []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        host.put("streaming", name(6))

    assert host.clear(timeout=60, pause=pause) == removed(name(6))
    assert len(paused) == 1
    assert host.incoming == []


def test_a_segment_that_streaming_has_passed_is_not_waited_for(host: Host) -> None:
    host.put("incoming", name(6))
    host.put("streaming", name(7) + ".partial")

    def pause(seconds: float) -> None:
        raise AssertionError("it waited for what can't come")

    error = host.clear(timeout=180, pause=pause).error
    assert error is not None
    assert f"and not by streaming: {name(6)}" in error
    assert "barman_wal: [streaming, archiving]" in error
    assert host.incoming == [name(6)]


def test_at_the_time_limit_the_error_names_what_is_missing(host: Host) -> None:
    host.put("incoming", name(6))
    error = host.clear().error
    assert error is not None
    assert f"streaming has not delivered {name(6)}" in error
    assert "deploy" in error
    assert host.incoming == [name(6)]


def test_a_catalogue_that_can_not_be_read_is_an_error(host: Host) -> None:
    host.put("incoming", name(6))
    (host.top / "meta" / "20260102T000000-backup.info").write_text("begin_wal=0\n")
    with pytest.raises(HostError, match="has no status"):
        host.clear()
    assert host.incoming == [name(6)]


def test_another_content_stays(host: Host) -> None:
    host.put("incoming", name(6), b"of another server".ljust(MIB, b"\0"))
    host.put("streaming", name(6))
    error = host.clear().error
    assert error is not None
    assert f"differs from the same WAL by streaming: {name(6)}" in error
    assert host.incoming == [name(6)]


def test_the_only_copy_of_a_partial_segment_stays(host: Host) -> None:
    """A promoted server archives the last segment of its old timeline as it is."""
    host.put("incoming", name(6) + ".partial", b"the last commits")
    host.put("streaming", name(5))
    assert host.incoming == [name(6) + ".partial"]
    assert host.clear().error is not None
    assert host.incoming == [name(6) + ".partial"]
    host.put("streaming", name(6, timeline=2) + ".partial")
    assert host.clear() == removed(name(6) + ".partial")


def test_what_was_being_written_is_left_and_is_no_error(host: Host) -> None:
    host.put("incoming", ".123-" + name(6), b"half")
    assert host.clear() == removed()


def test_a_cut_off_file_is_not_the_same_as_the_whole_one(host: Host) -> None:
    host.put("incoming", name(6), b"short")
    host.put("streaming", name(6))
    assert "differs from the same WAL" in (host.clear().error or "")
    assert host.incoming == [name(6)]


def test_a_file_that_is_no_wal_stays(host: Host) -> None:
    host.put("incoming", "notes.txt")
    error = host.clear().error
    assert error is not None
    assert "not WAL: notes.txt" in error
    assert host.incoming == ["notes.txt"]


@given(
    st.lists(st.integers(0, 6).map(name), unique=True),
    st.lists(st.integers(0, 6).map(name) | st.integers(0, 6).map(lambda n: name(n) + ".partial"), unique=True),
    st.sets(st.integers(0, 6).map(name)),
)
def test_only_what_is_there_with_the_same_content_is_removed(
    incoming: list[str], streamed: list[str], same: set[str]
) -> None:
    plan = make_plan(incoming, streamed, lambda file: file in same)
    assert sorted(plan.removable + plan.awaited + plan.lost + plan.different + plan.foreign) == sorted(incoming)
    assert set(plan.removable) == set(incoming) & set(streamed) & same
    for file in plan.lost:
        assert any(other[:24] > file for other in streamed)
    for file in plan.awaited:
        assert not any(other[:24] > file for other in streamed)
