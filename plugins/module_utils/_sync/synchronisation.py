# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passive servers: their lag behind their source backup server, and copying what they lack.

This module util is private to the collection. The source's backups and WAL are queried with Barman's own "sync-info"
over SSH, as "barman cron" does it once a minute. "barman sync-info --primary" would do the same, but it writes the
answer to a file, and with "ssh -q" it can't report why there is none.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .._barman import catalog
from .._barman.command import Barman, Reply
from .._barman.configuration import Configuration, ServerConfiguration
from .._barman.locks import is_held
from .._barman.server import Server
from .._barman.versions import format_version, nameless_source, parse_version, passive_boundary
from .._host.files import read_text
from .._host.process import CommandTimeout, Completed, HostError
from .._host.progress import Progress
from .._host.result import ServerOutcome
from .._host.ssh_failure import SSH_FAILED, SshFailure, ssh_failure
from .._host.waiting import Probe, WaitTimeout, wait_for
from .._postgres import wal
from .._recover.plan import PlanRequest, make_plan
from .._recover.recovery_plan import PlanError
from .._recover.recovery_target import END, RecoveryTarget
from .first_copy import FirstCopy, first_copy, record_first_copy
from .lag import (
    Here,
    Lag,
    Source,
    SynchronisationError,
    SynchronisationErrorKind,
    archive_has,
    lag_between,
    parse_source,
)

_POSITION_FILE = "sync-wals.info"
_MOST_AT_ONCE = 4
_INTERVAL = 2.0
_LOOK_TIMEOUT = 120.0
_NOT_FOUND = 127
# The kind of the error, and a hint that stands beside ssh's own message.
_SSH_REASONS: Mapping[SshFailure, tuple[SynchronisationErrorKind, str]] = {
    SshFailure.HOST_KEY_CHANGED: ("host_key", "its host key is not the one that '%(user)s' knows"),
    SshFailure.HOST_KEY_UNKNOWN: ("host_key", "its host key is not in known_hosts of '%(user)s'"),
    SshFailure.DENIED: ("denied", "it does not accept the SSH key of '%(user)s'"),
    SshFailure.REFUSED: ("unreachable", "nothing listens there: check that sshd runs, and that the port is correct"),
    SshFailure.TIMEOUT: (
        "unreachable",
        "it does not answer: check that the host runs, and that no firewall drops the connection",
    ),
    SshFailure.NO_ROUTE: ("unreachable", "there is no network route to it: check that the host runs"),
    SshFailure.UNKNOWN_NAME: ("unreachable", "its name can't be resolved on this host"),
}


@dataclass(frozen=True)
class SyncObservation:
    """Both sides at one moment."""

    source: Source
    here: Here
    lag: Lag


@dataclass(frozen=True)
class SyncRequest:
    """What is requested. up_to: a WAL segment that has to be here, too. max_lag: seconds that are no reason to copy."""

    timeout: float = 600.0
    max_lag: float = 0.0
    up_to: int | str | None = None
    recoverable: bool = True


# What the two sides report: values only


def parse_up_to(text: str) -> int | str:
    """A position as a number, or the name of a segment. Raises SynchronisationError."""
    try:
        return wal.parse_lsn(text) if "/" in text else str(wal.parse_segment(text))
    except wal.WalError as exc:
        raise SynchronisationError(f"up_to: {exc}, and not a WAL segment's name either", "configuration") from None


def reached(newest: wal.Segment | None, up_to: int | str | None, segment_size: int) -> bool:
    """Whether the newest segment is the requested one, contains the requested position, or comes after it."""
    if up_to is None or newest is None:
        return up_to is None
    number = newest.number(segment_size)
    if isinstance(up_to, int):
        return (number + 1) * segment_size >= up_to
    needed = wal.parse_segment(up_to)
    return (newest.timeline, number) >= (needed.timeline, needed.number(segment_size))


# One server


class PassiveServer:
    """One passive server."""

    def __init__(
        self,
        barman: Barman,
        configuration: Configuration,
        server: ServerConfiguration,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self._barman = barman
        self._configuration = configuration
        self._server = server
        self._clock = clock
        self._pause = pause
        self._stopwatch = stopwatch
        self._backups_copied: float | None = None
        self._command = server.get("primary_ssh_command") or ""
        self._skipped: dict[str, str] = {}
        self._reported = ""
        self._failed: set[str] = set()
        self.first_copy: FirstCopy | None = None
        self._progress = Progress(
            configuration.home, "sync", server.name, barman.user if os.geteuid() == 0 else None, clock
        )

    def run(self, request: SyncRequest, *, check_mode: bool) -> ServerOutcome:
        """Look, and copy what is missing; whatever is wrong becomes the outcome's error."""
        outcome = ServerOutcome(values=_no_values(self._where))
        try:
            self._synchronise(request, outcome, check_mode=check_mode)
        except HostError as exc:
            outcome.fail(exc, f"server '{self._server.name}': %s")
        finally:
            self._progress.close()
        return outcome

    @property
    def _where(self) -> str:
        """The source, as user@address, from the SSH command."""
        words = shlex.split(self._command)
        return words[-1] if words else ""

    def _synchronise(self, request: SyncRequest, outcome: ServerOutcome, *, check_mode: bool) -> None:
        if not self._server.passive:
            raise SynchronisationError("it is not passive on this host: this host takes its backups", "configuration")
        first = self._look()
        self._report(outcome, first, first, request)
        size = self._segment_size(first.here)
        empty = not first.source.backups and not first.here.done
        outcome.values["empty"] = empty
        needed = not first.lag.none or not reached(first.here.newest, request.up_to, size)
        recent = first.lag.overdue <= request.max_lag
        if request.max_lag and recent and first.here.done and request.up_to is None:
            # Barman's cron copies it in its own time.
            needed = False
        if empty and request.up_to is None:
            outcome.warnings.append(
                f"server '{self._server.name}': {self._where} has no backup of it yet, so there is nothing to copy"
            )
            return
        self._check_version(first)
        self._check_compression(first)
        if check_mode or not needed:
            outcome.changed = needed
            return
        started, began = self._clock(), self._stopwatch()
        last = self._bring(first, request, size)
        ended = self._stopwatch() if self._backups_copied is None else self._backups_copied
        self.first_copy = first_copy(first.here.backups, last.here.backups, started, ended - began)
        self._report(outcome, first, last, request)
        copied = last.here.done - first.here.done
        files = [name for name in first.lag.files if archive_has(last.here.archive, name)]
        outcome.changed = bool(copied or files or last.here.newest != first.here.newest)
        outcome.values["backups_copied"] = sorted(copied)
        outcome.values["backups_skipped"] = dict(self._skipped)
        outcome.values["first_copy"] = None if self.first_copy is None else self.first_copy.as_dict()

    # Looking

    def _look(self) -> SyncObservation:
        source = self._ask()
        here = self._here()
        size = self._segment_size(here)
        retention = bool(self._server.get("retention_policy"))
        return SyncObservation(
            source, here, lag_between(source, here, retention=retention, segment_size=size, now=self._clock())
        )

    def _here(self) -> Here:
        view = Server(self._barman, self._server)
        archive = view.archive
        newest = max(archive.segments, default=None)
        modified: float | None = None
        if newest is not None:
            try:
                # Barman keeps the times that the files have on the source.
                modified = os.stat(archive.segments[newest]).st_mtime
            except FileNotFoundError:
                newest = None
        return Here(view.backups, archive, newest, modified)

    @staticmethod
    def _segment_size(here: Here) -> int:
        return here.backups[-1].segment_size if here.backups else wal.DEFAULT_SEGMENT_SIZE

    def _position(self) -> list[str]:
        """Up to where Barman copied WAL: a file's name and a place in the source's list of WAL; both or nothing."""
        path = os.path.join(self._server.directory("wals_directory"), _POSITION_FILE)
        words = (read_text(path) or "").split()
        return words if len(words) == 2 else []

    def _ask(self) -> Source:
        position = self._position()
        completed = self._sync_info(position)
        if completed.rc == 1 and position:
            # The source has no such WAL any more, or not yet: Barman asks for all that there is then.
            completed = self._sync_info([])
        if not completed.ok:
            raise self._no_answer(completed)
        return parse_source(completed.stdout)

    def _sync_info(self, position: Sequence[str]) -> Completed:
        words = shlex.split(self._command)
        if os.path.basename(words[0]) == "ssh":
            # Loud, to have a reason; and not for ever.
            words = [words[0], "-o", "ConnectTimeout=15", *(word for word in words[1:] if word != "-q")]
        remote = ["barman"]
        if self._server.flag("forward_config_path"):
            remote += ["-c", self._configuration.main_file]
        remote += ["sync-info", self._server.name, *position]
        try:
            return self._barman.command([*words, shlex.join(remote)], timeout=_LOOK_TIMEOUT)
        except CommandTimeout:
            raise SynchronisationError(
                f"{self._where} did not report within {_LOOK_TIMEOUT:g} s which backups and WAL it has",
                "unreachable",
            ) from None

    def _no_answer(self, completed: Completed) -> SynchronisationError:
        reported = " ".join(completed.stderr.split()) or "nothing"
        if completed.rc == SSH_FAILED:
            found = _SSH_REASONS.get(ssh_failure(completed.stderr))
            if found is None:
                return SynchronisationError(
                    f"{self._where} can't be reached by SSH; ssh reported: {reported}", "unreachable"
                )
            kind, hint = found
            reason = hint % {"user": self._barman.user}
            return SynchronisationError(
                f"{self._where} can't be reached by SSH: {reason} (ssh reported: {reported})", kind
            )
        if completed.rc == _NOT_FOUND:
            return SynchronisationError(f"Barman is not installed on {self._where} ({reported})", "no_barman")
        failed = f"'barman sync-info' failed on {self._where}: {reported}"
        if "Unknown server" in reported:
            # Barman is not translated, and has one exit status for everything. A hint only.
            hint = "Barman there has no server of that name, and a server must have the same name on both hosts"
            return SynchronisationError(f"{failed}; {hint}", "no_server")
        return SynchronisationError(failed, "source")

    # Copying

    def _check_version(self, look: SyncObservation) -> None:
        """Barman would begin to copy the backup, and call it failed."""
        there, own = parse_version(look.source.version), self._barman.version
        boundary = None if there is None else passive_boundary(there, own)
        if boundary is not None:
            raise SynchronisationError(
                (
                    f"Barman is {look.source.version} on {self._where} and {format_version(own)} here: since "
                    f"{format_version(boundary)} it reports more of a backup, and an older Barman refuses to "
                    "replicate it. Install the same version on both hosts, or the newer one here"
                ),
                "version",
            )

    def _check_compression(self, look: SyncObservation) -> None:
        own = self._server.get("compression")
        if look.source.compression != own:
            raise SynchronisationError(
                (
                    "its WAL is compressed with '{}' on {} and with '{}' here. Barman copies no WAL then. Set the "
                    "option "
                    "compression to the same value on both hosts"
                ).format(look.source.compression or "nothing", self._where, own or "nothing"),
                "compression",
            )

    def _bring(self, first: SyncObservation, request: SyncRequest, size: int) -> SyncObservation:
        """Copy until everything is here that the source had when it was first asked, and the WAL that is waited for."""

        def complete(observed: SyncObservation) -> bool:
            return not self._lacking(first, observed) and reached(observed.here.newest, request.up_to, size)

        def probe() -> Probe:
            observed = self._look()
            if not complete(observed) and not observed.lag.none:
                self._copy(observed, len(self._lacking(first, observed)))
                # A copy can outlast the time limit, and what it brought is here.
                observed = self._look()
            lacking = self._lacking(first, observed)
            newest = str(observed.here.newest) if observed.here.newest else ""
            text = "{} has WAL up to {}, and this host up to {}".format(
                self._where,
                observed.source.last or "none",
                newest or "none",
            )
            if lacking:
                text += f"; missing: {', '.join(lacking[:5])}" + (" …" if len(lacking) > 5 else "")
            return Probe(
                complete(observed), text + (f"; Barman reported: {self._reported}" if self._reported else ""), observed
            )

        try:
            last: SyncObservation = wait_for(
                f"the copy of {self._where}'s backups and WAL",
                probe,
                request.timeout,
                interval=_INTERVAL,
                clock=time.monotonic,
                pause=self._pause,
            )
        except WaitTimeout as exc:
            raise SynchronisationError(str(exc) + self._versions(first), "timeout") from None
        return last

    def _lacking(self, first: SyncObservation, observed: SyncObservation) -> list[str]:
        """What the first look saw on the source, and is still neither here nor gone from there."""
        needed = [one for one in first.lag.backups if one in observed.source.backups and one not in self._skipped]
        lacking = [one for one in needed if one not in observed.here.done]
        # It reports what comes after the position here, and before that Barman has copied everything.
        there = {one.name for one in observed.source.wals}
        files = [name for name in first.lag.files if name in there]
        return lacking + [name for name in files if not archive_has(observed.here.archive, name)]

    def _copy(self, observed: SyncObservation, left: int) -> None:
        self._reported = ""
        self._progress.update("querying the source backup server", left=left)
        completed = self._barman.text("sync-info", "--primary", self._server.name, *self._position(), timeout=3600)
        if not completed.ok:
            raise SynchronisationError(f"'barman sync-info --primary' failed: {completed.text}", "source")
        for backup_id in sorted((*observed.lag.backups, *observed.lag.unwanted)):
            if backup_id not in self._skipped:
                self._progress.update(f"copying backup {backup_id}", left=left)
                reply = self._barman.json("sync-backup", self._server.name, backup_id)
                self._check_reply(reply, observed, f"{backup_id}-sync-backup")
                if reply.ok and reply.info and not self._has(backup_id):
                    # Barman found nothing to do, by its retention policy here, and reports why.
                    self._skipped[backup_id] = "; ".join(reply.info)
        missing = [one for one in observed.lag.backups if one not in self._skipped and not self._has(one)]
        if not missing and self._backups_copied is None:
            self._backups_copied = self._stopwatch()
        if observed.lag.files:
            self._progress.update("copying WAL", left=left)
            reply = self._barman.json("sync-wals", self._server.name)
            self._check_reply(reply, observed, "sync-wal")
            self._reported = "; ".join(reply.warnings) or self._reported

    def _has(self, backup_id: str) -> bool:
        return any(one.backup_id == backup_id and one.done for one in catalog.read_backups(self._server))

    def _check_reply(self, reply: Reply, observed: SyncObservation, lock: str) -> None:
        """Raise SynchronisationError if the copy fails again while nobody else makes it.

        Barman has one exit status for a failure and for another process, such as cron's, that copies now. That one
        may have ended already when its lock is read here, so the first failure is tried again.
        """
        if reply.ok:
            self._failed.discard(lock)
            return
        reason = " ".join(reply.reason.split())
        busy = is_held(self._server, lock)
        if lock in self._failed and not busy:
            raise SynchronisationError(reason + self._versions(observed), "copy")
        if not busy:
            self._failed.add(lock)
        self._reported = reason

    def _versions(self, look: SyncObservation) -> str:
        """A hint about the versions, if they may cause the failure."""
        own = format_version(self._barman.version)
        there = parse_version(look.source.version)
        if there is not None and nameless_source(there):
            return (
                f". Barman {look.source.version} on {self._where} reports servers without their names, and Barman here needs the "
                "name if a backup is obsolete by the retention policy here. Install Barman 3.17 or newer there"
            )
        if look.source.version == own:
            return ""
        return (
            f". Barman is {look.source.version} on {self._where} and {own} here: install the same version on both hosts"
        )

    # What is returned

    def _report(
        self, outcome: ServerOutcome, first: SyncObservation, last: SyncObservation, request: SyncRequest
    ) -> None:
        here = last.here
        outcome.values.update(
            before=first.lag.as_dict(),
            after=last.lag.as_dict(),
            source_version=last.source.version,
            source_last_wal=last.source.last or None,
            last_wal=str(here.newest) if here.newest is not None else None,
            last_wal_time=None
            if here.newest_time is None
            else datetime.fromtimestamp(here.newest_time, timezone.utc).isoformat(timespec="seconds"),
            backups=sorted(here.done),
            recoverable=self._recoverable(here) if request.recoverable else None,
        )

    def _recoverable(self, here: Here) -> dict[str, Any] | None:
        """The last point that this side could recover to, as it stands."""
        try:
            plan = make_plan(PlanRequest(self._server.name, RecoveryTarget(END)), here.backups, here.archive)
        except PlanError:
            return None
        return {"backup_id": plan.backup.backup_id, **plan.end.as_dict()}


def _no_values(source: str) -> dict[str, Any]:
    return {
        "empty": False,
        "source": source,
        "source_version": None,
        "source_last_wal": None,
        "last_wal": None,
        "last_wal_time": None,
        "backups": [],
        "backups_copied": [],
        "backups_skipped": {},
        "first_copy": None,
        "before": None,
        "after": None,
        "recoverable": None,
    }


def passive_servers(configuration: Configuration) -> list[str]:
    """The passive servers of this host."""
    return [name for name, server in sorted(configuration.servers.items()) if server.passive]


def synchronise(
    barman: Barman,
    configuration: Configuration,
    servers: Sequence[ServerConfiguration],
    request: SyncRequest,
    *,
    check_mode: bool,
) -> dict[str, ServerOutcome]:
    """All of these servers, some at a time; one that fails is no hindrance for the others."""
    # Created while none of them acts as Barman's user yet: that affects all threads.
    copies = [PassiveServer(barman, configuration, server) for server in servers]
    with ThreadPoolExecutor(max_workers=_MOST_AT_ONCE) as pool:
        found = list(pool.map(lambda one: one.run(request, check_mode=check_mode), copies))
    outcomes = dict(zip((server.name for server in servers), found))
    # As Barman's user, and that affects all threads.
    for name, one in zip(outcomes, copies):
        _record(barman, configuration, name, one.first_copy, outcomes[name])
    return outcomes


def _record(
    barman: Barman, configuration: Configuration, name: str, copied: FirstCopy | None, outcome: ServerOutcome
) -> None:
    if copied is None:
        return
    try:
        record_first_copy(configuration.home, name, copied, barman.user if os.geteuid() == 0 else None)
    except HostError as exc:
        outcome.warnings.append(f"server '{name}': the duration of its first copy is not recorded: {exc}")
