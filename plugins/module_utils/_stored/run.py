# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verifying stored backups and WAL where they lie, a part at each run, and recording the result.

This module util is private to the collection. verify_stored() is the entry point; it needs no Ansible. A child process that is Barman's user
does all of it, because it reads what that user can replace.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable

from .._backup.decryption import Decryption
from .._barman.arguments import barman_from
from .._barman.command import Barman
from .._barman.configuration import Configuration, read
from .._barman.ledger import append_record, new_id, new_record, read_ledger
from .._barman.server import Server
from .._barman.verification_record import stored_before
from .._check.check import MissingWal
from .._check.gaps import find_gaps
from .._host.child import text_as
from .._host.lock import exclusive_after
from .._host.priority import lower_priority
from .._host.process import HostError, Runner, end_with_parent, run
from .._host.progress import Progress
from .._host.requester import requested
from .._host.result import Result
from .._postgres import wal
from .backups import BackupReader
from .consequences import Consequences, consequences
from .copies import copies, file_here, segment_here
from .encrypted_wal import grouped
from .facts import MOST, damage_facts, failure_of, name_of, plan_facts, stored_problems
from .observe import StoredServer, not_verifiable, read_state, read_stored, same_cluster, write_state
from .pace import Pace
from .plan import plan_reads, without
from .reading import damaged_segments, kept_damages, listed_damages, missing_segments, read_plan, with_units
from .request import StoredVerificationError, StoredVerificationRequest, stored_request_from
from .segments import undecryptable_files
from .state import ReadState, StoredDamage
from .wal_program import WalProgram

_LOCK = "verification of stored backups"
PHASE = "verifying"


@dataclass(frozen=True)
class StoredEnvironment:
    """The input and output of verifications: commands, files and time."""

    barman: Barman
    configuration: Configuration
    runner: Runner = run
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    pace: Callable[[float | None], Pace] = field(default=Pace)

    @property
    def home(self) -> str:
        return self.configuration.home


def verify_stored(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module verify_backups. Raises HostError."""
    request = stored_request_from(params)
    barman = barman_from(params)
    ends_with_parent = end_with_parent(signal.SIGKILL) if os.geteuid() == 0 else None

    def work() -> str:
        if ends_with_parent is not None:
            ends_with_parent()
        environment = StoredEnvironment(barman, read(params["config_file"], params["barman_user"]))
        return json.dumps(verify_servers(request, environment, check_mode=check_mode))

    values = json.loads(text_as(barman.user, work))
    changed = any(one["result"] in ("passed", "failed") for one in values["verifications"].values())
    return Result(changed=changed, values=values, failure="; ".join(values["problems"]) or None)


def verify_servers(
    request: StoredVerificationRequest, environment: StoredEnvironment, *, check_mode: bool = False
) -> dict[str, Any]:
    """What the module returns. Raises HostError if no verification can run at all."""
    configuration = environment.configuration
    names = sorted(configuration.servers) if request.servers is None else list(request.servers)
    for name in names:
        configuration.server(name)
    if request.copies_of:
        return {"verifications": {}, "problems": [], "copies": _copies_here(names[0], request.copies_of, environment)}
    if check_mode:
        verifications = {name: _Verification(name, request, environment).planned() for name in names}
        return {"verifications": verifications, "problems": stored_problems(verifications), "copies": {}}
    with exclusive_after(environment.home, _LOCK, "another verification", request.wait, error=StoredVerificationError):
        if request.priority == "idle":
            lower_priority(environment.runner)
        progress = Progress(environment.home, "verification", names)
        try:
            verifications = {name: _Verification(name, request, environment).run(progress) for name in names}
        finally:
            progress.close()
    return {"verifications": verifications, "problems": stored_problems(verifications), "copies": {}}


class _Verification:
    """The verification of one server."""

    def __init__(self, name: str, request: StoredVerificationRequest, environment: StoredEnvironment) -> None:
        self.name = name
        self.request = request
        self.environment = environment
        self.started = environment.now()
        self.server = Server(environment.barman, environment.configuration.server(name))
        self.facts: dict[str, Any] = {"server": name, "days": request.days_of(name), **requested(request.requested_by)}

    def planned(self) -> dict[str, Any]:
        """What a run would read now."""
        try:
            if not self.server.is_local:
                return self._skipped()
            stored = self._stored()
            state = read_state(self.environment.home, self.name, self.started).only(stored.units)
            plan = plan_reads(
                stored.units, state, self.started, self.request.days_of(self.name), everything=self.request.everything
            )
        except HostError as exc:
            return {**self.facts, "result": "failed", "reason": str(exc), "consequences": None}
        return {
            **self.facts,
            "result": "planned",
            **plan_facts(plan),
            "not_verified": not_verifiable(stored.backups, decrypts=stored.decrypts),
            "not_verified_wal": grouped(stored.undecryptable, stored.archive.segment_size),
        }

    def _skipped(self) -> dict[str, Any]:
        return {
            **self.facts,
            "result": "skipped",
            "reason": "the backups are in an object store, and only Barman can read them",
        }

    def run(self, progress: Progress) -> dict[str, Any]:
        """Read what is due, and record the result."""
        if not self.server.is_local:
            return self._skipped()
        began = self.environment.clock()
        moment = datetime.fromtimestamp(self.started, timezone.utc)
        number = new_id(moment)
        try:
            details = self._verify(progress)
        except HostError as exc:
            details = {"reason": str(exc), "damages": [], "damaged_files": 0, "consequences": None}
        details["seconds"] = round(self.environment.clock() - began, 2)
        record = new_record(
            "verification", self.name, moment, {**self.facts, **details}, passed=not details["reason"], record_id=number
        )
        append_record(self.environment.home, record)
        return record.as_dict()

    def _stored(self) -> StoredServer:
        """What is stored. Raises HostError, also if nothing is and something was: a file system that is not mounted is no intact archive."""
        stored = read_stored(self.server, self.environment.runner)
        before = stored_before(read_ledger(self.environment.home, self.name))
        if before.files and not any(one.copied for one in stored.backups):
            what, directory = "complete backup is stored", stored.base
        elif before.segments and not stored.archive.segments:
            what, directory = "WAL segment is archived", self.server.entry.directory("wals_directory")
        else:
            return stored
        raise StoredVerificationError(
            f"no {what} in {directory}, and an earlier verification read some. Mount its file system, restore the directory, or take a new backup"
        )

    def _verify(self, progress: Progress) -> dict[str, Any]:
        request, environment = self.request, self.environment
        stored = self._stored()
        state = read_state(environment.home, self.name, self.started).only(stored.units)
        kept, again = kept_damages(stored, state)
        plan = plan_reads(stored.units, state, self.started, request.days_of(self.name), everything=request.everything)
        plan = with_units(plan, again)
        pace = environment.pace(request.bytes_per_second)

        def note(current: ReadState, size: int) -> None:
            write_state(environment.home, self.name, current)
            progress.update(PHASE, server=self.name, bytes_done=size, bytes_total=plan.bytes)

        progress.update(PHASE, server=self.name, bytes_done=0, bytes_total=plan.bytes)
        reader = BackupReader(
            environment.barman,
            environment.runner,
            pace,
            request.bin_directory,
            request.generate,
            self._decryption(stored),
        )
        reading = read_plan(stored, state, plan, kept, reader, self._wal_program(pace), self.started, note)
        damages = [*reading.damages, *listed_damages(stored, self.started, reading.damages)]
        small = undecryptable_files(stored)
        missing, unknown = find_gaps(stored.backups, self.server.archive, complete=not self.server.entry.passive)
        facts = self._damages(stored, damages)
        cut_off = self._consequences(stored, damages, missing) if damages or missing else Consequences()
        reason = failure_of(facts, missing)
        if unknown and not reason and not small:
            # A history that can't be decrypted here is no failure, and is listed.
            reason = unknown
        return {
            **plan_facts(without(plan, reading.unread, state, self.started)),
            "read": {
                "backups": reading.backups,
                "segments": reading.segments,
                "files": reading.files + reading.segments,
                "bytes": reading.bytes,
            },
            "programs": reading.programs,
            "wal_program": reading.wal_program,
            "generated_manifests": reading.generated,
            "not_verified": {
                **not_verifiable(stored.backups, decrypts=stored.decrypts),
                **reading.state.unverified_backups,
            },
            "not_verified_wal": {
                **grouped({**stored.undecryptable, **reading.state.undecryptable}, stored.archive.segment_size),
                **small,
            },
            "damaged_files": len(facts),
            "damages": facts[:MOST],
            "missing": [gap.as_dict() for gap in missing],
            "consequences": {**cut_off.as_dict(), "text": str(cut_off)} if damages or missing else None,
            "reason": reason,
        }

    def _decryption(self, stored: StoredServer) -> Decryption | None:
        command = self.server.entry.get("encryption_passphrase_command")
        return Decryption(command, self.environment.runner) if stored.decrypts and command else None

    def _wal_program(self, pace: Pace) -> WalProgram:
        own = self.request.bin_directory
        directories = [*([] if own is None else [own]), *(self.server.entry.get("path_prefix") or "").split(":")]
        return WalProgram(self.environment.runner, pace, directories)

    def _damages(self, stored: StoredServer, damages: Sequence[StoredDamage]) -> list[dict[str, Any]]:
        """Each damaged file, with the intact copies of the first ones."""
        if not damages:
            return []
        servers = same_cluster(stored, self.environment.configuration, self.environment.barman)
        found: list[dict[str, Any]] = []
        files = {path: damage for damage in damages for path in damage.paths}
        for path, damage in files.items():
            directory = "" if damage.backup_id is None else stored.directory(stored.backup(damage.backup_id))
            name = name_of(damage, directory, path)
            places = copies(stored, name, damage.backup_id, servers) if name is not None and len(found) < MOST else []
            found.append(damage_facts(damage, path, directory, places))
        return found

    def _consequences(
        self, stored: StoredServer, damages: Sequence[StoredDamage], missing: Sequence[MissingWal]
    ) -> Consequences:
        broken = {one.backup_id for one in damages if one.backup_id is not None}
        segments = damaged_segments(damages) | set(missing_segments(missing, stored.archive.segment_size))
        return consequences(stored.backups, self.server.archive, broken, segments, _written)


def _written(path: str) -> float | None:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None


def _copies_here(name: str, requested_files: Sequence[str], environment: StoredEnvironment) -> dict[str, str | None]:
    """The path of each file on this host, if it is intact. requested_files: WAL segments, or files as BACKUP_ID/NAME with the manifest's name."""
    server = Server(environment.barman, environment.configuration.server(name))
    found: dict[str, str | None] = {}
    stored = read_stored(server, environment.runner)
    for one in requested_files:
        segment = wal.plain_segment(one)
        backup_id, _slash, file = one.partition("/")
        found[one] = segment_here(stored, segment) if segment is not None else file_here(server, backup_id, file)
    return found
