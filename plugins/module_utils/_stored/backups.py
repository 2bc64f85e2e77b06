# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the files of one backup are those of its manifest: by pg_verifybackup, if it is installed.

This module util is private to the collection. pg_verifybackup reports with its exit status whether a backup is intact. Which files are
damaged is decided by the code that every recovery uses, because pg_verifybackup's messages change with versions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .._backup.decryption import Decryption
from .._backup.pg_verifybackup import PROGRAM, Pacing, find_program, run_program
from .._backup.stored_files import (
    BackupFiles,
    DamagedFiles,
    FileDamage,
    NotVerified,
    PlainFiles,
    open_files,
    unlisted_directory,
)
from .._barman.catalog import Backup
from .._barman.command import Barman, failure
from .._host.process import Runner
from .._postgres.backup_manifest import NAME
from .pace import INTERVAL, Pace, PacedProgram

OWN = "pgdr.barman"
_TABLESPACES = "pg_tblspc"
_PIECE = 1 << 20


@dataclass(frozen=True)
class VerifiedBackup:
    """damages: of its files. reason: why it was not verified, or not whole. program: what read it, "" if nothing did.

    generated: whether Barman wrote its manifest just now.
    """

    backup_id: str
    files: int = 0
    bytes: int = 0
    damages: tuple[FileDamage, ...] = ()
    reason: str = ""
    program: str = ""
    generated: bool = False


@dataclass(frozen=True)
class BackupReader:
    """barman, runner: how programs are run. pace: the limit of its reading. bin_directory: of PostgreSQL's programs, None to search them.

    generate: whether Barman may write the manifest of a backup that has none. decryption: of encrypted backups; None if they can't be decrypted.
    """

    barman: Barman
    runner: Runner
    pace: Pace
    bin_directory: str | None = None
    generate: bool = True
    decryption: Decryption | None = None

    def verify(self, server: str, backup: Backup, directory: str, path_prefix: str = "") -> VerifiedBackup:
        """Read the backup. directory: its own. path_prefix: where Barman searches PostgreSQL's programs. Raises HostError if a program can't be run."""
        generated = False
        try:
            if lacks_manifest(backup, directory):
                data = os.path.join(directory, "data")
                if not os.path.lexists(data):
                    raise DamagedFiles(FileDamage(data, f"{data} is missing"))
                if not self.generate:
                    return VerifiedBackup(backup.backup_id, reason="it has no manifest")
                self._generate(server, backup)
                generated = True
                # Barman has just read every file.
                files = open_files(backup, directory, self.decryption)
                return self._result(backup, directory, files, (), OWN, generated=True)
            files = open_files(backup, directory, self.decryption)
            program = self._program(backup, path_prefix) if isinstance(files, PlainFiles) else None
            if program is not None:
                damages = self._with_program(program, directory, files)
                return self._result(backup, directory, files, damages, PROGRAM, generated=generated)
            return self._result(backup, directory, files, self._alone(files), OWN, generated=generated)
        except NotVerified as exc:
            return VerifiedBackup(backup.backup_id, reason=str(exc), generated=generated)
        except DamagedFiles as exc:
            return VerifiedBackup(backup.backup_id, damages=(exc.damage,), program=OWN, generated=generated)

    def _result(
        self,
        backup: Backup,
        directory: str,
        files: BackupFiles,
        damages: Sequence[FileDamage],
        program: str,
        *,
        generated: bool,
    ) -> VerifiedBackup:
        named = any(name.startswith(f"{_TABLESPACES}/") for name in files.manifest.files)
        reason = ""
        if backup.tablespaces and not named and isinstance(files, PlainFiles):
            names = ", ".join(one.name for one in backup.tablespaces)
            reason = f"its manifest has no files of its tablespaces ({names}), so they were read and not compared"
            damages = [*damages, *self._unreadable(directory, backup)]
        return VerifiedBackup(
            backup.backup_id,
            len(files.manifest.files),
            files.manifest.bytes,
            tuple(damages),
            reason,
            program,
            generated,
        )

    def _unreadable(self, directory: str, backup: Backup) -> Iterator[FileDamage]:
        """The files of its tablespaces that can't be read to their end. No one knows what they should contain."""
        for tablespace in backup.tablespaces:
            place = os.path.join(directory, str(tablespace.oid))
            if not os.path.isdir(place):
                yield FileDamage(place, f"{place} is missing: the files of tablespace {tablespace.name}")
                continue
            unlisted: list[OSError] = []
            for parent, _directories, names in os.walk(place, onerror=unlisted.append):
                for path in (os.path.join(parent, name) for name in names):
                    try:
                        with open(path, "rb", buffering=0) as stream:
                            while piece := stream.read(_PIECE):
                                self.pace.read(len(piece))
                    except OSError as exc:
                        yield FileDamage(path, f"{path} can't be read: {exc.strerror}")
            yield from map(unlisted_directory, unlisted)

    def _generate(self, server: str, backup: Backup) -> None:
        completed = self.barman.text("generate-manifest", server, backup.backup_id)
        if not completed.ok:
            raise NotVerified(f"it has no manifest, and Barman can't generate it: {failure(completed)}")

    def _program(self, backup: Backup, path_prefix: str) -> str | None:
        if backup.major_version is None:
            return None
        return find_program(backup.major_version, self.runner, self.bin_directory, path_prefix)

    def _alone(self, files: BackupFiles) -> list[FileDamage]:
        """What is wrong, as this code finds it."""
        damages = [*files.wrong_sizes(), *files.additional()]
        known = {damage.path for damage in damages}
        for file, damage in files.wrong_sums(1):
            self.pace.read(file.size)
            if damage is not None and damage.path not in known:
                damages.append(damage)
        return damages

    def _with_program(self, program: str, directory: str, files: BackupFiles) -> list[FileDamage]:
        paced = None if self.pace.limit is None else PacedProgram(self.pace.limit)
        pacing = None if paced is None else Pacing(paced.started, paced.tick, INTERVAL)
        self.pace.begin()
        completed = run_program(program, directory, files, self.runner, pacing=pacing)
        # A fast program reads much between two measurements, and after the last one.
        self.pace.read(files.manifest.bytes)
        if completed.ok:
            return []
        damages = self._alone(files)
        if not damages:
            text = " ".join(completed.text.split())
            damages = [
                FileDamage(os.path.join(directory, "data"), f"{program} fails: {text or f'exit status {completed.rc}'}")
            ]
        return damages


def lacks_manifest(backup: Backup, directory: str) -> bool:
    """Whether it is a backup of which Barman writes the manifest, and has not."""
    own = (backup.mode or "").startswith("postgres")
    return not own and not os.path.lexists(os.path.join(directory, "data", NAME))
