# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup server on which drills run: recoveries and verifications are played, the scratch directories and the ledger are real."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read
from ansible_collections.pgdr.barman.plugins.module_utils._barman.ledger import Ledger, read_ledger
from ansible_collections.pgdr.barman.plugins.module_utils._drill.request import DrillRequest
from ansible_collections.pgdr.barman.plugins.module_utils._drill.run import DrillEnvironment, run_drills
from ansible_collections.pgdr.barman.plugins.module_utils._drill.scratch import ScratchDirectories
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, run
from ansible_collections.pgdr.barman.plugins.module_utils._host.result import Result
from ansible_collections.pgdr.barman.plugins.module_utils._recover.request import RecoveryRequest
from ansible_collections.pgdr.barman.plugins.module_utils._recover.result import RecoveryOutcome
from ansible_collections.pgdr.barman.plugins.module_utils._verify.request import VerificationRequest
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost

NOW = datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC)
TEST = {
    "reached": {"lsn": "0/5000000", "time": "2026-11-30 11:59:58.5+00", "xid": 801, "name": None},
    "queries": [
        {"database": "postgres", "query": "SELECT 1", "expect": 1, "rows": [["1"]], "matched": True, "locked": False}
    ],
    "amcheck": {"status": "verified", "seconds": 0.5, "relations": []},
    "checksums": {"status": "verified", "enabled": True, "bad": 0},
}


class DrillHost:
    """What a test changes: how recoveries and verifications end, and what is recorded of their calls."""

    def __init__(self, path: Path) -> None:
        self.root = path
        self.files = BarmanHost(path)
        self.bytes = 1000
        self.processors = 1
        self.now = NOW
        self.created_tablespaces: list[str] = []
        self.during_wait: Callable[[Callable[[float], None]], None] = lambda pause: None
        self.recoveries: list[tuple[RecoveryRequest, bool]] = []
        self.verifications: list[VerificationRequest] = []
        self.during_restore: Callable[[RecoveryRequest], None] = lambda request: None
        self.during_check: Callable[[VerificationRequest], None] = lambda request: None
        self.seconds = 0.0
        self.commands: list[Command] = []
        (path / "bin").mkdir()
        (path / "bin" / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.1'\n")
        (path / "bin" / "postgres").chmod(0o755)

    @property
    def home(self) -> str:
        return str(self.files.home)

    def server(self, name: str, *backup_ids: str) -> None:
        self.files.server(name)
        for backup_id in backup_ids:
            self.files.backup(name, backup_id, 3)
        self.files.wal(name, range(3, 6))

    def environment(self) -> DrillEnvironment:
        user = getpass.getuser()
        config = str(self.files.main)
        return DrillEnvironment(
            Barman(self.run, user, config),
            read(config, user),
            runner=self.run,
            now=lambda: self.now,
            clock=self.clock,
            choose_random=lambda ids: ids[len(ids) // 2],
            recover=self.recover,
            verify=self.verify,
            processors=self.processors,
            scratch_directories=ScratchDirectories(
                user, run, pause=lambda seconds: None, processes=lambda path, uid: []
            ),
        )

    def clock(self) -> float:
        self.seconds += 1.0
        return self.seconds

    def drill(self, *servers: str, check_mode: bool = False, **options: Any) -> Result:
        request = DrillRequest(servers=servers or None, bin_directory=str(self.root / "bin"), priority="normal")
        return run_drills(replace(request, **options), self.environment(), check_mode=check_mode)

    def run(self, command: Command) -> Completed:
        self.commands.append(command)
        return Completed(command.argv, 0) if command.argv[0] == "gpgconf" else run(command)

    def recover(self, request: RecoveryRequest, environment: Any, *, check_mode: bool) -> RecoveryOutcome:
        self.recoveries.append((request, check_mode))
        environment.listener("planning")
        if not check_mode:
            environment.listener("verifying the backup")
            environment.listener("copying")
            os.makedirs(os.path.join(request.destination.directory, "base"))
            self.during_restore(request)
        backup_id = "20261130T110000" if request.backup_id == "auto" else request.backup_id
        return RecoveryOutcome(
            changed=True,
            recovery={
                "backup_id": backup_id,
                "backup_end_time": "2026-11-30T11:05:00+00:00",
                "postgres_version": 17,
                "system_identifier": "1",
                "target": request.target.as_dict(),
                "timeline": 1,
                "segments": 3,
                "bytes": self.bytes,
                "backup_bytes": self.bytes - 100,
                "wal_bytes": 100,
                "staging_bytes": 0,
                "created_tablespaces": self.created_tablespaces,
                "verified": {
                    "backup": {"status": "verified", "files": 9},
                    "wal": {"status": "verified", "segments": 3},
                },
            },
        )

    def verify(self, request: VerificationRequest, environment: Any) -> dict[str, Any]:
        self.verifications.append(request)
        for phase in ("replay", "queries", "promotion", "amcheck", "checksums"):
            environment.report(phase)
            if phase == "replay":
                self.during_wait(environment.waiting.pause)
            if phase == "queries":
                self.during_check(request)
        return dict(TEST)

    def ledger(self, server: str) -> Ledger:
        return read_ledger(self.home, server)

    def scratch_directories(self) -> list[str]:
        directory = os.path.join(self.home, "drills")
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []

    def notes(self) -> list[str]:
        directory = os.path.join(self.home, ".pgdr.barman", "drills")
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []
