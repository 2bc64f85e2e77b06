# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one needs to find out why a scenario failed: logs, journals and Barman's directories, copied from a lab's machines."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from . import machines
from .host import LabError, run
from .machines import Record

LOGS = ("var/log/barman/*", "var/log/postgresql/*")
LISTED = ("/var/lib/barman", "/srv", "/var/log/barman", "/var/log/postgresql")
"""Where the scenarios have Barman's homes, and the directories of its logs."""
JOURNAL_LINES = 400
LARGEST = 4 * 1024**2
"""Bytes of a log that are kept, from its end."""
TIMEOUT = 60.0


def collect(record: Record, target: Path) -> None:
    """Copy a machine's logs to a directory. A machine that is off has the logs that it wrote before; nothing else is asked of it."""
    pid = machines.leader(record)
    root = record.directory / "upper" if pid is None else Path(f"/proc/{pid}/root")
    target.mkdir(parents=True, exist_ok=True)
    copy_logs(root, target)
    if pid is None:
        journal = ["journalctl", f"--directory={root}/var/log/journal"]
    else:
        journal = machines.inside(record, ["journalctl"])
        _write(target / "files.txt", machines.inside(record, ["ls", "-lR", "--time-style=full-iso", *LISTED]))
        _write(
            target / "processes.txt",
            machines.inside(record, ["ps", "-eo", "lstart,user,pid,ppid,stat,args", "--forest"]),
        )
    _write(target / "journal.txt", [*journal, "--no-pager", f"--lines={JOURNAL_LINES}"])
    if (record.directory / "console.log").exists():
        copy_end(record.directory / "console.log", target / "console.log")


def copy_logs(root: Path, target: Path) -> None:
    """Copy the logs below a machine's root directory. Links are not followed: they would point to the host's files."""
    for pattern in LOGS:
        for path in sorted(root.glob(pattern)):
            if stat.S_ISREG(path.lstat().st_mode):
                copy_end(path, target / path.relative_to(root).parent.name / path.name)


def copy_end(path: Path, target: Path, largest: int = LARGEST) -> None:
    """Copy a file, or so many bytes from its end."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as source, target.open("wb") as copy:
        source.seek(max(0, os.fstat(source.fileno()).st_size - largest))
        shutil.copyfileobj(source, copy)


def _write(target: Path, argv: Sequence[str]) -> None:
    """Write what a command prints, or why it could not be run: the rest is still worth having."""
    try:
        text = run(argv, check=False, timeout=TIMEOUT).stdout
    except LabError as error:
        text = f"{error}\n"
    target.write_text(text, encoding="utf-8")
