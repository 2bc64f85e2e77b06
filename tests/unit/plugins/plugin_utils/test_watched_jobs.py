# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs in the background, without a host: values to values."""

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.module_utils._host.jobs import JobObservation, JobState, Verdict
from ansible_collections.pgdr.barman.plugins.plugin_utils.watched_jobs import (
    WatchedJob,
    answered,
    failure_message,
    in_background,
    progress_line,
    unanswered,
    with_result,
    without_result,
    work,
)

JOB = WatchedJob("j1", "pg")
COPYING = {"operation": "backup", "server": "pg", "phase": "copying", "bytes_done": 10, "bytes_total": 20}


def answer(*operations: dict[str, Any], **facts: Any) -> dict[str, Any]:
    job = {"finished": False, "processes": [11, 12], "session": 10, "remaining": [], **facts}
    return {"boot_id": "first", "jobs": [job], "operations": list(operations)}


def test_only_jobs_with_an_id_run_in_the_background() -> None:
    jobs: list[dict[str, Any]] = [{"changed": True}, {"ansible_job_id": "j2"}]
    assert in_background(jobs, ["one", "two"]) == {1: WatchedJob("j2", "two")}


def test_an_answer_adds_an_observation_and_leaves_the_job_as_it_was() -> None:
    (job,) = answered([JOB], answer(COPYING), 5.0)
    assert (job.session, job.phases) == (10, ("backup copying",))
    assert job.last == JobObservation(
        5.0, boot_id="first", processes=(11, 12), activity="backup: copying, 10 bytes of 20 bytes"
    )
    assert JOB.observations == ()


def test_the_session_of_the_last_answer_stays_while_the_host_is_away() -> None:
    (job,) = answered([JOB], answer(COPYING), 5.0)
    away = unanswered(job, "no route", 9.0)
    assert (away.session, away.phases, away.last) == (10, (), JobObservation(9.0, error="no route"))
    assert len(away.observations) == 2


def test_work_is_the_same_until_a_phase_or_the_connection_changes() -> None:
    copying, later = answered([JOB], answer(COPYING), 1.0), answered([JOB], answer({**COPYING, "bytes_done": 15}), 2.0)
    assert work(copying) == work(later)
    assert work(copying) != work(answered([JOB], answer({**COPYING, "phase": "finishing"}), 3.0))
    assert work(copying) != work([unanswered(JOB, "no route", 3.0)])


def test_a_line_of_progress_has_every_job_and_the_time() -> None:
    jobs = [*answered([JOB], answer(COPYING), 1.0), *answered([WatchedJob("j2", "other")], answer(COPYING), 1.0)]
    assert progress_line(jobs, 125.0) == "pg: backup: copying, 10 bytes of 20 bytes; other: runs (2 min)"


def test_a_line_of_progress_has_the_connection_error() -> None:
    line = progress_line([unanswered(JOB, "no route\n", 1.0)], 125.0)
    assert line == "no answer (no route); the job goes on without the connection"


def test_a_result_means_that_the_job_is_over() -> None:
    assert with_result({"changed": True}) == {"changed": True, "job_state": "done", "job_over": True}


def lost(state: JobState, *, remaining: tuple[int, ...] = ()) -> dict[str, Any]:
    (copying,) = answered([JOB], answer(COPYING), 1.0)
    (gone,) = answered([copying], answer(processes=[], remaining=list(remaining)), 31.0)
    return without_result(gone, Verdict(state, final=True, reason="it is gone"), "backup-eu")


def test_a_job_without_a_result_fails_with_what_was_observed_last() -> None:
    result = lost(JobState.DEAD)
    assert result["msg"].startswith(
        "The background job of pg on backup-eu has no result: it is gone. Last observed 30 s before that: "
        "backup: copying, 10 bytes of 20 bytes. Find the cause on backup-eu"
    )
    assert (result["failed"], result["ansible_job_id"], result["job_state"]) == (True, "j1", "dead")


def test_a_job_is_over_only_if_it_is_dead_and_nothing_of_it_remains() -> None:
    assert lost(JobState.DEAD)["job_over"] is True
    assert lost(JobState.DEAD, remaining=(13,))["job_over"] is False
    assert lost(JobState.OVERDUE)["job_over"] is False


def test_a_message_names_the_server_if_there_are_several_jobs() -> None:
    failed = {"failed": True, "msg": "no room"}
    assert failure_message([failed], ["pg"]) == "no room"
    assert failure_message([failed, {"changed": True}, {"failed": True}], ["a", "b", "c"]) == (
        "a: no room; c: the job failed without a message"
    )
    assert failure_message([{"changed": True}], ["pg"]) == ""
