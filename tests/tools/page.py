# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the commands of a page in order, as a newcomer does on a terminal: python -m tests.tools.page PAGE HOME

The files that the page shows are written as it shows them, with one exception: the time to recover to is the one that the page's own command printed.
The program of the page that installs Ansible is replaced by the environment that runs this.
"""

from __future__ import annotations

import os
import pty
import re
import select
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.tools.installed import build, link_dependencies

BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)", re.MULTILINE)
QUESTION = re.compile(rb"within \d+ s\):")
COUNTED = re.compile(r"^200000\|(.+?)\s*$", re.MULTILINE)
RESTART = "has to be restarted before Barman can use it: listen_addresses"


@dataclass(frozen=True)
class Command:
    """A command of the page."""

    text: str


@dataclass(frozen=True)
class Shown:
    """A file of the page."""

    name: str
    text: str


def steps(page: str) -> Iterator[Command | Shown]:
    for block in BLOCK.finditer(page):
        text = block["text"]
        match block["language"]:
            case "console":
                yield from (Command(found[1]) for found in COMMAND.finditer(text))
            case "ini":
                yield Shown("ansible.cfg", text)
            case "yaml":
                yield Shown("inventory.yml" if text.startswith("all:") else "lost.yml", text)


class Terminal:
    """Where the newcomer types. directory: where the commands run."""

    def __init__(self, home: Path) -> None:
        self.directory = home
        self._environment = {
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_SSH_COMMON_ARGS": "-F /var/lib/pgdr-lab/ssh_config",
        }

    def run(self, command: str) -> tuple[int, str]:
        """The exit status and the output. A question is answered with yes."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.directory)
            os.execve("/bin/bash", ["bash", "-c", command], self._environment)
        output, waits = b"", False
        while True:
            ready, _, _ = select.select([terminal], [], [], 1 if waits else None)
            if not ready:
                # Ansible discards what was typed before it reads, so the answer is typed when it is silent.
                os.write(terminal, b"yes\r")
                waits = False
                continue
            data = _read(terminal)
            if not data:
                break
            output += data
            waits = QUESTION.search(data) is not None
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(terminal)
        return status, output.decode(errors="replace").replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        # The other end is closed.
        return b""


def install(home: Path) -> None:
    """The archive, and the collections that the Python package `ansible` would bring. Raises RuntimeError."""
    built = build(home)
    if not built.ok:
        raise RuntimeError(built.output)
    link_dependencies(home / ".ansible" / "collections")


def main(page: str, home: Path) -> int:
    install(home)
    terminal, counted, deployments = Terminal(home), "", 0
    for step in steps(page):
        if isinstance(step, Shown):
            text = re.sub(r'(target_time: )".*?"', rf'\1"{counted}"', step.text)
            (terminal.directory / step.name).write_text(text)
            continue
        if step.text.startswith(("python3 -m venv", "pip install")):
            continue
        started = time.monotonic()
        status, output = terminal.run(step.text)
        print(f"{time.monotonic() - started:6.1f} s  {status}  {step.text}", flush=True)
        if step.text.startswith("mkdir"):
            terminal.directory = home / "backups"
        if found := COUNTED.search(output):
            counted = found[1]
        deployments += step.text == "ansible-playbook pgdr.barman.deploy --become"
        announced = deployments == 1 and "deploy --become" in step.text and "--check" not in step.text
        if announced:
            if status == 0 or RESTART not in output:
                print(f"The first deployment does not stop as the page announces:\n{output}")
                return 1
        elif status:
            print(output)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).read_text(encoding="utf-8"), Path(sys.argv[2])))
