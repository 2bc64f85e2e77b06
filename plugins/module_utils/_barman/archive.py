# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The WAL that Barman has of a server: which segments there are, where, and their contents.

This module util is private to the collection. The directories themselves are read, not xlog.db: what is in a
directory is what a recovery can be given.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Callable

from .._host.files import names_in
from .._host.identity import acting_as, open_as_owner
from .._host.process import HostError
from .._host.safe_files import temporary_directory
from .._postgres import wal
from .command import Barman
from .compression import DamagedFile, decompress, is_history
from .configuration import ServerConfiguration
from .wal_encryption import decryption_problem


class ArchiveError(HostError):
    """A WAL file can't be read."""


class UndecryptableWal(ArchiveError):
    """An encrypted WAL file can't be decrypted on this host; the text has the reason. It may be intact."""


class Histories(Mapping[int, str]):
    """The texts of the history files, by timeline. A file is read when its text is requested, and then remembered.

    Reading raises ArchiveError. fetch: how Barman gives the plain content of the file with that name.
    """

    def __init__(self, paths: Mapping[int, str], fetch: Callable[[str], bytes] | None = None) -> None:
        self._paths = dict(paths)
        self._fetch = fetch
        self._texts: dict[int, str] = {}

    def __iter__(self) -> Iterator[int]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, timeline: object) -> bool:
        return timeline in self._paths

    def __getitem__(self, timeline: int) -> str:
        if timeline not in self._texts:
            self._texts[timeline] = self._read(self._paths[timeline], f"{timeline:08X}.history")
        return self._texts[timeline]

    def read_others_with(self, read: Callable[[str, str | None], bytes]) -> None:
        """Let this read the files that only Barman could read. read: takes a file's name and its path."""
        self._fetch = lambda name: read(name, self._paths.get(int(name[:8], 16)))

    def _read(self, path: str, name: str) -> str:
        data = _read_file(path)
        if data is not None and not is_history(data):
            data = _decompressed(path, data)
        if (data is None or not is_history(data)) and self._fetch is not None:
            # The file was archived since the directory was listed, or only Barman can read it.
            data = self._fetch(name)
        if data is None or not is_history(data):
            raise ArchiveError(f"{path} can't be read: it is not a timeline history")
        if not data.strip():
            raise ArchiveError(f"{path} can't be read: it is empty, and a timeline history is not")
        return data.decode("utf-8", errors="replace")


class Archive:
    """The WAL files of one server, as they were when this was made.

    segments: the complete ones, archived or received. partials: the ones that are being received. histories: the
    texts of the timelines' history files.
    """

    def __init__(
        self,
        segments: dict[wal.Segment, str],
        partials: dict[wal.Segment, str],
        histories: Mapping[int, str],
        segment_size: int = wal.DEFAULT_SEGMENT_SIZE,
        fetch: Callable[[str], bytes] | None = None,
    ) -> None:
        self.segments = segments
        self.partials = partials
        self.histories = histories
        self.segment_size = segment_size
        self._fetch = fetch

    def read_others_with(self, read: Callable[[str, str | None], bytes]) -> None:
        """Let this read the files that only Barman could read. read: takes a file's name and its path."""

        def fetch(name: str) -> bytes:
            segment = wal.plain_segment(name)
            return read(name, None if segment is None else self.path(segment))

        self._fetch = fetch
        if isinstance(self.histories, Histories):
            self.histories.read_others_with(read)

    @property
    def timelines(self) -> list[int]:
        found = {segment.timeline for segment in (*self.segments, *self.partials)}
        return sorted(found | set(self.histories))

    def path(self, segment: wal.Segment) -> str | None:
        """The path of the segment, complete or partial."""
        return self.segments.get(segment) or self.partials.get(segment)

    def read(self, segment: wal.Segment) -> bytes:
        """The segment's bytes as PostgreSQL wrote them. Raises ArchiveError."""
        path = self.path(segment)
        if path is None:
            raise ArchiveError(f"WAL segment {segment} is not in Barman's archive")
        data = _read_file(path)
        if data is not None:
            return self._plain(segment, path, data)
        if segment in self.partials:
            # It was filled, and renamed, since the directory was listed.
            return self._read_complete(segment, path[: -len(".partial")])
        if self._fetch is None:
            raise ArchiveError(f"WAL segment {segment} is not at {path} any more")
        # It was archived since.
        return self._fetch(str(segment))

    def _read_complete(self, segment: wal.Segment, path: str) -> bytes:
        if os.path.exists(path):
            self.partials.pop(segment, None)
            self.segments[segment] = path
            return self.read(segment)
        if self._fetch is None:
            raise ArchiveError(f"WAL segment {segment} is not in {os.path.dirname(path)} any more")
        return self._fetch(str(segment))

    def _plain(self, segment: wal.Segment, path: str, data: bytes) -> bytes:
        plain = _decompressed(path, data)
        if plain is not None:
            return plain
        if segment in self.partials or len(data) == self.segment_size or self._fetch is None:
            return data
        return self._fetch(str(segment))


def read_archive(server: ServerConfiguration, barman: Barman, segment_size: int) -> Archive:
    """List what Barman has of the server's WAL now. Raises HostError if a directory can't be read."""
    received = [server.directory("incoming_wals_directory"), server.directory("streaming_wals_directory")]
    return list_archive(server, barman, segment_size, received)


def list_archive(
    server: ServerConfiguration,
    barman: Barman,
    segment_size: int,
    received: Sequence[str],
    *,
    archived: bool = True,
    fetch: bool = True,
) -> Archive:
    """List the WAL in some of the directories that received it, and what is archived. Raises HostError.

    fetch: whether Barman gives what can't be read from these directories.
    """
    wals = server.directory("wals_directory")
    segments: dict[wal.Segment, str] = {}
    partials: dict[wal.Segment, str] = {}
    histories: dict[int, str] = {}  # the paths
    # What is archived comes last, and wins: a file may be in both for a moment.
    for directory in [*received, *([wals, *_subdirectories(wals)] if archived else [])]:
        names = names_in(directory)
        plain = wal.plain_segments(os.path.basename(directory), names)
        if plain is not None:
            segments.update(zip(plain, [f"{directory}/{name}" for name in names]))
            continue
        for name in names:
            path = f"{directory}/{name}"
            segment = wal.plain_segment(name)
            if segment is not None:
                segments[segment] = path
                continue
            file = wal.parse(name)
            if file is None or file.kind == "backup_label":
                continue
            if file.kind == "history":
                histories[file.timeline] = path
            elif file.kind == "segment" and file.segment is not None:
                segments[file.segment] = path
            elif file.segment is not None:
                partials.setdefault(file.segment, path)
    for segment in segments:
        partials.pop(segment, None)

    archive = Archive(segments, partials, Histories(histories), segment_size)
    if fetch:
        archive.read_others_with(partial(_get, server, barman))
    return archive


def _get(server: ServerConfiguration, barman: Barman, name: str, path: str | None) -> bytes:
    """What only Barman can read. Raises UndecryptableWal, and ArchiveError if the file may be damaged."""
    try:
        return get_wal(barman, server.name, name)
    except ArchiveError:
        problem = None if path is None else decryption_problem(path, server, barman)
        if problem is None:
            raise
        text = f"WAL file {name} of server '{server.name}' ({path}) is encrypted, and can't be decrypted on this host: {problem}"
        raise UndecryptableWal(text) from None


def has_unarchived(server: ServerConfiguration) -> bool:
    """Whether Barman received anything whole that it has not archived yet."""
    received = [server.directory("incoming_wals_directory"), server.directory("streaming_wals_directory")]
    files = [wal.parse(name) for directory in received for name in names_in(directory)]
    return any(file is not None and file.kind != "partial" for file in files)


def get_wal(barman: Barman, server: str, name: str) -> bytes:
    """A WAL file by "barman get-wal", which knows every compression and encryption. Raises ArchiveError."""
    with temporary_directory("pgdr-wal-", barman.user) as directory:
        completed = barman.text("get-wal", "--output-directory", directory, server, name)
        path = os.path.join(directory, name)
        if not completed.ok or not os.path.exists(path):
            raise ArchiveError(f"Barman can't read WAL file {name} of server '{server}': {completed.text}")
        with acting_as(barman.user), open(path, "rb") as stream:
            return stream.read()


def _subdirectories(directory: str) -> Iterable[str]:
    return (
        os.path.join(directory, name)
        for name in names_in(directory)
        if len(name) == 16 and os.path.isdir(os.path.join(directory, name))
    )


def _read_file(path: str) -> bytes | None:
    """The file's bytes; None if there is no such file. Raises ArchiveError."""
    try:
        with os.fdopen(open_as_owner(path), "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise ArchiveError(f"{path} can't be read: {exc.strerror}") from None


def _decompressed(path: str, data: bytes) -> bytes | None:
    """The plain content of compressed data; None if the format is unknown. Raises ArchiveError if it is damaged."""
    try:
        return decompress(data)
    except DamagedFile as exc:
        raise ArchiveError(f"{path} is damaged: {exc}") from None
