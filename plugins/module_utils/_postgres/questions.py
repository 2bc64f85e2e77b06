# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One question to each of many servers, at the same time and within one time limit.

This module util is private to the collection. It uses libpq's connections that do not block, in one thread: a connection costs the
processor a fraction of one by connection.py, and a server that does not answer holds up no other. Only libpq's search for the address
of a host name blocks.
"""

from __future__ import annotations

import json
import select
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Callable, Protocol, Union

from .._host.process import HostError
from .connection import (
    APPLICATION_NAME,
    ConnectionFailed,
    QueryFailed,
    client_identity,
    conninfo_parameters,
    endpoint_of,
    load_psycopg,
)
from .conninfo import hosts_of
from .diagnosis import diagnose_connection
from .diagnosis_rules import Endpoint
from .reachability import Reach

Answer = Union[dict[str, Any], HostError]


@dataclass(frozen=True)
class Question:
    """A statement that returns one row. server: Barman's name, for messages. params: the texts of $1 and so on."""

    server: str
    conninfo: str
    sql: str
    params: tuple[str | None, ...] = ()


class AskAll(Protocol):
    """Asks every server its question. user: the operating system's user whose password file is used."""

    def __call__(self, questions: Mapping[str, Question], user: str | None, timeout: float) -> dict[str, Answer]:
        """Return each server's row, or the reason why there is none."""


def ask_all(questions: Mapping[str, Question], user: str | None, timeout: float) -> dict[str, Answer]:
    """See AskAll. Raises HostError if psycopg 3 is missing."""
    with KeptConnections() as ask:
        return ask(questions, user, timeout)


#: By a question's name, and the number of the host in its connection string.
_Place = tuple[str, int]


class KeptConnections:
    """An AskAll whose connections stay open from one call to the next, so that only the first one logs in.

    A connection that broke meanwhile is opened again in the same call. One that did not answer in time, or that is not needed any more, is closed.
    """

    def __init__(self) -> None:
        self._open: dict[_Place, _Talk] = {}

    def __enter__(self) -> KeptConnections:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(self, questions: Mapping[str, Question], user: str | None, timeout: float) -> dict[str, Answer]:
        """See AskAll. Raises HostError if psycopg 3 is missing."""
        if not questions:
            self.close()
            return {}
        psycopg = load_psycopg()
        deadline = time.monotonic() + timeout
        # The process has no other thread: all connections are made as that user.
        with client_identity(user):
            talks = {
                (name, number): self._talk(psycopg, (name, number), question, user, alone)
                for name, question in questions.items()
                for number, alone in enumerate(_hosts(question))
            }
            _run(list(talks.values()), deadline)
        answers: dict[str, list[Answer]] = {}
        for (name, _number), talk in talks.items():
            answers.setdefault(name, []).append(talk.result(timeout))
        known, self._open = (
            [*self._open.values(), *talks.values()],
            {place: talk for place, talk in talks.items() if talk.is_idle},
        )
        staying = set(self._open.values())
        for talk in known:
            if talk not in staying:
                talk.close()
        return {name: _first(several) for name, several in answers.items()}

    def _talk(
        self, psycopg: Any, place: _Place, question: Question, user: str | None, given: dict[str, Any] | HostError
    ) -> _Talk:
        kept = self._open.get(place)
        if kept is not None and kept.ask_again(question, given):
            return kept
        return _Talk(psycopg, question, user, given)

    def close(self) -> None:
        """Close all connections."""
        for talk in self._open.values():
            talk.close()
        self._open = {}


def _hosts(question: Question) -> Sequence[dict[str, Any] | HostError]:
    """The parameters of each host of the connection string: those of a cluster are asked at the same time, and one of them is the primary."""
    try:
        return hosts_of(conninfo_parameters(question.conninfo, question.server))
    except HostError as exc:
        return [exc]


def _first(answers: Sequence[Answer]) -> Answer:
    """The answer of the host that gave one, else every host's reason."""
    reasons = [answer for answer in answers if isinstance(answer, HostError)]
    if len(reasons) < len(answers):
        return next(answer for answer in answers if not isinstance(answer, HostError))
    return reasons[0] if len(reasons) == 1 else HostError("; ".join(map(str, reasons)))


class _Talk:
    """One connection, from its start to the answer. events: those that it waits for on its socket, 0 once it has ended."""

    def __init__(self, psycopg: Any, question: Question, user: str | None, given: dict[str, Any] | HostError) -> None:
        self._psycopg = psycopg
        self._pq = psycopg.pq
        self._question = question
        self._given = given
        self._asked = False
        #: Whether the connection was opened for an earlier question.
        self._kept = False
        self._answer: Answer | None = None
        self._endpoint: Endpoint | None = None
        self._connection: Any = None
        self.events = 0
        if isinstance(given, HostError):
            self._answer = given
            return
        try:
            self._endpoint = endpoint_of({**given, "application_name": APPLICATION_NAME}, user, question.server)
        except HostError as exc:
            self._answer = exc
            return
        self._open(given)

    def _open(self, given: Mapping[str, Any]) -> None:
        self._asked = self._kept = False
        parameters = {**given, "application_name": APPLICATION_NAME}
        self._connection = self._pq.PGconn.connect_start(_conninfo(self._psycopg, parameters))
        if self._connection.status == self._pq.ConnStatus.BAD:
            self._fail()
        else:
            self.events = select.POLLOUT

    def ask_again(self, question: Question, given: dict[str, Any] | HostError) -> bool:
        """Ask the open connection; whether it is one to that address."""
        if given != self._given or isinstance(given, HostError):
            return False
        self._question, self._answer, self._kept = question, None, True
        self._attempt(self._ask)
        return True

    @property
    def socket(self) -> int:
        return int(self._connection.socket)

    @property
    def is_idle(self) -> bool:
        """Whether it has its answer, and the connection can be asked again."""
        if self._answer is None or self._connection is None or self.events:
            return False
        return bool(self._connection.transaction_status == self._pq.TransactionStatus.IDLE)

    def go_on(self) -> None:
        """Do what its socket is ready for."""
        self._attempt(self._read if self._asked else self._connect)

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except self._psycopg.Error as exc:
            self._break(str(exc))

    def _break(self, text: str) -> None:
        """The connection broke. One of an earlier question may have been closed meanwhile, which is no answer to this one."""
        if self._kept and isinstance(self._given, dict):
            self._connection.finish()
            self._open(self._given)
        else:
            self._answer, self.events = self._failed(text), 0

    def _connect(self) -> None:
        status, polling = self._connection.connect_poll(), self._pq.PollingStatus
        if status == polling.FAILED:
            self._fail()
        elif status == polling.OK:
            self._ask()
        else:
            self.events = select.POLLIN if status == polling.READING else select.POLLOUT

    def _ask(self) -> None:
        self._connection.send_query_params(
            self._question.sql.encode(),
            [None if one is None else one.encode() for one in self._question.params],
        )
        self._connection.flush()
        self._asked, self.events = True, select.POLLIN

    def _read(self) -> None:
        self._connection.consume_input()
        while not self._connection.is_busy():
            result = self._connection.get_result()
            if self._connection.status == self._pq.ConnStatus.BAD:
                self._break(_one_line(b"" if result is None else result.error_message) or "the connection was closed")
                return
            if result is None:
                # The end of the answer.
                self.events = 0
                if self._answer is None:
                    self._answer = self._refused(b"no row", None)
                return
            self._take(result)

    def _take(self, result: Any) -> None:
        if result.status == self._pq.ExecStatus.TUPLES_OK and result.ntuples:
            self._answer = json.loads(result.get_value(0, 0) or b"{}")
        else:
            state = result.error_field(self._pq.DiagnosticField.SQLSTATE)
            self._answer = self._refused(result.error_message, state)

    def _refused(self, text: bytes, state: bytes | None) -> QueryFailed:
        return QueryFailed(
            f"PostgreSQL at {self._address} refused the question for its state: {_one_line(text)}",
            state.decode() if state else None,
        )

    def _fail(self) -> None:
        self._answer, self.events = self._failed(_one_line(self._connection.error_message)), 0

    def _failed(self, text: str) -> HostError:
        if self._endpoint is None:
            return HostError(text)
        return ConnectionFailed(diagnose_connection(text, self._endpoint, Reach.UNKNOWN))

    @property
    def _address(self) -> str:
        return "the server" if self._endpoint is None else self._endpoint.address

    def result(self, timeout: float) -> Answer:
        """The answer."""
        if self._answer is None or self.events:
            return HostError(f"PostgreSQL at {self._address} did not answer within {timeout:g} s")
        return self._answer

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.finish()


def _run(talks: Sequence[_Talk], deadline: float, clock: Callable[[], float] = time.monotonic) -> None:
    while True:
        waiting = {talk.socket: talk for talk in talks if talk.events}
        left = deadline - clock()
        if not waiting or left <= 0:
            return
        # A connection can get another socket at any step, so the list is made anew.
        poll = select.poll()
        for handle, talk in waiting.items():
            poll.register(handle, talk.events)
        for handle, _event in poll.poll(left * 1000):
            waiting[handle].go_on()


def _conninfo(psycopg: Any, parameters: Mapping[str, Any]) -> bytes:
    text: str = psycopg.conninfo.make_conninfo("", **parameters)
    return text.encode()


def _one_line(text: bytes) -> str:
    return "; ".join(line.strip() for line in text.decode(errors="replace").splitlines() if line.strip())
