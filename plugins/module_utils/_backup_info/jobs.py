# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asynchronous jobs on this host, and the operations of Barman that they run.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from .._barman.configuration import read
from .._host.job_files import KnownJob, boot_id, observe_data_directory
from .._host.process import HostError
from .._host.progress import described, process_exists, running
from .._host.result import Result


def show_jobs(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module job_info. Raises HostError."""
    jobs = observe_data_directory([KnownJob(job["id"], job["session"]) for job in params["jobs"]], params["async_dir"])
    operations, unknown = running_operations(params)
    return Result(
        values={
            "boot_id": boot_id(),
            "jobs": [job.as_dict() for job in jobs],
            "operations": operations,
            "operations_unknown": unknown,
        }
    )


def running_operations(params: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    """The running operations on these servers, and why they can't be read."""
    servers = set(params["servers"])
    if not servers:
        return [], None
    try:
        states = running(read(params["config_file"], params["barman_user"]).home, process_exists)
    except (HostError, OSError) as exc:
        return [], str(exc)
    now = datetime.now(timezone.utc)
    return [
        described(state, now)
        for state in states
        if servers.intersection([state.get("server"), *state.get("servers", ())])
    ], None
