# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The WAL that a base backup needs, in Barman's directories.

This module util is private to the collection.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from .._barman.catalog import Backup
from .._barman.configuration import ServerConfiguration
from .._host.files import names_in
from .._postgres import timeline_history, wal


def missing_wal(server: ServerConfiguration, backup: Backup) -> list[timeline_history.WalGap]:
    """The segments from the backup's first to its last that are not in Barman's archive.

    They are of one timeline: PostgreSQL fails a backup during which its timeline changes.
    """
    if backup.begin_wal is None or backup.end_wal is None:
        return []
    begin, end = wal.parse_segment(backup.begin_wal), wal.parse_segment(backup.end_wal)
    directory = server.directory("wals_directory")
    history = [timeline_history.TimelineSegment(begin.timeline, 0, None)]
    archived = [
        segment
        for segment in timeline_history.needed(begin, end, history, backup.segment_size)
        if os.path.exists(os.path.join(directory, segment.directory, str(segment)))
    ]
    return timeline_history.gaps(archived, begin, history, backup.segment_size, end)


def lost_wal(server: ServerConfiguration, backup: Backup) -> list[timeline_history.WalGap]:
    """The missing segments of the backup that can't arrive any more: later segments are archived, and these are not incoming.

    Barman expects the WAL in order, and sets such a backup to FAILED at its next check.
    """
    if backup.begin_wal is None or backup.end_wal is None:
        return []
    begin, end = wal.parse_segment(backup.begin_wal), wal.parse_segment(backup.end_wal)
    # Barman moves them from here into the archive: in this order none is overlooked.
    received = [server.directory(option) for option in ("incoming_wals_directory", "streaming_wals_directory")]
    coming = {file.segment for file in map(wal.parse, all_names(received)) if file is not None and file.segment}
    directory = server.directory("wals_directory")
    logs = [name for name in names_in(directory) if name[:8] == begin.directory[:8] and name >= begin.directory]
    archived = wal.segments_in(all_names(os.path.join(directory, name) for name in logs))
    newest = max(archived, default=begin)
    if newest <= begin:
        return []
    here = {segment for segment in archived | coming if begin <= segment <= end}
    return timeline_history.gaps(here, begin, None, backup.segment_size, min(newest, end))


def all_names(directories: Iterable[str]) -> list[str]:
    return [name for directory in directories for name in names_in(directory)]


def is_received(server: ServerConfiguration, backup: Backup) -> bool:
    """Whether the last segment is here and the first bytes after it, so that Barman will archive it."""
    end = wal.parse_segment(str(backup.end_wal))
    names = names_in(server.directory("incoming_wals_directory"))
    if str(end) in names:
        return True
    names = names_in(server.directory("streaming_wals_directory"))
    parsed = [file for file in (wal.parse(name) for name in names) if file is not None and file.segment is not None]
    return str(end) in names and any(file.segment is not None and file.segment > end for file in parsed)


def has_wal(server: ServerConfiguration) -> bool:
    directory = server.directory("wals_directory")
    return any(len(name) == 16 and names_in(os.path.join(directory, name)) for name in names_in(directory))


def has_wal_from(server: ServerConfiguration, first: int, size: int) -> bool:
    """Whether Barman has every segment from this number on to the newest that it has."""
    archived = server.directory("wals_directory")
    places = [os.path.join(archived, name) for name in names_in(archived)]
    places += [server.directory(option) for option in ("incoming_wals_directory", "streaming_wals_directory")]
    files = map(wal.parse, all_names(places))
    known = {file.segment.number(size) for file in files if file is not None and file.segment is not None}
    return bool(known) and all(number in known for number in range(first, max(known)))
