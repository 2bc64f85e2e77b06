# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module check against `barman check all`, for 1, 10 and 100 servers, and where some of them can't be reached."""

from __future__ import annotations

import re

from tests.bench.machines import BACKUP, NOBODY_ADDRESS, PG, PG_ADDRESS, SERVER, Failed, Machines
from tests.bench.report import Comparison, Row
from tests.bench.turns import in_turns, log

SIZES = (1, 10, 100)
LOST = 4
MOST_RATIO = 1.0

# The same real PostgreSQL server under many names, each with a backup and WAL of its own in hard links. WAL comes by archive_command as far as
# Barman knows, because a hundred receivers would be measured too.
CREATE_SERVERS = """
import os, pathlib, pwd, subprocess, sys
name, count, lost, address, nobody, server, backup = sys.argv[1:]
home, main = pathlib.Path("/var/lib/barman/check", name), pathlib.Path("/etc", f"barman-{name}.conf")
entries = pathlib.Path("/etc", f"barman-{name}.d")
entries.mkdir(exist_ok=True)
main.write_text(
    f"[barman]\\nbarman_user = barman\\nconfiguration_files_directory = {entries}\\nbarman_home = {home}\\n"
    f"log_file = /var/log/barman/{name}.log\\n")
real = pathlib.Path("/var/lib/barman", server)
found = [path for path in real.rglob("backup.info") if backup in str(path)] + list(real.glob(f"meta/{backup}-backup.info"))
text = found[0].read_text()
fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
segments = [path for path in real.glob("wals/*/*") if path.name >= fields["begin_wal"]]
for number in range(int(count)):
    one = f"s{number:03}"
    host = nobody if number < int(lost) else address
    connection = f"host={host} port=5432 connect_timeout=2 user"
    (entries / f"{one}.conf").write_text(
        f"[{one}]\\ndescription = check\\nbackup_method = postgres\\narchiver = on\\n"
        f"conninfo = {connection}=barman dbname=postgres\\nstreaming_conninfo = {connection}=streaming_barman\\n"
        "path_prefix = /usr/lib/postgresql/17/bin\\n")
    place = home / one
    for directory in (place / "base" / backup / "data", place / "meta", place / "wals"):
        directory.mkdir(parents=True, exist_ok=True)
    (place / "base" / backup / "backup.info").write_text(text)
    for segment in segments:
        directory = place / "wals" / segment.parent.name
        directory.mkdir(exist_ok=True)
        os.link(segment, directory / segment.name)
subprocess.run(["chown", "-R", "-h", "barman:barman", str(home)], check=True)
"""

HEADER = re.compile(r"^Server (\S+):$", re.MULTILINE)


def run(machines: Machines, rounds: int) -> list[Comparison]:
    machines.deployed()
    as_if_archiving(machines)
    backup = machines.task("pgdr.barman.backup", {"server": SERVER, "immediate_checkpoint": True}).result["backup"][
        "id"
    ]
    comparisons = []
    for size, lost in [*((size, 0) for size in SIZES), (max(SIZES), LOST)]:
        name = f"check-{size}" + (f"-{lost}-lost" if lost else "")
        log(f"laying out {size} servers" + (f", {lost} of them where nobody is" if lost else ""))
        arguments = (name, str(size), str(lost), PG_ADDRESS, NOBODY_ADDRESS, SERVER, backup)
        machines.on(BACKUP, "python3", "-c", CREATE_SERVERS, *arguments)
        config = f"/etc/barman-{name}.conf"
        machines.on(BACKUP, "barman", "-c", config, "rebuild-xlogdb", "all", user="barman")
        comparisons.append(compare(machines, rounds, name, size, lost, config))
    return comparisons


def as_if_archiving(machines: Machines) -> None:
    machines.sql("ALTER SYSTEM SET archive_mode = on")
    machines.sql("ALTER SYSTEM SET archive_command = '/bin/true'")
    machines.on(PG, "systemctl", "restart", "postgresql@17-main")
    machines.task("pgdr.barman.wal_receiver", {"servers": [SERVER], "state": "started"})
    # Barman looks whether a segment was archived since the last failure.
    machines.barman("switch-wal", "--force", "--archive", SERVER)


def compare(machines: Machines, rounds: int, name: str, size: int, lost: int, config: str) -> Comparison:
    module_row, engine_row = "module check", "barman check all"

    def module() -> float:
        task = machines.task("pgdr.barman.check", {"config_file": config, "fail_on_error": False})
        failing = sorted(name for name, server in task.result["servers"].items() if not server["ok"])
        verify(len(task.result["servers"]), failing, task.result["problems"])
        return task.seconds

    def engine() -> float:
        timed = machines.timed(BACKUP, "barman", "-c", config, "check", "all", user="barman", good=(1 if lost else 0,))
        parts = HEADER.split(timed.stdout)[1:]
        failing = sorted(name for name, text in zip(parts[::2], parts[1::2], strict=True) if ": FAILED" in text)
        verify(len(parts) // 2, failing, timed.stdout)
        return timed.seconds

    def verify(checked: int, failing: list[str], output: object) -> None:
        if checked != size or failing != [f"s{number:03}" for number in range(lost)]:
            raise Failed(f"{checked} of {size} servers were checked, and {failing} failed: {output}")

    seconds = in_turns(rounds, {module_row: module, engine_row: engine})
    title = f"Check of {size} server{'s' if size > 1 else ''}"
    return Comparison(
        name,
        title + (f", {lost} of which can't be reached" if lost else ""),
        (
            Row(module_row, seconds[module_row], against=engine_row, most=MOST_RATIO if size == max(SIZES) else None),
            Row(engine_row, seconds[engine_row]),
        ),
    )
