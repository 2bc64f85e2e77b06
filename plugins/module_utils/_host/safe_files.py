# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing files as root in directories that another user can write, without following that user's links.

This module util is private to the collection. Every path is opened component by component; owner and mode are set on
open files, never by path. Root follows a symbolic link only if nobody but root can place one in its directory. Any
other user follows every link: the kernel grants that user nothing more than the user has.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from .identity import acting_as
from .process import HostError, lookup_user

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Enough to pass through a directory that this user can't list.
_PASSAGE = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A FIFO would wait for its other end without O_NONBLOCK.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# The kernel's own limit.
_MOST_LINKS = 40
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class UnsafePath(HostError):
    """Another user placed something in the path that root must not follow. link: its path."""

    def __init__(self, path: str, link: str, what: str) -> None:
        super().__init__(
            (
                "{} is not read or written: {} is {}. The user who can create it there could change other files of "
                "this "
                "host with it. Remove it, or replace it by a {}"
            ).format(path, link, what, "file" if path == link else "directory")
        )
        self.path = path
        self.link = link


@dataclass(frozen=True)
class FileState:
    """A regular file as it is: its text, and the status of the open file."""

    text: str
    status: os.stat_result

    @property
    def mode(self) -> int:
        return stat.S_IMODE(self.status.st_mode)


def only_root_writes(status: os.stat_result) -> bool:
    """Whether nobody but root can place a name in the directory of that status."""
    return status.st_uid == 0 and not status.st_mode & _OTHERS_WRITE


def ids_of(user: str, group_of: str | None = None) -> tuple[int, int] | None:
    """The user id, and the group id of the user or of group_of; None if this process can't set them. Raises HostError."""
    if os.geteuid() != 0:
        return None
    return lookup_user(user).pw_uid, lookup_user(group_of or user).pw_gid


@contextlib.contextmanager
def open_directory(path: str, *, passage: bool = False) -> Iterator[int]:
    """A handle of the directory. Raises UnsafePath, OSError.

    passage: it is enough to open names in it; it need not be readable.
    """
    handle = _open_directory(path, path, passage=passage)
    try:
        yield handle
    finally:
        os.close(handle)


def _open_directory(path: str, asked: str, *, passage: bool) -> int:
    """Open component by component; the caller closes the handle."""
    pending = _components(os.path.abspath(path))
    walked: list[str] = []
    links = 0
    handle = os.open("/", _PASSAGE)
    try:
        while pending:
            name = pending.pop(0)
            flags = _PASSAGE if pending or passage else _DIRECTORY
            try:
                below = os.open(name, flags, dir_fd=handle)
            except OSError as exc:
                if exc.errno not in (errno.ELOOP, errno.ENOTDIR) or not _is_link(name, handle):
                    raise
                here = "/" + "/".join([*walked, name])
                target = os.readlink(name, dir_fd=handle)
                if not _follows(handle):
                    raise UnsafePath(asked, here, f"a symbolic link to {target}") from None
                links += 1
                if links > _MOST_LINKS:
                    raise
                if target.startswith("/"):
                    os.close(handle)
                    handle, walked = os.open("/", _PASSAGE), []
                pending = _components(target) + pending
                continue
            os.close(handle)
            handle = below
            walked = walked[:-1] if name == ".." else [*walked, name]
        if not walked and not passage:
            os.close(handle)
            handle = os.open("/", _DIRECTORY)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _components(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")]


def _is_link(name: str, directory: int) -> bool:
    return stat.S_ISLNK(os.lstat(name, dir_fd=directory).st_mode)


def _follows(directory: int) -> bool:
    return os.geteuid() != 0 or only_root_writes(os.fstat(directory))


@contextlib.contextmanager
def _parent_of(path: str, *, follow: bool) -> Iterator[tuple[int, str]]:
    """A handle of the directory that the path is in, and the name there. Raises UnsafePath, OSError.

    follow: if the path itself is a link that only root can place, it is followed.
    """
    current = os.path.abspath(path)
    for _unused in range(_MOST_LINKS):
        with open_directory(os.path.dirname(current), passage=True) as handle:
            name = os.path.basename(current)
            with contextlib.suppress(FileNotFoundError):
                if follow and _is_link(name, handle) and _follows(handle):
                    current = os.path.join(os.path.dirname(current), os.readlink(name, dir_fd=handle))
                    continue
            yield handle, name
            return
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def read_file(path: str, owners: tuple[int, ...] | None = None, *, follow: bool = False) -> FileState | None:
    """The file; None if it does not exist. Nothing but a regular file with one name is read, of one of these owners.

    follow: a link at the path is followed if only root can place it. Raises HostError.
    """
    try:
        with _parent_of(path, follow=follow) as (directory, name):
            return _read(path, name, directory, owners)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise HostError(f"{path} can't be read: {reason(path, exc)}") from None


def _read(path: str, name: str, directory: int, owners: tuple[int, ...] | None) -> FileState:
    try:
        handle = os.open(name, _FILE, dir_fd=directory)
    except OSError as exc:
        if exc.errno == errno.ELOOP:
            target = os.readlink(name, dir_fd=directory)
            raise UnsafePath(path, path, f"a symbolic link to {target}") from None
        raise
    with os.fdopen(handle, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        status = os.fstat(handle)
        check_regular(path, status, owners, links=_follows(directory))
        return FileState(stream.read(), status)


def check_regular(
    path: str, status: os.stat_result, owners: tuple[int, ...] | None = None, *, links: bool = False
) -> None:
    """Refuse what is no regular file, has another name too (a hard link), or belongs to somebody else. Raises HostError.

    links: hard links are accepted.
    """
    if not stat.S_ISREG(status.st_mode):
        raise UnsafePath(path, path, "not a regular file")
    if status.st_nlink > 1 and not links:
        raise UnsafePath(path, path, f"a hard link: the file has {status.st_nlink} names")
    if owners is not None and status.st_uid not in owners:
        raise HostError(
            f"{path} is not read or written: it belongs to the user with the id {status.st_uid}. Change its owner, or "
            "remove it"
        )


def write_file(
    path: str,
    text: str,
    mode: int,
    ids: tuple[int, int] | None = None,
    *,
    durable: bool = True,
    follow: bool = False,
) -> None:
    """Replace the file so that a reader finds the old or the new text, whole. Raises HostError.

    ids: its owner and group. durable: it outlives a power failure. A symbolic or hard link at the path is replaced,
    and what it leads to is not touched; follow: as in read_file.
    """
    try:
        with _parent_of(path, follow=follow) as (directory, name):
            _replace(name, text, directory, mode, ids, durable=durable)
    except OSError as exc:
        raise HostError(f"{path} can't be written: {reason(path, exc)}") from None


def _replace(name: str, text: str, directory: int, mode: int, ids: tuple[int, int] | None, *, durable: bool) -> None:
    temporary = f".{name}.{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(temporary, flags, 0o600, dir_fd=directory)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            if ids is not None:
                os.fchown(handle, *ids)
            os.fchmod(handle, mode)
            stream.write(text)
            stream.flush()
            if durable:
                os.fsync(handle)
        os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=directory)
        raise


def remove_file(path: str) -> None:
    """Remove the name, never what a link at that name leads to. Raises HostError."""
    try:
        with open_directory(os.path.dirname(os.path.abspath(path)), passage=True) as directory:
            os.unlink(os.path.basename(path), dir_fd=directory)
    except OSError as exc:
        raise HostError(f"{path} can't be removed: {reason(path, exc)}") from None


def missing_directories(path: str) -> list[str]:
    """The directories that would have to be made for the path, from the top. Raises HostError."""
    path = os.path.abspath(path)
    try:
        with open_directory(path, passage=True):
            return []
    except FileNotFoundError:
        return [*missing_directories(os.path.dirname(path)), path]
    except OSError as exc:
        raise HostError(f"{path} can't be read: {reason(path, exc)}") from None


def make_directories(path: str, mode: int, ids: tuple[int, int] | None = None) -> None:
    """Make the directory and those above it that are missing, all with that owner and mode. Raises HostError."""
    for directory in missing_directories(path):
        try:
            with open_directory(os.path.dirname(directory), passage=True) as above:
                name = os.path.basename(directory)
                os.mkdir(name, 0o700, dir_fd=above)
                handle = os.open(name, _DIRECTORY, dir_fd=above)
                try:
                    if os.fstat(handle).st_uid != os.geteuid():
                        raise UnsafePath(directory, directory, "a directory that another user created meanwhile")
                    if ids is not None:
                        os.fchown(handle, *ids)
                    os.fchmod(handle, mode)
                finally:
                    os.close(handle)
        except OSError as exc:
            raise HostError(f"{directory} can't be created: {reason(directory, exc)}") from None


def set_owner_and_mode(path: str, mode: int, ids: tuple[int, int] | None) -> None:
    """Give the directory that owner and mode. Raises HostError."""
    try:
        with open_directory(path) as handle:
            if ids is not None:
                os.fchown(handle, *ids)
            os.fchmod(handle, mode)
    except OSError as exc:
        raise HostError(f"the owner and mode of {path} can't be set: {reason(path, exc)}") from None


@contextlib.contextmanager
def writing_as(user: str | None, path: str) -> Iterator[None]:
    """Write to that path as that user; nothing that takes long belongs inside. Raises HostError that names a link in the path."""
    with acting_as(user):
        try:
            yield
        except OSError as exc:
            raise HostError(f"{path} can't be written by user '{user or os.geteuid()}': {reason(path, exc)}") from None


def reason(path: str, exc: OSError) -> str:
    """The system's reason, and the symbolic link in the path that may be behind it."""
    link = _first_link(path)
    if link is None:
        return str(exc.strerror)
    return f"{exc.strerror} ({link} is a symbolic link to {os.readlink(link)})"


def _first_link(path: str) -> str | None:
    """The first symbolic link in the path, the path itself included."""
    current = "/"
    for name in _components(os.path.abspath(path)):
        current = os.path.join(current, name)
        if os.path.islink(current):
            return current
    return None


@contextlib.contextmanager
def temporary_directory(prefix: str, user: str | None, parent: str | None = None) -> Iterator[str]:
    """A new directory that the user made and only the user can enter; it is removed afterwards. Raises HostError.

    parent: where; the directory for temporary files if it is None, or /tmp if the user can't write there. What is
    written into it is written with acting_as(user).
    """
    with acting_as(user):
        try:
            directory = tempfile.mkdtemp(prefix=prefix, dir=parent)
        except OSError as exc:
            if parent is not None:
                raise HostError(f"no directory can be created in {parent}: {reason(parent, exc)}") from None
            try:
                directory = tempfile.mkdtemp(prefix=prefix, dir="/tmp")
            except OSError as last:
                raise HostError(f"no directory can be created in /tmp: {last.strerror}") from None
    try:
        yield directory
    finally:
        with acting_as(user):
            shutil.rmtree(directory, ignore_errors=True)
