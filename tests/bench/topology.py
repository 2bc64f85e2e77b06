# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the topology takes from the inventory's variables to every host's requirements, and playbook validate with it, and how both grow.
Run by `python -m tests.bench`, and for other sizes as `python -m tests.bench.topology [--validate]`."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from tests.bench.report import Comparison, Row
from tests.bench.turns import in_turns
from tests.tools.stage import environment

SIZES = (125, 250, 500, 1000, 2000, 4000)
SERVERS_PER_BACKUP = 50
MANY = 1000
MOST_SECONDS = 2.0
LARGE = 5000
MOST_SECONDS_LARGE = 3.0
# The whole playbook against Ansible's own reading of the same inventory.
MOST_VALIDATE = 4.0
# Twice as many servers take twice as long where the growth is linear; the rest is for what else the machine does.
MOST_GROWTH = 2.4

Hosts = Mapping[str, Mapping[str, Any]]


def inventory(servers: int) -> tuple[Hosts, Hosts]:
    """So many PostgreSQL servers of every method, fifty to a backup server, each with a passive copy on the next one."""
    backups = max(2, servers // SERVERS_PER_BACKUP)
    backup = {
        f"backup-{number:03}": {
            "ansible_host": f"198.51.{number // 250}.{number % 250 + 1}",
            "barman_zone": f"zone-{number % 5}",
            "barman_version": "3.13.3",
            "barman_global_options": {"compression": "gzip"},
        }
        for number in range(backups)
    }
    methods: Sequence[Mapping[str, Any]] = (
        {},
        {"barman_wal": ["streaming", "archiving"], "barman_synchronous": True},
        {"barman_backup_method": "rsync", "barman_wal": ["archiving"], "barman_incremental": "link"},
        {"barman_incremental": "block", "barman_options": {"last_backup_maximum_age": "2 DAYS"}},
    )
    pg = {
        f"pg-{number:04}": {
            "ansible_host": f"10.{number // 65536}.{number // 256 % 256}.{number % 256}",
            "barman_backup_server": f"backup-{number % backups:03}",
            "barman_passive_servers": [f"backup-{(number + 1) % backups:03}"],
            "barman_postgres_version": 17,
            "barman_postgres_password": "secret",
            "barman_streaming_password": "secret",
            **methods[number % len(methods)],
        }
        for number in range(servers)
    }
    return pg, backup


def measure(servers: int, repetitions: int) -> float:
    """The median CPU time in seconds."""
    pg, backup = inventory(servers)
    times = []
    for _repetition in range(repetitions):
        begin = time.process_time()
        outcome = build(pg, backup)
        times.append(time.process_time() - begin)
        if outcome.problems:
            raise SystemExit("\n".join(str(problem) for problem in outcome.problems[:5]))
    return statistics.median(times)


def compare(repetitions: int) -> list[Comparison]:
    """The core, and the playbook, each with how it grows."""
    return [compare_core(repetitions), compare_validate(repetitions)]


def compare_core(repetitions: int) -> Comparison:
    """A thousand servers, whether twice as many take twice as long, and five thousand."""
    one, two, large = f"{MANY} servers", f"{2 * MANY} servers", f"{LARGE} servers"
    return Comparison(
        "topology",
        f"Topology of {MANY} servers on {MANY // SERVERS_PER_BACKUP} backup servers",
        (
            Row(one, tuple(measure(MANY, 1) for _ in range(repetitions)), most_seconds=MOST_SECONDS),
            Row(two, tuple(measure(2 * MANY, 1) for _ in range(repetitions)), against=one, most=MOST_GROWTH),
            Row(large, tuple(measure(LARGE, 1) for _ in range(repetitions)), most_seconds=MOST_SECONDS_LARGE),
        ),
        notes=("The CPU time of one Python process, from the inventory's variables to every host's requirements.",),
    )


def compare_validate(rounds: int, servers: int = MANY) -> Comparison:
    """Playbook validate against `ansible-inventory --list` of the same inventory, as whole processes; and for five times as many servers."""
    lists, validates = "ansible-inventory --list, {} servers", "pgdr.barman.validate, {} servers"
    with tempfile.TemporaryDirectory(prefix="pgdr-bench-") as scratch:
        subjects = {}
        for size in (servers, servers * LARGE // MANY):
            path = write_inventory(Path(scratch) / f"{size}.json", size)
            subjects[lists.format(size)] = lambda path=path: whole("inventory", "--inventory", str(path), "--list")
            subjects[validates.format(size)] = lambda path=path: whole(
                "playbook", "pgdr.barman.validate", "--inventory", str(path)
            )
        seconds = in_turns(rounds, subjects)
    rows = []
    for size in (servers, servers * LARGE // MANY):
        name = lists.format(size)
        rows.append(Row(name, seconds[name]))
        rows.append(Row(validates.format(size), seconds[validates.format(size)], against=name, most=MOST_VALIDATE))
    return Comparison(
        "topology-validate",
        f"Validation of {servers} servers, and of {servers * LARGE // MANY}",
        tuple(rows),
        notes=("Whole processes: their time from start to end.",),
    )


def write_inventory(path: Path, servers: int) -> Path:
    """The inventory as a file for Ansible. JSON is YAML, and Ansible reads it faster, so that it hides less of what is measured."""
    pg, backup = inventory(servers)
    groups = {"pg": {"hosts": pg}, "backup": {"hosts": backup}}
    path.write_text(json.dumps({"all": {"children": groups}}), encoding="utf-8")
    return path


def whole(tool: str, *arguments: str) -> float:
    """The seconds that the process takes."""
    begin = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "ansible", tool, *arguments],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.monotonic() - begin


def main() -> None:
    """Print a line for each size: the time, the time for each server, the growth against the size before."""
    parser = argparse.ArgumentParser(description="Measure the topology.")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of PostgreSQL servers")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--validate", action="store_true", help="the playbook instead, for the first of the sizes")
    arguments = parser.parse_args()
    if arguments.validate:
        compared = compare_validate(arguments.repetitions, arguments.sizes[0])
        for row in compared.rows:
            ratio = compared.ratio(row)
            print(f"{row.what:45}  {row.median:7.2f} s" + (f"  {ratio:5.2f} times" if ratio is not None else ""))
        return
    print("servers  backup servers  median s  ms a server  growth for twice as many")
    before = None
    for size in arguments.sizes:
        median = measure(size, arguments.repetitions)
        growth = f"{median / before:.2f}" if before else ""
        backups = max(2, size // SERVERS_PER_BACKUP)
        print(f"{size:7}  {backups:14}  {median:8.3f}  {median / size * 1000:11.3f}  {growth:>24}")
        before = median


if __name__ == "__main__":
    main()
