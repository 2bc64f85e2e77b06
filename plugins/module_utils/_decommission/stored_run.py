# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exporting and removing what a backup server stores of a server.

This module util is private to the collection. Everything is done as Barman's user, in this order: a complete copy is there before anything is removed,
and a run that was killed goes on from there.
"""

from __future__ import annotations

import contextlib
import glob
import os
import stat
from collections.abc import Mapping
from typing import Any

from .._barman.configuration import Configuration, read
from .._barman.disks import RESERVE, read_disk
from .._barman.locks import is_held
from .._host import owned_directory
from .._host.paths import is_within
from .._host.process import Command, HostError, Runner, run
from .._host.result import Result, ServerOutcome, per_server
from .._host.safe_files import remove_file, writing_as
from .._host.sizes import human_size
from .stored import StoredData, stored_data
from .stored_tree import mount_points, refuse_links, size_of

_CHUNK = 1 << 20
_PRIVATE = 0o700


def remove_stored(params: Mapping[str, Any], *, check_mode: bool, runner: Runner = run) -> Result:
    """The operation of the module server_data. Raises HostError."""
    configuration = read(params["config_file"], params["barman_user"])
    outcomes: dict[str, ServerOutcome] = {}
    for name in params["servers"]:
        outcome = outcomes[name] = ServerOutcome({"directories": [], "export": None})
        # Without an entry nobody knows what belongs to the server: an earlier run has removed it all.
        if name not in configuration.servers:
            continue
        try:
            _remove(configuration, name, params, outcome, runner, check_mode=check_mode)
        except HostError as exc:
            outcome.fail(exc)
    return per_server(outcomes)


def _remove(
    configuration: Configuration,
    name: str,
    params: Mapping[str, Any],
    outcome: ServerOutcome,
    runner: Runner,
    *,
    check_mode: bool,
) -> None:
    data = stored_data(configuration, name)
    entry = configuration.server(name)
    for what in ("backup", "receive-wal", "archive-wal", "sync-backup", "sync-wal"):
        if is_held(entry, what):
            raise HostError(
                f"server '{name}': Barman is at work with it ({what}). Wait for its end, and run this again"
            )
    there = {option: path for option, path in data.directories.items() if os.path.isdir(path)}
    target = os.path.join(params["export_directory"], name) if params["export_directory"] else None
    outcome.values = {"directories": sorted(there.values()), "export": target}
    outcome.changed = bool(there or data.files)
    outcome.before = {"stored": [*sorted(there.values()), *data.files.values()]}
    outcome.after = {"stored": []}
    refuse_links(name, there.values())
    if check_mode or not outcome.changed:
        return
    user = params["barman_user"]
    if target is not None:
        export(data, there, entry.file, target, user, runner)
    for path in sorted(there.values()):
        mounts = _empty_and_remove(path, user, runner)
        if mounts:
            outcome.warnings.append(
                f"server '{name}': {', '.join(mounts)} stays, empty, because it is a mount point. Unmount it, and remove the directory"
            )
    for path in data.files.values():
        remove_file(path)


def export(
    data: StoredData, directories: Mapping[str, str], entry_file: str, target: str, user: str, runner: Runner
) -> None:
    """Copy the directories, the files and the entry into target, and compare every byte. A complete copy that is there stays. Raises HostError."""
    if not os.path.lexists(target):
        plan = owned_directory.observe(os.path.dirname(target), user, _PRIVATE)
        if plan.missing:
            owned_directory.apply(plan)
        files = {os.path.basename(entry_file): entry_file, **data.files}
        unfinished = f"{target}.unfinished"
        remove = Command(["rm", "-rf", "--", unfinished], user=user)
        _call(remove, runner)
        require_room(data.server, os.path.dirname(target), size_of((*directories.values(), *files.values())))
        try:
            _copy(data.server, directories, files, unfinished, user, runner)
        except HostError:
            # The room is that of other servers' WAL.
            with contextlib.suppress(HostError):
                _call(remove, runner)
            raise
        _call(Command(["mv", "-T", "--", unfinished, target], user=user), runner)
    else:
        # Of a run that was killed: what is still there has to be in the copy.
        remedy = f"Move {target} away, and run this again"
        for option, path in directories.items():
            _require_same(path, os.path.join(target, option), data.server, remedy)


def require_room(server: str, directory: str, needed: int) -> None:
    """Raises HostError if so many bytes do not fit there, with the reserve."""
    disk = read_disk(directory)
    free = disk.free - disk.reserve
    if needed > free:
        raise HostError(
            f"server '{server}': the export needs {human_size(needed)}, and {disk}, of which {RESERVE:.0%} stays free for WAL that arrives meanwhile. "
            "Nothing was copied or removed. Choose an export directory with more room (barman_decommission_export_directory), and run this again"
        )


def _copy(
    server: str, directories: Mapping[str, str], files: Mapping[str, str], target: str, user: str, runner: Runner
) -> None:
    _call(Command(["mkdir", "-m", "700", "--", target], user=user), runner)
    for option, path in directories.items():
        # With hard links, of which incremental backups consist.
        _call(Command(["cp", "-a", "--", path, os.path.join(target, option)], user=user), runner)
    for name, path in files.items():
        _call(Command(["cp", "-p", "--", path, os.path.join(target, name)], user=user), runner)
    _call(Command(["sync", "-f", "--", target], user=user), runner)
    for option, path in directories.items():
        _require_same(path, os.path.join(target, option), server, "Run this again")


def _require_same(source: str, copy: str, server: str, remedy: str) -> None:
    difference = first_difference(source, copy)
    if difference is not None:
        raise HostError(
            f"server '{server}': {os.path.join(copy, difference)} is not the same as {os.path.join(source, difference)}, and nothing was removed. "
            f"{remedy}"
        )


def first_difference(source: str, copy: str) -> str | None:
    """The first file of source that copy does not have with the same content, as a relative path; None if it has all. Raises HostError."""
    try:
        for directory, names, files in os.walk(source, onerror=_raise):
            names.sort()
            for name in sorted((*files, *(one for one in names if os.path.islink(os.path.join(directory, one))))):
                path = os.path.relpath(os.path.join(directory, name), source)
                if not _same(os.path.join(source, path), os.path.join(copy, path)):
                    return path
    except OSError as exc:
        raise HostError(f"{exc.filename} can't be read: {exc.strerror}") from None
    return None


def _raise(exc: OSError) -> None:
    raise exc


def _same(one: str, other: str) -> bool:
    if not os.path.lexists(other):
        return False
    status, others = os.lstat(one), os.lstat(other)
    if stat.S_IFMT(status.st_mode) != stat.S_IFMT(others.st_mode):
        return False
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(one) == os.readlink(other)
    if not stat.S_ISREG(status.st_mode):
        return True
    if status.st_size != others.st_size:
        return False
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(one, flags), "rb") as first, os.fdopen(os.open(other, flags), "rb") as second:
        while True:
            chunk = first.read(_CHUNK)
            if chunk != second.read(_CHUNK):
                return False
            if not chunk:
                return True


def _empty_and_remove(path: str, user: str, runner: Runner) -> list[str]:
    """Remove the directory. Mount points in it stay, empty, and are returned. Raises HostError."""
    mounts = mount_points(path)
    real = os.path.realpath(path)
    staying: list[str] = []
    for mount in mounts:
        while mount != os.path.dirname(mount) and is_within(real, mount):
            staying.append(mount)
            mount = os.path.dirname(mount)
    # A pattern of find has the special characters of the shell's.
    kept = [word for one in dict.fromkeys(staying) for word in ("!", "-path", glob.escape(one))]
    _call(Command(["find", real, "-mindepth", "1", *kept, "-delete"], user=user), runner)
    if not mounts:
        # Barman's user may not write in the directory above.
        with writing_as(None, path):
            os.rmdir(path)
    return mounts


def _call(command: Command, runner: Runner) -> None:
    answer = runner(command)
    if not answer.ok:
        raise HostError(f"{command}: {answer.text}")
