# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One pass over a backup host: configuration, catalogs, archives, receivers, ledgers, disks, and each PostgreSQL server's state.

This module util is private to the collection. Barman is never started: it reads every server's configuration at each start.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence

from .._barman import catalog
from .._barman.archive import Archive
from .._barman.catalog import Backup
from .._barman.cluster_members import member_questions, members_from
from .._barman.command import Barman
from .._barman.configuration import Configuration, ServerConfiguration, read
from .._barman.disks import disk_of
from .._barman.ledger import read_ledger
from .._barman.locks import receiver_pid
from .._barman.option_table import DISK_DIRECTORIES
from .._check.check import ServerChecks
from .._check.cluster import checks_of_members
from .._check.own_checks import OWN_CHECKS, CheckedServer, read_own_checks, wal_sizes
from .._host.files import read_text, write_atomic
from .._host.identity import acting_as
from .._host.proc import command_line
from .._host.process import HostError
from .._postgres.questions import Answer, AskAll
from .disk_growth import Sample, parse_samples, seconds_left, with_sample
from .observation import DiskUse, HostObservation, PostgresReach, ServerObservation, WalFacts
from .postgres_state import PostgresState, parse_state, question_for
from .recovery_window import Ranges, RecoveryWindow, contiguous, newest_segment, recovery_windows
from .rpo import RpoFacts, rpo_now

#: The sizes of all archived files take one system call for each of them; pgdr.barman.check reads them, and a recovery their content.
_CHECKS = tuple(one for one in OWN_CHECKS if one is not wal_sizes)
SAMPLES = ".pgdr.barman/monitoring.json"
#: Seconds that a backup counts as running after its end, while it waits for its WAL.
WAITING_FOR_WALS = 3600.0


def observe_host(
    barman: Barman,
    ask: AskAll | None,
    names: Sequence[str] | None = None,
    *,
    timeout: float = 5.0,
    record: bool = False,
    clock: Callable[[], float] = time.time,
    process: Callable[[int], str | None] = command_line,
) -> HostObservation:
    """Observe these servers (None: all). Raises HostError if Barman's configuration can't be read, or has no such server.

    ask: None if PostgreSQL can't be asked. record: whether a sample of the free disk space is kept, for the growth.
    """
    now = clock()
    configuration = read(barman.config_file, barman.user)
    chosen = sorted(configuration.servers) if names is None else list(dict.fromkeys(names))
    entries = {name: configuration.server(name) for name in chosen}
    questions = {
        name: question_for(entry)
        for name, entry in entries.items()
        if not entry.passive and entry.flag("active", default=True)
    }
    for entry in entries.values():
        questions.update(member_questions(entry))
    # PostgreSQL first: WAL that comes meanwhile is not missing then.
    answers = ask(questions, barman.user, timeout) if ask is not None else {}
    servers = {
        name: observe_server(CheckedServer(barman, entry), configuration.home, answers, now, process)
        for name, entry in entries.items()
    }
    disks = _disks(configuration, entries.values(), now, barman.user if record else None)
    return HostObservation(now, servers, disks, clock() - now)


def observe_server(
    server: CheckedServer,
    home: str,
    answers: Mapping[str, Answer],
    now: float,
    process: Callable[[int], str | None],
) -> ServerObservation:
    """One server. answers: PostgreSQL's; without one under the name of the server, it was not asked."""
    entry, answer = server.entry, answers.get(server.name)
    try:
        members = members_from(entry, answers) if answer is not None else {}
        checks = read_own_checks(server, _CHECKS).with_checks(checks_of_members(entry, answers) if members else [])
        state, reach, unreachable = _state(answer, server)
        ranges = contiguous(server.archive) if server.is_local else {}
        facts = _wal_facts(entry, server.archive, ranges) if server.is_local else None
        windows, unknown = _windows(server, ranges, state)
        newest = newest_segment(ranges, server.segment_size, None if state is None else state.timeline)
        pid = receiver_pid(entry, process) if entry.flag("streaming_archiver") else None
        rpo_facts = RpoFacts(
            has_backup=any(one.done for one in server.backups),
            gaps=checks.gaps,
            recoverable=bool(windows or unknown),
            window_end=windows[-1].end if windows else None,
            received=None if facts is None else facts.received_time,
            received_lsn=None if newest is None else newest.next(server.segment_size).begin_lsn(server.segment_size),
            streaming=entry.flag("streaming_archiver"),
            receiver_runs=pid is not None,
            passive=entry.passive,
            active=entry.flag("active", default=True),
            asked=answer is not None,
        )
        return ServerObservation(
            entry=entry,
            rpo=rpo_now(rpo_facts, state, now),
            checks=checks,
            backups=server.backups,
            windows=windows,
            windows_unknown=unknown,
            wal_facts=facts,
            state=state,
            reach=reach,
            unreachable=unreachable,
            receiver_pid=pid,
            passive=server.copy if entry.passive and server.is_local else None,
            backup_running=any(_runs(backup, now) for backup in server.backups),
            ledger=read_ledger(home, server.name),
            members=members,
            time=now,
        )
    except (HostError, OSError) as exc:
        return _unread(entry, str(exc), now)
    except Exception as exc:
        # An error of this program with one server must not hide the others.
        traceback.print_exc(file=sys.stderr)
        reason = f"pgdr.barman failed unexpectedly ({type(exc).__name__}): 'pgdr-barman metrics' shows where on standard error"
        return _unread(entry, reason, now)


def _unread(entry: ServerConfiguration, problem: str, now: float) -> ServerObservation:
    nothing = rpo_now(RpoFacts(has_backup=False), None, now)
    return ServerObservation(entry, nothing, ServerChecks(entry.name), problem=problem)


def _runs(backup: Backup, now: float) -> bool:
    """Whether the backup is being taken. One whose WAL never arrives waits for ever."""
    if backup.status == catalog.WAITING_FOR_WALS:
        return backup.end_time is not None and now - backup.end_time.timestamp() < WAITING_FOR_WALS
    return backup.status not in (catalog.DONE, catalog.FAILED)


def _state(answer: Answer | None, server: CheckedServer) -> tuple[PostgresState | None, PostgresReach, str]:
    if answer is None:
        return None, "not_asked", ""
    if isinstance(answer, HostError):
        return None, "unreachable", str(answer)
    try:
        state = parse_state(answer)
    except HostError as exc:
        return None, "unreachable", str(exc)
    systemid = next((one.systemid for one in reversed(server.backups) if one.copied), None)
    if systemid is not None and systemid != state.system_identifier:
        return (
            None,
            "unreachable",
            f"the server that answers is another database cluster (system identifier {state.system_identifier}) than that of the "
            f"newest backup ({systemid})",
        )
    return state, "answered", ""


def _wal_facts(entry: ServerConfiguration, archive: Archive, ranges: Mapping[int, Ranges]) -> WalFacts:
    directory = entry.directory("wals_directory").rstrip("/") + "/"
    waiting = [segment for segment, path in archive.segments.items() if not path.startswith(directory)]
    received = newest_segment(ranges, archive.segment_size)
    last = received
    if received in waiting:
        last = max((one for one in archive.segments if archive.segments[one].startswith(directory)), default=None)
    partial = max(archive.partials, default=None)
    times = [
        None if segment is None else written(files[segment])
        for segment, files in ((last, archive.segments), (received, archive.segments), (partial, archive.partials))
    ]
    return WalFacts(
        archived=len(archive.segments) - len(waiting),
        last_archived=last,
        last_archived_time=times[0],
        waiting=len(waiting),
        waiting_oldest_time=written(archive.segments[min(waiting)]) if waiting else None,
        received=received,
        partial=partial,
        received_time=max((one for one in times if one is not None), default=None),
        timelines=tuple(sorted({*ranges, *archive.histories, *(one.timeline for one in archive.partials)})),
    )


def _windows(
    server: CheckedServer, ranges: Mapping[int, Ranges], state: PostgresState | None
) -> tuple[list[RecoveryWindow], str]:
    if not server.is_local:
        return [], "the WAL is not on this host"
    try:
        present = server.timeline if state is None else state.timeline
        return recovery_windows(server.backups, server.archive, ranges, written, present), ""
    except HostError as exc:
        return [], str(exc)


def written(path: str) -> float | None:
    """When the file was last written; None if it is gone."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None


def _disks(
    configuration: Configuration, entries: Iterable[ServerConfiguration], now: float, owner: str | None
) -> list[DiskUse]:
    """The file systems of these servers. owner: who keeps the samples of the free space; None if this run adds none."""
    paths = {
        entry.directory(option)
        for entry in entries
        for option in DISK_DIRECTORIES
        if "://" not in entry.directory(option)
    }
    path = os.path.join(configuration.home, SAMPLES)
    samples = _read_samples(path)
    added: dict[str, list[Sample]] = {}
    found: dict[str, DiskUse] = {}
    for mount in sorted(_mounts(paths)):
        disk = disk_of(mount)
        if disk is not None:
            known = samples.get(mount, [])
            added[mount] = with_sample(known, now, disk.free)
            found[mount] = DiskUse(mount, disk.free, disk.size, seconds_left(known, now, disk.free))
    if owner is not None and {**samples, **added} != samples:
        # A full disk must not hide what is observed.
        with contextlib.suppress(HostError, OSError), acting_as(owner):
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            write_atomic(path, json.dumps({"disks": {**samples, **added}}), 0o600, durable=False)
    return list(found.values())


def _read_samples(path: str) -> Mapping[str, list[Sample]]:
    try:
        return parse_samples(json.loads(read_text(path) or "{}").get("disks"))
    except (HostError, ValueError, AttributeError):
        return {}


def _mounts(paths: Iterable[str]) -> set[str]:
    found: dict[int, str] = {}
    for path in paths:
        try:
            device = os.stat(path).st_dev
        except OSError:
            # Barman makes it when it needs it.
            continue
        if device not in found:
            found[device] = mount_of(path)
    return set(found.values())


def mount_of(path: str) -> str:
    """The mount point of a directory."""
    current = os.path.realpath(path)
    while not os.path.ismount(current):
        current = os.path.dirname(current)
    return current
