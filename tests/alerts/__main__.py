# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: python -m tests.alerts."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.alerts import catalog_cases, host_cases, report, wal_cases
from tests.alerts.fault import BACKUP, Fault, Shell
from tests.alerts.measure import concerned, measure, watch_quiet
from tests.alerts.report import Measured, Quiet, Results
from tests.alerts.site import HERE, Site, show
from tests.alerts.watching import Alert
from tests.matrix.machines import Failed
from tests.tools.results import ResultsFile, add_arguments, exit_status

RESULTS = ResultsFile(HERE / "results.json", report.from_json, report.to_json, report.merged)
LANES: dict[str, tuple[Fault, ...]] = {**catalog_cases.LANES, **wal_cases.LANES, **host_cases.LANES}
PROVEN = (
    "runuser -u barman -- pgdr-barman drill {0} --quiet; runuser -u barman -- pgdr-barman verify --everything --quiet"
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    return exit_status("alerts", lambda: run(options), Failed)


def run(options: argparse.Namespace) -> bool:
    """Whether everything that was run passed. Raises Failed."""
    found = Results()
    with tempfile.TemporaryDirectory(prefix="pgdr-alerts-") as scratch, ThreadPoolExecutor() as pool:
        parts = {"faults": run_faults, "quiet": run_quiet}
        chosen = () if options.render else options.part or list(parts)
        running = [pool.submit(parts[name], Path(scratch) / name, options) for name in chosen]
        for one in running:
            found = report.merged(found, one.result())
    table = report.markdown(RESULTS.save(found))
    print(table)
    report.SECTION.write(options.output, table)
    print("passed" if found.passed else "failed")
    return found.passed


def run_faults(scratch: Path, options: argparse.Namespace) -> Results:
    """The faults of each lane one after another, and the lanes at the same time."""
    site = Site("faults", scratch, "alerts-watcher", (BACKUP, host_cases.SECOND, host_cases.THIRD))
    lanes = {name: [one for one in faults if options.only in (None, one.alert)] for name, faults in LANES.items()}
    begun = time.monotonic()
    try:
        if not options.prepared:
            site.prepare()
            site.run(Shell(BACKUP, PROVEN.format("catalog-5")))
            site.wait_until_ready()
        show("faults: begin")
        begun = time.monotonic()
        with ThreadPoolExecutor(len(lanes)) as pool:
            measured = [one for lane in pool.map(partial(run_lane, site), lanes.values()) for one in lane]
        fired = site.alertmanager.fired(time.monotonic() - begun)
    finally:
        if not options.keep:
            site.machines.down()
    return Results(tuple(measured), tuple(strays(fired, site)))


def run_lane(site: Site, faults: Sequence[Fault]) -> list[Measured]:
    found = []
    for fault in faults:
        try:
            found.append(measure(fault, site.stage()))
        except (Failed, OSError) as failure:
            show(f"{fault.alert} of {fault.server}: {failure}")
            found.append(Measured(fault.alert, fault.what, fault.server, problem=str(failure)))
        # A run that is interrupted keeps what it measured.
        RESULTS.save(Results((found[-1],)))
    return found


def strays(fired: Sequence[Alert], site: Site) -> list[str]:
    """The alerts of servers that no fault concerns. Those of the others are in the results of their faults."""
    faults = [fault for lane in LANES.values() for fault in lane]
    known = {alert for fault in faults for alert in concerned(fault, fired, site.instance(fault.machine))}
    return sorted(str(alert) for alert in set(fired) - known)


def run_quiet(scratch: Path, options: argparse.Namespace) -> Results:
    """Do nothing for that time: the servers write, and cron does what it does."""
    site = Site("quiet", scratch, "quiet-watcher", ("quiet-backup", "quiet-passive"))
    count = "ls /var/lib/barman/*/meta | grep -c backup.info"
    try:
        if not options.prepared:
            site.prepare()
            site.run(Shell("quiet-backup", PROVEN.format("streamed")))
        site.wait_until_ready()
        show(f"quiet: begin of {options.quiet} minutes")
        begun, before = time.monotonic(), int(site.machines.shell("quiet-backup", count))
        found = watch_quiet(site.stage(), options.quiet)
        fired = site.alertmanager.fired(time.monotonic() - begun)
        backups = int(site.machines.shell("quiet-backup", count)) - before
    finally:
        if not options.keep:
            site.machines.down()
    return Results(quiet=Quiet(options.quiet, 4, backups, tuple(sorted({*found, *map(str, fired)}))))


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m tests.alerts", description="Cause each fault, and measure its alert in real time."
    )
    found.add_argument("--part", action="append", choices=["faults", "quiet"], help="this part alone")
    found.add_argument("--only", metavar="ALERT", help="the faults of this alert alone")
    found.add_argument("--quiet", type=int, default=60, metavar="MINUTES", help="how long nothing is done (60)")
    found.add_argument(
        "--prepared", action="store_true", help="the machines are up and deployed, from a run with --keep"
    )
    add_arguments(found)
    return found


if __name__ == "__main__":
    sys.exit(main())
