# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the notifier keeps its state: below Barman's home, and elsewhere while that can't be written.

This module util is private to the collection. It runs as Barman's user, who owns the state.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .._host.files import read_text, write_atomic
from .._host.process import HostError
from .._host.safe_files import make_directories, writing_as

#: Below Barman's home.
STATE = os.path.join(".pgdr.barman", "notify.json")
#: Directories in which each user can make one. The last one is in memory, and systemd empties it at the end of a session of an ordinary user.
FALLBACKS = ("/run/lock", "/tmp", "/dev/shm")


@dataclass(frozen=True)
class StateFiles:
    """home: that of Barman's user. fallbacks: directories to make one in, if the home is on a full disk."""

    home: str
    fallbacks: Sequence[str] = FALLBACKS

    def read(self) -> Any:
        """The newest state that can be read, as it was written; {} for none."""
        for path in sorted(self._existing(), key=_modified, reverse=True):
            with contextlib.suppress(HostError, ValueError):
                return json.loads(read_text(path) or "{}")
        return {}

    def write(self, state: Any) -> str:
        """Write the state in the first place where that is possible; why it was not possible in the home if it was in none."""
        text = json.dumps(state) + "\n"
        main = os.path.join(self.home, STATE)
        try:
            make_directories(os.path.dirname(main), 0o700)
            write_atomic(main, text, 0o600, durable=False)
        except HostError as exc:
            return "" if any(_write_in(directory, text) for directory in self._own()) else str(exc)
        for directory in filter(_is_ours, self._own()):
            with contextlib.suppress(HostError), writing_as(None, directory):
                os.unlink(_file_in(directory))
        return ""

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """While another run sends, this one waits: two runs would send the same message."""
        with contextlib.ExitStack() as stack:
            # A full disk does not prevent a lock.
            for directory in self._lockable():
                with contextlib.suppress(OSError):
                    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                    stack.callback(os.close, handle)
                    fcntl.flock(handle, fcntl.LOCK_EX)
                    break
            yield

    def _lockable(self) -> Iterator[str]:
        """Directories that are ours alone: nobody else can hold their lock."""
        main = os.path.dirname(os.path.join(self.home, STATE))
        with contextlib.suppress(HostError):
            make_directories(main, 0o700)
            yield main
        yield from (directory for directory in self._own() if _make_ours(directory))

    def _own(self) -> list[str]:
        return [os.path.join(directory, f"pgdr-barman-{os.geteuid()}") for directory in self.fallbacks]

    def _existing(self) -> list[str]:
        files = [os.path.join(self.home, STATE), *(_file_in(one) for one in self._own() if _is_ours(one))]
        return [path for path in files if os.path.isfile(path)]


def _file_in(directory: str) -> str:
    return os.path.join(directory, os.path.basename(STATE))


def _modified(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _write_in(directory: str, text: str) -> bool:
    if not _make_ours(directory):
        return False
    try:
        write_atomic(_file_in(directory), text, 0o600, durable=False)
    except HostError:
        return False
    return True


def _make_ours(directory: str) -> bool:
    with contextlib.suppress(HostError), writing_as(None, directory):
        os.mkdir(directory, 0o700)
    return _is_ours(directory)


def _is_ours(directory: str) -> bool:
    """Whether nobody else made the directory, or can write there. Nobody can replace it either: the directory above is sticky."""
    try:
        status = os.lstat(directory)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077
