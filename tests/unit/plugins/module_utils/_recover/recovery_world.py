# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An archive whose segments say what a test needs: each is described, and read as if it had been scanned."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import DONE, Backup
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal_reader import (
    Carry,
    Scan,
    Shutdown,
    WalReadError,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal_records import Event, EventKind

SIZE = wal.DEFAULT_SEGMENT_SIZE
START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
SYSTEM = 7710177296737963100


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def position(segment: int, offset: int = 0) -> int:
    """A position in the segment of that number."""
    return segment * SIZE + offset


def segment(number: int, timeline: int = 1) -> wal.Segment:
    return wal.segment_of_number(timeline, number)


def commit(where: int, time: float, xid: int, kind: EventKind = "commit") -> Event:
    return Event(kind, where, where + 40, minute(time), xid)


def restore_point(where: int, time: float, name: str) -> Event:
    return Event("restore_point", where, where + 100, minute(time), None, name)


def backup(number: int, end: float, timeline: int = 1, segments: int = 1, status: str = DONE, **more: object) -> Backup:
    """A backup whose WAL begins in that segment and ends in its middle, segments - 1 later."""
    last = number + segments - 1
    facts: dict[str, object] = {
        "backup_id": minute(end).strftime("%Y%m%dT%H%M%S"),
        "status": status,
        "path": "/nowhere/backup.info",
        "begin_time": minute(end - 1),
        "end_time": minute(end),
        "begin_wal": str(segment(number, timeline)),
        "end_wal": str(segment(last, timeline)),
        "begin_lsn": wal.format_lsn(position(number, 40)),
        "end_lsn": wal.format_lsn(position(last, SIZE // 2)),
        "timeline": timeline,
        "systemid": str(SYSTEM),
        "version": 170011,
        "size": 1000,
    }
    return Backup(**{**facts, **more})  # type: ignore[arg-type]


class World:
    """The archive."""

    def __init__(self) -> None:
        self.segments: dict[wal.Segment, str] = {}
        self.partials: dict[wal.Segment, str] = {}
        self.histories: dict[int, str] = {}
        self.segment_size = SIZE
        self.events: dict[wal.Segment, list[Event]] = {}
        self.ends: dict[wal.Segment, tuple[int, int] | None] = {}
        self.changes: dict[wal.Segment, int | None] = {}
        self.shutdowns: dict[wal.Segment, list[Shutdown]] = {}
        self.scanned: list[wal.Segment] = []
        # Whether what is read has the size of a segment.
        self.whole = False

    @property
    def timelines(self) -> list[int]:
        return sorted({one.timeline for one in (*self.segments, *self.partials)} | set(self.histories))

    def add(
        self,
        number: int,
        *events: Event,
        timeline: int = 1,
        partial: bool = False,
        last_record: int | None = None,
        empty: bool = False,
        checkpoint: bool = False,
    ) -> wal.Segment:
        """A segment with these events; its last record is one that begins 100 bytes before its end, if not given.

        checkpoint: that last record is one, and the last commit or the like is the last that is none.
        """
        one = segment(number, timeline)
        (self.partials if partial else self.segments)[one] = f"/archive/{one}"
        self.events[one] = list(events)
        last = last_record if last_record is not None else position(number + 1, -100)
        self.ends[one] = None if empty else (last, last + 40)
        self.changes[one] = (events[-1].lsn if events else None) if checkpoint else last
        return one

    def fill(self, numbers: Iterable[int], timeline: int = 1) -> None:
        for number in numbers:
            self.add(number, timeline=timeline)

    def path(self, one: wal.Segment) -> str | None:
        return self.segments.get(one) or self.partials.get(one)

    def read(self, one: wal.Segment) -> bytes:
        return json.dumps([one.timeline, one.log, one.seg]).encode().ljust(SIZE if self.whole else 0)

    def scan(self, data: bytes, carry: Carry | None = None) -> Scan:
        """In the place of wal_reader.scan."""
        one = wal.Segment(*json.loads(data))
        self.scanned.append(one)
        end = self.ends[one]
        if end is None:
            raise WalReadError("it starts with zeros: nothing was written to it yet")
        following = one.next(SIZE).begin_lsn(SIZE)
        return Scan(
            version=17,
            timeline=one.timeline,
            system_identifier=SYSTEM,
            segment_size=SIZE,
            begin_lsn=one.begin_lsn(SIZE),
            end_lsn=end[1],
            last_record=end[0],
            last_change=self.changes[one],
            events=self.events[one],
            carry=None if one in self.partials else Carry(None, b"", None, following),
            shutdowns=self.shutdowns.get(one, []),
        )
