# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning a recovery, and proving from the archive that its target can be reached.

This module util is private to the collection. Nothing is changed here, and the only input beside the arguments is the
archive's segments, read through the object that is handed in.

Barman restores to impossible targets with success, and PostgreSQL then refuses to start. What PostgreSQL needs to be
satisfied is looked for here first: for a time, a transaction that ended after it; for an LSN, a record that begins
there or later; for a transaction or a restore point, its record.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Callable, Protocol

from .._barman.catalog import Backup, CatalogError, chain, find
from .._host.process import HostError
from .._postgres import timeline_history, wal
from .._postgres.timelines import (
    CHOOSE,
    Branch,
    Choice,
    Conflict,
    ServerTimeline,
    TimelineSource,
    divergence,
    latest,
    leaves,
    read_branches,
)
from .._postgres.wal_reader import Carry, Event, Scan, WalReadError, scan
from .recovery_target import CURRENT, END, IMMEDIATE, RecoveryTarget, format_time
from .windows import Point, Window, as_text

# How many segments that say a time are looked at, from the end backwards, before a time is called unreachable.
# Times in the WAL are in order, except where a clock was set back.
_TIMED_SEGMENTS = 3
# An idle server's WAL can go on for long without a transaction; after so many segments none is looked for any more.
# A record that would begin where a page does begins after the page's header (xlog_internal.h, SizeOfXLogLongPHD).
_PAGE_HEADER = 40
_IDLE_SEGMENTS = 256

# How much of a timeline is read that is not recovered, from the switch point on.
_BRANCH_SEGMENTS = 1024

# How much is read in search of other restore points of the same name: 64 GiB.
_NAMED_SEGMENTS = 4096

# The scans of as many segments are kept; each has every transaction's end.
_REMEMBERED_SCANS = 4

_ENDS = ("commit", "abort")


class PlanError(HostError):
    """The recovery can't be done as asked; the text says why, and what could be done instead. details: the same as data."""

    def __init__(self, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = dict(details or {})


class Wal(Protocol):
    """The archive: what is there, and each segment's bytes."""

    segments: dict[wal.Segment, str]
    partials: dict[wal.Segment, str]
    segment_size: int

    @property
    def histories(self) -> Mapping[int, str]: ...

    @property
    def timelines(self) -> list[int]: ...

    def read(self, segment: wal.Segment) -> bytes: ...


@dataclass(frozen=True)
class Plan:
    """A recovery that was proven to be possible.

    way: the timelines from the backup's to the target's. has_history: whether the target's timeline has a history file, or needs none.
    first, last: the WAL segments that recovery reads.
    end: where the WAL that can be recovered ends. reached: where this recovery ends: the position of the record that
    stops it, and the last commit before it. stop_lsn: where that record begins; for the end, the last
    one that is no checkpoint. restore_points: those of the target's name, in order; stop_lsn is where the one that is taken begins.
    left_behind: sentences about commits of the server that are on another timeline than the recovery.
    """

    server: str
    backup: Backup
    target: RecoveryTarget
    timeline: int
    history: tuple[timeline_history.TimelineSegment, ...]
    first: wal.Segment
    last: wal.Segment
    end: Point
    reached: Point
    stop_lsn: int | None
    segment_size: int
    partial: wal.Segment | None = None
    warnings: tuple[str, ...] = field(default=())
    has_history: bool = True
    restore_points: tuple[Event, ...] = ()
    left_behind: tuple[str, ...] = ()

    @property
    def target_timeline(self) -> str:
        """What recovery_target_timeline has to be.

        PostgreSQL refuses a number without its history file, even if it is the backup's own timeline (validateRecoveryParameters in xlogrecovery.c).
        """
        return str(self.timeline) if self.has_history else CURRENT

    @property
    def segments(self) -> list[wal.Segment]:
        """What recovery reads, in order."""
        return list(timeline_history.needed(self.first, self.last, self.history, self.segment_size))

    @property
    def identity(self) -> str:
        """The same for two plans that lead to the same recovered server."""
        facts: dict[str, Any] = {
            "server": self.server,
            "systemid": self.backup.systemid,
            "backup": self.backup.backup_id,
            "target": self.target.as_dict(),
            "timeline": self.timeline,
        }
        if self.target.kind == END:
            facts["end"] = self.end.as_dict()
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


Tell = Callable[[str, int, int], None]


def _last(events: Sequence[Event], kinds: tuple[str, ...]) -> Event | None:
    return next((event for event in reversed(events) if event.kind in kinds), None)


def _of_one_kind(backups: Sequence[Backup], snapshots: bool) -> list[Backup]:
    """Those that are of snapshots, or that are not; where there are none of the kind, all: which they are is said then."""
    found = [one for one in backups if (one.backup_type == "snapshot") == snapshots]
    return found or list(backups)


def _has(branch: Branch, backup: Backup) -> bool:
    """Whether the way to the branch has the backup."""
    own, left = backup.timeline or 1, branch.left(backup.timeline or 1)
    if own == branch.timeline or left is None or backup.end_lsn is None:
        return own == branch.timeline
    return wal.parse_lsn(backup.end_lsn) <= left


def _is_archived(tree: Mapping[int, Branch], timeline: int) -> bool:
    """Whether any WAL of the timeline is archived: its history alone has no commit."""
    return timeline in tree and tree[timeline].first is not None


def _has_been_archived(tree: Mapping[int, Branch], timeline: int) -> bool:
    """The same, or WAL of a timeline that continues it: a standby that lags is on one whose WAL retention has removed."""
    return _is_archived(tree, timeline) or any(timeline in branch.ancestors for branch in tree.values())


def _choices(timelines: Iterable[int]) -> str:
    numbers = " or ".join(str(timeline) for timeline in sorted(set(timelines)))
    return CHOOSE % (numbers, numbers)


def _unknown() -> ServerTimeline | None:
    return None


def _silent(phase: str, done: int, total: int) -> None:
    pass


def make_plan(
    server: str,
    backups: Sequence[Backup],
    archive: Wal,
    target: RecoveryTarget,
    backup_id: str = "auto",
    now: datetime | None = None,
    tell: Tell = _silent,
    snapshots: bool = False,
    server_timeline: Callable[[], ServerTimeline | None] = _unknown,
) -> Plan:
    """Choose the backup and prove that the target is reached. Raises PlanError.

    tell: called with a phase, and segments done and to do, while the WAL is searched. snapshots: whether disks made from snapshots are there, so
    that a backup is chosen among those; without, one of files is chosen where there is any. server_timeline: finds out on which timeline the server is.
    """
    return _Planner(server, backups, archive, target, backup_id, now, tell, snapshots, server_timeline).plan()


class _Planner:
    def __init__(
        self,
        server: str,
        backups: Sequence[Backup],
        archive: Wal,
        target: RecoveryTarget,
        backup_id: str,
        now: datetime | None,
        tell: Tell,
        snapshots: bool,
        server_timeline: Callable[[], ServerTimeline | None],
    ) -> None:
        self._server = server
        self._archive = archive
        self._target = target
        self._now = now
        self._tell = tell
        self._warnings: list[str] = []
        copied = _of_one_kind(self._whole(backups), snapshots) if backup_id == "auto" else []
        if backup_id != "auto":
            try:
                chosen = find(backups, backup_id, server)
            except CatalogError as exc:
                raise PlanError(str(exc)) from None
            if not chosen.copied:
                raise PlanError(
                    "backup %s of server '%s' can't be recovered: its status is %s"
                    % (chosen.backup_id, server, chosen.status)
                )
            try:
                chain(backups, chosen)
            except CatalogError as exc:
                raise PlanError("server '%s': %s" % (server, exc)) from None
            copied = [chosen]
        if not copied:
            raise PlanError("there is no good backup of server '%s' that could be recovered" % server)
        self._explicit = backup_id != "auto"
        self._size = copied[-1].segment_size
        self._systemid = copied[-1].systemid
        self._reach: dict[str, wal.Segment] = {}
        self._looked: dict[wal.Segment, tuple[bool, Event | None]] = {}
        self._scans: dict[wal.Segment, Scan | None] = {}
        self._living = server_timeline
        self._conflict: Conflict | None = None
        self._left_behind: list[str] = []
        self._timeline = self._choose_timeline(copied)
        try:
            self._way = self._find_way(copied)
            self._backups = self._on_the_way(copied)
        except PlanError as exc:
            if self._conflict is None:
                raise
            raise self._refuse_a_conflict(self._conflict, "On timeline %d: %s" % (self._timeline, exc)) from None

    def _whole(self, backups: Sequence[Backup]) -> list[Backup]:
        """The backups that are complete, with all that they build upon, oldest first."""
        found: list[Backup] = []
        for one in sorted((one for one in backups if one.copied), key=lambda one: one.backup_id):
            try:
                chain(backups, one)
            except CatalogError as exc:
                self._warnings.append("server '%s': %s; it is left out" % (self._server, exc))
                continue
            found.append(one)
        return found

    # The timeline and the backups on it

    def _choose_timeline(self, backups: Sequence[Backup]) -> int:
        wanted = self._target.timeline
        own = backups[-1].timeline or 1
        tree = read_branches(self._archive, [one.timeline or 1 for one in backups])
        if isinstance(wanted, int) and wanted not in tree:
            raise PlanError(
                "target_timeline: server '%s' has nothing archived of timeline %s; there are: %s"
                % (self._server, wanted, ", ".join(str(number) for number in tree))
            )
        server_timeline = self._living()
        if (
            server_timeline is not None
            and server_timeline.source is TimelineSource.SERVER
            and not _has_been_archived(tree, server_timeline.timeline)
        ):
            self._report_unarchived_timeline(server_timeline, tree)
        if isinstance(wanted, int) or len(tree) == 1 or (wanted == CURRENT and self._explicit):
            chosen = wanted if isinstance(wanted, int) else own
            self._report_other_timeline(server_timeline, tree, chosen)
            return chosen
        ends = leaves(tree, self._goes_on)
        if self._explicit:
            # The backup decides among the branches that it is on.
            ends = [end for end in ends if _has(end, backups[-1])] or ends
        found = latest(tree, ends, server_timeline)
        if wanted == CURRENT:
            self._refuse_an_abandoned_current(backups[-1], found)
            return own
        if isinstance(found, Choice):
            self._warnings += [self._without(other, found) for other in found.others]
            return found.timeline
        # Everything before the switch points is the same on all of them: a target there needs no choice.
        self._conflict = found
        return max(branch.timeline for branch in found.branches)

    def _report_unarchived_timeline(self, server_timeline: ServerTimeline, tree: Mapping[int, Branch]) -> None:
        """Refuse a recovery to the end that has not the server's commits; for a target that a person gave, report them."""
        text = (
            "server '%s' is on timeline %d (%s), and no WAL of that timeline is archived. What was committed since it began is on that server alone, and in no "
            "recovery" % (self._server, server_timeline.timeline, server_timeline.text)
        )
        if self._target.kind != END or isinstance(self._target.timeline, int) or self._target.timeline == CURRENT:
            self._left_behind.append(text)
            return
        raise PlanError(
            "%s. To keep it, have Barman receive it, and then recover: ansible-playbook pgdr.barman.deploy -e backup_receiver_reset=when_needed, or, without a "
            "receiver, barman switch-wal --force %s. To give it up, choose the timeline: %s"
            % (text, self._server, _choices(tree))
        )

    def _report_other_timeline(
        self, server_timeline: ServerTimeline | None, tree: Mapping[int, Branch], chosen: int
    ) -> None:
        """Report what the server committed on its own timeline after it left that of the recovery."""
        if (
            server_timeline is None
            or server_timeline.timeline == chosen
            or not _is_archived(tree, server_timeline.timeline)
        ):
            return
        own = tree[server_timeline.timeline]
        if self._goes_on(own, divergence(own.history, tree[chosen].history)):
            self._left_behind.append(
                "server '%s' is on timeline %d (%s), and the recovery goes to timeline %d, without %s"
                % (self._server, server_timeline.timeline, server_timeline.text, chosen, self._described(own)[0])
            )

    def _refuse_an_abandoned_current(self, backup: Backup, found: Choice | Conflict) -> None:
        if isinstance(found, Choice) and found.timeline != backup.timeline:
            raise PlanError(
                "target_timeline: current is timeline %s, that of the newest backup %s of server '%s', and the server is on timeline %d (%s). Choose "
                "with %s"
                % (
                    backup.timeline,
                    backup.backup_id,
                    self._server,
                    found.timeline,
                    found.reason,
                    _choices([backup.timeline or 1, found.timeline]),
                ),
                {"branches": []},
            )

    def _goes_on(self, branch: Branch, lsn: int) -> bool:
        """Whether the branch has a commit of its own after a position. What can't be read may have one."""
        there = {*self._archive.segments, *self._archive.partials}
        own = sorted(
            one for one in there if one.timeline == branch.timeline and one.number(self._size) >= lsn // self._size
        )
        for segment in own[:_IDLE_SEGMENTS]:
            try:
                seen = self._scan(segment)
            except PlanError:
                return True
            if seen is not None and any(event.kind == "commit" and event.lsn >= lsn for event in seen.events):
                return True
        return len(own) > _IDLE_SEGMENTS

    def _last_commit(self, branch: Branch) -> Event | None:
        """The last commit of a branch after its switch point."""
        there = {*self._archive.segments, *self._archive.partials}
        own = sorted((one for one in there if one.timeline == branch.timeline), reverse=True)
        for segment in own[:_IDLE_SEGMENTS]:
            with contextlib.suppress(PlanError):
                seen = self._scan(segment)
                commits = [one for one in seen.events if one.kind == "commit"] if seen is not None else []
                if commits and commits[-1].lsn >= (branch.switch or 0):
                    return commits[-1]
        return None

    def _described(self, branch: Branch) -> tuple[str, dict[str, Any]]:
        commit = self._last_commit(branch)
        point = Point() if commit is None else Point(commit.lsn, commit.time, commit.xid)
        text = (
            "no commit of its own"
            if commit is None
            else "last commit %s (transaction %s)" % (format_time(commit.time), commit.xid)
        )
        facts = point.as_dict()
        return "%s, %s" % (branch, text), {
            **branch.as_dict(),
            "last_commit": {key: facts[key] for key in ("time", "xid", "lsn")},
        }

    def _without(self, other: Branch, found: Choice) -> str:
        return "server '%s': the recovery follows timeline %d (%s). Not in it is: %s. To recover that one: %s" % (
            self._server,
            found.timeline,
            found.reason,
            self._described(other)[0],
            CHOOSE % (other.timeline, other.timeline),
        )

    def _refuse_a_conflict(self, conflict: Conflict, why: str = "") -> PlanError:
        described = [self._described(branch) for branch in conflict.branches]
        return PlanError(
            "the WAL of server '%s' has %d branches of which none continues another, and it is not known on which the server was: %s. Choose with %s%s"
            % (
                self._server,
                len(described),
                "; ".join(text for text, dummy in described),
                _choices([branch.timeline for branch in conflict.branches]),
                ". (%s)" % why if why else "",
            ),
            {"branches": [facts for dummy, facts in described]},
        )

    def _find_way(self, backups: Sequence[Backup]) -> list[timeline_history.TimelineSegment]:
        begins = {one.timeline or 1 for one in backups}
        start = self._timeline if self._timeline in begins else max(begins)
        try:
            return timeline_history.history_from(start, self._timeline, self._archive.histories)
        except wal.WalError as exc:
            raise PlanError("server '%s': %s" % (self._server, exc)) from None

    def _on_the_way(self, backups: Sequence[Backup]) -> list[Backup]:
        fit: list[Backup] = []
        for one in backups:
            leg = next((leg for leg in self._way if leg.timeline == one.timeline), None)
            if leg is None or not (one.begin_wal and one.end_wal and one.end_lsn):
                continue
            if leg.end is None or wal.parse_lsn(one.end_lsn) <= leg.end:
                fit.append(one)
        if fit:
            return fit
        if self._explicit:
            raise PlanError(
                "backup %s is on timeline %s at %s, and that is not in the history of timeline %d: choose another backup "
                "or another target_timeline"
                % (backups[-1].backup_id, backups[-1].timeline, backups[-1].end_lsn, self._timeline)
            )
        raise PlanError(
            "no backup of server '%s' is in the history of timeline %d; choose another target_timeline (backups are on: %s)"
            % (self._server, self._timeline, ", ".join(sorted({str(one.timeline) for one in backups})))
        )

    # What WAL there is

    def _reached_segment(self, backup: Backup) -> wal.Segment:
        """The newest segment that recovery from the backup can come to. Raises PlanError for a gap in its own WAL."""
        if backup.backup_id not in self._reach:
            self._reach[backup.backup_id] = self._find_reach(backup)
        return self._reach[backup.backup_id]

    def _find_reach(self, backup: Backup) -> wal.Segment:
        begin, end = wal.parse_segment(backup.begin_wal or ""), wal.parse_segment(backup.end_wal or "")
        complete = self._archive.segments
        reach = timeline_history.last_without_gap(complete, begin, self._way, self._size)
        following = begin if reach is None else self._successor(reach)
        if following is not None and following in self._archive.partials:
            reach = following
        if reach is None or reach.number(self._size) < end.number(self._size):
            missing = timeline_history.gaps([*complete, *([reach] if reach else [])], begin, self._way, self._size, end)
            raise PlanError(
                "backup %s of server '%s' is not usable: WAL segments that it needs itself are not in the archive: %s"
                % (backup.backup_id, self._server, ", ".join(str(gap) for gap in missing))
            )
        return reach

    def _successor(self, segment: wal.Segment) -> wal.Segment | None:
        number = segment.number(self._size) + 1
        for leg in self._way:
            final = None if leg.end is None else leg.end // self._size - 1
            if leg.timeline >= segment.timeline and (final is None or number <= final):
                return wal.segment_of_number(leg.timeline, number, self._size)
        return None

    def _gaps(self, backup: Backup) -> list[timeline_history.Gap]:
        begin = wal.parse_segment(backup.begin_wal or "")
        return timeline_history.gaps(self._archive.segments, begin, self._way, self._size)

    def _windows(self) -> list[Window]:
        """What can be recovered on the way, oldest first. A backup that lacks WAL of its own begins no window."""
        groups: dict[wal.Segment, list[Backup]] = {}
        for backup in self._backups:
            with contextlib.suppress(PlanError):
                groups.setdefault(self._reached_segment(backup), []).append(backup)
        found: list[Window] = []
        for backups in groups.values():
            first = backups[0]
            # What can't be read ends no window that could be named.
            with contextlib.suppress(PlanError):
                gaps = self._gaps(first)
                found.append(
                    Window(
                        tuple(one.backup_id for one in backups),
                        first.end_lsn or "",
                        first.end_time,
                        self._end(first)[0],
                        gaps[0] if gaps else None,
                    )
                )
        return found

    def _from(self, first: wal.Segment, backup: Backup) -> list[wal.Segment]:
        return list(timeline_history.needed(first, self._reached_segment(backup), self._way, self._size))

    def _scan(self, segment: wal.Segment, carry: Carry | None = None) -> Scan | None:
        """What a segment says; None for one to which nothing was written yet. The last few are remembered."""
        if carry is not None:
            return self._scan_anew(segment, carry)
        if segment not in self._scans:
            while len(self._scans) >= _REMEMBERED_SCANS:
                del self._scans[next(iter(self._scans))]
            self._scans[segment] = self._scan_anew(segment, None)
        return self._scans[segment]

    def _scan_anew(self, segment: wal.Segment, carry: Carry | None) -> Scan | None:
        try:
            seen = scan(self._archive.read(segment), carry)
        except WalReadError as exc:
            if segment in self._archive.partials:
                return None
            raise PlanError("WAL segment %s of server '%s' can't be read: %s" % (segment, self._server, exc)) from None
        expected = self._systemid
        if expected and expected.isdigit() and int(expected) != seen.system_identifier:
            raise PlanError(
                "WAL segment %s is of another PostgreSQL server (system identifier %d) than the backup (%s)"
                % (segment, seen.system_identifier, expected)
            )
        return seen

    def _end(self, backup: Backup) -> tuple[Point, int | None]:
        """The last point that can be recovered from the backup, and where the last record begins that is no checkpoint.

        A server that was stopped while it paused at a checkpoint starts from there, and never comes to it again.
        """
        end: int | None = None
        last: int | None = None
        change: int | None = None
        segment: wal.Segment | None = None
        begin = wal.parse_segment(backup.begin_wal or "")
        for count, candidate in enumerate(reversed(self._from(begin, backup))):
            seen = self._scan(candidate)
            if seen is None:
                continue
            if end is None and seen.end_lsn is not None:
                # Records are aligned to 8 bytes, and so are the positions that PostgreSQL shows.
                end, last, segment = (seen.end_lsn + 7) & ~7, seen.last_record, candidate
            if change is None:
                change = seen.last_change
            commit = _last(seen.events, ("commit",))
            if commit is not None:
                return Point(end, commit.time, commit.xid, segment), change
            if count >= _IDLE_SEGMENTS:
                break
        return Point(end, None, None, segment), last if change is None else change

    # The targets

    def plan(self) -> Plan:
        find_stop = {
            END: self._plan_end,
            IMMEDIATE: self._plan_immediate,
            "lsn": self._plan_lsn,
            "time": self._plan_time,
            "xid": self._plan_record,
            "name": self._plan_record,
        }[self._target.kind]
        try:
            plan = find_stop()
        except PlanError as exc:
            if self._conflict is not None:
                raise self._refuse_a_conflict(self._conflict, "On timeline %d: %s" % (self._timeline, exc)) from None
            windows = self._windows()
            text = ". %s" % as_text(windows) if len(windows) > 1 else ""
            raise PlanError("%s%s" % (exc, text), {"windows": [one.as_dict() for one in windows]}) from None
        if self._conflict is None:
            return plan
        stop = plan.reached.lsn if plan.stop_lsn is None else plan.stop_lsn
        # Which backup is the newest depends on the branch.
        chosen = self._explicit or self._target.kind != IMMEDIATE
        if self._target.kind == END or not chosen or stop is None or stop >= self._conflict.divergence:
            raise self._refuse_a_conflict(self._conflict)
        return plan

    def _make(
        self,
        backup: Backup,
        end: Point,
        reached: Point,
        stop_lsn: int | None,
        last: wal.Segment | None = None,
        target: RecoveryTarget | None = None,
    ) -> Plan:
        """last: the segment in which the record that stops recovery is complete; PostgreSQL reads no further."""
        if last is None:
            last = self._reached_segment(backup)
        return Plan(
            server=self._server,
            backup=backup,
            target=target or self._target,
            timeline=self._timeline,
            history=tuple(self._way),
            first=wal.parse_segment(backup.begin_wal or ""),
            last=last,
            end=end,
            reached=reached,
            stop_lsn=stop_lsn,
            segment_size=self._size,
            partial=last if last in self._archive.partials else None,
            warnings=(*self._warnings, *self._left_behind),
            left_behind=tuple(self._left_behind),
            has_history=self._timeline == 1 or self._timeline in self._archive.histories,
        )

    def _plan_end(self) -> Plan:
        backup = self._backups[-1]
        self._reached_segment(backup)
        gaps = self._gaps(backup)
        end, last_record = self._end(backup)
        if gaps:
            raise PlanError(
                "the WAL of server '%s' is not complete after backup %s: missing is %s. Nothing after it can be "
                "recovered; the last recoverable point is: %s. Recover to a time or an LSN until there"
                % (self._server, backup.backup_id, ", ".join(str(gap) for gap in gaps), end)
            )
        return self._make(backup, end, end, last_record)

    def _plan_immediate(self) -> Plan:
        backup = self._backups[-1]
        segment = wal.parse_segment(backup.end_wal or "")
        self._reached_segment(backup)
        end_lsn = wal.parse_lsn(backup.end_lsn or "")
        end, _dummy = self._end(backup)
        if end.lsn is None or end.lsn < end_lsn:
            raise PlanError(
                "backup %s of server '%s' is not usable yet: its WAL ends at %s and the archive at %s"
                % (backup.backup_id, self._server, backup.end_lsn, None if end.lsn is None else wal.format_lsn(end.lsn))
            )
        reached = replace(self._before(backup, end_lsn, segment), lsn=end_lsn, segment=segment)
        return self._make(backup, end, reached, None, segment)

    def _plan_lsn(self) -> Plan:
        wanted = self._target.lsn or 0
        fit = [one for one in self._backups if wal.parse_lsn(one.end_lsn or "") <= wanted]
        if not fit:
            raise PlanError(self._too_early())
        backup = fit[-1]
        start = wal.segment_of_number(0, wanted // self._size, self._size)
        on_way = self._from(wal.parse_segment(backup.begin_wal or ""), backup)
        ahead = [one for one in on_way if one.number(self._size) >= start.number(self._size)]
        carry: Carry | None = None
        for segment in ahead:
            seen = self._scan(segment, carry)
            if seen is None:
                break
            if seen.last_record is not None and seen.last_record >= wanted:
                end, _dummy = self._end(backup)
                # The first record that begins there or later stops the recovery, and is replayed unless the target is exclusive.
                until = self._after_stop(seen, wanted) if self._target.inclusive else wanted
                reached = replace(self._before(backup, until, segment), lsn=wanted, segment=segment)
                stop = self._before_a_stop(backup, seen, wanted)
                return self._make(backup, end, reached, stop, segment, replace(self._target, lsn=stop))
            carry = seen.carry
            if carry is None:
                break
        raise PlanError(self._unreachable(backup, "no record of the archived WAL begins there or later"))

    @staticmethod
    def _after_stop(seen: Scan, wanted: int) -> int:
        """A position after the commit at the target's position, or after one that follows it at once: then no other record may lie between."""
        following = next((event for event in seen.events if event.lsn >= wanted), None)
        if following is None or following.lsn - wanted > _PAGE_HEADER:
            return wanted
        return following.lsn + 1

    def _before_a_stop(self, backup: Backup, seen: Scan, wanted: int) -> int:
        """The position itself, or where the record that recovery stops after is a server's clean stop, the one before.

        A server that was tested there begins after that record, never comes to it again, and so goes too far or fails.
        """
        stop = next((one for one in seen.shutdowns if one.previous < wanted <= one.lsn), None)
        if stop is None or not self._target.inclusive:
            return wanted
        change = stop.change
        begin = wal.parse_segment(backup.begin_wal or "")
        for segment in reversed(self._from(begin, backup)):
            if change is not None:
                break
            earlier = self._scan(segment) if segment.begin_lsn(self._size) < seen.begin_lsn else None
            change = earlier.last_change if earlier is not None else None
        if change is None:
            return wanted
        self._warnings.append(
            "target_lsn: the record at %s is the checkpoint of a clean stop. The recovery stops before it, after the record "
            "at %s: the data is the same" % (wal.format_lsn(stop.lsn), wal.format_lsn(change))
        )
        return change

    def _plan_time(self) -> Plan:
        wanted = self._target.time
        if wanted is None:
            raise PlanError("target_time: it is missing")
        fit = [one for one in self._backups if one.end_time is not None and one.end_time <= wanted]
        while fit and self._past_within(fit[-1]):
            # The clocks of the two hosts differ: PostgreSQL would stop before the backup is consistent.
            fit.pop()
        if not fit:
            raise PlanError(self._too_early())
        backup = fit[-1]
        self._reached_segment(backup)
        if self._now is not None and wanted > self._now:
            raise PlanError(self._unreachable(backup, "it is in the future"))
        segments = self._from(wal.parse_segment(backup.end_wal or ""), backup)
        start = wal.parse_lsn(backup.end_lsn or "")
        newest = self._newest_past(segments, start)
        if newest is None:
            raise PlanError(self._unreachable(backup, "no transaction in the archived WAL ended after it"))
        segment, event = self._first_past(segments, newest, start)
        self._refuse_the_other_branch(backup, segment, event)
        reached = replace(self._before(backup, event.lsn, segment), lsn=event.lsn, segment=segment)
        return self._make(backup, self._end(backup)[0], reached, event.lsn, segment)

    def _refuse_the_other_branch(self, backup: Backup, segment: wal.Segment, stop: Event) -> None:
        """A time that another timeline lived through, and the chosen one did not, would silently end at the fork."""
        if isinstance(self._target.timeline, int):
            return
        start = wal.parse_lsn(backup.end_lsn or "")
        forks = [leg.end for leg in self._way if leg.end is not None and start < leg.end <= stop.lsn]
        if not forks:
            return
        alive = self._event_before(backup, stop.lsn, segment, (*_ENDS, "restore_point"))
        if alive is not None and alive.lsn >= forks[-1]:
            return
        before = self._event_before(backup, stop.lsn, segment)
        for timeline, fork in self._branches():
            first = self._find_off_the_way(timeline, fork, lambda event: event.kind == "commit")
            if first is None or self._past(first) or (before is not None and first.time <= before.time):
                continue
            raise PlanError(
                "%s of server '%s' lies on timeline %d, after the fork at WAL position %s (last commit before it: %s; "
                "first one after it: %s). Timeline %d, which '%s' means here, has nothing of its own until then: its "
                "first transaction after the fork at %s ended at %s, and the recovery would end at that fork. "
                "Write 'target_timeline: %d' for what was on timeline %d at that time, or a target_time from %s on for "
                "timeline %d ('target_timeline: %d' recovers to the fork)"
                % (
                    self._target,
                    self._server,
                    timeline,
                    wal.format_lsn(fork),
                    "none" if before is None else format_time(before.time),
                    format_time(first.time),
                    self._timeline,
                    self._target.timeline,
                    wal.format_lsn(forks[-1]),
                    format_time(stop.time),
                    timeline,
                    timeline,
                    format_time(stop.time),
                    self._timeline,
                    self._timeline,
                )
            )

    def _branches(self) -> list[tuple[int, int]]:
        """The timelines that have WAL off the way, newest first, and where each leaves the way, or its own parent."""
        ends = {leg.timeline: leg.end for leg in self._way}
        found: list[tuple[int, int]] = []
        for timeline in sorted(self._archive.timelines, reverse=True):
            if timeline in ends:
                end = ends[timeline]
                if end is not None:
                    found.append((timeline, end))
                continue
            with contextlib.suppress(wal.WalError):
                found.append((timeline, timeline_history.history_of(timeline, self._archive.histories)[-1].begin))
        return found

    def _off_the_way(self, timeline: int, fork: int) -> Iterator[Scan]:
        """What the segments of another timeline say from its fork on. What can't be read there is no error here."""
        there = {*self._archive.segments, *self._archive.partials}
        carry: Carry | None = None
        own = sorted(one for one in there if one.timeline == timeline and one.number(self._size) >= fork // self._size)
        for segment in own[:_BRANCH_SEGMENTS]:
            if carry is not None and carry.next_lsn != segment.begin_lsn(self._size):
                carry = None
            try:
                seen = self._scan(segment, carry)
            except PlanError:
                return
            if seen is None:
                return
            yield seen
            carry = seen.carry

    def _find_off_the_way(self, timeline: int, fork: int, wanted: Callable[[Event], bool]) -> Event | None:
        return next(
            (
                event
                for seen in self._off_the_way(timeline, fork)
                for event in seen.events
                if event.lsn >= fork and wanted(event)
            ),
            None,
        )

    def _is_off_the_way(self, timeline: int, fork: int) -> bool:
        """Whether another timeline has the target, after its fork."""
        lsn = self._target.lsn
        if lsn is not None:
            return lsn >= fork and any(
                seen.last_record is not None and seen.last_record >= lsn for seen in self._off_the_way(timeline, fork)
            )
        if self._target.kind == "time":
            return self._find_off_the_way(timeline, fork, self._past) is not None
        return self._find_off_the_way(timeline, fork, self._is_wanted) is not None

    def _elsewhere(self) -> str:
        """For the error about a target that is not on the way: the timeline that has it."""
        own = {leg.timeline for leg in self._way}
        for timeline, fork in self._branches():
            # Every branch has every time after its switch point: of those, only one that the server itself left behind is meant.
            if (self._target.kind != "time" or timeline in own) and self._is_off_the_way(timeline, fork):
                return (
                    ". But it is on timeline %d, after the fork at WAL position %s; write barman_recover_target_timeline=%d "
                    "(option target_timeline of the module) if that is what you want (this looked on timeline %d)"
                    % (timeline, wal.format_lsn(fork), timeline, self._timeline)
                )
        return ""

    def _past(self, event: Event) -> bool:
        """Whether PostgreSQL, asked for the target time, stops at this record."""
        wanted = self._target.time
        if event.kind not in _ENDS or wanted is None:
            return False
        return event.time > wanted or (event.time == wanted and not self._target.inclusive)

    def _past_within(self, backup: Backup) -> bool:
        segment = wal.parse_segment(backup.end_wal or "")
        if segment not in self._archive.segments and segment not in self._archive.partials:
            return False
        seen = self._scan(segment)
        end_lsn = wal.parse_lsn(backup.end_lsn or "")
        return seen is not None and any(self._past(event) for event in seen.events if event.lsn < end_lsn)

    def _look(self, segment: wal.Segment, start: int) -> tuple[bool, Event | None]:
        """Whether a transaction ends in the segment, and the first one that ends after the target time."""
        if segment not in self._looked:
            seen = self._scan(segment)
            ends = [event for event in seen.events if event.kind in _ENDS and event.lsn >= start] if seen else []
            self._looked[segment] = bool(ends), next((event for event in ends if self._past(event)), None)
        return self._looked[segment]

    def _newest_past(self, segments: Sequence[wal.Segment], start: int) -> int | None:
        """The newest segment with a transaction that ended after the time, looked for from the end backwards."""
        timed = 0
        for index in range(len(segments) - 1, -1, -1):
            self._tell("searching the WAL for the target", len(segments) - 1 - index, len(segments))
            ends, past = self._look(segments[index], start)
            if past is not None:
                return index
            timed += ends
            if timed >= _TIMED_SEGMENTS:
                return None
        return None

    def _first_past(self, segments: Sequence[wal.Segment], newest: int, start: int) -> tuple[wal.Segment, Event]:
        """The first transaction that ended after the time, by halving; newest: a segment that has one."""
        best, low, high = newest, 0, newest
        while low < high:
            middle = (low + high) // 2
            index = middle
            while index < high and not self._look(segments[index], start)[0]:
                index += 1
            if index == high:
                high = middle
            elif self._look(segments[index], start)[1] is not None:
                best, high = index, middle
            else:
                low = index + 1
        event = self._look(segments[best], start)[1]
        if event is None:
            raise PlanError("WAL segment %s of server '%s' changed while it was read" % (segments[best], self._server))
        return segments[best], event

    def _plan_record(self) -> Plan:
        """A transaction or a restore point: the newest backup before its record, found by reading the WAL.

        The WAL after the newest backup is read first, then that between the one before and it, and so on.
        """
        limit: int | None = None
        usable = [one for one in self._backups if self._is_usable(one)]
        if not usable:
            self._reached_segment(self._backups[-1])
        for backup in reversed(usable):
            start = wal.parse_lsn(backup.end_lsn or "")
            found = self._find_record(backup, start, limit)
            if found is not None:
                segment, event = found
                self._warn_of_the_same_elsewhere(event)
                points = self._restore_points(usable, backup, event) if event.kind == "restore_point" else ()
                reached = Point(event.lsn, event.time, event.xid, segment)
                if event.kind != "commit" or not self._target.inclusive:
                    reached = replace(self._before(backup, event.lsn, segment), lsn=event.lsn, segment=segment)
                plan = self._make(backup, self._end(backup)[0], reached, event.lsn, segment)
                return replace(plan, restore_points=points)
            limit = start
        raise PlanError(self._unreachable(usable[-1], "its record is not in the archived WAL after %s" % self._first()))

    def _is_usable(self, backup: Backup) -> bool:
        try:
            self._reached_segment(backup)
        except PlanError:
            return False
        return True

    def _restore_points(self, usable: Sequence[Backup], backup: Backup, taken: Event) -> tuple[Event, ...]:
        """Every restore point of the name on the way, in order. With several of them a warning reports which is taken."""
        found: dict[int, Event] = {}
        left = _NAMED_SEGMENTS
        begun: set[wal.Segment] = set()
        for one in usable:
            # Backups without a gap in between come to the same segment, and the first one has all of it.
            if self._reached_segment(one) in begun:
                continue
            begun.add(self._reached_segment(one))
            start, carry = wal.parse_lsn(one.end_lsn or ""), None
            for segment in self._from(wal.parse_segment(one.end_wal or ""), one)[:left]:
                self._tell("searching the WAL for restore points of that name", _NAMED_SEGMENTS - left, _NAMED_SEGMENTS)
                left -= 1
                seen = self._scan(segment, carry)
                if seen is None:
                    break
                found.update(
                    {event.lsn: event for event in seen.events if event.lsn >= start and self._is_wanted(event)}
                )
                carry = seen.carry
                if carry is None:
                    break
        found[taken.lsn] = taken
        points = tuple(found[lsn] for lsn in sorted(found))
        if len(points) > 1:
            shown = ", ".join(
                "%s at WAL position %s" % (format_time(one.time), wal.format_lsn(one.lsn)) for one in points
            )
            self._warnings.append(
                "server '%s' has %d restore points '%s': %s. The recovery stops at that of %s, WAL position %s, the first one after backup %s. For another "
                "one, recover to its position: barman_recover_target_lsn in the playbook, target_lsn in the module"
                % (
                    self._server,
                    len(points),
                    taken.name,
                    shown,
                    format_time(taken.time),
                    wal.format_lsn(taken.lsn),
                    backup.backup_id,
                )
            )
        if left <= 0:
            self._warnings.append(
                "server '%s': only %d WAL segments were searched for other restore points '%s'"
                % (self._server, _NAMED_SEGMENTS, taken.name)
            )
        return points

    def _warn_of_the_same_elsewhere(self, taken: Event) -> None:
        """Transaction ids go on in the same way on every branch, and a restore point's name can be given twice."""
        if isinstance(self._target.timeline, int) or self._conflict is not None:
            return
        for timeline, fork in self._branches():
            other = self._find_off_the_way(timeline, fork, self._is_wanted)
            if other is not None:
                self._warnings.append(
                    "%s of server '%s' is taken on timeline %d: %s, WAL position %s. Another one is on timeline %d: %s, WAL position %s. To recover to that "
                    "one, give its position in place of this target, and the timeline: barman_recover_target_lsn=%s barman_recover_target_timeline=%d in the "
                    "playbook, target_lsn and target_timeline in the module"
                    % (
                        self._target,
                        self._server,
                        self._timeline,
                        format_time(taken.time),
                        wal.format_lsn(taken.lsn),
                        timeline,
                        format_time(other.time),
                        wal.format_lsn(other.lsn),
                        wal.format_lsn(other.lsn),
                        timeline,
                    )
                )

    def _find_record(self, backup: Backup, start: int, limit: int | None) -> tuple[wal.Segment, Event] | None:
        segments = self._from(wal.parse_segment(backup.end_wal or ""), backup)
        carry: Carry | None = None
        for count, segment in enumerate(segments):
            if limit is not None and segment.begin_lsn(self._size) > limit:
                return None
            self._tell("searching the WAL for the target", count, len(segments))
            seen = self._scan(segment, carry)
            if seen is None:
                return None
            for event in seen.events:
                if event.lsn >= start and self._is_wanted(event):
                    return segment, event
            carry = seen.carry
            if carry is None:
                return None
        return None

    def _is_wanted(self, event: Event) -> bool:
        if self._target.kind == "name":
            return event.kind == "restore_point" and event.name == self._target.name
        return event.kind in _ENDS and event.xid == self._target.xid

    # What is said

    def _before(self, backup: Backup, lsn: int, segment: wal.Segment) -> Point:
        """The last commit before a position."""
        commit = self._event_before(backup, lsn, segment)
        return Point() if commit is None else Point(None, commit.time, commit.xid)

    def _event_before(
        self, backup: Backup, lsn: int, segment: wal.Segment, kinds: tuple[str, ...] = ("commit",)
    ) -> Event | None:
        begin = wal.parse_segment(backup.begin_wal or "")
        on_way = [one for one in self._from(begin, backup) if one.number(self._size) <= segment.number(self._size)]
        for one in list(reversed(on_way))[:_IDLE_SEGMENTS]:
            seen = self._scan(one)
            found = _last([event for event in seen.events if event.lsn < lsn], kinds) if seen else None
            if found is not None:
                return found
        return None

    def _first(self) -> str:
        oldest = self._backups[0]
        return "%s (WAL position %s), the end of %s backup %s" % (
            format_time(oldest.end_time),
            oldest.end_lsn,
            "the chosen" if self._explicit else "the earliest",
            oldest.backup_id,
        )

    def _too_early(self) -> str:
        return "%s of server '%s' can't be recovered: it is too early. The earliest possible point is %s%s" % (
            self._target,
            self._server,
            self._first(),
            "; an earlier backup is needed (backup_id: auto chooses one)" if self._explicit else "",
        )

    def _unreachable(self, backup: Backup, why: str) -> str:
        end, _dummy = self._end(backup)
        # A later backup may make later points recoverable.
        last = (
            "The last recoverable point"
            if len(self._windows()) <= 1
            else "The last point from backup %s" % backup.backup_id
        )
        text = "%s of server '%s' can't be reached: %s. %s is: %s" % (self._target, self._server, why, last, end)
        gaps = self._gaps(backup)
        if gaps:
            text += ". There is more WAL, but it can't be used, because of what is missing: %s" % ", ".join(
                str(gap) for gap in gaps
            )
        return text + (self._elsewhere() if self._target.kind in ("time", "lsn", "xid", "name") else "")
