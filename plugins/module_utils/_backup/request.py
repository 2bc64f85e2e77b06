# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of a base backup.

This module util is private to the collection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .._barman.catalog import Backup
from .._host.process import HostError

_AGE = re.compile(r"(\d+)\s*([smhdw]?)\Z")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True)
class BackupRequest:
    """What is requested. None leaves it to Barman's configuration. wait_timeout: seconds for the WAL after the copy."""

    name: str | None = None
    max_age: timedelta | None = None
    incremental: str | None = None
    reuse_backup: str | None = None
    jobs: int | None = None
    bandwidth_limit: int | None = None
    immediate_checkpoint: bool | None = None
    retries: int | None = None
    wait_timeout: float = 600.0


def parse_age(text: str) -> timedelta:
    """An age such as 24h, 7d, 90m or a number of seconds. Raises HostError."""
    found = _AGE.match(text.strip())
    if not found:
        raise HostError(
            f"barman_backup_max_age (option max_age of the module): '{text}' is not a time span: write a number and "
            "s, m, h, d or w, such as 24h or 7d"
        )
    return timedelta(seconds=int(found.group(1)) * _SECONDS[found.group(2)])


def arguments(server: str, request: BackupRequest, parent: Backup | None) -> list[str]:
    """The arguments of "barman backup"."""
    argv = ["backup"]
    if request.name is not None:
        argv += ["--name", request.name]
    if parent is not None:
        argv += ["--incremental", parent.backup_id]
    if request.reuse_backup is not None:
        argv += ["--reuse-backup", request.reuse_backup]
    if request.jobs is not None:
        argv += ["--jobs", str(request.jobs)]
    if request.bandwidth_limit is not None:
        argv += ["--bwlimit", str(request.bandwidth_limit)]
    if request.retries is not None:
        argv += ["--retry-times", str(request.retries)]
    if request.immediate_checkpoint is not None:
        argv.append("--immediate-checkpoint" if request.immediate_checkpoint else "--no-immediate-checkpoint")
    return [*argv, server]


def request_from(params: Mapping[str, Any]) -> BackupRequest:
    """The request, from the arguments of the module. Raises HostError."""
    return BackupRequest(
        name=params["backup_name"],
        max_age=None if params["max_age"] is None else parse_age(params["max_age"]),
        incremental=params["incremental"],
        reuse_backup=params["reuse_backup"],
        jobs=params["jobs"],
        bandwidth_limit=params["bandwidth_limit"],
        immediate_checkpoint=params["immediate_checkpoint"],
        retries=params["retries"],
        wait_timeout=params["wait_timeout"],
    )
