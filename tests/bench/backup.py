# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module backup against pg_basebackup alone, and against what Barman itself takes."""

from __future__ import annotations

import re

from tests.bench.machines import BACKUP, GIGABYTE, PG_ADDRESS, SERVER, Failed, Machines
from tests.bench.report import Comparison, Row
from tests.bench.turns import in_turns

MODULE = "module backup"
BARE = "pg_basebackup alone"
ENGINE = "barman backup, without its WAL"
BARE_DIRECTORY = "/var/lib/barman/bare"
BEGUN = re.compile(r"in \S+/base/(\d{8}T\d{6})")
PROGRAM = "/usr/lib/postgresql/17/bin/pg_basebackup"
# What Barman 3.13 gives to pg_basebackup, but for the names of its connections.
OPTIONS = ("--verbose", "--no-password", "--no-slot", "--wal-method=none", "--checkpoint=fast")


def run(machines: Machines, rounds: int, size: int, most: float, name: str) -> Comparison:
    machines.loaded(size)
    sizes: list[int] = []

    def module() -> float:
        task = machines.task("pgdr.barman.backup", {"server": SERVER, "immediate_checkpoint": True})
        backup = task.result["backup"]
        if not task.result["changed"] or backup["status"] != "DONE":
            raise Failed(f"the module backup took no backup: {task.result}")
        sizes.append(int(backup["size"]))
        machines.barman("delete", SERVER, backup["id"])
        return task.seconds

    def bare() -> float:
        connection = f"--dbname=host={PG_ADDRESS} port=5432 user=streaming_barman"
        argv = (PROGRAM, connection, *OPTIONS, f"--pgdata={BARE_DIRECTORY}")
        timed = machines.timed(BACKUP, *argv, user="barman")
        # The manifest is not in the size that Barman tells.
        copied = int(machines.on(BACKUP, "du", "-sb", "--exclude=backup_manifest", BARE_DIRECTORY).split()[0])
        if copied < size:
            raise Failed(f"pg_basebackup copied {copied} bytes of at least {size}")
        machines.on(BACKUP, "rm", "-rf", BARE_DIRECTORY)
        return timed.seconds

    def engine() -> float:
        timed = machines.timed(BACKUP, "barman", "backup", "--immediate-checkpoint", SERVER, user="barman")
        begun = BEGUN.search(timed.stdout)
        if begun is None:
            raise Failed(f"barman backup did not say which backup it took: {timed.stdout}")
        machines.barman("delete", SERVER, begun.group(1))
        return timed.seconds

    seconds = in_turns(rounds, {MODULE: module, BARE: bare, ENGINE: engine}, machines.settle)
    return Comparison(
        name,
        f"Backup of {sizes[-1] / GIGABYTE:.1f} GB",
        (
            Row(MODULE, seconds[MODULE], against=BARE, most=most),
            Row(ENGINE, seconds[ENGINE], against=BARE),
            Row(BARE, seconds[BARE]),
        ),
        notes=(
            f"Alone: `pg_basebackup {' '.join(OPTIONS)}`, the command that Barman runs. The module ends when the backup is `DONE` and its "
            "last WAL segment is archived. `barman backup` without `--wait` leaves the archiving to a later run of cron, so its time does not include it.",
        ),
    )
