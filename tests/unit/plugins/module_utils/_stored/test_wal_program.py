# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed
from ansible_collections.pgdr.barman.plugins.module_utils._stored import backups as reading_backups
from ansible_collections.pgdr.barman.plugins.module_utils._stored import wal_program
from tests.unit.plugins.module_utils._postgres.test_wal_reader import MIB
from tests.unit.plugins.module_utils._stored.stored_host import StoredHost

PROGRAM = "/usr/lib/postgresql/17/bin/pg_waldump"


class WaldumpHost(StoredHost):
    """With a pg_waldump that finds what a test damages. runs: the segments of each run, in order."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.runs: list[list[str]] = []
        self.intact = {str(one): self.wal_path(one).read_bytes() for one in self.segments}

    def run(self, command: Command) -> Completed:
        argv = list(command.argv)
        if argv[0] != PROGRAM:
            return super().run(command)
        assert argv[1] == "--quiet"
        view = Path(argv[2].partition("=")[2])
        names = sorted(os.listdir(view))
        assert argv[3:] == [names[0], names[-1]]
        self.runs.append(names)
        damaged = [name for name in names if (view / name).read_bytes() != self.intact[name]]
        return Completed(argv, 1 if damaged else 0)

    @property
    def names(self) -> list[str]:
        return list(map(str, self.segments))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WaldumpHost:
    monkeypatch.setattr(reading_backups, "find_program", lambda *unused: None)
    monkeypatch.setattr(
        wal_program, "find_installed", lambda program, version, *unused: PROGRAM if version == 17 else None
    )
    return WaldumpHost(tmp_path)


def named(facts: dict[str, Any]) -> set[str]:
    return {os.path.basename(one["path"]) for one in facts["damages"]}


def test_all_segments_are_one_run(host: WaldumpHost) -> None:
    facts = host.verify()
    assert (facts["result"], facts["wal_program"], facts["read"]["segments"]) == ("passed", "pg_waldump", 4)
    assert host.runs == [host.names]


@pytest.mark.parametrize("damaged", range(4))
def test_the_damaged_segment_is_found_in_halves_and_named_by_this_code(host: WaldumpHost, damaged: int) -> None:
    path = host.wal_path(host.segments[damaged])
    host.change(path, MIB // 2, bytes(byte ^ 0xFF for byte in path.read_bytes()[MIB // 2 : MIB // 2 + 8]))
    facts = host.verify()
    assert named(facts) == {path.name}
    assert facts["wal_program"] == "pg_waldump"
    assert facts["read"]["segments"] == 4


def test_the_segment_before_is_in_a_run_if_only_later_ones_are_due(host: WaldumpHost) -> None:
    host.verify()
    host.wal_path(host.segments[2]).touch()
    host.runs.clear()
    host.change(host.wal_path(host.segments[2]), MIB // 2, b"NOISE")
    assert host.verify(everything=False, days=400)["read"]["segments"] == 0
    host.now += 400 * 86400
    host.verify(everything=False, days=1)
    # And the one after, in which its last record ends.
    assert host.names[1:] in host.runs


# The second segment ends with a record that fills the third one, and ends in the fourth one.
@pytest.mark.parametrize(("compressed", "run"), [(0, slice(1, 4)), (1, slice(1)), (2, slice(1)), (3, slice(1))])
def test_a_compressed_segment_is_read_by_this_code_alone(host: WaldumpHost, compressed: int, run: slice) -> None:
    """And the segments of a record that lies in it."""
    path = host.wal_path(host.segments[compressed])
    path.write_bytes(gzip.compress(path.read_bytes()))
    (host.place / "wals" / "xlog.db").unlink()
    facts = host.verify()
    assert (facts["result"], facts["read"]["segments"]) == ("passed", 4)
    assert host.runs == [host.names[run]]


def test_a_segment_of_another_place_or_size_is_never_given_to_the_program(host: WaldumpHost) -> None:
    first, second, third = (host.wal_path(one) for one in host.segments[:3])
    # pg_waldump does not compare system identifiers, and is not asked about a file that is too short.
    second.write_bytes(first.read_bytes())
    third.write_bytes(third.read_bytes()[:-8192])
    host.record_wal()
    assert named(host.verify()) == {second.name, third.name}
    assert all(name not in run for run in host.runs for name in (second.name, third.name))


def test_a_gap_ends_a_run(host: WaldumpHost) -> None:
    host.wal_path(host.segments[1]).unlink()
    host.record_wal()
    host.verify()
    assert host.runs == [host.names[:1], host.names[2:]]


def test_a_run_has_a_limit(host: WaldumpHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal_program, "MOST_SEGMENTS", 3)
    host.verify()
    # Both have the whole record that fills the third segment.
    assert host.runs == [host.names, host.names[1:]]


def test_a_segment_that_is_deleted_meanwhile_is_no_damage(host: WaldumpHost, monkeypatch: pytest.MonkeyPatch) -> None:
    run = host.run

    def delete(command: Command) -> Completed:
        if command.argv[0] == PROGRAM:
            host.wal_path(host.segments[0]).unlink(missing_ok=True)
            host.record_wal()
            return Completed(list(command.argv), 1)
        return run(command)

    monkeypatch.setattr(host, "run", delete)
    facts = host.verify()
    assert (named(facts), facts["read"]["segments"], facts["wal_program"]) == (set(), 3, "pgdr.barman")


def test_without_the_program_of_the_version_this_code_reads_all(
    host: WaldumpHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal_program, "find_installed", lambda *unused: None)
    facts = host.verify()
    assert (facts["result"], facts["wal_program"], facts["read"]["segments"]) == ("passed", "pgdr.barman", 4)


def test_a_limit_slows_the_program_down(host: WaldumpHost, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Command] = []
    run = host.run

    def note(command: Command) -> Completed:
        if command.argv[0] == PROGRAM:
            given.append(command)
        return run(command)

    monkeypatch.setattr(host, "run", note)
    assert host.verify(bandwidth_limit=1_000_000)["result"] == "passed"
    assert given[0].tick is not None
    assert given[0].started is not None
