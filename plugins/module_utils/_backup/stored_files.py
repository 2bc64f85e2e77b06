# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a backup as they are stored, compared with its manifest.

This module util is private to the collection. An incremental backup is compared alone, without what it builds upon.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any

from .._barman.catalog import Backup
from .._host.parallel import in_processes
from .._host.paths import normal_path
from .._postgres.backup_manifest import (
    NAME,
    NO_CHECKSUM,
    Manifest,
    ManifestError,
    ManifestFile,
    Sum,
    is_ignored,
    new_sum,
    parse_manifest,
)
from .decryption import GPG, Decryption, NotDecrypted
from .program_output import ProgramOutput, Silent

_PIECE = 1 << 20
_ENCRYPTED = ".gpg"
# How pg_basebackup names its tar files, and what unpacks them to standard output.
_TARS: Mapping[str, tuple[str, ...]] = {
    ".tar": (),
    ".tar.gz": ("gzip", "-dc"),
    ".tar.lz4": ("lz4", "-dc"),
    ".tar.zst": ("zstd", "-dc"),
}


class NotVerified(Exception):
    """It can't be verified here; the text has the reason."""


@dataclass(frozen=True)
class FileDamage:
    """A file that is not as its manifest has it. text: names it, and what is wrong."""

    path: str
    text: str


class DamagedFiles(Exception):
    """The backup can't be read to its end: its manifest or a tar file is damaged."""

    def __init__(self, damage: FileDamage) -> None:
        super().__init__(damage.text)
        self.damage = damage


def open_files(backup: Backup, directory: str, decryption: Decryption | None = None) -> BackupFiles:
    """The backup's files. directory: the backup's own. Raises NotVerified, and DamagedFiles if its manifest is damaged.

    decryption: how they are decrypted; None if they can't be. Barman encrypts the tar files, and not the manifest.
    """
    if backup.snapshots is not None:
        raise NotVerified(f"backup {backup.backup_id} is of snapshots, which have no manifest")
    encrypted = backup.encryption not in (None, "none")
    if encrypted and (decryption is None or backup.encryption != GPG):
        raise NotVerified(f"backup {backup.backup_id} is encrypted, and only Barman can read it")
    data = os.path.join(directory, "data")
    path = os.path.join(data, NAME)
    try:
        with open(path, "rb") as stream:
            text = stream.read()
    except FileNotFoundError:
        if (backup.mode or "").startswith("postgres"):
            # pg_basebackup writes one.
            raise DamagedFiles(FileDamage(path, f"its manifest is missing ({path})")) from None
        raise NotVerified(
            f"backup {backup.backup_id} has no manifest ({path}). 'barman generate-manifest' and the option "
            "autogenerate_manifest write one "
            "for an rsync backup"
        ) from None
    except OSError as exc:
        raise DamagedFiles(FileDamage(path, f"{path} can't be read: {exc.strerror}")) from None
    try:
        manifest = parse_manifest(text)
    except ManifestError as exc:
        raise DamagedFiles(FileDamage(path, f"{path} is damaged: {exc}")) from None
    if manifest.system_identifier is not None and str(manifest.system_identifier) != str(backup.systemid):
        problem = f"its manifest is of the system identifier {manifest.system_identifier}, and not {backup.systemid}"
        raise DamagedFiles(FileDamage(path, problem))
    packed = encrypted or backup.compression not in (None, "none")
    if not packed or os.path.exists(os.path.join(data, "PG_VERSION")):
        return PlainFiles(manifest, directory)
    return TarFiles(backup, manifest, data, decryption if encrypted else None)


class BackupFiles:
    """The files of one backup."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    def paths(self) -> Iterator[str]:
        """Where what is verified is."""
        raise NotImplementedError

    def wrong_sizes(self) -> list[FileDamage]:
        """The files that are missing, or have another size. Reads no content."""
        return []

    def additional(self) -> list[FileDamage]:
        """The files that the manifest does not name."""
        return []

    def wrong_sums(self, processes: int) -> Iterator[tuple[ManifestFile, FileDamage | None]]:
        """Each file, and what is wrong with it. Raises NotVerified and DamagedFiles."""
        raise NotImplementedError

    def digest(self) -> str:
        """The same as long as no file changes."""
        found = hashlib.sha256()
        for path in sorted(self.paths()):
            try:
                status = os.stat(path)
                found.update(b"%s %d %d\n" % (os.fsencode(path), status.st_size, status.st_mtime_ns))
            except OSError:
                found.update(b"%s -\n" % os.fsencode(path))
        return found.hexdigest()


class PlainFiles(BackupFiles):
    """A backup as directories: data, and one for each tablespace."""

    def __init__(self, manifest: Manifest, directory: str) -> None:
        super().__init__(manifest)
        self._directory = directory

    def path(self, file: ManifestFile) -> str:
        """Where Barman has the file."""
        # The links in pg_tblspc lead where the tablespaces were; Barman has them beside the data directory.
        parts = file.path.split("/", 2)
        if parts[0] == "pg_tblspc" and len(parts) == 3:
            return os.path.join(self._directory, parts[1], parts[2])
        return os.path.join(self._directory, "data", file.path)

    def paths(self) -> Iterator[str]:
        yield os.path.join(self._directory, "data", NAME)
        yield from (self.path(file) for file in self.manifest.files.values())

    def wrong_sizes(self) -> list[FileDamage]:
        problems: list[FileDamage] = []
        for file in self.manifest.files.values():
            path = self.path(file)
            try:
                size = os.stat(path).st_size
            except OSError as exc:
                problems.append(FileDamage(path, f"{path}: {exc.strerror}"))
                continue
            if size != file.size:
                problems.append(FileDamage(path, f"{path} has {size} bytes, and {file.size} in the manifest"))
        return problems

    def additional(self) -> list[FileDamage]:
        unlisted: list[OSError] = []
        found = [
            FileDamage(path, f"{path} is not in the manifest")
            for name, path in self._names(unlisted.append)
            if name not in self.manifest.files and not is_ignored(name)
        ]
        # The files of a directory that does not exist are missing.
        closed = [error for error in unlisted if not isinstance(error, FileNotFoundError)]
        return [*found, *map(unlisted_directory, closed)]

    def _names(self, note: Callable[[OSError], None]) -> Iterator[tuple[str, str]]:
        """Each file's name as a manifest has it, and its path. A manifest that Barman wrote names no tablespace.

        note: takes the error of each directory that can't be listed.
        """
        data = os.path.join(self._directory, "data")
        yield from _walk(data, "", note, passed=("pg_tblspc", "pg_wal"))
        tablespaces = {name.split("/", 2)[1] for name in self.manifest.files if name.startswith("pg_tblspc/")}
        for oid in sorted(tablespaces):
            yield from _walk(os.path.join(self._directory, oid), f"pg_tblspc/{oid}/", note)

    def wrong_sums(self, processes: int) -> Iterator[tuple[ManifestFile, FileDamage | None]]:
        # Large files first, so that no process is left alone with one at the end.
        files = sorted(self.manifest.files.values(), key=lambda file: -file.size)
        work = [(self.path(file), file.algorithm, file.checksum) for file in files]
        for file, text in zip(files, in_processes(wrong_sum, work, processes)):
            yield file, FileDamage(self.path(file), text) if text else None


def unlisted_directory(error: OSError) -> FileDamage:
    """A directory of a backup that can't be listed, by its error."""
    return FileDamage(str(error.filename), f"the directory {error.filename} can't be read: {error.strerror}")


def _walk(
    directory: str, prefix: str, note: Callable[[OSError], None], passed: Sequence[str] = ()
) -> Iterator[tuple[str, str]]:
    """The files below a directory: their names with the prefix, and their paths. passed: directories in it to pass over."""
    for parent, directories, files in os.walk(directory, onerror=note):
        below = os.path.relpath(parent, directory)
        if below == os.curdir:
            directories[:] = [name for name in directories if name not in passed]
        for name in files:
            yield prefix + normal_path(os.path.join(below, name)), os.path.join(parent, name)


def wrong_sum(work: tuple[str, str, str]) -> str:
    """What is wrong with the content of a file. work: its path, the algorithm and the checksum of the manifest."""
    path, algorithm, checksum = work
    if algorithm == NO_CHECKSUM:
        return ""
    try:
        with open(path, "rb", buffering=0) as stream:
            found = _sum_of(stream, new_sum(algorithm))
    except OSError as exc:
        return f"{path} can't be read: {exc.strerror}"
    return "" if found == checksum else f"the checksum ({algorithm}) of {path} is wrong"


def _sum_of(stream: IO[bytes] | Any, found: Sum) -> str:
    while True:
        piece = stream.read(_PIECE)
        if not piece:
            return found.hexdigest()
        found.update(piece)


class TarFiles(BackupFiles):
    """A compressed backup: base.tar and OID.tar, packed, and encrypted or not, in one directory. decryption: None if they are not encrypted."""

    def __init__(
        self, backup: Backup, manifest: Manifest, directory: str, decryption: Decryption | None = None
    ) -> None:
        super().__init__(manifest)
        self._directory = directory
        self._decryption = decryption
        self._tars: dict[str, str] = {}
        encrypted = "" if decryption is None else _ENCRYPTED
        for name in sorted(os.listdir(directory)):
            for ending in _TARS:
                if name.endswith(ending + encrypted):
                    self._tars[name] = ending
        if not any(name.startswith("base.tar") for name in self._tars):
            raise NotVerified(
                f"backup {backup.backup_id} is compressed in an unknown format (there is no base.tar in {directory})"
            )
        programs = [_TARS[ending][:1] for ending in set(self._tars.values())]
        for program in [*programs, () if decryption is None else (GPG,)]:
            if program and shutil.which(program[0]) is None:
                raise NotVerified(
                    f"backup {backup.backup_id} can't be unpacked: the program {program[0]} is not installed on the "
                    "backup server"
                )

    def paths(self) -> Iterator[str]:
        yield os.path.join(self._directory, NAME)
        yield from (os.path.join(self._directory, name) for name in self._tars)

    def wrong_sums(self, processes: int) -> Iterator[tuple[ManifestFile, FileDamage | None]]:
        left = dict(self.manifest.files)
        for name, ending in self._tars.items():
            stem = name.partition(ending)[0]
            prefix = "" if stem == "base" else f"pg_tblspc/{stem}/"
            path = os.path.join(self._directory, name)
            try:
                with ExitStack() as opened:
                    stream = self._unpacked(path, _TARS[ending], opened)
                    tar = opened.enter_context(tarfile.open(fileobj=stream, mode="r|"))
                    for member in tar:
                        inside = _inside(member.name)
                        file = left.pop(prefix + inside, None)
                        content = tar.extractfile(member) if member.isfile() else None
                        if file is None or content is None:
                            continue
                        found = _sum_of(content, new_sum(file.algorithm))
                        text = _wrong_member(path, inside, file, member.size, found)
                        yield file, FileDamage(path, text) if text else None
            except NotDecrypted as exc:
                raise NotVerified(str(exc)) from None
            except Silent as exc:
                raise NotVerified(f"{path} can't be unpacked: {exc}") from None
            except (tarfile.TarError, OSError, EOFError, zlib.error, subprocess.SubprocessError) as exc:
                raise DamagedFiles(FileDamage(path, f"{path} can't be unpacked: {exc}")) from None
        for file in left.values():
            text = f"{file.path} is in the manifest and in no file of {self._directory}"
            yield file, FileDamage(self._directory, text)

    def _unpacked(self, path: str, program: Sequence[str], opened: ExitStack) -> IO[bytes]:
        """The plain tar file as a stream. Raises NotDecrypted, and SubprocessError if a program fails. opened: closes it."""
        source: IO[bytes]
        if self._decryption is None:
            source = opened.enter_context(open(path, "rb"))  # noqa: SIM115
        else:
            source = opened.enter_context(self._decryption.opened(path))
        return opened.enter_context(_output_of(program, source)) if program else source


def _inside(name: str) -> str:
    """A member's path without what tar writes before it."""
    return name[2:] if name.startswith("./") else name


def _wrong_member(path: str, name: str, file: ManifestFile, size: int, found: str) -> str:
    if size != file.size:
        return f"{name} in {path} has {size} bytes, and {file.size} in the manifest"
    if found != file.checksum and file.algorithm != NO_CHECKSUM:
        return f"the checksum ({file.algorithm}) of {name} in {path} is wrong"
    return ""


@contextmanager
def _output_of(program: Sequence[str], source: IO[bytes]) -> Iterator[IO[bytes]]:
    """What a program makes of a file. Raises SubprocessError if the program fails, and Silent if it writes nothing for long."""
    # run_command returns only when the program has ended; its output is read while it runs.
    # pylint: disable-next=ansible-bad-function
    process = subprocess.Popen(list(program), stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    stream: Any = ProgramOutput(process)
    whole = False
    try:
        yield stream
        # Also what follows tar's own end.
        while stream.read(_PIECE):
            pass
        whole = True
    finally:
        code = stream.close(kill=not whole)
    if code != 0:
        raise subprocess.CalledProcessError(code, list(program))
