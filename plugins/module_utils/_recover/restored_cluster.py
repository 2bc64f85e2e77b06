# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a recovery restored, and whether a server can start from it.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .recovery_plan import RecoveryPlan


@dataclass(frozen=True)
class RestoredCluster:
    """The data directory after the restore. wal: the sizes of its WAL files by name. missing_files: configuration files that it has not."""

    version: str | None
    backup_label: bool
    pg_control: bool
    signal: str | None
    settings: Mapping[str, str]
    wal: Mapping[str, int]
    missing_files: tuple[str, ...]


def expected_settings(plan: RecoveryPlan, *, standby: bool) -> dict[str, str]:
    """The settings that Barman had to write. The form of a time depends on Barman's version."""
    if standby:
        return {}
    expected = {"recovery_target_timeline": plan.target_timeline}
    if plan.target.kind == "immediate":
        expected["recovery_target"] = "immediate"
    elif plan.target.kind in ("xid", "lsn", "name"):
        expected[f"recovery_target_{plan.target.kind}"] = str(plan.target.value)
    return expected


def restored_problems(plan: RecoveryPlan, restored: RestoredCluster, *, standby: bool) -> list[str]:
    """Everything that a start needs and the restored cluster has not."""
    problems: list[str] = []
    if restored.version != str(plan.backup.major_version):
        problems.append(f"PG_VERSION is {restored.version} and not {plan.backup.major_version}")
    if not restored.backup_label:
        problems.append("the file backup_label is missing")
    if not restored.pg_control:
        problems.append("the file global/pg_control is missing")
    signal = "standby" if standby else "recovery"
    if restored.signal != signal:
        problems.append(f"the file {signal}.signal is missing")
    for name, value in expected_settings(plan, standby=standby).items():
        if restored.settings.get(name) != value:
            problems.append(f"the setting {name} is {restored.settings.get(name)} and not {value}")
    missing = [str(one) for one in plan.segments if restored.wal.get(str(one)) != plan.segment_size]
    if missing:
        problems.append(f"WAL segments are missing or incomplete: {', '.join(missing)}")
    return problems
