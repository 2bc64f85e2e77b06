# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The external addresses of the documentation: found, asked, and reported."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.tools import links
from tests.tools.links import Answer


class Server(BaseHTTPRequestHandler):
    def answer(self) -> None:
        code = int(self.path.split("/")[1])
        self.send_response(405 if code == 200 and self.command == "HEAD" and "/get" in self.path else code)
        self.end_headers()

    do_GET = do_HEAD = answer

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/200", Answer.EXISTS),
        ("/200/get", Answer.EXISTS),
        ("/404", Answer.DEAD),
        ("/410", Answer.DEAD),
        ("/403", Answer.REFUSED),
        ("/503", Answer.REFUSED),
    ],
)
def test_the_code_decides(address: str, path: str, expected: Answer) -> None:
    assert links.ask(address + path) is expected


def test_a_server_that_does_not_answer_is_no_dead_link() -> None:
    assert links.ask("http://127.0.0.1:9/") is Answer.UNREACHABLE


def test_addresses_of_a_text() -> None:
    text = """[Barman](https://docs.pgbarman.org/release/3.20.0/a.html#part), https://www.postgresql.org/docs/17/x_(y).html.
    https://git.example.com/awx.git <https://galaxy.ansible.com> `https://host.invalid/x`"""
    assert list(links.addresses(text)) == [
        "https://docs.pgbarman.org/release/3.20.0/a.html",
        "https://www.postgresql.org/docs/17/x_(y).html",
        "https://galaxy.ansible.com",
    ]


def test_each_address_is_asked_once() -> None:
    assert links.places({"a.md": "https://a.org https://a.org/#x", "b.md": "https://a.org"}) == {
        "https://a.org": ["a.md", "b.md"],
        "https://a.org/": ["a.md"],
    }


def test_dead_links_fail_and_are_first() -> None:
    named = {"https://a.org": ["a.md"], "https://b.org": ["b.md"], "https://c.org": ["c.md"]}
    answers = dict(zip(named, (Answer.UNREACHABLE, Answer.DEAD, Answer.EXISTS), strict=True))
    lines, ok = links.report(named, answers)
    assert not ok
    assert lines == [
        "dead: https://b.org (b.md)",
        "unreachable: https://a.org (a.md)",
        "3 addresses: 1 exists, 1 dead, 0 refused, 1 unreachable",
    ]


def test_without_a_network_nothing_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert links.main(lambda _address: Answer.UNREACHABLE) == 0
    assert "there is no network, and nothing was checked" in capsys.readouterr().out
