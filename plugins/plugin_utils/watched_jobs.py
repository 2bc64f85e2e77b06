# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs in the background that an action waits for: what was observed of them, and what follows from it.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.pgdr.barman.plugins.module_utils._host.jobs import (
    JobObservation,
    JobState,
    Verdict,
    activity,
    advice,
    duration,
)


@dataclass(frozen=True)
class WatchedJob:
    """A job, and what was observed of it, oldest first. phases: of its work now, without numbers that grow."""

    job_id: str
    server: str
    session: int | None = None
    observations: tuple[JobObservation, ...] = ()
    phases: tuple[str, ...] = ()

    @property
    def last(self) -> JobObservation:
        return self.observations[-1]


def in_background(jobs: Sequence[Mapping[str, Any]], servers: Sequence[str]) -> dict[int, WatchedJob]:
    """Those that run in the background, by their numbers. Another one was reported by its own task."""
    return {
        number: WatchedJob(str(job["ansible_job_id"]), server)
        for number, (job, server) in enumerate(zip(jobs, servers, strict=True))
        if job.get("ansible_job_id")
    }


def unanswered(job: WatchedJob, error: str, now: float) -> WatchedJob:
    """The job after a query of a host that gave no answer."""
    return replace(job, observations=(*job.observations, JobObservation(now, error=error)), phases=())


def answered(jobs: Sequence[WatchedJob], answer: Mapping[str, Any], now: float) -> list[WatchedJob]:
    """The jobs after an answer of module job_info, which has them in the same order."""
    found = []
    for job, facts in zip(jobs, answer["jobs"], strict=True):
        text, phases = activity(answer["operations"], job.server)
        observation = JobObservation(
            now,
            boot_id=answer["boot_id"],
            finished=facts["finished"],
            processes=tuple(facts["processes"]),
            remaining=tuple(facts["remaining"]),
            activity=text,
        )
        observations = (*job.observations, observation)
        found.append(replace(job, session=facts["session"], observations=observations, phases=phases))
    return found


def work(jobs: Sequence[WatchedJob]) -> list[tuple[str, bool, tuple[str, ...]]]:
    """What is done now: the server of each job, whether its host answered, and the phases."""
    return [(job.server, job.last.error is None, job.phases) for job in jobs]


def progress_line(jobs: Sequence[WatchedJob], elapsed: float) -> str:
    """A line of progress for people."""
    error = jobs[0].last.error
    if error is not None:
        return f"no answer ({error.strip()}); the job goes on without the connection"
    texts = (f"{job.server}: {job.last.activity or 'runs'}" for job in jobs)
    return f"{'; '.join(texts)} ({duration(elapsed)})"


def with_result(result: Mapping[str, Any]) -> dict[str, Any]:
    """The result that a job has written, as the action returns it."""
    return {**result, "job_state": JobState.DONE.value, "job_over": True}


def without_result(job: WatchedJob, verdict: Verdict, host: str) -> dict[str, Any]:
    """The result of a job that has written none: a failure with the reason, what was observed last, and what to do."""
    remaining = job.last.remaining
    working = next((item for item in reversed(job.observations) if item.activity), None)
    observed = ""
    if working is not None:
        observed = f" Last observed {duration(job.last.time - working.time)} before that: {working.activity}."
    return {
        "failed": True,
        "changed": False,
        "msg": (
            f"The background job of {job.server} on {host} has no result: {verdict.reason}.{observed} "
            f"{advice(verdict, host, remaining)}."
        ),
        "ansible_job_id": job.job_id,
        "job_state": verdict.state.value,
        "job_over": verdict.state is JobState.DEAD and not remaining,
    }


def failure_message(jobs: Sequence[Mapping[str, Any]], servers: Sequence[str]) -> str:
    """The messages of the jobs that failed, each with its server if there are several jobs; "" if none did."""
    messages = [
        (server, str(job.get("msg") or "the job failed without a message"))
        for server, job in zip(servers, jobs, strict=True)
        if job.get("failed")
    ]
    return "; ".join(text if len(jobs) == 1 else f"{server}: {text}" for server, text in messages)
