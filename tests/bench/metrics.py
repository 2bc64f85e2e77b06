# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CPU of `pgdr-barman metrics` for 100 servers, each with two weeks of daily backups and 500 WAL segments, against starting Barman once."""

from __future__ import annotations

from tests.bench.machines import BACKUP, PG, PG_ADDRESS, SERVER, Machines
from tests.bench.report import Comparison, Row
from tests.bench.turns import in_turns, log

SERVERS = 100
BACKUPS = 14
SEGMENTS = 500
MOST_SECONDS = 0.5

# The same real PostgreSQL server under many names. The names of WAL segments are enough: nothing reads their content here.
CREATE_SERVERS = """
import os, pathlib, subprocess, sys
count, backups, segments, address, server = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]
home, main, entries = pathlib.Path("/var/lib/barman/metrics"), pathlib.Path("/etc/barman-metrics.conf"), pathlib.Path("/etc/barman-metrics.d")
entries.mkdir(exist_ok=True)
main.write_text(
    f"[barman]\\nbarman_user = barman\\nconfiguration_files_directory = {entries}\\nbarman_home = {home}\\nlog_file = /var/log/barman/metrics.log\\n")
real = pathlib.Path("/var/lib/barman", server)
found = [*real.glob("meta/*-backup.info"), *real.glob("base/*/backup.info")]
text = found[0].read_text()
for number in range(count):
    one = f"s{number:03}"
    connection = f"host={address} port=5432 connect_timeout=2 user"
    (entries / f"{one}.conf").write_text(
        f"[{one}]\\ndescription = metrics\\nbackup_method = postgres\\narchiver = off\\nstreaming_archiver = on\\nslot_name = {one}\\n"
        f"conninfo = {connection}=barman dbname=postgres\\nstreaming_conninfo = {connection}=streaming_barman\\n"
        "retention_policy = RECOVERY WINDOW OF 14 DAYS\\nminimum_redundancy = 1\\npath_prefix = /usr/lib/postgresql/17/bin\\n")
    place = home / one
    for name in ("meta", "wals", "streaming", "incoming"):
        (place / name).mkdir(parents=True, exist_ok=True)
    names = [f"00000001{segment // 256:08X}{segment % 256:08X}" for segment in range(5, 5 + segments)]
    for name in names:
        (place / "wals" / name[:16]).mkdir(exist_ok=True)
        (place / "wals" / name[:16] / name).touch()
    for backup in range(backups):
        begin = names[backup * segments // backups]
        lines = [line for line in text.splitlines() if not line.startswith(("begin_wal=", "end_wal="))]
        taken = f"202611{backup + 1:02}T000000"
        (place / "base" / taken / "data").mkdir(parents=True, exist_ok=True)
        (place / "meta" / f"{taken}-backup.info").write_text("\\n".join([*lines, f"begin_wal={begin}", f"end_wal={begin}"]) + "\\n")
subprocess.run(["chown", "-R", "-h", "barman:barman", str(home)], check=True)
"""

CPU = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
up = [line for line in done.stdout.splitlines() if line.startswith("pgdr_barman_postgresql_up{")]
assert all(line.endswith(" 1") for line in up), up
print(used.ru_utime + used.ru_stime)
"""

# One minute of the role: a start, and five samples, here in a shorter time. The time of one sample, with its part of the start.
SAMPLES = """
import os, resource, subprocess, sys, time
path = "/var/lib/barman/metrics.prom"
made = set()
process = subprocess.Popen([*sys.argv[1:], "--output", path, "--seconds", "16", "--interval", "3"])
while process.poll() is None:
    if os.path.exists(path):
        found = os.stat(path)
        made.add((found.st_ino, found.st_mtime_ns))
    time.sleep(0.1)
assert process.returncode == 0
up = [line for line in open(path).read().splitlines() if line.startswith("pgdr_barman_postgresql_up{")]
assert up and all(line.endswith(" 1") for line in up), up
os.unlink(path)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
assert 5 <= len(made) <= 6, made
print((used.ru_utime + used.ru_stime) / len(made))
"""


def run(machines: Machines, rounds: int) -> list[Comparison]:
    machines.deployed()
    machines.task("pgdr.barman.backup", {"server": SERVER, "immediate_checkpoint": True})
    # One server stands for all of them, and is asked by all at once.
    machines.sql(f"ALTER SYSTEM SET max_connections = {2 * SERVERS}")
    machines.on(PG, "systemctl", "restart", "postgresql@17-main")
    log(f"laying out {SERVERS} servers with {BACKUPS} backups and {SEGMENTS} WAL segments each")
    arguments = (str(SERVERS), str(BACKUPS), str(SEGMENTS), PG_ADDRESS, SERVER)
    machines.on(BACKUP, "python3", "-c", CREATE_SERVERS, *arguments)
    program, sample = "pgdr-barman metrics, once", "a sample of pgdr-barman metrics --seconds, of five or six"
    engine = "barman list-servers, which reads the configuration alone"
    command = ("/usr/local/bin/pgdr-barman", "metrics", "--config", "/etc/barman-metrics.conf")

    def cpu(script: str, *command: str) -> float:
        return float(machines.on(BACKUP, "python3", "-c", script, *command, user="barman").strip())

    seconds = in_turns(
        rounds,
        {
            program: lambda: cpu(CPU, *command),
            sample: lambda: cpu(SAMPLES, *command),
            engine: lambda: cpu(CPU, "barman", "-c", "/etc/barman-metrics.conf", "list-servers"),
        },
    )
    return [
        Comparison(
            "metrics",
            f"Metrics of {SERVERS} servers with {BACKUPS} backups and {SEGMENTS} WAL segments each",
            (
                Row(sample, seconds[sample], most_seconds=MOST_SECONDS),
                Row(program, seconds[program]),
                Row(engine, seconds[engine]),
            ),
            notes=(
                "The CPU time of the whole process, with one connection to PostgreSQL for each server. Each connection costs the client the "
                "4096 rounds of SCRAM. With --seconds, the connections stay open: a minute of the role has one start and five samples.",
            ),
        )
    ]
