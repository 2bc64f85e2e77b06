# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that opens connections to PostgreSQL, with psycopg 3.

This module util is private to the collection. What needs a database is handed a Connect, so that a test hands in
recorded answers.
"""

from __future__ import annotations

import importlib.util
import locale
import os
import select
import socket
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from .._host.identity import acting_as
from .._host.process import HostError, lookup_user
from .diagnosis import Diagnosis, diagnose_connection
from .diagnosis_rules import Endpoint
from .pooler import is_pooled, is_postgres
from .reachability import Reach, probe
from .timeouts import TIMEOUTS

APPLICATION_NAME = "pgdr.barman"
# Those that the server does not know are no rows here. In a pooler's connection nothing is set, because applications get that connection afterwards.
_NO_TIMEOUTS = """
SELECT backend.pid, CASE WHEN settings.name IS NOT NULL THEN pg_catalog.set_config(settings.name, '0', false) END
FROM pg_catalog.pg_backend_pid() AS backend (pid)
LEFT JOIN pg_catalog.pg_settings AS settings ON backend.pid = {{}} AND settings.name IN ({})
""".format(", ".join(f"'{name}'" for name in ("lock_timeout", *TIMEOUTS)))
#: A peer that answers no packet for so many seconds ends a COPY.
_SILENCE = 15
_DEFAULTS = {"connect_timeout": "10", "tcp_user_timeout": "30000"}


class ConnectionFailed(HostError):
    """No connection; the text contains the address, the user, the reason and what to do."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.message)
        self.diagnosis = diagnosis
        self.kind = diagnosis.kind


class QueryFailed(HostError):
    """PostgreSQL refused a statement, or the connection broke while it ran."""

    def __init__(self, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class StreamRefusal(str):
    """What PostgreSQL has against streaming, in its own words and language. sqlstate: None if none came."""

    sqlstate: str | None

    def __new__(cls, text: str, sqlstate: str | None = None) -> StreamRefusal:
        made = super().__new__(cls, text)
        made.sqlstate = sqlstate
        return made


class Session(Protocol):
    """An open connection in autocommit mode."""

    @property
    def version(self) -> int:
        """The server's major version, such as 17."""

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run one statement and return its rows. Raises QueryFailed."""

    def try_stream(self, lsn: int, timeline: int, patience: float = 5.0) -> StreamRefusal | None:
        """Request WAL from a position, and return PostgreSQL's refusal; None where it streams.

        Only for a replication connection, which must be closed afterwards.
        """

    def close(self) -> None:
        """Close the connection."""


class Connect(Protocol):
    """Opens a connection. Raises ConnectionFailed.

    conninfo: as it stands in Barman's configuration. user: the operating system user whose .pgpass, certificates and
    name (for peer authentication) are used; None for the current one. server: Barman's name for it, for messages.
    replication: a connection for replication commands, to no database.
    """

    def __call__(
        self, conninfo: str, user: str | None = None, server: str | None = None, *, replication: bool = False
    ) -> Session:
        """Return the open connection."""


def psycopg_is_there() -> bool:
    """Whether psycopg 3 is installed; it is not loaded for that."""
    return importlib.util.find_spec("psycopg") is not None


def require_psycopg() -> None:
    """Raises HostError if psycopg 3 is missing; the text names the Python that needs it."""
    try:
        load_psycopg()
    except ImportError as exc:
        raise HostError(
            f"the Python library psycopg, version 3, is missing on {os.uname().nodename} for {sys.executable} ({exc}). "
            "Install it there (on Debian the package python3-psycopg)"
        ) from None


def load_psycopg() -> Any:
    """psycopg, loaded when it is needed: it takes as long as all the rest of a module, and a good check connects to nothing."""
    import psycopg
    import psycopg.conninfo
    import psycopg.rows

    # AnsibleModule takes over the language of this host. libpq has no SQLSTATE for its own errors, only translated words.
    locale.setlocale(locale.LC_MESSAGES, "C")
    return psycopg


def connect(
    conninfo: str, user: str | None = None, server: str | None = None, *, replication: bool = False
) -> PsycopgSession:
    """Open a connection; see Connect."""
    psycopg = load_psycopg()
    parameters = conninfo_parameters(conninfo, server)
    for key, value in _DEFAULTS.items():
        parameters.setdefault(key, value)
    parameters["application_name"] = APPLICATION_NAME
    if replication:
        # The database name with which pg_basebackup and pg_receivewal search for their password, too.
        parameters.update(replication="true", dbname="replication")
    with client_identity(user):
        endpoint = endpoint_of(parameters, user, server, replication=replication)
        try:
            connection = psycopg.connect(
                psycopg.conninfo.make_conninfo("", **parameters), autocommit=True, row_factory=psycopg.rows.dict_row
            )
        except psycopg.Error as exc:
            # With an SQLSTATE PostgreSQL has answered, and the way there is no question.
            reach = (
                Reach.UNKNOWN if exc.sqlstate else _reach(str(parameters.get("hostaddr") or endpoint.host), endpoint)
            )
            raise ConnectionFailed(diagnose_connection(str(exc), endpoint, reach)) from None
    session = PsycopgSession(connection, endpoint)
    if not replication:
        try:
            _prepare(session, connection.info.backend_pid)
        except HostError:
            session.close()
            raise
    return session


def _reach(address: str, endpoint: Endpoint) -> Reach:
    """What is at the address of a connection that failed."""
    reach = probe(address, endpoint.port)
    if reach is Reach.CONNECTED and is_postgres(address, endpoint.port) is False:
        return Reach.POOLER
    return reach


def _prepare(session: PsycopgSession, announced: int) -> None:
    """End the time limits of the session. Raises ConnectionFailed if a pooler has the connection."""
    (row, *_more) = session.query(_NO_TIMEOUTS.format(announced))
    if is_pooled(announced, row["pid"]):
        raise ConnectionFailed(diagnose_connection("", session.endpoint, Reach.POOLER))


def endpoint_of(
    parameters: Mapping[str, Any], user: str | None = None, server: str | None = None, *, replication: bool = False
) -> Endpoint:
    """The address of a connection with these libpq parameters, for messages."""
    account = lookup_user(user).pw_name if user else ""
    role = str(parameters.get("user") or account or "")
    return Endpoint(
        host=str(parameters.get("host") or parameters.get("hostaddr") or "the local socket"),
        port=str(parameters.get("port") or "5432"),
        user=role,
        database=str(parameters.get("dbname") or role),
        replication=replication,
        server=server,
        passfile=str(parameters.get("passfile") or os.path.join(_home(user), ".pgpass")),
    )


class PsycopgSession:
    """A Session by psycopg."""

    def __init__(self, connection: Any, endpoint: Endpoint) -> None:
        self._connection = connection
        self.endpoint = endpoint

    def __enter__(self) -> PsycopgSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def version(self) -> int:
        return int(self._connection.info.server_version) // 10000

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        try:
            # Without parameters psycopg uses the simple protocol, the only one that replication connections know.
            cursor = self._connection.execute(sql, params or None)
            return [_decoded(row) for row in cursor.fetchall()] if cursor.description else []
        except load_psycopg().Error as exc:
            raise QueryFailed(
                f"PostgreSQL at {self.endpoint.address} refused '{_first_words(sql)}': {_one_line(str(exc))}",
                exc.sqlstate,
            ) from None

    def copied_bytes(self, sql: str) -> Generator[int, None, None]:
        """The sizes of the blocks that COPY … TO STDOUT returns. If the caller closes the iterator, psycopg cancels the statement. Raises QueryFailed.

        A connection whose packets are lost ends, too: a reader sends nothing, and would wait for hours.
        """
        _end_if_silent(self._connection.pgconn.socket)
        try:
            with self._connection.cursor() as cursor, cursor.copy(sql) as blocks:
                for block in blocks:
                    yield len(block)
        except load_psycopg().Error as exc:
            raise QueryFailed(
                f"PostgreSQL at {self.endpoint.address} refused '{_first_words(sql)}': {_one_line(str(exc))}",
                exc.sqlstate,
            ) from None

    def try_stream(self, lsn: int, timeline: int, patience: float = 5.0) -> StreamRefusal | None:
        pgconn = self._connection.pgconn
        command = f"START_REPLICATION PHYSICAL {lsn >> 32:X}/{lsn & 4294967295:X} TIMELINE {timeline}"
        try:
            result = pgconn.exec_(command.encode())
            if result.status != load_psycopg().pq.ExecStatus.COPY_BOTH:
                # Without an error: the timeline ended at that very position. pg_receivewal calls it an error, and comes no further.
                return _refusal(result) or StreamRefusal(
                    f"requested starting point {lsn >> 32:X}/{lsn & 0xFFFFFFFF:X} on timeline {timeline} is not in "
                    "this server's history: the timeline "
                    "ended there"
                )
            # PostgreSQL opens the segment only when it sends its first bytes.
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                count, dummy = pgconn.get_copy_data(1)
                if count != 0:
                    if count > 0:
                        return None
                    answer = pgconn.get_result()
                    return _refusal(answer) if answer is not None else None
                select.select([pgconn.socket], [], [], max(0.0, deadline - time.monotonic()))
                pgconn.consume_input()
        except load_psycopg().Error as exc:
            return StreamRefusal(_one_line(str(exc)), exc.sqlstate)
        return None

    def close(self) -> None:
        self._connection.close()


def _end_if_silent(descriptor: int) -> None:
    """Let the kernel end a TCP connection without answers."""
    with socket.socket(fileno=os.dup(descriptor)) as found:
        if found.family == socket.AF_UNIX:
            return
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            (socket.TCP_KEEPIDLE, _SILENCE // 3),
            (socket.TCP_KEEPINTVL, _SILENCE // 3),
            (socket.TCP_KEEPCNT, 2),
            (socket.TCP_USER_TIMEOUT, _SILENCE * 1000),
        ):
            found.setsockopt(socket.IPPROTO_TCP, option, value)


def conninfo_parameters(conninfo: str, server: str | None) -> dict[str, Any]:
    psycopg = load_psycopg()
    try:
        return dict(psycopg.conninfo.conninfo_to_dict(conninfo))
    except psycopg.Error:
        # libpq's own words would repeat parts of the string, and a password may be among them.
        raise HostError(
            (
                'the connection string%s can\'t be read. Write it as "host=… user=… dbname=…", with values in single '
                "quotes "
                "if they contain spaces"
            )
            % (f" of Barman server '{server}'" if server else "")
        ) from None


@contextmanager
def client_identity(user: str | None) -> Iterator[None]:
    """Switch to another user, for files and for peer authentication, while libpq connects.

    While it connects, libpq reads .pgpass, the service file and certificates, and the server reads the peer's user from the
    socket. The environment's PG* variables are not Barman's.
    """
    environment = {key: os.environ.pop(key) for key in list(os.environ) if key.startswith("PG") or key == "HOME"}
    try:
        os.environ["HOME"] = _home(user)
        with acting_as(user):
            yield
    finally:
        os.environ.pop("HOME", None)
        os.environ.update(environment)


def _home(user: str | None) -> str:
    return lookup_user(user).pw_dir if user else os.path.expanduser("~")


def _decoded(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose texts are str: the answers to replication commands come as bytes."""
    return {key: value.decode() if isinstance(value, bytes) else value for key, value in row.items()}


def _refusal(result: Any) -> StreamRefusal | None:
    """What a result of libpq's has as an error; None if there is none."""
    text = _one_line(result.error_message.decode(errors="replace"))
    if not text:
        return None
    state = result.error_field(load_psycopg().pq.DiagnosticField.SQLSTATE)
    return StreamRefusal(text, state.decode() if state else None)


def _first_words(sql: str, most: int = 60) -> str:
    text = " ".join(sql.split())
    return text if len(text) <= most else text[:most] + "…"


def _one_line(text: str) -> str:
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())
