# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verifying a recovery: the restored server starts in isolation, read-only, and proves that it is what it should be.

This module util is private to the collection. verify_recovery() and query_running() are the entry points.

The server pauses at the recovery target, answers the queries, and is stopped there. It never leaves recovery, so its directory
goes on to the target and promotes by itself when it is started for use. A recovery to the end of the WAL has no target to pause
at; the last record of the restored WAL is given as one, on the command line.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._host.files import names_in, read_text
from .._host.process import HostError, Runner
from .._host.process import run as run_command
from .._postgres.data_directory import find_bin_directory, observe_data_directory, read_control
from .._postgres.host_requirements import PRELOAD_SETTINGS
from .._postgres.private_server import Launch, PrivateServer, launch
from .._postgres.server_address import Address, QueryLocked, running_at
from .._postgres.start_settings import StartSettings, read_start_settings
from .._recover.proof import PROVEN, UNPROVEN, note_proof
from .amcheck import check_relations
from .checksums import checksum_facts
from .databases import inspect_databases, missing_libraries
from .expectation import as_expected, rows_text
from .observe import PreparedDirectory, prepare_directory
from .outbound import observe
from .reach import Waiting, end_problem, end_recovery, reach_target
from .request import RecoveryVerificationError, VerificationQuery, VerificationRequest
from .server_settings import verification_settings

#: The phases of a verification.
REPLAY, QUERIES, PROMOTION, AMCHECK, CHECKSUMS = "replay", "queries", "promotion", "amcheck", "checksums"

#: In the facts of a verification that failed: the first phase that found something.
FAILED_PHASE = "failed_phase"

_EXCERPT = 25
_NO_SESSION = "Nobody could connect"


@dataclass(frozen=True)
class VerificationEnvironment:
    """The input and output of a verification: commands, processes and time.

    temporary: where the directory of the socket is made. report: called with the name of each phase when it starts.
    """

    runner: Runner = run_command
    launcher: Launch = launch
    waiting: Waiting = field(default_factory=Waiting)
    temporary: str = "/tmp"
    report: Callable[[str], None] = lambda phase: None


class Findings:
    """What the phases of a verification found. collect: the phases after a finding go on, because they may find its cause."""

    def __init__(self, *, collect: bool) -> None:
        self._collect = collect
        self._found: list[tuple[str, str]] = []

    @contextlib.contextmanager
    def of_phase(self, phase: str) -> Iterator[None]:
        """A RecoveryVerificationError within is a finding of that phase, and raised at the end."""
        try:
            yield
        except RecoveryVerificationError as exc:
            if not self._collect:
                raise
            self._found.append((phase, str(exc)))

    def refuse(self, facts: dict[str, Any]) -> None:
        """Raises RecoveryVerificationError with all findings."""
        if self._found:
            facts[FAILED_PHASE] = self._found[0][0]
            raise RecoveryVerificationError("; ".join(text for _phase, text in self._found), facts)


def verify_recovery(request: VerificationRequest, environment: VerificationEnvironment) -> dict[str, Any]:
    """The facts of the recovered server. Raises HostError, and leaves no server running in either case."""
    prepared = prepare_directory(request, environment.runner)
    started = environment.waiting.clock()
    note_proof(prepared.marker, prepared.directory.owner, UNPROVEN)
    before = _digest(prepared.automatic_file)
    facts = _first_facts(request, prepared)
    findings = Findings(collect=request.finish)
    with _server(request, prepared, environment) as server:
        try:
            environment.report(REPLAY)
            settings = verification_settings(request, prepared, *_observed_settings(prepared, environment.runner))
            reach_target(server, request, prepared, settings, facts, environment.waiting)
            facts["recovery_duration"] = round(environment.waiting.clock() - started, 2)
            _prove_end(prepared, facts)
            environment.report(QUERIES)
            _prove_usable(server, request, prepared, environment.runner, facts)
            with findings.of_phase(QUERIES):
                run_queries(server, request, facts)
            facts["outbound"] = observe(server)
            if request.finish:
                _finish(server, request, prepared, environment, facts, findings)
        except HostError as exc:
            server.stop()
            raise _with_log(str(exc), server, facts) from None
        if not server.stop():
            raise _with_log("the server did not stop cleanly", server, facts)
        facts["log_excerpt"] = server.log()[-_EXCERPT:]
    _prove_stopped(request, prepared, environment.runner, facts, unchanged=before == _digest(prepared.automatic_file))
    if request.checksums:
        environment.report(CHECKSUMS)
        facts["checksums"], problem = checksum_facts(
            prepared, environment.runner, request.timeout, environment.waiting.clock
        )
        with findings.of_phase(CHECKSUMS):
            if problem:
                raise RecoveryVerificationError(problem, facts)
    findings.refuse(facts)
    note_proof(prepared.marker, prepared.directory.owner, PROVEN)
    facts["duration"] = round(environment.waiting.clock() - started, 2)
    return facts


def _finish(
    server: PrivateServer,
    request: VerificationRequest,
    prepared: PreparedDirectory,
    environment: VerificationEnvironment,
    facts: dict[str, Any],
    findings: Findings,
) -> None:
    """Promote the copy, and check what needs a promoted server. Adds to the facts and the findings. Raises HostError."""
    environment.report(PROMOTION)
    end_recovery(server, request.timeout, environment.waiting)
    facts["promoted"] = True
    locked = {(one["query"], one["database"]) for one in facts["locked_queries"]}
    if locked:
        again = tuple(one for one in request.queries if (one.query, one.database) in locked)
        answered: dict[str, Any] = {}
        with findings.of_phase(QUERIES):
            run_queries(server, replace(request, queries=again, leave_locked=False), answered)
        results = [one for one in facts["queries"] if not one["locked"]]
        facts.update(queries=[*results, *answered["queries"]], locked_queries=[])
    if not request.amcheck:
        return
    environment.report(AMCHECK)
    clock = environment.waiting.clock
    facts["amcheck"], problem = check_relations(
        server, prepared, environment.runner, request.timeout, facts["databases"], clock
    )
    with findings.of_phase(AMCHECK):
        if problem:
            raise RecoveryVerificationError(problem, facts)


def query_running(request: VerificationRequest, environment: VerificationEnvironment) -> dict[str, Any]:
    """The facts of the server that was started for use from the directory. Raises HostError; changes nothing."""
    started = environment.waiting.clock()
    directory = observe_data_directory(request.data_directory)
    bin_directory = find_bin_directory(directory.major_version, request.bin_directory, environment.runner)
    facts: dict[str, Any] = {"data_directory": directory.path, "postgres_version": directory.major_version}
    server = running_at(directory, bin_directory, request.database_user, environment.runner)
    if server.query("SELECT pg_is_in_recovery()", "template1") != [["f"]]:
        raise RecoveryVerificationError(
            f"the server that runs with {directory.path} is still in recovery; only one that has left it can answer "
            "these queries",
            facts,
        )
    run_queries(server, request, facts)
    facts["duration"] = round(environment.waiting.clock() - started, 2)
    return facts


def _first_facts(request: VerificationRequest, prepared: PreparedDirectory) -> dict[str, Any]:
    planned = prepared.planned
    return {
        "data_directory": prepared.path,
        "postgres_version": prepared.directory.major_version,
        "target": {
            **prepared.target,
            "recovery_target_timeline": prepared.settings.get("recovery_target_timeline"),
        },
        "planned": {key: planned[key] for key in ("backup_id", "reached", "last_recoverable") if key in planned},
        "promoted": request.promote,
        "consistent": False,
        "checksums": {"status": "skipped"},
    }


def _server(
    request: VerificationRequest, prepared: PreparedDirectory, environment: VerificationEnvironment
) -> PrivateServer:
    return PrivateServer(
        data_directory=prepared.path,
        bin_directory=prepared.bin_directory,
        user=prepared.user,
        database_user=request.database_user,
        runner=environment.runner,
        launcher=environment.launcher,
        clock=environment.waiting.clock,
        pause=environment.waiting.pause,
        temporary=environment.temporary,
    )


def _with_log(message: str, server: PrivateServer, facts: dict[str, Any]) -> RecoveryVerificationError:
    facts["log_excerpt"] = server.log()[-_EXCERPT:]
    return RecoveryVerificationError(message, facts)


def _observed_settings(prepared: PreparedDirectory, runner: Runner) -> tuple[int, str | None]:
    """The number of replication slots, and the libraries to preload; None if the WAL needs none."""
    slots = len(names_in(os.path.join(prepared.path, "pg_replslot")))
    replayed: Mapping[str, Any] = (prepared.planned.get("verified") or {}).get("wal") or {}
    if not replayed.get("resource_managers"):
        return slots, None
    return slots, _start_settings(prepared, runner).values.get("shared_preload_libraries", "")


def _start_settings(prepared: PreparedDirectory, runner: Runner) -> StartSettings:
    """What the server will preload when it is started for use."""
    return read_start_settings(
        prepared.path,
        prepared.directory.major_version,
        prepared.user,
        prepared.bin_directory,
        runner,
        names=dict.fromkeys(PRELOAD_SETTINGS, 0),
    )


# The proofs


def _prove_end(prepared: PreparedDirectory, facts: dict[str, Any]) -> None:
    problem = end_problem(prepared, facts["reached"]["lsn"])
    if problem is not None:
        raise RecoveryVerificationError(problem)
    end = prepared.end
    if end is not None and end.end_lsn is not None and end.commit is not None and end.commit.lsn == end.lsn:
        # PostgreSQL does not count the record at which it stops.
        facts["reached"].update(time=end.commit.time.isoformat(" "), xid=end.commit.xid)


def _prove_usable(
    server: PrivateServer,
    request: VerificationRequest,
    prepared: PreparedDirectory,
    runner: Runner,
    facts: dict[str, Any],
) -> None:
    """Raises RecoveryVerificationError if this host has not what the databases and the configuration need."""

    def ask(query: str, database: str) -> list[list[str | None]]:
        return server.query(query, database, request.timeout)

    usable, problems, collations = inspect_databases(ask, prepared.directory.major_version)
    facts.update(databases=usable, collation_mismatches=collations)
    configured = _start_settings(prepared, runner)
    for name, consequence in zip(PRELOAD_SETTINGS, ("PostgreSQL would not start", *[_NO_SESSION] * 2)):
        missing = missing_libraries(ask, configured.values.get(name, ""), local=name == "local_preload_libraries")
        if missing:
            problems.append(
                "{} in {}: not installed on this host: {}. {}".format(
                    name, configured.file, ", ".join(missing), consequence
                )
            )
    if problems:
        raise RecoveryVerificationError("; ".join(problems), facts)


def run_queries(server: PrivateServer | Address, request: VerificationRequest, facts: dict[str, Any]) -> None:
    """Run the queries; their results are added to the facts. Raises RecoveryVerificationError if any is not as expected."""
    results: list[dict[str, Any]] = []
    locked: list[dict[str, Any]] = []
    facts.update(queries=results, locked_queries=locked)
    problems: list[str] = []
    for query in request.queries:
        result, problem = _run_query(server, request, query)
        results.append(result)
        if result["locked"]:
            locked.append({"query": query.query, "database": query.database, "expect": query.expect})
        if problem:
            problems.append(problem)
    if problems:
        raise RecoveryVerificationError("; ".join(problems), facts)


def _run_query(
    server: PrivateServer | Address, request: VerificationRequest, query: VerificationQuery
) -> tuple[dict[str, Any], str]:
    """The result of one query, and why it fails the verification; "" if it does not."""
    result: dict[str, Any] = {
        "database": query.database,
        "query": query.query,
        "rows": None,
        "matched": None,
        "locked": False,
    }
    if query.expected:
        result["expect"] = query.expect
    named = f"the query \"{query.query}\" in '{query.database}'"
    try:
        rows = server.query(query.query, query.database, request.timeout)
    except QueryLocked:
        result["locked"] = True
        return result, "" if request.leave_locked else _locked_text(named)
    except HostError as exc:
        result["matched"] = False
        return result, f"{named} failed: {exc}"
    result["rows"] = rows
    if query.expected:
        result["matched"] = as_expected(rows, query.expect)
        if not result["matched"]:
            return result, f"{named} answered {rows_text(rows)}, expected was {json.dumps(query.expect)}"
    return result, ""


def _locked_text(named: str) -> str:
    return (
        f"{named} can't be answered where the recovery stopped: a transaction that had not ended there "
        "holds a lock on its tables, as DROP, TRUNCATE and ALTER do. The lock is released only when the recovery "
        "ends. Run the query then (running), or on a promoted copy (promote)"
    )


def _prove_stopped(
    request: VerificationRequest, prepared: PreparedDirectory, runner: Runner, facts: dict[str, Any], *, unchanged: bool
) -> None:
    """Raises RecoveryVerificationError if the directory can't go on with its recovery. unchanged: postgresql.auto.conf is."""
    control = read_control(prepared.path, prepared.bin_directory, prepared.user, runner)
    state = control.get("Database cluster state", "")
    expected = "shut down" if facts["promoted"] else "shut down in recovery"
    problems: list[str] = []
    if state != expected:
        problems.append(f"after the verification the control file reports '{state}' and not '{expected}'")
    if not unchanged:
        problems.append("the verification changed postgresql.auto.conf")
    if not facts["promoted"] and not observe_data_directory(prepared.path).in_recovery:
        problems.append("the verification removed recovery.signal")
    if problems:
        raise RecoveryVerificationError("; ".join(problems), facts)
    facts["stopped_cleanly"] = True


def _digest(path: str) -> str:
    return hashlib.sha256((read_text(path) or "").encode("utf-8", "surrogateescape")).hexdigest()
