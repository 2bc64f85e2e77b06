# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading WAL: segments that PostgreSQL wrote, compared with what its own pg_waldump says of them."""

from __future__ import annotations

import gzip
import re
import struct
from datetime import UTC
from functools import lru_cache
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal_reader, wal_records
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.crc32c import crc32c
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal import format_lsn, parse_lsn, parse_segment
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal_reader import WalReadError, scan
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal_records import Event

FIXTURES = Path(__file__).parents[1] / "fixtures" / "wal"
VERSIONS = sorted(int(path.name) for path in FIXTURES.iterdir() if path.is_dir())
MIB = 1 << 20
LINE = re.compile(r"tx: +(\d+), lsn: (\S+), prev \S+, desc: (\w+) (.*)")
PAGE = 8192


@lru_cache
def segments(version: int) -> tuple[bytes, ...]:
    return tuple(gzip.decompress(path.read_bytes()) for path in sorted((FIXTURES / str(version)).glob("*.gz")))


def expected(version: int) -> tuple[list[tuple[str, int, int | None, str]], int]:
    """pg_waldump's commits, aborts and restore points, and where the last record begins."""
    events: list[tuple[str, int, int | None, str]] = []
    last = 0
    for line in (FIXTURES / str(version) / "pg_waldump.txt").read_text().splitlines():
        found = LINE.search(line)
        if found is None:
            lsn = re.search(r"lsn: (\S+),", line)
            assert lsn is not None
            last = parse_lsn(lsn[1])
            continue
        xid, lsn_text, word, rest = found.groups()
        if word == "RESTORE_POINT":
            events.append(("restore_point", parse_lsn(lsn_text), None, rest))
        else:
            prepared = re.match(r"(\d+): (.*)", rest)
            number = int(prepared[1]) if prepared else int(xid)
            events.append((word.split("_")[0].lower(), parse_lsn(lsn_text), number, prepared[2] if prepared else rest))
    return events, last


def read_all(version: int) -> list[wal_reader.Scan]:
    scans: list[wal_reader.Scan] = []
    carry = None
    for data in segments(version):
        scans.append(scan(data, carry))
        carry = scans[-1].carry
    return scans


def as_expected(event: Event) -> tuple[str, int, int | None, str]:
    text = event.name if event.kind == "restore_point" else event.time.strftime("%Y-%m-%d %H:%M:%S.%f UTC")
    return event.kind, event.lsn, event.xid, text or ""


@pytest.mark.parametrize("version", VERSIONS)
def test_it_reads_the_same_as_pg_waldump(version: int) -> None:
    scans = read_all(version)
    events, last = expected(version)
    assert [as_expected(event) for scanned in scans for event in scanned.events] == events
    assert len(events) == 16
    assert scans[-1].last_record == last
    assert {scanned.version for scanned in scans} == {version}
    assert {(scanned.timeline, scanned.segment_size) for scanned in scans} == {(1, MIB)}
    assert [scanned.carry is not None for scanned in scans] == [True] * (len(scans) - 1) + [False]


@pytest.mark.parametrize("version", VERSIONS)
def test_times_are_in_utc_and_in_order(version: int) -> None:
    times = [event.time for scanned in read_all(version) for event in scanned.events]
    assert times == sorted(times)
    assert {moment.tzinfo for moment in times} == {UTC}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_segment_alone_has_the_same_events_except_for_continued_records(version: int) -> None:
    for data, scanned in zip(segments(version), read_all(version), strict=True):
        alone = scan(data)
        assert alone.events == [event for event in scanned.events if event.lsn >= scanned.begin_lsn]
        assert alone.end_lsn == scanned.end_lsn or scanned.end_lsn is None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_record_can_be_longer_than_a_segment(version: int) -> None:
    scans = read_all(version)
    inside = [scanned for scanned in scans if scanned.end_lsn is None]
    assert len(inside) == 1
    assert inside[0].carry is not None
    assert inside[0].carry.lsn is not None
    assert inside[0].carry.lsn < inside[0].begin_lsn
    assert len(inside[0].carry.data or b"") > MIB


@pytest.mark.parametrize("version", VERSIONS)
def test_a_switch_ends_its_segment(version: int) -> None:
    scanned = read_all(version)[-2]
    assert scanned.end_lsn == scanned.begin_lsn + MIB
    assert scanned.carry is not None
    assert scanned.carry is not None
    assert scanned.carry.data == b""


# Where the WAL ends


def partial(version: int = 15) -> bytes:
    """The last segment, which is filled in part."""
    return segments(version)[-1]


def offset_of_end(version: int = 15) -> int:
    scanned = scan(partial(version))
    assert scanned.end_lsn is not None
    return scanned.end_lsn - scanned.begin_lsn


@pytest.mark.parametrize("version", VERSIONS)
def test_garbage_of_a_recycled_segment_is_not_read(version: int) -> None:
    """PostgreSQL renames old segments to reuse them: behind the end are valid pages of another position."""
    end = offset_of_end(version)
    old = segments(version)[0]
    page_end = -(-end // PAGE) * PAGE
    clean, dirty = partial(version), partial(version)[:page_end] + old[page_end:]
    assert scan(dirty).events == scan(clean).events
    assert scan(dirty).end_lsn == scan(clean).end_lsn
    assert "nothing was written yet" in scan(dirty).reason or "no record starts" in scan(dirty).reason


def test_a_record_of_which_a_part_is_there_is_not_counted() -> None:
    """Every cut in the last records leaves a valid shorter WAL, and never a commit that is not whole."""
    whole = scan(partial())
    events = whole.events
    begin = whole.begin_lsn
    cuts = {cut for event in events for cut in range(event.lsn - begin - 4, event.end_lsn - begin + 4)}
    for cut in sorted(cuts):
        data = partial()[:cut] + bytes(MIB - cut)
        # What was cut off may have been zeros, too.
        same = max(length for length in range(cut, cut + 16) if data[:length] == partial()[:length])
        scanned = scan(data)
        assert scanned.events == [event for event in events if event.end_lsn - begin <= same]
        assert scanned.end_lsn is None or scanned.end_lsn - begin <= same
        assert scanned.carry is None


def test_a_damaged_commit_ends_the_wal_before_it() -> None:
    scanned = scan(partial())
    last = scanned.events[-1]
    position = last.end_lsn - scanned.begin_lsn - 3
    data = bytearray(partial())
    data[position] ^= 0x40
    damaged = scan(bytes(data))
    assert damaged.events == scanned.events[:-1]
    assert "checksum" in damaged.reason
    assert damaged.end_lsn is not None
    assert damaged.end_lsn <= last.lsn


def test_a_damaged_last_record_that_is_no_commit_is_not_counted() -> None:
    scanned = scan(partial())
    # Everything from the last commit on is cut: what is last then is the record before it.
    cut = scanned.events[-1].lsn - scanned.begin_lsn
    shorter = bytearray(partial()[:cut] + bytes(MIB - cut))
    before = scan(bytes(shorter))
    assert before.last_record is not None
    shorter[before.last_record - scanned.begin_lsn + 30] ^= 1
    damaged = scan(bytes(shorter))
    assert damaged.last_record is not None
    assert damaged.last_record < before.last_record
    assert "checksum" in damaged.reason


def test_a_record_that_does_not_link_back_ends_the_wal() -> None:
    scanned = scan(partial())
    data = bytearray(partial())
    struct.pack_into("<Q", data, scanned.events[-1].lsn - scanned.begin_lsn + 8, scanned.begin_lsn + 4)
    broken = scan(bytes(data))
    assert "does not link back" in broken.reason
    assert broken.events == scanned.events[:-1]


def test_a_page_of_an_earlier_timeline_ends_the_wal() -> None:
    data = bytearray(segments(15)[0])
    for page in range(5):
        struct.pack_into("<I", data, page * PAGE + 4, 2)
    assert "is of timeline 1, not 2" in scan(bytes(data)).reason


def test_the_segment_of_a_switch_point_goes_on_with_pages_of_the_new_timeline() -> None:
    """A promoted server copies the pages before its switch point, with the parent's timeline in their headers."""
    data = bytearray(segments(15)[0])
    for page in range(5, MIB // PAGE):
        struct.pack_into("<I", data, page * PAGE + 4, 2)
    scanned, before = scan(bytes(data)), scan(segments(15)[0])
    assert scanned.carry is not None
    assert (scanned.end_lsn, scanned.events) == (before.end_lsn, before.events)


def test_a_file_that_was_cut_off() -> None:
    scanned = scan(segments(15)[1][: MIB // 2])
    assert scanned.carry is None
    assert "has only 524288 of 1048576 bytes" in scanned.reason


def test_a_record_that_was_given_up_is_passed_over() -> None:
    """After a crash PostgreSQL marks the page where the rest of a record would be, and writes another one there."""
    first, second = segments(15)[0], bytearray(segments(15)[1])
    carry = scan(first).carry
    assert carry is not None
    assert carry.lsn is not None
    magic, _, timeline, address = struct.unpack_from("<HHIQ", second)
    struct.pack_into("<HHIQI", second, 0, magic, 0x2 | 0x8, timeline, address, 0)
    record = _record(carry.previous or 0, b"\xff\x10" + b"overwritten once")
    second[40:] = record + bytes(MIB - 40 - len(record))
    scanned = scan(bytes(second), carry)
    assert scanned.last_record == scanned.begin_lsn + 40
    assert scanned.end_lsn == scanned.begin_lsn + 40 + len(record)


def _record(previous: int, body: bytes, manager: int = 10) -> bytes:
    head = struct.pack("<IIQBBxx", 24 + len(body), 0, previous, 0, manager)
    return head + struct.pack("<I", crc32c(head, crc32c(body))) + body


def test_the_next_segment_must_be_the_next_one() -> None:
    carry = scan(segments(15)[0]).carry
    with pytest.raises(WalReadError, match="starts at 0/900000 and not at 0/800000"):
        scan(segments(15)[2], carry)


def test_a_segment_that_does_not_go_on_with_the_record_ends_the_wal() -> None:
    carry = scan(segments(15)[0]).carry
    assert carry is not None
    second = bytearray(segments(15)[1])
    struct.pack_into("<H", second, 2, 0x2)
    assert "does not continue in the next segment" in scan(bytes(second), carry).reason


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "only 0 bytes"),
        (bytes(MIB), "nothing was written to it yet"),
        (b"\x1f\x8b" + bytes(MIB - 2), "magic number 8B1F"),
        (b"\x10\xd1" + bytes(MIB - 2), "first page header is damaged"),
    ],
)
def test_what_is_no_wal(data: bytes, problem: str) -> None:
    with pytest.raises(WalReadError, match=problem):
        scan(data)


def test_the_checksum_is_that_of_castagnoli() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(b"6789", crc32c(b"12345")) == 0xE3069283


def test_fixtures_are_named_for_what_they_are() -> None:
    for version in VERSIONS:
        for path, scanned in zip(sorted((FIXTURES / str(version)).glob("*.gz")), read_all(version), strict=True):
            assert parse_segment(path.stem).begin_lsn(MIB) == scanned.begin_lsn, format_lsn(scanned.begin_lsn)


@pytest.mark.parametrize("version", [15, 17, 18])
@pytest.mark.parametrize("info", [0x00, 0x10])
def test_a_checkpoint_is_no_change_and_a_shutdown_is_reported(version: int, info: int) -> None:
    *_before, scanned = read_all(version)
    assert scanned.last_change == scanned.last_record
    assert scanned.end_lsn is not None
    assert scanned.last_record is not None
    offset = ((scanned.end_lsn + 7) & ~7) - scanned.begin_lsn
    start = struct.pack("<IIQBBxx", 34, 0, scanned.last_record, info, 0)
    data = bytes([255, 8]) + bytes(8)
    record = start + struct.pack("<I", crc32c(start, crc32c(data))) + data
    assert offset % wal_reader.PAGE_SIZE + len(record) < wal_reader.PAGE_SIZE
    last = bytearray(segments(version)[-1])
    last[offset:] = record + bytes(len(last) - offset - len(record))
    after = scan(bytes(last))
    assert after.last_record == scanned.begin_lsn + offset
    assert after.last_change == scanned.last_record
    stop = wal_reader.Shutdown(after.last_record, scanned.last_record, scanned.last_record)
    assert after.shutdowns == ([stop] if info == 0x00 else [])
    assert scanned.shutdowns == []
    last[offset + 30] ^= 1
    assert scan(bytes(last)).shutdowns == []


@pytest.mark.parametrize(("info", "found"), [(0x00, ["/srv/late"]), (0x10, [])])
def test_a_tablespace_that_the_wal_creates(info: int, found: list[str]) -> None:
    """A DROP TABLESPACE has the same resource manager."""
    *_before, scanned = read_all(17)
    assert scanned.end_lsn is not None
    offset = ((scanned.end_lsn + 7) & ~7) - scanned.begin_lsn
    data = struct.pack("<I", 16401) + b"/srv/late\0"
    body = bytes([255, len(data)]) + data
    start = struct.pack("<IIQBBxx", 24 + len(body), 0, scanned.last_record, info, 5)
    record = start + struct.pack("<I", crc32c(start, crc32c(body))) + body
    last = bytearray(segments(17)[-1])
    last[offset:] = record + bytes(len(last) - offset - len(record))
    records = wal_records.Records()
    after = scan(bytes(last), None, records)
    assert after.last_record == scanned.begin_lsn + offset
    assert [path for _lsn, path in records.tablespaces] == found
    assert records.first_wrong() is None
