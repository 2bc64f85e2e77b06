# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""verify_recovery against a real PostgreSQL: a backup and WAL restored as Barman does it."""

from __future__ import annotations

import glob
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError, run
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.data_directory import observe_data_directory
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.host_comparison import (
    ComparedServer,
    compare_this_host,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.host_requirements import HostRequirements
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal_reader import scan
from ansible_collections.pgdr.barman.plugins.module_utils._recover.destination import MARKER
from ansible_collections.pgdr.barman.plugins.module_utils._recover.proof import PROOF, PROVEN, UNPROVEN
from ansible_collections.pgdr.barman.plugins.module_utils._verify.observe import prepare_directory
from ansible_collections.pgdr.barman.plugins.module_utils._verify.request import (
    RecoveryVerificationError,
    VerificationQuery,
    VerificationRequest,
)
from ansible_collections.pgdr.barman.plugins.module_utils._verify.run import (
    VerificationEnvironment,
    query_running,
    verify_recovery,
)

PROGRAMS = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres") + glob.glob("/usr/pgsql-*/bin/postgres"))


@dataclass
class Primary:
    """A server that was backed up, wrote on, and is gone; its backup and its archive are left."""

    root: Path
    bin: str
    backup: Path
    archive: Path
    middle_time: str
    middle_xid: str
    drop_time: str

    def run(self, *argv: str) -> str:
        return _run(self.bin, *argv)

    def lay_down(self, name: str, *settings: str, wal: Path | None = None, without: str = "") -> Path:
        """What "barman recover" does."""
        directory = self.root / name
        self.run("cp", "-a", str(self.backup), str(directory))
        self.run("cp", "-a", str(wal or self.archive), str(directory / "barman_wal"))
        if without:
            (directory / "barman_wal" / without).unlink()
        lines = [
            f"restore_command = 'cp {directory}/barman_wal/%f %p'",
            f"recovery_end_command = 'rm -fr {directory}/barman_wal'",
            "recovery_target_timeline = 1",
            *settings,
        ]
        with open(directory / "postgresql.auto.conf", "a") as stream:
            stream.write("\n".join(lines) + "\n")
        self.run("touch", str(directory / "recovery.signal"))
        return directory


def _run(binaries: str, *argv: str) -> str:
    account = pwd.getpwnam("postgres")
    completed = subprocess.run(
        argv,
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
        cwd="/",
        env={"PATH": f"{binaries}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, f"{argv}: {completed.stdout}"
    return completed.stdout.strip()


@pytest.fixture(scope="module")
def primary() -> Iterator[Primary]:
    root = Path("/var/tmp") / (f"pgdr-live-{os.getpid()}")
    account = pwd.getpwnam("postgres")
    root.mkdir(mode=0o755)
    os.chown(root, account.pw_uid, account.pw_gid)
    binaries = os.path.dirname(PROGRAMS[-1])
    data, archive, backup = root / "primary", root / "archive", root / "backup"

    def psql(sql: str) -> str:
        return _run(binaries, "psql", "-XAtqc", sql, "-h", str(root), "-d", "postgres")

    try:
        _run(binaries, "mkdir", str(archive))
        _run(binaries, "initdb", "-D", str(data), "--no-sync", "-k", "-U", "postgres")
        with open(data / "postgresql.conf", "a") as stream:
            stream.write(
                f"unix_socket_directories='{root}'\nlisten_addresses=''\nfsync=off\narchive_mode=on\n"
                f"archive_command='cp %p {archive}/%f'\n"
            )
        log = str(root / "log")
        # Output to a file: the server keeps a pipe open.
        _run(binaries, "sh", "-c", f"pg_ctl -D {data} -l {log} -w start >/dev/null 2>&1")
        psql("CREATE TABLE rows (n int, at timestamptz DEFAULT clock_timestamp())")
        psql("INSERT INTO rows SELECT generate_series(1, 10)")
        _run(binaries, "pg_basebackup", "-D", str(backup), "-h", str(root), "-X", "none", "-c", "fast", "--no-sync")
        psql("INSERT INTO rows SELECT generate_series(11, 20)")
        psql("SELECT pg_switch_wal()")
        middle_xid = psql("INSERT INTO rows VALUES (21); SELECT pg_current_xact_id()")
        psql("SELECT pg_create_restore_point('middle')")
        middle_time = psql("SELECT clock_timestamp()")
        # The insert's own transaction, not that of the SELECT after it.
        middle_xid = psql("SELECT xmin FROM rows WHERE n = 21")
        psql("INSERT INTO rows VALUES (22)")
        psql("ALTER SYSTEM SET max_connections = 150")
        _run(binaries, "sh", "-c", f"pg_ctl -D {data} -l {log} -w restart >/dev/null 2>&1")
        psql("INSERT INTO rows SELECT generate_series(23, 30)")
        psql("SELECT pg_switch_wal()")
        psql("INSERT INTO rows SELECT generate_series(31, 40)")
        psql("CREATE TABLE orders AS SELECT generate_series(1, 5) AS n")
        drop_time = psql("SELECT clock_timestamp()")
        psql("DROP TABLE orders")
        last = psql("SELECT pg_walfile_name(pg_current_wal_lsn())")
        _run(binaries, "pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        # The partial segment that the receiver has.
        if not (archive / last).exists():
            _run(binaries, "cp", str(data / "pg_wal" / last), str(archive / last))
        yield Primary(root, binaries, backup, archive, middle_time, middle_xid, drop_time)
    finally:
        if (data / "postmaster.pid").exists():
            _run(binaries, "pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(root)


def _count(expect: int) -> tuple[VerificationQuery, ...]:
    return (VerificationQuery("SELECT count(*) FROM rows", expect=expect, expected=True),)


@contextmanager
def _started_for_good(primary: Primary, directory: Path) -> Iterator[None]:
    """The recovered server, with nothing but its own settings, when it has left recovery."""
    options = (
        f"-c unix_socket_directories={primary.root} -c listen_addresses= -c archive_mode=off -c fsync=off -c "
        "max_connections=150"
        " -c recovery_target_action=promote"
    )
    log = str(primary.root / "final.log")
    primary.run("sh", "-c", f"pg_ctl -D {directory} -l {log} -w -o '{options}' start >/dev/null 2>&1")
    try:
        _until(lambda: _final(primary, "SELECT pg_is_in_recovery()") == "f")
        yield
    finally:
        primary.run("pg_ctl", "-D", str(directory), "-m", "fast", "stop")


def _final(primary: Primary, sql: str) -> str:
    return primary.run("psql", "-XAtqc", sql, "-h", str(primary.root), "-d", "postgres")


def _start_for_good(primary: Primary, directory: Path) -> tuple[str, str]:
    """Start the recovered server: (timeline, rows)."""
    with _started_for_good(primary, directory):
        timeline = _final(primary, "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)")
        return timeline, _final(primary, "SELECT count(*) FROM rows")


def _test(directory: Path, **options: object) -> dict[str, Any]:
    request = VerificationRequest(str(directory), timeout=60, settings={"fsync": "off"}, **options)  # type: ignore[arg-type]
    return verify_recovery(request, VerificationEnvironment(temporary=str(directory.parent)))


def _nothing_runs(directory: Path) -> bool:
    return observe_data_directory(str(directory)).postmaster_pid is None and not _left(directory)


def _left(directory: Path) -> list[Path]:
    return list(directory.parent.glob("pgdr-recovery-test-*"))


def _marked(directory: Path) -> str | None:
    """What the marker of pgdr.barman.recover says of the proof."""
    found: str | None = json.loads((directory / MARKER).read_text()).get(PROOF)
    return found


def test_the_marker_reports_whether_the_directory_is_proven(primary: Primary) -> None:
    directory = primary.lay_down("marked", "recovery_target_name = 'middle'", "recovery_target_action = 'promote'")
    (directory / MARKER).write_text('{"identity": "one", "recovery": {}}')
    shutil.chown(directory / MARKER, "postgres", "postgres")
    with pytest.raises(RecoveryVerificationError, match="expected was 99"):
        _test(directory, queries=_count(99))
    assert _marked(directory) == UNPROVEN
    _test(directory, queries=_count(21))
    assert _marked(directory) == PROVEN
    assert json.loads((directory / MARKER).read_text())["identity"] == "one"
    assert (directory / MARKER).owner() == "postgres"


def test_a_time_is_reached_proven_and_still_recovers_afterwards(primary: Primary) -> None:
    directory = primary.lay_down(
        "time", f"recovery_target_time = '{primary.middle_time}'", "recovery_target_action = 'promote'"
    )
    settings = (directory / "postgresql.auto.conf").read_text()
    facts = _test(directory, queries=_count(21), checksums=True)
    assert facts["stopped_cleanly"] is True
    assert facts["consistent"] is True
    assert facts["reached"]["message"].startswith("recovery stopping before commit of transaction")
    assert facts["checksums"]["bad"] == 0
    assert facts["checksums"]["blocks"] > 100
    assert _nothing_runs(directory)
    assert (directory / "postgresql.auto.conf").read_text() == settings
    assert not (directory / "postmaster.opts").exists()
    # A second time, and then for good.
    assert _test(directory, queries=_count(21))["reached"]["message"] == facts["reached"]["message"]
    assert _start_for_good(primary, directory) == ("00000002", "21")


def test_the_end_is_reached_with_the_last_segment_and_without_promotion(primary: Primary) -> None:
    directory = primary.lay_down("end")
    last = sorted(name for name in os.listdir(primary.archive) if len(name) == 24)[-1]
    end = scan((primary.archive / last).read_bytes()).end_lsn or 0
    facts = _test(directory, queries=_count(40))
    log, seg = facts["reached"]["lsn"].split("/")
    assert int(log, 16) << 32 | int(seg, 16) == (end + 7) & ~7
    assert facts["timeline"] == 1
    assert _nothing_runs(directory)
    assert _start_for_good(primary, directory) == ("00000002", "40")


@pytest.mark.parametrize(
    ("name", "setting", "message", "rows"),
    [
        ("xid", "recovery_target_xid = '{xid}'", "recovery stopping after commit of transaction {xid}", 21),
        ("name", "recovery_target_name = 'middle'", 'recovery stopping at restore point "middle"', 21),
        ("immediate", "recovery_target = 'immediate'", "recovery stopping after reaching consistency", 10),
    ],
)
def test_other_targets_are_reached(primary: Primary, name: str, setting: str, message: str, rows: int) -> None:
    directory = primary.lay_down(name, setting.format(xid=primary.middle_xid))
    facts = _test(directory, queries=_count(rows))
    assert facts["reached"]["message"].startswith(message.format(xid=primary.middle_xid))
    assert _start_for_good(primary, directory) == ("00000002", str(rows))


def test_wrong_rows_fail_with_what_was_found(primary: Primary) -> None:
    directory = primary.lay_down("rows", "recovery_target_name = 'middle'")
    with pytest.raises(RecoveryVerificationError, match=r"answered \"21\", expected was 40") as caught:
        _test(directory, queries=(*_count(40), VerificationQuery("SELECT nonsense", expect=1, expected=True)))
    assert "nonsense" in str(caught.value)
    assert [answer["matched"] for answer in caught.value.facts["queries"]] == [False, False]
    assert _nothing_runs(directory)


_ORDERS = VerificationQuery("SELECT count(*) FROM orders", expect=5, expected=True)


def test_a_table_that_was_dropped_at_the_target_is_asked_when_the_recovery_has_ended(primary: Primary) -> None:
    """The recovery stops with the lock of DROP TABLE, which nobody gives up while it is paused."""
    directory = primary.lay_down("dropped", f"recovery_target_time = '{primary.drop_time}'")
    with pytest.raises(RecoveryVerificationError, match="holds a lock on its tables") as caught:
        _test(directory, queries=(_ORDERS, *_count(40)))
    assert [(answer["locked"], answer["matched"]) for answer in caught.value.facts["queries"]] == [
        (True, None),
        (False, True),
    ]
    facts = _test(directory, queries=(_ORDERS, *_count(40)), leave_locked=True)
    assert [answer["locked"] for answer in facts["queries"]] == [True, False]
    assert facts["stopped_cleanly"] is True
    with pytest.raises(HostError, match="no PostgreSQL server runs with"):
        query_running(VerificationRequest(str(directory), queries=(_ORDERS,)), VerificationEnvironment())
    with _started_for_good(primary, directory):
        facts = query_running(VerificationRequest(str(directory), queries=(_ORDERS,)), VerificationEnvironment())
        assert facts["queries"][0]["matched"] is True
        wrong = VerificationQuery("SELECT count(*) FROM orders", expect=6, expected=True)
        with pytest.raises(RecoveryVerificationError, match="expected was 6"):
            query_running(VerificationRequest(str(directory), queries=(wrong,)), VerificationEnvironment())
    directory = primary.lay_down("dropped-copy", f"recovery_target_time = '{primary.drop_time}'")
    assert _test(directory, queries=(_ORDERS,), promote=True)["queries"][0]["matched"] is True


def test_a_copy_is_promoted_after_its_queries_and_all_its_relations_are_checked(primary: Primary) -> None:
    directory = primary.lay_down("finished", f"recovery_target_time = '{primary.drop_time}'")
    phases: list[str] = []
    request = VerificationRequest(
        str(directory),
        timeout=60,
        queries=(_ORDERS, *_count(40)),
        leave_locked=True,
        finish=True,
        amcheck=True,
        checksums=True,
    )
    facts = verify_recovery(request, VerificationEnvironment(temporary=str(directory.parent), report=phases.append))
    assert phases == ["replay", "queries", "promotion", "amcheck", "checksums"]
    assert facts["promoted"] is True
    assert facts["amcheck"]["status"] == "verified"
    assert facts["checksums"]["bad"] == 0
    assert sorted(answer["query"] for answer in facts["queries"] if answer["matched"]) == [
        "SELECT count(*) FROM orders",
        "SELECT count(*) FROM rows",
    ]
    assert facts["locked_queries"] == []
    assert _nothing_runs(directory)
    assert not (directory / "recovery.signal").exists()


def test_a_user_that_is_not_there_is_named_at_once(primary: Primary) -> None:
    directory = primary.lay_down("nobody", "recovery_target_name = 'middle'")
    before = time.monotonic()
    with pytest.raises(
        RecoveryVerificationError,
        match=r"barman_postgres_superuser .*: .admin. can.t log in .* role .admin. does not exist",
    ):
        _test(directory, queries=_count(21), database_user="admin")
    assert time.monotonic() - before < 30
    assert _nothing_runs(directory)


def test_a_target_that_is_not_in_the_wal_is_named(primary: Primary) -> None:
    directory = primary.lay_down("never", "recovery_target_name = 'never'")
    with pytest.raises(RecoveryVerificationError, match="the restored WAL ends before the target") as caught:
        _test(directory)
    assert any("FATAL" in line for line in caught.value.facts["log_excerpt"])
    assert _nothing_runs(directory)


def test_a_missing_segment_of_the_backup_is_named(primary: Primary) -> None:
    first = sorted(name for name in os.listdir(primary.archive) if len(name) == 24)[0]
    label = (primary.backup / "backup_label").read_text()
    first = label.split("(file ")[1][:24]
    directory = primary.lay_down("gap", "recovery_target_name = 'middle'", without=first)
    with pytest.raises(RecoveryVerificationError, match="checkpoint is missing"):
        _test(directory)
    assert _nothing_runs(directory)


def test_a_setting_that_was_raised_later_is_raised_for_the_test(primary: Primary) -> None:
    """max_connections was 100 at the backup and 150 afterwards: hot standby needs the higher one."""
    directory = primary.lay_down("raised")
    facts = _test(directory, queries=_count(40))
    assert facts["stopped_cleanly"] is True
    assert facts["settings_needed"] == {"max_connections": "150"}


def test_a_throwaway_copy_is_promoted(primary: Primary) -> None:
    directory = primary.lay_down("throwaway")
    facts = _test(directory, queries=_count(40), promote=True)
    assert facts["timeline"] == 2
    assert not (directory / "recovery.signal").exists()
    assert _nothing_runs(directory)
    with pytest.raises(RecoveryVerificationError, match=r"neither recovery\.signal nor standby\.signal"):
        prepare_directory(VerificationRequest(str(directory)), run)


def test_a_running_server_is_not_touched(primary: Primary) -> None:
    directory = primary.lay_down("running", "recovery_target_name = 'middle'", "recovery_target_action = 'pause'")
    options = f"-c unix_socket_directories={primary.root} -c listen_addresses= -c archive_mode=off"
    primary.run(
        "sh",
        "-c",
        f"pg_ctl -D {directory} -l {primary.root}/running.log -w -o '{options}' start >/dev/null 2>&1",
    )
    try:
        with pytest.raises(RecoveryVerificationError, match="a PostgreSQL server runs in"):
            _test(directory)
    finally:
        primary.run("pg_ctl", "-D", str(directory), "-m", "immediate", "stop")


_KILLED = """
import sys
sys.path[:0] = %r
from ansible_collections.pgdr.barman.plugins.module_utils._verify.request import VerificationQuery, VerificationRequest
from ansible_collections.pgdr.barman.plugins.module_utils._verify.run import VerificationEnvironment, verify_recovery
request = VerificationRequest(%r, queries=(VerificationQuery("SELECT pg_sleep(60)"),))
verify_recovery(request, VerificationEnvironment(temporary=%r))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_server_is_left_when_the_test_itself_is_killed(primary: Primary, number: int) -> None:
    directory = primary.lay_down(f"killed{number}", "recovery_target_name = 'middle'")
    paths = [path for path in sys.path if path]
    with subprocess.Popen([sys.executable, "-c", _KILLED % (paths, str(directory), str(primary.root))]) as process:
        _until(lambda: _asks(directory))
        process.send_signal(number)
    _until(lambda: observe_data_directory(str(directory)).postmaster_pid is None)
    for left in _left(directory):
        shutil.rmtree(left)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _asks(directory: Path) -> bool:
    """Whether a query runs in the directory's server."""
    try:
        postmaster = (directory / "postmaster.pid").read_text().partition("\n")[0]
    except FileNotFoundError:
        return False
    for path in glob.glob("/proc/[0-9]*"):
        try:
            status, words = Path(path, "status").read_text(), Path(path, "cmdline").read_text()
        except OSError:
            continue
        if f"PPid:\t{postmaster}\n" in status and "[local] SELECT" in words:
            return True
    return False


# What this host has not


@pytest.fixture(scope="module")
def foreign(primary: Primary) -> Primary:
    """The primary with what another host had: a locale, a version of a collation, and settings that cut queries off."""
    root = primary.root / "foreign"
    data, archive, backup = root / "primary", root / "archive", root / "backup"
    primary.run("mkdir", "-p", str(archive))

    def psql(sql: str, database: str = "postgres") -> str:
        # Before the settings of the role and the database count: SET itself could be cut off.
        conninfo = f"host={root} dbname={database} options='-c statement_timeout=0'"
        return primary.run("psql", "-XAtqc", sql, "-d", conninfo)

    primary.run("initdb", "-D", str(data), "--no-sync", "-U", "postgres")
    with open(data / "postgresql.conf", "a") as stream:
        stream.write(
            f"unix_socket_directories='{root}'\nlisten_addresses=''\nfsync=off\narchive_mode=on\narchive_command='cp "
            f"%p {archive}/%f'\n"
        )
    primary.run("sh", "-c", f"pg_ctl -D {data} -l {root}/log -w start >/dev/null 2>&1")
    try:
        psql("CREATE TABLE rows AS SELECT generate_series(1, 10) AS n")
        psql("CREATE DATABASE shop")
        psql("CREATE COLLATION sorted (provider = icu, locale = 'de')", "shop")
        psql("CREATE TABLE names (name text COLLATE sorted); CREATE INDEX ON names (name)", "shop")
        psql("UPDATE pg_collation SET collversion = '0.1' WHERE collname = 'sorted'", "shop")
        psql("ALTER ROLE postgres SET statement_timeout = '1ms'")
        psql("ALTER DATABASE postgres SET statement_timeout = '1ms'")
        primary.run("pg_basebackup", "-D", str(backup), "-h", str(root), "-X", "none", "-c", "fast", "--no-sync")
        psql("UPDATE pg_database SET datcollate = 'xx_XX.UTF-8' WHERE datname = 'shop'")
        psql("SELECT pg_create_restore_point('shop')")
        psql("UPDATE pg_database SET datcollate = 'xx_XX.UTF-8' WHERE datname = 'template1'")
        psql("SELECT pg_create_restore_point('template')")
        psql("SELECT pg_switch_wal()")
    finally:
        primary.run("pg_ctl", "-D", str(data), "-m", "fast", "stop")
    return Primary(root, primary.bin, backup, archive, "", "", "")


def test_settings_of_a_role_or_database_do_not_cut_a_query_off(foreign: Primary) -> None:
    directory = foreign.lay_down("timeouts", "recovery_target = 'immediate'", "recovery_target_action = 'promote'")
    slow = VerificationQuery("SELECT count(*) FROM pg_sleep(0.2), rows", expect=10, expected=True)
    facts = _test(directory, queries=(slow,))
    assert facts["databases"] == ["postgres", "shop", "template1"]


def test_a_collation_of_another_version_is_listed(foreign: Primary) -> None:
    directory = foreign.lay_down("collations", "recovery_target = 'immediate'", "recovery_target_action = 'promote'")
    [mismatch] = _test(directory)["collation_mismatches"]
    assert {**mismatch, "actual": None} == {
        "database": "shop",
        "collation": "sorted",
        "recorded": "0.1",
        "actual": None,
    }


def test_a_locale_that_one_database_misses_fails_the_proof(foreign: Primary) -> None:
    directory = foreign.lay_down("locale", "recovery_target_name = 'shop'", "recovery_target_action = 'promote'")
    with pytest.raises(
        RecoveryVerificationError, match=r"database 'shop' can't be used on this host: .*locale"
    ) as raised:
        _test(directory)
    assert raised.value.facts["databases"] == ["postgres", "template1"]
    assert _nothing_runs(directory)


def test_a_locale_that_every_connection_misses_is_not_waited_for(foreign: Primary) -> None:
    directory = foreign.lay_down("template", "recovery_target_name = 'template'", "recovery_target_action = 'promote'")
    started = time.monotonic()
    with pytest.raises(
        RecoveryVerificationError, match=r"refuses connections with database locale is incompatible.*XX000"
    ):
        _test(directory)
    assert time.monotonic() - started < 40
    assert _nothing_runs(directory)


def test_a_user_that_is_missing_is_not_waited_for(foreign: Primary) -> None:
    directory = foreign.lay_down("user", "recovery_target = 'immediate'", "recovery_target_action = 'promote'")
    with pytest.raises(RecoveryVerificationError, match="'nobody' can't log in to the recovered server"):
        _test(directory, database_user="nobody")


def test_a_library_that_the_configuration_preloads_and_nobody_installed(foreign: Primary) -> None:
    directory = foreign.lay_down("library", "recovery_target = 'immediate'", "recovery_target_action = 'promote'")
    with open(directory / "postgresql.conf", "a") as stream:
        stream.write("shared_preload_libraries = 'pg_wondrous, $libdir/libpqwalreceiver'\n")
    with pytest.raises(RecoveryVerificationError, match=r"postgresql.conf: not installed on this host: pg_wondrous\. "):
        _test(directory)


@pytest.mark.parametrize("name", ["session_preload_libraries", "local_preload_libraries"])
def test_a_library_that_every_session_loads_and_nobody_installed(foreign: Primary, name: str) -> None:
    directory = foreign.lay_down(name, "recovery_target = 'immediate'", "recovery_target_action = 'promote'")
    with open(directory / "postgresql.conf", "a") as stream:
        stream.write(f"{name} = 'pg_wondrous'\n")
    with pytest.raises(RecoveryVerificationError, match=f"{name} in .*: pg_wondrous. Nobody could connect"):
        _test(directory)


def test_the_same_is_found_before_anything_is_stopped(foreign: Primary) -> None:
    """By the locales that the server had, and by the programs and the configuration of this host."""
    directory = foreign.lay_down("before", "recovery_target = 'immediate'", "recovery_target_action = 'promote'")
    server = HostRequirements("7", {"postgres": ["C", "C"], "shop": ["xx_XX.UTF-8", "C"]})
    restored = ComparedServer(
        server,
        "server",
        files={"postgresql.conf": {"shared_preload_libraries": "pg_wondrous, $libdir/libpqwalreceiver"}},
    )
    found = compare_this_host(
        restored, str(directory), int((directory / "PG_VERSION").read_text()), "postgres", foreign.bin, run
    )
    assert [problem.partition(":")[0] for problem in found.problems] == [
        "this host does not have the locale xx_XX.UTF-8, which these need",
        "this host does not have the library pg_wondrous",
    ]
    assert found.not_compared == ["resource managers of extensions: the WAL was not read"]
