# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Comparing a backup's files with its manifest: plain, packed, incremental, damaged in each way."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._backup.verification import (
    BackupVerification,
    DamagedBackup,
    verify_backup,
)
from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Backup
from ansible_collections.pgdr.barman.plugins.module_utils._barman.snapshots import Snapshots
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.backup_manifest import (
    ManifestError,
    new_sum,
    parse_manifest,
)
from tests.tools import debian
from tests.unit.plugins.module_utils._recover.recovery_world import SYSTEM, backup

FILES = {
    "PG_VERSION": b"17\n",
    "base/5/1259": bytes(range(256)) * 64,
    "base/5/16384": b"\xaa" * 100000,
    "global/pg_control": bytes(8192),
    "pg_tblspc/16400/PG_17_202406281/5/16401": b"in a tablespace" * 1000,
    "empty": b"",
}


def sum_of(algorithm: str, data: bytes) -> str:
    found = new_sum(algorithm)
    found.update(data)
    return found.hexdigest()


def manifest(files: dict[str, bytes], algorithm: str = "CRC32C", **more: Any) -> bytes:
    """As pg_basebackup writes it."""
    lines = ['{ "PostgreSQL-Backup-Manifest-Version": 1,']
    lines += [f'"{key}": {json.dumps(value)},' for key, value in more.items()]
    entries: list[str] = []
    for path, data in files.items():
        entry: dict[str, Any] = {"Path": path, "Size": len(data), "Last-Modified": "2026-11-20 08:00:00 GMT"}
        if algorithm != "NONE":
            entry |= {"Checksum-Algorithm": algorithm, "Checksum": sum_of(algorithm, data)}
        entries.append(json.dumps(entry))
    text = "\n".join([*lines, '"Files": [', ",\n".join(entries), "],", '"WAL-Ranges": [],', ""]).encode()
    return text + b'"Manifest-Checksum": "%s"}\n' % hashlib.sha256(text).hexdigest().encode()


class Base:
    """Barman's directory of backups."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.backup = backup(2, 10)

    def path(self, path: str, one: Backup | None = None) -> Path:
        directory = self.root / (one or self.backup).backup_id
        if path.startswith("pg_tblspc/"):
            return directory / path.split("/", 1)[1]
        return directory / "data" / path

    def write(self, files: dict[str, bytes] = FILES, one: Backup | None = None, **more: Any) -> None:
        for path, data in files.items():
            self.path(path, one).parent.mkdir(parents=True, exist_ok=True)
            self.path(path, one).write_bytes(data)
        self.path("backup_manifest", one).write_bytes(manifest(files, **more))

    def pack(self, ending: str, *program: str) -> None:
        data = self.root / self.backup.backup_id / "data"
        data.mkdir(parents=True)
        for stem in ("base", "16400"):
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as tar:
                for path, content in FILES.items():
                    of_tablespace = path.startswith("pg_tblspc/")
                    if of_tablespace == (stem != "base"):
                        member = tarfile.TarInfo(path.split("/", 2)[2] if of_tablespace else path)
                        member.size = len(content)
                        tar.addfile(member, io.BytesIO(content))
            plain = packed.getvalue()
            if program:
                plain = subprocess.run([*program, "-c"], input=plain, capture_output=True, check=True).stdout
            (data / (stem + ending)).write_bytes(plain)
        (data / "backup_manifest").write_bytes(manifest(FILES))

    def verify(self, *backups: Backup, **more: Any) -> BackupVerification:
        return verify_backup("pg", backups or [self.backup], str(self.root), **more)


@pytest.fixture
def base(tmp_path: Path) -> Base:
    return Base(tmp_path)


@pytest.mark.parametrize("algorithm", ["CRC32C", "SHA224", "SHA256", "SHA384", "SHA512"])
def test_a_backup_as_it_was_taken(base: Base, algorithm: str) -> None:
    base.write(algorithm=algorithm)
    verified = base.verify()
    assert verified.reason == ""
    assert verified.files == len(FILES)
    assert verified.bytes == sum(map(len, FILES.values()))
    assert verified.algorithms == (algorithm,)
    assert verified.as_dict()["status"] == "verified"


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("path", ["base/5/16384", "pg_tblspc/16400/PG_17_202406281/5/16401"])
def test_noise_in_a_file_is_found(base: Base, path: str, processes: int) -> None:
    base.write()
    data = bytearray(base.path(path).read_bytes())
    data[8192:8200] = b"NOISE!!!"
    base.path(path).write_bytes(data)
    with pytest.raises(DamagedBackup) as raised:
        base.verify(processes=processes)
    assert str(base.path(path)) in str(raised.value)
    assert base.backup.backup_id in str(raised.value)
    assert "barman_recover_verify_backup=false" in str(raised.value)


def test_a_wrong_size_is_found_before_anything_is_read(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    base.write()
    base.path("base/5/1259").write_bytes(b"short")
    monkeypatch.setattr("ansible_collections.pgdr.barman.plugins.module_utils._backup.stored_files.in_processes", None)
    with pytest.raises(DamagedBackup, match="base/5/1259 has 5 bytes, and 16384 in the manifest"):
        base.verify()


def test_a_missing_file(base: Base) -> None:
    base.write()
    base.path("global/pg_control").unlink()
    with pytest.raises(DamagedBackup, match="global/pg_control: No such file"):
        base.verify()


def test_many_damaged_files_are_counted(base: Base) -> None:
    files = {f"base/5/{number}": b"x" * 100 for number in range(20)}
    base.write(files)
    for path in files:
        base.path(path).write_bytes(b"y" * 100)
    with pytest.raises(DamagedBackup, match="and 15 more"):
        base.verify()


def test_a_damaged_manifest(base: Base) -> None:
    base.write()
    text = base.path("backup_manifest").read_bytes()
    base.path("backup_manifest").write_bytes(text.replace(b'"Size": 3', b'"Size": 4'))
    with pytest.raises(DamagedBackup, match="its checksum of itself is wrong"):
        base.verify()
    base.path("backup_manifest").write_bytes(text[:200])
    with pytest.raises(DamagedBackup, match="no checksum of itself"):
        base.verify()


def test_the_manifest_of_another_server(base: Base) -> None:
    base.write(FILES, None, **{"System-Identifier": 42})
    with pytest.raises(DamagedBackup, match="system identifier 42"):
        base.verify()
    base.write(FILES, None, **{"System-Identifier": SYSTEM})
    assert base.verify().reason == ""


def test_files_that_are_written_after_the_manifest_are_passed_over(base: Base) -> None:
    base.write({**FILES, "postgresql.auto.conf": b"old", "pg_wal/000000010000000000000001": b"wal"})
    base.path("postgresql.auto.conf").write_bytes(b"new")
    base.path("pg_wal/000000010000000000000001").unlink()
    assert base.verify().files == len(FILES)


def test_a_manifest_without_checksums(base: Base) -> None:
    base.write(algorithm="NONE")
    verified = base.verify()
    assert verified.unsummed == len(FILES)
    assert verified.algorithms == ("NONE",)


def test_a_name_that_is_not_utf_8(base: Base) -> None:
    entry = {"Encoded-Path": b"caf\xe9".hex(), "Size": 1}
    text = b'{"Files": [%s],\n' % json.dumps(entry).encode()
    text += b'"Manifest-Checksum": "%s"}\n' % hashlib.sha256(text).hexdigest().encode()
    assert os.fsencode(next(iter(parse_manifest(text).files))) == b"caf\xe9"


@pytest.mark.parametrize("path", ["/etc/passwd", "../../other"])
def test_a_path_that_leads_out_of_the_backup(path: str) -> None:
    with pytest.raises(ManifestError, match="outside of the backup"):
        parse_manifest(manifest({path: b""}))


def test_an_unknown_algorithm() -> None:
    with pytest.raises(ManifestError, match="'MD5' is unknown"):
        parse_manifest(_with_algorithm("MD5"))


def _with_algorithm(name: str) -> bytes:
    text = b'{"Files": [{"Path": "a", "Size": 0, "Checksum-Algorithm": "%s"}],\n' % name.encode()
    return text + b'"Manifest-Checksum": "%s"}\n' % hashlib.sha256(text).hexdigest().encode()


@pytest.mark.parametrize("text", [b"", b"{}", b'[1]\n"Manifest-Checksum": "x"}', b'{"Manifest-Checksum": 3}'])
def test_what_is_no_manifest(text: bytes) -> None:
    with pytest.raises(ManifestError):
        parse_manifest(text)


def test_an_incremental_backup_is_verified_with_what_it_builds_upon(base: Base) -> None:
    base.write()
    increment = backup(4, 20, parent_backup_id=base.backup.backup_id)
    base.write({"PG_VERSION": b"17\n", "base/5/INCREMENTAL.16384": b"blocks"}, increment)
    verified = base.verify(increment, base.backup)
    assert verified.backups == (increment.backup_id, base.backup.backup_id)
    assert verified.files == len(FILES) + 2
    base.path("base/5/16384").write_bytes(b"z" * 100000)
    with pytest.raises(DamagedBackup, match=f"backup {base.backup.backup_id} of server 'pg' is damaged"):
        base.verify(increment, base.backup)


TARS = [(".tar", ()), (".tar.gz", ("gzip",)), (".tar.lz4", ("lz4",)), (".tar.zst", ("zstd",))]
PROGRAMS = {one.name: one for one in (debian.LZ4, debian.ZSTD)}


@pytest.mark.parametrize(("ending", "program"), TARS)
def test_a_packed_backup(base: Base, ending: str, program: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    needed = [PROGRAMS[one] for one in program if one in PROGRAMS]
    monkeypatch.setenv("PATH", debian.path_with(os.environ["PATH"], *needed))
    base.backup = replace(base.backup, compression="gzip")
    base.pack(ending, *program)
    verified = base.verify()
    assert (verified.reason, verified.files) == ("", len(FILES))


def test_a_packed_backup_that_is_damaged(base: Base) -> None:
    base.backup = replace(base.backup, compression="gzip")
    base.pack(".tar")
    packed = base.root / base.backup.backup_id / "data" / "16400.tar"
    packed.write_bytes(packed.read_bytes().replace(b"tablespace", b"TABLESPACE", 1))
    with pytest.raises(DamagedBackup, match=r"the checksum \(CRC32C\) of PG_17_\d+/5/16401 in .*16400.tar is wrong"):
        base.verify()
    packed.unlink()
    with pytest.raises(DamagedBackup, match="in the manifest and in no file of"):
        base.verify()


def test_a_packed_backup_that_is_cut_off(base: Base) -> None:
    base.backup = replace(base.backup, compression="gzip")
    base.pack(".tar.gz", "gzip")
    packed = base.root / base.backup.backup_id / "data" / "base.tar.gz"
    packed.write_bytes(packed.read_bytes()[:-100])
    with pytest.raises(DamagedBackup, match=r"base\.tar\.gz can't be unpacked"):
        base.verify()


def test_a_program_that_is_missing(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    base.backup = replace(base.backup, compression="lz4")
    base.pack(".tar.lz4")
    monkeypatch.setenv("PATH", "/nowhere")
    assert "the program lz4 is not installed" in base.verify().reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"encryption": "gpg"}, "is encrypted"),
        ({"snapshots": Snapshots("aws", {}, ())}, "is of snapshots"),
        ({}, "has no manifest"),
        ({"compression": "custom"}, "is compressed in an unknown format"),
    ],
)
def test_what_can_not_be_verified_is_reported_with_its_reason(base: Base, change: dict[str, Any], reason: str) -> None:
    base.backup = replace(base.backup, **change)
    data = base.root / base.backup.backup_id / "data"
    data.mkdir(parents=True)
    if "compression" in change:
        (data / "backup_manifest").write_bytes(manifest(FILES))
    verified = base.verify()
    assert reason in verified.reason
    assert verified.as_dict()["status"] == "not verified"


def test_a_manifest_that_pg_basebackup_wrote_and_is_gone(base: Base) -> None:
    base.write()
    base.path("backup_manifest").unlink()
    assert "has no manifest" in base.verify(replace(base.backup, mode="rsync-concurrent")).reason
    with pytest.raises(DamagedBackup, match="its manifest is missing"):
        base.verify(replace(base.backup, mode="postgres"))


def test_what_an_earlier_run_verified_is_not_read_again(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    base.write()
    first = base.verify()
    monkeypatch.setattr("ansible_collections.pgdr.barman.plugins.module_utils._backup.stored_files.in_processes", None)
    again = base.verify(earlier=first.as_dict())
    assert again.reused
    assert (again.files, again.bytes) == (first.files, first.bytes)
    os.utime(base.path("PG_VERSION"), ns=(1, 1))
    with pytest.raises(TypeError):
        base.verify(earlier=first.as_dict())
