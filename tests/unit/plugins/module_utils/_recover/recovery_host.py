# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup server on which "barman recover" can be run: the shell scripts are really run, Barman and rsync are played."""

from __future__ import annotations

import getpass
import itertools
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Backup
from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import (
    Configuration,
    ServerConfiguration,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal
from ansible_collections.pgdr.barman.plugins.module_utils._recover.prepare import RecoveryEnvironment
from ansible_collections.pgdr.barman.plugins.module_utils._recover.request import request_from
from ansible_collections.pgdr.barman.plugins.module_utils._recover.result import RecoveryOutcome
from ansible_collections.pgdr.barman.plugins.module_utils._recover.run import recover
from tests.unit.plugins.module_utils._recover.recovery_world import World, minute

USER = getpass.getuser()

# What is installed of these is the test's to say, and not this machine's.
_WITH_PROGRAMS = """
command() {
    case $2 in
        lz4|zstd|pg_combinebackup) case " %s " in *" $2 "*) return 0 ;; esac; return 1 ;;
        *) type "$2" >/dev/null 2>&1 ;;
    esac
}
"""


class RecoveryHost:
    """What a test changes: the archive and the backups, what Barman restores, whether SSH works."""

    def __init__(self, root: Path, world: World, backups: list[Backup]) -> None:
        self.root = root
        self.world = world
        self.backups = backups
        self.version = "3.13.3"
        self.commands: list[Command] = []
        self.ssh_error = ""
        self.barman_error = ""
        self.copies_wal: Callable[[str], bool] = lambda name: True
        self.leaves_out: set[str] = set()
        self.of_a_standby = False
        self.rsync_there = True
        self.programs: set[str] = set()
        self.now = minute(60).timestamp()
        self.home = root / "home"
        self.home.mkdir()
        self.options: dict[str, str] = {}
        (root / "bin").mkdir()
        rsync = root / "bin" / "rsync"
        rsync.write_text("#!/bin/sh\nexit 1\n")
        rsync.chmod(0o755)

    @property
    def configuration(self) -> Configuration:
        directory = self.home / "pg"
        options = {
            "backup_directory": str(directory),
            "basebackups_directory": str(directory / "base"),
            "wals_directory": str(directory / "wals"),
            "incoming_wals_directory": str(directory / "incoming"),
            "streaming_wals_directory": str(directory / "streaming"),
            **self.options,
        }
        return Configuration(
            "/etc/barman.conf", {"barman_home": str(self.home)}, {"pg": ServerConfiguration("pg", options, "pg.conf")}
        )

    def receive(self, name: str) -> None:
        """Let the receiver have a file that Barman has not archived yet."""
        directory = self.home / "pg" / "streaming"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(b"")

    def recover(self, *, check_mode: bool = False, **params: Any) -> RecoveryOutcome:
        # The world's segments have no bytes that could be verified.
        given = {"verify_wal": False, "verify_backup": False, **params}
        request = request_from({"server": "pg", "destination": str(self.root / "new"), **given})
        environment = RecoveryEnvironment(
            Barman(self.run, USER),
            self.configuration,
            self.run,
            clock=lambda: self.now,
            list_archive=lambda server, barman, size: self.world,  # type: ignore[arg-type,return-value]
            list_backups=lambda server: self.backups,
            # The backups and the WAL are played: test_readable.py has real files.
            readable=lambda *given: None,
        )
        return recover(request, environment, check_mode=check_mode)

    def arguments_of(self, program: str, *words: str) -> list[str]:
        """The arguments of the one command of that program with those words."""
        found = [list(one.argv) for one in self.commands if one.argv[0] == program and set(words) <= set(one.argv)]
        assert len(found) == 1, found
        return found[0]

    def ran(self, program: str, *words: str) -> bool:
        return any(one.argv[0] == program and set(words) <= set(one.argv) for one in self.commands)

    # The runner

    def run(self, command: Command) -> Completed:
        self.commands.append(command)
        program, arguments = command.argv[0], list(command.argv[1:])
        if program == "sh" or (program == "ssh" and arguments[-1] == "sh -s"):
            return self._shell(command) if program == "sh" or not self.ssh_error else self._fails(command)
        if program == "ssh":
            return Completed(
                command.argv, 0, "user postgres\nciphers chacha20-poly1305@openssh.com,aes128-gcm@openssh.com\n"
            )
        if program == "rsync":
            return self._rsync(command)
        if arguments[0] == "--version":
            return Completed(command.argv, 0, self.version + " Barman by EnterpriseDB\n")
        return self._barman(command, arguments[2:])

    def _fails(self, command: Command) -> Completed:
        return Completed(command.argv, 255, "", self.ssh_error)

    def _shell(self, command: Command) -> Completed:
        path = os.environ["PATH"] if not self.rsync_there else f"{self.root / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-s"],
            input=_WITH_PROGRAMS % " ".join(self.programs) + str(command.input),
            env={"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        return Completed(command.argv, done.returncode, done.stdout, done.stderr)

    def _rsync(self, command: Command) -> Completed:
        target = command.argv[-1].lstrip(":")
        for source in [one for one in command.argv[1:-1] if one.startswith("/")]:
            shutil.copy(source, target)
        return Completed(command.argv, 0)

    def _barman(self, command: Command, arguments: list[str]) -> Completed:
        if arguments[0] == "recover":
            if self.barman_error:
                (Path(arguments[-1]) / "global").mkdir(parents=True, exist_ok=True)
                (Path(arguments[-1]) / "global" / "pg_control").write_text("")
                return Completed(command.argv, 1, json.dumps({"_ERROR": [self.barman_error]}))
            self._restore(arguments)
            if command.tick:
                self.now += 60
                command.tick()
            return Completed(
                command.argv, 0, json.dumps({"changes": [["postgresql.auto.conf", 3, "archive_command", "false"]]})
            )
        return Completed(command.argv, 0, "{}")

    def _restore(self, arguments: list[str]) -> None:
        directory = Path(arguments[-1])
        given = dict(itertools.pairwise(arguments))
        standby = "--standby-mode" in arguments
        place = directory / ("pg_wal" if standby else "barman_wal")
        for made in (directory / "global", place):
            made.mkdir(parents=True, exist_ok=True)
        files = {
            "PG_VERSION": "17\n",
            "backup_label": "START WAL LOCATION\n",
            "global/pg_control": "",
            "standby.signal" if standby else "recovery.signal": "",
            "postgresql.auto.conf": "",
        }
        if not standby:
            files["postgresql.auto.conf"] = (
                f"# old\nrestore_command = 'cp {place}/%f %p'\nrecovery_target_timeline = {given['--target-tli']}\n"
            )
            for kind in ("xid", "lsn", "name", "time"):
                if f"--target-{kind}" in given:
                    files["postgresql.auto.conf"] += "recovery_target_{} = '{}'\n".format(
                        kind, given[f"--target-{kind}"]
                    )
            if "--target-immediate" in arguments:
                files["postgresql.auto.conf"] += "recovery_target = 'immediate'\n"
        if self.of_a_standby:
            files["standby.signal"] = ""
            files["postgresql.auto.conf"] += (
                "work_mem = '8MB'\nprimary_conninfo = 'host=198.51.100.10 password=secret'\nrecovery_min_apply_delay "
                "= '1h'\n"
            )
        (directory / "pg_wal" / "archive_status").mkdir(parents=True, exist_ok=True)
        (directory / "pg_tblspc").mkdir(exist_ok=True)
        given_places = dict(
            arguments[number + 1].split(":", 1) for number, one in enumerate(arguments) if one == "--tablespace"
        )
        for tablespace in self.backups[-1].tablespaces:
            location = Path(given_places.get(tablespace.name, tablespace.location))
            if location.is_relative_to(self.root):
                (location / "PG_17_202406281").mkdir(parents=True)
                (location / "PG_17_202406281" / "rows").write_text("restored")
            (directory / "pg_tblspc" / str(tablespace.oid)).symlink_to(location)
        for name, text in files.items():
            if name not in self.leaves_out:
                (directory / name).write_text(text)
        for segment in self.world.segments:
            if self.copies_wal(str(segment)):
                with open(place / str(segment), "wb") as stream:
                    stream.truncate(wal.DEFAULT_SEGMENT_SIZE)


def ssh_command(arguments: list[str]) -> list[str]:
    """The SSH command that Barman is given."""
    return shlex.split(arguments[arguments.index("--remote-ssh-command") + 1])
