# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A corpus of planted damages: each drill and each verification fails with the name of the damaged file or segment, and an intact backup passes.

The servers and Barman are real. Damages of the same kind are planted together if the drill reports all of them: then the names
in the error are exactly those that were planted.
"""

from __future__ import annotations

import glob
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Backup, read_backups
from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read
from ansible_collections.pgdr.barman.plugins.module_utils._drill.request import DrillQuery, DrillRequest
from ansible_collections.pgdr.barman.plugins.module_utils._drill.run import DrillEnvironment, run_drills
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import run
from ansible_collections.pgdr.barman.plugins.module_utils._host.result import Result
from ansible_collections.pgdr.barman.plugins.module_utils._stored import backups as stored_backups
from ansible_collections.pgdr.barman.plugins.module_utils._stored import wal_program
from ansible_collections.pgdr.barman.plugins.module_utils._stored.request import VERIFICATION_ARGUMENTS
from ansible_collections.pgdr.barman.plugins.module_utils._stored.run import verify_stored
from ansible_collections.pgdr.barman.plugins.module_utils._verify.request import VerificationQuery

USER = "postgres"
SERVER = "app"


def major_version(program: str) -> int:
    """Of /usr/lib/postgresql/17/bin/postgres or /usr/pgsql-17/bin/postgres."""
    return int("".join(filter(str.isdigit, program.split("/bin/", maxsplit=1)[0])))


PROGRAMS = sorted(
    glob.glob("/usr/lib/postgresql/*/bin/postgres") + glob.glob("/usr/pgsql-*/bin/postgres"), key=major_version
)
BARMAN = shutil.which("barman")
ROWS = 3000

_BARMAN_CONF = """
[barman]
barman_home = {home}
barman_user = {user}
barman_lock_directory = {home}
log_file = {home}/barman.log
log_level = WARNING
path_prefix = {bin}

[{server}]
description = a small server
conninfo = host={sockets} user=postgres dbname=postgres
streaming_conninfo = host={sockets} user=postgres dbname=postgres
backup_method = {method}
archiver = on
streaming_archiver = off
minimum_redundancy = 0
retention_policy =
{options}
"""
_TABLES = f"""
CREATE TABLE orders (id int PRIMARY KEY, customer text NOT NULL, note text);
CREATE INDEX orders_customer ON orders (customer);
CREATE TABLE documents (id int PRIMARY KEY, body text);
ALTER TABLE documents ALTER body SET STORAGE EXTERNAL;
INSERT INTO orders SELECT n, 'customer ' || n % 97, repeat('x', 40) FROM generate_series(1, {ROWS}) n;
INSERT INTO documents SELECT n, repeat(md5(n::text), 300) FROM generate_series(1, 50) n;
"""


@dataclass
class World:
    """root: everything. bin: of PostgreSQL's programs. options: further lines of the server's entry. written: segments with rows after the backup."""

    root: Path
    bin: str
    options: str = ""
    method: str = "postgres"
    facts: dict[str, Any] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.root / "primary"

    @property
    def home(self) -> Path:
        return self.root / "home"

    def run(self, *argv: str, allowed: tuple[int, ...] = (0,)) -> str:
        """Run a command as the server's user, and return its output."""
        account = pwd.getpwnam(USER)
        completed = subprocess.run(
            argv,
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
            cwd="/",
            env={"PATH": f"{self.bin}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "HOME": str(self.root)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert completed.returncode in allowed, f"{argv}: {completed.stdout}"
        return completed.stdout.strip()

    def psql(self, sql: str) -> str:
        return self.run("psql", "-XAtqc", sql, "-h", str(self.root), "-d", "postgres")

    def create(self, *, checksums: bool = True, settings: str = "") -> None:
        """Create the server with its tables, and Barman's configuration; it archives to Barman."""
        account = pwd.getpwnam(USER)
        self.root.mkdir(mode=0o755, parents=True)
        os.chown(self.root, account.pw_uid, account.pw_gid)
        self.run("mkdir", str(self.home))
        self.run(
            "initdb",
            "-D",
            str(self.data),
            "--no-sync",
            "-U",
            "postgres",
            *(["-k"] if checksums else ["--no-instructions"]),
        )
        incoming = self.home / SERVER / "incoming"
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as stream:
            stream.write(
                f"unix_socket_directories='{self.root}'\nlisten_addresses=''\nfsync=off\nfull_page_writes=on\narchive_mode=on\n"
                f"archive_command='cp %p {incoming}/%f'\nmax_wal_senders=4\nwal_level=replica\nautovacuum=off\n{settings}\n"
            )
        self.configure(self.home)
        self.run("mkdir", "-p", str(incoming))
        self.start()
        for sql in _TABLES.strip().split(";\n"):
            self.psql(sql)
        self.psql("VACUUM")
        # Barman takes no backup before it has archived a segment.
        self.archive()

    def archive(self) -> None:
        """Close the current WAL segment, and let Barman archive it."""
        self.psql("SELECT pg_switch_wal()")
        self.barman("archive-wal", SERVER)

    def configure(self, home: Path) -> Path:
        """Write Barman's configuration for a home; the path of the file."""
        text = _BARMAN_CONF.format(
            home=home,
            user=USER,
            server=SERVER,
            sockets=self.root,
            bin=self.bin,
            method=self.method,
            options=self.options,
        )
        path = home.parent / f"{home.name}.conf"
        path.write_text(text, encoding="utf-8")
        return path

    def start(self) -> None:
        self.run("sh", "-c", f"pg_ctl -D {self.data} -l {self.root}/log -w start >/dev/null 2>&1")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server, and archive its last segment."""
        if (self.data / "postmaster.pid").exists():
            self.run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")
            if mode == "fast":
                self.barman("archive-wal", SERVER)
                # Barman's cron does that in the background: a backup whose WAL is archived becomes DONE.
                for backup in self.backups():
                    self.barman("check-backup", SERVER, backup.backup_id)

    def barman(self, *arguments: str) -> str:
        return self.run(BARMAN or "barman", "-c", str(self.configure(self.home)), *arguments)

    def back_up(self, *arguments: str) -> Backup:
        """Take a backup, with its WAL archived."""
        self.barman("backup", *arguments, SERVER)
        self.archive()
        return self.backups()[-1]

    def write_more(self, rows: int = 100) -> None:
        """Write rows after the backup, and archive them."""
        first = int(self.psql("SELECT max(id) + 1 FROM orders"))
        self.psql(f"INSERT INTO orders SELECT n, 'later', 'x' FROM generate_series({first}, {first + rows - 1}) n")
        self.written.append(self.psql("SELECT pg_walfile_name(pg_current_wal_lsn())"))
        self.archive()

    def backups(self) -> list[Backup]:
        return read_backups(read(str(self.configure(self.home)), USER).server(SERVER))

    def copy_home(self, name: str) -> Path:
        """A home with the same content; its files are links until a test changes them."""
        target = self.root / name
        self.run("cp", "-al", str(self.home), str(target))
        # Barman appends to its list, and so to every name of the file.
        for path in target.glob("**/xlog.db"):
            modify(path, lambda data: data)
        self.configure(target)
        return target

    def drill(self, home: Path, *queries: tuple[str, Any], **options: Any) -> Result:
        """Drill the server with the Barman of that home."""
        config = self.configure(home)
        request = DrillRequest(
            servers=(SERVER,),
            directory=str(home.parent / f"{home.name}-drills"),
            queries=tuple(
                DrillQuery(VerificationQuery(sql, "postgres", expect, expect is not None)) for sql, expect in queries
            ),
            priority="normal",
            timeout=options.pop("timeout", 120.0),
            **options,
        )
        return run_drills(
            request,
            DrillEnvironment(Barman(run, USER, str(config), BARMAN or "barman"), read(str(config), USER)),
        )

    def verify(self, home: Path, *, check_mode: bool = False, **options: Any) -> Result:
        """Verify what the Barman of that home has stored of the server."""
        arguments = {name: one.get("default") for name, one in VERIFICATION_ARGUMENTS.items()}
        arguments.update(barman_user=USER, config_file=str(self.configure(home)), everything=True, priority="normal")
        return verify_stored({**arguments, **options}, check_mode=check_mode)

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.root)


def modify(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file; other names of the same file keep the old content."""
    status = path.stat()
    data = change(path.read_bytes())
    path.unlink()
    path.write_bytes(data)
    os.chown(path, status.st_uid, status.st_gid)
    os.chmod(path, status.st_mode & 0o7777)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def flip(offset: int, mask: int = 0x10) -> Callable[[bytes], bytes]:
    """One bit flipped at that byte; negative: from the end."""

    def change(data: bytes) -> bytes:
        place = offset if offset >= 0 else len(data) + offset
        assert 0 <= place < len(data), f"the file has {len(data)} bytes"
        return data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]

    return change


# The files of a backup


@dataclass(frozen=True)
class Copy:
    """A copy of Barman's home for one test. files: paths in the data directory, by what they are."""

    world: World
    home: Path
    backup: Backup

    @property
    def data(self) -> Path:
        return self.home / SERVER / "base" / self.backup.backup_id / "data"

    @property
    def tablespace(self) -> Path:
        return self.data.parent / str(self.backup.tablespaces[0].oid)

    def file(self, name: str) -> Path:
        """A file by its name in the world's facts, or by its path."""
        path = str(self.world.facts.get(name, name))
        if path.startswith("pg_tblspc/"):
            return self.data.parent / path.split("/", 1)[1]
        return self.data / path

    def wal(self, number: int) -> Path:
        """The segment with the rows that were written as that transaction after the backup; -1: the backup's first segment."""
        name = str(self.backup.begin_wal) if number < 0 else self.world.written[number]
        return self.home / SERVER / "wals" / name[:16] / name

    def drill(self, *queries: tuple[str, Any], **options: Any) -> dict[str, Any]:
        result = self.world.drill(self.home, *queries, **options)
        facts: dict[str, Any] = result.values["drills"][SERVER]
        drills = self.home.parent / f"{self.home.name}-drills"
        assert not drills.exists() or not os.listdir(drills)
        return facts

    def verify(self, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        result = self.world.verify(self.home, check_mode=check_mode, **options)
        facts: dict[str, Any] = result.values["verifications"][SERVER]
        return facts

    def damaged(self, **options: Any) -> set[str]:
        """The paths that a verification names, and the missing segments."""
        facts = self.verify(**options)
        found = {one["path"] for one in facts["damages"]} | {one["first"] for one in facts["missing"]}
        assert (facts["result"] == "failed") == bool(facts["reason"])
        assert all(path in facts["reason"] for path in [one["path"] for one in facts["damages"]][:5])
        return found


def named(reason: str, copy: Copy) -> set[str]:
    """The paths of the backup's directory that an error names."""
    base = re.escape(str(copy.data.parent))
    return {match.rstrip(":.;,") for match in re.findall(rf"{base}/[^ ;]+", reason)}


_FACTS = {
    "table": "pg_relation_filepath('fixed')",
    "index": "pg_relation_filepath('fixed_word')",
    "toast": "pg_relation_filepath((SELECT reltoastrelid FROM pg_class WHERE relname = 'fixed'))",
    "toast index": "pg_relation_filepath((SELECT indexrelid FROM pg_index WHERE indrelid = (SELECT reltoastrelid FROM pg_class WHERE relname = 'fixed')))",
    "catalog": "pg_relation_filepath('pg_class')",
    "other": "pg_relation_filepath('other')",
    "other index": "pg_relation_filepath('other_pkey')",
}
_FIXED = (
    "CREATE TABLE fixed (id int PRIMARY KEY, word text, body text)",
    "ALTER TABLE fixed ALTER body SET STORAGE EXTERNAL",
    "INSERT INTO fixed SELECT n, 'word ' || lpad(n::text, 6, '0'), CASE WHEN n % 20 = 0 THEN repeat(md5(n::text), 200) END FROM generate_series(1, 2000) n",
    "CREATE INDEX fixed_word ON fixed (word)",
    "CREATE TABLE other (id int PRIMARY KEY, word text)",
    "INSERT INTO other SELECT n, 'value ' || n FROM generate_series(1, 2000) n",
    "VACUUM (FREEZE) fixed",
    "VACUUM other",
    # Nobody reads these rows before the backup, so only pg_xact knows that they are valid.
    "CREATE TABLE unread AS SELECT generate_series(1, 300) AS id",
)
COUNT = ("SELECT count(*) FROM fixed", 2000)
OTHERS = ("SELECT count(*) FROM other", 2000)
UNREAD = ("SELECT count(*) FROM unread", 300)
ALL_ROWS = ("SELECT count(*) FROM orders", ROWS + 200)


def created(name: str, **options: Any) -> World:
    """A server with tables that nothing changes after the backup, and files whose paths are known."""
    root = Path("/var/tmp") / f"pgdr-damages-{os.getpid()}" / name
    world = World(root, os.path.dirname(PROGRAMS[-1]), options.pop("lines", ""), options.pop("method", "postgres"))
    world.create(**options)
    for sql in _FIXED:
        world.psql(sql)
    return world


def with_facts(world: World) -> World:
    world.facts.update({name: world.psql(f"SELECT {sql}") for name, sql in _FACTS.items()})
    world.facts.update({"map": world.facts["table"] + "_vm", "free space map": world.facts["table"] + "_fsm"})
    return world


@pytest.fixture(scope="module", autouse=True)
def removed() -> Iterator[None]:
    yield
    shutil.rmtree(f"/var/tmp/pgdr-damages-{os.getpid()}", ignore_errors=True)


pytestmark = pytest.mark.skipif(
    BARMAN is None or not PROGRAMS or os.geteuid() != 0, reason="Barman, PostgreSQL and root"
)


@pytest.fixture(scope="module")
def manifest() -> Iterator[World]:
    """A server with a manifest in its backup, a tablespace, data checksums, and a second timeline after the backup."""
    world = created("manifest", lines="immediate_checkpoint = true")
    try:
        world.run("mkdir", str(world.root / "space"))
        world.psql(f"CREATE TABLESPACE space LOCATION '{world.root / 'space'}'")
        world.psql("CREATE TABLE elsewhere TABLESPACE space AS SELECT generate_series(1, 500) AS id")
        with_facts(world).facts["in tablespace"] = world.psql("SELECT pg_relation_filepath('elsewhere')")
        world.facts["other backup"] = world.back_up().backup_id
        world.back_up()
        for _unused in range(3):
            world.write_more(40)
        world.stop()
        world.run("touch", str(world.data / "standby.signal"))
        world.start()
        world.psql("SELECT pg_promote()")
        world.write_more(40)
        world.write_more(40)
        world.stop()
        yield world
    finally:
        world.remove()


@pytest.fixture
def copy(request: pytest.FixtureRequest) -> Iterator[Callable[[World], Copy]]:
    made: list[Path] = []

    def make(world: World) -> Copy:
        home = world.copy_home(f"copy-{re.sub(r'[^a-z0-9]+', '-', request.node.name.lower())[:40]}")
        made.append(home)
        return Copy(world, home, world.backups()[-1])

    yield make
    for home in made:
        shutil.rmtree(home)


MakeCopy = Callable[[World], Copy]


def test_an_intact_backup_passes(manifest: World, copy: MakeCopy) -> None:
    facts = copy(manifest).drill(COUNT, ALL_ROWS)
    assert facts["result"] == "passed", facts.get("reason")
    checks = facts["checks"]
    assert {checks[name]["status"] for name in ("backup", "wal", "amcheck", "checksums")} == {"verified"}


SUMS: dict[str, dict[str, Callable[[bytes], bytes]]] = {
    "pages": {
        "table": flip(4000),
        "index": flip(9000),
        "toast": flip(4001),
        "toast index": flip(8200),
        "in tablespace": flip(5000),
    },
    "maps and statuses": {
        "map": flip(30),
        "free space map": flip(40),
        "pg_xact/0000": flip(100),
        "pg_multixact/offsets/0000": flip(0),
        "global/pg_control": flip(50),
    },
    "catalogs and texts": {
        "catalog": flip(100),
        "global/pg_filenode.map": flip(16),
        "PG_VERSION": lambda data: b"9" * (len(data) - 1) + b"\n",
        "backup_label": flip(60, 1),
        "postgresql.conf": flip(200, 1),
    },
}
SIZES: dict[str, dict[str, Callable[[bytes], bytes]]] = {
    "lengths": {
        "table": lambda data: data[: len(data) // 2],
        "index": lambda data: b"",
        "toast": lambda data: data + bytes(8192),
        "catalog": lambda data: data[:-1],
        "in tablespace": lambda data: data[:100],
    },
}


@pytest.mark.parametrize("group", [*SUMS, *SIZES])
def test_every_changed_file_is_named_and_no_other(manifest: World, copy: MakeCopy, group: str) -> None:
    """15 files with another content of the same length, and 5 of another length."""
    damaged = copy(manifest)
    changes = {**SUMS, **SIZES}[group]
    for name, change in changes.items():
        modify(damaged.file(name), change)
    facts = damaged.drill(COUNT)
    assert (facts["result"], facts["failed_phase"]) == ("failed", "verify")
    assert named(facts["reason"], damaged) == {str(damaged.file(name)) for name in changes}


def test_every_missing_file_is_named_and_no_other(manifest: World, copy: MakeCopy) -> None:
    damaged = copy(manifest)
    names = ("table", "global/pg_filenode.map", "backup_label", "pg_xact/0000", "in tablespace")
    for name in names:
        damaged.file(name).unlink()
    facts = damaged.drill(COUNT)
    assert facts["failed_phase"] == "verify"
    assert named(facts["reason"], damaged) == {str(damaged.file(name)) for name in names}


def test_a_missing_control_file_is_named(manifest: World, copy: MakeCopy) -> None:
    damaged = copy(manifest)
    damaged.file("global/pg_control").unlink()
    assert f"files are missing in {damaged.data}: global/pg_control" in damaged.drill(COUNT)["reason"]


def test_a_missing_tablespace_is_named(manifest: World, copy: MakeCopy) -> None:
    damaged = copy(manifest)
    shutil.rmtree(damaged.tablespace)
    assert str(damaged.tablespace) in damaged.drill(COUNT)["reason"]


def test_two_files_that_are_swapped_are_named(manifest: World, copy: MakeCopy) -> None:
    damaged = copy(manifest)
    first, second = damaged.file("table"), damaged.file("other")
    content = first.read_bytes()
    modify(first, lambda data: second.read_bytes())
    modify(second, lambda data: content)
    assert named(damaged.drill(COUNT)["reason"], damaged) == {str(first), str(second)}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("gone", "its manifest is missing"),
        ("flipped", "is damaged"),
        ("cut off", "is damaged"),
        ("of another backup", "is damaged"),
    ],
)
def test_a_manifest_that_does_not_fit_is_named(manifest: World, copy: MakeCopy, damage: str, message: str) -> None:
    damaged = copy(manifest)
    path = damaged.file("backup_manifest")
    if damage == "gone":
        path.unlink()
    elif damage == "flipped":
        modify(path, flip(2000, 1))
    elif damage == "cut off":
        modify(path, lambda data: data[:-300])
    else:
        other = damaged.home / SERVER / "base" / manifest.facts["other backup"] / "data" / "backup_manifest"
        modify(path, lambda data: other.read_bytes())
    facts = damaged.drill(COUNT)
    assert facts["result"] == "failed"
    assert message in facts["reason"]
    expected = str(damaged.data / "backup_label") if damage == "of another backup" else str(path)
    assert expected in facts["reason"]


# The archived WAL


def _swap(copy: Copy) -> list[Path]:
    first, second = copy.wal(1), copy.wal(2)
    content = first.read_bytes()
    modify(first, lambda data: second.read_bytes())
    modify(second, lambda data: content)
    return [first]


def _changed(number: int, change: Callable[[bytes], bytes]) -> Callable[[Copy], list[Path]]:
    def apply(copy: Copy) -> list[Path]:
        modify(copy.wal(number), change)
        return [copy.wal(number)]

    return apply


def _flip_in_row(data: bytes) -> bytes:
    """Between records there are bytes that nobody reads: the bit is in a row that was written."""
    return flip(data.index(b"later"))(data)


def _gone(number: int) -> Callable[[Copy], list[Path]]:
    def apply(copy: Copy) -> list[Path]:
        copy.wal(number).unlink()
        return [copy.wal(number)]

    return apply


def _replaced(copy: Copy) -> list[Path]:
    modify(copy.wal(2), lambda data: copy.wal(1).read_bytes())
    return [copy.wal(2)]


def _foreign(copy: Copy) -> list[Path]:
    """The system identifier in the header of the first page (XLogLongPageHeaderData)."""
    modify(copy.wal(1), flip(24))
    return [copy.wal(1)]


def _history(change: Callable[[Path], None]) -> Callable[[Copy], list[Path]]:
    def apply(copy: Copy) -> list[Path]:
        path = copy.home / SERVER / "wals" / "00000002.history"
        change(path)
        return [path]

    return apply


WAL_DAMAGES: dict[str, Callable[[Copy], list[Path]]] = {
    "a flipped bit in a record": _changed(1, _flip_in_row),
    "a flipped bit in the header of the page": _changed(1, flip(12)),
    "a flipped bit in the header of the segment": _changed(1, flip(0)),
    "another system identifier": _foreign,
    "a flipped bit on the second timeline": _changed(3, _flip_in_row),
    "cut off in the middle": _changed(1, lambda data: data[: len(data) // 2]),
    "cut off by a byte": _changed(1, lambda data: data[:-1]),
    "empty": _changed(2, lambda data: b""),
    "zeros": _changed(2, lambda data: bytes(len(data))),
    "the first segment of the backup is gone": _gone(-1),
    "a segment in the middle is gone": _gone(1),
    "swapped": _swap,
    "another segment in its place": _replaced,
    "the history file is gone": _history(lambda path: path.unlink()),
    "the history file is empty": _history(lambda path: modify(path, lambda data: b"")),
    "the history file is no history": _history(lambda path: modify(path, lambda data: b"nonsense\n")),
}


@pytest.mark.parametrize("damage", WAL_DAMAGES)
def test_damaged_wal_is_named(manifest: World, copy: MakeCopy, damage: str) -> None:
    damaged = copy(manifest)
    (path,) = WAL_DAMAGES[damage](damaged)
    # The backup is intact, and verified in other tests.
    facts = damaged.drill(COUNT, verify_backup=False)
    assert facts["result"] == "failed", facts
    assert path.name in facts["reason"]


def test_if_the_newest_segments_are_gone_only_a_query_finds_it(manifest: World, copy: MakeCopy) -> None:
    damaged = copy(manifest)
    segments = sorted((damaged.home / SERVER / "wals").glob("*/00000002*"))
    segments[-1].unlink()
    facts = damaged.drill(ALL_ROWS, verify_backup=False, amcheck=False, checksums=False)
    assert facts["failed_phase"] == "queries"
    assert "SELECT count(*) FROM orders" in facts["reason"]


# Damage that the backup has from its server


@pytest.fixture(scope="module", params=["without checksums"])
def plain(request: pytest.FixtureRequest) -> Iterator[World]:
    """A backup without a manifest, of a server without data checksums: as if the damage had been in the server."""
    world = created("plain", lines="", method="local-rsync", checksums=False)
    yield from _backed_up(world)


@pytest.fixture(scope="module")
def summed() -> Iterator[World]:
    """A backup without a manifest, of a server with data checksums."""
    world = created("summed", lines="", method="local-rsync")
    yield from _backed_up(world)


def _backed_up(world: World) -> Iterator[World]:
    try:
        with_facts(world)
        world.psql("CHECKPOINT")
        world.options += "immediate_checkpoint = true\n"
        world.back_up()
        world.write_more(200)
        world.stop()
        yield world
    finally:
        world.remove()


def _page_of(path: Path, text: bytes) -> int:
    """Where a text is in a file."""
    place = path.read_bytes().index(text)
    assert place > 0
    return place


def test_intact_backups_without_a_manifest_pass(plain: World, summed: World, copy: MakeCopy) -> None:
    for world, checksums in ((plain, "off"), (summed, "verified")):
        facts = copy(world).drill(COUNT, OTHERS, UNREAD, ALL_ROWS)
        assert facts["result"] == "passed", facts.get("reason")
        assert facts["checks"]["backup"]["status"] == "not verified"
        assert facts["checks"]["checksums"]["status"] == checksums


def _item_offset(data: bytes, page: int, item: int) -> int:
    """Where the tuple of a line pointer begins (ItemIdData in storage/itemid.h)."""
    at = page * 8192 + 24 + 4 * (item - 1)
    return page * 8192 + (int.from_bytes(data[at : at + 4], "little") & 0x7FFF)


def _xmin_of_the_future(data: bytes) -> bytes:
    place = _item_offset(data, 0, 1)
    # Frozen rows have no xmin that is read: clear the hint bits (t_infomask at 20).
    changed = bytearray(data)
    changed[place : place + 4] = b"\xf0\xff\xff\x7f"
    changed[place + 20 : place + 22] = (0x0002).to_bytes(2, "little")
    return bytes(changed)


def _other_key(data: bytes) -> bytes:
    place = data.index(b"word 001000")
    return data[:place] + b"zord 001000" + data[place + 11 :]


def _chunk_of_another_value(data: bytes) -> bytes:
    place = _item_offset(data, 0, 1)
    return flip(place + data[place + 22])(data)


def test_inconsistent_relations_are_named_with_their_files(plain: World, copy: MakeCopy) -> None:
    damaged = copy(plain)
    modify(damaged.file("other"), _xmin_of_the_future)
    modify(damaged.file("index"), _other_key)
    modify(damaged.file("toast"), _chunk_of_another_value)
    facts = damaged.drill()
    assert facts["failed_phase"] == "amcheck", facts
    files = {one["file"] for one in facts["checks"]["amcheck"]["relations"]}
    assert {plain.facts["other"], plain.facts["index"]} <= files
    assert files & {plain.facts["toast"], plain.facts["toast index"]}
    assert len(files) == 3


PLAIN_DAMAGES: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    # pd_lower (storage/bufpage.h) is beyond the page.
    "the header of a page": ("table", flip(13, 0x40), "table"),
    "zeros in an index": ("other index", lambda data: data[:8192] + bytes(8192) + data[16384:], "other index"),
    "pg_control": ("global/pg_control", flip(20), "pg_control"),
    # No tool compares these with anything: a query that counts does.
    "a table is cut off": ("other", lambda data: data[:8192], OTHERS[0]),
    "transactions are not committed": ("pg_xact/0000", lambda data: bytes(len(data)), UNREAD[0]),
}


@pytest.mark.parametrize("damage", PLAIN_DAMAGES)
def test_damage_without_a_manifest_is_found(plain: World, copy: MakeCopy, damage: str) -> None:
    damaged = copy(plain)
    name, change, expected = PLAIN_DAMAGES[damage]
    modify(damaged.file(name), change)
    facts = damaged.drill(COUNT, OTHERS, UNREAD)
    assert facts["result"] == "failed"
    assert plain.facts.get(expected, expected) in facts["reason"], facts["reason"]


def test_a_missing_table_is_named(plain: World, copy: MakeCopy) -> None:
    damaged = copy(plain)
    damaged.file("other").unlink()
    facts = damaged.drill(OTHERS)
    assert facts["failed_phase"] == "queries"
    assert plain.facts["other"] in facts["reason"]


def test_a_value_without_a_checksum_is_found_only_by_a_query_that_compares_it(plain: World, copy: MakeCopy) -> None:
    """docs/drills.md lists it."""
    damaged = copy(plain)
    path = damaged.file("other")
    modify(path, flip(_page_of(path, b"value 77")))
    assert damaged.drill(OTHERS)["result"] == "passed"
    facts = damaged.drill(("SELECT word FROM other WHERE id = 77", "value 77"))
    assert facts["failed_phase"] == "queries"
    assert "SELECT word FROM other" in facts["reason"]


def test_a_map_without_a_checksum_is_not_found(plain: World, copy: MakeCopy) -> None:
    """docs/drills.md lists it."""
    damaged = copy(plain)
    modify(damaged.file("free space map"), flip(60, 1))
    assert damaged.drill(COUNT)["result"] == "passed"


def test_pages_with_a_wrong_checksum_are_named(summed: World, copy: MakeCopy) -> None:
    damaged = copy(summed)
    names = ("table", "index", "toast", "other")
    for name in names:
        modify(damaged.file(name), flip(_page_of(damaged.file(name), b"\0" * 16) + 4))
    facts = damaged.drill()
    assert facts["result"] == "failed"
    for name in names:
        assert summed.facts[name] in facts["reason"], (name, facts["reason"])


@pytest.mark.parametrize("name", ["map", "free space map", "index"])
def test_without_amcheck_a_wrong_checksum_is_named_by_pg_checksums(summed: World, copy: MakeCopy, name: str) -> None:
    damaged = copy(summed)
    modify(damaged.file(name), flip(8000))
    facts = damaged.drill(amcheck=False)
    assert facts["failed_phase"] == "checksums", facts
    assert summed.facts[name] in facts["reason"]


# A chain of increments


@pytest.fixture(scope="module")
def chain() -> Iterator[World]:
    """A full backup, and a block-level increment on top of it."""
    world = created("chain", lines="immediate_checkpoint = true", settings="summarize_wal=on")
    try:
        with_facts(world).facts["parent"] = world.back_up().backup_id
        world.write_more(100)
        world.back_up("--incremental", "latest-full")
        world.write_more(100)
        world.stop()
        yield world
    finally:
        world.remove()


FIRST_WITH_INCREMENTS = 17
increments = pytest.mark.skipif(
    not PROGRAMS or major_version(PROGRAMS[-1]) < FIRST_WITH_INCREMENTS,
    reason="PostgreSQL has increments from version 17 on",
)


@increments
def test_an_intact_chain_passes(chain: World, copy: MakeCopy) -> None:
    facts = copy(chain).drill(COUNT, ALL_ROWS)
    assert facts["result"] == "passed", facts.get("reason")
    assert facts["backup_id"] != chain.facts["parent"]


@increments
@pytest.mark.parametrize(
    "damage", ["the parent is gone", "the parent's manifest", "a file of the parent", "a file of the increment"]
)
def test_a_broken_chain_is_named(chain: World, copy: MakeCopy, damage: str) -> None:
    damaged = copy(chain)
    parent = damaged.home / SERVER / "base" / chain.facts["parent"]
    path = {
        "the parent is gone": parent / "data",
        "the parent's manifest": parent / "data" / "backup_manifest",
        "a file of the parent": parent / "data" / chain.facts["table"],
        "a file of the increment": damaged.file("global/pg_filenode.map"),
    }[damage]
    if damage == "the parent is gone":
        shutil.rmtree(path)
    elif damage == "the parent's manifest":
        path.unlink()
    else:
        modify(path, flip(20))
    facts = damaged.drill(COUNT, backup=damaged.backup.backup_id)
    assert facts["result"] == "failed"
    assert str(path) in facts["reason"]


# What is stored, verified where it lies


def test_a_verification_of_intact_backups_passes(manifest: World, copy: MakeCopy) -> None:
    intact = copy(manifest)
    planned = intact.verify(check_mode=True)
    assert planned["result"] == "planned"
    assert not (intact.home / ".pgdr.barman" / "verification").exists()
    facts = intact.verify()
    assert (facts["result"], facts["reason"], facts["not_verified"]) == ("passed", "", {})
    segments = [path for path in (intact.home / SERVER / "wals").glob("*/*") if len(path.name) == 24]
    assert facts["read"]["segments"] == len(segments) == planned["planned"]["segments"]
    assert set(facts["read"]["backups"]) == {one.backup_id for one in manifest.backups()}
    assert (facts["programs"], facts["wal_program"]) == (["pg_verifybackup"], "pg_waldump")
    assert {one.status for one in manifest.backups()} == {"DONE"}


def test_a_verification_without_postgresql_s_programs_finds_intact_files_intact(
    manifest: World, copy: MakeCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_backups, "find_program", lambda *arguments: None)
    monkeypatch.setattr(wal_program, "find_installed", lambda *arguments: None)
    facts = copy(manifest).verify()
    assert (facts["result"], facts["reason"]) == ("passed", "")
    assert (facts["programs"], facts["wal_program"]) == (["pgdr.barman"], "pgdr.barman")


@pytest.mark.parametrize("program", [True, False])
@pytest.mark.parametrize("group", [*SUMS, *SIZES])
def test_a_verification_names_every_changed_file_and_no_other(
    manifest: World, copy: MakeCopy, monkeypatch: pytest.MonkeyPatch, group: str, program: bool
) -> None:
    """With pg_verifybackup, and on a host without it."""
    if not program:
        monkeypatch.setattr(stored_backups, "find_program", lambda *arguments: None)
    damaged = copy(manifest)
    changes = {**SUMS, **SIZES}[group]
    for name, change in changes.items():
        modify(damaged.file(name), change)
    assert damaged.damaged() == {str(damaged.file(name)) for name in changes}


@pytest.mark.parametrize("program", [True, False])
def test_a_verification_names_missing_additional_and_swapped_files(
    manifest: World, copy: MakeCopy, monkeypatch: pytest.MonkeyPatch, program: bool
) -> None:
    if not program:
        monkeypatch.setattr(stored_backups, "find_program", lambda *arguments: None)
    damaged = copy(manifest)
    names = ("index", "global/pg_filenode.map", "in tablespace")
    for name in names:
        damaged.file(name).unlink()
    more = [damaged.data / "base" / "99999", damaged.file("in tablespace").parent / "99998"]
    for path in more:
        path.write_bytes(b"nobody knows")
    first, second = damaged.file("table"), damaged.file("other")
    content = first.read_bytes()
    modify(first, lambda data: second.read_bytes())
    modify(second, lambda data: content)
    expected = {str(damaged.file(name)) for name in names} | {str(path) for path in (*more, first, second)}
    assert damaged.damaged() == expected


def test_a_verification_reports_what_is_cut_off_and_where_a_copy_is(manifest: World, copy: MakeCopy) -> None:
    damaged = copy(manifest)
    modify(damaged.file("table"), flip(4000))
    facts = damaged.verify()
    other = damaged.home / SERVER / "base" / manifest.facts["other backup"] / "data" / manifest.facts["table"]
    assert [one["copies"] for one in facts["damages"]] == [[str(other)]]
    assert facts["consequences"]["lost_backups"] == [damaged.backup.backup_id]
    assert str(other) in facts["reason"]
    # Nobody repaired it: it stays, and is not read again.
    again = damaged.verify(everything=False)
    assert (again["result"], len(again["damages"])) == ("failed", 1)
    assert damaged.backup.backup_id not in again["read"]["backups"]
    shutil.copy2(other, damaged.file("table"))
    assert damaged.verify(everything=False)["result"] == "passed"


@pytest.mark.parametrize("damage", ["gone", "flipped", "cut off"])
def test_a_verification_names_a_damaged_manifest(manifest: World, copy: MakeCopy, damage: str) -> None:
    damaged = copy(manifest)
    path = damaged.file("backup_manifest")
    if damage == "gone":
        path.unlink()
    else:
        modify(path, flip(2000, 1) if damage == "flipped" else lambda data: data[:-300])
    assert damaged.damaged() == {str(path)}


@pytest.mark.parametrize("damage", WAL_DAMAGES)
def test_a_verification_names_damaged_wal_and_no_other(manifest: World, copy: MakeCopy, damage: str) -> None:
    damaged = copy(manifest)
    paths = WAL_DAMAGES[damage](damaged)
    expected = {paths[0].name, *([damaged.wal(2).name] if damage == "swapped" else [])}
    facts = damaged.verify()
    names = {os.path.basename(one["path"]) for one in facts["damages"]}
    assert facts["result"] == "failed"
    assert names | {one["first"] for one in facts["missing"]} == expected
    if len(paths[0].name) == 24 and damage != "the first segment of the backup is gone":
        assert damaged.backup.backup_id in str(facts["consequences"]["shortened"])


def test_a_verification_finds_the_newest_segment_gone(manifest: World, copy: MakeCopy) -> None:
    damaged = copy(manifest)
    newest = sorted((damaged.home / SERVER / "wals").glob("*/00000002*"))[-1]
    newest.unlink()
    assert damaged.damaged() == {str(newest)}


def test_barman_writes_the_manifest_of_an_rsync_backup(summed: World, copy: MakeCopy) -> None:
    damaged = copy(summed)
    path = damaged.data / "backup_manifest"
    facts = damaged.verify(generate_manifests=False)
    assert facts["not_verified"] == {damaged.backup.backup_id: "it has no manifest"}
    assert not path.exists()
    first = damaged.verify()
    assert (first["result"], first["generated_manifests"]) == ("passed", [damaged.backup.backup_id])
    second = damaged.verify()
    assert (second["result"], second["generated_manifests"], second["not_verified"]) == ("passed", [], {})
    modify(damaged.file("other"), flip(3000))
    assert damaged.damaged() == {str(damaged.file("other"))}


@pytest.fixture(scope="module")
def packed() -> Iterator[World]:
    """A backup in compressed tar files, and compressed WAL."""
    lines = (
        "backup_compression = gzip",
        "backup_compression_format = tar",
        "compression = gzip",
        "immediate_checkpoint = true",
    )
    world = created("packed", lines="".join(f"{line}\n" for line in lines))
    try:
        with_facts(world)
        world.back_up()
        world.write_more(40)
        world.write_more(40)
        world.stop()
        yield world
    finally:
        world.remove()


PACKED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "the tar file is cut off": ("base.tar.gz", lambda data: data[: len(data) // 2]),
    "the tar file has a flipped bit": ("base.tar.gz", flip(100_000)),
    "a segment is cut off": ("", lambda data: data[:-100]),
    "a segment has a flipped bit": ("", flip(2000)),
}


@pytest.mark.parametrize("damage", ["", *PACKED])
def test_a_verification_of_compressed_files(packed: World, copy: MakeCopy, damage: str) -> None:
    damaged = copy(packed)
    if not damage:
        facts = damaged.verify()
        assert (facts["result"], facts["reason"]) == ("passed", "")
        assert facts["read"]["bytes"] > 0
        return
    name, change = PACKED[damage]
    path = damaged.data / name if name else damaged.wal(0)
    modify(path, change)
    assert damaged.damaged() == {str(path)}


def test_a_limit_of_the_reading_holds(manifest: World, copy: MakeCopy) -> None:
    intact = copy(manifest)
    facts = intact.verify(bandwidth_limit=40_000)
    assert facts["result"] == "passed"
    assert facts["seconds"] > 0.7 * facts["read"]["bytes"] / 40_000_000


@increments
def test_a_verification_of_a_chain(chain: World, copy: MakeCopy) -> None:
    damaged = copy(chain)
    facts = damaged.verify()
    assert (facts["result"], facts["reason"], facts["programs"]) == ("passed", "", ["pg_verifybackup"])
    path = next(damaged.data.glob("base/*/INCREMENTAL.*"))
    modify(path, flip(4))
    facts = damaged.verify()
    assert {one["path"] for one in facts["damages"]} == {str(path)}
    assert facts["consequences"]["lost_backups"] == [damaged.backup.backup_id]
    modify(damaged.home / SERVER / "base" / chain.facts["parent"] / "data" / chain.facts["table"], flip(100))
    lost = damaged.verify()["consequences"]["lost_backups"]
    assert {chain.facts["parent"], damaged.backup.backup_id} <= set(lost)
