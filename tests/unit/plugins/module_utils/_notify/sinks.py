# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A web server and a mail server of the test, which keep what they get."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class HttpSink(HTTPServer):
    """requests: path, headers and content of each POST. status: the answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Http)
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.status = 202
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hooks/abc"


class _Http(BaseHTTPRequestHandler):
    server: HttpSink

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, dict(self.headers.items()), content))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", self.server.url + "/elsewhere")
        self.end_headers()

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers.items()), None))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_given: object) -> None:
        pass


class MailSink(socketserver.TCPServer):
    """mails: the text of each. refuses: the status for the recipients; 250 accepts them."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.mails: list[str] = []
        self.recipients = 250
        self.port = int(self.server_address[1])


class _Smtp(socketserver.StreamRequestHandler):
    server: MailSink

    def handle(self) -> None:
        self.wfile.write(b"220 sink\r\n")
        for line in self.rfile:
            verb = line.split()[0].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.mails.append(text.decode())
            status = self.server.recipients if verb == b"RCPT" else 221 if verb == b"QUIT" else 250
            self.wfile.write(f"{status} done\r\n".encode())
            if verb == b"QUIT":
                return


@contextlib.contextmanager
def serving(server: Any) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
