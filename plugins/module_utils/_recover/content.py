# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the content that a recovery restores is intact: the backup's files and the WAL's records.

This module util is private to the collection. It is verified before anything is changed on the destination.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from .._backup.pg_verifybackup import prover
from .._backup.verification import Prove, verify_backup
from .._barman.archive import Archive
from .._barman.catalog import Backup, chain
from .._barman.command import Barman
from .._barman.configuration import ServerConfiguration
from .._barman.wal_sizes import copied_paths
from .._postgres import wal
from .prepare import BackupSource, RecoveryEnvironment
from .recovery_plan import RecoveryPlan
from .recovery_target import END, IMMEDIATE
from .request import ContentRequest, RecoverError, RecoveryRequest
from .segment_scanner import ReportProgress
from .wal_verification import Replay, files_digest, refuse_short_segments, verify_wal

# From this version on Barman copies no WAL after the segment of target_lsn, or of the backup's end for target_immediate.
_STOPS_AT_TARGET = (3, 13, 3)
_MOST_LISTED = 5


def verify_source(
    request: RecoveryRequest,
    plan: RecoveryPlan,
    source: BackupSource,
    environment: RecoveryEnvironment,
    report: ReportProgress,
) -> dict[str, dict[str, Any]]:
    """What was verified, as verify_content returns it. Raises HostError if anything is damaged, gone, or Barman's user can't read it."""
    copied = copied_files(plan, source.server, environment.barman)
    archive = source.archive
    # Barman archives what it received once a minute, and moves it: the archive is listed again if a file has moved.
    if not all(os.path.exists(path) for path in _paths(plan, archive)):
        archive = environment.list_archive(source.server, environment.barman, plan.segment_size)
    environment.readable(
        plan.server,
        chain(source.backups, plan.backup),
        source.basebackups,
        sorted({*_paths(plan, archive), *copied}),
        environment.user,
    )
    return verify_content(
        request.content,
        plan,
        archive,
        source.backups,
        source.server,
        to_the_end=request.target.kind == END,
        report=report,
        prove=prover(environment.runner, environment.user, source.server.get("path_prefix") or ""),
    )


def copied_files(plan: RecoveryPlan, server: ServerConfiguration, barman: Barman) -> list[str]:
    """The archived WAL files that Barman copies. Raises RecoverError if one is gone: Barman would fail after PostgreSQL was stopped."""
    copied = copied_paths(server, plan.first, plan.timeline)
    stops = plan.target.kind in ("lsn", IMMEDIATE)
    if stops and not all(map(os.path.lexists, copied)) and barman.version >= _STOPS_AT_TARGET:
        copied = copied_paths(server, plan.first, plan.timeline, plan.last)
    gone = [os.path.basename(path) for path in copied if not os.path.lexists(path)]
    if gone:
        more = "" if len(gone) <= _MOST_LISTED else f" and {len(gone) - _MOST_LISTED} more"
        raise RecoverError(
            "server '{}': WAL files are missing that Barman has in xlog.db: {}{}. Barman would copy them, and fail. "
            "Put them back, or rebuild "
            "Barman's list: barman rebuild-xlogdb {}{}. Nothing was changed".format(
                plan.server,
                ", ".join(gone[:_MOST_LISTED]),
                more,
                plan.server,
                "" if stops else ". Or give the target as a position (barman_recover_target_lsn)",
            )
        )
    return copied


def _paths(plan: RecoveryPlan, archive: Archive) -> list[str]:
    """The paths of the WAL that the recovery reads. Raises RecoverError if a segment was removed after the plan was made."""
    paths: list[str] = []
    for one in plan.segments:
        path = archive.path(one)
        if path is None:
            raise RecoverError(
                f"server '{plan.server}': WAL segment {one} was removed after the plan was made. Run the recovery again"
            )
        paths.append(path)
    return paths


def verify_content(
    request: ContentRequest,
    plan: RecoveryPlan,
    archive: Archive,
    backups: Sequence[Backup],
    server: ServerConfiguration,
    *,
    to_the_end: bool,
    report: ReportProgress,
    prove: Prove = lambda backup, directory, files: False,
) -> dict[str, dict[str, Any]]:
    """What was verified, for the result. Raises DamagedBackup or DamagedWal.

    to_the_end: the plan has a position as its target, but means the end of the WAL. prove: a program that is asked first.
    """
    replay = _replay(plan, to_the_end=to_the_end)
    # Costs nothing, so it is not an option.
    refuse_short_segments(replay, archive, read_before=request.wal, report=report)
    answer = {"backup": _skipped("verify_backup"), "wal": _skipped("verify_wal")}
    if request.backup:
        verified = verify_backup(
            plan.server,
            chain(backups, plan.backup),
            server.directory("basebackups_directory"),
            report,
            _of(request.earlier, "backup"),
            prove=prove,
        )
        answer["backup"] = verified.as_dict()
    if request.wal:
        replayed = verify_wal(replay, archive, report, _of(request.earlier, "wal"))
        answer["wal"] = {"status": "verified", "reason": "", **replayed.as_dict()}
    return answer


def not_verified(answer: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence for each part that could not be verified; what the user chose to skip is none."""
    names = {"backup": "the files of the backup", "wal": "the records of the WAL"}
    return [
        f"{names[part]} were not verified: {facts['reason']}"
        for part, facts in answer.items()
        if facts["status"] == "not verified"
    ]


def created_tablespaces(verified: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The locations of the tablespaces that the replay creates, after the backup. Empty if the WAL was not read."""
    return list(verified["wal"].get("created_tablespaces") or ())


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
    facts = earlier.get(part)
    return facts if isinstance(facts, dict) else {}


def _skipped(option: str) -> dict[str, Any]:
    return {"status": "skipped", "reason": f"{option} is false"}


def _replay(plan: RecoveryPlan, *, to_the_end: bool) -> Replay:
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
