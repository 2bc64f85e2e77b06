# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drill host: another host than the backup server, which restores to it and checks there, by SSH.

This module util is private to the collection. The drill host needs Python and PostgreSQL's programs, and nothing of this collection: the code
travels with each request, and is in the memory of its process only.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._barman.disks import Disk
from .._host.process import HostError, Runner
from .._host.sources import own_sources
from .._recover.destination import Destination
from .._recover.destination_host import DestinationHost
from .._verify.request import RecoveryVerificationError, VerificationRequest
from .._verify.run import FAILED_PHASE

# What the remote program imports has to be packed by Ansible, too.
from . import remote_program as _packed  # noqa: F401
from .request import DrillError, RemoteHost
from .scratch import Scratch
from .stopwatch import REPLAY, Stopwatch

_PACKAGE = "pgdr_barman"
_NO_PYTHON = 127
_SHORT = 120.0
# Line 1 of the input is the request, the rest the packed code. The name of the scratch directory is an argument, so that it is found after a kill.
_START = f"""\
import base64, json, os, sys
request = json.loads(sys.stdin.readline())
code = os.memfd_create("{_PACKAGE}")
os.write(code, base64.b64decode(sys.stdin.read()))
sys.path.insert(0, "/proc/self/fd/%d" % code)
from {_PACKAGE}._drill.remote_program import main
main(request)
"""


def packed(sources: Mapping[str, str]) -> str:
    """The sources as a zip file, in base64. It needs no compiler and no directory where it is imported."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in sorted(sources.items()):
            archive.writestr(f"{_PACKAGE}/{path}", text)
    return base64.b64encode(buffer.getvalue()).decode()


@dataclass(frozen=True)
class DrillHostPlace:
    """The drill host. user: Barman's. host: as whom it is reached, and where."""

    host: RemoteHost
    user: str
    runner: Runner
    priority: str = "idle"
    sources: Callable[[], Mapping[str, str]] = field(default=own_sources)

    def recovery_options(self, scratch: Scratch) -> Mapping[str, Any]:
        # The recovery chooses, by the kind of the backup, which of the two hosts unpacks it.
        return {"remote_host": self.host.address, "remote_user": self.host.user, "remote_port": self.host.port}

    def observe(self, path: str, version: int, bin_directory: str | None) -> Disk:
        found = self._ask("observe", path, version=version, bin_directory=bin_directory)
        return Disk(path, int(found["free"]), int(found["size"]))

    def make(self, scratch: Scratch) -> None:
        self._ask("make", scratch.path)

    def remove(self, scratch: Scratch) -> None:
        self._ask("remove", scratch.path)

    def verify(self, request: VerificationRequest, scratch: Scratch, watch: Stopwatch) -> dict[str, Any]:
        # The time of the connection is a part of the replay's.
        watch.enter(REPLAY)
        answer = self._answer(
            "verify", scratch.path, timeout=None, request=dataclasses.asdict(request), priority=self.priority
        )
        for phase, seconds in answer.get("phases") or []:
            watch.add(phase, seconds)
        facts: dict[str, Any] = answer.get("facts") or {}
        if "reason" in answer:
            if facts.get(FAILED_PHASE) is None and answer.get("phases"):
                facts[FAILED_PHASE] = answer["phases"][-1][0]
            raise RecoveryVerificationError(f"{self.host.address}: {answer['reason']}", facts)
        return facts

    def _ask(self, operation: str, path: str, **arguments: Any) -> Mapping[str, Any]:
        answer = self._answer(operation, path, timeout=_SHORT, **arguments)
        if "reason" in answer:
            raise DrillError(f"{self.host.address}: {answer['reason']}")
        found: Mapping[str, Any] = answer["facts"]
        return found

    def _answer(self, operation: str, path: str, *, timeout: float | None, **arguments: Any) -> Mapping[str, Any]:
        request = json.dumps({"operation": operation, "path": path, **arguments})
        here = DestinationHost(
            Destination(path, self.host.address, self.host.user, self.host.port), self.runner, self.user
        )
        # Only the check is to be found, and ended, by the directory's name.
        marked = f" {path}" if operation == "verify" else ""
        script = f"exec python3 -c \"$start\"{marked} <<'PGDR'\n{request}\n{packed(self.sources())}\nPGDR\n"
        completed = here.script(script, {"start": _START}, timeout)
        if completed.rc == _NO_PYTHON:
            raise DrillError(f"{self.host.address}: the drill host has no python3. Install it")
        lines = [line for line in completed.stdout.splitlines() if line.startswith("{")]
        try:
            found: Mapping[str, Any] = json.loads(lines[-1])
        except (IndexError, ValueError):
            raise HostError(
                f"{self.host.address}: '{operation}' of the drill ended with status {completed.rc} and no answer: "
                f"{completed.text[-500:] or 'no output'}"
            ) from None
        return found
