# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading what a program writes while it runs, with a limit for its silence.

This module util is private to the collection. A stuck gpg-agent or a locked keyring would otherwise hold the lock of a verification forever.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
from typing import Any

#: Seconds in which a program writes at least one byte.
LONGEST_SILENCE = 300.0
# Seconds in which a killed process ends, if no disk holds it.
_GRACE = 10.0


class Silent(Exception):
    """A program wrote nothing for so many seconds."""

    def __init__(self, program: str, seconds: float) -> None:
        super().__init__(f"{program} wrote nothing for {seconds:g} s")
        self.seconds = seconds


class ProgramOutput:
    """The standard output of a process, as a stream for reading. Only the time counts in which somebody reads."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._stream: Any = process.stdout

    def fileno(self) -> int:
        """For another program that reads it."""
        number: int = self._stream.fileno()
        return number

    def read(self, size: int) -> bytes:
        """At most so many bytes, as soon as some are there; b"" at the end. Raises Silent."""
        ready = select.poll()
        ready.register(self.fileno(), select.POLLIN)
        if not ready.poll(LONGEST_SILENCE * 1000):
            arguments: Any = self._process.args
            raise Silent(arguments[0], LONGEST_SILENCE)
        return os.read(self.fileno(), size)

    def close(self, *, kill: bool) -> int | None:
        """The exit status of the process; None if it does not end. kill: whether it is killed."""
        self._stream.close()
        if not kill:
            return self._process.wait()
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(_GRACE)
        return None
