# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking and deleting base backups.

This module util is private to the collection.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from .._barman.arguments import barman_from
from .._barman.catalog import Backup, read_backups
from .._barman.configuration import read
from .._barman.hook_runs import failure, of_backup
from .._barman.server import Server
from .._host.process import HostError
from .._host.progress import Progress
from .._host.result import Result
from .._postgres.connection import connect, require_psycopg
from .copy import archive_first_wal, copy
from .observe import BackupHost
from .plan import BackupPlan, make_plan
from .removal import plan_removal, remove
from .report import as_result
from .request import BackupRequest, request_from
from .standby import wait_for_standby
from .wal_wait import complete

_FIRST_WAL_PATIENCE = 30.0


def back_up_or_delete(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module backup. Raises HostError."""
    if params["state"] == "absent":
        return delete(params, check_mode=check_mode)
    if params["backup_id"] is not None or params["dependents"]:
        raise HostError("backup_id and dependents are for 'state: absent'")
    return back_up(params, check_mode=check_mode)


def delete(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """Delete the backup. Raises HostError."""
    server = Server(barman_from(params), read(params["config_file"], params["barman_user"]).server(params["server"]))
    removal = plan_removal(server.entry, server.backups, params["backup_id"], dependent=params["dependents"])
    if removal.changes and not check_mode:
        remove(server, removal)
    return Result(
        removal.changes,
        {
            "backup": as_result(removal.backups[0]) if removal.backups else None,
            "deleted": [backup.backup_id for backup in removal.backups],
        },
    )


def back_up(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """Take a backup, unless there is one that meets the request. Raises HostError."""
    require_psycopg()
    request = request_from(params)
    barman = barman_from(params)
    configuration = read(params["config_file"], params["barman_user"])
    server = configuration.server(params["server"])
    plan = make_plan(server, request, read_backups(server), lambda: barman.version, datetime.now(timezone.utc))
    backup = plan.existing
    if plan.changes and not check_mode:
        progress = Progress(configuration.home, "backup", server.name, barman.user if os.geteuid() == 0 else None)
        try:
            backup = take(BackupHost(barman, server, connect, progress), plan, request)
        finally:
            progress.close()
    taken = backup if plan.existing is None and not check_mode else None
    hooks = of_backup(server, taken.backup_id) if taken is not None else {}
    return Result(
        plan.changes,
        {"backup": None if backup is None else as_result(backup), "hooks": hooks},
        failure=failure(server, taken.backup_id, hooks) if taken is not None else None,
    )


def take(host: BackupHost, plan: BackupPlan, request: BackupRequest) -> Backup:
    """Apply the plan. Raises BackupError, ConnectionFailed."""
    try:
        backup = plan.existing
        if backup is None:
            host.open()
            archive_first_wal(host, min(request.wait_timeout, _FIRST_WAL_PATIENCE))
            wait_for_standby(host, request.wait_timeout)
            backup = copy(host, request, plan.parent)
        return complete(host, backup, request.wait_timeout)
    finally:
        host.close()
