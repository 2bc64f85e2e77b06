# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a verification of stored files returns and records.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from .._check.check import MissingWal
from .._host.sizes import human_size
from .copies import manifest_name
from .plan import ReadPlan
from .state import StoredDamage

#: The damages that a record of the ledger lists.
MOST = 100
_MOST_NAMED = 5


def iso(moment: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC."""
    return datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="seconds")


def plan_facts(plan: ReadPlan) -> dict[str, Any]:
    """What a run reads, or would read."""
    return {
        "planned": {
            "backups": [unit.name for unit in plan.units if unit.kind == "backup"],
            "segments": sum(unit.kind == "segment" for unit in plan.units),
            "bytes": plan.bytes,
        },
        "budget_bytes": plan.budget,
        "stored_bytes": plan.total,
        "unread_since": None if plan.unread_since is None else iso(plan.unread_since),
    }


def name_of(damage: StoredDamage, directory: str, path: str) -> str | None:
    """The name of a WAL file, or of a file as the manifest has it. directory: of its backup."""
    return os.path.basename(path) if damage.backup_id is None else manifest_name(directory, path)


def damage_facts(damage: StoredDamage, path: str, directory: str, found_copies: Sequence[str]) -> dict[str, Any]:
    """A damaged file. path: one of the damage's paths. directory: of its backup. found_copies: the paths of intact copies on this host."""
    return {
        "backup_id": damage.backup_id,
        "name": name_of(damage, directory, path),
        "path": path,
        "problem": damage.text,
        "found": iso(damage.found),
        "copies": list(found_copies),
    }


def failure_of(damages: Sequence[Mapping[str, Any]], missing: Sequence[MissingWal]) -> str:
    """Why the verification failed, in sentences without the last full stop; "" if it passed."""
    texts = []
    if damages:
        more = f"; and {len(damages) - _MOST_NAMED} more" if len(damages) > _MOST_NAMED else ""
        texts.append("; ".join(_damage_text(one) for one in damages[:_MOST_NAMED]) + more)
    lost = [gap for gap in missing if gap.after_latest]
    if lost:
        named = ", ".join(gap.first if gap.count == 1 else f"{gap.first} to {gap.last} ({gap.count})" for gap in lost)
        texts.append(f"WAL segments {named} are missing after the latest backup")
    return "; ".join(texts)


def _damage_text(damage: Mapping[str, Any]) -> str:
    intact = damage["copies"]
    return f"{damage['problem']} (an intact copy is {intact[0]})" if intact else str(damage["problem"])


def stored_problems(verifications: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Each failed verification in a sentence."""
    problems = []
    for name, facts in verifications.items():
        if facts["result"] == "failed":
            cut_off = (facts.get("consequences") or {}).get("text")
            problems.append(f"server '{name}': {facts['reason']}" + (f". {cut_off}" if cut_off else ""))
    return problems


def stored_summary(verifications: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for each verification, for a program that prints it."""
    lines = []
    for name, facts in verifications.items():
        if facts["result"] == "planned":
            planned = facts["planned"]
            lines.append(
                f"server '{name}': {len(planned['backups'])} backups and {planned['segments']} WAL segments would be read: "
                f"{human_size(planned['bytes'])} of {human_size(facts['stored_bytes'])}"
            )
        elif facts["result"] == "passed":
            read = facts["read"]
            lines.append(
                f"server '{name}': {len(read['backups'])} backups and {read['segments']} WAL segments are intact: "
                f"{human_size(read['bytes'])} of {human_size(facts['stored_bytes'])} read in {facts['seconds']} s"
            )
        reasons: Mapping[str, str] = facts.get("not_verified") or {}
        lines += [f"server '{name}': backup {one} is not verified: {reason}" for one, reason in reasons.items()]
        wal: Mapping[str, str] = facts.get("not_verified_wal") or {}
        lines += [f"server '{name}': WAL {one} is not verified: {reason}" for one, reason in wal.items()]
    return [*lines, *stored_problems(verifications)]
