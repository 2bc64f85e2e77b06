# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the state of Ansible's asynchronous jobs on their host: result files, processes, boot id.

This module util is private to the collection.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .proc import process_arguments, process_ids
from .process import HostError

_BOOT_ID = "sys/kernel/random/boot_id"


@dataclass(frozen=True)
class KnownJob:
    """job_id: Ansible's. session: the session of its processes, as an earlier look found it."""

    job_id: str
    session: int | None = None


@dataclass(frozen=True)
class JobFacts:
    """processes: those of Ansible's wrapper. remaining: others of the same session, if the wrapper has ended."""

    job_id: str
    finished: bool
    processes: list[int]
    session: int | None
    remaining: list[int]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def boot_id(proc: str = "/proc") -> str | None:
    """The kernel's id of this boot; None if it can't be read."""
    try:
        with open(os.path.join(proc, _BOOT_ID), encoding="ascii") as stream:
            return stream.read().strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def observe_data_directory(jobs: Sequence[KnownJob], directory: str, proc: str = "/proc") -> list[JobFacts]:
    """The facts of each job, in the same order. directory: where Ansible keeps the results of jobs.

    Raises HostError if an id is not one of Ansible's, or a result can't be read.
    """
    for job in jobs:
        if os.path.basename(job.job_id) != job.job_id or job.job_id in ("", ".", ".."):
            raise HostError(f"'{job.job_id}' is not the id of an asynchronous job")
    # Before the results: a process that is gone here has written its result.
    processes = _processes(proc)
    return [_facts(job, directory, processes) for job in jobs]


def _facts(job: KnownJob, directory: str, processes: dict[int, tuple[int, list[str]]]) -> JobFacts:
    # Ansible's wrapper has the id as an argument, without the number behind the dot: that process ends at once.
    token = job.job_id.split(".")[0]
    wrappers = sorted(pid for pid, (_session, argv) in processes.items() if token in argv[1:])
    session = processes[wrappers[0]][0] if wrappers else job.session
    remaining: list[int] = []
    if not wrappers and session is not None:
        remaining = sorted(pid for pid, (other, _argv) in processes.items() if other == session)
    return JobFacts(
        job_id=job.job_id,
        finished=_finished(os.path.join(directory, job.job_id)),
        processes=wrappers,
        session=session,
        remaining=remaining,
    )


def _finished(path: str) -> bool:
    """Whether the file has a complete result: Ansible's wrapper writes "started" into it first."""
    try:
        with open(path, encoding="utf-8") as stream:
            state = json.load(stream)
    except (FileNotFoundError, ValueError):
        return False
    except OSError as exc:
        raise HostError(f"the result of the job in {path} can't be read: {exc.strerror}") from None
    return isinstance(state, dict) and ("started" not in state or bool(state.get("finished")))


def _processes(proc: str) -> dict[int, tuple[int, list[str]]]:
    """Session and arguments of each process, by its number. A zombie has no arguments and is left out."""
    found: dict[int, tuple[int, list[str]]] = {}
    for pid in process_ids(proc):
        argv = process_arguments(pid, proc)
        if not argv:
            continue
        try:
            with open(os.path.join(proc, str(pid), "stat"), encoding="utf-8", errors="replace") as stream:
                # The name in parentheses may contain anything.
                found[pid] = (int(stream.read().rpartition(")")[2].split()[3]), argv)
        except (OSError, ValueError, IndexError):
            continue
    return found
