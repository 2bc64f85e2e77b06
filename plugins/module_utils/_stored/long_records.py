# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which segments lie around a run of archived WAL segments and belong to its first or last record.

This module util is private to the collection. A record has one checksum, so it can only be verified with all its segments. A record of more than
a segment fills segments in which no other record begins. Source: src/include/access/xlog_internal.h for the headers of pages.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from .._barman.archive import ArchiveError
from .._host.identity import open_as_owner
from .._postgres import wal
from .._postgres.wal_reader import PAGE_SIZE, SegmentHeader, WalReadError, read_header
from .observe import StoredServer

_CONTINUES = 0x0001
_OVERWRITES = 0x0008
_SHORT_HEADER = 24
_LONG_HEADER = 40


def previous_segment(stored: StoredServer, segment: wal.Segment) -> wal.Segment | None:
    """The segment before, on the same timeline; None if it is not archived."""
    size = stored.archive.segment_size
    if segment.number(size) == 0:
        return None
    previous = wal.segment_of_number(segment.timeline, segment.number(size) - 1, size)
    return previous if previous in stored.archive.segments else None


def segments_before(stored: StoredServer, segment: wal.Segment) -> list[wal.Segment]:
    """The archived segments from which a record can go on into this one, in order: back to the one in which the record begins."""
    found: list[wal.Segment] = []
    previous = previous_segment(stored, segment)
    while previous is not None:
        found.append(previous)
        if not _is_filled(header_of(stored, previous)):
            break
        previous = previous_segment(stored, previous)
    return found[::-1]


def segments_after(stored: StoredServer, segment: wal.Segment) -> list[wal.Segment]:
    """The archived segments up to the end of the record with which this one ends, in order. None if that record fills no segment.

    A shorter record is verified with the segment in which it ends.
    """
    found: list[wal.Segment] = []
    header = header_of(stored, segment)
    filled = _is_filled(header) and _goes_beyond(header)
    following = segment.next(stored.archive.segment_size)
    while following in stored.archive.segments:
        header = header_of(stored, following)
        filled = filled or _is_filled(header)
        if not filled or not continues(header):
            break
        found.append(following)
        if not _goes_beyond(header):
            break
        following = following.next(stored.archive.segment_size)
    return found


def header_of(stored: StoredServer, segment: wal.Segment) -> SegmentHeader | None:
    """The header of an archived segment, plain or compressed; None if it can't be read."""
    try:
        with os.fdopen(open_as_owner(stored.archive.segments[segment]), "rb") as stream:
            return read_header(stream.read(PAGE_SIZE))
    except OSError:
        return None
    except WalReadError:
        pass
    try:
        return read_header(stored.archive.read(segment)[:PAGE_SIZE])
    except (ArchiveError, WalReadError):
        return None


def continues(header: SegmentHeader | None) -> bool:
    """Whether the segment begins with the rest of a record."""
    return header is not None and bool(header.info & _CONTINUES) and not header.info & _OVERWRITES


def _is_filled(header: SegmentHeader | None) -> bool:
    """Whether the rest of a record fills the segment, so that none begins in it."""
    return header is not None and continues(header) and header.rest >= _payload(header)


def _goes_beyond(header: SegmentHeader | None) -> bool:
    return header is not None and continues(header) and header.rest > _payload(header)


def _payload(header: SegmentHeader) -> int:
    """The bytes of records that a segment holds."""
    pages = header.segment_size // PAGE_SIZE
    return header.segment_size - _LONG_HEADER - (pages - 1) * _SHORT_HEADER


def around(stored: StoredServer, run: Sequence[wal.Segment]) -> tuple[list[wal.Segment], list[wal.Segment]]:
    """The segments before and after a run that belong to its first and its last record."""
    return segments_before(stored, run[0]), segments_after(stored, run[-1])
