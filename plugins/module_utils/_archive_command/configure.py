# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Setting archive_command, and proving that WAL arrives.

This module util is private to the collection.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .._barman.versions import parse_version
from .._host.process import Runner
from .._postgres import wal
from .._postgres.connection import Session
from .archiving import Archiver
from .plan import ArchivingError, DesiredArchiving, make_plan, problems, state_of, with_sums


def configure(
    session: Session,
    run: Runner,
    user: str,
    desired: DesiredArchiving,
    far_version: str | None = None,
    timeout: float = 120.0,
    *,
    check_mode: bool = False,
) -> dict[str, Any]:
    """Make it so, and answer as the module archive_command does. Raises HostError."""
    archiver = Archiver(session, run, user, timeout)
    target = desired.target
    current = archiver.look()
    desired = with_sums(desired, current)
    target = desired.target
    plan = make_plan(current, desired)
    if target is not None:
        far = parse_version(far_version) if far_version else None
        if far_version and far is None:
            raise ArchivingError(f"barman_version '{far_version}' is not a version: set one such as 3.19.1")
        compresses = target.method == "barman-wal-archive" and target.compression != "none"
        installed = archiver.installed_version() if compresses and not check_mode else None
        # A command that stands was compared with it; in check mode Barman may only be about to be installed there.
        found = problems(desired, installed, far, far_needed="archive_command" in plan.settings and not check_mode)
        if found:
            raise ArchivingError("; ".join(found), "configuration")
    segment: wal.Segment | None = None
    fails = plan.prove and not current.statistics.works
    if target is not None and not check_mode and (fails or "archive_command" in plan.settings):
        target = archiver.with_known_sums(target)
        desired = replace(desired, target=target)
        plan = make_plan(current, desired)
    if not check_mode:
        if target is not None and "archive_command" in plan.settings:
            archiver.check_transfer(target)
        archiver.apply(plan)
        if plan.history is not None:
            archiver.archive_history(plan.history, current.data_directory)
        if plan.prove and target is not None:
            segment = archiver.prove(target)
        if target is None and plan.settings and current.mode != "off" and not current.in_recovery:
            archiver.wait_until_idle()
    before = {name: value for name, value in state_of(current).items() if name in plan.settings}
    after = dict(plan.settings)
    if plan.history is not None:
        before["history"], after["history"] = "", plan.history
    return {
        "changed": plan.changes,
        "archive_command": plan.settings.get("archive_command", current.command) or "",
        "previous_command": current.command,
        "restart_required": plan.restart_required,
        "segment": None if segment is None else str(segment),
        "last_archived": str(segment) if segment is not None else current.statistics.archived_wal,
        "history": plan.history,
        "diff": {"before": before, "after": after},
    }
