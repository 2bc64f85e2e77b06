# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verifying WAL that PostgreSQL wrote, intact and damaged in every way that a disk, a copy or a person damages it."""

from __future__ import annotations

import gzip
import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.archive import Archive, ArchiveError, UndecryptableWal
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.crc32c import crc32c
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal_reader import Scan, scan
from ansible_collections.pgdr.barman.plugins.module_utils._recover.wal_verification import (
    DamagedWal,
    Replay,
    WalVerification,
    refuse_short_segments,
    verify_wal,
)
from tests.unit.plugins.module_utils._postgres.test_wal_reader import FIXTURES, MIB, PAGE, VERSIONS


class Files:
    """An archive in files: four complete segments, and the last one that is being received."""

    def __init__(self, directory: Path, version: int = 17) -> None:
        self.paths: dict[wal.Segment, Path] = {}
        for path in sorted((FIXTURES / str(version)).glob("*.gz")):
            name = path.name[: -len(".gz")]
            self.paths[wal.parse_segment(name)] = directory / name
            (directory / name).write_bytes(gzip.decompress(path.read_bytes()))
        self.segments = list(self.paths)
        self.partial = self.segments[-1]

    def read(self, number: int) -> bytearray:
        return bytearray(self.paths[self.segments[number]].read_bytes())

    def write(self, number: int, data: bytes | bytearray) -> None:
        self.paths[self.segments[number]].write_bytes(data)

    def flip(self, number: int, offset: int) -> None:
        """One wrong bit."""
        data = self.read(number)
        data[offset] ^= 0x10
        self.write(number, data)

    def scan(self, number: int) -> Scan:
        carry = None
        for one in range(number):
            carry = scan(bytes(self.read(one)), carry).carry
        return scan(bytes(self.read(number)), carry)

    @property
    def archive(self) -> Archive:
        complete = {one: str(path) for one, path in self.paths.items() if one != self.partial}
        return Archive(complete, {self.partial: str(self.paths[self.partial])}, {}, MIB)

    @property
    def replay(self) -> Replay:
        return Replay("pg", self.segments, MIB, self.scan(0).system_identifier)

    def verify(self, earlier: dict[str, Any] | None = None, **changes: Any) -> WalVerification:
        return verify_wal(replace(self.replay, **changes), self.archive, earlier=earlier)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.parametrize("version", VERSIONS)
def test_intact_wal_is_intact_to_its_last_record(tmp_path: Path, version: int) -> None:
    files = Files(tmp_path, version)
    verified = files.verify()
    assert verified.segments == 5
    assert verified.bytes == 5 * MIB
    assert verified.records > 100
    assert verified.until == str(files.segments[-2])
    assert verified.managers == ()


@pytest.mark.parametrize("version", VERSIONS)
def test_one_wrong_bit_in_any_record_is_found(tmp_path: Path, version: int) -> None:
    files = Files(tmp_path, version)
    # In the middle of a record that no recovery target looks at.
    files.flip(0, 40 * PAGE + 5000)
    with pytest.raises(DamagedWal) as raised:
        files.verify()
    text = str(raised.value)
    assert str(files.segments[0]) in text
    assert str(files.paths[files.segments[0]]) in text
    assert "The WAL is intact until" in text


def test_the_error_reports_what_can_be_recovered(files: Files) -> None:
    last = [event for event in files.scan(3).events if event.kind == "commit"][-1]
    previous = [event for event in files.scan(3).events if event.kind == "commit"][-2]
    files.flip(3, last.lsn - files.scan(3).begin_lsn + 26)
    with pytest.raises(
        DamagedWal, match=f"the checksum of the record at {wal.format_lsn(last.lsn)} is wrong"
    ) as raised:
        files.verify()
    assert f"transaction {previous.xid}" in str(raised.value)
    assert "barman_recover_target_lsn" in str(raised.value)
    assert wal.format_lsn(previous.lsn) in str(raised.value)
    # And that is so.
    assert files.verify(stop_lsn=previous.lsn).segments == 4


class Undecryptable(Archive):
    """An archive whose third segment can't be decrypted on this host."""

    def read(self, segment: wal.Segment) -> bytes:
        if segment == sorted(self.segments)[2]:
            raise UndecryptableWal(
                "WAL file X is encrypted, and can't be decrypted on this host: no key. Import the key"
            )
        return super().read(segment)


def test_wal_that_can_not_be_decrypted_is_not_damaged(files: Files) -> None:
    archive = files.archive
    closed = Undecryptable(archive.segments, archive.partials, {}, MIB)
    with pytest.raises(UndecryptableWal) as raised:
        verify_wal(files.replay, closed)
    text = str(raised.value)
    assert text.startswith("WAL file X is encrypted, and can't be decrypted on this host: no key. Import the key. ")
    assert "damaged" not in text
    assert "Replace" not in text
    last = [event for event in files.scan(1).events if event.kind == "commit"][-1]
    assert f"Or recover to that commit: barman_recover_target_lsn={wal.format_lsn(last.lsn)}" in text
    assert verify_wal(replace(files.replay, stop_lsn=last.lsn), closed).segments == 2
    # A short segment after it is damaged nevertheless.
    files.write(3, files.read(3)[:500000])
    with pytest.raises(DamagedWal, match=r"has 500000 bytes.* And WAL file X is encrypted"):
        refuse_short_segments(files.replay, closed, read_before=True)


def test_a_truncated_segment_is_named_with_its_sizes(files: Files) -> None:
    files.write(1, files.read(1)[:500000])
    with pytest.raises(DamagedWal, match=f"{files.segments[1]}.*it has 500000 bytes, and a WAL segment has {MIB}"):
        files.verify()
    with pytest.raises(DamagedWal, match=f"{files.paths[files.segments[1]]} has 500000 bytes"):
        refuse_short_segments(files.replay, files.archive)


def test_damage_after_the_target_is_not_in_its_way(files: Files) -> None:
    first = files.scan(0).events[0]
    files.write(1, files.read(1)[:500000])
    assert files.verify(stop_lsn=first.lsn).segments == 1
    assert files.verify(end_lsn=first.end_lsn).segments == 1
    with pytest.raises(DamagedWal):
        files.verify(stop_lsn=files.scan(3).events[0].lsn)


def test_a_hole_of_zeros(files: Files) -> None:
    data = files.read(1)
    data[MIB // 2 : MIB // 2 + PAGE] = bytes(PAGE)
    files.write(1, data)
    with pytest.raises(DamagedWal, match=str(files.segments[1])):
        files.verify()


def test_a_segment_of_zeros(files: Files) -> None:
    files.write(1, bytes(MIB))
    with pytest.raises(DamagedWal, match="starts with zeros"):
        files.verify()


def test_a_hole_in_the_last_segment_is_not_its_end(files: Files) -> None:
    """Behind the hole, pages with their own address show that PostgreSQL wrote on."""
    data = files.read(4)
    end = (files.scan(4).end_lsn or 0) - files.scan(4).begin_lsn
    assert end > 2 * PAGE
    data[PAGE : 2 * PAGE] = bytes(PAGE)
    files.write(4, data)
    with pytest.raises(DamagedWal, match=str(files.segments[4])):
        files.verify()


def test_the_last_record_may_be_torn(files: Files) -> None:
    """The receiver, or PostgreSQL, was writing it when the power failed."""
    scan = files.scan(4)
    files.flip(4, (scan.last_record or 0) - scan.begin_lsn + 25)
    assert files.verify().segments == 5


def test_the_rest_of_a_recycled_file_is_not_damage(files: Files) -> None:
    data = files.read(4)
    end = (files.scan(4).end_lsn or 0) - files.scan(4).begin_lsn
    page = (end + PAGE - 1) // PAGE * PAGE
    data[page:] = files.read(0)[page:]
    files.write(4, data)
    assert files.verify().segments == 5


def test_a_receiver_that_wrote_nothing_yet(files: Files) -> None:
    files.write(4, bytes(MIB))
    assert files.verify().segments == 5


def test_another_segment_under_this_name(files: Files) -> None:
    files.write(1, files.read(2))
    with pytest.raises(DamagedWal, match="starts at"):
        files.verify()
    files.write(0, files.read(2))
    with pytest.raises(DamagedWal, match="another segment's"):
        files.verify()


def test_a_segment_of_another_server(files: Files) -> None:
    with pytest.raises(DamagedWal, match=r"another PostgreSQL server \(system identifier \d+\)"):
        files.verify(system_identifier=1)


def test_a_segment_of_another_timeline(files: Files) -> None:
    data = files.read(0)
    for page in range(MIB // PAGE):
        struct.pack_into("<I", data, page * PAGE + 4, 7)
    files.write(0, data)
    with pytest.raises(DamagedWal, match="timeline 7"):
        files.verify()


def test_the_segment_of_a_switch_point_has_pages_of_both_timelines(files: Files) -> None:
    """Only the new timeline's segments are read from there on."""
    files.paths = {one._replace(timeline=2): path for one, path in files.paths.items()}
    files.segments = list(files.paths)
    files.partial = files.segments[-1]
    switch = files.scan(0).begin_lsn + 5 * PAGE + 100
    for number in range(len(files.segments)):
        data = files.read(number)
        for page in range(6 if number == 0 else 0, MIB // PAGE):
            if struct.unpack_from("<I", data, page * PAGE + 4)[0] == 1:
                struct.pack_into("<I", data, page * PAGE + 4, 2)
        files.write(number, data)
    assert files.verify(switches={2: switch}).segments == 5
    with pytest.raises(DamagedWal, match="its first page is of timeline 1"):
        files.verify()


def test_a_compressed_segment_that_can_not_be_read(files: Files) -> None:
    packed = gzip.compress(bytes(files.read(1)))
    files.write(1, packed)
    assert files.verify().segments == 5
    refuse_short_segments(files.replay, files.archive)
    files.write(1, packed[:2000])
    with pytest.raises(DamagedWal, match=f"{files.segments[1]}.*is damaged"):
        files.verify()
    files.write(1, gzip.compress(bytes(files.read(0))[:500000]))
    with pytest.raises(DamagedWal, match="it has 500000 bytes"):
        files.verify()


def test_a_segment_that_barman_can_not_deliver(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = files.archive

    def read(segment: wal.Segment) -> bytes:
        raise ArchiveError(f"Barman can't read WAL file {segment}")

    monkeypatch.setattr(archive, "read", read)
    with pytest.raises(DamagedWal, match="Barman can't read WAL file"):
        verify_wal(Replay("pg", files.segments, MIB, None), archive)


def test_what_an_earlier_run_verified_is_not_read_again(files: Files) -> None:
    first = files.verify()
    again = files.verify(first.as_dict())
    assert again.reused == 3
    assert again.segments == 5
    # The last complete one, because the next continues it, and the one that is being received.
    assert again.bytes == 2 * MIB
    assert again.records >= first.records
    # A file that changed, whatever its content.
    os.utime(files.paths[files.segments[0]], ns=(1, 1))
    assert files.verify(first.as_dict()).reused == 0
    assert files.verify({}).reused == 0


def test_a_file_that_is_archived_at_this_moment_is_not_short(files: Files) -> None:
    archive = files.archive
    files.paths[files.segments[1]].unlink()
    refuse_short_segments(files.replay, archive)


def test_the_tablespaces_that_are_created_before_the_target(tmp_path: Path) -> None:
    files = Files(tmp_path)
    scan = files.scan(4)
    assert scan.end_lsn is not None
    assert scan.last_record is not None
    offset = ((scan.end_lsn + 7) & ~7) - scan.begin_lsn
    data = struct.pack("<I", 16401) + b"/srv/late\0"
    body = bytes([255, len(data)]) + data
    start = struct.pack("<IIQBBxx", 24 + len(body), 0, scan.last_record, 0, 5)
    record = start + struct.pack("<I", crc32c(start, crc32c(body))) + body
    last = files.read(4)
    last[offset:] = record + bytes(len(last) - offset - len(record))
    files.write(4, last)
    verified = files.verify()
    assert verified.tablespaces == ("/srv/late",)
    assert verified.as_dict()["created_tablespaces"] == ["/srv/late"]
    assert files.verify(stop_lsn=scan.last_record).tablespaces == ()
    # What an earlier run read is not read again.
    earlier = {**verified.as_dict(), "created_tablespaces": ["/srv/early"]}
    assert files.verify(earlier).tablespaces == ("/srv/early", "/srv/late")
