# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading WAL segments of PostgreSQL 13 to 18: the events at which a recovery can stop, and the end of the WAL.

This module util is private to the collection. pg_waldump comes with the server's package and a backup server often
has no server package, so the segments are read here. Input is bytes; nothing here reads or writes files.

A segment is a row of pages of 8 KiB. A record may begin on one page and continue on the next ones, also in the next
segment, with a page header in between. The bytes after the last record may be zeros, or those of a former segment in
the same file. A record is valid if it links back to the record before it and its checksum is correct. scan verifies
the checksum of the records that it returns and of the last one. A caller that gives Records verifies all of them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from .wal import format_lsn
from .wal_records import (
    CREATE_TABLESPACE,
    ENDS,
    FIRST_CUSTOM,
    HEADER,
    LAST_BUILTIN,
    LENGTH,
    ONLINE,
    RECORD,
    RESTORE_POINT,
    SHUTDOWN,
    SWITCH,
    TABLESPACE,
    TRANSACTION,
    XLOG,
    Event,
    Records,
    checksum_is_right,
    main_data,
    restore_point,
    transaction_end,
)

PAGE_SIZE = 8192
VERSIONS: dict[int, int] = {0xD106: 13, 0xD10D: 14, 0xD110: 15, 0xD113: 16, 0xD116: 17, 0xD118: 18}

_PAGE = struct.Struct("<HHIQI")  # magic, info, timeline, address, rest of a record from the page before
_LONG_PAGE = struct.Struct("<HHIQIxxxxQII")  # the same, system identifier, segment size, page size
_SHORT_HEADER = 24
_LONG_HEADER = 40
_CONTINUES = 0x0001
_LONG = 0x0002
_OVERWRITES = 0x0008
_PAGE_FLAGS = 0x000F
_LONGEST = 1020 * 1024 * 1024  # PostgreSQL's own limit


class WalReadError(ValueError):
    """The bytes are not a WAL segment that can be read here; the text has the reason."""


@dataclass(frozen=True)
class SegmentHeader:
    """The header of a segment's first page. info: the page's flags. rest: the bytes of a record that goes on here."""

    version: int
    timeline: int
    system_identifier: int
    segment_size: int
    begin_lsn: int
    magic: int
    info: int
    rest: int


@dataclass(frozen=True)
class Carry:
    """What the next segment continues.

    lsn, data: the record that goes on there: where it begins, and its bytes up to now; b"" if none does, and None
    if the beginning of the one that does was not read. previous: where the last complete record begins.
    next_lsn: where the next segment begins.
    """

    lsn: int | None
    data: bytes | None
    previous: int | None
    next_lsn: int


@dataclass(frozen=True)
class Shutdown:
    """The checkpoint of a clean stop, or of a recovery's end. A server that was stopped there starts after it.

    lsn: where it begins. previous: where the record before it begins. change: the last one in its segment before it that
    is no checkpoint; None if there is none.
    """

    lsn: int
    previous: int
    change: int | None


@dataclass(frozen=True)
class Scan:
    """The content of one segment.

    begin_lsn: where the segment begins. end_lsn: where its last complete record ends (where the next one can begin);
    None if no record ends in it.
    last_record: where the last complete record begins. last_change: where the last one begins that is no checkpoint.
    carry: not None if the WAL goes on in the next segment; reason: else why it ends here.
    """

    version: int
    timeline: int
    system_identifier: int
    segment_size: int
    begin_lsn: int
    end_lsn: int | None
    last_record: int | None
    last_change: int | None = None
    events: list[Event] = field(default_factory=list)
    carry: Carry | None = None
    reason: str = ""
    shutdowns: list[Shutdown] = field(default_factory=list)


def read_header(data: bytes) -> SegmentHeader:
    """The header of a segment. data: at least its first page. Raises WalReadError if it is none of a known version."""
    if len(data) < PAGE_SIZE:
        raise WalReadError(f"it has only {len(data)} bytes")
    magic, info, timeline, address, rest, system, size, page_size = _LONG_PAGE.unpack_from(data)
    if magic not in VERSIONS:
        if not any(data[:_LONG_HEADER]):
            raise WalReadError("it starts with zeros: nothing was written to it yet")
        raise WalReadError(f"it does not start like WAL of PostgreSQL 13 to 18 (magic number {magic:04X})")
    if not info & _LONG or page_size != PAGE_SIZE or size < PAGE_SIZE or size & (size - 1) or address % size:
        raise WalReadError("its first page header is damaged")
    return SegmentHeader(VERSIONS[magic], timeline, system, size, address, magic, info, rest)


def scan(data: bytes, carry: Carry | None = None, records: Records | None = None) -> Scan:
    """Read one segment from its beginning.

    carry: that of the segment before, if that was read too; without it a record that came over from there is
    passed over. records: is filled; no events are returned then, and only the last record's checksum is verified.
    Raises WalReadError if the bytes are no WAL segment of a known version, or not the next one.
    """
    return _SegmentReader(data, carry, records).read()


class _End(Exception):
    """The valid WAL ends here; the text has the reason."""


class _Over(Exception):
    """A record goes on after this segment's end."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data


class _Abandoned(Exception):
    """PostgreSQL abandoned a record before it was complete; the next one begins at offset."""

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


class _SegmentReader:
    """Offsets count from the segment's beginning, positions (lsn) from that of the WAL."""

    def __init__(self, data: bytes, carry: Carry | None, records: Records | None = None) -> None:
        header = read_header(data)
        if carry is not None and header.begin_lsn != carry.next_lsn:
            raise WalReadError(f"it starts at {format_lsn(header.begin_lsn)} and not at {format_lsn(carry.next_lsn)}")
        self._data = data
        self._records = records
        self._header = header
        self._magic, self._begin, self._size = header.magic, header.begin_lsn, header.segment_size
        self._page_timeline = header.timeline
        self._limit = min(len(data), header.segment_size) // PAGE_SIZE * PAGE_SIZE
        self._info, self._rest = header.info, header.rest
        self._carry = carry
        # The last complete record and the one before it, each as (position, offset of its end).
        self._last: tuple[int, int] | None = None
        self._older: tuple[int, int] | None = None
        # The last records that are no checkpoints.
        self._change: int | None = None
        self._older_change: int | None = None
        self._shutdowns: list[Shutdown] = []
        self._events: list[Event] = []
        # The record that is being put together: its position, and its bytes from before what _collect gives.
        self._open: tuple[int, bytes] | None = None
        # The record that began in the segment before and ended here.
        self._continued = b""

    def read(self) -> Scan:
        carry: Carry | None = None
        reason = ""
        try:
            self._walk(self._first_record())
            carry = self._next(None, b"")
        except _Over as over:
            carry = self._over(over.data)
        except _End as end:
            reason = str(end)
        if carry is not None and self._limit < self._size:
            carry, reason = None, f"the file has only {len(self._data)} of {self._size} bytes"
        last = self._last
        if carry is None and last is not None and not self._last_is_whole():
            reason = f"the checksum of the record at {format_lsn(last[0])} is wrong"
            if self._change == last[0]:
                self._change = self._older_change
            self._shutdowns = [one for one in self._shutdowns if one.lsn != last[0]]
            self._last = self._older
        return Scan(
            version=self._header.version,
            timeline=self._header.timeline,
            system_identifier=self._header.system_identifier,
            segment_size=self._size,
            begin_lsn=self._begin,
            end_lsn=None if self._last is None else self._begin + self._last[1],
            last_record=None if self._last is None else self._last[0],
            last_change=self._change,
            events=self._events,
            carry=carry,
            reason=reason,
            shutdowns=self._shutdowns,
        )

    def _next(self, lsn: int | None, data: bytes | None) -> Carry:
        return Carry(lsn, data, self._previous(), self._begin + self._size)

    def _over(self, data: bytes) -> Carry:
        if self._open is None:
            return self._next(None, None)
        lsn, before = self._open
        return self._next(lsn, before + data)

    def _previous(self) -> int | None:
        if self._last is not None:
            return self._last[0]
        return self._carry.previous if self._carry else None

    def _first_record(self) -> int:
        """Where the segment's first record begins; the one that continues from the segment before is completed first."""
        carry = self._carry
        continues_here = bool(self._info & _CONTINUES) and not self._info & _OVERWRITES
        if carry is not None and carry.lsn is not None and carry.data is not None:
            if self._info & _OVERWRITES:
                return _LONG_HEADER
            (length,) = LENGTH.unpack_from(carry.data)
            if not continues_here or length - len(carry.data) != self._rest:
                raise _End(f"the record at {format_lsn(carry.lsn)} does not continue in the next segment")
            self._open = carry.lsn, carry.data
        elif carry is not None and carry.data is not None and continues_here:
            raise _End(f"the segment at {format_lsn(self._begin)} does not continue the one before")
        if not continues_here:
            return _LONG_HEADER
        try:
            data, end = self._collect(_LONG_HEADER, self._rest)
        except _Abandoned as abandoned:
            return abandoned.offset
        if self._open is not None:
            lsn, before = self._open
            self._accept(lsn, before + data, end)
        return (end + 7) & ~7

    def _collect(self, offset: int, left: int) -> tuple[bytes, int]:
        """The next bytes from an offset, over the pages' headers; and the offset after them."""
        parts: list[bytes] = []
        while True:
            part = min(left, PAGE_SIZE - offset % PAGE_SIZE)
            parts.append(self._data[offset : offset + part])
            left -= part
            offset += part
            if left == 0:
                return b"".join(parts), offset
            if offset >= self._limit:
                raise _Over(b"".join(parts))
            if self._enter(offset, left):
                raise _Abandoned(offset + _SHORT_HEADER)
            offset += _SHORT_HEADER

    def _enter(self, offset: int, left: int) -> bool:
        """Check the header of a page; left: the bytes of a record that must continue on it. True if that record was abandoned."""
        magic, info, timeline, address, rest = _PAGE.unpack_from(self._data, offset)
        here = self._begin + offset
        if magic != self._magic or address != here or info & ~_PAGE_FLAGS:
            raise _End(f"nothing was written yet at {format_lsn(here)}")
        # The segment of a switch point begins as a copy of the parent timeline's pages, and goes on with its own.
        if timeline < self._page_timeline:
            raise _End(f"the page at {format_lsn(here)} is of timeline {timeline}, not {self._page_timeline}")
        self._page_timeline = timeline
        if info & _OVERWRITES:
            return True
        if rest != left or bool(info & _CONTINUES) != bool(left):
            raise _End(f"the page at {format_lsn(here)} does not continue the one before")
        return False

    def _walk(self, offset: int) -> None:
        """Go from record to record to the segment's end."""
        data, begin, limit = self._data, self._begin, self._limit
        unpack_start = struct.Struct("<IIQBB").unpack_from
        unpack_length = LENGTH.unpack_from
        previous = self._previous()
        records = self._records
        unpack_sum = LENGTH.unpack_from
        while True:
            in_page = offset & (PAGE_SIZE - 1)
            if in_page == 0:
                if offset >= limit:
                    return
                self._enter(offset, 0)
                offset += _SHORT_HEADER
                in_page = _SHORT_HEADER
            (length,) = unpack_length(data, offset)
            if not HEADER <= length <= _LONGEST:
                raise _End(f"no record starts at {format_lsn(begin + offset)}")
            if length <= PAGE_SIZE - in_page:
                end = offset + length
                dummy, dummy, back, dummy, manager = unpack_start(data, offset)
                if back == previous and TRANSACTION < manager <= LAST_BUILTIN and manager != TABLESPACE:
                    previous = begin + offset
                    self._older = self._last
                    self._last = previous, end
                    self._older_change, self._change = self._change, previous
                    if records is not None:
                        records.lsns.append(previous)
                        records.strings.append(data[offset + HEADER : end] + data[offset : offset + 20])
                        records.sums.append(unpack_sum(data, offset + 20)[0])
                    offset = (end + 7) & ~7
                    continue
                record = data[offset:end]
            else:
                self._open = begin + offset, b""
                try:
                    record, end = self._collect(offset, length)
                except _Abandoned as abandoned:
                    offset = abandoned.offset
                    continue
            end = self._accept(begin + offset, record, end)
            previous = begin + offset
            offset = (end + 7) & ~7

    def _accept(self, lsn: int, record: bytes, end: int) -> int:
        """Take a record into account if it is valid, and return its end."""
        dummy, xid, back, info, manager, dummy = RECORD.unpack_from(record)
        previous = self._previous()
        if back != previous and (previous is not None or back >= lsn):
            raise _End(f"the record at {format_lsn(lsn)} does not link back to the one before")
        if LAST_BUILTIN < manager < FIRST_CUSTOM:
            raise _End(f"the record at {format_lsn(lsn)} is of an unknown kind")
        operation = info & 0x70
        if lsn < self._begin:
            self._continued = record
        records = self._records
        if records is not None:
            records.lsns.append(lsn)
            records.strings.append(record[HEADER:] + record[:20])
            records.sums.append(LENGTH.unpack_from(record, 20)[0])
            if manager >= FIRST_CUSTOM:
                records.managers.add(manager)
            elif manager == TABLESPACE and info & 0xF0 == CREATE_TABLESPACE:
                location = main_data(record)[4:].split(b"\0", 1)[0]
                records.tablespaces.append((lsn, location.decode("utf-8", errors="surrogateescape")))
            elif manager == TRANSACTION and operation in ENDS:
                records.ends.append((lsn, self._begin + end, xid, info, record))
        if manager == XLOG and info & 0xF0 == SWITCH:
            # The rest of the segment is empty.
            end = self._size
        elif records is not None:
            pass
        elif (manager == TRANSACTION and operation in ENDS) or (manager == XLOG and info & 0xF0 == RESTORE_POINT):
            if not checksum_is_right(record):
                raise _End(f"the checksum of the record at {format_lsn(lsn)} is wrong")
            end_lsn = self._begin + end
            if manager == XLOG:
                self._events.append(restore_point(lsn, end_lsn, record))
            else:
                self._events.append(transaction_end(lsn, end_lsn, xid, info, record, self._header.version))
        if manager == XLOG and info & 0xF0 == SHUTDOWN:
            self._shutdowns.append(Shutdown(lsn, back, self._change))
        self._older = self._last
        self._last = lsn, end
        if manager != XLOG or info & 0xF0 not in (SHUTDOWN, ONLINE):
            self._older_change, self._change = self._change, lsn
        return end

    def _last_is_whole(self) -> bool:
        """Verify the last record: what was being written when the WAL ended may be there in part."""
        if self._last is None:
            return True
        if self._last[0] < self._begin:
            return checksum_is_right(self._continued)
        offset = self._last[0] - self._begin
        self._page_timeline = self._header.timeline
        (length,) = LENGTH.unpack_from(self._data, offset)
        record, dummy = self._collect(offset, length)
        return checksum_is_right(record)
