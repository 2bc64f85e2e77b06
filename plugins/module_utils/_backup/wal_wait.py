# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for the WAL of a base backup that was copied.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Callable

from .._archive_command.archiver import ArchiverWatch
from .._barman.catalog import FAILED, WAITING_FOR_WALS, Backup, find, read_backups
from .._barman.disks import full_disks
from .._barman.locks import SETTLED_AFTER, receiver_pid
from .._barman.receiver_log import log_size, read_receiver_log
from .._host.waiting import Probe, WaitTimeout, wait_for
from .._postgres import wal
from .._postgres.diagnosis import Diagnosis, diagnose_stream
from .._postgres.diagnosis_rules import Endpoint
from .._postgres.wal_position import close_segment, read_position, write_marker
from .backup_wal import is_received, lost_wal, missing_wal
from .observe import BackupHost
from .report import BackupError, has_no_snapshots

_ARCHIVE_INTERVAL = 10.0
_RECEIVER_PATIENCE = 90.0
_HOLE_PATIENCE = 5.0
_REPEATED_PATIENCE = 90.0


class WalWait:
    """What happened while WAL is waited for."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.nudged = False
        self.without_receiver_since: float | None = None
        # Whether one came since then.
        self.receiver_came = False
        self._clock = clock
        self._archived = clock()
        self._receiver: tuple[int | None, float] = (None, clock())
        self._hole_since: float | None = None

    def observe_receiver(self, pid: int | None) -> None:
        """Note which one runs now. It counts once it stays."""
        now = self._clock()
        if pid != self._receiver[0]:
            self._receiver = (pid, now)
        if pid is None:
            self.without_receiver_since = now if self.without_receiver_since is None else self.without_receiver_since
        elif now - self._receiver[1] >= SETTLED_AFTER:
            self.without_receiver_since, self.receiver_came = None, False
        else:
            self.receiver_came = self.without_receiver_since is not None

    def hole_stays(self, *, lost: bool, patience: float) -> bool:
        """Whether WAL has been lost for so long that it does not only come in another order."""
        if not lost:
            self._hole_since = None
        elif self._hole_since is None:
            self._hole_since = self._clock()
        return self._hole_since is not None and self._clock() - self._hole_since >= patience

    def archive_again(self) -> bool:
        """Whether it is time for Barman to check by itself, whatever we observe."""
        if self._clock() - self._archived < _ARCHIVE_INTERVAL:
            return False
        self._archived = self._clock()
        return True


def complete(host: BackupHost, backup: Backup, timeout: float) -> Backup:
    """Have every segment archived and the backup marked DONE."""
    if is_complete(host, backup):
        return backup
    host.reporter.update("waiting for WAL", backup_id=backup.backup_id)
    waiting, start_of_log = WalWait(host.clock), log_size(host.log_file)
    watch = ArchiverWatch(host.archiver, host.clock)
    reported = [""]

    def probe() -> Probe:
        current = find(read_backups(host.server), backup.backup_id, host.server.name)
        missing = missing_wal(host.server, current)
        if missing and not waiting.nudged and not is_received(host.server, current):
            waiting.nudged = close_last_segment(host, current)
        if missing and (is_received(host.server, current) or waiting.archive_again()):
            host.run_barman("archive-wal")
            missing = missing_wal(host.server, current)
        if not missing and current.status == WAITING_FOR_WALS:
            host.run_barman("check-backup", current.backup_id)
            current = find(read_backups(host.server), backup.backup_id, host.server.name)
        if is_complete(host, current):
            return Probe(done=True, observed="", value=current)
        if missing:
            fail_if_lost(host, waiting, current)
        receiver = receiver_problem(host, waiting) if missing else ""
        archiver = archiver_problem(host, watch) if missing else ""
        if archiver != reported[0]:
            reported[0] = archiver
            host.reporter.update(f"waiting for WAL{archiver}", backup_id=backup.backup_id)
        status = f"not archived: {', '.join(str(gap) for gap in missing)}{receiver}{archiver}"
        return Probe(done=False, observed=status if missing else f"status {current.status}")

    try:
        done: Backup = wait_for(
            f"the WAL of backup {backup.backup_id} of server '{host.server.name}'",
            probe,
            timeout,
            interval=0.2,
            clock=host.clock,
            pause=host.pause,
        )
    except WaitTimeout as exc:
        raise BackupError(
            (
                f"backup {backup.backup_id} of server '{host.server.name}' was copied, but its WAL is not complete, "
                "so nothing can be recovered from it "
                f"yet: {exc}. {why_incomplete(host, waiting, backup, start_of_log)} Barman sets the backup to DONE "
                "itself when the WAL arrives"
            ),
            backup,
        ) from None
    return done


def fail_if_lost(host: BackupHost, waiting: WalWait, backup: Backup) -> None:
    """Raise BackupError where later WAL is archived, and that of the backup does not come after it either."""
    both = host.server.flag("streaming_archiver") and host.server.flag("archiver")
    lost = lost_wal(host.server, backup)
    if not waiting.hole_stays(lost=bool(lost), patience=_REPEATED_PATIENCE if both else _HOLE_PATIENCE):
        return
    host.run_barman("archive-wal")
    lost = lost_wal(host.server, backup)
    if lost:
        raise BackupError(
            (
                "backup {} of server '{}' was copied, but its WAL is not complete and can't become complete: {} did "
                "not "
                "arrive, and later segments did. Nothing can be recovered from it: take a new backup"
            ).format(backup.backup_id, host.server.name, ", ".join(str(gap) for gap in lost)),
            backup,
        )


def receiver_problem(host: BackupHost, waiting: WalWait) -> str:
    """What is wrong with the receiver, where WAL comes by it alone. Raises BackupError where it stays away.

    Barman's cron starts a receiver that ended, once a minute.
    """
    if not host.server.flag("streaming_archiver") or host.server.flag("archiver"):
        return ""
    pid = receiver_pid(host.server, host.process)
    waiting.observe_receiver(pid)
    if pid is not None or waiting.without_receiver_since is None:
        return ""
    if host.clock() - waiting.without_receiver_since > _RECEIVER_PATIENCE:
        raise WaitTimeout(
            f"no WAL receiver has kept running in {_RECEIVER_PATIENCE:.0f} s, and each that Barman's cron started has ended"
            if waiting.receiver_came
            else f"no WAL receiver has run for {_RECEIVER_PATIENCE:.0f} s, and Barman's cron did not start one"
        )
    return "; no WAL receiver runs"


def archiver_problem(host: BackupHost, watch: ArchiverWatch) -> str:
    """What is wrong with archive_command, if WAL comes by it alone. Raises WaitTimeout if PostgreSQL archives nothing."""
    if host.server.flag("streaming_archiver") or not host.server.flag("archiver"):
        return ""
    watch.observe()
    if watch.final_problem:
        raise WaitTimeout(watch.final_problem)
    return f"; {watch.problem}" if watch.problem else ""


def why_incomplete(host: BackupHost, waiting: WalWait, backup: Backup, start_of_log: int) -> str:
    """What keeps the WAL from coming, in whole sentences; or where to look."""
    reasons = [host.failure] if host.failure else []
    full = [str(disk) for disk in full_disks(host.server, backup.segment_size)]
    reasons += [f"the disk of this host is full: {disk}" for disk in full]
    ended = why_receiver_ended(host, start_of_log) if waiting.without_receiver_since is not None else None
    if ended is not None and not (full and ended.kind == "disk_full"):
        reasons.append(f"the WAL receiver ended: {ended.what} (the playbook pgdr.barman.deploy reports what to do)")
    if not reasons:
        return "Run the playbook pgdr.barman.deploy: it starts the WAL receiver, or reports why it or archive_command fails."
    return " ".join(f"{reason[0].upper()}{reason[1:].rstrip('.')}." for reason in reasons)


def why_receiver_ended(host: BackupHost, start_of_log: int) -> Diagnosis | None:
    """From what receivers wrote to Barman's log since then."""
    log = read_receiver_log(host.log_file, start_of_log, host.server.name)
    return diagnose_stream(log, Endpoint("the server", server=host.server.name, replication=True))


def is_complete(host: BackupHost, backup: Backup) -> bool:
    if backup.status == FAILED:
        raise BackupError(
            f"backup {backup.backup_id} of server '{host.server.name}' failed: {backup.error or 'no reason'}",
            backup,
        )
    if backup.done and has_no_snapshots(backup):
        raise BackupError(
            (
                f"backup {backup.backup_id} of server '{host.server.name}' is DONE, but Barman has recorded no "
                "snapshot of it, so nothing can be recovered "
                "from it"
            ),
            backup,
        )
    return backup.done and not missing_wal(host.server, backup)


def close_last_segment(host: BackupHost, backup: Backup) -> bool:
    """Close the last segment if it is still open, or write the bytes after it."""
    writer = host.writable()
    if writer is None or backup.end_wal is None:
        return False
    end = wal.parse_segment(backup.end_wal)
    position = read_position(writer)
    if position.lsn // position.segment_size <= end.number(position.segment_size):
        close_segment(writer, end.timeline, position.segment_size)
    else:
        write_marker(writer)
    return True
