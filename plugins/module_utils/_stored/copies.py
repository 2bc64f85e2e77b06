# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an intact copy of a damaged file is: in another backup, in the directories of received WAL, or with another of Barman's servers.

This module util is private to the collection. Nothing is copied. A copy is intact if it has the manifest's checksum, or the segment's records.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from .._backup.stored_files import DamagedFiles, NotVerified, PlainFiles, open_files, wrong_sum
from .._barman.archive import Archive, ArchiveError
from .._barman.server import Server
from .._host.process import HostError
from .._postgres import wal
from .._postgres.backup_manifest import ManifestFile
from .._postgres.segment_content import check_segment
from .observe import StoredServer, is_verifiable


def manifest_name(directory: str, path: str) -> str | None:
    """A file's name as a manifest has it. directory: of its backup. None for a file outside of it."""
    relative = os.path.relpath(path, directory)
    first, _slash, rest = relative.partition("/")
    if first == "data":
        return rest or None
    return f"pg_tblspc/{relative}" if first.isdigit() else None


def copies_of_file(stored: StoredServer, backup_id: str, name: str, servers: Sequence[Server]) -> list[str]:
    """The paths of intact copies of a file of a backup. name: as its manifest has it. servers: with backups of the same cluster."""
    files = _plain(stored.directory(stored.backup(backup_id)), stored.server, backup_id)
    file = None if files is None else files.manifest.files.get(name)
    if files is None or file is None:
        return []
    return [
        path
        for path in _candidates(files.path(file), file, servers)
        if not wrong_sum((path, file.algorithm, file.checksum))
    ]


def file_here(server: Server, backup_id: str, name: str) -> str | None:
    """The path of the file of that backup on this host, if it is as the manifest here has it."""
    directory = os.path.join(server.entry.directory("basebackups_directory"), backup_id)
    files = _plain(directory, server, backup_id)
    file = None if files is None else files.manifest.files.get(name)
    if files is None or file is None:
        return None
    path = files.path(file)
    intact = _has_size(path, file.size) and not wrong_sum((path, file.algorithm, file.checksum))
    return path if intact else None


def _candidates(damaged: str, file: ManifestFile, servers: Sequence[Server]) -> Iterator[str]:
    """The files that other manifests have with the same name, size and checksum. Another name of the damaged file is none."""
    inode = _inode(damaged)
    for server in servers:
        base = server.entry.directory("basebackups_directory")
        for backup in reversed(server.backups):
            files = _plain(os.path.join(base, backup.backup_id), server, backup.backup_id)
            other = None if files is None else files.manifest.files.get(file.path)
            if files is None or other is None:
                continue
            path = files.path(other)
            same = (other.size, other.algorithm, other.checksum) == (file.size, file.algorithm, file.checksum)
            if same and path != damaged and _has_size(path, file.size) and (inode is None or _inode(path) != inode):
                yield path


def _plain(directory: str, server: Server, backup_id: str) -> PlainFiles | None:
    """The files of a backup with a manifest, that is stored as it was; None for another one."""
    backup = next((one for one in server.backups if one.backup_id == backup_id), None)
    if backup is None or not is_verifiable(backup):
        return None
    try:
        files = open_files(backup, directory)
    except (NotVerified, DamagedFiles):
        return None
    return files if isinstance(files, PlainFiles) else None


def _inode(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _has_size(path: str, size: int) -> bool:
    try:
        return os.stat(path).st_size == size
    except OSError:
        return False


def copies_of_segment(stored: StoredServer, segment: wal.Segment, servers: Sequence[Server]) -> list[str]:
    """The paths of intact copies of a segment, archived or received."""
    damaged = stored.archive.segments.get(segment)
    return [
        path
        for server in servers
        for path in _segment_paths(server, segment)
        if path != damaged and _is_intact(stored, segment, path)
    ]


def _segment_paths(server: Server, segment: wal.Segment) -> Iterator[str]:
    entry = server.entry
    for option in ("incoming_wals_directory", "streaming_wals_directory"):
        yield os.path.join(entry.directory(option), str(segment))
    yield os.path.join(entry.directory("wals_directory"), segment.directory, str(segment))


def _is_intact(stored: StoredServer, segment: wal.Segment, path: str) -> bool:
    if not os.path.isfile(path):
        return False
    alone = Archive({segment: path}, {}, {}, stored.archive.segment_size)
    try:
        return not check_segment(stored.expected(segment), alone.read(segment), None, last=True).problem
    except ArchiveError:
        return False


def segment_here(stored: StoredServer, segment: wal.Segment) -> str | None:
    """The path of an intact copy of a segment on this host."""
    return next((path for path in _segment_paths(stored.server, segment) if _is_intact(stored, segment, path)), None)


def copies(stored: StoredServer, name: str, backup_id: str | None, servers: Sequence[Server]) -> list[str]:
    """The paths of intact copies of a damaged file. name: of a WAL segment, or of a file as the manifest of the backup has it."""
    try:
        if backup_id is not None:
            return copies_of_file(stored, backup_id, name, servers)
        segment = wal.plain_segment(name)
        return [] if segment is None else copies_of_segment(stored, segment, servers)
    except (HostError, OSError):
        # It may be deleted at this moment.
        return []
