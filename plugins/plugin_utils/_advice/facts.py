# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules know of the hosts: values from the results of module host_placement.

Private to the collection. Pure: no Ansible, no input or output. A key that a result lacks is a value that was not measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NETWORK_FILE_SYSTEMS = ("nfs", "nfs4", "cifs", "smb3", "ceph", "fuse.glusterfs", "glusterfs")
MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs")


@dataclass(frozen=True)
class FileSystem:
    """The file system of a directory. address: of the server of a network file system. disks: names that are unique in the world or on the machine;
    None if they are not known."""

    path: str
    mountpoint: str = ""
    kind: str = ""
    source: str = ""
    address: str = ""
    device: str = ""
    disks: tuple[str, ...] | None = ()
    size: int | None = None

    @property
    def is_remote(self) -> bool:
        return self.kind in NETWORK_FILE_SYSTEMS

    @property
    def storage_server(self) -> str:
        """The server of a network file system: its address if the kernel shows it."""
        return self.address or self.source.rpartition(":")[0].lstrip("/").partition("/")[0]

    @property
    def export(self) -> str:
        return self.source.rpartition(":")[2] if ":" in self.source else self.source.lstrip("/").partition("/")[2]

    def __str__(self) -> str:
        return f"{self.path} is on {self.source or 'a disk'} ({self.kind}, mounted at {self.mountpoint})"


@dataclass(frozen=True)
class DatabaseFacts:
    """A PostgreSQL server. size: bytes of all databases. wal_rate: bytes a second. slot_limit: bytes, -1 for none."""

    data_directory: str = ""
    size: int | None = None
    wal_rate: float | None = None
    checksums: bool | None = None
    slot_limit: int | None = None


@dataclass(frozen=True)
class LinkFacts:
    """The network path to another host. rtt: seconds. throughput: bytes a second."""

    rtt: float | None = None
    throughput: float | None = None


@dataclass(frozen=True)
class HostFacts:
    """A host. kernel: the id of the running kernel, which all its containers share. ssh_keys: fingerprints by user. links: by the other host."""

    host: str
    kernel: str = ""
    hypervisor: str = ""
    file_systems: Mapping[str, FileSystem] = field(default_factory=dict)
    ssh_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    database: DatabaseFacts | None = None
    links: Mapping[str, LinkFacts] = field(default_factory=dict)


def host_facts(host: str, result: Mapping[str, Any]) -> HostFacts:
    """The values in a result of module host_placement."""
    machine = _mapping(result.get("machine"))
    database = _mapping(result.get("database"))
    return HostFacts(
        host,
        kernel=_text(machine.get("kernel")),
        hypervisor=_text(machine.get("hypervisor")),
        file_systems={path: _file_system(path, one) for path, one in _mapping(result.get("file_systems")).items()},
        ssh_keys={user: tuple(keys) for user, keys in _mapping(result.get("ssh_keys")).items()},
        database=_database(database) if database else None,
        links={
            name: LinkFacts(number(link.get("rtt")), number(link.get("throughput")))
            for name, link in _mapping(result.get("links")).items()
        },
    )


def _file_system(path: str, found: Mapping[str, Any]) -> FileSystem:
    disks = found.get("disks")
    return FileSystem(
        path,
        mountpoint=_text(found.get("mountpoint")),
        kind=_text(found.get("kind")),
        source=_text(found.get("source")),
        address=_text(found.get("address")),
        device=_text(found.get("device")),
        disks=None if disks is None else tuple(disks),
        size=whole(found.get("size")),
    )


def _database(found: Mapping[str, Any]) -> DatabaseFacts:
    checksums = found.get("checksums")
    return DatabaseFacts(
        _text(found.get("data_directory")),
        whole(found.get("size")),
        number(found.get("wal_rate")),
        checksums if isinstance(checksums, bool) else None,
        whole(found.get("slot_limit")),
    )


def number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def whole(value: object) -> int | None:
    found = number(value)
    return None if found is None else int(found)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
