# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making Barman copy.

This module util is private to the collection.
"""

from __future__ import annotations

import contextlib

from .._barman.catalog import Backup, read_backups
from .._host.process import HostError
from .._host.waiting import Probe, WaitTimeout, wait_for
from .._postgres.wal_position import close_segment, read_position, write_marker
from .backup_wal import has_wal
from .observe import BackupHost
from .reasons import why_failed
from .report import BackupError
from .request import BackupRequest, arguments

_TICK = 0.5


def archive_first_wal(host: BackupHost, timeout: float) -> None:
    """Close a segment if none is archived yet: Barman takes no backup before.

    If no segment arrives, Barman's check reports that.
    """
    writer = None if has_wal(host.server) else host.writable()
    if writer is None:
        return
    host.reporter.update("waiting for the first WAL")
    close_segment(writer, 1, read_position(writer).segment_size)

    def probe() -> Probe:
        host.run_barman("archive-wal")
        return Probe(has_wal(host.server), "none")

    with contextlib.suppress(WaitTimeout):
        wait_for("the first WAL segment", probe, timeout, interval=1.0, clock=host.clock, pause=host.pause)


def copy(host: BackupHost, request: BackupRequest, parent: Backup | None) -> Backup:
    before = {backup.backup_id for backup in read_backups(host.server)}
    reply = host.barman.json(
        *arguments(host.server.name, request, parent), tick=lambda: tick(host), tick_interval=_TICK
    )
    new = [backup for backup in read_backups(host.server) if backup.backup_id not in before]
    backup = new[-1] if new else None
    if not reply.ok or backup is None or not backup.copied:
        raise BackupError(why_failed(host, reply, backup), backup)
    return backup


def tick(host: BackupHost) -> None:
    """Observe the copy while Barman runs, and once it is done, write to the WAL that comes after it.

    Barman then finds the last segment complete by itself, and does not have to be run again.
    """
    if host.session is None:
        return
    try:
        rows = host.session.query(
            "SELECT p.phase, p.backup_total, p.backup_streamed FROM pg_catalog.pg_stat_progress_basebackup p "
            "JOIN pg_catalog.pg_stat_activity a USING (pid) WHERE a.application_name = %s",
            [host.server.get("streaming_backup_name") or "barman_streaming_backup"],
        )
        if rows:
            host.copying = True
            host.reporter.update(
                rows[0]["phase"] or "copying",
                bytes_done=rows[0]["backup_streamed"],
                bytes_total=rows[0]["backup_total"],
            )
        elif host.copying:
            host.reporter.update("finishing")
            writer = host.writable()
            if writer is not None:
                write_marker(writer)
    except HostError:
        # The backup itself does not depend on this connection; its WAL is waited for with a new one.
        host.close()
