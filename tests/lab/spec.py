# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab file says: a lab's name and its machines. Pure: reads text, returns values, reports every problem at once."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import yaml

NETWORK = ipaddress.ip_network("198.51.100.0/24")
GATEWAY = ipaddress.ip_address("198.51.100.1")
IMAGES = ("debian12", "debian13", "sid")
NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
SIZE = re.compile(r"([1-9][0-9]*)([MG])")
SMALLEST_DISK = 16 * 1024**2
LARGEST_DISK = 64 * 1024**3
# A disk mounted over one of these would hide what the machine boots from.
SYSTEM_PATHS = (
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/tmp",
    "/usr",
    "/var",
)


class SpecError(Exception):
    """A lab file that can't be used; one line a problem."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Disk:
    """A disk of its own, limited in size, mounted at `path`."""

    path: str
    size: int


@dataclass(frozen=True)
class Machine:
    """One machine of a lab."""

    lab: str
    name: str
    image: str
    address: str
    zone: str = ""
    disks: tuple[Disk, ...] = ()

    @property
    def label(self) -> str:
        """The machine's name among all labs."""
        return f"{self.lab}/{self.name}"

    @property
    def number(self) -> int:
        """The last part of the address: unique on the lab's network, and short enough for an interface's name."""
        return int(self.address.rsplit(".", 1)[1])

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for the state file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Machine:
        """The inverse of `to_dict`."""
        disks = tuple(Disk(path=disk["path"], size=disk["size"]) for disk in data["disks"])
        return cls(data["lab"], data["name"], data["image"], data["address"], data["zone"], disks)


@dataclass(frozen=True)
class Lab:
    """A lab file's contents."""

    name: str
    machines: tuple[Machine, ...]
    resolve_names: bool = False


def parse_size(text: object) -> int:
    """`256M` or `2G` in bytes; ValueError says what is wrong."""
    match = SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"size {text!r} is not like 256M or 2G")
    size = int(match[1]) * {"M": 1024**2, "G": 1024**3}[match[2]]
    if not SMALLEST_DISK <= size <= LARGEST_DISK:
        raise ValueError(f"size {text!r} is not between 16M and 64G")
    return size


def parse(text: str, source: str) -> Lab:
    """The lab that `text` describes; raises SpecError with all its problems."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SpecError([f"{source}: not YAML: {error}"]) from error
    if not isinstance(data, dict):
        raise SpecError([f"{source}: must be a mapping with `lab` and `machines`"])
    problems = _unknown_keys(data, ("lab", "machines", "resolve_names"), "the file")
    lab = data.get("lab")
    if not isinstance(lab, str) or NAME.fullmatch(lab) is None:
        problems.append(f"`lab` must be a name of lower-case letters, digits and hyphens, not {lab!r}")
        lab = "unnamed"
    resolve_names = data.get("resolve_names", False)
    if not isinstance(resolve_names, bool):
        problems.append(f"`resolve_names` must be true or false, not {resolve_names!r}")
    entries = data.get("machines")
    if not isinstance(entries, list) or not entries:
        problems.append("`machines` must be a list with one machine at least")
        entries = []
    machines = []
    for position, entry in enumerate(entries, start=1):
        machine = _machine(lab, entry, position, problems)
        if machine is not None:
            machines.append(machine)
    problems += _twice("name", (machine.name for machine in machines))
    problems += _twice("address", (machine.address for machine in machines))
    if problems:
        raise SpecError(f"{source}: {problem}" for problem in problems)
    return Lab(lab, tuple(machines), resolve_names)


def clashes(requested: Iterable[Machine], existing: Iterable[Machine]) -> list[str]:
    """Why `requested` can't come up beside `existing`. A machine that exists exactly as requested is no clash."""
    by_label = {machine.label: machine for machine in existing}
    by_address = {machine.address: machine for machine in by_label.values()}
    problems = []
    for machine in requested:
        same = by_label.get(machine.label)
        holder = by_address.get(machine.address)
        if same is not None and same != machine:
            problems.append(
                f"{machine.label} is there already with another definition: take lab `{machine.lab}` down first"
            )
        elif holder is not None and holder.label != machine.label:
            problems.append(
                f"{machine.label} needs {machine.address}, which {holder.label} has: take lab `{holder.lab}` down or choose another address"
            )
    return problems


def _machine(lab: str, entry: object, position: int, problems: list[str]) -> Machine | None:
    if not isinstance(entry, dict):
        problems.append(f"machine {position} must be a mapping with name, image and address")
        return None
    name = entry.get("name")
    where = f"machine {name!r}" if isinstance(name, str) else f"machine {position}"
    found = _unknown_keys(entry, ("name", "image", "address", "zone", "disks"), where)
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        found.append(f"{where}: `name` must be of lower-case letters, digits and hyphens, not {name!r}")
    image = entry.get("image")
    if image not in IMAGES:
        found.append(f"{where}: `image` must be one of {', '.join(IMAGES)}, not {image!r}")
    address = entry.get("address")
    if (problem := _address_problem(address)) is not None:
        found.append(f"{where}: `address` {problem}")
    zone = entry.get("zone", "")
    if not isinstance(zone, str):
        found.append(f"{where}: `zone` must be a string, not {zone!r}")
    disks = _disks(entry.get("disks", []), where, found)
    problems += found
    if found:
        return None
    return Machine(lab, str(name), str(image), str(address), str(zone), disks)


def _address_problem(address: object) -> str | None:
    try:
        value = ipaddress.IPv4Address(address) if isinstance(address, str) else None
    except ValueError:
        value = None
    if value is None:
        return f"must be an IPv4 address in {NETWORK}, not {address!r}"
    if value not in NETWORK or value in (NETWORK.network_address, NETWORK.broadcast_address, GATEWAY):
        return f"must be in {NETWORK}, not its first, last or {GATEWAY} (the host's own): {address}"
    return None


def _disks(entries: object, where: str, problems: list[str]) -> tuple[Disk, ...]:
    if not isinstance(entries, list):
        problems.append(f"{where}: `disks` must be a list of path and size")
        return ()
    disks = []
    for entry in entries:
        if not isinstance(entry, dict) or set(entry) != {"path", "size"}:
            problems.append(f"{where}: a disk needs `path` and `size` and nothing else, not {entry!r}")
            continue
        path = entry["path"]
        if (
            not isinstance(path, str)
            or not path.startswith("/")
            or posixpath.normpath(path) != path
            or any(mark in path for mark in ":,\n\\")
        ):
            problems.append(
                f"{where}: a disk's `path` must be absolute, plain and without a slash at its end, not {path!r}"
            )
            continue
        if path in SYSTEM_PATHS:
            problems.append(f"{where}: a disk at {path} would hide the system itself")
        try:
            disks.append(Disk(path, parse_size(entry["size"])))
        except ValueError as error:
            problems.append(f"{where}: disk {path}: {error}")
    problems += [f"{where}: {problem}" for problem in _twice("disk", (disk.path for disk in disks))]
    return tuple(disks)


def _unknown_keys(data: Mapping[Any, Any], known: tuple[str, ...], where: str) -> list[str]:
    return [f"{where}: unknown key `{key}` (known: {', '.join(known)})" for key in data if key not in known]


def _twice(what: str, values: Iterable[str]) -> list[str]:
    known: set[str] = set()
    found = []
    for value in values:
        if value in known:
            found.append(f"{what} {value} is given twice")
        known.add(value)
    return found
