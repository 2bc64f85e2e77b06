# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL's pg_verifybackup, if it is installed: a hundred times as fast as Python without a compiled CRC-32C.

This module util is private to the collection. Its exit status decides whether a backup is intact. Which files are damaged is decided by
stored_files.py, because the program's messages change with versions.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .._barman.catalog import Backup
from .._host.process import Command, Completed, HostError, Runner
from .._host.safe_files import temporary_directory, writing_as
from .._postgres.backup_manifest import NAME
from .._postgres.data_directory import find_installed
from .stored_files import BackupFiles, PlainFiles

PROGRAM = "pg_verifybackup"
_TABLESPACES = "pg_tblspc"


@dataclass(frozen=True)
class Pacing:
    """How the program is slowed down. started: called with the number of its process. tick: called every interval seconds."""

    started: Callable[[int], None]
    tick: Callable[[], None]
    interval: float


def run_program(
    program: str,
    directory: str,
    files: BackupFiles,
    runner: Runner,
    user: str | None = None,
    pacing: Pacing | None = None,
) -> Completed:
    """How the program ended: ok if the backup is intact. Raises HostError if it can't be run.

    directory: that of the backup, with data and the tablespaces. Its WAL is not read. user: who reads; None for the current user.
    """
    with temporary_directory("pgdr-verify-", user) as parent:
        view = os.path.join(parent, "data")
        named = [name for name in files.manifest.files if name.startswith(f"{_TABLESPACES}/")]
        make_view(directory, view, {name.split("/", 2)[1] for name in named}, user)
        manifest = os.path.join(directory, "data", NAME)
        completed = runner(
            Command(
                [program, "--no-parse-wal", "--quiet", f"--manifest-path={manifest}", view],
                user=user,
                tick=None if pacing is None else pacing.tick,
                tick_interval=1.0 if pacing is None else pacing.interval,
                started=None if pacing is None else pacing.started,
                die_with_parent=True,
                # A stopped process does not end by another signal.
                death_signal=signal.SIGKILL,
            )
        )
    shown = os.path.join(directory, "data")
    return replace(
        completed, stdout=completed.stdout.replace(view, shown), stderr=completed.stderr.replace(view, shown)
    )


def make_view(directory: str, view: str, tablespaces: set[str], user: str | None = None) -> None:
    """A directory of links in which a backup is as PostgreSQL has it.

    The links of its own pg_tblspc lead to where the tablespaces were, or, on a passive node, to where they are on another host. A tablespace
    that the manifest does not name is left out.
    """
    data = os.path.join(directory, "data")
    with writing_as(user, view):
        os.mkdir(view, 0o700)
        for name in os.listdir(data):
            if name != _TABLESPACES:
                os.symlink(os.path.join(data, name), os.path.join(view, name))
        os.mkdir(os.path.join(view, _TABLESPACES), 0o700)
        for oid in tablespaces:
            os.symlink(os.path.join(directory, oid), os.path.join(view, _TABLESPACES, oid))


def find_program(
    major_version: int,
    runner: Runner,
    requested: str | None = None,
    path_prefix: str = "",
    which: Sequence[str] | None = None,
) -> str | None:
    """pg_verifybackup of that major version; None if it is not installed. requested: the only directory to search in. Raises HostError."""
    directories = path_prefix.split(":") if requested is None else [requested]
    found = find_installed(PROGRAM, major_version, runner, directories, packages=requested is None, which=which)
    if found is None and requested is not None:
        raise HostError(f"bin_directory: {requested} has no {PROGRAM} of PostgreSQL {major_version}")
    return found


def prover(runner: Runner, user: str, path_prefix: str = "") -> Callable[[Backup, str, BackupFiles], bool]:
    """Whether the program finds a backup intact; False if it is not installed, can't read it, or finds anything else. Raises HostError."""

    def prove(backup: Backup, directory: str, files: BackupFiles) -> bool:
        if backup.major_version is None or not isinstance(files, PlainFiles):
            return False
        program = find_program(backup.major_version, runner, None, path_prefix)
        return program is not None and run_program(program, directory, files, runner, user).ok

    return prove
