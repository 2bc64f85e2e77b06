# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's machines: scripts and playbooks that run there."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.lab.host import SSH_CONFIG

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
SSH = ("ssh", "-F", str(SSH_CONFIG), "-o", "BatchMode=yes")
_SHORT = 600


class Failed(Exception):
    """A step of a case did not work, in the words of what failed."""


@dataclass(frozen=True)
class Played:
    """A run of ansible-playbook. failures: what each failed task reported, with its host."""

    ok: bool
    failures: tuple[str, ...]

    def expect(self) -> None:
        """Raises Failed if a host failed."""
        if not self.ok:
            raise Failed("; ".join(self.failures) or "ansible-playbook failed without a message")


def failures(document: Mapping[str, Any]) -> tuple[str, ...]:
    """What failed, in the document of the callback ansible.posix.json. A failure that a rescue caught is no part of it if the host went on."""
    stats = document.get("stats", {})
    bad = {host for host, count in stats.items() if count["failures"] or count["unreachable"]}
    found = []
    for play in document.get("plays", []):
        for task in play["tasks"]:
            for host, result in task["hosts"].items():
                if host in bad and (result.get("failed") or result.get("unreachable")):
                    found.append(
                        f"{host}: {task['task']['name']}: {result.get('msg') or result.get('censored') or result}"
                    )
    return tuple(found)


class Machines:
    """The machines of one part. directory: its lab.yml and inventory.yml. scratch: a directory of this run alone."""

    def __init__(self, directory: Path, scratch: Path) -> None:
        self._lab = directory / "lab.yml"
        self._inventory = directory / "inventory.yml"
        self._scratch = scratch
        self._sockets = scratch / "ssh"
        self._sockets.mkdir(exist_ok=True)
        document = yaml.safe_load(self._lab.read_text(encoding="utf-8"))
        self.addresses: dict[str, str] = {one["name"]: one["address"] for one in document["machines"]}

    def up(self) -> None:
        self._run_lab("up")

    def down(self) -> None:
        for socket in self._sockets.iterdir():
            subprocess.run(
                ["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "lab"], capture_output=True, check=False
            )
        self._run_lab("down")

    def _run_lab(self, job: str) -> None:
        argv = [sys.executable, "-m", "tests.lab", job, str(self._lab)]
        done = subprocess.run(
            argv, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise Failed(f"'{' '.join(argv[1:])}' failed: {done.stderr.strip()}")

    def shell(self, machine: str, script: str, *arguments: str) -> str:
        """Run a script of the shell as root, and return what it prints. Raises Failed."""
        argv = [*self._ssh(machine), shlex.join(["sh", "-eus", "--", *arguments])]
        done = subprocess.run(argv, input=script, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{machine}: {shortened(done.stderr.strip() or done.stdout.strip())}")
        return done.stdout.strip()

    def copy_to(self, machine: str, source: Path, target: str) -> None:
        """Copy a directory's content to that directory of a machine."""
        with subprocess.Popen(["tar", "-c", "-C", str(source), "."], stdout=subprocess.PIPE) as packed:
            argv = [*self._ssh(machine), f"mkdir -p {target} && tar -x -C {target}"]
            done = subprocess.run(argv, stdin=packed.stdout, capture_output=True, text=True, check=False)
        if done.returncode != 0 or packed.returncode != 0:
            raise Failed(f"{machine}: {source} could not be copied: {done.stderr.strip()}")

    def copy_between(self, source: str, target: str, directory: str) -> None:
        """Copy a directory of one machine to the same place of another."""
        with subprocess.Popen([*self._ssh(source), f"tar -c -C {directory} ."], stdout=subprocess.PIPE) as packed:
            argv = [*self._ssh(target), f"mkdir -p {directory} && tar -x -C {directory}"]
            done = subprocess.run(argv, stdin=packed.stdout, capture_output=True, text=True, check=False)
        if done.returncode != 0 or packed.returncode != 0:
            raise Failed(f"{target}: {directory} could not be copied from {source}: {done.stderr.strip()}")

    def play(
        self,
        playbook: str | Path,
        variables: Mapping[str, Any],
        inventory: Mapping[str, Any],
        *arguments: str,
    ) -> Played:
        """Run a playbook. variables: extra variables. inventory: what its group all has beside the file."""
        name = f"{time.monotonic_ns()}"
        more = self._write(f"{name}.hosts.json", {"all": {"vars": self._connection(), **inventory}})
        argv = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            str(playbook),
            f"--inventory={self._inventory}",
            f"--inventory={more}",
            f"--extra-vars=@{self._write(f'{name}.vars.json', dict(variables))}",
            *arguments,
        ]
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")},
            "ANSIBLE_CONFIG": str(REPOSITORY / "tests" / "bench" / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".cache" / "collections"),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self._sockets),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_NOCOLOR": "true",
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            argv, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return Played(ok=True, failures=())
        text = done.stdout
        try:
            found = failures(json.loads(text[text.index("{") :]))
        except ValueError:
            found = ()
        if not found:
            found = (done.stderr.strip() or text.strip(),)
        return Played(ok=False, failures=tuple(found))

    def _ssh(self, machine: str) -> Sequence[str]:
        socket = ("-o", "ControlMaster=auto", "-o", "ControlPersist=60s", "-o", f"ControlPath={self._sockets}/%C")
        return (*SSH, *socket, self.addresses[machine])

    def _connection(self) -> dict[str, str]:
        return {
            "ansible_user": "root",
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_common_args": f"-F {SSH_CONFIG}",
            "barman_postgres_password": "management in the lab",
            "barman_streaming_password": "streaming in the lab",
        }

    def _write(self, name: str, content: object) -> Path:
        path = self._scratch / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return path


def shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHORT else f"{text[: _SHORT // 2]} … {text[-_SHORT // 2 :]}"
