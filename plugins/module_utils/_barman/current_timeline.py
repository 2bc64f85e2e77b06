# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On which timeline a server is: asked of the server, or taken from what it left in the archive.

This module util is private to the collection.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .._host.files import names_in
from .._host.process import HostError
from .._postgres import wal
from .._postgres.connection import Connect
from .._postgres.standby import read_standby, read_timeline
from .._postgres.timelines import (
    Branch,
    Files,
    ServerTimeline,
    TimelineSource,
    foreign,
    read_branches,
    recorded,
    unproven,
)
from .catalog import Backup
from .configuration import ServerConfiguration


@dataclass(frozen=True)
class BranchReport:
    """The branches of an archive that are not the server's. server_timeline: on which timeline it is, None if that is not known or was not asked."""

    foreign: tuple[Branch, ...] = ()
    server_timeline: ServerTimeline | None = None
    unknown: str = ""

    @property
    def problem(self) -> str:
        """What is wrong, and what to do; empty if nothing is."""
        if not self.foreign or self.server_timeline is None:
            return ""
        numbers = " and ".join(str(branch.timeline) for branch in self.foreign)
        return (
            "the server is on timeline {} ({}), and the archive contains WAL that is no part of its history: {}. A "
            "restored copy archives under the name of this server, or did: set its archive_command to false. "
            "Recoveries ignore timeline {}; docs/recovery.md shows how to remove the files"
        ).format(self.server_timeline.timeline, self.server_timeline.text, "; ".join(map(str, self.foreign)), numbers)


def report_branches(
    server: ServerConfiguration, archive: Files, backups: Sequence[Backup], user: str, connect: Connect | None
) -> BranchReport | None:
    """Which branches the server was never on; None if the archive has one timeline. The server is asked only if the backups prove too little."""
    timelines = [one.timeline or 1 for one in backups if one.copied]
    numbers = {segment.timeline for files in (archive.segments, archive.partials) for segment in files}
    if len(numbers.union(archive.histories, timelines)) < 2:
        return None
    tree = read_branches(archive, timelines)
    if not unproven(tree, timelines):
        return BranchReport()
    server_timeline = find_server_timeline(
        server, archive, backups, user, connect if server.flag("active", default=True) else None
    )
    if server_timeline is None:
        return BranchReport(unknown="the server's timeline is not known")
    if server_timeline.timeline not in tree:
        return BranchReport(
            (),
            server_timeline,
            f"nothing of timeline {server_timeline.timeline}, which the server is on, is archived yet",
        )
    if server_timeline.timeline > 1 and tree[server_timeline.timeline].parent is None:
        return BranchReport(
            (),
            server_timeline,
            f"the history of timeline {server_timeline.timeline}, which the server is on, is not archived",
        )
    return BranchReport(tuple(foreign(tree, timelines, server_timeline.timeline)), server_timeline)


def find_server_timeline(
    server: ServerConfiguration, archive: Files, backups: Sequence[Backup], user: str, connect: Connect | None
) -> ServerTimeline | None:
    """On which timeline the server is now, or was last; None if that is not known.

    connect: how to ask the server itself; None if that is impossible. A server of another system identifier is not asked further.
    """
    newest = max((one for one in backups if one.copied), key=lambda one: one.backup_id, default=None)
    systemid = newest.systemid if newest is not None else None
    if connect is not None and not server.passive:
        try:
            answered = _ask(server, user, connect, systemid)
        except HostError:
            # It is down, which is what recoveries are for.
            answered = None
        if answered is not None:
            return answered
    streaming = server.directory("streaming_wals_directory")
    receiver = _timeline_of_newest(
        os.path.join(streaming, name) for name in names_in(streaming) if wal.parse(name) is not None
    )
    last = {one.timeline: one for one in sorted((*archive.segments, *archive.partials))}
    return recorded(
        _timeline_of_newest(archive.segments.get(one) or archive.partials[one] for one in last.values()),
        receiver,
        None if newest is None else newest.timeline,
    )


def _ask(server: ServerConfiguration, user: str, connect: Connect, systemid: str | None) -> ServerTimeline | None:
    session = connect(server.conninfo, user, server.name)
    try:
        row = session.query(
            "SELECT system_identifier::text AS system_identifier, pg_catalog.pg_is_in_recovery() AS in_recovery "
            "FROM pg_catalog.pg_control_system()"
        )[0]
        if systemid is not None and str(row["system_identifier"]) != systemid:
            return None
        timeline = read_standby(session).timeline if row["in_recovery"] else read_timeline(session)
    finally:
        session.close()
    return None if timeline is None else ServerTimeline(timeline, TimelineSource.SERVER, "PostgreSQL is on it now")


def _timeline_of_newest(paths: Iterable[str]) -> int | None:
    """The timeline of the WAL file that was written last; Barman stores the time of each archived segment."""
    best: tuple[float, str] | None = None
    for path in paths:
        try:
            written = os.stat(path).st_mtime
        except OSError:
            continue
        if best is None or written > best[0]:
            best = (written, path)
    file = wal.parse(os.path.basename(best[1])) if best is not None else None
    return None if file is None else file.timeline
