# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Patroni's own program patronictl: reading and changing a cluster's configuration.

This module util is private to the collection.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._host.proc import PROC, process_arguments, process_ids
from .._host.process import Command, HostError, Runner, run

PROGRAM = "patronictl"
_TIMEOUT = 60.0
#: Patroni can't do without a YAML library, so the Python that runs it has one.
_TO_JSON = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin) or {}, sys.stdout, default=str)"


@dataclass(frozen=True)
class Patroni:
    """Patroni on this host. file: its configuration file. user: the operating system's user that can read it."""

    file: str
    user: str | None = None
    runner: Runner = run

    def local(self) -> Mapping[str, Any]:
        """The content of the file. Raises HostError."""
        return self._from_yaml(self._run(["cat", self.file]), self.file)

    def dynamic(self) -> Mapping[str, Any]:
        """The configuration in the DCS. Raises HostError."""
        return self._from_yaml(self._control("show-config"), "the configuration in the DCS")

    def members(self) -> Sequence[Mapping[str, Any]]:
        """Raises HostError."""
        text = self._control("list", "--format=json")
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, list):
            raise HostError(f"'{PROGRAM} list' of {self.file} did not print a list of members")
        return found

    def patch(self, patch: Mapping[str, Any]) -> None:
        """Merge into the configuration in the DCS. Raises HostError."""
        self._control("edit-config", "--force", "--quiet", "--apply=-", text=json.dumps(patch))

    def restart(self, scope: str, member: str, timeout: float) -> None:
        """Restart PostgreSQL of one member if it waits for that. The exit status does not show whether it did. Raises HostError."""
        self._control("restart", "--force", "--pending", scope, member, timeout=timeout)

    def _control(self, *arguments: str, text: str | None = None, timeout: float = _TIMEOUT) -> str:
        return self._run([PROGRAM, f"--config-file={self.file}", *arguments], text, timeout)

    def _run(self, argv: Sequence[str], text: str | None = None, timeout: float = _TIMEOUT) -> str:
        # The program asks, and pages, if it has a terminal.
        completed = self.runner(Command(argv, user=self.user, input=text or "", timeout=timeout))
        if not completed.ok:
            raise HostError(f"'{' '.join(argv)}' failed: {completed.text or completed.rc}")
        return completed.stdout

    def _from_yaml(self, text: str, what: str) -> Mapping[str, Any]:
        try:
            found = json.loads(self._run([*self._python(), "-c", _TO_JSON], text))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise HostError(f"{what} can't be read: it is not a YAML dictionary")
        return found

    def _python(self) -> list[str]:
        path = shutil.which(PROGRAM)
        if path is None:
            raise HostError(f"'{PROGRAM}' was not found on this host: it comes with Patroni")
        with open(path, "rb") as file:
            first = file.readline().decode(errors="replace").strip()
        if not first.startswith("#!") or "python" not in first:
            raise HostError(f"{path} is not a Python program as Patroni installs it")
        return first[2:].split()


def running_files(proc: str = PROC) -> list[str]:
    """The configuration files of the Patroni processes of this host. Raises HostError."""
    found: set[str] = set()
    for pid in process_ids(proc):
        words = process_arguments(pid, proc) or []
        if any(os.path.basename(word) == "patroni" for word in words[:2]):
            found.update(word for word in words[1:] if word.endswith((".yml", ".yaml")))
    return sorted(found)


def configuration_file(given: str | None, running: Sequence[str]) -> str:
    """The file to use. Raises HostError if it is not clear."""
    if given:
        return given
    if len(running) == 1:
        return running[0]
    if not running:
        raise HostError(
            "no Patroni process with a configuration file runs on this host. Start Patroni, or set barman_patroni_file if it runs with environment "
            "variables only"
        )
    raise HostError(
        f"several Patroni processes run on this host, with {', '.join(running)}. Set barman_patroni_file to the one of this member"
    )
