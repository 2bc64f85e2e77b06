# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On which file system and disks a directory is.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from .._barman.disks import disk_of
from .._host.files import names_in, read_text
from .._host.process import HostError

_ESCAPED = re.compile(r"\\([0-7]{3})")
_ADDRESS = re.compile(r"(?:^|,)addr=([^,]+)")
#: Names of disks that no other disk in the world has. QEMU's default serial numbers are the same everywhere.
_UNIQUE = ("naa.", "eui.", "uuid.", "nvme.")


@dataclass(frozen=True)
class MountedFileSystem:
    """A line of mountinfo. device: major:minor. address: of the server of a network file system."""

    mountpoint: str
    kind: str
    source: str
    device: str
    address: str


def parse_mounts(text: str) -> list[MountedFileSystem]:
    """The lines of /proc/self/mountinfo (proc(5)), in their order: a later mount hides an earlier one at the same place."""
    found = []
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        fields, more = before.split(" "), after.split(" ")
        if not separator or len(fields) < 5 or len(more) < 2:
            continue
        address = _ADDRESS.search(more[2]) if len(more) > 2 else None
        found.append(
            MountedFileSystem(
                _plain(fields[4]), more[0], _plain(more[1]), fields[2], "" if address is None else address.group(1)
            )
        )
    return found


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match.group(1), 8)), text)


def mount_of(path: str, mounts: Iterable[MountedFileSystem]) -> MountedFileSystem | None:
    """The mount that has the path."""
    chosen: MountedFileSystem | None = None
    for one in mounts:
        inside = path == one.mountpoint or path.startswith(f"{one.mountpoint.rstrip('/')}/")
        if inside and (chosen is None or len(one.mountpoint) >= len(chosen.mountpoint)):
            chosen = one
    return chosen


def file_systems(
    paths: Iterable[str],
    root: str = "/",
    disk_size: Callable[[str], Any] = disk_of,
    reasons: MutableMapping[str, str] | None = None,
) -> dict[str, dict[str, Any]]:
    """By path, its file system. A directory that does not exist yet will be on that of its parent.

    disks: None if they are not known. reasons: is filled with what could not be read.
    """
    problems: list[str] = []
    found: dict[str, dict[str, Any]] = {}
    mounts = _mounts(root, problems)
    for path in dict.fromkeys(paths):
        mount = mount_of(os.path.realpath(path), mounts)
        if mount is None:
            continue
        disk = disk_size(path)
        disks: list[str] | None = None
        try:
            disks = disks_of(mount, root)
        except HostError as exc:
            problems.append(f"{path}: {exc}")
        found[path] = {
            "mountpoint": mount.mountpoint,
            "kind": mount.kind,
            "source": mount.source,
            "address": mount.address,
            "device": mount.device,
            "disks": disks,
            "size": None if disk is None else disk.size,
        }
    if problems and reasons is not None:
        reasons["file_systems"] = "; ".join(problems)
    return found


def _mounts(root: str, problems: list[str]) -> list[MountedFileSystem]:
    path = os.path.join(root, "proc/self/mountinfo")
    try:
        text = read_text(path)
    except HostError as exc:
        problems.append(str(exc))
        return []
    if text is None:
        problems.append(f"{path} does not exist")
    return parse_mounts(text or "")


def disks_of(mount: MountedFileSystem, root: str = "/") -> list[str]:
    """The disks below a file system, also below LVM and RAID: by a name that is unique in the world if there is one, else by the kernel's.

    Raises HostError if they can't be listed.
    """
    device = mount.device
    if device.startswith("0:") and mount.source.startswith("/dev/"):
        device = _device_number(os.path.join(root, mount.source.lstrip("/"))) or device
    start = os.path.join(root, "sys/dev/block", device)
    if not os.path.exists(start):
        return []
    return sorted(_leaves(os.path.realpath(start)))


def _leaves(directory: str) -> set[str]:
    """directory: of a block device in sysfs."""
    slaves = names_in(os.path.join(directory, "slaves"))
    if slaves:
        return set().union(*(_leaves(os.path.realpath(os.path.join(directory, "slaves", one))) for one in slaves))
    if os.path.exists(os.path.join(directory, "partition")):
        directory = os.path.dirname(directory)
    for name in ("wwid", "device/wwid"):
        text = _first_line(os.path.join(directory, name))
        if text.startswith(_UNIQUE):
            return {f"wwn:{text}"}
    return {os.path.basename(directory)}


def _first_line(path: str) -> str:
    """Empty if the kernel does not know: it refuses to read the wwid of a disk that has none."""
    try:
        return (read_text(path) or "").strip()
    except HostError:
        return ""


def _device_number(path: str) -> str:
    """Btrfs has a device number of its own, and its source the real one."""
    try:
        number = os.stat(path).st_rdev
    except OSError:
        return ""
    return f"{os.major(number)}:{os.minor(number)}"
