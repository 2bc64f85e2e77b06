# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A recovery: checked whole before anything is touched, done by Barman, completed, and looked at afterwards.

This module util is private to the collection.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from .._barman.archive import Archive, has_unarchived, read_archive
from .._barman.catalog import Backup, Tablespace, chain, read_backups
from .._barman.command import Barman, BarmanError, Version
from .._barman.configuration import Configuration, ServerConfiguration
from .._barman.current_timeline import find_server_timeline
from .._barman.readable import refuse_unreadable
from .._barman.requirements_record import requirements_of
from .._barman.wal_sizes import copied_paths
from .._host.lock import Held, exclusive
from .._host.paths import normal_path
from .._host.process import HostError, Runner
from .._host.progress import Progress
from .._host.safe_files import temporary_directory, writing_as
from .._postgres import wal
from .._postgres.connection import Connect
from .._postgres.timelines import ServerTimeline
from . import staging_area
from .content import ContentRequest, archive_state, is_current, not_verified, verify_content
from .destination import MARKER, WAL_DIRECTORY, Connection, Destination, LaidDown, Place, Site, State, path_problems
from .destination import aside as aside_name
from .directories_in_use import in_use_problems
from .placement import MOVE_ASIDE, REFUSE, Placement, place_all
from .plan import PlanRequest, make_plan
from .proof import PROOF, PROVEN
from .recovery_plan import PlanError, RecoveryPlan
from .recovery_target import END, IMMEDIATE, RecoveryTarget, TargetError, format_time, parse_target
from .snapshots import (
    PLACE_OPTIONS,
    Instance,
    data_problems,
    instance_arguments,
    instance_from,
    instance_problems,
    mount_problems,
)
from .staging_area import Area
from .swap import Swap
from .wal_verification import short_segments

# PostgreSQL keeps some restored segments and its own files beside what is copied.
_SPARE_BYTES = 128 * 1024 * 1024
# PostgreSQL keeps WAL that it has replayed until a restartpoint removes it: max_wal_size, of which this is the default.
_MAX_WAL_SIZE = 1024 * 1024 * 1024
_PROGRESS_SECONDS = 10.0
_MOST_LISTED = 5
# From this version on Barman copies no WAL after the segment of target_lsn, or of the backup's end for target_immediate.
_STOPS_AT_TARGET = (3, 13, 3)
_SUFFIX = re.compile(r"[A-Za-z0-9-]+\Z")
# What rsync prints of each file, such as "<f+++++++++ PG_VERSION".
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\Z")
_LISTED = re.compile(r"^\s*[<>ch.*][fdLDS][.+?cstpoguax]{9} ")


class RecoverError(HostError):
    """The recovery was refused, or failed; the text says which, and what was left where."""


@dataclass(frozen=True)
class Request:
    """A recovery as it was asked for."""

    server: str
    target: RecoveryTarget
    destination: Destination
    backup_id: str = "auto"
    target_action: str = "promote"
    existing: str = REFUSE
    standby: bool = False
    jobs: int | None = None
    bandwidth_limit: int | None = None
    network_compression: bool | None = None
    staging_path: str | None = None
    staging_location: str | None = None
    instance: Instance | None = None
    # Tablespaces that the destination does not name go below this directory.
    tablespace_directory: str | None = None
    # Where pg_wal is a link to; None for where the one at the destination leads.
    wal_directory: str | None = None
    # A missing directory is created by root before the real run.
    root_creates: bool = False
    content: ContentRequest = field(default_factory=ContentRequest)
    # Whether to look at the destination, and the end of the names that directories are moved aside to.
    inspect: bool = True
    aside_suffix: str | None = None
    # Whether to find out what the server requires of its host, in check mode.
    requirements: bool = False


@dataclass
class Outcome:
    """What a recovery did, or would do. recovery: what the module returns. destination: what was found there."""

    changed: bool
    recovery: dict[str, Any]
    moved_aside: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    destination: dict[str, Any] = field(default_factory=dict)


def request_from(params: Mapping[str, Any]) -> Request:
    """Read the module's options. Raises RecoverError with every problem in them."""
    problems: list[str] = []
    target = RecoveryTarget(END)
    try:
        target = parse_target(params)
    except TargetError as exc:
        problems += str(exc).splitlines()
    destination = Destination(
        directory=normal_path(params["destination"]),
        host=params.get("remote_host"),
        user=params.get("remote_user") or "postgres",
        port=params.get("remote_port"),
        ssh_options=tuple(params.get("ssh_options") or ()),
        tablespaces=dict(params.get("tablespaces") or {}),
    )
    problems += destination.problems()
    below = params.get("tablespace_directory")
    if below is not None:
        below = normal_path(below)
        problems += path_problems("tablespace_directory", below)
    wal_directory = params.get("wal_directory")
    if wal_directory is not None:
        wal_directory = normal_path(wal_directory)
        problems += path_problems("wal_directory", wal_directory)
    instance, wrong = instance_from(params)
    problems += wrong
    if params.get("staging_location") == staging_area.REMOTE and destination.host is None:
        problems.append(
            "barman_recover_staging_location (option staging_location of the module): remote is the host to recover to, "
            "and the recovery is to a directory of this host. Write local"
        )
    if params.get("standby_mode") and target.kind != END:
        problems.append("standby_mode: a standby goes on for ever, so it can't have a target")
    for option in ("jobs", "bandwidth_limit"):
        value = params.get(option)
        if value is not None and value < 1:
            problems.append("%s: %s is not a positive number" % (option, value))
    suffix = params.get("aside_suffix")
    if suffix is not None and not _SUFFIX.match(suffix):
        problems.append("aside_suffix: '%s' has other characters than letters, digits and hyphens" % suffix)
    if problems:
        raise RecoverError("\n".join(problems))
    return Request(
        server=params["server"],
        target=target,
        destination=destination,
        backup_id=params.get("backup_id") or "auto",
        target_action=params.get("target_action") or "promote",
        existing=params.get("existing") or REFUSE,
        standby=bool(params.get("standby_mode")),
        jobs=params.get("jobs"),
        bandwidth_limit=params.get("bandwidth_limit"),
        network_compression=params.get("network_compression"),
        staging_path=params.get("staging_path"),
        staging_location=params.get("staging_location"),
        instance=instance,
        tablespace_directory=below,
        wal_directory=wal_directory,
        root_creates=bool(params.get("root_creates_directories")),
        content=ContentRequest.from_params(params),
        inspect=params.get("inspect") is not False,
        aside_suffix=params.get("aside_suffix"),
        requirements=bool(params.get("requirements")),
    )


def tablespace_location(tablespace: Tablespace, request: Request) -> str:
    """Where a tablespace is restored to: its own entry, a subdirectory of tablespace_directory, or where it was."""
    if tablespace.name in request.destination.tablespaces:
        return request.destination.tablespaces[tablespace.name]
    if request.tablespace_directory is None:
        return tablespace.location
    # A name may have any character, and Barman's shell commands take few.
    name = tablespace.name if _PLAIN_NAME.match(tablespace.name) else str(tablespace.oid)
    return posixpath.join(request.tablespace_directory, name)


def recover_arguments(
    request: Request,
    plan: RecoveryPlan,
    version: Callable[[], Version],
    ssh_options: tuple[str, ...] = (),
    area: Area | None = None,
) -> list[str]:
    """The arguments of "barman recover" (which newer versions call "restore", too)."""
    target = plan.target
    arguments = ["recover", "--no-get-wal"]
    if not request.standby:
        # Without it PostgreSQL follows the newest timeline, whether Barman copied its WAL or not.
        arguments += ["--target-tli", plan.target_timeline, "--target-action", request.target_action]
    if target.kind == "immediate":
        arguments.append("--target-immediate")
    elif target.kind != END:
        arguments += ["--target-%s" % target.kind, str(target.value)]
    if not target.inclusive:
        arguments.append("--exclusive")
    if request.standby:
        arguments.append("--standby-mode")
    for name, location in sorted(request.destination.tablespaces.items()):
        arguments += ["--tablespace", "%s:%s" % (name, location)]
    if request.destination.host is not None:
        arguments += ["--remote-ssh-command", shlex.join(request.destination.ssh(*ssh_options))]
    if request.jobs is not None:
        arguments += ["--jobs", str(request.jobs)]
    if request.bandwidth_limit is not None:
        arguments += ["--bwlimit", str(request.bandwidth_limit)]
    if request.network_compression is not None and request.destination.host is not None:
        arguments.append("--network-compression" if request.network_compression else "--no-network-compression")
    if area is not None:
        arguments += staging_area.arguments(area, plan.backup, version())
    if plan.backup.snapshots is not None and request.instance is not None:
        arguments += instance_arguments(plan.backup.snapshots, request.instance, version())
    return [*arguments, request.server, plan.backup.backup_id, request.destination.directory]


def backup_bytes(backup: Backup, server: ServerConfiguration) -> tuple[int, dict[int, int]]:
    """The bytes of a backup's data directory, and of each of its tablespaces, when they are laid down.

    Those of snapshots are there before.
    """
    if backup.snapshots is not None:
        return 0, {}
    base = os.path.join(server.directory("basebackups_directory"), backup.backup_id)
    whole = max(backup.size or 0, backup.cluster_size or 0)
    if staging_area.needs_area(backup):
        return whole, {}
    data = _tree_bytes(os.path.join(base, "data"))
    if data == 0:
        return whole, {}
    return data, {one.oid: _tree_bytes(os.path.join(base, str(one.oid))) for one in backup.tablespaces}


def _tree_bytes(path: str) -> int:
    total = 0
    for directory, dummy, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(directory, name)).st_size
            except FileNotFoundError:
                continue
    return total


class Recovery:
    """One recovery, step by step: prepare() proves and changes nothing, run() does it."""

    def __init__(
        self,
        request: Request,
        barman: Barman,
        configuration: Configuration,
        runner: Runner,
        clock: Callable[[], float] = time.time,
        list_archive: Callable[[ServerConfiguration, Barman, int], Archive] = read_archive,
        list_backups: Callable[[ServerConfiguration], list[Backup]] = read_backups,
        connect: Connect | None = None,
        readable: Callable[..., None] = refuse_unreadable,
    ) -> None:
        self._request = request
        self._barman = barman
        self._server = configuration.server(request.server)
        self._home = configuration.home
        self._runner = runner
        self._clock = clock
        self._list_archive = list_archive
        self._list_backups = list_backups
        self._connect = connect
        self._readable = readable
        self._connection = Connection(request.destination, runner, barman.user)
        self._site = Site(request.destination, runner, barman.user)
        self._owner = barman.user if os.geteuid() == 0 else None
        self._progress = Progress(configuration.home, "recover", request.server, self._owner, clock)
        self._warnings: list[str] = []
        self._area: Area | None = None
        self._others: list[Backup] = []
        self._backups: list[Backup] = []
        self._telling = False
        self._looked = 0.0

    def execute(self, check_mode: bool) -> Outcome:
        """Do the recovery, or in check mode everything but that. Raises HostError."""
        try:
            with self._connection:
                return self._execute(check_mode)
        finally:
            self._progress.close()

    def _tell(self, phase: str, done: int, total: int) -> None:
        if self._telling:
            self._progress.update(phase, segments_done=done, segments_total=total)

    def _execute(self, check_mode: bool) -> Outcome:
        self._telling = not check_mode
        if not check_mode and not self._request.inspect:
            raise RecoverError("inspect: false is for check mode only; a recovery looks at its destination")
        self._check_own_directories()
        self._tell("planning", 0, 0)
        if not check_mode and not self._server.passive:
            self._archive_received()
        backups = self._backups = self._list_backups(self._server)
        size = next((one.segment_size for one in reversed(backups) if one.copied), wal.DEFAULT_SEGMENT_SIZE)
        archive = self._list_archive(self._server, self._barman, size)
        plan = self._plan(backups, archive)
        data, tablespaces = backup_bytes(plan.backup, self._server)
        wal_bytes = self._wal_bytes(archive, plan)
        site = self._with_all_tablespaces(plan)
        with contextlib.ExitStack() as locks:
            if not check_mode:
                self._lock(locks, site.destination)
            return self._into(site, plan, archive, check_mode, data, tablespaces, wal_bytes)

    def _lock(self, locks: contextlib.ExitStack, destination: Destination) -> None:
        """Hold each directory that is filled against another recovery on this host, whatever server it is of."""
        for path in sorted({destination.directory, *destination.tablespaces.values()}):
            place = normal_path(path) if destination.host else os.path.realpath(path)
            where = place if destination.host is None else "%s on %s" % (place, destination.host)
            try:
                locks.enter_context(exclusive(self._home, "recover %s" % where, self._owner))
            except Held as exc:
                raise RecoverError(
                    "destination: another recovery into %s is running on this host (process %s). Nothing was changed; "
                    "wait for its end" % (where, "unknown" if exc.pid is None else exc.pid)
                ) from None

    def _into(
        self,
        site: Site,
        plan: RecoveryPlan,
        archive: Archive,
        check_mode: bool,
        data: int,
        tablespaces: Mapping[int, int],
        wal_bytes: int,
    ) -> Outcome:
        facts = self._facts(plan, data + sum(tablespaces.values()), wal_bytes)
        if not self._request.inspect:
            facts["wal_directory"] = self._request.wal_directory
            facts["verified"] = self._verify_content(plan, archive)
            facts["created_tablespaces"] = _created(facts)
            facts["requirements"] = self._requirements(plan, facts["verified"])
            return Outcome(True, facts, [], self._warnings, {})
        state = site.inspect(plan.backup.major_version or 0, self._request.wal_directory)
        if self._is_there(plan, archive, state):
            told = dict(state.marker or {}).get("recovery")
            found = told if isinstance(told, dict) else facts
            return Outcome(False, found, [], self._warnings, _destination_facts(state, Placement()))
        if plan.backup.snapshots is None:
            placement = self._check_destination(plan.backup, state, check_mode)
        else:
            placement = Placement()
            self._check_disks(plan.backup, state)
        packed = plan.backup.size or 0 if self._area is not None and not self._area.local else 0
        self._check_space(plan, state, data + wal_bytes + packed, tablespaces)
        facts["verified"] = self._verify_content(plan, archive)
        facts["created_tablespaces"] = _created(facts)
        self._check_created(facts["created_tablespaces"], plan.backup, state)
        facts["requirements"] = self._requirements(plan, facts["verified"]) if check_mode else None
        stamp = self._stamp()
        swap = Swap(
            site.destination,
            placement.swapped,
            stamp,
            plan.backup.major_version or 0,
            None if placement.wal is None else placement.wal.path,
        )
        facts["wal_directory"] = swap.wal_directory
        found_there = _destination_facts(state, placement)
        moved: list[dict[str, str]] = []
        if check_mode:
            moved = [{"from": one.path, "to": aside_name(one.path, stamp)} for one in placement.renamed]
            moved += [{"from": path, "to": swap.aside(path)} for path in placement.displaced]
            return Outcome(True, facts, moved, self._warnings, found_there)
        try:
            if placement.renamed:
                moved = self._site.move_aside(placement.renamed, stamp)
            recovery = self._run(plan, archive, facts, swap, moved)
        except HostError as exc:
            raise RecoverError(str(exc) + _moved_text(moved)) from None
        return Outcome(True, recovery, moved, self._warnings, found_there)

    # Before anything is touched

    def _check_own_directories(self) -> None:
        request = self._request
        if request.destination.host is not None:
            return
        backups = self._server.directory("backup_directory")
        home, real_backups = os.path.realpath(self._home), os.path.realpath(backups)
        problems: list[str] = []
        for option, directory in [
            ("destination", request.destination.directory),
            *[("tablespaces: %s" % name, path) for name, path in sorted(request.destination.tablespaces.items())],
            *[
                (option, path)
                for option, path in [
                    ("tablespace_directory", request.tablespace_directory),
                    ("wal_directory", request.wal_directory),
                ]
                if path is not None
            ],
        ]:
            # A symbolic link on the way must not hide where it leads.
            real = os.path.realpath(directory)
            if _within(real, home) or _within(real, real_backups) or _within(real_backups, real):
                problems.append(
                    "%s: %s is where Barman keeps its own files (%s, %s); give another directory"
                    % (option, directory, self._home, backups)
                )
        if problems:
            raise RecoverError("\n".join(problems))

    def _archive_received(self) -> None:
        """Have Barman archive what was received already: it only copies what it has archived."""
        if not has_unarchived(self._server):
            return
        reply = self._barman.json("archive-wal", self._request.server, timeout=3600)
        if not reply.ok:
            raise BarmanError("'barman archive-wal %s' failed: %s" % (self._request.server, reply.reason), reply)

    def _plan(self, backups: Sequence[Backup], archive: Archive) -> RecoveryPlan:
        request = self._request
        now = datetime.fromtimestamp(self._clock(), timezone.utc)
        of_snapshots = request.instance is not None

        def server_timeline() -> ServerTimeline | None:
            return find_server_timeline(self._server, archive, backups, self._barman.user, self._connect)

        try:
            plan = make_plan(
                PlanRequest(
                    request.server,
                    request.target,
                    request.backup_id,
                    of_snapshots,
                    now,
                    server_timeline,
                    self._tell,
                ),
                backups,
                archive,
            )
        except HostError as exc:
            damaged = list(short_segments(sorted(archive.segments), archive).values())
            if not damaged:
                raise
            raise PlanError("%s. There is damaged WAL: %s" % (exc, "; ".join(damaged[:_MOST_LISTED]))) from None
        self._others = [one for one in backups if one.snapshots is not None and one.copied and one != plan.backup]
        configured = {option: self._server.get(option) for option in (*PLACE_OPTIONS.values(), "snapshot_zone")}
        problems = instance_problems(plan.backup.backup_id, plan.backup.snapshots, request.instance, configured)
        if plan.backup.backup_type == "snapshot" and plan.backup.snapshots is None:
            problems = ["backup %s is of snapshots, and Barman has noted none" % plan.backup.backup_id]
        if plan.backup.snapshots is not None and request.destination.tablespaces:
            problems.append(
                "tablespaces: backup %s is of snapshots, and a tablespace stays where it was on its disk; leave it out"
                % plan.backup.backup_id
            )
        if request.standby and plan.timeline != plan.backup.timeline:
            problems.append(
                "standby_mode: backup %s is on timeline %s and the server on %d by now; take a new backup for a standby"
                % (plan.backup.backup_id, plan.backup.timeline, plan.timeline)
            )
        names = [one.name for one in plan.backup.tablespaces]
        for name in sorted(set(request.destination.tablespaces) - set(names)):
            problems.append(
                "tablespaces (playbook: barman_recover_tablespaces): backup %s has no tablespace '%s'; it has: %s"
                % (plan.backup.backup_id, name, ", ".join(names) or "none")
            )
        if staging_area.needs_area(plan.backup):
            self._area = self._find_area(plan.backup, backups)
            problems += [
                "backup %s: %s" % (plan.backup.backup_id, text)
                for text in staging_area.missing_here(self._area, self._server, plan.backup.major_version)
            ]
        if problems:
            raise RecoverError("\n".join(problems))
        if request.target.kind == END and not request.standby:
            # The last record is the target: PostgreSQL then proves that it came there, it can pause there, and Barman
            # before 3.12 recovers on the backup's own timeline, without a new one, where no target is given.
            plan = _end_as_lsn(plan)
        self._warnings += plan.warnings
        if self._server.passive:
            self._warnings.append(
                "server '%s' is passive on this host: what its own backup server had not archived, or had not sent here, is not in the recovery. "
                "Everything after this is lost: %s" % (request.server, plan.end)
            )
        return plan

    def _find_area(self, backup: Backup, backups: Sequence[Backup]) -> Area:
        request = self._request
        return staging_area.find_area(
            chain(backups, backup),
            self._server,
            self._barman.version,
            request.destination.directory,
            request.destination.host is not None,
            request.staging_path,
            request.staging_location,
        )

    def _with_all_tablespaces(self, plan: RecoveryPlan) -> Site:
        """The site, with every tablespace of the backup: those that are not relocated go where they were."""
        there = self._request.destination
        locations = {one.name: tablespace_location(one, self._request) for one in plan.backup.tablespaces}
        self._site = Site(
            Destination(there.directory, there.host, there.user, there.port, there.ssh_options, locations),
            self._runner,
            self._barman.user,
            self._connection.options(),
        )
        return self._site

    def _verify_content(self, plan: RecoveryPlan, archive: Archive) -> dict[str, Any]:
        """What was verified of the backup and the WAL. Raises HostError if it is damaged, or Barman's user can't read it."""
        copied = self._copied_paths(plan)
        # Barman archives what it received once a minute, and moves it: what has moved is looked for again.
        if not all(os.path.exists(path) for path in _paths(plan, archive)):
            archive = self._list_archive(self._server, self._barman, plan.segment_size)
        self._readable(
            plan.server,
            chain(self._backups, plan.backup),
            self._server.directory("basebackups_directory"),
            sorted({*_paths(plan, archive), *copied}),
            self._barman.user,
        )
        found = verify_content(
            self._request.content,
            plan,
            archive,
            self._backups,
            self._server,
            to_the_end=self._request.target.kind == END,
            tell=self._tell,
        )
        self._warnings += ["server '%s': %s" % (plan.server, text) for text in not_verified(found)]
        return found

    def _copied_paths(self, plan: RecoveryPlan) -> list[str]:
        """The archived WAL files that Barman copies. Raises RecoverError if one is gone: Barman would fail after PostgreSQL was stopped."""
        copied = copied_paths(self._server, plan.first, plan.timeline)
        stops = plan.target.kind in ("lsn", IMMEDIATE)
        if stops and not all(map(os.path.lexists, copied)) and self._barman.version >= _STOPS_AT_TARGET:
            copied = copied_paths(self._server, plan.first, plan.timeline, plan.last)
        gone = [os.path.basename(path) for path in copied if not os.path.lexists(path)]
        if gone:
            more = "" if len(gone) <= _MOST_LISTED else " and %d more" % (len(gone) - _MOST_LISTED)
            raise RecoverError(
                "server '%s': WAL files are missing that Barman has in xlog.db: %s%s. Barman would copy them, and fail. Put them back, or have Barman list "
                "again what there is: barman rebuild-xlogdb %s%s. Nothing was changed"
                % (
                    plan.server,
                    ", ".join(gone[:_MOST_LISTED]),
                    more,
                    plan.server,
                    "" if stops else ". Or give the target as a position (barman_recover_target_lsn)",
                )
            )
        return copied

    def _requirements(self, plan: RecoveryPlan, verified: Mapping[str, Any]) -> dict[str, Any] | None:
        """For the comparison with the host to recover to; None if that was not requested."""
        if not self._request.requirements:
            return None
        managers = verified["wal"].get("resource_managers") if verified["wal"]["status"] == "verified" else None
        return requirements_of(self._home, self._server, plan.backup, self._barman.user, self._connect, managers)

    def _is_there(self, plan: RecoveryPlan, archive: Archive, state: State) -> bool:
        """Whether the destination holds exactly this recovery, nothing has promoted it, and no proof of it failed."""
        return (
            state.marker is not None
            and state.marker.get("identity") == self._identity(plan)
            and state.marker.get(PROOF) in (None, PROVEN)
            and is_current(state.marker.get("archive"), plan, archive)
            and state.signal == ("standby" if self._request.standby else "recovery")
            and state.running is None
        )

    def _identity(self, plan: RecoveryPlan) -> str:
        return "%s %s %s" % (plan.identity, self._request.target_action, "standby" if self._request.standby else "")

    def _check_destination(self, backup: Backup, state: State, check_mode: bool) -> Placement:
        """What is done with each directory. Raises RecoverError with everything that is in the way.

        In check mode a server may still run in what is to be moved aside: whoever stops it wants to know before.
        """
        where = self._request.destination.where
        on_host = "" if self._request.destination.host is None else " on %s" % self._request.destination.host
        if state.running is not None:
            runs = "a PostgreSQL server runs in %s (process %d)" % (where, state.running)
            if not check_mode or self._request.existing != MOVE_ASIDE:
                raise RecoverError("destination: %s. It is not touched; stop it first" % runs)
            self._warnings.append("%s; the recovery is refused until it is stopped" % runs)
        problems: list[str] = []
        if not state.rsync:
            problems.append(
                "the program rsync, which Barman copies with, is not installed%s" % (on_host or " on this host")
            )
        if self._area is not None and not self._area.local:
            problems += staging_area.missing_there(self._area, state.programs, on_host.strip(), state.user)
        placement = place_all(
            state, self._request.existing, on_host, root_creates=check_mode and self._request.root_creates
        )
        problems += placement.problems
        filled: list[tuple[str, int | None]] = [(one.real, None) for one in (state.place, state.wal) if one is not None]
        filled += [(one.real, backup.major_version) for one in (*state.tablespaces.values(), *state.leftovers)]
        problems += in_use_problems(state.used, state.place.real, filled, on_host)
        if problems:
            raise RecoverError("\n".join("destination: %s" % problem for problem in problems))
        return placement

    def _check_created(self, locations: Sequence[str], backup: Backup, state: State) -> None:
        """Raises RecoverError if the replay would fill the tablespace of another server that runs."""
        on_host = "" if self._request.destination.host is None else " on %s" % self._request.destination.host
        filled = [(path, backup.major_version) for path in locations]
        problems = in_use_problems(state.used, state.place.real, filled, on_host)
        if problems:
            raise RecoverError(
                "\n".join(
                    "destination: the WAL up to the target creates a tablespace there: %s" % text for text in problems
                )
            )

    def _check_disks(self, backup: Backup, state: State) -> None:
        """Raises RecoverError where the disks made from the backup's snapshots are not there, or not as they were.

        Whether the provider says the same of them Barman asks first thing.
        """
        there = self._request.destination
        on_host = "" if there.host is None else " on %s" % there.host
        problems: list[str] = []
        if state.running is not None:
            problems.append(
                "a PostgreSQL server runs in %s (process %d); stop it, and mount disks that are as the snapshots were: one from "
                "which a server was started can't be used" % (there.where, state.running)
            )
        if not state.rsync:
            problems.append(
                "the program rsync, which Barman copies with, is not installed%s" % (on_host or " on this host")
            )
        if backup.snapshots is not None:
            points = [disk.mount_point or "" for disk in backup.snapshots.disks]
            problems += mount_problems(backup.snapshots, self._site.mounted(points), on_host)
        if state.version is None:
            problems.append("%s is no data directory; mount the disks made from the snapshots" % there.where)
        elif state.version != str(backup.major_version):
            problems.append("%s is of PostgreSQL %s, and not %s" % (there.where, state.version, backup.major_version))
        elif state.running is None and state.control is None:
            problems.append("the file global/pg_control can't be read in %s as '%s'" % (there.where, state.user))
        elif state.running is None and state.control is not None:
            control = state.control
            wrong = data_problems(control, backup.begin_lsn, backup.end_lsn, backup.systemid)
            other = [
                one.backup_id
                for one in self._others
                if not data_problems(control, one.begin_lsn, one.end_lsn, one.systemid)
            ]
            of_other = ". It is of backup %s: give that as backup_id" % other[-1] if other else ""
            problems += [
                "%s is not what the snapshots of backup %s hold: %s%s" % (there.where, backup.backup_id, text, of_other)
                for text in wrong
            ]
        if not state.place.writable:
            problems.append("'%s' can't write to %s" % (state.user, there.where))
        if problems:
            raise RecoverError("\n".join("destination: %s" % problem for problem in problems))

    def _check_space(self, plan: RecoveryPlan, state: State, main: int, tablespaces: Mapping[int, int]) -> None:
        oids = {one.name: one.oid for one in plan.backup.tablespaces}
        needed: dict[str, tuple[int, Place]] = {}
        replayed = max(_SPARE_BYTES, min(len(plan.segments) * plan.segment_size, _MAX_WAL_SIZE))
        for place, size in [
            (state.place, main + (replayed if state.wal is None else _SPARE_BYTES)),
            *[(place, tablespaces.get(oids[name], 0)) for name, place in state.tablespaces.items()],
            *([(state.wal, replayed)] if state.wal is not None else []),
        ]:
            before = needed.get(place.device, (0, place))[0]
            needed[place.device] = before + size, place
        problems = [
            "destination: the file system of %s has %s free, and the recovery needs %s"
            % (place.path, human(place.free), human(size))
            for size, place in needed.values()
            if place.free is not None and place.free < size
        ]
        if self._area is not None:
            here = self._request.destination.directory if self._request.destination.host is None else None
            room = staging_area.missing_room(self._area, backup_bytes(plan.backup, self._server)[0], here, human)
            problems += ["staging_path: %s" % room] if room else []
        if problems:
            raise RecoverError("\n".join(problems))

    def _wal_bytes(self, archive: Archive, plan: RecoveryPlan) -> int:
        """Barman copies everything from the backup's begin on, up to the timeline, whatever the target is."""
        first = str(plan.first)
        count = sum(1 for one in archive.segments if one.timeline <= plan.timeline and str(one) >= first)
        return (count + (plan.partial is not None)) * plan.segment_size

    # The recovery itself

    def _run(
        self, plan: RecoveryPlan, archive: Archive, facts: dict[str, Any], swap: Swap, moved: list[dict[str, str]]
    ) -> dict[str, Any]:
        """Copy, complete, swap. What the swap moves aside is added to moved."""
        request = replace(self._request, destination=self._barmans_destination(plan.backup, swap))
        final = self._site
        if swap.staged:
            self._site = Site(swap.restored_to, self._runner, self._barman.user, self._connection.options())
        total = facts["bytes"]
        started = self._clock()

        def tick() -> None:
            now = self._clock()
            if now - self._looked >= _PROGRESS_SECONDS:
                # A disk made from a snapshot is full of what was never copied.
                done = None if plan.backup.snapshots is not None else self._size()
                self._progress.update("copying", bytes_done=done, bytes_total=total)
                self._looked = self._clock()

        self._looked = started
        self._progress.update("copying", bytes_done=0, bytes_total=total)
        try:
            jobs = request.jobs or int(self._server.get("parallel_jobs") or 1)
            options = self._connection.barman_options(jobs)
            with staging_area.made(self._area, self._barman.user) as area:
                reply = self._barman.json(
                    *recover_arguments(request, plan, lambda: self._barman.version, options, area),
                    tick=tick,
                    die_with_parent=True,
                )
            if not reply.ok:
                raise BarmanError("Barman could not recover: %s" % _without_listing(reply.reason), reply)
            if plan.backup.snapshots is not None:
                self._site.clear_runtime()
            self._site.close_tablespaces()
            if not request.standby:
                self._site.no_standby()
            self._progress.update("completing the WAL", bytes_done=total, bytes_total=total)
            directory = "pg_wal" if request.standby else WAL_DIRECTORY
            partial = self._complete_wal(plan, archive, directory)
            laid = self._site.laid_down(directory)
            self._verify(plan, laid)
            if swap.needed:
                renamed = {one["from"]: one["to"] for one in moved}
                moved += swap.carry_out(final, renamed.get(final.destination.directory))
                self._site = final
                laid = self._site.laid_down(directory)
        except HostError as exc:
            raise RecoverError("%s%s%s" % (exc, self._left_text(plan.backup), _wal_text(swap))) from None
        duration = self._clock() - started
        recovery = {
            **facts,
            "partial_segment": partial,
            "duration": round(duration, 2),
            "throughput": round(total / duration) if duration > 0 else None,
            "restore_command": laid.settings.get("restore_command"),
            "settings": dict(laid.settings),
            "changes": _changes(reply.data.get("changes")),
            "config_files_missing": list(laid.missing_files),
            "finished": format_time(datetime.fromtimestamp(self._clock(), timezone.utc)),
        }
        # The files that Barman misses are in the answer; where they are outside of the data directory it is no trouble.
        self._warnings += [line for line in reply.warnings if "missing_files" not in line]
        self._site.write_marker(
            {
                "identity": self._identity(plan),
                "archive": archive_state(plan, archive),
                "recovery": recovery,
            }
        )
        return recovery

    def _barmans_destination(self, backup: Backup, swap: Swap) -> Destination:
        """What Barman is given: the tablespaces that do not go where they were are named."""
        there = swap.restored_to
        was = {one.name: one.location for one in backup.tablespaces}
        if backup.snapshots is not None:
            return self._request.destination
        return replace(there, tablespaces={name: to for name, to in there.tablespaces.items() if to != was.get(name)})

    def _size(self) -> int:
        try:
            return self._site.size()
        except (HostError, OSError):
            # Only the progress is missing then; if the host is gone, the copy fails by itself.
            return 0

    def _complete_wal(self, plan: RecoveryPlan, archive: Archive, directory: str) -> dict[str, Any] | None:
        """Give the recovery what it needs and Barman did not copy: the partial segment above all."""
        there = self._site.laid_down(directory).wal
        missing = [one for one in plan.segments if there.get(str(one)) != plan.segment_size]
        if missing:
            with temporary_directory("pgdr-recover-", self._barman.user) as staging:
                paths: list[str] = []
                for segment in missing:
                    path = os.path.join(staging, str(segment))
                    data = archive.read(segment)
                    # The one that is being received is short, and PostgreSQL refuses it so. Another one is damaged.
                    if len(data) > plan.segment_size or (len(data) < plan.segment_size and segment in archive.segments):
                        raise RecoverError(
                            "WAL segment %s of server '%s' is damaged (%s): it has %d bytes, and a WAL segment has %d"
                            % (segment, plan.server, archive.path(segment), len(data), plan.segment_size)
                        )
                    with writing_as(self._barman.user, path), open(path, "xb") as stream:
                        stream.write(data.ljust(plan.segment_size, b"\0"))
                    paths.append(path)
                completed = self._site.copy_in(paths, directory)
                if not completed.ok:
                    raise RecoverError(
                        "the WAL segments %s could not be copied to %s: %s"
                        % (", ".join(str(one) for one in missing), self._request.destination.where, completed.text)
                    )
        if plan.partial is None:
            return None
        return {"name": str(plan.partial), "end_lsn": plan.end.as_dict()["lsn"], "bytes": plan.segment_size}

    def _verify(self, plan: RecoveryPlan, laid: LaidDown) -> None:
        """Look whether everything that a start needs is there. Raises RecoverError with all that is not."""
        request = self._request
        problems: list[str] = []
        if laid.version != str(plan.backup.major_version):
            problems.append("PG_VERSION is %s and not %s" % (laid.version, plan.backup.major_version))
        if not laid.backup_label:
            problems.append("the file backup_label is missing")
        if not laid.pg_control:
            problems.append("the file global/pg_control is missing")
        signal = "standby" if request.standby else "recovery"
        if laid.signal != signal:
            problems.append("the file %s.signal is missing" % signal)
        for name, value in self._expected_settings(plan).items():
            found = laid.settings.get(name)
            if found != value:
                problems.append("the setting %s is %s and not %s" % (name, found, value))
        missing = [str(one) for one in plan.segments if laid.wal.get(str(one)) != plan.segment_size]
        if missing:
            problems.append("WAL segments are missing or not whole: %s" % ", ".join(missing))
        if problems:
            raise RecoverError(
                "Barman said that it succeeded, but what it laid down is not right: %s" % "; ".join(problems)
            )

    def _expected_settings(self, plan: RecoveryPlan) -> dict[str, str]:
        if self._request.standby:
            return {}
        expected = {"recovery_target_timeline": plan.target_timeline}
        if plan.target.kind == "immediate":
            expected["recovery_target"] = "immediate"
        elif plan.target.kind in ("xid", "lsn", "name"):
            expected["recovery_target_%s" % plan.target.kind] = str(plan.target.value)
        return expected

    # What is returned

    def _facts(self, plan: RecoveryPlan, data_bytes: int, wal_bytes: int) -> dict[str, Any]:
        request = self._request
        backup = plan.backup
        return {
            "server": request.server,
            "backup_id": backup.backup_id,
            "backup_name": backup.name,
            "backup_end_time": format_time(backup.end_time),
            "system_identifier": backup.systemid,
            "postgres_version": backup.major_version,
            "destination": request.destination.directory,
            "host": request.destination.host,
            "target": request.target.as_dict(),
            "target_action": request.target_action,
            "timeline": plan.timeline,
            "timelines": [part.timeline for part in plan.history if part.timeline >= (backup.timeline or 1)],
            "begin_wal": str(plan.first),
            "end_wal": str(plan.last),
            "segments": len(plan.segments),
            "stop_lsn": None if plan.stop_lsn is None else wal.format_lsn(plan.stop_lsn),
            "reached": plan.reached.as_dict(),
            "last_recoverable": plan.end.as_dict(),
            "restore_points": [
                {"time": format_time(one.time), "lsn": wal.format_lsn(one.lsn), "taken": one.lsn == plan.stop_lsn}
                for one in plan.restore_points
            ],
            "snapshots": None if backup.snapshots is None else backup.snapshots.as_dict(),
            "passive": self._server.passive,
            "left_behind": list(plan.left_behind),
            "standby": request.standby,
            "partial_segment": None if plan.partial is None else {"name": str(plan.partial)},
            "tablespaces": dict(self._site.destination.tablespaces),
            "tablespace_origins": {one.name: one.location for one in backup.tablespaces},
            "bytes": data_bytes + wal_bytes,
            "backup_bytes": data_bytes,
            "wal_bytes": wal_bytes,
        }

    def _stamp(self) -> str:
        if self._request.aside_suffix is not None:
            return self._request.aside_suffix
        return datetime.fromtimestamp(self._clock(), timezone.utc).strftime("%Y%m%dT%H%M%SZ")

    def _left_text(self, backup: Backup) -> str:
        where = self._site.destination.where
        if backup.snapshots is not None:
            return (
                ". The disks at %s are as the snapshots were, but for what was copied until then: start no server, and run it again"
                % where
            )
        if self._site.disable():
            return ". What was copied until then is left in %s; no server can be started from it" % where
        return ". What was copied until then is left in %s: don't start a server from it" % where


def _paths(plan: RecoveryPlan, archive: Archive) -> list[str]:
    """Where the WAL is that the recovery reads. Raises RecoverError if a segment is gone since the plan was made."""
    found: list[str] = []
    for one in plan.segments:
        path = archive.segments.get(one) or archive.partials.get(one)
        if path is None:
            raise RecoverError(
                "server '%s': WAL segment %s is gone since the plan was made. Run it again" % (plan.server, one)
            )
        found.append(path)
    return found


def _end_as_lsn(plan: RecoveryPlan) -> RecoveryPlan:
    if plan.stop_lsn is None:
        raise PlanError("the end of the WAL of server '%s' was not found, so no server can stop there" % plan.server)
    target = RecoveryTarget("lsn", lsn=plan.stop_lsn, timeline=plan.target.timeline)
    return replace(plan, target=target)


def _changes(changes: Any) -> list[dict[str, Any]]:
    """The settings that Barman changed in the configuration files: [file, line, key, value] each."""
    if not isinstance(changes, list):
        return []
    keys = ("file", "line", "setting", "value")
    return [
        dict(zip(keys, one)) if isinstance(one, (list, tuple)) else {key: one.get(old) for key, old in _CHANGE_KEYS}
        for one in changes
        if isinstance(one, (list, tuple, dict))
    ]


_CHANGE_KEYS = (("file", "filename"), ("line", "line"), ("setting", "key"), ("value", "value"))


def _destination_facts(state: State, placement: Placement) -> dict[str, Any]:
    """What was found at the destination, before anything was done."""
    return {
        "running": state.running is not None,
        "process": state.running,
        "occupied": state.place.occupied,
        "movable": state.place.movable and not state.place.link and not state.place.mount,
        "missing": [one.path for one in placement.missing],
    }


def _wal_text(swap: Swap) -> str:
    """What a later run has to know: the old data directory has the link, and the new one may have none."""
    if swap.wal_directory is None:
        return ""
    return (
        ". pg_wal was to be in %s: a later run needs that as barman_recover_wal_directory (option wal_directory of the module), if it does "
        "not find the link any more" % swap.wal_directory
    )


def _created(facts: Mapping[str, Any]) -> list[str]:
    """The locations of the tablespaces that the replay creates, after the backup. Empty if the WAL was not read."""
    return list(facts["verified"]["wal"].get("created_tablespaces") or ())


def _moved_text(moved: Sequence[Mapping[str, str]]) -> str:
    if not moved:
        return ""
    return ". What was there before is safe in: %s" % ", ".join(pair["to"] for pair in moved)


def _without_listing(text: str) -> str:
    """An error without the list of copied files that rsync's has."""
    return " ".join(line.strip() for line in text.splitlines() if not _LISTED.match(line) and line.strip())


def _within(outer: str, inner: str) -> bool:
    """Whether inner is outer, or is in it."""
    outer, inner = normal_path(outer), normal_path(inner)
    return posixpath.commonpath([outer, inner]) == outer


def human(size: int | None) -> str:
    if size is None:
        return "unknown"
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1024:
            return "%d %s" % (value, unit) if unit == "bytes" else "%.1f %s" % (value, unit)
        value /= 1024
    return "%.1f TB" % value


__all__ = ["MARKER", "Outcome", "RecoverError", "Recovery", "Request", "recover_arguments", "request_from"]
