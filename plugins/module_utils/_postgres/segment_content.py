# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the content of a WAL file is the segment that its name promises.

This module util is private to the collection. Input is bytes; nothing here reads or writes files.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .wal import Segment, format_lsn
from .wal_reader import PAGE_SIZE, Carry, Scan, SegmentHeader, WalReadError, scan
from .wal_records import Records

_PAGE_ADDRESS = struct.Struct("<8xQ")


@dataclass(frozen=True)
class ExpectedSegment:
    """What a file should contain. systems: the system identifiers that are right; none if they are not known.

    versions: PostgreSQL's major versions that are right; none if they are not known. switch: the switch point that its timeline begins with;
    None if that is not known.
    """

    segment: Segment
    size: int
    systems: frozenset[int] = frozenset()
    versions: frozenset[int] = frozenset()
    switch: int | None = 0

    def problem(self, found: Scan | SegmentHeader) -> str:
        """Why the content is not this segment's; "" if it is."""
        begin = self.segment.begin_lsn(self.size)
        if found.segment_size != self.size:
            return f"its header is of WAL segments of {found.segment_size} bytes"
        if found.begin_lsn != begin:
            return f"its content is another segment's: it begins at {format_lsn(found.begin_lsn)} and not at {format_lsn(begin)}"
        if self.systems and found.system_identifier not in self.systems:
            known = ", ".join(map(str, sorted(self.systems)))
            return f"it is of another PostgreSQL server (system identifier {found.system_identifier}) than the backup ({known})"
        if self.versions and found.version not in self.versions:
            known = ", ".join(map(str, sorted(self.versions)))
            return f"it is of PostgreSQL {found.version}, and the backups are of {known}"
        # The segment of a switch point begins as a copy of the parent timeline's.
        begins_there = self.switch is None or begin <= self.switch < begin + self.size
        if found.timeline == self.segment.timeline or (found.timeline < self.segment.timeline and begins_there):
            return ""
        return f"its first page is of timeline {found.timeline}"


@dataclass(frozen=True)
class SegmentFinding:
    """What is wrong with a segment, "" if nothing is; and what the next one continues, None if that is not known.

    begin: where the damaged record begins, if that is before the segment. Then one of the segments from there to this one is damaged.
    """

    problem: str
    carry: Carry | None = None
    begin: int | None = None


def check_segment(expected: ExpectedSegment, data: bytes, carry: Carry | None, *, last: bool) -> SegmentFinding:
    """Read every page and every record of a complete segment.

    carry: that of the segment before, None if it was not read. last: whether no later segment of its timeline is there, so that the WAL may end here.
    """
    if len(data) != expected.size:
        return SegmentFinding(f"it has {len(data)} bytes, and a WAL segment has {expected.size}")
    records = Records()
    try:
        found = scan(data, carry, records)
    except WalReadError as exc:
        return SegmentFinding(str(exc))
    problem = expected.problem(found)
    if problem:
        return SegmentFinding(problem)
    wrong = records.first_wrong()
    if wrong is not None and last and found.carry is None and wrong == records.lsns[-1]:
        # What was being written when the WAL ended.
        wrong = None
    if wrong is not None:
        text = f"the checksum of the record at {format_lsn(wrong)} is wrong"
        return SegmentFinding(text, begin=wrong if wrong < found.begin_lsn else None)
    if found.carry is None and (not last or goes_on(data, found.begin_lsn, found.end_lsn or found.begin_lsn)):
        return SegmentFinding(found.reason)
    return SegmentFinding("", found.carry)


def check_partial(expected: ExpectedSegment, data: bytes) -> str:
    """What is wrong with a segment that was not complete when it was archived; "" if nothing is."""
    if len(data) > expected.size:
        return f"it has {len(data)} bytes, and a WAL segment has {expected.size}"
    if not any(data[:PAGE_SIZE]):
        return ""
    try:
        return expected.problem(scan(data, None, Records()))
    except WalReadError as exc:
        return str(exc)


def goes_on(data: bytes, begin: int, end: int) -> bool:
    """Whether a page after the WAL's end was written as one of this segment: then the WAL does not end there.

    The rest of a segment that is not full is zeros, or pages of an earlier use of the file, with other addresses.
    """
    first = (end - begin + PAGE_SIZE - 1) // PAGE_SIZE * PAGE_SIZE
    return any(
        _PAGE_ADDRESS.unpack_from(data, offset)[0] == begin + offset
        for offset in range(first, len(data) - PAGE_SIZE + 1, PAGE_SIZE)
    )
