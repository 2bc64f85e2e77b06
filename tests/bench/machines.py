# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two lab machines that are measured on: running things there, and how long they took. Whatever fails ends the bench."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.lab.host import SSH_CONFIG

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PG = "bench-pg"
BACKUP = "bench-backup"
PG_ADDRESS = "198.51.100.60"
NOBODY_ADDRESS = "198.51.100.69"
SERVER = PG
"""Barman's name for the PostgreSQL server."""

SCALE = 100
GIGABYTE = 1000**3
DATABASE = "bench"
FACTS = [{"name": "Gather facts", "hosts": "all", "become": True, "gather_facts": True}]

# Runs in the machine, so that what it takes to get there is not measured.
TIMER = """
import json, pwd, subprocess, sys, tempfile, time
order = json.loads(sys.argv[1])
account = pwd.getpwnam(order["user"])
with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
    begin = time.monotonic()
    done = subprocess.run(order["argv"], stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=account.pw_dir,
        user=account.pw_uid, group=account.pw_gid, extra_groups=[],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": account.pw_dir, "USER": account.pw_name,
             "LOGNAME": account.pw_name, "LC_ALL": "C.UTF-8"})
    seconds = time.monotonic() - begin
    texts = []
    for stream in (out, err):
        stream.seek(0)
        texts.append(stream.read().decode("utf-8", "replace"))
print(json.dumps({"seconds": seconds, "rc": done.returncode, "stdout": texts[0], "stderr": texts[1]}))
"""

RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


class Failed(Exception):
    """Something that was to be measured, or was needed for it, did not work."""


@dataclass(frozen=True)
class Timed:
    """A command that ran in a machine."""

    seconds: float
    rc: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Played:
    """A whole run of ansible-playbook. changed: by host."""

    seconds: float
    changed: Mapping[str, int]
    output: str


@dataclass(frozen=True)
class Task:
    """One task of a play: from its start to its result, as Ansible sees it."""

    seconds: float
    result: Mapping[str, Any]


class Machines:
    """The lab's two machines. `scratch` is a directory of this run alone."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.is_deployed = False
        self._sockets = scratch / "ssh"
        self._sockets.mkdir()
        self._passwords = self._write("passwords.json", {"bench_password": secrets.token_urlsafe(24)})

    # The machines

    def up(self) -> None:
        self._lab("up", str(HERE / "lab.yml"))

    def down(self) -> None:
        self.close_connections()
        self._lab("down", str(HERE / "lab.yml"))
        self.is_deployed = False

    def fresh(self) -> None:
        """New machines, with nothing on them."""
        self.down()
        self.up()

    def close_connections(self) -> None:
        for socket in self._sockets.iterdir():
            subprocess.run(
                ["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "lab"], capture_output=True, check=False
            )

    def _lab(self, *arguments: str) -> None:
        argv = [sys.executable, "-m", "tests.lab", *arguments]
        done = subprocess.run(argv, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"'{' '.join(argv[1:])}' failed: {done.stderr.strip()}")

    def timed(self, machine: str, *argv: str, user: str = "root", good: Sequence[int] = (0,)) -> Timed:
        """Run a command in a machine. Raises Failed where its exit code is none of those."""
        order = json.dumps({"argv": argv, "user": user})
        command = [sys.executable, "-m", "tests.lab", "exec", machine, "--", "python3", "-c", TIMER, order]
        done = subprocess.run(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"on {machine}: '{' '.join(argv)}' could not be run: {done.stderr.strip()}")
        timed = Timed(**json.loads(done.stdout))
        if timed.rc not in good:
            output = timed.stderr.strip() or timed.stdout.strip()
            raise Failed(f"on {machine}, as {user}: '{' '.join(argv)}' failed with {timed.rc}: {output[-2000:]}")
        return timed

    def on(self, machine: str, *argv: str, user: str = "root") -> str:
        """The same, for what it prints."""
        return self.timed(machine, *argv, user=user).stdout.strip()

    def barman(self, *argv: str) -> str:
        return self.on(BACKUP, "barman", *argv, user="barman")

    def sql(self, query: str, database: str = "postgres") -> str:
        argv = ("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", query)
        return self.on(PG, *argv, user="postgres")

    # Ansible

    def ansible(self, playbook: str | Path, *arguments: str, callback: str | None = None) -> Played:
        """Run a playbook to its end. Raises Failed where a host failed."""
        argv = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            str(playbook),
            f"--inventory={HERE / 'inventory.yml'}",
            f"--extra-vars=@{self._passwords}",
            *arguments,
        ]
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".cache" / "collections"),
            "ANSIBLE_SSH_COMMON_ARGS": f"-F {SSH_CONFIG}",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self._sockets),
            "ANSIBLE_NOCOLOR": "true",
            "LC_ALL": "C.UTF-8",
            **({"ANSIBLE_STDOUT_CALLBACK": callback} if callback else {}),
        }
        with (self.scratch / "stderr").open("w+", encoding="utf-8") as errors:
            begin = time.monotonic()
            done = subprocess.run(
                argv, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                text=True, check=False,
            )  # fmt: skip
            seconds = time.monotonic() - begin
            errors.seek(0)
            output = errors.read()
        if done.returncode != 0:
            raise Failed(f"'{' '.join(argv)}' failed:\n{done.stdout[-4000:]}\n{output[-4000:]}")
        recap = RECAP.findall(done.stdout)
        if callback is None and not recap:
            raise Failed(f"'{' '.join(argv)}' ran on no host:\n{done.stdout[-2000:]}")
        return Played(seconds, {host: int(changed) for host, changed, _, _ in recap}, done.stdout)

    def play(self, name: str, plays: Sequence[Mapping[str, Any]]) -> Path:
        """A playbook of these plays, as a file."""
        return self._write(f"{name}.json", list(plays))

    def task(self, module: str, arguments: Mapping[str, Any], host: str = BACKUP) -> Task:
        """Run one module as a task of a play whose connection is open already."""
        plays = [
            {
                "name": "Measure a module",
                "hosts": host,
                "become": True,
                "gather_facts": False,
                "tasks": [
                    {"name": "Connect", "ansible.builtin.ping": {}},
                    {"name": "Measure", module: dict(arguments)},
                ],
            }
        ]
        played = self.ansible(self.play("task", plays), callback="ansible.posix.json")
        document = json.loads(played.output[played.output.index("{") :])
        measured = document["plays"][0]["tasks"][1]
        duration = measured["task"]["duration"]
        begin, end = (datetime.fromisoformat(duration[key].rstrip("Z")) for key in ("start", "end"))
        return Task((end - begin).total_seconds(), measured["hosts"][host])

    def _write(self, name: str, content: object) -> Path:
        path = self.scratch / name
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(content, stream)
        return path

    # What the benchmarks need

    def deployed(self) -> None:
        """The machines as the inventory declares them."""
        if not self.is_deployed:
            self.up()
            self.ansible("pgdr.barman.deploy")
            self.is_deployed = True

    def loaded(self, size: int) -> None:
        """At least so many bytes in PostgreSQL, and a small backup from before that in the catalog."""
        self.deployed()
        there = int(self.sql(f"SELECT count(*) FROM pg_database WHERE datname LIKE '{DATABASE}%'"))
        if there == 0:
            self.task("pgdr.barman.backup", {"server": SERVER, "immediate_checkpoint": True})
            self.sql(f"CREATE DATABASE {DATABASE}")
            argv = ("pgbench", "--initialize", "--quiet", f"--scale={SCALE}", DATABASE)
            self.on(PG, *argv, user="postgres")
            there = 1
        while self._database_bytes() < size:
            # The file system copies these: little WAL, and as fast as the disk.
            self.sql(f"CREATE DATABASE {DATABASE}_{there} TEMPLATE {DATABASE} STRATEGY file_copy")
            there += 1
        self.settle()

    def _database_bytes(self) -> int:
        return int(self.sql("SELECT sum(pg_database_size(oid)) FROM pg_database"))

    def settle(self) -> None:
        """Nothing left to be written that would be paid for by what is measured next."""
        self.sql("CHECKPOINT")
        self.barman("archive-wal", SERVER)
        os.sync()
