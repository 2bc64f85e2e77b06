# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections: without a server what needs none, and with a real PostgreSQL where its programs are installed."""

from __future__ import annotations

import glob
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.connection import (
    ConnectionFailed,
    PsycopgSession,
    QueryFailed,
    connect,
    psycopg_is_there,
    require_psycopg,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.diagnosis import Endpoint, diagnose_stream
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.slots import (
    create_slot,
    drop_slot,
    read_senders,
    read_slot,
    who_has,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal_position import (
    close_segment,
    identify,
    read_position,
    read_way,
    write_marker,
)

psycopg = pytest.importorskip("psycopg")

PROGRAMS = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres") + glob.glob("/usr/pgsql-*/bin/postgres"))
PASSWORD = r"it's % a\b : c"
MIB = 1 << 20


def _has_postgres() -> bool:
    return os.geteuid() == 0 and any(account.pw_name == "postgres" for account in pwd.getpwall())


class Opened(Exception):
    """What would have been given to psycopg."""


@pytest.fixture
def intercepted(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    def record(conninfo: str, **options: Any) -> None:
        seen.update(psycopg.conninfo.conninfo_to_dict(conninfo), environment=dict(os.environ), user_id=os.geteuid())
        raise psycopg.OperationalError("connection timeout expired")

    monkeypatch.setattr(psycopg, "connect", record)
    return seen


def test_what_is_asked_of_libpq(intercepted: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "of somebody else")
    with pytest.raises(ConnectionFailed) as failed:
        connect("host=h user=u dbname=d connect_timeout=3 application_name=x", server="main")
    assert (intercepted["host"], intercepted["dbname"], intercepted["connect_timeout"]) == ("h", "d", "3")
    assert intercepted["application_name"] == "pgdr.barman"
    assert "PGPASSWORD" not in intercepted["environment"]
    assert os.environ["PGPASSWORD"] == "of somebody else"
    assert failed.value.diagnosis.kind == "timeout"
    assert "Barman server 'main': no connection to PostgreSQL at h:5432 as user 'u' to database 'd'" in str(
        failed.value
    )


def test_a_replication_connection(intercepted: dict[str, Any]) -> None:
    with pytest.raises(ConnectionFailed, match="for replication"):
        connect("host=h user=u dbname=d", replication=True)
    assert (intercepted["replication"], intercepted["dbname"]) == ("true", "replication")
    assert intercepted["connect_timeout"] == "10"


@pytest.mark.parametrize("text", ["host=h password='my secret", "host=h password=my secret", "nonsense secret"])
def test_a_string_that_can_t_be_read_is_not_repeated(text: str) -> None:
    with pytest.raises(HostError, match="connection string of Barman server 'main' can't be read") as failed:
        connect(text, server="main")
    assert "secret" not in str(failed.value)


def test_another_user_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    with pytest.raises(HostError, match="must run as root or as 'root'"):
        connect("host=h", user="root")
    with pytest.raises(HostError, match="user 'no-such-user' does not exist"):
        connect("host=h", user="no-such-user")


class Ended:
    """PostgreSQL's answer where the timeline ended at the very position: the next timeline, and no stream."""

    status = None
    error_message = b""

    def exec_(self, command: bytes) -> Ended:
        assert command == b"START_REPLICATION PHYSICAL 0/6000000 TIMELINE 1"
        return self


def test_where_a_timeline_ended_nothing_streams_and_the_reason_is_the_timeline() -> None:
    endpoint = Endpoint("198.51.100.10", "5432", "barman", "postgres", True, "main")
    refusal = PsycopgSession(SimpleNamespace(pgconn=Ended()), endpoint).try_stream(0x6000000, 1)
    assert refusal is not None
    found = diagnose_stream(refusal, endpoint)
    assert found is not None
    assert found.kind == "other_timeline"


def test_without_psycopg_the_module_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, str] = {}

    class Module:
        def fail_json(self, **result: str) -> None:
            said.update(result)

    require_psycopg(Module())
    assert not said
    assert psycopg_is_there()
    monkeypatch.setitem(sys.modules, "psycopg", None)
    require_psycopg(Module())
    assert "psycopg (version 3)" in said["msg"]
    assert "ImportError" in said["exception"] or "ModuleNotFoundError" in said["exception"]
    assert not psycopg_is_there()


def test_psycopg_is_loaded_for_the_first_connection_only() -> None:
    """Most checks connect to nothing, and it takes long."""
    modules = ("connection", "diagnosis")
    names = "".join(f"import ansible_collections.pgdr.barman.plugins.module_utils._postgres.{one}\n" for one in modules)
    program = f"import sys\nsys.path[:] = {sys.path!r}\n{names}sys.exit('psycopg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# With a server

live = pytest.mark.skipif(
    not PROGRAMS or not _has_postgres(), reason="needs root, PostgreSQL's programs, user postgres"
)


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
        self.address = "127.55.0.%d" % (os.getpid() % 250 + 1)
        as_postgres(root, f"{self.bin}/initdb", "-D", str(self.data), "-A", "trust", "-N", "--wal-segsize=1")
        with open(self.data / "postgresql.conf", "a") as stream:
            stream.write(f"unix_socket_directories = '{root}'\nlisten_addresses = '{self.address}'\nport = 5432\n")
        (self.data / "pg_hba.conf").write_text(
            "local all postgres peer\n"
            "host postgres barman 127.0.0.1/32 scram-sha-256\nhost replication streaming 127.0.0.1/32 trust\n"
        )
        as_postgres(root, f"{self.bin}/pg_ctl", "-D", str(self.data), "-l", str(root / "log"), "-w", "start")
        with self.session() as session:
            session.query("CREATE ROLE barman LOGIN PASSWORD '%s'" % PASSWORD.replace("'", "''"))
            session.query("CREATE ROLE streaming LOGIN REPLICATION")

    def stop(self) -> None:
        as_postgres(self.root, f"{self.bin}/pg_ctl", "-D", str(self.data), "-m", "immediate", "stop")

    def session(self, conninfo: str | None = None, replication: bool = False) -> PsycopgSession:
        return connect(conninfo or f"host={self.root} dbname=postgres", "postgres", "main", replication)

    def replication(self) -> PsycopgSession:
        return self.session(f"host={self.address} user=streaming", True)


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


@live
class TestLive:
    def test_root_connects_as_the_other_user_and_is_root_again(self, server: Server) -> None:
        groups = os.getgroups()
        with server.session() as session:
            assert session.query("SELECT current_user AS me, %s::text AS given", ["a'%"]) == [
                {"me": "postgres", "given": "a'%"}
            ]
            assert session.version >= 13
        assert (os.geteuid(), os.getegid(), os.getgroups()) == (0, 0, groups)

    def test_passwords_come_from_a_passfile(self, server: Server, tmp_path: Path) -> None:
        passfile = server.root / "passfile"
        conninfo = f"host={server.address} user=barman dbname=postgres passfile={passfile}"
        account = pwd.getpwnam("postgres")

        def write(password: str, mode: int = 0o600) -> None:
            escaped = password.replace("\\", "\\\\").replace(":", "\\:")
            passfile.write_text(f"{server.address}:5432:*:barman:{escaped}\n")
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

    def test_a_missing_line_of_pg_hba_is_told_to_be_written(self, server: Server) -> None:
        with pytest.raises(ConnectionFailed) as failed:
            server.session(f"host={server.address} user=barman dbname=template1")
        assert "'host  template1  barman  127.0.0.1/32  scram-sha-256'" in str(failed.value)

    def test_a_refused_statement(self, server: Server) -> None:
        with (
            server.session() as session,
            pytest.raises(QueryFailed, match=r"refused 'SELECT 1 FROM nothing'") as failed,
        ):
            session.query("SELECT 1 FROM nothing")
        assert failed.value.sqlstate == "42P01"

    def test_slots(self, server: Server) -> None:
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

    def test_where_the_wal_is(self, server: Server) -> None:
        with server.session() as session, server.replication() as replication:
            position = read_position(session)
            assert (position.in_recovery, position.segment_size) == (False, MIB)
            identity = identify(replication)
            assert (identity.timeline, identity.lsn) == (1, position.lsn)
            assert identity.system_identifier.isdigit()
            assert [leg.timeline for leg in read_way(replication, 1)] == [1]
            write_marker(session)
            assert position.lsn < read_position(session).lsn < position.lsn + 300

    def test_a_segment_is_closed_also_where_nothing_was_written(self, server: Server) -> None:
        with server.session() as session:
            first = close_segment(session, 1, MIB)
            second = close_segment(session, 1, MIB)
            assert second == first.next(MIB)
            assert read_position(session).lsn // MIB == second.next(MIB).number(MIB)

    def test_whether_wal_can_be_streamed(self, server: Server) -> None:
        with server.session() as session:
            lsn = read_position(session).lsn

        def ask(position: int, timeline: int = 1) -> str | None:
            with server.replication() as replication:
                return replication.try_stream(position, timeline, 0.5)

        assert ask(lsn // MIB * MIB) is None
        assert ask(lsn) is None
        assert "is ahead of the WAL flush position" in str(ask(lsn + 64 * MIB))
        assert "requested timeline 2 is not in this server's history" in str(ask(lsn, 2))
        assert "has already been removed" in str(ask(0))
