# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which running cluster manager owns a data directory: Patroni, or repmgr's repmgrd.

This module util is private to the collection. Nothing here reads or writes files: cluster_manager_script.py observes.
The files patroni.dynamic.json and postgresql.base.conf prove nothing, because backups contain them, and so do restored copies.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from .._host.paths import is_within, normal_path

ManagerKind = Literal["patroni", "repmgr"]
PATRONI: ManagerKind = "patroni"
REPMGR: ManagerKind = "repmgr"

# Patroni gives these to the postmaster (patroni/postgresql/config.py, CMDLINE_OPTIONS). Only both together are its own.
_PATRONI_ARGUMENTS = ("--cluster_name=", "--wal_level=")
_PYTHON = re.compile(r"python[\d.]*\Z")
_UNITS: dict[ManagerKind, re.Pattern[str]] = {
    PATRONI: re.compile(r"patroni(@.+)?\.service\Z"),
    REPMGR: re.compile(r"repmgrd?(@.+|-?[\d.]+)?\.service\Z"),
}
_SCOPE = re.compile(r"[\"']?scope[\"']?\s*:\s*[\"']?([^\"'\s,#}]+)")
_PATRONI_DIRECTORY = re.compile(
    r"(?:[\"']?\bdata_dir[\"']?\s*:|^PATRONI_POSTGRESQL_DATA_DIR=)\s*[\"']?([^\"'\s,#}][^\"',#}]*)"
)
_REPMGR_DIRECTORY = re.compile(r"^\s*data_directory\s*=\s*['\"]?([^'\"\s#]+)")


@dataclass(frozen=True)
class ObservedDirectory:
    """A directory, links followed. identity: its device and inode; "" if it does not exist or can't be read."""

    path: str
    identity: str = ""


@dataclass(frozen=True)
class ObservedProcess:
    """A process that may be a cluster manager or a postmaster, or with pid 0 an active systemd unit that starts one.

    unit: the systemd unit of its control group. directory: the working directory, which is the data directory of a postmaster.
    configuration: the file that it read, if that can be read; configured: the data directories in it. foreign: another root directory,
    as in a container.
    """

    pid: int
    arguments: tuple[str, ...]
    unit: str | None = None
    directory: ObservedDirectory | None = None
    configuration: str | None = None
    configured: tuple[ObservedDirectory, ...] = ()
    scope: str | None = None
    foreign: bool = False

    @property
    def where(self) -> str:
        return f"unit {self.unit}" if self.pid == 0 else f"process {self.pid}"


@dataclass(frozen=True)
class ClusterManager:
    """A cluster manager that owns a data directory. evidence: what proves it. cluster: Patroni's scope. certain: its data directory is known."""

    kind: ManagerKind
    evidence: str
    configuration: str | None = None
    cluster: str | None = None
    certain: bool = True


def manager_kind(process: ObservedProcess) -> ManagerKind | None:
    """Which cluster manager a process is; None if it is none."""
    arguments = process.arguments
    if not arguments:
        return None
    if process.pid == 0:
        return next((kind for kind, names in _UNITS.items() if names.match(process.unit or "")), None)
    program = posixpath.basename(arguments[0])
    if _PYTHON.match(program):
        program = _python_program(arguments[1:])
    if program == "patroni":
        return PATRONI
    return REPMGR if program == "repmgrd" else None


def _python_program(arguments: Sequence[str]) -> str:
    """The name of the script or module that Python runs; "" if it runs neither."""
    for number, argument in enumerate(arguments):
        if argument == "-m":
            return arguments[number + 1] if number + 1 < len(arguments) else ""
        if argument == "-c":
            return ""
        if not argument.startswith("-"):
            return posixpath.basename(argument)
    return ""


def is_started_by_patroni(process: ObservedProcess) -> bool:
    """Whether a postmaster has the arguments that Patroni gives to it."""
    return all(any(one.startswith(start) for one in process.arguments) for start in _PATRONI_ARGUMENTS)


def configured_directories(kind: ManagerKind, lines: Iterable[str]) -> list[str]:
    """The data directories in a configuration file of the manager, or in its environment."""
    pattern = _PATRONI_DIRECTORY if kind == PATRONI else _REPMGR_DIRECTORY
    found = [pattern.search(line) for line in lines if not line.lstrip().startswith("#")]
    return [one.group(1).strip() for one in found if one is not None]


def configured_scope(lines: Iterable[str]) -> str | None:
    """Patroni's name of the cluster in a configuration file."""
    found = [_SCOPE.search(line) for line in lines if not line.lstrip().startswith("#")]
    return next((one.group(1) for one in found if one is not None), None)


def owner_of(
    directory: ObservedDirectory, processes: Sequence[ObservedProcess], *, occupied: bool
) -> ClusterManager | None:
    """The running cluster manager that owns the data directory; None if there is none.

    occupied: the directory contains a data directory. A manager whose configuration can't be read owns it only then.
    """
    certain = [_owned(process, directory) for process in processes]
    found = next((one for one in certain if one is not None), None)
    if found is not None or not occupied:
        return found
    return next((_uncertain(one, kind) for one in processes for kind in _unknown_kinds(one, processes)), None)


def _owned(process: ObservedProcess, directory: ObservedDirectory) -> ClusterManager | None:
    kind = manager_kind(process)
    if kind is not None:
        if not any(_is_same(one, directory, process) for one in process.configured):
            return None
        return ClusterManager(kind, process.where, process.configuration, process.scope)
    if process.directory is None or not _is_same(process.directory, directory, process):
        return None
    in_unit = process.unit is not None and _UNITS[PATRONI].match(process.unit) is not None
    if not is_started_by_patroni(process) and not in_unit:
        return None
    started = f"started PostgreSQL, process {process.pid}"
    return ClusterManager(PATRONI, started, cluster=_argument(process, "--cluster_name="))


def _unknown_kinds(process: ObservedProcess, processes: Sequence[ObservedProcess]) -> list[ManagerKind]:
    """The manager's kind if nothing shows which data directory it has."""
    kind = manager_kind(process)
    if kind is None or process.configured or process.foreign:
        return []
    starts_another = any(
        one.directory is not None and one.unit is not None and one.unit == process.unit and manager_kind(one) is None
        for one in processes
    )
    return [] if starts_another else [kind]


def _uncertain(process: ObservedProcess, kind: ManagerKind) -> ClusterManager:
    return ClusterManager(kind, process.where, process.configuration, process.scope, certain=False)


def _argument(process: ObservedProcess, start: str) -> str | None:
    return next((one[len(start) :] for one in process.arguments if one.startswith(start)), None)


def _is_same(one: ObservedDirectory, other: ObservedDirectory, process: ObservedProcess) -> bool:
    """Whether it is the same directory, or one contains the other. A path in a container is none of this host."""
    if one.identity and other.identity and one.identity == other.identity:
        return True
    if process.foreign:
        return False
    first, second = normal_path(one.path), normal_path(other.path)
    return is_within(first, second) or is_within(second, first)


def refusal(manager: ClusterManager, directory: str) -> str:
    """Why the data in the directory is not replaced, and how to recover under this manager."""
    name = "Patroni" if manager.kind == PATRONI else "repmgrd"
    details = manager.evidence if manager.configuration is None else f"{manager.evidence}, {manager.configuration}"
    owned = (
        f"{directory} belongs to the cluster manager {name} ({details})"
        if manager.certain
        else f"{directory} may belong to the cluster manager {name} ({details}), whose data directory can't be read"
    )
    steps = _patroni_steps(manager) if manager.kind == PATRONI else _repmgr_steps(manager)
    return f"{owned}. While it runs, nothing is replaced. {steps}"


def _patroni_steps(manager: ClusterManager) -> str:
    configuration = manager.configuration or "FILE"
    return (
        "Recover with Patroni's own bootstrap method, or do the following. Stop Patroni on every member, the leader last. Run "
        f"'patronictl -c {configuration} remove {manager.cluster or 'SCOPE'}', and recover here. Stop PostgreSQL, and start "
        "Patroni on this host. On the other members, move the data directories aside, and start Patroni"
    )


def _repmgr_steps(manager: ClusterManager) -> str:
    configuration = manager.configuration or "/etc/repmgr.conf"
    return (
        f"Run 'repmgr -f {configuration} service pause', and stop repmgrd on every node. Recover here, and run "
        f"'repmgr -f {configuration} primary register --force'. Clone the standbys again, start repmgrd, and run "
        f"'repmgr -f {configuration} service unpause'"
    )
