# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a recovery did to a data directory, recorded beside it: whose it is, proven or not, and where the old one is.

This module util is private to the collection. It is pure: reading, writing and systemd are in recovery_record_files.
A run names the directories that it moves before it moves them, and each name is used once. So a move has happened if and only if
its new name exists, at whatever step the run died.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

FORMAT = 1
SUFFIX = ".pgdr-recovery.json"


class Phase(enum.Enum):
    """How far a run is."""

    # PostgreSQL is about to be stopped, or is stopped.
    BEGUN = "begun"
    # The backup may be in the data directory, or a part of it.
    RESTORING = "restoring"
    # The restored data has reached the recovery target and has answered the queries.
    PROVEN = "proven"
    # PostgreSQL runs on it.
    FINISHED = "finished"


class Content(enum.Enum):
    """What is in the data directory."""

    # Data that no recovery of this record has put there.
    ORIGINAL = "original"
    # What a recovery has restored, complete or not, and nothing has proven.
    UNPROVEN = "unproven"
    # What a recovery has restored and proven.
    PROVEN = "proven"


class RecordEvent(enum.Enum):
    """What happens to a record."""

    READ = "read"
    BEGIN = "begun"
    RESTORE = "restoring"
    PROVE = "proven"
    FINISH = "finished"
    # The run stops. It moved nothing, so what was before is valid again; else the record stays.
    ABANDON = "abandoned"
    REMOVE = "absent"


class RecordError(ValueError):
    """The event does not fit the record; the text has the reason."""


@dataclass(frozen=True)
class Move:
    """A directory that a run renames. unproven: whether it holds an unproven restore of an earlier run."""

    source: str
    target: str
    run: str
    unproven: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {"from": self.source, "to": self.target, "run": self.run, "unproven": self.unproven}


@dataclass(frozen=True)
class Record:
    """The last run on a data directory. moves: its own; kept: those of earlier runs. before: what was there when it began.

    server: the inventory's name. backup_id, target: what it restores. started: when it began, in UTC.
    """

    data_directory: str
    service: str
    run: str
    server: str
    backup_id: str
    target: str
    started: str
    phase: Phase
    moves: tuple[Move, ...] = ()
    kept: tuple[Move, ...] = ()
    before: Content = Content.ORIGINAL
    before_run: str = ""
    # What the record was before this run began.
    previous: Record | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in _TEXTS},
            "format": FORMAT,
            "phase": self.phase.value,
            "before": self.before.value,
            "moves": [one.as_dict() for one in self.moves],
            "kept": [one.as_dict() for one in self.kept],
            "previous": None if self.previous is None else self.previous.as_dict(),
        }


@dataclass(frozen=True)
class Standing:
    """The meaning of a record now. data: the directory with the newest data that is not an unproven restore; "" if there is none."""

    content: Content
    content_run: str
    moved: tuple[Move, ...]
    untouched: bool
    data: str


@dataclass(frozen=True)
class Request:
    """One call of the module: the event and what it brings. moves: from and to of the directories that the run is about to rename."""

    event: RecordEvent
    data_directory: str
    run: str = ""
    service: str = ""
    server: str = ""
    backup_id: str = ""
    target: str = ""
    now: str = ""
    moves: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class RecordPlan:
    """The record as it is to be; None if there is to be none. guard: whether the unit must not start."""

    record: Record | None
    guard: bool


def parse(value: Any) -> Record:
    """The record that the file has. Raises RecordError if it is none."""
    try:
        if value["format"] != FORMAT:
            raise RecordError(f"it has the format {value['format']}, and this version of the collection reads {FORMAT}")
        previous = value["previous"]
        return Record(
            data_directory=str(value["data_directory"]),
            service=str(value["service"]),
            run=str(value["run"]),
            server=str(value["server"]),
            backup_id=str(value["backup_id"]),
            target=str(value["target"]),
            started=str(value["started"]),
            phase=Phase(value["phase"]),
            moves=tuple(_move(one) for one in value["moves"]),
            kept=tuple(_move(one) for one in value["kept"]),
            before=Content(value["before"]),
            before_run=str(value["before_run"]),
            previous=None if previous is None else parse(previous),
        )
    except (KeyError, TypeError, ValueError) as exc:
        if isinstance(exc, RecordError):
            raise
        raise RecordError("it is not a record of pgdr.barman.recovery_record") from None


_TEXTS = ("data_directory", "service", "run", "server", "backup_id", "target", "started", "before_run")


def _move(value: Mapping[str, Any]) -> Move:
    return Move(str(value["from"]), str(value["to"]), str(value["run"]), value["unproven"] is True)


def paths(record: Record | None) -> list[str]:
    """The paths whose existence decides the meaning of the record."""
    if record is None:
        return []
    return [*(one.target for one in (*record.moves, *record.kept)), *paths(record.previous)]


def standing(record: Record, exists: Collection[str]) -> Standing:
    """The meaning of the record, if of its paths() only those exist."""
    own = tuple(one for one in record.moves if one.target in exists)
    moved = (*(one for one in record.kept if one.target in exists), *own)
    if record.phase in (Phase.PROVEN, Phase.FINISHED):
        content, run, untouched = Content.PROVEN, record.run, False
    elif record.phase is Phase.BEGUN or (record.moves and not own):
        content, run, untouched = record.before, record.before_run, True
    else:
        content, run, untouched = Content.UNPROVEN, record.run, False
    data = record.data_directory
    if content is Content.UNPROVEN:
        usable = [one.target for one in moved if one.source == record.data_directory and not one.unproven]
        data = usable[-1] if usable else ""
    return Standing(content, run, moved, untouched, data)


def guarded(record: Record | None) -> bool:
    """Whether the unit must not start: a run is between its stop and its proof, or died there."""
    return record is not None and record.phase in (Phase.BEGUN, Phase.RESTORING)


def plan(current: Record | None, request: Request, exists: Collection[str]) -> RecordPlan:
    """What the event makes of the record. Raises RecordError if it does not fit."""
    event = request.event
    if event is RecordEvent.READ:
        return RecordPlan(current, guarded(current))
    if event is RecordEvent.REMOVE:
        return RecordPlan(None, guard=False)
    if event is RecordEvent.BEGIN:
        record = _begun(current, request, exists)
        return RecordPlan(record, guarded(record))
    if current is None or current.run != request.run:
        raise RecordError(
            "the record of {} is {}, and not of run {}; another run works here, or somebody removed the record".format(
                request.data_directory, "gone" if current is None else f"of run {current.run}", request.run
            )
        )
    if event is RecordEvent.ABANDON:
        kept = current.previous if standing(current, exists).untouched else current
        return RecordPlan(kept, guarded(kept))
    record = replace(current, phase=Phase(event.value))
    return RecordPlan(record, guarded(record))


def _begun(current: Record | None, request: Request, exists: Collection[str]) -> Record:
    if current is not None and current.run == request.run:
        return current
    now = None if current is None else standing(current, exists)
    before = Content.ORIGINAL if now is None else now.content
    previous = None
    if current is not None and now is not None:
        # A run that changed nothing leaves nothing to come back to.
        previous = current.previous if now.untouched else replace(current, previous=None)
    return Record(
        data_directory=request.data_directory,
        service=request.service,
        run=request.run,
        server=request.server,
        backup_id=request.backup_id,
        target=request.target,
        started=request.now,
        phase=Phase.BEGUN,
        moves=tuple(Move(old, new, request.run, before is Content.UNPROVEN) for old, new in request.moves),
        kept=() if now is None else now.moved,
        before=before,
        before_run="" if now is None else now.content_run,
        previous=previous,
    )


def messages(record: Record | None, exists: Collection[str], record_path: str) -> list[str]:
    """What a run reports to its user about what earlier runs left; empty if there is nothing."""
    if record is None:
        return []
    now = standing(record, exists)
    of_run = f"recovery of {record.server} from backup {record.backup_id} (run {record.run}, begun {record.started})"
    lines: list[str] = []
    if now.content is Content.UNPROVEN:
        lines.append(
            "{} contains what a {} restored, complete or not, and nothing has proven it.".format(
                record.data_directory,
                of_run if now.content_run == record.run else f"recovery (run {now.content_run})",
            )
        )
        lines.append(
            f"The data from before it is in {now.data}."
            if now.data
            else "No directory with the data from before it is recorded."
        )
    elif guarded(record):
        lines.append(f"A {of_run} stopped before it changed {record.data_directory}, which is as it was.")
    lines += [
        "What was in {} is in {} now, untouched{}.".format(
            one.source, one.target, " (an unproven restore)" if one.unproven else ""
        )
        for one in now.moved
    ]
    if guarded(record):
        lines.append(f"{record.service} can't be started until a recovery is proven: run it again.")
        if now.content is Content.UNPROVEN and now.data:
            lines.append(
                f"To go back to the data from before it, rename {record.data_directory} to another name and "
                f"{now.data} to {record.data_directory}, and remove {record_path}."
            )
            linked = [one for one in now.moved if not one.unproven and one.source != record.data_directory]
            if linked:
                lines.append(
                    "Its links lead to {}: leave these directories where they are, under these names, and never "
                    "remove them then. What else is in {} is of "
                    "the recovery that failed.".format(
                        " and ".join(one.target for one in linked),
                        " and ".join(dict.fromkeys(one.source for one in linked)),
                    )
                )
        else:
            lines.append(f"To start it with what is in {record.data_directory}, remove {record_path} first.")
    elif lines:
        lines.append(f"This is recorded in {record_path}; remove that file when nobody needs it any more.")
    return lines


def as_result(record: Record | None, exists: Collection[str], record_path: str) -> dict[str, Any]:
    """The module's return values."""
    now = None if record is None else standing(record, exists)
    moved: Sequence[Move] = () if now is None else now.moved
    return {
        "record": None if record is None else record.as_dict(),
        "record_file": record_path,
        "content": Content.ORIGINAL.value if now is None else now.content.value,
        "untouched": now is None or now.untouched,
        "guarded": guarded(record),
        "startable": now is None or now.content is not Content.UNPROVEN,
        "data": None if record is None or now is None else now.data or None,
        "moved_aside": [one.as_dict() for one in moved],
        "messages": messages(record, exists, record_path),
    }
