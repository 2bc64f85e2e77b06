# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The placement of a recovery: each directory that it fills is renamed, swapped, created by root, or refused.

This module util is private to the collection.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field

from .._host.paths import is_within
from .._host.system_directories import is_closed
from .destination_state import DestinationDirectory, DestinationState
from .request import MOVE_ASIDE, ExistingAction


@dataclass(frozen=True)
class Placement:
    """renamed: moved aside before the copy. staged: swapped after it. missing: to be created by root.

    emptied: locations of the old server's tablespaces that the backup does not have. Their content is moved aside, because the replay of a CREATE
    TABLESPACE after the backup would fill them.
    """

    problems: list[str] = field(default_factory=list)
    renamed: list[DestinationDirectory] = field(default_factory=list)
    staged: list[DestinationDirectory] = field(default_factory=list)
    missing: list[DestinationDirectory] = field(default_factory=list)
    emptied: list[DestinationDirectory] = field(default_factory=list)
    wal: DestinationDirectory | None = None

    @property
    def swapped(self) -> dict[str, bool]:
        """The staged directories by path: whether the whole directory is renamed."""
        return {**{one.path: not fixed(one) for one in self.staged}, **{one.path: False for one in self.emptied}}

    @property
    def displaced(self) -> list[str]:
        """The directories with old content that the swap moves."""
        paths = [one.path for one in (*self.staged, *self.emptied) if one.own]
        return [*paths, self.wal.path] if self.wal is not None and self.wal.own else paths


def place_all(state: DestinationState, existing: ExistingAction, on_host: str, *, root_creates: bool) -> Placement:
    """Decide for all directories at once, because either all are swapped after the copy, or all renamed before it.

    on_host: " on HOST" for messages, or "". root_creates: a directory that is missing is no problem.
    """
    problems: list[str] = []
    missing: list[DestinationDirectory] = []
    filled: list[DestinationDirectory] = []
    for place in state.directories:
        problem = _unusable(place, state, existing, on_host)
        if problem is not None:
            problems.append(problem)
        elif not place.writable and not place.occupied:
            if root_creates and not place.link and place.kind in ("", "directory"):
                missing.append(place)
            else:
                problems.append(
                    f"'{state.user}' can't write to {place.ancestor or place.path}{on_host}. Create {place.path} "
                    f"there as root, owned by '{state.user}' with mode 0700"
                )
        elif place.occupied or place.others:
            filled.append(place)
            problems += _mounts(place, on_host) if place.occupied else []
    staged = filled if any(fixed(place) for place in filled) else []
    renamed = [] if staged else _outermost(filled)
    for place in staged:
        problems += _swap_problems(place, state, on_host)
    for place in state.leftovers:
        problems += _emptying_problems(place, state, on_host)
    wal = state.wal if state.wal is not None and not is_within(state.directory.path, state.wal.path) else None
    if wal is not None:
        problems += _wal_problems(wal, state, on_host)
    return Placement(
        problems=problems, renamed=renamed, staged=staged, missing=missing, emptied=list(state.leftovers), wal=wal
    )


def _unusable(
    place: DestinationDirectory, state: DestinationState, existing: ExistingAction, on_host: str
) -> str | None:
    """Why a directory can't be the destination, whoever creates it."""
    if place.occupied and (existing != MOVE_ASIDE or place.kind != "directory"):
        return _refused(place, existing, on_host)
    if place.link and place.kind == "":
        return f"{place.path}{on_host} is a symbolic link to a directory that does not exist. Create that directory, or remove the link"
    if not place.writable and not place.occupied and is_closed(place.path):
        return (
            f"{place.path}{on_host} is, or is in, a directory of the system, where '{state.user}' gets no directory. "
            "Restore it to another one: "
            "barman_recover_tablespaces for a tablespace (option tablespaces of the module), "
            "barman_recover_directory for the rest "
            "(option destination)"
        )
    return None


def fixed(place: DestinationDirectory) -> bool:
    """Whether a directory stays, and only its content can be moved."""
    return place.link or place.mount or not place.movable or bool(place.others)


def _outermost(places: Sequence[DestinationDirectory]) -> list[DestinationDirectory]:
    return [one for one in places if not any(one is not other and is_within(other.path, one.path) for other in places)]


def _refused(place: DestinationDirectory, existing: ExistingAction, on_host: str) -> str:
    if existing == MOVE_ASIDE:
        return f"{place.path}{on_host} is {kind_of(place)}: it can't be moved aside"
    return f"{place.path}{on_host} is {kind_of(place)}; it is never overwritten. Move it away, or give 'existing: move_aside'"


def _mounts(place: DestinationDirectory, on_host: str) -> list[str]:
    return [
        f"{mount}{on_host} is mounted below {place.path}, and would stay with the old data. Mount it outside of it; "
        f"for pg_wal, make {mount} a symbolic link to a "
        "directory on that disk"
        for mount in place.mounts
    ]


def _swap_problems(place: DestinationDirectory, state: DestinationState, on_host: str) -> list[str]:
    problems: list[str] = []
    if fixed(place) and not place.writable:
        problems.append(
            f"{place.path}{on_host} can't be moved aside: '{state.user}' can write neither to it nor to "
            f"{posixpath.dirname(place.path)}. Give it to '{state.user}' (chown), or restore it to another directory"
        )
    if fixed(place) and place.stuck:
        problems.append(
            f"{place.stuck.strip()} in {place.path}{on_host} can't be moved by '{state.user}': it belongs to somebody "
            "else, or is immutable (lsattr). Move it out of there, or change that"
        )
    problems += [
        f"{other.path} is below {place.path}{on_host}, whose content is moved aside while it stays. Restore it to "
        "another directory: barman_recover_tablespaces "
        "(option tablespaces of the module)"
        for other in state.directories
        if other is not place and is_within(place.path, other.path)
    ]
    return problems


def _emptying_problems(place: DestinationDirectory, state: DestinationState, on_host: str) -> list[str]:
    what = (
        f"{place.path}{on_host} has a tablespace of the old server that the backup does not have. "
        f"The replay of WAL can fill it, so what is there has to be moved aside"
    )
    if not place.writable:
        return [f"{what}, and '{state.user}' can't write there. Give it to '{state.user}' (chown)"]
    if place.stuck:
        return [f"{what}, and '{state.user}' can't move {place.stuck.strip()}"]
    return []


def _wal_problems(wal: DestinationDirectory, state: DestinationState, on_host: str) -> list[str]:
    remedy = f"Give it to '{state.user}', or another directory as barman_recover_wal_directory (option wal_directory of the module)"
    if wal.kind == "other":
        return [f"pg_wal is a link to {wal.path}{on_host}, which is not a directory. {remedy}"]
    if wal.kind == "unreadable" or not wal.writable:
        return [f"pg_wal is to be in {wal.path}{on_host}, and '{state.user}' can't write there. {remedy}"]
    if wal.stuck:
        return [f"{wal.stuck.strip()} in {wal.path}{on_host} can't be moved by '{state.user}'. {remedy}"]
    inside = [one.path for one in state.directories if is_within(one.path, wal.path) or is_within(wal.path, one.path)]
    if inside:
        return [f"pg_wal is to be in {wal.path}{on_host}, which {inside[0]} shares. {remedy}"]
    return []


def kind_of(place: DestinationDirectory) -> str:
    if place.kind == "unreadable":
        return "a directory that can't be read"
    if place.kind == "other":
        return "not a directory"
    return f"not empty (it has: {place.entries})"
