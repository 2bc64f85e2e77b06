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
    if not questions:
        return {}
    psycopg = load_psycopg()
    deadline = time.monotonic() + timeout
    # The process has no other thread: all connections are made as that user.
    with client_identity(user):
        talks = {name: _talks(psycopg, question, user) for name, question in questions.items()}
        _run([talk for several in talks.values() for talk in several], deadline)
    return {name: _first([talk.result(timeout) for talk in several]) for name, several in talks.items()}


def _talks(psycopg: Any, question: Question, user: str | None) -> list[_Talk]:
    """A connection to each host of the connection string: those of a cluster are asked at the same time, and one of them is the primary."""
    try:
        parameters = conninfo_parameters(question.conninfo, question.server)
    except HostError as exc:
        return [_Talk(psycopg, question, user, exc)]
    return [_Talk(psycopg, question, user, alone) for alone in hosts_of(parameters)]


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
        self._asked = False
        self._answer: Answer | None = None
        self._endpoint: Endpoint | None = None
        self._connection: Any = None
        self.events = 0
        if isinstance(given, HostError):
            self._answer = given
            return
        parameters = {**given, "application_name": APPLICATION_NAME}
        try:
            self._endpoint = endpoint_of(parameters, user, question.server)
            self._connection = self._pq.PGconn.connect_start(_conninfo(psycopg, parameters))
        except HostError as exc:
            self._answer = exc
            return
        if self._connection.status == self._pq.ConnStatus.BAD:
            self._fail()
        else:
            self.events = select.POLLOUT

    @property
    def socket(self) -> int:
        return int(self._connection.socket)

    def go_on(self) -> None:
        """Do what its socket is ready for."""
        try:
            if self._asked:
                self._read()
            else:
                self._connect()
        except self._psycopg.Error as exc:
            self._answer, self.events = self._failed(str(exc)), 0

    def _connect(self) -> None:
        status, polling = self._connection.connect_poll(), self._pq.PollingStatus
        if status == polling.FAILED:
            self._fail()
        elif status == polling.OK:
            self._connection.send_query_params(
                self._question.sql.encode(),
                [None if one is None else one.encode() for one in self._question.params],
            )
            self._connection.flush()
            self._asked, self.events = True, select.POLLIN
        else:
            self.events = select.POLLIN if status == polling.READING else select.POLLOUT

    def _read(self) -> None:
        self._connection.consume_input()
        if self._connection.is_busy():
            return
        result = self._connection.get_result()
        self.events = 0
        if result is not None and result.status == self._pq.ExecStatus.TUPLES_OK and result.ntuples:
            self._answer = json.loads(result.get_value(0, 0) or b"{}")
            return
        text = b"no row" if result is None else result.error_message
        state = None if result is None else result.error_field(self._pq.DiagnosticField.SQLSTATE)
        self._answer = QueryFailed(
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
        """The answer, and the end of the connection."""
        if self._connection is not None:
            self._connection.finish()
        if self._answer is None:
            return HostError(f"PostgreSQL at {self._address} did not answer within {timeout:g} s")
        return self._answer


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
