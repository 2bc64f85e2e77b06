# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of "barman recover" for a plan.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable

from .._barman.command import Version
from . import staging_area
from .recovery_plan import RecoveryPlan
from .recovery_target import END
from .request import RecoveryRequest
from .snapshots import instance_arguments
from .staging_area import StagingArea


def recover_arguments(
    request: RecoveryRequest,
    plan: RecoveryPlan,
    version: Callable[[], Version],
    ssh_options: tuple[str, ...] = (),
    area: StagingArea | None = None,
) -> list[str]:
    """The arguments. Newer versions call the command "restore", too. version: asked only if an argument depends on it."""
    destination = request.destination
    arguments = ["recover", "--no-get-wal", *_target_arguments(request, plan)]
    if request.standby:
        arguments.append("--standby-mode")
    for name, location in sorted(destination.tablespaces.items()):
        arguments += ["--tablespace", f"{name}:{location}"]
    if destination.host is not None:
        arguments += ["--remote-ssh-command", shlex.join(destination.ssh(*ssh_options))]
    if request.jobs is not None:
        arguments += ["--jobs", str(request.jobs)]
    if request.bandwidth_limit is not None:
        arguments += ["--bwlimit", str(request.bandwidth_limit)]
    if request.network_compression is not None and destination.host is not None:
        arguments.append("--network-compression" if request.network_compression else "--no-network-compression")
    if area is not None:
        arguments += staging_area.arguments(area, plan.backup, version())
    if plan.backup.snapshots is not None and request.instance is not None:
        arguments += instance_arguments(plan.backup.snapshots, request.instance, version())
    return [*arguments, request.server, plan.backup.backup_id, destination.directory]


def _target_arguments(request: RecoveryRequest, plan: RecoveryPlan) -> list[str]:
    target = plan.target
    arguments: list[str] = []
    if not request.standby:
        # Without it PostgreSQL follows the newest timeline, whether Barman copied its WAL or not.
        arguments += ["--target-tli", plan.target_timeline, "--target-action", request.target_action]
    if target.kind == "immediate":
        arguments.append("--target-immediate")
    elif target.kind != END:
        arguments += [f"--target-{target.kind}", str(target.value)]
    if not target.inclusive:
        arguments.append("--exclusive")
    return arguments
