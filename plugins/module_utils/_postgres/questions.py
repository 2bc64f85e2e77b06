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
    endpoint_of,
    unreadable_conninfo,
)
from .conninfo import conninfo_text, hosts_of
from .diagnosis import diagnose_connection
from .diagnosis_rules import Endpoint
from .libpq import (
    CONNECTION_BAD,
    POLLING_FAILED,
    POLLING_OK,
    POLLING_READING,
    LibpqConnection,
    parse_conninfo,
    require_libpq,
)
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
    """See AskAll. Raises HostError if libpq is missing."""
    if not questions:
        return {}
    require_libpq()
    deadline = time.monotonic() + timeout
    # The process has no other thread: all connections are made as that user.
    with client_identity(user):
        talks = {name: _talks(question, user) for name, question in questions.items()}
        _run([talk for several in talks.values() for talk in several], deadline)
    return {name: _first([talk.result(timeout) for talk in several]) for name, several in talks.items()}


def _talks(question: Question, user: str | None) -> list[_Talk]:
    """A connection to each host of the connection string: those of a cluster are asked at the same time, and one of them is the primary."""
    parameters = parse_conninfo(question.conninfo)
    if parameters is None:
        return [_Talk(question, user, unreadable_conninfo(question.server))]
    return [_Talk(question, user, alone) for alone in hosts_of(parameters)]


def _first(answers: Sequence[Answer]) -> Answer:
    """The answer of the host that gave one, else every host's reason."""
    reasons = [answer for answer in answers if isinstance(answer, HostError)]
    if len(reasons) < len(answers):
        return next(answer for answer in answers if not isinstance(answer, HostError))
    return reasons[0] if len(reasons) == 1 else HostError("; ".join(map(str, reasons)))


class _Talk:
    """One connection, from its start to the answer. events: those that it waits for on its socket, 0 once it has ended."""

    def __init__(self, question: Question, user: str | None, given: dict[str, Any] | HostError) -> None:
        self._question = question
        self._asked = False
        self._answer: Answer | None = None
        self._endpoint: Endpoint | None = None
        self._connection: LibpqConnection | None = None
        self.events = 0
        if isinstance(given, HostError):
            self._answer = given
            return
        parameters = {**given, "application_name": APPLICATION_NAME}
        try:
            self._endpoint = endpoint_of(parameters, user, question.server)
            self._connection = LibpqConnection(conninfo_text(parameters))
        except HostError as exc:
            self._answer = exc
            return
        if self._connection.status == CONNECTION_BAD:
            self._fail(self._connection)
        else:
            self.events = select.POLLOUT

    @property
    def socket(self) -> int:
        return -1 if self._connection is None else self._connection.socket

    def go_on(self) -> None:
        """Do what its socket is ready for."""
        if self._connection is None:
            return
        if self._asked:
            self._read(self._connection)
        else:
            self._connect(self._connection)

    def _connect(self, connection: LibpqConnection) -> None:
        status = connection.poll()
        if status == POLLING_FAILED:
            self._fail(connection)
        elif status == POLLING_OK:
            self._asked, self.events = True, select.POLLIN
            if not connection.send(self._question.sql, self._question.params):
                self._fail(connection)
        else:
            self.events = select.POLLIN if status == POLLING_READING else select.POLLOUT

    def _read(self, connection: LibpqConnection) -> None:
        if not connection.consume_input():
            self._fail(connection)
            return
        if connection.is_busy():
            return
        result = connection.result()
        self.events = 0
        if result.value is not None:
            self._answer = json.loads(result.value or "{}")
            return
        self._answer = QueryFailed(
            f"PostgreSQL at {self._address} refused the question for its state: {_one_line(result.error)}",
            result.sqlstate,
        )

    def _fail(self, connection: LibpqConnection) -> None:
        self._answer, self.events = self._failed(_one_line(connection.error_message)), 0

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


def _one_line(text: str) -> str:
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())
