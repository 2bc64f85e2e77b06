# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of a recovery as a value.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from .._barman.catalog import Tablespace
from .._host.paths import normal_path
from .._host.process import HostError, Interrupted
from . import staging_area
from .backup_candidates import AUTO
from .destination import Destination, path_problems
from .recovery_target import END, RecoveryTarget, TargetError, parse_target
from .snapshots import Instance, instance_from

#: What is done with a directory that is not empty: nothing, the recovery is refused; or it gets another name.
ExistingAction = Literal["refuse", "move_aside"]
REFUSE: ExistingAction = "refuse"
MOVE_ASIDE: ExistingAction = "move_aside"

#: What PostgreSQL does at the target (recovery_target_action).
TargetAction = Literal["promote", "pause", "shutdown"]

_SUFFIX = re.compile(r"[A-Za-z0-9-]+\Z")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\Z")


class RecoverError(HostError):
    """The recovery was refused, or failed; the text has the reason, and what was left where."""


class RecoveryInterrupted(RecoverError, Interrupted):
    """A signal ended the recovery."""


@dataclass(frozen=True)
class ContentRequest:
    """What to verify before the restore. earlier: the result of verify_content in a run before this one."""

    wal: bool = True
    backup: bool = True
    earlier: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RecoveryRequest:
    """A recovery as it was requested.

    tablespace_directory: tablespaces that the destination does not name go below it. wal_directory: of the link pg_wal; None for where the
    link at the destination leads. root_creates: root creates a missing directory before the real run. inspect: whether to inspect the
    destination. aside_suffix: the end of the names that directories are moved aside to. requirements: whether to find out in check mode what the
    server requires of its host. removed: the caller removes the destination afterwards, whatever happens.
    """

    server: str
    target: RecoveryTarget
    destination: Destination
    backup_id: str = AUTO
    target_action: TargetAction = "promote"
    existing: ExistingAction = REFUSE
    standby: bool = False
    jobs: int | None = None
    bandwidth_limit: int | None = None
    network_compression: bool | None = None
    staging_path: str | None = None
    staging_location: staging_area.StagingLocation | None = None
    instance: Instance | None = None
    tablespace_directory: str | None = None
    wal_directory: str | None = None
    root_creates: bool = False
    content: ContentRequest = field(default_factory=ContentRequest)
    inspect: bool = True
    aside_suffix: str | None = None
    requirements: bool = False
    removed: bool = False

    @property
    def on_host(self) -> str:
        """ " on HOST" for messages; "" for this host."""
        return "" if self.destination.host is None else f" on {self.destination.host}"


def request_from(params: Mapping[str, Any]) -> RecoveryRequest:
    """The module's options as a value. Raises RecoverError with every problem in them."""
    problems: list[str] = []
    target = RecoveryTarget(END)
    try:
        target = parse_target(params)
    except TargetError as exc:
        problems += str(exc).splitlines()
    destination = _destination(params)
    below, wal_directory = _path(params, "tablespace_directory"), _path(params, "wal_directory")
    instance, instance_problems = instance_from(params)
    problems += [
        *destination.problems(),
        *_path_problems("tablespace_directory", below),
        *_path_problems("wal_directory", wal_directory),
        *instance_problems,
        *_option_problems(params, target, destination),
    ]
    if problems:
        raise RecoverError("\n".join(problems))
    return RecoveryRequest(
        server=params["server"],
        target=target,
        destination=destination,
        backup_id=params.get("backup_id") or AUTO,
        target_action=cast(TargetAction, params.get("target_action") or "promote"),
        existing=cast(ExistingAction, params.get("existing") or REFUSE),
        standby=bool(params.get("standby_mode")),
        jobs=params.get("jobs"),
        bandwidth_limit=params.get("bandwidth_limit"),
        network_compression=params.get("network_compression"),
        staging_path=params.get("staging_path"),
        staging_location=params.get("staging_location"),
        instance=instance,
        tablespace_directory=below,
        wal_directory=wal_directory,
        root_creates=bool(params.get("root_creates_directories")),
        content=ContentRequest(
            wal=bool(params.get("verify_wal", True)),
            backup=bool(params.get("verify_backup", True)),
            earlier=dict(params.get("verified") or {}),
        ),
        inspect=params.get("inspect") is not False,
        aside_suffix=params.get("aside_suffix"),
        requirements=bool(params.get("requirements")),
    )


def _destination(params: Mapping[str, Any]) -> Destination:
    return Destination(
        directory=normal_path(params["destination"]),
        host=params.get("remote_host"),
        user=params.get("remote_user") or "postgres",
        port=params.get("remote_port"),
        ssh_options=tuple(params.get("ssh_options") or ()),
        tablespaces=dict(params.get("tablespaces") or {}),
    )


def _path(params: Mapping[str, Any], option: str) -> str | None:
    return None if params.get(option) is None else normal_path(params[option])


def _path_problems(option: str, path: str | None) -> list[str]:
    return [] if path is None else path_problems(option, path)


def _option_problems(params: Mapping[str, Any], target: RecoveryTarget, destination: Destination) -> list[str]:
    problems: list[str] = []
    if params.get("staging_location") == staging_area.REMOTE and destination.host is None:
        problems.append(
            "barman_recover_staging_location (option staging_location of the module): remote is the host to recover "
            "to, "
            "and the recovery is to a directory of this host. Write local"
        )
    if params.get("standby_mode") and target.kind != END:
        problems.append("standby_mode: a standby recovers continuously, so it can't have a target")
    for option in ("jobs", "bandwidth_limit"):
        value = params.get(option)
        if value is not None and value < 1:
            problems.append(f"{option}: {value} is not a positive number")
    suffix = params.get("aside_suffix")
    if suffix is not None and not _SUFFIX.match(suffix):
        problems.append(f"aside_suffix: '{suffix}' has other characters than letters, digits and hyphens")
    return problems


def tablespace_location(tablespace: Tablespace, request: RecoveryRequest) -> str:
    """Where a tablespace is restored to: its own entry, a subdirectory of tablespace_directory, or where it was."""
    if tablespace.name in request.destination.tablespaces:
        return request.destination.tablespaces[tablespace.name]
    if request.tablespace_directory is None:
        return tablespace.location
    # A name may have any character, and Barman's shell commands take few.
    name = tablespace.name if _PLAIN_NAME.match(tablespace.name) else str(tablespace.oid)
    return posixpath.join(request.tablespace_directory, name)
