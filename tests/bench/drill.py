# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore drill on the backup server: its restore against copies of the same files."""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.machines import BACKUP, GIGABYTE, SERVER, Failed, Machines
from tests.bench.recover import BARMAN_DIRECTORY, archived_since
from tests.bench.report import Comparison, Row
from tests.bench.turns import in_turns

COPY = "drill: choose and restore"
BARE = "cp alone"
RSYNC = "rsync alone"
DESTINATION = "/var/lib/barman/copied"
MOST_RATIO = 1.3
POSTGRES = "postgresql-17"


def run(machines: Machines, rounds: int, size: int, name: str) -> Comparison:
    machines.loaded(size)
    install(machines)
    backup = machines.task("pgdr.barman.backup", {"server": SERVER, "immediate_checkpoint": True}).result["backup"]
    data = f"{BARMAN_DIRECTORY}/base/{backup['id']}/data"
    sizes: list[int] = []

    def drill() -> float:
        # Its checks of the restored cluster are no part of the comparison.
        options = {"priority": "normal", "amcheck": False, "checksums": False}
        found = machines.task("pgdr.barman.drill", {"servers": [SERVER], "backup": backup["id"], **options}).result
        facts = found["drills"][SERVER]
        sizes.append(int(facts["bytes"]))
        phases: Mapping[str, float] = facts["phases"]
        return phases["choose"] + phases["restore"]

    def bare(*argv: str) -> float:
        segments = archived_since(machines, backup["begin_wal"])
        machines.on(BACKUP, "mkdir", DESTINATION, user="barman")
        timed = machines.timed(BACKUP, *argv, data, *segments, f"{DESTINATION}/", user="barman")
        copied = int(machines.on(BACKUP, "du", "-sb", DESTINATION).split()[0])
        machines.on(BACKUP, "rm", "-rf", DESTINATION)
        if copied < size:
            raise Failed(f"{copied} bytes of at least {size} came to {DESTINATION}")
        return timed.seconds

    subjects = {
        COPY: drill,
        BARE: lambda: bare("cp", "-a"),
        RSYNC: lambda: bare("rsync", "-a"),
    }
    seconds = in_turns(rounds, subjects, machines.settle)
    machines.barman("delete", SERVER, backup["id"])
    return Comparison(
        name,
        f"Restore drill of {sizes[-1] / GIGABYTE:.1f} GB",
        (
            Row(COPY, seconds[COPY], against=BARE, most=MOST_RATIO),
            Row(RSYNC, seconds[RSYNC], against=BARE),
            Row(BARE, seconds[BARE]),
        ),
        notes=(
            "Alone: the backup's data directory and the WAL segments that a recovery from it gets, to another directory of the same disk. Barman restores "
            "with rsync. The drill's checks are not in its time: the verification of the backup and of the WAL, the replay, and the queries.",
        ),
    )


def install(machines: Machines) -> None:
    """PostgreSQL's programs on the backup server, without a cluster."""
    script = (
        "mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf && "
        f"DEBIAN_FRONTEND=noninteractive apt-get install -y -q {POSTGRES} rsync"
    )
    machines.on(BACKUP, "sh", "-c", script)
