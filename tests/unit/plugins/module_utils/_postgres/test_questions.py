# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to many servers: those that do not answer hold up no other. tests/integration has those that do."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.connection import ConnectionFailed
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.conninfo import (
    conninfo_text,
    conninfo_words,
    hosts_of,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.questions import Question, ask_all


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def question(port: int, more: str = "") -> Question:
    return Question("pg", f"host=127.0.0.1 port={port} user=barman dbname=postgres {more}", "SELECT 1")


def test_nobody_is_asked() -> None:
    assert ask_all({}, None, 1.0) == {}


def test_all_that_do_not_answer_together_take_one_time_limit(silent: int) -> None:
    begin = time.monotonic()
    answers = ask_all({str(number): question(silent) for number in range(20)}, None, 0.5)
    assert time.monotonic() - begin < 5
    assert {str(answer) for answer in answers.values()} == {
        f"PostgreSQL at 127.0.0.1:{silent} did not answer within 0.5 s"
    }


def test_a_refused_connection_is_reported_at_once(silent: int, closed: int) -> None:
    answers = ask_all({"silent": question(silent), "closed": question(closed)}, None, 0.5)
    refused = answers["closed"]
    assert isinstance(refused, ConnectionFailed)
    assert f"no connection to PostgreSQL at 127.0.0.1:{closed}" in str(refused)


def test_a_connection_string_that_can_not_be_read_concerns_one_server_only(closed: int) -> None:
    answers = ask_all({"bad": question(closed, "password='sesame"), "closed": question(closed)}, None, 0.5)
    assert isinstance(answers["bad"], HostError)
    assert "can't be read" in str(answers["bad"])
    assert "sesame" not in str(answers["bad"])
    assert isinstance(answers["closed"], ConnectionFailed)


def test_an_invalid_option_is_reported_and_repeats_no_password(closed: int) -> None:
    answer = ask_all({"pg": question(closed, "sslmode=nonsense password=sesame")}, None, 0.5)["pg"]
    assert isinstance(answer, HostError)
    assert "sesame" not in str(answer)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("host=a port = 5433", {"host": "a", "port": "5433"}),
        (r"user='o\'brien x' dbname=a\ b", {"user": "o'brien x", "dbname": "a b"}),
        ("postgresql://a:b@c/d?sslmode=require", {}),
        ("", {}),
    ],
)
def test_words_of_a_connection_string(text: str, words: dict[str, str]) -> None:
    assert conninfo_words(text) == words


def test_a_host_of_several_that_does_not_answer_holds_up_none(silent: int, closed: int) -> None:
    """Each member of a cluster is asked, and the reasons of all are reported."""
    several = Question("pg", f"host=127.0.0.1,127.0.0.1 port={silent},{closed} user=barman dbname=postgres", "SELECT 1")
    begin = time.monotonic()
    answer = ask_all({"pg": several}, None, 0.5)["pg"]
    assert time.monotonic() - begin < 5
    assert isinstance(answer, HostError)
    assert f"127.0.0.1:{silent} did not answer" in str(answer)
    assert f"127.0.0.1:{closed}" in str(answer)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host=a user=u", ["host=a user=u"]),
        ("user=u", ["user=u"]),
        ("host=a,b user=u", ["host=a user=u", "host=b user=u"]),
        ("host=a,b port=5433 user=u", ["host=a port=5433 user=u", "host=b port=5433 user=u"]),
        ("host=a,b port=1,2 password='x y'", ["host=a port=1 password='x y'", "host=b port=2 password='x y'"]),
    ],
)
def test_each_host_of_a_connection_string(text: str, expected: list[str]) -> None:
    assert [conninfo_text(words) for words in hosts_of(conninfo_words(text))] == expected
