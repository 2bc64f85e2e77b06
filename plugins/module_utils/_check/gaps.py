# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WAL segments that are missing after a backup.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from .._barman import catalog
from .._barman.archive import Archive
from .._barman.catalog import Backup
from .._host.process import HostError
from .._postgres import timeline_history, wal
from .check import MissingWal


def find_gaps(
    backups: Sequence[Backup], archive: Archive, present: int | None = None, *, complete: bool = False
) -> tuple[list[MissingWal], str | None]:
    """The missing segments after the oldest valid backup, or the reason why they are unknown.

    present: the server's timeline, if it is known; else the newest one that comes from the backup. complete: whether the WAL of a valid
    backup has to be there, as where Barman took it; a passive node can receive the backup first.
    A backup that is kept alone ("keep" with target standalone) has only the WAL from its begin to its end.
    """
    newest = catalog.latest(backups)
    if newest is None:
        return [], None
    found: dict[tuple[str, str], MissingWal] = {}
    # If a segment is being received, all segments before it were received.
    known = timeline_history.numbers_of([*archive.segments, *archive.partials], archive.segment_size)
    try:
        later = _gaps_after(newest, archive, present, known)
        if not later and complete and newest.begin_wal and (newest.end_wal or "")[:8] == newest.begin_wal[:8]:
            # Nothing that follows shows that the end of the backup's own WAL is missing.
            later = _gaps_within(newest, archive)
        for gap in later:
            found[str(gap.first), str(gap.last)] = MissingWal(
                str(gap.first), str(gap.last), gap.count, after_latest=True
            )
        missing = {segment for gap in found.values() for segment in (gap.first, gap.last)}
        followed = [backup for backup in backups if backup.done and backup.keep != "standalone"]
        alone = [backup for backup in backups if backup.done and backup.keep == "standalone"]
        older = catalog.oldest(followed)
        earlier = _gaps_after(older, archive, present, known) if older and older is not newest else []
        for backup in alone:
            earlier = [*earlier, *_gaps_within(backup, archive)]
        for gap in earlier:
            if str(gap.last) not in missing:
                key = (str(gap.first), str(gap.last))
                found.setdefault(key, MissingWal(*key, gap.count, after_latest=False))
    except HostError as exc:
        return sorted(found.values(), key=lambda gap: gap.first), str(exc)
    return sorted(found.values(), key=lambda gap: gap.first), None


def history_after(
    begin: wal.Segment, archive: Archive, present: int | None = None
) -> list[timeline_history.TimelineSegment]:
    """The way to the server's timeline, or the newest one, that comes from this segment; a restore elsewhere may have made others."""
    if present == begin.timeline:
        return timeline_history.history_from(begin.timeline, begin.timeline, archive.histories)
    newer = [timeline for timeline in sorted(archive.histories, reverse=True) if timeline > begin.timeline]
    for timeline in sorted(newer, key=lambda timeline: timeline != present):
        history = timeline_history.parse_history(timeline, archive.histories[timeline])
        for segment in history:
            if segment.timeline == begin.timeline and begin.begin_lsn(archive.segment_size) <= (segment.end or 0):
                return history
    return timeline_history.history_from(begin.timeline, begin.timeline, archive.histories)


def _gaps_after(
    backup: Backup, archive: Archive, present: int | None, known: Mapping[int, Set[int]]
) -> list[timeline_history.WalGap]:
    if backup.begin_wal is None:
        return []
    begin = wal.parse_segment(backup.begin_wal)
    history = history_after(begin, archive, present)
    return timeline_history.gaps_of_numbers(known, begin, history, archive.segment_size)


def _gaps_within(backup: Backup, archive: Archive) -> list[timeline_history.WalGap]:
    if backup.begin_wal is None or backup.end_wal is None:
        return []
    begin, end = wal.parse_segment(backup.begin_wal), wal.parse_segment(backup.end_wal)
    size = backup.segment_size
    own = [
        wal.segment_of_number(begin.timeline, number, size)
        for number in range(begin.number(size), end.number(size) + 1)
    ]
    # The archive can be large, and a backup has few segments.
    present = [segment for segment in own if segment in archive.segments]
    return timeline_history.gaps(present, begin, None, size, end)
