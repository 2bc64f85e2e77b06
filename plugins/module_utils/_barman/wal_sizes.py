# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the archived WAL files have the sizes that Barman noted when it archived them.

This module util is private to the collection. Barman's file xlog.db has a line for each WAL file: name, size on disk,
time, compression, and encryption since 3.14. One read and one stat per segment: this is cheap for many servers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from .._host.files import read_text
from .._postgres import wal
from .archive import Archive
from .configuration import ServerConfiguration

_PLAIN = "None"


@dataclass(frozen=True)
class RecordedFile:
    """A line of xlog.db. size: on disk. plain: neither compressed nor encrypted."""

    size: int
    plain: bool
    encrypted: bool = False


def parse_xlogdb(text: str) -> dict[str, RecordedFile]:
    """The files by their names. Of several lines for a file the last one counts; what is no line of a file is skipped."""
    found: dict[str, RecordedFile] = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 3 or not fields[1].isdigit():
            continue
        encrypted = len(fields) > 4 and fields[4] != _PLAIN
        found[fields[0]] = RecordedFile(int(fields[1]), all(one == _PLAIN for one in fields[3:]), encrypted)
    return found


def read_xlogdb(server: ServerConfiguration) -> dict[str, RecordedFile]:
    """The entries of the server's xlog.db; nothing if there is no such file. Raises HostError if it can't be read."""
    wals = server.directory("wals_directory")
    directory = server.get("xlogdb_directory") or wals
    # Barman 3.13 and later; before that.
    for path in (os.path.join(directory, f"{server.name}-xlog.db"), os.path.join(wals, "xlog.db")):
        text = read_text(path)
        if text is not None:
            return parse_xlogdb(text)
    return {}


def copied_paths(
    server: ServerConfiguration, begin: wal.Segment, timeline: int, last: wal.Segment | None = None
) -> list[str]:
    """The archived files that Barman copies in a recovery from that segment on to a timeline, in order. Raises HostError.

    last: the segment of a target_lsn or target_immediate, for a Barman that copies no further (get_required_xlog_files in server.py). With
    every other target it copies all that xlog.db has, up to that timeline.
    """
    wals = server.directory("wals_directory")
    found: list[str] = []
    for name in sorted(read_xlogdb(server)):
        file = wal.parse(name)
        if file is None or file.kind == "partial":
            continue
        if file.segment is None:
            found.append(os.path.join(wals, name))
        elif file.timeline <= timeline and file.segment >= begin and (last is None or file.segment <= last):
            found.append(os.path.join(wals, file.segment.directory, name))
    return found


def wrong_sizes(server: ServerConfiguration, archive: Archive) -> dict[wal.Segment, str]:
    """A sentence for each archived segment whose size is wrong, in order."""
    return compare_sizes(archive, server.directory("wals_directory"), read_xlogdb(server))


def compare_sizes(archive: Archive, wals: str, recorded: Mapping[str, RecordedFile]) -> dict[wal.Segment, str]:
    """A sentence for each segment below that directory whose size is wrong. A file that is archived now has no line yet."""
    problems: dict[wal.Segment, str] = {}
    for segment in sorted(archive.segments):
        path = archive.segments[segment]
        if not path.startswith(wals + os.sep):
            continue
        try:
            size = os.stat(path).st_size
        except OSError:
            # Deleted by retention since the directory was listed.
            continue
        noted = recorded.get(str(segment))
        if noted is not None and noted.size != size:
            problems[segment] = f"{path} has {size} bytes, and had {noted.size} when it was archived"
        elif noted is not None and noted.plain and size != archive.segment_size:
            problems[segment] = f"{path} has {size} bytes, and a WAL segment has {archive.segment_size}"
    return problems
