# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading and atomically writing small files on the managed host.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import stat
import tempfile

from .process import IDENTITY, HostError, lookup_user


def read_text(path: str) -> str | None:
    """The file's text; None where there is no such file. Raises HostError where it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise HostError("%s can't be read: %s" % (path, exc.strerror)) from None


def names_in(directory: str) -> list[str]:
    """The names in the directory, in order; none where there is no such directory. Raises HostError where it can't be read."""
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as exc:
        raise HostError("%s can't be read: %s" % (directory, exc.strerror)) from None


def give_to(user: str, *paths: str) -> None:
    """Have the files and directories be that user's, with the user's own group, where this is root."""
    with IDENTITY:
        if os.geteuid() == 0:
            account = lookup_user(user)
            for path in paths:
                os.chown(path, account.pw_uid, account.pw_gid)


def write_atomic(
    path: str, text: str, mode: int, owner: str | None = None, durable: bool = True, group_of: str | None = None
) -> None:
    """Write the file so that a reader sees the old or the new text, whole.

    owner: its user, with that user's own group or that of group_of; None for the current one. durable: it must outlive a
    power failure. Raises HostError where it can't be written.
    """
    ids = None
    if owner is not None and os.geteuid() == 0:
        ids = (lookup_user(owner).pw_uid, lookup_user(group_of or owner).pw_gid)
    _write(path, text, mode, ids, durable)


def rewrite(path: str, text: str, like: os.stat_result | None = None) -> None:
    """Write an existing file in the same way; it keeps its owner, group and mode (or gets those of like)."""
    try:
        found = like or os.stat(path)
    except OSError as exc:
        raise HostError("%s can't be read: %s" % (path, exc.strerror)) from None
    ids = (found.st_uid, found.st_gid) if os.geteuid() == 0 else None
    _write(path, text, stat.S_IMODE(found.st_mode), ids)


def _write(path: str, text: str, mode: int, ids: tuple[int, int] | None, durable: bool = True) -> None:
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=".%s." % os.path.basename(path), dir=os.path.dirname(path) or ".")
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
            if ids is not None:
                os.fchown(stream.fileno(), *ids)
            os.fchmod(stream.fileno(), mode)
            stream.write(text)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        os.replace(temporary, path)
        temporary = None
    except OSError as exc:
        raise HostError("%s can't be written: %s" % (path, exc.strerror)) from None
    finally:
        if temporary is not None:
            os.unlink(temporary)
