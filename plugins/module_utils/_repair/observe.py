# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server has lost, read from Barman's files, from PostgreSQL and from the receiver.

This module util is private to the collection.
"""

from __future__ import annotations

from .._barman.command import Barman
from .._barman.configuration import Configuration
from .._check.check import Check
from .._check.gaps import history_after
from .._check.own_checks import CheckedServer, backup_present, wal_continuity, wal_sizes
from .._host.process import HostError
from .._postgres import wal
from .._postgres.connection import Connect
from .._recover.backup_candidates import AUTO, backups_in_history, candidate_backups
from .._recover.recoverable_wal import RecoverableWal
from .._recover.segment_scanner import SegmentScanner
from .._recover.windows import Window
from .._wal_receiver.observe import ReceiverHost
from .._wal_receiver.request import ReceiverRequest, ReceiverState
from .._wal_receiver.run import set_receiver
from .plan import ReceiverFinding, RepairObservation


def observe(
    barman: Barman, configuration: Configuration, name: str, connect: Connect, timeout: float
) -> RepairObservation:
    """The server as it is. Raises HostError if its files can't be read."""
    server = CheckedServer(barman, configuration.server(name), connect)
    entry = server.entry
    active = entry.flag("active", default=True)
    streams = entry.flag("streaming_archiver") and active and not entry.passive
    return RepairObservation(
        name=name,
        passive=entry.passive,
        active=active,
        checks={check.key: check for check in read_losses(server)},
        gaps=[gap for gap in server.gaps[0] if gap.after_latest],
        receiver=find_receiver(ReceiverHost(barman, configuration, entry, connect, timeout)) if streams else None,
        windows=read_windows(server),
    )


def read_losses(server: CheckedServer) -> list[Check]:
    """The checks that fail for what a repair repairs in the archive. Raises HostError."""
    return [
        check for check in (one(server) for one in (backup_present, wal_continuity, wal_sizes)) if check is not None
    ]


def find_receiver(host: ReceiverHost) -> ReceiverFinding:
    """What starting the receiver would take."""
    request = ReceiverRequest(state=ReceiverState.STARTED, may_reset=True)
    outcome = set_receiver(host, request, check_mode=True)
    return ReceiverFinding(outcome.values, changes=outcome.changed, error=outcome.error)


def read_windows(server: CheckedServer) -> list[Window]:
    """What can be recovered along the server's own history; nothing if there is no valid backup, or if its WAL is elsewhere."""
    if not server.is_local:
        return []
    try:
        candidates = candidate_backups(server.name, server.backups, AUTO, of_snapshots=False)
        newest = candidates.newest
        history = history_after(wal.parse_segment(newest.begin_wal or ""), server.archive, server.timeline)
        fitting = backups_in_history(server.name, candidates, history)
        scanner = SegmentScanner(server.name, server.archive, newest.segment_size, newest.systemid)
        return RecoverableWal(scanner, history, fitting).windows()
    except HostError:
        # The checks report it; a repair does not need it.
        return []
