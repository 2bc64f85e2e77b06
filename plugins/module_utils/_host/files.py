# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading and atomically writing small files on the managed host.

This module util is private to the collection.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

from .identity import open_as_owner
from .process import HostError
from .safe_files import ids_of, read_file, write_file


def read_text(path: str) -> str | None:
    """The file's text; None where there is no such file. Raises HostError where it can't be read.

    What is in a user's directory is read as that user.
    """
    try:
        with os.fdopen(open_as_owner(path), encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise HostError(f"{path} can't be read: {exc.strerror}") from None


def names_in(directory: str) -> list[str]:
    """The names in the directory, in order; none where there is no such directory. Raises HostError where it can't be read."""
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as exc:
        raise HostError(f"{directory} can't be read: {exc.strerror}") from None


def walk(directory: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """os.walk, and nothing where there is no such directory. Raises HostError where one can't be read."""

    def note(exc: OSError) -> None:
        if not isinstance(exc, (FileNotFoundError, NotADirectoryError)):
            raise HostError(f"{exc.filename} can't be read: {exc.strerror}") from None

    return os.walk(directory, onerror=note)


def write_atomic(
    path: str, text: str, mode: int, owner: str | None = None, *, durable: bool = True, group_of: str | None = None
) -> None:
    """Write the file so that a reader finds either the old or the new text, complete.

    owner: its user, with that user's own group or that of group_of; None for the current one. durable: it must outlive a
    power failure. Raises HostError if it can't be written.
    """
    write_file(path, text, mode, None if owner is None else ids_of(owner, group_of), durable=durable)


def rewrite(path: str, text: str, like: os.stat_result | None = None) -> None:
    """Write an existing file in the same way; it keeps its owner, group and mode (or gets those of like)."""
    if like is None:
        state = read_file(path, follow=True)
        if state is None:
            raise HostError(f"{path} can't be read: {os.strerror(errno.ENOENT)}")
        like = state.status
    ids = (like.st_uid, like.st_gid) if os.geteuid() == 0 else None
    write_file(path, text, stat.S_IMODE(like.st_mode), ids, follow=True)


def sync_directory(path: str) -> None:
    """A new name in the directory outlives a power failure. Not every file system can do that; the name is there then, too."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
