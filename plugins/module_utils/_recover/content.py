# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the content that a recovery restores is intact: the backup's files and the WAL's records.

This module util is private to the collection. It is verified before anything is changed on the destination.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

from .._backup.verification import verify_backup
from .._barman.archive import Archive
from .._barman.catalog import Backup, chain
from .._barman.configuration import ServerConfiguration
from .._postgres import wal
from .recovery_plan import RecoveryPlan
from .wal_verification import Replay, files_digest, refuse_short_segments, verify_wal

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ContentRequest:
    """What to verify. earlier: what verify_content answered in a run before this one."""

    wal: bool = True
    backup: bool = True
    earlier: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> ContentRequest:
        """From a module's options."""
        return cls(
            wal=bool(params.get("verify_wal", True)),
            backup=bool(params.get("verify_backup", True)),
            earlier=dict(params.get("verified") or {}),
        )


def verify_content(
    request: ContentRequest,
    plan: RecoveryPlan,
    archive: Archive,
    backups: Sequence[Backup],
    server: ServerConfiguration,
    *,
    to_the_end: bool,
    tell: Tell,
) -> dict[str, dict[str, Any]]:
    """What was verified, for the answer. Raises DamagedBackup or DamagedWal.

    to_the_end: the plan has a position as its target, but means the end of the WAL.
    """
    replay = _replay(plan, to_the_end)
    # Costs nothing, so it is not an option.
    refuse_short_segments(replay, archive, read_before=request.wal, tell=tell)
    answer = {"backup": _skipped("verify_backup"), "wal": _skipped("verify_wal")}
    if request.backup:
        verified = verify_backup(
            plan.server,
            chain(backups, plan.backup),
            server.directory("basebackups_directory"),
            tell,
            _of(request.earlier, "backup"),
        )
        answer["backup"] = verified.as_dict()
    if request.wal:
        replayed = verify_wal(replay, archive, tell, _of(request.earlier, "wal"))
        answer["wal"] = {"status": "verified", "reason": "", **replayed.as_dict()}
    return answer


def not_verified(answer: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence for each part that could not be verified; what the user chose to skip is none."""
    names = {"backup": "the files of the backup", "wal": "the records of the WAL"}
    return [
        "%s were not verified: %s" % (names[part], facts["reason"])
        for part, facts in answer.items()
        if facts["status"] == "not verified"
    ]


def archive_state(plan: RecoveryPlan, archive: Archive) -> dict[str, Any]:
    """Which files of the archive a recovery restores, to recognize later that one was replaced."""
    complete = [one for one in plan.segments if one in archive.segments]
    return {"until": str(complete[-1]) if complete else None, "digest": files_digest(archive, complete)}


def is_current(state: Any, plan: RecoveryPlan, archive: Archive) -> bool:
    """Whether the files of the archive are still those of archive_state."""
    if not isinstance(state, dict):
        return False
    if state.get("until") is None:
        return not any(one in archive.segments for one in plan.segments)
    names = [str(one) for one in plan.segments]
    if state["until"] not in names:
        return False
    segments = plan.segments[: names.index(state["until"]) + 1]
    return files_digest(archive, segments) == state.get("digest")


def _of(earlier: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    found = earlier.get(part)
    return found if isinstance(found, dict) else {}


def _skipped(option: str) -> dict[str, Any]:
    return {"status": "skipped", "reason": "%s is false" % option}


def _replay(plan: RecoveryPlan, to_the_end: bool) -> Replay:
    identifier = plan.backup.systemid
    immediate = plan.target.kind == "immediate"
    return Replay(
        server=plan.server,
        segments=plan.segments,
        segment_size=plan.segment_size,
        system_identifier=int(identifier) if identifier and identifier.isdigit() else None,
        stop_lsn=None if to_the_end or immediate else plan.stop_lsn,
        end_lsn=wal.parse_lsn(plan.backup.end_lsn or "0/0") if immediate else None,
        switches={part.timeline: part.begin for part in plan.history},
    )
