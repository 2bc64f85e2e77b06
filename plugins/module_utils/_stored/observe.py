# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Barman has stored of a server: its backups, and its archived WAL.

This module util is private to the collection. WAL that was received and is not archived yet is no part of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from .._backup.decryption import GPG, Decryption
from .._barman.archive import Archive, get_wal, list_archive
from .._barman.catalog import Backup
from .._barman.command import Barman
from .._barman.configuration import Configuration, ServerConfiguration
from .._barman.server import Server
from .._barman.wal_encryption import NO_COMMAND
from .._barman.wal_sizes import RecordedFile, read_xlogdb
from .._host.files import read_text, write_atomic
from .._host.process import HostError, Runner, run
from .._host.safe_files import writing_as
from .._postgres import wal
from .._postgres.segment_content import ExpectedSegment
from .._postgres.timeline_history import parse_history
from .encrypted_wal import EncryptedWal, unreadable
from .state import ReadState, Signature, StoredUnit, parse_state, state_text

DIRECTORY = ".pgdr.barman/verification"


@dataclass(frozen=True)
class StoredServer:
    """server: Barman's. archive: what is archived. recorded: the lines of xlog.db. units: what can be read.

    undecryptable: why encrypted segments are no units.
    """

    server: Server
    archive: Archive
    recorded: Mapping[str, RecordedFile]
    units: tuple[StoredUnit, ...]
    undecryptable: Mapping[wal.Segment, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.server.name

    @property
    def backups(self) -> list[Backup]:
        return self.server.backups

    @property
    def base(self) -> str:
        """The directory of the backups."""
        return self.server.entry.directory("basebackups_directory")

    def directory(self, backup: Backup) -> str:
        return os.path.join(self.base, backup.backup_id)

    def backup(self, backup_id: str) -> Backup:
        return next(one for one in self.backups if one.backup_id == backup_id)

    @property
    def decrypts(self) -> bool:
        """Whether Barman is configured to decrypt backups on this host."""
        return can_decrypt(self.server.entry)

    @property
    def systems(self) -> frozenset[int]:
        """The system identifiers of the backups."""
        return frozenset(map(int, system_identifiers(self.backups)))

    @property
    def versions(self) -> frozenset[int]:
        """PostgreSQL's major versions of the backups."""
        return frozenset(one.major_version for one in self.backups if one.copied and one.major_version is not None)

    def expected(self, segment: wal.Segment) -> ExpectedSegment:
        """What the file of a segment should contain."""
        size = self.archive.segment_size
        return ExpectedSegment(segment, size, self.systems, self.versions, self._switch(segment.timeline))

    def _switch(self, timeline: int) -> int | None:
        """The switch point that a timeline begins with; None if it is not known."""
        if timeline == 1:
            return 0
        try:
            return parse_history(timeline, self.archive.histories[timeline])[-1].begin
        except (HostError, KeyError):
            return None


def system_identifiers(backups: Iterable[Backup]) -> set[str]:
    """Those of complete backups."""
    return {one.systemid for one in backups if one.copied and one.systemid is not None and one.systemid.isdigit()}


def read_stored(server: Server, runner: Runner = run) -> StoredServer:
    """List what is stored. runner: runs the commands that decrypt WAL. Raises HostError."""
    if not server.is_local:
        raise HostError(
            f"the backups of server '{server.name}' are in an object store, which can't be verified from here"
        )
    if not any(one.copied for one in server.backups):
        # Without a backup nothing can be recovered, and nobody knows which WAL is expected.
        return StoredServer(server, Archive({}, {}, {}), {}, ())
    # Barman adds a line after it has archived a file, and removes it after it has deleted the file.
    recorded = read_xlogdb(server.entry)
    decrypts = can_decrypt(server.entry)
    backups = [_backup_unit(one) for one in server.backups if is_verifiable(one, decrypts=decrypts)]
    archive = list_archive(server.entry, server.barman, server.segment_size, [])
    closed = unreadable(archive.segments, recorded, decrypts=decrypts)
    readable = [one for one in archive.segments.items() if one[0] not in closed]
    segments = [unit for unit in (_segment_unit(*one) for one in readable) if unit is not None]
    command = server.entry.get("encryption_passphrase_command")
    decryption = Decryption(command, runner) if command else None
    encrypted = EncryptedWal(partial(get_wal, server.barman, server.name), recorded, decryption, server.segment_size)
    archive.read_others_with(encrypted.plain)
    return StoredServer(server, archive, recorded, (*backups, *segments), closed)


def can_decrypt(entry: ServerConfiguration) -> bool:
    """Whether Barman knows a passphrase. A host that only encrypts needs none, and no secret key."""
    return entry.get("encryption_passphrase_command") is not None


def is_verifiable(backup: Backup, *, decrypts: bool = False) -> bool:
    """Whether a backup is complete, and its files can be read. decrypts: whether that is so for encrypted ones."""
    readable = backup.encryption in (None, "none") or (decrypts and backup.encryption == GPG)
    return backup.done and backup.snapshots is None and readable


def not_verifiable(backups: list[Backup], *, decrypts: bool) -> dict[str, str]:
    """Why complete backups can't be verified, by their ids."""
    return {
        one.backup_id: "it is of snapshots" if one.snapshots is not None else NO_COMMAND
        for one in backups
        if one.done and not is_verifiable(one, decrypts=decrypts)
    }


def _backup_unit(backup: Backup) -> StoredUnit:
    written = 0.0 if backup.end_time is None else backup.end_time.timestamp()
    return StoredUnit("backup", backup.backup_id, backup.size or backup.cluster_size or 0, written)


def _segment_unit(segment: wal.Segment, path: str) -> StoredUnit | None:
    try:
        status = os.stat(path)
    except OSError:
        # Deleted by retention since the directory was listed.
        return None
    return StoredUnit("segment", str(segment), status.st_size, status.st_mtime, segment)


def signature_of(path: str) -> Signature | None:
    """None if there is no such file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return Signature(status.st_size, status.st_mtime_ns, status.st_ino)


def state_file(home: str, server: str) -> str:
    return os.path.join(home, DIRECTORY, f"{server.replace(os.sep, '_')}.json")


def read_state(home: str, server: str, now: float) -> ReadState:
    """Raises HostError."""
    return parse_state(read_text(state_file(home, server)) or "", now)


def write_state(home: str, server: str, state: ReadState) -> None:
    """Raises HostError."""
    path = state_file(home, server)
    with writing_as(None, path):
        for directory, mode in ((os.path.dirname(os.path.dirname(path)), 0o755), (os.path.dirname(path), 0o700)):
            os.makedirs(directory, mode=mode, exist_ok=True)
        write_atomic(path, state_text(state), 0o600)


def same_cluster(stored: StoredServer, configuration: Configuration, barman: Barman) -> list[Server]:
    """The servers of this host with backups of the same database cluster, this one first."""
    systems = system_identifiers(stored.backups)
    found = [stored.server]
    for name in sorted(configuration.servers):
        other = Server(barman, configuration.server(name))
        try:
            if name != stored.name and other.is_local and systems & system_identifiers(other.backups):
                found.append(other)
        except HostError:
            # Its own verification reports it.
            continue
    return found
