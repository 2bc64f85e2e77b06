# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verification of everything that is stored against sha256sum of the same files."""

from __future__ import annotations

from typing import Any

from tests.bench import drill
from tests.bench.machines import BACKUP, SERVER, Machines
from tests.bench.recover import BARMAN_DIRECTORY
from tests.bench.report import Comparison, Row
from tests.bench.turns import in_turns

VERIFIED = "module verify_backups"
SUMS = "sha256sum alone"
MOST_RATIO = 1.0
PROGRAM = "pg_verifybackup alone, of the backup"


def run(machines: Machines, rounds: int, size: int, name: str) -> Comparison:
    machines.loaded(size)
    # pg_waldump is in the server's package.
    drill.install(machines)
    backup = machines.task("pgdr.barman.backup", {"server": SERVER, "immediate_checkpoint": True}).result["backup"]
    data = f"{BARMAN_DIRECTORY}/base/{backup['id']}/data"
    read: dict[str, Any] = {}

    def verify() -> float:
        options = {"servers": [SERVER], "everything": True, "priority": "normal"}
        facts = machines.task("pgdr.barman.verify_backups", options).result["verifications"][SERVER]
        read.update(facts["read"])
        return float(facts["seconds"])

    def alone(*argv: str) -> float:
        return machines.timed(BACKUP, *argv, user="barman").seconds

    find = f"find {BARMAN_DIRECTORY}/base/*/data {BARMAN_DIRECTORY}/wals -type f -exec sha256sum {{}} + >/dev/null"
    program = "/usr/lib/postgresql/17/bin/pg_verifybackup"
    seconds = in_turns(
        rounds,
        {
            VERIFIED: verify,
            SUMS: lambda: alone("sh", "-c", find),
            PROGRAM: lambda: alone(program, "--no-parse-wal", "--quiet", data),
        },
    )
    machines.barman("delete", SERVER, backup["id"])
    return Comparison(
        name,
        f"Verification of {read['bytes'] / 1e9:.1f} GB, of which {read['segments']} WAL segments",
        (
            Row(VERIFIED, seconds[VERIFIED], against=SUMS, most=MOST_RATIO),
            Row(PROGRAM, seconds[PROGRAM], against=SUMS),
            Row(SUMS, seconds[SUMS]),
        ),
        notes=(
            "Alone: `sha256sum` of all stored files. `pg_verifybackup` and `pg_waldump`, which the module runs, compare CRC-32C, for which processors have "
            "an instruction.",
        ),
    )
