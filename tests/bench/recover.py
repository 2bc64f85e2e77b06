# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module recover, to another host, against rsync of the same files alone, and against `barman recover`."""

from __future__ import annotations

import shlex
from typing import Any

from tests.bench.machines import BACKUP, GIGABYTE, PG, PG_ADDRESS, SERVER, Failed, Machines
from tests.bench.report import Comparison, Row
from tests.bench.turns import in_turns

MODULE = "module recover"
BARE = "rsync alone"
BARE_DEFAULT = "rsync alone, with SSH's own cipher"
ENGINE = "barman recover"
DESTINATION = "/var/lib/postgresql/recovered"
BARMAN_DIRECTORY = f"/var/lib/barman/{SERVER}"
MOST_RATIO = 1.3
SSH_DEFAULT = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=30")
# What the module gives to SSH, and so to Barman's rsync, where the processor has AES.
SSH = (*SSH_DEFAULT, "-o", "Ciphers=^aes128-gcm@openssh.com")

TRUST: list[dict[str, Any]] = [
    {
        "name": "Let Barman in where it recovers",
        "hosts": "all",
        "become": True,
        "gather_facts": False,
        "tasks": [
            {
                "name": "Resolve the topology",
                "pgdr.barman.topology": {},
                "run_once": True,
                "register": "bench_topology",
            },
            {
                "name": "Lay the trust",
                "ansible.builtin.include_role": {"name": "pgdr.barman.ssh_trust"},
                "vars": {"ssh_trust_connections": "{{ bench_topology.topology.recovery_ssh_connections }}"},
            },
        ],
    }
]


def run(machines: Machines, rounds: int, size: int, name: str) -> Comparison:
    machines.loaded(size)
    machines.ansible(machines.play("trust", TRUST))
    backup = machines.task("pgdr.barman.backup", {"server": SERVER, "immediate_checkpoint": True}).result["backup"]
    data = f"{BARMAN_DIRECTORY}/base/{backup['id']}/data/"
    sizes: list[int] = []

    def check_and_remove() -> None:
        copied = int(machines.on(PG, "du", "-sb", DESTINATION).split()[0])
        machines.on(PG, "rm", "-rf", DESTINATION)
        if copied < size:
            raise Failed(f"{copied} bytes of at least {size} came to {DESTINATION}")

    def module() -> float:
        order = {"server": SERVER, "backup_id": backup["id"], "destination": DESTINATION, "remote_host": PG_ADDRESS}
        task = machines.task("pgdr.barman.recover", order)
        if not task.result["changed"]:
            raise Failed(f"the module recover did nothing: {task.result}")
        sizes.append(int(task.result["recovery"]["bytes"]))
        check_and_remove()
        return task.seconds

    def bare(ssh: tuple[str, ...] = SSH) -> float:
        segments = archived_since(machines, backup["begin_wal"])
        target = f"postgres@{PG_ADDRESS}:{DESTINATION}/"
        timed = machines.timed(BACKUP, "rsync", "-a", "-e", shlex.join(ssh), data, *segments, target, user="barman")
        check_and_remove()
        return timed.seconds

    def engine() -> float:
        ssh = shlex.join([*SSH, f"postgres@{PG_ADDRESS}"])
        argv = ("barman", "recover", "--no-get-wal", "--remote-ssh-command", ssh, SERVER, backup["id"], DESTINATION)
        timed = machines.timed(BACKUP, *argv, user="barman")
        check_and_remove()
        return timed.seconds

    subjects = {MODULE: module, BARE: bare, ENGINE: engine, BARE_DEFAULT: lambda: bare(SSH_DEFAULT)}
    seconds = in_turns(rounds, subjects, machines.settle)
    machines.barman("delete", SERVER, backup["id"])
    return Comparison(
        name,
        f"Recovery of {sizes[-1] / GIGABYTE:.1f} GB to another host",
        (
            Row(MODULE, seconds[MODULE], against=BARE, most=MOST_RATIO),
            Row(ENGINE, seconds[ENGINE], against=BARE),
            Row(BARE_DEFAULT, seconds[BARE_DEFAULT], against=BARE),
            Row(BARE, seconds[BARE]),
        ),
        notes=(
            f"Alone: `rsync -a -e '{shlex.join(SSH)}'` of the backup's data directory and the WAL segments that a recovery from it gets. "
            "`barman recover` has the same SSH options. The module also makes it share one connection. It reads the WAL first, "
            "to prove that the WAL contains the target, and checks the restored files afterwards.",
        ),
    )


def archived_since(machines: Machines, first: str) -> list[str]:
    """The archived segments that Barman gives to a recovery."""
    found = machines.on(BACKUP, "find", f"{BARMAN_DIRECTORY}/wals", "-mindepth", "2", "-type", "f").split()
    return sorted(path for path in found if path.rpartition("/")[2] >= first)
