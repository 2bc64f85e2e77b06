# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scratch directory of a drill: made by it, and removed with it, also after it was killed.

This module util is private to the collection. Before a directory is made, its random name is written to a file in Barman's home. A later
drill removes the directories that these files name, and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._host.files import names_in, read_text, sync_directory, write_atomic
from .._host.lock import is_locked
from .._host.proc import command_line, process_ids
from .._host.process import Command, HostError, Runner, lookup_user, run
from .._host.safe_files import writing_as

NOTES = ".pgdr.barman/drills"
#: The name of the lock that a run of drills holds.
LOCK = "restore drill"
PREFIX = "pgdr-drill-"
_NAME = re.compile(PREFIX + r"[0-9a-f]{16}\Z")
_SUFFIX = ".json"
_GRACE_SECONDS = 60.0


@dataclass(frozen=True)
class Scratch:
    """A scratch directory. path: with the restored cluster in data. note: the file that names it. details: what the note has of the drill."""

    path: str
    note: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def data(self) -> str:
        return os.path.join(self.path, "data")

    @property
    def server(self) -> str:
        """Barman's name of the server that was drilled."""
        return str(self.details.get("server") or "unknown")

    @property
    def drill_host(self) -> str | None:
        """The address of the drill host that has the directory; None for this host."""
        found = self.details.get("drill_host")
        return None if found is None else str(found)

    @property
    def left_text(self) -> str:
        """What a killed drill left on a drill host, in a sentence without the last full stop."""
        return (
            f"a killed drill of server '{self.server}' left the restored cluster in {self.path} on {self.drill_host}. "
            f"Run a drill on that host, or remove the directory there, and then {self.note} on the backup server"
        )

    def left_facts(self) -> dict[str, Any]:
        return {"host": self.drill_host, "directory": self.path, "server": self.server}

    @property
    def tablespaces(self) -> str:
        return os.path.join(self.path, "tablespaces")

    @property
    def staging(self) -> str:
        """Where Barman unpacks a backup."""
        return os.path.join(self.path, "staging")


@dataclass(frozen=True)
class ScratchDirectories:
    """Makes and removes scratch directories on the host of this process. owner: the user that drills."""

    owner: str
    runner: Runner = run
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    processes: Callable[[str, int], list[int]] = field(default_factory=lambda: processes_with)

    def make(self, scratch: Scratch) -> None:
        """Raises HostError."""
        with writing_as(self.owner if os.geteuid() == 0 else None, scratch.path):
            os.makedirs(os.path.dirname(scratch.path), mode=0o700, exist_ok=True)
            os.mkdir(scratch.path, 0o700)
            os.mkdir(scratch.staging, 0o700)

    def remove(self, scratch: Scratch) -> None:
        """End the processes that use the directory, and remove it. Raises HostError."""
        self._end_processes(scratch.path)
        completed = self.runner(Command(["rm", "-rf", "--one-file-system", "--", scratch.path], user=self.owner))
        if not completed.ok or os.path.lexists(scratch.path):
            raise HostError(
                f"the scratch directory {scratch.path} could not be removed: {completed.text or 'it is still there'}. "
                "The next drill tries it again"
            )

    def _end_processes(self, path: str) -> None:
        """The directory's name is random and in the arguments of each process of the drill: Barman, rsync and PostgreSQL.

        They run as Barman's user. A process of somebody else, such as an editor, is none of the drill.
        """
        uid = lookup_user(self.owner).pw_uid
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = self.clock() + _GRACE_SECONDS
            left = self.processes(path, uid)
            for pid in left:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue
                except OSError as exc:
                    raise HostError(f"process {pid}, which uses {path}, can't be ended: {exc.strerror}") from None
            while left and self.clock() < deadline:
                self.pause(0.2)
                left = self.processes(path, uid)
            if not left:
                return


@dataclass(frozen=True)
class ScratchNotes:
    """Which scratch directories were made, in files below Barman's home. user: who owns them if root writes; None for the current user."""

    home: str
    user: str | None

    def planned(self, directory: str) -> Scratch:
        """A directory that does not exist yet."""
        name = PREFIX + secrets.token_hex(8)
        return Scratch(os.path.join(directory, name), os.path.join(self.home, NOTES, name + _SUFFIX))

    def write(self, scratch: Scratch) -> None:
        """Write the directory, and what is known of its drill. Raises HostError."""
        text = json.dumps({"path": scratch.path, **scratch.details}, sort_keys=True)
        with writing_as(self.user, scratch.note):
            os.makedirs(os.path.dirname(scratch.note), mode=0o700, exist_ok=True)
            write_atomic(scratch.note, text + "\n", 0o600)
            sync_directory(os.path.dirname(scratch.note))

    def left_behind(self) -> list[Scratch]:
        """The directories of drills that did not remove them. Only for who holds the lock of the drills. Raises HostError."""
        found: list[Scratch] = []
        directory = os.path.join(self.home, NOTES)
        for name in names_in(directory):
            note = os.path.join(directory, name)
            if not name.endswith(_SUFFIX) or not _NAME.match(name[: -len(_SUFFIX)]):
                continue
            try:
                value = json.loads(read_text(note) or "null")
                path = str(value["path"])
            except (ValueError, TypeError, KeyError):
                continue
            # The note names what a drill made: nothing else is removed, whatever is written in it.
            if os.path.isabs(path) and os.path.basename(path) == name[: -len(_SUFFIX)]:
                found.append(Scratch(path, note, {key: one for key, one in value.items() if key != "path"}))
        return found

    def forget(self, scratch: Scratch) -> None:
        """Remove the note. Raises HostError."""
        with writing_as(self.user, scratch.note):
            os.unlink(scratch.note)


def left_on_drill_hosts(home: str) -> list[Scratch]:
    """What killed drills left on drill hosts; nothing while a drill runs, because its own directory is noted, too. Raises HostError."""
    found = [one for one in ScratchNotes(home, None).left_behind() if one.drill_host is not None]
    if not found or is_locked(home, LOCK):
        return []
    # A drill can have ended since.
    return [one for one in found if os.path.lexists(one.note)]


def processes_with(path: str, uid: int) -> list[int]:
    """The processes of the user that have the path in their arguments."""
    return [
        pid for pid in process_ids() if pid != os.getpid() and path in (command_line(pid) or "") and _uid_of(pid) == uid
    ]


def _uid_of(pid: int) -> int | None:
    """The real user of a process; None if it has ended. The owner of its directory in /proc can be root."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if line.startswith("Uid:"):
                return int(line.split()[1])
    return None
