# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The exports, run as Barman runs them, beside a Barman and a barman-cloud that say what the tests want."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PROGRAM = REPOSITORY / "roles" / "hooks" / "files" / "export.py"
SEGMENT = 1024 * 1024
ID = "20261120T120000"
# With segments of 1 MiB the last part of a name goes up to FFF.
WAL = ["000000010000000000000FFE", "000000010000000000000FFF", "000000010000000100000000", "000000010000000100000001"]
FIRST, LAST = WAL[0], WAL[-1]
BARMAN = """\
#!/bin/sh
# A Barman with one server. archive-wal makes the backup DONE, once so many calls came.
echo "$@" >>"$WORLD/barman.calls"
[ "$1" = -q ] && shift
case $1 in
archive-wal)
    [ ! -e "$WORLD/never" ] && sed -i s/WAITING_FOR_WALS/DONE/ "$BARMAN_BACKUP_INFO_PATH" ;;
list-files) find "$WORLD/pg/base/$5" "$WORLD/pg/wals" -type f ;;
get-wal) gzip -dc "$WORLD/pg/wals"/*/"$3" ;;
esac
"""
CLOUD = """\
#!/bin/sh
echo "$(basename "$0") $* $BARMAN_STATUS $AWS_SHARED_CREDENTIALS_FILE" >>"$WORLD/cloud.calls"
exit "$(cat "$WORLD/cloud.code" 2>/dev/null || echo 0)"
"""
BOTO3 = """\
import io, json, os
def keys():
    with open(os.path.join(os.environ["WORLD"], "bucket.json")) as stream:
        return json.load(stream)
class Client:
    def get_paginator(self, name):
        return self
    def paginate(self, Bucket, Prefix):
        assert Bucket == "copies"
        found = [{"Key": key, "Size": 1} for key in keys() if key.startswith(Prefix)]
        return [{}, {"Contents": found}]
    def get_object(self, Bucket, Key):
        return {"Body": io.BytesIO(keys()[Key].encode())}
class session:
    class Session:
        def __init__(self, profile_name):
            pass
        def client(self, service, endpoint_url):
            return Client()
"""


class World:
    """A backup in Barman's directory, with its WAL, and the environment of its post_backup_script."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.base = path / "pg" / "base"
        self.medium = path / "medium"
        self.medium.mkdir()
        self.programs = path / "bin"
        self.programs.mkdir()
        for name, text in (("barman", BARMAN), ("barman-cloud-backup", CLOUD), ("barman-cloud-wal-archive", CLOUD)):
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o755)
        (path / "boto3.py").write_text(BOTO3)
        self.backup(ID)
        for number, name in enumerate(WAL):
            file = path / "pg" / "wals" / name[:16] / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(bytes([number + 1]) * SEGMENT)
        self.environment = {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(path),
            "WORLD": str(path),
            "BARMAN_SERVER": "pg",
            "BARMAN_PHASE": "post",
            "BARMAN_HOOK": "backup_script",
            "BARMAN_STATUS": "WAITING_FOR_WALS",
            "BARMAN_ERROR": "",
            "BARMAN_BACKUP_ID": ID,
            "BARMAN_BACKUP_DIR": str(self.base / ID),
            "BARMAN_BACKUP_INFO_PATH": str(self.info(ID)),
        }

    def info(self, backup_id: str) -> Path:
        return self.path / "pg" / "meta" / f"{backup_id}-backup.info"

    def backup(self, backup_id: str, parent: str | None = None, status: str = "WAITING_FOR_WALS") -> None:
        data = self.base / backup_id / "data"
        (data / "base" / "1").mkdir(parents=True)
        (data / "pg_wal").mkdir()
        (data / "PG_VERSION").write_text("17\n")
        (data / "base" / "1" / "1259").write_bytes(os.urandom(100_000))
        (data / "empty").touch()
        (self.base / backup_id / "16400").mkdir()
        (self.base / backup_id / "16400" / "PG_17").write_text("x")
        (data / "link").symlink_to("PG_VERSION")
        os.link(data / "PG_VERSION", data / "PG_VERSION.too")
        self.info(backup_id).parent.mkdir(exist_ok=True)
        self.info(backup_id).write_text(
            f"backup_label=None\nstatus={status}\nbegin_wal={FIRST}\nend_wal={LAST}\nversion=170011\n"
            f"xlog_segment_size={SEGMENT}\ntablespaces=[('the \\'fast\\' one', 16400, '/srv/fast')]\n"
            f"parent_backup_id={parent}\ncompression=None\n"
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(PROGRAM), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def tar(self, *more: str) -> subprocess.CompletedProcess[str]:
        return self.run("tar", "--directory", str(self.medium), "--wait", "10", *more)

    def on_medium(self) -> list[str]:
        return sorted(path.name for path in self.medium.iterdir())

    def calls(self, of: str) -> list[str]:
        file = self.path / f"{of}.calls"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def unpack(tar: Path, to: Path) -> Path:
    to.mkdir()
    subprocess.run(["tar", "-xf", str(tar), "-C", str(to), "--strip-components=1"], check=True)
    return to


def same(one: Path, other: Path) -> bool:
    return subprocess.run(["diff", "-r", "--no-dereference", str(one), str(other)], check=False).returncode == 0


# --- tar --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("compression", "suffix"), [("none", ""), ("gzip", ".gz"), ("bzip2", ".bz2"), ("xz", ".xz")])
def test_a_tar_is_complete(world: World, compression: str, suffix: str) -> None:
    done = world.tar("--compression", compression)
    assert (done.returncode, done.stderr) == (0, "")
    name = f"pg-{ID}.tar{suffix}"
    assert world.on_medium() == [name, f"{name}.sha256"]
    assert (
        subprocess.run(["sha256sum", "--check", "--quiet", f"{name}.sha256"], cwd=world.medium, check=False).returncode
        == 0
    )
    there = unpack(world.medium / name, world.path / "unpacked")
    assert same(there / "base" / ID, world.base / ID)
    assert sorted(path.name for path in (there / "wal").iterdir()) == WAL
    assert all(path.stat().st_size == SEGMENT for path in (there / "wal").iterdir())
    assert "status=DONE" in (there / "base" / f"{ID}.info").read_text()
    assert subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=there, check=False).returncode == 0
    listed = {line.split("  ", 1)[1] for line in (there / "SHA256SUMS").read_text().splitlines()}
    assert {f"base/{ID}/data/PG_VERSION.too", f"base/{ID}/16400/PG_17", f"wal/{FIRST}", "RESTORE.txt"} <= listed
    assert f"{FIRST} to {LAST}" in (there / "RESTORE.txt").read_text()


def test_a_tar_waits_for_the_last_wal(world: World) -> None:
    assert world.tar().returncode == 0
    assert [call.split()[:2] for call in world.calls("barman")[:2]] == [["-q", "switch-wal"], ["-q", "archive-wal"]]
    assert "switch-wal --force pg" in world.calls("barman")[0]


def test_a_server_without_the_role_is_not_forced(world: World) -> None:
    world.info(ID).write_text(world.info(ID).read_text().replace("170011", "140020"))
    assert world.tar().returncode == 0
    assert world.calls("barman")[0] == "-q switch-wal pg"


def test_wal_that_does_not_come_is_a_failure(world: World) -> None:
    (world.path / "never").touch()
    done = world.run("tar", "--directory", str(world.medium), "--wait", "1")
    assert done.returncode == 1
    assert f"the last segment is {LAST}" in done.stderr
    assert world.on_medium() == []


def test_a_failed_backup_is_nothing_to_export(world: World) -> None:
    world.environment.update(BARMAN_STATUS="FAILED", BARMAN_ERROR="no room")
    done = world.tar()
    assert done.returncode == 0
    assert "nothing to export: no room" in done.stdout
    assert world.on_medium() == []
    assert world.calls("barman") == []


def test_a_backup_that_fails_meanwhile_is_a_failure(world: World) -> None:
    world.info(ID).write_text(world.info(ID).read_text().replace("WAITING_FOR_WALS", "FAILED"))
    assert world.tar().returncode == 1
    assert world.on_medium() == []


def test_compressed_wal_is_unpacked(world: World) -> None:
    file = world.path / "pg" / "wals" / WAL[1][:16] / WAL[1]
    content = file.read_bytes()
    file.write_bytes(gzip.compress(content))
    assert world.tar().returncode == 0
    there = unpack(world.medium / f"pg-{ID}.tar", world.path / "unpacked")
    assert (there / "wal" / WAL[1]).read_bytes() == content


def test_missing_wal_is_a_failure(world: World) -> None:
    (world.path / "pg" / "wals" / WAL[2][:16] / WAL[2]).unlink()
    done = world.tar()
    assert done.returncode == 1
    assert WAL[2] in done.stderr
    assert world.on_medium() == []


def test_an_increment_comes_with_what_it_builds_on(world: World) -> None:
    full = "20261119T120000"
    world.backup(full, status="DONE")
    world.info(ID).write_text(world.info(ID).read_text().replace("parent_backup_id=None", f"parent_backup_id={full}"))
    assert world.tar().returncode == 0
    there = unpack(world.medium / f"pg-{ID}.tar", world.path / "unpacked")
    assert same(there / "base" / full, world.base / full)
    assert same(there / "base" / ID, world.base / ID)
    assert f"pg_combinebackup --output NEW base/{full}/data base/{ID}/data" in (there / "RESTORE.txt").read_text()


def test_what_a_killed_run_left_goes_and_nothing_else(world: World) -> None:
    (world.medium / ".pg-20261101T120000.tar.gz.partial").touch()
    others = [".pg-other-20261101T120000.tar.partial", ".other.partial", "pg-20261101T120000.tar"]
    for name in others:
        (world.medium / name).touch()
    assert world.tar().returncode == 0
    assert world.on_medium() == sorted([*others, f"pg-{ID}.tar", f"pg-{ID}.tar.sha256"])


def test_a_tar_that_is_there_is_not_made_again(world: World) -> None:
    assert world.tar().returncode == 0
    before = (world.medium / f"pg-{ID}.tar").stat()
    done = world.tar()
    assert (done.returncode, "is there already" in done.stdout) == (0, True)
    after = (world.medium / f"pg-{ID}.tar").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_medium_that_is_not_mounted(world: World) -> None:
    done = world.tar("--mounted")
    assert done.returncode == 1
    assert "its medium is not mounted" in done.stderr


def test_a_medium_that_is_not_there(world: World) -> None:
    world.medium.rmdir()
    done = world.tar()
    assert done.returncode == 1
    assert "No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_medium_leaves_nothing(world: World) -> None:
    # A limit of the process: no file may become larger than 1 MiB.
    limited = f"ulimit -f 1024; trap '' XFSZ; exec {sys.executable} {PROGRAM} tar --directory {world.medium}"
    done = subprocess.run(
        ["bash", "-c", limited], env=world.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert world.on_medium() == []


def test_what_is_read_back_must_be_what_was_written(world: World) -> None:
    """A device that forgets: whatever is written to it, zeros are read."""
    done = world.run("tar", "--device", "/dev/full")
    assert done.returncode == 1
    done = world.run("tar", "--device", "/dev/null")
    assert done.returncode == 1
    assert "not what was written" in done.stderr or "can't be read back" in done.stderr


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_tape(world: World, compression: str) -> None:
    """A file stands for it: written from its beginning, in whole records, over what was there, and read from there."""
    tape = world.path / "tape"
    tape.write_bytes(b"the backup of yesterday" * 1_000_000)
    done = world.run("tar", "--device", str(tape), "--compression", compression)
    assert (done.returncode, done.stderr) == (0, "")
    size = int(done.stdout.split(": ", 1)[1].split()[0])
    assert tape.stat().st_size == 23_000_000
    content = tape.read_bytes()
    assert hashlib.sha256(content[:size]).hexdigest() in done.stdout
    padded = -(-size // 10240) * 10240
    assert content[size:padded].strip(b"\0") == b""
    assert content[padded:].startswith((b"the backup of yesterday" * 2_000_000)[padded : padded + 100])
    if compression == "none":
        there = unpack(tape, world.path / "unpacked")
        assert same(there / "base" / ID, world.base / ID)


def test_a_device_that_is_a_file_by_mistake_is_not_made(world: World) -> None:
    done = world.run("tar", "--device", str(world.path / "dev" / "st0"))
    assert done.returncode == 1
    assert "No such file" in done.stderr


def test_the_members_can_be_read_by_python_too(world: World) -> None:
    world.tar()
    with tarfile.open(world.medium / f"pg-{ID}.tar") as tar:
        assert all(member.name.startswith(f"pg-{ID}/") for member in tar)


# --- S3 ---------------------------------------------------------------------------------------------------------------


def bucket(world: World, *, without: str = "", info: str = "status=DONE\n") -> None:
    base = f"lab/pg/base/{ID}"
    keys = {f"{base}/data.tar.gz": "", f"{base}/16400.tar.gz": "", f"{base}/backup.info": info}
    keys.update({f"lab/pg/wals/{name[:16]}/{name}.gz": "" for name in WAL})
    (world.path / "bucket.json").write_text(json.dumps({key: text for key, text in keys.items() if key != without}))


S3 = (
    "s3",
    "--url",
    "s3://copies/lab",
    "--endpoint-url",
    "http://s3",
    "--profile",
    "p",
    "--credentials",
    "/c",
    "--compression",
    "gzip",
)


def test_s3_backup(world: World) -> None:
    bucket(world)
    done = world.run(*S3)
    assert (done.returncode, done.stderr) == (0, "")
    options = "--endpoint-url http://s3 -P p --gzip --jobs 2 s3://copies/lab pg"
    assert world.calls("cloud") == [f"barman-cloud-backup {options} DONE /c"]


@pytest.mark.parametrize(
    ("key", "missing"),
    [
        (f"lab/pg/base/{ID}/data.tar.gz", "data"),
        (f"lab/pg/base/{ID}/16400.tar.gz", "16400"),
        (f"lab/pg/base/{ID}/backup.info", "backup.info"),
        (f"lab/pg/wals/{WAL[0][:16]}/{WAL[0]}.gz", WAL[0]),
        (f"lab/pg/wals/{WAL[3][:16]}/{WAL[3]}.gz", WAL[3]),
    ],
)
def test_objects_that_are_missing_in_the_bucket_are_reported(world: World, key: str, missing: str) -> None:
    bucket(world, without=key)
    done = world.run(*S3)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith(f"missing: {missing}")


def test_a_backup_that_is_not_done_in_the_bucket(world: World) -> None:
    bucket(world, info="status=WAITING_FOR_WALS\n")
    assert "status DONE" in world.run(*S3).stderr


def test_a_bucket_that_cannot_be_asked(world: World) -> None:
    done = world.run(*S3)
    assert done.returncode == 1
    assert "can't be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_barman_cloud_that_fails(world: World) -> None:
    (world.path / "cloud.code").write_text("2")
    done = world.run(*S3)
    assert done.returncode == 1
    assert "barman-cloud-backup failed (exit code 2)" in done.stderr


def test_without_barman_cloud(world: World) -> None:
    (world.programs / "barman-cloud-backup").unlink()
    world.environment["PATH"] = f"{world.programs}:/usr/bin:/bin"
    done = world.run(*S3)
    assert done.returncode == 1
    assert "can't be started" in done.stderr


def test_an_increment_is_left_to_its_wal(world: World) -> None:
    world.backup("20261119T120000", status="DONE")
    world.info(ID).write_text(
        world.info(ID).read_text().replace("parent_backup_id=None", "parent_backup_id=20261119T120000")
    )
    done = world.run(*S3)
    assert (done.returncode, world.calls("cloud")) == (0, [])
    assert "is an increment" in done.stdout


def test_s3_wal(world: World) -> None:
    world.environment.update(
        BARMAN_PHASE="pre", BARMAN_HOOK="archive_retry_script", BARMAN_SEGMENT=WAL[0], BARMAN_STATUS=""
    )
    done = world.run(*S3)
    assert done.returncode == 0
    assert world.calls("cloud") == [
        "barman-cloud-wal-archive --endpoint-url http://s3 -P p --gzip s3://copies/lab pg  /c"
    ]
    assert world.calls("barman") == []


def test_a_manual_run(world: World) -> None:
    del world.environment["BARMAN_BACKUP_ID"]
    done = world.tar()
    assert done.returncode == 1
    assert "BARMAN_BACKUP_ID" in done.stderr
