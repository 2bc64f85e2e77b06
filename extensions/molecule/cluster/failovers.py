# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves the primary of the Patroni cluster 15 times while a client writes: python failovers.py POINTS

Ten switchovers and five failovers by kill -9, of PostgreSQL alone or of Patroni with it. After each, WAL is received from the new primary within 60
seconds. Before and after one of them, the rows are counted and a restore point is created; POINTS gets their names and numbers as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

LAB = os.environ.get("LAB_NAME", "molecule-cluster")
MEMBERS = ("pg-1", "pg-2")
KILLS = {3: "postgres", 6: "patroni", 9: "postgres", 12: "patroni", 15: "postgres"}
COUNTED = 8
PROTECTED_WITHIN = 60.0
RECEIVED = """SELECT count(*) FROM pg_stat_replication AS sender JOIN pg_replication_slots AS slot ON slot.active_pid = sender.pid
WHERE slot.slot_name = 'barman' AND sender.state = 'streaming' AND NOT pg_is_in_recovery()"""


def execute(machine: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.lab", "exec", f"{LAB}/{machine}", "--", *argv],
        text=True,
        capture_output=True,
        check=False,
    )


def ask(machine: str, sql: str, database: str = "postgres") -> str:
    """The answer; empty if the server gives none."""
    return execute(machine, "runuser", "-u", "postgres", "--", "psql", "-XAtqc", sql, database).stdout.strip()


def wait(what: str, done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {seconds:g} s: {what}")
        time.sleep(0.3)


def is_primary(member: str) -> bool:
    return ask(member, "SELECT pg_is_in_recovery()") == "f"


def follows(primary: str) -> bool:
    """Whether the other member streams the primary's timeline."""
    text = execute(primary, "patronictl", "-c", "/etc/patroni/17-main.yml", "list", "--format=json").stdout
    members = json.loads(text or "[]")
    return len({one["TL"] for one in members if one["State"] in ("running", "streaming")}) == 1 and any(
        one["State"] == "streaming" for one in members
    )


def switch(primary: str, standby: str) -> None:
    done = execute(
        primary,
        "patronictl",
        "-c",
        "/etc/patroni/17-main.yml",
        "switchover",
        "--leader",
        primary,
        "--candidate",
        standby,
        "--force",
    )
    if done.returncode:
        raise SystemExit(f"switchover failed: {done.stdout} {done.stderr}")


def kill(primary: str, what: str) -> None:
    if what == "patroni":
        execute(primary, "pkill", "-KILL", "-f", "^/usr/bin/python3 /usr/bin/patroni ")
    execute(primary, "pkill", "-KILL", "-u", "postgres", "-x", "postgres")


def count(primary: str, name: str) -> dict[str, object]:
    """Stop the client, count, create a restore point, and start the client."""
    execute("backup", "systemctl", "stop", "writer@orders")
    rows = int(ask(primary, "SELECT count(*) FROM journal", "shop"))
    ask(primary, f"SELECT pg_create_restore_point('{name}')")
    execute("backup", "systemctl", "start", "writer@orders")
    return {"name": name, "rows": rows}


def protected_after(number: int, primary: str, standby: str) -> dict[str, object]:
    """Move the primary to the standby, and wait until Barman receives its WAL: how long that took."""
    begin = time.monotonic()
    what = KILLS.get(number)
    if what is None:
        switch(primary, standby)
    else:
        kill(primary, what)
    wait(f"{standby} to become the primary ({number})", lambda: is_primary(standby), 60)
    promoted = time.monotonic() - begin
    wait(
        f"Barman to receive from {standby} ({number})",
        lambda: ask(standby, RECEIVED) == "1",
        PROTECTED_WITHIN - promoted,
    )
    protected = time.monotonic() - begin
    if what == "patroni":
        execute(primary, "systemctl", "start", "patroni@17-main")
    wait(f"{primary} to follow {standby} ({number})", lambda: follows(standby), 120)
    return {"what": what or "switchover", "promoted": round(promoted, 1), "protected": round(protected, 1)}


def main(points: str) -> None:
    primary, standby = MEMBERS if is_primary(MEMBERS[0]) else MEMBERS[::-1]
    counted, moves = [], []
    for number in range(1, 16):
        if number == COUNTED:
            counted.append(count(primary, "before"))
        moves.append(protected_after(number, primary, standby))
        print(json.dumps(moves[-1]), file=sys.stderr, flush=True)
        primary, standby = standby, primary
        if number == COUNTED:
            counted.append(count(primary, "after"))
    counted.append(count(primary, "end"))
    Path(points).write_text(json.dumps(counted), encoding="utf-8")
    print(json.dumps({"points": counted, "moves": moves}))


if __name__ == "__main__":
    main(sys.argv[1])
