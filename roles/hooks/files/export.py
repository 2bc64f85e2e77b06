# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports a finished backup, as a hook script of Barman: to a tar on another medium, or to an S3 bucket.

    export tar (--directory DIRECTORY [--mounted] | --device DEVICE) [--compression gzip|bzip2|xz]
    export s3 --url s3://BUCKET/PATH [--endpoint-url URL] [--compression gzip|bzip2|snappy] ...

Barman calls post_backup hooks of failed backups too, and before the last WAL of a valid backup is archived. A failed backup is not exported.
For a valid backup, the script waits for the last WAL, and verifies the export before it ends with success.
"""

from __future__ import annotations

import argparse
import bz2
import contextlib
import gzip
import hashlib
import io
import lzma
import os
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple, cast

SEGMENT = re.compile(r"[0-9A-F]{24}")
# GNU tar reads tapes in records of this size.
RECORD = 10240
CHUNK = 1024 * 1024
SUFFIXES = {"none": ".tar", "gzip": ".tar.gz", "bzip2": ".tar.bz2", "xz": ".tar.xz"}
FLAGS = {"none": [], "gzip": ["--gzip"], "bzip2": ["--bzip2"], "snappy": ["--snappy"]}
# Barman keeps the last segment back until something comes after it.
LOOK_AGAIN = 2.0
SWITCH_AGAIN = 10.0
RESTORE = """\
Backup {id} of server {server}, PostgreSQL {version}, complete with the WAL that it needs to become consistent.

base/   the backup{chain}
wal/    {begin} to {end}

To restore it, as the user that runs PostgreSQL:

1. sha256sum --check --quiet SHA256SUMS
2. {unpack}
3. In the new directory's postgresql.auto.conf: restore_command = 'cp /path/to/wal/%f %p'
   and make an empty file recovery.signal beside it.
4. Start PostgreSQL. It comes to the end of the backup and begins a new timeline.
"""


class Failure(Exception):
    """The export failed; the text is the reason."""


class Backup(NamedTuple):
    """The backup that Barman has just taken, from the environment of the hook."""

    server: str
    id: str
    directory: str
    info_path: str

    def info(self) -> dict[str, str]:
        return read_info(self.info_path)


def read_info(path: str) -> dict[str, str]:
    """Barman's backup.info; what is None there is left out."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            pairs = [line.rstrip("\n").partition("=") for line in stream if "=" in line]
    except OSError as error:
        raise Failure(f"{path} can't be read: {error.strerror}") from None
    return {name: value for name, _equals, value in pairs if value != "None"}


def backup_from_environment() -> Backup:
    names = ("BARMAN_SERVER", "BARMAN_BACKUP_ID", "BARMAN_BACKUP_DIR", "BARMAN_BACKUP_INFO_PATH")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise Failure("Barman runs this as a hook script; not set: {}".format(", ".join(missing)))
    return Backup(*(os.environ[name] for name in names))


# --- Barman -----------------------------------------------------------------------------------------------------------


def barman(*arguments: str) -> int:
    """Run a command of Barman for its effect."""
    # Its children keep open what it was given.
    return subprocess.run(
        ["barman", "-q", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode


def barman_lines(*arguments: str) -> Iterator[str]:
    """What a command of Barman prints, line by line."""
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(["barman", *arguments], stdin=subprocess.DEVNULL, stdout=output, check=False)
        if done.returncode != 0:
            raise Failure("barman {} failed (exit code {})".format(" ".join(arguments), done.returncode))
        output.seek(0)
        for line in io.TextIOWrapper(output, encoding="utf-8", errors="surrogateescape"):
            yield line.rstrip("\n")


def settle(backup: Backup, seconds: float) -> dict[str, str]:
    """Wait until Barman has all WAL of the backup and calls it DONE, and help where a server is idle."""
    deadline = time.monotonic() + seconds
    info = backup.info()
    # Forcing it takes a role that PostgreSQL has from 15 on.
    force = ["--force"] if int(info.get("version", "0")) >= 150000 else []
    switched = None
    while info.get("status") != "DONE":
        if info.get("status") == "FAILED":
            raise Failure("backup {} failed: {}".format(backup.id, info.get("error", "no reason is known")))
        if time.monotonic() > deadline:
            raise Failure(
                "the WAL of backup {} was not archived within {:.0f} s; the last segment is {}".format(
                    backup.id, seconds, info.get("end_wal")
                )
            )
        if switched is None or time.monotonic() - switched > SWITCH_AGAIN:
            barman("switch-wal", *force, backup.server)
            switched = time.monotonic()
        barman("archive-wal", backup.server)
        barman("check-backup", backup.server, backup.id)
        info = backup.info()
        if info.get("status") == "WAITING_FOR_WALS":
            time.sleep(LOOK_AGAIN)
            info = backup.info()
    return info


def segments(info: dict[str, str]) -> list[str]:
    """The names of the WAL segments that the backup needs to become consistent, first to last."""
    begin, end = info.get("begin_wal", ""), info.get("end_wal", "")
    if not (SEGMENT.fullmatch(begin) and SEGMENT.fullmatch(end)):
        raise Failure(f"the backup's first and last WAL segment are not known: {begin!r}, {end!r}")
    in_file = 0x100000000 // segment_size(info)

    def number(name: str) -> int:
        return int(name[8:16], 16) * in_file + int(name[16:], 16)

    return [f"{begin[:8]}{log // in_file:08X}{log % in_file:08X}" for log in range(number(begin), number(end) + 1)]


def segment_size(info: dict[str, str]) -> int:
    return int(info.get("xlog_segment_size", str(16 * 1024 * 1024)))


def archived(backup: Backup, names: Sequence[str]) -> dict[str, str]:
    """Where in Barman's archive these segments are."""
    requested = set(names)
    found = {}
    below = backup.directory.rstrip("/") + "/"
    for path in barman_lines("list-files", "--target", "standalone", backup.server, backup.id):
        if os.path.basename(path) in requested and not path.startswith(below):
            found[os.path.basename(path)] = path
    missing = [name for name in names if name not in found or not os.path.exists(found[name])]
    if missing:
        raise Failure(
            "WAL that backup {} needs is not in Barman's archive: {}".format(backup.id, ", ".join(missing[:5]))
        )
    return found


@contextlib.contextmanager
def open_segment(server: str, path: str, size: int) -> Iterator[IO[bytes]]:
    """A segment of Barman's archive, as PostgreSQL wrote it."""
    with contextlib.ExitStack() as stack:
        stream: IO[bytes]
        if os.path.getsize(path) == size:
            stream = stack.enter_context(open(path, "rb"))
        else:
            # Compressed; Barman knows how.
            stream = stack.enter_context(tempfile.TemporaryFile())
            name = os.path.basename(path)
            done = subprocess.run(
                ["barman", "get-wal", server, name], stdin=subprocess.DEVNULL, stdout=stream, check=False
            )
            if done.returncode != 0 or stream.seek(0, os.SEEK_END) != size:
                raise Failure(f"WAL segment {name} can't be read from Barman's archive")
            stream.seek(0)
        yield stream


# --- tar --------------------------------------------------------------------------------------------------------------


class Hashing:
    """A file that is read or written once from its beginning; counts and hashes what passes, and reads so much at the most."""

    def __init__(self, stream: IO[bytes], limit: int | None = None) -> None:
        self.stream = stream
        self.size = 0
        self.limit = limit
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def _note(self, data: bytes) -> None:
        self.size += len(data)
        self._hash.update(data)

    def write(self, data: bytes) -> int:
        data = bytes(data)
        self.stream.write(data)
        self._note(data)
        return len(data)

    def read(self, size: int = -1) -> bytes:
        if self.limit is not None:
            left = self.limit - self.size
            size = left if size < 0 else min(size, left)
        data = self.stream.read(size)
        self._note(data)
        return data

    def readable(self) -> bool:
        return True

    def flush(self) -> None:
        self.stream.flush()


def compressing(stream: Hashing, compression: str) -> Any:
    if compression == "gzip":
        return gzip.GzipFile(filename="", fileobj=cast("IO[bytes]", stream), mode="wb", compresslevel=6, mtime=0)
    if compression == "bzip2":
        return bz2.BZ2File(cast("IO[bytes]", stream), "wb")
    return lzma.LZMAFile(cast("IO[bytes]", stream), "wb") if compression == "xz" else contextlib.nullcontext(stream)


def decompressing(stream: Hashing, compression: str) -> Any:
    if compression == "gzip":
        return gzip.GzipFile(fileobj=cast("IO[bytes]", stream), mode="rb")
    if compression == "bzip2":
        return bz2.BZ2File(cast("IO[bytes]", stream), "rb")
    return lzma.LZMAFile(cast("IO[bytes]", stream), "rb") if compression == "xz" else contextlib.nullcontext(stream)


class Contents:
    """Writes the members of a tar, and remembers the checksum of each."""

    def __init__(self, tar: tarfile.TarFile, top: str) -> None:
        self.tar = tar
        self.top = top
        self.members: dict[str, str | None] = {}

    def _name(self, name: str) -> str:
        return f"{self.top}/{name}"

    def text(self, name: str, text: str) -> None:
        data = text.encode("utf-8", "surrogateescape")
        self.stream(name, io.BytesIO(data), len(data))

    def stream(self, name: str, stream: IO[bytes], size: int) -> None:
        info = tarfile.TarInfo(self._name(name))
        info.size, info.mode, info.mtime = size, 0o600, int(time.time())
        self._add(info, stream)

    def _add(self, info: tarfile.TarInfo, stream: IO[bytes]) -> None:
        reading = Hashing(stream)
        self.tar.addfile(info, cast("IO[bytes]", reading))
        if reading.size != info.size:
            raise Failure(f"{info.name} became shorter while it was read")
        self.members[info.name] = reading.digest

    def directory(self, path: str, name: str) -> None:
        """All that is below, links as links."""
        for root, directories, files in os.walk(path, onerror=unreadable):
            directories.sort()
            below = os.path.normpath(os.path.join(name, os.path.relpath(root, path)))
            self._entry(root, below)
            for entry in sorted([*files, *(item for item in directories if os.path.islink(os.path.join(root, item)))]):
                self._entry(os.path.join(root, entry), os.path.join(below, entry))

    def _entry(self, path: str, name: str) -> None:
        info = self.tar.gettarinfo(path, self._name(name))
        if info is None:
            return  # a socket
        if stat.S_ISREG(os.lstat(path).st_mode):
            # Backups may share files by hard links; here each is whole.
            info.type, info.linkname, info.size = tarfile.REGTYPE, "", os.path.getsize(path)
            with open(path, "rb") as stream:
                self._add(info, stream)
        else:
            self.tar.addfile(info)
            self.members[info.name] = None

    def checksums(self) -> None:
        cut = len(self.top) + 1
        lines = [f"{digest}  {name[cut:]}" for name, digest in self.members.items() if digest is not None]
        self.text("SHA256SUMS", "\n".join(lines) + "\n")


def unreadable(error: OSError) -> None:
    raise Failure(f"{error.filename} can't be read: {error.strerror}")


def chain(backup: Backup) -> list[Backup]:
    """The backup and those that it builds upon, the full one first."""
    found = [backup]
    while True:
        parent = found[0].info().get("parent_backup_id")
        if not parent:
            return found
        place = os.path.join(os.path.dirname(backup.directory.rstrip("/")), parent)
        found.insert(0, Backup(backup.server, parent, place, backup.info_path.replace(backup.id, parent)))


def write_tar(backup: Backup, info: dict[str, str], out: Hashing, compression: str) -> dict[str, str | None]:
    names = segments(info)
    paths = archived(backup, names)
    backups = chain(backup)
    with (
        compressing(out, compression) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", bufsize=RECORD) as tar,
    ):
        contents = Contents(tar, f"{backup.server}-{backup.id}")
        contents.text("RESTORE.txt", how_to_restore(backup, info, backups, names))
        for item in backups:
            with open(item.info_path, encoding="utf-8", errors="surrogateescape") as stream:
                contents.text(f"base/{item.id}.info", stream.read())
            contents.directory(item.directory, f"base/{item.id}")
        for name in names:
            with open_segment(backup.server, paths[name], segment_size(info)) as segment:
                contents.stream(f"wal/{name}", segment, segment_size(info))
        contents.checksums()
    return contents.members


def how_to_restore(backup: Backup, info: dict[str, str], backups: Sequence[Backup], names: Sequence[str]) -> str:
    if len(backups) > 1:
        unpack = "pg_combinebackup --output NEW {}".format(" ".join(f"base/{item.id}/data" for item in backups))
    elif info.get("compression"):
        unpack = f"Unpack base/{backup.id}/data/base.tar.* into the new data directory (tablespaces: the other files)."
    else:
        unpack = f"Move base/{backup.id}/data to where the data directory is to be, mode 0700."
    if info.get("tablespaces", "[]") != "[]":
        unpack += f"\n   Move base/{backup.id}/OID to where each tablespace is to be, and link pg_tblspc/OID to it."
    return RESTORE.format(
        id=backup.id,
        server=backup.server,
        version=int(info.get("version", "0")) // 10000,
        chain=""
        if len(backups) == 1
        else "s {}, each built upon the one before".format(", ".join(b.id for b in backups)),
        begin=names[0],
        end=names[-1],
        unpack=unpack,
    )


def verify_tar(path: str, written: Hashing, members: dict[str, str | None], compression: str) -> None:
    """Read it back from the medium, and compare all of it."""
    with open(path, "rb") as medium:
        # What the kernel still has of it proves nothing.
        with contextlib.suppress(OSError):
            os.posix_fadvise(medium.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        reading = Hashing(medium, written.size)
        found: dict[str, str | None] = {}
        try:
            with decompressing(reading, compression) as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
                for member in tar:
                    stream = tar.extractfile(member) if member.isreg() else None
                    found[member.name] = None if stream is None else digest_of(stream)
            while reading.read(CHUNK):
                pass
        except (OSError, EOFError, tarfile.TarError, lzma.LZMAError) as error:
            raise Failure(f"{path} can't be read back: {error}") from None
    if found != members or (reading.size, reading.digest) != (written.size, written.digest):
        raise Failure(f"{path} is not what was written to it")


def digest_of(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for data in iter(lambda: stream.read(CHUNK), b""):
        digest.update(data)
    return digest.hexdigest()


def tar_to_directory(backup: Backup, info: dict[str, str], directory: str, *, mounted: bool, compression: str) -> str:
    try:
        device = os.stat(directory).st_dev
    except OSError as error:
        raise Failure(f"{directory}: {error.strerror}") from None
    if mounted and device == os.stat(backup.directory).st_dev:
        raise Failure(f"{directory} is on the same file system as the backup: its medium is not mounted")
    start = f"{backup.server}-{backup.id}"
    name = start + SUFFIXES[compression]
    path, partial = os.path.join(directory, name), os.path.join(directory, f".{name}.partial")
    if os.path.exists(path):
        # It got its name after it was verified.
        return f"{path} is there already"
    remove_partials(directory, backup.server)
    try:
        with open(partial, "xb", opener=private) as file:
            out = Hashing(file)
            members = write_tar(backup, info, out, compression)
            file.flush()
            os.fsync(file.fileno())
        verify_tar(partial, out, members, compression)
        with open(path + ".sha256", "w", encoding="utf-8", opener=private) as file:
            file.write(f"{out.digest}  {name}\n")
            file.flush()
            os.fsync(file.fileno())
        os.rename(partial, path)
        sync_directory(directory)
    except OSError as error:
        raise Failure(f"{error.filename or path}: {error.strerror or error}") from None
    finally:
        if os.path.exists(partial):
            os.unlink(partial)
    return f"{path}: {out.size} bytes, sha256 {out.digest}"


def private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def remove_partials(directory: str, server: str) -> None:
    """What a run left that was killed; Barman takes one backup of a server at a time."""
    ours = re.compile(rf"\.{re.escape(server)}-\d{{8}}T\d{{6}}\.tar[.a-z0-9]*\.partial")
    for name in os.listdir(directory):
        if ours.fullmatch(name):
            os.unlink(os.path.join(directory, name))


def sync_directory(directory: str) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Records(io.RawIOBase):
    """Writes to a device in whole records; the last one is filled with zeros."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._buffer = bytearray()

    def write(self, data: Any) -> int:
        self._buffer += data
        while len(self._buffer) >= RECORD:
            self._put(bytes(self._buffer[:RECORD]))
            del self._buffer[:RECORD]
        return len(data)

    def finish(self) -> None:
        if self._buffer:
            self._put(bytes(self._buffer).ljust(RECORD, b"\0"))
            self._buffer.clear()

    def _put(self, record: bytes) -> None:
        if os.write(self._handle, record) != RECORD:
            raise OSError(28, "a record was written in part: the medium is full")


def tar_to_device(backup: Backup, info: dict[str, str], device: str, compression: str) -> str:
    """The device is written from where it stands, and read back from there: a tape must rewind when it is closed."""
    try:
        handle = os.open(device, os.O_WRONLY)
        try:
            records = Records(handle)
            out = Hashing(cast("IO[bytes]", records))
            members = write_tar(backup, info, out, compression)
            records.finish()
            with contextlib.suppress(OSError):
                os.fsync(handle)  # a tape has no such thing
        finally:
            os.close(handle)
    except OSError as error:
        raise Failure(f"{error.filename or device}: {error.strerror or error}") from None
    verify_tar(device, out, members, compression)
    return f"{device}: {out.size} bytes of backup {backup.id}, sha256 {out.digest}"


# --- S3 ---------------------------------------------------------------------------------------------------------------


class Bucket(NamedTuple):
    """A place in S3, with the arguments of barman-cloud for it."""

    url: str
    endpoint_url: str | None
    profile: str | None
    credentials: str | None
    region: str | None
    compression: str
    encryption: str | None
    jobs: int

    def environment(self) -> dict[str, str]:
        found = {}
        if self.credentials:
            found["AWS_SHARED_CREDENTIALS_FILE"] = self.credentials
        if self.region:
            found["AWS_DEFAULT_REGION"] = self.region
        return found

    def arguments(self) -> list[str]:
        # -P is understood by every version.
        options = (("--endpoint-url", self.endpoint_url), ("-P", self.profile), ("--encryption", self.encryption))
        return [word for name, value in options if value for word in (name, value)] + FLAGS[self.compression]

    @property
    def name(self) -> str:
        return self.url[len("s3://") :].partition("/")[0]

    @property
    def path(self) -> str:
        return self.url[len("s3://") :].partition("/")[2].strip("/")

    def key(self, *parts: str) -> str:
        return "/".join([part for part in (self.path, *parts) if part])


def run_cloud(program: str, bucket: Bucket, server: str, *more: str, **environment: str) -> None:
    """Run a program of barman-cloud; as a hook script it takes what it does from Barman's environment."""
    command = [program, *bucket.arguments(), *more, bucket.url, server]
    try:
        done = subprocess.run(
            command, env={**os.environ, **bucket.environment(), **environment}, stdin=subprocess.DEVNULL, check=False
        )
    except OSError as error:
        raise Failure(f"{program} can't be started: {error.strerror}") from None
    if done.returncode != 0:
        raise Failure(f"{program} failed (exit code {done.returncode})")


def s3_wal(bucket: Bucket, server: str) -> str:
    run_cloud("barman-cloud-wal-archive", bucket, server)
    return "{} is in {}".format(os.environ.get("BARMAN_SEGMENT", "the segment"), bucket.url)


def s3_backup(backup: Backup, bucket: Bucket, info: dict[str, str]) -> str:
    if info.get("parent_backup_id"):
        return f"backup {backup.id} is an increment; the full backups and all WAL are in {bucket.url}"
    run_cloud("barman-cloud-backup", bucket, backup.server, "--jobs", str(bucket.jobs), BARMAN_STATUS="DONE")
    try:
        verify_s3(backup, bucket, info)
    except Failure:
        raise
    except Exception as error:  # boto3 has many, and no common base that is always there
        raise Failure(f"the content of {bucket.url} can't be read: {error}") from None
    return f"backup {backup.id} and its WAL are in {bucket.url}"


def verify_s3(backup: Backup, bucket: Bucket, info: dict[str, str]) -> None:
    """See in the bucket what a restore needs."""
    client = s3_client(bucket)
    prefix = bucket.key(backup.server, "base", backup.id) + "/"
    sizes = listed(client, bucket.name, prefix)
    requested = ["data", *tablespace_oids(info)]
    missing = [name for name in requested if not any(re.match(re.escape(name) + r"[._]", key) for key in sizes)]
    if "backup.info" not in sizes:
        missing.append("backup.info")
    else:
        body = (
            client.get_object(Bucket=bucket.name, Key=prefix + "backup.info")["Body"].read().decode("utf-8", "replace")
        )
        if "status=DONE" not in body.splitlines():
            missing.append("backup.info with status DONE")
    needed = segments(info)
    for directory in sorted({name[:16] for name in needed}):
        there = {name[:24] for name in listed(client, bucket.name, bucket.key(backup.server, "wals", directory) + "/")}
        missing += [name for name in needed if name[:16] == directory and name not in there]
    if missing:
        raise Failure(
            "in {} there is not all that a restore of backup {} needs; missing: {}".format(
                bucket.url, backup.id, ", ".join(missing[:5])
            )
        )


def tablespace_oids(info: dict[str, str]) -> list[str]:
    """backup.info has tablespaces as a list of tuples: (name, oid, location)."""
    return re.findall(r"\('(?:[^'\\]|\\.)*', (\d+),", info.get("tablespaces", ""))


def s3_client(bucket: Bucket) -> Any:
    os.environ.update(bucket.environment())
    try:
        import boto3  # barman-cloud needs it too
    except ImportError:
        raise Failure("boto3 is not installed, and barman-cloud needs it: install python3-boto3") from None
    return boto3.session.Session(profile_name=bucket.profile).client("s3", endpoint_url=bucket.endpoint_url)


def listed(client: Any, bucket: str, prefix: str) -> dict[str, int]:
    """The objects below the prefix, by the rest of their keys."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {item["Key"][len(prefix) :]: item["Size"] for page in pages for item in page.get("Contents", [])}


# --- the program ------------------------------------------------------------------------------------------------------


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="export", description="Export a finished backup, as a hook script of Barman.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    tar = kinds.add_parser("tar")
    where = tar.add_mutually_exclusive_group(required=True)
    where.add_argument("--directory")
    where.add_argument("--device")
    tar.add_argument("--mounted", action="store_true", help="refuse the file system that the backup is on")
    tar.add_argument("--compression", choices=sorted(SUFFIXES), default="none")
    s3 = kinds.add_parser("s3")
    s3.add_argument("--url", required=True)
    s3.add_argument("--endpoint-url")
    s3.add_argument("--profile")
    s3.add_argument("--credentials", help="a shared credentials file")
    s3.add_argument("--region")
    s3.add_argument("--compression", choices=sorted(FLAGS), default="none")
    s3.add_argument("--encryption")
    s3.add_argument("--jobs", type=int, default=2)
    for kind in (tar, s3):
        kind.add_argument("--wait", type=float, default=600.0, help="seconds to wait for the backup's last WAL")
    return parser.parse_args(argv)


def export(options: argparse.Namespace) -> str:
    bucket = None
    if options.kind == "s3":
        names = Bucket._fields
        bucket = Bucket(**{name: getattr(options, name) for name in names})
        if os.environ.get("BARMAN_HOOK", "").startswith("archive"):
            return s3_wal(bucket, os.environ["BARMAN_SERVER"])
    backup = backup_from_environment()
    if os.environ.get("BARMAN_STATUS") == "FAILED":
        # Barman reports the failed backup itself.
        return "backup {} failed, so there is nothing to export: {}".format(
            backup.id, os.environ.get("BARMAN_ERROR", "")
        )
    info = settle(backup, options.wait)
    if bucket is not None:
        return s3_backup(backup, bucket, info)
    if options.directory:
        return tar_to_directory(
            backup, info, options.directory, mounted=options.mounted, compression=options.compression
        )
    return tar_to_device(backup, info, options.device, options.compression)


def main(argv: Sequence[str]) -> int:
    try:
        print(export(parse(argv)))
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
