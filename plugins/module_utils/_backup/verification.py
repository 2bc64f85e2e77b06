# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the files of a backup are those that its manifest names.

This module util is private to the collection. If PostgreSQL's pg_verifybackup is installed, it reads a backup that is not packed. It comes with
the server's package, and a backup server often has the client's only. An incremental backup is verified with all that it builds upon.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._barman.catalog import Backup
from .._host.process import HostError
from .._postgres.backup_manifest import NO_CHECKSUM
from .stored_files import BackupFiles, DamagedFiles, FileDamage, NotVerified, open_files

ReportProgress = Callable[[str, int, int], None]
#: Whether a program proved that the files of the backup in that directory are those of their manifest. False if that is not known.
Prove = Callable[[Backup, str, BackupFiles], bool]

PHASE = "verifying the backup"
_MOST_LISTED = 5


class DamagedBackup(HostError):
    """Files of a backup differ from its manifest; the text names them, and what to do."""


@dataclass(frozen=True)
class BackupVerification:
    """What was verified.

    reason: why the backup was not verified; empty if it was. backups: the backup, and what it builds upon. unsummed: how
    many files were compared by size only. digest: of the files' sizes and times. reused: whether an earlier run verified
    the same files.
    """

    backups: tuple[str, ...]
    reason: str = ""
    files: int = 0
    bytes: int = 0
    seconds: float = 0.0
    algorithms: tuple[str, ...] = ()
    unsummed: int = 0
    digest: str = ""
    reused: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {
            "status": "not verified" if self.reason else "verified",
            "reason": self.reason,
            "backups": list(self.backups),
            "files": self.files,
            "bytes": self.bytes,
            "seconds": self.seconds,
            "algorithms": list(self.algorithms),
            "files_without_checksum": self.unsummed,
            "digest": self.digest,
            "reused": self.reused,
        }


def verify_backup(
    server: str,
    backups: Sequence[Backup],
    directory: str,
    report: ReportProgress = lambda phase, done, total: None,
    earlier: Mapping[str, Any] | None = None,
    processes: int = 0,
    clock: Callable[[], float] = time.monotonic,
    prove: Prove = lambda backup, directory, files: False,
) -> BackupVerification:
    """Compare each backup's files with its manifest. Raises DamagedBackup.

    backups: the one that is recovered, and what it builds upon. directory: Barman's basebackups_directory. earlier: what
    as_dict() returned in an earlier run. prove: a program that is asked first.
    """
    started = clock()
    report(PHASE, 0, 0)
    names = tuple(one.backup_id for one in backups)
    current = backups[0]
    try:
        sets = []
        for current in backups:
            sets.append(open_files(current, os.path.join(directory, current.backup_id)))
        digest = hashlib.sha256("\n".join(one.digest() for one in sets).encode()).hexdigest()
        known = dict(earlier or {})
        if known.get("status") == "verified" and known.get("digest") == digest:
            return _reused(names, known, digest)
        total = sum(one.manifest.bytes for one in sets)
        done = 0
        for current, one in zip(backups, sets):
            # Sizes first: that is done in a moment.
            _refuse(server, current, one.wrong_sizes())
            if prove(current, os.path.join(directory, current.backup_id), one):
                done += one.manifest.bytes
                report(PHASE, done, total)
                continue
            problems: list[FileDamage] = []
            for file, problem in one.wrong_sums(processes):
                report(PHASE, done, total)
                done += file.size
                problems += [problem] if problem is not None else []
            _refuse(server, current, problems)
    except NotVerified as exc:
        return BackupVerification(names, reason=str(exc))
    except DamagedFiles as exc:
        raise _damaged(server, current, [exc.damage]) from None
    report(PHASE, total, total)
    files = [file for one in sets for file in one.manifest.files.values()]
    return BackupVerification(
        names,
        files=len(files),
        bytes=total,
        seconds=round(clock() - started, 2),
        algorithms=tuple(sorted({name for one in sets for name in one.manifest.algorithms})),
        unsummed=sum(file.algorithm == NO_CHECKSUM for file in files),
        digest=digest,
    )


def _reused(names: tuple[str, ...], known: Mapping[str, Any], digest: str) -> BackupVerification:
    return BackupVerification(
        names,
        files=int(known["files"]),
        bytes=int(known["bytes"]),
        seconds=float(known["seconds"]),
        algorithms=tuple(known["algorithms"]),
        unsummed=int(known["files_without_checksum"]),
        digest=digest,
        reused=True,
    )


def _refuse(server: str, backup: Backup, problems: Sequence[FileDamage]) -> None:
    if problems:
        raise _damaged(server, backup, problems)


def _damaged(server: str, backup: Backup, problems: Sequence[FileDamage]) -> DamagedBackup:
    more = [] if len(problems) <= _MOST_LISTED else [f"and {len(problems) - _MOST_LISTED} more"]
    return DamagedBackup(
        "backup {} of server '{}' is damaged: {}. Nothing was changed. Recover from another backup: write "
        "barman_recover_backup_id (option backup_id of the module). Or replace the files by intact copies from a passive node or "
        "another backup server. Or accept the damage with verify_backup: false (playbook: barman_recover_verify_backup=false)".format(
            backup.backup_id, server, "; ".join([*(one.text for one in problems[:_MOST_LISTED]), *more])
        )
    )
