# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL's archive_command: what is written there, what stands there, and whether WAL comes through.

This module util is private to the collection. The plan is a value, made from what PostgreSQL says; Archiver looks and
applies.
"""

from __future__ import annotations

import io
import re
import shlex
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from .._barman.versions import parse_version
from .._host.process import Command, CommandTimeout, Completed, HostError, Runner
from .._host.waiting import Probe, WaitTimeout, wait_for
from .._postgres import wal
from .._postgres.connection import Session
from .._postgres.wal_position import close_segment

#: A comment to the shell. By it our own commands are told from those of somebody else.
MARK = "# pgdr.barman"
#: Archives nothing and says success. An empty command would keep all WAL for ever, as long as archive_mode is on.
NOTHING = "/bin/true " + MARK
METHODS = ("barman-wal-archive", "rsync")
COMPRESSIONS = ("none", "gzip", "bzip2", "xz", "snappy", "zstd", "lz4")
RSYNC_COMPRESSIONS = ("none", "gzip", "zstd", "lz4")
#: From this version on barman-wal-archive compresses, and the other side knows what it gets.
COMPRESSION_SINCE = (3, 14)

_DOES_NOTHING = re.compile(r"(?:(?:/usr)?/bin/)?true|:|exit 0|cd \.|\(disabled\)|")
# What Barman leaves in a server that it restored, lest two servers archive to one place.
_FAILS = re.compile(r"(?:(?:/usr)?/bin/)?false")
_SETTINGS = ("archive_mode", "archive_command", "archive_timeout", "archive_library")
_CONNECT_TIMEOUT = 10
# What the archiver tries by itself before it pauses for a minute.
_ATTEMPTS = 3
# Barman takes this for a transfer without files.
_EMPTY_TAR = "\0" * 10240
#: From this version on barman-wal-archive sends SHA256 sums, which Barman before it does not know, and has the option --md5.
SHA256_SINCE = (3, 12)


def _sums_alone() -> str:
    """A transfer of SHA256 sums without files. Barman before 3.12 takes the sums for a WAL file without a sum and stores nothing (server.py, put_wal)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("SHA256SUMS"))
    return stream.getvalue().decode("ascii")


class ArchiveError(HostError):
    """WAL is not archived, or would not be; the text says where it stopped. kind: one word for programs."""

    def __init__(self, message: str, kind: str = "other") -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Target:
    """Where WAL goes. server: Barman's name. directory: Barman's incoming directory, for rsync. md5: Barman there knows no SHA256 sums."""

    server: str
    host: str
    port: int = 22
    user: str = "barman"
    method: str = "barman-wal-archive"
    compression: str = "none"
    directory: str | None = None
    md5: bool = False

    @property
    def address(self) -> str:
        return "%s@%s, port %d" % (self.user, self.host, self.port)


@dataclass(frozen=True)
class Desired:
    """What is asked for; target None: that nothing is archived. timeout: seconds, None leaves it as it is."""

    target: Target | None
    mode: str = "on"
    timeout: int | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Statistics:
    """What the archiver says it did, without .history and .backup files where a segment is known."""

    archived_wal: str | None = None
    archived_time: Any = None
    failed_wal: str | None = None
    failed_time: Any = None
    failed_count: int = 0

    @property
    def works(self) -> bool:
        if self.archived_time is None:
            return False
        return self.failed_time is None or self.failed_time <= self.archived_time


@dataclass(frozen=True)
class HistoryFile:
    """The history file of the server's timeline in pg_wal. archived: by some archive_command. waiting: to be archived."""

    name: str
    archived: bool = False
    waiting: bool = False


@dataclass(frozen=True)
class Current:
    """What PostgreSQL runs with and what is written for its next start. command: empty where none is set."""

    version: int
    in_recovery: bool
    data_directory: str
    mode: str
    mode_written: str
    command: str
    library: str = ""
    timeout: int = 0
    fixed: tuple[str, ...] = ()
    statistics: Statistics = field(default_factory=Statistics)
    history: HistoryFile | None = None


@dataclass(frozen=True)
class Plan:
    """What has to be done. settings: what ALTER SYSTEM sets, None resets. prove: have a segment archived.

    history: the history file that PostgreSQL has to archive.
    """

    settings: Mapping[str, str | None] = field(default_factory=dict)
    restart_required: bool = False
    prove: bool = False
    history: str | None = None

    @property
    def changes(self) -> bool:
        return bool(self.settings) or self.prove or self.history is not None


def archive_command(target: Target) -> str:
    """The command, without the mark. PostgreSQL puts in %p, the file's path, and %f, its name."""
    if target.method == "rsync":
        remote = "[%s]" % target.host if ":" in target.host else target.host
        ssh = ["ssh", "-q", "-o", "BatchMode=yes"] + (["-p", str(target.port)] if target.port != 22 else [])
        words = ["rsync", "--archive"]
        if target.compression == "gzip":
            words.append("--compress")
        elif target.compression != "none":
            words.append("--compress-choice=%s" % target.compression)
        words += ["--rsh", " ".join(ssh)]
        destination = "%s@%s:%s/" % (target.user, remote, (target.directory or "").rstrip("/"))
        return "%s %%p %s%%f" % (_quoted(words), _quoted([destination]))
    words = ["barman-wal-archive"]
    if target.port != 22:
        words += ["--port", str(target.port)]
    if target.compression != "none":
        words.append("--" + target.compression)
    if target.md5:
        words.append("--md5")
    words += ["--user", target.user, target.host, target.server]
    return _quoted(words) + " %p"


def _quoted(words: list[str]) -> str:
    return shlex.join(words).replace("%", "%%")


def marked(command: str, timeout: int | None = None) -> str:
    """The command with our mark, which also notes the archive_timeout that was set with it."""
    return "%s %s%s" % (command, MARK, "" if timeout is None else " archive_timeout=%d" % timeout)


def is_ours(command: str) -> bool:
    return MARK in command


def noted_timeout(command: str) -> int | None:
    """The archive_timeout that was set with our command."""
    found = re.search(re.escape(MARK) + r" archive_timeout=(\d+)", command)
    return int(found.group(1)) if found else None


def does_nothing(command: str) -> bool:
    return bool(_DOES_NOTHING.fullmatch(command.split(MARK)[0].strip()))


def problems(
    desired: Desired, installed: tuple[int, ...] | None, far: tuple[int, ...] | None, far_needed: bool = True
) -> list[str]:
    """What speaks against the options.

    installed, far: barman-wal-archive's version here, Barman's there. far_needed: whether the latter has to be known.
    """
    target = desired.target
    found: list[str] = []
    if target is None:
        return found
    if target.method == "rsync":
        if not target.directory:
            found.append(
                "incoming_directory is needed for method rsync: Barman's incoming_wals_directory of the server"
            )
        if target.compression not in RSYNC_COMPRESSIONS:
            found.append(
                "barman_archive_compression (option compression of the module): %s is none that rsync has: write one of %s"
                % (target.compression, ", ".join(RSYNC_COMPRESSIONS))
            )
        return found
    if target.compression == "none":
        return found
    since = ".".join(str(part) for part in COMPRESSION_SINCE)
    if installed is not None and installed < COMPRESSION_SINCE:
        found.append(
            "compression %s needs barman-wal-archive %s, and this host has %s: write none, or install a newer barman-cli"
            % (target.compression, since, ".".join(str(part) for part in installed))
        )
    if far is None and far_needed:
        found.append(
            "compression %s needs Barman %s on the backup server too: write barman_version for that host (option barman_version of the module)"
            % (target.compression, since)
        )
    elif far is not None and far < COMPRESSION_SINCE:
        found.append(
            "compression %s needs Barman %s on the backup server, which has %s: write none, or use a newer Barman there"
            % (target.compression, since, ".".join(str(part) for part in far))
        )
    return found


def make_plan(current: Current, desired: Desired) -> Plan:
    """Decide what has to be done. Raises ArchiveError where somebody else's setting stands in the way."""
    foreign = _foreign(current, desired)
    if foreign:
        raise ArchiveError(foreign, "foreign")
    settings = _wanted_archiving(current, desired) if desired.target is not None else _wanted_nothing(current)
    fixed = [name for name in settings if name in current.fixed]
    if fixed:
        raise ArchiveError(
            "%s was given to PostgreSQL on its command line, where it wins over every file: take it out there"
            % " and ".join(fixed),
            "foreign",
        )
    restart = desired.target is not None and current.mode not in _enough(desired.mode)
    # A standby closes no segments, and before the restart nothing is archived.
    prove = desired.target is not None and current.mode != "off" and not current.in_recovery
    changed = "archive_command" in settings or "archive_library" in settings
    history = _history_to_archive(current, changed) if desired.target is not None else None
    return Plan(settings, restart, prove and (changed or not current.statistics.works or history is not None), history)


def _history_to_archive(current: Current, changed: bool) -> str | None:
    """The history file that Barman has not got. changed: from now on PostgreSQL archives to another place.

    PostgreSQL archives it once, at the promotion, and not if archive_mode was off then.
    """
    file = current.history
    if file is None or file.waiting or (file.archived and not changed):
        return None
    return file.name


def _enough(mode: str) -> tuple[str, ...]:
    """The values of archive_mode that do; "always" archives on standbys too."""
    return ("always",) if mode == "always" else ("on", "always")


def _foreign(current: Current, desired: Desired) -> str:
    """What somebody else has set, where it may not be overwritten."""
    if desired.overwrite:
        return ""
    wanted = archive_command(desired.target) if desired.target is not None else None
    if current.library:
        return (
            "archive_library is '%s', which somebody else has set, and with it no archive_command is used. Take it out, or write "
            "pg_archive_overwrite: true (option overwrite of the module)" % current.library
        )
    nobodys = does_nothing(current.command) or _FAILS.fullmatch(current.command.strip())
    if is_ours(current.command) or nobodys or current.command == wanted:
        return ""
    return (
        "archive_command is set already, and not by this module: %s. WAL may go somewhere else with it. Take it out, or write "
        "pg_archive_overwrite: true (option overwrite of the module)" % current.command
    )


def with_sums(desired: Desired, current: Current) -> Desired:
    """The same with the sums that the present command sends: they are asked for only if the command changes or fails."""
    target = desired.target
    if target is None or target.method != "barman-wal-archive":
        return desired
    older = replace(desired, target=replace(target, md5=True))
    same = older.target is not None and current.command.split(MARK)[0].strip() == archive_command(older.target)
    return older if same else desired


def _wanted_archiving(current: Current, desired: Desired) -> dict[str, str | None]:
    settings: dict[str, str | None] = {}
    command = marked(archive_command(desired.target), desired.timeout) if desired.target is not None else ""
    if current.mode_written not in _enough(desired.mode):
        settings["archive_mode"] = desired.mode
    if current.library:
        settings["archive_library"] = ""
    if current.command != command:
        settings["archive_command"] = command
    settings.update(_wanted_timeout(current, desired.timeout))
    return settings


def _wanted_nothing(current: Current) -> dict[str, str | None]:
    settings: dict[str, str | None] = {}
    if current.library:
        settings["archive_library"] = ""
    if current.mode == "off" and current.mode_written == "off":
        if is_ours(current.command):
            settings["archive_command"] = None
    elif not current.command or not does_nothing(current.command):
        settings["archive_command"] = NOTHING
    settings.update(_wanted_timeout(current, None))
    return settings


def _wanted_timeout(current: Current, wanted: int | None) -> dict[str, str | None]:
    if wanted is not None:
        return {} if current.timeout == wanted else {"archive_timeout": str(wanted)}
    noted = noted_timeout(current.command)
    return {"archive_timeout": None} if noted is not None and noted == current.timeout else {}


def configure(
    session: Session,
    run: Runner,
    user: str,
    desired: Desired,
    far_version: str | None = None,
    timeout: float = 120.0,
    check_mode: bool = False,
) -> dict[str, Any]:
    """Make it so, and answer as the module archive_command does. Raises HostError."""
    archiver = Archiver(session, run, user, timeout)
    target = desired.target
    current = archiver.look()
    desired = with_sums(desired, current)
    target = desired.target
    plan = make_plan(current, desired)
    if target is not None:
        far = parse_version(far_version) if far_version else None
        if far_version and far is None:
            raise ArchiveError("barman_version '%s' is no version: write one such as 3.19.1" % far_version)
        compresses = target.method == "barman-wal-archive" and target.compression != "none"
        installed = archiver.installed_version() if compresses and not check_mode else None
        # A command that stands was compared with it; in check mode Barman may only be about to be installed there.
        found = problems(desired, installed, far, "archive_command" in plan.settings and not check_mode)
        if found:
            raise ArchiveError("; ".join(found), "configuration")
    segment: wal.Segment | None = None
    fails = plan.prove and not current.statistics.works
    if target is not None and not check_mode and (fails or "archive_command" in plan.settings):
        target = archiver.with_known_sums(target)
        desired = replace(desired, target=target)
        plan = make_plan(current, desired)
    if not check_mode:
        if target is not None and "archive_command" in plan.settings:
            archiver.check_the_way(target)
        archiver.apply(plan)
        if plan.history is not None:
            archiver.archive_history(plan.history, current.data_directory)
        if plan.prove and target is not None:
            segment = archiver.prove(target)
        if target is None and plan.settings and current.mode != "off" and not current.in_recovery:
            archiver.wait_until_idle()
    before = {name: value for name, value in _state(current).items() if name in plan.settings}
    after = dict(plan.settings)
    if plan.history is not None:
        before["history"], after["history"] = "", plan.history
    return {
        "changed": plan.changes,
        "archive_command": plan.settings.get("archive_command", current.command) or "",
        "previous_command": current.command,
        "restart_required": plan.restart_required,
        "segment": None if segment is None else str(segment),
        "last_archived": str(segment) if segment is not None else current.statistics.archived_wal,
        "history": plan.history,
        "diff": {"before": before, "after": after},
    }


def _state(current: Current) -> dict[str, str]:
    return {
        "archive_mode": current.mode_written,
        "archive_command": current.command,
        "archive_timeout": str(current.timeout),
        "archive_library": current.library,
    }


class Archiver:
    """Looks at one server and changes it. user: the operating system user that PostgreSQL runs as."""

    def __init__(
        self,
        session: Session,
        run: Runner,
        user: str,
        timeout: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session = session
        self._run = run
        self._user = user
        self._timeout = timeout
        self._clock = clock
        self._pause = pause

    def look(self) -> Current:
        row = self._session.query(
            "SELECT pg_catalog.pg_is_in_recovery() AS in_recovery, current_setting('data_directory') AS data_directory"
        )[0]
        running = {
            item["name"]: item
            for item in self._session.query(
                "SELECT name, setting, source FROM pg_catalog.pg_settings WHERE name = ANY(%s)", [list(_SETTINGS)]
            )
        }
        written = {
            item["name"]: item["setting"]
            for item in self._session.query(
                # The last one wins. What waits for a restart has an error too, and counts: it is what a restart brings.
                "SELECT DISTINCT ON (name) name, setting FROM pg_catalog.pg_file_settings WHERE name = ANY(%s) "
                "AND (error IS NULL OR name IN (SELECT name FROM pg_catalog.pg_settings WHERE context = 'postmaster')) "
                "ORDER BY name, seqno DESC",
                [list(_SETTINGS)],
            )
        }
        mode = str(running["archive_mode"]["setting"])
        shown = str(running["archive_command"]["setting"])
        # While archive_mode is off PostgreSQL hides the command.
        command = str(written.get("archive_command", "")) if shown == "(disabled)" else shown
        return Current(
            version=self._session.version,
            in_recovery=bool(row["in_recovery"]),
            data_directory=str(row["data_directory"]),
            mode=mode,
            mode_written=str(written.get("archive_mode", "off")),
            command=command,
            library=str(running.get("archive_library", {}).get("setting") or ""),
            timeout=int(running["archive_timeout"]["setting"]),
            fixed=tuple(name for name in _SETTINGS if running.get(name, {}).get("source") == "command line"),
            statistics=self._statistics(),
            history=self._history(),
        )

    def _history(self) -> HistoryFile | None:
        """The history file of the server's timeline; None if there is none, or for a standby."""
        rows = self._session.query(
            "WITH own AS (SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL ELSE "
            "substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) || '.history' END AS name), "
            "states AS (SELECT name FROM pg_catalog.pg_ls_archive_statusdir()) "
            "SELECT name, name || '.done' IN (SELECT name FROM states) AS archived, "
            "name || '.ready' IN (SELECT name FROM states) AS waiting FROM own "
            "WHERE name IN (SELECT name FROM pg_catalog.pg_ls_waldir())"
        )
        return HistoryFile(str(rows[0]["name"]), bool(rows[0]["archived"]), bool(rows[0]["waiting"])) if rows else None

    def _statistics(self) -> Statistics:
        row = self._session.query(
            "SELECT last_archived_wal, last_archived_time, last_failed_wal, last_failed_time, failed_count "
            "FROM pg_catalog.pg_stat_archiver"
        )[0]
        return Statistics(
            row["last_archived_wal"],
            row["last_archived_time"],
            row["last_failed_wal"],
            row["last_failed_time"],
            int(row["failed_count"]),
        )

    def check_the_way(self, target: Target) -> None:
        """Go to Barman with nothing, as PostgreSQL's user. Raises ArchiveError where that does not work."""
        program = target.method
        self._command([program, "--version"])
        reached = self._reach(target)
        if target.method == "barman-wal-archive" and not reached.ok:
            raise ArchiveError(
                "Barman at %s does not take WAL of server '%s': %s"
                % (target.address, target.server, _last_line(reached)),
                "not_configured",
            )

    def installed_version(self) -> tuple[int, ...]:
        """barman-wal-archive's version on this host."""
        said = self._command(["barman-wal-archive", "--version"])
        found = re.search(r"(\d+(?:\.\d+)+)", said.stdout + said.stderr)
        return tuple(int(part) for part in found.group(1).split(".")) if found else ()

    def with_known_sums(self, target: Target) -> Target:
        """The target with sums that Barman there knows. Raises ArchiveError.

        Barman's exit status decides: its version can't be asked for, because the key is for put-wal alone.
        """
        if target.method != "barman-wal-archive" or self.installed_version() < SHA256_SINCE:
            return replace(target, md5=False)
        if self._reach(target, _sums_alone()).ok:
            return replace(target, md5=False)
        # Without sums it works: it is the sums that Barman refuses. Otherwise something else is wrong, which is reported later.
        return replace(target, md5=True) if self._reach(target).ok else target

    def _command(self, argv: list[str]) -> Completed:
        try:
            return self._run(Command(argv, user=self._user, timeout=30))
        except CommandTimeout:
            raise
        except HostError as exc:
            package = "barman-cli" if argv[0] == "barman-wal-archive" else argv[0]
            raise ArchiveError("%s (package %s)" % (exc, package), "not_installed") from None

    def _reach(self, target: Target, sent: str = _EMPTY_TAR) -> Completed:
        """One SSH connection as archive_command makes it, with its messages. Raises ArchiveError where it fails."""
        remote = "true" if target.method == "rsync" else "barman put-wal %s" % shlex.quote(target.server)
        argv = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=%d" % _CONNECT_TIMEOUT, "-T"]
        argv += ["-p", str(target.port), "%s@%s" % (target.user, target.host), remote]
        try:
            said = self._run(Command(argv, user=self._user, timeout=60, input=sent))
        except CommandTimeout:
            raise ArchiveError("SSH to %s does not end within a minute" % target.address, "ssh") from None
        if said.rc == 255:
            kind, why = _ssh_problem(said.stderr)
            raise ArchiveError("SSH as '%s' to %s: %s" % (self._user, target.address, why), kind)
        return said

    def apply(self, plan: Plan) -> None:
        """Write the settings and have them taken over."""
        if not plan.settings:
            return
        for name, value in plan.settings.items():
            if value is None:
                self._session.query("ALTER SYSTEM RESET %s" % name)
            else:
                self._session.query("ALTER SYSTEM SET %s = %s" % (name, _literal(value)))
        self._session.query("SELECT pg_catalog.pg_reload_conf()")
        expected = {
            name: value for name, value in plan.settings.items() if value is not None and name != "archive_mode"
        }

        def probe() -> Probe:
            rows = self._session.query(
                "SELECT name, setting FROM pg_catalog.pg_settings WHERE name = ANY(%s)", [list(expected)]
            )
            other = [
                "%s = %s" % (row["name"], row["setting"])
                for row in rows
                if row["setting"] not in (expected[row["name"]], "(disabled)")
            ]
            return Probe(not other, ", ".join(other))

        wait_for("the new settings to be in effect", probe, 30.0, 0.1, self._clock, self._pause)

    def archive_history(self, name: str, data_directory: str) -> None:
        """Have PostgreSQL archive a history file: the archiver takes every file that is marked as ready, histories first."""
        mark = "%s/pg_wal/archive_status/%s.ready" % (data_directory, name)
        said = self._run(Command(["touch", mark], user=self._user, timeout=30))
        if not said.ok:
            raise ArchiveError("the timeline history %s can't be archived: %s" % (name, said.text))

    def prove(self, target: Target) -> wal.Segment:
        """Have a segment closed and archived. Raises ArchiveError saying where it stopped."""
        row = self._session.query(
            "SELECT pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()) AS name, "
            "(SELECT setting::int FROM pg_catalog.pg_settings WHERE name = 'wal_segment_size') AS segment_size"
        )[0]
        before = self._statistics()
        segment = close_segment(self._session, wal.parse_segment(row["name"]).timeline, int(row["segment_size"]))

        def probe() -> Probe:
            now = self._statistics()
            if has_archived(now.archived_wal, segment):
                return Probe(True, "")
            if now.failed_count - before.failed_count >= _ATTEMPTS and not now.works:
                return Probe(True, "", now)
            seen = "the last archived is %s" % (now.archived_wal or "none")
            return Probe(False, seen + (", and archiving %s failed" % now.failed_wal if not now.works else ""))

        what = "WAL segment %s to be archived" % segment
        try:
            failed = wait_for(what, probe, self._timeout, 0.2, self._clock, self._pause)
        except WaitTimeout as exc:
            self._explain(target, self._statistics().failed_wal)
            raise ArchiveError(str(exc), "timeout") from None
        if failed is not None:
            self._explain(target, failed.failed_wal)
            raise ArchiveError(
                "%s: PostgreSQL's archiver failed with %s, and the same command works now. Look into PostgreSQL's log"
                % (what, failed.failed_wal)
            )
        return segment

    def wait_until_idle(self) -> None:
        """Wait until nothing waits to be archived."""

        def probe() -> Probe:
            rows = self._session.query(
                "SELECT count(*) AS waiting FROM pg_catalog.pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"
            )
            if rows[0]["waiting"] == 0:
                return Probe(True, "")
            now = self._statistics()
            failing = "" if now.failed_time is None or now.works else ", and archiving %s fails" % now.failed_wal
            return Probe(False, "%d segments%s" % (rows[0]["waiting"], failing))

        wait_for("WAL that waited for archive_command", probe, self._timeout, 0.2, self._clock, self._pause)

    def _explain(self, target: Target, failed: str | None) -> None:
        """Do what the archiver did, one step after the other, and raise ArchiveError with the one that fails."""
        self._reach(target)
        if failed is None:
            return
        directory = str(
            self._session.query("SELECT current_setting('data_directory') AS data_directory")[0]["data_directory"]
        )
        command = (
            archive_command(target)
            .replace("%%", "\0")
            .replace("%p", "pg_wal/" + failed)
            .replace("%f", failed)
            .replace("\0", "%")
        )
        try:
            said = self._run(Command(["/bin/sh", "-c", command], user=self._user, cwd=directory, timeout=120))
        except CommandTimeout:
            raise ArchiveError("'%s' does not end within two minutes" % command, "timeout") from None
        if said.ok:
            return
        kind = "command"
        hint = ""
        text = said.stderr + said.stdout
        if said.rc == 127:
            kind, hint = (
                "not_installed",
                " Install it: %s." % ("package barman-cli" if target.method == "barman-wal-archive" else "rsync"),
            )
        elif re.search(r"No space left on device|Disk quota exceeded", text):
            kind, hint = "disk_full", " Make room on %s." % target.host
        elif re.search(r"Unknown server", text):
            kind, hint = "not_configured", " Barman at %s has no server '%s'." % (target.host, target.server)
        raise ArchiveError(
            "'%s' ends with exit code %d: %s.%s" % (command, said.rc, _last_line(said).rstrip("."), hint), kind
        )


def has_archived(last: str | None, segment: wal.Segment) -> bool:
    """Whether the archiver has come as far as this segment, if this is the last file that it archived. It takes them in their order."""
    file = wal.parse(last or "")
    if file is None or file.segment is None or file.segment.timeline != segment.timeline:
        return False
    return file.segment >= segment if file.kind == "segment" else file.segment > segment


def _ssh_problem(text: str) -> tuple[str, str]:
    said = " ".join(text.split())
    if "IDENTIFICATION HAS CHANGED" in text or "Host key verification failed" in text:
        return "host_key", (
            "the host key is not the one in known_hosts, or not known. Role pgdr.barman.ssh_trust fills known_hosts from the "
            "hosts' own keys (%s)" % said[-200:]
        )
    if "Permission denied" in text:
        return "permission", (
            "the key is not let in there: it is missing in authorized_keys, or from= does not fit the address. Role "
            "pgdr.barman.ssh_trust lays it (%s)" % said[-200:]
        )
    if re.search(r"Connection (closed|reset) by", text):
        return "closed", (
            "sshd there closes the connection before it asks for a key. Since OpenSSH 9.8 it does so for up to ten minutes with an "
            "address from which logins failed (PerSourcePenalties); see its log (%s)" % said[-200:]
        )
    return "ssh", said[-300:] or "it fails without a word"


def _last_line(said: Completed) -> str:
    lines = [line.strip() for line in (said.stderr + "\n" + said.stdout).splitlines() if line.strip()]
    # Barman's own words come first, and barman-wal-archive's summary of them last.
    return "; ".join(lines[-3:]) or "no message"


def _literal(value: str) -> str:
    return "'%s'" % value.replace("'", "''")
