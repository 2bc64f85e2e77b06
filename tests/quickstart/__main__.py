# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job on real servers: protect a PostgreSQL server, lose it, recover it to a point in time, and prove it.

Run by "make quickstart". The machines stay up to be looked at; "make lab-down" takes them away.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import yaml

from tests.lab.host import SSH_CONFIG

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
STATE = REPOSITORY / ".cache" / "quickstart"
LAB_FILE = HERE / "lab.yml"
SCALE = 10
DATABASE = "shop"
DATA_DIRECTORY = "/var/lib/postgresql/17/main"

JOURNAL = """
CREATE TABLE journal (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp());
"""
WRITE_ONE = "INSERT INTO journal DEFAULT VALUES;\n"


class Failed(Exception):
    """A step went wrong; the text says which and where to read on."""


@dataclass
class Proof:
    """What the run measured and proved."""

    rows_before: int = 0
    last_id: int = 0
    target: str = ""
    acknowledged: int = 0
    lost_at: float = 0.0
    last_commit: datetime | None = None
    last_lsn: str = ""
    report: dict[str, object] = field(default_factory=dict)
    rows_found: int = 0
    rows_after_target: int = 0


class Screen:
    """Prints each step with its time, and on a terminal what is being done right now."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._live = sys.stdout.isatty()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._started

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        print(f"[{self.elapsed:5.0f} s] {title} ...", flush=True)
        started = time.monotonic()
        yield
        self._clear()
        print(f"          done in {time.monotonic() - started:.0f} s", flush=True)

    def now(self, text: str) -> None:
        if self._live:
            print(f"\r\033[K          {text[:100]}", end="", flush=True)
        else:
            print(f"          {text}", flush=True)

    def _clear(self) -> None:
        if self._live:
            print("\r\033[K", end="")


SCREEN = Screen()


def run(argv: Sequence[str], log: str, environment: dict[str, str] | None = None) -> str:
    """Run a command, keep its output in a log, show its plays and tasks. Raises Failed with the log's end."""
    path = STATE / f"{log}.log"
    lines: list[str] = []
    with path.open("a", encoding="utf-8") as stream:
        process = subprocess.Popen(
            argv,
            cwd=REPOSITORY,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            stream.write(line)
            lines.append(line)
            if line.startswith(("TASK [", "PLAY [")):
                SCREEN.now(line.split("[", 1)[1].split("]")[0])
            elif log == "lab":
                SCREEN.now(line.rstrip())
    if process.wait() != 0:
        raise Failed(f"'{' '.join(argv)}' failed; the whole of it is in {path}:\n" + "".join(lines[-40:]))
    return "".join(lines)


def lab(*arguments: str) -> str:
    return run([sys.executable, "-m", "tests.lab", *arguments], "lab")


def in_machine(machine: str, *command: str) -> list[str]:
    return [sys.executable, "-m", "tests.lab", "exec", f"quickstart/{machine}", "--", *command]


def on(machine: str, *command: str) -> str:
    """Run a command on a machine of the lab, and return what it printed."""
    argv = in_machine(machine, *command)
    done = subprocess.run(argv, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(
            f"on machine {machine}: '{' '.join(command)}' failed: {done.stderr.strip() or done.stdout.strip()}"
        )
    return done.stdout.strip()


def sql(query: str, database: str = DATABASE) -> str:
    return on(
        "pg", "runuser", "-u", "postgres", "--", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", query
    )


def playbook(name: str, **variables: object) -> None:
    argv = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        f"pgdr.barman.{name}",
        "--inventory",
        str(HERE / "inventory.yml"),
        "--extra-vars",
        f"@{STATE / 'passwords.yml'}",
        "--extra-vars",
        json.dumps(variables),
    ]
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".cache" / "collections"),
        "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"),
        "ANSIBLE_FORCE_COLOR": "false",
        "ANSIBLE_SSH_COMMON_ARGS": f"-F {SSH_CONFIG}",
    }
    run(argv, f"playbook-{name}", environment)


def make_passwords() -> None:
    path = STATE / "passwords.yml"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        yaml.safe_dump(
            {"management_password": secrets.token_urlsafe(24), "streaming_password": secrets.token_urlsafe(24)}, stream
        )


def load_data() -> None:
    postgres = ("runuser", "-u", "postgres", "--")
    sql(f"CREATE DATABASE {DATABASE}", "postgres")
    on("pg", *postgres, "pgbench", "--initialize", "--quiet", f"--scale={SCALE}", DATABASE)
    sql(JOURNAL)
    on("pg", "sh", "-c", f"printf '%s' '{WRITE_ONE.strip()}' > /tmp/write_one.sql")
    on("pg", *postgres, "pgbench", "--client=4", "--time=5", "--progress=1", DATABASE)


def write(transactions: int) -> None:
    on("pg", "runuser", "-u", "postgres", "--", "pgbench", "--no-vacuum", "--file=/tmp/write_one.sql",
       f"--transactions={transactions}", DATABASE)  # fmt: skip


class Writer(threading.Thread):
    """Goes on writing until the server is gone under it."""

    def run(self) -> None:
        argv = in_machine("pg", "runuser", "-u", "postgres", "--", "pgbench", "--no-vacuum", "--file=/tmp/write_one.sql",
                          "--client=2", "--time=600", DATABASE)  # fmt: skip
        subprocess.run(argv, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def wait_until_written(beyond: int, limit: float = 30) -> None:
    """Wait until the writer wrote rows after those."""
    deadline = time.monotonic() + limit
    seen = beyond
    while seen < beyond + 100:
        if time.monotonic() > deadline:
            raise Failed(f"the writer wrote {seen - beyond} rows within {limit:.0f} s, 100 were awaited")
        seen = int(sql("SELECT max(id) FROM journal"))


def destroy(proof: Proof) -> None:
    row = sql("SELECT count(*), max(at), pg_current_wal_flush_lsn() FROM journal").split("|")
    on("pg", "sh", "-c", f"pkill -9 -u postgres postgres; rm -rf {DATA_DIRECTORY}")
    proof.lost_at = time.monotonic()
    proof.acknowledged = int(row[0])
    proof.last_commit = datetime.fromisoformat(row[1])
    proof.last_lsn = row[2]


def main() -> int:
    STATE.mkdir(parents=True, exist_ok=True)
    for old in STATE.glob("*.log"):
        old.unlink()
    proof = Proof()
    try:
        play(proof)
    except Failed as failure:
        print(f"\nThe quickstart failed: {failure}", file=sys.stderr)
        return 1
    return 0


def play(proof: Proof) -> None:
    make_passwords()
    with SCREEN.step("Starting two machines, pg and backup"):
        lab("down", str(LAB_FILE))
        lab("up", str(LAB_FILE))
    with SCREEN.step("Deploying what inventory.yml declares (ansible-playbook pgdr.barman.deploy)"):
        playbook("deploy")
    with SCREEN.step(f"Loading data with pgbench (scale {SCALE})"):
        load_data()
    with SCREEN.step("Taking a backup (ansible-playbook pgdr.barman.backup)"):
        playbook("backup", barman_backup_immediate_checkpoint=True)
    with SCREEN.step("Writing on: 2,000 rows, the point in time, and more rows after it"):
        write(2000)
        count, last, target = sql("SELECT count(*), max(id), clock_timestamp() FROM journal").split("|")
        proof.rows_before, proof.last_id, proof.target = int(count), int(last), target
        Writer(daemon=True).start()
        wait_until_written(proof.last_id)
    with SCREEN.step("Destroying the server: kill -9, data directory gone"):
        destroy(proof)
    with SCREEN.step(f"Recovering to {proof.target} (ansible-playbook pgdr.barman.recover)"):
        report = STATE / "recovery.json"
        playbook(
            "recover",
            barman_recover_server="pg",
            barman_recover_target_time=proof.target,
            barman_recover_confirmed=True,
            barman_recover_report=str(report),
            barman_backup_immediate_checkpoint=True,
            barman_recover_queries=[
                {"database": DATABASE, "query": "SELECT count(*) FROM journal", "expect": proof.rows_before}
            ],
        )
        proof.report = json.loads(report.read_text(encoding="utf-8"))
    with SCREEN.step("Counting what is there"):
        proof.rows_found = int(sql(f"SELECT count(*) FROM journal WHERE id <= {proof.last_id}"))
        proof.rows_after_target = int(sql(f"SELECT count(*) FROM journal WHERE id > {proof.last_id}"))
    judge(proof)
    tell(proof)


def judge(proof: Proof) -> None:
    if proof.rows_found != proof.rows_before or proof.rows_after_target != 0:
        raise Failed(
            f"{proof.rows_before} rows were written before the point in time and {proof.rows_found} are there; "
            f"{proof.rows_after_target} rows from after it are there, and none should be"
        )


def tell(proof: Proof) -> None:
    print(json.dumps(proof.report, indent=2))


if __name__ == "__main__":
    sys.exit(main())
