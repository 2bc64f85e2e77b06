# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure side by side with the bare tools, on two lab machines of its own (`make bench`).

    python -m tests.bench [--only NAME] [--rounds N] [--large] [--output docs/performance.md] [--keep]

The results go to .cache/bench: results.json and table.md. With --only the others' earlier results stay, if they are of this machine.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import ansible.release

from tests.bench import backup, check, deploy, drill, metrics, recover, topology, verify
from tests.bench.machines import BACKUP, GIGABYTE, PG, REPOSITORY, Failed, Machines
from tests.bench.report import SECTION, Comparison, Report, markdown
from tests.bench.turns import log
from tests.lab.host import STATE as LAB_STATE
from tests.tools.results import exit_status

STATE = REPOSITORY / ".cache" / "bench"
SMALL = int(1.4 * GIGABYTE)
LARGE = 10 * GIGABYTE
ROOM_SMALL = 12 * GIGABYTE
ROOM_LARGE = 45 * GIGABYTE


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """One of them. rounds: how many, where it is not said. large: only where that is asked for."""

    name: str
    run: Callable[[Machines, int], list[Comparison]]
    rounds: int = 5
    large: bool = False


# In this order: what is small comes before the machines are filled, and what changes PostgreSQL's settings after that.
BENCHMARKS = (
    Benchmark("deploy", deploy.run),
    Benchmark("backup", lambda machines, rounds: [backup.run(machines, rounds, SMALL, 1.5, "backup")]),
    Benchmark("recover", lambda machines, rounds: [recover.run(machines, rounds, SMALL, "recover")]),
    Benchmark("drill", lambda machines, rounds: [drill.run(machines, rounds, SMALL, "drill")], 3),
    Benchmark(
        "backup", lambda machines, rounds: [backup.run(machines, rounds, LARGE, 1.1, "backup-large")], 3, large=True
    ),
    Benchmark(
        "recover", lambda machines, rounds: [recover.run(machines, rounds, LARGE, "recover-large")], 3, large=True
    ),
    Benchmark("drill", lambda machines, rounds: [drill.run(machines, rounds, LARGE, "drill-large")], 2, large=True),
    Benchmark("verify", lambda machines, rounds: [verify.run(machines, rounds, SMALL, "verify")], 3),
    Benchmark("metrics", metrics.run),
    Benchmark("check", check.run, 3),
    Benchmark("topology", lambda machines, rounds: topology.compare(rounds)),
)
NAMES = tuple(dict.fromkeys(one.name for one in BENCHMARKS))


def main() -> int:
    options = parser().parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    STATE.mkdir(parents=True, exist_ok=True)
    return exit_status("bench", lambda: run(options), Failed, ValueError)


def run(options: argparse.Namespace) -> bool:
    """Always true. Raises Failed, and ValueError if the page has no place for the table."""
    report = measure(options.only or NAMES, options.rounds, large=options.large, keep=options.keep)
    table = markdown(report)
    print(f"\n{table}")
    (STATE / "table.md").write_text(table, encoding="utf-8")
    SECTION.write(options.output, table)
    return True


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure side by side with bare tools.")
    found.add_argument("--only", action="append", choices=NAMES, help="this one; can be given several times")
    found.add_argument(
        "--rounds", type=int, default=0, help="of each; without it 5 or 3, as the benchmark's length allows"
    )
    found.add_argument("--large", action="store_true", help="10 GB too; takes long, and 45 GB of disk")
    found.add_argument("--output", type=Path, metavar="PAGE", help="put the table into this page, between its markers")
    found.add_argument("--keep", action="store_true", help="leave the machines up, and use those that are")
    return found


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def measure(names: Sequence[str], rounds: int, *, large: bool, keep: bool) -> Report:
    room, needed = shutil.disk_usage(LAB_STATE.parent).free, ROOM_LARGE if large else ROOM_SMALL
    if room < needed:
        raise Failed(f"{needed // GIGABYTE} GB of disk are needed, and {room // GIGABYTE} GB are free")
    report, kept = Report(machine(), {}), Report()
    with tempfile.TemporaryDirectory(prefix="pgdr-bench-") as scratch:
        machines = Machines(Path(scratch))
        try:
            if not keep:
                machines.down()
            for benchmark in BENCHMARKS:
                if benchmark.name not in names or (benchmark.large and not large):
                    continue
                log(f"benchmark {benchmark.name}{', large' if benchmark.large else ''}")
                load = os.getloadavg()[0]
                for comparison in benchmark.run(machines, rounds or benchmark.rounds):
                    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
                    report.add(dataclasses.replace(comparison, date=date, load=load))
                # After each one, so that what was measured stays where a later one fails.
                report.versions = versions(machines)
                kept = merged(report)
                (STATE / "results.json").write_text(json.dumps(kept.to_dict(), indent=1), encoding="utf-8")
        finally:
            if keep:
                machines.close_connections()
            else:
                machines.down()
    return kept


def merged(report: Report) -> Report:
    """With the earlier results of what was not measured now, where nothing says that machine or versions were others."""
    try:
        before = Report.from_dict(json.loads((STATE / "results.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return report
    same = all(before.versions.get(name, version) == version for name, version in report.versions.items())
    if before.machine != report.machine or not same:
        return report
    before.versions = {**before.versions, **report.versions}
    for comparison in report.comparisons:
        before.add(comparison)
    before.comparisons.sort(key=lambda one: NAMES.index(one.name.partition("-")[0]))
    return before


def machine() -> dict[str, str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": str(os.cpu_count()),
        "memory": f"{memory / GIGABYTE:.0f} GB",
        "kernel": platform.release(),
    }


def versions(machines: Machines) -> dict[str, str]:
    found = {"ansible-core": ansible.release.__version__, "Python": platform.python_version()}
    if not machines.is_deployed:
        return found
    return {
        **found,
        "PostgreSQL": machines.sql("SHOW server_version").split()[0],
        "Barman": machines.barman("--version").split()[0],
        "rsync": machines.on(BACKUP, "rsync", "--version").split()[2],
        "Python there": machines.on(PG, "python3", "--version").split()[1],
    }


if __name__ == "__main__":
    sys.exit(main())
