# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An existing archive_command as the inventory's variables.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import getopt
import shlex
from collections.abc import Collection
from typing import NamedTuple

from ...module_utils._archive_command.command import COMPRESSIONS, MARK, does_nothing, is_ours
from .facts import Adoption, Variables
from .servers import ExistingServer

_SHORT = {"-z": "gzip", "-j": "bzip2"}
_LONG = [
    "user=",
    "port=",
    "config=",
    "test",
    "md5",
    *(f"{name}" for name in COMPRESSIONS if name != "none"),
    "compression-level=",
]


class ArchiveDestination(NamedTuple):
    """Where an archive_command sends WAL. server: Barman's name, of barman-wal-archive. directory: of rsync."""

    method: str
    compression: str
    host: str
    server: str = ""
    directory: str = ""


def destination_of(command: str) -> ArchiveDestination | None:
    """The destination of a command that is barman-wal-archive or rsync alone; None of all others."""
    try:
        words = shlex.split(command.split(MARK)[0])
    except ValueError:
        return None
    if any(mark in command.split(MARK)[0] for mark in ("|", "&", ";", "$(", "`")) or len(words) < 3:
        return None
    program = words[0].rpartition("/")[2]
    return (
        _of_barman(words[1:])
        if program == "barman-wal-archive"
        else _of_rsync(words[1:])
        if program == "rsync"
        else None
    )


def _of_barman(words: list[str]) -> ArchiveDestination | None:
    try:
        chosen, rest = getopt.gnu_getopt(words, "U:c:tzj", _LONG)
    except getopt.GetoptError:
        return None
    compressions = [
        _SHORT.get(option, option[2:]) for option, _value in chosen if option in _SHORT or option[2:] in COMPRESSIONS
    ]
    if len(rest) != 3 or rest[2] != "%p" or len(compressions) > 1:
        return None
    return ArchiveDestination("barman-wal-archive", (compressions or ["none"])[0], rest[0], server=rest[1])


def _of_rsync(words: list[str]) -> ArchiveDestination | None:
    try:
        chosen, rest = getopt.gnu_getopt(
            words, "azqvte:", ["archive", "compress", "compress-choice=", "rsh=", "quiet", "times"]
        )
    except getopt.GetoptError:
        return None
    if len(rest) != 2 or rest[0] != "%p" or not rest[1].endswith("/%f"):
        return None
    place, colon, directory = rest[1].rpartition(":")
    compression = next((value for option, value in chosen if option == "--compress-choice"), None)
    if compression is None:
        compression = "gzip" if any(option in ("-z", "--compress") for option, _value in chosen) else "none"
    if not colon:
        return None
    return ArchiveDestination(
        "rsync", compression, place.rpartition("@")[2].strip("[]"), directory=directory[: -len("/%f")]
    )


def archiving_variables(
    server: ExistingServer, inventory_host: str, addresses: Collection[str], adoption: Adoption
) -> Variables:
    """The variables of archive_command. addresses: those at which the backup server is known."""
    command = server.answer.get("archive_command")
    if not server.answer or command is None:
        return {}
    found: Variables = {}
    destination = None if does_nothing(str(command)) else destination_of(str(command))
    matches = destination is not None and _is_here(server, destination, addresses)
    if not server.archives:
        if command and not does_nothing(str(command)):
            adoption.remark(
                inventory_host,
                "archive_command",
                f"is {command}, and Barman's archiver is off",
                "the deployment does not change it",
            )
        return {}
    if destination is not None and matches:
        found = {"barman_archive_method": destination.method, "barman_archive_compression": destination.compression}
    if not is_ours(str(command)):
        adoption.remark(inventory_host, "archive_command", *_advice(str(command), matches=matches))
        if matches:
            found["barman_archive_overwrite"] = True
    timeout = str(server.answer.get("archive_timeout") or "")
    if timeout.isdecimal() and not server.streams:
        found["barman_archive_timeout"] = int(timeout)
    return found


def _is_here(server: ExistingServer, destination: ArchiveDestination, addresses: Collection[str]) -> bool:
    if destination.method == "rsync":
        incoming = server.option("incoming_wals_directory").rstrip("/")
        return destination.directory.rstrip("/") == incoming
    return destination.server == server.name and (destination.host in addresses or not addresses)


def _advice(command: str, *, matches: bool) -> tuple[str, str]:
    if matches:
        return (
            f"is {command}, and the deployment replaces it by its own to the same directory of Barman",
            "barman_archive_overwrite: true is written for that",
        )
    return (
        f"is {command or 'empty'}, which is not recognized as a way to this Barman",
        "the deployment fails for it: compare it, then set barman_archive_overwrite: true, or remove archiving from barman_wal",
    )
