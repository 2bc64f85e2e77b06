# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SSH connection to a recovery's destination.

This module util is private to the collection.
"""

from __future__ import annotations

import contextlib
import re

from .._host.files import read_text
from .._host.process import Command, Runner
from .._host.safe_files import temporary_directory
from .destination import Destination

_WITH_AES = re.compile(r"^(flags|Features)\s*:.*\baes\b", re.MULTILINE)


class SharedConnection:
    """One SSH connection that everything shares: Barman alone makes twenty, each with its own handshake.

    Use it as a context. Its socket is in a directory that only Barman's user can enter.
    """

    def __init__(self, destination: Destination, runner: Runner, user: str, cpu_file: str = "/proc/cpuinfo") -> None:
        self._destination = destination
        self._run = runner
        self._user = user
        self._cpu_file = cpu_file
        self._directory = ""
        self._stack = contextlib.ExitStack()
        self._ciphers: tuple[str, ...] = ()

    def __enter__(self) -> SharedConnection:
        if self._destination.host is not None:
            self._directory = self._stack.enter_context(temporary_directory("pgdr-ssh-", self._user, "/tmp"))
            self._ciphers = self._fast_ciphers()
        return self

    def __exit__(self, *unused: object) -> None:
        if self._directory:
            try:
                # It fails if the connection is gone already, and then nothing has to be done.
                self._run(
                    Command([*self._destination.ssh(self._path)[:-1], "-O", "exit", self._target], user=self._user)
                )
            finally:
                self._stack.close()

    @property
    def _path(self) -> str:
        return f"ControlPath={self._directory}/%C"

    @property
    def _target(self) -> str:
        return self._destination.ssh()[-1]

    def options(self) -> tuple[str, ...]:
        """For our own commands: the first one connects, and stays."""
        if not self._directory:
            return ()
        return (*self._ciphers, self._path, "ControlMaster=auto", "ControlPersist=600")

    def barman_options(self, jobs: int) -> tuple[str, ...]:
        """For Barman's commands, which use the connection that is there. Several jobs encrypt on several CPUs."""
        if not self._directory:
            return ()
        return (*self._ciphers, self._path if jobs == 1 else "ControlPath=none", "ControlMaster=no")

    def _fast_ciphers(self) -> tuple[str, ...]:
        """SSH's own list of ciphers, AES-GCM first where the CPU has instructions for it: it is twice as fast."""
        if not _WITH_AES.search(read_text(self._cpu_file) or ""):
            return ()
        completed = self._run(Command([*self._destination.ssh()[:-1], "-G", self._target], user=self._user))
        found = re.search(r"^ciphers (\S+)$", completed.stdout, re.MULTILINE)
        given = any(option.lower().startswith("ciphers") for option in self._destination.ssh_options)
        if not completed.ok or found is None or given:
            return ()
        ciphers = found.group(1).split(",")
        fast = [one for one in ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com") if one in ciphers]
        return (f"Ciphers={','.join([*fast, *(one for one in ciphers if one not in fast)])}",) if fast else ()
