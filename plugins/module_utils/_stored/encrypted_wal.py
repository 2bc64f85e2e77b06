# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archived WAL that Barman has encrypted with GnuPG: whether it is damaged, or can't be decrypted on this host.

This module util is private to the collection. "barman get-wal" fails in both cases with the same exit status. Source: barman/infofile.py for the
column of xlog.db.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .._backup.decryption import Decryption, KeyNotRead, NotDecrypted, key_problem
from .._barman.archive import ArchiveError, UndecryptableWal
from .._barman.compression import DamagedFile, decompress, is_history
from .._barman.wal_encryption import NO_COMMAND, begins_encrypted
from .._barman.wal_sizes import RecordedFile
from .._postgres import wal

_WAL = "archived WAL"


@dataclass(frozen=True)
class EncryptedWal:
    """Reads WAL files that this collection can't read by itself.

    get: how Barman gives the plain content of the file with that name. recorded: the lines of xlog.db. decryption: None if Barman knows no passphrase.
    """

    get: Callable[[str], bytes]
    recorded: Mapping[str, RecordedFile]
    decryption: Decryption | None
    segment_size: int

    def plain(self, name: str, path: str | None) -> bytes:
        """The plain content. path: where the file is archived, if it is known. Raises UndecryptableWal, and ArchiveError if the file is damaged."""
        if path is None or not self._is_encrypted(name, path):
            return self.get(name)
        if self.decryption is None:
            raise UndecryptableWal(NO_COMMAND)
        try:
            with self.decryption.opened(path) as stream:
                data = stream.read()
        except KeyNotRead:
            raise UndecryptableWal(key_problem(_WAL)) from None
        except NotDecrypted as exc:
            raise UndecryptableWal(str(exc)) from None
        except subprocess.CalledProcessError as exc:
            raise ArchiveError(f"{path} is damaged: gpg can't decrypt its content (status {exc.returncode})") from None
        except (OSError, subprocess.SubprocessError) as exc:
            raise ArchiveError(f"{path} is damaged: {exc}") from None
        try:
            plain = decompress(data)
        except DamagedFile as exc:
            raise ArchiveError(f"{path} is damaged: {exc}") from None
        if plain is not None:
            return plain
        # What remains is plain, or in a format that only Barman can read.
        return data if len(data) == self.segment_size or is_history(data) else self.get(name)

    def _is_encrypted(self, name: str, path: str) -> bool:
        known = self.recorded.get(name)
        return (known is not None and known.encrypted) or begins_encrypted(path)


def grouped(reasons: Mapping[wal.Segment, str], segment_size: int) -> dict[str, str]:
    """The reasons why segments were not verified, by their names: one name for all that follow each other with the same reason."""
    runs: list[list[wal.Segment]] = []
    for segment in sorted(reasons):
        last = runs[-1][-1] if runs else None
        if last is not None and last.next(segment_size) == segment and reasons[last] == reasons[segment]:
            runs[-1].append(segment)
        else:
            runs.append([segment])
    return {_name(run): reasons[run[0]] for run in runs}


def _name(run: Sequence[wal.Segment]) -> str:
    return str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]} ({len(run)} segments)"


def unreadable(
    archived: Iterable[wal.Segment], recorded: Mapping[str, RecordedFile], *, decrypts: bool
) -> dict[wal.Segment, str]:
    """The segments that are encrypted, if Barman knows no passphrase on this host."""
    if decrypts:
        return {}
    return {one: NO_COMMAND for one in archived if str(one) in recorded and recorded[str(one)].encrypted}
