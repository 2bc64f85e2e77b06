# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for a standby that is backed up.

This module util is private to the collection.
"""

from __future__ import annotations

from .._host.waiting import Probe, WaitTimeout, wait_for
from .._postgres import wal
from .._postgres.connection import Session
from .._postgres.standby import Standby, make_checkpoint, read_standby, read_timeline
from .._postgres.wal_position import read_position
from .backup_wal import has_wal_from
from .observe import BackupHost
from .report import BackupError

_FOLLOWING_PATIENCE = 30.0


def wait_for_standby(host: BackupHost, timeout: float) -> None:
    """See that a standby follows its primary, from which the WAL comes, and that Barman has the WAL with which its copy begins.

    That is the standby's last restartpoint. On a server that is new here it is older than the first WAL, and without a
    checkpoint of the primary there is no other.
    """
    primary, session = host.writable(), host.session
    if primary is session and host.server.get("primary_conninfo") and host.server.get("wal_streaming_conninfo"):
        raise BackupError(
            f"server '{host.server.name}' is backed up from a server that is not a standby: the server in conninfo is "
            "not in recovery. It may have been promoted, and the WAL comes from the one in wal_streaming_conninfo. If it is the "
            "primary now, remove barman_primary from its inventory, and deploy; otherwise build it again as a standby"
        )
    if primary is None or session is None or primary is session:
        return
    timeline = read_timeline(primary)

    def follows() -> Probe:
        own = standby_now(host, session).timeline
        return Probe(own in (None, timeline), f"timeline {own}", own)

    try:
        wait_for(
            "the standby", follows, min(timeout, _FOLLOWING_PATIENCE), interval=1.0, clock=host.clock, pause=host.pause
        )
    except WaitTimeout:
        raise BackupError(
            f"the standby of server '{host.server.name}' is on timeline {read_standby(session).timeline}, and its "
            f"primary on {timeline}: the standby has stopped following it. "
            "The primary's WAL does not match a backup of the standby. Build the standby again from the primary"
        ) from None
    size = read_position(primary).segment_size
    if has_wal_from(host.server, read_standby(session).redo // size, size):
        return
    host.reporter.update("waiting for a checkpoint on the standby")
    checkpoint = make_checkpoint(primary)

    def replayed() -> Probe:
        own = standby_now(host, session).replayed
        return Probe(own >= checkpoint, wal.format_lsn(own))

    try:
        wait_for("the standby", replayed, timeout, interval=0.5, clock=host.clock, pause=host.pause)
    except WaitTimeout:
        raise BackupError(
            f"the standby of server '{host.server.name}' has not replayed the primary's checkpoint in {timeout:.0f} s: "
            f"that is before {wal.format_lsn(checkpoint)}, and the "
            f"standby is at {wal.format_lsn(read_standby(session).replayed)}. Check recovery_min_apply_delay there, and whether it receives WAL"
        ) from None


def standby_now(host: BackupHost, session: Session) -> Standby:
    """The standby now. Raises BackupError if it was promoted meanwhile: it follows nobody any more."""
    standby = read_standby(session)
    if not standby.in_recovery:
        raise BackupError(
            f"the standby of server '{host.server.name}' was promoted while the backup waited for it, and does not "
            "follow its primary "
            "any more. If it is the primary now, remove barman_primary from its inventory, and deploy; otherwise build "
            "it again as a standby"
        )
    return standby
