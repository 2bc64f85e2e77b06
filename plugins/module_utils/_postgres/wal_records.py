# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WAL records of PostgreSQL 13 to 18: the ends of transactions, restore points, and their checksums.

This module util is private to the collection. Input is bytes; nothing here reads or writes files (xlogrecord.h, xact.h, rmgrlist.h).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Literal

from .crc32c import crc32c, crc32c_of_each

EventKind = Literal["commit", "abort", "restore_point"]

_EPOCH = datetime(2000, 1, 1, tzinfo=timezone.utc)
LENGTH = struct.Struct("<I")
RECORD = struct.Struct("<IIQBBxxI")  # length, xid, previous record, info, resource manager, checksum
HEADER = 24

XLOG, TRANSACTION, TABLESPACE = 0, 1, 5  # resource managers
LAST_BUILTIN, FIRST_CUSTOM = 21, 128
SHUTDOWN, ONLINE = 0x00, 0x10  # checkpoints
SWITCH = 0x40
RESTORE_POINT = 0x70
ENDS: dict[int, EventKind] = {0x00: "commit", 0x20: "abort", 0x30: "commit", 0x40: "abort"}
_PREPARED = (0x30, 0x40)
CREATE_TABLESPACE = 0x00
_HAS_MORE = 0x80
_SHORT_DATA, _LONG_DATA, _ORIGIN, _TOPLEVEL = 255, 254, 253, 252


@dataclass(frozen=True)
class Event:
    """A record in the WAL at which a recovery can stop.

    kind: commit, abort, or restore_point (then with a name and no xid). lsn: where its record begins; end_lsn: where it ends.
    """

    kind: EventKind
    lsn: int
    end_lsn: int
    time: datetime
    xid: int | None = None
    name: str | None = None


@dataclass
class Records:
    """All complete records of one segment, filled by scan; checksums and commits are verified and read afterwards.

    lsns: where each begins. strings: its bytes in the order that its checksum counts them. sums: the checksum that its
    header has. ends: the transactions' ends, as (where it begins, where it ends, xid, info, record). managers: the
    custom resource managers (128 and more), which extensions register. tablespaces: where each is created, and its location.
    """

    lsns: list[int] = field(default_factory=list)
    strings: list[bytes] = field(default_factory=list)
    sums: list[int] = field(default_factory=list)
    ends: list[tuple[int, int, int, int, bytes]] = field(default_factory=list)
    managers: set[int] = field(default_factory=set)
    tablespaces: list[tuple[int, str]] = field(default_factory=list)

    def first_wrong(self) -> int | None:
        """Where the first record begins whose checksum is wrong; None if all are right."""
        computed = crc32c_of_each(self.strings)
        return next((lsn for lsn, one, recorded in zip(self.lsns, computed, self.sums) if one != recorded), None)

    def last_commit(self, version: int, before: int | None = None) -> Event | None:
        """The last commit that begins before a position. Its checksum is to be verified before."""
        for lsn, end_lsn, xid, info, record in reversed(self.ends):
            if (before is None or lsn < before) and ENDS[info & 0x70] == "commit":
                return transaction_end(lsn, end_lsn, xid, info, record, version)
        return None


def main_data(record: bytes) -> bytes:
    """A record's own data, without its header and those of its blocks; b"" if that is damaged."""
    offset = HEADER
    while offset + 2 <= len(record):
        kind = record[offset]
        if kind == _SHORT_DATA:
            return record[offset + 2 : offset + 2 + record[offset + 1]]
        if kind == _LONG_DATA:
            (length,) = LENGTH.unpack_from(record, offset + 1)
            return record[offset + 5 : offset + 5 + length]
        if kind not in (_ORIGIN, _TOPLEVEL):
            break
        offset += 3 if kind == _ORIGIN else 5
    return b""


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def restore_point(lsn: int, end_lsn: int, record: bytes) -> Event:
    data = main_data(record)
    (time,) = struct.unpack_from("<q", data)
    name = data[8:].split(b"\0", 1)[0].decode("utf-8", errors="replace")
    return Event("restore_point", lsn=lsn, end_lsn=end_lsn, time=_time(time), xid=None, name=name)


def transaction_end(lsn: int, end_lsn: int, xid: int, info: int, record: bytes, version: int) -> Event:
    data = main_data(record)
    (time,) = struct.unpack_from("<q", data)
    operation = info & 0x70
    if operation in _PREPARED and info & _HAS_MORE:
        xid = _prepared_xid(data, xid, operation, version)
    return Event(ENDS[operation], lsn=lsn, end_lsn=end_lsn, time=_time(time), xid=xid)


def _prepared_xid(data: bytes, xid: int, operation: int, version: int) -> int:
    """The transaction that a COMMIT PREPARED or ROLLBACK PREPARED ends: it stands after all the lists."""
    (parts,) = LENGTH.unpack_from(data, 8)
    offset = 12 + (8 if parts & 0x01 else 0)  # database
    lists = [(0x02, 4), (0x04, 12)]  # subtransactions, dropped relations
    if version >= 15:
        lists.append((0x100, 16 if version >= 18 else 12))  # dropped statistics
    if ENDS[operation] == "commit":
        lists.append((0x08, 16))  # invalidation messages
    for bit, size in lists:
        if parts & bit:
            (count,) = LENGTH.unpack_from(data, offset)
            offset += 4 + count * size
    if parts & 0x10:
        (xid,) = LENGTH.unpack_from(data, offset)
    return xid


def checksum_is_right(record: bytes) -> bool:
    """Whether a whole record has the checksum (CRC-32C) that its header has."""
    (expected,) = LENGTH.unpack_from(record, 20)
    return bool(crc32c(record[:20], crc32c(record[HEADER:])) == expected)
