# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why Barman did not take a base backup.

This module util is private to the collection.
"""

from __future__ import annotations

from .._barman.catalog import Backup
from .._barman.command import BarmanError, Reply
from .._barman.disks import disk_of, full_disks
from .._barman.locks import backup_runs
from .._barman.programs import missing_program
from .._host.process import HostError
from .._host.sizes import human_size
from .._postgres import wal
from .._postgres.connection import ConnectionFailed
from .observe import BackupHost

_OWN_HINTS = {
    "receive_wal_running": "the playbook pgdr.barman.deploy starts it, or reports why it can't (module pgdr.barman.wal_receiver)"
}
_NO_HINDRANCE = (
    "archiver_errors",
    "backup_maximum_age",
    "backup_minimum_size",
    "empty_incoming_directory",
    "empty_streaming_directory",
    "failed_backups",
    "incoming_wals_directory",
    "minimum_redundancy_requirements",
    "postgresql_server_is_standby",
    "streaming_wals_directory",
    "wal_maximum_age",
)


def why_failed(host: BackupHost, reply: Reply, backup: Backup | None) -> str:
    """Why Barman did not take a backup."""
    name = host.server.name
    reported = reply.reason if not reply.ok else "; ".join(reply.info) or "Barman reported nothing"
    reported = " ".join(reported.split()).rstrip(".")
    if backup is None and backup_runs(host.server, host.process):
        return (
            f"another process on this host is taking a backup of server '{name}': Barman takes only one at a time "
            "(Barman "
            f"reported: {reported})"
        )
    # Barman starts nothing if a check fails, and there is no entry in its catalog then.
    checks = failed_checks(host) if backup is None and not reply.ok else ""
    if checks:
        return f"the backup of server '{name}' can't be started: {checks} (Barman reported: {reported})"
    text = f"{reported} {backup.error if backup is not None and backup.error else ''}"
    hint = _missing_program_hint(host) or disk_full_hint(host, text, backup)
    return f"the backup of server '{name}' failed: {reported}.{hint}{_attempt(backup)}"


def _missing_program_hint(host: BackupHost) -> str:
    """A hint, if Barman was upgraded after its configuration, to a version that runs a program more."""
    try:
        missing = missing_program(host.barman, host.barman.version)
    except HostError:
        return ""
    return f" {missing}." if missing else ""


def disk_full_hint(host: BackupHost, text: str, backup: Backup | None) -> str:
    """A hint, if a disk is full now, or the message has the system's words for that. Barman runs with LC_ALL=C."""
    full = full_disks(host.server, wal.DEFAULT_SEGMENT_SIZE)
    if not full and "No space left on device" not in text and "Disk quota exceeded" not in text:
        return ""
    path = host.server.directory("basebackups_directory")
    size = backup.cluster_size if backup is not None else None
    return (
        " The disk of this host became full. Now {}{}. Free disk space, or move the server's backup_directory.".format(
            full[0] if full else disk_of(path) or path,
            f", and the cluster has {human_size(size)}" if size else "",
        )
    )


def failed_checks(host: BackupHost) -> str:
    """What "barman check" has against a backup, and why connections fail, in our words."""
    reasons: list[str] = []
    if (host.server.get("backup_method") or "postgres") == "postgres":
        try:
            host.connect(host.server.streaming_conninfo, host.barman.user, host.server.name, replication=True).close()
        except ConnectionFailed as exc:
            # Several checks fail in its wake.
            return str(exc).rstrip(".")
    try:
        checks = host.barman.json("check", host.server.name).data.get(host.server.name, {})
    except BarmanError:
        checks = {}
    # Barman's checks name what comes of it, and not the disk.
    reasons += [f"the disk of this host is full: {disk}" for disk in full_disks(host.server, wal.DEFAULT_SEGMENT_SIZE)]
    reasons += [host.failure] if host.failure else []
    for key, check in checks.items():
        if check.get("status") == "FAILED" and key not in _NO_HINDRANCE:
            hint = _OWN_HINTS.get(key) or check.get("hint")
            reasons.append(f"check '{key}' failed{(f': {hint}' if hint else '')}")
    return "; ".join(reasons)


def _attempt(backup: Backup | None) -> str:
    return "" if backup is None else f" The failed attempt is in the catalog as {backup.backup_id}."
