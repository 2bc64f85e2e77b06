# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judging Ansible's asynchronous jobs by what was observed of them on their host, and phrasing their progress.

This module util is private to the collection. It is pure: job_files reads the host, and the action wait_for_jobs waits.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .sizes import human_size

#: Seconds between two queries: a tenth of the time that has passed, within these bounds. A dead job is so reported within a minute.
SHORTEST_INTERVAL, LONGEST_INTERVAL = 2.0, 30.0
#: Seconds between two lines of progress: a third of the time that has passed, within these bounds.
_SHORTEST_SILENCE, _LONGEST_SILENCE = 10.0, 1800.0


class JobState(enum.Enum):
    """What is known of a job. WAITING and UNREACHABLE may change, if the verdict is not final."""

    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"
    UNREACHABLE = "unreachable"
    OVERDUE = "overdue"


@dataclass(frozen=True)
class JobObservation:
    """An observation of a job. time: seconds of any steady clock. error: why the host could not be queried; then

    nothing else is known.
    finished: whether the result is complete. processes: those of Ansible's wrapper, which writes the result.
    remaining: those of the job that run without the wrapper. activity: its progress as text, "" if unknown.
    """

    time: float
    error: str | None = None
    boot_id: str | None = None
    finished: bool = False
    processes: tuple[int, ...] = ()
    remaining: tuple[int, ...] = ()
    activity: str = ""


@dataclass(frozen=True)
class Verdict:
    """final: waiting longer changes nothing, or is not allowed. reason: a sentence, "" if there is nothing to explain."""

    state: JobState
    final: bool
    reason: str = ""


def verdict_on(observations: Sequence[JobObservation], *, timeout: float, unreachable_timeout: float) -> Verdict:
    """The job's state after these observations, oldest first, at least one.

    timeout: seconds from the first observation until an unfinished job is overdue.
    unreachable_timeout: seconds without an answer of the host until the wait ends.
    """
    first, last = observations[0], observations[-1]
    if last.error is not None:
        answered = [item.time for item in observations if item.error is None]
        silence = last.time - (answered[-1] if answered else first.time)
        return Verdict(JobState.UNREACHABLE, silence >= min(timeout, unreachable_timeout), _unreachable(last, silence))
    if last.finished:
        return Verdict(JobState.DONE, final=True)
    boot_ids = [item.boot_id for item in observations if item.error is None and item.boot_id]
    if last.boot_id and boot_ids[0] != last.boot_id:
        return Verdict(
            JobState.DEAD, final=True, reason=f"the host was restarted: its boot id is not {boot_ids[0]} any more"
        )
    if not last.processes:
        return Verdict(JobState.DEAD, final=True, reason=_reason_if_gone(observations))
    if last.time - first.time >= timeout:
        reason = f"the job has no result after {last.time - first.time:.0f} s, and its process {last.processes[0]} still runs"
        return Verdict(JobState.OVERDUE, final=True, reason=reason)
    return Verdict(JobState.WAITING, final=False)


def advice(verdict: Verdict, host: str, remaining: Sequence[int]) -> str:
    """What to do about a job that has no result."""
    if remaining:
        numbers = ", ".join(map(str, remaining))
        return (
            f"On {host}, process {numbers} of the job still runs: wait until it has ended, then run the playbook again"
        )
    if verdict.state is JobState.DEAD:
        return (
            f"Find the cause on {host} (the system log: a restart, a killed process, no free memory; df: a full disk; "
            "Barman's log). Then run the playbook again"
        )
    return f"The job may still run on {host}: read Barman's log and check the processes there before you run the playbook again"


def interval(elapsed: float) -> float:
    """Seconds until the next query."""
    return min(max(SHORTEST_INTERVAL, elapsed / 10), LONGEST_INTERVAL)


class Announcer:
    """Decides when a line of progress is shown: at once if the work changed, else at growing intervals."""

    def __init__(self) -> None:
        self._work: object = None
        self._shown = float("-inf")

    def due(self, elapsed: float, work: object) -> bool:
        """Whether to show a line now. work: what is done now, without numbers that grow."""
        silence = min(max(_SHORTEST_SILENCE, elapsed / 3), _LONGEST_SILENCE)
        if work == self._work and elapsed - self._shown < silence:
            return False
        self._work, self._shown = work, elapsed
        return True


def activity(operations: Sequence[Mapping[str, Any]], server: str) -> tuple[str, tuple[str, ...]]:
    """The running operations of a server as text ("" if there is none), and their phases, without numbers that grow."""
    own = [item for item in operations if item.get("server") == server or server in item.get("servers", ())]
    return ", ".join(map(_operation, own)), tuple(f"{item['operation']} {item.get('phase')}" for item in own)


def duration(seconds: float) -> str:
    """A time span for people, such as 59 s, 12 min, 3 h 20 min."""
    minutes = int(seconds) // 60
    if minutes < 2:
        return f"{int(seconds)} s"
    return f"{minutes} min" if minutes < 60 else "{} h {} min".format(*divmod(minutes, 60))


def _operation(state: Mapping[str, Any]) -> str:
    text = f"{state['operation']}: {state.get('phase') or 'started'}"
    if isinstance(state.get("phase_duration"), (int, float)):
        text += f" for {duration(state['phase_duration'])}"
    if isinstance(state.get("bytes_done"), (int, float)):
        text += f", {human_size(state['bytes_done'])}"
        if isinstance(state.get("bytes_total"), (int, float)):
            text += f" of {human_size(state['bytes_total'])}"
    elif isinstance(state.get("segments_done"), int) and isinstance(state.get("segments_total"), int):
        text += f", {state['segments_done']} of {state['segments_total']} WAL segments"
    return text


def _unreachable(last: JobObservation, silence: float) -> str:
    return f"the host has not answered for {duration(silence)}: {(last.error or '').strip().rstrip('.')}"


def _reason_if_gone(observations: Sequence[JobObservation]) -> str:
    known = [item.processes[0] for item in observations if item.processes]
    which = f"the job's process {known[-1]} has ended" if known else "the job has no process"
    return which + " without a result: it was killed, or could not write its result"
