# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore drill: restore a backup, start it in isolation, check it, remove it, and record the result.

This module util is private to the collection. run_drills() is the entry point; it needs no Ansible.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from .._barman.arguments import barman_from
from .._barman.catalog import read_backups
from .._barman.command import Barman
from .._barman.configuration import Configuration, read
from .._barman.encryption import forget_passphrases
from .._barman.ledger import append_record, new_id, new_record, read_ledger
from .._host.lock import exclusive_after
from .._host.priority import lower_priority
from .._host.process import HostError, Interrupted, Runner, run
from .._host.progress import Progress
from .._host.requester import requested
from .._host.result import Result
from .._postgres.connection import Connect, connect, psycopg_is_there
from .._recover.activation import activated
from .._recover.prepare import RecoveryEnvironment
from .._recover.recovery_target import END
from .._recover.request import request_from as recovery_request
from .._recover.run import recover
from .._verify.request import RecoveryVerificationError, VerificationRequest
from .._verify.run import FAILED_PHASE, verify_recovery
from .facts import checks_facts, problems_of, recovery_seconds, rpo_facts
from .observe import server_position
from .place import BackupServerPlace, Place, Verify
from .plan import (
    choose_backup,
    copy_jobs,
    created_tablespaces_problem,
    needed_bytes,
    plan_facts,
    recovery_parameters,
    room_problem,
)
from .remote_place import DrillHostPlace
from .request import DrillError, DrillRequest, request_from
from .scratch import LOCK, Scratch, ScratchDirectories, ScratchNotes
from .signals import DrillStopped, stopped_by_signals
from .stopwatch import REMOVE, Stopwatch, phase_of

DIRECTORY = "drills"


@dataclass(frozen=True)
class DrillEnvironment:
    """The input and output of drills: commands, files and time."""

    barman: Barman
    configuration: Configuration
    runner: Runner = run
    connect: Connect | None = None
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
    clock: Callable[[], float] = time.monotonic
    choose_random: Callable[[Sequence[str]], str] = random.SystemRandom().choice
    scratch_directories: ScratchDirectories | None = None
    processors: int = os.cpu_count() or 1
    recover: Callable[..., Any] = recover
    verify: Verify = verify_recovery

    @property
    def home(self) -> str:
        return self.configuration.home

    @property
    def owner(self) -> str | None:
        """Who owns the files below Barman's home that root writes; None for the current user."""
        return self.barman.user if os.geteuid() == 0 else None

    @property
    def notes(self) -> ScratchNotes:
        return ScratchNotes(self.home, self.owner)

    def place(self, request: DrillRequest) -> Place:
        """Where the drills of that request restore."""
        if request.host is not None:
            return DrillHostPlace(request.host, self.barman.user, self.runner, request.priority)
        directories = self.scratch_directories or ScratchDirectories(self.barman.user, self.runner)
        return BackupServerPlace(directories, self.runner, self.verify)


def drill(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """Drill the servers, one after another. Raises HostError."""
    request = request_from(params)
    environment = DrillEnvironment(
        barman_from(params),
        read(params["config_file"], params["barman_user"]),
        connect=connect if psycopg_is_there() else None,
    )
    return run_drills(request, environment, check_mode=check_mode)


def run_drills(request: DrillRequest, environment: DrillEnvironment, *, check_mode: bool = False) -> Result:
    """The result of each server. Raises HostError if no drill can run at all."""
    configuration = environment.configuration
    names = sorted(configuration.servers) if request.servers is None else list(request.servers)
    for name in names:
        configuration.server(name)
    unknown = request.query_servers - configuration.servers.keys()
    if unknown:
        raise DrillError(
            f"queries: Barman on this host has no server {', '.join(map(repr, sorted(unknown)))}. "
            f"Its servers are: {', '.join(sorted(configuration.servers)) or 'none'}"
        )
    if check_mode:
        return _result({name: _planned(name, request, environment) for name in names}, LeftBehind())
    # Two drills at the same time would measure each other, and their rooms would not add up.
    alone = exclusive_after(environment.home, LOCK, "another drill", request.wait, environment.owner, DrillError)
    with stopped_by_signals(), alone:
        left = _remove_left_behind(environment, request)
        if request.priority == "idle":
            lower_priority(environment.runner)
        progress = Progress(environment.home, "drill", names, environment.owner)
        drills: dict[str, dict[str, Any]] = {}
        try:
            for count, name in enumerate(names):
                progress.update(f"server {name}", servers_done=count, servers_total=len(names))
                drills[name] = _Drill(name, request, environment).run()
        finally:
            progress.close()
    return _result(drills, left)


@dataclass
class LeftBehind:
    """What killed drills left. removed: the directories that are gone. problems: why others are not. elsewhere: those on other drill hosts."""

    removed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    elsewhere: list[Scratch] = field(default_factory=list)


def _result(drills: dict[str, dict[str, Any]], left: LeftBehind) -> Result:
    problems = [*problems_of(drills), *left.problems]
    elsewhere = [one.left_facts() for one in left.elsewhere]
    values = {"drills": drills, "problems": problems, "removed": left.removed, "left": elsewhere}
    warnings = [one.left_text for one in left.elsewhere]
    return Result(changed=bool(drills), values=values, warnings=warnings, failure="; ".join(problems) or None)


def _remove_left_behind(environment: DrillEnvironment, request: DrillRequest) -> LeftBehind:
    """Remove what killed drills left, and record these drills. What can't be removed prevents no drill. Raises HostError.

    What is on a drill host is removed by the next drill on that host: only then is the backup server sure to reach it. Until then it is reported.
    """
    left = LeftBehind()
    for scratch in environment.notes.left_behind():
        if scratch.drill_host not in (None, request.drill_host):
            left.elsewhere.append(scratch)
            continue
        place = environment.place(request if scratch.drill_host is not None else replace(request, host=None))
        try:
            _remove_and_record(scratch, place, environment)
        except HostError as exc:
            left.problems.append(f"a killed drill of server '{scratch.server}': {exc}")
        else:
            left.removed.append(scratch.path)
    return left


def _remove_and_record(scratch: Scratch, place: Place, environment: DrillEnvironment) -> None:
    """Raises HostError."""
    place.remove(scratch)
    details = dict(scratch.details)
    server, number = str(details.pop("server", "")), str(details.pop("id", ""))
    time = _noted_time(details.pop("time", None)) or environment.now()
    recorded = {one.id for one in read_ledger(environment.home, server).records} if server else set()
    if server and number and number not in recorded:
        passed = bool(details.pop("passed", False))
        if not passed:
            details.setdefault("failed_phase", "unknown")
            details.setdefault("reason", "the drill was killed")
        record = new_record("drill", server, time, details, passed=passed, record_id=number)
        append_record(environment.home, record, environment.owner)
    environment.notes.forget(scratch)


def _noted_time(text: Any) -> datetime | None:
    """When the drill started, as its note has it; None if the note has no time."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _planned(name: str, request: DrillRequest, environment: DrillEnvironment) -> dict[str, Any]:
    """What a drill would do: its backup, its size, and the room for it."""
    drill_ = _Drill(name, request, environment)
    try:
        # SSH to a drill host is authorized for the time of real drills only.
        drill_.plan(observe=request.host is None)
    except HostError as exc:
        return {**drill_.facts, "result": "failed", "failed_phase": "choose", "reason": str(exc)}
    return {**drill_.facts, "result": "planned"}


@dataclass
class _Drill:
    """The drill of one server. facts: what is known so far."""

    server: str
    request: DrillRequest
    environment: DrillEnvironment
    facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        environment = self.environment
        directory = self.request.directory or os.path.join(environment.home, DIRECTORY)
        self.started = environment.now()
        self.watch = Stopwatch(environment.clock)
        self.scratch: Scratch = environment.notes.planned(directory)
        self.place = environment.place(self.request)
        self.server_lsn: int | None = None
        self.facts.update(server=self.server, drill_host=self.request.drill_host)

    def run(self) -> dict[str, Any]:
        """The facts, which are in the ledger, too. Raises HostError if they can't be recorded, Interrupted after a signal."""
        number = new_id(self.started)
        self.facts.update(
            id=number, time=self.started.isoformat(timespec="seconds"), **requested(self.request.requested_by)
        )
        interrupted: Interrupted | None = None
        made = False
        try:
            self._forget_passphrases()
            self.plan()
            made = True
            # A kill between the two leaves a note without a directory, and never a directory without a note.
            self.scratch = replace(self.scratch, details=self._named(number))
            self.environment.notes.write(self.scratch)
            self.place.make(self.scratch)
            self._restore_and_check()
            self.facts["result"] = "passed"
        except HostError as exc:
            self._fail(str(exc))
            interrupted = exc if isinstance(exc, Interrupted) else None
        except DrillStopped as exc:
            self._fail(str(exc))
            interrupted = Interrupted(str(exc))
        removed = made and self._remove()
        self._record(number)
        if removed:
            self.environment.notes.forget(self.scratch)
        if interrupted is not None:
            raise interrupted
        return self.facts

    def _named(self, number: str) -> dict[str, Any]:
        """What the note has from the start."""
        named = {"id": number, "server": self.server, "time": str(self.facts["time"])}
        return named if self.request.host is None else {**named, "drill_host": self.request.drill_host}

    def _fail(self, reason: str) -> None:
        """Note why the drill failed, beside an earlier reason."""
        before = self.facts.get("reason")
        self.facts.update(
            result="failed",
            failed_phase=self.facts.get("failed_phase") or self.watch.current,
            reason=f"{before}; {reason}" if before else reason,
        )

    def _remove(self) -> bool:
        """Remove the scratch directory; whether it is gone. If a kill ends this, the next drill records the result that is noted here."""
        self.watch.enter(REMOVE)
        try:
            known = {**self._details(), "passed": self.facts["result"] == "passed"}
            self.environment.notes.write(replace(self.scratch, details={**self.scratch.details, **known}))
            self.place.remove(self.scratch)
        except HostError as exc:
            self._fail(str(exc))
            return False
        return True

    def _details(self) -> dict[str, Any]:
        """What the record has beside its own keys."""
        return {key: value for key, value in self.facts.items() if key not in ("id", "server", "time", "result")}

    def _record(self, number: str) -> None:
        self.watch.enter(REMOVE)
        phases = self.watch.phases
        self.facts.update(phases=phases, rto_seconds=recovery_seconds(phases), seconds=round(sum(phases.values()), 2))
        environment, passed = self.environment, self.facts["result"] == "passed"
        record = new_record("drill", self.server, self.started, self._details(), passed=passed, record_id=number)
        append_record(environment.home, record, environment.owner)

    def _forget_passphrases(self) -> None:
        """Raises HostError."""
        environment = self.environment
        if any(one.encryption for one in read_backups(environment.configuration.server(self.server))):
            forget_passphrases(environment.barman.user, environment.runner)

    def plan(self, *, observe: bool = True) -> None:
        """Choose the backup, and refuse a drill without room. Adds to the facts. Raises HostError.

        observe: whether to read what the host of the scratch directory has.
        """
        environment, request = self.environment, self.request
        entry = environment.configuration.server(self.server)
        self.server_lsn = server_position(entry, environment.barman.user, environment.connect)
        backup_id = choose_backup(self.server, read_backups(entry), request.backup, environment.choose_random)
        recovery = self._recover(backup_id, check_mode=True, observe=observe)
        version = int(recovery["postgres_version"] or 0)
        directory = os.path.dirname(self.scratch.path)
        self.facts.update(plan_facts(recovery, directory))
        if not observe:
            return
        disk = self.place.observe(directory, version, request.bin_directory)
        self.facts["free_bytes"] = disk.free
        problem = room_problem(needed_bytes(recovery), disk)
        if problem is not None:
            raise DrillError(problem if request.host is None else f"{request.host.address}: {problem}")

    def _recover(self, backup_id: str, *, check_mode: bool, observe: bool = True) -> Mapping[str, Any]:
        environment = self.environment
        entry = environment.configuration.server(self.server)
        jobs = copy_jobs(self.request, entry.options, environment.processors)
        parameters = {
            **recovery_parameters(self.server, backup_id, self.request, self.scratch, verify=not check_mode, jobs=jobs),
            **self.place.recovery_options(self.scratch),
            "inspect": observe,
        }
        request = replace(recovery_request(parameters), removed=True)
        with activated(environment.barman, environment.configuration, self.server) as (barman, active):
            recovery = RecoveryEnvironment(
                barman,
                active,
                environment.runner,
                connect=environment.connect,
                listener=lambda phase: self.watch.enter(phase_of(phase)),
            )
            outcome = environment.recover(request, recovery, check_mode=check_mode)
        found: Mapping[str, Any] = outcome.recovery
        return found

    def _restore_and_check(self) -> None:
        """Restore the backup that the plan chose, and check the cluster. Adds to the facts. Raises HostError."""
        request = self.request
        recovery = self._recover(str(self.facts["backup_id"]), check_mode=False)
        verified: Mapping[str, Any] = recovery.get("verified") or {}
        self.facts["checks"] = checks_facts(verified, {})
        problem = created_tablespaces_problem(recovery.get("created_tablespaces") or ())
        if problem is not None:
            raise DrillError(problem)
        verification = VerificationRequest(
            data_directory=self.scratch.data,
            bin_directory=request.bin_directory,
            database_user=request.database_user_of(self.server),
            checksums=request.checksums,
            queries=request.queries_of(self.server),
            timeout=request.timeout,
            leave_locked=True,
            finish=True,
            amcheck=request.amcheck,
        )
        try:
            test = self.place.verify(verification, self.scratch, self.watch)
        except RecoveryVerificationError as exc:
            self._note(verified, exc.facts)
            if FAILED_PHASE in exc.facts:
                self.facts["failed_phase"] = exc.facts[FAILED_PHASE]
            raise
        self._note(verified, test)

    def _note(self, verified: Mapping[str, Any], test: Mapping[str, Any]) -> None:
        self.facts["checks"] = checks_facts(verified, test)
        reached = test.get("reached")
        if reached:
            to_end = self.facts["target"]["kind"] == END
            self.facts["reached"] = {key: reached.get(key) for key in ("lsn", "time", "xid", "name")}
            self.facts["rpo"] = rpo_facts(reached, self.started, self.server_lsn, to_end=to_end)
