# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections, as far as they need no server; tests/integration has the rest."""

from __future__ import annotations

import locale
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import connection
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.connection import (
    ConnectionFailed,
    PsycopgSession,
    QueryFailed,
    connect,
    psycopg_is_there,
    require_psycopg,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.diagnosis import diagnose_stream
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.diagnosis_rules import Endpoint
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.reachability import Reach


class Opened(Exception):
    """What would have been given to psycopg."""


@pytest.fixture
def intercepted(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    used: dict[str, Any] = {}

    def record(conninfo: str, **options: Any) -> None:
        used.update(psycopg.conninfo.conninfo_to_dict(conninfo), environment=dict(os.environ), user_id=os.geteuid())
        raise psycopg.OperationalError("connection timeout expired")

    monkeypatch.setattr(psycopg, "connect", record)
    return used


def test_what_is_asked_of_libpq(intercepted: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "of somebody else")
    with pytest.raises(ConnectionFailed) as failed:
        connect("host=h.invalid user=u dbname=d connect_timeout=3 application_name=x", server="main")
    assert (intercepted["host"], intercepted["dbname"], intercepted["connect_timeout"]) == ("h.invalid", "d", "3")
    assert intercepted["application_name"] == "pgdr.barman"
    assert "PGPASSWORD" not in intercepted["environment"]
    assert os.environ["PGPASSWORD"] == "of somebody else"
    # A name that does not resolve, which is found beside libpq's words.
    assert failed.value.diagnosis.kind == "unknown_host"
    assert "Barman server 'main': no connection to PostgreSQL at h.invalid:5432 as user 'u' to database 'd'" in str(
        failed.value
    )


def test_libpq_s_own_words_are_those_of_the_c_locale(
    intercepted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """AnsibleModule has set the language of the host before."""
    given: list[tuple[int, str]] = []
    monkeypatch.setattr(locale, "setlocale", lambda category, value: given.append((category, value)))
    with pytest.raises(ConnectionFailed):
        connect("host=h.invalid user=u dbname=d")
    assert (locale.LC_MESSAGES, "C") in given


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


class Behind:
    """A connection whose statements run in the process backend. announced: the process id that came with the connection."""

    def __init__(self, announced: int, backend: int) -> None:
        self.info = SimpleNamespace(backend_pid=announced)
        self.backend = backend
        self.statements: list[str] = []
        self.closed = False

    def execute(self, sql: str, params: object) -> Any:
        self.statements.append(sql)
        return SimpleNamespace(description=["pid"], fetchall=lambda: [{"pid": self.backend}])

    def close(self) -> None:
        self.closed = True


def test_a_session_in_a_pooler_s_connection_is_refused_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for announced, backend, refused in ((841, 841, False), (-170960795, 847, True)):
        behind = Behind(announced, backend)
        monkeypatch.setattr(psycopg, "connect", lambda *_given, _behind=behind, **_options: _behind)
        if refused:
            with pytest.raises(ConnectionFailed, match="a connection pooler such as PgBouncer answers there") as failed:
                connect("host=h port=6432 user=barman")
            assert failed.value.kind == "pooler"
            assert "Set barman_postgres_port" in str(failed.value)
        else:
            connect("host=h port=6432 user=barman")
        assert behind.closed is refused
        # A setting is set only if the statement runs in the process that was announced.
        assert all(f"ON backend.pid = {announced} AND" in sql for sql in behind.statements)


@pytest.mark.parametrize(("is_postgres", "kind"), [(False, "pooler"), (True, "other"), (None, "other")])
def test_what_answers_for_a_connection_that_failed(
    monkeypatch: pytest.MonkeyPatch, is_postgres: bool | None, kind: str
) -> None:
    def refuse(*_given: object, **_options: object) -> None:
        raise psycopg.OperationalError("nothing known")

    monkeypatch.setattr(psycopg, "connect", refuse)
    monkeypatch.setattr(connection, "probe", lambda *_: Reach.CONNECTED)
    monkeypatch.setattr(connection, "is_postgres", lambda *_: is_postgres)
    with pytest.raises(ConnectionFailed) as failed:
        connect("host=h user=barman")
    assert failed.value.kind == kind


class Ended:
    """PostgreSQL's answer where the timeline ended at the very position: the next timeline, and no stream."""

    status = None
    error_message = b""

    def exec_(self, command: bytes) -> Ended:
        assert command == b"START_REPLICATION PHYSICAL 0/6000000 TIMELINE 1"
        return self


def test_where_a_timeline_ended_nothing_streams_and_the_reason_is_the_timeline() -> None:
    endpoint = Endpoint("198.51.100.10", "5432", "barman", "postgres", replication=True, server="main")
    refusal = PsycopgSession(SimpleNamespace(pgconn=Ended()), endpoint).try_stream(0x6000000, 1)
    assert refusal is not None
    found = diagnose_stream(refusal, endpoint)
    assert found is not None
    assert found.kind == "other_timeline"


def test_without_psycopg_the_error_names_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    require_psycopg()
    assert psycopg_is_there()
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(HostError, match=r"psycopg, version 3.*import of psycopg halted"):
        require_psycopg()
    assert not psycopg_is_there()


def test_psycopg_is_loaded_for_the_first_connection_only() -> None:
    """Most checks connect to nothing, and it takes long."""
    modules = ("connection", "diagnosis")
    names = "".join(f"import ansible_collections.pgdr.barman.plugins.module_utils._postgres.{one}\n" for one in modules)
    program = f"import sys\nsys.path[:] = {sys.path!r}\n{names}sys.exit('psycopg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.fixture(autouse=True)
def _local_socket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as local:
        monkeypatch.setattr(Copying, "descriptor", local.fileno())
        yield


class Copying:
    """A cursor that copies out, and ends with an error after its blocks, if there is one."""

    #: Of a local socket.
    descriptor = -1

    def __init__(self, blocks: list[bytes], error: Exception | None = None) -> None:
        self.blocks = blocks
        self.error = error
        self.ended = 0
        self.pgconn = SimpleNamespace(socket=self.descriptor)

    def cursor(self) -> Copying:
        return self

    def copy(self, sql: str) -> Copying:
        return self

    def __enter__(self) -> Copying:
        return self

    def __exit__(self, *_: object) -> None:
        self.ended += 1

    def __iter__(self) -> Iterator[bytes]:
        yield from self.blocks
        if self.error is not None:
            raise self.error


ENDPOINT = Endpoint("db", "5432", user="barman", database="postgres")


def test_the_sizes_of_copied_blocks() -> None:
    assert list(PsycopgSession(Copying([b"abc", b"de"]), ENDPOINT).copied_bytes("COPY …")) == [3, 2]


def test_a_copy_ends_if_the_peer_answers_no_packet() -> None:
    copying = Copying([b"abc"])
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        copying.pgconn.socket = client.fileno()
        assert list(PsycopgSession(copying, ENDPOINT).copied_bytes("COPY …")) == [3]
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
        values = [client.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names]
        assert values == [5, 5, 2, 15000]


def test_a_copy_that_is_closed_early_ends_on_the_server() -> None:
    copying = Copying([b"abc", b"de"])
    blocks = PsycopgSession(copying, ENDPOINT).copied_bytes("COPY …")
    assert next(blocks) == 3
    blocks.close()
    assert copying.ended == 2


def test_a_copy_that_fails_names_the_server() -> None:
    copying = Copying([b"abc"], psycopg.OperationalError("the connection is gone"))
    with pytest.raises(QueryFailed, match=r"db:5432 refused 'COPY 1': the connection is gone"):
        list(PsycopgSession(copying, ENDPOINT).copied_bytes("COPY 1"))
