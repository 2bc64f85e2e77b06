# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the files of a backup are those that its manifest names.

This module util is private to the collection. PostgreSQL's pg_verifybackup does the same, but it comes with the server's
package, a backup server often has the client's only, and before PostgreSQL 18 it can't read tar files. An incremental
backup is verified with all that it builds upon.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from .._barman.catalog import Backup
from .._host.parallel import in_processes
from .._host.process import HostError
from .._postgres.backup_manifest import (
    NAME,
    NO_CHECKSUM,
    Manifest,
    ManifestError,
    ManifestFile,
    Sum,
    new_sum,
    parse_manifest,
)

ReportProgress = Callable[[str, int, int], None]

PHASE = "verifying the backup"
_PIECE = 1 << 20
_MOST_LISTED = 5
# How pg_basebackup names its tar files, and what unpacks them to standard output.
_TARS: Mapping[str, tuple[str, ...]] = {
    ".tar": (),
    ".tar.gz": ("gzip", "-dc"),
    ".tar.lz4": ("lz4", "-dc"),
    ".tar.zst": ("zstd", "-dc"),
}


class DamagedBackup(HostError):
    """Files of a backup differ from its manifest; the text names them, and what to do."""


class _NotVerified(Exception):
    """It can't be verified here; the text has the reason."""


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
) -> BackupVerification:
    """Compare each backup's files with its manifest. Raises DamagedBackup.

    backups: the one that is recovered, and what it builds upon. directory: Barman's basebackups_directory. earlier: what
    as_dict() returned in an earlier run.
    """
    started = clock()
    report(PHASE, 0, 0)
    names = tuple(one.backup_id for one in backups)
    try:
        sets = [_open(server, one, os.path.join(directory, one.backup_id)) for one in backups]
    except _NotVerified as exc:
        return BackupVerification(names, reason=str(exc))
    digest = hashlib.sha256("\n".join(one.digest() for one in sets).encode()).hexdigest()
    known = dict(earlier or {})
    if known.get("status") == "verified" and known.get("digest") == digest:
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
    total = sum(one.manifest.bytes for one in sets)
    done = 0
    for one in sets:
        # Sizes first: that is done in a moment.
        one.refuse(one.wrong_sizes())
        problems: list[str] = []
        try:
            for file, problem in one.wrong_sums(processes):
                report(PHASE, done, total)
                done += file.size
                problems += [problem] if problem else []
        except _NotVerified as exc:
            return BackupVerification(names, reason=str(exc))
        one.refuse(problems)
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


def _open(server: str, backup: Backup, directory: str) -> _Files:
    """The backup's files. Raises _NotVerified, and DamagedBackup if its manifest is damaged."""
    if backup.snapshots is not None:
        raise _NotVerified(f"backup {backup.backup_id} is of snapshots, which have no manifest")
    if backup.encryption not in (None, "none"):
        raise _NotVerified(f"backup {backup.backup_id} is encrypted, and only Barman can read it")
    data = os.path.join(directory, "data")
    path = os.path.join(data, NAME)
    try:
        with open(path, "rb") as stream:
            text = stream.read()
    except FileNotFoundError:
        if (backup.mode or "").startswith("postgres"):
            # pg_basebackup writes one.
            raise _damaged(server, backup, [f"its manifest is missing ({path})"]) from None
        raise _NotVerified(
            f"backup {backup.backup_id} has no manifest ({path}). 'barman generate-manifest' and the option "
            "autogenerate_manifest write one "
            "for an rsync backup"
        ) from None
    except OSError as exc:
        raise DamagedBackup(f"{path} can't be read: {exc.strerror}") from None
    try:
        manifest = parse_manifest(text)
    except ManifestError as exc:
        raise _damaged(server, backup, [f"{path} is damaged: {exc}"]) from None
    if manifest.system_identifier is not None and str(manifest.system_identifier) != str(backup.systemid):
        raise _damaged(
            server,
            backup,
            [f"its manifest is of the system identifier {manifest.system_identifier}, and not {backup.systemid}"],
        )
    if backup.compression in (None, "none") or os.path.exists(os.path.join(data, "PG_VERSION")):
        return _PlainFiles(server, backup, manifest, directory)
    return _TarFiles(server, backup, manifest, data)


def _damaged(server: str, backup: Backup, problems: Sequence[str]) -> DamagedBackup:
    more = [] if len(problems) <= _MOST_LISTED else [f"and {len(problems) - _MOST_LISTED} more"]
    return DamagedBackup(
        "backup {} of server '{}' is damaged: {}. Nothing was changed. Recover from another backup: write "
        "barman_recover_backup_id (option backup_id of the module). Or replace the files by intact copies from a passive node or "
        "another backup server. Or accept the damage with verify_backup: false (playbook: barman_recover_verify_backup=false)".format(
            backup.backup_id, server, "; ".join([*problems[:_MOST_LISTED], *more])
        )
    )


class _Files:
    """The files of one backup."""

    def __init__(self, server: str, backup: Backup, manifest: Manifest) -> None:
        self._server = server
        self._backup = backup
        self.manifest = manifest

    def refuse(self, problems: Sequence[str]) -> None:
        if problems:
            raise _damaged(self._server, self._backup, problems)

    def paths(self) -> Iterator[str]:
        """Where what is verified is."""
        raise NotImplementedError

    def wrong_sizes(self) -> list[str]:
        return []

    def wrong_sums(self, processes: int) -> Iterator[tuple[ManifestFile, str]]:
        """Each file, and what is wrong with it. Raises _NotVerified."""
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


class _PlainFiles(_Files):
    def __init__(self, server: str, backup: Backup, manifest: Manifest, directory: str) -> None:
        super().__init__(server, backup, manifest)
        self._directory = directory

    def _path(self, file: ManifestFile) -> str:
        # The links in pg_tblspc lead where the tablespaces were; Barman has them beside the data directory.
        parts = file.path.split("/", 2)
        if parts[0] == "pg_tblspc" and len(parts) == 3:
            return os.path.join(self._directory, parts[1], parts[2])
        return os.path.join(self._directory, "data", file.path)

    def paths(self) -> Iterator[str]:
        yield os.path.join(self._directory, "data", NAME)
        yield from (self._path(file) for file in self.manifest.files.values())

    def wrong_sizes(self) -> list[str]:
        problems: list[str] = []
        for file in self.manifest.files.values():
            path = self._path(file)
            try:
                size = os.stat(path).st_size
            except OSError as exc:
                problems.append(f"{path}: {exc.strerror}")
                continue
            if size != file.size:
                problems.append(f"{path} has {size} bytes, and {file.size} in the manifest")
        return problems

    def wrong_sums(self, processes: int) -> Iterator[tuple[ManifestFile, str]]:
        # Large files first, so that no process is left alone with one at the end.
        files = sorted(self.manifest.files.values(), key=lambda file: -file.size)
        work = [(self._path(file), file.algorithm, file.checksum) for file in files]
        yield from zip(files, in_processes(_wrong_sum, work, processes))


def _wrong_sum(work: tuple[str, str, str]) -> str:
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


class _TarFiles(_Files):
    """A compressed backup: base.tar and OID.tar, packed, in one directory."""

    def __init__(self, server: str, backup: Backup, manifest: Manifest, directory: str) -> None:
        super().__init__(server, backup, manifest)
        self._directory = directory
        self._tars: dict[str, str] = {}
        for name in sorted(os.listdir(directory)):
            for ending in _TARS:
                if name.endswith(ending):
                    self._tars[name] = ending
        if not any(name.startswith("base.tar") for name in self._tars):
            raise _NotVerified(
                f"backup {backup.backup_id} is compressed in an unknown format (there is no base.tar in {directory})"
            )
        for ending in set(self._tars.values()):
            program = _TARS[ending][:1]
            if program and shutil.which(program[0]) is None:
                raise _NotVerified(
                    f"backup {backup.backup_id} can't be unpacked: the program {program[0]} is not installed on the "
                    "backup server"
                )

    def paths(self) -> Iterator[str]:
        yield os.path.join(self._directory, NAME)
        yield from (os.path.join(self._directory, name) for name in self._tars)

    def wrong_sums(self, processes: int) -> Iterator[tuple[ManifestFile, str]]:
        left = dict(self.manifest.files)
        for name, ending in self._tars.items():
            stem = name[: -len(ending)]
            prefix = "" if stem == "base" else f"pg_tblspc/{stem}/"
            path = os.path.join(self._directory, name)
            try:
                with _unpacked(path, _TARS[ending]) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
                    for member in tar:
                        inside = _inside(member.name)
                        file = left.pop(prefix + inside, None)
                        content = tar.extractfile(member) if member.isfile() else None
                        if file is None or content is None:
                            continue
                        yield (
                            file,
                            _wrong_member(path, inside, file, member.size, _sum_of(content, new_sum(file.algorithm))),
                        )
            except (tarfile.TarError, OSError, EOFError, zlib.error, subprocess.SubprocessError) as exc:
                raise _damaged(self._server, self._backup, [f"{path} can't be unpacked: {exc}"]) from None
        for file in left.values():
            yield file, f"{file.path} is in the manifest and in no file of {self._directory}"


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
def _unpacked(path: str, program: Sequence[str]) -> Iterator[IO[bytes]]:
    """The plain tar file as a stream. Raises SubprocessError if the program that unpacks it fails."""
    with open(path, "rb") as source:
        if not program:
            yield source
            return
        # run_command returns only when the program has ended; its output is read while it runs.
        # pylint: disable-next=ansible-bad-function
        process = subprocess.Popen(list(program), stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        whole = False
        stream: Any = process.stdout
        try:
            yield stream
            # Also what follows tar's own end.
            while stream.read(_PIECE):
                pass
            whole = True
        finally:
            stream.close()
            if not whole:
                process.kill()
            code = process.wait()
        if code != 0:
            raise subprocess.CalledProcessError(code, list(program))
