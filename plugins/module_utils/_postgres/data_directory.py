# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A data directory of this host: its files, the programs for its version, and its control file.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from .._host.files import read_text
from .._host.process import Command, HostError, Runner, run


class InstanceError(HostError):
    """A data directory can't be used as it must be, or its server did not do what it should."""


@dataclass(frozen=True)
class DataDirectory:
    """A data directory, as its files show it. owner: the name of the user."""

    path: str
    owner: str
    major_version: int
    recovery_signal: bool
    standby_signal: bool
    postmaster_pid: int | None

    @property
    def in_recovery(self) -> bool:
        return self.recovery_signal or self.standby_signal


def observe_data_directory(path: str) -> DataDirectory:
    """Raises InstanceError if the directory is not a data directory, or can't be read."""
    try:
        status = os.stat(path)
        version = read_text(os.path.join(path, "PG_VERSION"))
    except FileNotFoundError:
        raise InstanceError(f"the directory {path} does not exist on this host") from None
    except OSError as exc:
        raise InstanceError(f"{path} can't be read: {exc.strerror}") from None
    if version is None or not version.strip().isdigit():
        raise InstanceError(f"{path} is not a data directory: it has no file PG_VERSION")
    if not os.path.exists(os.path.join(path, "global", "pg_control")):
        raise InstanceError(f"{path} is not complete: it has no file global/pg_control")
    try:
        owner = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        raise InstanceError(f"{path} belongs to user id {status.st_uid}, which has no user name on this host") from None
    return DataDirectory(
        path=path,
        owner=owner,
        major_version=int(version),
        recovery_signal=os.path.exists(os.path.join(path, "recovery.signal")),
        standby_signal=os.path.exists(os.path.join(path, "standby.signal")),
        postmaster_pid=_running_pid(path),
    )


def _running_pid(path: str) -> int | None:
    text = read_text(os.path.join(path, "postmaster.pid"))
    first = (text or "").partition("\n")[0].strip()
    if not first.isdigit():
        return None
    pid = int(first)
    # A backup may carry a postmaster.pid along; the number can belong to anybody by now.
    command = read_text(f"/proc/{pid}/comm") if os.path.isdir("/proc/self") else "postgres"
    return pid if command is not None and command.strip() in ("postgres", "postmaster") else None


def package_directories(major_version: int) -> list[str]:
    """Where the packages of Debian and of PGDG have the programs of that major version."""
    return [f"/usr/lib/postgresql/{major_version}/bin", f"/usr/pgsql-{major_version}/bin"]


def reported_major(answer: str) -> int | None:
    """The major version in what a program of PostgreSQL prints for --version; None if it is something else."""
    found = re.search(r"\) (\d+)", answer)
    return None if found is None else int(found.group(1))


def find_installed(
    program: str,
    major_version: int,
    runner: Runner,
    directories: Sequence[str] = (),
    *,
    packages: bool = True,
    which: Sequence[str] | None = None,
) -> str | None:
    """The path of PostgreSQL's program of that major version; None if it is not installed.

    directories: those that are searched first. packages: whether the directories of packages, and those of which (None: PATH), are searched, too.
    """
    places = list(directories)
    if packages:
        found = shutil.which(program) if which is None else None
        places += package_directories(major_version)
        places += [os.path.dirname(found)] if found is not None else list(which or ())
    for place in places:
        path = os.path.join(place, program)
        if (
            place
            and os.access(path, os.X_OK)
            and reported_major(runner(Command([path, "--version"])).stdout) == major_version
        ):
            return path
    return None


def find_bin_directory(
    major_version: int, requested: str | None = None, runner: Runner = run, candidates: Sequence[str] | None = None
) -> str:
    """The directory of that PostgreSQL version's programs. Raises InstanceError, with the directories that were searched."""
    if requested is not None:
        if not os.access(os.path.join(requested, "postgres"), os.X_OK):
            raise InstanceError(f"bin_directory: the program 'postgres' does not exist in {requested}")
        places: list[str] = [requested]
    else:
        places = list(
            candidates
            if candidates is not None
            else [
                *package_directories(major_version),
                "/usr/local/pgsql/bin",
            ]
        )
        in_path = shutil.which("postgres")
        if in_path is not None and candidates is None:
            places.append(os.path.dirname(os.path.realpath(in_path)))
    others: list[str] = []
    for place in places:
        program = os.path.join(place, "postgres")
        if not os.access(program, os.X_OK):
            continue
        answer = runner(Command([program, "--version"])).stdout.strip()
        if reported_major(answer) == major_version:
            return place
        others.append(f"{place} has {answer or 'no version'}")
    raise InstanceError(
        "the programs of PostgreSQL {} were not found on this host (searched: {}{}): install the package, "
        "or set their directory as 'bin_directory'".format(
            major_version, ", ".join(places), "; " + "; ".join(others) if others else ""
        )
    )


def parse_controldata(text: str) -> dict[str, str]:
    """What pg_controldata prints, by its own words."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, value = line.partition(":")
        if separator:
            values[key.strip()] = value.strip()
    return values


def read_control(path: str, bin_directory: str, user: str, runner: Runner = run) -> dict[str, str]:
    """The control file of a data directory. Raises InstanceError."""
    completed = runner(Command([os.path.join(bin_directory, "pg_controldata"), "-D", path], user=user))
    values = parse_controldata(completed.stdout)
    if not completed.ok or "Database cluster state" not in values:
        raise InstanceError(f"the control file of {path} can't be read: {completed.text}")
    return values
