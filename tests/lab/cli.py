# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of `python -m tests.lab`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

from . import evidence, images, machines, network
from .host import STATE, CannotRun, LabError, cgroup_root, lock, log, memory, prepare, require_root, state_lock
from .machines import Record
from .spec import IMAGES, Lab, SpecError, clashes, parse

CANNOT_RUN = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return int(options.command(options) or 0)
    except CannotRun as error:
        print(
            f"This machine can't run the lab: {error}; `make check`, `make package` and `make sanity` work without it.",
            file=sys.stderr,
        )
        return CANNOT_RUN
    except (LabError, SpecError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; `up` goes on from here, `down` takes away what is there", file=sys.stderr)
        return INTERRUPTED


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    top = argparse.ArgumentParser(
        prog="python -m tests.lab", description="Real Debian machines on one machine. See docs/lab.md."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: Callable[[argparse.Namespace], object], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=function)
        return added

    command("check", _check, "say whether this machine can run the lab; installs the Debian packages that it needs")
    added = command("up", _up, "bring a lab's machines up; what is up already stays")
    added.add_argument("file", help="the lab file")
    added.add_argument("--timeout", type=float, default=180, help="seconds for each machine (default: %(default)s)")
    added = command("down", _down, "take a lab's machines away, and all that belongs to them")
    which = added.add_mutually_exclusive_group(required=True)
    which.add_argument("lab", nargs="?", help="the lab file, or the lab's name")
    which.add_argument("--all", action="store_true", help="all labs")
    added.add_argument("--prefix", default="", help="with --all: only the labs whose name begins so")
    added = command("status", _status, "list all machines")
    added.add_argument("--json", action="store_true", help="as JSON")
    added = command(
        "exec",
        _exec,
        "run a command as root in a machine, by way of the host: works without its network; no command: a shell",
    )
    added.add_argument("machine", help="its name, or LAB/NAME")
    added.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the command and its arguments")
    added = command("collect", _collect, "copy the machines' logs to a directory, one below it for each machine")
    added.add_argument("lab", help="the lab's name")
    added.add_argument("directory", type=Path, help="where to; existing files are replaced")
    added = command("image", _image, "build or list images")
    added.add_argument("action", choices=["build", "list"])
    added.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(IMAGES)}")
    for name, text in (
        ("cut", "cut the network between two machines, or all of one's"),
        ("heal", "mend what `cut` cut"),
    ):
        added = command(name, _cut if name == "cut" else _heal, text)
        added.add_argument("machine")
        added.add_argument(
            "other", nargs="?", help="without it: the machine is cut off from everything, the host included"
        )
    command("power-off", _power_off, "kill a machine's processes as a power cut does; its disks stay").add_argument(
        "machine"
    )
    added = command("power-on", _power_on, "boot a machine again")
    added.add_argument("machine")
    added.add_argument("--timeout", type=float, default=180, help="seconds (default: %(default)s)")
    for name, text in (
        ("fill", "fill a disk that the lab file gave to a machine"),
        ("free", "free what `fill` filled"),
    ):
        added = command(name, _fill if name == "fill" else _free, text)
        added.add_argument("machine")
        added.add_argument("path", help="where the disk is mounted")
    return top


def read(path: str) -> Lab:
    """The lab in a file."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise LabError(f"can't read {path}: {error.strerror}") from error
    return parse(text, path)


def changing(lab: str) -> AbstractContextManager[None]:
    """Only one process at a time changes a lab."""
    return lock(STATE / f"lab-{lab}.lock", f"it is changing lab {lab}")


def in_parallel(work: Callable[[Record], None], records: Sequence[Record]) -> None:
    """Does it for all machines at once; every problem is reported."""
    problems = []
    with ThreadPoolExecutor(max_workers=max(1, len(records))) as pool:
        futures = [pool.submit(work, record) for record in records]
        try:
            for future in futures:
                error = future.exception()
                if isinstance(error, LabError):
                    problems.append(str(error))
                elif error is not None:
                    raise error
        except BaseException:
            machines.stopping.set()
            raise
    if problems:
        raise LabError("\n".join(problems))


def _check(_options: argparse.Namespace) -> None:
    prepare()
    print("This machine can run the lab.")


def _up(options: argparse.Namespace) -> None:
    lab = read(options.file)
    prepare()
    with changing(lab.name):
        with state_lock():
            existing = machines.records()
            problems = clashes(lab.machines, (record.machine for record in existing))
            if problems:
                raise LabError("\n".join(problems))
            prepared = {record.machine.label: record for record in existing if record.prepared}
            chosen = [
                prepared.get(machine.label) or Record(machine, images.directory(machine.image) / "root")
                for machine in lab.machines
            ]
            if not machines.records():
                machines.hold_in_memory(memory())
            for record in chosen:
                record.save()
            network.open_shared()
            machines.share_bytecode()
        for image in sorted({record.machine.image for record in chosen if not record.prepared}):
            _ensure(image)
        log(f"lab {lab.name}: bringing up {', '.join(record.machine.name for record in chosen)}")

        def bring_up(record: Record) -> None:
            neighbours = [machine for machine in lab.machines if lab.resolve_names and machine != record.machine]
            machines.bring_up(record, neighbours, options.timeout)

        in_parallel(bring_up, chosen)


def _ensure(image: str) -> None:
    records = machines.records()
    claimed = {str(record.image.parent) for record in records}
    images.ensure(image, claimed=claimed, standing={str(record.image.parent) for record in records if record.prepared})


def _down(options: argparse.Namespace) -> None:
    require_root()
    labs = {record.machine.lab for record in machines.records()}
    if options.all:
        labs = {lab for lab in labs if lab.startswith(options.prefix)}
    else:
        if options.prefix:
            raise LabError("--prefix goes with --all")
        labs = {read(options.lab).name if Path(options.lab).is_file() else options.lab}
    for lab in sorted(labs):
        with changing(lab):
            in_parallel(machines.remove, [record for record in machines.records() if record.machine.lab == lab])
        remove_directory(machines.MACHINES / lab)
    with state_lock():
        machines.write_known_hosts()
        if not machines.records():
            network.close_shared()
            machines.forget_bytecode()
            machines.free_memory()
            machines.remove_group(cgroup_root() / "pgdr-lab")


def remove_directory(path: Path) -> None:
    """Removes an empty directory."""
    if path.exists():
        path.rmdir()


def _status(options: argparse.Namespace) -> None:
    require_root()
    records = machines.records()
    rows = []
    for record in records:
        machine = record.machine
        rows.append(
            {
                "machine": machine.label,
                "state": "up" if record.running else "off",
                "address": machine.address,
                "image": machine.image,
                "zone": machine.zone,
                "cut_from": network.cuts(machine, [other.machine for other in records]),
                "disks": [disk.path for disk in machine.disks],
            }
        )
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        cut = f"  cut from {', '.join(row['cut_from'])}" if row["cut_from"] else ""
        print(f"{row['machine']:30} {row['state']:4} {row['address']:15} {row['image']:9} {row['zone']}{cut}")
    if not rows:
        print("no machine")


def _exec(options: argparse.Namespace) -> None:
    require_root()
    record = machines.find(options.machine, machines.records())
    argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    environment = [f"TERM={os.environ['TERM']}"] if "TERM" in os.environ else []
    command = machines.inside(record, argv or ["bash", "--login"], environment)
    sys.stdout.flush()
    os.execvp(command[0], command)


def _collect(options: argparse.Namespace) -> None:
    require_root()
    in_parallel(
        lambda record: evidence.collect(record, options.directory / record.machine.name),
        [record for record in machines.records() if record.machine.lab == options.lab],
    )


def _image(options: argparse.Namespace) -> None:
    if options.action == "build":
        unknown = [name for name in options.names if name not in IMAGES]
        if unknown or not options.names:
            raise LabError(f"name images of: {', '.join(IMAGES)}" + (f"; not: {', '.join(unknown)}" if unknown else ""))
        prepare()
        for name in options.names:
            _ensure(name)
        return
    for row in images.listing():
        if not options.names or row["image"] in options.names:
            print(f"{row['image']:9} {row['state']:7} {row['path']}")


def _pair(options: argparse.Namespace) -> tuple[Record, Record | None]:
    require_root()
    records = machines.records()
    one = machines.find(options.machine, records)
    # The other one's plain name is looked for in the same lab first.
    same = [record for record in records if record.machine.lab == one.machine.lab]
    other = None
    if options.other is not None:
        other = machines.find(
            options.other, same if any(record.machine.name == options.other for record in same) else records
        )
    if other == one:
        raise LabError(f"{one.machine.label} can't be cut from itself")
    return one, other


def _cut(options: argparse.Namespace) -> None:
    one, other = _pair(options)
    network.cut(one.machine, other.machine if other else None)


def _heal(options: argparse.Namespace) -> None:
    one, other = _pair(options)
    network.heal(one.machine, other.machine if other else None)


def _power_off(options: argparse.Namespace) -> None:
    require_root()
    machines.kill(machines.find(options.machine, machines.records()))


def _power_on(options: argparse.Namespace) -> None:
    require_root()
    record = machines.find(options.machine, machines.records())
    with changing(record.machine.lab):
        machines.bring_up(record, (), options.timeout)


def _fill(options: argparse.Namespace) -> None:
    require_root()
    record = machines.find(options.machine, machines.records())
    log(f"{record.machine.label}:{options.path}: {machines.fill(record, options.path)} bytes filled, none free")


def _free(options: argparse.Namespace) -> None:
    require_root()
    machines.free(machines.find(options.machine, machines.records()), options.path)
