# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The staging area, in which a compressed, encrypted or incremental backup is unpacked before it is restored.

This module util is private to the collection.

Barman before 3.15 unpacks a compressed backup on the destination's host and combines increments on its own, each in a
directory of its own option. From 3.15 on one option is the directory and another one the host. If neither is given,
old versions refuse, and newer ones use /tmp, which often has no room. So a directory is chosen here.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .._barman.catalog import Backup
from .._barman.command import Version
from .._barman.configuration import ServerConfiguration
from .._host.process import HostError
from .._host.safe_files import temporary_directory
from .._host.sizes import human_size

StagingLocation = Literal["local", "remote"]
"""Where Barman unpacks: on the backup server, or on the host to recover to."""
LOCAL: StagingLocation = "local"
REMOTE: StagingLocation = "remote"

#: Since this version one option is the directory, and another one the host.
ONE_OPTION_SINCE: Version = (3, 15)

_COMBINE = "pg_combinebackup"
_UNPACK = {"lz4": "lz4", "zstd": "zstd"}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Which = Callable[[str, str], "str | None"]


@dataclass(frozen=True)
class StagingArea:
    """A directory in which Barman unpacks a backup. path: None if Barman's configuration has it.

    own: the directory is made for this recovery, in path, and removed afterwards. programs: those that unpack the
    backup there. combines: increments are combined there. nature: the kind of the backup, in words.
    """

    path: str | None
    location: StagingLocation
    nature: str
    own: bool = False
    programs: tuple[str, ...] = ()
    combines: bool = False

    @property
    def local(self) -> bool:
        return self.location == LOCAL


def needs_area(backup: Backup) -> bool:
    return bool(backup.compression or backup.incremental or backup.encryption)


def find_area(
    chain: Sequence[Backup],
    server: ServerConfiguration,
    version: Version,
    destination: str,
    *,
    remote: bool,
    path: str | None = None,
    location: StagingLocation | None = None,
) -> StagingArea:
    """The area for a backup, given with what it builds upon. path, location: as requested."""
    backup = chain[0]
    incremental, encrypted = backup.incremental, any(one.encryption for one in chain)
    programs = sorted({_UNPACK[one.compression] for one in chain if one.compression in _UNPACK})
    if version >= ONE_OPTION_SINCE:
        configured = _configured_since(
            server, here=incremental or encrypted, compressed=any(one.compression for one in chain)
        )
        where = location or _configured_location(server)
    else:
        configured = _configured_before(server, here=incremental or encrypted, compressed=bool(backup.compression))
        where = LOCAL if incremental or encrypted else REMOTE
    if not remote:
        where = LOCAL
    area = StagingArea(path, where, _nature(backup), programs=tuple(programs), combines=incremental)
    if path is not None or configured:
        return area
    chosen = server.directory("backup_directory") if where == LOCAL else posixpath.dirname(destination)
    return replace(area, path=chosen, own=where == LOCAL)


def _configured_location(server: ServerConfiguration) -> StagingLocation:
    return REMOTE if server.get("staging_path") and server.get("staging_location") == REMOTE else LOCAL


def _configured_since(server: ServerConfiguration, *, here: bool, compressed: bool) -> bool:
    return bool(server.get("staging_path")) or _configured_before(server, here=here, compressed=compressed)


def _configured_before(server: ServerConfiguration, *, here: bool, compressed: bool) -> bool:
    requested = [("local_staging_path", here), ("recovery_staging_path", compressed)]
    return all(bool(server.get(option)) for option, needed in requested if needed)


def _nature(backup: Backup) -> str:
    if backup.incremental:
        return "incremental"
    return "encrypted" if backup.encryption else "compressed"


def arguments(area: StagingArea, backup: Backup, version: Version) -> list[str]:
    """The arguments of "barman recover" for the area."""
    if area.path is None:
        return []
    if version >= ONE_OPTION_SINCE:
        return ["--staging-path", area.path, "--staging-location", area.location]
    found: list[str] = []
    if backup.compression:
        found += ["--recovery-staging-path", area.path]
    if backup.incremental or backup.encryption:
        found += ["--local-staging-path", area.path]
    return found


def missing_here(
    area: StagingArea,
    server: ServerConfiguration,
    major: int | None,
    which: Which = lambda name, path: shutil.which(name, path=path),
) -> list[str]:
    """The programs that a local area needs and this host does not have."""
    if not area.local:
        return []
    places = ":".join(part for part in (server.get("path_prefix"), _PATH) if part)
    problems = [missing_text(program, area, "on this host") for program in area.programs if not which(program, places)]
    if area.combines and not which(_COMBINE, places):
        problems.append(
            "{}, which puts incremental backups together, is not on this host (looked in {}): install the client "
            "programs of "
            "PostgreSQL {}".format(_COMBINE, server.get("path_prefix") or places, major or "17")
        )
    return problems


def missing_there(area: StagingArea, programs: Sequence[str], where: str, user: str) -> list[str]:
    """The programs that a remote area needs and the destination's host does not have. programs: those it has."""
    problems = [missing_text(program, area, where) for program in area.programs if program not in programs]
    if area.combines and _COMBINE not in programs:
        problems.append(
            f"{_COMBINE}, which puts incremental backups together, is not on the PATH of '{user}' {where}, and Barman "
            "finds it only there. Link it to "
            "/usr/local/bin, or run the playbook with -e barman_recover_staging_location=local (option "
            "staging_location of the module)"
        )
    return problems


def missing_text(program: str, area: StagingArea, where: str) -> str:
    return f"the program {program}, which unpacks this {area.nature} backup, is not installed {where}"


def missing_room(area: StagingArea, needed: int, destination: str | None) -> str | None:
    """Why the area here is too small. destination: the directory to be filled if it is on this host, too."""
    if not area.local or area.path is None:
        return None
    place = _existing(area.path)
    if destination is not None and os.stat(place).st_dev == os.stat(_existing(destination)).st_dev:
        # What was put together is moved there, and so is not there twice.
        return None
    free = shutil.disk_usage(place).free
    if free >= needed:
        return None
    return f"the file system of {place} has {human_size(free)} free, and making the backup plain needs {human_size(needed)} there; give another staging_path"


def _existing(path: str) -> str:
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


@contextlib.contextmanager
def made(area: StagingArea | None, user: str) -> Iterator[StagingArea | None]:
    """The area, with a temporary directory of its own if it needs one."""
    if area is None or not area.own or area.path is None:
        yield area
        return
    with contextlib.ExitStack() as stack:
        try:
            directory = stack.enter_context(temporary_directory(".pgdr-staging-", user, area.path))
        except HostError as exc:
            raise HostError(f"the backup can't be unpacked: {exc}; give a staging_path") from None
        yield replace(area, path=directory)
