# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job on real servers: protect a PostgreSQL server, lose it, recover it to a point in time, and prove it.

Run by "make quickstart". The machines stay up to be looked at; "make lab-down" takes them away.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from tests.lab.host import SSH_CONFIG
from tests.tools.debian import DOT, path_with

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
STATE = REPOSITORY / ".cache" / "quickstart"
PICTURE, REPORT = STATE / "architecture.svg", STATE / "report.html"
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


@dataclass(frozen=True)
class Commit:
    """A commit as the destroyed server had it on its disk."""

    xid: int
    lsn: int
    time: datetime


@dataclass
class Proof:
    """What the run measured and proved."""

    rows_before: int = 0
    last_id: int = 0
    target: str = ""
    last_commit: Commit | None = None
    report: dict[str, Any] = field(default_factory=dict)
    rows_found: int = 0
    rows_after_target: int = 0
    archived: list[str] = field(default_factory=list)


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
        self._remove()
        print(f"          done in {time.monotonic() - started:.0f} s", flush=True)

    def now(self, text: str) -> None:
        if self._live:
            print(f"\r\033[K          {text[:100]}", end="", flush=True)
        else:
            print(f"          {text}", flush=True)

    def _remove(self) -> None:
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
        # Graphviz, for the picture.
        "PATH": path_with(os.environ.get("PATH", "/usr/bin:/bin"), DOT),
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
    last = beyond
    while last < beyond + 100:
        if time.monotonic() > deadline:
            raise Failed(f"the writer wrote {last - beyond} rows within {limit:.0f} s, 100 were awaited")
        last = int(sql("SELECT max(id) FROM journal"))


def destroy(proof: Proof) -> None:
    """Kill the server, note the last commit that its disk held, and throw the disk's contents away."""
    last = sql("SELECT pg_current_wal_flush_lsn()")
    on("pg", "pkill", "-9", "-u", "postgres", "-x", "postgres")
    waldump = f"/usr/lib/postgresql/17/bin/pg_waldump --path={DATA_DIRECTORY}/pg_wal --start={last} --rmgr=Transaction"
    records = on("pg", "sh", "-c", f"{waldump} 2>/dev/null || true")
    on("pg", "rm", "-rf", DATA_DIRECTORY)
    proof.last_commit = last_commit(records)
    if proof.last_commit is None:
        raise Failed(f"the destroyed server's WAL held no commit after {last}, and the writer was writing")


def last_commit(records: str) -> Commit | None:
    """The last commit among what pg_waldump printed."""
    commits = [line for line in records.splitlines() if " COMMIT " in line]
    return read_commit(commits[-1]) if commits else None


def read_commit(line: str) -> Commit:
    """A line of pg_waldump, such as "rmgr: Transaction ... tx: 5195, lsn: 0/0D058C70, ... desc: COMMIT 2026-... UTC"."""
    found = re.search(r"tx:\s+(\d+), lsn: (\w+)/(\w+),.* COMMIT (\S+ [\d:.]+) UTC", line)
    if found is None:
        raise Failed(f"this line of pg_waldump is not as expected: {line}")
    xid, high, low, time_text = found.groups()
    return Commit(int(xid), lsn(f"{high}/{low}"), datetime.fromisoformat(f"{time_text}+00:00"))


def lsn(text: str) -> int:
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def main() -> int:
    # A machine that can't run the lab says so here, in one sentence.
    able = subprocess.run(
        [sys.executable, "-m", "tests.lab", "check"],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if able.returncode != 0:
        return able.returncode
    # What an earlier run left is taken away first.
    removed = subprocess.run(
        [sys.executable, "-m", "tests.lab", "down", str(LAB_FILE)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if removed.returncode != 0:
        print(removed.stderr.strip(), file=sys.stderr)
        return removed.returncode
    STATE.mkdir(parents=True, exist_ok=True)
    for old in STATE.glob("*.log"):
        old.unlink()
    proof = Proof()
    try:
        play(proof)
    except Failed as failure:
        print(f"\nThe quickstart failed: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The machines are still up; `make lab-down` takes them away.", file=sys.stderr)
        return 130
    return 0


def play(proof: Proof) -> None:
    make_passwords()
    with SCREEN.step("Starting two machines, pg and backup"):
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
    with SCREEN.step("Counting rows, and looking for the new timeline and the new backup in Barman's archive"):
        proof.rows_found = int(sql(f"SELECT count(*) FROM journal WHERE id <= {proof.last_id}"))
        proof.rows_after_target = int(sql(f"SELECT count(*) FROM journal WHERE id > {proof.last_id}"))
        timeline = f"{proof.report['timeline']:08X}"
        segments = on("backup", "find", "/var/lib/barman/pg/wals", "-type", "f", "-name", f"{timeline}*").splitlines()
        proof.archived = sorted(Path(segment).name for segment in segments)
    verify(proof)
    with SCREEN.step("Writing the picture and the report (ansible-playbook pgdr.barman.picture, pgdr.barman.report)"):
        playbook("picture", barman_picture_file=str(PICTURE))
        playbook("report", barman_report_file=str(REPORT))
    print_proof(proof)


def verify(proof: Proof) -> None:
    """Raise Failed where anything that the quickstart promises is not so."""
    if proof.rows_found != proof.rows_before or proof.rows_after_target != 0:
        raise Failed(
            f"{proof.rows_before} rows were written before the point in time and {proof.rows_found} are there; "
            f"{proof.rows_after_target} rows from after it are there, and none should be"
        )
    if not any(len(name) == 24 for name in proof.archived):
        raise Failed(f"no WAL segment of timeline {proof.report['timeline']} is archived; there is {proof.archived}")
    if not proof.report["new_backup"]:
        raise Failed("no new backup was taken after the recovery")


def rpo(last: Commit, reachable: Mapping[str, Any]) -> tuple[float, int]:
    """Seconds and bytes of WAL from the last commit on the destroyed disk back to the last one that Barman has."""
    seconds = (last.time - datetime.fromisoformat(reachable["time"])).total_seconds()
    return max(0.0, seconds), max(0, last.lsn - lsn(reachable["lsn"]))


def table(proof: Proof) -> tuple[tuple[str, str], ...]:
    """What was measured and proved: titles and what they say."""
    report = proof.report
    assert proof.last_commit is not None
    seconds, lost = rpo(proof.last_commit, report["last_recoverable"])
    return (
        ("Recovered", f"PostgreSQL 17 on pg, to {proof.target}"),
        ("From", f"backup {report['backup_id']} and its WAL on backup"),
        ("Rows before the point", f"{proof.rows_found:,} of {proof.rows_before:,}"),
        ("Rows after the point", f"{proof.rows_after_target}"),
        ("New timeline", f"{report['timeline']}, archived up to {proof.archived[-1]}"),
        ("New backup", f"{report['new_backup']}"),
        (
            "RPO",
            f"{seconds:.3f} s, {lost:,} bytes: from the last commit on the destroyed disk back to the last one in Barman",
        ),
        ("RTO", f"{report['rto_seconds']:.1f} s: from the start of the recovery to a server that takes writes"),
    )


def print_proof(proof: Proof) -> None:
    """Print the short table."""
    rows = table(proof)
    wide = max(len(title) for title, _ in rows)
    print()
    for title, text in rows:
        print(f"  {title:<{wide}}  {text}")
    print(
        f"""
Look around:
  .venv/bin/python -m tests.lab exec quickstart/backup            a shell on the backup server (try: runuser -u barman barman check pg)
  .venv/bin/python -m tests.lab exec quickstart/pg                a shell on the PostgreSQL server
  tests/quickstart/inventory.yml                                  all that was declared
  {PICTURE.relative_to(REPOSITORY)}                              the picture of it
  {REPORT.relative_to(REPOSITORY)}                                   the report about it, for a browser
  {STATE.relative_to(REPOSITORY)}/recovery.json                                 the report of the recovery
  make lab-down                                                   takes the machines away
"""
    )


if __name__ == "__main__":
    sys.exit(main())
