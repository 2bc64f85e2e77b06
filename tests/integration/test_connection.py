# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections to a real PostgreSQL."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._archive_command.archiver import read_archiver
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import ServerConfiguration
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.postgres_state import (
    PostgresState,
    parse_state,
    question_for,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import slots
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.commit_test import try_commit
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.connection import (
    ConnectionFailed,
    PsycopgSession,
    QueryFailed,
    StreamRefusal,
    connect,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.host_requirements import ask
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.pooler import is_postgres
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.privileges import least_privileges
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.questions import KeptConnections, Question, ask_all
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.reachability import Reach, probe
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.slots import (
    create_slot,
    drop_slot,
    read_senders,
    read_slot,
    who_has,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.stream_state import WAL_REMOVED
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.synchronous import (
    _refuse_if_nothing_is_reloaded,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal_position import (
    close_segment,
    identify,
    read_history,
    read_position,
    write_marker,
)
from ansible_collections.pgdr.barman.plugins.module_utils._recover.destination import MARKER
from ansible_collections.pgdr.barman.plugins.module_utils._recover.recovery_record import SUFFIX

# On a machine that has no more of the repository, too.
COLLECTION = Path(slots.__file__).parents[3]
PROGRAMS = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres") + glob.glob("/usr/pgsql-*/bin/postgres"))
PASSWORD = r"it's % a\b : c"
MIB = 1 << 20


def as_postgres(home: Path, *argv: str) -> None:
    account = pwd.getpwnam("postgres")
    subprocess.run(
        argv, check=True, capture_output=True, user=account.pw_uid, group=account.pw_gid, cwd=home, env={"LC_ALL": "C"}
    )


class Server:
    """A PostgreSQL of the newest version there is, on a socket and on an address of the loopback network."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = os.path.dirname(PROGRAMS[-1])
        self.data = root / "data"
        self.address = f"127.55.0.{os.getpid() % 250 + 1}"
        # Another server may listen on every address.
        with socket.create_server((self.address, 0)) as free:
            self.port = free.getsockname()[1]
        as_postgres(root, f"{self.bin}/initdb", "-D", str(self.data), "-A", "trust", "-N", "--wal-segsize=1")
        with open(self.data / "postgresql.conf", "a") as stream:
            stream.write(
                f"unix_socket_directories = '{root}'\nlisten_addresses = '{self.address}'\nport = {self.port}\n"
            )
        (self.data / "pg_hba.conf").write_text(
            "local all postgres peer\n"
            "host postgres barman 127.0.0.1/32 scram-sha-256\nhost replication streaming 127.0.0.1/32 trust\n"
        )
        as_postgres(root, f"{self.bin}/pg_ctl", "-D", str(self.data), "-l", str(root / "log"), "-w", "start")
        with self.session() as session:
            session.query("CREATE ROLE barman LOGIN PASSWORD '{}'".format(PASSWORD.replace("'", "''")))
            session.query("CREATE ROLE streaming LOGIN REPLICATION")

    def stop(self) -> None:
        as_postgres(self.root, f"{self.bin}/pg_ctl", "-D", str(self.data), "-m", "immediate", "stop")

    def session(self, conninfo: str | None = None, *, replication: bool = False) -> PsycopgSession:
        return connect(
            conninfo or f"host={self.root} port={self.port} dbname=postgres",
            "postgres",
            "main",
            replication=replication,
        )

    def replication(self) -> PsycopgSession:
        return self.session(f"host={self.address} port={self.port} user=streaming", replication=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("postgres")
    for path in (root, *root.parents):
        if str(path).startswith("/tmp/"):
            path.chmod(0o755)
    account = pwd.getpwnam("postgres")
    os.chown(root, account.pw_uid, account.pw_gid)
    running = Server(root)
    yield running
    running.stop()


def test_root_connects_as_the_other_user_and_is_root_again(server: Server) -> None:
    groups = os.getgroups()
    with server.session() as session:
        assert session.query("SELECT current_user AS me, %s::text AS given", ["a'%"]) == [
            {"me": "postgres", "given": "a'%"}
        ]
        assert session.version >= 13
    assert (os.geteuid(), os.getegid(), os.getgroups()) == (0, 0, groups)


def test_passwords_come_from_a_passfile(server: Server, tmp_path: Path) -> None:
    passfile = server.root / "passfile"
    conninfo = f"host={server.address} port={server.port} user=barman dbname=postgres passfile={passfile}"
    account = pwd.getpwnam("postgres")

    def write(password: str, mode: int = 0o600) -> None:
        escaped = password.replace("\\", "\\\\").replace(":", "\\:")
        passfile.write_text(f"{server.address}:{server.port}:*:barman:{escaped}\n")
        passfile.chmod(mode)
        os.chown(passfile, account.pw_uid, account.pw_gid)

    with pytest.raises(ConnectionFailed, match="none was found for user 'barman'"):
        server.session(conninfo)
    write("wrong")
    with pytest.raises(ConnectionFailed, match="refused the password of user 'barman'") as failed:
        server.session(conninfo)
    assert str(passfile) in str(failed.value)
    write(PASSWORD, 0o644)
    with pytest.raises(ConnectionFailed, match="readable by nobody else"):
        server.session(conninfo)
    write(PASSWORD)
    with server.session(conninfo) as session:
        assert session.query("SELECT current_user AS me") == [{"me": "barman"}]


def free_port(address: str) -> int:
    with socket.create_server((address, 0)) as free:
        return int(free.getsockname()[1])


@contextlib.contextmanager
def in_front(server: Server, *argv: str, port: int) -> Iterator[None]:
    """Run a pooler or a proxy as postgres until the end of the block."""
    account = pwd.getpwnam("postgres")
    with subprocess.Popen(argv, user=account.pw_uid, group=account.pw_gid, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 30
            while probe(server.address, str(port)) is not Reach.CONNECTED:
                assert process.poll() is None, argv
                assert time.monotonic() < deadline, argv
                time.sleep(0.05)
            yield
        finally:
            process.kill()


@pytest.mark.skipif(not shutil.which("pgbouncer"), reason="needs pgbouncer")
def test_pgbouncer_is_not_postgresql(server: Server) -> None:
    port, directory = free_port(server.address), server.root / "pgbouncer"
    directory.mkdir()
    (directory / "users").write_text('"postgres" ""\n"streaming" ""\n')
    (directory / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={server.root} port={server.port}\n[pgbouncer]\nlisten_addr = {server.address}\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {directory}/users\npool_mode = transaction\n"
    )
    with in_front(server, "pgbouncer", str(directory / "pgbouncer.ini"), port=port):
        assert is_postgres(server.address, str(port)) is False
        for more, replication in (
            ("user=postgres dbname=postgres", False),
            ("user=streaming", True),
            ("user=x", False),
        ):
            with pytest.raises(ConnectionFailed, match="a connection pooler such as PgBouncer answers there") as failed:
                server.session(f"host={server.address} port={port} {more}", replication=replication)
            assert failed.value.kind == "pooler"
    # What the session's settings would have been is no setting of the pool's connection.
    assert is_postgres(server.address, str(server.port)) is True


@pytest.mark.skipif(not shutil.which("haproxy"), reason="needs haproxy")
def test_a_proxy_that_forwards_is_postgresql(server: Server) -> None:
    port, configuration = free_port(server.address), server.root / "haproxy.cfg"
    configuration.write_text(
        "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1m\n  timeout server 1m\n"
        f"listen postgres\n  bind {server.address}:{port}\n  server one {server.address}:{server.port}\n"
    )
    with in_front(server, "haproxy", "-db", "-f", str(configuration), port=port):
        assert is_postgres(server.address, str(port)) is True
        with server.session(f"host={server.address} port={port} user=streaming", replication=True) as session:
            assert session.query("IDENTIFY_SYSTEM")
        with pytest.raises(ConnectionFailed) as failed:
            server.session(f"host={server.address} port={port} user=barman dbname=postgres password=wrong")
        assert failed.value.kind == "wrong_password"


def test_a_missing_line_of_pg_hba_is_reported_as_a_line_to_write(server: Server) -> None:
    with pytest.raises(ConnectionFailed) as failed:
        server.session(f"host={server.address} port={server.port} user=barman dbname=template1")
    assert "'host  template1  barman  127.0.0.1/32  scram-sha-256'" in str(failed.value)


def test_a_refused_statement(server: Server) -> None:
    with (
        server.session() as session,
        pytest.raises(QueryFailed, match=r"refused 'SELECT 1 FROM nothing'") as failed,
    ):
        session.query("SELECT 1 FROM nothing")
    assert failed.value.sqlstate == "42P01"


def test_the_state_for_monitoring(server: Server) -> None:
    entry = ServerConfiguration(
        "main",
        {
            "conninfo": f"host={server.root} port={server.port} dbname=postgres",
            "streaming_archiver": "on",
            "slot_name": "watched",
        },
        "",
    )
    refused = Question("main", entry.conninfo, "SELECT 1 FROM nothing")

    def observed() -> PostgresState:
        answers = ask_all({"pg": question_for(entry), "refused": refused}, "postgres", 10.0)
        assert isinstance(answers["refused"], QueryFailed)
        assert answers["refused"].sqlstate == "42P01"
        assert not isinstance(answers["pg"], HostError)
        return parse_state(answers["pg"])

    before = observed()
    with server.session() as session, server.replication() as replication:
        identity, position = identify(replication), read_position(session)
        create_slot(replication, "watched")
    after = observed()
    with server.replication() as replication:
        drop_slot(replication, "watched")
    assert (before.slot, before.retained_bytes, before.stream) == (None, 0, None)
    assert (before.system_identifier, before.timeline, before.segment_size) == (identity.system_identifier, 1, MIB)
    assert before.lsn <= position.lsn <= after.lsn
    assert after.slot is not None
    assert (after.slot.active, after.slot.lost, after.retained_bytes < MIB) == (False, False, True)
    assert (after.archiver.mode, after.archiver.failing, after.required_standbys) == ("off", False, 0)
    assert os.geteuid() == 0


def test_slots(server: Server) -> None:
    with server.session() as session, server.replication() as replication:
        assert read_slot(session, "barman") is None
        create_slot(replication, "barman")
        slot = read_slot(session, "barman")
        assert slot is not None
        assert (slot.active, slot.lost, slot.wal_status) == (False, False, "reserved")
        assert slot.restart_lsn is not None
        with pytest.raises(QueryFailed, match="already exists"):
            create_slot(replication, "barman")
        drop_slot(replication, "barman")
        assert read_slot(session, "barman") is None
        assert read_senders(session, "nobody") == []
        backend = session.query("SELECT pg_backend_pid() AS pid")[0]["pid"]
        assert who_has(session, backend) == f"'pgdr.barman' from the server itself, PID {backend} on that server"
        assert who_has(session, 2**22 + 1).startswith("PID ")


def test_where_the_wal_is(server: Server) -> None:
    with server.session() as session, server.replication() as replication:
        position = read_position(session)
        assert (position.in_recovery, position.segment_size) == (False, MIB)
        identity = identify(replication)
        assert (identity.timeline, identity.lsn) == (1, position.lsn)
        assert identity.system_identifier.isdigit()
        assert [segment.timeline for segment in read_history(replication, 1)] == [1]
        write_marker(session)
        assert position.lsn < read_position(session).lsn < position.lsn + 300


def test_a_segment_is_closed_also_where_nothing_was_written(server: Server) -> None:
    with server.session() as session:
        first = close_segment(session, 1, MIB)
        second = close_segment(session, 1, MIB)
        assert second == first.next(MIB)
        assert read_position(session).lsn // MIB == second.next(MIB).number(MIB)


def test_whether_wal_can_be_streamed(server: Server) -> None:
    with server.session() as session:
        lsn = read_position(session).lsn

    def ask(position: int, timeline: int = 1) -> StreamRefusal | None:
        with server.replication() as replication:
            return replication.try_stream(position, timeline, 0.5)

    assert ask(lsn // MIB * MIB) is None
    assert ask(lsn) is None
    assert "is ahead of the WAL flush position" in str(ask(lsn + 64 * MIB))
    assert "requested timeline 2 is not in this server's history" in str(ask(lsn, 2))
    removed = ask(0)
    assert "has already been removed" in str(removed)
    assert removed is not None
    assert removed.sqlstate == WAL_REMOVED


def test_a_commit_that_waits_for_a_standby_that_is_not_there(server: Server) -> None:
    outcome = try_commit(server.session, 5)
    assert outcome.takes_writes, outcome
    with server.session() as session:
        session.query("ALTER SYSTEM SET synchronous_standby_names = 'replica'")
        session.query("SELECT pg_reload_conf()")
    try:
        waiting = try_commit(server.session, 2)
    finally:
        with server.session() as session:
            session.query("ALTER SYSTEM RESET synchronous_standby_names")
            session.query("SELECT pg_reload_conf()")
    assert not waiting.takes_writes
    assert "synchronous_standby_names = 'replica', and these standbys are connected: none" in waiting.reason


def test_no_timeout_of_a_role_or_database_cuts_our_queries_off(server: Server) -> None:
    names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]
    with server.session() as session:
        for name in names:
            session.query(f"ALTER DATABASE postgres SET {name} = 20000")
    try:
        with server.session() as session:
            assert [session.query(f"SELECT current_setting('{name}') AS now")[0]["now"] for name in names] == ["0"] * 3
    finally:
        with server.session() as session:
            session.query("ALTER DATABASE postgres RESET ALL")


def test_what_role_pg_asks_a_server_for(server: Server) -> None:
    """One statement, of which PostgreSQL is the judge."""
    statement = (COLLECTION / "roles" / "pg" / "files" / "state.sql").read_text(encoding="utf-8").replace("…", "...")
    asked: Any = {
        "settings": '{"max_wal_senders": {"minimum": 10}}',
        "role": "barman",
        "roles": '["barman_of_old", "streaming_of_old", "barman_to_come"]',
        "functions": "[]",
        "memberships": "[]",
    }
    with server.session() as session:
        session.query("CREATE ROLE barman_of_old SUPERUSER BYPASSRLS")
        session.query("CREATE ROLE streaming_of_old REPLICATION")
        hba = server.data / "pg_hba.conf"
        before = hba.read_text()
        rule = 'host "barman_of_old" "streaming_of_old" 192.0.2.1/32 scram-sha-256'
        hba.write_text(f"# BEGIN pgdr.barman\n{rule}\n# END pgdr.barman\n{before}")
        (row,) = session.query(statement, asked)
        hba.write_text(before)
        session.query("DROP ROLE barman_of_old, streaming_of_old")
    assert row["hba_rules"].strip() == rule
    assert row["existing_roles"] == [
        {"name": "barman_of_old", "bootstrap": False, "ours": False, "attributes": ["SUPERUSER", "BYPASSRLS"]},
        {"name": "streaming_of_old", "bootstrap": False, "ours": True, "attributes": []},
    ]
    assert row["data_directory"] == str(server.data)
    assert row["alter_system_allowed"] is True
    assert row["mounts_below"] == []
    assert row["patroni"] is False
    assert row["recovery_recorded"] is False
    Path(f"{server.data}{SUFFIX}").write_text("{}")
    mounted = server.data / "pg_wal" / "mounted"
    mounted.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(mounted)], check=True)
    try:
        with server.session() as session:
            (row,) = session.query(statement, asked)
    finally:
        subprocess.run(["umount", str(mounted)], check=True)
        mounted.rmdir()
    assert row["mounts_below"] == [str(mounted)]
    assert row["recovery_recorded"] is True
    Path(f"{server.data}{SUFFIX}").unlink()
    (server.data / MARKER).write_text("{}")
    with server.session() as session:
        (row,) = session.query(statement, asked)
    (server.data / MARKER).unlink()
    assert row["recovery_recorded"] is True


def test_what_a_server_requires_of_its_host_is_asked_with_barmans_privileges(server: Server) -> None:
    with server.session() as session:
        major = session.version
        session.query(f"CREATE ROLE asking LOGIN IN ROLE {', '.join(least_privileges(major).memberships)}")
        session.query("CREATE DATABASE \"a 'shop'\"")
        # Not the database that is connected to: there it hides the server's own value.
        session.query("ALTER DATABASE \"a 'shop'\" SET session_preload_libraries = auto_explain")
        session.query("ALTER SYSTEM SET session_preload_libraries = auto_explain, plpgsql")
        session.query("CREATE SUBSCRIPTION orders CONNECTION 'host=nowhere' PUBLICATION orders WITH (connect = false)")
        session.query("SELECT pg_reload_conf()")
    try:
        with server.session() as session:
            session.query("SET ROLE asking")
            found = ask(session)
            session.query("RESET ROLE")
            session.query("ALTER SUBSCRIPTION orders SET (slot_name = 'orders')")
            session.query("ALTER SUBSCRIPTION orders ENABLE")
            session.query("SET ROLE asking")
            assert ask(session).subscriptions == ["postgres/orders"]
    finally:
        with server.session() as session:
            session.query("ALTER SUBSCRIPTION orders DISABLE")
            session.query("ALTER SUBSCRIPTION orders SET (slot_name = NONE)")
            session.query("DROP SUBSCRIPTION orders")
            session.query("ALTER SYSTEM RESET session_preload_libraries")
            session.query("SELECT pg_reload_conf()")
    assert sorted(found.databases) == ["a 'shop'", "postgres", "template1"]
    assert len(found.databases["postgres"]) == 2
    assert found.settings["session_preload_libraries"] == "auto_explain, plpgsql"
    assert "session_preload_libraries" in found.restored
    assert found.own_settings == {"database a 'shop'": {"session_preload_libraries": "auto_explain"}}
    assert found.managers == {}
    assert found.subscriptions == []
    assert found.cron_database == ""


@pytest.mark.parametrize(
    ("line", "named"),
    [
        # Both have an error and keep PostgreSQL from nothing: a value that waits for a restart, and one that can't be applied.
        ("archive_mode = on", None),
        ("work_mem = 'nonsense'", None),
        ("nonsense_here = 1", "postgresql.conf, line"),
        ("include 'not_there.conf'", "postgresql.conf, line"),
    ],
)
def test_an_error_in_the_files_is_known_without_its_words(server: Server, line: str, named: str | None) -> None:
    path = server.data / "postgresql.conf"
    before = path.read_text()
    path.write_text(f"{before}{line}\n")
    try:
        with server.session() as session:
            if named is None:
                _refuse_if_nothing_is_reloaded(session)
            else:
                with pytest.raises(HostError, match=named):
                    _refuse_if_nothing_is_reloaded(session)
    finally:
        path.write_text(before)


def test_what_the_archiver_reports(server: Server) -> None:
    with server.session() as session:
        state = read_archiver(session)
        assert (state.mode, state.failed, state.ours) == ("off", None, False)
        assert "archive_mode is off" in state.problem


def test_connections_that_are_kept(server: Server) -> None:
    """One login for all calls, another one after the connection broke, and none when nobody asks any more."""
    pid = "SELECT json_build_object('pid', pg_backend_pid(), 'value', $1::text)"
    conninfo = f"host={server.root} port={server.port} dbname=postgres"

    def pid_of(ask: KeptConnections, value: str = "x") -> int:
        (answer,) = ask({"main": Question("main", conninfo, pid, (value,))}, "postgres", 10.0).values()
        assert not isinstance(answer, HostError), answer
        assert answer["value"] == value
        return int(answer["pid"])

    def backends() -> list[int]:
        rows = "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgdr.barman' AND pid <> pg_backend_pid()"
        with server.session() as session:
            return [one["pid"] for one in session.query(rows)]

    def ended(number: int) -> None:
        deadline = time.monotonic() + 10
        while number in backends() and time.monotonic() < deadline:
            pass
        assert number not in backends()

    with KeptConnections() as ask:
        first = pid_of(ask)
        assert pid_of(ask, "other") == first
        refused = ask({"main": Question("main", conninfo, "SELECT 1 FROM nothing")}, "postgres", 10.0)["main"]
        assert isinstance(refused, QueryFailed)
        assert pid_of(ask) == first
        with server.session() as session:
            session.query("SELECT pg_terminate_backend(%s)", [first])
        ended(first)
        second = pid_of(ask)
        assert second != first
        # One that does not answer in time is not asked again.
        slow = Question("main", conninfo, "SELECT json_build_object('slept', pg_sleep(60)::text)")
        assert "did not answer within 0.3 s" in str(ask({"main": slow}, "postgres", 0.3)["main"])
        third = pid_of(ask)
        assert third not in (first, second)
        elsewhere = Question("main", f"{conninfo} application_name=x options='-c work_mem=1MB'", pid, ("x",))
        assert ask({"main": elsewhere}, "postgres", 10.0)["main"] != {"pid": third, "value": "x"}
        ended(third)
        fourth = pid_of(ask)
    ended(fourth)
