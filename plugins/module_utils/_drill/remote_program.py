# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drill does on a drill host: one request, and one line of JSON as the answer.

This module util is private to the collection.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from .._host.priority import lower_priority
from .._host.process import HostError, run
from .._verify.request import VerificationQuery, VerificationRequest
from .._verify.run import verify_recovery
from .place import BackupServerPlace
from .scratch import Scratch, ScratchDirectories
from .signals import stopped_by_signals
from .stopwatch import Stopwatch

_HEARTBEAT = 5.0


def main(request: Mapping[str, Any]) -> None:
    """Answer the request on stdout. What is unexpected ends with a traceback, which the backup server shows."""
    threading.Thread(target=_end_with_connection, daemon=True).start()
    try:
        answer = answer_to(request)
    except HostError as exc:
        answer = {"reason": str(exc), "facts": getattr(exc, "facts", {})}
    sys.stdout.write("\n" + json.dumps(answer) + "\n")
    sys.stdout.flush()


def answer_to(request: Mapping[str, Any]) -> dict[str, Any]:
    """The facts; for verify with the phases, also if it failed. Raises HostError."""
    scratch = Scratch(str(request["path"]), note="")
    owner = pwd.getpwuid(os.geteuid()).pw_name
    place = BackupServerPlace(ScratchDirectories(owner, run), run, verify_recovery)
    operation = request["operation"]
    if operation == "observe":
        disk = place.observe(scratch.path, int(request["version"]), request["bin_directory"])
        return {"facts": {"size": disk.size, "free": disk.free}}
    if operation in ("make", "remove"):
        getattr(place, operation)(scratch)
        return {"facts": {}}
    if request["priority"] == "idle":
        lower_priority(run)
    return _verified(place, scratch, request["request"])


def _verified(place: BackupServerPlace, scratch: Scratch, values: Mapping[str, Any]) -> dict[str, Any]:
    queries = tuple(VerificationQuery(**one) for one in values["queries"])
    watch = Stopwatch(time.monotonic)
    answer: dict[str, Any] = {}
    try:
        with stopped_by_signals():
            answer["facts"] = place.verify(VerificationRequest(**{**values, "queries": queries}), scratch, watch)
    except HostError as exc:
        answer.update(reason=str(exc), facts=getattr(exc, "facts", {}))
    watch.enter("")
    answer["phases"] = list(watch.phases.items())[1:]
    return answer


def _end_with_connection() -> None:
    """sshd does not end what a lost connection leaves. A line that can't be written ends this process as SIGTERM does."""
    while True:
        time.sleep(_HEARTBEAT)
        try:
            os.write(1, b"\n")
        except OSError:
            os.kill(os.getpid(), signal.SIGTERM)
            return
