# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether Barman's user can read what a recovery copies: the files of the backups, and the WAL.

This module util is private to the collection. A file that root restored, for example with cp -p, can belong to root
alone. Root reads it all the same, and Barman's copy fails after PostgreSQL was stopped.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from .._host.identity import acting_as
from .._host.process import HostError
from .catalog import Backup

_DATA = "data"
_MOST_LISTED = 5


class UnreadableBackup(HostError):
    """Barman's user can't read a file, or the files are not there."""


def refuse_unreadable(
    server: str, backups: Sequence[Backup], directory: str, wals: Iterable[str], user: str | None
) -> None:
    """Raises UnreadableBackup with everything that can't be copied.

    backups: the one that is recovered, and what it builds upon. directory: Barman's basebackups_directory.
    """
    # By name only: nothing is read.
    with acting_as(user):
        missing = [
            problem
            for one in backups
            if one.snapshots is None
            for problem in _missing(one, os.path.join(directory, one.backup_id))
        ]
        unreadable = [path for path in _files(backups, directory, wals) if not _can_read(path)]
    problems = missing
    if unreadable:
        more = "" if len(unreadable) <= _MOST_LISTED else f" and {len(unreadable) - _MOST_LISTED} more"
        problems = [
            *problems,
            (
                "Barman's user '{}' can't read {}{}. Change their owner to that user (chown), with the mode of the "
                "files "
                "beside them"
            ).format(user, ", ".join(unreadable[:_MOST_LISTED]), more),
        ]
    if problems:
        raise UnreadableBackup(
            "server '{}' can't be recovered from backup {}: {}. Nothing was changed".format(
                server, backups[0].backup_id, "; ".join(problems)
            )
        )


def has_files(backup: Backup, directory: str) -> bool:
    """Whether a backup's data directory is there. directory: Barman's basebackups_directory."""
    return backup.snapshots is not None or os.path.isdir(os.path.join(directory, backup.backup_id, _DATA))


def _missing(backup: Backup, directory: str) -> list[str]:
    """What has to be in every backup of files."""
    data = os.path.join(directory, _DATA)
    if not os.path.isdir(data):
        return [
            (
                f"its files are missing: directory {data} does not exist. Recover from another backup "
                "(barman_recover_backup_id)"
            )
        ]
    packed = backup.compression not in (None, "none") or backup.encryption not in (None, "none")
    if packed and not os.path.exists(os.path.join(data, "PG_VERSION")):
        return []
    needed = ["PG_VERSION", "base", "global"]
    if not backup.incremental:
        needed.append("global/pg_control")
    lost = [name for name in needed if not os.path.exists(os.path.join(data, name))]
    if not lost:
        return []
    return [
        "files are missing in {}: {}. Recover from another backup (barman_recover_backup_id)".format(
            data, ", ".join(lost)
        )
    ]


def _files(backups: Sequence[Backup], directory: str, wals: Iterable[str]) -> Iterator[str]:
    """Every file, and every directory that can't be listed."""
    closed: list[str] = []

    def note(exc: OSError) -> None:
        if os.path.lexists(exc.filename):
            closed.append(str(exc.filename))

    for backup in backups:
        if backup.snapshots is None:
            for top, _names, names in os.walk(os.path.join(directory, backup.backup_id), onerror=note):
                yield from (os.path.join(top, name) for name in names)
    yield from closed
    yield from wals


def _can_read(path: str) -> bool:
    if os.path.islink(path) and not os.path.exists(path):
        # As of a tablespace: Barman copies the link.
        return True
    return os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids)
