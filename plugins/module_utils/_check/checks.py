# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Barman's checks as values, and the checks that Barman does not make.

This module util is private to the collection. The text of "barman check" is read and not its JSON: the JSON has mangled
names, where a check comes twice it keeps the last answer only, and it does not tell inactive servers from others. Nor
is the exit code enough: it is 0 for an inactive server whatever failed.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from .._barman import catalog, hook_runs
from .._barman.archive import Archive, read_archive
from .._barman.catalog import Backup
from .._barman.command import Barman, exception
from .._barman.configuration import Configuration, ServerConfiguration, read
from .._barman.current_timeline import BranchReport, report_branches
from .._barman.disks import full_disks
from .._barman.masking import mask_message
from .._barman.readable import has_files
from .._barman.requirements_record import record_if_due
from .._barman.wal_sizes import wrong_sizes
from .._host.process import CommandTimeout, Completed, HostError
from .._host.progress import Progress
from .._host.waiting import Probe, WaitTimeout, wait_for
from .._postgres import wal
from .._postgres.connection import Connect
from .._postgres.synchronous import problem_of
from .._sync.lag import copy_is_late
from . import gap_state
from .healing import Circumstances, can_heal, gap_can_heal
from .last_received import lag_of

BARMAN = "barman"
OURS = "pgdr.barman"

BACKUP_PRESENT = "backup present"
WAL_CONTINUITY = "WAL continuity"
COPY_CURRENT = "copy up to date"
DISK_SPACE = "disk space"
INTERRUPTED = "interrupted backups"
HOOKS = "hook scripts"
CHAINS = "incremental backups"
SYNCHRONOUS = "synchronous WAL receiver"
FOREIGN_TIMELINES = "foreign timelines"
WAL_SIZES = "WAL file sizes"

_SERVER = re.compile(r"^Server (?P<name>\S+?)(?P<inactive> \(inactive\))?(?P<disabled> \(WARNING: disabled\))?:$")
_CHECK = re.compile(r"^\t(?P<name>.+?): (?P<status>OK|FAILED)(?: \((?P<hint>.*))?$")
_CONNECTIONS = {
    "postgresql": ("conninfo", False),
    "postgresql_streaming": ("streaming_conninfo", True),
    "postgresql_streaming_(wal_streaming)": ("wal_streaming_conninfo", True),
}
# Of what Barman says nonsense, by the connection that it does not have.
_CONSEQUENCES = {
    "postgresql": ("pg_basebackup_compatible", "pg_receivexlog_compatible", "replication_slot"),
    "postgresql_streaming": ("pg_basebackup_compatible", "pg_receivexlog_compatible"),
}
# What Barman says of a standby and its primary, where it is wrong, in words of the inventory.
_CLEARER = {
    "postgresql_server_is_standby": "the server in conninfo is not in recovery: it was promoted, or never was a standby. Where it is the "
    "primary now, take barman_primary out of its inventory, and deploy; else build it anew as a standby",
    "primary_server_is_not_a_standby": "the server in primary_conninfo is in recovery: barman_primary has to name the one that is the "
    "primary now",
    "primary_and_standby_have_same_system_id": "the servers in conninfo and primary_conninfo are two different database clusters: one of "
    "them is not what barman_primary says, or was made anew",
}
# Barman gave up, or was given up, before it came to an end.
_UNFINISHED = ("check_timeout", "barman_check")
_RECEIVER = "receive_wal_running"
_FAILED_BACKUPS = "failed_backups"
_MOST_JOBS = 4
_INTERVAL = 2.0
# So many looks in a row prove that only failures are left that can't heal.
_FINAL_LOOKS = 2


@dataclass(frozen=True)
class Check:
    """One check of one server. source: who made it, barman or pgdr.barman. healable: whether it can succeed by waiting."""

    name: str
    ok: bool
    hint: str = ""
    source: str = BARMAN
    healable: bool = True

    @property
    def key(self) -> str:
        return key_of(self.name)

    def __str__(self) -> str:
        return "%s: %s" % (self.name, self.hint or ("OK" if self.ok else "FAILED"))


@dataclass(frozen=True)
class Gap:
    """WAL segments that are missing. after_latest: after the latest good backup, which then can't be rolled forward."""

    first: str
    last: str
    count: int
    after_latest: bool

    def as_dict(self) -> dict[str, Any]:
        return {
            "first": self.first,
            "last": self.last,
            "count": self.count,
            "after_latest_backup": self.after_latest,
        }


@dataclass(frozen=True)
class ServerChecks:
    """All checks of one server, by key. backup_runs: whether a backup is being taken, or waits for its WAL."""

    name: str
    checks: Mapping[str, Check] = field(default_factory=dict)
    active: bool = True
    gaps: Sequence[Gap] = ()
    backup_runs: bool = False

    def failures(self, ignored: Collection[str] = ()) -> list[Check]:
        return [check for key, check in self.checks.items() if not check.ok and key not in ignored]

    def final(self, ignored: Collection[str] = ()) -> bool:
        """Whether checks failed, and none of them can succeed by waiting."""
        failures = self.failures(ignored)
        return bool(failures) and not any(check.healable for check in failures)

    def with_checks(self, more: Iterable[Check]) -> ServerChecks:
        return replace(self, checks=_by_key([*self.checks.values(), *more]))

    def as_dict(self, ignored: Collection[str] = ()) -> dict[str, Any]:
        return {
            "ok": not self.failures(ignored),
            "active": self.active,
            "checks": {
                key: {
                    "name": check.name,
                    "ok": check.ok,
                    "hint": check.hint,
                    "ignored": key in ignored,
                    "source": check.source,
                    "healable": check.healable,
                }
                for key, check in self.checks.items()
            },
            "gaps": [gap.as_dict() for gap in self.gaps],
        }


def check_servers(
    barman: Barman,
    names: Sequence[str] | None,
    ignore: Sequence[str],
    timeout: float,
    jobs: int = 0,
    check_mode: bool = False,
    connect: Connect | None = None,
    patience: float | None = None,
    synchronous: Sequence[str] = (),
) -> dict[str, Any]:
    """Check the servers (None: all), wait for them to be good, and answer as the module check does. Raises HostError."""
    configuration = read(barman.config_file, barman.user)
    chosen = sorted(configuration.servers) if names is None else list(dict.fromkeys(names))
    for name in chosen:
        configuration.server(name)
    if check_mode:
        seen = look(barman, configuration, chosen, jobs, ask_barman=False, connect=connect)
        seen = look_at_synchronous(seen, synchronous, configuration, barman.user, connect)
        return _answer(seen, set(), barman_checked=False)
    ignored = {key_of(name) for name in ignore}
    progress = Progress(configuration.home, "check", chosen, barman.user)

    def report(failing: Sequence[str]) -> None:
        if failing and timeout > 0:
            progress.update(
                "waiting for checks to be good", failing=list(failing), servers_done=len(chosen) - len(failing)
            )

    def glance(left: Sequence[str]) -> dict[str, ServerChecks]:
        return look_at_synchronous(
            look(barman, configuration, left, jobs, connect=connect), synchronous, configuration, barman.user, connect
        )

    try:
        progress.update("checking", servers_done=0, servers_total=len(chosen))
        seen = wait_until_green(glance, chosen, ignored, timeout, report, patience=patience)
    finally:
        progress.close()
    if connect is not None:
        seen = explain(seen, configuration, barman.user, connect)
        _record_requirements(seen, configuration, barman.user, connect)
    seen = with_lag(seen, configuration, barman, connect)
    return _answer(seen, ignored, barman_checked=True)


def _record_requirements(
    seen: Mapping[str, ServerChecks], configuration: Configuration, user: str, connect: Connect
) -> None:
    """What the servers need of a host to be recovered to: known while they answer, and needed when they do not."""
    for name, checks in seen.items():
        check = checks.checks.get("postgresql")
        if check is not None and check.ok and not configuration.server(name).passive:
            record_if_due(configuration.home, configuration.server(name), user, connect, time.time())


def _answer(seen: Mapping[str, ServerChecks], ignored: Collection[str], barman_checked: bool) -> dict[str, Any]:
    problems = reasons(seen, ignored)
    return {
        "ok": not any(checks.failures(ignored) for checks in seen.values()),
        "problems": problems,
        "barman_checked": barman_checked,
        "servers": {
            name: {**checks.as_dict(ignored), "problems": reasons({name: checks}, ignored)}
            for name, checks in seen.items()
        },
    }


def key_of(name: str) -> str:
    """A check's key from its name, as Barman makes it for JSON."""
    return name.strip().lower().replace(" ", "_").replace("-", "_").replace(".", "")


def parse_checks(text: str) -> dict[str, ServerChecks]:
    """Read what "barman check" prints. A check that comes twice is OK only where both are."""
    servers: dict[str, tuple[bool, list[Check]]] = {}
    current: list[Check] | None = None
    for line in text.splitlines():
        server = _SERVER.match(line)
        if server:
            current = []
            servers[server.group("name")] = (not server.group("inactive"), current)
            continue
        if current is None:
            continue
        found = _CHECK.match(line)
        if found:
            ok = found.group("status") == "OK"
            clearer = None if ok else _CLEARER.get(key_of(found.group("name")))
            current.append(Check(found.group("name"), ok, clearer or found.group("hint") or ""))
        elif current and line.strip():
            # A hint can have several lines: a program's error message.
            current[-1] = replace(current[-1], hint=current[-1].hint + " " + line.strip())
    return {
        name: ServerChecks(
            name,
            _by_key(replace(check, hint=mask_message(_closed(check.hint))) for check in checks),
            active,
        )
        for name, (active, checks) in servers.items()
    }


def run_checks(
    barman: Barman, names: Sequence[str], configuration: Configuration, jobs: int
) -> dict[str, ServerChecks]:
    """Run "barman check" for these servers, in so many processes; every server gets an answer."""
    jobs = max(1, min(jobs or _MOST_JOBS, len(names)))
    chunks = [list(names[start::jobs]) for start in range(jobs)]
    # The servers of one process are checked one after the other, each up to check_timeout.
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        answers = pool.map(lambda chunk: _check_chunk(barman, chunk, configuration), chunks)
        return {name: checks for answer in answers for name, checks in answer.items()}


def own_checks(
    server: ServerConfiguration,
    backups: Sequence[Backup],
    archive: Archive | None,
    present: int | None = None,
    gone: Sequence[str] = (),
) -> ServerChecks:
    """What Barman does not check: that there is a good backup, and no gap in the WAL after it.

    present: the server's timeline. gone: the ids of good backups whose files are not there.
    """
    newest = catalog.latest(backups)
    checks = []
    if not server.flag("active", True):
        checks.append(Check("active", False, "Barman does nothing for this server: active is off", OURS))
    waiting = [backup.backup_id for backup in backups if backup.status == catalog.WAITING_FOR_WALS]
    if gone:
        hint = "the files of backup %s are gone from %s: put them back, or delete it with barman delete" % (
            ", ".join(gone),
            server.directory("basebackups_directory"),
        )
    elif newest is not None:
        hint = "the latest is %s" % newest.backup_id
    elif waiting:
        hint = "backup %s still waits for its WAL" % waiting[-1]
    else:
        hint = "there is no good backup yet"
    checks.append(Check(BACKUP_PRESENT, newest is not None and not gone, hint, OURS))
    checks.append(_interrupted(server, backups))
    if any(backup.incremental for backup in backups):
        checks.append(_chains(backups))
    gaps: list[Gap] = []
    if archive is None:
        checks.append(Check(WAL_CONTINUITY, True, "not looked at: the WAL is not on this host", OURS))
    else:
        gaps, problem = find_gaps(backups, archive, present)
        checks.append(_continuity(newest, gaps, problem, _gap_can_heal(server)))
    runs = any(not backup.done and backup.status != catalog.FAILED for backup in backups)
    return ServerChecks(server.name, _by_key(checks), server.flag("active", True), gaps, runs)


def find_gaps(backups: Sequence[Backup], archive: Archive, present: int | None = None) -> tuple[list[Gap], str | None]:
    """The missing segments after the oldest good backup, and why they can't be told where they can't.

    present: the server's timeline, if it is known; else the newest one that comes from the backup.
    A backup that is kept alone ("keep" with target standalone) has only the WAL from its begin to its end.
    """
    newest = catalog.latest(backups)
    if newest is None:
        return [], None
    found: dict[tuple[str, str], Gap] = {}
    try:
        for gap in _gaps_after(newest, archive, present):
            found[str(gap.first), str(gap.last)] = Gap(str(gap.first), str(gap.last), gap.count, True)
        missing = {segment for gap in found.values() for segment in (gap.first, gap.last)}
        followed = [backup for backup in backups if backup.done and backup.keep != "standalone"]
        alone = [backup for backup in backups if backup.done and backup.keep == "standalone"]
        older = catalog.oldest(followed)
        earlier = _gaps_after(older, archive, present) if older and older is not newest else []
        for backup in alone:
            earlier = [*earlier, *_gaps_within(backup, archive)]
        for gap in earlier:
            if str(gap.last) not in missing:
                key = (str(gap.first), str(gap.last))
                found.setdefault(key, Gap(*key, gap.count, False))
    except HostError as exc:
        return sorted(found.values(), key=lambda gap: gap.first), str(exc)
    return sorted(found.values(), key=lambda gap: gap.first), None


def look(
    barman: Barman,
    configuration: Configuration,
    names: Sequence[str],
    jobs: int,
    ask_barman: bool = True,
    connect: Connect | None = None,
) -> dict[str, ServerChecks]:
    """Check these servers once. Without Barman (ask_barman) only what can be read without a change.

    connect: how to ask a server for its timeline, if its archive has one that may not be its own.
    """
    answers = run_checks(barman, names, configuration, jobs) if ask_barman and names else {}
    for name in names:
        server = configuration.server(name)
        own = read_own_checks(barman, server, connect)
        theirs = _with_failed_backups(answers.get(name, ServerChecks(name)), server)
        answers[name] = _with_healing(
            replace(own, checks=_by_key([*theirs.checks.values(), *own.checks.values()])), server
        )
    return answers


def _with_failed_backups(checks: ServerChecks, server: ServerConfiguration) -> ServerChecks:
    """Barman only counts the failed backups: their ids, and how to be rid of them."""
    check = checks.checks.get(_FAILED_BACKUPS)
    if check is None or check.ok:
        return checks
    try:
        failed = [one.backup_id for one in catalog.read_backups(server) if one.status == catalog.FAILED]
    except HostError:
        return checks
    commands = ", ".join("barman delete %s %s" % (server.name, backup_id) for backup_id in failed)
    hint = "%s; barman show-backup has the reason of each, and to delete them: %s" % (check.hint, commands)
    return replace(checks, checks={**checks.checks, _FAILED_BACKUPS: replace(check, hint=hint)}) if failed else checks


def _with_healing(server: ServerChecks, configuration: ServerConfiguration) -> ServerChecks:
    """The checks, those that can't succeed by waiting marked as such."""
    circumstances = Circumstances(
        connected=not any(_failed(server, key) for key in (*_CONNECTIONS, *_UNFINISHED)),
        backup_arrives=configuration.passive or server.backup_runs,
    )
    return replace(
        server,
        checks={
            key: replace(check, healable=check.ok or (check.healable and can_heal(key, circumstances)))
            for key, check in server.checks.items()
        },
    )


def read_own_checks(barman: Barman, server: ServerConfiguration, connect: Connect | None = None) -> ServerChecks:
    try:
        backups = catalog.read_backups(server)
        here = not any("://" in server.directory(option) for option in ("wals_directory", "basebackups_directory"))
        size = backups[-1].segment_size if backups else wal.DEFAULT_SEGMENT_SIZE
        archive = read_archive(server, barman, size) if here else None
        more = [_disk_space(server, size)]
        if archive is not None:
            more.append(_wal_sizes(server, backups, archive))
        if server.passive and archive is not None:
            late = copy_is_late(server, backups, archive, time.time())
            more.append(Check(COPY_CURRENT, late is None, late or "", OURS))
        if hook_runs.guarded(server):
            problems = hook_runs.trouble(server, backups)
            # Barman runs a hook of the archive again with the next segment, and one of a backup with the next backup.
            healable = any("_archive_" in problem.partition(":")[0] for problem in problems)
            more.append(Check(HOOKS, not problems, "; ".join(problems), OURS, healable))
        branches = report_branches(server, archive, backups, barman.user, connect) if archive is not None else None
        if branches is not None:
            more.append(_foreign_timelines(branches))
        present = branches.living.timeline if branches is not None and branches.living is not None else None
        directory = server.directory("basebackups_directory")
        gone = [one.backup_id for one in backups if here and one.copied and not has_files(one, directory)]
        own = own_checks(server, backups, archive, present, gone).with_checks(more)
        if connect is not None and _waits_for_both(own, server):
            final = _gap_is_final(server, barman, backups, size, present, connect)
            key = key_of(WAL_CONTINUITY)
            own = replace(own, checks={**own.checks, key: replace(own.checks[key], healable=not final)})
        return own
    except HostError as exc:
        return ServerChecks(server.name, _by_key([Check(BACKUP_PRESENT, False, str(exc), OURS)]))


def _waits_for_both(own: ServerChecks, server: ServerConfiguration) -> bool:
    """Whether the WAL has a gap that streaming or archive_command may still fill."""
    check = own.checks.get(key_of(WAL_CONTINUITY))
    both = server.flag("streaming_archiver") and server.flag("archiver") and not server.passive
    return check is not None and not check.ok and check.healable and bool(own.gaps) and both


def _gap_is_final(
    server: ServerConfiguration,
    barman: Barman,
    backups: Sequence[Backup],
    size: int,
    present: int | None,
    connect: Connect,
) -> bool:
    # PostgreSQL is asked first, and the archive is read again after that: what arrives meanwhile is no gap.
    def gaps_now() -> list[wal.Segment]:
        found, dummy = find_gaps(backups, read_archive(server, barman, size), present)
        return [wal.parse_segment(gap.last) for gap in found if gap.after_latest]

    lasts = gaps_now()
    return gap_state.is_final(server, lasts, size, barman.user, connect) and gaps_now() == lasts


def _foreign_timelines(report: BranchReport) -> Check:
    unknown = "not checked: %s" % report.unknown if report.unknown else ""
    return Check(FOREIGN_TIMELINES, not report.problem, report.problem or unknown, OURS)


def _interrupted(server: ServerConfiguration, backups: Sequence[Backup]) -> Check:
    """Barman calls a backup of which it was torn away, by a power cut say, STARTED for ever, and does not count it as failed."""
    found = [backup.backup_id for backup in backups if backup.interrupted]
    if not found:
        return Check(INTERRUPTED, True, source=OURS)
    commands = ", ".join("barman delete %s %s" % (server.name, backup_id) for backup_id in found)
    return Check(INTERRUPTED, False, "they take up room until they are deleted: %s" % commands, OURS)


def _chains(backups: Sequence[Backup]) -> Check:
    """Barman itself deletes a full backup with its increments; where it went in another way, they are left, and of no use."""
    broken = []
    for backup in backups:
        try:
            if backup.copied:
                catalog.chain(backups, backup)
        except catalog.CatalogError as exc:
            broken.append(str(exc))
    return Check(CHAINS, not broken, "; ".join(broken), OURS)


def _wal_sizes(server: ServerConfiguration, backups: Sequence[Backup], archive: Archive, most: int = 3) -> Check:
    """A file that was cut off or replaced: Barman itself never reads the archived files again.

    A file that the latest backup does not need takes points before that backup away, and can't be healed by a new one.
    """
    newest = catalog.latest(backups)
    found = wrong_sizes(server, archive)
    first = 0 if newest is None or newest.begin_wal is None else _number(newest.begin_wal, archive)
    needed = [text for segment, text in found.items() if segment.number(archive.segment_size) >= first]
    texts = needed or list(found.values())
    if not texts:
        return Check(WAL_SIZES, True, source=OURS)
    more = ["and %d more" % (len(texts) - most)] if len(texts) > most else []
    listed = "; ".join([*texts[:most], *more])
    if not needed:
        return Check(WAL_SIZES, True, "before the latest backup: %s. Points there can't be recovered" % listed, OURS)
    return Check(
        WAL_SIZES,
        False,
        "%s. A recovery that needs such a file is refused. Replace it by an intact copy, of a passive node or of PostgreSQL's pg_wal, "
        "or take a new backup" % listed,
        OURS,
        healable=False,
    )


def _number(name: str, archive: Archive) -> int:
    return wal.parse_segment(name).number(archive.segment_size)


def _disk_space(server: ServerConfiguration, segment_size: int) -> Check:
    full = full_disks(server, segment_size)
    if not full:
        return Check(DISK_SPACE, True, source=OURS)
    hint = "%s, and not one more WAL segment can be received; make room" % ", ".join(str(disk) for disk in full)
    return Check(DISK_SPACE, False, hint, OURS)


def wait_until_green(
    glance: Callable[[Sequence[str]], dict[str, ServerChecks]],
    names: Sequence[str],
    ignored: Collection[str],
    timeout: float,
    report: Callable[[Sequence[str]], None] = lambda failing: None,
    wait: Callable[..., Any] = wait_for,
    patience: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, ServerChecks]:
    """Look until no server has a failed check or the time is over; a server that was green is not looked at again.

    A server whose failures can't heal is not waited for. It is looked at twice: a file that is moved may be missed once.
    patience: after so many seconds a server that can't be connected to is not waited for any more.
    """
    seen: dict[str, ServerChecks] = {}
    final: dict[str, int] = {}
    begin = clock()

    def failing() -> list[str]:
        given_up = patience is not None and clock() - begin >= patience
        return [
            name
            for name in names
            if name not in seen
            or (
                seen[name].failures(ignored)
                and final[name] < _FINAL_LOOKS
                and not (given_up and _out_of_reach(seen[name]))
            )
        ]

    def probe() -> Probe:
        found = glance(failing())
        seen.update(found)
        for name, server in found.items():
            final[name] = final.get(name, 0) + 1 if server.final(ignored) else 0
        left = failing()
        report(left)
        return Probe(not left, ", ".join(left))

    with contextlib.suppress(WaitTimeout):
        wait("all checks", probe, timeout, _INTERVAL)
    return {name: seen[name] for name in names}


def _out_of_reach(server: ServerChecks) -> bool:
    return any(_failed(server, key) for key in ("postgresql", *_UNFINISHED))


def explain(
    servers: Mapping[str, ServerChecks], configuration: Configuration, user: str, connect: Connect, most: int = 10
) -> dict[str, ServerChecks]:
    """Barman says little or nothing about a failed connection: connect once more, for so many servers, to have the reason."""
    answers = dict(servers)
    tried = 0
    for name, server in servers.items():
        for key, (option, replication) in _CONNECTIONS.items():
            check = server.checks.get(key)
            # A server that does not answer keeps Barman from coming to its checks.
            unknown = key == "postgresql" and check is None and any(_failed(server, cause) for cause in _UNFINISHED)
            if tried >= most or not (unknown or _failed(server, key)):
                continue
            tried += 1
            hint = _why(getattr(configuration.server(name), option), user, connect, replication)
            if check is not None:
                hint = hint or check.hint or "it failed for Barman, and a connection made after that succeeded"
                server = replace(server, checks={**server.checks, key: replace(check, hint=hint)})
            elif hint:
                server = server.with_checks([Check("PostgreSQL", False, hint, OURS)])
        answers[name] = server
    return answers


def with_lag(
    servers: Mapping[str, ServerChecks], configuration: Configuration, barman: Barman, connect: Connect | None
) -> dict[str, ServerChecks]:
    """The checks; the first failed one of a connection or of the receiver also has how far the backups are behind."""
    answers = dict(servers)
    for name, server in servers.items():
        key = next((key for key in (*_CONNECTIONS, _RECEIVER) if _failed(server, key)), None)
        if key is None:
            continue
        asked = None if _failed(server, "postgresql") else connect
        lag = lag_of(barman, configuration.server(name), asked, time.time())
        if lag:
            check = server.checks[key]
            hint = "%s; %s" % (check.hint.rstrip(".") or "FAILED", lag)
            answers[name] = replace(server, checks={**server.checks, key: replace(check, hint=hint)})
    return answers


def look_at_synchronous(
    servers: Mapping[str, ServerChecks],
    synchronous: Sequence[str],
    configuration: Configuration,
    user: str,
    connect: Connect | None,
) -> dict[str, ServerChecks]:
    """Barman does not know that commits are to wait for its receiver: ask PostgreSQL, for these servers."""
    answers = dict(servers)
    for name in synchronous:
        if name not in answers:
            continue
        if connect is None:
            hint = "psycopg 3 is not installed on this host, so PostgreSQL can't be asked"
        elif _failed(answers[name], "postgresql"):
            hint = "PostgreSQL can't be asked"
        else:
            hint = _not_synchronous(configuration.server(name), user, connect)
        answers[name] = answers[name].with_checks([Check(SYNCHRONOUS, not hint, hint, OURS)])
    return answers


def _not_synchronous(server: ServerConfiguration, user: str, connect: Connect) -> str:
    try:
        session = connect(server.wal_conninfo, user, server.name)
        try:
            return problem_of(session, server.get("streaming_archiver_name") or "barman_receive_wal")
        finally:
            session.close()
    except HostError as exc:
        return str(exc)


def _why(conninfo: str, user: str, connect: Connect, replication: bool) -> str:
    """Why no connection comes about; empty where one does."""
    try:
        connect(conninfo, user, None, replication).close()
    except HostError as exc:
        return str(exc)
    return ""


def reasons(servers: Mapping[str, ServerChecks], ignored: Collection[str] = ()) -> list[str]:
    """Each failed check in a sentence, but for those of which Barman says nonsense when it has no connection."""
    return [
        "server '%s': %s" % (name, check)
        for name, checks in servers.items()
        for check in checks.failures(ignored)
        if not any(check.key in keys and _failed(checks, cause) for cause, keys in _CONSEQUENCES.items())
    ]


def _failed(checks: ServerChecks, key: str) -> bool:
    return key in checks.checks and not checks.checks[key].ok


def _check_chunk(barman: Barman, names: Sequence[str], configuration: Configuration) -> dict[str, ServerChecks]:
    limit = 60.0 + sum(_check_timeout(configuration.servers[name]) for name in names)
    try:
        completed = barman.text("check", *names, timeout=limit)
    except CommandTimeout as exc:
        return {name: ServerChecks(name, _by_key([Check("barman check", False, str(exc))])) for name in names}
    answers = parse_checks(completed.stdout)
    broke_off = completed.rc < 0 or exception(completed) is not None
    if broke_off and answers:
        # In the middle of this one, and it is not known which of its checks were still to come.
        last = list(answers)[-1]
        answers[last] = answers[last].with_checks([_no_answer(completed)])
    for name in names:
        if name not in answers:
            answers[name] = ServerChecks(name, _by_key([_no_answer(completed)]))
    told = broke_off or any(checks.active and checks.failures() for checks in answers.values())
    if not completed.ok and not told:
        # Barman complains of something that is no check.
        answers = {name: checks.with_checks([_no_answer(completed)]) for name, checks in answers.items()}
    return answers


def _no_answer(completed: Completed) -> Check:
    words = exception(completed)
    said = mask_message(completed.stderr.strip().rpartition("\n")[2] if words is None else words)
    return Check("barman check", False, said or "exit code %d" % completed.rc)


def _check_timeout(server: ServerConfiguration) -> float:
    try:
        return float(server.get("check_timeout") or 30)
    except ValueError:
        return 30.0


def _gap_can_heal(server: ServerConfiguration) -> bool:
    streaming, archiving = server.flag("streaming_archiver"), server.flag("archiver")
    return gap_can_heal(passive=server.passive, streaming=streaming, archiving=archiving)


def _continuity(newest: Backup | None, gaps: Sequence[Gap], problem: str | None, healable: bool) -> Check:
    lost = [gap for gap in gaps if gap.after_latest]
    older = [gap for gap in gaps if not gap.after_latest]
    if lost and newest is not None:
        return Check(
            WAL_CONTINUITY,
            False,
            "%s missing after backup %s: nothing later can be recovered until a new backup was taken"
            % (_listed(lost), newest.backup_id),
            OURS,
            healable,
        )
    if problem:
        return Check(WAL_CONTINUITY, False, problem, OURS)
    if older:
        return Check(
            WAL_CONTINUITY,
            True,
            "%s missing before the latest backup: points there can't be recovered" % _listed(older),
            OURS,
        )
    return Check(WAL_CONTINUITY, True, "" if newest else "there is no good backup yet", OURS)


def _listed(gaps: Sequence[Gap], most: int = 3) -> str:
    texts = [gap.first if gap.count == 1 else "%s to %s (%d)" % (gap.first, gap.last, gap.count) for gap in gaps]
    more = ["and %d more" % (len(texts) - most)] if len(texts) > most else []
    return "WAL segments %s" % ", ".join([*texts[:most], *more])


def _gaps_after(backup: Backup, archive: Archive, present: int | None) -> list[wal.Gap]:
    if backup.begin_wal is None:
        return []
    begin = wal.parse_segment(backup.begin_wal)
    # Where a segment is being received, all before it were.
    known = {*archive.segments, *archive.partials}
    return wal.gaps(known, begin, way_on(begin, archive, present), backup.segment_size)


def _gaps_within(backup: Backup, archive: Archive) -> list[wal.Gap]:
    if backup.begin_wal is None or backup.end_wal is None:
        return []
    begin, end = wal.parse_segment(backup.begin_wal), wal.parse_segment(backup.end_wal)
    return wal.gaps(archive.segments, begin, None, backup.segment_size, end)


def way_on(begin: wal.Segment, archive: Archive, present: int | None = None) -> list[wal.Leg]:
    """The way to the server's timeline, or the newest one, that comes from this segment; a restore elsewhere may have made others."""
    if present == begin.timeline:
        return wal.way_from(begin.timeline, begin.timeline, archive.histories)
    newer = [timeline for timeline in sorted(archive.histories, reverse=True) if timeline > begin.timeline]
    for timeline in sorted(newer, key=lambda timeline: timeline != present):
        way = wal.parse_history(timeline, archive.histories[timeline])
        for leg in way:
            if leg.timeline == begin.timeline and begin.begin_lsn(archive.segment_size) <= (leg.end or 0):
                return way
    return wal.way_from(begin.timeline, begin.timeline, archive.histories)


def _by_key(checks: Iterable[Check]) -> dict[str, Check]:
    found: dict[str, Check] = {}
    for check in checks:
        before = found.get(check.key)
        if before is None:
            found[check.key] = check
        elif before.ok != check.ok:
            found[check.key] = before if not before.ok else check
        elif check.hint and check.hint != before.hint:
            found[check.key] = replace(before, hint="; ".join(filter(None, [before.hint, check.hint])))
    return found


def _closed(hint: str) -> str:
    return hint[:-1] if hint.endswith(")") else hint
