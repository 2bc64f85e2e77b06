# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The timeline that a recovery goes to, and what the server committed on other ones.

This module util is private to the collection. Every decision is taken from the tree of timelines, the server's timeline, and the commits
of the branches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .._barman.catalog import Backup
from .._postgres import wal
from .._postgres.timelines import (
    CHOOSE,
    Branch,
    Choice,
    Conflict,
    ServerTimeline,
    TimelineSource,
    branch_ends,
    divergence,
    latest,
    read_branches,
)
from .backup_candidates import BackupCandidates
from .recovery_plan import PlanError
from .recovery_target import CURRENT, END, RecoveryTarget
from .segment_scanner import SegmentScanner, has_commit_after, summarize_branch

Tree = Mapping[int, Branch]


@dataclass(frozen=True)
class TimelineChoice:
    """The timeline to recover to.

    conflict: branches of which nobody knows which one is the server's; timeline is the highest of them then.
    left_behind: sentences about commits of the server that are not in the recovery.
    """

    timeline: int
    conflict: Conflict | None = None
    warnings: tuple[str, ...] = ()
    left_behind: tuple[str, ...] = ()


def choose_timeline(
    target: RecoveryTarget,
    candidates: BackupCandidates,
    scanner: SegmentScanner,
    server_timeline: ServerTimeline | None,
) -> TimelineChoice:
    """Raises PlanError if the recovery would silently miss what the server committed."""
    requested = target.timeline
    tree = read_branches(scanner.archive, [one.timeline or 1 for one in candidates.backups])
    if isinstance(requested, int) and requested not in tree:
        raise PlanError(
            "target_timeline: server '{}' has nothing archived of timeline {}; there are: {}".format(
                scanner.server, requested, ", ".join(str(number) for number in tree)
            )
        )
    left_behind = unarchived_timeline(scanner.server, target, tree, server_timeline)
    own = candidates.newest.timeline or 1
    if isinstance(requested, int) or len(tree) == 1 or (requested == CURRENT and candidates.requested):
        timeline = requested if isinstance(requested, int) else own
        left_behind += _other_timeline(scanner, tree, server_timeline, timeline)
        return TimelineChoice(timeline, left_behind=left_behind)
    ends = branch_ends(tree, lambda branch, lsn: has_commit_after(scanner, branch, lsn))
    if candidates.requested:
        # The backup decides among the branches that it is on.
        ends = [end for end in ends if _has_backup(end, candidates.newest)] or ends
    found = latest(tree, ends, server_timeline)
    if requested == CURRENT:
        _refuse_an_abandoned_current(scanner.server, candidates.newest, found)
        return TimelineChoice(own, left_behind=left_behind)
    if isinstance(found, Choice):
        warnings = tuple(_without_branch(scanner, other, found) for other in found.others)
        return TimelineChoice(found.timeline, warnings=warnings, left_behind=left_behind)
    # Everything before the switch points is the same on all of them: a target there needs no choice.
    return TimelineChoice(max(branch.timeline for branch in found.branches), conflict=found, left_behind=left_behind)


def unarchived_timeline(
    server: str, target: RecoveryTarget, tree: Tree, server_timeline: ServerTimeline | None
) -> tuple[str, ...]:
    """A sentence about the server's commits if none of its timeline is archived. Raises PlanError for a recovery to the end that nobody restricted."""
    if server_timeline is None or server_timeline.source is not TimelineSource.SERVER:
        return ()
    if _was_archived(tree, server_timeline.timeline):
        return ()
    text = (
        f"server '{server}' is on timeline {server_timeline.timeline} ({server_timeline.text}), and no WAL of that "
        "timeline is archived. What was committed since it "
        "began is on that server alone, and in no "
        "recovery"
    )
    if target.kind != END or isinstance(target.timeline, int) or target.timeline == CURRENT:
        return (text,)
    raise PlanError(
        f"{text}. To keep it, have Barman receive it, and then recover: ansible-playbook pgdr.barman.deploy -e "
        "barman_receiver_reset=when_needed, or, without a "
        f"receiver, barman switch-wal --force {server}. To abandon it, choose the timeline: {_choices(tree)}"
    )


def _other_timeline(
    scanner: SegmentScanner, tree: Tree, server_timeline: ServerTimeline | None, timeline: int
) -> tuple[str, ...]:
    """A sentence about what the server committed on its own timeline after it left that of the recovery."""
    if (
        server_timeline is None
        or server_timeline.timeline == timeline
        or not _is_archived(tree, server_timeline.timeline)
    ):
        return ()
    own = tree[server_timeline.timeline]
    if not has_commit_after(scanner, own, divergence(own.history, tree[timeline].history)):
        return ()
    return (
        f"server '{scanner.server}' is on timeline {server_timeline.timeline} ({server_timeline.text}), and the "
        f"recovery goes to timeline {timeline}, without {summarize_branch(scanner, own).text}",
    )


def _refuse_an_abandoned_current(server: str, backup: Backup, found: Choice | Conflict) -> None:
    if isinstance(found, Choice) and found.timeline != backup.timeline:
        raise PlanError(
            f"target_timeline: current is timeline {backup.timeline}, that of the newest backup {backup.backup_id} of "
            f"server '{server}', and the server is "
            f"on timeline {found.timeline} ({found.reason}). Choose "
            f"with {_choices([backup.timeline or 1, found.timeline])}",
            {"branches": []},
        )


def _without_branch(scanner: SegmentScanner, other: Branch, found: Choice) -> str:
    return (
        f"server '{scanner.server}': the recovery follows timeline {found.timeline} ({found.reason}). "
        f"Not in it is: {summarize_branch(scanner, other).text}. To recover that one: {CHOOSE % (other.timeline, other.timeline)}"
    )


def conflict_error(scanner: SegmentScanner, conflict: Conflict, reason: str = "") -> PlanError:
    """The error for branches of which the user has to choose one. reason: why the highest timeline has no plan."""
    summaries = [summarize_branch(scanner, branch) for branch in conflict.branches]
    return PlanError(
        "the WAL of server '{}' has {} branches of which none continues another, and it is not known on which the "
        "server was: {}. Choose with {}{}".format(
            scanner.server,
            len(summaries),
            "; ".join(one.text for one in summaries),
            _choices([branch.timeline for branch in conflict.branches]),
            f". ({reason})" if reason else "",
        ),
        {"branches": [dict(one.facts) for one in summaries]},
    )


def _has_backup(branch: Branch, backup: Backup) -> bool:
    """Whether the backup is in the branch's history."""
    own, left = backup.timeline or 1, branch.left(backup.timeline or 1)
    if own == branch.timeline or left is None or backup.end_lsn is None:
        return own == branch.timeline
    return wal.parse_lsn(backup.end_lsn) <= left


def _is_archived(tree: Tree, timeline: int) -> bool:
    """Whether any WAL of the timeline is archived: its history alone has no commit."""
    return timeline in tree and tree[timeline].first is not None


def _was_archived(tree: Tree, timeline: int) -> bool:
    """The same, or WAL of a timeline that continues it: a standby that lags is on one whose WAL retention has removed."""
    return _is_archived(tree, timeline) or any(timeline in branch.ancestors for branch in tree.values())


def _choices(timelines: Iterable[int]) -> str:
    numbers = " or ".join(str(timeline) for timeline in sorted(set(timelines)))
    return CHOOSE % (numbers, numbers)
