# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observing and changing how one PostgreSQL server archives.

This module util is private to the collection.
"""

from __future__ import annotations

import io
import re
import shlex
import tarfile
import time
from dataclasses import replace
from typing import Callable

from .._barman.versions import Version
from .._host.process import Command, CommandTimeout, Completed, HostError, Runner
from .._host.ssh_failure import SSH_FAILED, SshFailure, ssh_failure
from .._host.waiting import Probe, WaitTimeout, wait_for
from .._postgres import wal
from .._postgres.connection import Session
from .._postgres.wal_position import close_segment
from .command import ArchiveTarget, archive_command
from .plan import (
    ArchiverStatistics,
    ArchivingError,
    ArchivingErrorKind,
    ArchivingPlan,
    CurrentArchiving,
    HistoryFile,
    has_archived,
)

_SETTINGS = ("archive_mode", "archive_command", "archive_timeout", "archive_library")
_CONNECT_TIMEOUT = 10
# What the archiver tries by itself before it pauses for a minute.
_ATTEMPTS = 3
# Barman takes this for a transfer without files.
_EMPTY_TAR = "\0" * 10240
#: From this version on barman-wal-archive sends SHA256 sums, which Barman before it does not know, and has the option --md5.
SHA256_SINCE = (3, 12)


class Archiver:
    """Observes one server and changes it. user: the operating system user that PostgreSQL runs as."""

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

    def look(self) -> CurrentArchiving:
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
        return CurrentArchiving(
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

    def _statistics(self) -> ArchiverStatistics:
        row = self._session.query(
            "SELECT last_archived_wal, last_archived_time, last_failed_wal, last_failed_time, failed_count "
            "FROM pg_catalog.pg_stat_archiver"
        )[0]
        return ArchiverStatistics(
            archived_wal=row["last_archived_wal"],
            archived_time=row["last_archived_time"],
            failed_wal=row["last_failed_wal"],
            failed_time=row["last_failed_time"],
            failed_count=int(row["failed_count"]),
        )

    def check_transfer(self, target: ArchiveTarget) -> None:
        """Go to Barman with nothing, as PostgreSQL's user. Raises ArchivingError where that does not work."""
        program = target.method
        self._command([program, "--version"])
        reached = self._reach(target)
        if target.method == "barman-wal-archive" and not reached.ok:
            raise ArchivingError(
                f"Barman at {target.address} does not accept WAL of server '{target.server}': {_last_line(reached)}",
                "not_configured",
            )

    def installed_version(self) -> Version:
        """barman-wal-archive's version on this host."""
        completed = self._command(["barman-wal-archive", "--version"])
        found = re.search(r"(\d+(?:\.\d+)+)", completed.stdout + completed.stderr)
        return tuple(int(part) for part in found.group(1).split(".")) if found else ()

    def with_known_sums(self, target: ArchiveTarget) -> ArchiveTarget:
        """The target with sums that Barman there knows. Raises ArchivingError.

        Barman's exit status decides: its version can't be queried, because the key is for put-wal alone.
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
            raise ArchivingError(f"{exc} (package {package})", "not_installed") from None

    def _reach(self, target: ArchiveTarget, sent: str = _EMPTY_TAR) -> Completed:
        """One SSH connection as archive_command makes it, with its messages. Raises ArchivingError where it fails."""
        remote = "true" if target.method == "rsync" else f"barman put-wal {shlex.quote(target.server)}"
        argv = ["ssh", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={_CONNECT_TIMEOUT}", "-T"]
        argv += ["-p", str(target.port), f"{target.user}@{target.host}", remote]
        try:
            completed = self._run(Command(argv, user=self._user, timeout=60, input=sent))
        except CommandTimeout:
            raise ArchivingError(f"SSH to {target.address} does not end within a minute", "ssh") from None
        if completed.rc == SSH_FAILED:
            kind, why = _ssh_problem(completed.stderr)
            raise ArchivingError(f"SSH as '{self._user}' to {target.address}: {why}", kind)
        return completed

    def apply(self, plan: ArchivingPlan) -> None:
        """Write the settings and have them taken over."""
        if not plan.settings:
            return
        for name, value in plan.settings.items():
            if value is None:
                self._session.query(f"ALTER SYSTEM RESET {name}")
            else:
                self._session.query(f"ALTER SYSTEM SET {name} = {_literal(value)}")
        self._session.query("SELECT pg_catalog.pg_reload_conf()")
        expected = {
            name: value for name, value in plan.settings.items() if value is not None and name != "archive_mode"
        }

        def probe() -> Probe:
            rows = self._session.query(
                "SELECT name, setting FROM pg_catalog.pg_settings WHERE name = ANY(%s)", [list(expected)]
            )
            other = [
                f"{row['name']} = {row['setting']}"
                for row in rows
                if row["setting"] not in (expected[row["name"]], "(disabled)")
            ]
            return Probe(not other, ", ".join(other))

        wait_for("the new settings to be in effect", probe, 30.0, interval=0.1, clock=self._clock, pause=self._pause)

    def archive_history(self, name: str, data_directory: str) -> None:
        """Have PostgreSQL archive a history file: the archiver takes every file that is marked as ready, histories first."""
        mark = f"{data_directory}/pg_wal/archive_status/{name}.ready"
        completed = self._run(Command(["touch", mark], user=self._user, timeout=30))
        if not completed.ok:
            raise ArchivingError(f"the timeline history {name} can't be archived: {completed.text}")

    def prove(self, target: ArchiveTarget) -> wal.Segment:
        """Have a segment closed and archived. Raises ArchivingError with the step that failed."""
        row = self._session.query(
            "SELECT pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()) AS name, "
            "(SELECT setting::int FROM pg_catalog.pg_settings WHERE name = 'wal_segment_size') AS segment_size"
        )[0]
        before = self._statistics()
        segment = close_segment(self._session, wal.parse_segment(row["name"]).timeline, int(row["segment_size"]))

        def probe() -> Probe:
            now = self._statistics()
            if has_archived(now.archived_wal, segment):
                return Probe(done=True, observed="")
            if now.failed_count - before.failed_count >= _ATTEMPTS and not now.works:
                return Probe(done=True, observed="", value=now)
            observed = "the last archived is %s" % (now.archived_wal or "none")
            return Probe(
                done=False, observed=observed + (f", and archiving {now.failed_wal} failed" if not now.works else "")
            )

        what = f"WAL segment {segment} to be archived"
        try:
            failed = wait_for(what, probe, self._timeout, interval=0.2, clock=self._clock, pause=self._pause)
        except WaitTimeout as exc:
            self._explain(target, self._statistics().failed_wal)
            raise ArchivingError(str(exc), "timeout") from None
        if failed is not None:
            self._explain(target, failed.failed_wal)
            raise ArchivingError(
                f"{what}: PostgreSQL's archiver failed with {failed.failed_wal}, and the same command works now. Read "
                "PostgreSQL's log"
            )
        return segment

    def wait_until_idle(self) -> None:
        """Wait until nothing waits to be archived."""

        def probe() -> Probe:
            rows = self._session.query(
                "SELECT count(*) AS waiting FROM pg_catalog.pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"
            )
            if rows[0]["waiting"] == 0:
                return Probe(done=True, observed="")
            now = self._statistics()
            failing = "" if now.failed_time is None or now.works else f", and archiving {now.failed_wal} fails"
            return Probe(done=False, observed=f"{rows[0]['waiting']} segments{failing}")

        wait_for(
            "WAL that waited for archive_command",
            probe,
            self._timeout,
            interval=0.2,
            clock=self._clock,
            pause=self._pause,
        )

    def _explain(self, target: ArchiveTarget, failed: str | None) -> None:
        """Do what the archiver did, one step after the other, and raise ArchivingError with the one that fails."""
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
            completed = self._run(Command(["/bin/sh", "-c", command], user=self._user, cwd=directory, timeout=120))
        except CommandTimeout:
            raise ArchivingError(f"'{command}' does not end within two minutes", "timeout") from None
        if completed.ok:
            return
        kind: ArchivingErrorKind = "command"
        hint = ""
        text = completed.stderr + completed.stdout
        if completed.rc == 127:
            kind, hint = (
                "not_installed",
                f" Install it: {'package barman-cli' if target.method == 'barman-wal-archive' else 'rsync'}.",
            )
        elif re.search(r"No space left on device|Disk quota exceeded", text):
            kind, hint = "disk_full", f" Free disk space on {target.host}."
        elif re.search(r"Unknown server", text):
            kind, hint = "not_configured", f" Barman at {target.host} has no server '{target.server}'."
        raise ArchivingError(
            f"'{command}' ends with exit code {completed.rc}: {_last_line(completed).rstrip('.')}.{hint}", kind
        )


def _sums_alone() -> str:
    """A transfer of SHA256 sums without files. Barman before 3.12 takes the sums for a WAL file without a sum and stores nothing (server.py, put_wal)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("SHA256SUMS"))
    return stream.getvalue().decode("ascii")


def _ssh_problem(text: str) -> tuple[ArchivingErrorKind, str]:
    reported = " ".join(text.split())
    failure = ssh_failure(text)
    if failure in (SshFailure.HOST_KEY_CHANGED, SshFailure.HOST_KEY_UNKNOWN):
        return "host_key", (
            "the host key is unknown, or differs from the one in known_hosts. The role pgdr.barman.ssh_trust fills "
            f"known_hosts from the hosts' own keys ({reported[-200:]})"
        )
    if failure is SshFailure.DENIED:
        return "permission", (
            "the key is not authorized there: it is missing in authorized_keys, or from= does not match the address. "
            f"The role pgdr.barman.ssh_trust authorizes it ({reported[-200:]})"
        )
    if failure is SshFailure.CLOSED:
        return "closed", (
            "sshd there closes the connection before it requests a key. Since OpenSSH 9.8 it does so for up to ten "
            f"minutes with an address from which logins failed (PerSourcePenalties). Read its log ({reported[-200:]})"
        )
    return "ssh", reported[-300:] or "it fails without a message"


def _last_line(completed: Completed) -> str:
    lines = [line.strip() for line in (completed.stderr + "\n" + completed.stdout).splitlines() if line.strip()]
    # Barman's own words come first, and barman-wal-archive's summary of them last.
    return "; ".join(lines[-3:]) or "no message"


def _literal(value: str) -> str:
    return "'{}'".format(value.replace("'", "''"))
