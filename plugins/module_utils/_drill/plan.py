# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which backup a drill restores, and whether there is room for it.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._barman.catalog import Backup
from .._barman.disks import Disk
from .._host.sizes import human_size
from .._recover.backup_candidates import AUTO
from .request import NEWEST, OLDEST, RANDOM, DrillError, DrillRequest
from .scratch import Scratch

#: The most processes that copy if the number is not given.
MOST_JOBS = 4
_LIMITS = ("bandwidth_limit", "tablespace_bandwidth_limit")

ChooseRandom = Callable[[Sequence[str]], str]


def choose_backup(server: str, backups: Sequence[Backup], choice: str, choose_random: ChooseRandom) -> str:
    """The id of the backup; auto for the newest one that can reach the target. Raises DrillError if there is none, or if it is of snapshots."""
    done = [one for one in backups if one.done]
    of_files = sorted(one.backup_id for one in done if one.snapshots is None)
    requested = [one for one in done if one.backup_id == choice and one.snapshots is not None]
    if requested or (done and not of_files):
        what = f"backup {choice} is of snapshots" if requested else "all its backups are of snapshots"
        raise DrillError(
            f"server '{server}': {what}, and a drill restores files. Recover it to a test instance with the playbook pgdr.barman.recover "
            "(barman_recover_snapshot_instance), which verifies it"
        )
    if choice == NEWEST:
        return AUTO
    if choice not in (OLDEST, RANDOM):
        return choice
    if not of_files:
        raise DrillError(f"server '{server}' has no valid backup")
    return of_files[0] if choice == OLDEST else choose_random(of_files)


def copy_jobs(request: DrillRequest, configured: Mapping[str, str | None], processors: int) -> int | None:
    """How many processes copy; None for what Barman's configuration has. configured: Barman's options of the server.

    One rsync on the same host uses one processor fully, and is slower than the disk. Barman applies a limit of the copy to each process.
    """
    limited = request.bandwidth_limit or any(configured.get(option) for option in _LIMITS)
    if request.jobs is not None or request.host is not None or limited or configured.get("parallel_jobs"):
        return request.jobs
    return max(1, min(processors, MOST_JOBS))


def recovery_parameters(
    server: str, backup_id: str, request: DrillRequest, scratch: Scratch, *, verify: bool, jobs: int | None = None
) -> dict[str, Any]:
    """The options of the recovery to the scratch directory. verify: whether the backup and the WAL are verified before the restore. jobs: how many copy."""
    return {
        "server": server,
        "backup_id": backup_id,
        "destination": scratch.data,
        "tablespace_directory": scratch.tablespaces,
        "target_inclusive": True,
        "jobs": jobs,
        "bandwidth_limit": request.bandwidth_limit,
        "verify_backup": verify and request.verify_backup,
        "verify_wal": verify,
        **request.target,
    }


def room_problem(needed: int, disk: Disk) -> str | None:
    """Why the drill does not start: it would leave too little room."""
    reserve = disk.reserve
    if disk.free - needed >= reserve:
        return None
    return (
        f"directory (playbook: barman_drill_directory): the file system of {disk.path} has {human_size(disk.free)} free. "
        f"The restore needs {human_size(needed)}, and a drill leaves {human_size(reserve)} free for what arrives meanwhile. "
        "Free disk space, or give a directory on another disk"
    )


def needed_bytes(recovery: Mapping[str, Any]) -> int:
    """The bytes that the drill writes, those of the staging area included.

    The replay copies the restored WAL to pg_wal, and writes to the data files what the WAL has.
    """
    return int(recovery["backup_bytes"]) + 2 * int(recovery["wal_bytes"]) + int(recovery["staging_bytes"])


def reserve_problem(disk: Disk) -> str | None:
    """Why a drill that runs is stopped: too little room is left."""
    if disk.free >= disk.reserve:
        return None
    return (
        f"directory (playbook: barman_drill_directory): the file system of {disk.path} has only {human_size(disk.free)} free, and a drill leaves "
        f"{human_size(disk.reserve)} free for the WAL that arrives. Free disk space, or give a directory on another disk"
    )


def created_tablespaces_problem(locations: Sequence[str]) -> str | None:
    """Why the restored WAL is not replayed: it would create tablespaces outside of the scratch directory."""
    if not locations:
        return None
    return (
        f"the WAL up to the target creates tablespaces outside of the scratch directory: {', '.join(locations)}. Drill a backup that is newer than the "
        "tablespaces (backup, playbook: barman_drill_backup), or give a target before they were created (target_time, playbook: "
        "barman_drill_target_time)"
    )


def plan_facts(recovery: Mapping[str, Any], directory: str) -> dict[str, Any]:
    """What is known of a drill before it starts. recovery: of the recovery, in check mode. directory: that of the scratch directory."""
    return {
        "backup_id": recovery["backup_id"],
        "backup_end_time": recovery["backup_end_time"],
        "postgres_version": recovery["postgres_version"],
        "system_identifier": recovery["system_identifier"],
        "target": recovery["target"],
        "timeline": recovery["timeline"],
        "segments": recovery["segments"],
        "bytes": recovery["bytes"],
        "backup_bytes": recovery["backup_bytes"],
        "wal_bytes": recovery["wal_bytes"],
        "directory": directory,
        "free_bytes": None,
    }
