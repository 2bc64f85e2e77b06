# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of AWX's API as the modules of awx.awx need to create objects, and AWX's own rules for surveys.

Sources: awx/api/views/__init__.py (_validate_spec_data) and awx/main/models/mixins.py (_survey_element_validation) of ansible/awx.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

DEFAULT_TYPES: Mapping[str, type] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": float,
}


def survey_problems(spec: Mapping[str, Any]) -> list[str]:
    """Why AWX would refuse this survey."""
    found = [f"no {key}" for key in ("name", "description") if not isinstance(spec.get(key), str)]
    questions = spec.get("spec")
    if not isinstance(questions, list) or not questions:
        return [*found, "no questions"]
    variables = [question.get("variable") for question in questions]
    found += [f"{name} twice" for name in set(variables) if variables.count(name) > 1]
    for question in questions:
        name = question.get("variable")
        found += [f"{name}: no {key}" for key in ("type", "question_name", "variable") if not question.get(key)]
        if not isinstance(question.get("required"), bool):
            found.append(f"{name}: required is no boolean")
        if question.get("type") not in DEFAULT_TYPES:
            found.append(f"{name}: no such type")
            continue
        default = question.get("default", "")
        if default != "" and not isinstance(default, DEFAULT_TYPES[question["type"]]):
            found.append(f"{name}: the default has the wrong type")
        if question["type"] == "multiplechoice":
            if not isinstance(question.get("choices"), list):
                found.append(f"{name}: no choices")
            elif default != "" and default not in question["choices"]:
                found.append(f"{name}: the default is no choice")
    return found


def answer_problems(question: Mapping[str, Any], answers: Mapping[str, Any]) -> list[str]:
    """Why AWX would refuse this answer of a launch."""
    name = question["variable"]
    if name not in answers:
        return [f"{name} is missing"] if question["required"] else []
    value = answers[name]
    if question["type"] == "integer":
        return [] if type(value) is int else [f"{name} is no integer"]
    if question["type"] == "multiplechoice":
        return [] if value in question["choices"] else [f"{name} is no choice"]
    return [] if isinstance(value, str) else [f"{name} is no text"]


class Controller:
    """The objects by endpoint. requests: method, path and body of each request that is no GET."""

    def __init__(self, existing: Mapping[str, list[str]]) -> None:
        self.objects: dict[str, list[dict[str, Any]]] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.refused: list[str] = []
        for endpoint, names in existing.items():
            for name in names:
                self.create(endpoint, {"name": name})

    def create(self, endpoint: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        number = 1 + sum(map(len, self.objects.values()))
        url = f"/api/v2/{endpoint}/{number}/"
        made = {
            **fields,
            "id": number,
            "url": url,
            "type": endpoint.removesuffix("s"),
            # A project that is updated already.
            "scm_revision": "1",
            "summary_fields": {},
            "related": {"survey_spec": f"{url}survey_spec/"},
        }
        # Templates of jobs and of workflows are looked up together, too.
        self.objects.setdefault(endpoint, []).append(made)
        if endpoint.endswith("job_templates"):
            self.objects.setdefault("unified_job_templates", []).append(made)
        return made

    def found(self, endpoint: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        return [
            one
            for one in self.objects.get(endpoint, [])
            if all(str(one.get(key, value)) == value for key, value in query.items())
        ]

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        parts = path.removeprefix("/api/v2/").strip("/").split("/")
        if method == "GET":
            if len(parts) == 1:
                results = self.found(parts[0], query)
                return 200, {"count": len(results), "results": results, "next": None}
            if len(parts) == 2:
                (one,) = self.found(parts[0], {"id": parts[1]})
                return 200, one
            return 200, {"count": 0, "results": [], "next": None}
        self.requests.append((method, path, body))
        if parts[-1] == "survey_spec":
            problems = survey_problems(body)
            self.refused += problems
            return (400, {"error": problems}) if problems else (200, {})
        if parts[-1] == "create_approval_template":
            return 201, self.create("workflow_approval_templates", body)
        if len(parts) == 1:
            return 201, self.create(parts[0], body)
        return 204, None


@contextmanager
def running(controller: Controller) -> Iterator[str]:
    """The address of a server that answers for it."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            address = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, found = controller.answer(self.command, address.path, dict(parse_qsl(address.query)), body)
            text = b"" if found is None else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = answer

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: pytest shows what the test asserts."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
