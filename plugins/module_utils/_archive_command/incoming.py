# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WAL in Barman's incoming directory after archive_command has ended: what Barman also received by streaming is removed.

This module util is private to the collection. Barman does not read the directory of a server without archiver, and its
check fails while something is in it. A segment or a history is removed only if Barman has one of the same name and content from streaming.
A backup label is removed because its content is in the backup. A partial segment is removed because the complete segment of that number is archived,
or one on a later timeline.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._barman.archive import Archive, list_archive
from .._barman.arguments import barman_from
from .._barman.command import Barman
from .._barman.configuration import ServerConfiguration, read
from .._barman.server import Server
from .._host.files import names_in
from .._host.identity import acting_as
from .._host.process import HostError
from .._host.result import Result, ServerOutcome, per_server
from .._host.waiting import Probe, WaitTimeout, wait_for
from .._postgres import wal

_INTERVAL = 2.0


@dataclass(frozen=True)
class IncomingPlan:
    """File names in the incoming directory.

    removable: Barman has the same from streaming, or nothing needs it. awaited: it may still come by streaming.
    lost: it can't come any more, because later WAL has come. different: what came by streaming has another content.
    foreign: no WAL.
    """

    removable: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    different: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


def make_plan(incoming: Sequence[str], streamed: Collection[str], is_same: Callable[[str], bool]) -> IncomingPlan:
    """Sort the incoming directory's file names.

    streamed: the names of the files that came by streaming, partial ones included. is_same: whether both have the same content.
    """
    sorted_names: dict[str, list[str]] = {kind: [] for kind in ("removable", "awaited", "lost", "different", "foreign")}
    names = {file.name for file in map(wal.parse, streamed) if file is not None and file.kind != "backup_label"}
    segments = {file.segment for file in map(wal.parse, streamed) if file is not None and file.segment is not None}
    for name in incoming:
        file = wal.parse(name)
        if name.startswith("."):
            # What put-wal or rsync was writing when it was killed. Barman's check does not count it.
            continue
        if file is None:
            kind = "foreign"
        elif file.kind == "backup_label" or (file.kind == "partial" and _goes_on(file.segment, segments)):
            # A label's content is in the backup.
            kind = "removable"
        elif file.kind != "partial" and file.name in names:
            kind = "removable" if is_same(name) else "different"
        elif file.segment is not None and any(other > file.segment for other in segments):
            kind = "lost"
        else:
            kind = "awaited"
        sorted_names[kind].append(name)
    return IncomingPlan(**{kind: tuple(names) for kind, names in sorted_names.items()})


def _goes_on(partial: wal.Segment | None, streamed: Collection[wal.Segment]) -> bool:
    """Whether a segment that was left partial by a promotion came whole, or on a later timeline, whose segment of that number begins as a copy of it."""
    return partial is not None and any(
        (one.log, one.seg) == (partial.log, partial.seg) and one.timeline >= partial.timeline for one in streamed
    )


def problem_of(server: str, directory: str, plan: IncomingPlan) -> str | None:
    """What is left in the directory and needs a person; None if nothing does."""
    begin = f"server '{server}': in {directory} "
    again = (
        "set barman_wal: [streaming, archiving] for it and deploy, so that Barman archives it. Then remove "
        "archiving again"
    )
    problems = []
    if plan.lost or plan.awaited:
        problems.append(
            begin
            + "is WAL that arrived by archive_command and not by streaming: {}; {}".format(
                ", ".join(plan.lost + plan.awaited), again
            )
        )
    if plan.different:
        problems.append(
            begin
            + (
                "is WAL that differs from the same WAL by streaming: {}; find out which server sent it, and keep it "
                "until "
                "then"
            ).format(", ".join(plan.different))
        )
    if plan.foreign:
        problems.append(begin + f"are files that are not WAL: {', '.join(plan.foreign)}; remove or move them")
    return "\n".join(problems) or None


def prune_servers(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module incoming_wal, one server after the other. Raises HostError."""
    barman = barman_from(params)
    configuration = read(params["config_file"], params["barman_user"])
    servers = [configuration.server(name) for name in params["servers"]]
    outcomes: dict[str, ServerOutcome] = {}
    for server in servers:
        try:
            outcomes[server.name] = clear(barman, server, params["timeout"], check_mode=check_mode)
        except HostError as exc:
            outcomes[server.name] = _outcome(())
            outcomes[server.name].fail(exc, f"server '{server.name}': %s")
    return per_server(outcomes)


def clear(
    barman: Barman,
    server: ServerConfiguration,
    timeout: float,
    *,
    check_mode: bool,
    pause: Callable[[float], None] = time.sleep,
) -> ServerOutcome:
    """Remove what came both ways, and wait for what streaming has not brought yet. Raises HostError."""
    directory = server.directory("incoming_wals_directory")
    if not names_in(directory):
        return _outcome(())
    plans: list[IncomingPlan] = []

    def look() -> Probe:
        plans.append(_look(barman, server, directory))
        newest = ", ".join(plans[-1].awaited)
        return Probe(not plans[-1].awaited or bool(plans[-1].lost), f"streaming has not delivered {newest}")

    problems = []
    try:
        wait_for(f"server '{server.name}'", look, 0 if check_mode else timeout, interval=_INTERVAL, pause=pause)
    except WaitTimeout as exc:
        problems.append(str(exc))
    plan = plans[-1]
    problem = problem_of(server.name, directory, plan)
    if not check_mode:
        _remove(directory, plan.removable, barman.user)
    return _outcome(plan.removable, "\n".join([*problems, problem]) if problem else None)


def _outcome(removed: Sequence[str], error: str | None = None) -> ServerOutcome:
    """removed: the names of the files that were removed, or would be in check mode. error: why others are still there."""
    return ServerOutcome({"removed": list(removed)}, bool(removed), error, "not_pruned" if error else None)


def _look(barman: Barman, server: ServerConfiguration, directory: str) -> IncomingPlan:
    size = Server(barman, server).segment_size
    streamed_in = [server.directory("streaming_wals_directory")]
    # This directory first: what is archived meanwhile is then seen in the other.
    incoming = names_in(directory)
    came = list_archive(server, barman, size, [directory], archived=False, fetch=False)
    streamed = list_archive(server, barman, size, streamed_in)
    names = [str(segment) for segment in streamed.segments]
    names += [f"{segment}.partial" for segment in streamed.partials]
    names += [f"{timeline:08X}.history" for timeline in streamed.histories]
    return make_plan(incoming, names, lambda name: _is_same(name, came, streamed))


def _is_same(name: str, came: Archive, streamed: Archive) -> bool:
    file = wal.parse(name)
    if file is None:
        return False
    if file.segment is None:
        return came.histories[file.timeline] == streamed.histories[file.timeline]
    return came.read(file.segment) == streamed.read(file.segment)


def _remove(directory: str, names: Sequence[str], user: str | None) -> None:
    with acting_as(user):
        for name in names:
            path = os.path.join(directory, name)
            try:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
            except OSError as exc:
                raise HostError(f"{path} can't be removed: {exc.strerror}") from None
